/* settings_test.c - zoo.cfg from text to values in effect: every row, every kind of mistake, every rule between rows.
 */
#include "agent/settings/settings.h"
#include "agent/settings/settings_rows.h"
#include "core/base/check.h"
#include "core/base/log.h"
#include "core/base/mem.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define BASE "dataDir=/data\nclientPort=2181\n"

struct loaded {
    struct settings *settings; /* NULL: did not load */
    struct settings_report report;
    enum status status;
};

static struct loaded load_with(const char *text, const char *const *defines, size_t n)
{
    struct loaded l = {0};
    l.status = settings_load_text(&l.settings, "zoo.cfg", text, strlen(text), defines, n, &l.report);
    assert_true((l.status == ST_OK) == (l.settings != NULL));
    assert_true((l.status == ST_OK) == (l.report.errors == 0));
    return l;
}

static struct loaded load(const char *text)
{
    return load_with(text, NULL, 0);
}

static void unload(struct loaded *l)
{
    settings_free(l->settings);
    settings_report_free(&l->report);
}

/* The text of the report from the given severity on, to be freed. */
static char *report_text(const struct settings_report *report, enum settings_severity from)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    settings_report_print(report, from, out);
    assert_int_equal(fclose(out), 0);
    return text;
}

static struct loaded load_well(const char *text)
{
    struct loaded l = load(text);
    if (l.status != ST_OK) {
        char *errors = report_text(&l.report, SETTINGS_INFO);
        fail_msg("%s", errors);
    }
    return l;
}

/* The text loads, or does not, and the report is exactly `expected` from the given severity on. */
static void expect_report(const char *text, enum settings_severity from, const char *expected)
{
    struct loaded l = load(text);
    char *said = report_text(&l.report, from);
    assert_string_equal(said, expected);
    free(said);
    unload(&l);
}

static char *print(const struct settings *settings)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    settings_print(settings, out);
    assert_int_equal(fclose(out), 0);
    return text;
}

/* What is printed loads to the same values, secrets apart. */
static void expect_prints_back(const struct settings *settings)
{
    char *text = print(settings);
    struct loaded again = load_well(text);
    struct settings_change changes[SETTINGS_CHANGES_MAX];
    size_t count = settings_reload_diff(settings, again.settings, changes);
    for (size_t i = 0; i < count; i++)
        if (!(settings_find_key(changes[i].key).setting->flags & SETTING_SECRET))
            fail_msg("%s is not the same in:\n%s", changes[i].key, text);
    unload(&again);
    free(text);
}

/* ---- values --------------------------------------------------------------------------------------------------------
 */

static void test_defaults_are_those_of_zookeeper(void **state)
{
    (void)state;
    struct loaded l = load_well(BASE);
    const struct settings *s = l.settings;
    assert_string_equal(s->data_dir, "/data");
    assert_string_equal(s->data_log_dir, "/data");
    assert_int_equal(s->client_port, 2181);
    assert_int_equal(s->secure_client_port, -1);
    assert_string_equal(s->client_port_address, "");
    assert_int_equal(s->tick_time_ms, 3000);
    assert_int_equal(s->min_session_timeout_ms, 6000);
    assert_int_equal(s->max_session_timeout_ms, 60000);
    assert_int_equal(s->max_client_cnxns, 60);
    assert_int_equal(s->max_cnxns, 0);
    assert_int_equal(s->jute_maxbuffer, 1048575);
    assert_int_equal(s->jute_maxbuffer_extrasize, 1048575);
    assert_int_equal(s->global_outstanding_limit, 1000);
    assert_int_equal(s->snap_count, 100000);
    assert_int_equal(s->snap_size_limit_kib, 4194304);
    assert_int_equal(s->snap_retain_count, 3);
    assert_int_equal(s->sessionless_timeout_ms, 10000);
    assert_string_equal(s->words_whitelist, "srvr");
    assert_int_equal(s->admin_port, 8080);
    assert_string_equal(s->admin_command_url, "/commands");
    assert_false(s->extended_types_enabled);
    assert_false(s->skip_acl);
    assert_true(s->digest_enabled);
    assert_string_equal(s->digest_algorithm, "SHA1");
    assert_int_equal(s->tls_client_auth, TLS_CLIENT_AUTH_NEED);
    assert_int_equal(s->log_level, LOG_LEVEL_INFO);
    assert_int_equal(s->container_check_interval_ms, 60000);
    assert_int_equal(s->container_max_per_minute, 10000);
    assert_int_equal(s->metrics_port, -1);
    assert_int_equal(l.report.count, 0);
    unload(&l);
}

static void test_words_stand_in_the_order_of_their_enums(void **state)
{
    (void)state;
    struct loaded l = load_well(BASE
                                "zooid.sessionPasswords=apache\nssl.keyStore.type=pkcs12\nssl.trustStore.type=JKS\n"
                                "ssl.clientAuth=want\nssl.protocol=tlsv1.2\nzooid.logFormat=json\n"
                                "zooid.logLevel=trace\n");
    assert_int_equal(l.settings->session_passwords, SESSION_PASSWORDS_APACHE);
    assert_int_equal(l.settings->tls_key_store_type, TLS_STORE_PKCS12);
    assert_int_equal(l.settings->tls_trust_store_type, TLS_STORE_JKS);
    assert_int_equal(l.settings->tls_client_auth, TLS_CLIENT_AUTH_WANT);
    assert_int_equal(l.settings->tls_protocol, TLS_PROTOCOL_1_2);
    assert_string_equal(l.settings->tls_enabled_protocols, "TLSv1.2");
    assert_int_equal(l.settings->log_format, LOG_FORMAT_JSON);
    assert_int_equal(l.settings->log_level, LOG_LEVEL_TRACE);
    unload(&l);
    for (int level = 0; level < LOG_LEVEL_COUNT; level++) {
        char text[128];
        snprintf(text, sizeof text, BASE "zooid.logLevel=%s\n", log_level_name((enum log_level)level));
        l = load_well(text);
        assert_int_equal(l.settings->log_level, level);
        unload(&l);
    }
}

static void test_keys_are_each_in_one_row(void **state)
{
    (void)state;
    for (size_t i = 0; i < SETTINGS_COUNT; i++) {
        struct setting_key key = settings_find_key(setting_rows[i].key);
        assert_ptr_equal(key.setting, &setting_rows[i]);
        assert_null(key.foreign);
        assert_true(strlen(setting_rows[i].help) > 0);
    }
    for (size_t i = 0; i < foreign_row_count; i++) {
        struct setting_key key = settings_find_key(foreign_rows[i].key);
        assert_null(key.setting);
        assert_ptr_equal(key.foreign, &foreign_rows[i]);
        assert_true(strlen(foreign_rows[i].reason) > 0);
    }
    for (size_t i = 0; i < setting_alias_count; i++) {
        struct setting_key key = settings_find_key(setting_aliases[i].name);
        assert_true(key.setting != NULL || key.foreign != NULL);
        assert_string_equal(key.name, setting_aliases[i].key);
    }
}

static void test_defaults_print_back(void **state)
{
    (void)state;
    struct loaded l = load_well(BASE);
    expect_prints_back(l.settings);
    unload(&l);
}

/* A value of its own for each row: the row's bounds, its last word, or text with what could go wrong in it. */
static void other_value(const struct setting_row *row, bool upper, char *out, size_t size)
{
    if (row->type == TYPE_BOOL)
        snprintf(out, size, "%s", upper ? "YES" : "False");
    else if (row->type == TYPE_RATIO)
        snprintf(out, size, "%s", upper ? "0.123456789" : "0");
    else if (row->type == TYPE_WORD)
        snprintf(out, size, "%s", strrchr(row->unit, '|') + 1);
    else if (row->type == TYPE_OCTAL)
        snprintf(out, size, "0%o", (unsigned)(upper ? row->max : row->min));
    else if (row->type == TYPE_ADDRESS)
        snprintf(out, size, "%s", upper ? "[::1]" : "host-1.example");
    else if (!setting_type_is_text(row->type))
        snprintf(out, size, "%lld%s", (long long)(upper ? row->max : row->min), row->type == TYPE_HOURS ? "ms" : "");
    else
        snprintf(out, size, "%s", upper ? "a=b:c #\\\\d\\u00e4 e" : "/x,y");
}

static void test_every_row_is_read_and_prints_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * SETTINGS_COUNT; i++) {
        const struct setting_row *row = &setting_rows[i / 2];
        char value[64], text[256];
        other_value(row, i % 2, value, sizeof value);
        snprintf(text, sizeof text, BASE "%s=%s\n", row->key, value);
        struct loaded l = load(text);
        /* Some rules between rows forbid the one or the other extreme; those have tests of their own. */
        if (l.status != ST_OK) {
            for (size_t m = 0; m < l.report.count; m++)
                assert_null(strstr(l.report.messages[m]->text, "is not a number"));
            unload(&l);
            continue;
        }
        assert_int_equal(l.settings->origins[i / 2].line, 3);
        expect_prints_back(l.settings);
        unload(&l);
    }
}

static const struct {
    const char *line;
    const char *error;
} mistakes[] = {
    {"tickTime=abc", "tickTime: \"abc\" is not a number"},
    {"tickTime=", "tickTime: has no value"},
    {"tickTime=1s", "tickTime: \"1s\" is not a number"},
    {"tickTime=0", "tickTime: 0 is less than 1 ms"},
    {"tickTime=99999999999999999999", "tickTime: \"99999999999999999999\" is too large"},
    {"tickTime=2147483648", "tickTime: 2147483648 is more than 2147483647 ms"},
    {"clientPort=65536", "clientPort: 65536 is more than 65535"},
    {"clientPort=-2", "clientPort: -2 is less than -1"},
    {"clientPort=0x", "clientPort: \"0x\" is not a number"},
    {"skipACL=maybe", "skipACL: \"maybe\" is neither true nor false"},
    {"skipACL=1", "skipACL: \"1\" is neither true nor false"},
    {"autopurge.purgeInterval=1w", "autopurge.purgeInterval: \"1w\" is not a time; the suffixes are ms, s, m, h and d"},
    {"autopurge.purgeInterval=-1", "autopurge.purgeInterval: -3600000 is less than 0 hours"},
    {"zooid.logRetainTime=999999999999999999d", "zooid.logRetainTime: \"999999999999999999d\" is too large"},
    {"zooid.socketMode=0999", "zooid.socketMode: \"0999\" is not an octal number"},
    {"zooid.socketMode=1777", "zooid.socketMode: 1023 is more than 511 octal"},
    {"zooid.logLevel=loud", "zooid.logLevel: \"loud\" is none of error|warn|info|debug|trace"},
    {"ssl.keyStore.type=DER", "ssl.keyStore.type: \"DER\" is none of PEM|PKCS12|JKS|BCFKS"},
    {"connection_throttle_drop_increase=1.5", "connection_throttle_drop_increase: \"1.5\" is not between 0 and 1"},
    {"connection_throttle_drop_increase=nan", "connection_throttle_drop_increase: \"nan\" is not a number"},
    {"clientPortAddress=1.2.3", "clientPortAddress: \"1.2.3\" is not an IPv4 address"},
    {"clientPortAddress=[1::2::3]", "clientPortAddress: \"[1::2::3]\" is not an IPv6 address"},
    {"clientPortAddress=a b", "clientPortAddress: \"a b\" is not a host name or address"},
    {"zooid.versionText=a\\nb", "zooid.versionText: \"a?b\" holds a control character"},
    {"zooid.maxEventBacklog=65536", "zooid.maxEventBacklog: is less than zooid.maxOutputPerClient"},
    {"admin.commandURL=commands", "admin.commandURL: does not begin with /"},
    {"zooid.versionText=\\u12", "zooid.versionText: \\u needs four hexadecimal digits"},
    {"DigestAuthenticationProvider.superDigest=secret",
     "DigestAuthenticationProvider.superDigest: is not of the form super:digest"},
    {"DigestAuthenticationProvider.superDigest=super:\\u0007x",
     "DigestAuthenticationProvider.superDigest: the value holds a control character"},
    {"DigestAuthenticationProvider.digestAlg=ROT13",
     "DigestAuthenticationProvider.digestAlg: is not a hash that is known here"},
};

static void test_each_mistake_names_file_line_and_key(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(mistakes); i++) {
        char text[256], expected[256];
        snprintf(text, sizeof text, "dataDir=/data\n\nclientPort=2181\n%s\n", mistakes[i].line);
        snprintf(expected, sizeof expected, "zoo.cfg:4: error: %s\n", mistakes[i].error);
        expect_report(text, SETTINGS_ERROR, expected);
    }
}

static void test_all_mistakes_are_reported_in_the_order_of_the_file(void **state)
{
    (void)state;
    expect_report("snapCount=x\nadmin.serverPort=-5\n\nssl.quorum.crl=true\ntickTime=\\uxyz\nclientPort=-7\n",
                  SETTINGS_ERROR,
                  "zoo.cfg:1: error: snapCount: \"x\" is not a number\n"
                  "zoo.cfg:2: error: admin.serverPort: -5 is less than 0\n"
                  "zoo.cfg:4: error: ssl.quorum.crl: \"true\" is asked for, but revocation lists are not checked by "
                  "this version\n"
                  "zoo.cfg:5: error: tickTime: \\u needs four hexadecimal digits\n"
                  "zoo.cfg:6: error: clientPort: -7 is less than -1\n"
                  "zoo.cfg: error: dataDir: is required\n");
}

static void test_numbers_may_be_hexadecimal(void **state)
{
    (void)state;
    struct loaded l = load_well(BASE
                                "jute.maxbuffer=0x400000\nzooid.logRetainBytes=0XFFFF\nsnapCount=+5\ntickTime=010\n");
    assert_int_equal(l.settings->jute_maxbuffer, 0x400000);
    assert_int_equal(l.settings->log_retain_bytes, 0xffff);
    assert_int_equal(l.settings->snap_count, 5);
    assert_int_equal(l.settings->tick_time_ms, 10);
    unload(&l);
}

static void test_durations_take_suffixes(void **state)
{
    static const struct {
        const char *text;
        int64_t hours_ms;
        int64_t duration_ms;
    } rows[] = {{"2", 7200000, 2},
                {"90000ms", 90000, 90000},
                {"90S", 90000, 90000},
                {"3m", 180000, 180000},
                {"2h", 7200000, 7200000},
                {"1d", 86400000, 86400000},
                {"0", 0, 0}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[256];
        snprintf(text, sizeof text, BASE "autopurge.purgeInterval=%s\nzooid.logRetainTime=%s\n", rows[i].text,
                 rows[i].text);
        struct loaded l = load_well(text);
        assert_int_equal(l.settings->purge_interval_ms, rows[i].hours_ms);
        assert_int_equal(l.settings->log_retain_ms, rows[i].duration_ms);
        expect_prints_back(l.settings);
        unload(&l);
    }
}

static void test_lists_are_trimmed(void **state)
{
    (void)state;
    struct loaded l = load_well(BASE "4lw.commands.whitelist= ruok , ,stat,\\\n   mntr,\n");
    assert_string_equal(l.settings->words_whitelist, "ruok,stat,mntr");
    assert_true(settings_list_has(l.settings->words_whitelist, "stat"));
    assert_false(settings_list_has(l.settings->words_whitelist, "sta"));
    assert_false(settings_list_has(l.settings->words_whitelist, "srvr"));
    assert_true(settings_list_has("*", "srvr"));
    assert_false(settings_list_has("", "srvr"));
    unload(&l);
}

static void test_addresses_lose_their_brackets(void **state)
{
    (void)state;
    struct loaded l = load_well(BASE "clientPortAddress=[fe80::1%eth0]\nadmin.serverAddress=localhost\n");
    assert_string_equal(l.settings->client_port_address, "fe80::1%eth0");
    assert_string_equal(l.settings->admin_address, "localhost");
    unload(&l);
}

/* ---- keys ----------------------------------------------------------------------------------------------------------
 */

static void test_unknown_keys_warn_and_a_near_one_is_named(void **state)
{
    (void)state;
    expect_report(BASE "tickTme=1\nzookeeper.snapcount=7\nnothing.like.this=1\n=1\nconnectionMaxToken=1\n",
                  SETTINGS_INFO,
                  "zoo.cfg:3: warning: tickTme: unknown key; is tickTime meant?\n"
                  "zoo.cfg:4: warning: zookeeper.snapcount: unknown key; is snapCount meant?\n"
                  "zoo.cfg:5: warning: nothing.like.this: unknown key\n"
                  "zoo.cfg:6: warning: unknown key\n"
                  "zoo.cfg:7: warning: connectionMaxToken: unknown key; is connectionMaxTokens meant?\n");
}

static void test_the_last_of_two_values_counts(void **state)
{
    (void)state;
    struct loaded l = load_well(BASE "tickTime=1000\nsslQuorum=true\nmaxCnxns=x\nzookeeper.tickTime=2000\n"
                                     "sslQuorum=false\nmaxCnxns=5\n");
    assert_int_equal(l.settings->tick_time_ms, 2000);
    assert_int_equal(l.settings->max_cnxns, 5);
    char *said = report_text(&l.report, SETTINGS_INFO);
    assert_string_equal(said, "zoo.cfg:6: warning: tickTime: given again; line 3 does not count\n"
                              "zoo.cfg:7: warning: sslQuorum: given again; line 4 does not count\n"
                              "zoo.cfg:8: warning: maxCnxns: given again; line 5 does not count\n");
    free(said);
    unload(&l);
}

static void test_an_alias_is_the_same_key(void **state)
{
    (void)state;
    expect_report(BASE "requestThrottleLimit=0\nrequest_throttle_max_requests=0\n", SETTINGS_INFO,
                  "zoo.cfg:4: warning: request_throttle_max_requests: given again; line 3 does not count\n");
}

static void test_the_command_line_wins(void **state)
{
    static const char *const defines[] = {
        "zookeeper.snapCount=7",  "jute.maxbuffer=0x2000",     "snapCount = 8 ", "nonsense=1",
        "zookeeper.forceSync=no", "readonlymode.enabled=true", "tickTime"};
    (void)state;
    struct loaded l = load_with(BASE "snapCount=5\nreadonlymode.enabled=false\n", defines, ARRAY_LEN(defines) - 1);
    assert_int_equal(l.status, ST_OK);
    assert_int_equal(l.settings->snap_count, 8);
    assert_int_equal(l.settings->jute_maxbuffer, 0x2000);
    assert_true(l.settings->read_only_mode_enabled);
    assert_int_equal(l.settings->origins[SETTING_ID_snap_count].source, SETTING_FROM_COMMAND_LINE);
    char *said = report_text(&l.report, SETTINGS_INFO);
    assert_string_equal(
        said,
        "command line: info: snapCount: replaces the value of line 3\n"
        "command line: warning: snapCount: given again; only the last one counts\n"
        "command line: warning: nonsense: unknown key\n"
        "command line: info: readonlymode.enabled: replaces the value of line 4\n"
        "command line: warning: forceSync: is not followed: the log is on disk before a write is answered, always\n");
    free(said);
    unload(&l);

    l = load_with(BASE, &defines[6], 1);
    said = report_text(&l.report, SETTINGS_ERROR);
    assert_string_equal(said, "command line: error: tickTime: has no value\n");
    free(said);
    unload(&l);
}

static void test_a_configuration_may_come_from_the_command_line_alone(void **state)
{
    static const char *const defines[] = {"dataDir=/data", "clientPort=2181"};
    struct settings_report report = {0};
    struct settings *settings = NULL;
    (void)state;
    assert_int_equal(settings_load(&settings, NULL, defines, 2, &report), ST_OK);
    assert_string_equal(settings->data_dir, "/data");
    settings_free(settings);
    settings_report_free(&report);
}

static void test_a_report_stays_bounded(void **state)
{
    (void)state;
    size_t lines = SETTINGS_MESSAGES_MAX + 500;
    char *text = mem_calloc(lines, 3);
    assert_non_null(text);
    for (size_t i = 0; i < lines; i++)
        memcpy(text + 3 * i, "q1\n", 3);
    struct settings_report report = {0};
    struct settings *settings = NULL;
    assert_int_equal(settings_load_text(&settings, "f", text, 3 * lines, NULL, 0, &report), ST_BAD_ARGUMENTS);
    assert_int_equal(report.count, SETTINGS_MESSAGES_MAX);
    assert_int_equal(report.warnings, lines);
    assert_int_equal(report.errors, 1);
    assert_int_equal(report.dropped, 501);
    mem_free(text);
    settings_report_free(&report);
}

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
    {"audit.enable=true", "is asked for, but"},
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
             "requestThrottleLimit=5\n"
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
        "zoo.cfg:6: info: leaderServes: has no effect: it is for ensembles\n"
        "zoo.cfg:7: warning: request_throttle_max_requests: is not followed by this version\n"
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

/* ---- printing, reloading -------------------------------------------------------------------------------------------
 */

static void test_what_is_printed_names_unit_and_origin(void **state)
{
    static const char *const defines[] = {"zookeeper.snapCount=7"};
    (void)state;
    struct loaded l = load_with(BASE "zooid.versionText=a\\\\b\n", defines, 1);
    char *text = print(l.settings);
    assert_non_null(strstr(text, "\n# default, ms\ntickTime=3000\n"));
    assert_non_null(strstr(text, "\n# zoo.cfg:2\nclientPort=2181\n"));
    assert_non_null(strstr(text, "\n# command line, txns\nsnapCount=7\n"));
    assert_non_null(strstr(text, "\n# derived, ms\nminSessionTimeout=6000\n"));
    assert_non_null(strstr(text, "\nzooid.versionText=a\\\\b\n"));
    assert_non_null(strstr(text, "\n# default, keyed|apache\nzooid.sessionPasswords=keyed\n"));
    free(text);
    unload(&l);
}

static void test_secrets_are_never_printed(void **state)
{
    static const char *const defines[] = {"ssl.keyStore.password=OPEN", "zookeeper.SASLAuthenticationProvider."
                                                                        "superPassword=OPEN"};
    (void)state;
    struct loaded l = load_with(BASE
                                "DigestAuthenticationProvider.superDigest=super:OPEN\nssl.trustStore.password=OPEN\n"
                                "ssl.keyStore.password=OPEN\n",
                                defines, 2);
    assert_int_equal(l.status, ST_OK);
    char *text = print(l.settings);
    char *said = report_text(&l.report, SETTINGS_INFO);
    assert_null(strstr(text, "OPEN"));
    assert_null(strstr(said, "OPEN"));
    assert_non_null(strstr(text, "\n# DigestAuthenticationProvider.superDigest=******\n"));
    assert_non_null(strstr(text, "\n# ssl.keyStore.password=******\n"));
    free(said);
    free(text);
    unload(&l);
}

static void test_deviations_are_named_until_they_are_chosen(void **state)
{
    (void)state;
    struct loaded l = load_well(BASE);
    assert_int_equal(settings_deviations(l.settings, &l.report), ST_OK);
    char *said = report_text(&l.report, SETTINGS_INFO);
    assert_string_equal(said,
                        "zoo.cfg: info: zooid.sessionPasswords: is keyed; Apache ZooKeeper's default is apache\n"
                        "zoo.cfg: info: preAllocSize: is 16384; Apache ZooKeeper's default is 65536\n"
                        "zoo.cfg: info: autopurge.purgeInterval: is 1h; Apache ZooKeeper's default is 0\n"
                        "zoo.cfg: info: netty.server.outstandingHandshake.limit: is 1000; Apache ZooKeeper's default "
                        "is -1\n"
                        "zoo.cfg: info: client.certReload: is true; Apache ZooKeeper's default is false\n"
                        "zoo.cfg: info: sslQuorumReloadCertFiles: is true; Apache ZooKeeper's default is false\n"
                        "zoo.cfg: info: admin.serverAddress: is 127.0.0.1; Apache ZooKeeper's default is 0.0.0.0\n");
    free(said);
    unload(&l);
    l = load_well(BASE "zooid.sessionPasswords=keyed\npreAllocSize=65536\nautopurge.purgeInterval=0\n"
                       "netty.server.outstandingHandshake.limit=1000\n"
                       "client.certReload=false\nsslQuorumReloadCertFiles=false\nadmin.serverAddress=127.0.0.1\n");
    assert_int_equal(settings_deviations(l.settings, &l.report), ST_OK);
    assert_int_equal(l.report.count, 0);
    unload(&l);
}

static void test_a_reload_takes_what_can_be_taken(void **state)
{
    (void)state;
    struct loaded old = load_well(BASE "maxClientCnxns=1\n4lw.commands.whitelist=ruok\n");
    struct loaded fresh = load_well(
        "dataDir=/other\nclientPort=2181\nmaxClientCnxns=2\n4lw.commands.whitelist=stat,mntr\n");
    struct settings_change changes[SETTINGS_CHANGES_MAX];
    assert_int_equal(settings_reload_diff(old.settings, old.settings, changes), 0);
    size_t count = settings_reload_diff(old.settings, fresh.settings, changes);
    assert_int_equal(count, 6); /* of dataDir, both sockets below it too */
    size_t reloadable = 0;
    for (size_t i = 0; i < count; i++)
        reloadable += changes[i].reloadable;
    assert_int_equal(reloadable, 2);
    settings_take_reloadable(old.settings, fresh.settings);
    assert_int_equal(old.settings->max_client_cnxns, 2);
    assert_string_equal(old.settings->words_whitelist, "stat,mntr");
    assert_int_equal(old.settings->origins[SETTING_ID_max_client_cnxns].line, 3);
    assert_string_equal(old.settings->data_dir, "/data");
    assert_string_equal(fresh.settings->words_whitelist, "ruok");
    unload(&old);
    unload(&fresh);
}

/* ---- files ---------------------------------------------------------------------------------------------------------
 */

static const char *under_root(const char *path)
{
    static char whole[4096];
    const char *root = getenv("ZOOID_ROOT");
    snprintf(whole, sizeof whole, "%s/%s", root != NULL ? root : ".", path);
    return whole;
}

static const struct {
    const char *file;
    bool loads;
    int32_t port;
    int32_t tick_time_ms;
} samples[] = {
    {"tests/fuzz/corpus/settings/sample.cfg", true, 2181, 2000},
    {"tests/fuzz/corpus/settings/docker.cfg", true, 2181, 2000},
    {"tests/fuzz/corpus/settings/kafka.cfg", true, 2181, 3000},
    {"tests/fuzz/corpus/settings/tls.cfg", true, 2181, 2000},
    {"tests/fuzz/corpus/settings/syntax.cfg", true, 2182, 3000},
    {"tests/fuzz/corpus/settings/ensemble.cfg", false, 0, 0},
    {"packaging/zoo.cfg", true, 2181, 2000},
};

static void test_files_as_people_have_them(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
        struct settings_report report = {0};
        struct settings *settings = NULL;
        enum status st = settings_load(&settings, under_root(samples[i].file), NULL, 0, &report);
        assert_int_equal(st, samples[i].loads ? ST_OK : ST_BAD_ARGUMENTS);
        if (st == ST_OK) {
            assert_int_equal(settings->client_port, samples[i].port);
            assert_int_equal(settings->tick_time_ms, samples[i].tick_time_ms);
            expect_prints_back(settings);
        }
        settings_free(settings);
        settings_report_free(&report);
    }
}

static void test_our_own_file_has_nothing_to_be_said_about(void **state)
{
    struct settings_report report = {0};
    struct settings *settings = NULL;
    (void)state;
    assert_int_equal(settings_load(&settings, under_root("packaging/zoo.cfg"), NULL, 0, &report), ST_OK);
    assert_int_equal(report.count, 0);
    settings_free(settings);
    settings_report_free(&report);
}

static void test_the_sample_of_the_zookeeper_package_loads(void **state)
{
    const char *sample = "/etc/zookeeper/conf_example/zoo.cfg";
    (void)state;
    if (access(sample, R_OK) != 0)
        skip();
    struct settings_report report = {0};
    struct settings *settings = NULL;
    assert_int_equal(settings_load(&settings, sample, NULL, 0, &report), ST_OK);
    assert_int_equal(settings->client_port, 2181);
    assert_int_equal(report.warnings, 0);
    settings_free(settings);
    settings_report_free(&report);
}

static void expect_unreadable(const char *path, enum status expected, const char *text)
{
    struct settings_report report = {0};
    struct settings *settings = NULL;
    assert_int_equal(settings_load(&settings, path, NULL, 0, &report), expected);
    assert_int_equal(report.errors, 1);
    assert_non_null(strstr(report.messages[0]->text, text));
    assert_string_equal(report.messages[0]->file, path);
    settings_report_free(&report);
}

static void test_a_file_that_cannot_be_read_is_named(void **state)
{
    (void)state;
    expect_unreadable("/nonexistent/zoo.cfg", ST_IO_ERROR, "cannot be opened: No such file or directory");
    expect_unreadable("/", ST_IO_ERROR, "cannot be read: Is a directory");
    expect_unreadable("/dev/zero", ST_BAD_ARGUMENTS, "is longer than 1 MiB");
}

#define MAN_BEGIN ".\\\" The following is made from agent/settings/settings.def.\n"
#define MAN_END   ".\\\" Until here it is made from agent/settings/settings.def.\n"

static char *read_whole(const char *path)
{
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    char *text = mem_calloc(1, 1 << 20);
    assert_non_null(text);
    assert_true(fread(text, 1, (1 << 20) - 1, file) > 0);
    fclose(file);
    return text;
}

/* REWRITE=1 in the environment writes the page anew. */
static void test_the_manual_page_is_current(void **state)
{
    (void)state;
    const char *path = under_root("packaging/man/zooid-zoo.cfg.5");
    char *page = read_whole(path), *made = NULL;
    size_t made_size = 0;
    FILE *out = open_memstream(&made, &made_size);
    assert_non_null(out);
    settings_print_man(out);
    assert_int_equal(fclose(out), 0);
    char *begin = strstr(page, MAN_BEGIN), *end = strstr(page, MAN_END);
    assert_true(begin != NULL && end != NULL && end > begin);
    begin += strlen(MAN_BEGIN);
    bool current = (size_t)(end - begin) == made_size && memcmp(begin, made, made_size) == 0;
    if (!current && getenv("REWRITE") != NULL) {
        FILE *fresh = fopen(path, "we");
        assert_non_null(fresh);
        fprintf(fresh, "%.*s%s%s", (int)(begin - page), page, made, end);
        assert_int_equal(fclose(fresh), 0);
    } else if (!current) {
        fail_msg("%s is not what settings.def says; run this test with REWRITE=1", path);
    }
    free(made);
    mem_free(page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults_are_those_of_zookeeper),
        cmocka_unit_test(test_words_stand_in_the_order_of_their_enums),
        cmocka_unit_test(test_keys_are_each_in_one_row),
        cmocka_unit_test(test_defaults_print_back),
        cmocka_unit_test(test_every_row_is_read_and_prints_back),
        cmocka_unit_test(test_each_mistake_names_file_line_and_key),
        cmocka_unit_test(test_all_mistakes_are_reported_in_the_order_of_the_file),
        cmocka_unit_test(test_numbers_may_be_hexadecimal),
        cmocka_unit_test(test_durations_take_suffixes),
        cmocka_unit_test(test_lists_are_trimmed),
        cmocka_unit_test(test_addresses_lose_their_brackets),
        cmocka_unit_test(test_unknown_keys_warn_and_a_near_one_is_named),
        cmocka_unit_test(test_the_last_of_two_values_counts),
        cmocka_unit_test(test_an_alias_is_the_same_key),
        cmocka_unit_test(test_the_command_line_wins),
        cmocka_unit_test(test_a_configuration_may_come_from_the_command_line_alone),
        cmocka_unit_test(test_a_report_stays_bounded),
        cmocka_unit_test(test_a_protection_that_is_not_built_stops_the_start),
        cmocka_unit_test(test_what_is_not_followed_warns_and_what_is_pointless_is_said),
        cmocka_unit_test(test_session_timeouts_follow_the_tick),
        cmocka_unit_test(test_clients_need_a_door),
        cmocka_unit_test(test_the_socket_is_below_the_data_directory),
        cmocka_unit_test(test_one_server_line_is_standalone),
        cmocka_unit_test(test_tls_keys_go_together),
        cmocka_unit_test(test_metrics_have_a_port_with_the_prometheus_provider),
        cmocka_unit_test(test_less_than_three_snapshots_are_three),
        cmocka_unit_test(test_a_negative_limit_is_none),
        cmocka_unit_test(test_what_makes_little_sense_warns),
        cmocka_unit_test(test_what_is_printed_names_unit_and_origin),
        cmocka_unit_test(test_secrets_are_never_printed),
        cmocka_unit_test(test_deviations_are_named_until_they_are_chosen),
        cmocka_unit_test(test_a_reload_takes_what_can_be_taken),
        cmocka_unit_test(test_files_as_people_have_them),
        cmocka_unit_test(test_our_own_file_has_nothing_to_be_said_about),
        cmocka_unit_test(test_the_sample_of_the_zookeeper_package_loads),
        cmocka_unit_test(test_a_file_that_cannot_be_read_is_named),
        cmocka_unit_test(test_the_manual_page_is_current),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
