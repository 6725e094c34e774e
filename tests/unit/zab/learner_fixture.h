/* learner_fixture.h - the setups and the ways that the tests of a learner have in common. */
#pragma once

#include "core/zab/zab_internal.h"
#include "tests/support/learner_rig.h"
#include "tests/support/test.h"

#define Z(epoch, counter) (EPOCH_ZXID(epoch) | (counter))

#define assert_said(rig, text) assert_string_equal(learner_rig_said(rig), text)

static const struct learner_rig_setup behind = {.zxid = Z(1, 5), .accepted_epoch = 1, .current_epoch = 1};
static const struct learner_rig_setup observing = {.observer = true,
                                                   .zxid = Z(1, 5),
                                                   .accepted_epoch = 1,
                                                   .current_epoch = 1};

/* -- the way through the handshake --------------------------------------------------------------------------------- */

static inline void propose(struct learner_rig *r, int64_t zxid)
{
    learner_rig_data(r, PACKET_PROPOSAL, zxid, BYTES("txn"));
}

static inline void propose_and_commit(struct learner_rig *r, int64_t zxid)
{
    propose(r, zxid);
    learner_rig_plain(r, PACKET_COMMIT, zxid);
}

static inline void inform(struct learner_rig *r, int64_t zxid)
{
    learner_rig_data(r, PACKET_INFORM, zxid, BYTES("txn"));
}

static inline void leader_info(struct learner_rig *r, int64_t epoch)
{
    learner_rig_data(r, PACKET_LEADERINFO, Z(epoch, 0), BYTES("\0\1\0\0"));
}

/* Epoch 2 is promised, the leader may choose. */
static inline void promise(struct learner_rig *r)
{
    learner_rig_connected(r);
    leader_info(r, 2);
    learner_rig_disk(r, 1);
    learner_rig_said(r);
}

static inline void start_sync(struct learner_rig *r, const struct learner_rig_setup *setup)
{
    learner_rig_start(r, setup);
    promise(r);
    learner_rig_plain(r, PACKET_DIFF, setup->zxid);
    assert_said(r, "role synchronization");
}

/* NEWLEADER was acknowledged. */
static inline void adopt(struct learner_rig *r)
{
    learner_rig_plain(r, PACKET_NEWLEADER, Z(2, 0));
    learner_rig_disk(r, SIZE_MAX);
    learner_rig_said(r);
}

/* In the broadcast phase of epoch 2, with 1:5. */
static inline void start_serving(struct learner_rig *r, const struct learner_rig_setup *setup)
{
    start_sync(r, setup);
    adopt(r);
    learner_rig_plain(r, PACKET_UPTODATE, -1);
    assert_said(r, "role broadcast, > ACK 2:0");
}

static inline void assert_left(struct learner_rig *r, const char *why)
{
    assert_true(r->has_left);
    assert_string_equal(r->why, why);
    assert_int_equal(zab_phase(r->z), ZAB_LOADING);
}
