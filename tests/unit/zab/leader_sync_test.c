/* leader_sync_test.c - how a leader brings a learner up to date; each bug that real implementations had there
 * (quorum-protocol 7) has a test with its number. */
#include "tests/unit/zab/leader_fixture.h"

/* -- synchronizing ---------------------------------------------------------------------------------------------------
 */

/* Epoch 2 with 2:1 to 2:3 after a start at 1:5, then epoch 3 with 3:1 and 3:2: follower 2 has it all. */
static uint64_t start_with_history(struct leader_rig *r)
{
    uint64_t link = start_serving(r);
    commit(r, link, 3);
    leader_rig_closed(r, link);
    leader_rig_pass_time(r, 2 * SYNC_LIMIT);
    assert_true(r->has_left);
    leader_rig_return(r);
    link = follow(r, 2, Z(2, 3), 2);
    commit(r, link, 2);
    return link;
}

static void the_sync_is_chosen(void **state)
{
    static const struct {
        int64_t zxid;
        const char *sent;
    } rows[] = {
        {Z(3, 2), "send L3 DIFF 0x3_02, NEWLEADER"},
        {Z(3, 1), "send L3 DIFF 0x3_02, PROPOSAL 0x3_02 \"txn\", COMMIT 0x3_02, NEWLEADER"},
        {Z(3, 0),
         "send L3 DIFF 0x3_02, PROPOSAL 0x3_01 \"txn\", COMMIT 0x3_01, PROPOSAL 0x3_02 \"txn\", COMMIT 0x3_02, "
         "NEWLEADER"},
        {Z(2, 3),
         "send L3 DIFF 0x3_02, PROPOSAL 0x3_01 \"txn\", COMMIT 0x3_01, PROPOSAL 0x3_02 \"txn\", COMMIT 0x3_02, "
         "NEWLEADER"},
        {Z(2, 4), "send L3 SNAP 0x3_02\nsend-snapshot L3 0x3_02\n"}, /* not across an epoch */
        {Z(2, 1),
         "send L3 DIFF 0x3_02, PROPOSAL 0x2_02 \"txn\", COMMIT 0x2_02, PROPOSAL 0x2_03 \"txn\", COMMIT 0x2_03, "
         "PROPOSAL 0x3_01 \"txn\", COMMIT 0x3_01, PROPOSAL 0x3_02 \"txn\", COMMIT 0x3_02, NEWLEADER"},
        {Z(2, 0), "send L3 SNAP 0x3_02\nsend-snapshot L3 0x3_02\n"}, /* below what is kept */
        {Z(1, 5),                                                    /* where it begins */
         "send L3 DIFF 0x3_02, PROPOSAL 0x2_01 \"txn\", COMMIT 0x2_01, PROPOSAL 0x2_02 \"txn\", COMMIT 0x2_02, "
         "PROPOSAL 0x2_03 \"txn\", COMMIT 0x2_03, PROPOSAL 0x3_01 \"txn\", COMMIT 0x3_01, PROPOSAL 0x3_02 \"txn\", "
         "COMMIT 0x3_02, NEWLEADER"},
        {Z(1, 4), "send L3 SNAP 0x3_02\nsend-snapshot L3 0x3_02\n"},
        {Z(0, 0), "send L3 SNAP 0x3_02\nsend-snapshot L3 0x3_02\n"},
        {-1, "send L3 SNAP 0x3_02\nsend-snapshot L3 0x3_02\n"},
        {Z(3, 3), "send L3 TRUNC 0x3_02, NEWLEADER"},
        {Z(4, 1), "send L3 SNAP 0x3_02\nsend-snapshot L3 0x3_02\n"}, /* nor is 3:2 known to be there */
        {Z(4, 0), "send L3 SNAP 0x3_02\nsend-snapshot L3 0x3_02\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct leader_rig r;
        char text[512];
        start_with_history(&r);
        const uint64_t link = introduce(&r, PACKET_FOLLOWERINFO, 1, 1);
        leader_rig_said(&r);
        leader_rig_ack_epoch(&r, link, rows[i].zxid, -1);
        const bool ends = strstr(rows[i].sent, "NEWLEADER") != NULL; /* behind a snapshot it stands later */
        snprintf(text, sizeof text, "%s%s", rows[i].sent, ends ? " 0x3_00 config=0\n" : "");
        assert_said(&r, text);
        leader_rig_stop(&r);
    }
}

/* [7.3 1154] What one that was away has too much goes, and is never merged with what came after it. */
static void extra_txns_are_cut_1154(void **state)
{
    (void)state;
    struct leader_rig r;
    start_serving(&r);
    const uint64_t early = join(&r, PACKET_FOLLOWERINFO, 1, Z(1, 8), 1);
    assert_said(&r, "send L2 LEADERINFO 0x2_00\nsend L2 TRUNC 0x1_05, NEWLEADER 0x2_00 config=0\n");
    adopt(&r, early);
    commit(&r, early, 1);
    leader_rig_closed(&r, early);
    join(&r, PACKET_FOLLOWERINFO, 1, Z(1, 8), 1);
    assert_said(&r, "send L3 LEADERINFO 0x2_00\n"
                    "send L3 SNAP 0x2_01\nsend-snapshot L3 0x2_01\n");
    leader_rig_stop(&r);
}

/* [7.2 4352] What lies before what is kept is not there, whatever the numbers say. */
static void nothing_is_sent_from_before_what_is_kept_4352(void **state)
{
    const struct leader_rig_setup few = {
        .zxid = Z(1, 5), .accepted_epoch = 1, .current_epoch = 1, .committed_count_max = 2};
    (void)state;
    struct leader_rig r;
    leader_rig_start(&r, &few);
    uint64_t link = follow(&r, 2, Z(1, 5), 1);
    commit(&r, link, 2);
    link = join(&r, PACKET_FOLLOWERINFO, 1, Z(1, 5), 1); /* where the leader began: all since then is kept */
    assert_said(&r, "send L2 LEADERINFO 0x2_00\n"
                    "send L2 DIFF 0x2_02, PROPOSAL 0x2_01 \"txn\", COMMIT 0x2_01, PROPOSAL 0x2_02 \"txn\", "
                    "COMMIT 0x2_02, NEWLEADER 0x2_00 config=0\n");
    leader_rig_closed(&r, link);
    commit(&r, 1, 1);
    join(&r, PACKET_FOLLOWERINFO, 1, Z(1, 5), 1);
    assert_said(&r, "send L3 LEADERINFO 0x2_00\n"
                    "send L3 SNAP 0x2_03\nsend-snapshot L3 0x2_03\n");
    leader_rig_stop(&r);
}

/* Of what began with nothing an empty learner gets the tree, as from Apache: it may be empty because it had to be. */
static void an_empty_learner_gets_the_tree(void **state)
{
    (void)state;
    struct leader_rig r;
    leader_rig_start(&r, &fresh);
    follow(&r, 1, 0, 0);
    join(&r, PACKET_OBSERVERINFO, 9, 0, 0);
    assert_said(&r, "send L2 LEADERINFO 0x1_00\n"
                    "send L2 SNAP 0x1_00\nsend-snapshot L2 0x1_00\nfeed L2\n");
    leader_rig_stop(&r);
}

/* [7.6 register-early twice commits-in-sync] [7.1 1264] Registered with the choice of its sync, a learner misses
 * nothing and gets nothing twice. */
static void what_comes_during_a_sync_is_sent_1264(void **state)
{
    (void)state;
    struct leader_rig r;
    const uint64_t two = start_serving(&r);
    commit(&r, two, 1);
    leader_rig_propose(&r, BYTES("b"));
    leader_rig_said(&r);
    const uint64_t late = join(&r, PACKET_FOLLOWERINFO, 1, Z(1, 5), 1);
    join(&r, PACKET_OBSERVERINFO, 9, Z(2, 1), 2);
    assert_said(&r, "send L2 LEADERINFO 0x2_00\n"
                    "send L2 DIFF 0x2_01, PROPOSAL 0x2_01 \"txn\", COMMIT 0x2_01, PROPOSAL 0x2_02 \"b\", "
                    "NEWLEADER 0x2_00 config=0\n"
                    "send L3 LEADERINFO 0x2_00\n"
                    "send L3 DIFF 0x2_01, NEWLEADER 0x2_00 config=0\nfeed L3\n");
    leader_rig_propose(&r, BYTES("c"));
    assert_said(&r, "send L1 PROPOSAL 0x2_03 \"c\"\nsend L2 PROPOSAL 0x2_03 \"c\"\nlog 0x2_03 \"c\"\n");
    leader_rig_disk(&r, SIZE_MAX);
    leader_rig_plain(&r, two, PACKET_ACK, Z(2, 2));
    assert_said(&r, "send L1 COMMIT 0x2_02\nsend-fed INFORM 0x2_02 \"b\"\ncommitted 0x2_02 \"b\"\n");
    leader_rig_plain(&r, late, PACKET_ACK, Z(2, 0));
    assert_said(&r, "send L2 UPTODATE, COMMIT 0x2_02\n");
    leader_rig_stop(&r);
}

/* [7.1 3104] The tree comes before NEWLEADER, and with it what was committed while it was written, since the tree may
 * hold that already; and nothing is expected of the learner while it is on its way. */
static void newleader_stands_behind_the_tree_3104(void **state)
{
    (void)state;
    struct leader_rig r;
    const uint64_t two = start_serving(&r);
    const uint64_t link = join(&r, PACKET_FOLLOWERINFO, 1, 0, 0);
    assert_said(&r, "send L2 LEADERINFO 0x2_00\n"
                    "send L2 SNAP 0x2_00\nsend-snapshot L2 0x2_00\n");
    for (int i = 0; i < 40; i++) {
        leader_rig_pass_time(&r, TICK / 2);
        leader_rig_plain(&r, two, PACKET_PING, 0);
    }
    assert_null(strstr(leader_rig_said(&r), "send L2 PING"));
    leader_rig_propose(&r, BYTES("a"));
    leader_rig_disk(&r, SIZE_MAX);
    leader_rig_said(&r);
    leader_rig_plain(&r, two, PACKET_ACK, Z(2, 1));
    assert_said(&r, "send L1 COMMIT 0x2_01\nsend L2 COMMIT 0x2_01\ncommitted 0x2_01 \"a\"\n");
    leader_rig_snapshot_sent(&r, link);
    assert_said(&r, "send L2 NEWLEADER 0x2_00 config=0\n");
    leader_rig_pass_time(&r, TICK / 2);
    assert_said(&r, "send L1 PING 0x2_01\nsend L2 PING 0x2_01\n");
    leader_rig_stop(&r);
}

/* [7.1 4685] [7.6 acks-in-sync] The first ACK is that of NEWLEADER, and an ACK of a proposal that overtook it is
 * neither it nor lost. */
static void an_ack_may_overtake_that_of_newleader_4685(void **state)
{
    (void)state;
    struct leader_rig r;
    start_serving(&r);
    leader_rig_propose(&r, BYTES("a"));
    const uint64_t link = join(&r, PACKET_FOLLOWERINFO, 1, Z(1, 5), 1);
    leader_rig_said(&r);
    leader_rig_plain(&r, link, PACKET_ACK, Z(2, 1));
    assert_said(&r, "");
    adopt(&r, link);
    assert_said(&r, "send L2 UPTODATE\n"
                    "send L1 COMMIT 0x2_01\nsend L2 COMMIT 0x2_01\ncommitted 0x2_01 \"a\"\n");
    leader_rig_stop(&r);
}

/* [7.7 only-ack] */
static void nothing_but_an_ack_answers_newleader(void **state)
{
    (void)state;
    struct leader_rig r;
    start_serving(&r);
    const uint64_t link = join(&r, PACKET_FOLLOWERINFO, 1, Z(1, 5), 1);
    leader_rig_said(&r);
    leader_rig_plain(&r, link, PACKET_PING, Z(2, 0));
    assert_refused(&r, link, "says: learner 1 is sent away: it sent PING out of turn\nclose L2\n");
    leader_rig_stop(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sync_is_chosen),
        cmocka_unit_test(extra_txns_are_cut_1154),
        cmocka_unit_test(nothing_is_sent_from_before_what_is_kept_4352),
        cmocka_unit_test(an_empty_learner_gets_the_tree),
        cmocka_unit_test(what_comes_during_a_sync_is_sent_1264),
        cmocka_unit_test(newleader_stands_behind_the_tree_3104),
        cmocka_unit_test(an_ack_may_overtake_that_of_newleader_4685),
        cmocka_unit_test(nothing_but_an_ack_answers_newleader),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
