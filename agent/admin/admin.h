/* admin.h - the HTTP server for operators: /commands/NAME as AdminServer has them, /live, /ready, /metrics.
 *
 * Loop thread only. */
#pragma once

#include "agent/admin/overview.h"

struct admin; /* opaque */

/* Listens as the settings say, on the admin port and, when asked for, on a port for metrics alone. `message` (appended)
 * says what failed. A member of an ensemble that cannot have the admin port is content without, and warns. ST_IO_ERROR,
 * ST_BUSY (the address is taken), ST_NOT_FOUND (the host name), ST_NO_MEMORY. */
enum status admin_open(struct admin **out, uv_loop_t *loop, struct overview *overview, struct buffer *message);

/* The ports that are listened on; -1: none. */
int32_t admin_port(const struct admin *a);
int32_t admin_metrics_port(const struct admin *a);

/* Closes listener and connections, then frees itself from the loop. NULL is allowed. */
void admin_close(struct admin *a);
