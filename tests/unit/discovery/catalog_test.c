/* The mirror of services, its guards and its queries: what a snapshot does not have goes, what goes all at once is kept
 * as suspect, and a service is not empty because its last instance vanished. */
/* link: -Wl,--wrap=malloc -Wl,--wrap=calloc -Wl,--wrap=realloc -Wl,--wrap=strdup */
#include "plugins/discovery/args.h"
#include "plugins/discovery/query.h"

#include "tests/support/test.h"
#include "tests/unit/discovery/failing_malloc.h"

static struct settings settings;
static struct catalog *catalog;
static uint64_t now = 1000;

static void begin(const char *json)
{
    struct problem p;
    assert_true(settings_read(&settings, json, &p));
    catalog = catalog_new(&settings);
    assert_non_null(catalog);
}

static void end(void)
{
    catalog_free(catalog);
    settings_free(&settings);
}

static bool put_text(const char *id, const char *json)
{
    char path[128];
    (void)snprintf(path, sizeof path, "/services/%s", id);
    return catalog_put(catalog, path, json, strlen(json), now);
}

/* `more` goes into the payload. */
static bool put(const char *id, const char *health, const char *more)
{
    char json[512];
    (void)snprintf(
        json, sizeof json,
        "{\"address\":\"10.0.0.1\",\"port\":80,\"payload\":{\"zooid\":1,\"health\":\"%s\"%s},\"enabled\":%s}", health,
        more, strcmp(health, "critical") == 0 ? "false" : "true");
    return put_text(id, json);
}

static void gone(const char *id)
{
    char path[128];
    (void)snprintf(path, sizeof path, "/services/%s", id);
    catalog_remove(catalog, path);
    catalog_end_txn(catalog, now);
}

static void put_many(const char *service, int first, int count)
{
    char id[64];
    for (int i = first; i < first + count; i++) {
        (void)snprintf(id, sizeof id, "%s/%02d", service, i);
        assert_true(put(id, "passing", ""));
    }
}

static void gone_many(const char *service, int first, int count)
{
    char id[64];
    for (int i = first; i < first + count; i++) {
        (void)snprintf(id, sizeof id, "%s/%02d", service, i);
        gone(id);
    }
}

/* "a b? c" of the ids, '?' behind suspects, and the guard's reason behind a '|' when it says something. */
static const char *ask(const char *args)
{
    static char text[512];
    struct query q;
    struct answer a;
    struct problem p;
    static const char *const positions[] = {"service", NULL};
    size_t used = 0;
    json_t *object = args_read(args, strlen(args), positions, &p);
    assert_non_null(object);
    assert_true(query_read(&q, object, &p));
    assert_true(query_run(catalog, &q, now, &a));
    text[0] = '\0';
    for (size_t i = 0; i < a.count; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s%s", i == 0 ? "" : " ", a.items[i].instance->id,
                                 a.items[i].suspect ? "?" : "");
    if (a.guard != GUARD_QUIET)
        (void)snprintf(text + used, sizeof text - used, "|%s", guard_reason_name(a.guard));
    answer_free(&a);
    query_free(&q);
    json_decref(object);
    return text;
}

static const char *web(void)
{
    return ask("{\"args\": [\"web\"]}");
}

static void caught_up(void)
{
    catalog_reset(catalog);
    catalog_caught_up(catalog, now);
}

static void queries_choose(void **state)
{
    (void)state;
    begin("{}");
    caught_up();
    put("web/c", "passing", ",\"tags\":[\"v1\",\"eu\"],\"weight\":5,\"host\":\"h1\"");
    put("web/a", "passing", ",\"tags\":[\"v1\"],\"meta\":{\"zone\":\"a\"},\"host\":\"h2\"");
    put("web/b", "warning", ",\"tags\":[\"v2\"]");
    put("web/d", "critical", "");
    put("web/e", "passing", ",\"maintenance\":\"disk\"");
    assert_string_equal(web(), "a c");
    assert_string_equal(ask("{\"args\": {\"service\": \"web\", \"health\": \"warning\"}}"), "a b c");
    assert_string_equal(ask("{\"args\": [\"web\", \"health=critical\"]}"), "a b c d");
    assert_string_equal(ask("{\"args\": [\"web\", \"health=any\"]}"), "a b c d e");
    assert_string_equal(ask("{\"args\": [\"web\", \"tag=v1\"]}"), "a c");
    assert_string_equal(ask("{\"args\": [\"web\", \"tag=v1\", \"tag=eu\"]}"), "c");
    assert_string_equal(ask("{\"args\": [\"web\", \"meta.zone=a\"]}"), "a");
    assert_string_equal(ask("{\"args\": [\"web\", \"meta.zone=b\"]}"), "");
    assert_string_equal(ask("{\"args\": [\"web\", \"host=h1\"]}"), "c");
    assert_string_equal(ask("{\"args\": [\"web\", \"sort=weight\", \"limit=1\"]}"), "c");
    assert_string_equal(ask("{\"args\": [\"db\"]}"), "");
    end();
}

static void questions_that_are_none(void **state)
{
    static const char *const rows[] = {
        "{\"args\": {\"tags\": \"a\"}}",   "{\"args\": {\"health\": \"good\"}}", "{\"args\": {\"limit\": \"-1\"}}",
        "{\"args\": {\"limit\": \"1x\"}}", "{\"args\": {\"sort\": \"port\"}}",   "{\"args\": {\"meta.\": \"x\"}}",
        "{\"args\": {\"tag\": 1}}",
    };
    static const char *const broken[] = {"x", "{\"args\": 3}", "{\"args\": [3]}", "{\"args\": [\"=x\"]}",
                                         "{\"args\": [\"a\", \"b\"]}"};
    static const char *const positions[] = {"service", NULL};
    struct query q;
    struct problem p;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        json_t *object = args_read(rows[i], strlen(rows[i]), positions, &p);
        assert_non_null(object);
        assert_false(query_read(&q, object, &p));
        json_decref(object);
    }
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++)
        assert_null(args_read(broken[i], strlen(broken[i]), positions, &p));
}

static void what_curator_writes_is_read(void **state)
{
    (void)state;
    begin("{}");
    caught_up();
    assert_true(put_text("web/1", "{\"name\":\"web\",\"id\":\"1\",\"address\":\"h\",\"port\":8080,\"sslPort\":null,"
                                  "\"payload\":null,\"registrationTimeUTC\":9,\"serviceType\":\"DYNAMIC\",\"uriSpec\":"
                                  "{\"parts\":[]},\"enabled\":true,\"new\":{}}"));
    assert_true(put_text("web/2", "{\"payload\":{\"@class\":\"x.Y\",\"v\":1}}"));
    assert_true(put_text("web/3", "{\"payload\":\"text\",\"port\":\"x\"}"));
    assert_true(put_text("web/4", "{\"payload\":[1,2],\"enabled\":false}"));
    assert_false(put_text("web/5", "no JSON"));
    assert_false(put_text("web/6", "[]"));
    assert_string_equal(web(), "1 2 3");
    assert_int_equal(catalog_refused(catalog), 2);
    assert_int_equal(catalog_instance(catalog, "web", "1")->port, 8080);
    assert_string_equal(catalog_instance(catalog, "web", "2")->payload, "{\"@class\":\"x.Y\",\"v\":1}");
    assert_int_equal(catalog_instance(catalog, "web", "3")->port, -1);
    end();
}

static void an_instance_survives_its_own_json(void **state)
{
    (void)state;
    begin("{}");
    put("web/a", "warning",
        ",\"tags\":[\"x\",3],\"meta\":{\"k\":\"v\",\"n\":1},\"weight\":9,\"since\":4,\"host\":\"h\"");
    const struct instance *before = catalog_instance(catalog, "web", "a");
    json_t *json = instance_json(before), *again;
    struct instance *after = instance_from_json(json);
    assert_int_equal(after->tag_count, 1);
    assert_int_equal(after->meta_count, 1);
    again = instance_json(after);
    assert_true(json_equal(json, again));
    json_decref(json);
    json_decref(again);
    free(after);
    end();
}

static void a_node_that_becomes_unreadable_is_gone(void **state)
{
    (void)state;
    begin("{\"guard\": {\"policy\": \"off\"}}");
    caught_up();
    put_many("web", 0, 1);
    assert_false(put_text("web/00", "{"));
    catalog_end_txn(catalog, now);
    assert_string_equal(web(), "");
    assert_int_equal(catalog_instances(catalog), 0);
    end();
}

static void only_instances_are_taken(void **state)
{
    (void)state;
    begin("{\"limits\": {\"services_max\": 1, \"instances_max\": 2}}");
    assert_true(catalog_put(catalog, "/services", "", 0, now));
    assert_true(catalog_put(catalog, "/services/web", "", 0, now));
    assert_true(catalog_put(catalog, "/services/web/a/b", "", 0, now));
    assert_true(catalog_put(catalog, "/other/web/a", "", 0, now));
    assert_int_equal(catalog_services(catalog), 0);
    put_many("web", 0, 2);
    assert_false(put("web/03", "passing", ""));
    assert_false(put("db/01", "passing", ""));
    assert_int_equal(catalog_instances(catalog), 2);
    end();
}

static void the_last_good_one_is_kept(void **state)
{
    (void)state;
    begin("{}");
    caught_up();
    put_many("web", 0, 1);
    gone("web/00");
    assert_string_equal(web(), "00?|empty");
    now += 1000000;
    (void)catalog_tick(catalog, now);
    assert_string_equal(web(), "00?|empty");
    assert_string_equal(ask("{\"args\": [\"web\", \"health=any\"]}"), "");
    put_many("web", 1, 1);
    assert_string_equal(web(), "01");
    end();
}

static void all_that_are_critical_are_kept_too(void **state)
{
    (void)state;
    begin("{}");
    caught_up();
    put_many("web", 0, 2);
    put("web/00", "critical", "");
    assert_string_equal(web(), "01");
    put("web/01", "critical", "");
    assert_string_equal(web(), "00? 01?|empty");
    put("web/01", "passing", "");
    assert_string_equal(web(), "01");
    end();
}

static void a_farewell_leaves_nothing(void **state)
{
    (void)state;
    begin("{}");
    caught_up();
    put_many("web", 0, 1);
    put("web/00", "passing", ",\"maintenance\":\"deregistered\"");
    gone("web/00");
    assert_string_equal(web(), "");
    (void)catalog_tick(catalog, now);
    catalog_find(catalog, "web")->dirty = false;
    (void)catalog_tick(catalog, now);
    assert_int_equal(catalog_services(catalog), 0);
    end();
}

static void what_is_taken_over_was_never_gone(void **state)
{
    (void)state;
    begin("{}");
    caught_up();
    put_many("web", 0, 4);
    for (int i = 0; i < 4; i++) {
        char path[32];
        (void)snprintf(path, sizeof path, "/services/web/%02d", i);
        catalog_remove(catalog, path);
    }
    assert_string_equal(web(), "00 01 02 03");
    put_many("web", 0, 3);
    put("web/03", "passing", ",\"maintenance\":\"disk\"");
    catalog_end_txn(catalog, now);
    assert_string_equal(web(), "00 01 02");
    assert_int_equal(catalog_instances(catalog), 4);
    end();
}

static void emptiness_may_be_believed_after_a_time(void **state)
{
    (void)state;
    begin("{\"guard\": {\"policy\": \"empty_after\", \"empty_after_ms\": 500, \"window_ms\": 100}}");
    caught_up();
    put_many("web", 0, 1);
    gone("web/00");
    assert_string_equal(web(), "00?|empty");
    assert_int_equal(catalog_tick(catalog, now), now + 500);
    now += 499;
    assert_string_equal(web(), "00?|empty");
    now += 1;
    assert_string_equal(web(), "");
    end();
}

static void a_mass_that_goes_is_suspect(void **state)
{
    (void)state;
    begin("{\"guard\": {\"percent\": 50, \"window_ms\": 100, \"suspect_ms\": 1000}}");
    caught_up();
    put_many("web", 0, 6);
    gone_many("web", 0, 3);
    assert_string_equal(web(), "03 04 05");
    gone("web/03");
    assert_string_equal(web(), "00? 01? 02? 03? 04 05|mass_expiry");
    put("web/00", "passing", "");
    put("web/01", "critical", "");
    assert_string_equal(web(), "00 02? 03? 04 05|mass_expiry");
    now += 1000;
    (void)catalog_tick(catalog, now);
    assert_string_equal(web(), "00 04 05");
    end();
}

static void what_goes_slowly_is_no_mass(void **state)
{
    (void)state;
    begin("{\"guard\": {\"percent\": 50, \"window_ms\": 100}}");
    caught_up();
    put_many("web", 0, 6);
    for (int i = 0; i < 5; i++) {
        gone_many("web", i, 1);
        now += 101;
        (void)catalog_tick(catalog, now);
    }
    assert_string_equal(web(), "05");
    end();
}

static void a_snapshot_replaces_what_was_known(void **state)
{
    (void)state;
    begin("{}");
    caught_up();
    put_many("web", 0, 4);
    catalog_reset(catalog);
    put_many("web", 1, 2);
    put_many("web", 7, 1);
    assert_string_equal(web(), "00 01 02 03 07");
    catalog_caught_up(catalog, now);
    assert_string_equal(web(), "01 02 07");
    end();
}

static void a_restart_begins_with_what_was_known(void **state)
{
    json_error_t error;
    (void)state;
    begin("{}");
    json_t *json = json_loads("{\"service\":\"web\",\"id\":\"a\",\"health\":\"passing\",\"enabled\":true}", 0, &error);
    assert_true(catalog_restore(catalog, instance_from_json(json), now));
    assert_null(instance_from_json(NULL));
    json_decref(json);
    assert_string_equal(web(), "a|restored");
    catalog_reset(catalog);
    assert_string_equal(web(), "a|restored");
    catalog_caught_up(catalog, now);
    assert_string_equal(web(), "a?|empty");
    put("web/b", "passing", "");
    assert_string_equal(web(), "b");
    end();
}

static uint64_t counting(void *context)
{
    return (*(uint64_t *)context)++;
}

static void picks_follow_weights(void **state)
{
    uint64_t next = 0;
    size_t heavy = 0;
    struct query q = {.service = "web"};
    struct answer a;
    (void)state;
    begin("{}");
    caught_up();
    put("web/a", "passing", ",\"weight\":1");
    put("web/b", "passing", ",\"weight\":3");
    put("web/c", "passing", ",\"weight\":0");
    for (int i = 0; i < 400; i++) {
        assert_true(query_run(catalog, &q, now, &a));
        answer_pick(&a, 1, counting, &next);
        assert_int_equal(a.count, 1);
        assert_string_not_equal(a.items[0].instance->id, "c");
        heavy += strcmp(a.items[0].instance->id, "b") == 0;
        answer_free(&a);
    }
    assert_int_equal(heavy, 300);
    assert_true(query_run(catalog, &q, now, &a));
    answer_pick(&a, 5, counting, &next);
    assert_int_equal(a.count, 3);
    assert_string_equal(a.items[2].instance->id, "c");
    answer_free(&a);
    end();
}

/* Setting up is not what is tried. */
static void attempt_after_setup(void)
{
    int left = malloc_left;
    malloc_left = -1;
    begin("{}");
    malloc_left = left;
    struct query q = {.service = "web"};
    struct answer a;
    caught_up();
    bool fine = put("web/a", "passing", ",\"tags\":[\"x\"],\"meta\":{\"k\":\"v\"}") && put("web/b", "passing", "");
    gone("web/a");
    gone("web/b");
    if (query_run(catalog, &q, now, &a))
        answer_free(&a);
    else
        fine = false;
    malloc_failed = malloc_failed || !fine;
    end();
}

static void no_allocation_is_missed(void **state)
{
    (void)state;
    fail_each_malloc(attempt_after_setup);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(queries_choose),
        cmocka_unit_test(questions_that_are_none),
        cmocka_unit_test(what_curator_writes_is_read),
        cmocka_unit_test(an_instance_survives_its_own_json),
        cmocka_unit_test(a_node_that_becomes_unreadable_is_gone),
        cmocka_unit_test(only_instances_are_taken),
        cmocka_unit_test(the_last_good_one_is_kept),
        cmocka_unit_test(all_that_are_critical_are_kept_too),
        cmocka_unit_test(a_farewell_leaves_nothing),
        cmocka_unit_test(what_is_taken_over_was_never_gone),
        cmocka_unit_test(emptiness_may_be_believed_after_a_time),
        cmocka_unit_test(a_mass_that_goes_is_suspect),
        cmocka_unit_test(what_goes_slowly_is_no_mass),
        cmocka_unit_test(a_snapshot_replaces_what_was_known),
        cmocka_unit_test(a_restart_begins_with_what_was_known),
        cmocka_unit_test(picks_follow_weights),
        cmocka_unit_test(no_allocation_is_missed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
