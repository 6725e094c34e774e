/* member_leader.c - what learners ask of a leader: their clients' writes, syncs and sessions (quorum-protocol 3.2 to
 * 3.8). */
#include "core/base/mem.h"
#include "core/jute/txn.h"
#include "core/replica/member.h"
#include "core/zab/request.h"

#include <inttypes.h>

static void drop_sync(struct membership *m, struct member_sync *sync)
{
    list_remove(&sync->link);
    mem_free(sync);
    m->learner_sync_count--;
}

static enum status say_synced(struct replica *r, uint64_t link, struct outbox *out)
{
    return member_send_packet(r, link, &(struct packet){.type = PACKET_SYNC}, out);
}

static enum status ask_whether_leading(struct replica *r, struct outbox *out)
{
    struct zab_event event = {.kind = ZAB_CONFIRM, .ticket = r->member->confirm_ticket};
    return member_step(r, &event, out);
}

/* The answer stands behind the commit of all that is in flight, and of nothing later. */
static enum status take_sync(struct replica *r, uint64_t link, struct outbox *out)
{
    struct member_sync *sync = mem_calloc(1, sizeof *sync);
    if (sync == NULL)
        return ST_NO_MEMORY;
    sync->link_id = link;
    sync->ticket = ++r->member->confirm_ticket;
    list_append(&r->member->learner_syncs, &sync->link);
    r->member->learner_sync_count++;
    return ask_whether_leading(r, out);
}

enum status member_confirm(struct replica *r, struct request *sync, struct outbox *out)
{
    sync->zxid = INT64_MAX;
    sync->ticket = ++r->member->confirm_ticket;
    list_append(&r->syncs, &sync->flight);
    return ask_whether_leading(r, out);
}

static enum status answer_own(struct replica *r, uint64_t ticket, struct outbox *out)
{
    enum status st = ST_OK;
    while (st == ST_OK && !list_is_empty(&r->syncs)) {
        struct request *sync = LIST_ENTRY(r->syncs.next, struct request, flight);
        if (sync->ticket > ticket)
            break;
        sync->zxid = 0;
        list_remove(&sync->flight);
        st = request_drain(r, sync->client, out);
    }
    return st;
}

enum status member_confirmed(struct replica *r, uint64_t ticket, struct outbox *out)
{
    enum status st = ST_OK;
    struct list *syncs = &r->member->learner_syncs;
    while (st == ST_OK && !list_is_empty(syncs)) {
        struct member_sync *sync = LIST_ENTRY(syncs->next, struct member_sync, link);
        if (sync->ticket > ticket)
            break;
        st = say_synced(r, sync->link_id, out);
        drop_sync(r->member, sync);
    }
    return st == ST_OK ? answer_own(r, ticket, out) : st;
}

void member_forget_syncs(struct membership *m)
{
    LIST_FOR_EACH(at, &m->learner_syncs)
    drop_sync(m, LIST_ENTRY(at, struct member_sync, link));
}

/* The identities that the learner says its client has: the leader takes its word for them. NULL and a count of 0 when
 * there are none. */
static enum status read_ids(const struct ids *ids, struct identity **items, size_t *count)
{
    struct reader at = reader_of(ids->raw);
    *items = NULL;
    *count = 0;
    if (ids->count <= 0)
        return ST_OK;
    struct identity *list = mem_calloc((size_t)ids->count, sizeof *list);
    if (list == NULL)
        return ST_NO_MEMORY;
    while (*count < (size_t)ids->count && ids_next(&at, &list[*count].scheme, &list[*count].id))
        (*count)++;
    *items = list;
    return ST_OK;
}

static enum status propose_for(struct replica *r, uint64_t link, const struct op *op,
                               const struct forwarded_request *request, const struct ids *ids, struct outbox *out)
{
    struct identity *items;
    size_t count;
    union op_body body;
    struct reader reader = reader_of(request->body);
    memset(&body, 0, sizeof body);
    enum status st = read_ids(ids, &items, &count);
    if (st != ST_OK)
        return st;
    enum status decoded = op->decode == NULL ? ST_OK : op->decode(&reader, &body);
    if (op->number == TXN_CREATE_SESSION)
        body.create_session.timeout_ms = read_i32(&reader);
    const struct proposal proposal = {.op = op,
                                      .body = &body,
                                      .who = {items, count},
                                      .owner = link,
                                      .session_id = request->session_id,
                                      .cxid = request->cxid,
                                      .received_us = r->now_us,
                                      .refused = decoded == ST_OK ? ST_OK : ST_MARSHALLING_ERROR};
    st = propose(r, &proposal, out);
    mem_free(items);
    return st;
}

static enum status take_request(struct replica *r, uint64_t link, const struct packet *packet, struct outbox *out)
{
    struct forwarded_request request;
    if (forwarded_request_decode(packet->data, &request) != ST_OK)
        return member_link_break(r, link, "a request that is none", out);
    const struct op *op = op_find(request.type);
    if (op != NULL && op->number == OP_NUMBER_SYNC)
        return take_sync(r, link, out);
    bool is_write = op != NULL && (op->kind == OP_WRITE || op->number == TXN_CREATE_SESSION);
    if (!is_write) {
        LOG_WARN(r->log, "ensemble", "link %" PRIu64 " forwards a request of type %d, which is none to forward", link,
                 (int)request.type);
        return ST_OK;
    }
    return propose_for(r, link, op, &request, &packet->authinfo, out);
}

/* Whoever's session it is now owns it: a late request of the connection before is refused (quorum-protocol 3.8,
 * ZOOKEEPER-710). */
static enum status take_revalidate(struct replica *r, uint64_t link, struct bytes data, struct outbox *out)
{
    struct touch touch;
    if (revalidate_decode(data, &touch) != ST_OK)
        return member_link_break(r, link, "a session that is none", out);
    metrics_add(r->metrics, COUNTER_revalidate_count, 1);
    struct session *session = session_global(r, touch.session_id);
    bool valid = session != NULL && !session->closing;
    /* The connection that this member had for it is the old one. */
    struct client *own = valid ? client_of_session(r, touch.session_id) : NULL;
    if (own != NULL && client_close(r, own, out) != ST_OK)
        return ST_NO_MEMORY;
    enum status st = ST_OK;
    if (valid)
        session->owner = link;
    if (valid && sessions_get(r->sessions, touch.session_id) != NULL)
        st = sessions_put(r->sessions, touch.session_id, touch.timeout_ms, now_ms(r));
    struct buffer answer = {0};
    struct writer w = writer_to(&answer);
    revalidated_encode(&w, touch.session_id, valid);
    const struct packet packet = {.type = PACKET_REVALIDATE, .zxid = -1, .data = buffer_bytes(&answer)};
    if (st == ST_OK)
        st = w.status;
    if (st == ST_OK)
        st = member_send_packet(r, link, &packet, out);
    buffer_free(&answer);
    return st;
}

/* A session may have been given another time-out when it was taken up again before this server led. */
static enum status take_touch(struct replica *r, const struct touch *touch)
{
    struct session *session = sessions_get(r->sessions, touch->session_id);
    if (session == NULL || session->closing)
        return ST_OK;
    if (session->timeout_ms != touch->timeout_ms && touch->timeout_ms > 0)
        return sessions_put(r->sessions, touch->session_id, touch->timeout_ms, now_ms(r));
    sessions_touch(r->sessions, session, now_ms(r));
    return ST_OK;
}

static enum status take_touches(struct replica *r, struct bytes data)
{
    struct reader at;
    struct touch touch;
    enum status st = ST_OK;
    if (touches_begin(data, &at) != ST_OK)
        return ST_OK;
    while (st == ST_OK && touches_next(&at, &touch))
        st = take_touch(r, &touch);
    return st;
}

enum status member_leader_packet(struct replica *r, uint64_t link, const struct packet *packet, struct outbox *out)
{
    switch (packet->type) {
    case PACKET_REQUEST: return take_request(r, link, packet, out);
    case PACKET_REVALIDATE: return take_revalidate(r, link, packet->data, out);
    case PACKET_PING: return take_touches(r, packet->data);
    default: return ST_OK;
    }
}
