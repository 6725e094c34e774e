/* schedule_test.c - the heap against a plain array; first runs lie evenly, and later ones are never late. */
#include "plugins/health/schedule.h"

#include "tests/support/random.h"
#include "tests/support/test.h"

#include <stdlib.h>

enum { ENTRIES = 200, STEPS = 20000, CHECKS = 1000 };

static const struct schedule_entry *plainly_first(const struct schedule_entry *entries)
{
    const struct schedule_entry *first = NULL;
    for (size_t i = 0; i < ENTRIES; i++)
        if (entries[i].place != 0 && (first == NULL || entries[i].due_ms < first->due_ms))
            first = &entries[i];
    return first;
}

static void test_heap(void **context)
{
    static struct schedule_entry entries[ENTRIES];
    struct random random = {random_seed()};
    struct schedule *schedule = schedule_new(1);
    (void)context;
    assert_non_null(schedule);
    assert_null(schedule_first(schedule));
    for (int step = 0; step < STEPS; step++) {
        struct schedule_entry *entry = &entries[random_below(&random, ENTRIES)];
        if (random_below(&random, 3) == 0)
            schedule_remove(schedule, entry);
        else
            assert_true(schedule_put(schedule, entry, random_below(&random, 500)));
        const struct schedule_entry *first = schedule_first(schedule), *expected = plainly_first(entries);
        assert_true((first == NULL) == (expected == NULL));
        assert_true(first == NULL || first->due_ms == expected->due_ms);
    }
    schedule_free(schedule);
    schedule_free(NULL);
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* However many there are, no gap is more than three times as long as an even one. */
static void test_first_runs_lie_evenly(void **context)
{
    static uint64_t times[CHECKS];
    (void)context;
    for (size_t count = 1; count <= CHECKS; count = count * 3 + 1) {
        struct schedule *schedule = schedule_new(count * 77);
        assert_non_null(schedule);
        for (size_t i = 0; i < count; i++)
            times[i] = schedule_spread(schedule, 5000, 1000000) - 5000;
        qsort(times, count, sizeof *times, compare);
        for (size_t i = 1; i < count; i++)
            assert_true(times[i] - times[i - 1] <= 3 * 1000000 / count);
        assert_true(times[count - 1] < 1000000);
        schedule_free(schedule);
    }
}

static void test_intervals_are_shortened_and_no_more(void **context)
{
    struct schedule *schedule = schedule_new(3);
    uint64_t due = 1000, least = UINT64_MAX, most = 0;
    (void)context;
    assert_non_null(schedule);
    for (int i = 0; i < 1000; i++) {
        uint64_t next = schedule_again(schedule, due, due + 20, 5000, 10);
        least = next - due < least ? next - due : least;
        most = next - due > most ? next - due : most;
        due = next;
    }
    assert_in_range(least, 4500, 4520);
    assert_in_range(most, 4980, 5000);
    assert_int_equal(schedule_again(schedule, 1000, 1000, 5000, 0), 6000);
    schedule_free(schedule);
}

/* The host has slept for an hour: its checks do not all run at once, for ever after. */
static void test_whoever_is_late_is_spread_anew(void **context)
{
    struct schedule *schedule = schedule_new(3);
    uint64_t now = 1000 + 3600 * 1000, first_half = 0;
    (void)context;
    assert_non_null(schedule);
    for (uint64_t i = 0; i < 100; i++) {
        uint64_t next = schedule_again(schedule, 1000 + i, now, 5000, 10);
        assert_in_range(next, now, now + 4999);
        first_half += next < now + 2500;
    }
    assert_in_range(first_half, 45, 55);
    schedule_free(schedule);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_heap),
        cmocka_unit_test(test_first_runs_lie_evenly),
        cmocka_unit_test(test_intervals_are_shortened_and_no_more),
        cmocka_unit_test(test_whoever_is_late_is_spread_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
