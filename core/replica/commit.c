/* commit.c - what is durable is applied in the order of zxids, watches fire, then the reply leaves (design 5). */
#include "core/base/mem.h"
#include "core/jute/txn.h"
#include "core/ops/access.h"
#include "core/replica/member.h"

#include <inttypes.h>

enum {
    XID_EVENT = -1,
    STATE_CONNECTED = 3, /* the only state a server ever sends */
};

/* An event's frame in the outbox, which is the same for everyone who is told. */
struct event_frame {
    enum watch_event event;
    size_t offset, len; /* len 0: not written yet */
};

static enum status event_write(struct event_frame *frame, struct bytes path, int64_t zxid, struct outbox *out)
{
    size_t start = out->bytes.len;
    struct writer w = writer_to(&out->bytes);
    write_i32(&w, 0);
    reply_header_write(&w, &(struct reply_header){XID_EVENT, zxid, 0});
    watcher_event_write(&w, &(struct watcher_event){(int32_t)frame->event, STATE_CONNECTED, path});
    if (w.status != ST_OK)
        return w.status;
    write_i32_at(&w, start, (int32_t)(out->bytes.len - start - 4));
    frame->offset = start;
    frame->len = out->bytes.len - start;
    return ST_OK;
}

static enum status event_share(struct replica *r, struct client *c, const struct event_frame *frame, struct outbox *out)
{
    metrics_add(r->metrics, COUNTER_watch_bytes, frame->len);
    metrics_add(r->metrics, COUNTER_packets_sent, 1);
    r->packets_sent++;
    c->sent++;
    return outbox_share(out, c->id, frame->offset, frame->len);
}

enum status event_send(struct replica *r, struct client *c, enum watch_event event, struct bytes path, int64_t zxid,
                       struct outbox *out)
{
    struct event_frame frame = {.event = event};
    enum status st = event_write(&frame, path, zxid, out);
    return st == ST_OK ? event_share(r, c, &frame, out) : st;
}

/* One txn being applied. */
struct application {
    struct replica *r;
    const struct request *request;
    struct outbox *out;
    int64_t zxid;
    uint32_t node_acl, parent_acl; /* of the change whose watches fire */
    struct event_frame frame;      /* of that change: an event of one kind has one path */
    enum status status;
};

/* A watcher is told only what it may read: the node, or the parent whose children changed (CVE-2024-23944). */
static void fire(void *context, uint64_t watcher, enum watch_event event, struct bytes path)
{
    struct application *a = context;
    struct client *c = client_find(a->r, watcher);
    if (c == NULL || a->status != ST_OK)
        return;
    uint32_t acl = event == EVENT_NODE_CHILDREN_CHANGED ? a->parent_acl : a->node_acl;
    if (access_check(a->r->tree, &a->r->rules, acl, PERMISSION_READ, client_identities(c)) != ST_OK)
        return;
    if (a->frame.len == 0 || a->frame.event != event) {
        a->frame = (struct event_frame){.event = event};
        a->status = event_write(&a->frame, path, a->zxid, a->out);
    }
    if (a->status == ST_OK)
        a->status = event_share(a->r, c, &a->frame, a->out);
}

static bool asks_for(const struct request *request, enum txn_type type)
{
    return request->op != NULL && request->op->number == (int32_t)type;
}

static bool ends_audited_session(const struct request *request)
{
    return request->note.len > 0 && asks_for(request, TXN_CLOSE_SESSION);
}

static void changed(void *context, enum watch_event event, struct bytes path)
{
    struct application *a = context;
    struct replica *r = a->r;
    const struct tree_node *node = tree_lookup(r->tree, path);
    const struct tree_node *parent = node == NULL ? NULL : tree_by_number(r->tree, node->parent);
    uint32_t children = 0;
    if (ends_audited_session(a->request) && event == EVENT_NODE_DELETED && node != NULL && a->status == ST_OK)
        a->status = audit_tell_deletion(a->request, path, a->out);
    a->frame.len = 0;
    a->node_acl = node == NULL ? (uint32_t)ACL_OPEN : node->acl;
    a->parent_acl = parent == NULL ? (uint32_t)ACL_OPEN : parent->acl;
    if (event == EVENT_NODE_DATA_CHANGED) {
        uint32_t told = watches_data_changed(r->watches, path, fire, a);
        metrics_observe(r->metrics, SUMMARY_node_changed_watch_count, told);
        return;
    }
    bool is_created = event == EVENT_NODE_CREATED;
    uint32_t told = is_created ? watches_node_created(r->watches, path, fire, a, &children)
                               : watches_node_deleted(r->watches, path, fire, a, &children);
    metrics_observe(r->metrics, is_created ? SUMMARY_node_created_watch_count : SUMMARY_node_deleted_watch_count, told);
    metrics_observe(r->metrics, SUMMARY_node_children_watch_count, children);
}

/* What a txn of our own cannot come to but for a lack of memory or a bug. */
static bool is_fatal(enum status st)
{
    return st == ST_NO_MEMORY || st == ST_CORRUPT || st == ST_UNIMPLEMENTED;
}

static enum status cannot_apply(const struct replica *r, const struct txn_header *header, enum status st)
{
    LOG_ERROR(r->log, "replica", "txn 0x%" PRIx64 " of type %d cannot be applied: %s", (uint64_t)header->zxid,
              (int)header->type, status_text(st));
    return st == ST_NO_MEMORY ? st : ST_CORRUPT;
}

/* Apache's leader says within a multi that the session has moved. */
static bool is_multi_of_moved(const struct txn_header *header, struct bytes record)
{
    struct reader at;
    int32_t left;
    struct sub_txn sub;
    if (header->type != TXN_MULTI || txn_multi_begin(record, &at, &left) != ST_OK)
        return false;
    while (txn_next_sub(&at, &left, &sub))
        if (sub.type == TXN_ERROR && (int32_t)be32_get(sub.record.data) == status_code(ST_SESSION_MOVED))
            return true;
    return false;
}

/* `result` is what the client is told: for the place of a refused write, why it was refused. */
static enum status apply_txn(struct replica *r, const struct request *request, enum status *result, struct outbox *out)
{
    struct txn_header header;
    struct reader reader = reader_of(bytes_make(request->bytes, request->len));
    CHECK(txn_header_read(&reader, &header) == ST_OK);
    struct bytes record = bytes_make(request->bytes + TXN_HEADER_LEN, request->record_len);
    struct application application = {.r = r, .request = request, .out = out, .zxid = header.zxid};
    bool is_watched = watches_count(r->watches).total > 0 || ends_audited_session(request);
    struct apply a = {.tree = r->tree,
                      .sessions = r->sessions,
                      .header = &header,
                      .now_ms = now_ms(r),
                      .changed = is_watched ? changed : NULL,
                      .context = &application,
                      .history = r->history,
                      .metrics = r->metrics,
                      .shows_owners = request->client != NULL && request->client->is_local};
    r->answer.len = 0;
    struct writer w = writer_to(&r->answer);
    *result = op_apply(&a, header.type, record, request->client == NULL ? NULL : &w);
    if (is_fatal(*result))
        return cannot_apply(r, &header, *result);
    if (application.status != ST_OK || w.status != ST_OK)
        return ST_NO_MEMORY;
    if (header.type == TXN_ERROR)
        *result = status_from_code((int32_t)be32_get(record.data));
    else if (request->client != NULL && is_multi_of_moved(&header, record))
        *result = ST_SESSION_MOVED;
    return audit_tell(request, record, *result, out);
}

/* The session's connection ends with it: with a reply if it was the one that asked, without a word if it expired. */
static enum status end_session(struct replica *r, uint64_t client, struct outbox *out)
{
    struct client *c = client == 0 ? NULL : client_find(r, client);
    return c == NULL ? ST_OK : client_close(r, c, out);
}

static enum status reply_to(struct replica *r, struct client *c, const struct request *request, enum status result,
                            struct outbox *out)
{
    if (c == NULL || c->phase == CLIENT_CLOSED)
        return ST_OK;
    if (request->refused != ST_OK && result != ST_OK)
        result = request->refused;
    /* Whoever is no longer the owner of its session is told so by the end of the connection, without a word: its client
     * is elsewhere (client-protocol 5.8). */
    bool has_none = asks_for(request, TXN_CREATE_SESSION) && result != ST_OK;
    if (has_none || result == ST_SESSION_MOVED)
        return client_close(r, c, out);
    if (asks_for(request, TXN_CREATE_SESSION))
        return client_established(r, c, out);
    const struct reply_header header = {request->xid, request->zxid, status_code(result)};
    struct bytes body = result == ST_OK ? buffer_bytes(&r->answer) : BYTES_NULL;
    return reply_send(r, c, &header, body, request->op, request->received_us, out);
}

/* Takes the request out of the client's order before it is answered: what comes behind it may be answered next. */
static struct client *leave_queue(struct replica *r, struct request *request)
{
    struct client *c = request->client;
    CHECK(c == NULL || c->requests.next == &request->link); /* whatever came before it has been answered */
    request_leave(r, request);
    return c;
}

bool commit_is_ours(const struct replica *r)
{
    return r->service == SERVICE_ALONE || r->service == SERVICE_LEADING;
}

static void note_latency(const struct replica *r, const struct request *request)
{
    const int64_t ms = (r->now_us - request->received_us) / 1000;
    metrics_observe(r->metrics, SUMMARY_propagation_latency, ms);
    if (r->service == SERVICE_LEADING)
        metrics_observe(r->metrics, SUMMARY_quorum_ack_latency, ms);
    if (request->client != NULL)
        metrics_observe(r->metrics, SUMMARY_write_commitproc_time_ms, ms);
}

enum status commit_one(struct replica *r, struct request *request, struct outbox *out)
{
    enum status result;
    const struct session *session = sessions_get(r->sessions, request->session_id);
    uint64_t session_client = session == NULL ? 0 : session->client;
    enum status st = apply_txn(r, request, &result, out);
    if (st != ST_OK)
        return st;
    list_remove(&request->flight);
    metrics_add(r->metrics, COUNTER_outstanding_changes_removed, request->changes.count);
    pending_applied(r->pending, &request->changes, request->zxid);
    r->last_zxid = request->zxid;
    if (r->history != NULL)
        changes_applied(r->history, request->zxid);
    r->txns++;
    metrics_add(r->metrics, COUNTER_commit_count, 1);
    note_latency(r, request);
    if (asks_for(request, TXN_CREATE_SESSION))
        session_came(r, request->session_id);
    struct client *c = leave_queue(r, request);
    st = reply_to(r, c, request, result, out);
    bool is_close = asks_for(request, TXN_CLOSE_SESSION) && result == ST_OK;
    request_free(r, request);
    if (st == ST_OK && is_close)
        st = end_session(r, session_client, out);
    return st == ST_OK && c != NULL && c->phase == CLIENT_ACTIVE ? request_drain(r, c, out) : st;
}

/* A sync that waited for others' txns is answered before any later txn is applied: the next one may be of the same
 * client, whose replies leave in order. */
static enum status answer_syncs(struct replica *r, struct outbox *out)
{
    enum status st = ST_OK;
    while (st == ST_OK && !list_is_empty(&r->syncs)) {
        struct request *sync = LIST_ENTRY(r->syncs.next, struct request, flight);
        if (sync->zxid > r->last_zxid)
            break;
        list_remove(&sync->flight);
        st = request_drain(r, sync->client, out);
    }
    return st;
}

enum status commit_forget(struct replica *r, struct outbox *out)
{
    return audit_give_up(r, &r->in_flight, out);
}

enum status commit_until(struct replica *r, int64_t zxid, struct outbox *out)
{
    enum status st = ST_OK;
    r->logged_zxid = zxid > r->logged_zxid ? zxid : r->logged_zxid;
    while (st == ST_OK && !list_is_empty(&r->in_flight)) {
        struct request *request = LIST_ENTRY(r->in_flight.next, struct request, flight);
        if (request->zxid > zxid)
            break;
        st = commit_one(r, request, out);
        if (st == ST_OK)
            st = answer_syncs(r, out);
    }
    return st;
}
