/* settings_beside_test.c - a member whose ensemble may change: what stands beside its zoo.cfg, its place in no
 * configuration, and settings that follow a change. */
#include "agent/settings/settings_internal.h"
#include "core/base/check.h"
#include "core/base/mem.h"
#include "core/members/members.h"
#include "tests/support/test.h"
#include "tests/support/tmp.h"

#include <stdlib.h>

#define MEMBER  "initLimit=10\nsyncLimit=5\nzooid.sessionPasswords=apache\nreconfigEnabled=true\n"
#define THREE   "server.1=a:1:2:participant;2181\nserver.2=b:1:2:participant;2181\nserver.3=c:1:2:participant;2181"
#define PENDING "server.1=a:1:2:participant;2181\nserver.2=b:1:2:participant;2181\n"

static char *dir;

static int make_dir(void **state)
{
    (void)state;
    dir = tmp_make();
    return 0;
}

static int remove_dir(void **state)
{
    (void)state;
    tmp_remove(dir);
    return 0;
}

static void write_file(const char *name, const char *text)
{
    char *path = tmp_join(dir, name);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
    free(path);
}

static void write_id(const char *id)
{
    write_file("myid", id);
}

struct loaded {
    struct settings *settings;
    struct settings_report report;
    char *said; /* warnings and errors, each with `dir` taken out */
};

static void take_out_dir(char *text)
{
    size_t length = strlen(dir);
    for (char *at; (at = strstr(text, dir)) != NULL;)
        memmove(at, at + length, strlen(at + length) + 1);
}

static struct loaded load(const char *zoo_cfg)
{
    struct loaded l = {0};
    size_t size = 0;
    char *path = tmp_join(dir, "zoo.cfg"), *text = NULL;
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fprintf(file, "dataDir=%s\n%s", dir, zoo_cfg);
    assert_int_equal(fclose(file), 0);
    (void)settings_load(&l.settings, path, NULL, 0, &l.report);
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    settings_report_print(&l.report, SETTINGS_WARNING, out);
    assert_int_equal(fclose(out), 0);
    take_out_dir(text);
    l.said = text;
    free(path);
    return l;
}

static struct loaded load_well(const char *zoo_cfg)
{
    struct loaded l = load(zoo_cfg);
    if (l.settings == NULL)
        fail_msg("%s", l.said);
    return l;
}

static void unload(struct loaded *l)
{
    settings_free(l->settings);
    settings_report_free(&l->report);
    free(l->said);
}

static struct members *parse(const char *text)
{
    struct members *m = NULL;
    struct members_error error;
    assert_int_equal(members_parse(bytes_of(text), 0, &m, &error), ST_OK);
    return m;
}

/* -- files beside zoo.cfg ----------------------------------------------------------------------------------------- */

/* [7.5 3829 3830] */
static void a_zoo_cfg_put_back_to_the_first_day_does_not_bring_back_who_has_left(void **state)
{
    (void)state;
    write_id("1");
    write_file("zoo.cfg.dynamic.100000000", THREE);
    write_file("zoo.cfg.dynamic.2000000ff", PENDING);
    write_file("zoo.cfg.dynamic.9.tmp", "half of it");
    write_file("other.cfg.dynamic.300000000", "somebody else's");
    struct loaded l = load_well(MEMBER "server.1=a:1:2\nserver.2=b:1:2\nserver.9=z:1:2\nclientPort=4000\n");
    assert_int_equal(l.settings->members->version, 0x2000000ff);
    assert_int_equal(l.settings->members->count, 2);
    assert_null(members_find(l.settings->members, 9));
    assert_int_equal(l.settings->client_port, 2181);
    assert_non_null(strstr(l.said, "dynamicConfigFile: /zoo.cfg.dynamic.2000000ff holds a newer configuration than the "
                                   "one that is named here, and counts"));
    assert_non_null(strstr(l.said, "its client address is not that of clientPort or secureClientPort; this line "
                                   "counts"));
    unload(&l);
}

static void a_pointer_to_an_older_file_is_passed_over(void **state)
{
    char lines[512];
    (void)state;
    write_id("1");
    write_file("zoo.cfg.dynamic.100000000", THREE);
    write_file("zoo.cfg.dynamic.200000001", PENDING);
    snprintf(lines, sizeof lines, MEMBER "dynamicConfigFile=%s/zoo.cfg.dynamic.100000000\n", dir);
    struct loaded l = load_well(lines);
    assert_int_equal(l.settings->members->version, 0x200000001);
    unload(&l);
    snprintf(lines, sizeof lines, MEMBER "dynamicConfigFile=%s/zoo.cfg.dynamic.200000001\n", dir);
    l = load_well(lines);
    assert_int_equal(l.settings->members->version, 0x200000001);
    assert_null(strstr(l.said, "newer"));
    unload(&l);
}

static void without_reconfig_no_file_is_looked_for(void **state)
{
    (void)state;
    write_id("1");
    write_file("zoo.cfg.dynamic.200000001", PENDING);
    write_file("zoo.cfg.dynamic.next", PENDING "version=300000001");
    struct loaded l = load_well("initLimit=10\nsyncLimit=5\n" THREE);
    assert_int_equal(l.settings->members->version, 0);
    assert_null(l.settings->pending);
    unload(&l);
}

static void what_was_proposed_last_is_remembered_while_it_is_newer(void **state)
{
    (void)state;
    write_id("1");
    write_file("zoo.cfg.dynamic.100000000", THREE);
    write_file("zoo.cfg.dynamic.next", PENDING "version=100000007");
    struct loaded l = load_well(MEMBER);
    assert_int_equal(l.settings->pending->version, 0x100000007);
    assert_int_equal(l.settings->pending->count, 2);
    unload(&l);
    write_file("zoo.cfg.dynamic.next", THREE "\nversion=100000000");
    l = load_well(MEMBER);
    assert_null(l.settings->pending);
    unload(&l);
}

/* What a server has promised must not be forgotten because a disk has eaten it. */
static void a_damaged_promise_stops_the_start(void **state)
{
    (void)state;
    write_id("1");
    write_file("zoo.cfg.dynamic.100000000", THREE);
    write_file("zoo.cfg.dynamic.next", PENDING "nonsense");
    struct loaded l = load(MEMBER);
    assert_null(l.settings);
    assert_non_null(strstr(l.said, "/zoo.cfg.dynamic.next:3: error: "));
    assert_non_null(strstr(l.said, "this is the configuration that this server has agreed to last"));
    unload(&l);
}

static void server_lines_on_the_command_line_would_undo_every_change(void **state)
{
    static const char *const defines[] = {"server.1=a:1:2", "server.2=b:1:2", "server.3=c:1:2"};
    struct settings_report report = {0};
    struct settings *settings = NULL;
    (void)state;
    write_id("1");
    assert_int_equal(settings_load_text(&settings, "zoo.cfg", MEMBER, strlen(MEMBER), defines, 3, &report),
                     ST_BAD_ARGUMENTS);
    assert_null(settings);
    settings_report_free(&report);
}

/* -- a place in no configuration ---------------------------------------------------------------------------------- */

static void a_server_without_a_line_has_its_place_from_a_key(void **state)
{
    (void)state;
    write_id("4");
    struct loaded l = load_well(MEMBER THREE "\npeerType=observer\nzooid.serverAddress=d:5:6\nclientPort=2182\n");
    const struct member *own = settings_own_member(l.settings);
    assert_true(bytes_equal(own->addresses[0].host, BYTES("d")));
    assert_int_equal(own->addresses[0].election_port, 6);
    assert_int_equal(l.settings->peer_type, PEER_TYPE_OBSERVER);
    assert_int_equal(l.settings->client_port, 2182);
    assert_int_equal(l.settings->members->count, 3);
    unload(&l);
    l = load(MEMBER THREE "\nzooid.serverAddress=nowhere\n");
    assert_null(l.settings);
    assert_non_null(strstr(l.said, "zooid.serverAddress: "));
    unload(&l);
}

static void an_observer_may_have_a_large_number_and_a_voter_may_not(void **state)
{
    static const struct {
        const char *id, *lines, *error;
    } rows[] = {
        {"1311768467463790337", "peerType=observer\nzooid.serverAddress=d:5:6\n", NULL},
        {"1311768467463790337", "server.1311768467463790337=d:5:6:observer\n", NULL},
        {"1311768467463790337", "zooid.serverAddress=d:5:6\n", "the number of one that may vote is 254 at most"},
        {"1311768467463790337", "server.1311768467463790337=d:5:6\n", "the number of one that may vote is 254 at most"},
        {"511", "peerType=observer\nzooid.serverAddress=d:5:6\n", "a number whose low byte is 255 cannot be used"},
        {"9223372036854775807", "peerType=observer\nzooid.serverAddress=d:5:6\n", "does not hold the number"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char lines[1024];
        write_id(rows[i].id);
        snprintf(lines, sizeof lines, MEMBER THREE "\n%s", rows[i].lines);
        struct loaded l = load(lines);
        if ((rows[i].error == NULL) != (l.settings != NULL) ||
            (rows[i].error != NULL && strstr(l.said, rows[i].error) == NULL))
            fail_msg("row %zu: %s", i, l.said);
        unload(&l);
    }
}

/* -- following ---------------------------------------------------------------------------------------------------- */

static void settings_become_what_the_files_say(void **state)
{
    char lines[512], path[256];
    (void)state;
    write_id("1");
    struct loaded live = load_well(MEMBER THREE "\n");
    struct members *m = parse("server.1=a:11:12:observer;127.0.0.1:2191\nserver.2=b:1:2\nserver.4=d:1:2\n"
                              "version=100000005");
    snprintf(path, sizeof path, "%s/zoo.cfg.dynamic.100000005", dir);
    assert_int_equal(settings_follow(live.settings, m, path), ST_OK);
    assert_int_equal(live.settings->peer_type, PEER_TYPE_OBSERVER);
    assert_int_equal(live.settings->client_port, 2191);
    assert_string_equal(live.settings->client_port_address, "127.0.0.1");
    assert_int_equal(settings_own_member(live.settings)->addresses[0].quorum_port, 11);
    write_file("zoo.cfg.dynamic.100000005", "server.1=a:11:12:observer;127.0.0.1:2191\nserver.2=b:1:2\nserver.4=d:1:2");
    snprintf(lines, sizeof lines, MEMBER "dynamicConfigFile=%s\n", path);
    struct loaded fresh = load_well(lines);
    struct settings_change changes[SETTINGS_CHANGES_MAX];
    assert_int_equal(settings_reload_diff(live.settings, fresh.settings, changes), 0);
    unload(&fresh);
    members_free(m);
    unload(&live);
}

static void a_client_port_goes_with_the_line_that_brought_it(void **state)
{
    (void)state;
    write_id("1");
    struct loaded live = load_well(MEMBER THREE "\n");
    struct members *without = parse("server.1=a:1:2\nserver.2=b:1:2\nversion=100000006");
    struct members *gone = parse("server.2=b:1:2\nserver.3=b:3:4\nversion=100000007");
    struct members *back = parse("server.1=a:1:2;2199\nserver.2=b:1:2\nversion=100000008");
    assert_int_equal(live.settings->client_port, 2181);
    assert_int_equal(settings_follow(live.settings, without, NULL), ST_OK);
    assert_int_equal(live.settings->client_port, -1);
    assert_int_equal(settings_follow(live.settings, back, NULL), ST_OK);
    assert_int_equal(live.settings->client_port, 2199);
    /* Whoever is removed goes on serving its clients where it did. */
    assert_int_equal(settings_follow(live.settings, gone, NULL), ST_OK);
    assert_int_equal(live.settings->client_port, 2199);
    members_free(without);
    members_free(gone);
    members_free(back);
    unload(&live);
}

static void a_client_port_of_zoo_cfg_stays(void **state)
{
    (void)state;
    write_id("1");
    struct loaded live = load_well(MEMBER "server.1=a:1:2\nserver.2=b:1:2\nclientPort=2183\n");
    struct members *m = parse("server.1=a:3:4\nserver.2=b:1:2\nversion=100000006");
    assert_int_equal(settings_follow(live.settings, m, NULL), ST_OK);
    assert_int_equal(live.settings->client_port, 2183);
    members_free(m);
    unload(&live);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_dir, remove_dir)
    const struct CMUnitTest tests[] = {
        TEST(a_zoo_cfg_put_back_to_the_first_day_does_not_bring_back_who_has_left),
        TEST(a_pointer_to_an_older_file_is_passed_over),
        TEST(without_reconfig_no_file_is_looked_for),
        TEST(what_was_proposed_last_is_remembered_while_it_is_newer),
        TEST(a_damaged_promise_stops_the_start),
        TEST(server_lines_on_the_command_line_would_undo_every_change),
        TEST(a_server_without_a_line_has_its_place_from_a_key),
        TEST(an_observer_may_have_a_large_number_and_a_voter_may_not),
        TEST(settings_become_what_the_files_say),
        TEST(a_client_port_goes_with_the_line_that_brought_it),
        TEST(a_client_port_of_zoo_cfg_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
