/* wakeup.h - another thread calls the loop.
 *
 * uv_async does the same, but its receiver spins until the caller's write has returned, for some 40 us where both share
 * a CPU: more than all else that the loop does for a write. */
#pragma once

#include "core/base/status.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <uv.h>

struct wakeup {
    uv_poll_t poll; /* the first member: libuv hands it back */
    int fd;
    atomic_bool called; /* and the loop has not yet seen it */
    void (*woken)(void *context);
    void (*closed)(void *context);
    void *context;
};

/* ST_IO_ERROR: no descriptor for it; nothing is left. The struct stays where it is until `closed`. */
enum status wakeup_open(struct wakeup *w, uv_loop_t *loop, void (*woken)(void *context), void *context);

/* On any thread: `woken` is called on the loop, at least once after this. It sees what the caller has written before.
 */
void wakeup_call(struct wakeup *w);

/* On the loop, when no thread calls any more. */
void wakeup_close(struct wakeup *w, void (*closed)(void *context));
