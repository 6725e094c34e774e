/* turns.c - the substitute sleeps on a timer that is set while the loop stands still, and stopped again in time as a
 * rule.
 *
 *   OURS --errand--> HELD --in time--> OURS
 *                     | the timer
 *                     v
 *                SUBSTITUTED --errand over--> ASKED_BACK --end of its turn--> OURS
 *                     |                                                        |
 *                     +----------------- the loop has ended -----------------> OVER
 *
 * Whoever changes the state has seen all that was done before it was set. */
#include "agent/base/turns.h"

#include "agent/base/thread.h"
#include "core/base/mem.h"

#include <poll.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum state { OURS, HELD, SUBSTITUTED, ASKED_BACK, OVER };

enum {
    YIELD_NS = 4000,       /* to give way takes no longer than that when nobody wants the CPU */
    STACK_BYTES = 8 << 20, /* the loop's code expects that of a main thread */
};

struct turns {
    uv_loop_t *loop;
    pthread_t substitute;
    int timer;
    _Atomic enum state state;
    pthread_mutex_t lock; /* of what is told by `changed` */
    pthread_cond_t changed;

    /* The loop's. */
    struct turns_errand errand;
    struct turns_vigil vigil; /* `wanted` is NULL: there is none */
    bool has_errand, stopped;
};

static void set_timer(struct turns *t, uint64_t us)
{
    struct itimerspec when = {.it_value = {.tv_sec = (time_t)(us / 1000000), .tv_nsec = (long)(us % 1000000) * 1000}};
    (void)timerfd_settime(t->timer, 0, &when, NULL); /* has nothing to refuse */
}

static bool change(struct turns *t, enum state from, enum state to)
{
    return atomic_compare_exchange_strong(&t->state, &from, to);
}

static void tell(struct turns *t, enum state state)
{
    (void)pthread_mutex_lock(&t->lock);
    atomic_store(&t->state, state);
    (void)pthread_cond_signal(&t->changed);
    (void)pthread_mutex_unlock(&t->lock);
}

static bool something_waits(const struct turns *t)
{
    struct pollfd loop = {.fd = uv_backend_fd(t->loop), .events = POLLIN};
    return poll(&loop, 1, 0) > 0;
}

/* False: the loop has ended. */
static bool turn_once(struct turns *t, uv_run_mode mode)
{
    return uv_run(t->loop, mode) != 0 && !t->stopped;
}

/* Where somebody else has had the CPU meanwhile, it is wanted elsewhere. */
static void look_out(const struct turns *t, uint32_t us)
{
    uint64_t before, now = uv_hrtime(), end = now + (uint64_t)us * 1000;
    bool is_wanted = false;
    while (!is_wanted && now < end && !something_waits(t)) {
        before = now;
        (void)sched_yield();
        now = uv_hrtime();
        is_wanted = now - before > YIELD_NS;
    }
}

/* False: the loop has ended. What it puts off until it sleeps is done before it stays awake. */
static bool turn(struct turns *t)
{
    uint32_t awake_us = t->vigil.wanted == NULL ? 0 : t->vigil.wanted(t->vigil.context);
    if (awake_us > 0) {
        if (!turn_once(t, UV_RUN_NOWAIT))
            return false;
        look_out(t, awake_us);
    }
    return turn_once(t, UV_RUN_ONCE);
}

/* -- the substitute ----------------------------------------------------------------------------------------------- */

static void wait_for_timer(struct turns *t)
{
    uint64_t expirations;
    (void)!read(t->timer, &expirations, sizeof expirations); /* whatever it says: the state tells what is to be done */
}

/* Until the loop is asked back or ends. */
static void turn_meanwhile(struct turns *t)
{
    bool alive;
    do
        alive = turn(t);
    while (alive && atomic_load(&t->state) == SUBSTITUTED);
    tell(t, alive ? OURS : OVER);
}

static void *stand_by(void *argument)
{
    struct turns *t = argument;
    while (atomic_load(&t->state) != OVER) {
        wait_for_timer(t);
        if (change(t, HELD, SUBSTITUTED))
            turn_meanwhile(t);
    }
    return NULL;
}

/* -- the thread that turns the loop as a rule --------------------------------------------------------------------- */

/* False: the loop has ended meanwhile. */
static bool take_back(struct turns *t, const struct turns_errand *errand)
{
    (void)change(t, SUBSTITUTED, ASKED_BACK);
    errand->late(errand->context);
    (void)pthread_mutex_lock(&t->lock);
    while (atomic_load(&t->state) == ASKED_BACK)
        (void)pthread_cond_wait(&t->changed, &t->lock);
    (void)pthread_mutex_unlock(&t->lock);
    return atomic_load(&t->state) == OURS;
}

/* False: the loop has ended. */
static bool run_errand(struct turns *t)
{
    const struct turns_errand errand = t->errand;
    uint32_t limit_us = t->has_errand ? errand.wanted(errand.context) : 0;
    if (limit_us == 0)
        return true;
    enum turns_delay delay = DELAY_LATE;
    atomic_store(&t->state, HELD);
    set_timer(t, limit_us);
    errand.run(errand.context);
    if (change(t, HELD, OURS)) {
        set_timer(t, 0);
        delay = something_waits(t) ? DELAY_WAITED : DELAY_NONE;
    } else if (!take_back(t, &errand)) {
        return false;
    }
    if (t->has_errand)
        errand.done(errand.context, delay);
    return true;
}

void turns_run(struct turns *t)
{
    while (turn(t) && run_errand(t))
        ;
}

void turns_stop(struct turns *t)
{
    t->stopped = true;
    uv_stop(t->loop);
}

void turns_offer(struct turns *t, const struct turns_errand *errand)
{
    t->has_errand = errand != NULL;
    if (errand != NULL)
        t->errand = *errand;
}

void turns_stay_awake(struct turns *t, const struct turns_vigil *vigil)
{
    t->vigil = vigil == NULL ? (struct turns_vigil){0} : *vigil;
}

/* -- life --------------------------------------------------------------------------------------------------------- */

static enum status start_substitute(struct turns *t)
{
    t->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    if (t->timer < 0)
        return ST_IO_ERROR;
    if (thread_start_sized(&t->substitute, "substitute", STACK_BYTES, stand_by, t))
        return ST_OK;
    (void)close(t->timer);
    return ST_IO_ERROR;
}

enum status turns_new(struct turns **out, uv_loop_t *loop)
{
    struct turns *t = mem_calloc(1, sizeof *t);
    if (t == NULL)
        return ST_NO_MEMORY;
    t->loop = loop;
    enum status st = thread_sync_init(&t->lock, &t->changed) ? ST_OK : ST_NO_MEMORY;
    if (st == ST_OK) {
        st = start_substitute(t);
        if (st == ST_OK) {
            *out = t;
            return ST_OK;
        }
        thread_sync_destroy(&t->lock, &t->changed);
    }
    mem_free(t);
    return st;
}

void turns_free(struct turns *t)
{
    if (t == NULL)
        return;
    atomic_store(&t->state, OVER);
    set_timer(t, 1);
    (void)pthread_join(t->substitute, NULL);
    (void)close(t->timer);
    thread_sync_destroy(&t->lock, &t->changed);
    mem_free(t);
}
