/* settings_test.c - settings printed, loaded anew and read from files; the manual page. */
#include "tests/unit/agent/settings_fixture.h"

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
    assert_int_equal(count, 7); /* of dataDir, both sockets and the audit log below it too */
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
