/* child.h - a command that runs while a lock is held, and not a moment longer. */
#pragma once

#include "bindings/c/include/zooid.h"

#include <signal.h>
#include <sys/types.h>

enum { SHELL_SIGNAL = 128 }; /* added to the number of a signal, it is an exit code */

/* What this process waits for: events of the client, signals, a moment on CLOCK_BOOTTIME. */
struct vigil {
    zooid_client *client;
    int signals, timer; /* descriptors */
    sigset_t before;    /* what was blocked without it */
};

/* From here to the end signals arrive at the vigil. False: said on standard error. */
bool vigil_begin(struct vigil *v, zooid_client *client);
void vigil_end(struct vigil *v);

/* What has happened, or the moment (0: none) has come. */
struct vigil_news {
    zooid_event *event; /* to be freed; NULL: none */
    int signal;         /* 0: none */
    bool is_time;
};
struct vigil_news vigil_wait(struct vigil *v, uint64_t until_ms);
/* The signal is one by which a program is asked to end. */
bool ends_programs(int signal);

uint64_t boot_ms(void);

/* How it ended. */
struct child_end {
    bool started, lost; /* it was killed because the lock was lost */
    int code;           /* as a shell has it: its exit code, or 128 and the number of the signal that ended it */
};

/* Runs the command until it ends, handing signals on to it. `warn_ms` before the lock is no longer certain it gets
 * SIGTERM, and SIGKILL at that moment, or at once when the lock is lost before. */
struct child_end child_run(struct vigil *v, const zooid_lock *lock, const char *const *command, uint32_t warn_ms);
