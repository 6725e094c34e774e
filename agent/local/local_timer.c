/* local_timer.c - what time brings to local clients: deadlines of requests, touches of sessions. */
#include "agent/local/local_calls.h"

static int64_t now_ms(const struct local *l)
{
    return (int64_t)uv_now(l->parts.front.loop);
}

static void expire_requests(struct local *l, int64_t now)
{
    struct deadline *first;
    while ((first = deadlines_first(&l->deadlines)) != NULL && first->at <= now) {
        struct local_request *request = CONTAINER_OF(first, struct local_request, deadline);
        if (request->state == LOCAL_HELD)
            local_hold_is_late(request);
        else
            local_give_up(request, ZOOID__LOCAL__CODE__DEADLINE_EXCEEDED, NULL);
    }
}

/* -- the timer ---------------------------------------------------------------------------------------------------- */

static void on_timer(uv_timer_t *timer)
{
    struct local *l = timer->data;
    l->armed_ms = INT64_MAX;
    pump_look_at_clock(l->parts.front.pump);
    expire_requests(l, now_ms(l));
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
    const struct deadlines *const all[] = {&l->deadlines, &l->touches, &l->watchdogs, &l->lingers, &l->calls};
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
    if (at < l->armed_ms)
        local_arm(l);
    return st;
}
