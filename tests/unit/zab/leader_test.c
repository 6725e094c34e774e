/* leader_test.c - what a leader that serves does with what its learners send, and when time passes; each bug that real
 * implementations had there (quorum-protocol 7) has a test with its number. */
#include "tests/unit/zab/leader_fixture.h"

/* -- broadcasting ----------------------------------------------------------------------------------------------------
 */

static void txns_are_committed_in_order(void **state)
{
    static const struct leader_rig_setup five = {
        .config = FIVE, .zxid = Z(1, 5), .accepted_epoch = 1, .current_epoch = 1};
    (void)state;
    struct leader_rig r;
    leader_rig_start(&r, &five);
    introduce(&r, PACKET_FOLLOWERINFO, 1, 1);
    introduce(&r, PACKET_FOLLOWERINFO, 2, 1);
    leader_rig_ack_epoch(&r, 1, Z(1, 5), 1);
    leader_rig_ack_epoch(&r, 2, Z(1, 5), 1);
    leader_rig_disk(&r, SIZE_MAX);
    adopt(&r, 1);
    adopt(&r, 2);
    leader_rig_said(&r);
    leader_rig_propose(&r, BYTES("a"));
    leader_rig_propose(&r, BYTES("b"));
    leader_rig_said(&r);
    leader_rig_disk(&r, SIZE_MAX);
    leader_rig_plain(&r, 1, PACKET_ACK, Z(2, 1));
    leader_rig_plain(&r, 1, PACKET_ACK, Z(2, 2));
    assert_said(&r, "");
    leader_rig_plain(&r, 2, PACKET_ACK, Z(2, 1));
    assert_said(&r, "send L1 COMMIT 0x2_01\nsend L2 COMMIT 0x2_01\ncommitted 0x2_01 \"a\"\n");
    leader_rig_plain(&r, 2, PACKET_ACK, Z(2, 1));
    assert_said(&r, "");
    leader_rig_plain(&r, 2, PACKET_ACK, Z(2, 2));
    assert_said(&r, "send L1 COMMIT 0x2_02\nsend L2 COMMIT 0x2_02\ncommitted 0x2_02 \"b\"\n");
    leader_rig_stop(&r);
}

/* The leader's own log is one among the others. */
static void followers_may_be_enough(void **state)
{
    (void)state;
    struct leader_rig r;
    const uint64_t two = start_serving(&r), one = follow(&r, 1, Z(1, 5), 1);
    leader_rig_propose(&r, BYTES("a"));
    leader_rig_plain(&r, two, PACKET_ACK, Z(2, 1));
    leader_rig_said(&r);
    leader_rig_plain(&r, one, PACKET_ACK, Z(2, 1));
    assert_said(&r, "send L1 COMMIT 0x2_01\nsend L2 COMMIT 0x2_01\ncommitted 0x2_01 \"a\"\n");
    leader_rig_disk(&r, 1);
    assert_said(&r, "");
    leader_rig_stop(&r);
}

/* A follower that comes back is told to cut what was not committed: what it had acknowledged is not there any more. */
static void acks_of_a_broken_link_do_not_count(void **state)
{
    (void)state;
    struct leader_rig r;
    const uint64_t two = start_serving(&r);
    commit(&r, two, 1);
    leader_rig_propose(&r, BYTES("b"));
    leader_rig_plain(&r, two, PACKET_ACK, Z(2, 2));
    leader_rig_closed(&r, two);
    leader_rig_said(&r);
    leader_rig_disk(&r, 1);
    assert_said(&r, "");
    const uint64_t again = join(&r, PACKET_FOLLOWERINFO, 2, Z(2, 2), -1);
    assert_said(&r, "send L2 LEADERINFO 0x2_00\n"
                    "send L2 TRUNC 0x2_01, PROPOSAL 0x2_02 \"b\", NEWLEADER 0x2_00 config=0\n");
    adopt(&r, again);
    assert_said(&r, "send L2 UPTODATE\n");
    leader_rig_plain(&r, again, PACKET_ACK, Z(2, 2));
    assert_said(&r, "send L2 COMMIT 0x2_02\ncommitted 0x2_02 \"b\"\n");
    leader_rig_stop(&r);
}

/* The same with the first txn of an epoch: what was before it is there, for this leader has sent it. */
static void the_first_txn_of_an_epoch_may_be_cut(void **state)
{
    (void)state;
    struct leader_rig r;
    const uint64_t two = start_serving(&r);
    leader_rig_propose(&r, BYTES("a"));
    leader_rig_closed(&r, two);
    leader_rig_said(&r);
    join(&r, PACKET_FOLLOWERINFO, 2, Z(2, 1), -1);
    assert_said(&r, "send L2 LEADERINFO 0x2_00\n"
                    "send L2 TRUNC 0x1_05, PROPOSAL 0x2_01 \"a\", NEWLEADER 0x2_00 config=0\n");
    leader_rig_stop(&r);
}

/* Apache 3.8.0 acknowledges what came in a DIFF, after NEWLEADER, and the epoch twice; 3.5 has more that mean nothing.
 */
/* [7.7 late-acks] */
static void acks_that_mean_nothing(void **state)
{
    (void)state;
    struct leader_rig r;
    const uint64_t two = start_serving(&r);
    commit(&r, two, 2);
    const uint64_t one = follow(&r, 1, Z(1, 5), 1);
    leader_rig_plain(&r, one, PACKET_ACK, Z(2, 1));
    leader_rig_plain(&r, one, PACKET_ACK, Z(2, 0));
    leader_rig_plain(&r, one, PACKET_ACK, Z(2, 2));
    assert_said(&r, "");
    leader_rig_plain(&r, one, PACKET_ACK, Z(2, 77));
    assert_said(&r, "says: learner 1 sent ACK (3, 0x20000004d), which means nothing here\n");
    assert_true(is_open(&r, one));
    leader_rig_stop(&r);
}

static void acks_come_in_order(void **state)
{
    (void)state;
    struct leader_rig r;
    const uint64_t two = start_serving(&r);
    leader_rig_propose(&r, BYTES("a"));
    leader_rig_propose(&r, BYTES("b"));
    leader_rig_disk(&r, SIZE_MAX);
    leader_rig_said(&r);
    leader_rig_plain(&r, two, PACKET_ACK, Z(2, 2));
    assert_refused(&r, two,
                   "says: learner 2 is sent away: it acknowledged 0x200000002, which is not the next\nclose L1\n");
    leader_rig_stop(&r);
}

static void observers_are_informed_and_do_not_count(void **state)
{
    (void)state;
    struct leader_rig r;
    const uint64_t two = start_serving(&r);
    const uint64_t observer = join(&r, PACKET_OBSERVERINFO, 1, Z(1, 5), 1); /* though it has a vote */
    adopt(&r, observer);
    leader_rig_said(&r);
    leader_rig_propose(&r, BYTES("a"));
    assert_said(&r, "send L1 PROPOSAL 0x2_01 \"a\"\nlog 0x2_01 \"a\"\n");
    leader_rig_disk(&r, 1);
    leader_rig_plain(&r, observer, PACKET_ACK, Z(2, 1));
    assert_said(&r, "");
    leader_rig_plain(&r, two, PACKET_ACK, Z(2, 1));
    assert_said(&r, "send L1 COMMIT 0x2_01\nsend-fed INFORM 0x2_01 \"a\"\ncommitted 0x2_01 \"a\"\n");
    leader_rig_stop(&r);
}

/* [7.3 1277] A zxid never runs over into its epoch. */
static void a_new_epoch_comes_before_the_counter_ends_1277(void **state)
{
    const struct leader_rig_setup few = {.config = ALONE, .zxid_counter_max = 2};
    (void)state;
    struct leader_rig r;
    leader_rig_start(&r, &few);
    leader_rig_disk(&r, SIZE_MAX);
    leader_rig_propose(&r, BYTES("a"));
    leader_rig_propose(&r, BYTES("b"));
    leader_rig_said(&r);
    leader_rig_propose(&r, BYTES("c"));
    assert_said(&r, "leave: the epoch has no more zxids: a new one is needed\nrole looking loading epoch=1\n");
    leader_rig_return(&r);
    leader_rig_disk(&r, SIZE_MAX);
    assert_int_equal(zab_next_zxid(r.z), Z(2, 1));
    assert_int_equal(zab_last_committed(r.z), Z(2, 0));
    leader_rig_stop(&r);
}

static void what_is_of_sessions_is_passed_on(void **state)
{
    (void)state;
    struct leader_rig r;
    const uint64_t two = start_serving(&r);
    leader_rig_packet(&r, two, &(struct packet){.type = PACKET_PING, .zxid = Z(2, 0), .data = BYTES("")});
    leader_rig_plain(&r, two, PACKET_SYNC, 0);
    leader_rig_plain(&r, two, PACKET_REVALIDATE, -1);
    leader_rig_plain(&r, two, PACKET_REQUEST, -1);
    assert_said(&r, "pass L1 PING 0x2_00\npass L1 SYNC 0x0_00\npass L1 REVALIDATE\npass L1 REQUEST\n");
    leader_rig_plain(&r, two, 4711, 0);
    leader_rig_plain(&r, two, PACKET_UPTODATE, 0);
    assert_said(&r, "says: learner 2 sent a packet of unknown type (4711, 0x0), which means nothing here\n");
    assert_true(is_open(&r, two));
    leader_rig_stop(&r);
}

/* -- time ------------------------------------------------------------------------------------------------------------
 */

static void learners_are_pinged_every_half_tick(void **state)
{
    (void)state;
    struct leader_rig r;
    const uint64_t two = start_serving(&r);
    commit(&r, two, 1);
    leader_rig_pass_time(&r, TICK / 2);
    assert_said(&r, "send L1 PING 0x2_01\n");
    leader_rig_pass_time(&r, TICK);
    assert_said(&r, "send L1 PING 0x2_01\nsend L1 PING 0x2_01\n");
    leader_rig_stop(&r);
}

static void a_silent_learner_is_sent_away_and_a_leader_without_quorum_leaves(void **state)
{
    (void)state;
    struct leader_rig r;
    const uint64_t two = start_serving(&r), one = follow(&r, 1, Z(1, 5), 1);
    for (int i = 0; i < 10; i++) {
        leader_rig_pass_time(&r, TICK / 2);
        leader_rig_plain(&r, one, PACKET_PING, 0);
    }
    assert_false(is_open(&r, two));
    assert_true(is_open(&r, one));
    leader_rig_pass_time(&r, SYNC_LIMIT - TICK);
    assert_false(r.has_left);
    leader_rig_said(&r);
    leader_rig_pass_time(&r, 2 * TICK);
    assert_true(r.has_left);
    assert_non_null(strstr(leader_rig_said(&r), "leave: not enough followers are heard\n"));
    leader_rig_stop(&r);
}

/* One that answers pings and whose disk hangs. */
static void proposals_must_be_acknowledged_in_time(void **state)
{
    (void)state;
    struct leader_rig r;
    const uint64_t two = start_serving(&r), one = follow(&r, 1, Z(1, 5), 1);
    leader_rig_propose(&r, BYTES("a"));
    leader_rig_disk(&r, 1);
    leader_rig_plain(&r, one, PACKET_ACK, Z(2, 1));
    for (int i = 0; i < 12; i++) {
        leader_rig_pass_time(&r, TICK / 2);
        leader_rig_plain(&r, one, PACKET_PING, 0);
        leader_rig_plain(&r, two, PACKET_PING, 0);
    }
    assert_true(is_open(&r, one));
    assert_false(is_open(&r, two));
    assert_non_null(strstr(leader_rig_said(&r), "learner 2 is sent away: it has not acknowledged 0x200000001"));
    leader_rig_stop(&r);
}

static void a_learner_that_says_nothing_is_sent_away(void **state)
{
    (void)state;
    struct leader_rig r;
    leader_rig_start(&r, &alone);
    leader_rig_disk(&r, SIZE_MAX);
    const uint64_t mute = leader_rig_accept(&r), asked = introduce(&r, PACKET_OBSERVERINFO, 9, 0);
    const uint64_t syncing = join(&r, PACKET_OBSERVERINFO, 10, Z(1, 0), 0);
    leader_rig_pass_time(&r, INIT_LIMIT - 1);
    assert_true(is_open(&r, mute) && is_open(&r, asked) && is_open(&r, syncing));
    leader_rig_pass_time(&r, TICK);
    assert_false(is_open(&r, mute) || is_open(&r, asked) || is_open(&r, syncing));
    leader_rig_stop(&r);
}

static void learners_are_reported(void **state)
{
    (void)state;
    struct leader_rig r;
    const uint64_t two = start_serving(&r);
    struct zab_learner_report report;
    const void *at = NULL;
    leader_rig_propose(&r, BYTES("a"));
    leader_rig_propose(&r, BYTES("b"));
    leader_rig_disk(&r, 1);
    leader_rig_plain(&r, two, PACKET_ACK, Z(2, 1));
    assert_int_equal(zab_learner_count(r.z), 1);
    assert_true(zab_learner_next(r.z, &at, &report));
    assert_int_equal(report.sid, 2);
    assert_int_equal(report.link, two);
    assert_true(report.synced && !report.observer);
    assert_int_equal(report.last_zxid, Z(2, 2));
    assert_int_equal(report.outstanding, 1);
    assert_false(zab_learner_next(r.z, &at, &report));
    leader_rig_stop(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(txns_are_committed_in_order),
        cmocka_unit_test(followers_may_be_enough),
        cmocka_unit_test(acks_of_a_broken_link_do_not_count),
        cmocka_unit_test(the_first_txn_of_an_epoch_may_be_cut),
        cmocka_unit_test(acks_that_mean_nothing),
        cmocka_unit_test(acks_come_in_order),
        cmocka_unit_test(observers_are_informed_and_do_not_count),
        cmocka_unit_test(a_new_epoch_comes_before_the_counter_ends_1277),
        cmocka_unit_test(what_is_of_sessions_is_passed_on),
        cmocka_unit_test(learners_are_pinged_every_half_tick),
        cmocka_unit_test(a_silent_learner_is_sent_away_and_a_leader_without_quorum_leaves),
        cmocka_unit_test(proposals_must_be_acknowledged_in_time),
        cmocka_unit_test(a_learner_that_says_nothing_is_sent_away),
        cmocka_unit_test(learners_are_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
