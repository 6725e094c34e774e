/* hold.c - what the agent keeps for a plugin, told to it when it is there, lost, or cannot be had. */
#include "plugins/host/hold.h"

#include "plugins/host/lost.h"

#include <stdlib.h>

static void ask(struct hold *hold);

static void tell(struct hold *hold, enum zooid_plugin_hold event, const zooid_reply *reply)
{
    uint64_t number = event == ZOOID_PLUGIN_HELD ? zooid_reply_number(reply) : 0;
    if (hold->item.handle != 0 && hold->held != NULL)
        hold->held(hold->context, event, number, event == ZOOID_PLUGIN_HELD ? NULL : zooid_reply_message(reply));
}

static void freed(uv_handle_t *handle)
{
    free(handle);
}

static void end_pause(struct hold *hold)
{
    if (hold->pause != NULL)
        uv_close((uv_handle_t *)hold->pause, freed);
    hold->pause = NULL;
}

static void hold_end(struct hold *hold)
{
    end_pause(hold);
    item_free(&hold->item);
}

/* Its answer, when one is to come, names it yet. */
static void hold_cancel(struct item *item)
{
    struct hold *hold = (struct hold *)(void *)item;
    hold->row->give_back(hold);
    hold->object = NULL;
    if (!hold->waits)
        hold_end(hold);
}

const struct item_kind hold_kind = {hold_cancel, NULL};

static void pause_is_over(uv_timer_t *timer)
{
    struct hold *hold = timer->data;
    end_pause(hold);
    ask(hold);
}

static void ask_later(struct hold *hold)
{
    hold->pause = calloc(1, sizeof *hold->pause);
    if (hold->pause == NULL) {
        host_no_memory(hold->item.host, "a lock or an ephemeral node was tried again");
        return;
    }
    (void)uv_timer_init(hold->item.host->around.loop, hold->pause);
    hold->pause->data = hold;
    (void)uv_timer_start(hold->pause, pause_is_over, hold->item.host->config->limits.retry_ms, 0);
}

static void ask(struct hold *hold)
{
    hold->waits = hold->row->wait(hold) != 0;
    if (!hold->waits)
        ask_later(hold);
}

static void hear(struct listener *listener, zooid_event *event)
{
    struct hold *hold = (struct hold *)(void *)((char *)listener - offsetof(struct hold, listener));
    zooid_reply *reply = zooid_event_take_reply(event);
    hold->waits = false;
    if (hold->item.handle == 0) {
        hold_end(hold);
    } else if (zooid_reply_code(reply) == ZOOID_OK) {
        tell(hold, ZOOID_PLUGIN_HELD, reply);
    } else {
        ask_later(hold);
        tell(hold, ZOOID_PLUGIN_HOLD_FAILED, reply);
    }
    zooid_reply_free(reply);
}

void hold_lost(zooid_host *host, zooid_event *event)
{
    zooid_ticket number = zooid_event_ticket(event);
    for (uint32_t i = 0; i < host->items.slot_count; i++) {
        struct hold *hold = item_at(host, i, &hold_kind);
        if (hold == NULL || hold->row->number(hold) != number)
            continue;
        zooid_reply *reply = zooid_event_take_reply(event);
        if (!hold->waits && hold->pause == NULL) {
            ask(hold);
            tell(hold, ZOOID_PLUGIN_LOST, reply);
        }
        zooid_reply_free(reply);
        return;
    }
    lost_tell(host, event);
}

struct hold *hold_new(zooid_host *host, const struct hold_row *row, zooid_plugin_hold_fn *held, void *context)
{
    struct hold *hold = item_new(host, &hold_kind, sizeof *hold);
    if (hold == NULL)
        return NULL;
    hold->listener.hear = hear;
    hold->row = row;
    hold->held = held;
    hold->context = context;
    return hold;
}

zooid_handle hold_begin(struct hold *hold, void *object)
{
    hold->object = object;
    if (object == NULL) {
        host_log(hold->item.host, ZOOID_PLUGIN_ERROR, "lock or ephemeral: the path cannot be, or memory ran out");
        item_free(&hold->item);
        return 0;
    }
    ask(hold);
    return hold->item.handle;
}
