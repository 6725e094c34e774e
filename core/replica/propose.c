/* propose.c - a write gets its zxid, is prepared, and becomes the one encoding of its txn (design 4.4). */
#include "core/base/mem.h"
#include "core/jute/txn.h"
#include "core/replica/member.h"
#include "core/store/txnlog.h"

enum {
    TXN_TYPE_OFFSET = 28, /* of the header's last field */
    DIGEST_VERSION = 2,
};

/* One that is not the ensemble's may be local, here or at another member, which alone knows whether it lives. */
static bool may_be_local(const struct replica *r, int64_t id)
{
    bool is_ours = (uint8_t)((uint64_t)id >> 56) == (uint8_t)r->options.server_id;
    return session_is_local(r, id) || (r->member != NULL && r->options.local_sessions && !is_ours);
}

/* Why a request is refused before the tree is looked at (client-protocol 5.3, quorum-protocol 3.8): its session is gone
 * or going, or has moved to another member, so that this request is a late one of the connection before. */
static enum status session_check(const struct replica *r, const struct proposal *proposal)
{
    struct session *session = session_global(r, proposal->session_id);
    if (proposal->op->number == TXN_CREATE_SESSION)
        return proposal->session_id != 0 && (session == NULL || !session->closing) ? ST_OK : ST_SESSION_EXPIRED;
    if (proposal->session_id == 0) /* nobody's: what the leader itself proposes */
        return proposal->owner == 0 ? ST_OK : ST_SESSION_EXPIRED;
    if (session == NULL && proposal->op->number != TXN_CLOSE_SESSION && may_be_local(r, proposal->session_id))
        return ST_OK;
    if (session == NULL || session->closing)
        return ST_SESSION_EXPIRED;
    if (r->service != SERVICE_LEADING || proposal->owner == 0 || proposal->op->number == TXN_CLOSE_SESSION)
        return ST_OK;
    if (session->owner == 0)
        session->owner = proposal->owner;
    return session->owner == proposal->owner ? ST_OK : ST_SESSION_MOVED;
}

static enum status run_prepare(struct replica *r, const struct proposal *proposal, struct prepare *p, struct writer *w)
{
    if (proposal->op->number == TXN_RECONFIG && r->service == SERVICE_LEADING)
        return member_prepare_reconfig(r, proposal, p, w);
    return proposal->op->prepare(p, proposal->op, proposal->body, w);
}

/* Ephemerals belong to sessions of the ensemble. */
static enum status ephemerals_check(const struct replica *r, const struct proposal *proposal)
{
    if (proposal->op->makes_ephemeral == NULL || session_global(r, proposal->session_id) != NULL)
        return ST_OK;
    return session_is_local(r, proposal->session_id) ? ST_EPHEMERAL_ON_LOCAL_SESSION : ST_SESSION_EXPIRED;
}

static enum status prepare(struct replica *r, const struct proposal *proposal, struct writer *w)
{
    r->path_scratch.len = 0;
    r->acl_scratch.len = 0;
    struct prepare p = {
        .rules = &r->rules,
        .pending = r->pending,
        .session_id = proposal->session_id,
        .ephemerals = ephemerals_check(r, proposal),
        .zxid = r->prepared_zxid + 1,
        .time_ms = r->wall_ms,
        .path_scratch = &r->path_scratch,
        .acl_scratch = &r->acl_scratch,
    };
    p.who = proposal->client != NULL ? client_identities(proposal->client) : proposal->who;
    enum status st = proposal->refused;
    if (st == ST_OK)
        st = session_check(r, proposal);
    if (st == ST_OK)
        st = run_prepare(r, proposal, &p, w);
    return st == ST_OK ? w->status : st;
}

static void write_header(struct replica *r, const struct proposal *proposal, struct writer *w)
{
    r->entry.len = 0;
    txn_header_write(w, &(struct txn_header){.client_id = proposal->session_id,
                                             .cxid = proposal->cxid,
                                             .zxid = r->prepared_zxid + 1,
                                             .time_ms = r->wall_ms,
                                             .type = proposal->op->number});
}

/* The place of a refused write: it has a zxid too (client-protocol 4.6). */
static void write_error(struct writer *w, enum status st)
{
    w->out->len = TXN_HEADER_LEN;
    write_i32_at(w, TXN_TYPE_OFFSET, TXN_ERROR);
    error_txn_write(w, &(struct error_txn){status_code(st)});
}

/* Fills r->entry with header and record. What was admitted can always be read back, so a txn that would be too large is
 * refused here (design 4.11). */
static enum status encode(struct replica *r, const struct proposal *proposal, bool *refused)
{
    struct writer w = writer_to(&r->entry);
    write_header(r, proposal, &w);
    pending_begin(r->pending, r->prepared_zxid + 1);
    enum status st = prepare(r, proposal, &w);
    if (st == ST_OK && r->options.txn_bytes_max > 0 && r->entry.len > r->options.txn_bytes_max)
        st = ST_MARSHALLING_ERROR;
    *refused = st != ST_OK;
    if (st != ST_OK)
        pending_rollback(r->pending, 0);
    if (st == ST_NO_MEMORY)
        return st;
    if (st != ST_OK)
        write_error(&w, st);
    return w.status;
}

static struct request *flight_new(struct replica *r, const struct proposal *proposal, uint32_t record_len)
{
    struct request *request = mem_calloc(1, sizeof *request + r->entry.len);
    if (request == NULL)
        return NULL;
    list_init(&request->link);
    list_init(&request->flight);
    request->op = proposal->op;
    request->state = REQUEST_IN_FLIGHT;
    request->xid = proposal->cxid;
    request->record_len = record_len;
    request->received_us = proposal->received_us;
    request->session_id = proposal->session_id;
    request->owner = proposal->owner;
    request->zxid = r->prepared_zxid + 1;
    request->len = r->entry.len;
    memcpy(request->bytes, r->entry.data, r->entry.len);
    return request;
}

/* One that is about to end is nobody's any more. */
static void note_session(struct replica *r, const struct proposal *proposal)
{
    struct session *session = session_global(r, proposal->session_id);
    if (proposal->op->number == TXN_CLOSE_SESSION && session != NULL)
        session->closing = true;
}

/* To the log, and in an ensemble to the others before that. */
static enum status hand_over(struct replica *r, int64_t zxid, struct outbox *out)
{
    if (r->member != NULL)
        return member_propose(r, zxid, out);
    enum status st = txnlog_frame(&out->log, buffer_bytes(&r->entry));
    if (st == ST_OK)
        outbox_logged(out, zxid);
    return st;
}

static void note_size(struct replica *r, int64_t bytes)
{
    r->proposal_last = bytes;
    r->proposal_min = r->proposal_min < 0 || bytes < r->proposal_min ? bytes : r->proposal_min;
    r->proposal_max = bytes > r->proposal_max ? bytes : r->proposal_max;
}

/* From here on the txn exists: nothing may fail. */
static void launch(struct replica *r, const struct proposal *proposal, struct request *request, bool refused)
{
    r->prepared_zxid = request->zxid;
    list_append(&r->in_flight, &request->flight);
    r->held_bytes += request->len;
    if (proposal->client != NULL) {
        request->client = proposal->client;
        list_append(&proposal->client->requests, &request->link);
        request_counts(r, request);
    }
    if (!refused)
        note_session(r, proposal);
    note_size(r, (int64_t)request->len);
    metrics_add(r->metrics, COUNTER_proposal_count, 1);
    metrics_add(r->metrics, COUNTER_sync_processor_request_queued, 1);
    metrics_add(r->metrics, COUNTER_prep_processor_request_queued, 1);
    metrics_add(r->metrics, COUNTER_request_commit_queued, 1);
    metrics_add(r->metrics, COUNTER_outstanding_changes_queued, request->changes.count);
}

/* Of what a learner has sent the learner speaks. */
static enum status take_note(const struct replica *r, const struct proposal *proposal, struct buffer *note)
{
    if (proposal->client == NULL && proposal->owner != 0)
        return ST_OK;
    bool is_read = proposal->refused != ST_MARSHALLING_ERROR;
    return audit_take(r, proposal->client, proposal->session_id, proposal->op, is_read ? proposal->body : NULL, note);
}

enum status propose(struct replica *r, const struct proposal *proposal, struct outbox *out)
{
    bool refused, can = true;
    enum status st = r->member != NULL ? member_can_propose(r, &can, out) : ST_OK;
    if (st == ST_OK && !can && proposal->client != NULL)
        return client_close(r, proposal->client, out); /* before what it has asked for behind this is answered */
    if (st == ST_OK && can)
        st = encode(r, proposal, &refused);
    if (st != ST_OK || !can)
        return st;
    struct buffer note = {0};
    if (take_note(r, proposal, &note) != ST_OK) {
        pending_rollback(r->pending, 0);
        buffer_free(&note);
        return ST_NO_MEMORY;
    }
    uint32_t record_len = (uint32_t)(r->entry.len - TXN_HEADER_LEN);
    struct writer w = writer_to(&r->entry);
    if (r->options.log_digests && !refused)
        txn_digest_write(&w, &(struct txn_digest){DIGEST_VERSION, (int64_t)pending_digest(r->pending)});
    struct request *request = w.status == ST_OK ? flight_new(r, proposal, record_len) : NULL;
    struct session *announced = NULL;
    st = request == NULL ? ST_NO_MEMORY : buffer_reserve(&out->log, r->entry.len + TXNLOG_FRAME_LEN);
    if (st == ST_OK && proposal->op->number == TXN_CREATE_SESSION && !refused)
        st = session_announce(r, proposal->session_id, proposal->owner, &announced);
    if (st == ST_OK)
        st = pending_commit(r->pending, &request->changes);
    if (st != ST_OK) {
        pending_rollback(r->pending, 0);
        session_withdraw(r, announced);
        buffer_free(&note);
        mem_free(request);
        return st;
    }
    launch(r, proposal, request, refused);
    audit_keep(r, request, &note);
    return hand_over(r, request->zxid, out);
}
