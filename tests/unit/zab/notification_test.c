/* Every form of the election port that was ever sent is read; nothing that would kill or mislead a server is. */
#include "core/zab/notification.h"

#include "core/base/check.h"
#include "tests/support/test.h"

#include <stdlib.h>

static struct buffer out;

static struct writer fresh(void)
{
    out.len = 0;
    return writer_to(&out);
}

static int tear_down(void **state)
{
    (void)state;
    buffer_free(&out);
    return 0;
}

/* -- frames -------------------------------------------------------------------------------------------------------- */

static void frames_have_bounds(void **state)
{
    (void)state;
    static const struct {
        int32_t len;
        enum frame_result result;
    } rows[] = {{INT32_MIN, FRAME_BAD},
                {-1, FRAME_BAD},
                {0, FRAME_BAD},
                {1, FRAME_INCOMPLETE},
                {ELECTION_FRAME_MAX, FRAME_INCOMPLETE},
                {ELECTION_FRAME_MAX + 1, FRAME_BAD},
                {INT32_MAX, FRAME_BAD}};
    struct bytes frame;
    size_t used;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct writer w = fresh();
        write_i32(&w, rows[i].len);
        assert_int_equal(election_frame_next(buffer_bytes(&out), &frame, &used), rows[i].result);
        assert_int_equal(election_frame_next(bytes_make(out.data, 3), &frame, &used), FRAME_INCOMPLETE);
    }
    struct writer w = fresh();
    election_frame_encode(&w, BYTES("x"));
    write_raw(&w, BYTES("next"));
    assert_int_equal(election_frame_next(buffer_bytes(&out), &frame, &used), FRAME_WHOLE);
    assert_true(used == 5 && bytes_equal(frame, BYTES("x")));
}

static void too_long_is_not_sent(void **state)
{
    (void)state;
    uint8_t *config = calloc(1, ELECTION_FRAME_MAX + 1);
    assert_non_null(config);
    const size_t longest = ELECTION_FRAME_MAX - 44;
    struct writer w = fresh();
    notification_encode(&w, &(struct notification){.config = bytes_make(config, longest)});
    assert_int_equal(w.status, ST_OK);
    assert_int_equal(out.len, ELECTION_FRAME_MAX);
    w = fresh();
    notification_encode(&w, &(struct notification){.config = bytes_make(config, longest + 1)});
    assert_int_equal(w.status, ST_LIMIT);
    assert_int_equal(out.len, 0);
    w = fresh();
    election_frame_encode(&w, bytes_make(config, ELECTION_FRAME_MAX));
    assert_int_equal(w.status, ST_OK);
    w = fresh();
    election_frame_encode(&w, bytes_make(config, ELECTION_FRAME_MAX + 1));
    assert_int_equal(w.status, ST_LIMIT);
    free(config);
}

/* -- notifications ------------------------------------------------------------------------------------------------- */

static const struct notification sent = {SERVER_LEADING,
                                         {3, 0x500000007, 6},
                                         9,
                                         2,
                                         {(const uint8_t *)"server.3=...", 12}};

static void assert_vote_is(const struct notification *n, int64_t peer_epoch)
{
    assert_int_equal(n->state, SERVER_LEADING);
    assert_int_equal(n->vote.leader, 3);
    assert_int_equal(n->vote.zxid, 0x500000007);
    assert_int_equal(n->round, 9);
    assert_int_equal(n->vote.peer_epoch, peer_epoch);
}

/* By length: 28 and 40 are forms of their own, between them nothing is. */
static void forms_are_told_apart_by_length(void **state)
{
    (void)state;
    struct writer w = fresh();
    notification_encode(&w, &sent);
    assert_int_equal(out.len, 56);
    for (size_t len = 0; len <= out.len; len++) {
        struct notification n;
        const bool is_form = len == 28 || len == 40 || len == 56;
        assert_int_equal(notification_decode(bytes_make(out.data, len), &n), is_form ? ST_OK : ST_CORRUPT);
        if (!is_form)
            continue;
        assert_vote_is(&n, len == 28 ? 5 : 6);
        assert_int_equal(n.version, len == 56 ? 2 : 0);
        assert_true(bytes_equal(n.config, len == 56 ? sent.config : BYTES_NULL));
    }
}

/* Of the version at 36 and the length at 40. */
static enum status decode_with(int32_t version, int32_t config_len, size_t extra, struct notification *n)
{
    struct writer w = fresh();
    notification_encode(&w, &(struct notification){.vote = {1, 2, 3}});
    be32_put(out.data + 36, (uint32_t)version);
    be32_put(out.data + 40, (uint32_t)config_len);
    for (size_t i = 0; i < extra; i++)
        write_boolean(&w, true);
    return notification_decode(buffer_bytes(&out), n);
}

static void a_configuration_must_be_whole(void **state)
{
    (void)state;
    static const int32_t bad[] = {INT32_MIN, -2, -1, 6, 50, INT32_MAX};
    struct notification n;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(decode_with(2, bad[i], 5, &n), ST_CORRUPT);
    assert_int_equal(decode_with(2, 0, 0, &n), ST_OK);
    assert_true(bytes_equal(n.config, BYTES("")));
    assert_int_equal(decode_with(3, 5, 5, &n), ST_OK);
    assert_true(n.config.len == 5 && n.version == 3);
    /* What stands behind it is passed over. */
    assert_int_equal(decode_with(2, 3, 5, &n), ST_OK);
    assert_int_equal(n.config.len, 3);
}

static void older_versions_have_no_configuration(void **state)
{
    (void)state;
    static const int32_t versions[] = {INT32_MIN, -1, 0, 1};
    struct notification n;
    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        assert_int_equal(decode_with(versions[i], 1000, 5, &n), ST_OK);
        assert_int_equal(n.version, versions[i]);
        assert_true(bytes_is_null(n.config));
    }
}

static void states_are_four(void **state)
{
    (void)state;
    static const int32_t bad[] = {INT32_MIN, -1, 4, INT32_MAX};
    struct notification n;
    for (int32_t i = 0; i < 4; i++) {
        assert_int_equal(decode_with(2, 0, 0, &n), ST_OK);
        be32_put(out.data, (uint32_t)i);
        assert_int_equal(notification_decode(buffer_bytes(&out), &n), ST_OK);
        assert_int_equal(n.state, i);
        be32_put(out.data, (uint32_t)bad[i]);
        assert_int_equal(notification_decode(buffer_bytes(&out), &n), ST_CORRUPT);
    }
}

/* -- the initial message ------------------------------------------------------------------------------------------- */

static enum status decode_hello(int64_t form, struct bytes addresses, struct hello *hello, size_t *used)
{
    struct writer w = fresh();
    write_i64(&w, form);
    write_i64(&w, 4);
    write_blob(&w, addresses);
    return hello_decode(buffer_bytes(&out), hello, used);
}

/* [7.3 3720 3188] Each form is taken, and one that every server knows is sent. */
static void forms_of_the_initial_message(void **state)
{
    (void)state;
    static const struct {
        int64_t form;
        enum status status;
    } rows[] = {{-65536, ST_OK}, {-65535, ST_OK}, {-65534, ST_CORRUPT}, {-1, ST_CORRUPT}, {INT64_MIN, ST_CORRUPT}};
    struct hello hello;
    size_t used;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(decode_hello(rows[i].form, BYTES("a:1|b:2"), &hello, &used), rows[i].status);
        if (rows[i].status == ST_OK)
            assert_true(hello.sid == 4 && used == out.len && bytes_equal(hello.addresses, BYTES("a:1|b:2")));
    }
    struct writer w = fresh();
    write_i64(&w, INT64_MAX);
    write_raw(&w, BYTES("frame"));
    assert_int_equal(hello_decode(buffer_bytes(&out), &hello, &used), ST_OK);
    assert_true(used == 8 && hello.sid == INT64_MAX && bytes_is_null(hello.addresses));
}

static void the_initial_message_in_pieces(void **state)
{
    (void)state;
    struct hello hello;
    size_t used;
    struct writer w = fresh();
    hello_encode(&w, &(struct hello){4, BYTES("[::1]:3888")});
    const size_t len = out.len;
    write_raw(&w, BYTES("\0\0\0\1"));
    for (size_t part = 0; part < len; part++) {
        assert_int_equal(hello_decode(bytes_make(out.data, part), &hello, &used), ST_TRUNCATED);
        assert_int_equal(used, part < 8 ? 8 : part < 20 ? 20 : len);
    }
    assert_int_equal(hello_decode(buffer_bytes(&out), &hello, &used), ST_OK);
    assert_true(used == len && hello.sid == 4 && bytes_equal(hello.addresses, BYTES("[::1]:3888")));
}

static void addresses_have_bounds(void **state)
{
    (void)state;
    static const struct {
        int32_t len;
        enum status status;
    } rows[] = {{INT32_MIN, ST_CORRUPT},
                {-1, ST_CORRUPT},
                {0, ST_CORRUPT},
                {HELLO_ADDRESSES_MAX, ST_TRUNCATED},
                {HELLO_ADDRESSES_MAX + 1, ST_LIMIT},
                {INT32_MAX, ST_LIMIT}};
    struct hello hello;
    size_t used;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct writer w = fresh();
        write_i64(&w, -65536);
        write_i64(&w, 4);
        write_i32(&w, rows[i].len);
        assert_int_equal(hello_decode(buffer_bytes(&out), &hello, &used), rows[i].status);
    }
    char text[HELLO_ADDRESSES_MAX + 1];
    memset(text, 'h', sizeof text);
    memcpy(text + sizeof text - 6, "hh:38", 5);
    struct writer w = fresh();
    hello_encode(&w, &(struct hello){4, bytes_make(text, HELLO_ADDRESSES_MAX)});
    assert_int_equal(w.status, ST_OK);
    assert_int_equal(hello_decode(buffer_bytes(&out), &hello, &used), ST_OK);
    w = fresh();
    hello_encode(&w, &(struct hello){4, bytes_make(text, sizeof text)});
    assert_int_equal(w.status, ST_LIMIT);
}

static void assert_next_is(struct bytes *rest, const char *host, uint16_t port)
{
    struct hello_address address;
    assert_true(hello_next_address(rest, &address));
    assert_true(bytes_equal(address.host, bytes_of(host)));
    assert_int_equal(address.port, port);
}

static void addresses_one_at_a_time(void **state)
{
    (void)state;
    struct hello_address address;
    struct bytes rest = BYTES("|a:1|[fe80::1%eth0]:65535||10.0.0.1:03888|");
    assert_next_is(&rest, "a", 1);
    assert_next_is(&rest, "fe80::1%eth0", 65535);
    assert_next_is(&rest, "10.0.0.1", 3888);
    assert_false(hello_next_address(&rest, &address));
    assert_int_equal(rest.len, 0);
    rest = BYTES_NULL;
    assert_false(hello_next_address(&rest, &address));
}

static void what_is_no_address_is_refused(void **state)
{
    (void)state;
    static const struct bytes bad[] = {
        {(const uint8_t *)"a\0b:1", 5},      {(const uint8_t *)"a", 1},      {(const uint8_t *)":1", 2},
        {(const uint8_t *)"a:", 2},          {(const uint8_t *)"a:0", 3},    {(const uint8_t *)"a:65536", 7},
        {(const uint8_t *)"a:-1", 4},        {(const uint8_t *)"a:1x", 4},   {(const uint8_t *)"a:99999999999", 13},
        {(const uint8_t *)"::1:3888", 8},    {(const uint8_t *)"a:1:2", 5},  {(const uint8_t *)"[]:1", 4},
        {(const uint8_t *)"[::1]", 5},       {(const uint8_t *)"[::1]1", 6}, {(const uint8_t *)"[::1", 4},
        {(const uint8_t *)"[::1]:", 6},      {(const uint8_t *)"[", 1},      {(const uint8_t *)"a:1|b", 5},
        {(const uint8_t *)"a:1|b:x|c:3", 11}};
    struct hello hello;
    size_t used;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(decode_hello(-65535, bad[i], &hello, &used), ST_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_have_bounds),
        cmocka_unit_test(too_long_is_not_sent),
        cmocka_unit_test(forms_are_told_apart_by_length),
        cmocka_unit_test(a_configuration_must_be_whole),
        cmocka_unit_test(older_versions_have_no_configuration),
        cmocka_unit_test(states_are_four),
        cmocka_unit_test(forms_of_the_initial_message),
        cmocka_unit_test(the_initial_message_in_pieces),
        cmocka_unit_test(addresses_have_bounds),
        cmocka_unit_test(addresses_one_at_a_time),
        cmocka_unit_test(what_is_no_address_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, tear_down);
}
