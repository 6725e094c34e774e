/* settings_ensemble_test.c - the settings that an ensemble needs, and those that a member does not follow. */
#include "agent/peers/ensemble_settings.h"
#include "core/members/members.h"
#include "tests/unit/agent/settings_member_fixture.h"

static void test_limits_are_required(void **state)
{
    (void)state;
    write_file("myid", "1\n");
    expect_member_report(THREE, SETTINGS_WARNING,
                         "zoo.cfg: error: initLimit: is required in an ensemble\n"
                         "zoo.cfg: error: syncLimit: is required in an ensemble\n");
    expect_member_report(THREE LIMITS "initLimit=0\n", SETTINGS_ERROR,
                         "zoo.cfg:8: error: initLimit: is required in an "
                         "ensemble\n");
    expect_member_report(THREE LIMITS "tickTime=20000\nsyncLimit=200000\n", SETTINGS_ERROR,
                         "zoo.cfg:9: error: syncLimit: 200000 ticks of 20000 ms are too long\n");
    expect_member_report(THREE LIMITS
                         "fastleader.minNotificationInterval=2000\nfastleader.maxNotificationInterval=1000\n",
                         SETTINGS_ERROR,
                         "zoo.cfg:8: error: fastleader.minNotificationInterval: is longer than "
                         "fastleader.maxNotificationInterval\n");
}

static void test_tls_between_servers(void **state)
{
    (void)state;
#define STORES "ssl.quorum.keyStore.location=/k.p12\nssl.quorum.trustStore.location=/t.pem\n"
    write_file("myid", "1\n");
    expect_member_report(THREE LIMITS "sslQuorum=true\n", SETTINGS_ERROR,
                         "zoo.cfg:8: error: sslQuorum: needs ssl.quorum.keyStore.location\n"
                         "zoo.cfg:8: error: sslQuorum: needs ssl.quorum.trustStore.location\n");
    expect_member_report(THREE LIMITS
                         "portUnification=true\nssl.quorum.clientAuth=none\nssl.quorum.keyStore.location=/k.p12\n",
                         SETTINGS_ERROR, "zoo.cfg:8: error: portUnification: needs ssl.quorum.trustStore.location\n");
    expect_member_report(THREE LIMITS "ssl.keyStore.location=/k.p12\nssl.trustStore.location=/t.pem\nsslQuorum=true\n",
                         SETTINGS_ERROR,
                         "zoo.cfg:10: error: sslQuorum: needs ssl.quorum.keyStore.location\n"
                         "zoo.cfg:10: error: sslQuorum: needs ssl.quorum.trustStore.location\n");
    expect_member_report(
        THREE LIMITS STORES "sslQuorum=true\nssl.quorum.enabledProtocols=SSLv3\n", SETTINGS_ERROR,
        "zoo.cfg:11: error: ssl.quorum.enabledProtocols: SSLv3 is not offered; TLSv1.2 and TLSv1.3 are\n");
    expect_member_report(
        THREE LIMITS "sslQuorum=true\nssl.quorum.trustStore.location=/t\nssl.quorum.keyStore.location=/k.pem\n",
        SETTINGS_ERROR,
        "zoo.cfg: error: ssl.quorum.trustStore.type: is needed: the store's name ends in none of .pem, .p12 "
        "and .jks\n");
    expect_member_report(THREE LIMITS STORES "sslQuorum=true\nssl.quorum.keystore.location=/typo.p12\n",
                         SETTINGS_WARNING,
                         "zoo.cfg:11: warning: ssl.quorum.keystore.location: unknown key; is "
                         "ssl.quorum.keyStore.location meant?\n");
    expect_member_report("sslQuorum=true\n", SETTINGS_INFO,
                         "zoo.cfg:2: info: sslQuorum: has no effect: it is for ensembles\n");
    struct loaded l = load_member_well(THREE LIMITS STORES "sslQuorum=true\nssl.quorum.protocol=TLSv1.2\n");
    assert_int_equal(l.settings->quorum_key_store_type, TLS_STORE_PKCS12);
    assert_int_equal(l.settings->quorum_trust_store_type, TLS_STORE_PEM);
    assert_string_equal(l.settings->quorum_enabled_protocols, "TLSv1.2");
    expect_member_prints_back(l.settings);
    unload(&l);
}

static void test_what_a_member_does_not_do_is_said(void **state)
{
    (void)state;
    write_file("myid", "1\n");
    expect_member_report(
        THREE LIMITS "leader.something=true\nsyncEnabled=false\nsnapshotSizeFactor=0.5\nforceSnapshotSync=true\n"
                     "observerMasterPort=2191\nssl.quorum.allowReverseDnsLookup=true\nconnectToLearnerMasterLimit=3\n"
                     "leader.maxTimeToWaitForEpoch=1000\n"
                     "commitLogCount=3\n",
        SETTINGS_INFO,
        "zoo.cfg:8: warning: leader.something: is not followed: it is not known here\n"
        "zoo.cfg:9: warning: syncEnabled: is not followed: observers keep a log and snapshots, always\n"
        "zoo.cfg:11: warning: forceSnapshotSync: is not followed: a learner is sent a snapshot only when it "
        "needs one\n"
        "zoo.cfg:13: warning: ssl.quorum.allowReverseDnsLookup: is not followed: whoever answers for an "
        "address chooses the name that the name service has for it (CVE-2026-24281), so that it proves nothing: a "
        "server that calls has to show a certificate for the address that it comes from, or for a host of the server "
        "lines; one that is in no server line, as a host that has joined, needs its address in its certificate\n"
        "zoo.cfg:14: warning: connectToLearnerMasterLimit: is not followed: a learner has initLimit to "
        "connect, at most\n"
        "zoo.cfg:15: warning: leader.maxTimeToWaitForEpoch: is not followed: a leader waits for its quorum "
        "as long as initLimit says\n"
        "zoo.cfg:16: warning: commitLogCount: is less than 500; 500 are kept\n");
}

static void test_keyed_passwords_are_a_capability(void **state)
{
    struct zab_options options;
    (void)state;
    write_file("myid", "1\n");
    struct loaded l = load_member_well(THREE "initLimit=10\nsyncLimit=5\n");
    assert_int_equal(l.settings->session_passwords, SESSION_PASSWORDS_KEYED);
    ensemble_zab_options(l.settings, &options);
    assert_true(options.shows_capabilities);
    assert_int_equal(options.can.of[CAPABILITY_SESSION_PASSWORDS], 1);
    assert_int_equal(options.can.of[CAPABILITY_FAILURE_DETECTION], 500);
    assert_int_equal(options.can.of[CAPABILITY_HANDOVER], 1);
    expect_member_prints_back(l.settings);
    unload(&l);
    l = load_member_well(THREE
                         "initLimit=10\nsyncLimit=5\nzooid.sessionPasswords=apache\nzooid.failureDetectionMs=0\n");
    ensemble_zab_options(l.settings, &options);
    assert_true(options.shows_capabilities);
    assert_int_equal(options.can.of[CAPABILITY_SESSION_PASSWORDS], 0);
    assert_int_equal(options.can.of[CAPABILITY_FAILURE_DETECTION], 0);
    unload(&l);
}

static void test_a_change_of_the_servers_takes_a_restart(void **state)
{
    (void)state;
    write_file("myid", "1\n");
    struct loaded old = load_member_well(THREE LIMITS), fresh = load_member_well(THREE "server.3=x:1:2\n" LIMITS);
    struct settings_change changes[SETTINGS_CHANGES_MAX];
    assert_int_equal(settings_reload_diff(old.settings, fresh.settings, changes), 1);
    assert_string_equal(changes[0].key, "server");
    assert_false(changes[0].reloadable);
    unload(&old);
    unload(&fresh);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limits_are_required),
        cmocka_unit_test(test_tls_between_servers),
        cmocka_unit_test(test_what_a_member_does_not_do_is_said),
        cmocka_unit_test(test_keyed_passwords_are_a_capability),
        cmocka_unit_test(test_a_change_of_the_servers_takes_a_restart),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
