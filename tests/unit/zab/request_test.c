/* Payloads are read by their lengths: short ones are refused, what agents add behind them is reached. */
#include "core/zab/request.h"

#include "core/base/check.h"
#include "tests/support/test.h"

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

static struct bytes first(size_t len)
{
    return bytes_make(out.data, len);
}

static void a_learner_tells_what_its_release_knew(void **state)
{
    (void)state;
    const struct learner_info told = {7, QUORUM_PROTOCOL_VERSION, 0x100000003, BYTES("tail")};
    struct writer w = fresh();
    learner_info_encode(&w, &told);
    assert_int_equal(out.len, 24);
    for (size_t len = 0; len <= out.len; len++) {
        struct learner_info info;
        assert_int_equal(learner_info_decode(first(len), &info), len < 8 ? ST_CORRUPT : ST_OK);
        if (len < 8)
            continue;
        assert_int_equal(info.sid, 7);
        assert_int_equal(info.protocol_version, len < 12 ? 1 : QUORUM_PROTOCOL_VERSION);
        assert_int_equal(info.config_version, len < 20 ? -1 : 0x100000003);
        assert_int_equal(info.tail.len, len < 20 ? 0 : len - 20);
        assert_int_equal(bytes_is_null(info.tail), len <= 20);
        assert_true(bytes_starts_with(told.tail, info.tail));
    }
}

static void a_learner_without_number_is_told_apart(void **state)
{
    (void)state;
    struct learner_info info;
    assert_int_equal(learner_info_decode(BYTES_NULL, &info), ST_NOT_FOUND);
    assert_int_equal(learner_info_decode(BYTES(""), &info), ST_CORRUPT);
}

static void a_leader_may_have_a_tail(void **state)
{
    (void)state;
    struct leader_info info;
    struct writer w = fresh();
    leader_info_encode(&w, &(struct leader_info){.protocol_version = QUORUM_PROTOCOL_VERSION});
    assert_int_equal(out.len, 4);
    assert_int_equal(leader_info_decode(buffer_bytes(&out), &info), ST_OK);
    assert_int_equal(info.protocol_version, QUORUM_PROTOCOL_VERSION);
    assert_true(bytes_is_null(info.tail));
    w = fresh();
    leader_info_encode(&w, &(struct leader_info){QUORUM_PROTOCOL_VERSION, BYTES("able")});
    assert_int_equal(leader_info_decode(buffer_bytes(&out), &info), ST_OK);
    assert_true(bytes_equal(info.tail, BYTES("able")));
    assert_int_equal(leader_info_decode(first(3), &info), ST_CORRUPT);
    assert_int_equal(leader_info_decode(BYTES_NULL, &info), ST_CORRUPT);
}

static void numbers_are_read_and_the_rest_passed_over(void **state)
{
    (void)state;
    int32_t epoch;
    int64_t sid;
    struct writer w = fresh();
    ack_epoch_encode(&w, -1);
    write_raw(&w, BYTES("more"));
    assert_int_equal(ack_epoch_decode(buffer_bytes(&out), &epoch), ST_OK);
    assert_int_equal(epoch, -1);
    assert_int_equal(ack_epoch_decode(first(3), &epoch), ST_CORRUPT);
    assert_int_equal(ack_epoch_decode(BYTES_NULL, &epoch), ST_CORRUPT);
    w = fresh();
    designated_leader_encode(&w, 3);
    write_raw(&w, BYTES("more"));
    assert_int_equal(designated_leader_decode(buffer_bytes(&out), &sid), ST_OK);
    assert_int_equal(sid, 3);
    assert_int_equal(designated_leader_decode(first(7), &sid), ST_CORRUPT);
    assert_int_equal(designated_leader_decode(BYTES_NULL, &sid), ST_CORRUPT);
}

static void an_activated_entry_is_all_that_follows(void **state)
{
    (void)state;
    int64_t sid;
    struct bytes entry;
    struct writer w = fresh();
    activated_entry_encode(&w, -4, BYTES("entry"));
    assert_int_equal(activated_entry_decode(buffer_bytes(&out), &sid, &entry), ST_OK);
    assert_int_equal(sid, -4);
    assert_true(bytes_equal(entry, BYTES("entry")));
    assert_int_equal(activated_entry_decode(first(8), &sid, &entry), ST_OK);
    assert_true(bytes_equal(entry, BYTES("")));
    assert_int_equal(activated_entry_decode(first(7), &sid, &entry), ST_CORRUPT);
}

static void a_session_is_asked_for_and_answered(void **state)
{
    (void)state;
    struct touch session;
    int64_t id;
    bool valid;
    struct writer w = fresh();
    touch_encode(&w, &(struct touch){0x100000c46b90000, 10000});
    assert_int_equal(out.len, TOUCH_LEN);
    assert_int_equal(revalidate_decode(buffer_bytes(&out), &session), ST_OK);
    assert_int_equal(session.session_id, 0x100000c46b90000);
    assert_int_equal(session.timeout_ms, 10000);
    assert_int_equal(revalidate_decode(first(11), &session), ST_CORRUPT);
    assert_int_equal(revalidate_decode(BYTES_NULL, &session), ST_CORRUPT);
    for (int i = 0; i < 2; i++) {
        w = fresh();
        revalidated_encode(&w, -2, i == 1);
        assert_int_equal(out.len, 9);
        assert_int_equal(revalidated_decode(buffer_bytes(&out), &id, &valid), ST_OK);
        assert_true(id == -2 && valid == (i == 1));
    }
    assert_int_equal(revalidated_decode(first(8), &id, &valid), ST_CORRUPT);
}

static void touches_are_whole(void **state)
{
    (void)state;
    struct reader at;
    struct touch touch;
    struct writer w = fresh();
    for (int32_t i = 0; i < 3; i++)
        touch_encode(&w, &(struct touch){i, 100 * i});
    for (size_t len = 0; len <= out.len; len++) {
        const bool is_whole = len % TOUCH_LEN == 0;
        assert_int_equal(touches_begin(first(len), &at), is_whole ? ST_OK : ST_CORRUPT);
        size_t count = 0;
        for (; is_whole && touches_next(&at, &touch); count++)
            assert_true(touch.session_id == (int64_t)count && touch.timeout_ms == (int32_t)(100 * count));
        assert_int_equal(count, is_whole ? len / TOUCH_LEN : 0);
    }
    assert_int_equal(touches_begin(BYTES_NULL, &at), ST_OK);
    assert_false(touches_next(&at, &touch));
}

/* Creating /a, as recorded (quorum-protocol 3.3). */
static void a_request_carries_the_clients_bytes(void **state)
{
    (void)state;
    const struct forwarded_request sent = {0x100000c46b90000, 1, 1, BYTES("\0\0\0\2/a")};
    struct forwarded_request got;
    struct writer w = fresh();
    forwarded_request_encode(&w, &sent);
    assert_memory_equal(out.data, "\1\0\0\014\106\271\0\0\0\0\0\1\0\0\0\1\0\0\0\2/a", out.len);
    assert_int_equal(forwarded_request_decode(buffer_bytes(&out), &got), ST_OK);
    assert_true(got.session_id == sent.session_id && got.cxid == 1 && got.type == 1);
    assert_true(bytes_equal(got.body, sent.body));
    assert_int_equal(forwarded_request_decode(first(16), &got), ST_OK);
    assert_true(bytes_equal(got.body, BYTES("")));
    assert_int_equal(forwarded_request_decode(first(15), &got), ST_CORRUPT);
    assert_int_equal(forwarded_request_decode(BYTES_NULL, &got), ST_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_learner_tells_what_its_release_knew),
        cmocka_unit_test(a_learner_without_number_is_told_apart),
        cmocka_unit_test(a_leader_may_have_a_tail),
        cmocka_unit_test(numbers_are_read_and_the_rest_passed_over),
        cmocka_unit_test(an_activated_entry_is_all_that_follows),
        cmocka_unit_test(a_session_is_asked_for_and_answered),
        cmocka_unit_test(touches_are_whole),
        cmocka_unit_test(a_request_carries_the_clients_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, tear_down);
}
