/* learner_sync_test.c - how a learner is brought up to date: txns, snapshots, and what it has to give up; each bug that
 * real implementations had there (quorum-protocol 7) has a test with its number. */
#include "tests/unit/zab/learner_fixture.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
