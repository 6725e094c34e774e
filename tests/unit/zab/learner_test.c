/* What a follower or observer does with what its leader sends, step by step; each bug that real implementations had
 * there (quorum-protocol 7.1, 7.2, 7.6 and 7.7) has a test with its number. */
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

static void propose(struct learner_rig *r, int64_t zxid)
{
    learner_rig_data(r, PACKET_PROPOSAL, zxid, BYTES("txn"));
}

static void propose_and_commit(struct learner_rig *r, int64_t zxid)
{
    propose(r, zxid);
    learner_rig_plain(r, PACKET_COMMIT, zxid);
}

static void inform(struct learner_rig *r, int64_t zxid)
{
    learner_rig_data(r, PACKET_INFORM, zxid, BYTES("txn"));
}

static void leader_info(struct learner_rig *r, int64_t epoch)
{
    learner_rig_data(r, PACKET_LEADERINFO, Z(epoch, 0), BYTES("\0\1\0\0"));
}

/* Epoch 2 is promised, the leader may choose. */
static void promise(struct learner_rig *r)
{
    learner_rig_connected(r);
    leader_info(r, 2);
    learner_rig_disk(r, 1);
    learner_rig_said(r);
}

static void start_sync(struct learner_rig *r, const struct learner_rig_setup *setup)
{
    learner_rig_start(r, setup);
    promise(r);
    learner_rig_plain(r, PACKET_DIFF, setup->zxid);
    assert_said(r, "role synchronization");
}

/* NEWLEADER was acknowledged. */
static void adopt(struct learner_rig *r)
{
    learner_rig_plain(r, PACKET_NEWLEADER, Z(2, 0));
    learner_rig_disk(r, SIZE_MAX);
    learner_rig_said(r);
}

/* In the broadcast phase of epoch 2, with 1:5. */
static void start_serving(struct learner_rig *r, const struct learner_rig_setup *setup)
{
    start_sync(r, setup);
    adopt(r);
    learner_rig_plain(r, PACKET_UPTODATE, -1);
    assert_said(r, "role broadcast, > ACK 2:0");
}

static void assert_left(struct learner_rig *r, const char *why)
{
    assert_true(r->has_left);
    assert_string_equal(r->why, why);
    assert_int_equal(zab_phase(r->z), ZAB_LOADING);
}

/* -- the link ------------------------------------------------------------------------------------------------------ */

static void connects_and_introduces_itself(void **state)
{
    (void)state;
    struct learner_rig r;
    learner_rig_start(&r, &behind);
    assert_said(&r, "connect 2");
    learner_rig_connected(&r);
    assert_said(&r, "> FOLLOWERINFO 1:0");
    assert_int_equal(zab_leader_link(r.z), r.link);
    learner_rig_stop(&r);

    learner_rig_start(&r, &observing);
    learner_rig_said(&r);
    learner_rig_connected(&r);
    assert_said(&r, "> OBSERVERINFO 1:0");
    learner_rig_stop(&r);
}

static void tries_again_until_the_time_is_over(void **state)
{
    (void)state;
    struct learner_rig r;
    learner_rig_start(&r, &behind);
    learner_rig_said(&r);
    static const int64_t waits_ms[] = {5, 10, 20, 40, 80, 100, 100};
    int64_t passed_ms = 0;
    for (size_t i = 0; i < sizeof waits_ms / sizeof waits_ms[0]; i++) {
        learner_rig_closed(&r);
        learner_rig_pass_time(&r, waits_ms[i] - 1);
        assert_said(&r, "");
        assert_int_equal(r.wake_ms, r.now_ms + 1);
        learner_rig_pass_time(&r, 1);
        assert_said(&r, "connect 2");
        passed_ms += waits_ms[i];
    }
    learner_rig_pass_time(&r, 20000 - passed_ms - 1);
    assert_said(&r, "");
    learner_rig_pass_time(&r, 1);
    assert_left(&r, "leader 2 was not heard in time");
    learner_rig_stop(&r);
}

static void a_connection_that_comes_twice_is_closed(void **state)
{
    (void)state;
    struct learner_rig r;
    learner_rig_start(&r, &behind);
    learner_rig_connected(&r);
    learner_rig_said(&r);
    uint64_t link = r.link;
    learner_rig_connected(&r);
    assert_said(&r, "close");
    assert_int_equal(zab_leader_link(r.z), link);
    learner_rig_stop(&r);
}

static void a_closed_connection_ends_the_role(void **state)
{
    (void)state;
    struct learner_rig r;
    start_serving(&r, &behind);
    learner_rig_closed(&r);
    assert_left(&r, "the connection to leader 2 was closed");
    learner_rig_return(&r);
    assert_said(&r, "leave, connect 2");
    learner_rig_stop(&r);
}

/* initLimit until NEWLEADER is acknowledged, syncLimit from then on, each packet counting. */
static void silence_of_the_leader_ends_the_role(void **state)
{
    (void)state;
    struct learner_rig r;
    start_sync(&r, &behind);
    learner_rig_pass_time(&r, 19999);
    propose(&r, Z(1, 6));
    learner_rig_pass_time(&r, 19999);
    learner_rig_plain(&r, PACKET_COMMIT, Z(1, 6));
    adopt(&r);
    learner_rig_pass_time(&r, 9999);
    assert_said(&r, "");
    learner_rig_plain(&r, PACKET_UPTODATE, -1);
    learner_rig_pass_time(&r, 9999);
    learner_rig_plain(&r, PACKET_PING, Z(2, 0));
    learner_rig_pass_time(&r, 9999);
    assert_false(r.has_left);
    learner_rig_pass_time(&r, 1);
    assert_left(&r, "leader 2 was not heard in time");
    learner_rig_stop(&r);
}

static void a_slow_disk_is_not_the_leaders_silence(void **state)
{
    (void)state;
    struct learner_rig r;
    start_sync(&r, &behind);
    learner_rig_plain(&r, PACKET_NEWLEADER, Z(2, 0));
    learner_rig_pass_time(&r, 3600000);
    learner_rig_disk(&r, 1);
    assert_said(&r, "current 2, hold, go, > ACK 2:0");
    learner_rig_pass_time(&r, 9999);
    assert_false(r.has_left);
    learner_rig_pass_time(&r, 1);
    assert_true(r.has_left);
    learner_rig_stop(&r);
}

static void a_snapshot_that_still_comes_is_waited_for(void **state)
{
    (void)state;
    struct learner_rig r;
    learner_rig_start(&r, &behind);
    promise(&r);
    learner_rig_plain(&r, PACKET_SNAP, Z(2, 0));
    learner_rig_pass_time(&r, 19999);
    learner_rig_snapshot_part(&r);
    learner_rig_pass_time(&r, 19999);
    assert_false(r.has_left);
    learner_rig_pass_time(&r, 1);
    assert_left(&r, "leader 2 was not heard in time");
    learner_rig_stop(&r);
}

/* -- discovery ----------------------------------------------------------------------------------------------------- */

/* Appendix D: acceptedEpoch is durable before ACKEPOCH leaves. */
static void promises_when_the_promise_is_durable(void **state)
{
    (void)state;
    struct learner_rig r;
    learner_rig_start(&r, &behind);
    learner_rig_connected(&r);
    learner_rig_said(&r);
    leader_info(&r, 2);
    assert_said(&r, "accepted 2, hold");
    learner_rig_disk(&r, 1);
    assert_said(&r, "go, > ACKEPOCH 1:5 1");
    learner_rig_stop(&r);
}

static void an_epoch_promised_before_does_not_count_again(void **state)
{
    (void)state;
    struct learner_rig r;
    learner_rig_start(&r, &(struct learner_rig_setup){.zxid = Z(1, 5), .accepted_epoch = 2, .current_epoch = 1});
    learner_rig_connected(&r);
    learner_rig_said(&r);
    leader_info(&r, 2);
    assert_said(&r, "> ACKEPOCH 1:5 -1");
    learner_rig_stop(&r);
}

static void a_lower_epoch_than_promised_is_refused(void **state)
{
    (void)state;
    struct learner_rig r;
    learner_rig_start(&r, &(struct learner_rig_setup){.zxid = Z(1, 5), .accepted_epoch = 3, .current_epoch = 1});
    learner_rig_connected(&r);
    leader_info(&r, 2);
    assert_left(&r, "leader 2 has epoch 2, but 3 was promised");
    learner_rig_stop(&r);
}

static void a_leader_of_another_protocol_is_left(void **state)
{
    (void)state;
    static const struct packet odd[] = {
        {.type = PACKET_LEADERINFO, .zxid = Z(2, 0)},
        {.type = PACKET_LEADERINFO, .zxid = INT64_MIN, .data = {(uint8_t *)"\0\1\0\0", 4}},
        {.type = PACKET_LEADERINFO, .zxid = Z(2, 0), .data = {(uint8_t *)"\0\0\1\0", 4}}};
    for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
        struct learner_rig r;
        learner_rig_start(&r, &behind);
        learner_rig_connected(&r);
        learner_rig_packet(&r, &odd[i]);
        assert_left(&r, "leader 2 speaks another protocol");
        learner_rig_stop(&r);
    }
}

/* A database that is known to be incomplete has no last txn, and nothing can be added to it. */
static void without_a_database_only_a_snapshot_will_do(void **state)
{
    (void)state;
    static const struct learner_rig_setup nothing = {.zxid = -1};
    struct learner_rig r;
    learner_rig_start(&r, &nothing);
    learner_rig_connected(&r);
    leader_info(&r, 2);
    learner_rig_disk(&r, 1);
    assert_said(&r, "connect 2, > FOLLOWERINFO 0:0, accepted 2, hold, go, > ACKEPOCH -1 0");
    learner_rig_plain(&r, PACKET_DIFF, 0);
    assert_left(&r, "leader 2 sent DIFF, but there is no database to add to");
    learner_rig_stop(&r);
}

/* -- synchronization ----------------------------------------------------------------------------------------------- */

/* [7.1 2678 3023 3911 4646] What the sync commits is logged, synced and applied before NEWLEADER is acknowledged. */
static void bug_3911_diff_is_durable_before_newleader_is_acknowledged(void **state)
{
    (void)state;
    struct learner_rig r;
    start_sync(&r, &behind);
    propose_and_commit(&r, Z(1, 6));
    propose_and_commit(&r, Z(1, 7));
    assert_said(&r, "");
    learner_rig_plain(&r, PACKET_NEWLEADER, Z(2, 0));
    assert_said(&r, "log 1:6, committed 1:6, log 1:7, committed 1:7, current 2, hold");
    learner_rig_disk(&r, 2);
    assert_said(&r, "");
    learner_rig_disk(&r, 1);
    assert_said(&r, "go, > ACK 2:0");
    learner_rig_plain(&r, PACKET_UPTODATE, -1);
    assert_said(&r, "role broadcast, > ACK 2:0");
    learner_rig_stop(&r);
}

/* [7.1 4643 4785] A power cut at any moment never leaves the new epoch with an old log. */
static void bug_4643_the_epoch_is_stored_behind_the_log(void **state)
{
    (void)state;
    for (size_t done = 0; done <= 3; done++) {
        struct learner_rig r;
        start_sync(&r, &behind);
        propose_and_commit(&r, Z(1, 6));
        propose_and_commit(&r, Z(1, 7));
        learner_rig_plain(&r, PACKET_NEWLEADER, Z(2, 0));
        learner_rig_disk(&r, done);
        assert_int_equal(r.disk.current_epoch, r.disk.count == 2 && done == 3 ? 2 : 1);
        learner_rig_stop(&r);
    }
}

/* [7.1 4685] The ACK of a proposal must not come before that of NEWLEADER, nor before UPTODATE. */
static void bug_4685_no_proposal_is_acknowledged_before_newleader(void **state)
{
    (void)state;
    struct learner_rig r;
    start_sync(&r, &behind);
    propose_and_commit(&r, Z(1, 6));
    propose(&r, Z(2, 1));
    learner_rig_plain(&r, PACKET_NEWLEADER, Z(2, 0));
    assert_said(&r, "log 1:6, committed 1:6, current 2, hold");
    learner_rig_disk(&r, 2);
    assert_said(&r, "go, > ACK 2:0");
    propose(&r, Z(2, 2));
    assert_said(&r, "");
    learner_rig_plain(&r, PACKET_UPTODATE, -1);
    assert_said(&r, "role broadcast, > ACK 2:0, log 2:1, log 2:2");
    learner_rig_disk(&r, SIZE_MAX);
    assert_said(&r, "> ACK 2:1, > ACK 2:2");
    learner_rig_stop(&r);
}

/* [7.1 4394] [7.6 commits-in-sync] A proposal from before NEWLEADER may be committed behind it. And the leader drops
 * who does not acknowledge what came after it, though it be committed. */
static void bug_4394_commit_between_newleader_and_uptodate(void **state)
{
    (void)state;
    struct learner_rig r;
    start_sync(&r, &behind);
    propose(&r, Z(2, 1));
    adopt(&r);
    learner_rig_plain(&r, PACKET_COMMIT, Z(2, 1));
    propose(&r, Z(2, 2));
    assert_said(&r, "");
    learner_rig_plain(&r, PACKET_UPTODATE, -1);
    assert_said(&r, "role broadcast, > ACK 2:0, log 2:1, committed 2:1, log 2:2");
    learner_rig_disk(&r, 1);
    assert_said(&r, "> ACK 2:1");
    learner_rig_plain(&r, PACKET_COMMIT, Z(2, 2));
    assert_said(&r, "committed 2:2");
    learner_rig_disk(&r, 1);
    assert_said(&r, "> ACK 2:2");
    learner_rig_stop(&r);
}

/* [7.1 1264] What arrives between the sync and UPTODATE is queued and logged. */
static void bug_1264_proposals_before_uptodate_are_not_lost(void **state)
{
    (void)state;
    struct learner_rig r;
    learner_rig_start(&r, &behind);
    promise(&r);
    learner_rig_plain(&r, PACKET_SNAP, Z(2, 1));
    learner_rig_snapshot_taken(&r);
    propose_and_commit(&r, Z(2, 2));
    propose(&r, Z(2, 3));
    adopt(&r);
    propose(&r, Z(2, 4));
    learner_rig_plain(&r, PACKET_UPTODATE, -1);
    learner_rig_disk(&r, SIZE_MAX);
    assert_said(&r, "role broadcast, > ACK 2:0, log 2:3, log 2:4, > ACK 2:3, > ACK 2:4");
    learner_rig_stop(&r);
}

/* [7.1 4925] A gap would stay for ever; what is committed can be given on to others. */
static void bug_4925_a_gap_is_refused_and_the_history_has_none(void **state)
{
    (void)state;
    static const int64_t wrong[] = {Z(1, 7), Z(2, 2), Z(3, 1), Z(2, 0), INT64_MAX};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct learner_rig r;
        start_sync(&r, &behind);
        propose(&r, wrong[i]);
        assert_true(r.has_left);
        learner_rig_stop(&r);
    }
    struct learner_rig r;
    start_sync(&r, &behind);
    propose_and_commit(&r, Z(1, 6));
    propose_and_commit(&r, Z(2, 1));
    adopt(&r);
    assert_int_equal(r.z->history.count, 2);
    assert_int_equal(entries_at(&r.z->history, 0)->zxid, Z(1, 6));
    assert_int_equal(entries_at(&r.z->history, 1)->zxid, Z(2, 1));
    learner_rig_stop(&r);
}

/* 7.6: choosing what to send and registering for what follows need not be one step of the leader's. */
/* [7.6 twice] */
static void a_proposal_that_comes_twice_in_a_sync_is_taken_once(void **state)
{
    (void)state;
    struct learner_rig r;
    start_sync(&r, &behind);
    propose_and_commit(&r, Z(1, 5));
    propose_and_commit(&r, Z(1, 6));
    propose_and_commit(&r, Z(1, 6));
    propose(&r, Z(2, 1));
    propose(&r, Z(2, 1));
    learner_rig_plain(&r, PACKET_NEWLEADER, Z(2, 0));
    assert_said(&r, "log 1:6, committed 1:6, current 2, hold");
    learner_rig_stop(&r);
}

static void a_commit_of_nothing_is_refused(void **state)
{
    (void)state;
    struct learner_rig r;
    start_sync(&r, &behind);
    learner_rig_plain(&r, PACKET_COMMIT, Z(1, 6));
    assert_left(&r, "leader 2 committed 0x100000006, which was not the next");
    learner_rig_stop(&r);

    start_sync(&r, &behind);
    propose(&r, Z(1, 6));
    propose(&r, Z(1, 7));
    learner_rig_plain(&r, PACKET_COMMIT, Z(1, 7));
    assert_left(&r, "leader 2 committed 0x100000007, which was not the next");
    learner_rig_stop(&r);
}

/* 7.7: a leader drops who sends anything but the ACK of NEWLEADER. */
static void bug_ping_is_not_answered_before_uptodate(void **state)
{
    (void)state;
    struct learner_rig r;
    learner_rig_start(&r, &behind);
    promise(&r);
    learner_rig_plain(&r, PACKET_PING, Z(2, 0));
    learner_rig_plain(&r, PACKET_DIFF, Z(1, 5));
    learner_rig_plain(&r, PACKET_PING, Z(2, 0));
    assert_said(&r, "role synchronization");
    adopt(&r);
    learner_rig_plain(&r, PACKET_PING, Z(2, 0));
    assert_said(&r, "");
    learner_rig_plain(&r, PACKET_UPTODATE, -1);
    learner_rig_plain(&r, PACKET_PING, Z(2, 0));
    assert_said(&r, "role broadcast, > ACK 2:0, pass PING");
    learner_rig_stop(&r);
}

static void packets_out_of_turn_end_the_role(void **state)
{
    (void)state;
    static const int32_t types[] = {PACKET_UPTODATE, PACKET_SNAP, PACKET_REQUEST, PACKET_ACKEPOCH,  PACKET_SYNC,
                                    PACKET_INFORM,   PACKET_DIFF, PACKET_TRUNC,   PACKET_LEADERINFO};
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        struct learner_rig r;
        char why[64];
        start_sync(&r, &behind);
        learner_rig_plain(&r, types[i], Z(2, 0));
        snprintf(why, sizeof why, "leader 2 sent %s out of turn", packet_type_name(types[i]));
        assert_left(&r, why);
        learner_rig_stop(&r);
    }
}

static void unknown_packets_are_reported_once(void **state)
{
    (void)state;
    struct learner_rig r;
    start_serving(&r, &behind);
    learner_rig_plain(&r, 77, 0);
    learner_rig_plain(&r, 78, 0);
    learner_rig_plain(&r, PACKET_UPTODATE, -1);
    assert_said(&r, "say");
    learner_rig_stop(&r);
}

static void newleader_of_another_epoch_is_refused(void **state)
{
    (void)state;
    struct learner_rig r;
    start_sync(&r, &behind);
    learner_rig_plain(&r, PACKET_NEWLEADER, Z(3, 0));
    assert_left(&r, "leader 2 of epoch 2 sent NEWLEADER 0x300000000 behind 0x100000005");
    learner_rig_stop(&r);
}

/* What the leader found in its own log it commits in the sync: an open proposal of an older epoch is nobody's. */
static void newleader_behind_an_open_proposal_of_old_is_refused(void **state)
{
    (void)state;
    struct learner_rig r;
    start_sync(&r, &behind);
    propose(&r, Z(1, 6));
    learner_rig_plain(&r, PACKET_NEWLEADER, Z(2, 0));
    assert_left(&r, "leader 2 of epoch 2 sent NEWLEADER 0x200000000 behind 0x100000006");
    learner_rig_stop(&r);
}

/* -- snapshots ----------------------------------------------------------------------------------------------------- */

/* Appendix D: the snapshot, the txns behind it, the epoch, and only then the ACK. */
static void snapshot_txns_and_epoch_are_durable_in_this_order(void **state)
{
    (void)state;
    struct learner_rig r;
    learner_rig_start(&r, &behind);
    promise(&r);
    learner_rig_plain(&r, PACKET_SNAP, Z(2, 1));
    assert_said(&r, "role synchronization, take 2:1");
    learner_rig_snapshot_taken(&r);
    propose_and_commit(&r, Z(2, 2));
    propose(&r, Z(2, 3));
    assert_said(&r, "");
    learner_rig_plain(&r, PACKET_NEWLEADER, Z(2, 0));
    assert_said(&r, "keep 2:2, log 2:2, committed 2:2, current 2, hold");
    learner_rig_disk(&r, 2);
    assert_said(&r, "");
    learner_rig_disk(&r, 1);
    assert_said(&r, "go, > ACK 2:0");
    learner_rig_plain(&r, PACKET_UPTODATE, -1);
    learner_rig_disk(&r, 1);
    assert_said(&r, "role broadcast, > ACK 2:0, log 2:3, > ACK 2:3");
    learner_rig_stop(&r);
}

/* [7.1 3642] A snapshot sync that is not completed leaves nothing, and the next one begins from what is on the disk. */
static void bug_3642_half_a_snapshot_is_thrown_away(void **state)
{
    (void)state;
    struct learner_rig r;
    learner_rig_start(&r, &behind);
    promise(&r);
    learner_rig_plain(&r, PACKET_SNAP, Z(2, 1));
    learner_rig_snapshot_taken(&r);
    propose_and_commit(&r, Z(2, 2));
    learner_rig_closed(&r);
    assert_said(&r, "role synchronization, take 2:1, leave");
    learner_rig_return(&r);
    assert_int_equal(r.z->loaded_zxid, Z(1, 5));
    assert_int_equal(r.z->history.count, 0);
    learner_rig_connected(&r);
    leader_info(&r, 2);
    assert_said(&r, "connect 2, > FOLLOWERINFO 2:0, > ACKEPOCH 1:5 -1");
    learner_rig_stop(&r);
}

/* [7.1 3104] NEWLEADER stands behind the stream; if not, the state is half a one. */
static void bug_3104_a_snapshot_of_a_later_epoch_is_refused(void **state)
{
    (void)state;
    struct learner_rig r;
    learner_rig_start(&r, &behind);
    promise(&r);
    learner_rig_plain(&r, PACKET_SNAP, Z(3, 1));
    assert_left(&r, "leader 2 sent SNAP of 0x300000001 in epoch 2");
    learner_rig_stop(&r);
}

/* -- truncation ---------------------------------------------------------------------------------------------------- */

static const struct learner_rig_setup ahead = {.zxid = Z(1, 3), .accepted_epoch = 1, .current_epoch = 1};

/* Epoch 2 has begun, 1:4 and 1:5 were logged as the leader of epoch 1 proposed them. */
static void start_ahead(struct learner_rig *r)
{
    learner_rig_start(r, &ahead);
    learner_rig_connected(r);
    leader_info(r, 1);
    learner_rig_plain(r, PACKET_DIFF, Z(1, 3));
    learner_rig_plain(r, PACKET_NEWLEADER, Z(1, 0));
    learner_rig_disk(r, 1);
    learner_rig_plain(r, PACKET_UPTODATE, -1);
    propose(r, Z(1, 4));
    propose(r, Z(1, 5));
    learner_rig_disk(r, SIZE_MAX);
    learner_rig_closed(r);
    learner_rig_return(r);
    promise(r);
}

static void what_nobody_committed_is_cut_off(void **state)
{
    (void)state;
    struct learner_rig r;
    start_ahead(&r);
    assert_int_equal(r.z->loaded_zxid, Z(1, 5));
    learner_rig_plain(&r, PACKET_TRUNC, Z(1, 4));
    assert_said(&r, "role synchronization, truncate 1:4, hold");
    learner_rig_disk(&r, 1);
    assert_said(&r, "go");
    propose_and_commit(&r, Z(2, 1));
    learner_rig_plain(&r, PACKET_NEWLEADER, Z(2, 0));
    assert_said(&r, "log 2:1, committed 2:1, current 2, hold");
    learner_rig_disk(&r, SIZE_MAX);
    assert_said(&r, "go, > ACK 2:0");
    learner_rig_stop(&r);
}

/* [7.1 1156 1549] A target that is not in the log, or that the snapshot is beyond: nothing is cut, and a snapshot is
 * asked for. No zxid is shown, by which a leader could send less, or count a history that it has not seen. */
static void bug_1156_what_cannot_be_cut_is_replaced(void **state)
{
    (void)state;
    struct learner_rig r;
    start_ahead(&r);
    r.refuse_truncate = true;
    learner_rig_plain(&r, PACKET_TRUNC, Z(1, 4));
    learner_rig_disk(&r, 1);
    assert_left(&r, "the log cannot be cut at 0x100000004: a snapshot will be asked for");
    learner_rig_return(&r);
    assert_int_equal(r.z->loaded_zxid, Z(1, 5));
    learner_rig_connected(&r);
    learner_rig_said(&r);
    leader_info(&r, 2);
    assert_said(&r, "> ACKEPOCH -1 -1");
    learner_rig_plain(&r, PACKET_SNAP, Z(1, 4));
    learner_rig_snapshot_taken(&r);
    adopt(&r);
    learner_rig_closed(&r);
    learner_rig_return(&r);
    learner_rig_connected(&r);
    learner_rig_said(&r);
    leader_info(&r, 2);
    assert_said(&r, "> ACKEPOCH 1:4 -1");
    learner_rig_stop(&r);
}

static void truncation_beyond_the_end_is_refused(void **state)
{
    (void)state;
    struct learner_rig r;
    learner_rig_start(&r, &behind);
    promise(&r);
    learner_rig_plain(&r, PACKET_TRUNC, Z(1, 6));
    assert_left(&r, "leader 2 sent TRUNC to 0x100000006, but the log ends at 0x100000005");
    learner_rig_stop(&r);
}

/* -- broadcast ----------------------------------------------------------------------------------------------------- */

static void each_proposal_is_acknowledged_when_durable(void **state)
{
    (void)state;
    struct learner_rig r;
    start_serving(&r, &behind);
    for (int i = 1; i <= 3; i++)
        propose(&r, Z(2, i));
    assert_said(&r, "log 2:1, log 2:2, log 2:3");
    learner_rig_disk(&r, 1);
    assert_said(&r, "> ACK 2:1");
    r.sent.len = 0;
    learner_rig_disk(&r, 2);
    assert_said(&r, "> ACK 2:2, > ACK 2:3");
    learner_rig_plain(&r, PACKET_COMMIT, Z(2, 1));
    assert_said(&r, "committed 2:1");
    learner_rig_stop(&r);
}

/* 3.5: others may be quicker, and their quorum commits without us. The ACK stays due. */
static void a_commit_need_not_wait_for_our_disk(void **state)
{
    (void)state;
    struct learner_rig r;
    start_serving(&r, &behind);
    propose_and_commit(&r, Z(2, 1));
    assert_said(&r, "log 2:1, committed 2:1");
    learner_rig_disk(&r, 1);
    assert_said(&r, "> ACK 2:1");
    learner_rig_plain(&r, PACKET_COMMIT, Z(2, 1));
    assert_said(&r, "");
    learner_rig_stop(&r);
}

static void broadcast_out_of_order_ends_the_role(void **state)
{
    (void)state;
    static const struct {
        int32_t type;
        int64_t zxid;
    } wrong[] = {{PACKET_PROPOSAL, Z(2, 4)}, {PACKET_PROPOSAL, Z(2, 2)}, {PACKET_PROPOSAL, Z(1, 6)},
                 {PACKET_PROPOSAL, Z(3, 1)}, {PACKET_COMMIT, Z(2, 3)},   {PACKET_COMMIT, Z(2, 1)},
                 {PACKET_INFORM, Z(2, 3)},   {PACKET_DIFF, Z(2, 2)},     {PACKET_NEWLEADER, Z(2, 0)}};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct learner_rig r;
        start_serving(&r, &behind);
        propose_and_commit(&r, Z(2, 1));
        propose(&r, Z(2, 2));
        learner_rig_data(&r, wrong[i].type, wrong[i].zxid, BYTES("txn"));
        assert_true(r.has_left);
        learner_rig_stop(&r);
    }
}

static void a_proposal_without_a_txn_ends_the_role(void **state)
{
    (void)state;
    struct learner_rig r;
    start_serving(&r, &behind);
    learner_rig_plain(&r, PACKET_PROPOSAL, Z(2, 1));
    assert_left(&r, "leader 2 proposed 0x200000001 of 0 bytes behind 0x100000005");
    learner_rig_stop(&r);
}

static void the_rest_is_for_the_layer_above(void **state)
{
    (void)state;
    struct learner_rig r;
    start_serving(&r, &behind);
    learner_rig_data(&r, PACKET_REVALIDATE, -1, BYTES("12345678\1"));
    learner_rig_plain(&r, PACKET_SYNC, 0);
    learner_rig_plain(&r, PACKET_PING, Z(2, 0));
    assert_said(&r, "pass REVALIDATE, pass SYNC, pass PING");
    learner_rig_stop(&r);
}

/* [7.2 2845] [7.1 4712] [weak hole-in-the-log] What was proposed and not committed stays in the log, is loaded, and is
 * what the member then claims. */
static void bug_2845_the_position_claimed_is_what_the_disk_holds(void **state)
{
    (void)state;
    struct learner_rig r;
    start_serving(&r, &behind);
    propose_and_commit(&r, Z(2, 1));
    propose(&r, Z(2, 2));
    learner_rig_closed(&r);
    learner_rig_return(&r);
    learner_rig_connected(&r);
    learner_rig_said(&r);
    leader_info(&r, 3);
    learner_rig_disk(&r, 1);
    assert_said(&r, "accepted 3, hold, go, > ACKEPOCH 2:2 2");
    assert_int_equal(r.z->history.count, 2);
    learner_rig_stop(&r);
}

/* [7.3 1732 1805 1818] Who asks is told the epoch that was joined, not that of the election. */
static void bug_1732_the_vote_has_the_new_epoch(void **state)
{
    (void)state;
    struct learner_rig r;
    start_serving(&r, &behind);
    assert_int_equal(r.z->vote.peer_epoch, 2);
    assert_int_equal(zab_epoch(r.z), 2);
    learner_rig_stop(&r);
}

/* -- bounds -------------------------------------------------------------------------------------------------------- */

static const struct learner_rig_setup narrow = {.zxid = Z(1, 5),
                                                .accepted_epoch = 1,
                                                .current_epoch = 1,
                                                .pending_bytes_max = 6};

static void too_many_open_proposals_end_the_role(void **state)
{
    (void)state;
    struct learner_rig r;
    start_serving(&r, &narrow);
    propose(&r, Z(2, 1));
    propose(&r, Z(2, 2));
    learner_rig_plain(&r, PACKET_COMMIT, Z(2, 1));
    propose(&r, Z(2, 3));
    assert_false(r.has_left);
    propose(&r, Z(2, 4));
    assert_left(&r, "proposals that are not committed take more than 6 bytes");
    learner_rig_stop(&r);
}

static void one_proposal_has_room_however_long(void **state)
{
    (void)state;
    struct learner_rig r;
    start_serving(&r, &narrow);
    learner_rig_data(&r, PACKET_PROPOSAL, Z(2, 1), BYTES("longer than six bytes"));
    assert_said(&r, "log 2:1");
    learner_rig_stop(&r);
}

/* A DIFF may be longer than all that may be pending: what is committed of it is logged on the way. */
static void a_long_diff_is_logged_on_the_way(void **state)
{
    (void)state;
    struct learner_rig r;
    start_sync(&r, &narrow);
    for (int i = 6; i <= 9; i++)
        propose_and_commit(&r, Z(1, i));
    assert_said(&r, "log 1:6, committed 1:6, log 1:7, committed 1:7");
    learner_rig_plain(&r, PACKET_NEWLEADER, Z(2, 0));
    learner_rig_disk(&r, SIZE_MAX);
    assert_said(&r, "log 1:8, committed 1:8, log 1:9, committed 1:9, current 2, hold, go, > ACK 2:0");
    for (int i = 1; i <= 3; i++)
        propose_and_commit(&r, Z(2, i));
    learner_rig_disk(&r, SIZE_MAX);
    assert_said(&r, "log 2:1, committed 2:1, log 2:2, committed 2:2");
    learner_rig_plain(&r, PACKET_UPTODATE, -1);
    learner_rig_disk(&r, SIZE_MAX);
    assert_said(&r, "role broadcast, > ACK 2:0, log 2:3, committed 2:3, > ACK 2:1, > ACK 2:2, > ACK 2:3");
    learner_rig_stop(&r);
}

/* -- observers ----------------------------------------------------------------------------------------------------- */

/* 3.1: pairs from the leader's history, INFORM for what is new; logged, and never acknowledged. */
static void observers_are_informed(void **state)
{
    (void)state;
    struct learner_rig r;
    start_sync(&r, &observing);
    propose_and_commit(&r, Z(1, 6));
    inform(&r, Z(2, 1));
    learner_rig_plain(&r, PACKET_NEWLEADER, Z(2, 0));
    learner_rig_disk(&r, SIZE_MAX);
    assert_said(&r, "log 1:6, committed 1:6, log 2:1, committed 2:1, current 2, hold, go, > ACK 2:0");
    inform(&r, Z(2, 2));
    learner_rig_plain(&r, PACKET_UPTODATE, -1);
    inform(&r, Z(2, 3));
    learner_rig_data(&r, PACKET_INFORM_AND_ACTIVATE, Z(2, 4), BYTES("\0\0\0\0\0\0\0\2txn"));
    learner_rig_disk(&r, SIZE_MAX);
    assert_said(&r,
                "role broadcast, > ACK 2:0, log 2:2, committed 2:2, log 2:3, committed 2:3, log 2:4, committed 2:4");
    propose(&r, Z(2, 9));
    learner_rig_plain(&r, PACKET_COMMIT, Z(2, 9));
    learner_rig_plain(&r, PACKET_PING, Z(2, 4));
    assert_said(&r, "pass PING");
    inform(&r, Z(2, 6));
    assert_true(r.has_left);
    learner_rig_stop(&r);
}

static void what_an_observer_was_only_proposed_is_forgotten(void **state)
{
    (void)state;
    struct learner_rig r;
    start_sync(&r, &observing);
    propose(&r, Z(2, 1));
    adopt(&r);
    learner_rig_plain(&r, PACKET_UPTODATE, -1);
    inform(&r, Z(2, 1));
    assert_said(&r, "role broadcast, > ACK 2:0, log 2:1, committed 2:1");
    learner_rig_stop(&r);
}

static void a_damaged_inform_ends_the_role(void **state)
{
    (void)state;
    struct learner_rig r;
    start_sync(&r, &observing);
    learner_rig_data(&r, PACKET_INFORM_AND_ACTIVATE, Z(2, 1), BYTES("short"));
    assert_left(&r, "leader 2 sent a damaged INFORMANDACTIVATE");
    learner_rig_stop(&r);

    start_serving(&r, &observing);
    learner_rig_data(&r, PACKET_INFORM_AND_ACTIVATE, Z(2, 1), BYTES("short"));
    assert_left(&r, "leader 2 sent a damaged INFORMANDACTIVATE");
    learner_rig_stop(&r);
}

/* -- configurations ------------------------------------------------------------------------------------------------ */

#define ONE_SERVER "server.1=127.0.0.1:2888:3888:participant;127.0.0.1:2181\nversion="

static void newleader(struct learner_rig *r, struct bytes config)
{
    start_sync(r, &(struct learner_rig_setup){
                      .zxid = Z(1, 5), .accepted_epoch = 1, .current_epoch = 1, .reconfig_enabled = true});
    learner_rig_data(r, PACKET_NEWLEADER, Z(2, 0), config);
}

/* [7.5 1324] NEWLEADER carries the configuration that is pending. */
static void bug_1324_a_newer_configuration_is_remembered(void **state)
{
    (void)state;
    struct learner_rig r;
    newleader(&r, BYTES(ONE_SERVER "100000003"));
    assert_non_null(zab_pending_config(r.z));
    assert_int_equal(zab_pending_config(r.z)->version, Z(1, 3));
    learner_rig_stop(&r);

    newleader(&r, BYTES(ONE_SERVER "0"));
    assert_null(zab_pending_config(r.z));
    learner_rig_stop(&r);

    newleader(&r, BYTES("server.x=nonsense"));
    assert_true(r.has_left);
    learner_rig_stop(&r);

    start_sync(&r, &behind);
    learner_rig_data(&r, PACKET_NEWLEADER, Z(2, 0), BYTES("server.x=nonsense"));
    assert_false(r.has_left);
    learner_rig_stop(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connects_and_introduces_itself),
        cmocka_unit_test(tries_again_until_the_time_is_over),
        cmocka_unit_test(a_connection_that_comes_twice_is_closed),
        cmocka_unit_test(a_closed_connection_ends_the_role),
        cmocka_unit_test(silence_of_the_leader_ends_the_role),
        cmocka_unit_test(a_slow_disk_is_not_the_leaders_silence),
        cmocka_unit_test(a_snapshot_that_still_comes_is_waited_for),
        cmocka_unit_test(promises_when_the_promise_is_durable),
        cmocka_unit_test(an_epoch_promised_before_does_not_count_again),
        cmocka_unit_test(a_lower_epoch_than_promised_is_refused),
        cmocka_unit_test(a_leader_of_another_protocol_is_left),
        cmocka_unit_test(without_a_database_only_a_snapshot_will_do),
        cmocka_unit_test(bug_3911_diff_is_durable_before_newleader_is_acknowledged),
        cmocka_unit_test(bug_4643_the_epoch_is_stored_behind_the_log),
        cmocka_unit_test(bug_4685_no_proposal_is_acknowledged_before_newleader),
        cmocka_unit_test(bug_4394_commit_between_newleader_and_uptodate),
        cmocka_unit_test(bug_1264_proposals_before_uptodate_are_not_lost),
        cmocka_unit_test(bug_4925_a_gap_is_refused_and_the_history_has_none),
        cmocka_unit_test(a_proposal_that_comes_twice_in_a_sync_is_taken_once),
        cmocka_unit_test(a_commit_of_nothing_is_refused),
        cmocka_unit_test(bug_ping_is_not_answered_before_uptodate),
        cmocka_unit_test(packets_out_of_turn_end_the_role),
        cmocka_unit_test(unknown_packets_are_reported_once),
        cmocka_unit_test(newleader_of_another_epoch_is_refused),
        cmocka_unit_test(newleader_behind_an_open_proposal_of_old_is_refused),
        cmocka_unit_test(snapshot_txns_and_epoch_are_durable_in_this_order),
        cmocka_unit_test(bug_3642_half_a_snapshot_is_thrown_away),
        cmocka_unit_test(bug_3104_a_snapshot_of_a_later_epoch_is_refused),
        cmocka_unit_test(what_nobody_committed_is_cut_off),
        cmocka_unit_test(bug_1156_what_cannot_be_cut_is_replaced),
        cmocka_unit_test(truncation_beyond_the_end_is_refused),
        cmocka_unit_test(each_proposal_is_acknowledged_when_durable),
        cmocka_unit_test(a_commit_need_not_wait_for_our_disk),
        cmocka_unit_test(broadcast_out_of_order_ends_the_role),
        cmocka_unit_test(a_proposal_without_a_txn_ends_the_role),
        cmocka_unit_test(the_rest_is_for_the_layer_above),
        cmocka_unit_test(bug_2845_the_position_claimed_is_what_the_disk_holds),
        cmocka_unit_test(bug_1732_the_vote_has_the_new_epoch),
        cmocka_unit_test(too_many_open_proposals_end_the_role),
        cmocka_unit_test(one_proposal_has_room_however_long),
        cmocka_unit_test(a_long_diff_is_logged_on_the_way),
        cmocka_unit_test(observers_are_informed),
        cmocka_unit_test(what_an_observer_was_only_proposed_is_forgotten),
        cmocka_unit_test(a_damaged_inform_ends_the_role),
        cmocka_unit_test(bug_1324_a_newer_configuration_is_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
