/* leader_establish_test.c - how a leader comes to lead: who is let in, who counts, and when it gives up; each bug that
 * real implementations had there (quorum-protocol 7) has a test with its number. */
#include "tests/unit/zab/leader_fixture.h"

/* -- establishing ----------------------------------------------------------------------------------------------------
 */

static void a_leader_is_established(void **state)
{
    (void)state;
    struct leader_rig r;
    leader_rig_start(&r, &fresh);
    const uint64_t link = leader_rig_accept(&r);
    leader_rig_info(&r, link, PACKET_FOLLOWERINFO, 1, 0, 0);
    assert_said(&r, "store-accepted #1 epoch=1\n");
    leader_rig_disk(&r, 1);
    assert_said(&r, "send L1 LEADERINFO 0x1_00\n");
    leader_rig_ack_epoch(&r, link, 0, 0);
    assert_said(&r, "store-current #2 epoch=1\n"
                    "role leading synchronization leader=3 epoch=0\n"
                    "send L1 DIFF 0x0_00, NEWLEADER 0x1_00 config=0\n");
    leader_rig_disk(&r, 1);
    assert_said(&r, "");
    adopt(&r, link);
    assert_said(&r, "role leading broadcast leader=3 epoch=1\n"
                    "send L1 UPTODATE\n");
    leader_rig_plain(&r, link, PACKET_ACK, Z(1, 0));
    assert_said(&r, "");
    assert_int_equal(zab_next_zxid(r.z), Z(1, 1));
    leader_rig_stop(&r);
}

static void a_leader_that_is_a_quorum_establishes_itself(void **state)
{
    static const struct leader_rig_setup weighted = {.config = WEIGHTED};
    const struct leader_rig_setup *const setups[] = {&alone, &weighted};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct leader_rig r;
        leader_rig_start(&r, setups[i]);
        leader_rig_disk(&r, 1);
        assert_said(&r, "store-current #2 epoch=1\nrole leading synchronization leader=3 epoch=0\n");
        leader_rig_disk(&r, 1);
        assert_said(&r, "role leading broadcast leader=3 epoch=1\n");
        leader_rig_propose(&r, BYTES("a"));
        assert_said(&r, "log 0x1_01 \"a\"\n");
        leader_rig_disk(&r, 1);
        assert_said(&r, "committed 0x1_01 \"a\"\n");
        leader_rig_pass_time(&r, 10 * SYNC_LIMIT);
        assert_said(&r, "");
        leader_rig_stop(&r);
    }
}

/* [7.3 335 1291] The epoch is announced when it is on the disk, not before. */
static void no_epoch_is_announced_before_it_is_durable_1291(void **state)
{
    (void)state;
    struct leader_rig r;
    leader_rig_start(&r, &loaded);
    const uint64_t first = leader_rig_accept(&r), second = leader_rig_accept(&r);
    leader_rig_info(&r, first, PACKET_FOLLOWERINFO, 1, 1, 0);
    leader_rig_info(&r, second, PACKET_FOLLOWERINFO, 2, 7, 0);
    assert_said(&r, "store-accepted #1 epoch=2\n");
    leader_rig_disk(&r, 1);
    assert_said(&r, "send L1 LEADERINFO 0x2_00\nsend L2 LEADERINFO 0x2_00\n");
    leader_rig_stop(&r);
}

static void the_leader_counts_itself_when_its_epoch_is_durable(void **state)
{
    (void)state;
    struct leader_rig r;
    leader_rig_start(&r, &loaded);
    const uint64_t one = introduce(&r, PACKET_FOLLOWERINFO, 1, 1), two = introduce(&r, PACKET_FOLLOWERINFO, 2, 1);
    leader_rig_ack_epoch(&r, one, Z(1, 5), 1);
    leader_rig_ack_epoch(&r, two, Z(1, 5), 1);
    adopt(&r, one);
    adopt(&r, two); /* a quorum by themselves, whose leader could not say so after a crash */
    assert_int_equal(zab_phase(r.z), ZAB_SYNCHRONIZATION);
    leader_rig_disk(&r, 1);
    assert_int_equal(zab_phase(r.z), ZAB_BROADCAST);
    leader_rig_stop(&r);
}

static void observers_raise_the_epoch_and_do_not_count(void **state)
{
    (void)state;
    struct leader_rig r;
    leader_rig_start(&r, &loaded);
    const uint64_t observer = introduce(&r, PACKET_OBSERVERINFO, 9, 6);
    assert_said(&r, "");
    introduce(&r, PACKET_FOLLOWERINFO, 1, 1);
    assert_said(&r, "store-accepted #1 epoch=7\nsend L1 LEADERINFO 0x7_00\nsend L2 LEADERINFO 0x7_00\n");
    leader_rig_ack_epoch(&r, observer, Z(1, 5), 1);
    assert_said(&r, "");
    leader_rig_stop(&r);
}

/* Which is what it believes until it has heard of the configuration; its disk counts all the same. */
static void a_voter_that_observes_counts(void **state)
{
    (void)state;
    struct leader_rig r;
    leader_rig_start(&r, &loaded);
    const uint64_t voter = introduce(&r, PACKET_OBSERVERINFO, 2, 3);
    assert_said(&r, "store-accepted #1 epoch=4\nsend L1 LEADERINFO 0x4_00\n");
    leader_rig_ack_epoch(&r, voter, Z(1, 5), 1);
    assert_said(&r, "store-current #2 epoch=4\nrole leading synchronization leader=3 epoch=1\n"
                    "send L1 DIFF 0x1_05, NEWLEADER 0x4_00 config=0\nfeed L1\n");
    leader_rig_stop(&r);
}

static void strangers_are_let_in_and_do_not_count(void **state)
{
    (void)state;
    struct leader_rig r;
    leader_rig_start(&r, &loaded);
    const uint64_t stranger = introduce(&r, PACKET_FOLLOWERINFO, 77, 1);
    assert_said(&r, "");
    const uint64_t link = introduce(&r, PACKET_FOLLOWERINFO, 1, 1);
    leader_rig_ack_epoch(&r, stranger, Z(1, 5), 1);
    assert_int_equal(zab_phase(r.z), ZAB_DISCOVERY);
    leader_rig_ack_epoch(&r, link, Z(1, 5), 1);
    leader_rig_disk(&r, SIZE_MAX);
    adopt(&r, stranger);
    assert_int_equal(zab_phase(r.z), ZAB_SYNCHRONIZATION);
    adopt(&r, link);
    leader_rig_said(&r);
    leader_rig_propose(&r, BYTES("a"));
    assert_said(&r, "send L1 PROPOSAL 0x2_01 \"a\"\nsend L2 PROPOSAL 0x2_01 \"a\"\nlog 0x2_01 \"a\"\n");
    leader_rig_disk(&r, 1);
    leader_rig_plain(&r, stranger, PACKET_ACK, Z(2, 1));
    assert_said(&r, "");
    leader_rig_plain(&r, link, PACKET_ACK, Z(2, 1));
    assert_said(&r, "send L1 COMMIT 0x2_01\nsend L2 COMMIT 0x2_01\ncommitted 0x2_01 \"a\"\n");
    leader_rig_stop(&r);
}

static void unwanted_learners_are_sent_away(void **state)
{
    (void)state;
    struct leader_rig r;
    leader_rig_start(&r, &loaded);
    uint64_t link = leader_rig_accept(&r);
    leader_rig_info(&r, link, PACKET_FOLLOWERINFO, 2, 1, 8);
    assert_refused(&r, link,
                   "says: a learner is sent away: it has a newer configuration than its leader (2)\nclose L1\n");
    link = leader_rig_accept(&r);
    leader_rig_info(&r, link, PACKET_FOLLOWERINFO, 3, 1, 0);
    assert_refused(&r, link, "says: a learner is sent away: it has the number of its leader (3)\nclose L2\n");
    link = leader_rig_accept(&r);
    leader_rig_info(&r, link, PACKET_FOLLOWERINFO, 2, INT32_MAX, 0);
    assert_refused(&r, link, "says: a learner is sent away: it has accepted the last of all epochs (2)\nclose L3\n");
    link = leader_rig_accept(&r);
    leader_rig_plain(&r, link, PACKET_FOLLOWERINFO, 0);
    assert_refused(&r, link, "says: a learner is sent away: it did not say who it is\nclose L4\n");
    link = leader_rig_accept(&r);
    leader_rig_plain(&r, link, PACKET_ACK, 0);
    assert_refused(&r, link, "says: a learner is sent away: it sent ACK out of turn\nclose L5\n");
    leader_rig_stop(&r);
}

/* 12 bytes say nothing of a configuration; 8 are of a protocol that is not spoken. */
static void short_learner_infos_are_read(void **state)
{
    (void)state;
    struct leader_rig r;
    leader_rig_start(&r, &loaded);
    const struct bytes info = BYTES("\0\0\0\0\0\0\0\1\0\1\0\0");
    uint64_t link = leader_rig_accept(&r);
    leader_rig_packet(&r, link, &(struct packet){.type = PACKET_FOLLOWERINFO, .zxid = Z(1, 0), .data = info});
    assert_said(&r, "store-accepted #1 epoch=2\n");
    link = leader_rig_accept(&r);
    leader_rig_packet(&r, link, &(struct packet){.type = PACKET_FOLLOWERINFO, .data = bytes_make(info.data, 8)});
    assert_refused(&r, link, "says: a learner is sent away: it speaks a protocol of before 3.4 (1)\nclose L2\n");
    leader_rig_stop(&r);
}

static void a_server_that_comes_again_is_there_once(void **state)
{
    (void)state;
    struct leader_rig r;
    start_serving(&r);
    leader_rig_info(&r, leader_rig_accept(&r), PACKET_FOLLOWERINFO, 2, 2, 0);
    assert_said(&r, "says: learner 2 is sent away: it has come on another connection\nclose L1\n"
                    "send L2 LEADERINFO 0x2_00\n");
    assert_int_equal(zab_learner_count(r.z), 1);
    leader_rig_stop(&r);
}

static void who_is_more_recent_does_not_follow(void **state)
{
    static const struct {
        int64_t zxid;
        int32_t epoch;
        bool may_follow;
    } rows[] = {{Z(1, 5), 1, true}, {Z(1, 6), 1, false}, {Z(1, 1), 2, false},
                {Z(1, 9), 0, true}, {Z(1, 9), -1, true}, {-1, 1, true}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct leader_rig r;
        leader_rig_start(&r, &loaded);
        const uint64_t link = introduce(&r, PACKET_FOLLOWERINFO, 1, 1);
        leader_rig_ack_epoch(&r, link, rows[i].zxid, rows[i].epoch);
        assert_int_equal(is_open(&r, link), rows[i].may_follow);
        leader_rig_stop(&r);
    }
}

/* When the leader is established nobody can know more: what a late one has too much was never committed. */
static void a_late_learner_is_not_asked_what_it_knows(void **state)
{
    (void)state;
    struct leader_rig r;
    start_serving(&r);
    const uint64_t link = join(&r, PACKET_FOLLOWERINFO, 1, Z(1, 8), 1);
    assert_said(&r, "send L2 LEADERINFO 0x2_00\nsend L2 TRUNC 0x1_05, NEWLEADER 0x2_00 config=0\n");
    assert_true(is_open(&r, link));
    leader_rig_stop(&r);
}

static void promises_that_do_not_count(void **state)
{
    (void)state;
    struct leader_rig r;
    leader_rig_start(&r, &loaded);
    const uint64_t one = introduce(&r, PACKET_FOLLOWERINFO, 1, 1), two = introduce(&r, PACKET_FOLLOWERINFO, 2, 1);
    leader_rig_ack_epoch(&r, one, Z(1, 5), -1); /* had promised before */
    leader_rig_ack_epoch(&r, two, -1, 1);       /* its database is not whole */
    assert_int_equal(zab_phase(r.z), ZAB_DISCOVERY);
    leader_rig_stop(&r);
}

static void the_leader_gives_up_in_time(void **state)
{
    (void)state;
    struct leader_rig r;
    leader_rig_start(&r, &loaded);
    leader_rig_pass_time(&r, INIT_LIMIT - 1);
    assert_said(&r, "");
    leader_rig_pass_time(&r, 1);
    assert_said(&r, "leave: no quorum of followers has come in time\nrole looking loading epoch=1\n");
    leader_rig_return(&r);
    introduce(&r, PACKET_FOLLOWERINFO, 1, 1);
    leader_rig_said(&r);
    leader_rig_pass_time(&r, INIT_LIMIT);
    assert_said(&r, "leave: no quorum has acknowledged the epoch in time\nrole looking loading epoch=1\n");
    leader_rig_return(&r);
    const uint64_t link = introduce(&r, PACKET_FOLLOWERINFO, 1, 1);
    leader_rig_ack_epoch(&r, link, Z(1, 5), 1);
    leader_rig_closed(&r, link);
    leader_rig_said(&r);
    leader_rig_pass_time(&r, INIT_LIMIT);
    assert_said(&r, "leave: no quorum has synchronized in time\nrole looking loading epoch=1\n");
    leader_rig_stop(&r);
}

static void the_leader_gives_up_when_its_voters_look_again(void **state)
{
    (void)state;
    struct leader_rig r;
    leader_rig_start(&r, &loaded);
    leader_rig_looking(&r, 1);
    leader_rig_looking(&r, 2);
    assert_false(r.has_left); /* may be older than their decision */
    leader_rig_pass_time(&r, TICK);
    leader_rig_looking(&r, 2);
    leader_rig_looking(&r, 9);
    assert_false(r.has_left);
    leader_rig_looking(&r, 1);
    assert_true(r.has_left);
    leader_rig_stop(&r);
}

/* It has promised itself to a leader that never came to be; one that is no member may wait. */
static void a_member_that_promised_a_later_epoch_is_let_in(void **state)
{
    (void)state;
    struct leader_rig r;
    start_serving(&r);
    introduce(&r, PACKET_FOLLOWERINFO, 77, 6);
    introduce(&r, PACKET_FOLLOWERINFO, 1, 2);
    assert_said(&r, "send L2 LEADERINFO 0x2_00\nsend L3 LEADERINFO 0x2_00\n");
    introduce(&r, PACKET_FOLLOWERINFO, 1, 4);
    assert_said(&r, "says: server 1 has promised epoch 4\nleave: a member has promised a later epoch\n"
                    "role looking loading epoch=2\n");
    leader_rig_return(&r);
    introduce(&r, PACKET_FOLLOWERINFO, 2, 2);
    assert_non_null(strstr(leader_rig_said(&r), " LEADERINFO 0x5_00\n"));
    leader_rig_stop(&r);
}

static void the_first_configuration_gets_a_version(void **state)
{
    static const struct leader_rig_setup reconfigurable = {.reconfig_enabled = true};
    (void)state;
    struct leader_rig r;
    leader_rig_start(&r, &reconfigurable);
    const uint64_t link = introduce(&r, PACKET_FOLLOWERINFO, 1, 0);
    leader_rig_said(&r);
    leader_rig_ack_epoch(&r, link, 0, 0);
    assert_said(&r, "store-last-seen config=100000000\nstore-current #2 epoch=1\n"
                    "role leading synchronization leader=3 epoch=0\n"
                    "send L1 DIFF 0x0_00, NEWLEADER 0x1_00 config=100000000\n");
    leader_rig_disk(&r, 1);
    assert_int_equal(zab_committed(r.z)->version, 0);
    adopt(&r, link);
    assert_said(&r, "store-config config=100000000\nconfig\nstore-last-seen\n"
                    "role leading broadcast leader=3 epoch=1\nsend L1 UPTODATE\n");
    assert_int_equal(zab_committed(r.z)->version, Z(1, 0));
    leader_rig_stop(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_leader_is_established),
        cmocka_unit_test(a_leader_that_is_a_quorum_establishes_itself),
        cmocka_unit_test(no_epoch_is_announced_before_it_is_durable_1291),
        cmocka_unit_test(the_leader_counts_itself_when_its_epoch_is_durable),
        cmocka_unit_test(observers_raise_the_epoch_and_do_not_count),
        cmocka_unit_test(a_voter_that_observes_counts),
        cmocka_unit_test(strangers_are_let_in_and_do_not_count),
        cmocka_unit_test(unwanted_learners_are_sent_away),
        cmocka_unit_test(short_learner_infos_are_read),
        cmocka_unit_test(a_server_that_comes_again_is_there_once),
        cmocka_unit_test(who_is_more_recent_does_not_follow),
        cmocka_unit_test(a_late_learner_is_not_asked_what_it_knows),
        cmocka_unit_test(promises_that_do_not_count),
        cmocka_unit_test(the_leader_gives_up_in_time),
        cmocka_unit_test(the_leader_gives_up_when_its_voters_look_again),
        cmocka_unit_test(a_member_that_promised_a_later_epoch_is_let_in),
        cmocka_unit_test(the_first_configuration_gets_a_version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
