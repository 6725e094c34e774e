/* settings_values_test.c - what may stand in zoo.cfg: the values of each type, and the keys. */
#include "tests/unit/agent/settings_fixture.h"

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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
