/* member_learner.c - a follower's or observer's clients: their writes go to the leader and come back as committed txns
 * (quorum-protocol 3.2 to 3.8). */
#include "core/base/mem.h"
#include "core/jute/txn.h"
#include "core/replica/member.h"
#include "core/zab/request.h"

#include <inttypes.h>

#define TOUCHED (UINT64_C(1) << 32)

/* -- asking ------------------------------------------------------------------------------------------------------- */

/* The identities of a client as a packet has them; null without any. */
static enum status write_ids(const struct client *c, struct buffer *raw, struct ids *ids)
{
    struct writer w = writer_to(raw);
    for (size_t i = 0; i < c->identity_count; i++) {
        write_text(&w, c->identities[i].scheme);
        write_text(&w, c->identities[i].id);
    }
    *ids = (struct ids){.count = (int32_t)c->identity_count, .raw = buffer_bytes(raw)};
    if (c->identity_count == 0)
        *ids = (struct ids){0};
    return w.status;
}

/* `who` NULL: nobody's rights are needed. */
static enum status ask(struct replica *r, const struct forwarded_request *request, const struct client *who,
                       struct outbox *out)
{
    struct buffer data = {0}, raw = {0};
    struct packet packet = {.type = PACKET_REQUEST, .zxid = -1};
    struct writer w = writer_to(&data);
    forwarded_request_encode(&w, request);
    enum status st = w.status;
    if (st == ST_OK && who != NULL)
        st = write_ids(who, &raw, &packet.authinfo);
    packet.data = buffer_bytes(&data);
    if (st == ST_OK)
        st = member_send_packet(r, zab_leader_link(r->member->zab), &packet, out);
    buffer_free(&data);
    buffer_free(&raw);
    return st;
}

/* The request has its place among the client's before the leader hears of it, so that the commit cannot overtake it. */
static struct request *keep_place(struct replica *r, struct client *c, const struct op *op, int32_t cxid,
                                  enum request_state state, struct bytes frame)
{
    struct request *request = request_queue(r, c, state, frame);
    if (request == NULL)
        return NULL;
    request->op = op;
    request->xid = cxid;
    return request;
}

static enum status note_sync(struct membership *m, struct request *request)
{
    struct member_sync *sync = mem_calloc(1, sizeof *sync);
    if (sync == NULL)
        return ST_NO_MEMORY;
    sync->client = request->client->id;
    list_append(&m->syncs, &sync->link);
    request->zxid = INT64_MAX; /* until the leader's answer */
    return ST_OK;
}

enum status member_forward(struct replica *r, struct client *c, const struct forwarding *f, struct outbox *out)
{
    struct reader reader = reader_of(f->frame);
    struct request_header header;
    bool is_sync = f->op->number == OP_NUMBER_SYNC;
    CHECK(request_header_read(&reader, &header) == ST_OK);
    struct request *request = keep_place(r, c, f->op, f->cxid, is_sync ? REQUEST_WAITING : REQUEST_FORWARDED,
                                         is_sync ? f->frame : BYTES(""));
    struct buffer note = {0};
    if (request == NULL || audit_take(r, c, c->session_id, f->op, f->body, &note) != ST_OK) {
        buffer_free(&note);
        return ST_NO_MEMORY;
    }
    audit_keep(r, request, &note);
    request->received_us = f->received_us;
    request->refused = f->refused;
    request->forwarded_bytes = f->frame.len;
    r->forwarded_bytes += f->frame.len;
    if (is_sync && note_sync(r->member, request) != ST_OK)
        return ST_NO_MEMORY;
    const struct forwarded_request forwarded = {.session_id = c->session_id,
                                                .cxid = f->cxid,
                                                .type = f->op->number,
                                                .body = bytes_make(reader.at, reader_left(&reader))};
    return ask(r, &forwarded, c, out);
}

static enum status wait_for_session(struct replica *r, struct client *c)
{
    return map64_put(&r->member->by_session, (uint64_t)c->session_id, c);
}

enum status member_announce_session(struct replica *r, int64_t session_id, int32_t timeout_ms, struct outbox *out)
{
    uint8_t timeout[4];
    be32_put(timeout, (uint32_t)timeout_ms);
    const struct forwarded_request forwarded = {
        .session_id = session_id, .type = TXN_CREATE_SESSION, .body = bytes_make(timeout, sizeof timeout)};
    return ask(r, &forwarded, NULL, out);
}

enum status member_create_session(struct replica *r, struct client *c, struct outbox *out)
{
    if (keep_place(r, c, op_find(TXN_CREATE_SESSION), 0, REQUEST_FORWARDED, BYTES("")) == NULL ||
        wait_for_session(r, c) != ST_OK)
        return ST_NO_MEMORY;
    return member_announce_session(r, c->session_id, c->timeout_ms, out);
}

enum status member_revalidate(struct replica *r, struct client *c, struct outbox *out)
{
    struct buffer data = {0};
    struct writer w = writer_to(&data);
    touch_encode(&w, &(struct touch){c->session_id, c->timeout_ms});
    const struct packet packet = {.type = PACKET_REVALIDATE, .zxid = -1, .data = buffer_bytes(&data)};
    enum status st = w.status == ST_OK ? wait_for_session(r, c) : w.status;
    struct session *session = sessions_get(r->sessions, c->session_id);
    if (session != NULL)
        session->owner = OWNER_HERE; /* and no observer's any more */
    c->is_asked_for = st == ST_OK;
    if (st == ST_OK)
        st = member_send_packet(r, zab_leader_link(r->member->zab), &packet, out);
    buffer_free(&data);
    return st;
}

void member_forget(struct replica *r, const struct client *c)
{
    struct map64 *waiting = &r->member->by_session;
    if (c->session_id != 0 && map64_get(waiting, (uint64_t)c->session_id) == c)
        (void)map64_remove(waiting, (uint64_t)c->session_id);
}

void member_forget_all(struct membership *m)
{
    LIST_FOR_EACH(at, &m->syncs)
    {
        struct member_sync *sync = LIST_ENTRY(at, struct member_sync, link);
        list_remove(&sync->link);
        mem_free(sync);
    }
    member_relay_forget(m);
    map64_free(&m->by_session);
    map64_free(&m->touched);
    m->by_session = m->touched = (struct map64){0};
}

/* -- sessions that live ------------------------------------------------------------------------------------------- */

/* The value is the time-out, which needs no memory of its own; above it stands a bit, since it may be 0 when a member
 * says so. */
enum status member_touch(struct replica *r, int64_t session_id, int32_t timeout_ms)
{
    return map64_put(&r->member->touched, (uint64_t)session_id, (void *)(uintptr_t)(TOUCHED | (uint32_t)timeout_ms));
}

/* What paused clients say is not read, so they count as heard. */
static enum status touch_paused(struct replica *r)
{
    enum status st = ST_OK;
    LIST_FOR_EACH(at, &r->paused)
    {
        const struct client *c = LIST_ENTRY(at, struct client, waiting);
        if (st == ST_OK && c->phase == CLIENT_ACTIVE)
            st = client_heard(r, c);
    }
    return st;
}

/* The leader's PING asks which sessions were heard since the one before; none is empty data, not null. */
static enum status answer_ping(struct replica *r, int64_t zxid, struct outbox *out)
{
    if (touch_paused(r) != ST_OK)
        return ST_NO_MEMORY;
    struct map64 *touched = &r->member->touched;
    struct buffer data = {0};
    struct writer w = writer_to(&data);
    MAP64_FOR_EACH(slot, touched)
    touch_encode(&w, &(struct touch){(int64_t)slot->key, (int32_t)(uint32_t)(uintptr_t)slot->value});
    map64_free(touched);
    *touched = (struct map64){0};
    struct packet packet = {.type = PACKET_PING, .zxid = zxid, .data = data.len > 0 ? buffer_bytes(&data) : BYTES("")};
    enum status st = w.status == ST_OK ? member_send_packet(r, zab_leader_link(r->member->zab), &packet, out)
                                       : w.status;
    buffer_free(&data);
    return st;
}

/* False: the client comes again. Its createSession has been prepared and is not committed yet; or an observer of this
 * follower has asked for it, too, before it was known here whose it is. */
static bool may_take_up(const struct replica *r, int64_t session_id)
{
    struct session *session = sessions_get(r->sessions, session_id);
    if (session != NULL && session->owner == 0)
        session->owner = OWNER_HERE;
    return session != NULL && session->owner == OWNER_HERE;
}

static enum status take_revalidated(struct replica *r, const struct packet *packet, struct outbox *out)
{
    int64_t session_id;
    bool valid, is_observers;
    if (revalidated_decode(packet->data, &session_id, &valid) != ST_OK)
        return member_link_break(r, zab_leader_link(r->member->zab), "a session that is none", out);
    enum status relayed = member_relay_revalidated(r, packet, &is_observers, out);
    if (relayed != ST_OK || is_observers)
        return relayed;
    struct client *c = map64_get(&r->member->by_session, (uint64_t)session_id);
    if (c == NULL || !c->is_asked_for)
        return ST_OK;
    (void)map64_remove(&r->member->by_session, (uint64_t)session_id);
    c->is_asked_for = false;
    if (!valid) {
        c->session_id = 0; /* it is somebody else's, or nobody's */
        return client_refuse(r, c, out);
    }
    if (!may_take_up(r, session_id))
        return client_close(r, c, out);
    enum status st = sessions_put(r->sessions, session_id, c->timeout_ms, now_ms(r));
    if (st == ST_OK)
        st = member_touch(r, session_id, c->timeout_ms);
    return st == ST_OK ? client_established(r, c, out) : st;
}

/* It is at another observer of the same follower, and its client with it. Who is about to take it up here comes after
 * that, since the link keeps the order. */
static enum status take_moved(struct replica *r, struct bytes data, struct outbox *out)
{
    struct reader at = reader_of(data);
    const int64_t session_id = read_i64(&at);
    struct client *c = at.status == ST_OK ? client_of_session(r, session_id) : NULL;
    return c == NULL || c->is_asked_for ? ST_OK : client_close(r, c, out);
}

/* All that was committed before has been delivered, since the link keeps the order. */
static enum status take_sync(struct replica *r, struct outbox *out)
{
    struct membership *m = r->member;
    if (list_is_empty(&m->syncs))
        return ST_OK;
    struct member_sync *sync = LIST_ENTRY(m->syncs.next, struct member_sync, link);
    enum status st = sync->link_id == 0 ? ST_OK : member_relay_synced(r, sync, out);
    struct client *c = sync->link_id == 0 ? client_find(r, sync->client) : NULL;
    list_remove(&sync->link);
    mem_free(sync);
    if (c == NULL)
        return st;
    LIST_FOR_EACH(at, &c->requests)
    {
        struct request *request = LIST_ENTRY(at, struct request, link);
        if (request->state == REQUEST_WAITING && request->zxid == INT64_MAX) {
            request->zxid = 0;
            break;
        }
    }
    return c->phase == CLIENT_ACTIVE ? request_drain(r, c, out) : ST_OK;
}

enum status member_learner_packet(struct replica *r, const struct packet *packet, struct outbox *out)
{
    switch (packet->type) {
    case PACKET_PING: return answer_ping(r, packet->zxid, out);
    case PACKET_REVALIDATE: return take_revalidated(r, packet, out);
    case PACKET_SYNC: return take_sync(r, out);
    case PACKET_SESSION_MOVED: return take_moved(r, packet->data, out);
    default: return ST_OK;
    }
}

/* -- what comes back ---------------------------------------------------------------------------------------------- */

/* The oldest request of the client that has the session, or is about to have it, when it is this one: what it asked
 * before has been answered. An xid alone tells too little: clients choose theirs, and those of servers are 0. */
static struct request *asked(const struct replica *r, const struct txn_header *header)
{
    struct client *c = client_of_session(r, header->client_id);
    if (c == NULL || list_is_empty(&c->requests))
        return NULL;
    struct request *request = LIST_ENTRY(c->requests.next, struct request, link);
    bool is_it = request->state == REQUEST_FORWARDED && request->xid == header->cxid &&
                 (header->type == TXN_ERROR || header->type == request->op->number);
    return is_it ? request : NULL;
}

/* The request in the form in which it is committed; takes the place of the one that waited. */
static struct request *make_request(struct replica *r, const struct txn *txn, struct bytes entry)
{
    struct request *request = mem_calloc(1, sizeof *request + entry.len);
    if (request == NULL)
        return NULL;
    list_init(&request->link);
    list_append(&r->in_flight, &request->flight); /* which owns those that no client here asked for */
    struct request *held = audit_held(r, &txn->header);
    struct request *waiting = held != NULL ? held : asked(r, &txn->header);
    request->op = waiting != NULL ? waiting->op : op_find(txn->header.type);
    request->state = REQUEST_IN_FLIGHT;
    request->xid = txn->header.cxid;
    request->record_len = (uint32_t)txn->record.len;
    request->received_us = waiting != NULL ? waiting->received_us : r->now_us;
    request->refused = waiting != NULL ? waiting->refused : ST_OK;
    request->session_id = txn->header.client_id;
    request->zxid = txn->header.zxid;
    request->len = entry.len;
    memcpy(request->bytes, entry.data, entry.len);
    r->held_bytes += entry.len;
    if (waiting == NULL)
        return request;
    request->note = waiting->note;
    waiting->note = (struct buffer){0};
    request->client = waiting->client;
    if (request->client != NULL) {
        list_insert_after(&waiting->link, &request->link);
        r->large_taken = waiting->large_bytes; /* it stays a large one until it is answered */
        request_counts(r, request);
    }
    request_free(r, waiting);
    return request;
}

static void drop_entry(struct membership *m, int64_t zxid)
{
    if (list_is_empty(&m->entries))
        return;
    struct member_entry *entry = LIST_ENTRY(m->entries.next, struct member_entry, link);
    if (entry->zxid > zxid)
        return;
    list_remove(&entry->link);
    mem_free(entry);
}

enum status member_commit(struct replica *r, int64_t zxid, struct bytes bytes, struct outbox *out)
{
    struct txn txn;
    CHECK(txn_decode(bytes, &txn) == ST_OK); /* looked at when it came */
    if (txn.header.type == TXN_CREATE_SESSION && r->service == SERVICE_LEARNING) {
        struct reader reader = reader_of(txn.record);
        enum status st = member_touch(r, txn.header.client_id, read_i32(&reader));
        if (st != ST_OK)
            return st;
    }
    struct request *request = make_request(r, &txn, bytes);
    if (request == NULL)
        return ST_NO_MEMORY;
    enum status st = commit_one(r, request, out);
    if (st == ST_OK)
        member_check_digest(r, &txn);
    drop_entry(r->member, zxid);
    r->logged_zxid = r->prepared_zxid = zxid; /* nothing is in flight here: what is under way is the leader's */
    return st;
}
