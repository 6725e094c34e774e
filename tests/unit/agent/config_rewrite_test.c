/* config_rewrite_test.c - zoo.cfg keeps what people have written into it, but for what the configuration says now. */
#include "agent/settings/config_rewrite.h"
#include "core/base/check.h"
#include "tests/support/test.h"

static void expect(const char *text, const struct config_rewrite *change, const char *expected)
{
    struct buffer out = {0};
    assert_int_equal(config_rewrite(bytes_of(text), change, &out, NULL), ST_OK);
    assert_int_equal(buffer_append(&out, "", 1), ST_OK);
    assert_string_equal((const char *)out.data, expected);
    buffer_free(&out);
}

static void comments_order_and_keys_of_others_stay(void **state)
{
    const struct config_rewrite change = {.dynamic_file = "/etc/zoo.cfg.dynamic.100000000"};
    (void)state;
    expect("# ours\ntickTime = 2000\n\n! servers\nserver.1=a:1:2\n  server.2 : b:1:2\nsomething.else=\\\n  long\n"
           "group.1=1:2\nweight.1=3\ndynamicConfigFile=/old\nclientPort=2181\npeerType=observer\n",
           &change,
           "# ours\ntickTime = 2000\n\n! servers\n  something.else=\\\n  long\n"
           "clientPort=2181\npeerType=observer\ndynamicConfigFile=/etc/zoo.cfg.dynamic.100000000\n");
}

static void a_line_that_the_configuration_holds_now_goes(void **state)
{
    const struct config_rewrite own = {
        .dynamic_file = "/d", .names_server = true, .names_client_port = true, .names_secure_client_port = true};
    (void)state;
    expect("peerType=observer\nzooid.serverAddress=a:1:2\nclientPort=1\nclientPortAddress=::1\nsecureClientPort=2\n"
           "secureClientPortAddress=::1\nzookeeper.clientPort=3\nclientPortListenBacklog=9\n",
           &own, "clientPortListenBacklog=9\ndynamicConfigFile=/d\n");
}

static void a_role_is_forgotten_and_all_else_stays(void **state)
{
    const struct config_rewrite change = {.forgets_role = true};
    (void)state;
    expect("# ours\npeerType=observer\nzooid.serverAddress=a:1:2\ndynamicConfigFile=/d\n", &change,
           "# ours\nzooid.serverAddress=a:1:2\ndynamicConfigFile=/d\n");
    expect("server.1=a:1:2:observer\n", &change, "server.1=a:1:2:observer\n");
}

static void lines_are_put_unless_they_are_there(void **state)
{
    static const struct config_line lines[] = {{SETTING_ID_server_address, "a:1:2"}, {SETTING_ID_client_port, "2181"}};
    const struct config_rewrite change = {.dynamic_file = "/d", .lines = lines, .line_count = ARRAY_LEN(lines)};
    (void)state;
    expect("clientPort=7", &change, "clientPort=7\nzooid.serverAddress=a:1:2\ndynamicConfigFile=/d\n");
}

/* Written behind it, a line would belong to it. */
static void the_end_of_a_file_is_ended(void **state)
{
    const struct config_rewrite change = {.dynamic_file = "/d"};
    (void)state;
    expect("", &change, "dynamicConfigFile=/d\n");
    expect("a=b", &change, "a=b\ndynamicConfigFile=/d\n");
    expect("a=b\\", &change, "a=b\\\n\ndynamicConfigFile=/d\n");
    expect("a=b\\\n", &change, "a=b\\\n\ndynamicConfigFile=/d\n");
    expect("a=b\\\r\n", &change, "a=b\\\r\n\ndynamicConfigFile=/d\n");
    expect("server.1=a:1:2\\", &change, "dynamicConfigFile=/d\n");
    expect("# it ends here\\", &change, "# it ends here\\\n\ndynamicConfigFile=/d\n");
}

static void a_path_is_escaped(void **state)
{
    const struct config_rewrite change = {.dynamic_file = " a\\b\tc"};
    (void)state;
    expect("", &change, "dynamicConfigFile=\\ a\\\\b\\tc\n");
}

static void it_is_said_whether_there_were_servers(void **state)
{
    const struct config_rewrite change = {.dynamic_file = "/d"};
    struct buffer out = {0};
    bool has_servers;
    (void)state;
    assert_int_equal(config_rewrite(BYTES("a=b\nweight.1=2\n"), &change, &out, &has_servers), ST_OK);
    assert_true(has_servers);
    assert_int_equal(config_rewrite(BYTES("a=b\n#server.1=a:1:2\n"), &change, &out, &has_servers), ST_OK);
    assert_false(has_servers);
    buffer_free(&out);
}

static void too_long_a_text_is_refused(void **state)
{
    const struct config_rewrite change = {.dynamic_file = "/d"};
    struct buffer out = {.max = 8};
    (void)state;
    assert_int_equal(config_rewrite(BYTES("a=b\n"), &change, &out, NULL), ST_LIMIT);
    buffer_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comments_order_and_keys_of_others_stay),
        cmocka_unit_test(a_line_that_the_configuration_holds_now_goes),
        cmocka_unit_test(a_role_is_forgotten_and_all_else_stays),
        cmocka_unit_test(lines_are_put_unless_they_are_there),
        cmocka_unit_test(the_end_of_a_file_is_ended),
        cmocka_unit_test(a_path_is_escaped),
        cmocka_unit_test(it_is_said_whether_there_were_servers),
        cmocka_unit_test(too_long_a_text_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
