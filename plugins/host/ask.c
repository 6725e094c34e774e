/* ask.c - requests on their way: the listener of each, and its end. */
#include "plugins/host/ask.h"

static struct ask *ask_of(struct listener *listener)
{
    return (struct ask *)(void *)((char *)listener - offsetof(struct ask, listener));
}

static void ask_cancel(struct item *item)
{
    struct ask *ask = (struct ask *)(void *)item;
    if (!item->host->hands_over) /* who waits for a lock keeps the place in the queue, for the next process */
        zooid_cancel(item->host->client, ask->ticket);
}

static void ask_destroy(struct item *item)
{
    struct ask *ask = (struct ask *)(void *)item;
    if (ask->forget != NULL)
        ask->forget(ask);
}

static const struct item_kind ask_kind = {ask_cancel, ask_destroy};

static void hear(struct listener *listener, zooid_event *event)
{
    struct ask *ask = ask_of(listener);
    bool again = false;
    if (zooid_event_kind(event) != ZOOID_EVENT_REPLY)
        return;
    zooid_reply *reply = zooid_event_take_reply(event);
    if (ask->item.handle != 0)
        again = ask->answered(ask, reply);
    zooid_reply_free(reply);
    if (!again)
        item_free(&ask->item);
}

void *ask_new(zooid_host *host, size_t size, answered_fn *answered)
{
    struct ask *ask = item_new(host, &ask_kind, size);
    if (ask == NULL)
        return NULL;
    ask->listener.hear = hear;
    ask->answered = answered;
    return ask;
}

zooid_handle ask_sent(struct ask *ask, zooid_ticket ticket)
{
    zooid_handle handle = ask->item.handle;
    ask->ticket = ticket;
    if (ticket != 0)
        return handle;
    host_no_memory(ask->item.host, "something was asked");
    item_free(&ask->item);
    return 0;
}

zooid_handle ask_submit(struct ask *ask, zooid_request *request, uint32_t deadline_ms)
{
    uint32_t deadline = deadline_ms == 0 ? ZOOID_NO_DEADLINE : deadline_ms;
    zooid_client *client = ask->item.host->client;
    return ask_sent(ask, request == NULL ? 0 : zooid_submit(client, request, deadline, &ask->listener));
}
