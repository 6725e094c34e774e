/* leader_fixture.h - the setups and the ways that the tests of a leader have in common. */
#pragma once

#include "core/zab/packet.h"
#include "tests/support/leader_rig.h"
#include "tests/support/test.h"

#define Z(epoch, counter) ((int64_t)((uint64_t)(epoch) << 32 | (uint64_t)(counter)))

#define assert_said(rig, text) assert_string_equal(leader_rig_said(rig), text)

enum { TICK = 2000, INIT_LIMIT = 10 * TICK, SYNC_LIMIT = 5 * TICK };

#define ALONE "server.3=127.0.0.1:2888:3888:participant\nversion=0"
#define WEIGHTED                                                                           \
    "server.1=127.0.0.1:2888:3888:participant\nserver.2=127.0.0.1:2889:3889:participant\n" \
    "server.3=127.0.0.1:2890:3890:participant\ngroup.1=1:2:3\nweight.1=1\nweight.2=1\nweight.3=3\nversion=0"
#define FIVE                                                                               \
    "server.1=127.0.0.1:2888:3888:participant\nserver.2=127.0.0.1:2889:3889:participant\n" \
    "server.3=127.0.0.1:2890:3890:participant\nserver.4=127.0.0.1:2891:3891:participant\n" \
    "server.5=127.0.0.1:2892:3892:participant\nversion=0"

static const struct leader_rig_setup fresh = {.zxid = 0};
static const struct leader_rig_setup loaded = {.zxid = Z(1, 5), .accepted_epoch = 1, .current_epoch = 1};
static const struct leader_rig_setup alone = {.config = ALONE};

/* -- the way through the handshake -----------------------------------------------------------------------------------
 */

static inline uint64_t introduce(struct leader_rig *r, int32_t type, int64_t sid, int64_t accepted)
{
    const uint64_t link = leader_rig_accept(r);
    leader_rig_info(r, link, type, sid, accepted, 0);
    leader_rig_disk(r, SIZE_MAX);
    return link;
}

/* Up to NEWLEADER, or to where the leader waits for others. */
static inline uint64_t join(struct leader_rig *r, int32_t type, int64_t sid, int64_t zxid, int32_t epoch)
{
    const uint64_t link = introduce(r, type, sid, epoch == -1 ? 0 : epoch);
    leader_rig_ack_epoch(r, link, zxid, epoch);
    leader_rig_disk(r, SIZE_MAX);
    return link;
}

static inline void adopt(struct leader_rig *r, uint64_t link)
{
    leader_rig_plain(r, link, PACKET_ACK, Z(r->epoch, 0));
}

static inline uint64_t follow(struct leader_rig *r, int64_t sid, int64_t zxid, int32_t epoch)
{
    const uint64_t link = join(r, PACKET_FOLLOWERINFO, sid, zxid, epoch);
    leader_rig_snapshot_sent(r, link);
    adopt(r, link);
    leader_rig_said(r);
    return link;
}

/* Epoch 2 after 1:5, with follower 2, whose link it returns. */
static inline uint64_t start_serving(struct leader_rig *r)
{
    leader_rig_start(r, &loaded);
    const uint64_t link = follow(r, 2, Z(1, 5), 1);
    assert_int_equal(zab_phase(r->z), ZAB_BROADCAST);
    return link;
}

/* Proposed, on the leader's disk, and acknowledged by the follower. */
static inline void commit(struct leader_rig *r, uint64_t link, int count)
{
    for (int i = 0; i < count; i++) {
        const int64_t zxid = zab_next_zxid(r->z);
        leader_rig_propose(r, BYTES("txn"));
        leader_rig_disk(r, SIZE_MAX);
        leader_rig_plain(r, link, PACKET_ACK, zxid);
        assert_int_equal(zab_last_committed(r->z), zxid);
    }
    leader_rig_said(r);
}

static inline bool is_open(const struct leader_rig *r, uint64_t link)
{
    return r->links[link - 1].is_open;
}

static inline void assert_refused(struct leader_rig *r, uint64_t link, const char *said)
{
    assert_false(is_open(r, link));
    assert_said(r, said);
}
