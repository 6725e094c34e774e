/* turns_test.c - the loop is turned by one thread at a time, and stands still for no errand that lasts. */
/* link: -Wl,--wrap=uv_hrtime */
#include "agent/base/turns.h"

#include "agent/base/wakeup.h"
#include "tests/support/random.h"
#include "tests/support/test.h"
#include "tests/support/wait.h"

#include <pthread.h>
#include <stdlib.h>

enum { PATIENCE_MS = 30000, NEVER_US = 30000000, SOON_US = 100, ERRANDS = 2000 };

struct fixture {
    uv_loop_t loop;
    struct turns *turns;
    struct wakeup wakeup;
    uv_timer_t ticker;
    uint32_t limit_us;
    void (*errand)(struct fixture *f); /* what `run` does */
    bool due, handles_closed;
    bool at_once; /* the next errand follows with the next turn, not with the next tick */
    unsigned begun, late, done;
    enum turns_delay delay; /* of the last */
    pthread_t usual;        /* who turns the loop as a rule */
    unsigned ticks;         /* the loop's own, as all that is not atomic */
    atomic_uint ticks_seen; /* the same, for an errand */
    atomic_bool ended;
    unsigned errands_wanted;
    struct random random;
};

/* A clock of a machine where nobody else wants the CPU, so that nothing but time ends a look-out; 0: the real one. */
static uint64_t idle_ns;

uint64_t __real_uv_hrtime(void);
uint64_t __wrap_uv_hrtime(void);

uint64_t __wrap_uv_hrtime(void)
{
    const uint64_t step_ns = 1000, most_ns = (uint64_t)1000 * 1000 * 1000;
    if (idle_ns == 0)
        return __real_uv_hrtime();
    idle_ns += step_ns;
    assert_true(idle_ns < most_ns);
    return idle_ns;
}

static void on_closed(void *context)
{
    struct fixture *f = context;
    f->handles_closed = true;
}

static void on_woken(void *context)
{
    (void)context;
}

static void on_tick(uv_timer_t *timer)
{
    struct fixture *f = timer->data;
    f->ticks++;
    atomic_store(&f->ticks_seen, f->ticks);
    if (f->done < f->errands_wanted)
        f->due = true;
}

static uint32_t wanted(void *context)
{
    struct fixture *f = context;
    assert_true(pthread_equal(pthread_self(), f->usual));
    if (!f->due)
        return 0;
    f->due = false;
    f->begun++;
    return f->limit_us;
}

static void run(void *context)
{
    struct fixture *f = context;
    f->errand(f);
}

static void late(void *context)
{
    struct fixture *f = context;
    f->late++;
    wakeup_call(&f->wakeup);
}

static void done(void *context, enum turns_delay delay)
{
    struct fixture *f = context;
    assert_true(pthread_equal(pthread_self(), f->usual));
    f->delay = delay;
    if (++f->done == f->errands_wanted)
        turns_stop(f->turns);
    f->due = f->at_once;
    if (f->at_once)
        wakeup_call(&f->wakeup);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->usual = pthread_self();
    f->errands_wanted = 1;
    assert_int_equal(uv_loop_init(&f->loop), 0);
    assert_int_equal(wakeup_open(&f->wakeup, &f->loop, on_woken, f), ST_OK);
    assert_int_equal(uv_timer_init(&f->loop, &f->ticker), 0);
    f->ticker.data = f;
    assert_int_equal(uv_timer_start(&f->ticker, on_tick, 1, 1), 0);
    assert_int_equal(turns_new(&f->turns, &f->loop), ST_OK);
    const struct turns_errand errand = {f, wanted, run, late, done};
    turns_offer(f->turns, &errand);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    idle_ns = 0;
    turns_free(f->turns);
    wakeup_close(&f->wakeup, on_closed);
    uv_close((uv_handle_t *)&f->ticker, NULL);
    assert_int_equal(uv_run(&f->loop, UV_RUN_DEFAULT), 0);
    assert_true(f->handles_closed);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    free(f);
    return 0;
}

static void nothing(struct fixture *f)
{
    (void)f;
}

static void what_is_short_is_done_between_two_turns(void **state)
{
    struct fixture *f = *state;
    f->limit_us = NEVER_US;
    f->errand = nothing;
    f->errands_wanted = 20;
    uv_timer_set_repeat(&f->ticker, 20); /* the next tick is not due when an errand has ended */
    turns_run(f->turns);
    assert_int_equal(f->begun, 20);
    assert_int_equal(f->done, 20);
    assert_int_equal(f->late, 0);
    assert_int_equal(f->delay, DELAY_NONE);
}

static void call_the_loop(struct fixture *f)
{
    wakeup_call(&f->wakeup);
}

static void what_waits_meanwhile_is_told(void **state)
{
    struct fixture *f = *state;
    f->limit_us = NEVER_US;
    f->errand = call_the_loop;
    turns_run(f->turns);
    assert_int_equal(f->delay, DELAY_WAITED);
}

static bool has_ticked(void *context)
{
    struct fixture *f = context;
    return atomic_load(&f->ticks_seen) >= 5;
}

static void wait_for_ticks(struct fixture *f)
{
    assert_true(wait_until(has_ticked, f, PATIENCE_MS));
}

/* It would wait for ever if nobody turned the loop. */
static void the_loop_goes_on_while_an_errand_lasts(void **state)
{
    struct fixture *f = *state;
    f->limit_us = SOON_US;
    f->errand = wait_for_ticks;
    turns_run(f->turns);
    assert_true(f->ticks >= 5);
    assert_int_equal(f->late, 1);
    assert_int_equal(f->done, 1);
    assert_int_equal(f->delay, DELAY_LATE);
}

static void on_last_tick(uv_timer_t *timer)
{
    struct fixture *f = timer->data;
    on_tick(timer);
    if (f->ticks == 5) {
        turns_offer(f->turns, NULL);
        turns_stop(f->turns);
        atomic_store(&f->ended, true);
    }
}

static bool has_ended(void *context)
{
    struct fixture *f = context;
    return atomic_load(&f->ended);
}

static void wait_for_the_end(struct fixture *f)
{
    assert_true(wait_until(has_ended, f, PATIENCE_MS));
}

static void the_loop_can_end_while_an_errand_lasts(void **state)
{
    struct fixture *f = *state;
    f->limit_us = SOON_US;
    f->errand = wait_for_the_end;
    assert_int_equal(uv_timer_start(&f->ticker, on_last_tick, 1, 1), 0);
    turns_run(f->turns);
    assert_int_equal(f->late, 1);
    assert_int_equal(f->done, 0);
    assert_int_equal(f->ticks, 5);
}

static void last_about_as_long_as_it_may(struct fixture *f)
{
    uint64_t until = uv_hrtime() + random_below(&f->random, 4 * SOON_US) * 1000;
    while (uv_hrtime() < until)
        ;
}

/* With the thread sanitizer this shows, too, that each thread has seen what the other one did. */
static void it_is_given_back_each_time(void **state)
{
    struct fixture *f = *state;
    f->limit_us = SOON_US;
    f->errand = last_about_as_long_as_it_may;
    f->errands_wanted = ERRANDS;
    f->at_once = true;
    turns_run(f->turns);
    assert_int_equal(f->begun, ERRANDS);
    assert_int_equal(f->done, ERRANDS);
    assert_in_range(f->late, 1, ERRANDS - 1);
}

static void a_loop_without_handles_ends(void **state)
{
    struct fixture *f = *state;
    turns_offer(f->turns, NULL);
    uv_unref((uv_handle_t *)&f->ticker);
    uv_unref((uv_handle_t *)&f->wakeup.poll);
    turns_run(f->turns);
    uv_ref((uv_handle_t *)&f->ticker);
    uv_ref((uv_handle_t *)&f->wakeup.poll);
}

static uint32_t as_long_as_it_takes(void *context)
{
    (void)context;
    return UINT32_MAX;
}

static void on_prepare(uv_prepare_t *prepare)
{
    struct fixture *f = prepare->data;
    wakeup_call(&f->wakeup);
    uv_prepare_stop(prepare);
    uv_close((uv_handle_t *)prepare, NULL);
}

static void on_woken_to_stop(void *context)
{
    struct fixture *f = context;
    turns_stop(f->turns);
}

/* It would stay awake for an hour if what it puts off until it sleeps were not done first, or if it slept on what it
 * has seen. */
static void see_what_comes(struct fixture *f)
{
    uv_prepare_t prepare = {.data = f};
    turns_offer(f->turns, NULL);
    uv_timer_stop(&f->ticker);
    f->wakeup.woken = on_woken_to_stop;
    assert_int_equal(uv_prepare_init(&f->loop, &prepare), 0);
    uv_prepare_start(&prepare, on_prepare);
    turns_run(f->turns);
    assert_int_equal(uv_run(&f->loop, UV_RUN_NOWAIT), 1);
}

static void what_comes_is_seen_awake(void **state)
{
    struct fixture *f = *state;
    const struct turns_vigil vigil = {f, as_long_as_it_takes};
    turns_stay_awake(f->turns, &vigil);
    see_what_comes(f);
    turns_stay_awake(f->turns, NULL);
}

static void what_comes_is_seen_by_a_poll(void **state)
{
    struct fixture *f = *state;
    turns_busy_poll(f->turns, UINT32_MAX);
    see_what_comes(f);
}

static void on_idle(uv_idle_t *idle)
{
    struct fixture *f = idle->data;
    if (++f->begun < 100)
        return;
    turns_stop(f->turns);
    uv_close((uv_handle_t *)idle, NULL);
}

static uint32_t for_an_hour(void *context)
{
    struct fixture *f = context;
    f->late++;
    return UINT32_MAX;
}

/* Each turn has work for the next one, which nothing tells but the loop itself. Were it looked for in vain, the next
 * turn would sleep without having asked whether to stay awake. */
static void work_does_not_wait_for_a_look_out(void **state)
{
    struct fixture *f = *state;
    const struct turns_vigil vigil = {f, for_an_hour};
    uv_idle_t idle = {.data = f};
    turns_offer(f->turns, NULL);
    uv_timer_stop(&f->ticker);
    assert_int_equal(uv_idle_init(&f->loop, &idle), 0);
    uv_idle_start(&idle, on_idle);
    turns_stay_awake(f->turns, &vigil);
    turns_run(f->turns);
    turns_stay_awake(f->turns, NULL);
    assert_int_equal(f->begun, 100);
    assert_int_equal(f->late, 100);
    assert_int_equal(uv_run(&f->loop, UV_RUN_NOWAIT), 1);
}

static void count_turns(uv_check_t *check)
{
    struct fixture *f = check->data;
    f->begun++;
}

static void on_tick_to_stop_in_the_end(uv_timer_t *timer)
{
    enum { TICKS = 256 };
    struct fixture *f = timer->data;
    if (++f->ticks == TICKS)
        turns_stop(f->turns);
}

/* A tick that was polled for takes two turns: one that does not sleep, and one that does. */
static void polls_in_vain_become_rare(void **state)
{
    struct fixture *f = *state;
    uv_check_t check = {.data = f};
    turns_offer(f->turns, NULL);
    assert_int_equal(uv_timer_start(&f->ticker, on_tick_to_stop_in_the_end, 1, 1), 0);
    assert_int_equal(uv_check_init(&f->loop, &check), 0);
    uv_check_start(&check, count_turns);
    turns_busy_poll(f->turns, SOON_US);
    turns_run(f->turns);
    assert_in_range(f->begun, f->ticks / 2, f->ticks * 3 / 2);
    uv_close((uv_handle_t *)&check, NULL);
    assert_int_equal(uv_run(&f->loop, UV_RUN_NOWAIT), 1);
}

static uint32_t not_long(void *context)
{
    struct fixture *f = context;
    f->begun++;
    return SOON_US;
}

static void on_tick_to_stop(uv_timer_t *timer)
{
    struct fixture *f = timer->data;
    turns_stop(f->turns);
}

static void without_anything_it_sleeps_in_the_end(void **state)
{
    struct fixture *f = *state;
    const struct turns_vigil vigil = {f, not_long};
    turns_offer(f->turns, NULL);
    assert_int_equal(uv_timer_start(&f->ticker, on_tick_to_stop, 100, 100), 0);
    turns_stay_awake(f->turns, &vigil);
    turns_run(f->turns);
    assert_in_range(f->begun, 1, 10); /* not over and over again */
}

/* It would look out for an hour. */
static void a_timer_does_not_wait_for_a_look_out(void **state)
{
    struct fixture *f = *state;
    turns_offer(f->turns, NULL);
    assert_int_equal(uv_timer_start(&f->ticker, on_tick_to_stop, 5, 0), 0);
    turns_busy_poll(f->turns, UINT32_MAX);
    idle_ns = 1;
    turns_run(f->turns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_short_is_done_between_two_turns, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_waits_meanwhile_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_loop_goes_on_while_an_errand_lasts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_loop_can_end_while_an_errand_lasts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_is_given_back_each_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_comes_is_seen_awake, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_comes_is_seen_by_a_poll, set_up, tear_down),
        cmocka_unit_test_setup_teardown(work_does_not_wait_for_a_look_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_timer_does_not_wait_for_a_look_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(polls_in_vain_become_rare, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_anything_it_sleeps_in_the_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_loop_without_handles_ends, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
