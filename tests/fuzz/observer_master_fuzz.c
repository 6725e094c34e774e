/* observer_master_fuzz.c - a follower that takes observers: any packets of theirs and of its leader, links that come
 * and go, time. It never breaks; an observer that was brought up to date gets every commit once and in order, and none
 * that the leader has not committed; a link that was closed hears nothing more.
 *
 * Each byte is something that happens; further ones tell the link, the type, the zxid near the committed one, the data.
 */
#include "core/base/check.h"
#include "core/members/members.h"
#include "core/zab/notification.h"
#include "core/zab/request.h"
#include "core/zab/zab.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ZXID(epoch, counter) ((int64_t)((uint64_t)(epoch) << 32 | (uint64_t)(counter)))
#define CONFIG                                                                 \
    "server.1=127.0.0.1:1:2:participant\nserver.2=127.0.0.1:3:4:participant\n" \
    "server.3=127.0.0.1:5:6:participant\nserver.9=127.0.0.1:7:8:observer\nversion=0"

enum { LINKS = 12, LEADER_LINK = 1, EPOCH = 2, EVENTS_MAX = 2000, DATA_MAX = 1 << 16 };

struct observer {
    bool open, fed, synced;
    int64_t zxid; /* of the last txn that it was sent, or where its sync began */
};

struct rig {
    struct zab *z;
    struct zab_output out;
    int64_t now_ms, committed;
    int64_t proposed; /* by the leader */
    bool serving, left;
    struct observer links[LINKS]; /* by link - 2 */
    size_t count;
};

struct input {
    const uint8_t *at, *end;
};

static uint8_t next(struct input *in)
{
    return in->at < in->end ? *in->at++ : 0;
}

static bool follows(int64_t zxid, int64_t before)
{
    return zxid == before + 1 || (zxid >> 32 > before >> 32 && (zxid & 0xffffffff) == 1);
}

static void on_packet_to(struct rig *r, struct observer *o, const struct packet *packet)
{
    CHECK(o->open);
    switch (packet->type) {
    case PACKET_DIFF: break;
    case PACKET_TRUNC:
    case PACKET_SNAP: o->zxid = packet->zxid; break;
    case PACKET_PROPOSAL:
    case PACKET_INFORM:
    case PACKET_INFORM_AND_ACTIVATE:
        CHECK(follows(packet->zxid, o->zxid));
        o->zxid = packet->zxid;
        break;
    case PACKET_NEWLEADER:
        o->synced = true;
        CHECK(packet->zxid == ZXID(EPOCH, 0));
        break;
    case PACKET_UPTODATE: CHECK(o->synced); break;
    default: break;
    }
    const bool informs = packet->type == PACKET_INFORM || packet->type == PACKET_INFORM_AND_ACTIVATE;
    /* At the beginning of the epoch nothing but that may be ahead: it is where the leader has brought it. */
    CHECK(informs || o->zxid <= r->committed || o->zxid == ZXID(EPOCH, 0));
}

static void on_sent(struct rig *r, struct observer *o, struct bytes bytes)
{
    while (bytes.len > 0) {
        struct packet packet;
        size_t used;
        CHECK(packet_decode(bytes, DATA_MAX, &packet, &used) == ST_OK);
        on_packet_to(r, o, &packet);
        bytes = bytes_from(bytes, used);
    }
}

static struct observer *observer_of(struct rig *r, uint64_t link)
{
    CHECK(link > LEADER_LINK && link <= LEADER_LINK + r->count);
    return &r->links[link - LEADER_LINK - 1];
}

static void on_fed(struct rig *r, struct bytes bytes)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->links[i].open && r->links[i].fed)
            on_sent(r, &r->links[i], bytes);
}

static void feed(struct rig *r, struct zab_event event);

static void on_effect(struct rig *r, const struct zab_effect *e, struct bytes bytes)
{
    if (e->kind == ZAB_SEND && e->link != LEADER_LINK)
        on_sent(r, observer_of(r, e->link), bytes);
    else if (e->kind == ZAB_SEND_FED)
        on_fed(r, bytes);
    else if (e->kind == ZAB_FEED)
        observer_of(r, e->link)->fed = true;
    else if (e->kind == ZAB_CLOSE)
        observer_of(r, e->link)->open = false;
    else if (e->kind == ZAB_COMMITTED)
        r->committed = e->zxid;
    else if (e->kind == ZAB_ROLE)
        r->serving = e->phase == ZAB_BROADCAST;
    else if (e->kind == ZAB_LEAVE)
        r->left = true;
}

/* The disk is never late. */
static void carry_out(struct rig *r)
{
    struct zab_output out = r->out;
    r->out = (struct zab_output){.wake_ms = INT64_MAX};
    for (size_t i = 0; i < out.count && !r->left; i++) {
        const struct zab_effect *e = &out.effects[i];
        on_effect(r, e, zab_effect_bytes(&out, e));
    }
    for (size_t i = 0; i < out.count && !r->left; i++) {
        const struct zab_effect *e = &out.effects[i];
        if (e->kind == ZAB_LOG)
            feed(r, (struct zab_event){.kind = ZAB_LOGGED, .zxid = e->zxid});
        else if (e->ticket != 0)
            feed(r, (struct zab_event){.kind = ZAB_STORED, .ticket = e->ticket});
    }
    zab_output_free(&out);
}

static void feed(struct rig *r, struct zab_event event)
{
    event.now_ms = r->now_ms;
    CHECK(zab_step(r->z, &event, &r->out) == ST_OK);
    carry_out(r);
}

static void feed_packet(struct rig *r, uint64_t link, struct packet packet)
{
    if (link == LEADER_LINK || observer_of(r, link)->open)
        feed(r, (struct zab_event){.kind = ZAB_LINK_PACKET, .link = link, .packet = &packet});
}

static void hear(struct rig *r, int64_t sid, enum server_state state)
{
    struct buffer frame = {0};
    struct writer w = writer_to(&frame);
    notification_encode(&w, &(struct notification){.state = state,
                                                   .vote = {.leader = 3, .zxid = ZXID(1, 5), .peer_epoch = 1},
                                                   .round = 1,
                                                   .config = BYTES(CONFIG)});
    CHECK(w.status == ST_OK);
    feed(r, (struct zab_event){.kind = ZAB_NOTIFICATION, .sid = sid, .bytes = buffer_bytes(&frame)});
    buffer_free(&frame);
}

/* Server 1 follows server 3 in epoch 2, and serves. */
static void start(struct rig *r)
{
    feed(r, (struct zab_event){.kind = ZAB_LOADED, .zxid = ZXID(1, 5), .accepted_epoch = 1, .current_epoch = 1});
    hear(r, 3, SERVER_LEADING);
    hear(r, 2, SERVER_FOLLOWING);
    feed(r, (struct zab_event){.kind = ZAB_LINK_CONNECTED, .link = LEADER_LINK});
    feed_packet(r, LEADER_LINK,
                (struct packet){.type = PACKET_LEADERINFO, .zxid = ZXID(EPOCH, 0), .data = BYTES("\0\1\0\0")});
    feed_packet(r, LEADER_LINK, (struct packet){.type = PACKET_DIFF, .zxid = ZXID(1, 5)});
    feed_packet(r, LEADER_LINK, (struct packet){.type = PACKET_NEWLEADER, .zxid = ZXID(EPOCH, 0)});
    feed_packet(r, LEADER_LINK, (struct packet){.type = PACKET_UPTODATE, .zxid = -1});
    CHECK(r->serving && !r->left);
    r->committed = ZXID(1, 5);
    r->proposed = ZXID(EPOCH, 0);
}

/* -- what happens ---------------------------------------------------------------------------------------------------
 */

static uint64_t next_link(struct input *in, const struct rig *r)
{
    return r->count == 0 ? 0 : LEADER_LINK + 1 + next(in) % r->count;
}

static int64_t next_zxid(struct input *in, const struct rig *r)
{
    const uint8_t how = next(in);
    return how == 255 ? -1 : how < 200 ? r->committed + how % 4 - 2 : ZXID(how % 4, how % 5);
}

static void accept_one(struct rig *r, struct input *in)
{
    (void)in;
    if (r->count == LINKS)
        return;
    r->links[r->count++] = (struct observer){.open = true, .zxid = ZXID(1, 5)};
    feed(r, (struct zab_event){.kind = ZAB_LINK_ACCEPTED, .link = LEADER_LINK + r->count});
}

static void close_one(struct rig *r, struct input *in)
{
    const uint64_t link = next_link(in, r);
    if (link == 0 || !observer_of(r, link)->open)
        return;
    observer_of(r, link)->open = false;
    feed(r, (struct zab_event){.kind = ZAB_LINK_CLOSED, .link = link});
}

static void introduce(struct rig *r, struct input *in)
{
    const uint64_t link = next_link(in, r);
    const uint8_t how = next(in);
    struct buffer data = {0};
    struct writer w = writer_to(&data);
    const struct learner_info info = {
        .sid = how % 16, .protocol_version = QUORUM_PROTOCOL_VERSION, .config_version = how > 250};
    learner_info_encode(&w, &info);
    CHECK(w.status == ST_OK);
    if (link != 0)
        feed_packet(r, link,
                    (struct packet){.type = how > 240 ? PACKET_FOLLOWERINFO : PACKET_OBSERVERINFO,
                                    .zxid = ZXID(how % 4, 0),
                                    .data = buffer_bytes(&data)});
    buffer_free(&data);
}

static void ack_epoch(struct rig *r, struct input *in)
{
    const uint64_t link = next_link(in, r);
    const int64_t zxid = next_zxid(in, r);
    if (link == 0)
        return;
    if (zxid >= 0 && !observer_of(r, link)->synced)
        observer_of(r, link)->zxid = zxid;
    feed_packet(r, link, (struct packet){.type = PACKET_ACKEPOCH, .zxid = zxid, .data = BYTES("\0\0\0\1")});
}

static void adopt(struct rig *r, struct input *in)
{
    const uint64_t link = next_link(in, r);
    if (link == 0 || !observer_of(r, link)->open)
        return;
    feed(r, (struct zab_event){.kind = ZAB_SNAPSHOT_SENT, .link = link});
    feed_packet(r, link, (struct packet){.type = PACKET_ACK, .zxid = ZXID(EPOCH, 0)});
}

static void any_packet(struct rig *r, struct input *in)
{
    const uint64_t link = next_link(in, r);
    struct packet packet = {.type = next(in) % 24, .zxid = next_zxid(in, r)};
    const size_t wanted = next(in) % 40, there = (size_t)(in->end - in->at);
    packet.data = bytes_make(in->at, wanted < there ? wanted : there);
    in->at += packet.data.len;
    if (link != 0 && packet.type != PACKET_ACKEPOCH) /* the rig would not know where the sync begins */
        feed_packet(r, link, packet);
}

static void propose(struct rig *r, struct input *in)
{
    (void)in;
    feed_packet(r, LEADER_LINK, (struct packet){.type = PACKET_PROPOSAL, .zxid = ++r->proposed, .data = BYTES("txn")});
}

static void commit(struct rig *r, struct input *in)
{
    const int64_t zxid = r->committed < ZXID(EPOCH, 0) ? ZXID(EPOCH, 1) : r->committed + 1;
    const bool activates = next(in) > 200;
    if (zxid <= r->proposed)
        feed_packet(r, LEADER_LINK,
                    (struct packet){.type = activates ? PACKET_COMMIT_AND_ACTIVATE : PACKET_COMMIT,
                                    .zxid = zxid,
                                    .data = activates ? BYTES("\0\0\0\0\0\0\0\3") : BYTES_NULL});
}

static void pass_time(struct rig *r, struct input *in)
{
    r->now_ms += next(in) * 10;
    feed_packet(r, LEADER_LINK, (struct packet){.type = PACKET_PING, .zxid = r->proposed});
    if (!r->left)
        feed(r, (struct zab_event){.kind = ZAB_TICK});
}

typedef void happening(struct rig *r, struct input *in);

static happening *const happenings[] = {accept_one, close_one, introduce, introduce, ack_epoch, ack_epoch,  adopt,
                                        adopt,      propose,   propose,   commit,    commit,    any_packet, pass_time};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, data + size};
    struct rig *r = calloc(1, sizeof *r);
    struct members *config = NULL;
    struct members_error error;
    CHECK(r != NULL && members_parse(BYTES(CONFIG), 0, &config, &error) == ST_OK);
    const uint8_t bounds = next(&in);
    const struct zab_options options = {
        .sid = 1,
        .observer_masters = true,
        .tick_ms = 1000,
        .init_limit = 4,
        .sync_limit = 2,
        .notification_ms_min = 200,
        .notification_ms_max = 60000,
        .finalize_wait_ms = 200,
        .connect_retry_ms = 100,
        .committed_count_max = bounds % 4 + 1,
        .committed_bytes_max = 1 << 20,
        .snapshot_syncs_max = bounds / 4 % 3 + 1,
        .diff_syncs_max = bounds / 16 % 3 + 1,
        .pending_bytes_max = 1 << 20,
        .zxid_counter_max = 0xfffffffe,
    };
    r->now_ms = 1000;
    r->z = zab_new(&options, config, NULL);
    CHECK(r->z != NULL);
    start(r);
    for (int i = 0; i < EVENTS_MAX && in.at < in.end && !r->left; i++)
        happenings[next(&in) % ARRAY_LEN(happenings)](r, &in);
    zab_free(r->z);
    zab_output_free(&r->out);
    free(r);
    return 0;
}
