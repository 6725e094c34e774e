/* settings_rules_test.c - keys that are not followed, and the rules between several. */
#include "tests/unit/agent/settings_fixture.h"

/* ---- what is not built ---------------------------------------------------------------------------------------------
 */

static const struct {
    const char *line;
    const char *error; /* NULL: loads */
} protections[] = {
    {"sessionRequireClientSASLAuth=true", "is asked for, but SASL is not part of this version"},
    {"sessionRequireClientSASLAuth=TRUE", "is asked for, but SASL is not part of this version"},
    {"sessionRequireClientSASLAuth=false", NULL},
    {"requireSASL=true", "is asked for, but SASL"},
    {"requireClientAuthScheme=sasl", "is asked for, but SASL"},
    {"quorum.auth.enableSasl=true", "is asked for, but SASL"},
    {"quorum.auth.learnerRequireSasl=true", "is asked for, but SASL"},
    {"quorum.auth.serverRequireSasl=true", "is asked for, but SASL"},
    {"quorum.auth.serverRequireSasl=false", NULL},
    {"ssl.quorum.crl=true", "is asked for, but revocation lists"},
    {"ssl.quorum.crl=yes", "is asked for, but revocation lists"},
    {"ssl.quorum.crl=perhaps", "is asked for, but revocation lists"},
    {"ssl.quorum.ocsp=true", "is asked for, but revocation"},
    {"ssl.quorum.context.supplier.class=com.example.Supplier", "is asked for, but"},
    {"sslQuorum=perhaps", "sslQuorum: \"perhaps\" is neither true nor false"},
    {"sslQuorum=true", NULL},
    {"ssl.crl=true", "is asked for, but"},
    {"ssl.ocsp=true", "is asked for, but"},
    {"ssl.clientHostnameVerification=true", "is asked for, but"},
    {"ssl.authProvider=custom", "is asked for, but"},
    {"ssl.authProvider=x509", NULL},
    {"ssl.context.supplier.class=com.example.Supplier", "is asked for, but"},
    {"fips-mode=true", "is asked for, but"},
    {"fips-mode=false", NULL},
    {"audit.enable=true", NULL},
    {"audit.enable=maybe", "is neither true nor false"},
    {"zooid.auditQueueMax=1", "zooid.auditQueueMax"},
    {"admin.forceHttps=true", "is asked for, but"},
    {"admin.needClientAuth=true", "is asked for, but"},
    {"metricsProvider.httpsPort=7443", "is asked for, but"},
    {"authProvider.x509=com.example.Provider", "is asked for, but"},
    {"authProvider.x509=org.apache.zookeeper.server.auth.X509AuthenticationProvider", NULL},
    {"authProvider.1=org.apache.zookeeper.server.auth.SASLAuthenticationProvider", NULL},
    {"emulate353TTLNodes=true", "is asked for, but"},
    {"standaloneEnabled=false", "false needs a server line at least"},
    {"peerType=observer", "is observer, and there is nobody to observe"},
    {"server.1=a:1:2\npeerType=observer", "is observer, and there is nobody to observe"},
    {"peerType=king", "is none of participant|observer"},
    {"peerType=participant", NULL},
    {"dynamicConfigFile=/nonexistent/zoo.cfg.dynamic",
     "/nonexistent/zoo.cfg.dynamic: error: dynamicConfigFile: cannot be opened: No such file or directory"},
    {"oraclePath=/oracle", "is asked for, but an oracle"},
    {"electionAlg=1", "is asked for, but 3 is the only election algorithm"},
    {"electionAlg=3", NULL},
    {"group.x=1:2:3", "the part behind the dot is not a group's number"},
    {"weight.1=x", "is not a number from 0"},
    {"enforce.auth.enabled=true", "needs enforce.auth.schemes"},
    {"enforce.auth.enabled=true\nenforce.auth.schemes=sasl", "the scheme sasl is demanded, but not part"},
    {"enforce.auth.enabled=true\nenforce.auth.schemes=digest,kerberos", "the scheme kerberos is demanded"},
    {"enforce.auth.enabled=true\nenforce.auth.schemes=digest, x509 ,ip", NULL},
    {"enforce.auth.enabled=true\nenforce.auth.schemes=digest\nDigestAuthenticationProvider.enabled=false",
     "the scheme digest is demanded, but DigestAuthenticationProvider.enabled is false"},
    {"enforce.auth.schemes=sasl", NULL},
};

/* [7.3 3922] */
static void test_a_protection_that_is_not_built_stops_the_start(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(protections); i++) {
        char text[256];
        snprintf(text, sizeof text, BASE "%s\n", protections[i].line);
        struct loaded l = load(text);
        char *said = report_text(&l.report, SETTINGS_ERROR);
        if (protections[i].error == NULL)
            assert_string_equal(said, "");
        else if (strstr(said, protections[i].error) == NULL)
            fail_msg("%s: %s", protections[i].line, said);
        free(said);
        unload(&l);
    }
}

static void test_what_is_not_followed_warns_and_what_is_pointless_is_said(void **state)
{
    (void)state;
    expect_report(
        BASE "authProvider.sasl=org.apache.zookeeper.server.auth.SASLAuthenticationProvider\n"
             "snapshot.compression.method=gz\n"
             "maxResponseCacheSize=0\n"
             "leaderServes=no\n"
             "requestStaleLatencyCheck=true\n"
             "maxResponseCacheSize=400\n"
             "nio.numWorkerThreads=4\n"
             "-Xmx=1\n"
             "syncEnabled=yes\n"
             "leader.something=true\n"
             "superUser.1=bob\n",
        SETTINGS_INFO,
        "zoo.cfg:3: warning: authProvider.sasl: org.apache.zookeeper.server.auth.SASLAuthenticationProvider is "
        "not part of this version: nobody can log in with it\n"
        "zoo.cfg:4: warning: snapshot.compression.method: is not followed: snapshots are written uncompressed\n"
        "zoo.cfg:6: info: leaderServes: has no effect on an agent that runs alone\n"
        "zoo.cfg:7: warning: request_stale_latency_check: is not followed: no request is dropped for having waited; "
        "throttled_op_wait_time refuses those that did\n"
        "zoo.cfg:8: warning: maxResponseCacheSize: given again; line 5 does not count\n"
        "zoo.cfg:9: info: nio.numWorkerThreads: has no effect: one loop serves all connections\n"
        "zoo.cfg:10: warning: -Xmx: unknown key\n"
        "zoo.cfg:12: info: leader.something: has no effect: it is for ensembles\n"
        "zoo.cfg:13: warning: superUser.1: is not followed: SASL is not part of this version\n");
}

/* ---- rules between rows --------------------------------------------------------------------------------------------
 */

static void test_session_timeouts_follow_the_tick(void **state)
{
    (void)state;
    struct loaded l = load_well(BASE "tickTime=2000\nmaxSessionTimeout=90000\n");
    assert_int_equal(l.settings->min_session_timeout_ms, 4000);
    assert_int_equal(l.settings->max_session_timeout_ms, 90000);
    assert_int_equal(l.settings->origins[SETTING_ID_min_session_timeout_ms].source, SETTING_DERIVED);
    unload(&l);
    expect_report(
        BASE "minSessionTimeout=5000\nmaxSessionTimeout=4000\n", SETTINGS_ERROR,
        "zoo.cfg:3: error: minSessionTimeout: minSessionTimeout, 5000 ms, is longer than maxSessionTimeout, 4000 "
        "ms\n");
    expect_report(
        BASE "maxSessionTimeout=4000\n", SETTINGS_ERROR,
        "zoo.cfg:3: error: maxSessionTimeout: minSessionTimeout, 6000 ms, is longer than maxSessionTimeout, 4000 "
        "ms\n");
    expect_report(BASE "tickTime=200000000\n", SETTINGS_ERROR,
                  "zoo.cfg:3: error: tickTime: 20 ticks, the default of maxSessionTimeout, are too long\n");
}

static void test_clients_need_a_door(void **state)
{
    (void)state;
    expect_report("dataDir=/data\nzooid.socket=\n", SETTINGS_ERROR,
                  "zoo.cfg: error: clientPort: clients have no way in: neither clientPort nor secureClientPort nor "
                  "zooid.socket is set\n");
    expect_report("dataDir=/data\n", SETTINGS_INFO, "");
    expect_report("dataDir=/data\nclientPortAddress=::1\n", SETTINGS_ERROR,
                  "zoo.cfg:2: error: clientPortAddress: is set, but clientPort is not\n");
    expect_report("dataDir=/data\nsecureClientPortAddress=::1\n", SETTINGS_ERROR,
                  "zoo.cfg:2: error: secureClientPortAddress: is set, but secureClientPort is not\n");
    expect_report(BASE "secureClientPort=2181\nssl.keyStore.location=/k.pem\nssl.clientAuth=none\n", SETTINGS_ERROR,
                  "zoo.cfg:3: error: secureClientPort: is the same as clientPort\n");
}

static void expect_socket(const char *text, const char *socket)
{
    struct loaded l = load_well(text);
    assert_string_equal(l.settings->socket, socket);
    expect_prints_back(l.settings);
    unload(&l);
}

static void test_the_socket_is_below_the_data_directory(void **state)
{
    char deep[256], text[512];
    (void)state;
    expect_socket(BASE, "/data/zooid/zookeeper.sock");
    expect_socket(BASE "zooid.socket=zk\n", "/data/zk");
    expect_socket(BASE "zooid.socket=/run/zk\n", "/run/zk");
    expect_socket(BASE "zooid.socket=./zk\n", "./zk");
    expect_socket(BASE "zooid.socket=\n", "");
    expect_socket("dataDir=data\n", "./data/zooid/zookeeper.sock");
    expect_socket("dataDir=./data\n", "./data/zooid/zookeeper.sock");
    memset(deep, 'x', sizeof deep - 1);
    deep[sizeof deep - 1] = '\0';
    snprintf(text, sizeof text, "clientPort=1\ndataDir=/%s\n", deep);
    expect_socket(text, "");
    snprintf(text, sizeof text, BASE "zooid.socket=%s\n", deep);
    expect_report(text, SETTINGS_ERROR,
                  "zoo.cfg:3: error: zooid.socket: the whole path is too long for a Unix socket\n");
}

static const struct {
    const char *lines;
    const char *error; /* NULL: loads */
    int32_t client_port;
    int32_t secure_port;
    const char *address;
} server_lines[] = {
    {"server.1=localhost:2888:3888;2181", NULL, 2181, -1, ""},
    {"server.1=localhost:2888:3888;127.0.0.1:2181", NULL, 2181, -1, "127.0.0.1"},
    {"server.1=localhost:2888:3888;[::1]:2181", NULL, 2181, -1, "::1"},
    {"server.1=localhost:2888:3888:participant;2181", NULL, 2181, -1, ""},
    {"server.1=localhost:2888:3888:PARTICIPANT", NULL, -1, -1, ""},
    {"server.1=[2001:db8::1]:2888:3888;2181", NULL, 2181, -1, ""},
    {"server.1=a:2888:3888|b:2889:3889;2181\nmultiAddress.enabled=true", NULL, 2181, -1, ""},
    {"server.1=a:2888:3888|b:2889:3889;2181", "has several addresses, which needs multiAddress.enabled=true", 0, 0,
     NULL},
    {"server.1=a:2888:3888;[::1]", "holds a client port that is not of the form port or host:port", 0, 0, NULL},
    {"server.1=[a]:2888:3888", "holds brackets without an IPv6 address", 0, 0, NULL},
    {"server.1=a b:2888:3888", "holds a character that is not of a host's name", 0, 0, NULL},
    {"server.1=a:2888:3888;2181\nclientPort=2181", NULL, 2181, -1, ""},
    {"server.1=a:2888:3888;0.0.0.0:2181\nclientPort=2181", NULL, 2181, -1, ""},
    {"server.1=a:2888:3888;127.0.0.1:2181\nclientPort=2181", NULL, 2181, -1, "127.0.0.1"},
    {"server.1=a:2888:3888;[::]:2181\nclientPort=2181", NULL, 2181, -1, "::"},
    {"server.1=a:2888:3888;[::1]:2181\nclientPort=2181\nclientPortAddress=0.0.0.0", NULL, 2181, -1, "::1"},
    {"server.1=a:2888:3888;[::1]:2181\nclientPort=2181\nclientPortAddress=0:0:0:0:0:0:0:1", NULL, 2181, -1,
     "0:0:0:0:0:0:0:1"},
    {"server.1=a:2888:3888;;2281\nssl.keyStore.location=/k.p12\nssl.clientAuth=none", NULL, -1, 2281, ""},
    {"server.1=a:2888:3888;2181;2281\nssl.keyStore.location=/k.p12\nssl.clientAuth=none", NULL, 2181, 2281, ""},
    {"server.1=a:2888:3888\nclientPort=2181\nclientPortAddress=127.0.0.1", NULL, 2181, -1, "127.0.0.1"},
    {"server.1=a:2888:3888;2182\nclientPort=2181", "its client address is not that of clientPort or secureClientPort",
     0, 0, NULL},
    {"server.1=a:2888:3888;2181\nclientPort=2181\nclientPortAddress=::1",
     "its client address is not that of clientPort or secureClientPort", 0, 0, NULL},
    {"server.1=a:2888:3888;2181;2281;1", "has more than two client ports", 0, 0, NULL},
    {"server.1=a:2888:3888;x", "holds a client port that is not of the form port or host:port", 0, 0, NULL},
    {"server.1=a:2888:3888;a:b:1", "holds a client port that is not of the form port or host:port", 0, 0, NULL},
    {"server.1=a:2888:3888;70000", "holds a client port that is not of the form port or host:port", 0, 0, NULL},
    {"server.1=a:2888", "is not of the form host:port:port or host:port:port:role", 0, 0, NULL},
    {"server.1=a:1:2:observer:x", "is not of the form host:port:port or host:port:port:role", 0, 0, NULL},
    {"server.1=", "is not of the form host:port:port or host:port:port:role", 0, 0, NULL},
    {"server.1=:1:2", "names no host", 0, 0, NULL},
    {"server.1=a:1:99999", "holds a port that is none", 0, 0, NULL},
    {"server.1=a:1:1", "uses one port for quorum and election", 0, 0, NULL},
    {"server.1=a:1:2:observer", "is an observer, and there is nobody to observe", 0, 0, NULL},
    {"server.1=a:1:2:king", "has a role that is neither participant nor observer", 0, 0, NULL},
    {"server.x=a:1:2", "the part behind the dot is not a server's number", 0, 0, NULL},
    {"server.=a:1:2", "the part behind the dot is not a server's number", 0, 0, NULL},
};

static void test_one_server_line_is_standalone(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(server_lines); i++) {
        char text[256], expected[256] = "";
        snprintf(text, sizeof text, "dataDir=/data\n%s\n", server_lines[i].lines);
        struct loaded l = load(text);
        char *said = report_text(&l.report, SETTINGS_ERROR);
        if (server_lines[i].error != NULL)
            snprintf(expected, sizeof expected, "zoo.cfg:2: error: %.*s: %s\n",
                     (int)strcspn(server_lines[i].lines, "="), server_lines[i].lines, server_lines[i].error);
        assert_string_equal(said, expected);
        if (server_lines[i].error == NULL) {
            assert_int_equal(l.settings->client_port, server_lines[i].client_port);
            assert_int_equal(l.settings->secure_client_port, server_lines[i].secure_port);
            assert_string_equal(l.settings->client_port_address, server_lines[i].address);
            expect_prints_back(l.settings);
        }
        free(said);
        unload(&l);
    }
}

#define TLS BASE "secureClientPort=2281\nssl.keyStore.location=/k.p12\nssl.trustStore.location=/t.pem\n"

static void test_tls_keys_go_together(void **state)
{
    (void)state;
    struct loaded l = load_well(TLS);
    assert_int_equal(l.settings->tls_key_store_type, TLS_STORE_PKCS12);
    assert_int_equal(l.settings->tls_trust_store_type, TLS_STORE_PEM);
    assert_string_equal(l.settings->tls_enabled_protocols, "TLSv1.3,TLSv1.2");
    expect_prints_back(l.settings);
    unload(&l);
    expect_report(
        BASE "secureClientPort=2281\n", SETTINGS_ERROR,
        "zoo.cfg:3: error: secureClientPort: needs ssl.keyStore.location\n"
        "zoo.cfg:3: error: secureClientPort: needs ssl.trustStore.location, or ssl.clientAuth=none for clients "
        "without certificates\n");
    expect_report(BASE "client.portUnification=true\nssl.clientAuth=none\n", SETTINGS_ERROR,
                  "zoo.cfg:3: error: client.portUnification: needs ssl.keyStore.location\n");
    expect_report("dataDir=/data\nclient.portUnification=true\n", SETTINGS_ERROR, "");
    expect_report(TLS "ssl.enabledProtocols=TLSv1.1, TLSv1.3\n", SETTINGS_ERROR,
                  "zoo.cfg:6: error: ssl.enabledProtocols: TLSv1.1 is not offered; TLSv1.2 and TLSv1.3 are\n");
    expect_report(
        TLS "ssl.keyStore.location=/k.der\n", SETTINGS_ERROR,
        "zoo.cfg: error: ssl.keyStore.type: is needed: the store's name ends in none of .pem, .p12 and .jks\n");
    expect_report(
        TLS "ssl.trustStore.type=BCFKS\n", SETTINGS_ERROR,
        "zoo.cfg:6: error: ssl.trustStore.type: BCFKS stores cannot be read; convert the store to PKCS12 or PEM\n");
    expect_report(BASE "ssl.keyStore.location=/k.jks\n", SETTINGS_INFO, "");
}

static void test_metrics_have_a_port_with_the_prometheus_provider(void **state)
{
    (void)state;
#define PROMETHEUS "metricsProvider.className=org.apache.zookeeper.metrics.prometheus.PrometheusMetricsProvider\n"
    struct loaded l = load_well(BASE PROMETHEUS "metricsProvider.exportJvmInfo=true\n");
    assert_int_equal(l.settings->metrics_port, 7000);
    expect_prints_back(l.settings);
    unload(&l);
    l = load_well(BASE PROMETHEUS "metricsProvider.httpPort=7070\nmetricsProvider.httpHost=127.0.0.1\n");
    assert_int_equal(l.settings->metrics_port, 7070);
    assert_string_equal(l.settings->metrics_address, "127.0.0.1");
    unload(&l);
    l = load_well(BASE "metricsProvider.httpPort=7070\n");
    assert_int_equal(l.settings->metrics_port, -1);
    assert_int_equal(l.report.warnings, 1);
    unload(&l);
    l = load_well(BASE "metricsProvider.className=com.example.Mine\n");
    assert_int_equal(l.report.warnings, 1);
    unload(&l);
}

static void test_less_than_three_snapshots_are_three(void **state)
{
    (void)state;
    struct loaded l = load_well(BASE "autopurge.snapRetainCount=1\n");
    assert_int_equal(l.settings->snap_retain_count, 3);
    assert_int_equal(l.report.warnings, 1);
    unload(&l);
}

static void test_what_apache_raises_is_raised(void **state)
{
    (void)state;
    struct loaded l = load_well(BASE "snapCount=-1\npreAllocSize=1\n");
    assert_int_equal(l.settings->snap_count, 2);
    assert_int_equal(l.settings->pre_alloc_size_kib, 64);
    assert_int_equal(l.report.warnings, 2);
    unload(&l);
    expect_report(BASE "server.realm=EXAMPLE.ORG\nsnapCount=2\npreAllocSize=64\n", SETTINGS_INFO,
                  "zoo.cfg:3: info: server.realm: has no effect: it is a client's setting\n");
    expect_report(BASE "server.principal=zookeeper/host\nsnapCount=2\npreAllocSize=64\n", SETTINGS_INFO,
                  "zoo.cfg:3: info: server.principal: has no effect: it is a client's setting\n");
}

static void test_a_negative_limit_is_none(void **state)
{
    (void)state;
    struct loaded l = load_well(BASE "maxClientCnxns=-1\nmaxCnxns=-7\nnetty.server.outstandingHandshake.limit=-1\n");
    assert_int_equal(l.settings->max_client_cnxns, 0);
    assert_int_equal(l.settings->max_cnxns, 0);
    assert_int_equal(l.settings->tls_handshake_limit, 0);
    unload(&l);
}

static void test_what_makes_little_sense_warns(void **state)
{
    (void)state;
    expect_report("dataDir=data\nskipACL=yes\nenforce.auth.schemes=ip\nDigestAuthenticationProvider.enabled=no\n"
                  "DigestAuthenticationProvider.superDigest=super:x\nlocalSessionsEnabled=true\n",
                  SETTINGS_INFO,
                  "zoo.cfg:1: warning: dataDir: is relative to the directory the agent is started in\n"
                  "zoo.cfg:2: warning: skipACL: ACLs are not checked: every client may do everything\n"
                  "zoo.cfg:3: warning: enforce.auth.schemes: has no effect without enforce.auth.enabled=true\n"
                  "zoo.cfg:5: warning: DigestAuthenticationProvider.superDigest: nobody can use it: "
                  "DigestAuthenticationProvider.enabled is false\n"
                  "zoo.cfg:6: info: localSessionsEnabled: has no effect on an agent that runs alone\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_protection_that_is_not_built_stops_the_start),
        cmocka_unit_test(test_what_is_not_followed_warns_and_what_is_pointless_is_said),
        cmocka_unit_test(test_session_timeouts_follow_the_tick),
        cmocka_unit_test(test_clients_need_a_door),
        cmocka_unit_test(test_the_socket_is_below_the_data_directory),
        cmocka_unit_test(test_one_server_line_is_standalone),
        cmocka_unit_test(test_tls_keys_go_together),
        cmocka_unit_test(test_metrics_have_a_port_with_the_prometheus_provider),
        cmocka_unit_test(test_less_than_three_snapshots_are_three),
        cmocka_unit_test(test_what_apache_raises_is_raised),
        cmocka_unit_test(test_a_negative_limit_is_none),
        cmocka_unit_test(test_what_makes_little_sense_warns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
