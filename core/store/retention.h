/* retention.h - which logs and snapshots may go (design 4.6, quorum-protocol 6.8). A pure decision; who removes is the
 * caller.
 *
 * What recovery may need always stays: the last checkpoint's log, the newest snapshots and the log behind the oldest of
 * them. Beyond that log is kept within a size and an age. */
#pragma once

#include "core/base/bytes.h"

struct retention_file {
    int64_t zxid;
    uint64_t size;  /* bytes */
    int64_t age_ms; /* since it was last written */
    bool whole;     /* snapshots: snapshot_looks_whole */
    bool remove;    /* the decision */
};

struct retention_settings {
    uint64_t log_bytes;      /* at most so much log is kept beyond what recovery needs ... */
    int64_t log_age_ms;      /* ... and none that is older than this */
    uint32_t snapshot_count; /* snapshots that are kept; at least 3 */
};

/* Decides for each file, both lists by rising zxid. `checkpoint_zxid`: of the last complete checkpoint, -1: none. The
 * last log is never removed, nor any when there is neither a checkpoint nor a whole snapshot. Snapshots that are not
 * whole count as none and are removed once a newer whole one is there. */
void retention_decide(const struct retention_settings *settings, int64_t checkpoint_zxid, struct retention_file *logs,
                      size_t log_count, struct retention_file *snapshots, size_t snapshot_count);
