/* mirror.c - the subscription to all services, into the catalog. */
#include "plugins/discovery/discovery.h"

enum { KEEP_MS = 1000, KEEP_MORE_MS = 20 };

static void keep_fired(void *context)
{
    struct discovery *d = context;
    d->keep = 0;
    if (known_save(d))
        discovery_timer(d, &d->keep, KEEP_MORE_MS, keep_fired, d);
}

static void tick_fired(void *context);

/* After changes, and when a guard has something to look at. */
static void look(struct discovery *d)
{
    uint64_t now = d->api->now_ms(d->host), next = catalog_tick(d->catalog, now);
    if (next != 0)
        discovery_timer(d, &d->tick, next - now > UINT32_MAX ? UINT32_MAX : (uint32_t)(next - now), tick_fired, d);
    if (d->keep == 0)
        discovery_timer(d, &d->keep, KEEP_MS, keep_fired, d);
    discovery_status(d);
}

static void tick_fired(void *context)
{
    struct discovery *d = context;
    d->tick = 0;
    look(d);
}

static void changed(void *context, const struct zooid_plugin_change *change)
{
    struct discovery *d = context;
    const struct zooid_plugin_node *node = &change->node;
    uint64_t now = d->api->now_ms(d->host);
    switch (change->kind) {
    case ZOOID_PLUGIN_CREATED:
    case ZOOID_PLUGIN_CHANGED:
    case ZOOID_PLUGIN_PRESENT:
        if (node->code == ZOOID_PLUGIN_OK && !catalog_put(d->catalog, node->path, node->data, node->len, now))
            discovery_log(d, ZOOID_PLUGIN_DEBUG, "%s: it is no instance, or there is no room for it", node->path);
        break;
    case ZOOID_PLUGIN_DELETED: catalog_remove(d->catalog, node->path); break;
    case ZOOID_PLUGIN_RESET: catalog_reset(d->catalog); break;
    case ZOOID_PLUGIN_CAUGHT_UP:
        catalog_caught_up(d->catalog, now);
        look(d);
        break;
    case ZOOID_PLUGIN_TXN_END:
        catalog_end_txn(d->catalog, now);
        look(d);
        break;
    case ZOOID_PLUGIN_ENDED: d->api->fail(d->host, "the subscription to the services has ended"); break;
    case ZOOID_PLUGIN_ACL_CHANGED: break;
    }
}

bool mirror_start(struct discovery *d)
{
    const char *const prefixes[] = {d->settings.base};
    return d->api->subscribe(d->host, prefixes, 1, changed, d) != 0;
}
