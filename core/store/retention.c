/* retention.c - from which file on everything stays. */
#include "core/store/retention.h"

#include "core/base/check.h"

enum { SNAPSHOTS_MIN = 3 };

/* Marks the snapshots that go; returns the zxid of the oldest whole one that stays, INT64_MAX when there is none. */
static int64_t decide_snapshots(uint32_t wanted, struct retention_file *snapshots, size_t count)
{
    uint32_t kept = 0;
    int64_t oldest = INT64_MAX;
    for (size_t i = count; i > 0; i--) {
        struct retention_file *s = &snapshots[i - 1];
        s->remove = s->whole ? kept >= wanted : kept > 0;
        if (s->whole && !s->remove) {
            kept++;
            oldest = s->zxid;
        }
    }
    return oldest;
}

/* Index of the log that may hold the record behind `zxid`: the last whose name is not above it + 1. */
static size_t log_behind(const struct retention_file *logs, size_t count, int64_t zxid)
{
    size_t at = 0;
    for (size_t i = 1; i < count && logs[i].zxid - 1 <= zxid; i++)
        at = i;
    return at;
}

void retention_decide(const struct retention_settings *settings, int64_t checkpoint_zxid, struct retention_file *logs,
                      size_t log_count, struct retention_file *snapshots, size_t snapshot_count)
{
    uint32_t wanted = settings->snapshot_count < SNAPSHOTS_MIN ? SNAPSHOTS_MIN : settings->snapshot_count;
    int64_t base = decide_snapshots(wanted, snapshots, snapshot_count);
    if (checkpoint_zxid >= 0 && checkpoint_zxid < base)
        base = checkpoint_zxid;
    for (size_t i = 0; i < log_count; i++)
        logs[i].remove = false;
    if (log_count == 0 || base == INT64_MAX)
        return;
    /* Backwards from the first log that recovery needs: what fits the size and is young enough stays as well. Both must
     * hold, or a busy hour would fill the disk, and a quiet year would keep what nobody can want any more. */
    uint64_t kept = 0;
    size_t needed = log_behind(logs, log_count, base);
    bool removing = false;
    for (size_t i = needed; i > 0; i--) {
        struct retention_file *log = &logs[i - 1];
        kept += log->size;
        removing = removing || kept > settings->log_bytes || log->age_ms > settings->log_age_ms;
        log->remove = removing;
    }
}
