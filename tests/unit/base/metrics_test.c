/* Metrics: sums are exact, quantiles are at most 7 % above the truth, and memory that fails costs only the quantiles.
 */
/* link: -Wl,--wrap=mem_alloc -Wl,--wrap=mem_calloc -Wl,--wrap=mem_realloc */
#include "core/base/metrics.h"

#include "core/base/check.h"
#include "tests/support/failing_memory.h"
#include "tests/support/random.h"
#include "tests/support/test.h"

#include <stdlib.h>

#define VALUES 20000

static struct metrics *new_metrics(void)
{
    struct metrics *m = metrics_new(KEYED_MAX);
    assert_non_null(m);
    return m;
}

static void counters_add_up(void **state)
{
    (void)state;
    struct metrics *m = new_metrics();
    metrics_add(m, COUNTER_commit_count, 1);
    metrics_add(m, COUNTER_commit_count, 41);
    assert_int_equal(metrics_counter(m, COUNTER_commit_count), 42);
    assert_int_equal(metrics_counter(m, COUNTER_proposal_count), 0);
    metrics_reset(m);
    assert_int_equal(metrics_counter(m, COUNTER_commit_count), 0);
    metrics_free(m);
}

static void nothing_observed_is_zero(void **state)
{
    (void)state;
    struct metrics *m = new_metrics();
    struct summary_values v;
    metrics_summary(m, SUMMARY_readlatency, &v);
    assert_true(v.has_quantiles);
    assert_int_equal(v.count, 0);
    assert_int_equal(v.min, 0);
    assert_int_equal(v.max, 0);
    assert_int_equal(v.p999, 0);
    assert_true(v.average == 0);
    metrics_summary(m, SUMMARY_fsynctime, &v);
    assert_false(v.has_quantiles);
    metrics_free(m);
}

static int compare_values(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

static void assert_quantile(int64_t shown, const int64_t *sorted, size_t count, double q)
{
    size_t rank = (size_t)((double)count * q);
    rank += (double)rank < (double)count * q;
    int64_t truth = sorted[rank == 0 ? 0 : rank - 1];
    assert_true(shown >= truth);
    assert_true((double)shown <= (double)truth * 1.07);
}

/* Values from one to 2^bits, each size as likely as any other. */
static void quantiles_are_near(void **state)
{
    (void)state;
    static int64_t values[VALUES];
    struct random random = {random_seed()};
    for (uint32_t bits = 1; bits <= 40; bits += 3) {
        struct metrics *m = new_metrics();
        int64_t sum = 0;
        size_t count = 1 + random_below(&random, VALUES);
        for (size_t i = 0; i < count; i++) {
            values[i] = (int64_t)(random_next(&random) >> (64 - 1 - random_below(&random, bits)));
            sum += values[i];
            metrics_observe(m, SUMMARY_updatelatency, values[i]);
        }
        qsort(values, count, sizeof values[0], compare_values);
        struct summary_values v;
        metrics_summary(m, SUMMARY_updatelatency, &v);
        assert_true(v.has_quantiles);
        assert_int_equal(v.count, count);
        assert_int_equal(v.sum, sum);
        assert_int_equal(v.min, values[0]);
        assert_int_equal(v.max, values[count - 1]);
        assert_quantile(v.p50, values, count, 0.5);
        assert_quantile(v.p95, values, count, 0.95);
        assert_quantile(v.p99, values, count, 0.99);
        assert_quantile(v.p999, values, count, 0.999);
        metrics_free(m);
    }
}

static void extreme_values_are_taken(void **state)
{
    (void)state;
    struct metrics *m = new_metrics();
    struct summary_values v;
    metrics_observe(m, SUMMARY_readlatency, -5);
    metrics_observe(m, SUMMARY_readlatency, INT64_MAX / 4);
    metrics_summary(m, SUMMARY_readlatency, &v);
    assert_int_equal(v.min, -5);
    assert_int_equal(v.max, INT64_MAX / 4);
    assert_int_equal(v.p999, INT64_MAX / 4);
    metrics_reset(m);
    metrics_summary(m, SUMMARY_readlatency, &v);
    assert_int_equal(v.count, 0);
    metrics_observe(m, SUMMARY_readlatency, 3);
    metrics_summary(m, SUMMARY_readlatency, &v);
    assert_int_equal(v.p50, 3);
    assert_int_equal(v.min, 3);
    metrics_free(m);
}

static void failing_memory_costs_the_quantiles(void **state)
{
    (void)state;
    struct metrics *m = new_metrics();
    struct summary_values v;
    memory_fail_after(0);
    metrics_observe(m, SUMMARY_readlatency, 7);
    memory_fail_after(-1);
    metrics_observe(m, SUMMARY_readlatency, 9);
    metrics_summary(m, SUMMARY_readlatency, &v);
    assert_false(v.has_quantiles);
    assert_int_equal(v.count, 2);
    assert_int_equal(v.sum, 16);
    metrics_free(m);
    memory_fail_after(0);
    assert_null(metrics_new(KEYED_MAX));
    memory_fail_after(-1);
    metrics_free(NULL);
}

static void rows_have_names(void **state)
{
    (void)state;
    assert_string_equal(counter_name(COUNTER_bytes_received_count), "bytes_received_count");
    assert_string_equal(summary_name(SUMMARY_fsynctime), "fsynctime");
    for (int i = 0; i < COUNTER_COUNT; i++)
        assert_true(strlen(counter_help((enum counter_id)i)) > 0);
    for (int i = 0; i < SUMMARY_COUNT; i++)
        assert_true(strlen(summary_help((enum summary_id)i)) > 0);
    assert_string_equal(keyed_name(KEYED_write_per_namespace), "write_per_namespace");
    for (int i = 0; i < KEYED_COUNT; i++)
        assert_true(strlen(keyed_help((enum keyed_id)i)) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counters_add_up),
        cmocka_unit_test(nothing_observed_is_zero),
        cmocka_unit_test(quantiles_are_near),
        cmocka_unit_test(extreme_values_are_taken),
        cmocka_unit_test(failing_memory_costs_the_quantiles),
        cmocka_unit_test(rows_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
