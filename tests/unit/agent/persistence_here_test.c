/* persistence_here_test.c - when the loop's own thread writes the log: not for a while when that held a client or the
 * next write up, or took long. */
#include "agent/disk/persistence_here.c"

#include "tests/support/test.h"

static uint64_t clock_us;
static struct turns_errand offered;
static struct settings settings;
static struct persistence persistence;

uint64_t thread_clock_us(void)
{
    return clock_us;
}

void turns_offer(struct turns *t, const struct turns_errand *errand)
{
    (void)t;
    offered = *errand;
}

bool log_thread_here_begin(struct log_thread *t)
{
    (void)t;
    return true;
}

void log_thread_here_write(struct log_thread *t)
{
    (void)t;
}

void log_thread_here_end(struct log_thread *t, bool late_here)
{
    (void)t, (void)late_here;
}

void persistence_take_log_news(struct persistence *p)
{
    (void)p;
}

static int set_up(void **state)
{
    (void)state;
    clock_us = 1000000;
    settings = (struct settings){.loop_sync_us = 1000};
    persistence = (struct persistence){.settings = &settings, .metrics = metrics_new(KEYED_MAX)};
    assert_non_null(persistence.metrics);
    persistence_offer_errand(&persistence, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    metrics_free(persistence.metrics);
    return 0;
}

static bool may_write(void)
{
    return persistence_may_write_here(&persistence, 1);
}

/* A write of this turn, synced behind it. */
static void write_here(enum turns_delay delay)
{
    assert_true(may_write());
    persistence.here.due = true;
    persistence_here_turned(&persistence);
    assert_int_equal(offered.wanted(offered.context), 1000);
    offered.run(offered.context);
    if (delay == DELAY_LATE)
        offered.late(offered.context);
    offered.done(offered.context, delay);
}

static void assert_pause_ms(uint32_t ms)
{
    assert_false(may_write());
    clock_us += (uint64_t)ms * 1000 - 1;
    assert_false(may_write());
    clock_us++;
    assert_true(may_write());
}

static void one_after_the_other(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        write_here(DELAY_NONE);
    assert_true(may_write());
    assert_false(persistence_may_write_here(&persistence, COUNT_MAX + 1));
    assert_int_equal(offered.wanted(offered.context), 0); /* nothing was handed over */
}

static void a_slow_disk_has_its_own_thread_ever_longer(void **state)
{
    static const uint32_t pauses[] = {5, 10, 20, 40, 80, 160, 320, 320};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pauses); i++) {
        write_here(DELAY_LATE);
        assert_pause_ms(pauses[i]);
    }
    write_here(DELAY_NONE);
    write_here(DELAY_LATE);
    assert_pause_ms(5);
}

static void a_client_that_had_to_wait(void **state)
{
    (void)state;
    write_here(DELAY_WAITED);
    metrics_add(persistence.metrics, COUNTER_packets_received, 1);
    persistence_here_turned(&persistence);
    assert_pause_ms(5);
}

static void the_next_write_that_had_to_wait(void **state)
{
    (void)state;
    write_here(DELAY_WAITED);
    assert_pause_ms(5);
    persistence_here_turned(&persistence); /* was told already */
    assert_true(may_write());
}

/* An acknowledgement or a commit of another member. */
static void whatever_else_waits_loses_nothing(void **state)
{
    (void)state;
    metrics_add(persistence.metrics, COUNTER_packets_received, 7);
    write_here(DELAY_WAITED);
    persistence_here_turned(&persistence);
    assert_true(may_write());
}

static void never_when_it_is_not_to(void **state)
{
    (void)state;
    settings.loop_sync_us = 0;
    assert_false(may_write());
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(one_after_the_other),
        TEST(a_slow_disk_has_its_own_thread_ever_longer),
        TEST(a_client_that_had_to_wait),
        TEST(the_next_write_that_had_to_wait),
        TEST(whatever_else_waits_loses_nothing),
        TEST(never_when_it_is_not_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
