/* learner_broadcast_test.c - what a learner that serves is sent: proposals, commits, configurations, and what is too
 * much; each bug that real implementations had there (quorum-protocol 7) has a test with its number. */
#include "tests/unit/zab/learner_fixture.h"

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
