/* connect_throttle_test.c - tokens come back as told and never beyond the limit; refusals by chance grow and fall. */
#include "core/replica/connect_throttle.h"

#include "tests/support/test.h"

static const struct connect_throttle_options plain = {.tokens_max = 10,
                                                      .fill_ms = 100,
                                                      .fill_count = 2,
                                                      .freeze_ms = -1,
                                                      .need_new = 1};

/* How many of `tries` are admitted. */
static int admitted(struct connect_throttle *t, const struct connect_throttle_options *o, uint32_t need, int tries,
                    int64_t now_ms)
{
    int count = 0;
    for (int i = 0; i < tries; i++)
        count += connect_throttle_admits(t, o, need, now_ms);
    return count;
}

static void test_without_tokens_everybody_is_taken(void **state)
{
    (void)state;
    const struct connect_throttle_options off = {0};
    struct connect_throttle t = {0};
    assert_int_equal(admitted(&t, &off, 1, 1000, 5), 1000);
}

static void test_tokens_are_used_up_and_come_back(void **state)
{
    (void)state;
    struct connect_throttle t = {0};
    assert_int_equal(admitted(&t, &plain, 1, 20, 1000), 10);
    assert_int_equal(admitted(&t, &plain, 1, 20, 1099), 0);
    assert_int_equal(admitted(&t, &plain, 1, 20, 1100), 2);
    assert_int_equal(admitted(&t, &plain, 1, 20, 1350), 4);
    assert_int_equal(admitted(&t, &plain, 1, 20, 1400), 2); /* what was left of the period counts */
    assert_int_equal(admitted(&t, &plain, 1, 20, INT64_MAX / 2), 10);
}

static void test_weights(void **state)
{
    (void)state;
    struct connect_throttle t = {0};
    assert_int_equal(admitted(&t, &plain, 3, 20, 0), 3);
    assert_int_equal(admitted(&t, &plain, 1, 20, 0), 1);
    assert_int_equal(admitted(&t, &plain, 11, 20, 1000000), 0);
}

static void test_limits_may_change(void **state)
{
    (void)state;
    struct connect_throttle_options o = plain;
    struct connect_throttle t = {0};
    assert_int_equal(admitted(&t, &o, 1, 1, 0), 1);
    o.tokens_max = 3;
    assert_int_equal(admitted(&t, &o, 1, 20, 0), 3);
    o.tokens_max = 0;
    assert_int_equal(admitted(&t, &o, 1, 20, 0), 20);
    o.tokens_max = 4;
    assert_int_equal(admitted(&t, &o, 1, 20, 0), 4);
}

static void test_refusals_by_chance(void **state)
{
    (void)state;
    const struct connect_throttle_options o = {.tokens_max = 100,
                                               .fill_ms = 1,
                                               .fill_count = 100,
                                               .freeze_ms = 10,
                                               .drop_increase = 0.25,
                                               .drop_decrease = 0.5};
    struct connect_throttle t = {0};
    assert_int_equal(admitted(&t, &o, 1, 200, 0), 100);
    assert_true(t.drop == 0); /* not before freeze_ms is over */
    t.filled_ms = 11;         /* still empty then */
    assert_int_equal(admitted(&t, &o, 1, 1, 11), 0);
    assert_true(t.drop == 0.25);
    int count = admitted(&t, &o, 0, 4000, 12);
    assert_true(count > 2800 && count < 3200);
    assert_int_equal(admitted(&t, &o, 1, 1, 100) >= 0, 1);
    assert_true(t.drop == 0); /* full again: it falls, but not below 0 */
    for (int64_t now = 200; now < 400; now += 20) {
        t.tokens = 0;
        t.filled_ms = now;
        (void)connect_throttle_admits(&t, &o, 1, now);
    }
    assert_true(t.drop == 1);
    assert_int_equal(admitted(&t, &o, 0, 100, 385), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_tokens_everybody_is_taken),
        cmocka_unit_test(test_tokens_are_used_up_and_come_back),
        cmocka_unit_test(test_weights),
        cmocka_unit_test(test_limits_may_change),
        cmocka_unit_test(test_refusals_by_chance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
