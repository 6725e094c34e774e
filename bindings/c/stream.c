/* stream.c - frames that come without being asked for one by one, as events; and the credit that is given for them once
 * the program has taken the events. */
#include "bindings/c/stream.h"

#include <stdlib.h>

enum { CREDIT_BYTES = 64 * 1024 }; /* given at once when so much is owed; less, when no event waits */

bool call_is_streamed(const struct call *call)
{
    Zooid__Local__ToAgent__BodyCase body = call->request->m.body_case;
    return body == ZOOID__LOCAL__TO_AGENT__BODY_SUBSCRIBE || body == ZOOID__LOCAL__TO_AGENT__BODY_BACKUP;
}

/* -- credit -------------------------------------------------------------------------------------------------------- */

static void give_credit_locked(zooid_client *c, struct call *call)
{
    to_agent m = ZOOID__LOCAL__TO_AGENT__INIT;
    Zooid__Local__Credit credit = ZOOID__LOCAL__CREDIT__INIT;
    credit.has_id = credit.has_bytes = true;
    credit.id = call->ticket;
    credit.bytes = call->owed > UINT32_MAX ? UINT32_MAX : (uint32_t)call->owed;
    m.body_case = ZOOID__LOCAL__TO_AGENT__BODY_CREDIT;
    m.credit = &credit;
    if (call->owed > 0 && link_send_locked(c, &m))
        call->owed -= credit.bytes;
}

/* Everything has been taken: whoever waits for more must owe nothing. */
static void give_all_credit_locked(zooid_client *c)
{
    for (struct call *call = c->calls.next; call != &c->calls; call = call->next)
        give_credit_locked(c, call);
    c->owes_credit = false;
}

static void owe_locked(zooid_client *c, const struct stream_frame *frame)
{
    struct call *call = frame->link_number == c->link_number ? call_find_locked(c, frame->ticket) : NULL;
    if (call == NULL)
        return;
    call->owed += frame->size;
    c->owes_credit = true;
    if (call->owed >= CREDIT_BYTES)
        give_credit_locked(c, call);
}

void stream_taken_locked(zooid_client *c, const struct zooid_event *event)
{
    if (event->frame == NULL)
        return;
    if (--event->frame->untaken == 0)
        owe_locked(c, event->frame);
    if (c->owes_credit && c->first_event == NULL)
        give_all_credit_locked(c);
    if (c->out.len > 0)
        link_work_locked(c, false);
}

/* -- frames -------------------------------------------------------------------------------------------------------- */

void stream_frame_release(struct stream_frame *frame)
{
    if (frame == NULL || atomic_fetch_sub(&frame->holders, 1) > 1)
        return;
    message_free(frame->m);
    free(frame);
}

struct zooid_event *stream_event(struct stream_frame *frame, const struct call *call, enum zooid_event_kind kind)
{
    struct zooid_event *event = event_new(kind);
    if (event == NULL)
        return NULL;
    event->ticket = call->ticket;
    event->tag = call->tag;
    event->frame = frame;
    frame->untaken++;
    atomic_fetch_add(&frame->holders, 1);
    return event;
}

void event_row_add(struct event_row *row, struct zooid_event *event)
{
    if (event == NULL) {
        row->failed = true;
        return;
    }
    *row->last = event;
    row->last = &event->next;
}

static struct stream_frame *frame_new(const zooid_client *c, const struct call *call, from_agent *m, size_t size)
{
    struct stream_frame *frame = calloc(1, sizeof *frame);
    if (frame == NULL)
        return NULL;
    frame->m = m;
    frame->ticket = call->ticket;
    frame->link_number = c->link_number;
    frame->size = size;
    atomic_init(&frame->holders, 1);
    return frame;
}

static struct event_row make_events(struct stream_frame *frame, const struct call *call)
{
    struct event_row row = {.failed = false};
    row.last = &row.first;
    if (frame->m->body_case == ZOOID__LOCAL__FROM_AGENT__BODY_CHANGES)
        subscription_events(frame, call, &row);
    else if (frame->m->body_case == ZOOID__LOCAL__FROM_AGENT__BODY_CHUNK)
        event_row_add(&row, backup_event(frame, call));
    return row;
}

/* A recipe is told at once, whoever waits for it takes it himself, else it has its place in the queue. */
static void hand_out_locked(zooid_client *c, struct call *call, struct zooid_event *event)
{
    if (call->for_task) {
        event->frame->untaken--;
        task_told_locked(call, event);
    } else if (call->is_performed) {
        *call->last_told = event;
        call->last_told = &event->next;
        wake_locked(c);
    } else {
        event_push_locked(c, event);
    }
}

bool stream_take_locked(zooid_client *c, struct call *call, from_agent *m, size_t size)
{
    struct stream_frame *frame = frame_new(c, call, m, size);
    if (frame == NULL) {
        message_free(m);
        return false;
    }
    struct event_row row = make_events(frame, call);
    if (row.failed) {
        events_free(row.first);
        stream_frame_release(frame);
        return false;
    }
    if (m->body_case == ZOOID__LOCAL__FROM_AGENT__BODY_CHANGES)
        subscription_note_place(call, m->changes);
    for (struct zooid_event *event = row.first, *next; event != NULL; event = next) {
        next = event->next;
        event->next = NULL;
        hand_out_locked(c, call, event);
    }
    if (frame->untaken == 0)
        owe_locked(c, frame);
    if (c->owes_credit && c->first_event == NULL)
        give_all_credit_locked(c);
    stream_frame_release(frame);
    return true;
}

/* -- what can be asked of an event --------------------------------------------------------------------------------- */

/* NULL: it has none. */
static const ProtobufCBinaryData *data_of(const zooid_event *event)
{
    if (event->invoke != NULL)
        return &event->invoke->invoke->bytes;
    if (event->kind == ZOOID_EVENT_CHUNK)
        return &event->frame->m->chunk->bytes;
    return event->row == NULL || !event->row->has_data ? NULL : &event->row->data;
}

const void *zooid_event_data(const zooid_event *event)
{
    const ProtobufCBinaryData *data = data_of(event);
    if (data == NULL)
        return NULL;
    return data->data == NULL ? (const void *)"" : data->data;
}

size_t zooid_event_data_len(const zooid_event *event)
{
    const ProtobufCBinaryData *data = data_of(event);
    return data == NULL ? 0 : data->len;
}
