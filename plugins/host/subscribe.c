/* subscribe.c - every change below the prefixes that a plugin follows. */
#include "plugins/host/ask.h"

struct subscription {
    struct item item;
    struct listener listener;
    zooid_ticket ticket;
    zooid_plugin_change_fn *changed;
    void *context;
};

static const enum zooid_plugin_change_kind kinds[] = {
    [ZOOID_CREATED] = ZOOID_PLUGIN_CREATED, [ZOOID_DELETED] = ZOOID_PLUGIN_DELETED,
    [ZOOID_CHANGED] = ZOOID_PLUGIN_CHANGED, [ZOOID_ACL_CHANGED] = ZOOID_PLUGIN_ACL_CHANGED,
    [ZOOID_PRESENT] = ZOOID_PLUGIN_PRESENT,
};

static void subscription_cancel(struct item *item)
{
    struct subscription *s = (struct subscription *)(void *)item;
    zooid_cancel(item->host->client, s->ticket);
}

static const struct item_kind subscription_kind = {subscription_cancel, NULL};

static struct zooid_plugin_change change_of(zooid_event *event)
{
    return (struct zooid_plugin_change){
        .size = sizeof(struct zooid_plugin_change),
        .kind = kinds[zooid_event_change(event)],
        .node = {.path = zooid_event_path(event),
                 .data = zooid_event_data(event),
                 .len = zooid_event_data_len(event),
                 .stat = reply_stat(zooid_event_stat(event))},
        .zxid = zooid_event_zxid(event),
        .node_kind = reply_kind(zooid_event_stat(event)),
    };
}

static void tell(struct subscription *s, struct zooid_plugin_change change)
{
    change.size = sizeof change;
    if (s->item.handle != 0)
        s->changed(s->context, &change);
}

/* The subscription is over: it was cancelled, or cannot be. */
static void end(struct subscription *s, zooid_event *event)
{
    zooid_reply *reply = zooid_event_take_reply(event);
    int code = reply == NULL ? ZOOID_NO_MEMORY : zooid_reply_code(reply);
    zooid_reply_free(reply);
    tell(s, (struct zooid_plugin_change){.kind = ZOOID_PLUGIN_ENDED, .code = code});
    item_free(&s->item);
}

static void hear(struct listener *listener, zooid_event *event)
{
    struct subscription *s = (struct subscription *)(void *)((char *)listener -
                                                             offsetof(struct subscription, listener));
    switch (zooid_event_kind(event)) {
    case ZOOID_EVENT_REPLY: end(s, event); break;
    case ZOOID_EVENT_CHANGE:
        tell(s, change_of(event));
        if (zooid_event_ends_txn(event))
            tell(s, (struct zooid_plugin_change){.kind = ZOOID_PLUGIN_TXN_END, .zxid = zooid_event_zxid(event)});
        break;
    case ZOOID_EVENT_RESET: tell(s, (struct zooid_plugin_change){.kind = ZOOID_PLUGIN_RESET}); break;
    case ZOOID_EVENT_CAUGHT_UP:
        tell(s, (struct zooid_plugin_change){.kind = ZOOID_PLUGIN_CAUGHT_UP, .zxid = zooid_event_zxid(event)});
        break;
    default: break;
    }
}

static zooid_request *request_of(const char *const *prefixes, size_t count)
{
    zooid_request *request = zooid_request_subscribe(prefixes[0]);
    for (size_t i = 1; request != NULL && i < count; i++)
        if (zooid_request_add_path(request, prefixes[i]) != ZOOID_OK) {
            zooid_request_free(request);
            request = NULL;
        }
    return request;
}

zooid_handle subscribe_begin(zooid_host *host, const char *const *prefixes, size_t count,
                             zooid_plugin_change_fn *changed, void *context)
{
    if (prefixes == NULL || count == 0 || changed == NULL) {
        host_log(host, ZOOID_PLUGIN_ERROR, "subscribe: it needs a prefix, and a function to tell");
        return 0;
    }
    struct subscription *s = item_new(host, &subscription_kind, sizeof *s);
    if (s == NULL)
        return 0;
    s->listener.hear = hear;
    s->changed = changed;
    s->context = context;
    zooid_request *request = request_of(prefixes, count);
    s->ticket = request == NULL ? 0 : zooid_submit(host->client, request, ZOOID_NO_DEADLINE, &s->listener);
    if (s->ticket != 0)
        return s->item.handle;
    host_log(host, ZOOID_PLUGIN_ERROR, "subscribe: memory ran out, or a prefix is none");
    item_free(&s->item);
    return 0;
}
