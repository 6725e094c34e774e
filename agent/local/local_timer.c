/* local_timer.c - what time brings to local clients: deadlines of requests, holds that end, touches of sessions. */
#include "agent/local/local_calls.h"

static int64_t now_ms(const struct local *l)
{
    return (int64_t)uv_now(l->parts.front.loop);
}

static void expire_requests(struct local *l, int64_t now)
{
    struct deadline *first;
    while ((first = deadlines_first(&l->deadlines)) != NULL && first->at <= now)
        local_give_up(CONTAINER_OF(first, struct local_request, deadline), ZOOID__LOCAL__CODE__DEADLINE_EXCEEDED, NULL);
}

/* -- holds -------------------------------------------------------------------------------------------------------- */

bool local_hold(struct local_client *c, int64_t zxid, uint32_t deadline_ms, struct bytes frame)
{
    struct local *l = c->local;
    uint32_t max = (uint32_t)l->settings->local_deadline_max_ms;
    int64_t until = now_ms(l) + (deadline_ms == 0 || deadline_ms > max ? max : deadline_ms);
    c->held_frame.len = 0;
    if (buffer_append(&c->held_frame, frame.data, frame.len) != ST_OK ||
        deadlines_set(&l->holds, &c->hold, until) != ST_OK) {
        buffer_free(&c->held_frame);
        return false;
    }
    c->held_zxid = zxid;
    c->connection->held_by_tongue = true;
    list_append(&l->held, &c->in_held);
    local_arm(l);
    return true;
}

/* The frame is taken again, now that it can be answered or has waited for too long. */
static void end_hold(struct local_client *c, bool failed)
{
    struct buffer frame = c->held_frame;
    c->held_frame = (struct buffer){0};
    c->held_zxid = 0;
    list_remove(&c->in_held);
    deadlines_remove(&c->local->holds, &c->hold);
    c->connection->held_by_tongue = false;
    c->hold_failed = failed;
    if (!local_take(c, buffer_bytes(&frame)))
        c->connection->failed = true;
    c->hold_failed = false;
    buffer_free(&frame);
    connection_queue(c->connection); /* more may lie there */
    connection_settle(c->connection);
}

static void expire_holds(struct local *l, int64_t now)
{
    struct deadline *first;
    while ((first = deadlines_first(&l->holds)) != NULL && first->at <= now)
        end_hold(CONTAINER_OF(first, struct local_client, hold), true);
}

void local_look_at_held(struct local *l)
{
    int64_t zxid = replica_last_zxid(l->parts.replica);
    LIST_FOR_EACH(at, &l->held)
    {
        struct local_client *c = LIST_ENTRY(at, struct local_client, in_held);
        if (c->held_zxid <= zxid)
            end_hold(c, false);
    }
}

/* -- the timer ---------------------------------------------------------------------------------------------------- */

static void on_timer(uv_timer_t *timer)
{
    struct local *l = timer->data;
    l->armed_ms = INT64_MAX;
    pump_look_at_clock(l->parts.front.pump);
    expire_requests(l, now_ms(l));
    expire_holds(l, now_ms(l));
    local_session_touch(l, now_ms(l));
    local_session_bite(l, now_ms(l));
    local_lingerers_go_on(l, now_ms(l));
    local_calls_expire(l, now_ms(l));
    local_arm(l);
}

static int64_t earliest(const struct deadlines *d, int64_t than)
{
    const struct deadline *first = deadlines_first(d);
    return first != NULL && first->at < than ? first->at : than;
}

void local_arm(struct local *l)
{
    const struct deadlines *const all[] = {&l->deadlines, &l->holds,   &l->touches,
                                           &l->watchdogs, &l->lingers, &l->calls};
    int64_t due = INT64_MAX;
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        due = earliest(all[i], due);
    if (due >= l->armed_ms || l->closing)
        return; /* one that goes off too early is set again */
    int64_t left = due - now_ms(l);
    l->armed_ms = due;
    uv_timer_start(&l->timer, on_timer, left > 0 ? (uint64_t)left : 0, 0);
}

enum status local_set_deadline(struct local_request *request, uint32_t ms)
{
    struct local *l = request->client->local;
    uint32_t max = (uint32_t)l->settings->local_deadline_max_ms;
    int64_t at = now_ms(l) + (ms == 0 || ms > max ? max : ms);
    enum status st = deadlines_set(&l->deadlines, &request->deadline, at);
    local_arm(l);
    return st;
}
