/* What a service may be defined as: every key, every bound, and that a mistake is named by its key, in a file by its
 * line. */
/* link: -Wl,--wrap=malloc -Wl,--wrap=calloc -Wl,--wrap=realloc -Wl,--wrap=strdup */
#include "plugins/discovery/dropin.h"
#include "plugins/discovery/layout.h"

#include "tests/support/test.h"
#include "tests/unit/discovery/failing_malloc.h"

static struct settings settings;
static struct definition_defaults defaults;

static int set_up(void **state)
{
    struct problem p;
    (void)state;
    assert_true(settings_read(&settings, "{\"limits\": {\"tags_max\": 3, \"meta_max\": 3, \"checks_max\": 2}}", &p));
    defaults = (struct definition_defaults){&settings.limits, "h1", "10.0.0.1", settings.initial};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    settings_free(&settings);
    return 0;
}

static bool read(struct definition *d, const char *text, struct problem *p)
{
    json_error_t error;
    json_t *json = json_loads(text, 0, &error);
    assert_non_null(json);
    bool fine = definition_read(d, json, &defaults, p);
    json_decref(json);
    return fine;
}

static void what_is_left_out_has_a_default(void **state)
{
    struct definition d;
    struct problem p;
    (void)state;
    assert_true(read(&d, "{\"name\": \"web\", \"port\": 80}", &p));
    assert_string_equal(d.service, "web");
    assert_string_equal(d.id, "web-h1-80");
    assert_string_equal(d.address, "10.0.0.1");
    assert_int_equal(d.port, 80);
    assert_int_equal(d.ssl_port, -1);
    assert_int_equal(d.weight, 1);
    assert_int_equal(d.lifetime, LIFETIME_MANUAL);
    assert_int_equal(d.initial, HEALTH_PASSING);
    assert_string_equal(json_string_value(json_object_get(d.json, "id")), "web-h1-80");
    definition_free(&d);
    assert_true(read(&d, "{\"name\": \"web\", \"checks\": [{\"type\": \"tcp\"}]}", &p));
    assert_int_equal(d.initial, HEALTH_CRITICAL);
    assert_string_equal(d.id, "web-h1");
    definition_free(&d);
}

static void all_of_it_is_taken(void **state)
{
    struct definition d;
    struct problem p;
    (void)state;
    assert_true(read(&d,
                     "{\"name\": \"web\", \"id\": \"a\", \"address\": \"::1\", \"port\": 65535, \"ssl_port\": 443, "
                     "\"weight\": 0, \"tags\": [\"v1\"], \"meta\": {\"n\": 3, \"t\": true}, \"pid\": 7, "
                     "\"deregister_after_ms\": 5, \"initial\": \"warning\", \"checks\": [{\"type\": \"ttl\"}]}",
                     &p));
    assert_int_equal(d.lifetime, LIFETIME_PROCESS);
    assert_int_equal(d.ssl_port, 443);
    assert_int_equal(d.weight, 0);
    assert_int_equal(d.initial, HEALTH_WARNING);
    assert_string_equal(json_string_value(json_object_get(d.meta, "n")), "3");
    assert_string_equal(json_string_value(json_object_get(d.meta, "t")), "true");
    definition_free(&d);
}

static void mistakes_are_named_by_their_key(void **state)
{
    static const struct {
        const char *text, *key;
    } rows[] = {
        {"[]", ""},
        {"{}", "name"},
        {"{\"name\": \"a/b\"}", "name"},
        {"{\"name\": \"\"}", "name"},
        {"{\"name\": \"..\"}", "name"},
        {"{\"name\": \"a\\nb\"}", "name"},
        {"{\"name\": 3}", "name"},
        {"{\"name\": \"a\", \"id\": \".\"}", "id"},
        {"{\"name\": \"a\", \"address\": \"a b\"}", "address"},
        {"{\"name\": \"a\", \"port\": 0}", "port"},
        {"{\"name\": \"a\", \"port\": 65536}", "port"},
        {"{\"name\": \"a\", \"port\": \"80\"}", "port"},
        {"{\"name\": \"a\", \"ssl_port\": -1}", "ssl_port"},
        {"{\"name\": \"a\", \"weight\": 65536}", "weight"},
        {"{\"name\": \"a\", \"tags\": [\"1\", \"2\", \"3\", \"4\"]}", "tags"},
        {"{\"name\": \"a\", \"tags\": [\"1\", \"\"]}", "tags.[1]"},
        {"{\"name\": \"a\", \"tags\": [\"1,2\"]}", "tags.[0]"},
        {"{\"name\": \"a\", \"meta\": {\"1\": 1, \"2\": 1, \"3\": 1, \"4\": 1}}", "meta"},
        {"{\"name\": \"a\", \"meta\": {\"zone\": []}}", "meta.zone"},
        {"{\"name\": \"a\", \"checks\": {}}", "checks"},
        {"{\"name\": \"a\", \"checks\": [{}]}", "checks.[0]"},
        {"{\"name\": \"a\", \"initial\": \"good\"}", "initial"},
        {"{\"name\": \"a\", \"lifetime\": \"long\"}", "lifetime"},
        {"{\"name\": \"a\", \"lifetime\": \"process\"}", "pid"},
        {"{\"name\": \"a\", \"lifetime\": \"manual\", \"pid\": 1}", "pid"},
        {"{\"name\": \"a\", \"lifetime\": \"checks\"}", "deregister_after_ms"},
        {"{\"name\": \"a\", \"deregister_after_ms\": 1}", "deregister_after_ms"},
        {"{\"name\": \"a\", \"deregister_after_ms\": 0}", "deregister_after_ms"},
        {"{\"name\": \"a\", \"prot\": 80}", "prot"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct definition d;
        struct problem p;
        assert_false(read(&d, rows[i].text, &p));
        assert_string_equal(p.key, rows[i].key);
        assert_true(p.text[0] != '\0');
    }
}

static void a_file_may_hold_several(void **state)
{
    struct dropin d;
    char error[DROPIN_ERROR];
    (void)state;
    assert_true(
        dropin_read(&d, "web.conf",
                    "service = { name = \"one\"; port = 1; };\n"
                    "services = ( { name = \"two\"; tags = [\"a\", \"b\"]; meta = { n = 5; on = true; x = 1.5; }; },\n"
                    "  { name = \"three\"; checks = ( { type = \"tcp\"; interval_ms = 1000; } ); } );",
                    &defaults, error));
    assert_int_equal(d.count, 3);
    assert_string_equal(d.items[0].id, "one-h1-1");
    assert_string_equal(json_string_value(json_object_get(d.items[1].meta, "x")), "1.5");
    assert_int_equal(json_array_size(d.items[2].checks), 1);
    dropin_free(&d);
    assert_true(dropin_read(&d, "empty.conf", "", &defaults, error));
    assert_int_equal(d.count, 0);
    dropin_free(&d);
}

static void the_example_is_one(void **state)
{
    struct dropin d;
    char error[DROPIN_ERROR], text[4096], path[4096];
    const char *root = getenv("ZOOID_ROOT");
    (void)snprintf(path, sizeof path, "%s/plugins/discovery/example.conf", root == NULL ? "." : root);
    FILE *file = fopen(path, "re");
    (void)state;
    assert_non_null(file);
    size_t len = fread(text, 1, sizeof text - 1, file);
    (void)fclose(file);
    text[len] = '\0';
    assert_true(dropin_read(&d, "example.conf", text, &defaults, error));
    assert_int_equal(d.count, 2);
    dropin_free(&d);
}

static void mistakes_in_a_file_have_a_line(void **state)
{
    static const struct {
        const char *text, *error;
    } rows[] = {
        {"service = {\n name = \"a\";\n port = 99999;\n};", "x.conf:3: service.port: must be a number from 1 to 65535"},
        {"services = (\n {name = \"a\";},\n {name = \"b\";\n tags = [\"\"];} );",
         "x.conf:4: services.[1].tags.[0]: must be a text of 1 to 128 bytes without control characters"},
        {"service = {\n port = 1; };", "x.conf:1: service.name: is missing"},
        {"\nservise = { name = \"a\"; };",
         "x.conf:2: servise: a file has `service = { ... };` or `services = ( { ... }, ... );`"},
        {"services = {};", "x.conf:1: services: a file has `service = { ... };` or `services = ( { ... }, ... );`"},
        {"service = {\n name = \"a\";\n", "x.conf:3: syntax error"},
        {"service = { name = \"\xff\"; };", "x.conf:1: service: holds what is no UTF-8, or is nested too deeply"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct dropin d;
        char error[DROPIN_ERROR];
        assert_false(dropin_read(&d, "x.conf", rows[i].text, &defaults, error));
        assert_string_equal(error, rows[i].error);
    }
}

static void it_is_written_as_curator_has_it(void **state)
{
    struct definition d;
    struct problem p;
    struct standing standing = {HEALTH_PASSING, 5, 4, "h1", NULL, false};
    (void)state;
    assert_true(read(&d, "{\"name\": \"web\", \"port\": 80, \"tags\": [\"v1\"], \"meta\": {\"zone\": \"a\"}}", &p));
    char *text = layout_write(&d, &standing);
    assert_string_equal(text,
                        "{\"name\":\"web\",\"id\":\"web-h1-80\",\"address\":\"10.0.0.1\",\"port\":80,\"sslPort\":null,"
                        "\"payload\":{\"zooid\":1,\"tags\":[\"v1\"],\"meta\":{\"zone\":\"a\"},\"weight\":1,"
                        "\"health\":\"passing\",\"since\":5,\"host\":\"h1\",\"maintenance\":null},"
                        "\"registrationTimeUTC\":4,\"serviceType\":\"DYNAMIC\",\"uriSpec\":null,\"enabled\":true}");
    free(text);
    standing.maintenance = "disk";
    text = layout_write(&d, &standing);
    assert_non_null(strstr(text, "\"maintenance\":\"disk\""));
    assert_non_null(strstr(text, "\"enabled\":false"));
    free(text);
    standing = (struct standing){HEALTH_CRITICAL, 5, 4, "h1", NULL, true};
    text = layout_write(&d, &standing);
    assert_null(strstr(text, "enabled"));
    free(text);
    definition_free(&d);
}

static void attempt_definition(void)
{
    struct definition d;
    struct problem p;
    const struct standing standing = {HEALTH_PASSING, 5, 4, "h1", NULL, false};
    json_error_t error;
    json_t *json = json_loads("{\"name\": \"web\", \"meta\": {\"a\": 1}, \"tags\": [\"x\"]}", 0, &error);
    if (json != NULL && definition_read(&d, json, &defaults, &p)) {
        free(layout_write(&d, &standing));
        definition_free(&d);
    } else {
        assert_true(malloc_failed);
    }
    json_decref(json);
}

static void no_allocation_is_missed(void **state)
{
    (void)state;
    fail_each_malloc(attempt_definition);
}

static void settings_say_what_is_wrong(void **state)
{
    static const struct {
        const char *text, *key;
    } rows[] = {
        {"[]", ""},
        {"{\"bas\": \"/x\"}", "bas"},
        {"{\"base\": \"services\"}", "base"},
        {"{\"base\": \"/\"}", "base"},
        {"{\"initial\": \"fine\"}", "initial"},
        {"{\"compatible\": 1}", "compatible"},
        {"{\"guard\": 1}", "guard"},
        {"{\"guard\": {\"policy\": \"no\"}}", "guard.policy"},
        {"{\"guard\": {\"percent\": 101}}", "guard.percent"},
        {"{\"limits\": {\"tags_max\": -1}}", "limits.tags_max"},
        {"{\"guards\": {\"web\": {\"window\": 1}}}", "guards.web.window"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct settings s;
        struct problem p;
        assert_false(settings_read(&s, rows[i].text, &p));
        assert_string_equal(p.key, rows[i].key);
    }
    struct settings s;
    struct problem p;
    assert_true(settings_read(&s, "{\"guard\": {\"window_ms\": 7}, \"guards\": {\"web\": {\"policy\": \"off\"}}}", &p));
    assert_int_equal(settings_guard(&s, "web").policy, GUARD_OFF);
    assert_int_equal(settings_guard(&s, "web").window_ms, 7);
    assert_int_equal(settings_guard(&s, "db").policy, GUARD_NEVER_EMPTY);
    settings_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_left_out_has_a_default),  cmocka_unit_test(all_of_it_is_taken),
        cmocka_unit_test(mistakes_are_named_by_their_key), cmocka_unit_test(a_file_may_hold_several),
        cmocka_unit_test(mistakes_in_a_file_have_a_line),  cmocka_unit_test(it_is_written_as_curator_has_it),
        cmocka_unit_test(no_allocation_is_missed),         cmocka_unit_test(the_example_is_one),
        cmocka_unit_test(settings_say_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
