/* Patience grows by what was seen, up to its end, and what was seen is forgotten by halves. */
#include "core/zab/patience.h"

#include "tests/support/test.h"

static void without_experience_what_was_agreed_counts(void **state)
{
    const struct patience p = {0};
    (void)state;
    assert_int_equal(patience_limit(&p, 600, 10000, 0), 600);
    assert_int_equal(patience_limit(&p, 600, 10000, INT64_MAX / 2), 600);
    assert_int_equal(patience_limit(&p, 600, 500, 0), 500);
}

static void what_was_needed_is_granted(void **state)
{
    struct patience p = {0};
    (void)state;
    patience_learn(&p, 900, 1000);
    assert_int_equal(patience_limit(&p, 600, 10000, 1000), 900);
    patience_learn(&p, 700, 2000);
    assert_int_equal(patience_limit(&p, 600, 10000, 2000), 900);
    patience_learn(&p, 90000, 3000);
    assert_int_equal(patience_limit(&p, 600, 10000, 3000), 10000);
}

static void it_is_forgotten_by_halves(void **state)
{
    struct patience p = {0};
    (void)state;
    patience_learn(&p, 4000, 1000);
    assert_int_equal(patience_limit(&p, 600, 10000, 1000 + PATIENCE_HALVES_MS - 1), 4000);
    assert_int_equal(patience_limit(&p, 600, 10000, 1000 + PATIENCE_HALVES_MS), 2000);
    assert_int_equal(patience_limit(&p, 600, 10000, 1000 + 2 * PATIENCE_HALVES_MS), 1000);
    patience_learn(&p, 1000, 1000 + 2 * PATIENCE_HALVES_MS); /* no more than what is left */
    assert_int_equal(patience_limit(&p, 600, 10000, 1000 + 3 * PATIENCE_HALVES_MS), 600);
    patience_learn(&p, 1100, 1000 + 3 * PATIENCE_HALVES_MS);
    assert_int_equal(patience_limit(&p, 600, 10000, 1000 + 3 * PATIENCE_HALVES_MS), 1100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_experience_what_was_agreed_counts),
        cmocka_unit_test(what_was_needed_is_granted),
        cmocka_unit_test(it_is_forgotten_by_halves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
