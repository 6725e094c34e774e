/* learner_test.c - how a learner finds its leader and agrees on an epoch with it; each bug that real implementations
 * had there (quorum-protocol 7) has a test with its number. */
#include "tests/unit/zab/learner_fixture.h"

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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
