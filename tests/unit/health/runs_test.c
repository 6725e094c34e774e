/* runs_test.c - the plugin in a host whose clock the test moves: when checks run, what becomes of their results, and
 * what the tree shows. */
#include "tests/unit/health/fake_host.h"

#include <jansson.h>

#define COMMAND(id) "{\"id\": \"" id "\", \"type\": \"command\", \"provider\": \"p\", \"command\": \"" id "\", "

static void assert_shows(zooid_host *host, const char *id, const char *status, const char *output)
{
    char path[128];
    (void)snprintf(path, sizeof path, "/zooid/checks/here/%s", id);
    json_t *json = json_loads(fake_node(host, path), 0, NULL);
    assert_non_null(json);
    assert_string_equal(json_string_value(json_object_get(json, "id")), id);
    assert_string_equal(json_string_value(json_object_get(json, "status")), status);
    assert_string_equal(json_string_value(json_object_get(json, "output")), output);
    assert_string_equal(json_string_value(json_object_get(json, "host")), "here");
    json_decref(json);
}

static void test_a_check_becomes_passing_and_critical(void **context)
{
    zooid_host host = {0};
    (void)context;
    assert_int_equal(fake_start(&host, "{\"checks\": [" COMMAND("c") "\"interval_ms\": 1000, \"fall\": 2}]}", NULL), 0);
    assert_shows(&host, "c", "critical", "");
    fake_run(&host, 1000);
    fake_reply(&host, 0, "{\"status\": \"passing\", \"output\": \"all well\"}");
    assert_shows(&host, "c", "passing", "all well");
    assert_string_equal(host.log, "check c: critical -> passing: all well");
    assert_string_equal(host.status, "1 checks: 1 passing, 0 warning, 0 critical");
    fake_run(&host, 1000);
    fake_reply(&host, -1009, "there is no such provider");
    assert_shows(&host, "c", "passing", "all well"); /* the output alone is not written yet */
    fake_run(&host, 1000);
    fake_reply(&host, 0, "\"critical\"");
    assert_shows(&host, "c", "critical", "");
    fake_run(&host, 1000);
    fake_reply(&host, 0, "{\"status\": \"splendid\"}");
    assert_int_equal((int)fake_value(&host, "health_runs_total command"), 4);
    assert_int_equal((int)fake_value(&host, "health_failures_total command"), 3);
    assert_int_equal((int)fake_value(&host, "health_changes_total"), 2);
    assert_int_equal((int)fake_value(&host, "health_checks critical"), 1);
    fake_stop(&host);
}

/* 1,000 checks whose runs take up to half of their interval, for a minute: each runs once an interval, none twice at
 * once, none is late, and no moment has many more than its share. */
static void test_a_thousand_checks(void **context)
{
    enum { CHECKS = 1000, SECONDS = 60, INTERVAL_MS = 5000 };
    static uint32_t left_ms[100000];
    zooid_host host = {0};
    json_t *checks = json_array();
    uint64_t random = 1, most = 0, started = 0, ended = 0;
    (void)context;
    for (int i = 0; i < CHECKS; i++)
        json_array_append_new(checks,
                              json_pack("{s:o, s:s, s:s, s:s, s:i}", "id", json_sprintf("c%04d", i), "type", "command",
                                        "provider", "p", "command", "c", "interval_ms", INTERVAL_MS));
    json_t *settings = json_pack("{s:o, s:i}", "checks", checks, "runs_max", CHECKS);
    char *text = json_dumps(settings, 0);
    json_decref(settings);
    assert_int_equal(fake_start(&host, text, NULL), 0);
    for (int ms = 0; ms < SECONDS * 1000; ms++) {
        uint64_t before = (uint64_t)fake_value(&host, "health_runs_active");
        fake_run(&host, 1);
        for (size_t i = 0; i < host.count; i++) {
            struct fake_item *item = &host.items[i];
            if (item->handle == 0 || item->kind != FAKE_CALL)
                continue;
            if (item->at_ms != 0) { /* it has just begun */
                item->at_ms = 0;
                random = random * 6364136223846793005ULL + 1442695040888963407ULL;
                left_ms[i] = (uint32_t)(random >> 33) % (INTERVAL_MS / 2);
                started++;
            } else if (left_ms[i]-- == 0) {
                struct fake_item done = *item;
                item->name = item->data = NULL;
                fake_remove(item);
                const struct zooid_plugin_reply reply = {.bytes = "\"passing\"", .bytes_len = 9};
                done.reply(done.context, &reply);
                free(done.name);
                free(done.data);
                ended++;
            }
        }
        uint64_t now = (uint64_t)fake_value(&host, "health_runs_active");
        if (ms > 10000 && now > before && now - before > most)
            most = now - before;
    }
    assert_int_equal((int)fake_value(&host, "health_runs_late_total"), 0);
    assert_true(started - ended <= CHECKS);
    assert_in_range(ended, CHECKS * (SECONDS / 5 - 1), CHECKS * (SECONDS / 5 + 2));
    assert_true(most < 10); /* where 1000 at once would be a herd */
    assert_string_equal(host.failure, "");
    free(text);
    fake_stop(&host);
}

static void test_runs_wait_for_room_and_are_late_then(void **context)
{
    zooid_host host = {0};
    (void)context;
    assert_int_equal(fake_start(&host,
                                "{\"runs_max\": 1, \"start_spread_ms\": 0, \"checks\": [" COMMAND(
                                    "a") "\"interval_ms\": 5000}, " COMMAND("b") "\"interval_ms\": 5000}]}",
                                NULL),
                     0);
    assert_int_equal((int)fake_value(&host, "health_runs_active"), 1);
    fake_run(&host, 300);
    assert_int_equal((int)fake_value(&host, "health_runs_active"), 1);
    fake_reply(&host, 0, "\"passing\"");
    assert_int_equal((int)fake_value(&host, "health_runs_active"), 1);
    fake_reply(&host, 0, "\"passing\"");
    assert_int_equal((int)fake_value(&host, "health_runs_late_total"), 1);
    assert_int_equal((int)(fake_value(&host, "health_lateness_max_seconds") * 1000), 300);
    fake_stop(&host);
}

/* A run that takes longer than its interval is followed by the next one, and never joined by it. */
static void test_long_runs_do_not_overlap(void **context)
{
    zooid_host host = {0};
    (void)context;
    assert_int_equal(fake_start(&host, "{\"checks\": [" COMMAND("a") "\"interval_ms\": 100}]}", NULL), 0);
    fake_run(&host, 100);
    fake_reply(&host, 0, "\"passing\"");
    for (int i = 0; i < 5; i++) {
        fake_run(&host, 350);
        assert_int_equal((int)fake_value(&host, "health_runs_active"), 1);
        fake_reply(&host, 0, "\"passing\"");
    }
    fake_stop(&host);
}

static void test_slow_is_a_warning(void **context)
{
    zooid_host host = {0};
    (void)context;
    assert_int_equal(fake_start(&host, "{\"checks\": [" COMMAND("a") "\"interval_ms\": 1000, \"slow_ms\": 50}]}", NULL),
                     0);
    fake_run(&host, 1000);
    fake_run(&host, 100);
    fake_reply(&host, 0, "{\"status\": \"passing\", \"output\": \"at last\"}");
    assert_shows(&host, "a", "warning", "at last");
    fake_stop(&host);
}

static void test_output_alone_is_written_seldom(void **context)
{
    zooid_host host = {0};
    (void)context;
    assert_int_equal(fake_start(&host, "{\"checks\": [" COMMAND("a") "\"interval_ms\": 1000}]}", NULL), 0);
    for (int i = 0; i < 30; i++) {
        char answer[64];
        while (fake_named(&host, FAKE_CALL, "a") == NULL)
            fake_run(&host, 10);
        (void)snprintf(answer, sizeof answer, "{\"status\": \"passing\", \"output\": \"load %d\"}", i);
        fake_reply(&host, 0, answer);
    }
    assert_in_range(fake_named(&host, FAKE_NODE, NULL)->writes, 3, 6);
    fake_run(&host, 10000);
    assert_shows(&host, "a", "passing", "load 29");
    fake_stop(&host);
}

static void test_output_is_cut_and_cleaned(void **context)
{
    zooid_host host = {0};
    (void)context;
    assert_int_equal(
        fake_start(&host, "{\"checks\": [" COMMAND("a") "\"interval_ms\": 100, \"output_max\": 5}]}", NULL), 0);
    fake_run(&host, 100);
    fake_reply(&host, 0, "{\"status\": \"passing\", \"output\": \"ab\\u0000\\u001bgr\xC3\xBC\xC3\x9F\"}");
    assert_shows(&host, "a", "passing", "ab  g");
    fake_stop(&host);
}

static void test_heartbeats(void **context)
{
    zooid_host host = {0};
    (void)context;
    assert_int_equal(
        fake_start(&host,
                   "{\"checks\": [{\"id\": \"t\", \"type\": \"ttl\", \"ttl_ms\": 5000, \"initial\": \"warning\"}]}",
                   NULL),
        0);
    assert_shows(&host, "t", "warning", "");
    fake_run(&host, 4999);
    assert_shows(&host, "t", "warning", "");
    fake_run(&host, 1);
    assert_shows(&host, "t", "critical", "no heartbeat for 5000 ms");
    assert_int_equal(fake_ask(&host, "pass", "{\"args\": [\"t\", \"here I am\"]}", "uid:1000"), 0);
    assert_shows(&host, "t", "passing", "here I am");
    fake_run(&host, 4000);
    assert_int_equal(fake_ask(&host, "warn", "{\"args\": {\"check\": \"t\", \"output\": \"oh\"}}", "uid:1000"), 0);
    assert_shows(&host, "t", "warning", "oh");
    fake_run(&host, 4000);
    assert_int_equal(fake_ask(&host, "fail", "{\"args\": [\"t\"]}", "uid:1000"), 0);
    assert_shows(&host, "t", "critical", "");
    fake_run(&host, 100000);
    assert_int_equal((int)fake_value(&host, "health_failures_total ttl"), 3);
    fake_stop(&host);
}

static void test_no_memory_of_the_host(void **context)
{
    (void)context;
    for (size_t after = 1; after < 80; after++) {
        zooid_host host = {.refuse_after = after};
        int started = fake_start(&host, "{\"checks\": [" COMMAND("a") "\"interval_ms\": 100}]}", NULL);
        if (started == ZOOID_PLUGIN_READY) {
            fake_run(&host, 1000);
            fake_stop(&host);
        } else {
            fake_clear(&host);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_check_becomes_passing_and_critical),
        cmocka_unit_test(test_a_thousand_checks),
        cmocka_unit_test(test_runs_wait_for_room_and_are_late_then),
        cmocka_unit_test(test_long_runs_do_not_overlap),
        cmocka_unit_test(test_slow_is_a_warning),
        cmocka_unit_test(test_output_alone_is_written_seldom),
        cmocka_unit_test(test_output_is_cut_and_cleaned),
        cmocka_unit_test(test_heartbeats),
        cmocka_unit_test(test_no_memory_of_the_host),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
