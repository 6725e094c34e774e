/* A record says what it says whatever stands around it, and a damaged one is told from none. */
#include "core/zab/capability.h"

#include "core/base/check.h"
#include "tests/support/test.h"

static struct buffer out;

static int tear_down(void **state)
{
    (void)state;
    buffer_free(&out);
    return 0;
}

static struct writer fresh(void)
{
    out.len = 0;
    return writer_to(&out);
}

static const struct capabilities some = {.of = {[CAPABILITY_FAILURE_DETECTION] = 0x1f4, [CAPABILITY_HANDOVER] = 1}};
static const struct capabilities nothing;

/* Magic, version and a count; then what the caller writes. */
static struct writer record(int32_t version, int32_t count)
{
    struct writer w = fresh();
    write_i32(&w, 0x7a6f6f69);
    write_i32(&w, version);
    write_i32(&w, count);
    return w;
}

static void write_entry(struct writer *w, const char *name, struct bytes value)
{
    write_text(w, bytes_of(name));
    write_blob(w, value);
}

static enum status decode(struct capabilities *can)
{
    return capabilities_decode(buffer_bytes(&out), can);
}

static void what_is_shown_is_seen(void **state)
{
    static const char bytes[] = "zooi\0\0\0\1\0\0\0\2"
                                "\0\0\0\21failure-detection\0\0\0\4\0\0\1\364"
                                "\0\0\0\10handover\0\0\0\4\0\0\0\1";
    struct capabilities can;
    struct writer w = fresh();
    (void)state;
    capabilities_encode(&w, &some);
    assert_int_equal(out.len, sizeof bytes - 1);
    assert_memory_equal(out.data, bytes, out.len);
    assert_int_equal(decode(&can), ST_OK);
    assert_true(capabilities_equal(&can, &some));
    assert_false(capabilities_equal(&can, &nothing));
}

static void one_that_breaks_off_is_damaged(void **state)
{
    struct capabilities can;
    struct writer w = fresh();
    (void)state;
    capabilities_encode(&w, &some);
    for (size_t len = 0; len < out.len; len++)
        assert_int_equal(capabilities_decode(bytes_make(out.data, len), &can), len < 4 ? ST_NOT_FOUND : ST_CORRUPT);
}

static void without_a_record_there_is_nothing(void **state)
{
    struct capabilities can = some;
    (void)state;
    assert_int_equal(capabilities_decode(BYTES_NULL, &can), ST_NOT_FOUND);
    assert_true(capabilities_equal(&can, &nothing));
    can = some;
    assert_int_equal(capabilities_decode(BYTES("something of Apache's, one day"), &can), ST_NOT_FOUND);
    assert_true(capabilities_equal(&can, &nothing));
}

static void what_is_not_known_is_passed_over(void **state)
{
    struct capabilities can;
    struct writer w = record(1, 3);
    (void)state;
    write_entry(&w, "telepathy", BYTES_NULL);
    write_entry(&w, "handover", BYTES("\0\0\0\1 and more of a later release"));
    write_entry(&w, "failure-detection-2", BYTES("x"));
    write_raw(&w, BYTES("behind it"));
    assert_int_equal(decode(&can), ST_OK);
    assert_int_equal(can.of[CAPABILITY_HANDOVER], 1);
    assert_int_equal(can.of[CAPABILITY_FAILURE_DETECTION], 0);
    record(2, -5); /* of a later version nothing is known */
    assert_int_equal(decode(&can), ST_OK);
    assert_true(capabilities_equal(&can, &nothing));
}

static void a_record_is_bounded(void **state)
{
    struct capabilities can;
    struct writer w = record(1, CAPABILITY_NAMES_MAX + 1);
    (void)state;
    for (int i = 0; i <= CAPABILITY_NAMES_MAX; i++)
        write_entry(&w, "a", BYTES(""));
    assert_int_equal(decode(&can), ST_CORRUPT);
    record(1, -1);
    assert_int_equal(decode(&can), ST_CORRUPT);
    w = record(1, 0);
    while (out.len <= CAPABILITY_RECORD_MAX)
        write_i32(&w, 0);
    assert_int_equal(decode(&can), ST_CORRUPT);
}

static void a_value_has_to_be_one(void **state)
{
    static const struct bytes values[] = {{NULL, 0},
                                          {(const uint8_t *)"", 0},
                                          {(const uint8_t *)"\0\0\1", 3},
                                          {(const uint8_t *)"\0\0\0\0", 4},
                                          {(const uint8_t *)"\377\377\377\377", 4}};
    struct capabilities can;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        struct writer w = record(1, 1);
        write_entry(&w, "failure-detection", values[i]);
        assert_int_equal(decode(&can), ST_CORRUPT);
    }
}

static void common_is_what_both_can_with_the_larger_value(void **state)
{
    const struct capabilities other = {
        .of = {[CAPABILITY_SESSION_PASSWORDS] = 1, [CAPABILITY_FAILURE_DETECTION] = 0x2bc}};
    const struct capabilities common = capabilities_common(&some, &other);
    const struct capabilities wanted = {.of = {[CAPABILITY_FAILURE_DETECTION] = 0x2bc}};
    (void)state;
    assert_true(capabilities_equal(&common, &wanted));
    const struct capabilities turned = capabilities_common(&other, &some);
    assert_true(capabilities_equal(&turned, &wanted));
}

static void an_agreement_tells_of_the_voters(void **state)
{
    struct roster roster = {0}, read = {0};
    struct capabilities on;
    (void)state;
    for (int64_t sid = 1; sid <= 20; sid++)
        assert_int_equal(roster_put(&roster, sid, sid % 2 == 0 ? &some : &nothing), ST_OK);
    assert_int_equal(roster_put(&roster, 3, &some), ST_OK);
    roster_remove(&roster, 5);
    roster_remove(&roster, 99);
    assert_int_equal(roster.count, 19);
    struct writer w = fresh();
    agreement_encode(&w, &some, &roster);
    assert_int_equal(agreement_decode(buffer_bytes(&out), &on, &read), ST_OK);
    assert_true(capabilities_equal(&on, &some));
    assert_int_equal(read.count, 19);
    assert_true(capabilities_equal(roster_of(&read, 3), &some));
    assert_true(capabilities_equal(roster_of(&read, 1), &nothing));
    assert_null(roster_of(&read, 5));
    roster_free(&read);
    for (size_t len = 0; len < out.len; len++) {
        assert_int_equal(agreement_decode(bytes_make(out.data, len), &on, &read), ST_CORRUPT);
        roster_free(&read);
    }
    roster_free(&roster);
}

static void an_agreement_is_bounded(void **state)
{
    struct roster roster = {0};
    struct capabilities on;
    struct writer w = fresh();
    (void)state;
    agreement_encode(&w, &some, &roster);
    write_i32_at(&w, out.len - 4, AGREEMENT_VOTERS_MAX + 1);
    for (int i = 0; i <= AGREEMENT_VOTERS_MAX; i++) {
        write_i64(&w, i);
        write_blob(&w, BYTES("zooi\0\0\0\1\0\0\0\0"));
    }
    assert_int_equal(agreement_decode(buffer_bytes(&out), &on, &roster), ST_CORRUPT);
    write_i32_at(&w, 0, -1); /* no record where one has to be */
    assert_int_equal(agreement_decode(buffer_bytes(&out), &on, &roster), ST_CORRUPT);
    assert_int_equal(agreement_decode(BYTES_NULL, &on, &roster), ST_CORRUPT);
    roster_free(&roster);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_shown_is_seen),
        cmocka_unit_test(one_that_breaks_off_is_damaged),
        cmocka_unit_test(without_a_record_there_is_nothing),
        cmocka_unit_test(what_is_not_known_is_passed_over),
        cmocka_unit_test(a_record_is_bounded),
        cmocka_unit_test(a_value_has_to_be_one),
        cmocka_unit_test(common_is_what_both_can_with_the_larger_value),
        cmocka_unit_test(an_agreement_tells_of_the_voters),
        cmocka_unit_test(an_agreement_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, tear_down);
}
