/* thread.h - what the disk threads need of POSIX threads: a small stack, a clock, a bounded wait. */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* A mutex and a condition variable whose waits are measured by the monotonic clock. False: no resources. */
bool thread_sync_init(pthread_mutex_t *lock, pthread_cond_t *wanted);
void thread_sync_destroy(pthread_mutex_t *lock, pthread_cond_t *wanted);

/* Starts a thread with a stack of 256 KiB and all signals blocked: those are the loop's. False: it could not be had. */
bool thread_start(pthread_t *thread, const char *name, void *(*main)(void *argument), void *argument);
/* The same with a stack of so many bytes. */
bool thread_start_sized(pthread_t *thread, const char *name, size_t stack, void *(*main)(void *argument),
                        void *argument);

/* Waits with the lock held, for a signal or `ms` milliseconds. */
void thread_wait_ms(pthread_cond_t *wanted, pthread_mutex_t *lock, uint32_t ms);

/* Microseconds of the monotonic clock. */
uint64_t thread_clock_us(void);
