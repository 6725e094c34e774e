/* hold_ephemeral.c - ephemeral nodes of plugins: libzooid's, which make themselves again. */
#include "plugins/host/hold.h"

#include <stdlib.h>

/* So often, while a node is waited for, it is looked whether its owner is a process of the plugin that has begun its
 * session after this one was started. A small file is read; so that is no setting. */
enum { LOOK_MS = 100 };

static void look_for_heirlooms(uv_timer_t *timer);

static void begin_to_look(zooid_host *host)
{
    if (host->heir_timer != NULL || host->sessions_file == NULL)
        return;
    host->heir_timer = calloc(1, sizeof *host->heir_timer);
    if (host->heir_timer == NULL) {
        host_no_memory(host, "an ephemeral node was waited for");
        return;
    }
    (void)uv_timer_init(host->around.loop, host->heir_timer);
    host->heir_timer->data = host;
    (void)uv_timer_start(host->heir_timer, look_for_heirlooms, LOOK_MS, LOOK_MS);
}

static zooid_ticket wait(struct hold *hold)
{
    begin_to_look(hold->item.host);
    return zooid_ephemeral_submit_wait(hold->object, ZOOID_NO_DEADLINE, &hold->listener);
}

static zooid_ticket number(const struct hold *hold)
{
    return zooid_ephemeral_number(hold->object);
}

/* What is handed over stays where it is, and goes with the client. */
static void give_back(struct hold *hold)
{
    zooid_ephemeral_cancel(hold->object); /* answers what waits */
    if (!hold->item.host->hands_over)
        zooid_ephemeral_free(hold->object);
}

static const struct hold_row row = {wait, number, give_back};

static void look_for_heirlooms(uv_timer_t *timer)
{
    zooid_host *host = timer->data;
    bool is_news = session_read_before(host), any_waits = false;
    for (uint32_t i = 0; i < host->items.slot_count; i++) {
        const struct hold *hold = item_at(host, i, &hold_kind);
        if (hold == NULL || hold->row != &row || !hold->waits)
            continue;
        any_waits = true;
        if (is_news)
            (void)zooid_ephemeral_inherit(hold->object, host->sessions_before, host->sessions_before_count);
    }
    if (!any_waits)
        hold_ephemeral_end(host);
}

static void freed(uv_handle_t *handle)
{
    free(handle);
}

void hold_ephemeral_end(zooid_host *host)
{
    if (host->heir_timer != NULL)
        uv_close((uv_handle_t *)host->heir_timer, freed);
    host->heir_timer = NULL;
}

zooid_handle hold_ephemeral(zooid_host *host, const char *path, const void *data, size_t len,
                            zooid_plugin_hold_fn *held, void *context)
{
    struct hold *hold = path == NULL ? NULL : hold_new(host, &row, held, context);
    if (hold == NULL)
        return 0;
    zooid_ephemeral *ephemeral = zooid_ephemeral_new(host->client, path, data, len);
    if (ephemeral != NULL)
        (void)zooid_ephemeral_inherit(ephemeral, host->sessions_before, host->sessions_before_count);
    return hold_begin(hold, ephemeral);
}

int hold_ephemeral_set(zooid_host *host, zooid_handle handle, const void *data, size_t len)
{
    struct hold *hold = item_find(host, handle, &hold_kind);
    if (hold == NULL || hold->row != &row)
        return ZOOID_PLUGIN_BAD_ARGUMENTS;
    return zooid_ephemeral_set(hold->object, data, len);
}
