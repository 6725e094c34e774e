/* local_take.c - what a local client sends: greeted, cancelled, looked up, held until it may be, handed to the replica.
 */
#include "agent/base/version.h"
#include "agent/local/local_calls.h"
#include "agent/local/local_streams.h"
#include "bindings/c/local_path.h"
#include "core/jute/txn.h"
#include "core/ops/op.h"

static const char *missing_right(const struct local_client *c, enum local_class class)
{
    if (class == LOCAL_READ && !c->may_read)
        return "zooid.localRead does not name this user";
    if ((class == LOCAL_USE || class == LOCAL_PROVIDE) && !c->may_use)
        return "zooid.localUse does not name this user";
    if (class == LOCAL_PROVIDE && !c->may_provide)
        return "zooid.localProvide does not name this user";
    return class == LOCAL_ADMIN && !c->may_admin ? "zooid.localAdmin does not name this user" : NULL;
}

/* -- the first frame ---------------------------------------------------------------------------------------------- */

static enum status welcome(struct local_client *c)
{
    struct local *l = c->local;
    Zooid__Local__Welcome body = ZOOID__LOCAL__WELCOME__INIT;
    body.has_version = body.has_member = body.has_frame_max = body.has_requests_max = true;
    body.has_may_read = body.has_may_use = body.has_may_admin = body.has_may_provide = body.has_client_port = true;
    body.version = LOCAL_VERSION;
    body.agent = "zooid-agent " ZOOID_VERSION;
    body.member = l->settings->is_ensemble ? l->settings->server_id : 0;
    body.frame_max = (uint32_t)l->settings->local_frame_max;
    body.requests_max = (uint32_t)l->settings->local_requests_max;
    body.may_read = c->may_read;
    body.may_use = c->may_use;
    body.may_admin = c->may_admin;
    body.may_provide = c->may_provide;
    body.client_port = l->client_port > 0 ? (uint32_t)l->client_port : 0;
    from_agent m = ZOOID__LOCAL__FROM_AGENT__INIT;
    m.body_case = ZOOID__LOCAL__FROM_AGENT__BODY_WELCOME;
    m.welcome = &body;
    connection_say(c->connection);
    return local_write(&c->connection->said, &m);
}

static bool greet(struct local_client *c, const to_agent *m)
{
    if (m == NULL || m->body_case != ZOOID__LOCAL__TO_AGENT__BODY_HELLO) {
        local_say_goodbye(c, ZOOID__LOCAL__CODE__MALFORMED, "the first frame has to be a hello");
        return true;
    }
    if (m->hello->version_min > LOCAL_VERSION || m->hello->version_max < LOCAL_VERSION) {
        local_say_goodbye(c, ZOOID__LOCAL__CODE__WRONG_VERSION, "this agent speaks version 1");
        return true;
    }
    if (m->hello->client != NULL)
        (void)snprintf(c->name, sizeof c->name, "%s", m->hello->client);
    c->frame_max = m->hello->frame_max < LOCAL_FRAME_BEFORE_HELLO ? LOCAL_FRAME_BEFORE_HELLO : m->hello->frame_max;
    if (local_peer_look(c) != ST_OK || (c->user = local_user_join(c->local, c->uid)) == NULL)
        return false;
    if (!c->may_read && !c->may_use && !c->may_admin) {
        local_say_goodbye(c, ZOOID__LOCAL__CODE__NOT_PERMITTED, "no zooid.local... setting names this user");
        return true;
    }
    const char *excess = local_user_excess(c->local, c->user, LOCAL_BUDGET_CONNECTIONS);
    if (excess != NULL) {
        local_say_goodbye(c, ZOOID__LOCAL__CODE__LIMIT_REACHED, excess);
        return true;
    }
    c->greeted = true;
    connection_is_in_use(c->connection);
    return welcome(c) == ST_OK;
}

/* -- requests ----------------------------------------------------------------------------------------------------- */

static struct local_request *find_in(const struct list *requests, uint64_t id)
{
    LIST_FOR_EACH(at, requests)
    {
        struct local_request *request = LIST_ENTRY(at, struct local_request, link);
        if (request->id == id && request->op != NULL && !request->answered)
            return request;
    }
    return NULL;
}

struct local_request *local_find_open(const struct local_client *c, uint64_t id)
{
    const struct list *const all[] = {&c->requests, &c->apart, &c->held};
    struct local_request *request = NULL;
    for (size_t i = 0; i < ARRAY_LEN(all) && request == NULL; i++)
        request = find_in(all[i], id);
    return request;
}

bool local_feed(struct local_client *c, struct bytes frame)
{
    struct replica_event event = {.kind = REPLICA_FRAME, .client = c->connection->client, .frame = frame};
    return pump_feed(c->local->parts.front.pump, &event);
}

static int32_t next_xid(struct local_client *c)
{
    c->last_xid = c->last_xid == INT32_MAX ? 1 : c->last_xid + 1;
    return c->last_xid;
}

/* False: the pump has failed. ST_BAD_ARGUMENTS goes to the client. */
static bool feed_encoded(struct local_client *c, struct local_request *request, const to_agent *m, enum status *st)
{
    struct buffer *frame = &c->local->encoded;
    struct writer w = writer_to(frame);
    frame->len = 0;
    request->xid = next_xid(c);
    request_header_write(&w, &(struct request_header){request->xid, local_op_number(request->op, m)});
    *st = w.status == ST_OK ? request->op->encode(m, &c->local->arena, &w) : w.status;
    if (*st == ST_OK)
        *st = w.status;
    bool fed = *st != ST_OK || local_feed(c, buffer_bytes(frame));
    if (frame->cap > LOCAL_FRAME_KEPT)
        buffer_free(frame);
    return fed;
}

/* A write that fails by design, and changes nothing if it does not: no node has that version. Refused writes go through
 * the log, too, so that nobody answers it who leads no more. */
static void write_barrier(struct writer *w)
{
    enum { NO_VERSION = -2 };
    multi_header_write(w, &(struct multi_header){TXN_CHECK, false, -1});
    path_version_request_write(w, &(struct path_version_request){BYTES("/"), NO_VERSION});
    multi_header_write(w, &(struct multi_header){-1, true, -1});
}

/* What comes before a read that has to be as fresh as can be; its own answer, an error or not, is not looked at. */
static bool feed_sync(struct local_client *c)
{
    struct local_request *request = local_request_new(c, NULL, 0);
    bool is_enough = replica_sync_is_linearizable(c->local->parts.replica);
    struct buffer frame = {0};
    struct writer w = writer_to(&frame);
    if (request == NULL)
        return false;
    request->xid = next_xid(c);
    request_header_write(
        &w, &(struct request_header){request->xid, is_enough ? (int32_t)OP_NUMBER_SYNC : (int32_t)TXN_MULTI});
    if (is_enough)
        path_request_write(&w, &(struct path_request){BYTES("/")});
    else
        write_barrier(&w);
    bool fed = w.status == ST_OK && local_feed(c, buffer_bytes(&frame));
    buffer_free(&frame);
    return fed;
}

static bool must_sync(const struct local *l, const Zooid__Local__Freshness *fresh)
{
    if (fresh == NULL || replica_service(l->parts.replica) == SERVICE_ALONE)
        return fresh != NULL && fresh->latest;
    bool too_old = fresh->has_age_max_ms && fresh->age_max_ms > 0 && local_age_ms(l) > (int64_t)fresh->age_max_ms;
    return fresh->latest || too_old;
}

/* A learner's sync is its session's; a write always is. */
static bool must_have_session(const struct local *l, const struct local_op *op, bool sync)
{
    sync = sync || op->number == OP_NUMBER_SYNC;
    return op->needs_session || (sync && replica_service(l->parts.replica) == SERVICE_LEARNING);
}

static bool asks_for_watch(const to_agent *m)
{
    switch (m->body_case) {
    case ZOOID__LOCAL__TO_AGENT__BODY_GET: return m->get->watch;
    case ZOOID__LOCAL__TO_AGENT__BODY_EXISTS: return m->exists->watch;
    case ZOOID__LOCAL__TO_AGENT__BODY_LIST: return m->list->watch;
    case ZOOID__LOCAL__TO_AGENT__BODY_ADD_WATCH:
    case ZOOID__LOCAL__TO_AGENT__BODY_RESTORE_WATCHES: return true;
    default: return false;
    }
}

static enum status note_details(struct local_request *request, const to_agent *m)
{
    const char *path = local_path_of(m);
    request->client->has_watches = request->client->has_watches || asks_for_watch(m);
    if (m->body_case == ZOOID__LOCAL__TO_AGENT__BODY_GET) {
        request->has_if_changed_since = m->get->has_if_changed_since;
        request->if_changed_since = m->get->if_changed_since;
    } else if (m->body_case == ZOOID__LOCAL__TO_AGENT__BODY_LIST) {
        request->has_if_changed_since = m->list->has_if_changed_since;
        request->if_changed_since = m->list->if_changed_since;
        request->with_nodes = m->list->with_nodes;
    } else if (m->body_case == ZOOID__LOCAL__TO_AGENT__BODY_READ_MANY) {
        request->with_children = m->read_many->with_children;
    } else if (m->body_case == ZOOID__LOCAL__TO_AGENT__BODY_SUBTREE) {
        request->without_data = m->subtree->without_data;
    }
    return path == NULL ? ST_OK : local_request_keep_path(request, path);
}

bool local_to_replica(struct local_client *c, const struct local_op *op, struct local_request *request,
                      const to_agent *m)
{
    bool sync = op->freshness != NULL && must_sync(c->local, op->freshness(m));
    enum status st = local_peer_introduce(c);
    if (st == ST_OK && c->session_phase == LOCAL_SESSION_NONE && must_have_session(c->local, op, sync)) {
        list_remove(&request->link); /* the session comes before it */
        st = local_session_open(c, NULL, NULL);
        list_append(&c->requests, &request->link);
    }
    if (st == ST_OK && sync) {
        list_remove(&request->link);
        st = feed_sync(c) ? ST_OK : ST_NO_MEMORY;
        list_append(&c->requests, &request->link);
    }
    if (st == ST_OK)
        st = note_details(request, m);
    if (st != ST_OK || !feed_encoded(c, request, m, &st))
        return false;
    return st != ST_BAD_ARGUMENTS ||
           local_refuse(request, ZOOID__LOCAL__CODE__BAD_ARGUMENTS, "the request lacks what it is about") == ST_OK;
}

/* Why the request cannot be handed over now; 0: it can. */
static int32_t obstacle(const struct local_client *c, const struct local_op *op, const to_agent *m,
                        const char **message)
{
    *message = NULL;
    if (op->has_path && local_path_of(m) == NULL) {
        *message = "the request lacks a path";
        return ZOOID__LOCAL__CODE__BAD_ARGUMENTS;
    }
    if (op->own != NULL)
        return 0;
    if (!replica_serves_all(c->local->parts.replica)) {
        *message = "the member has no leader, or is not in step with it yet";
        return ZOOID__LOCAL__CODE__NOT_SERVING;
    }
    if (c->session_phase == LOCAL_SESSION_SUSPENDED) {
        *message = "the session is being resumed";
        return ZOOID__LOCAL__CODE__NOT_SERVING;
    }
    bool is_lost = op->needs_session && c->session_phase == LOCAL_SESSION_LOST;
    return is_lost ? ZOOID__LOCAL__CODE__SESSION_EXPIRED : 0;
}

/* The zxid that the replica has to have come to before; 0: any. */
static int64_t wanted_zxid(const struct local_op *op, const to_agent *m)
{
    if (m->body_case == ZOOID__LOCAL__TO_AGENT__BODY_WAIT)
        return m->wait->zxid;
    const Zooid__Local__Freshness *fresh = op == NULL || op->freshness == NULL ? NULL : op->freshness(m);
    return fresh == NULL ? 0 : fresh->zxid_min;
}

/* Why it is not to be, whatever the replica says: a code and a text. 0: it may be. */
static int32_t refusal_of(const struct local_client *c, const struct local_op *op, const char **why)
{
    *why = NULL;
    if (op == NULL)
        return ZOOID__LOCAL__CODE__UNIMPLEMENTED;
    if ((*why = local_user_excess(c->local, c->user, LOCAL_BUDGET_REQUESTS)) != NULL)
        return ZOOID__LOCAL__CODE__LIMIT_REACHED;
    return (*why = missing_right(c, op->class)) != NULL ? (int32_t)ZOOID__LOCAL__CODE__NOT_PERMITTED : 0;
}

/* Its turn has come. False: the connection has failed. */
static bool carry_out(struct local_request *request, const to_agent *m)
{
    struct local_client *c = request->client;
    const struct local_op *op = request->op;
    const char *why;
    int32_t code = refusal_of(c, op, &why);
    if (code == 0)
        code = obstacle(c, op, m, &why);
    if (code != 0)
        return local_refuse(request, code, why) == ST_OK;
    bool has_deadline = request->deadline.place != 0; /* it was held */
    if (!has_deadline && local_set_deadline(request, m->has_deadline_ms ? m->deadline_ms : 0) != ST_OK)
        return false;
    return op->own != NULL ? op->own(c, request, m) == ST_OK : local_to_replica(c, op, request, m);
}

static bool take_request(struct local_client *c, const to_agent *m, struct bytes frame)
{
    const struct local_op *op = local_op_find(m->body_case);
    const char *why;
    if (m->id == 0 || (m->id <= c->highest_id && local_find_open(c, m->id) != NULL)) {
        local_say_goodbye(c, ZOOID__LOCAL__CODE__MALFORMED, "a request without an id, or with that of an open one");
        return true;
    }
    c->highest_id = m->id > c->highest_id ? m->id : c->highest_id;
    struct local_request *request = local_request_new(c, op, m->id);
    if (request == NULL || local_session_pet(c) != ST_OK)
        return false;
    int64_t wanted = wanted_zxid(op, m);
    bool waits = wanted > replica_last_zxid(c->local->parts.replica) && refusal_of(c, op, &why) == 0;
    if (waits || !list_is_empty(&c->held))
        return local_hold(request, wanted, frame, m->has_deadline_ms ? m->deadline_ms : 0) == ST_OK;
    return carry_out(request, m);
}

bool local_take_again(struct local_request *request, struct bytes frame)
{
    const to_agent *m = local_read(request->client->local, frame);
    return m != NULL && carry_out(request, m);
}

static void cancel(struct local_client *c, uint64_t id)
{
    struct local_request *request = local_find_open(c, id);
    bool is_held = request != NULL && request->state == LOCAL_HELD;
    if (request != NULL)
        local_give_up(request, ZOOID__LOCAL__CODE__CANCELLED, NULL);
    if (is_held)
        local_release(c); /* what was behind it */
}

bool local_take(struct local_client *c, struct bytes frame)
{
    struct local *l = c->local;
    if (c->connection->close_delivered)
        return true; /* goodbye was said */
    bool too_long = !c->greeted && frame.len > LOCAL_FRAME_BEFORE_HELLO;
    const to_agent *m = too_long ? NULL : local_read(l, frame);
    if (!c->greeted)
        return greet(c, m);
    if (m == NULL) {
        local_say_goodbye(c, ZOOID__LOCAL__CODE__MALFORMED, "the frame is no message of this protocol");
        return true;
    }
    switch (m->body_case) {
    case ZOOID__LOCAL__TO_AGENT__BODY_HELLO:
        local_say_goodbye(c, ZOOID__LOCAL__CODE__MALFORMED, "a second hello");
        return true;
    case ZOOID__LOCAL__TO_AGENT__BODY_CANCEL: cancel(c, m->cancel); return true;
    case ZOOID__LOCAL__TO_AGENT__BODY_CREDIT: local_take_credit(c, m->credit); return true;
    case ZOOID__LOCAL__TO_AGENT__BODY_CALL_RESULT: local_call_take_result(c, m->call_result); return true;
    default: return take_request(c, m, frame);
    }
}
