/* state_test.c - results become a status: by hand, and all short histories against a plain rule. */
#include "plugins/health/state.h"
#include "tests/support/test.h"

static enum check_status after_all(const struct thresholds *t, enum check_status initial, const char *results)
{
    struct check_state state = {.status = initial};
    for (; *results != '\0'; results++) {
        enum check_status result = *results == 'p' ? CHECK_PASSING : *results == 'w' ? CHECK_WARNING : CHECK_CRITICAL;
        (void)state_take(&state, t, result, *results == '!', 7);
    }
    return state.status;
}

static void test_each_rule(void **context)
{
    static const struct {
        struct thresholds thresholds;
        enum check_status initial;
        const char *results;
        enum check_status status;
    } rows[] = {
        {{1, 1, 0}, CHECK_CRITICAL, "", CHECK_CRITICAL},   {{1, 1, 0}, CHECK_CRITICAL, "p", CHECK_PASSING},
        {{1, 1, 0}, CHECK_CRITICAL, "pf", CHECK_CRITICAL}, {{3, 1, 0}, CHECK_CRITICAL, "pp", CHECK_CRITICAL},
        {{3, 1, 0}, CHECK_CRITICAL, "ppp", CHECK_PASSING}, {{3, 1, 0}, CHECK_CRITICAL, "ppfpp", CHECK_CRITICAL},
        {{1, 3, 0}, CHECK_PASSING, "ff", CHECK_PASSING},   {{1, 3, 0}, CHECK_PASSING, "ffpff", CHECK_PASSING},
        {{1, 3, 0}, CHECK_PASSING, "fff", CHECK_CRITICAL}, {{1, 3, 2}, CHECK_PASSING, "ff", CHECK_WARNING},
        {{1, 3, 2}, CHECK_PASSING, "fff", CHECK_CRITICAL}, {{1, 3, 2}, CHECK_CRITICAL, "ff", CHECK_CRITICAL},
        {{2, 3, 2}, CHECK_PASSING, "ffp", CHECK_WARNING},  {{2, 3, 2}, CHECK_PASSING, "ffpp", CHECK_PASSING},
        {{2, 2, 0}, CHECK_PASSING, "w", CHECK_WARNING},    {{2, 2, 0}, CHECK_CRITICAL, "w", CHECK_CRITICAL},
        {{2, 2, 0}, CHECK_CRITICAL, "ww", CHECK_WARNING},  {{2, 2, 0}, CHECK_CRITICAL, "pw", CHECK_WARNING},
        {{2, 2, 0}, CHECK_CRITICAL, "wp", CHECK_CRITICAL}, {{2, 2, 0}, CHECK_PASSING, "fwf", CHECK_WARNING},
        {{1, 5, 0}, CHECK_PASSING, "!", CHECK_CRITICAL},
    };
    (void)context;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(after_all(&rows[i].thresholds, rows[i].initial, rows[i].results), rows[i].status);
}

static void test_counts_and_times(void **context)
{
    const struct thresholds t = {.rise = 1, .fall = 2};
    struct check_state state = {.status = CHECK_CRITICAL, .since_ms = 1};
    (void)context;
    assert_false(state.known);
    assert_true(state_take(&state, &t, CHECK_PASSING, false, 10));
    assert_true(state.known);
    assert_int_equal(state.since_ms, 10);
    assert_false(state_take(&state, &t, CHECK_CRITICAL, false, 20));
    assert_int_equal(state.since_ms, 10);
    assert_true(state_take(&state, &t, CHECK_CRITICAL, false, 30));
    assert_int_equal(state.since_ms, 30);
    assert_int_equal(state.runs, 3);
    assert_int_equal(state.failures, 2);
    assert_int_equal(state.changes, 2);
    assert_int_equal(state_flaps(&state), 2);
    for (int i = 0; i < 32; i++)
        assert_false(state_take(&state, &t, CHECK_CRITICAL, false, 40));
    assert_int_equal(state_flaps(&state), 0);
}

/* Without warnings: critical exactly when the last `fall` or more results failed since it last passed `rise` times. */
static enum check_status plainly(const struct thresholds *t, const char *results, size_t n)
{
    enum check_status status = CHECK_CRITICAL;
    for (size_t end = 1; end <= n; end++) {
        int64_t run = 1;
        while ((size_t)run < end && results[end - 1 - (size_t)run] == results[end - 1])
            run++;
        if (results[end - 1] == 'p' && run >= t->rise)
            status = CHECK_PASSING;
        if (results[end - 1] == 'f' && run >= t->fall)
            status = CHECK_CRITICAL;
    }
    return status;
}

static void test_all_short_histories(void **context)
{
    (void)context;
    for (int64_t rise = 1; rise <= 3; rise++)
        for (int64_t fall = 1; fall <= 3; fall++)
            for (unsigned bits = 0; bits < 1U << 10; bits++) {
                const struct thresholds t = {.rise = rise, .fall = fall};
                char results[11] = "";
                for (unsigned i = 0; i < 10; i++)
                    results[i] = (bits >> i & 1) != 0 ? 'p' : 'f';
                assert_int_equal(after_all(&t, CHECK_CRITICAL, results), plainly(&t, results, 10));
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_rule),
        cmocka_unit_test(test_counts_and_times),
        cmocka_unit_test(test_all_short_histories),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
