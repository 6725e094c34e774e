/* local_reply.c - the order of a local client's replies: what the replica says becomes messages, each in its turn. */
#include "agent/local/local_internal.h"

#include "core/jute/frame.h"

enum { XID_EVENT = -1, FRAME_LEN = 4 };

/* -- messages ----------------------------------------------------------------------------------------------------- */

static Zooid__Local__Role role_of(const struct local *l)
{
    static const Zooid__Local__Role roles[] = {[SERVICE_ALONE] = ZOOID__LOCAL__ROLE__ROLE_ALONE,
                                               [SERVICE_NONE] = ZOOID__LOCAL__ROLE__ROLE_NONE,
                                               [SERVICE_LEADING] = ZOOID__LOCAL__ROLE__ROLE_LEADER,
                                               [SERVICE_LEARNING] = ZOOID__LOCAL__ROLE__ROLE_FOLLOWER,
                                               [SERVICE_READ_ONLY] = ZOOID__LOCAL__ROLE__ROLE_NONE};
    enum replica_service service = replica_service(l->parts.replica);
    bool observes = service == SERVICE_LEARNING && l->settings->peer_type == PEER_TYPE_OBSERVER;
    return observes ? ZOOID__LOCAL__ROLE__ROLE_OBSERVER : roles[service];
}

int64_t local_age_ms(const struct local *l)
{
    if (replica_service(l->parts.replica) == SERVICE_ALONE)
        return 0;
    int64_t heard = replica_heard_ms(l->parts.replica);
    return heard < 0 ? INT64_MAX / 2 : pump_now_us(l->parts.front.pump) / 1000 - heard;
}

void local_state(const struct local *l, int64_t zxid, Zooid__Local__State *state)
{
    int64_t age = local_age_ms(l);
    zooid__local__state__init(state);
    state->has_zxid = state->has_age_ms = state->has_role = true;
    state->zxid = zxid;
    state->age_ms = age < 0 || age > UINT32_MAX ? UINT32_MAX : (uint32_t)age;
    state->role = role_of(l);
}

bool local_may_retry(int32_t code)
{
    static const int32_t codes[] = {
        ZOOID__LOCAL__CODE__NEW_CONFIG_NO_QUORUM,
        ZOOID__LOCAL__CODE__RECONFIG_IN_PROGRESS,
        ZOOID__LOCAL__CODE__READ_ONLY,
        ZOOID__LOCAL__CODE__THROTTLED,
        ZOOID__LOCAL__CODE__DEADLINE_EXCEEDED,
        ZOOID__LOCAL__CODE__NOT_SERVING,
        ZOOID__LOCAL__CODE__STALE,
        ZOOID__LOCAL__CODE__LIMIT_REACHED,
        ZOOID__LOCAL__CODE__PROVIDER_FAILED,
        ZOOID__LOCAL__CODE__PROVIDER_EXISTS,
        ZOOID__LOCAL__CODE__STOPPING,
    };
    for (size_t i = 0; i < ARRAY_LEN(codes); i++)
        if (codes[i] == code)
            return true;
    return false;
}

/* What is said when there is nothing better to say. */
static const char *text_of(int32_t code)
{
    static const struct {
        int32_t code;
        const char *text;
    } rows[] = {
        {ZOOID__LOCAL__CODE__DEADLINE_EXCEEDED, "the deadline has passed"},
        {ZOOID__LOCAL__CODE__CANCELLED, "cancelled"},
        {ZOOID__LOCAL__CODE__STALE, "the replica did not become as fresh as was asked in time"},
        {ZOOID__LOCAL__CODE__NOT_CHANGED, "not changed"},
        {ZOOID__LOCAL__CODE__UNIMPLEMENTED, "this agent does not know the request"},
        {ZOOID__LOCAL__CODE__STOPPING, "the agent stops"},
        {ZOOID__LOCAL__CODE__PROVIDER_REPLACED, "another has taken the name over"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].code == code)
            return rows[i].text;
    return status_text(status_from_code(code));
}

static void fill_error(Zooid__Local__Error *error, int32_t code, const char *message, char *path, bool unknown)
{
    zooid__local__error__init(error);
    error->has_code = error->has_retry = true;
    error->code = code;
    error->message = (char *)(uintptr_t)(message == NULL ? text_of(code) : message);
    error->path = path;
    error->retry = local_may_retry(code);
    error->has_outcome_unknown = unknown;
    error->outcome_unknown = unknown;
}

/* A write that the replica has may take effect, whatever its client is told; and so may a call that the provider has.
 */
static bool outcome_is_unknown(const struct local_request *request)
{
    if (request->call != NULL || request->is_unknown)
        return true;
    return request->op != NULL && request->op->needs_session && request->state == LOCAL_WAITS;
}

static enum status write_final(struct local_request *request, from_agent *m, int64_t zxid, struct buffer *say)
{
    Zooid__Local__State state;
    local_state(request->client->local, zxid, &state);
    m->has_id = true;
    m->id = request->id;
    m->state = &state;
    enum status st = local_write_parts(request->client, m, say);
    m->state = NULL; /* it ends here */
    return st;
}

static enum status write_error(struct local_request *request, int32_t code, const char *message, bool unknown,
                               int64_t zxid, struct buffer *say)
{
    from_agent m = ZOOID__LOCAL__FROM_AGENT__INIT;
    Zooid__Local__Error error;
    fill_error(&error, code, message, request->path, unknown);
    m.error = &error;
    return write_final(request, &m, zxid, say);
}

static int64_t last_zxid(const struct local_request *request)
{
    return replica_last_zxid(request->client->local->parts.replica);
}

static enum status answer_with(struct local_request *request, enum status st)
{
    struct local_client *c = request->client;
    request->state = LOCAL_READY;
    connection_say(c->connection);
    return st == ST_OK ? local_drain(c, &c->connection->said) : st;
}

enum status local_answer(struct local_request *request, from_agent *m)
{
    return answer_with(request, write_final(request, m, last_zxid(request), &request->ready));
}

enum status local_refuse(struct local_request *request, int32_t code, const char *message)
{
    return answer_with(request, write_error(request, code, message, false, last_zxid(request), &request->ready));
}

void local_give_up(struct local_request *request, int32_t code, const char *message)
{
    struct connection *connection = request->client->connection;
    deadlines_remove(&request->client->local->deadlines, &request->deadline);
    if (request->answered || request->op == NULL)
        return;
    request->answered = true;
    if (write_error(request, code, message, outcome_is_unknown(request), last_zxid(request), &connection->said) !=
        ST_OK)
        connection->failed = true;
    if (request->state == LOCAL_READY || request->state == LOCAL_HELD)
        local_request_free(request);
    connection_say(connection);
}

void local_finish(struct local_request *request, from_agent *m)
{
    struct connection *connection = request->client->connection;
    if (write_final(request, m, last_zxid(request), &connection->said) != ST_OK)
        connection->failed = true;
    local_request_free(request);
    connection_say(connection);
}

void local_put_goodbye(struct local_client *c, int32_t code, const char *message)
{
    from_agent m = ZOOID__LOCAL__FROM_AGENT__INIT;
    Zooid__Local__Goodbye goodbye = ZOOID__LOCAL__GOODBYE__INIT;
    Zooid__Local__Error error;
    fill_error(&error, code, message, NULL, false);
    goodbye.error = &error;
    m.body_case = ZOOID__LOCAL__FROM_AGENT__BODY_GOODBYE;
    m.goodbye = &goodbye;
    if (local_write(&c->connection->said, &m) != ST_OK)
        c->connection->failed = true;
    c->connection->close_asked = c->connection->close_delivered = c->connection->ended_here = true;
}

void local_say_goodbye(struct local_client *c, int32_t code, const char *message)
{
    if (c->connection->close_delivered)
        return;
    local_put_goodbye(c, code, message);
    connection_say(c->connection);
}

/* -- the order ---------------------------------------------------------------------------------------------------- */

enum status local_drain(struct local_client *c, struct buffer *say)
{
    enum status st = ST_OK;
    while (st == ST_OK && !list_is_empty(&c->requests)) {
        struct local_request *first = LIST_ENTRY(c->requests.next, struct local_request, link);
        if (first->state != LOCAL_READY)
            break;
        if (!first->answered)
            st = buffer_append(say, first->ready.data, first->ready.len);
        local_request_free(first);
    }
    return st;
}

/* The request is ready, and over with that. */
static void say_ready(struct local_request *request, struct buffer *say)
{
    if (!request->answered && buffer_append(say, request->ready.data, request->ready.len) != ST_OK)
        request->client->connection->failed = true;
    local_request_free(request);
}

void local_say_ready(struct local_client *c, struct buffer *say)
{
    LIST_FOR_EACH(at, &c->requests)
    {
        struct local_request *request = LIST_ENTRY(at, struct local_request, link);
        if (request->state == LOCAL_READY)
            say_ready(request, say);
    }
}

void local_fail_all(struct local_client *c, int32_t code, const char *message, struct buffer *say)
{
    LIST_FOR_EACH(at, &c->requests)
    {
        struct local_request *request = LIST_ENTRY(at, struct local_request, link);
        if (request->state == LOCAL_READY) {
            say_ready(request, say);
            continue;
        }
        bool told = request->op != NULL && !request->answered;
        if (told && write_error(request, code, message, outcome_is_unknown(request), last_zxid(request), say) != ST_OK)
            c->connection->failed = true;
        local_request_free(request);
    }
}

/* -- from the replica --------------------------------------------------------------------------------------------- */

static enum status say_event(struct local_client *c, struct reader *r, const struct reply_header *header,
                             struct buffer *say)
{
    static const Zooid__Local__EventKind kinds[] = {
        [1] = ZOOID__LOCAL__EVENT_KIND__EVENT_CREATED, [2] = ZOOID__LOCAL__EVENT_KIND__EVENT_DELETED,
        [3] = ZOOID__LOCAL__EVENT_KIND__EVENT_CHANGED, [4] = ZOOID__LOCAL__EVENT_KIND__EVENT_CHILDREN,
        [5] = ZOOID__LOCAL__EVENT_KIND__EVENT_REMOVED,
    };
    struct watcher_event event;
    from_agent m = ZOOID__LOCAL__FROM_AGENT__INIT;
    Zooid__Local__WatchEvent body = ZOOID__LOCAL__WATCH_EVENT__INIT;
    Zooid__Local__State state;
    if (watcher_event_read(r, &event) != ST_OK)
        return ST_CORRUPT;
    if (event.type < 1 || (size_t)event.type >= ARRAY_LEN(kinds))
        return ST_OK; /* about the session: the door tells of that itself */
    body.has_kind = body.has_zxid = true;
    body.kind = kinds[event.type];
    body.zxid = header->zxid;
    body.path = arena_text(&c->local->arena, event.path.data, event.path.len);
    local_state(c->local, replica_last_zxid(c->local->parts.replica), &state);
    m.state = &state;
    m.body_case = ZOOID__LOCAL__FROM_AGENT__BODY_WATCH;
    m.watch = &body;
    return body.path == NULL ? ST_NO_MEMORY : local_write(say, &m);
}

static bool is_unchanged(const struct local_request *request, const from_agent *m)
{
    if (!request->has_if_changed_since)
        return false;
    if (m->body_case == ZOOID__LOCAL__FROM_AGENT__BODY_NODE)
        return m->node->stat->mzxid <= request->if_changed_since;
    return m->body_case == ZOOID__LOCAL__FROM_AGENT__BODY_CHILDREN &&
           m->children->stat->pzxid <= request->if_changed_since;
}

static enum status say_reply(struct local_request *request, const struct reply_header *header, struct reader *r,
                             struct buffer *say)
{
    if (header->err != 0)
        return write_error(request, header->err, NULL, false, header->zxid, say);
    from_agent m = ZOOID__LOCAL__FROM_AGENT__INIT;
    struct local_decoding d = {&request->client->local->arena, request, &m, ST_OK};
    if (request->op->decode != NULL)
        request->op->decode(&d, r);
    if (d.status != ST_OK || r->status != ST_OK)
        return d.status != ST_OK ? d.status : ST_CORRUPT;
    if (is_unchanged(request, &m))
        return write_error(request, ZOOID__LOCAL__CODE__NOT_CHANGED, NULL, false, header->zxid, say);
    return write_final(request, &m, header->zxid, say);
}

/* The first that waits is the one that was asked first; those that are ready before it have left. */
static enum status on_reply(struct local_client *c, struct bytes frame, struct buffer *say)
{
    struct reader r = reader_of(frame);
    struct reply_header header;
    if (reply_header_read(&r, &header) != ST_OK)
        return ST_CORRUPT;
    if (header.xid == XID_EVENT)
        return say_event(c, &r, &header, say);
    struct local_request *first = LIST_ENTRY(c->requests.next, struct local_request, link);
    if (list_is_empty(&c->requests) || first->state != LOCAL_WAITS || first->xid != header.xid)
        return ST_CORRUPT;
    enum status st = ST_OK;
    if (first->op == NULL && header.xid == LOCAL_XID_TOUCH)
        st = local_session_touched(c, say);
    else if (first->op != NULL && !first->answered)
        st = say_reply(first, &header, &r, say);
    local_request_free(first);
    return st == ST_OK ? local_drain(c, say) : st;
}

static bool awaits_session(const struct local_client *c)
{
    return !list_is_empty(&c->requests) &&
           LIST_ENTRY(c->requests.next, struct local_request, link)->state == LOCAL_CONNECTS;
}

enum status local_translate(struct local_client *c, struct bytes frames, struct buffer *say)
{
    struct bytes frame;
    size_t used = 0;
    enum status st = ST_OK;
    while (st == ST_OK && frame_next(frames, SIZE_MAX, &frame, &used) == FRAME_WHOLE) {
        arena_reset(&c->local->arena);
        bool is_event = frame.len >= FRAME_LEN && (int32_t)be32_get(frame.data) == XID_EVENT;
        if (awaits_session(c) && !is_event)
            st = local_session_answered(c, LIST_ENTRY(c->requests.next, struct local_request, link), frame, say);
        else
            st = on_reply(c, frame, say);
        frames = bytes_from(frames, used);
    }
    return st;
}
