/* supervisor.h - the host of plugins as a child of the agent: zooid-plugin-host --supervise, started, started again
 * when it ends, and stopped with the agent. What plugins do is its business, and cannot reach the agent but by its
 * sockets. */
#pragma once

#include "agent/settings/settings.h"
#include "core/base/log.h"
#include "core/base/metrics.h"

#include <uv.h>

struct supervisor;

/* NULL: out of memory. The parts have to outlive it. */
struct supervisor *supervisor_new(uv_loop_t *loop, const struct settings *settings, struct metrics *metrics,
                                  struct log_sink *log);
void supervisor_start(struct supervisor *s);
void supervisor_reload(struct supervisor *s); /* NULL is allowed */
/* Asks it to end, and makes it, if that takes too long. May be called again. */
void supervisor_stop(struct supervisor *s);
/* When it has ended; `closed` may be NULL. NULL is allowed: `closed` is called at once. */
void supervisor_close(struct supervisor *s, void (*closed)(void *context), void *context);
