/* local_session.c - sessions of local clients: opened when they are needed, kept alive by the agent, ended with the
 * socket. */
#include "agent/local/local_internal.h"
#include "core/ops/op.h"

#include <time.h>

enum { TOUCHES_PER_TIMEOUT = 3, DEFAULT_TIMEOUT_MS = 30000 };

static uint64_t boot_ms(void)
{
    struct timespec now;
    CHECK(clock_gettime(CLOCK_BOOTTIME, &now) == 0);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* A touch at a leader counts at once. A learner's goes with its next answer to a PING; that the leader has had it is
 * certain only of those that are older than what the leader may miss before it gives the learner up. PINGs come twice a
 * tick, to observers by way of a follower from both, and a leader looks once a tick whom it has missed. */
static uint64_t good_until_ms(const struct local_client *c)
{
    enum { TICKS_BETWEEN = 2 };
    const struct local *l = c->local;
    int64_t behind = 0;
    if (replica_service(l->parts.replica) != SERVICE_ALONE) {
        behind = local_age_ms(l) + (int64_t)c->session_timeout_ms / TOUCHES_PER_TIMEOUT +
                 ((int64_t)l->settings->sync_limit + TICKS_BETWEEN) * l->settings->tick_time_ms;
    }
    int64_t good = (int64_t)boot_ms() - behind + c->session_timeout_ms;
    return good < 0 ? 0 : (uint64_t)good;
}

/* -- opening ------------------------------------------------------------------------------------------------------ */

static enum status ask_replica(struct local_client *c, const struct connect_request *wanted)
{
    struct buffer frame = {0};
    struct writer w = writer_to(&frame);
    enum status st = local_peer_introduce(c);
    if (st == ST_OK)
        connect_request_write(&w, wanted);
    if (st == ST_OK)
        st = w.status;
    struct replica_event event = {
        .kind = REPLICA_OPEN_SESSION, .client = c->connection->client, .frame = buffer_bytes(&frame)};
    if (st == ST_OK && !pump_feed(c->local->parts.front.pump, &event))
        st = ST_SYSTEM_ERROR;
    buffer_free(&frame);
    return st;
}

/* The connection that has the session now is about to lose it, and is not to take it back. */
static void take_over(struct local *l, const struct local_client *c, const Zooid__Local__OpenSession *m)
{
    for (size_t i = 0; i < l->touches.count; i++) {
        struct local_client *other = CONTAINER_OF(l->touches.items[i], struct local_client, touch);
        struct bytes token = bytes_make(other->password, sizeof other->password);
        bool is_right = m->has_resume_token &&
                        bytes_equal(token, bytes_make(m->resume_token.data, m->resume_token.len));
        if (other != c && other->session_id == m->resume_id && is_right)
            other->is_taken_over = true;
    }
}

static uint32_t bounded_linger(const struct local *l, uint32_t ms)
{
    uint32_t max = (uint32_t)l->settings->local_linger_max_ms;
    return ms < max ? ms : max;
}

enum status local_session_open(struct local_client *c, struct local_request *request,
                               const Zooid__Local__OpenSession *m)
{
    uint8_t password[sizeof c->password] = {0};
    struct connect_request wanted = {.timeout_ms = DEFAULT_TIMEOUT_MS,
                                     .password = bytes_make(password, sizeof password)};
    if (request == NULL)
        request = local_request_new(c, NULL, 0);
    if (request == NULL)
        return ST_NO_MEMORY;
    if (m != NULL && m->has_timeout_ms && m->timeout_ms <= INT32_MAX)
        wanted.timeout_ms = (int32_t)m->timeout_ms;
    c->linger_ms = m == NULL ? 0 : bounded_linger(c->local, m->linger_ms);
    c->watchdog_ms = m == NULL ? 0 : m->watchdog_ms;
    if (m != NULL && m->has_resume_id) {
        local_linger_no_more(c->local, m->resume_id);
        take_over(c->local, c, m);
        request->resumes = true;
        wanted.session_id = m->resume_id;
        if (m->has_resume_token && m->resume_token.len == sizeof password)
            memcpy(password, m->resume_token.data, sizeof password);
    }
    request->state = LOCAL_CONNECTS;
    c->session_phase = LOCAL_SESSION_OPENING;
    return ask_replica(c, &wanted);
}

enum status local_session_asked(struct local_client *c, struct local_request *request, const to_agent *m)
{
    if (!replica_serves_all(c->local->parts.replica))
        return local_refuse(request, ZOOID__LOCAL__CODE__NOT_SERVING,
                            "the member has no leader, or is not in step with it yet");
    if (c->session_phase == LOCAL_SESSION_OPENING || c->session_phase == LOCAL_SESSION_OPEN)
        return local_refuse(request, ZOOID__LOCAL__CODE__BAD_ARGUMENTS, "this connection has a session");
    return local_session_open(c, request, m->open_session);
}

static enum status tell_opened(struct local_client *c, struct local_request *request)
{
    Zooid__Local__Session body = ZOOID__LOCAL__SESSION__INIT;
    from_agent m = ZOOID__LOCAL__FROM_AGENT__INIT;
    body.has_id = body.has_token = body.has_timeout_ms = body.has_good_until_ms = body.has_resumed = true;
    body.has_linger_ms = true;
    body.linger_ms = c->linger_ms;
    body.id = c->session_id;
    body.token = (ProtobufCBinaryData){sizeof c->password, c->password};
    body.timeout_ms = (uint32_t)c->session_timeout_ms;
    body.good_until_ms = good_until_ms(c);
    body.resumed = request->resumes;
    m.body_case = ZOOID__LOCAL__FROM_AGENT__BODY_SESSION_OPENED;
    m.session_opened = &body;
    return local_answer(request, &m);
}

static enum status say_state(struct local_client *c, Zooid__Local__SessionState session_state, struct buffer *say)
{
    from_agent m = ZOOID__LOCAL__FROM_AGENT__INIT;
    Zooid__Local__SessionEvent event = ZOOID__LOCAL__SESSION_EVENT__INIT;
    Zooid__Local__State state;
    event.has_session_state = event.has_id = event.has_good_until_ms = true;
    event.session_state = session_state;
    event.id = c->session_id;
    event.good_until_ms = session_state == ZOOID__LOCAL__SESSION_STATE__SESSION_LOST ? 0 : good_until_ms(c);
    local_state(c->local, replica_last_zxid(c->local->parts.replica), &state);
    m.state = &state;
    m.body_case = ZOOID__LOCAL__FROM_AGENT__BODY_SESSION;
    m.session = &event;
    return local_write(say, &m);
}

static enum status set_touch(struct local_client *c)
{
    struct local *l = c->local;
    int64_t now = (int64_t)uv_now(l->parts.front.loop);
    enum status st = deadlines_set(&l->touches, &c->touch, now + c->session_timeout_ms / TOUCHES_PER_TIMEOUT);
    local_arm(l);
    return st;
}

static enum status refused(struct local_client *c, struct local_request *request, struct buffer *say)
{
    c->session_phase = LOCAL_SESSION_LOST;
    if (request->op != NULL)
        return local_refuse(request, ZOOID__LOCAL__CODE__SESSION_EXPIRED, NULL);
    local_request_free(request);
    return say_state(c, ZOOID__LOCAL__SESSION_STATE__SESSION_LOST, say);
}

enum status local_session_answered(struct local_client *c, struct local_request *request, struct bytes frame,
                                   struct buffer *say)
{
    struct reader r = reader_of(frame);
    struct connect_response response;
    if (connect_response_read(&r, &response) != ST_OK || response.password.len != sizeof c->password)
        return ST_CORRUPT;
    if (response.session_id == 0)
        return refused(c, request, say);
    c->session_phase = LOCAL_SESSION_OPEN;
    c->is_taken_over = false;
    c->session_id = response.session_id;
    c->session_timeout_ms = response.timeout_ms;
    memcpy(c->password, response.password.data, sizeof c->password);
    local_death_watch(c);
    enum status st = set_touch(c);
    if (st == ST_OK)
        st = local_session_pet(c);
    if (st == ST_OK)
        st = say_state(c, ZOOID__LOCAL__SESSION_STATE__SESSION_GOOD, say);
    if (st == ST_OK && request->op != NULL && !request->answered)
        return tell_opened(c, request);
    local_request_free(request);
    return st;
}

/* -- keeping ------------------------------------------------------------------------------------------------------ */

/* The replica takes a ping as a sign of life; its answer is nobody's. */
static bool touch(struct local_client *c)
{
    struct buffer frame = {0};
    struct writer w = writer_to(&frame);
    struct local_request *request = local_request_new(c, NULL, 0);
    if (request == NULL)
        return false;
    request->xid = LOCAL_XID_TOUCH;
    request_header_write(&w, &(struct request_header){LOCAL_XID_TOUCH, OP_NUMBER_PING});
    bool fed = w.status == ST_OK && local_feed(c, buffer_bytes(&frame));
    buffer_free(&frame);
    return fed && set_touch(c) == ST_OK;
}

/* The touch has been answered: the client hears until when its session is good now. */
enum status local_session_touched(struct local_client *c, struct buffer *say)
{
    return c->session_phase == LOCAL_SESSION_OPEN ? say_state(c, ZOOID__LOCAL__SESSION_STATE__SESSION_GOOD, say)
                                                  : ST_OK;
}

void local_session_touch(struct local *l, int64_t now_ms)
{
    struct deadline *first;
    while ((first = deadlines_first(&l->touches)) != NULL && first->at <= now_ms) {
        struct local_client *c = CONTAINER_OF(first, struct local_client, touch);
        deadlines_remove(&l->touches, &c->touch);
        if (c->session_phase == LOCAL_SESSION_OPEN && !touch(c)) {
            c->connection->failed = true;
            connection_queue(c->connection);
        }
    }
}

enum status local_session_pet(struct local_client *c)
{
    struct local *l = c->local;
    if (c->watchdog_ms == 0 || c->session_phase != LOCAL_SESSION_OPEN)
        return ST_OK;
    enum status st = deadlines_set(&l->watchdogs, &c->watchdog, (int64_t)uv_now(l->parts.front.loop) + c->watchdog_ms);
    local_arm(l);
    return st;
}

/* The connection stays, and is told that the session is lost. */
static bool bite(struct local_client *c)
{
    struct buffer frame = {0};
    struct writer w = writer_to(&frame);
    struct local_request *request = local_request_new(c, NULL, 0);
    if (request == NULL)
        return false;
    request_header_write(&w, &(struct request_header){0, TXN_CLOSE_SESSION});
    bool fed = w.status == ST_OK && local_feed(c, buffer_bytes(&frame));
    buffer_free(&frame);
    return fed;
}

void local_session_bite(struct local *l, int64_t now_ms)
{
    struct deadline *first;
    while ((first = deadlines_first(&l->watchdogs)) != NULL && first->at <= now_ms) {
        struct local_client *c = CONTAINER_OF(first, struct local_client, watchdog);
        deadlines_remove(&l->watchdogs, &c->watchdog);
        if (c->session_phase == LOCAL_SESSION_OPEN && !bite(c)) {
            c->connection->failed = true;
            connection_queue(c->connection);
        }
    }
}

/* -- ending ------------------------------------------------------------------------------------------------------- */

enum status local_session_close(struct local_client *c, struct local_request *request, const to_agent *m)
{
    from_agent nothing = ZOOID__LOCAL__FROM_AGENT__INIT;
    if (c->session_phase != LOCAL_SESSION_OPEN && c->session_phase != LOCAL_SESSION_OPENING)
        return local_answer(request, &nothing);
    c->closing_session = true;
    return local_to_replica(c, request->op, request, m) ? ST_OK : ST_SYSTEM_ERROR;
}

/* A member that leaves its role sends everybody away, and so does a failed login: the session lives on. */
int32_t local_session_sent_away(struct local_client *c, struct buffer *say)
{
    const struct local *l = c->local;
    deadlines_remove(&c->local->touches, &c->touch);
    deadlines_remove(&c->local->watchdogs, &c->watchdog);
    if (c->session_phase == LOCAL_SESSION_OPENING)
        c->session_phase = LOCAL_SESSION_NONE;
    if (c->session_phase != LOCAL_SESSION_OPEN)
        return ZOOID__LOCAL__CODE__NOT_SERVING;
    bool is_there = sessions_get(replica_sessions(l->parts.replica), c->session_id) != NULL && !c->closing_session &&
                    !c->is_taken_over;
    c->session_phase = is_there             ? LOCAL_SESSION_SUSPENDED
                       : c->closing_session ? LOCAL_SESSION_NONE
                                            : LOCAL_SESSION_LOST;
    c->closing_session = false;
    if (is_there)
        list_append(&c->local->suspended, &c->in_suspended);
    enum status st = say_state(
        c, is_there ? ZOOID__LOCAL__SESSION_STATE__SESSION_SUSPENDED : ZOOID__LOCAL__SESSION_STATE__SESSION_LOST, say);
    if (st != ST_OK)
        c->connection->failed = true;
    return is_there ? (int32_t)ZOOID__LOCAL__CODE__NOT_SERVING : (int32_t)ZOOID__LOCAL__CODE__SESSION_EXPIRED;
}

void local_session_resume(struct local *l)
{
    if (!replica_serves_all(l->parts.replica))
        return;
    LIST_FOR_EACH(at, &l->suspended)
    {
        struct local_client *c = LIST_ENTRY(at, struct local_client, in_suspended);
        if (c->connection->was_sent_away)
            continue; /* the replica has not heard yet that its client is gone */
        Zooid__Local__OpenSession again = ZOOID__LOCAL__OPEN_SESSION__INIT;
        again.has_timeout_ms = again.has_resume_id = again.has_resume_token = true;
        again.timeout_ms = (uint32_t)c->session_timeout_ms;
        again.resume_id = c->session_id;
        again.resume_token = (ProtobufCBinaryData){sizeof c->password, c->password};
        list_remove(&c->in_suspended);
        if (local_session_open(c, NULL, &again) != ST_OK) {
            c->connection->failed = true;
            connection_queue(c->connection);
        }
    }
}

static void close_at_once(struct local_client *c)
{
    struct buffer frame = {0};
    struct writer w = writer_to(&frame);
    request_header_write(&w, &(struct request_header){0, TXN_CLOSE_SESSION});
    if (w.status == ST_OK)
        (void)local_feed(c, buffer_bytes(&frame)); /* else the session expires */
    buffer_free(&frame);
}

/* The peer has gone, and with it whoever could use the session, unless it is to wait for somebody who takes it up.
 * Where the agent itself ends the connection, its client is given the time to come again; and where it ends itself, the
 * sessions are left alone. */
void local_session_abandon(struct local_client *c)
{
    const struct local *l = c->local;
    bool is_open = c->session_phase == LOCAL_SESSION_OPEN && c->connection->client != 0 && !c->closing_session;
    bool is_suspended = c->session_phase == LOCAL_SESSION_SUSPENDED;
    int64_t grace = c->connection->ended_here ? l->settings->local_grace_ms : 0;
    int64_t linger = c->linger_ms > grace ? c->linger_ms : grace;
    deadlines_remove(&c->local->touches, &c->touch);
    deadlines_remove(&c->local->watchdogs, &c->watchdog);
    local_death_forget(c);
    if (l->closing || !(is_open || is_suspended))
        return;
    bool lingers = (is_suspended || linger > 0) && local_linger(c, linger);
    if (is_open && !lingers)
        close_at_once(c);
    c->session_phase = LOCAL_SESSION_LOST;
}
