/* descriptor.c - descriptors of a plugin's own that the loop looks after. */
#include "plugins/host/host.h"

struct descriptor {
    struct item item;
    uv_poll_t uv;
    zooid_plugin_descriptor_fn *ready;
    void *context;
};

static const struct {
    unsigned ours;
    int uvs;
} rows[] = {
    {ZOOID_PLUGIN_READABLE, UV_READABLE},
    {ZOOID_PLUGIN_WRITABLE, UV_WRITABLE},
    {ZOOID_PLUGIN_HANGUP, UV_DISCONNECT},
};

static void closed(uv_handle_t *handle)
{
    item_free(handle->data);
}

static void descriptor_cancel(struct item *item)
{
    uv_close((uv_handle_t *)&((struct descriptor *)(void *)item)->uv, closed);
}

static const struct item_kind descriptor_kind = {descriptor_cancel, NULL};

static void looked(uv_poll_t *uv, int status, int events)
{
    struct descriptor *d = uv->data;
    unsigned ready = status == 0 ? 0 : ZOOID_PLUGIN_HANGUP;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if ((events & rows[i].uvs) != 0)
            ready |= rows[i].ours;
    if (status != 0)
        (void)uv_poll_stop(uv); /* else it would be told for ever */
    if (d->item.handle != 0)
        d->ready(d->context, ready);
}

static int want(struct descriptor *d, unsigned wanted)
{
    int events = 0;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if ((wanted & rows[i].ours) != 0)
            events |= rows[i].uvs;
    return events == 0 ? uv_poll_stop(&d->uv) : uv_poll_start(&d->uv, events, looked);
}

static zooid_handle refuse(zooid_host *host, int descriptor, const char *why)
{
    host_log(host, ZOOID_PLUGIN_ERROR, "descriptor %d: %s", descriptor, why);
    return 0;
}

zooid_handle descriptor_begin(zooid_host *host, int descriptor, unsigned wanted, zooid_plugin_descriptor_fn *ready,
                              void *context)
{
    if (ready == NULL)
        return refuse(host, descriptor, "there is no function to tell");
    struct descriptor *d = item_new(host, &descriptor_kind, sizeof *d);
    if (d == NULL)
        return 0;
    int failed = uv_poll_init(host->around.loop, &d->uv, descriptor);
    if (failed != 0) {
        item_free(&d->item);
        return refuse(host, descriptor, uv_strerror(failed));
    }
    d->uv.data = d;
    d->ready = ready;
    d->context = context;
    failed = want(d, wanted);
    if (failed == 0)
        return d->item.handle;
    item_cancel(host, d->item.handle);
    return refuse(host, descriptor, uv_strerror(failed));
}

int descriptor_want(zooid_host *host, zooid_handle handle, unsigned wanted)
{
    struct descriptor *d = item_find(host, handle, &descriptor_kind);
    return d != NULL && want(d, wanted) == 0 ? ZOOID_PLUGIN_OK : ZOOID_PLUGIN_BAD_ARGUMENTS;
}
