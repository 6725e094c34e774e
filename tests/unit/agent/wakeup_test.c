/* wakeup_test.c - another thread calls the loop: no call is lost, many may become one. */
#include "agent/base/wakeup.h"
#include "tests/support/test.h"

#include <pthread.h>
#include <sys/resource.h>

enum { CALLS = 20000 };

struct fixture {
    uv_loop_t loop;
    struct wakeup wakeup;
    atomic_uint written; /* by the other thread, before each call */
    unsigned seen, times;
    bool closed;
};

static void on_closed(void *context)
{
    struct fixture *f = context;
    f->closed = true;
}

static void on_woken(void *context)
{
    struct fixture *f = context;
    f->seen = atomic_load_explicit(&f->written, memory_order_relaxed);
    f->times++;
    if (f->seen == CALLS)
        wakeup_close(&f->wakeup, on_closed);
}

static void *call_often(void *context)
{
    struct fixture *f = context;
    for (unsigned i = 1; i <= CALLS; i++) {
        atomic_store_explicit(&f->written, i, memory_order_relaxed);
        wakeup_call(&f->wakeup);
    }
    return NULL;
}

static void no_call_is_lost(void **state)
{
    struct fixture f = {.times = 0};
    pthread_t thread;
    (void)state;
    assert_int_equal(uv_loop_init(&f.loop), 0);
    assert_int_equal(wakeup_open(&f.wakeup, &f.loop, on_woken, &f), ST_OK);
    assert_int_equal(pthread_create(&thread, NULL, call_often, &f), 0);
    uv_run(&f.loop, UV_RUN_DEFAULT); /* would not end if the last call were lost */
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(f.seen, CALLS);
    assert_true(f.closed);
    assert_int_equal(uv_loop_close(&f.loop), 0);
}

static void calls_before_the_loop_turns_are_one(void **state)
{
    struct fixture f = {.times = 0};
    (void)state;
    assert_int_equal(uv_loop_init(&f.loop), 0);
    assert_int_equal(wakeup_open(&f.wakeup, &f.loop, on_woken, &f), ST_OK);
    for (unsigned i = 0; i < 5; i++)
        wakeup_call(&f.wakeup);
    uv_run(&f.loop, UV_RUN_NOWAIT);
    assert_int_equal(f.times, 1);
    wakeup_call(&f.wakeup);
    uv_run(&f.loop, UV_RUN_NOWAIT);
    assert_int_equal(f.times, 2);
    wakeup_close(&f.wakeup, on_closed);
    uv_run(&f.loop, UV_RUN_DEFAULT);
    assert_true(f.closed);
    assert_int_equal(uv_loop_close(&f.loop), 0);
}

static void without_a_descriptor_there_is_none(void **state)
{
    struct fixture f = {.times = 0};
    struct rlimit before;
    (void)state;
    assert_int_equal(uv_loop_init(&f.loop), 0);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    const struct rlimit none = {.rlim_cur = 0, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    enum status st = wakeup_open(&f.wakeup, &f.loop, on_woken, &f);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(st, ST_IO_ERROR);
    assert_int_equal(uv_loop_close(&f.loop), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_call_is_lost),
        cmocka_unit_test(calls_before_the_loop_turns_are_one),
        cmocka_unit_test(without_a_descriptor_there_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
