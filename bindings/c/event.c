/* event.c - the queue of events, and what can be asked of one. */
#include "bindings/c/internal.h"
#include "bindings/c/stream.h"

#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct zooid_event *event_new(enum zooid_event_kind kind)
{
    struct zooid_event *event = calloc(1, sizeof *event);
    if (event != NULL)
        event->kind = kind;
    return event;
}

void zooid_event_free(zooid_event *event)
{
    if (event == NULL)
        return;
    zooid_reply_free(event->reply);
    stream_frame_release(event->frame);
    message_free(event->invoke);
    free(event->path);
    if (event->home != NULL)
        zooid_request_free(event->home);
    else
        free(event);
}

void events_free(struct zooid_event *event)
{
    while (event != NULL) {
        struct zooid_event *next = event->next;
        zooid_event_free(event);
        event = next;
    }
}

static void append_locked(zooid_client *c, struct zooid_event *event)
{
    bool is_first = c->first_event == NULL; /* else it rings already */
    *c->last_event = event;
    c->last_event = &event->next;
    c->event_count++;
    if (is_first && c->is_polled)
        (void)eventfd_write(c->doorbell, 1);
    wake_locked(c);
}

/* Replies and news of the session always have their place: their number is bounded by what was asked. */
void event_push_locked(zooid_client *c, struct zooid_event *event)
{
    if (event == NULL)
        return;
    bool is_full = c->events_max > 0 && c->event_count >= c->events_max;
    if (event->kind != ZOOID_EVENT_WATCH || !is_full) {
        append_locked(c, event);
        return;
    }
    zooid_event_free(event);
    if (c->overflowed)
        return;
    event = event_new(ZOOID_EVENT_OVERFLOW);
    if (event == NULL)
        return;
    c->overflowed = true;
    append_locked(c, event);
}

void event_push_answer_locked(struct call *call)
{
    zooid_request *request = call->request;
    request->answer = (struct zooid_event){
        .home = request, .kind = ZOOID_EVENT_REPLY, .ticket = call->ticket, .tag = call->tag, .reply = call->reply};
    event_push_locked(call->client, &request->answer);
}

void event_push_reply_locked(zooid_client *c, zooid_ticket ticket, void *tag, zooid_reply *reply)
{
    struct zooid_event *event = event_new(ZOOID_EVENT_REPLY);
    if (event == NULL) {
        say(c, ZOOID_LOG_ERROR, "no memory for the reply to request %llu", (unsigned long long)ticket);
        zooid_reply_free(reply);
        return;
    }
    event->ticket = ticket;
    event->tag = tag;
    event->reply = reply;
    event_push_locked(c, event);
}

/* Nobody is rung for without an event. */
static void quiet_locked(zooid_client *c)
{
    eventfd_t rung;
    if (c->first_event != NULL)
        return;
    c->last_event = &c->first_event;
    if (c->is_polled)
        (void)eventfd_read(c->doorbell, &rung);
}

void events_withdraw_locked(zooid_client *c, bool (*is_void)(const struct zooid_event *event, uint64_t number),
                            uint64_t number)
{
    struct zooid_event **place = &c->first_event, *event;
    while ((event = *place) != NULL) {
        if (!is_void(event, number)) {
            place = &event->next;
            continue;
        }
        *place = event->next;
        c->event_count--;
        zooid_event_free(event);
    }
    c->last_event = place;
    quiet_locked(c);
}

static bool has_event(const zooid_client *c, const void *context)
{
    (void)context;
    return c->first_event != NULL;
}

zooid_event *zooid_next_event(zooid_client *c, uint32_t wait_ms)
{
    struct zooid_event *event = NULL;
    if (!is_ours(c))
        return NULL;
    pthread_mutex_lock(&c->lock);
    if (c->first_event != NULL || drive_until_locked(c, deadline_of(wait_ms), AWAITED_EVENT, has_event, NULL)) {
        event = c->first_event;
        c->is_taking = true;
        c->first_event = event->next;
        event->next = NULL;
        c->event_count--;
        c->overflowed = c->overflowed && event->kind != ZOOID_EVENT_OVERFLOW;
        quiet_locked(c);
        if (c->first_event == NULL && c->unsent_count > 0)
            link_work_locked(c, false);
        stream_taken_locked(c, event);
    }
    pthread_mutex_unlock(&c->lock);
    return event;
}

void zooid_set_event_limit(zooid_client *c, uint32_t events_max)
{
    if (!is_ours(c))
        return;
    pthread_mutex_lock(&c->lock);
    c->events_max = events_max;
    pthread_mutex_unlock(&c->lock);
}

/* Who never polls it is not rung for. The first look at it changes that, which is nothing that its caller could see. */
int zooid_descriptor(const zooid_client *client)
{
    zooid_client *c = (zooid_client *)(uintptr_t)client;
    if (!is_ours(c))
        return c->descriptor;
    pthread_mutex_lock(&c->lock);
    if (!c->is_polled) {
        c->is_polled = true;
        link_polled_locked(c);
        if (c->first_event != NULL)
            (void)eventfd_write(c->doorbell, 1);
    }
    pthread_mutex_unlock(&c->lock);
    return c->descriptor;
}

enum zooid_event_kind zooid_event_kind(const zooid_event *event)
{
    return event->kind;
}

zooid_ticket zooid_event_ticket(const zooid_event *event)
{
    return event->ticket;
}

void *zooid_event_tag(const zooid_event *event)
{
    return event->tag;
}

zooid_reply *zooid_event_take_reply(zooid_event *event)
{
    zooid_reply *reply = event->reply;
    event->reply = NULL;
    return reply;
}

enum zooid_session_state zooid_event_session_state(const zooid_event *event)
{
    return event->session_state;
}

enum zooid_change zooid_event_change(const zooid_event *event)
{
    return event->change;
}

const char *zooid_event_path(const zooid_event *event)
{
    return event->row != NULL ? event->row->path : event->path;
}

int64_t zooid_event_zxid(const zooid_event *event)
{
    return event->zxid;
}
