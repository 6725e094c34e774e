/* contender_test.c - names of the nodes that contend for a lock, as kazoo makes and reads them. */
#include "bindings/c/recipes/contender.c"

#include "tests/support/test.h"

#define UNIQUE "0123456789abcdef0123456789abcdef"

static void test_places(void **state)
{
    int64_t place = 0;
    (void)state;
    assert_true(contender_is(UNIQUE "__lock__0000000042", "__lock__", &place));
    assert_int_equal(place, 42);
    assert_true(contender_place(UNIQUE "__rlock__2147483647", &place));
    assert_int_equal(place, INT32_MAX);
    assert_true(contender_place(UNIQUE "__lock__-2147483648", &place));
    assert_int_equal(place, INT32_MIN);
    assert_true(contender_place("__lock__0000000000", &place)); /* the unique part is its maker's affair */
}

static void test_who_bars_whom(void **state)
{
    static const char *const locks = UNIQUE "__lock__0000000001", *const reads = UNIQUE "__rlock__0000000001";
    int64_t place = 0;
    (void)state;
    assert_true(contender_bars(locks, ZOOID_LOCK_EXCLUSIVE, &place));
    assert_false(contender_bars(reads, ZOOID_LOCK_EXCLUSIVE, &place));
    assert_true(contender_bars(locks, ZOOID_LOCK_READ, &place));
    assert_false(contender_bars(reads, ZOOID_LOCK_READ, &place));
    assert_true(contender_bars(locks, ZOOID_LOCK_WRITE, &place));
    assert_true(contender_bars(reads, ZOOID_LOCK_WRITE, &place));
}

static void test_what_is_no_contender(void **state)
{
    static const char *const names[] = {"",
                                        "0000000001",
                                        "__lock__",
                                        "__lock__000000001",
                                        "__lock__00000000001",
                                        "_lock__0000000001",
                                        "__lock__x000000001",
                                        "__lock__0000000001x",
                                        "__lock__--000000001",
                                        "lock-0000000001"};
    int64_t place = 7;
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_false(contender_place(names[i], &place));
    assert_int_equal(place, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_who_bars_whom),
        cmocka_unit_test(test_what_is_no_contender),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
