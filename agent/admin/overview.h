/* overview.h - what reports are made from: the parts of a running agent, to be looked at from the loop thread.
 *
 * Owned by the composition root (agent.c), which fills it in as the parts come up; whoever reports only reads. */
#pragma once

#include "agent/disk/persistence.h"
#include "agent/doors.h"
#include "agent/settings/settings.h"
#include "core/replica/status_report.h"

struct peers; /* agent/peers/peers.h */

struct overview {
    const struct settings *settings;
    struct replica *replica; /* for status_report.h's functions, and to reset statistics */
    const struct doors *doors;
    const struct persistence *persistence;
    const struct peers *peers; /* NULL: it runs alone */
    struct metrics *metrics;
    struct log_sink *log;    /* its level may be changed */
    int64_t started_us;      /* monotonic, microseconds */
    int64_t serving_us;      /* when is_serving last became true in an ensemble; 0 alone */
    bool is_serving;         /* the tree is loaded, clients are taken, the log can be written */
    bool is_read_only;       /* serving, but only readers that allow it: there is no leader */
    const char *trouble;     /* why not, or NULL: for /ready and the words */
    const char *log_trouble; /* why the log is not written, or NULL: whatever becomes of the role meanwhile */
};
