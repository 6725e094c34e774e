/* mutate.c - see mutate.h. */
#include "tests/sim/replica/mutate.h"

#include "core/base/check.h"
#include "core/jute/txn.h"
#include "core/ops/op.h"
#include "core/zab/request.h"
#include "tests/sim/mutants.h"
#include "tests/sim/replica/client.h"
#include "tests/sim/replica/member.h"

enum { DATA_MAX = 1 << 20, HEAD_LEN = 4, XID_EVENT = -1, XID_PING = -2, XID_SET_WATCHES = -8, ZXID_AT = 8 };
enum { ERROR_AT = 16 };

static void put(struct buffer *out, struct bytes bytes)
{
    CHECK(buffer_append(out, bytes.data, bytes.len) == ST_OK);
}

/* -- to clients ---------------------------------------------------------------------------------------------------- */

static bool is_event(struct bytes frame)
{
    return frame.len > HEAD_LEN + ZXID_AT && (int32_t)be32_get(frame.data + HEAD_LEN) == XID_EVENT;
}

static struct bytes take_frame(struct bytes *frames)
{
    struct bytes frame = bytes_make(frames->data, HEAD_LEN + be32_get(frames->data));
    *frames = bytes_from(*frames, frame.len);
    return frame;
}

/* Events wait until something else has been said. */
static void put_events_last(struct bytes frames, struct buffer *out)
{
    struct buffer events = {0};
    while (frames.len > 0) {
        struct bytes frame = take_frame(&frames);
        put(is_event(frame) ? &events : out, frame);
    }
    put(out, buffer_bytes(&events));
    buffer_free(&events);
}

/* As if nothing had spoken against it. */
static void put_taken(enum status refusal, size_t len, struct buffer *out)
{
    uint8_t *error = out->data + out->len - len + ERROR_AT;
    if (len == HEAD_LEN + 16 && (int32_t)be32_get(error) == status_code(refusal))
        be32_put(error, 0);
}

static void put_frame(struct world *w, const struct server *m, struct bytes frame, struct buffer *out)
{
    const bool chosen = world_chance(w, 16);
    if (mutant_is(w, MUTANT_EVENT_LOST) && is_event(frame) && chosen)
        return;
    put(out, frame);
    if (mutant_is(w, MUTANT_EVENT_TWICE) && is_event(frame) && chosen)
        put(out, frame);
    const bool is_reply = frame.len == HEAD_LEN + 16 || frame.len > 200; /* of a failed request, or a long one */
    if (mutant_is(w, MUTANT_REPLY_AHEAD) && is_reply && !is_event(frame) && chosen)
        out->data[out->len - frame.len + HEAD_LEN + 11]++;
    if (mutant_is(w, MUTANT_WRITES_READ_ONLY))
        put_taken(ST_NOT_READ_ONLY, frame.len, out);
    if (mutant_is(w, MUTANT_LOCAL_EPHEMERAL_TAKEN))
        put_taken(ST_EPHEMERAL_ON_LOCAL_SESSION, frame.len, out);
    const bool has_stat = frame.len >= HEAD_LEN + 16 + 68 && !is_event(frame);
    if (mutant_is(w, MUTANT_READ_ONLY_CHANGED) && has_stat && replica_service(m->replica->r) == SERVICE_READ_ONLY)
        out->data[out->len - 1]++;
}

static bool changes_frames(const struct world *w)
{
    static const enum mutant_kind kinds[] = {MUTANT_EVENT_LOST,        MUTANT_EVENT_TWICE,
                                             MUTANT_REPLY_AHEAD,       MUTANT_WRITES_READ_ONLY,
                                             MUTANT_READ_ONLY_CHANGED, MUTANT_LOCAL_EPHEMERAL_TAKEN};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (mutant_is(w, kinds[i]))
            return true;
    return false;
}

bool mutate_frames(struct world *w, const struct server *m, struct bytes frames, struct buffer *changed)
{
    *changed = (struct buffer){0};
    if (mutant_is(w, MUTANT_REPLY_BEFORE_EVENT)) {
        put_events_last(frames, changed);
        return true;
    }
    if (!changes_frames(w))
        return false;
    while (frames.len > 0)
        put_frame(w, m, take_frame(&frames), changed);
    return true;
}

uint64_t mutate_client(struct world *w, const struct server *m, uint64_t link)
{
    const struct clients *clients = w->replicas->clients;
    if (!mutant_is(w, MUTANT_REPLY_TO_ANOTHER) || !world_chance(w, 64))
        return link;
    for (unsigned i = 0; i < clients->count; i++) {
        const struct client *c = &clients->items[i];
        if (c->state == CLIENT_ACTIVE && c->link != (link ^ 1) && net_has(w, m->index, c->link ^ 1))
            return c->link ^ 1;
    }
    return link;
}

/* -- to members ---------------------------------------------------------------------------------------------------- */

static bool is_to_leader(const struct server *m, uint64_t link)
{
    return link == zab_leader_link(replica_zab(m->replica->r));
}

static bool is_sync(const struct packet *packet)
{
    struct forwarded_request request;
    return packet->type == PACKET_REQUEST && forwarded_request_decode(packet->data, &request) == ST_OK &&
           request.type == OP_NUMBER_SYNC;
}

static void put_synced(struct buffer *out)
{
    struct writer writer = writer_to(out);
    packet_encode(&writer, &(struct packet){.type = PACKET_SYNC});
    CHECK(writer.status == ST_OK);
}

static void put_revalidated(struct buffer *out, struct bytes question)
{
    struct buffer data = {0};
    struct touch touch;
    struct writer writer = writer_to(&data), packet = writer_to(out);
    CHECK(revalidate_decode(question, &touch) == ST_OK);
    revalidated_encode(&writer, touch.session_id, true);
    packet_encode(&packet, &(struct packet){.type = PACKET_REVALIDATE, .data = buffer_bytes(&data)});
    CHECK(writer.status == ST_OK && packet.status == ST_OK);
    buffer_free(&data);
}

/* The member answers its own question, unless it would do so within another packet. */
static bool answers_itself(struct world *w, struct server *m, uint64_t link, const struct packet *packet)
{
    struct peer_link *at = port_link(m, link);
    if (!is_to_leader(m, link) || at->unread.len > 0)
        return false;
    if (mutant_is(w, MUTANT_SYNC_AT_LEARNER) && is_sync(packet))
        put_synced(&at->unread);
    else if (mutant_is(w, MUTANT_REVALIDATED_BY_LEARNER) && packet->type == PACKET_REVALIDATE)
        put_revalidated(&at->unread, packet->data);
    else
        return false;
    replica_own_at(w, m, w->now_us, OWN_OFFER, link);
    return true;
}

static void put_packet(struct world *w, struct server *m, uint64_t link, const struct packet *packet,
                       struct bytes bytes, struct buffer *out)
{
    const bool request = packet->type == PACKET_REQUEST && is_to_leader(m, link) && world_chance(w, 64);
    if (answers_itself(w, m, link, packet))
        return;
    if (mutant_is(w, MUTANT_REQUEST_LOST) && request)
        return;
    put(out, bytes);
    if (mutant_is(w, MUTANT_REQUEST_TWICE) && request)
        put(out, bytes);
    if (packet->type != PACKET_REVALIDATE || is_to_leader(m, link))
        return;
    /* The answer ends in one byte. */
    uint8_t *valid = &out->data[out->len - 1 - HEAD_LEN]; /* in front of authinfo's count */
    if (mutant_is(w, MUTANT_REVALIDATED_NEVER) && world_chance(w, 4))
        *valid = 0;
}

static bool changes_packets(const struct world *w)
{
    static const enum mutant_kind kinds[] = {MUTANT_SYNC_AT_LEARNER, MUTANT_REQUEST_LOST, MUTANT_REQUEST_TWICE,
                                             MUTANT_REVALIDATED_BY_LEARNER, MUTANT_REVALIDATED_NEVER};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (mutant_is(w, kinds[i]))
            return true;
    return false;
}

bool mutate_packets(struct world *w, struct server *m, uint64_t link, struct bytes packets, struct buffer *changed)
{
    struct packet packet;
    size_t used = 0;
    *changed = (struct buffer){0};
    if (!changes_packets(w))
        return false;
    for (; packet_decode(packets, DATA_MAX, &packet, &used) == ST_OK; packets = bytes_from(packets, used))
        put_packet(w, m, link, &packet, bytes_make(packets.data, used), changed);
    put(changed, packets); /* a snapshot */
    return true;
}

/* -- from members -------------------------------------------------------------------------------------------------- */

bool mutate_arrived(struct world *w, struct server *m, uint64_t link, struct bytes bytes)
{
    struct packet packet;
    size_t used = 0;
    const bool here = (mutant_is(w, MUTANT_SYNC_AT_MASTER) && m->role == ZAB_FOLLOWING) ||
                      (mutant_is(w, MUTANT_SYNC_UNCONFIRMED) && m->role == ZAB_LEADING);
    if (!here || is_to_leader(m, link) || m->phase != ZAB_BROADCAST || port_link(m, link)->unread.len > 0 ||
        packet_decode(bytes, DATA_MAX, &packet, &used) != ST_OK || !is_sync(&packet) || used < bytes.len)
        return false;
    struct buffer answer = {0};
    put_synced(&answer);
    net_send(w, m->index, link, PARCEL_BYTES, buffer_bytes(&answer), true);
    buffer_free(&answer);
    return true;
}

/* -- from clients -------------------------------------------------------------------------------------------------- */

static void answer(struct world *w, const struct server *m, uint64_t link, int32_t xid, struct bytes body)
{
    struct buffer reply = {0};
    struct writer writer = writer_to(&reply);
    write_i32(&writer, (int32_t)(16 + body.len));
    reply_header_write(&writer, &(struct reply_header){xid, replica_last_zxid(m->replica->r), 0});
    write_raw(&writer, body);
    CHECK(writer.status == ST_OK);
    net_send(w, m->index, link, PARCEL_BYTES, buffer_bytes(&reply), true);
    buffer_free(&reply);
}

/* Is there nothing that must be said to the client before? */
static bool waits_for_this_alone(const struct world *w, const struct server *m, uint64_t link)
{
    const struct clients *clients = w->replicas->clients;
    for (unsigned i = 0; i < clients->count; i++) {
        const struct client *c = &clients->items[i];
        if (c->state == CLIENT_ACTIVE && c->link == (link ^ 1))
            return c->count == 1 && !m->replica->turning;
    }
    return false;
}

/* A leader takes itself for one without asking anybody. */
bool mutate_sync(struct world *w, struct server *m, uint64_t link, struct bytes frame)
{
    if (!mutant_is(w, MUTANT_SYNC_UNCONFIRMED) || m->role != ZAB_LEADING || m->phase != ZAB_BROADCAST ||
        frame.len < 8 || be32_get(frame.data + 4) != OP_NUMBER_SYNC || !waits_for_this_alone(w, m, link))
        return false;
    answer(w, m, link, (int32_t)be32_get(frame.data), bytes_from(frame, 8));
    return true;
}

/* The client is answered, and the replica does not hear of it. */
bool mutate_frame(struct world *w, struct server *m, uint64_t link, struct bytes frame)
{
    const int32_t xid = frame.len >= 8 ? (int32_t)be32_get(frame.data) : 0;
    const bool drops = (mutant_is(w, MUTANT_PING_UNHEARD) && xid == XID_PING) ||
                       (mutant_is(w, MUTANT_WATCHES_NOT_SET) && xid == XID_SET_WATCHES && world_chance(w, 4));
    if (!drops || !waits_for_this_alone(w, m, link))
        return false;
    answer(w, m, link, xid, BYTES_NULL);
    return true;
}

/* The session of a client that has been silent for half of its time-out is ended, by whoever has its connection. */
void mutate_tick(struct world *w, struct server *m)
{
    if (!mutant_is(w, MUTANT_EXPIRED_BY_FOLLOWER) || replica_service(m->replica->r) != SERVICE_LEARNING)
        return;
    const struct clients *clients = w->replicas->clients;
    for (unsigned i = 0; i < clients->count; i++) {
        const struct client *c = &clients->items[i];
        const uint64_t link = c->link ^ 1;
        uint8_t close[8] = {0};
        if (c->state != CLIENT_ACTIVE || c->server != m || !net_has(w, m->index, link) ||
            w->now_us - c->heard_us < (int64_t)c->timeout_ms * SIM_MILLISECOND / 4)
            continue;
        be32_put(close + 4, (uint32_t)TXN_CLOSE_SESSION);
        replica_feed(w, m, (struct replica_event){.kind = REPLICA_FRAME, .client = link, .frame = {close, 8}});
        return;
    }
}
