/* subscription.c - what a subscription is told, as events; where it stands, for a reconnect; and the credit that it
 * gives once the program has taken the events. */
#include "bindings/c/internal.h"

#include <stdatomic.h>
#include <stdlib.h>

enum { CREDIT_BYTES = 64 * 1024 }; /* given at once when so much is owed; less, when no event waits */

/* One frame of changes. It lives as long as an event that points into it. */
struct change_frame {
    from_agent *m;
    zooid_ticket ticket;
    uint64_t link_number; /* credit of another connection means nothing */
    size_t size;
    uint32_t untaken; /* events that wait in the queue; under the client's lock */
    atomic_uint holders;
};

/* -- requests ------------------------------------------------------------------------------------------------------ */

bool call_is_subscription(const struct call *call)
{
    return call->request->m.body_case == ZOOID__LOCAL__TO_AGENT__BODY_SUBSCRIBE;
}

static int set_cursor(struct zooid_request *r, const Zooid__Local__Cursor *cursor)
{
    Zooid__Local__Subscribe *body = r->m.subscribe;
    if (body->from == NULL)
        body->from = r->cursor;
    zooid__local__cursor__init(body->from);
    body->from->has_zxid = body->from->has_index = true;
    body->from->zxid = cursor->zxid;
    body->from->index = cursor->index;
    return ZOOID_OK;
}

zooid_request *zooid_request_subscribe(const char *prefix)
{
    zooid_request *r = calloc(1, sizeof *r);
    if (r == NULL)
        return NULL;
    Zooid__Local__Subscribe *body = pool_take(&r->pool, sizeof *body);
    r->cursor = pool_take(&r->pool, sizeof *r->cursor);
    if (r->pool.failed) {
        zooid_request_free(r);
        return NULL;
    }
    zooid__local__to_agent__init(&r->m);
    zooid__local__subscribe__init(body);
    r->m.body_case = ZOOID__LOCAL__TO_AGENT__BODY_SUBSCRIBE;
    r->m.subscribe = body;
    body->prefix = pool_text(&r->pool, prefix);
    if (!r->pool.failed)
        return r;
    zooid_request_free(r);
    return NULL;
}

/* The body; NULL: it is another request, or none, and `*code` says which. */
static Zooid__Local__Subscribe *body_of(zooid_request *r, int *code)
{
    bool is_one = r != NULL && r->m.body_case == ZOOID__LOCAL__TO_AGENT__BODY_SUBSCRIBE;
    *code = is_one ? ZOOID_OK : r == NULL ? ZOOID_NO_MEMORY : ZOOID_BAD_ARGUMENTS;
    return is_one ? r->m.subscribe : NULL;
}

int zooid_request_set_cursor(zooid_request *r, const struct zooid_cursor *behind)
{
    int code;
    Zooid__Local__Cursor cursor = {.zxid = behind->zxid, .index = behind->index};
    return body_of(r, &code) == NULL ? code : set_cursor(r, &cursor);
}

int zooid_request_set_without_snapshot(zooid_request *r)
{
    int code;
    Zooid__Local__Subscribe *body = body_of(r, &code);
    if (body != NULL)
        body->has_without_snapshot = body->without_snapshot = true;
    return code;
}

int zooid_request_set_window(zooid_request *r, uint32_t bytes)
{
    int code;
    Zooid__Local__Subscribe *body = body_of(r, &code);
    if (body != NULL) {
        body->has_window_bytes = true;
        body->window_bytes = bytes;
    }
    return code;
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

static void owe_locked(zooid_client *c, const struct change_frame *frame)
{
    struct call *call = frame->link_number == c->link_number ? call_find_locked(c, frame->ticket) : NULL;
    if (call == NULL)
        return;
    call->owed += frame->size;
    c->owes_credit = true;
    if (call->owed >= CREDIT_BYTES)
        give_credit_locked(c, call);
}

void subscriptions_taken_locked(zooid_client *c, const struct zooid_event *event)
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

/* -- events -------------------------------------------------------------------------------------------------------- */

void change_frame_release(struct change_frame *frame)
{
    if (frame == NULL || atomic_fetch_sub(&frame->holders, 1) > 1)
        return;
    zooid__local__from_agent__free_unpacked(frame->m, NULL);
    free(frame);
}

static struct zooid_event *event_of(struct change_frame *frame, const struct call *call, enum zooid_event_kind kind)
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

static void keep_cursor(struct zooid_event *event, const Zooid__Local__Cursor *cursor)
{
    if (cursor == NULL)
        return;
    event->has_cursor = true;
    event->cursor = (struct zooid_cursor){cursor->zxid, cursor->index};
    event->zxid = cursor->zxid;
}

static struct zooid_event *change_event(struct change_frame *frame, const struct call *call,
                                        const Zooid__Local__Change *row)
{
    static const enum zooid_change changes[] = {[ZOOID__LOCAL__CHANGE_KIND__CHANGE_CREATED] = ZOOID_CREATED,
                                                [ZOOID__LOCAL__CHANGE_KIND__CHANGE_DELETED] = ZOOID_DELETED,
                                                [ZOOID__LOCAL__CHANGE_KIND__CHANGE_DATA] = ZOOID_CHANGED,
                                                [ZOOID__LOCAL__CHANGE_KIND__CHANGE_ACL] = ZOOID_ACL_CHANGED,
                                                [ZOOID__LOCAL__CHANGE_KIND__CHANGE_PRESENT] = ZOOID_PRESENT};
    struct zooid_event *event = event_of(frame, call, ZOOID_EVENT_CHANGE);
    if (event == NULL)
        return NULL;
    event->row = row;
    event->change = (size_t)row->kind < COUNT_OF(changes) ? changes[row->kind] : ZOOID_CHANGED;
    event->ends_txn = row->ends_txn;
    keep_cursor(event, row->at);
    if (row->stat != NULL) {
        event->stat = stat_read(row->stat);
        event->has_stat = true;
    }
    return event;
}

/* A row of events; NULL at its end says that memory ran out. */
struct event_row {
    struct zooid_event *first, **last;
    bool failed;
};

static void add(struct event_row *row, struct zooid_event *event)
{
    if (event == NULL) {
        row->failed = true;
        return;
    }
    *row->last = event;
    row->last = &event->next;
}

static struct event_row make_events(struct change_frame *frame, const struct call *call)
{
    const Zooid__Local__Changes *told = frame->m->changes;
    struct event_row row = {.failed = false};
    row.last = &row.first;
    if (told->reset) {
        struct zooid_event *event = event_of(frame, call, ZOOID_EVENT_RESET);
        if (event != NULL)
            event->fell_behind = told->fell_behind;
        add(&row, event);
    }
    for (size_t i = 0; i < told->n_change && !row.failed; i++)
        if (told->change[i]->path != NULL)
            add(&row, change_event(frame, call, told->change[i]));
    if (told->snapshot_end && !row.failed) {
        struct zooid_event *event = event_of(frame, call, ZOOID_EVENT_CAUGHT_UP);
        if (event != NULL) {
            keep_cursor(event, told->cursor);
            event->ends_txn = true;
        }
        add(&row, event);
    }
    return row;
}

/* Where it will go on after a reconnect. In the middle of a snapshot there is no such place. */
static void note_place(struct call *call, const Zooid__Local__Changes *told)
{
    if (told->reset)
        call->request->m.subscribe->from = NULL;
    if (told->cursor != NULL)
        (void)set_cursor(call->request, told->cursor);
}

static struct change_frame *frame_new(const zooid_client *c, const struct call *call, from_agent *m, size_t size)
{
    struct change_frame *frame = calloc(1, sizeof *frame);
    if (frame == NULL)
        return NULL;
    frame->m = m;
    frame->ticket = call->ticket;
    frame->link_number = c->link_number;
    frame->size = size;
    atomic_init(&frame->holders, 1);
    return frame;
}

bool subscription_take_locked(zooid_client *c, struct call *call, from_agent *m, size_t size)
{
    struct change_frame *frame = frame_new(c, call, m, size);
    if (frame == NULL) {
        zooid__local__from_agent__free_unpacked(m, NULL);
        return false;
    }
    if (m->body_case == ZOOID__LOCAL__FROM_AGENT__BODY_CHANGES) {
        struct event_row row = make_events(frame, call);
        if (row.failed) {
            events_free(row.first);
            change_frame_release(frame);
            return false;
        }
        note_place(call, m->changes);
        for (struct zooid_event *event = row.first, *next; event != NULL; event = next) {
            next = event->next;
            event->next = NULL;
            if (call->for_task) {
                frame->untaken--;
                task_told_locked(call, event);
            } else {
                event_push_locked(c, event);
            }
        }
    }
    if (frame->untaken == 0)
        owe_locked(c, frame);
    if (c->owes_credit && c->first_event == NULL)
        give_all_credit_locked(c);
    change_frame_release(frame);
    return true;
}

/* -- what can be asked of an event --------------------------------------------------------------------------------- */

const void *zooid_event_data(const zooid_event *event)
{
    if (event->row == NULL || !event->row->has_data)
        return NULL;
    return event->row->data.data == NULL ? (const void *)"" : event->row->data.data;
}

size_t zooid_event_data_len(const zooid_event *event)
{
    return event->row == NULL || !event->row->has_data ? 0 : event->row->data.len;
}

const struct zooid_stat *zooid_event_stat(const zooid_event *event)
{
    return event->has_stat ? &event->stat : NULL;
}

bool zooid_event_cursor(const zooid_event *event, struct zooid_cursor *cursor)
{
    if (event->has_cursor)
        *cursor = event->cursor;
    return event->has_cursor;
}

bool zooid_event_fell_behind(const zooid_event *event)
{
    return event->fell_behind;
}

bool zooid_event_ends_txn(const zooid_event *event)
{
    return event->ends_txn;
}
