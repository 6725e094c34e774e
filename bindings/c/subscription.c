/* subscription.c - what a subscription is told, as events, and where it stands, for a reconnect. */
#include "bindings/c/stream.h"

/* -- requests ------------------------------------------------------------------------------------------------------ */

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
    zooid_request *r = request_new(ZOOID__LOCAL__TO_AGENT__BODY_SUBSCRIBE);
    if (r == NULL)
        return NULL;
    Zooid__Local__Subscribe *body = pool_take(&r->pool, sizeof *body);
    r->cursor = pool_take(&r->pool, sizeof *r->cursor);
    if (r->pool.failed) {
        zooid_request_free(r);
        return NULL;
    }
    zooid__local__subscribe__init(body);
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

/* -- events -------------------------------------------------------------------------------------------------------- */

static void keep_cursor(struct zooid_event *event, const Zooid__Local__Cursor *cursor)
{
    if (cursor == NULL)
        return;
    event->has_cursor = true;
    event->cursor = (struct zooid_cursor){cursor->zxid, cursor->index};
    event->zxid = cursor->zxid;
}

static struct zooid_event *change_event(struct stream_frame *frame, const struct call *call,
                                        const Zooid__Local__Change *row)
{
    static const enum zooid_change changes[] = {[ZOOID__LOCAL__CHANGE_KIND__CHANGE_CREATED] = ZOOID_CREATED,
                                                [ZOOID__LOCAL__CHANGE_KIND__CHANGE_DELETED] = ZOOID_DELETED,
                                                [ZOOID__LOCAL__CHANGE_KIND__CHANGE_DATA] = ZOOID_CHANGED,
                                                [ZOOID__LOCAL__CHANGE_KIND__CHANGE_ACL] = ZOOID_ACL_CHANGED,
                                                [ZOOID__LOCAL__CHANGE_KIND__CHANGE_PRESENT] = ZOOID_PRESENT};
    struct zooid_event *event = stream_event(frame, call, ZOOID_EVENT_CHANGE);
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

void subscription_events(struct stream_frame *frame, const struct call *call, struct event_row *row)
{
    const Zooid__Local__Changes *told = frame->m->changes;
    if (told->reset) {
        struct zooid_event *event = stream_event(frame, call, ZOOID_EVENT_RESET);
        if (event != NULL)
            event->fell_behind = told->fell_behind;
        event_row_add(row, event);
    }
    for (size_t i = 0; i < told->n_change && !row->failed; i++)
        if (told->change[i]->path != NULL)
            event_row_add(row, change_event(frame, call, told->change[i]));
    if (told->snapshot_end && !row->failed) {
        struct zooid_event *event = stream_event(frame, call, ZOOID_EVENT_CAUGHT_UP);
        if (event != NULL) {
            keep_cursor(event, told->cursor);
            event->ends_txn = true;
        }
        event_row_add(row, event);
    }
}

/* Where it will go on after a reconnect. In the middle of a snapshot there is no such place. */
void subscription_note_place(struct call *call, const Zooid__Local__Changes *told)
{
    if (told->reset)
        call->request->m.subscribe->from = NULL;
    if (told->cursor != NULL)
        (void)set_cursor(call->request, told->cursor);
}

/* -- what can be asked of an event --------------------------------------------------------------------------------- */

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
