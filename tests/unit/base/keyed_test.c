/* Summaries by key: each key has its own, the bound holds whatever keys come, and memory that fails loses no value. */
/* link: -Wl,--wrap=mem_alloc -Wl,--wrap=mem_calloc -Wl,--wrap=mem_realloc */
#include "core/base/keyed.h"

#include "tests/support/failing_memory.h"
#include "tests/support/test.h"

#include <stdio.h>

static struct bytes numbered(char text[16], int number)
{
    int len = snprintf(text, 16, "key%d", number);
    return bytes_make(text, (size_t)len);
}

static void expect(const struct keyed *k, size_t at, struct bytes key, uint64_t count, int64_t sum)
{
    struct bytes found;
    struct summary_values v;
    assert_true(keyed_look(k, at, &found, &v));
    assert_true(bytes_equal(found, key) && bytes_is_null(found) == bytes_is_null(key));
    assert_int_equal(v.count, count);
    assert_int_equal(v.sum, sum);
}

static void expect_end(const struct keyed *k, size_t at)
{
    struct bytes key;
    struct summary_values v;
    assert_false(keyed_look(k, at, &key, &v));
}

static void each_key_has_its_own(void **state)
{
    (void)state;
    struct keyed k = {.max = KEYED_MAX};
    struct summary_values v;
    struct bytes key;
    expect_end(&k, 0);
    keyed_observe(&k, BYTES("b"), 3);
    keyed_observe(&k, BYTES("a"), 10);
    keyed_observe(&k, BYTES("b"), 5);
    expect(&k, 0, BYTES("b"), 2, 8);
    expect(&k, 1, BYTES("a"), 1, 10);
    expect_end(&k, 2);
    assert_true(keyed_look(&k, 0, &key, &v));
    assert_true(v.has_median && !v.has_quantiles);
    assert_int_equal(v.p50, 3);
    keyed_reset(&k);
    expect(&k, 0, BYTES("b"), 0, 0);
    expect(&k, 1, BYTES("a"), 0, 0);
    expect_end(&k, 2);
    keyed_free(&k);
}

static void the_bound_may_be_lower(void **state)
{
    (void)state;
    for (uint32_t max = 0; max <= 2; max++) {
        struct keyed k = {.max = max};
        char text[16];
        for (int i = 0; i < 5; i++)
            keyed_observe(&k, numbered(text, i), 1);
        expect(&k, max, BYTES_NULL, 5 - max, 5 - (int64_t)max);
        keyed_free(&k);
    }
}

static void those_beyond_the_bound_share_one(void **state)
{
    (void)state;
    struct keyed k = {.max = KEYED_MAX};
    char text[16];
    static const uint8_t zeros[KEYED_BYTES_MAX + 1];
    keyed_observe(&k, BYTES(""), 1);
    keyed_observe(&k, bytes_make(zeros, KEYED_BYTES_MAX + 1), 1);
    expect(&k, 0, BYTES_NULL, 2, 2);
    keyed_observe(&k, bytes_make(zeros, KEYED_BYTES_MAX), 1);
    for (int round = 0; round < 3; round++)
        for (int i = 1; i < 10 * KEYED_MAX; i++)
            keyed_observe(&k, numbered(text, i), i);
    expect(&k, 0, bytes_make(zeros, KEYED_BYTES_MAX), 1, 1);
    for (int i = 1; i < KEYED_MAX; i++)
        expect(&k, (size_t)i, numbered(text, i), 3, 3 * i);
    int64_t rest = 0;
    for (int i = KEYED_MAX; i < 10 * KEYED_MAX; i++)
        rest += 3 * i;
    expect(&k, KEYED_MAX, BYTES_NULL, 2 + 3 * 9 * KEYED_MAX, 2 + rest);
    expect_end(&k, KEYED_MAX + 1);
    keyed_free(&k);
}

static void known_keys_need_no_memory(void **state)
{
    (void)state;
    struct keyed k = {.max = KEYED_MAX};
    keyed_observe(&k, BYTES("a"), 1);
    memory_fail_after(0);
    keyed_observe(&k, BYTES("a"), 2);
    assert_false(memory_has_failed());
    keyed_observe(&k, BYTES("b"), 4);
    memory_fail_after(-1);
    expect(&k, 0, BYTES("a"), 2, 3);
    expect(&k, 1, BYTES_NULL, 1, 4);
    keyed_observe(&k, BYTES("b"), 8);
    expect(&k, 1, BYTES("b"), 1, 8);
    expect(&k, 2, BYTES_NULL, 1, 4);
    keyed_free(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_key_has_its_own),
        cmocka_unit_test(the_bound_may_be_lower),
        cmocka_unit_test(those_beyond_the_bound_share_one),
        cmocka_unit_test(known_keys_need_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
