/* patience_test.c - who waits stays awake while that is worth it, and finds out when it is again. */
#include "bindings/c/patience.c"

#include "tests/support/test.h"

static uint32_t tries_of(struct patience *p, uint32_t waits, bool worth_it)
{
    uint32_t tries = 0;
    for (uint32_t i = 0; i < waits; i++) {
        if (!patience_tries(p))
            continue;
        tries++;
        patience_learns(p, worth_it);
    }
    return tries;
}

static void test_as_long_as_it_is_worth_it(void **state)
{
    struct patience p = {0};
    (void)state;
    assert_int_equal(tries_of(&p, 1000, true), 1000);
}

static void test_hardly_ever_when_it_is_not(void **state)
{
    struct patience p = {0};
    (void)state;
    assert_int_equal(tries_of(&p, 4, false), 4);
    assert_int_equal(tries_of(&p, 64 * 100, false), 100);
}

static void test_comes_back(void **state)
{
    struct patience p = {0};
    (void)state;
    (void)tries_of(&p, 1000, false);
    assert_in_range(tries_of(&p, 64 + 100, true), 100, 164);
    assert_int_equal(tries_of(&p, 100, true), 100);
}

static void test_one_of_two_is_not_enough(void **state)
{
    struct patience p = {0};
    uint32_t tries = 0;
    (void)state;
    for (uint32_t i = 0; i < 6400; i++)
        tries += tries_of(&p, 1, i % 2 == 0);
    assert_true(tries < 640);
}

static void test_a_rare_failure_costs_nothing(void **state)
{
    struct patience p = {0};
    (void)state;
    for (uint32_t i = 0; i < 6400; i++)
        assert_int_equal(tries_of(&p, 1, i % 4 != 0), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_long_as_it_is_worth_it),
        cmocka_unit_test(test_hardly_ever_when_it_is_not),
        cmocka_unit_test(test_comes_back),
        cmocka_unit_test(test_one_of_two_is_not_enough),
        cmocka_unit_test(test_a_rare_failure_costs_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
