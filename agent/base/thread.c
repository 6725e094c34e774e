/* thread.c - small stacks, blocked signals, monotonic waits. */
#include "agent/base/thread.h"

#include <signal.h>
#include <time.h>

enum { STACK_BYTES = 256 * 1024 };

bool thread_sync_init(pthread_mutex_t *lock, pthread_cond_t *wanted)
{
    pthread_condattr_t attributes;
    if (pthread_condattr_init(&attributes) != 0)
        return false;
    bool ok = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
              pthread_cond_init(wanted, &attributes) == 0;
    (void)pthread_condattr_destroy(&attributes);
    if (!ok)
        return false;
    if (pthread_mutex_init(lock, NULL) == 0)
        return true;
    (void)pthread_cond_destroy(wanted);
    return false;
}

void thread_sync_destroy(pthread_mutex_t *lock, pthread_cond_t *wanted)
{
    (void)pthread_cond_destroy(wanted);
    (void)pthread_mutex_destroy(lock);
}

bool thread_start(pthread_t *thread, const char *name, void *(*main)(void *argument), void *argument)
{
    return thread_start_sized(thread, name, STACK_BYTES, main, argument);
}

bool thread_start_sized(pthread_t *thread, const char *name, size_t stack, void *(*main)(void *argument),
                        void *argument)
{
    pthread_attr_t attributes;
    sigset_t all, before;
    if (pthread_attr_init(&attributes) != 0)
        return false;
    (void)sigfillset(&all);
    bool ok = pthread_attr_setstacksize(&attributes, stack) == 0 && pthread_sigmask(SIG_SETMASK, &all, &before) == 0;
    if (ok) {
        ok = pthread_create(thread, &attributes, main, argument) == 0;
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    (void)pthread_attr_destroy(&attributes);
    if (ok)
        (void)pthread_setname_np(*thread, name);
    return ok;
}

void thread_wait_ms(pthread_cond_t *wanted, pthread_mutex_t *lock, uint32_t ms)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    (void)pthread_cond_timedwait(wanted, lock, &until);
}

uint64_t thread_clock_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}
