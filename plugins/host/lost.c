/* lost.c - see lost.h. */
#include "plugins/host/lost.h"

struct lost_item {
    struct item item;
    zooid_ticket number;
    lost_fn *lost;
    void *context;
};

static const struct item_kind lost_kind = {item_free, NULL};

zooid_handle lost_follow(zooid_host *host, zooid_ticket number, lost_fn *lost, void *context)
{
    struct lost_item *follower = item_new(host, &lost_kind, sizeof *follower);
    if (follower == NULL)
        return 0;
    follower->number = number;
    follower->lost = lost;
    follower->context = context;
    return follower->item.handle;
}

void lost_tell(zooid_host *host, zooid_event *event)
{
    zooid_ticket number = zooid_event_ticket(event);
    zooid_reply *why = zooid_event_take_reply(event);
    for (uint32_t i = 0; i < host->items.slot_count; i++) {
        struct lost_item *follower = item_at(host, i, &lost_kind);
        if (follower != NULL && follower->number == number)
            follower->lost(follower->context, why);
    }
    zooid_reply_free(why);
}
