/* drive.c - whose turn it is to work the socket. Whoever waits for something does it; others who wait too are woken
 * when that one is done, and one of them goes on. */
#include "bindings/c/internal.h"

#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <time.h>

enum { COARSE_MS = 10 }; /* the longest step of the clock that costs least */

int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The clock that costs least; the kernel sets it in steps of some milliseconds. */
int64_t now_about_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t deadline_of(uint32_t ms)
{
    return ms == ZOOID_NO_DEADLINE ? INT64_MAX : now_ms() + ms;
}

int64_t deadline_about(uint32_t ms)
{
    return ms == ZOOID_NO_DEADLINE ? INT64_MAX : now_about_ms() + COARSE_MS + ms;
}

static int timeout_until(int64_t at_ms)
{
    if (at_ms == INT64_MAX)
        return -1;
    int64_t left = at_ms - now_ms();
    return left <= 0 ? 0 : left > INT32_MAX ? INT32_MAX : (int)left;
}

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* For how long whoever waits stays awake, from the first wait of a call to its answer. */
struct vigil {
    struct patience *patience; /* NULL: it has not begun to wait */
    int64_t half_us, end_us;   /* 0: it does not stay awake */
};

static void begin_vigil(struct vigil *v, zooid_client *c, enum awaited awaited)
{
    v->patience = &c->patience[awaited];
    if (c->awake_us == 0 || !patience_tries(v->patience))
        return;
    int64_t now = now_us();
    v->half_us = now + c->awake_us / 2;
    v->end_us = now + c->awake_us;
}

/* What mostly comes later than in the first half is missed as often, and costs more than it saves. */
static void end_vigil(const struct vigil *v, bool has_come)
{
    if (v->end_us > 0)
        patience_learns(v->patience, has_come && now_us() < v->half_us);
}

/* Gives way to whoever could run here meanwhile, the agent perhaps. */
static int look_for(struct pollfd *fds, nfds_t count, int64_t end_us)
{
    int n = poll(fds, count, 0);
    while (n == 0 && now_us() < end_us) {
        (void)sched_yield();
        n = poll(fds, count, 0);
    }
    return n;
}

/* Waits for the socket, somebody who calls, or the time, without the lock. */
static void watch_locked(zooid_client *c, int64_t until_ms, const struct vigil *vigil)
{
    struct pollfd fds[2] = {{.fd = c->waker, .events = POLLIN},
                            {.fd = c->socket, .events = (short)(POLLIN | (c->out.len > 0 ? POLLOUT : 0))}};
    eventfd_t woken;
    c->polling = true;
    pthread_mutex_unlock(&c->lock);
    int n = vigil->end_us > 0 ? look_for(fds, COUNT_OF(fds), vigil->end_us) : 0;
    if (n == 0)
        n = poll(fds, COUNT_OF(fds), timeout_until(until_ms));
    pthread_mutex_lock(&c->lock);
    c->polling = false;
    if (n > 0 && fds[0].revents != 0)
        (void)eventfd_read(c->waker, &woken);
}

void wake_locked(zooid_client *c)
{
    pthread_cond_broadcast(&c->changed);
    if (c->polling)
        (void)eventfd_write(c->waker, 1);
}

static void wait_turn_locked(zooid_client *c, int64_t deadline_ms)
{
    if (deadline_ms == INT64_MAX) {
        pthread_cond_wait(&c->changed, &c->lock);
        return;
    }
    struct timespec until = {.tv_sec = deadline_ms / 1000, .tv_nsec = (long)(deadline_ms % 1000) * 1000000};
    (void)pthread_cond_timedwait(&c->changed, &c->lock, &until); /* on the monotonic clock: client.c */
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* One wait for the socket, with what is to be sent before it, and what has come after it. */
static void drive_locked(zooid_client *c, int64_t deadline_ms, const struct vigil *vigil)
{
    c->driven = true;
    watch_locked(c, earlier(deadline_ms, earlier(calls_expire_locked(c), link_due_locked(c))), vigil);
    link_work_locked(c, true);
    c->driven = false;
    pthread_cond_broadcast(&c->changed);
}

bool drive_until_locked(zooid_client *c, int64_t deadline_ms, enum awaited awaited,
                        bool (*is_true)(const zooid_client *c, const void *context), const void *context)
{
    struct vigil vigil = {0};
    bool has_come, over = false;
    link_work_locked(c, false);
    while (!(has_come = is_true(c, context)) && !over) {
        over = c->closing;
        if (deadline_ms != INT64_MAX && now_ms() >= deadline_ms) {
            link_work_locked(c, true); /* what has come already counts */
            over = true;
        }
        if (over)
            continue;
        if (c->driven) {
            wait_turn_locked(c, deadline_ms);
            continue;
        }
        if (vigil.patience == NULL)
            begin_vigil(&vigil, c, awaited);
        drive_locked(c, deadline_ms, &vigil);
    }
    end_vigil(&vigil, has_come);
    return has_come;
}
