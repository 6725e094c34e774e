/* request.c - one client request from frame to reply: taken, answered at once or kept in the client's order.
 *
 * Replies leave in the order of requests (client-protocol 5.6). A read is answered at once when nothing of the same
 * client is before it; otherwise its frame is kept and it is answered when its turn comes, by the same code. */
#include "core/base/mem.h"
#include "core/replica/member.h"

#include <inttypes.h>

enum { XID_PING = -2 /* the reply to a ping has this xid, whatever the request had */ };

struct request *request_queue(struct replica *r, struct client *c, enum request_state state, struct bytes bytes)
{
    struct request *request = mem_calloc(1, sizeof *request + bytes.len);
    if (request == NULL)
        return NULL;
    list_init(&request->flight);
    list_append(&c->requests, &request->link);
    request->client = c;
    request->state = state;
    request->received_us = r->now_us;
    request->session_id = c->session_id;
    request->len = bytes.len;
    if (bytes.len > 0)
        memcpy(request->bytes, bytes.data, bytes.len);
    request_counts(r, request);
    r->held_bytes += request->len;
    return request;
}

void request_counts(struct replica *r, struct request *request)
{
    request->client->outstanding++;
    r->outstanding++;
    request->large_bytes = r->large_taken;
    r->large_bytes += r->large_taken;
    r->large_taken = 0;
}

void request_leave(struct replica *r, struct request *request)
{
    list_remove(&request->link);
    if (request->client == NULL)
        return;
    request->client->outstanding--;
    request->client->answer_bytes -= request->answer_bytes;
    r->outstanding--;
    r->large_bytes -= request->large_bytes;
    request->client = NULL;
}

void request_free(struct replica *r, struct request *request)
{
    request_leave(r, request);
    list_remove(&request->flight);
    r->held_bytes -= request->len + request->note.len;
    r->forwarded_bytes -= request->forwarded_bytes;
    mem_free(request->changes.records);
    buffer_free(&request->note);
    mem_free(request);
}

/* -- reads -------------------------------------------------------------------------------------------------------- */

struct event_target {
    struct replica *r;
    struct client *client;
    struct outbox *out;
};

/* Events that setWatches fires carry no zxid (client-protocol 1.4). */
static enum status send_missed_event(void *context, enum watch_event event, struct bytes path)
{
    struct event_target *target = context;
    return event_send(target->r, target->client, event, path, -1, target->out);
}

/* Events of its own go out before the reply, so the reply is not begun until the answer is done. */
static enum status answer_with_events(struct replica *r, struct client *c, const struct read_context *context,
                                      const struct op *op, const union op_body *body, struct reply_header *header,
                                      int64_t received_us, struct outbox *out)
{
    r->answer.len = 0;
    struct writer w = writer_to(&r->answer);
    enum status st = op->answer(context, body, &w);
    if (st == ST_NO_MEMORY)
        return st;
    header->err = status_code(st);
    struct bytes reply = st == ST_OK ? buffer_bytes(&r->answer) : BYTES_NULL;
    return reply_send(r, c, header, reply, op, received_us, out);
}

/* The body is written where it will be sent from. */
static enum status answer(struct replica *r, struct client *c, const struct op *op, const union op_body *body,
                          int32_t xid, int64_t received_us, struct outbox *out)
{
    struct event_target target = {r, c, out};
    const struct read_context context = {
        .rules = &r->rules,
        .tree = r->tree,
        .watches = r->watches,
        .client = c->id,
        .session_id = c->session_id,
        .who = client_identities(c),
        .shows_owners = c->is_local,
        .metrics = r->metrics,
        .send_event = send_missed_event,
        .context = &target,
    };
    struct reply_header header = {op->number == OP_NUMBER_PING ? XID_PING : xid, r->last_zxid, 0};
    if (op->flags & OP_SETS_WATCHES)
        return answer_with_events(r, c, &context, op, body, &header, received_us, out);
    size_t start = out->bytes.len;
    struct writer w = writer_to(&out->bytes);
    write_i32(&w, 0);
    reply_header_write(&w, &header);
    size_t body_at = out->bytes.len;
    enum status st = w.status == ST_OK ? op->answer(&context, body, &w) : w.status;
    if (st == ST_NO_MEMORY)
        return st;
    if (st != ST_OK) {
        header.err = status_code(st);
        out->bytes.len = body_at;
        write_i32_at(&w, body_at - 4, header.err);
    }
    return reply_finish(r, c, &w, start, &header, op, received_us, out);
}

/* Has everything that this read must see been applied? A sync waits for all that was in flight when it came. */
static bool is_ready(const struct replica *r, const struct request *request)
{
    return request->zxid <= r->last_zxid;
}

static bool waited_too_long(const struct replica *r, const struct request *request, const struct op *op)
{
    int32_t max_ms = r->options.throttled_op_wait_ms;
    return max_ms > 0 && op->number != OP_NUMBER_PING && r->now_us - request->received_us > (int64_t)max_ms * 1000;
}

/* Answers the read at the front of the queue from the frame it was kept as; it was decoded once, so it is whole. */
static enum status answer_kept(struct replica *r, struct client *c, struct request *request, struct outbox *out)
{
    struct reader reader = reader_of(bytes_make(request->bytes, request->len));
    struct request_header header;
    union op_body body;
    CHECK(request_header_read(&reader, &header) == ST_OK);
    if (request->op->decode != NULL)
        CHECK(request->op->decode(&reader, &body) == ST_OK);
    if (waited_too_long(r, request, request->op)) {
        metrics_add(r->metrics, COUNTER_throttled_ops, 1);
        const struct reply_header refused = {header.xid, r->last_zxid, status_code(ST_THROTTLED_OP)};
        return reply_send(r, c, &refused, BYTES_NULL, request->op, request->received_us, out);
    }
    return answer(r, c, request->op, &body, header.xid, request->received_us, out);
}

static enum status send_answered(struct replica *r, struct client *c, const struct request *request, struct outbox *out)
{
    struct reader reader = reader_of(bytes_make(request->bytes, request->len));
    struct reply_header header;
    CHECK(reply_header_read(&reader, &header) == ST_OK);
    struct bytes body = bytes_make(reader.at, reader_left(&reader));
    enum status st = reply_dated(r, c, &header, body, request->op, request->received_us, out);
    return st == ST_OK && request->close_after ? client_close(r, c, out) : st;
}

enum status request_drain(struct replica *r, struct client *c, struct outbox *out)
{
    enum status st = ST_OK;
    while (st == ST_OK && c->phase == CLIENT_ACTIVE && !list_is_empty(&c->requests)) {
        struct request *request = LIST_ENTRY(c->requests.next, struct request, link);
        if (request->state == REQUEST_IN_FLIGHT || request->state == REQUEST_FORWARDED ||
            (request->state == REQUEST_WAITING && !is_ready(r, request)))
            break;
        if (request->state == REQUEST_WAITING) {
            st = answer_kept(r, c, request, out);
            request_free(r, request);
            continue;
        }
        list_remove(&request->link); /* a close must not free it under us */
        st = send_answered(r, c, request, out);
        request_free(r, request);
    }
    return st == ST_OK && c->phase == CLIENT_ACTIVE ? client_check_pressure(r, c, out) : st;
}

/* -- taking ------------------------------------------------------------------------------------------------------- */

static enum status take_read(struct replica *r, struct client *c, const struct op *op, const union op_body *body,
                             int32_t xid, struct bytes frame, int64_t received_us, struct outbox *out)
{
    bool is_sync = op->number == OP_NUMBER_SYNC;
    bool waits_for_others = is_sync && (r->service == SERVICE_LEADING || r->prepared_zxid > r->last_zxid);
    if (list_is_empty(&c->requests) && !waits_for_others)
        return answer(r, c, op, body, xid, received_us, out);
    struct request *request = request_queue(r, c, REQUEST_WAITING, frame);
    if (request == NULL)
        return ST_NO_MEMORY;
    request->op = op;
    request->xid = xid;
    request->received_us = received_us;
    request->answer_bytes = op->weigh == NULL ? 0 : op->weigh(r->pending, body);
    c->answer_bytes += request->answer_bytes;
    if (waits_for_others && r->service == SERVICE_LEADING)
        return member_confirm(r, request, out);
    if (waits_for_others) {
        request->zxid = r->prepared_zxid;
        list_append(&r->syncs, &request->flight);
    }
    return ST_OK;
}

struct identified {
    const struct replica *r;
    struct client *client;
};

static enum status add_identity(void *context, struct bytes scheme, struct bytes id)
{
    const struct identified *who = context;
    return client_add_identity(who->r, who->client, scheme, id);
}

/* Takes effect now, so that it holds for what comes behind it; the answer keeps its place in the order, which kazoo
 * relies on (client-protocol 5.6). */
static enum status take_identity(struct replica *r, struct client *c, const struct op *op, const union op_body *body,
                                 int32_t xid, struct outbox *out)
{
    struct identified who = {r, c};
    const struct identify identify = {&r->rules, client_identities(c), r->metrics, add_identity, &who};
    r->answer.len = 0;
    struct writer w = writer_to(&r->answer);
    enum status st = op->identify(&identify, body, &w);
    if (st == ST_NO_MEMORY || w.status != ST_OK)
        return ST_NO_MEMORY;
    if (st == ST_NOT_FOUND)
        return client_turn_away(r, c, out, "it looks for an ensemble with a name that is not in ensembleAuthName");
    if (st != ST_OK)
        metrics_add(r->metrics, COUNTER_auth_failed_count, 1);
    const struct reply_header header = {xid, 0, status_code(st)};
    struct buffer body_copy = r->answer;
    r->answer = (struct buffer){0};
    st = reply_in_order(r, c, &header, header.err == 0 ? buffer_bytes(&body_copy) : BYTES_NULL, op, header.err != 0,
                        out);
    buffer_free(&body_copy);
    return st;
}

/* enforce.auth: only those who have proved to be someone get further (client-protocol 8.7). */
bool client_is_unauthenticated(const struct replica *r, const struct client *c)
{
    if (r->auth_schemes == NULL)
        return false;
    for (char **scheme = r->auth_schemes; *scheme != NULL; scheme++)
        for (size_t i = 0; i < c->identity_count; i++)
            if (bytes_equal(bytes_of(*scheme), c->identities[i].scheme))
                return false;
    return true;
}

/* A local session ends when its turn comes; nothing is logged. */
static enum status take_local_close(struct replica *r, struct client *c, const struct op *op, int32_t xid,
                                    struct outbox *out)
{
    const struct reply_header header = {xid, ZXID_WHEN_SENT, 0};
    c->ends_session = true;
    return reply_in_order(r, c, &header, BYTES_NULL, op, true, out);
}

static enum status take_known(struct replica *r, struct client *c, const struct op *op, struct reader *reader,
                              int32_t xid, struct bytes frame, int64_t received_us, struct outbox *out)
{
    union op_body body;
    memset(&body, 0, sizeof body);
    enum status decoded = op->decode == NULL ? ST_OK : op->decode(reader, &body);
    if (decoded != ST_OK)
        decoded = ST_MARSHALLING_ERROR;
    bool is_sync = op->number == OP_NUMBER_SYNC && decoded == ST_OK;
    if (c->session_id == 0 && (op->kind == OP_WRITE || (is_sync && r->service == SERVICE_LEARNING))) {
        const struct reply_header nobody = {xid, ZXID_WHEN_SENT, status_code(ST_SESSION_EXPIRED)};
        return reply_in_order(r, c, &nobody, BYTES_NULL, op, false, out);
    }
    if (audit_refuses(r, c, op, decoded == ST_OK ? &body : NULL)) {
        const struct reply_header throttled = {xid, ZXID_WHEN_SENT, status_code(ST_THROTTLED_OP)};
        metrics_add(r->metrics, COUNTER_audit_refused, 1);
        return reply_in_order(r, c, &throttled, BYTES_NULL, op, false, out);
    }
    enum status refused = ST_OK;
    if (op->number == TXN_CLOSE_SESSION && session_is_local(r, c->session_id))
        return take_local_close(r, c, op, xid, out);
    bool makes_ephemeral = decoded == ST_OK && op->makes_ephemeral != NULL && op->makes_ephemeral(&body);
    if (makes_ephemeral && local_session_own(r, c, &refused, out) != ST_OK)
        return ST_NO_MEMORY;
    if (r->service == SERVICE_LEARNING && (op->kind == OP_WRITE || is_sync))
        return member_forward(
            r, c, &(struct forwarding){op, xid, frame, decoded == ST_OK ? &body : NULL, received_us, refused}, out);
    if (op->kind == OP_WRITE) {
        /* One that cannot be decoded has a place in the log all the same, as on Apache's 3.8 (client-protocol 4.6). */
        const struct proposal proposal = {.op = op,
                                          .body = &body,
                                          .client = c,
                                          .owner = OWNER_HERE,
                                          .session_id = c->session_id,
                                          .cxid = xid,
                                          .received_us = received_us,
                                          .refused = decoded};
        return propose(r, &proposal, out);
    }
    if (decoded != ST_OK) {
        const struct reply_header header = {xid, ZXID_WHEN_SENT, status_code(decoded)};
        return reply_in_order(r, c, &header, BYTES_NULL, op, false, out);
    }
    if (op->kind == OP_CONNECTION)
        return take_identity(r, c, op, &body, xid, out);
    return take_read(r, c, op, &body, xid, frame, received_us, out);
}

static bool is_large(const struct replica *r, size_t len)
{
    return r->options.large_request_bytes_max > 0 && len > r->options.large_request_threshold;
}

/* A large one is only taken while those that are under way leave room for it (client-protocol 14). */
static bool has_room_for(const struct replica *r, size_t len)
{
    return !is_large(r, len) || r->large_bytes + len <= r->options.large_request_bytes_max;
}

/* Without a leader nothing can be written, nor anybody be asked how far the others are (client-protocol 3.2). */
static bool is_for_a_leader(const struct op *op)
{
    return (op->kind == OP_WRITE && op->number != TXN_CLOSE_SESSION) || op->number == OP_NUMBER_SYNC;
}

enum status request_take(struct replica *r, struct client *c, struct bytes frame, int64_t received_us,
                         struct outbox *out)
{
    struct reader reader = reader_of(frame);
    struct request_header header;
    if (request_header_read(&reader, &header) != ST_OK)
        return client_turn_away(r, c, out, "a message of %zu bytes is too short for a request", frame.len);
    const struct op *op = op_find(header.type);
    if (op == NULL || op->kind == OP_INTERNAL || ((op->flags & OP_LOCAL) != 0 && !c->is_local)) {
        const struct reply_header unknown = {header.xid, -1, status_code(ST_UNIMPLEMENTED)};
        return reply_in_order(r, c, &unknown, BYTES_NULL, NULL, true, out);
    }
    if (op->kind != OP_CONNECTION) {
        if (client_is_unauthenticated(r, c)) {
            const struct reply_header closed = {header.xid, 0, status_code(ST_SESSION_CLOSED_REQUIRE_AUTH)};
            return reply_in_order(r, c, &closed, BYTES_NULL, op, true, out);
        }
        if (client_heard(r, c) != ST_OK)
            return ST_NO_MEMORY;
    }
    if (r->service == SERVICE_READ_ONLY && is_for_a_leader(op)) {
        const struct reply_header refused = {header.xid, ZXID_WHEN_SENT, status_code(ST_NOT_READ_ONLY)};
        return reply_in_order(r, c, &refused, BYTES_NULL, op, false, out);
    }
    if (!has_room_for(r, frame.len)) {
        metrics_add(r->metrics, COUNTER_large_requests_rejected, 1);
        return client_turn_away(r, c, out, "%" PRIu64 " bytes of large requests are under way, and it sends %zu more",
                                r->large_bytes, frame.len);
    }
    r->large_taken = is_large(r, frame.len) ? frame.len : 0;
    enum status st = take_known(r, c, op, &reader, header.xid, frame, received_us, out);
    r->large_taken = 0;
    return st == ST_OK && c->phase == CLIENT_ACTIVE ? client_check_pressure(r, c, out) : st;
}
