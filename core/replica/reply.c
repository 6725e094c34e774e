/* reply.c - replies written, counted, and sent now or in their turn. */
#include "core/replica/replica_internal.h"

static void note_latency(struct latency *l, int64_t ms)
{
    l->min_ms = l->count == 0 || ms < l->min_ms ? ms : l->min_ms;
    l->max_ms = ms > l->max_ms ? ms : l->max_ms;
    l->sum_ms += ms;
    l->last_ms = ms;
    l->count++;
}

static void note_reply(struct replica *r, struct client *c, const struct reply_header *header, const struct op *op,
                       int64_t received_us, size_t bytes)
{
    int64_t ms = (r->now_us - received_us) / 1000;
    c->sent++;
    c->last_op = op;
    c->last_cxid = header->xid;
    c->last_zxid = header->zxid > 0 ? header->zxid : c->last_zxid;
    c->last_response_ms = now_ms(r);
    note_latency(&c->latency, ms);
    note_latency(&r->latency, ms);
    r->packets_sent++;
    r->response_last = (int64_t)bytes;
    r->response_min = r->response_min < 0 || (int64_t)bytes < r->response_min ? (int64_t)bytes : r->response_min;
    r->response_max = (int64_t)bytes > r->response_max ? (int64_t)bytes : r->response_max;
    metrics_add(r->metrics, COUNTER_response_bytes, bytes);
    metrics_add(r->metrics, COUNTER_packets_sent, 1);
    bool is_write = op != NULL && (op->kind == OP_WRITE || op->kind == OP_INTERNAL);
    metrics_observe(r->metrics, is_write ? SUMMARY_updatelatency : SUMMARY_readlatency, ms);
}

enum status reply_finish(struct replica *r, struct client *c, struct writer *w, size_t start,
                         const struct reply_header *header, const struct op *op, int64_t received_us,
                         struct outbox *out)
{
    if (w->status != ST_OK)
        return w->status;
    write_i32_at(w, start, (int32_t)(out->bytes.len - start - 4));
    note_reply(r, c, header, op, received_us, out->bytes.len - start);
    return outbox_send(out, c->id, start);
}

enum status reply_send(struct replica *r, struct client *c, const struct reply_header *header, struct bytes body,
                       const struct op *op, int64_t received_us, struct outbox *out)
{
    size_t start = out->bytes.len;
    struct writer w = writer_to(&out->bytes);
    write_i32(&w, 0);
    reply_header_write(&w, header);
    write_raw(&w, body);
    return reply_finish(r, c, &w, start, header, op, received_us, out);
}

enum status reply_dated(struct replica *r, struct client *c, const struct reply_header *header, struct bytes body,
                        const struct op *op, int64_t received_us, struct outbox *out)
{
    struct reply_header dated = *header;
    if (header->zxid == ZXID_WHEN_SENT)
        dated.zxid = r->last_zxid;
    return reply_send(r, c, &dated, body, op, received_us, out);
}

/* A reply that has to wait for those before it. */
static enum status reply_later(struct replica *r, struct client *c, const struct reply_header *header,
                               struct bytes body, const struct op *op, bool close_after)
{
    r->answer.len = 0;
    struct buffer whole = {0};
    struct writer w = writer_to(&whole);
    reply_header_write(&w, header);
    write_raw(&w, body);
    struct request *request = w.status == ST_OK ? request_queue(r, c, REQUEST_ANSWERED, buffer_bytes(&whole)) : NULL;
    buffer_free(&whole);
    if (request == NULL)
        return ST_NO_MEMORY;
    request->op = op;
    request->close_after = close_after;
    c->ending = close_after;
    return ST_OK;
}

enum status reply_in_order(struct replica *r, struct client *c, const struct reply_header *header, struct bytes body,
                           const struct op *op, bool close_after, struct outbox *out)
{
    if (!list_is_empty(&c->requests))
        return reply_later(r, c, header, body, op, close_after);
    enum status st = reply_dated(r, c, header, body, op, r->now_us, out);
    return st == ST_OK && close_after ? client_close(r, c, out) : st;
}
