/* commands_test.c - the plugin's commands: what they answer, who may what, and how checks are defined and dropped. */
#include "tests/unit/health/fake_host.h"

#include <jansson.h>
#include <unistd.h>

#define ONE     "{\"checks\": [{\"id\": \"t\", \"type\": \"ttl\", \"ttl_ms\": 5000}]}"
#define TTL(id) "{\"id\": \"" id "\", \"type\": \"ttl\", \"ttl_ms\": 5000}"

enum { NO_NODE = ZOOID_PLUGIN_NO_NODE, NO_AUTH = ZOOID_PLUGIN_NO_AUTH, BAD = ZOOID_PLUGIN_BAD_ARGUMENTS };

static json_t *answer_of(zooid_host *host)
{
    json_t *json = json_loads(host->answer, JSON_DECODE_ANY, NULL);
    assert_non_null(json);
    return json;
}

static size_t listed(zooid_host *host, const char *arguments)
{
    assert_int_equal(fake_ask(host, "list", arguments, "uid:1000"), 0);
    json_t *json = answer_of(host);
    size_t count = json_array_size(json);
    json_decref(json);
    return count;
}

static void test_what_is_shown(void **context)
{
    zooid_host host = {0};
    (void)context;
    assert_int_equal(fake_start(&host, ONE, NULL), 0);
    assert_int_equal(listed(&host, "{\"args\": []}"), 1);
    assert_int_equal(listed(&host, "{\"args\": [\"passing\"]}"), 0);
    assert_int_equal(listed(&host, "{\"args\": {\"status\": \"critical\"}}"), 1);
    assert_int_equal(fake_ask(&host, "show", "{\"args\": [\"t\"]}", "uid:1000"), 0);
    json_t *json = answer_of(&host);
    assert_string_equal(json_string_value(json_object_get(json, "from")), "settings");
    assert_int_equal(json_integer_value(json_object_get(json_object_get(json, "definition"), "ttl_ms")), 5000);
    json_decref(json);
    assert_int_equal(fake_ask(&host, "show", "{\"args\": [\"u\"]}", "uid:1000"), NO_NODE);
    assert_string_equal(host.answer, "there is no check u");
    assert_int_equal(fake_ask(&host, "show", "{\"args\": []}", "uid:1000"), BAD);
    assert_int_equal(fake_ask(&host, "show", "{\"args\": [5]}", "uid:1000"), BAD);
    assert_int_equal(fake_ask(&host, "show", "[]", "uid:1000"), BAD);
    assert_int_equal(fake_ask(&host, "show", "{", "uid:1000"), BAD);
    assert_int_equal(fake_ask(&host, "show", "", "uid:1000"), BAD);
    fake_stop(&host);
}

static void test_run_answers_when_it_has_ended(void **context)
{
    zooid_host host = {0};
    (void)context;
    assert_int_equal(
        fake_start(&host,
                   "{\"checks\": [{\"id\": \"c\", \"type\": \"command\", \"provider\": \"p\", \"command\": \"c\"},"
                   "{\"id\": \"f\", \"type\": \"file_age\", \"path\": \"/nonexistent/file\", \"exists\": false}]}",
                   NULL),
        0);
    assert_int_equal(fake_ask(&host, "run", "{\"args\": [\"f\"]}", "uid:1000"), 0); /* at once */
    assert_non_null(strstr(host.answer, "is not there"));
    assert_int_equal(fake_ask(&host, "run", "{\"args\": [\"c\"]}", "uid:1000"), 1); /* not yet */
    assert_int_equal(fake_ask(&host, "run", "{\"args\": [\"c\"]}", "uid:1000"), 1); /* and not twice at once */
    unsigned before = host.answers;
    fake_reply(&host, 0, "\"passing\"");
    assert_int_equal(host.answers, before + 2);
    assert_null(fake_named(&host, FAKE_CALL, NULL));
    fake_stop(&host);
}

static void test_who_may_tell(void **context)
{
    zooid_host host = {0};
    (void)context;
    assert_int_equal(fake_start(&host,
                                "{\"checks\": [" TTL("anybody") ", {\"id\": \"his\", \"type\": \"ttl\", \"ttl_ms\": 5,"
                                                                " \"user\": 1000}]}",
                                NULL),
                     0);
    assert_int_equal(fake_ask(&host, "define",
                              "{\"args\": [\"{\\\"id\\\": \\\"hers\\\", \\\"type\\\": \\\"ttl\\\", "
                              "\\\"ttl_ms\\\": 5}\"]}",
                              "uid:1001"),
                     0);
    assert_int_equal(fake_ask(&host, "pass", "{\"args\": [\"anybody\"]}", "uid:1002"), 0);
    assert_int_equal(fake_ask(&host, "pass", "{\"args\": [\"his\"]}", "uid:1001"), NO_AUTH);
    assert_int_equal(fake_ask(&host, "pass", "{\"args\": [\"his\"]}", "uid:1000"), 0);
    assert_int_equal(fake_ask(&host, "pass", "{\"args\": [\"his\"]}", "uid:0"), 0);
    assert_int_equal(fake_ask(&host, "pass", "{\"args\": [\"hers\"]}", "uid:1000"), NO_AUTH);
    assert_int_equal(fake_ask(&host, "pass", "{\"args\": [\"hers\"]}", "http"), NO_AUTH);
    assert_int_equal(fake_ask(&host, "pass", "{\"args\": [\"hers\"]}", "uid:-1"), NO_AUTH);
    assert_int_equal(fake_ask(&host, "pass", "{\"args\": [\"hers\"]}", "uid:1001"), 0);
    assert_int_equal(fake_ask(&host, "run", "{\"args\": [\"hers\"]}", "uid:1001"), BAD);
    fake_stop(&host);
}

#define WEB(interval)                                                                                              \
    "{\"service\": \"web-1\", \"for\": 1000, \"checks\": [{\"type\": \"ttl\", \"ttl_ms\": 5000}, "                 \
    "{\"id\": \"web-tcp\", \"type\": \"tcp\", \"address\": \"127.0.0.1\", \"port\": 1, \"interval_ms\": " interval \
    "}]}"

static void test_a_service_has_its_checks_defined(void **context)
{
    zooid_host host = {0};
    char self[32];
    (void)context;
    (void)snprintf(self, sizeof self, "uid:%d", (int)getuid());
    assert_int_equal(fake_start(&host, ONE, NULL), 0);
    assert_int_equal(fake_ask(&host, "define", WEB("60000"), self), 0);
    assert_string_equal(host.answer, "{\"defined\":2,\"dropped\":0}");
    assert_non_null(fake_named(&host, FAKE_NODE, "/zooid/checks/here/web-1:1"));
    assert_non_null(strstr(fake_node(&host, "/zooid/checks/here/web-tcp"), "\"service\":\"web-1\""));
    assert_int_equal(fake_ask(&host, "pass", "{\"args\": [\"web-1:1\"]}", "uid:1000"), 0);
    /* Again, one of them with another interval: what is known of it stays. */
    assert_int_equal(fake_ask(&host, "define", WEB("50000"), self), 0);
    assert_non_null(strstr(fake_node(&host, "/zooid/checks/here/web-1:1"), "passing"));
    /* A mistake in one leaves all as they were. */
    assert_int_equal(fake_ask(&host, "define", WEB("5"), self), BAD);
    assert_string_equal(host.answer, "checks.[1].interval_ms: must be at least interval_min_ms, 100");
    assert_int_equal(listed(&host, "{\"args\": []}"), 3);
    /* What is not named any more goes. */
    assert_int_equal(fake_ask(&host, "define",
                              "{\"service\": \"web-1\", \"checks\": [{\"type\": \"ttl\", \"ttl_ms\": 5000}]}", self),
                     0);
    assert_string_equal(host.answer, "{\"defined\":1,\"dropped\":1}");
    assert_null(fake_named(&host, FAKE_NODE, "/zooid/checks/here/web-tcp"));
    assert_int_equal(fake_ask(&host, "drop", "{\"service\": \"web-1\"}", self), 0);
    assert_string_equal(host.answer, "{\"dropped\":1}");
    assert_int_equal(fake_ask(&host, "drop", "{\"service\": \"web-1\"}", self), 0);
    assert_string_equal(host.answer, "{\"dropped\":0}");
    assert_int_equal(listed(&host, "{\"args\": []}"), 1);
    fake_stop(&host);
}

static void test_what_must_not_be_defined(void **context)
{
    static const char script[] = "{\"id\": \"s\", \"type\": \"script\", \"argv\": [\"true\"]}";
    static const char mine[] = "{\"id\": \"m\", \"type\": \"ttl\", \"ttl_ms\": 5, \"for\": 5}";
    zooid_host host = {0};
    (void)context;
    assert_int_equal(
        fake_start(&host, "{\"trusted_users\": [\"1500\"], \"checks_max\": 3, \"checks\": [" TTL("t") "]}", NULL), 0);
    assert_int_equal(fake_ask(&host, "define", script, "uid:1000"), NO_AUTH);
    assert_string_equal(host.answer, "type: is for users whom trusted_users names");
    assert_int_equal(fake_ask(&host, "define", script, "http"), NO_AUTH);
    assert_int_equal(fake_ask(&host, "define", script, "uid:1500"), 0);
    assert_int_equal(fake_ask(&host, "define", mine, "uid:1000"), BAD);
    assert_string_equal(host.answer, "for: is not a setting");
    assert_int_equal(fake_ask(&host, "define", TTL("t"), "uid:0"), BAD);
    assert_string_equal(host.answer, "id: is that of a check in the settings");
    assert_int_equal(fake_ask(&host, "drop", "{\"args\": [\"t\"]}", "uid:0"), NO_AUTH);
    assert_int_equal(fake_ask(&host, "define", TTL("x"), "uid:1000"), 0);
    assert_int_equal(fake_ask(&host, "define", TTL("x"), "uid:1001"), NO_AUTH);
    assert_int_equal(fake_ask(&host, "drop", "{\"args\": [\"x\"]}", "uid:1001"), NO_AUTH);
    assert_int_equal(fake_ask(&host, "define", TTL("y"), "uid:1000"), BAD);
    assert_string_equal(host.answer, "there are 3 checks already, which checks_max allows");
    assert_int_equal(fake_ask(&host, "drop", "{\"args\": [\"x\"]}", "uid:1000"), 0);
    assert_int_equal(fake_ask(&host, "define", "{\"args\": [\"{\"]}", "uid:1000"), BAD);
    assert_int_equal(fake_ask(&host, "define", "{\"checks\": [5]}", "uid:1000"), BAD);
    assert_string_equal(host.answer, "checks.[0]: must be a group of settings");
    fake_stop(&host);
}

/* Another type under the same id: nothing is known of it. */
static void test_another_type_begins_anew(void **context)
{
    zooid_host host = {0};
    (void)context;
    assert_int_equal(fake_start(&host, "{}", NULL), 0);
    assert_int_equal(fake_ask(&host, "define", TTL("x"), "uid:1000"), 0);
    assert_int_equal(fake_ask(&host, "pass", "{\"args\": [\"x\", \"fine\"]}", "uid:1000"), 0);
    assert_int_equal(fake_ask(&host, "define",
                              "{\"id\": \"x\", \"type\": \"tcp\", \"address\": \"127.0.0.1\", \"port\": 1,"
                              "\"initial\": \"warning\"}",
                              "uid:1000"),
                     0);
    const char *node = fake_node(&host, "/zooid/checks/here/x");
    assert_non_null(strstr(node, "\"status\":\"warning\""));
    assert_non_null(strstr(node, "\"output\":\"\""));
    assert_string_equal(host.status, "1 checks: 0 passing, 1 warning, 0 critical");
    fake_stop(&host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_shown),
        cmocka_unit_test(test_run_answers_when_it_has_ended),
        cmocka_unit_test(test_who_may_tell),
        cmocka_unit_test(test_a_service_has_its_checks_defined),
        cmocka_unit_test(test_what_must_not_be_defined),
        cmocka_unit_test(test_another_type_begins_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
