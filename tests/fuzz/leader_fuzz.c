/* leader_fuzz.c - a leader and whatever may come from several learners, its disk and the clock, as the bytes have it.
 * Nothing crashes, no learner gets a txn twice or misses one, and nothing is committed without a quorum that has it on
 * its disks: leader_rig counts for itself. */
#include "core/base/check.h"
#include "tests/support/leader_rig.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ZXID(epoch, counter) ((int64_t)((uint64_t)(epoch) << 32 | (uint64_t)(counter)))

enum { RETURNS_MAX = 8, DATA_MAX = 1 << 16 };

struct input {
    const uint8_t *at, *end;
};

static uint8_t take(struct input *in)
{
    return in->at == in->end ? 0 : *in->at++;
}

static uint64_t take_link(struct input *in, const struct leader_rig *r)
{
    return r->link_count == 0 ? 0 : take(in) % r->link_count + 1;
}

/* Near what the leader has, mostly. */
static int64_t take_zxid(struct input *in, const struct leader_rig *r)
{
    const uint8_t byte = take(in);
    if (byte == 0xff)
        return -1;
    return ZXID((r->epoch < 0 ? 0 : r->epoch) + (byte >> 6) - 1, byte & 0x1f);
}

typedef void op_fn(struct leader_rig *r, uint64_t link, struct input *in);

static void accept_one(struct leader_rig *r, uint64_t link, struct input *in)
{
    (void)link;
    (void)in;
    if (r->link_count < LEADER_RIG_LINKS && !r->has_left)
        leader_rig_accept(r);
}

static void close_one(struct leader_rig *r, uint64_t link, struct input *in)
{
    (void)in;
    leader_rig_closed(r, link);
}

static void introduce(struct leader_rig *r, uint64_t link, struct input *in)
{
    const uint8_t byte = take(in);
    const int32_t type = (byte & 0x80) != 0 ? PACKET_OBSERVERINFO : PACKET_FOLLOWERINFO;
    leader_rig_info(r, link, type, byte & 0x0f, byte >> 5 & 3, (byte & 0x10) != 0 && byte % 7 == 0);
}

static void ack_epoch(struct leader_rig *r, uint64_t link, struct input *in)
{
    const int64_t zxid = take_zxid(in, r);
    leader_rig_ack_epoch(r, link, zxid, (int32_t)(take(in) % 6) - 1);
}

static void ack(struct leader_rig *r, uint64_t link, struct input *in)
{
    leader_rig_plain(r, link, PACKET_ACK, take_zxid(in, r));
}

static void plain(struct leader_rig *r, uint64_t link, struct input *in)
{
    const int32_t type = take(in) % 24;
    leader_rig_plain(r, link, type, take_zxid(in, r));
}

static void any_packet(struct leader_rig *r, uint64_t link, struct input *in)
{
    struct packet packet;
    size_t used;
    if (packet_decode(bytes_make(in->at, (size_t)(in->end - in->at)), DATA_MAX, &packet, &used) != ST_OK)
        return;
    in->at += used;
    leader_rig_packet(r, link, &packet);
}

/* What a learner that knows the protocol would say next. */
static void proper(struct leader_rig *r, uint64_t link, struct input *in)
{
    struct leader_rig_link *l = &r->links[link - 1];
    if (l->sid == 0) {
        introduce(r, link, in);
    } else if (!l->is_synced) {
        leader_rig_ack_epoch(r, link, r->log_zxid, (int32_t)r->current_epoch);
    } else if (!l->has_adopted) {
        leader_rig_snapshot_sent(r, link);
        leader_rig_plain(r, link, PACKET_ACK, ZXID(r->epoch, 0));
    } else {
        int64_t zxid = ZXID(r->epoch, 1);
        while (zxid < l->queued_zxid && (l->acked[(zxid & 0xffff) / 8] & 1u << zxid % 8) != 0)
            zxid++;
        leader_rig_plain(r, link, PACKET_ACK, zxid);
    }
}

static void snapshot_sent(struct leader_rig *r, uint64_t link, struct input *in)
{
    (void)in;
    leader_rig_snapshot_sent(r, link);
}

static void propose(struct leader_rig *r, uint64_t link, struct input *in)
{
    (void)link;
    if ((zab_next_zxid(r->z) & 0xffffffff) < LEADER_RIG_TXNS / 2)
        leader_rig_propose(r, bytes_make(in->at, in->at == in->end ? 0 : 1));
}

/* To lead, to vote, to observe, to be elsewhere or not to be there; and others that come and go. */
static void reconfig(struct leader_rig *r, uint64_t link, struct input *in)
{
    static const char *const forms[] = {"", "server.%d=127.0.0.%d:2:3:participant\n",
                                        "server.%d=127.0.0.%d:2:3:observer\n",
                                        "server.%d=127.0.0.%d:4:3:participant\n"};
    struct buffer lines = {0};
    const uint8_t own = take(in), others = take(in);
    (void)link;
    if (own % 8 != 0)
        CHECK(buffer_printf(&lines, "server.3=127.0.0.1:2890:3890:participant\n") == ST_OK);
    else
        CHECK(buffer_printf(&lines, forms[own / 8 % 4], 3, 3) == ST_OK);
    for (int i = 0; i < 4; i++)
        CHECK(buffer_printf(&lines, forms[others >> 2 * i & 3], 10 + i, 10 + i) == ST_OK);
    CHECK(buffer_printf(&lines, "%c", '\0') == ST_OK);
    if (strstr((const char *)lines.data, "participant") != NULL)
        leader_rig_reconfig(r, (const char *)lines.data);
    buffer_free(&lines);
}

static void do_disk(struct leader_rig *r, uint64_t link, struct input *in)
{
    (void)link;
    leader_rig_disk(r, take(in) % 5 + 1);
}

static void pass_time(struct leader_rig *r, uint64_t link, struct input *in)
{
    (void)link;
    leader_rig_pass_time(r, (int64_t)take(in) * 50);
}

static void looking(struct leader_rig *r, uint64_t link, struct input *in)
{
    (void)link;
    leader_rig_looking(r, take(in) % 4);
}

static op_fn *const ops[] = {accept_one, close_one, introduce, ack_epoch,     ack,      plain,
                             any_packet, proper,    proper,    snapshot_sent, propose,  do_disk,
                             pass_time,  looking,   proper,    propose,       reconfig, proper};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct leader_rig_setup setups[] = {
        {.zxid = 0},
        {.zxid = ZXID(1, 5), .accepted_epoch = 1, .current_epoch = 1, .committed_count_max = 4},
        {.zxid = ZXID(1, 5), .accepted_epoch = 2, .current_epoch = 1, .reconfig_enabled = true},
        {.zxid = ZXID(3, 5), .accepted_epoch = 3, .current_epoch = 3, .zxid_counter_max = 6},
    };
    struct leader_rig *r = calloc(1, sizeof *r);
    struct input in = {data, data + size};
    CHECK(r != NULL);
    leader_rig_start(r, &setups[take(&in) % ARRAY_LEN(setups)]);
    for (int returns = 0; in.at < in.end && returns < RETURNS_MAX;) {
        op_fn *const op = ops[take(&in) % ARRAY_LEN(ops)];
        const bool was_left = r->has_left;
        if (was_left && !leader_rig_return(r))
            break;
        returns += was_left;
        const uint64_t link = op == accept_one ? 0 : take_link(&in, r);
        if (link != 0 || op == accept_one)
            op(r, link, &in);
        leader_rig_said(r);
    }
    leader_rig_stop(r);
    free(r);
    return 0;
}
