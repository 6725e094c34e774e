/* join_answer_test.c - what a member says to one that wants to join, and what somebody else may say in its place. */
#include "agent/join/join_answer.h"
#include "core/base/check.h"
#include "core/jute/records.h"
#include "tests/support/test.h"

static void expect_seeds(const char *text, const char *expected)
{
    struct join_seed seeds[3];
    size_t count;
    struct buffer out = {0};
    if (!join_parse_seeds(text, seeds, ARRAY_LEN(seeds), &count))
        assert_int_equal(buffer_printf(&out, "none"), ST_OK);
    else
        for (size_t i = 0; i < count; i++)
            assert_int_equal(buffer_printf(&out, "%s%.*s %u|", seeds[i].tls ? "tls " : "", BYTES_PRINT(seeds[i].host),
                                           (unsigned)seeds[i].port),
                             ST_OK);
    assert_string_equal((const char *)out.data, expected);
    buffer_free(&out);
}

static void seeds_are_taken_apart(void **state)
{
    static const char *const rows[][2] = {
        {"a:1", "a 1|"},
        {"zk-1.example.org:2181,10.0.0.2:65535", "zk-1.example.org 2181|10.0.0.2 65535|"},
        {"[::1]:2181", "::1 2181|"},
        {"tls://a:1,b:2,tls://[::1]:3", "tls a 1|b 2|tls ::1 3|"},
        {"tls://", "none"},
        {"tls://a", "none"},
        {"TLS://a:1", "none"},
        {"tls://tls://a:1", "none"},
        {"a:1,b:2,c:3", "a 1|b 2|c 3|"},
        {"a:1,b:2,c:3,d:4", "none"},
        {"", "none"},
        {"a", "none"},
        {"a:", "none"},
        {":1", "none"},
        {"a:0", "none"},
        {"a:65536", "none"},
        {"a:99999999999999999999", "none"},
        {"a:1x", "none"},
        {"::1:2181", "none"},
        {"[]:1", "none"},
        {"a:1,", "none"},
        {",a:1", "none"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        expect_seeds(rows[i][0], rows[i][1]);
}

static void a_session_is_given_or_not(void **state)
{
    char why[JOIN_WHY_SIZE];
    struct connect_response response = {.timeout_ms = 4000, .session_id = 7, .password = BYTES("0123456789abcdef")};
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct buffer frame = {0};
        struct writer w = writer_to(&frame);
        response.session_id = i == 1 ? 0 : 7;
        response.timeout_ms = i == 2 ? 0 : 4000;
        connect_response_write(&w, &response);
        assert_int_equal(join_read_session(buffer_bytes(&frame), why), i == 0 ? ST_OK : ST_BAD_ARGUMENTS);
        assert_int_equal(join_read_session(bytes_make(frame.data, frame.len - 1), why), ST_BAD_ARGUMENTS);
        buffer_free(&frame);
    }
}

static void expect_config(int32_t err, struct bytes data, const char *expected)
{
    char why[JOIN_WHY_SIZE] = "";
    struct members *members = NULL;
    struct bytes text;
    struct buffer frame = {0};
    struct writer w = writer_to(&frame);
    reply_header_write(&w, &(struct reply_header){.xid = 1, .err = err});
    if (err == 0)
        write_blob(&w, data);
    enum status st = join_read_config(buffer_bytes(&frame), &members, &text, why);
    assert_int_equal(st, expected == NULL ? ST_OK : ST_BAD_ARGUMENTS);
    if (expected == NULL)
        assert_true(bytes_equal(text, data) && members->count == 3);
    else
        assert_string_equal(why, expected);
    members_free(members);
    for (size_t len = 0; len < frame.len; len++)
        assert_int_not_equal(join_read_config(bytes_make(frame.data, len), &members, &text, why), ST_OK);
    buffer_free(&frame);
}

static void who_the_members_are_is_told_or_not(void **state)
{
    (void)state;
    expect_config(0,
                  BYTES("server.1=a:1:2:participant\nserver.2=b:1:2:participant;0.0.0.0:2181\n"
                        "server.3=c:1:2:observer\nversion=100000000"),
                  NULL);
    expect_config(0, BYTES(""), "it runs alone: there is no ensemble to join");
    expect_config(0, BYTES_NULL, "it runs alone: there is no ensemble to join");
    expect_config(-102, BYTES(""), "it does not tell who the members are (/zookeeper/config): error -102");
    expect_config(0, BYTES("server.1=a:1"),
                  "who the members are (/zookeeper/config) cannot be read: server.1 is not of the form "
                  "host:port:port or host:port:port:role");
}

static void lines_that_are_not_whole_wait(void **state)
{
    struct join_answer answer = {0};
    struct bytes text = BYTES("clientPort=2181\ntickTime=2000\ninitLimit=10\nsyncLimit=99999999999\nsyncLi");
    (void)state;
    assert_int_equal(join_read_lines(text, &answer), text.len - 6);
    assert_int_equal(answer.tick_ms, 2000);
    assert_int_equal(answer.init_limit, 10);
    assert_int_equal(answer.sync_limit, 0); /* not known */
    assert_int_equal(join_read_lines(BYTES("syncLimit=5\r\n"), &answer), 13);
    assert_int_equal(answer.sync_limit, 5);
    assert_int_equal(join_read_lines(BYTES("conf is not executed because it is not in the whitelist."), &answer), 0);
    assert_int_equal(join_read_lines(BYTES_NULL, &answer), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seeds_are_taken_apart),
        cmocka_unit_test(a_session_is_given_or_not),
        cmocka_unit_test(who_the_members_are_is_told_or_not),
        cmocka_unit_test(lines_that_are_not_whole_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
