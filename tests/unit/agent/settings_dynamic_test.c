/* settings_dynamic_test.c - what stands beside zoo.cfg: myid, and the file that dynamicConfigFile names. */
#include "core/members/members.h"
#include "tests/unit/agent/settings_member_fixture.h"

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
        expect_member_report(THREE LIMITS, SETTINGS_ERROR, expected);
    }
}

static void test_blanks_around_the_number_do_not_count(void **state)
{
    (void)state;
    write_file("myid", "  3\t\r\nanything\n");
    struct loaded l = load_member_well(THREE LIMITS);
    assert_int_equal(l.settings->server_id, 3);
    unload(&l);
}

/* -- the dynamic file --------------------------------------------------------------------------------------------- */

static void expect_dynamic(const char *servers, const char *more, const char *expected)
{
    struct loaded l = load_dynamic("zoo.cfg.dynamic", servers, more);
    char *text = report_text(&l.report, SETTINGS_INFO), whole[1024];
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
    expect_member_report("dynamicConfigFile=/dev/zero\n", SETTINGS_ERROR,
                         "/dev/zero: error: dynamicConfigFile: is not a file\n");
    expect_member_report("dynamicConfigFile=/\n", SETTINGS_ERROR, "/: error: dynamicConfigFile: is not a file\n");
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_mistake_in_myid_names_the_file),
        cmocka_unit_test(test_blanks_around_the_number_do_not_count),
        cmocka_unit_test(test_a_dynamic_file_holds_the_lines_and_its_name_the_version),
        cmocka_unit_test(test_mistakes_in_a_dynamic_file_name_it_and_its_line),
        cmocka_unit_test(test_a_dynamic_file_is_an_ordinary_file),
        cmocka_unit_test(test_one_server_of_a_dynamic_file_runs_alone),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
