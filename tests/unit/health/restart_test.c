/* restart_test.c - what is kept over a restart, and what becomes of a file that cannot be used. */
#include "tests/unit/health/fake_host.h"

#include "plugins/health/process.h"
#include "tests/support/tmp.h"
#include "tests/support/wait.h"

#include <jansson.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SETTINGS \
    "{\"checks\": [{\"id\": \"c\", \"type\": \"command\", \"provider\": \"p\", \"command\": \"c\", \"rise\": 3}]}"
#define TTL "{\"id\": \"t\", \"type\": \"ttl\", \"ttl_ms\": 5000}"

static char *kept_file(const char *directory)
{
    return tmp_join(directory, "checks.json");
}

static void write_file(const char *directory, const char *text)
{
    char *path = kept_file(directory);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0 && fclose(file) == 0);
    free(path);
}

static void set_up(zooid_host *host, const char *directory)
{
    assert_int_equal(fake_start(host, SETTINGS, directory), 0);
    assert_int_equal(fake_ask(host, "define", TTL, "uid:1000"), 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(fake_ask(host, "run", "{\"args\": [\"c\"]}", "uid:0"), 1);
        fake_reply(host, 0, "{\"status\": \"passing\", \"output\": \"good\"}");
    }
    assert_int_equal(fake_ask(host, "pass", "{\"args\": [\"t\", \"beat\"]}", "uid:1000"), 0);
}

static void test_states_and_definitions_survive(void **context)
{
    char *directory = tmp_make();
    zooid_host host = {0};
    (void)context;
    set_up(&host, directory);
    char *before = fake_text(fake_node(&host, "/zooid/checks/here/c"),
                             strlen(fake_node(&host, "/zooid/checks/here/c")));
    fake_stop(&host);
    assert_int_equal(fake_start(&host, SETTINGS, directory), 0);
    assert_string_equal(fake_node(&host, "/zooid/checks/here/c"), before); /* `since`, too */
    assert_non_null(strstr(fake_node(&host, "/zooid/checks/here/t"), "\"output\":\"beat\""));
    assert_string_equal(host.status, "2 checks: 2 passing, 0 warning, 0 critical");
    /* Its owner is the same, and the rest of its definition. */
    assert_int_equal(fake_ask(&host, "pass", "{\"args\": [\"t\"]}", "uid:1001"), ZOOID_PLUGIN_NO_AUTH);
    assert_int_equal(fake_ask(&host, "pass", "{\"args\": [\"t\"]}", "uid:1000"), 0);
    fake_stop(&host);
    /* What the settings do not have any more is gone; what was dropped stays so. */
    assert_int_equal(fake_start(&host, "{}", directory), 0);
    assert_int_equal(fake_ask(&host, "drop", "{\"args\": [\"t\"]}", "uid:1000"), 0);
    fake_stop(&host);
    assert_int_equal(fake_start(&host, "{}", directory), 0);
    assert_string_equal(host.status, "");
    fake_stop(&host);
    free(before);
    tmp_remove(directory);
}

/* Time in which nobody could be told a heartbeat does not count. */
static void test_heartbeats_go_on_where_they_were(void **context)
{
    char *directory = tmp_make();
    zooid_host host = {0};
    (void)context;
    set_up(&host, directory);
    fake_run(&host, 4000);
    fake_stop(&host);
    host.now_ms += 100000;
    assert_int_equal(fake_start(&host, SETTINGS, directory), 0);
    fake_run(&host, 999);
    assert_non_null(strstr(fake_node(&host, "/zooid/checks/here/t"), "passing"));
    fake_run(&host, 1);
    assert_non_null(strstr(fake_node(&host, "/zooid/checks/here/t"), "critical"));
    fake_stop(&host);
    tmp_remove(directory);
}

static bool is_written(void *context)
{
    zooid_host *host = context;
    char *path = kept_file(host->state_dir);
    json_t *file = json_load_file(path, 0, NULL);
    bool written = json_object_get(json_object_get(file, "checks"), "t") != NULL;
    json_decref(file);
    free(path);
    return written;
}

static bool has_counted(zooid_host *host, const char *metric)
{
    struct fake_item *told = fake_named(host, FAKE_DESCRIPTOR, NULL);
    if (fake_value(host, metric) < 1)
        told->ready(told->context, ZOOID_PLUGIN_READABLE);
    return fake_value(host, metric) >= 1;
}

static bool is_saved(void *context)
{
    return has_counted(context, "health_saves_total");
}

static bool has_failed(void *context)
{
    return has_counted(context, "health_saves_failed_total");
}

/* Written while it runs; after a crash a heartbeat has its whole time again, since one may have come that is not in it.
 */
static void test_a_crash(void **context)
{
    char *directory = tmp_make();
    zooid_host host = {0}, again = {0};
    (void)context;
    set_up(&host, directory);
    fake_run(&host, 4000);
    assert_true(wait_until(is_written, &host, 30000));
    assert_true(wait_until(is_saved, &host, 30000));
    again.now_ms = host.now_ms;
    assert_int_equal(fake_start(&again, SETTINGS, directory), 0);
    fake_run(&again, 4999);
    assert_non_null(strstr(fake_node(&again, "/zooid/checks/here/t"), "passing"));
    fake_run(&again, 1);
    assert_non_null(strstr(fake_node(&again, "/zooid/checks/here/t"), "critical"));
    fake_stop(&again);
    fake_stop(&host);
    tmp_remove(directory);
}

/* At once, also on a host that has just come up: from the file the process that comes next learns of this one. */
static void test_the_first_write(void **context)
{
    char *directory = tmp_make();
    zooid_host host = {0};
    (void)context;
    assert_int_equal(fake_start(&host, "{\"save_interval_ms\": 3600000}", directory), 0);
    fake_run(&host, 0);
    assert_true(wait_until(is_saved, &host, 30000));
    fake_stop(&host);
    tmp_remove(directory);
}

static void test_what_cannot_be_used(void **context)
{
    static const struct {
        const char *text, *log;
    } rows[] = {
        {"", "cannot be read, line 1: "},
        {"{\"format\": 1", "cannot be read, line 1: "},
        {"[]", "what was kept is not used: format must be 1"},
        {"{\"format\": 2, \"checks\": {}}", "what was kept is not used: format must be 1"},
        {"{\"format\": 1, \"checks\": []}", "what was kept is not used: checks must be there"},
        {"{\"format\": 1, \"checks\": {\"t\": 5}}",
         "what was kept of check t is not used: : must be a group of settings"},
        {"{\"format\": 1, \"checks\": {\"t\": {\"status\": \"passing\", \"definition\": {}}}}",
         "what was kept of check t is not used: type: must be one of"},
        {"{\"format\": 1, \"checks\": {\"c\": {\"type\": \"command\", \"status\": \"well\"}}}",
         "what was kept of check c is not used: status: must be one of"},
    };
    (void)context;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *directory = tmp_make();
        zooid_host host = {0};
        write_file(directory, rows[i].text);
        assert_int_equal(fake_start(&host, SETTINGS, directory), 0);
        if (strstr(host.log, rows[i].log) == NULL)
            print_error("%s\n%s\n", rows[i].text, host.log);
        assert_non_null(strstr(host.log, rows[i].log));
        assert_int_equal(fake_ask(&host, "show", "{\"args\": [\"c\"]}", "uid:0"), 0);
        fake_stop(&host);
        assert_int_equal(fake_start(&host, SETTINGS, directory), 0);
        assert_string_equal(host.log, "");
        fake_stop(&host);
        tmp_remove(directory);
    }
}

/* ---- around a reload
 * --------------------------------------------------------------------------------------------------------- */

#define RECORD(id, status, left)                                                                                       \
    "\"" id "\": {\"type\": \"ttl\", \"owner\": 1000, \"status\": \"" status "\", \"output\": \"told\", \"known\": 1," \
    "\"ttl_left_ms\": " left ", \"definition\": {\"id\": \"" id "\", \"type\": \"ttl\", \"ttl_ms\": 50000}}"

/* The file as the process before has left it. */
static void write_before(const char *directory, pid_t pid, const char *records)
{
    char text[2000];
    (void)snprintf(text, sizeof text, "{\"format\": 1, \"pid\": %d, \"pid_start\": %lld, \"checks\": {%s}}", (int)pid,
                   (long long)process_start_time(pid), records);
    write_file(directory, text);
}

static bool has_node(zooid_host *host, const char *id)
{
    char path[128];
    (void)snprintf(path, sizeof path, "/zooid/checks/here/%s", id);
    return fake_named(host, FAKE_NODE, path) != NULL;
}

/* While the process before lives, the file is its own; then what it was told meanwhile is taken over. */
static void test_a_reload(void **context)
{
    char *directory = tmp_make(), *path = kept_file(directory);
    zooid_host host = {0};
    struct stat before, after;
    pid_t pid = fork();
    (void)context;
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* also when the test fails */
        for (;;)
            (void)pause();
    }
    write_before(directory, pid,
                 RECORD("t", "passing", "-1") ", " RECORD("u", "passing", "-1") ", " RECORD("v", "passing", "-1"));
    assert_int_equal(stat(path, &before), 0);
    assert_int_equal(fake_start(&host, "{}", directory), 0);
    assert_string_equal(host.status, "3 checks: 3 passing, 0 warning, 0 critical");
    assert_int_equal(fake_ask(&host, "drop", "{\"args\": [\"v\"]}", "uid:1000"), 0);
    assert_int_equal(fake_ask(&host, "define", "{\"id\": \"mine\", \"type\": \"ttl\", \"ttl_ms\": 50000}", "uid:1000"),
                     0);
    fake_run(&host, 5000);
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    write_before(directory, pid,
                 RECORD("t", "warning", "7000") ", " RECORD("w", "passing", "-1") ", " RECORD("v", "passing", "-1"));
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    fake_run(&host, 1000);
    assert_true(has_node(&host, "mine") && has_node(&host, "w"));
    assert_false(has_node(&host, "u") || has_node(&host, "v"));
    assert_non_null(strstr(fake_node(&host, "/zooid/checks/here/t"), "warning"));
    fake_run(&host, 7000);
    assert_non_null(strstr(fake_node(&host, "/zooid/checks/here/t"), "no heartbeat"));
    fake_stop(&host);
    json_t *file = json_load_file(path, 0, NULL);
    assert_int_equal(json_integer_value(json_object_get(file, "pid")), getpid());
    json_decref(file);
    free(path);
    tmp_remove(directory);
}

/* A start that is refused takes nothing away. */
static void test_a_start_that_is_refused(void **context)
{
    char *directory = tmp_make();
    zooid_host host = {0};
    (void)context;
    set_up(&host, directory);
    fake_stop(&host);
    assert_int_equal(fake_start(&host, "{\"checks\": [{\"id\": \"c\", \"type\": \"ping\"}]}", directory),
                     ZOOID_PLUGIN_REFUSED);
    assert_string_equal(host.error_key, "checks.[0].type");
    fake_clear(&host);
    assert_int_equal(fake_start(&host, "{\"checks\": [" TTL ", " TTL "]}", directory), ZOOID_PLUGIN_REFUSED);
    assert_string_equal(host.error_key, "checks.[1].id");
    fake_clear(&host);
    host.name = "a/b";
    assert_int_equal(fake_start(&host, "{}", directory), ZOOID_PLUGIN_REFUSED);
    assert_non_null(strstr(host.error, "a/b"));
    fake_clear(&host);
    assert_int_equal(fake_start(&host, SETTINGS, directory), 0);
    assert_string_equal(host.status, "2 checks: 2 passing, 0 warning, 0 critical");
    fake_stop(&host);
    tmp_remove(directory);
}

static void test_a_disk_that_fails(void **context)
{
    zooid_host host = {0};
    (void)context;
    assert_int_equal(fake_start(&host, SETTINGS, "/nonexistent/directory"), 0);
    fake_run(&host, 1000);
    assert_true(wait_until(has_failed, &host, 30000));
    assert_non_null(strstr(host.log, "cannot be written: No such file or directory"));
    fake_stop(&host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_states_and_definitions_survive),
        cmocka_unit_test(test_heartbeats_go_on_where_they_were),
        cmocka_unit_test(test_a_crash),
        cmocka_unit_test(test_the_first_write),
        cmocka_unit_test(test_what_cannot_be_used),
        cmocka_unit_test(test_a_reload),
        cmocka_unit_test(test_a_start_that_is_refused),
        cmocka_unit_test(test_a_disk_that_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
