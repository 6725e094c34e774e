/* memory_test.c - the first, second, third ... allocation fails, in what needs no host: nothing leaks, nothing is half
 * done, and no memory is what is told. */
/* link: -Wl,@tests/support/failing_malloc.flags */
#include "plugins/health/health.h"
#include "plugins/health/record.h"
#include "plugins/health/request.h"
#include "plugins/health/text.h"

#include "tests/support/failing_malloc.h"
#include "tests/support/test.h"

#include <stdlib.h>

/* Calls `attempt` with ever more memory until it is enough. It returns whether it was. */
static void with_ever_more(bool (*attempt)(void *context), void *context)
{
    for (int count = 0; count < 10000; count++) {
        malloc_fail_after(count);
        bool good = attempt(context), has_failed = malloc_has_failed();
        malloc_fail_after(-1);
        assert_int_equal(good, !has_failed);
        if (good)
            return;
    }
    fail_msg("it is never enough");
}

static const struct definition_limits limits = {.interval_ms = 10000,
                                                .interval_min_ms = 100,
                                                .timeout_ms = 5000,
                                                .output_max = 4096};

static bool read_definition(void *context)
{
    struct complaint complaint = {0};
    struct definition *definition = definition_read(context, &limits, &complaint);
    assert_string_equal(complaint.message, "");
    definition_free(definition);
    return definition != NULL;
}

static void test_definitions(void **context)
{
    static const char *const texts[] = {
        "{\"id\": \"a\", \"type\": \"http\", \"url\": \"http://x/\", \"headers\": [\"A: b\", \"C: d\"], \"expect\": "
        "\"x\"}",
        "{\"id\": \"a\", \"type\": \"command\", \"provider\": \"p\", \"command\": \"c\", \"args\": [1, {\"a\": "
        "\"b\"}]}",
        "{\"id\": \"a\", \"type\": \"script\", \"argv\": [\"a\", \"b\"], \"env\": [\"A=b\"]}",
    };
    (void)context;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        json_t *json = json_loads(texts[i], 0, NULL);
        with_ever_more(read_definition, json);
        json_decref(json);
    }
}

static bool read_settings(void *context)
{
    struct complaint complaint = {0};
    struct health_settings settings;
    bool good = health_settings_read(&settings, context, &complaint);
    health_settings_free(&settings);
    return good;
}

static void test_settings(void **context)
{
    (void)context;
    with_ever_more(read_settings, "{\"checks\": [{}], \"trusted_users\": [\"5\"], \"base_path\": \"/x\"}");
}

static bool read_request(void *context)
{
    struct complaint complaint = {0};
    struct definitions list;
    struct request request = {.root = json_deep_copy(context), .user = 5};
    bool good = request.root != NULL && request_definitions(&request, &limits, &list, &complaint);
    assert_string_equal(complaint.message, "");
    if (request.root != NULL)
        definitions_free(&list);
    json_decref(request.root);
    return good;
}

static void test_requests(void **context)
{
    json_t *json = json_loads("{\"service\": \"s\", \"checks\": [{\"type\": \"ttl\", \"ttl_ms\": 5},"
                              "{\"type\": \"ttl\", \"ttl_ms\": 5}]}",
                              0, NULL);
    (void)context;
    with_ever_more(read_request, json);
    json_decref(json);
}

/* Kept, and read again. */
static bool go_round(void *context)
{
    struct complaint complaint = {0};
    struct record record = {0};
    struct check *again = NULL;
    json_t *file = records_make(context, 1000, true);
    json_t *by_id = file == NULL ? NULL : records_open(file, &complaint);
    bool good = by_id != NULL && record_read(&record, json_object_get(by_id, "t"), &complaint);
    struct definition *definition = good ? definition_read(record.definition, &limits, &complaint) : NULL;
    if (definition != NULL)
        again = check_new(NULL, definition, 0);
    if (again == NULL)
        definition_free(definition);
    good = again != NULL && record_restore(&record, again);
    if (good)
        assert_string_equal(again->output, "beat");
    check_free(again);
    record_free(&record);
    json_decref(file);
    return good;
}

static void test_records(void **context)
{
    struct complaint complaint = {0};
    struct checks checks = {0};
    json_t *json = json_loads("{\"id\": \"t\", \"type\": \"ttl\", \"ttl_ms\": 5}", 0, NULL);
    struct check *check = check_new(NULL, definition_read(json, &limits, &complaint), 5);
    (void)context;
    check->output = text_copy("beat");
    assert_true(checks_add(&checks, check));
    with_ever_more(go_round, &checks);
    checks_remove(&checks, check);
    check_free(check);
    free(checks.rows);
    json_decref(json);
}

static bool schedule_some(void *context)
{
    struct schedule *schedule = schedule_new(1);
    bool good = schedule != NULL;
    struct schedule_entry entries[200] = {0};
    (void)context;
    for (size_t i = 0; good && i < 200; i++)
        good = schedule_put(schedule, &entries[i], 200 - i);
    schedule_free(schedule);
    return good;
}

static bool make_texts(void *context)
{
    char *clean = text_clean("abc", 3, 3), *format = text_format("%d", 5);
    bool good = clean != NULL && format != NULL;
    (void)context;
    free(clean);
    free(format);
    return good;
}

static void test_the_rest(void **context)
{
    (void)context;
    with_ever_more(schedule_some, NULL);
    with_ever_more(make_texts, NULL);
}

static void *counted_malloc(size_t size)
{
    return malloc(size);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_definitions), cmocka_unit_test(test_settings), cmocka_unit_test(test_requests),
        cmocka_unit_test(test_records),     cmocka_unit_test(test_the_rest),
    };
    json_set_alloc_funcs(counted_malloc, free);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
