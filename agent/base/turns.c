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
#include "bindings/c/patience.h"
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
    uint32_t busy_poll_us;
    struct patience patience; /* whether polling has been worth it */
    struct look {
        uint32_t us; /* from the end of this turn; 0: the loop does not look out */
        bool is_poll, was_in_vain;
    } look;
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

/* -- staying awake ------------------------------------------------------------------------------------------------ */

static uint32_t vigil_us(const struct turns *t)
{
    return t->vigil.wanted == NULL ? 0 : t->vigil.wanted(t->vigil.context);
}

/* How the loop goes on behind the coming turn. Who has looked out in vain sleeps first. */
static struct look next_look(struct turns *t)
{
    if (t->look.was_in_vain)
        return (struct look){0};
    uint32_t us = vigil_us(t);
    if (us > 0 || t->busy_poll_us == 0 || !patience_tries(&t->patience))
        return (struct look){.us = us};
    return (struct look){.us = t->busy_poll_us, .is_poll = true};
}

/* Until something waits or is due. Where somebody else has had the CPU meanwhile, it is wanted elsewhere. */
static void look_out(struct turns *t)
{
    struct look *look = &t->look;
    const int due_ms = look->us == 0 ? 0 : uv_backend_timeout(t->loop);
    if (due_ms == 0)
        return;
    const uint64_t most_us = due_ms < 0 || look->us / 1000 < (uint32_t)due_ms ? look->us : (uint64_t)due_ms * 1000;
    const uint64_t begin = uv_hrtime(), end = begin + most_us * 1000;
    uint64_t now = begin;
    bool is_wanted = false, has_come = something_waits(t);
    while (!has_come && !is_wanted && now < end) {
        uint64_t before = now;
        (void)sched_yield();
        now = uv_hrtime();
        is_wanted = now - before > YIELD_NS;
        has_come = something_waits(t);
    }
    look->was_in_vain = !has_come;
    if (look->is_poll)
        patience_learns(&t->patience, has_come && now - begin < (end - begin) / 2);
}

/* False: the loop has ended. What it puts off until it sleeps is done before it looks out. */
static bool turn(struct turns *t)
{
    t->look = next_look(t);
    return turn_once(t, t->look.us > 0 ? UV_RUN_NOWAIT : UV_RUN_ONCE);
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
    while ((alive = turn(t)) && atomic_load(&t->state) == SUBSTITUTED)
        look_out(t);
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
    t->look.us = 0; /* after it there is something new */
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
        look_out(t);
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

void turns_busy_poll(struct turns *t, uint32_t us)
{
    t->busy_poll_us = us;
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
