/* The heap of deadlines, compared with a plain search at every step of a random run. */
#include "core/base/deadlines.h"

#include "tests/support/random.h"
#include "tests/support/test.h"

enum { COUNT = 100, STEPS = 20000 };

static int64_t smallest(const struct deadline *all)
{
    int64_t first = INT64_MAX;
    for (size_t i = 0; i < COUNT; i++)
        if (all[i].place != 0 && all[i].at < first)
            first = all[i].at;
    return first;
}

static void the_first_is_the_earliest(void **state)
{
    (void)state;
    struct random random = {7};
    struct deadlines heap = {0};
    struct deadline all[COUNT] = {{0}};
    size_t in_it = 0;
    for (int step = 0; step < STEPS; step++) {
        struct deadline *d = &all[random_below(&random, COUNT)];
        bool was_there = d->place != 0;
        if (random_below(&random, 3) > 0) {
            assert_int_equal(deadlines_set(&heap, d, (int64_t)random_below(&random, 1000)), ST_OK);
            in_it += was_there ? 0 : 1;
        } else {
            deadlines_remove(&heap, d);
            in_it -= was_there ? 1 : 0;
        }
        const struct deadline *first = deadlines_first(&heap);
        assert_int_equal(heap.count, in_it);
        assert_int_equal(first == NULL ? INT64_MAX : first->at, smallest(all));
    }
    deadlines_free(&heap);
}

static void they_come_out_in_order(void **state)
{
    (void)state;
    struct random random = {8};
    struct deadlines heap = {0};
    struct deadline all[COUNT] = {{0}};
    for (size_t i = 0; i < COUNT; i++)
        assert_int_equal(deadlines_set(&heap, &all[i], (int64_t)random_below(&random, 50)), ST_OK);
    int64_t last = -1;
    for (struct deadline *first; (first = deadlines_first(&heap)) != NULL;) {
        assert_true(first->at >= last);
        last = first->at;
        deadlines_remove(&heap, first);
        assert_int_equal(first->place, 0);
    }
    deadlines_free(&heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_is_the_earliest),
        cmocka_unit_test(they_come_out_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
