/* settings_parts_test.c - what the parts of a member are told of its settings. */
#include "agent/peers/ensemble_settings.h"
#include "agent/replica_settings.h"
#include "core/members/members.h"
#include "tests/unit/agent/settings_member_fixture.h"

static void test_zab_is_told(void **state)
{
    (void)state;
    write_file("myid", "4\n");
    struct loaded l = load_member_well(THREE LIMITS
                                       "server.4=d:1:2:observer\ntickTime=2000\n"
                                       "multiAddress.enabled=true\nfastleader.minNotificationInterval=100\n"
                                       "fastleader.maxNotificationInterval=1000\nzooid.electionQuietTime=50\n"
                                       "leaderConnectDelayDuringRetryMs=150\n"
                                       "commitLogCount=700\nzooid.maxCommittedLog=70000\n"
                                       "leader.maxConcurrentSnapSyncs=3\nmaxConcurrentDiffSyncs=4\n"
                                       "observerMasterPort=2191\nobserverMaster.sizeLimit=5000\n"
                                       "observer.reconnectDelayMs=6\nobserver.election.DelayMs=7\n"
                                       "zooid.maxPendingProposals=2000000\n");
    struct zab_options o;
    ensemble_zab_options(l.settings, &o);
    assert_int_equal(o.sid, 4);
    assert_true(o.observer && !o.reconfig_enabled && o.multi_address);
    assert_int_equal(o.tick_ms, 2000);
    assert_int_equal(o.init_limit, 10);
    assert_int_equal(o.sync_limit, 5);
    assert_int_equal(o.notification_ms_min, 100);
    assert_int_equal(o.notification_ms_max, 1000);
    assert_int_equal(o.finalize_wait_ms, 50);
    assert_int_equal(o.connect_retry_ms, 150);
    assert_int_equal(o.committed_count_max, 700);
    assert_int_equal(o.committed_bytes_max, 70000);
    assert_int_equal(o.pending_bytes_max, 2000000);
    assert_true(o.observer_masters);
    assert_int_equal(o.observer_bytes_max, 5000);
    assert_int_equal(o.observer_reconnect_ms, 6);
    assert_int_equal(o.observer_election_ms, 7);
    assert_int_equal(o.observer_retry_ms, 60000);
    assert_int_equal(o.snapshot_syncs_max, 3);
    assert_int_equal(o.diff_syncs_max, 4);
    assert_int_equal(o.zxid_counter_max, 0xfffffffe);
    assert_int_equal(o.zxid_margin, 0x100000);
    unload(&l);
}

static void test_peers_are_told(void **state)
{
    (void)state;
    write_file("myid", "2\n");
    struct loaded l = load_member_well(THREE LIMITS "tickTime=2000\nquorumListenOnAllIPs=true\ncnxTimeout=700\n"
                                                    "observerMasterPort=2191\n"
                                                    "zooid.maxLinks=5\nzooid.maxNewcomers=6\nzooid.maxStrangers=7\n"
                                                    "zooid.maxLinkQueue=2000000\njute.maxbuffer=2000000\n");
    struct peers_options o;
    ensemble_peers_options(l.settings, &o);
    assert_int_equal(o.sid, 2);
    assert_int_equal(o.own_count, 1);
    assert_int_equal(o.observer_port, 2191);
    assert_true(bytes_equal(o.own[0].host, BYTES("b")));
    assert_true(o.listen_on_all);
    assert_int_equal(o.connect_ms, 700);
    assert_int_equal(o.hello_ms, 10000);
    assert_int_equal(o.links_max, 5);
    assert_int_equal(o.newcomers_max, 6);
    assert_int_equal(o.strangers_max, 7);
    assert_int_equal(o.unsent_bytes_max, 2000000);
    assert_true(o.unsent_mark > 0 && o.unsent_mark < o.unsent_bytes_max);
    assert_true(o.input_bytes_max > 4000000);
    assert_int_equal(ensemble_packet_bytes_max(l.settings), 4000000);
    unload(&l);
    l = load_member_well(THREE LIMITS "quorumCnxnTimeoutMs=1234\n");
    ensemble_peers_options(l.settings, &o);
    assert_int_equal(o.hello_ms, 1234);
    unload(&l);
}

static void test_members_are_copied(void **state)
{
    (void)state;
    write_file("myid", "2\n");
    struct loaded l = load_dynamic("zoo.cfg.dynamic.500000007", THREE, LIMITS);
    struct members *copy = NULL;
    assert_int_equal(members_copy(l.settings->members, &copy), ST_OK);
    assert_true(members_same_content(copy, l.settings->members));
    assert_int_equal(copy->version, 0x500000007);
    members_free(copy);
    unload(&l);
}

static void test_the_replica_is_told(void **state)
{
    (void)state;
    struct hash_key hash_key = {0};
    struct replica_settings made;
    uint8_t password_key[32] = {0};
    write_file("myid", "3\n");
    struct loaded l = load_member_well(THREE LIMITS);
    assert_int_equal(replica_settings_make(&made, l.settings, &hash_key, password_key), ST_OK);
    assert_int_equal(made.options.server_id, 3);
    assert_true(made.options.apache_passwords);
    assert_false(made.options.reconfig_enabled);
    unload(&l);
    l = load_member_well("reconfigEnabled=true\n");
    assert_int_equal(l.report.warnings, 1);
    assert_int_equal(replica_settings_make(&made, l.settings, &hash_key, password_key), ST_OK);
    assert_int_equal(made.options.server_id, 1);
    assert_false(made.options.apache_passwords);
    assert_false(made.options.reconfig_enabled);
    unload(&l);
}

static void assert_limits(const struct replica_options *o)
{
    assert_int_equal(o->session_count_max, 12);
    assert_int_equal(o->watches_per_client_max, 13);
    assert_int_equal(o->outstanding_per_client_max, 14);
    assert_int_equal(o->outstanding_max, 15);
    assert_int_equal(o->txn_bytes_max, 5000 + 600);
    assert_int_equal(o->log_bytes_max, 2000000);
    assert_int_equal(o->throttled_op_wait_ms, 16);
    assert_int_equal(o->large_request_threshold, 17);
    assert_int_equal(o->large_request_bytes_max, 18);
    assert_int_equal(o->container_check_ms, 19);
    assert_int_equal(o->container_per_minute_max, 20);
    assert_int_equal(o->container_never_used_ms, 21);
    assert_int_equal(o->identities_max, 65);
    assert_int_equal(o->acl_entries_max, 22);
    assert_int_equal(o->multi_read_bytes_max, 70000);
    assert_int_equal(o->session_timeout_ms_min, 2200);
    assert_int_equal(o->session_timeout_ms_max, 2300);
}

static void assert_throttle(const struct connect_throttle_options *o)
{
    assert_int_equal(o->tokens_max, 31);
    assert_int_equal(o->fill_ms, 32);
    assert_int_equal(o->fill_count, 33);
    assert_int_equal(o->freeze_ms, 34);
    assert_true(o->drop_increase == 0.5 && o->drop_decrease == 0.25 && o->decrease_ratio == 0.125);
    assert_int_equal(o->need_new, 35);
    assert_int_equal(o->need_local, 36);
    assert_int_equal(o->need_renewed, 37);
}

static void test_the_replica_is_told_every_limit(void **state)
{
    (void)state;
    struct hash_key hash_key = {0};
    struct replica_settings made;
    uint8_t password_key[32] = {0};
    struct loaded l = load_member_well(
        "zooid.maxSessions=12\nzooid.maxWatchesPerSession=13\nzooid.maxOutstandingPerClient=14\n"
        "globalOutstandingLimit=115\nrequestThrottleLimit=15\njute.maxbuffer=5000\njute.maxbuffer.extrasize=600\n"
        "zooid.maxLogInFlight=2000000\nthrottledOpWaitTime=16\nlargeRequestThreshold=17\nlargeRequestMaxBytes=18\n"
        "znode.container.checkIntervalMs=19\nznode.container.maxPerMinute=20\n"
        "zooid.maxIdentitiesPerClient=65\nzooid.maxAclEntries=22\nzooid.maxMultiRead=70000\n"
        "znode.container.maxNeverUsedIntervalMs=21\nminSessionTimeout=2200\nmaxSessionTimeout=2300\n"
        "connectionMaxTokens=31\nconnectionTokenFillTime=32\nconnectionTokenFillCount=33\nconnectionFreezeTime=34\n"
        "connectionDropIncrease=0.5\nconnectionDropDecrease=0.25\nconnectionDecreaseRatio=0.125\n"
        "connection_throttle_weight_enabled=true\nconnection_throttle_global_session_weight=35\n"
        "connection_throttle_local_session_weight=36\nconnection_throttle_renew_session_weight=37\n");
    assert_int_equal(replica_settings_make(&made, l.settings, &hash_key, password_key), ST_OK);
    assert_limits(&made.options);
    assert_throttle(&made.options.connect_throttle);
    unload(&l);
    l = load_member_well("globalOutstandingLimit=115\nrequestThrottleLimit=116\nlargeRequestMaxBytes=18\n");
    assert_int_equal(replica_settings_make(&made, l.settings, &hash_key, password_key), ST_OK);
    assert_int_equal(made.options.outstanding_max, 115);
    assert_int_equal(made.options.large_request_bytes_max, 0);
    assert_int_equal(made.options.connect_throttle.need_new, 1);
    unload(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zab_is_told),
        cmocka_unit_test(test_peers_are_told),
        cmocka_unit_test(test_members_are_copied),
        cmocka_unit_test(test_the_replica_is_told),
        cmocka_unit_test(test_the_replica_is_told_every_limit),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
