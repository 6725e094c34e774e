/* definition_test.c - definitions of checks and the plugin's settings: what is taken, and how what is wrong is named.
 */
#include "plugins/health/health.h"

#include "tests/support/test.h"

static const struct definition_limits limits = {.interval_ms = 10000,
                                                .interval_min_ms = 100,
                                                .timeout_ms = 5000,
                                                .output_max = 4096};

static struct definition *read(const char *text, struct complaint *complaint)
{
    json_error_t error;
    json_t *json = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    assert_non_null(json);
    memset(complaint, 0, sizeof *complaint);
    struct definition *definition = definition_read(json, &limits, complaint);
    json_decref(json);
    return definition;
}

static struct definition *read_well(const char *text)
{
    struct complaint complaint;
    struct definition *definition = read(text, &complaint);
    if (definition == NULL)
        print_error("%s: %s\n", complaint.key, complaint.message);
    assert_non_null(definition);
    return definition;
}

static void test_defaults(void **context)
{
    (void)context;
    struct definition *d = read_well("{\"id\": \"a\", \"type\": \"http\", \"url\": \"http://x/\"}");
    assert_string_equal(d->name, "a");
    assert_null(d->service);
    assert_int_equal(d->interval_ms, 10000);
    assert_int_equal(d->timeout_ms, 5000);
    assert_int_equal(d->thresholds.rise, 1);
    assert_int_equal(d->thresholds.fall, 1);
    assert_int_equal(d->initial, CHECK_CRITICAL);
    assert_true(d->http.tls.verify);
    assert_int_equal(d->http.redirects_max, 0);
    assert_int_equal(d->http.passing[0].low, 200);
    assert_int_equal(d->http.warning[0].high, 429);
    definition_free(d);
    d = read_well("{\"id\": \"a\", \"type\": \"tcp\", \"address\": \"::1\", \"port\": 80, \"interval_ms\": 300}");
    assert_int_equal(d->timeout_ms, 300);
    definition_free(d);
    definition_free(NULL);
}

static void test_all_keys(void **context)
{
    (void)context;
    struct definition *d = read_well(
        "{\"id\": \"web:1\", \"name\": \"Web\", \"service\": \"web\", \"type\": \"http\", \"interval_ms\": 1000,"
        "\"timeout_ms\": 200, \"slow_ms\": 50, \"rise\": 2, \"fall\": 3, \"warn_after\": 2, \"initial\": \"passing\","
        "\"output_max\": 100, \"url\": \"https://localhost:8443/health\", \"method\": \"POST\", \"body\": \"\","
        "\"headers\": [\"X: y\"], \"expect\": \"ok\", \"status\": [\"200\", \"300-399\"], \"status_warning\": [],"
        "\"redirects_max\": 3, \"connect_address\": \"127.0.0.1:99\", \"tls_verify\": false, \"server_name\": \"w\","
        "\"ca_file\": \"/ca\", \"cert_file\": \"/c\", \"key_file\": \"/k\"}");
    assert_string_equal(d->service, "web");
    assert_int_equal(d->thresholds.warn_after, 2);
    assert_int_equal(d->initial, CHECK_PASSING);
    assert_int_equal(d->http.passing[1].low, 300);
    assert_int_equal(d->http.passing[1].high, 399);
    assert_int_equal(d->http.passing[2].low, 0);
    assert_int_equal(d->http.warning[0].low, 0);
    assert_false(d->http.tls.verify);
    definition_free(d);
    definition_free(read_well("{\"id\": \"s\", \"type\": \"script\", \"argv\": [\"true\"], \"env\": [\"A=\"],"
                              "\"directory\": \"/\", \"input\": \"x\", \"term_ms\": 5}"));
    definition_free(
        read_well("{\"id\": \"p\", \"type\": \"process\", \"pid_file\": \"/run/x\", \"executable\": \"x\"}"));
    definition_free(read_well("{\"id\": \"t\", \"type\": \"ttl\", \"ttl_ms\": 5000, \"user\": 7}"));
    definition_free(read_well("{\"id\": \"f\", \"type\": \"file_age\", \"path\": \"/x\", \"age_max_ms\": 5,"
                              "\"age_warning_ms\": 2, \"size_min\": 1, \"size_max\": 9, \"exists\": true}"));
    definition_free(read_well("{\"id\": \"c\", \"type\": \"command\", \"provider\": \"p\", \"command\": \"c\","
                              "\"args\": [1]}"));
}

#define HTTP "\"id\": \"a\", \"type\": \"http\", \"url\": \"http://x/\", "

static const struct {
    const char *text, *key, *message;
} wrong[] = {
    {"[]", "", "must be a group of settings"},
    {"{}", "type", "must be one of http, tcp, script, process, ttl, file_age, command"},
    {"{\"type\": \"ping\"}", "type", "must be one of http, tcp, script, process, ttl, file_age, command"},
    {"{\"type\": \"http\", \"url\": \"http://x\"}", "id", "is missing"},
    {"{\"type\": \"http\", \"id\": \"a\"}", "url", "is missing"},
    {"{\"type\": \"http\", \"id\": null, \"url\": \"http://x\"}", "id", "is missing"},
    {"{\"type\": \"http\", \"id\": \"a/b\", \"url\": \"http://x\"}", "id",
     "may have letters, digits and . _ : @ - only"},
    {"{\"type\": \"http\", \"id\": \"..\", \"url\": \"http://x\"}", "id",
     "may have letters, digits and . _ : @ - only"},
    {"{\"type\": \"http\", \"id\": \"\", \"url\": \"http://x\"}", "id", "must not be empty"},
    {"{" HTTP "\"ttl_ms\": 5}", "ttl_ms", "is not a setting"},
    {"{" HTTP "\"interval_ms\": \"5\"}", "interval_ms", "must be a whole number"},
    {"{" HTTP "\"interval_ms\": 5.5}", "interval_ms", "must be a whole number"},
    {"{" HTTP "\"interval_ms\": 0}", "interval_ms", "must be between 1 and 86400000"},
    {"{" HTTP "\"interval_ms\": 99}", "interval_ms", "must be at least interval_min_ms, 100"},
    {"{" HTTP "\"output_max\": 5000}", "output_max", "must be at most the plugin's output_max, 4096"},
    {"{" HTTP "\"rise\": 0}", "rise", "must be between 1 and 1000"},
    {"{" HTTP "\"initial\": \"good\"}", "initial", "must be one of passing, warning, critical"},
    {"{" HTTP "\"initial\": 1}", "initial", "must be one of passing, warning, critical"},
    {"{" HTTP "\"tls_verify\": 1}", "tls_verify", "must be true or false"},
    {"{" HTTP "\"method\": \"get\"}", "method", "must be in capital letters"},
    {"{" HTTP "\"headers\": \"a\"}", "headers", "must be a list of texts"},
    {"{" HTTP "\"headers\": [\"A: b\", 5]}", "headers.[1]", "must be a text"},
    {"{" HTTP "\"headers\": [\"A\"]}", "headers.[0]", "must be one line, \"Name: value\""},
    {"{" HTTP "\"headers\": [\"A: b\\r\\nC: d\"]}", "headers.[0]", "must be one line, \"Name: value\""},
    {"{" HTTP "\"status\": [\"2xx\"]}", "status.[0]",
     "must be a status such as \"204\" or a range such as \"200-299\""},
    {"{" HTTP "\"status\": [\"200\", \"299-200\"]}", "status.[1]",
     "must be a status such as \"204\" or a range such as \"200-299\""},
    {"{" HTTP "\"status\": []}", "status", "must have 1 to 16 elements"},
    {"{" HTTP "\"unix_socket\": \"/s\", \"connect_address\": \"a\"}", "unix_socket",
     "cannot stand beside connect_address"},
    {"{\"id\": \"a\", \"type\": \"http\", \"url\": \"file:///etc/passwd\"}", "url", "must be a URL of http or https"},
    {"{\"id\": \"a\", \"type\": \"http\", \"url\": \"http://\"}", "url", "must be a URL of http or https"},
    {"{\"id\": \"a\", \"type\": \"tcp\", \"address\": \"a\"}", "port", "is missing"},
    {"{\"id\": \"a\", \"type\": \"tcp\", \"address\": \"a/b\", \"port\": 5}", "address",
     "must be a host name, an IPv4 or an IPv6 address"},
    {"{\"id\": \"a\", \"type\": \"tcp\", \"address\": \"a\", \"port\": 65536}", "port", "must be between 1 and 65535"},
    {"{\"id\": \"a\", \"type\": \"script\", \"argv\": []}", "argv", "must have 1 to 256 elements"},
    {"{\"id\": \"a\", \"type\": \"script\", \"argv\": [\"\"]}", "argv.[0]", "must be the name of a program"},
    {"{\"id\": \"a\", \"type\": \"script\", \"argv\": [\"a\"], \"env\": [\"A\"]}", "env.[0]", "must be \"NAME=value\""},
    {"{\"id\": \"a\", \"type\": \"script\", \"argv\": [\"a\\u0000b\"]}", "argv.[0]", "must be a text"},
    {"{\"id\": \"a\", \"type\": \"process\"}", "pid", "must be there, or pid_file, and not both"},
    {"{\"id\": \"a\", \"type\": \"process\", \"pid\": 5, \"pid_file\": \"/x\"}", "pid",
     "must be there, or pid_file, and not both"},
    {"{\"id\": \"a\", \"type\": \"process\", \"pid_file\": \"x\"}", "pid_file", "must begin with /"},
    {"{\"id\": \"a\", \"type\": \"process\", \"pid_file\": \"/x\", \"start_time\": 5}", "start_time", "goes with pid"},
    {"{\"id\": \"a\", \"type\": \"ttl\"}", "ttl_ms", "is missing"},
    {"{\"id\": \"a\", \"type\": \"file_age\", \"path\": \"x\"}", "path", "must begin with /"},
    {"{\"id\": \"a\", \"type\": \"file_age\", \"path\": \"/x\", \"size_min\": 5, \"size_max\": 4}", "size_min",
     "must not be more than size_max"},
    {"{\"id\": \"a\", \"type\": \"file_age\", \"path\": \"/x\", \"age_max_ms\": 5, \"age_warning_ms\": 6}",
     "age_warning_ms", "must not be more than age_max_ms"},
    {"{\"id\": \"a\", \"type\": \"command\", \"provider\": \"p\", \"command\": \"c\", \"args\": 5}", "args",
     "must be a list or a group"},
};

static void test_what_is_wrong_is_named(void **context)
{
    (void)context;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct complaint complaint;
        assert_null(read(wrong[i].text, &complaint));
        assert_string_equal(complaint.key, wrong[i].key);
        assert_string_equal(complaint.message, wrong[i].message);
    }
}

static void test_long_keys_are_cut(void **context)
{
    struct complaint complaint;
    char text[1200];
    (void)context;
    (void)snprintf(text, sizeof text, "{" HTTP "\"%0999d\": 1}", 5);
    assert_null(read(text, &complaint));
    assert_int_equal(strlen(complaint.key), sizeof complaint.key - 1);
    assert_string_equal(complaint.message, "is not a setting");
}

static void test_equal(void **context)
{
    (void)context;
    struct definition *a = read_well("{" HTTP "\"rise\": 2}"), *b = read_well("{\"rise\": 2, " HTTP "\"fall\": 1}");
    struct definition *c = read_well("{\"rise\": 2, \"type\": \"http\", \"id\": \"a\", \"url\": \"http://x/\"}");
    assert_false(definition_equal(a, b));
    assert_true(definition_equal(a, c));
    definition_free(a);
    definition_free(b);
    definition_free(c);
}

static void test_settings(void **context)
{
    static const struct {
        const char *text, *key, *message;
    } rows[] = {
        {"{\"cheks\": []}", "cheks", "is not a setting"},
        {"{\"checks\": {}}", "checks", "must be a list of checks"},
        {"{\"checks_max\": 0}", "checks_max", "must be between 1 and 100000"},
        {"{\"base_path\": \"x/y\"}", "base_path", "must be the path of a node"},
        {"{\"base_path\": \"/x/\"}", "base_path", "must be the path of a node"},
        {"{\"trusted_users\": [\"root\"]}", "trusted_users.[0]", "must be the number of a user"},
        {"[]", "", "must be a group of settings"},
    };
    struct health_settings settings;
    struct complaint complaint = {0};
    (void)context;
    assert_true(health_settings_read(&settings, "{}", &complaint));
    assert_string_equal(settings.base_path, "/zooid/checks");
    assert_int_equal(settings.checks_max, 5000);
    health_settings_free(&settings);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        memset(&complaint, 0, sizeof complaint);
        assert_false(health_settings_read(&settings, rows[i].text, &complaint));
        assert_string_equal(complaint.key, rows[i].key);
        assert_string_equal(complaint.message, rows[i].message);
        health_settings_free(&settings);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_all_keys),
        cmocka_unit_test(test_what_is_wrong_is_named),
        cmocka_unit_test(test_long_keys_are_cut),
        cmocka_unit_test(test_equal),
        cmocka_unit_test(test_settings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
