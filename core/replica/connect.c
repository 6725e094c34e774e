/* connect.c - the first message of a connection: a session made or taken up again, or refused (client-protocol 5.1). */
#include "core/replica/member.h"

#include <inttypes.h>

/* The answer to a connect request; no session means refused. The read-only byte goes out only to those that sent theirs
 * (ZOOKEEPER-4814). */
static enum status send_connect_response(struct replica *r, struct client *c, const struct session *session,
                                         struct outbox *out)
{
    uint8_t password[16] = {0};
    struct connect_response response = {.password = bytes_make(password, sizeof password)};
    if (session != NULL) {
        password_give(r, session, password);
        response.session_id = session->id;
        response.timeout_ms = session->timeout_ms;
    }
    size_t start = out->bytes.len;
    struct writer w = writer_to(&out->bytes);
    write_i32(&w, 0);
    connect_response_write(&w, &response);
    if (c->has_read_only)
        write_boolean(&w, r->service == SERVICE_READ_ONLY);
    if (w.status != ST_OK)
        return w.status;
    write_i32_at(&w, start, (int32_t)(out->bytes.len - start - 4));
    c->sent++;
    r->packets_sent++;
    return outbox_send(out, c->id, start);
}

enum status client_refuse(struct replica *r, struct client *c, struct outbox *out)
{
    enum status st = send_connect_response(r, c, NULL, out);
    return st == ST_OK ? client_close(r, c, out) : st;
}

static int32_t clamp_timeout(const struct replica_options *o, int32_t timeout_ms)
{
    if (timeout_ms < o->session_timeout_ms_min)
        return o->session_timeout_ms_min;
    return timeout_ms > o->session_timeout_ms_max ? o->session_timeout_ms_max : timeout_ms;
}

/* Neither 0 nor the mark of containers can be a session, nor one that is there (client-protocol 5.2). */
static int64_t take_session_id(struct replica *r)
{
    for (;;) {
        int64_t id = password_mark(r, r->next_session_id++);
        if (id != 0 && id != OWNER_CONTAINER && session_find(r, id) == NULL)
            return id;
    }
}

static bool makes_local(const struct replica *r, const struct client *c)
{
    return r->member != NULL && r->options.local_sessions && !c->is_local;
}

static enum status create_session(struct replica *r, struct client *c, struct outbox *out)
{
    if (!session_has_room(r)) {
        metrics_add(r->metrics, COUNTER_connection_rejected, 1);
        return client_turn_away(r, c, out, "%" PRIu32 " sessions are as many as may be", r->options.session_count_max);
    }
    c->session_id = take_session_id(r);
    c->phase = CLIENT_CONNECTING;
    if (r->service == SERVICE_READ_ONLY || makes_local(r, c))
        return local_session_create(r, c, out);
    if (r->service == SERVICE_LEARNING)
        return member_create_session(r, c, out);
    const union op_body body = {.create_session = {c->timeout_ms}};
    const struct proposal proposal = {.op = op_find(TXN_CREATE_SESSION),
                                      .body = &body,
                                      .client = c,
                                      .owner = OWNER_HERE,
                                      .session_id = c->session_id,
                                      .received_us = r->now_us};
    return propose(r, &proposal, out);
}

/* It is known here which sessions there are, or it is one that nobody else knows. */
static enum status take_up(struct replica *r, struct client *c, struct session *session, struct outbox *out)
{
    struct sessions *table = session_is_local(r, session->id) ? r->local : r->sessions;
    session->owner = OWNER_HERE;
    if (sessions_put(table, session->id, c->timeout_ms, now_ms(r)) != ST_OK)
        return ST_NO_MEMORY;
    c->session_id = session->id;
    return client_established(r, c, out);
}

/* A learner asks the leader: also of a session that it does not know, since it may be behind. */
static enum status ask_leader(struct replica *r, struct client *c, int64_t session_id, struct outbox *out)
{
    c->session_id = session_id;
    c->phase = CLIENT_CONNECTING;
    return member_revalidate(r, c, out);
}

/* The password is looked at before anything is done to the connection that has the session now: in Apache's server a
 * stranger who knows no more than the id can cut its owner off. */
static enum status resume_session(struct replica *r, struct client *c, const struct connect_request *request,
                                  struct outbox *out)
{
    const struct session unheard = {.id = request->session_id};
    struct session *session = session_find(r, request->session_id);
    bool asks = r->service == SERVICE_LEARNING && !session_is_local(r, request->session_id);
    metrics_add(r->metrics, COUNTER_connection_revalidate_count, 1);
    /* The leader alone knows whether one of the ensemble's lives. */
    if (r->service == SERVICE_READ_ONLY && session != NULL && !session_is_local(r, session->id))
        return client_close(r, c, out);
    if (session == NULL && session_global(r, request->session_id) != NULL)
        return client_close(r, c, out); /* on its way to be there: the client comes again */
    bool may_be = session != NULL ? !session->closing : asks;
    enum password_verdict verdict = password_judge(r, session != NULL ? session : &unheard, request->password);
    if (!may_be || verdict == PASSWORD_WRONG)
        return client_refuse(r, c, out);
    if (verdict == PASSWORD_NOT_KNOWN)
        return client_close(r, c, out); /* this member is behind: the client comes again */
    struct client *other = client_of_session(r, request->session_id);
    enum status st = other != NULL ? client_close(r, other, out) : ST_OK;
    if (st != ST_OK)
        return st;
    if (asks)
        return ask_leader(r, c, request->session_id, out);
    session = session_find(r, request->session_id); /* one that was being closed is gone with that connection */
    return session == NULL ? client_refuse(r, c, out) : take_up(r, c, session, out);
}

/* How far this server has come. One that is in step with the leader of an epoch has all that came before it, also when
 * nothing has been written since: the leader's clients have seen the beginning of the epoch, and may come here. */
static int64_t position(const struct replica *r)
{
    int64_t begun = r->service == SERVICE_LEARNING ? (int64_t)((uint64_t)zab_epoch(r->member->zab) << 32) : 0;
    return begun > r->last_zxid ? begun : r->last_zxid;
}

static bool is_admitted(struct replica *r, const struct client *c, const struct connect_request *request)
{
    const struct connect_throttle_options *o = &r->options.connect_throttle;
    const bool is_renewed = request->session_id != 0;
    const uint32_t need = is_renewed ? o->need_renewed : makes_local(r, c) ? o->need_local : o->need_new;
    return c->is_local || connect_throttle_admits(&r->connect_throttle, o, need, now_ms(r));
}

enum status client_connect_request(struct replica *r, struct client *c, struct bytes frame, struct outbox *out)
{
    struct reader reader = reader_of(frame);
    struct connect_request request;
    metrics_add(r->metrics, COUNTER_connection_request_count, 1);
    bool is_whole = connect_request_read(&reader, &request) == ST_OK;
    c->has_read_only = reader_left(&reader) > 0;
    bool may_only_read = c->has_read_only && read_boolean(&reader);
    /* A client that has seen more than this server has must find another one, and so must one that wants to write where
     * nobody can (client-protocol 5.1). */
    if (!is_whole)
        return client_turn_away(r, c, out, "a message of %zu bytes is no connect request", frame.len);
    if (!is_admitted(r, c, &request)) {
        metrics_add(r->metrics, COUNTER_connection_rejected, 1);
        return client_turn_away(r, c, out, "more ask for a session than connection_throttle_tokens lets in");
    }
    if (r->service == SERVICE_READ_ONLY && !may_only_read)
        return client_close(r, c, out);
    if (request.last_zxid_seen > position(r))
        return client_turn_away(r, c, out, "it has seen zxid 0x%" PRIx64 ", and this server only 0x%" PRIx64,
                                (uint64_t)request.last_zxid_seen, (uint64_t)position(r));
    c->timeout_ms = clamp_timeout(&r->options, request.timeout_ms);
    return request.session_id == 0 ? create_session(r, c, out) : resume_session(r, c, &request, out);
}

/* What the client sent without waiting for the answer is taken now, in order. */
static enum status take_deferred(struct replica *r, struct client *c, struct outbox *out)
{
    enum status st = ST_OK;
    struct list deferred;
    list_init(&deferred);
    while (!list_is_empty(&c->requests)) {
        struct list *link = c->requests.next;
        list_remove(link);
        list_append(&deferred, link);
    }
    LIST_FOR_EACH(at, &deferred)
    {
        struct request *request = LIST_ENTRY(at, struct request, link);
        if (st == ST_OK && client_listens(c))
            st = request_take(r, c, bytes_make(request->bytes, request->len), request->received_us, out);
        request_free(r, request);
    }
    return st;
}

enum status client_established(struct replica *r, struct client *c, struct outbox *out)
{
    struct session *session = session_find(r, c->session_id);
    CHECK(session != NULL);
    session->client = c->id;
    sessions_touch(session_is_local(r, session->id) ? r->local : r->sessions, session, now_ms(r));
    c->phase = CLIENT_ACTIVE;
    c->last_op = op_find(TXN_CREATE_SESSION);
    c->last_cxid = 0;
    c->last_zxid = r->last_zxid;
    c->last_response_ms = now_ms(r);
    enum status st = send_connect_response(r, c, session, out);
    return st == ST_OK ? take_deferred(r, c, out) : st;
}
