/* learner_fuzz.c - any packets, disk and time for a follower or an observer: it never breaks, and never acknowledges
 * what is not durable; the rig looks at each step.
 *
 * The first byte chooses role and bounds. Then each byte is something that happens: to the link, on the disk, or a
 * packet, of which more bytes tell the type, the zxid near those that are expected, and the data. After a leave the
 * same leader is found again, so that what one role leaves behind meets the next. */
#include "core/base/check.h"
#include "core/jute/txn.h"
#include "core/zab/request.h"
#include "tests/support/learner_rig.h"
#include "tests/support/reconfig_entry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { EVENTS_MAX = 1500, EPOCHS = 4 };

struct input {
    const uint8_t *at, *end;
};

static uint8_t next(struct input *in)
{
    return in->at < in->end ? *in->at++ : 0;
}

/* Near the end of what was heard, so that many of them are what should come. */
static int64_t next_zxid(struct input *in, int64_t near)
{
    const uint8_t how = next(in);
    if (how < 160)
        return near + how % 4;
    if (how < 240)
        return (int64_t)(how % EPOCHS) << 32 | (how % 5);
    return how == 255 ? INT64_MAX : how == 254 ? INT64_MIN : how - 250;
}

static struct bytes next_data(struct input *in)
{
    const size_t wanted = next(in) % 40, there = (size_t)(in->end - in->at);
    const struct bytes data = bytes_make(in->at, wanted < there ? wanted : there);
    in->at += data.len;
    return data.len == 0 ? BYTES_NULL : data;
}

/* Some that the learner stays in as it is, some that make it something else or take its leader away. */
static const char *next_lines(struct input *in)
{
    static const char *const lines[] = {
        "server.1=127.0.0.1:2888:3888:participant\nserver.2=127.0.0.1:2889:3889:participant\n",
        ("server.1=127.0.0.1:2888:3888:observer\nserver.2=127.0.0.1:2889:3889:participant\n"
         "server.9=127.0.0.1:2891:3891:participant\n"),
        "server.1=127.0.0.1:2888:3888:participant\nserver.9=127.0.0.1:2891:3891:observer\n",
        "server.2=127.0.0.7:2889:3889:participant\n",
    };
    return lines[next(in) % ARRAY_LEN(lines)];
}

/* A reconfiguration and what commits it, or is to end it; or the text of one in NEWLEADER. */
static void feed_config(struct learner_rig *r, struct input *in, int64_t *last)
{
    struct buffer data = {0}, text = {0};
    const uint8_t how = next(in);
    const int64_t zxid = next_zxid(in, *last);
    const int64_t leader = 1 + how % 3;
    struct writer w = writer_to(&data);
    reconfig_entry_write(&text, 1, zxid, next_lines(in));
    if (how < 100) {
        learner_rig_data(r, PACKET_PROPOSAL, zxid, buffer_bytes(&text));
    } else if (how < 160) {
        designated_leader_encode(&w, leader);
        learner_rig_data(r, PACKET_COMMIT_AND_ACTIVATE, zxid, buffer_bytes(&data));
    } else if (how < 220) {
        activated_entry_encode(&w, leader, buffer_bytes(&text));
        learner_rig_data(r, PACKET_INFORM_AND_ACTIVATE, zxid, buffer_bytes(&data));
    } else {
        struct reader reader = reader_of(bytes_from(buffer_bytes(&text), TXN_HEADER_LEN));
        struct set_data_txn txn;
        CHECK(set_data_txn_read(&reader, &txn) == ST_OK);
        learner_rig_data(r, PACKET_NEWLEADER, (int64_t)((uint64_t)r->epoch << 32), txn.data);
    }
    *last = zxid >= 0 && zxid < INT64_MAX - 4 ? zxid : *last;
    buffer_free(&data);
    buffer_free(&text);
}

/* The packets of a handshake as they should be, by their turn. */
static void feed_good(struct learner_rig *r, struct input *in, int64_t *last)
{
    static const int32_t types[] = {PACKET_LEADERINFO, PACKET_DIFF,     PACKET_PROPOSAL,   PACKET_COMMIT,
                                    PACKET_NEWLEADER,  PACKET_UPTODATE, PACKET_INFORM,     PACKET_PING,
                                    PACKET_SNAP,       PACKET_TRUNC,    PACKET_NEXT_EPOCH, PACKET_NEW_EPOCH};
    const int32_t type = types[next(in) % ARRAY_LEN(types)];
    const bool begins = type == PACKET_LEADERINFO || type == PACKET_NEWLEADER;
    int64_t zxid = begins ? (int64_t)(1 + next(in) % EPOCHS) << 32 : next_zxid(in, *last);
    if (type == PACKET_LEADERINFO)
        learner_rig_data(r, type, zxid, BYTES("\0\1\0\0"));
    else if (type == PACKET_PROPOSAL || type == PACKET_INFORM)
        learner_rig_data(r, type, zxid, BYTES("txn"));
    else
        learner_rig_plain(r, type, type == PACKET_NEWLEADER ? (int64_t)((uint64_t)r->epoch << 32) : zxid);
    if (!begins && type != PACKET_COMMIT && type != PACKET_PING && type != PACKET_UPTODATE && zxid >= 0 &&
        zxid < INT64_MAX - 4)
        *last = zxid;
}

static void feed_any(struct learner_rig *r, struct input *in, int64_t last)
{
    struct packet packet = {.type = next(in) % 24, .zxid = next_zxid(in, last)};
    packet.data = next_data(in);
    learner_rig_packet(r, &packet);
}

/* False: there is no leader any more. */
static bool happen(struct learner_rig *r, struct input *in, int64_t *last)
{
    const uint8_t what = next(in);
    bool goes_on = true;
    const bool is_open = r->link != 0 && !r->is_held && !r->is_streaming;
    if (r->has_left)
        goes_on = learner_rig_return(r);
    else if (what < 100 && is_open)
        feed_good(r, in, last);
    else if (what < 120 && is_open)
        feed_any(r, in, *last);
    else if (what < 140 && is_open)
        feed_config(r, in, last);
    else if (what < 200)
        learner_rig_disk(r, what % 8 + 1);
    else if (what < 205)
        learner_rig_pass_time(r, (int64_t)next(in) * 100);
    else if (what < 210)
        learner_rig_closed(r);
    else if (r->is_streaming)
        what % 2 == 0 ? learner_rig_snapshot_taken(r) : learner_rig_snapshot_part(r);
    else if (r->link == 0)
        learner_rig_connected(r);
    r->said.len = 0;
    r->sent.len = 0;
    return goes_on;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct learner_rig rig;
    struct input in = {data, data + size};
    const uint8_t setup_bits = next(&in);
    const struct learner_rig_setup setup = {.observer = (setup_bits & 1) != 0,
                                            .reconfig_enabled = (setup_bits & 2) != 0,
                                            .pending_bytes_max = (setup_bits & 4) != 0 ? 10 : 0,
                                            .zxid = (setup_bits & 8) != 0 ? 0 : (int64_t)1 << 32 | 3,
                                            .log_count = (setup_bits & 16) != 0 ? 0 : 2,
                                            .accepted_epoch = (setup_bits & 32) != 0 ? 2 : 1,
                                            .current_epoch = 1};
    int64_t last = setup.zxid;
    if (setup.zxid == 0 && setup.log_count > 0)
        return 0;
    learner_rig_start(&rig, &setup);
    for (int i = 0; in.at < in.end && i < EVENTS_MAX && happen(&rig, &in, &last); i++)
        continue;
    learner_rig_stop(&rig);
    return 0;
}
