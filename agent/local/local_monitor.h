/* local_monitor.h - the agent's log for local clients that follow it. */
#pragma once

#include "agent/local/local_internal.h"

struct local_monitor;

enum status local_monitor(struct local_client *c, struct local_request *request, const to_agent *m);
void local_monitor_free(struct local_monitor *m); /* NULL is allowed */

/* Nobody follows any more; `closed` is called from the loop, with the door. */
void local_monitors_close(struct local *l, void (*closed)(void *context));
