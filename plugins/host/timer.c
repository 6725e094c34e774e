/* timer.c - timers of plugins. */
#include "plugins/host/host.h"

struct timer {
    struct item item;
    uv_timer_t uv;
    zooid_plugin_timer_fn *fire;
    void *context;
};

static void closed(uv_handle_t *handle)
{
    item_free(handle->data);
}

static void timer_cancel(struct item *item)
{
    uv_close((uv_handle_t *)&((struct timer *)(void *)item)->uv, closed);
}

static const struct item_kind timer_kind = {timer_cancel, NULL};

static void fired(uv_timer_t *uv)
{
    struct timer *timer = uv->data;
    if (timer->item.handle == 0)
        return;
    if (uv_timer_get_repeat(uv) == 0) {
        item_retire(&timer->item);
        uv_close((uv_handle_t *)uv, closed);
    }
    timer->fire(timer->context);
}

zooid_handle timer_begin(zooid_host *host, uint32_t first_ms, uint32_t every_ms, zooid_plugin_timer_fn *fire,
                         void *context)
{
    struct timer *timer = fire == NULL ? NULL : item_new(host, &timer_kind, sizeof *timer);
    if (timer == NULL)
        return 0;
    (void)uv_timer_init(host->around.loop, &timer->uv); /* these two cannot fail */
    timer->uv.data = timer;
    timer->fire = fire;
    timer->context = context;
    uv_update_time(host->around.loop);
    (void)uv_timer_start(&timer->uv, fired, first_ms, every_ms);
    return timer->item.handle;
}
