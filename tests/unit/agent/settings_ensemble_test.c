/* settings_ensemble_test.c - zoo.cfg of a member: server lines, dynamic file, myid, what an ensemble needs, and what
 * its parts are then told. */
#include "agent/peers/ensemble_settings.h"
#include "agent/replica_settings.h"
#include "agent/settings/settings_rows.h"
#include "core/base/check.h"
#include "core/members/members.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define LIMITS "initLimit=10\nsyncLimit=5\nzooid.sessionPasswords=apache\n"
#define THREE  "server.1=a:1:2\nserver.2=b:1:2;127.0.0.1:2182\nserver.3=c:1:2\n"

static char dir[64];

static int make_dir(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/settings_ensemble_test.XXXXXX");
    return mkdtemp(dir) == NULL;
}

static const char *in_dir(const char *name)
{
    static char path[2][128];
    static int turn;
    turn = 1 - turn;
    snprintf(path[turn], sizeof path[turn], "%s/%s", dir, name);
    return path[turn];
}

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(in_dir(name), "we");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static void remove_file(const char *name)
{
    (void)unlink(in_dir(name));
}

static int remove_dir(void **state)
{
    (void)state;
    remove_file("myid");
    return rmdir(dir);
}

struct loaded {
    struct settings *settings;
    struct settings_report report;
    enum status status;
};

/* dataDir is line 1. */
static struct loaded load(const char *lines)
{
    struct loaded l = {0};
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    fprintf(out, "dataDir=%s\n%s", dir, lines);
    assert_int_equal(fclose(out), 0);
    l.status = settings_load_text(&l.settings, "zoo.cfg", text, size, NULL, 0, &l.report);
    assert_true((l.status == ST_OK) == (l.settings != NULL));
    free(text);
    return l;
}

static void unload(struct loaded *l)
{
    settings_free(l->settings);
    settings_report_free(&l->report);
}

static char *said(const struct settings_report *report, enum settings_severity from)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    settings_report_print(report, from, out);
    assert_int_equal(fclose(out), 0);
    return text;
}

/* `expected` may hold %s for the directory. */
static void expect_report(const char *lines, enum settings_severity from, const char *expected)
{
    struct loaded l = load(lines);
    char *text = said(&l.report, from), whole[2048];
    const char *at = strstr(expected, "%s");
    if (at == NULL)
        snprintf(whole, sizeof whole, "%s", expected);
    else
        snprintf(whole, sizeof whole, "%.*s%s%s", (int)(at - expected), expected, dir, at + 2);
    assert_string_equal(text, whole);
    free(text);
    unload(&l);
}

static struct loaded load_well(const char *lines)
{
    struct loaded l = load(lines);
    if (l.status != ST_OK) {
        char *text = said(&l.report, SETTINGS_INFO);
        fail_msg("%s", text);
    }
    return l;
}

static void expect_prints_back(const struct settings *settings)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    settings_print(settings, out);
    assert_int_equal(fclose(out), 0);
    struct loaded again = {0};
    again.status = settings_load_text(&again.settings, "printed", text, size, NULL, 0, &again.report);
    if (again.status != ST_OK)
        fail_msg("%s", text);
    struct settings_change changes[SETTINGS_CHANGES_MAX];
    assert_int_equal(settings_reload_diff(settings, again.settings, changes), 0);
    assert_int_equal(again.settings->is_ensemble, settings->is_ensemble);
    assert_int_equal(again.settings->server_id, settings->server_id);
    unload(&again);
    free(text);
}

/* -- members ------------------------------------------------------------------------------------------------------ */

static void test_three_servers_are_an_ensemble(void **state)
{
    (void)state;
    write_file("myid", "2\n");
    struct loaded l = load_well(THREE LIMITS);
    const struct settings *s = l.settings;
    assert_true(s->is_ensemble);
    assert_int_equal(s->server_id, 2);
    assert_int_equal(s->members->count, 3);
    assert_int_equal(s->members->voters, 3);
    assert_int_equal(s->members->version, 0);
    assert_int_equal(s->peer_type, PEER_TYPE_PARTICIPANT);
    assert_int_equal(s->client_port, 2182);
    assert_string_equal(s->client_port_address, "127.0.0.1");
    assert_string_equal(s->members_text, "server.1=a:1:2:participant\nserver.2=b:1:2:participant;127.0.0.1:2182\n"
                                         "server.3=c:1:2:participant\n");
    assert_int_equal(l.report.count, 0);
    expect_prints_back(s);
    unload(&l);
}

static void test_an_agent_alone_has_no_members(void **state)
{
    (void)state;
    write_file("myid", "1\n");
    struct loaded l = load_well("server.1=a:1:2;2181\ngroup.1=1\nweight.1=3\n");
    assert_false(l.settings->is_ensemble);
    assert_null(l.settings->members);
    assert_string_equal(l.settings->members_text, "");
    assert_int_equal(l.settings->server_id, -1);
    unload(&l);
}

static void test_one_participant_is_an_ensemble_when_it_shall_be(void **state)
{
    (void)state;
    write_file("myid", "1");
    expect_report("server.1=a:1:2;2181\nstandaloneEnabled=false\n" LIMITS, SETTINGS_INFO,
                  "zoo.cfg: warning: the ensemble has 1 participants: it stands no failure of one\n");
    struct loaded l = load_well("server.1=a:1:2;2181\nserver.2=b:1:2:observer\nstandaloneEnabled=false\n" LIMITS);
    assert_true(l.settings->is_ensemble);
    assert_int_equal(l.settings->members->voters, 1);
    expect_prints_back(l.settings);
    unload(&l);
    expect_report("server.1=a:1:2;2181\nserver.2=b:1:2:observer\n" LIMITS, SETTINGS_INFO,
                  "zoo.cfg:3: error: server.2: an observer of a server that runs alone; it needs "
                  "standaloneEnabled=false\n");
}

static void test_few_and_even_participants_are_named(void **state)
{
    (void)state;
    write_file("myid", "1");
    expect_report("server.1=a:1:2\nserver.2=b:1:2\n" LIMITS, SETTINGS_INFO,
                  "zoo.cfg: warning: the ensemble has 2 participants: it stands no failure of one\n");
    expect_report(THREE "server.4=d:1:2\n" LIMITS, SETTINGS_INFO,
                  "zoo.cfg: warning: the ensemble has 4 participants: it stands no more failures than with one less\n");
}

static void test_the_server_line_says_the_role(void **state)
{
    (void)state;
    write_file("myid", "4\n");
    struct loaded l = load_well(THREE "server.4=d:1:2:observer\n" LIMITS);
    assert_int_equal(l.settings->peer_type, PEER_TYPE_OBSERVER);
    assert_int_equal(l.report.count, 0);
    expect_prints_back(l.settings);
    unload(&l);
    expect_report(THREE "server.4=d:1:2:observer\npeerType=observer\n" LIMITS, SETTINGS_INFO, "");
    expect_report(THREE "server.4=d:1:2:observer\npeerType=participant\n" LIMITS, SETTINGS_INFO,
                  "zoo.cfg:6: warning: peerType: is not what the server line of this server says; the server line "
                  "counts\n");
    write_file("myid", "1\n");
    l = load_well(THREE "peerType=observer\n" LIMITS);
    assert_int_equal(l.settings->peer_type, PEER_TYPE_PARTICIPANT);
    assert_int_equal(l.report.warnings, 1);
    unload(&l);
}

static void test_bad_server_lines_stop_the_start(void **state)
{
    (void)state;
    write_file("myid", "1\n");
    expect_report("server.1=a:1:2\nserver.2=b:1:1\nserver.3=c:1:2\nleaderServes=no\n" LIMITS, SETTINGS_WARNING,
                  "zoo.cfg:3: error: server.2: uses one port for quorum and election\n"
                  "zoo.cfg:5: warning: leaderServes: is not followed: a leader serves clients, too\n");
    expect_report("server.1=a:1:2\nserver.01=b:1:2\n" LIMITS, SETTINGS_INFO,
                  "zoo.cfg:3: error: server.01: is given twice\n");
    expect_report("server.1=a:1:2\nserver.2=b:1:2\nserver.1=b:1:2\nserver.3=c:1:2\n" LIMITS, SETTINGS_INFO,
                  "zoo.cfg:4: warning: server.1: given again; line 2 does not count\n");
    expect_report(THREE "group.1=1:2\n" LIMITS, SETTINGS_INFO,
                  "zoo.cfg:4: error: server.3: is in no group, and there are groups or weights\n");
    expect_report(THREE "weight.7=1\n" LIMITS, SETTINGS_INFO, "zoo.cfg:5: error: weight.7: there is no such server\n");
    expect_report("server.1=a:1:2:observer\nserver.2=b:1:2:observer\n" LIMITS, SETTINGS_INFO,
                  "zoo.cfg:2: error: server.1: is an observer, and there is nobody to observe\n");
    expect_report(THREE "clientPort=2181\nserver.1=a:1:2;2182\n" LIMITS, SETTINGS_ERROR,
                  "zoo.cfg:6: error: server.1: its client address is not that of clientPort or secureClientPort\n");
}

static void test_groups_and_weights_are_taken(void **state)
{
    (void)state;
    write_file("myid", "1\n");
    struct loaded l = load_well(THREE "group.1=1:2\ngroup.2=3\nweight.3=2\n" LIMITS);
    assert_int_equal(l.settings->members->group_count, 2);
    assert_int_equal(l.settings->members->groups[1].weight, 2);
    expect_prints_back(l.settings);
    unload(&l);
}

static void test_several_addresses_need_to_be_allowed(void **state)
{
    (void)state;
    write_file("myid", "2\n");
    struct loaded l = load_well(THREE "server.2=b:1:2|d:3:4\nmultiAddress.enabled=true\n"
                                      "multiAddress.reachabilityCheckEnabled=false\n" LIMITS);
    assert_int_equal(members_find(l.settings->members, 2)->address_count, 2);
    expect_prints_back(l.settings);
    unload(&l);
    expect_report(THREE "server.2=b:1:2|d:3:4\n" LIMITS, SETTINGS_ERROR,
                  "zoo.cfg:5: error: server.2: has several addresses, which needs multiAddress.enabled=true\n");
}

static void test_an_own_address_of_ipv6_prints_back(void **state)
{
    (void)state;
    write_file("myid", "1\n");
    struct loaded l = load_well(THREE "server.1=[::1]:1:2;[::1]:2181\n" LIMITS);
    assert_string_equal(l.settings->client_port_address, "::1");
    expect_prints_back(l.settings);
    unload(&l);
}

/* -- myid --------------------------------------------------------------------------------------------------------- */

static const struct {
    const char *text; /* NULL: no file */
    const char *error;
} ids[] = {
    {NULL, "cannot be opened: No such file or directory; in an ensemble it holds the number of this server"},
    {"", "does not hold the number of this server, 0 to 254, in its first line"},
    {"\n2\n", "does not hold the number of this server, 0 to 254, in its first line"},
    {"255\n", "this is server 255, and the number of one that may vote is 254 at most"},
    {"256\n", "this is server 256, and the number of one that may vote is 254 at most"},
    {"-1\n", "does not hold the number of this server, 0 to 254, in its first line"},
    {"0x2\n", "does not hold the number of this server, 0 to 254, in its first line"},
    {"99999999999999999999\n", "does not hold the number of this server, 0 to 254, in its first line"},
    {"two\n", "does not hold the number of this server, 0 to 254, in its first line"},
    {"7\n",
     "this is server 7, which has no server line; with zooid.serverAddress=host:quorumPort:electionPort it takes part "
     "without being counted"},
    {"0",
     "this is server 0, which has no server line; with zooid.serverAddress=host:quorumPort:electionPort it takes part "
     "without being counted"},
};

static void test_each_mistake_in_myid_names_the_file(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        char expected[512];
        remove_file("myid");
        if (ids[i].text != NULL)
            write_file("myid", ids[i].text);
        snprintf(expected, sizeof expected, "%%s/myid: error: %s\n", ids[i].error);
        expect_report(THREE LIMITS, SETTINGS_ERROR, expected);
    }
}

static void test_blanks_around_the_number_do_not_count(void **state)
{
    (void)state;
    write_file("myid", "  3\t\r\nanything\n");
    struct loaded l = load_well(THREE LIMITS);
    assert_int_equal(l.settings->server_id, 3);
    unload(&l);
}

/* -- the dynamic file --------------------------------------------------------------------------------------------- */

static struct loaded load_dynamic(const char *name, const char *servers, const char *more)
{
    char lines[1024];
    write_file(name, servers);
    snprintf(lines, sizeof lines, "dynamicConfigFile=%s\n%s", in_dir(name), more);
    struct loaded l = load(lines);
    remove_file(name);
    return l;
}

static void expect_dynamic(const char *servers, const char *more, const char *expected)
{
    struct loaded l = load_dynamic("zoo.cfg.dynamic", servers, more);
    char *text = said(&l.report, SETTINGS_INFO), whole[1024];
    snprintf(whole, sizeof whole, "%s%s", expected[0] == ':' ? in_dir("zoo.cfg.dynamic") : "", expected);
    assert_string_equal(text, whole);
    free(text);
    unload(&l);
}

static void test_a_dynamic_file_holds_the_lines_and_its_name_the_version(void **state)
{
    static const struct {
        const char *name;
        int64_t version;
    } names[] = {{"zoo.cfg.dynamic", 0},
                 {"zoo.cfg.dynamic.100000000", 0x100000000},
                 {"zoo.cfg.dynamic.1F", 0x1f},
                 {"dynamic", 0},
                 {"dynamic.", 0},
                 {"dynamic.7fffffffffffffff", INT64_MAX},
                 {"dynamic.8000000000000000", 0},
                 {"dynamic.next", 0}};
    (void)state;
    write_file("myid", "2\n");
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct loaded l = load_dynamic(names[i].name, THREE, LIMITS);
        assert_int_equal(l.status, ST_OK);
        assert_true(l.settings->is_ensemble);
        assert_int_equal(l.settings->members->version, names[i].version);
        assert_int_equal(l.settings->client_port, 2182);
        unload(&l);
    }
}

static void test_mistakes_in_a_dynamic_file_name_it_and_its_line(void **state)
{
    (void)state;
    write_file("myid", "2\n");
    expect_dynamic(THREE "version=100000000\n", LIMITS,
                   ":4: error: version: belongs into the name of the file, behind its last dot\n");
    expect_dynamic(THREE "tickTime=5\n", LIMITS,
                   ":4: error: tickTime: is not server.N, group.N, weight.N or version\n");
    expect_dynamic("server.1=a:1:2\nserver.2=b:1\n", LIMITS,
                   ":2: error: server.2: is not of the form host:port:port or host:port:port:role\n");
    expect_dynamic("server.1=a:1:2\n\\u1=b:1\n", LIMITS, ":2: error: \\u needs four hexadecimal digits\n");
    expect_dynamic(THREE, LIMITS "server.4=d:1:2\n",
                   "zoo.cfg:6: error: server.4: belongs into the file that dynamicConfigFile names\n");
    expect_dynamic(THREE, LIMITS "clientPort=2181\n",
                   ":2: error: server.2: its client address is not that of clientPort or secureClientPort\n");
}

static void test_a_dynamic_file_is_an_ordinary_file(void **state)
{
    (void)state;
    expect_report("dynamicConfigFile=/dev/zero\n", SETTINGS_ERROR,
                  "/dev/zero: error: dynamicConfigFile: is not a file\n");
    expect_report("dynamicConfigFile=/\n", SETTINGS_ERROR, "/: error: dynamicConfigFile: is not a file\n");
}

static void test_one_server_of_a_dynamic_file_runs_alone(void **state)
{
    (void)state;
    struct loaded l = load_dynamic("zoo.cfg.dynamic", "server.1=a:1:2;2181\n", "");
    assert_int_equal(l.status, ST_OK);
    assert_false(l.settings->is_ensemble);
    assert_int_equal(l.settings->client_port, 2181);
    unload(&l);
}

/* -- what an ensemble needs --------------------------------------------------------------------------------------- */

static void test_limits_are_required(void **state)
{
    (void)state;
    write_file("myid", "1\n");
    expect_report(THREE, SETTINGS_WARNING,
                  "zoo.cfg: error: initLimit: is required in an ensemble\n"
                  "zoo.cfg: error: syncLimit: is required in an ensemble\n");
    expect_report(THREE LIMITS "initLimit=0\n", SETTINGS_ERROR,
                  "zoo.cfg:8: error: initLimit: is required in an "
                  "ensemble\n");
    expect_report(THREE LIMITS "tickTime=20000\nsyncLimit=200000\n", SETTINGS_ERROR,
                  "zoo.cfg:9: error: syncLimit: 200000 ticks of 20000 ms are too long\n");
    expect_report(THREE LIMITS "fastleader.minNotificationInterval=2000\nfastleader.maxNotificationInterval=1000\n",
                  SETTINGS_ERROR,
                  "zoo.cfg:8: error: fastleader.minNotificationInterval: is longer than "
                  "fastleader.maxNotificationInterval\n");
}

static void test_tls_between_servers(void **state)
{
    (void)state;
#define STORES "ssl.quorum.keyStore.location=/k.p12\nssl.quorum.trustStore.location=/t.pem\n"
    write_file("myid", "1\n");
    expect_report(THREE LIMITS "sslQuorum=true\n", SETTINGS_ERROR,
                  "zoo.cfg:8: error: sslQuorum: needs ssl.quorum.keyStore.location\n"
                  "zoo.cfg:8: error: sslQuorum: needs ssl.quorum.trustStore.location\n");
    expect_report(THREE LIMITS
                  "portUnification=true\nssl.quorum.clientAuth=none\nssl.quorum.keyStore.location=/k.p12\n",
                  SETTINGS_ERROR, "zoo.cfg:8: error: portUnification: needs ssl.quorum.trustStore.location\n");
    expect_report(THREE LIMITS "ssl.keyStore.location=/k.p12\nssl.trustStore.location=/t.pem\nsslQuorum=true\n",
                  SETTINGS_ERROR,
                  "zoo.cfg:10: error: sslQuorum: needs ssl.quorum.keyStore.location\n"
                  "zoo.cfg:10: error: sslQuorum: needs ssl.quorum.trustStore.location\n");
    expect_report(THREE LIMITS STORES "sslQuorum=true\nssl.quorum.enabledProtocols=SSLv3\n", SETTINGS_ERROR,
                  "zoo.cfg:11: error: ssl.quorum.enabledProtocols: SSLv3 is not offered; TLSv1.2 and TLSv1.3 are\n");
    expect_report(THREE LIMITS
                  "sslQuorum=true\nssl.quorum.trustStore.location=/t\nssl.quorum.keyStore.location=/k.pem\n",
                  SETTINGS_ERROR,
                  "zoo.cfg: error: ssl.quorum.trustStore.type: is needed: the store's name ends in none of .pem, .p12 "
                  "and .jks\n");
    expect_report(THREE LIMITS STORES "sslQuorum=true\nssl.quorum.keystore.location=/typo.p12\n", SETTINGS_WARNING,
                  "zoo.cfg:11: warning: ssl.quorum.keystore.location: unknown key; is "
                  "ssl.quorum.keyStore.location meant?\n");
    expect_report("sslQuorum=true\n", SETTINGS_INFO,
                  "zoo.cfg:2: info: sslQuorum: has no effect: it is for ensembles\n");
    struct loaded l = load_well(THREE LIMITS STORES "sslQuorum=true\nssl.quorum.protocol=TLSv1.2\n");
    assert_int_equal(l.settings->quorum_key_store_type, TLS_STORE_PKCS12);
    assert_int_equal(l.settings->quorum_trust_store_type, TLS_STORE_PEM);
    assert_string_equal(l.settings->quorum_enabled_protocols, "TLSv1.2");
    expect_prints_back(l.settings);
    unload(&l);
}

static void test_what_a_member_does_not_do_is_said(void **state)
{
    (void)state;
    write_file("myid", "1\n");
    expect_report(
        THREE LIMITS "leaderServes=no\nsyncEnabled=false\nsnapshotSizeFactor=0.5\nforceSnapshotSync=true\n"
                     "observerMasterPort=2191\nssl.quorum.allowReverseDnsLookup=true\nconnectToLearnerMasterLimit=3\n"
                     "leader.maxTimeToWaitForEpoch=1000\n"
                     "commitLogCount=3\n",
        SETTINGS_INFO,
        "zoo.cfg:8: warning: leaderServes: is not followed: a leader serves clients, too\n"
        "zoo.cfg:9: warning: syncEnabled: is not followed: observers keep a log and snapshots, always\n"
        "zoo.cfg:10: warning: snapshotSizeFactor: is not followed: learners are brought up to date from "
        "memory or with a snapshot, not from log files\n"
        "zoo.cfg:11: warning: forceSnapshotSync: is not followed: a learner is sent a snapshot only when it "
        "needs one\n"
        "zoo.cfg:13: warning: ssl.quorum.allowReverseDnsLookup: is not followed: whoever answers for an "
        "address chooses the name that the name service has for it (CVE-2026-24281), so that it proves nothing: a "
        "certificate must name the address itself, or a host of the server lines\n"
        "zoo.cfg:14: warning: connectToLearnerMasterLimit: is not followed: a learner has initLimit to "
        "connect, too\n"
        "zoo.cfg:15: warning: leader.maxTimeToWaitForEpoch: is not followed: a leader waits for its quorum "
        "as long as initLimit says\n"
        "zoo.cfg:16: warning: commitLogCount: is less than 500; 500 are kept\n");
}

static void test_keyed_passwords_are_a_capability(void **state)
{
    struct zab_options options;
    (void)state;
    write_file("myid", "1\n");
    struct loaded l = load_well(THREE "initLimit=10\nsyncLimit=5\n");
    assert_int_equal(l.settings->session_passwords, SESSION_PASSWORDS_KEYED);
    ensemble_zab_options(l.settings, &options);
    assert_true(options.shows_capabilities);
    assert_int_equal(options.can.of[CAPABILITY_SESSION_PASSWORDS], 1);
    assert_int_equal(options.can.of[CAPABILITY_FAILURE_DETECTION], 500);
    assert_int_equal(options.can.of[CAPABILITY_HANDOVER], 1);
    expect_prints_back(l.settings);
    unload(&l);
    l = load_well(THREE "initLimit=10\nsyncLimit=5\nzooid.sessionPasswords=apache\nzooid.failureDetectionMs=0\n");
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
    struct loaded old = load_well(THREE LIMITS), fresh = load_well(THREE "server.3=x:1:2\n" LIMITS);
    struct settings_change changes[SETTINGS_CHANGES_MAX];
    assert_int_equal(settings_reload_diff(old.settings, fresh.settings, changes), 1);
    assert_string_equal(changes[0].key, "server");
    assert_false(changes[0].reloadable);
    unload(&old);
    unload(&fresh);
}

/* -- what the parts are told -------------------------------------------------------------------------------------- */

static void test_zab_is_told(void **state)
{
    (void)state;
    write_file("myid", "4\n");
    struct loaded l = load_well(THREE LIMITS "server.4=d:1:2:observer\ntickTime=2000\n"
                                             "multiAddress.enabled=true\nfastleader.minNotificationInterval=100\n"
                                             "fastleader.maxNotificationInterval=1000\nzooid.electionQuietTime=50\n"
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
    struct loaded l = load_well(THREE LIMITS "tickTime=2000\nquorumListenOnAllIPs=true\ncnxTimeout=700\n"
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
    l = load_well(THREE LIMITS "quorumCnxnTimeoutMs=1234\n");
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
    struct loaded l = load_well(THREE LIMITS);
    assert_int_equal(replica_settings_make(&made, l.settings, &hash_key, password_key), ST_OK);
    assert_int_equal(made.options.server_id, 3);
    assert_true(made.options.apache_passwords);
    assert_false(made.options.reconfig_enabled);
    unload(&l);
    l = load_well("reconfigEnabled=true\n");
    assert_int_equal(l.report.warnings, 1);
    assert_int_equal(replica_settings_make(&made, l.settings, &hash_key, password_key), ST_OK);
    assert_int_equal(made.options.server_id, 1);
    assert_false(made.options.apache_passwords);
    assert_false(made.options.reconfig_enabled);
    unload(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_three_servers_are_an_ensemble),
        cmocka_unit_test(test_an_agent_alone_has_no_members),
        cmocka_unit_test(test_one_participant_is_an_ensemble_when_it_shall_be),
        cmocka_unit_test(test_few_and_even_participants_are_named),
        cmocka_unit_test(test_the_server_line_says_the_role),
        cmocka_unit_test(test_bad_server_lines_stop_the_start),
        cmocka_unit_test(test_groups_and_weights_are_taken),
        cmocka_unit_test(test_several_addresses_need_to_be_allowed),
        cmocka_unit_test(test_an_own_address_of_ipv6_prints_back),
        cmocka_unit_test(test_each_mistake_in_myid_names_the_file),
        cmocka_unit_test(test_blanks_around_the_number_do_not_count),
        cmocka_unit_test(test_a_dynamic_file_holds_the_lines_and_its_name_the_version),
        cmocka_unit_test(test_mistakes_in_a_dynamic_file_name_it_and_its_line),
        cmocka_unit_test(test_a_dynamic_file_is_an_ordinary_file),
        cmocka_unit_test(test_one_server_of_a_dynamic_file_runs_alone),
        cmocka_unit_test(test_limits_are_required),
        cmocka_unit_test(test_tls_between_servers),
        cmocka_unit_test(test_what_a_member_does_not_do_is_said),
        cmocka_unit_test(test_keyed_passwords_are_a_capability),
        cmocka_unit_test(test_a_change_of_the_servers_takes_a_restart),
        cmocka_unit_test(test_zab_is_told),
        cmocka_unit_test(test_peers_are_told),
        cmocka_unit_test(test_members_are_copied),
        cmocka_unit_test(test_the_replica_is_told),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
