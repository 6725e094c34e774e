/* checkpoints_schedule.c - what is due, what was asked for, and what may go afterwards. */
#include "agent/disk/checkpoints_internal.h"

#include <sys/random.h>
#include <uv.h>

enum {
    RETRY_MS = 10000,
    QUIET_MS = 1000,    /* without a write: then a checkpoint disturbs nobody ... */
    QUIET_SHARE = 20,   /* ... and is worth it from this part of snapCount on, for a quick start */
    SNAPSHOT_SHARE = 4, /* snapshots may be this often in the log that is kept behind them */
    SNAPSHOT_LOG_MIN = 64 << 20,
};

const char *const job_names[] = {[JOB_CHECKPOINT] = "checkpoint", [JOB_SNAPSHOT] = "snapshot"};

static uint64_t now_ms(void)
{
    return uv_hrtime() / 1000000;
}

/* A number from `whole` / 2 up to `whole`. */
static uint64_t draw(uint64_t whole)
{
    uint64_t random = 0;
    if (getrandom(&random, sizeof random, GRND_NONBLOCK) != sizeof random)
        random = uv_hrtime(); /* only spreads the members out */
    return whole / 2 + (whole / 2 > 0 ? random % (whole / 2) : 0) + 1;
}

static void draw_next(struct checkpoints *c)
{
    const struct settings *s = c->options.settings;
    c->txns_due = draw((uint64_t)s->snap_count);
    c->bytes_due = s->snap_size_limit_kib > 0 ? draw((uint64_t)s->snap_size_limit_kib * 1024) : UINT64_MAX;
}

void checkpoints_schedule_init(struct checkpoints *c)
{
    const struct checkpoints_options *options = &c->options;
    c->handed_zxid = 0;
    c->txns = options->txns;
    c->bytes = options->txn_bytes;
    c->snapshot_bytes = options->txn_bytes;
    c->full = options->full;
    c->overdue = options->overdue;
    c->checkpoint_zxid = options->checkpoint_zxid;
    c->snapshot_zxid = options->snapshot_zxid;
    c->snapshot_ms = now_ms();
    c->snapshot_age_ms_at_start = options->snapshot_age_ms > 0 ? (uint64_t)options->snapshot_age_ms : 0;
    c->purged_ms = now_ms();
    c->written_ms = now_ms();
    draw_next(c);
}

void checkpoints_count(struct checkpoints *c, int64_t last_zxid, uint32_t txns, uint64_t bytes)
{
    c->handed_zxid = last_zxid;
    c->txns += txns;
    c->bytes += bytes;
    c->snapshot_bytes += bytes;
    c->written_ms = now_ms();
}

/* -- what was asked for ------------------------------------------------------------------------------------------- */

void checkpoints_answer(struct checkpoints *c, bool ok)
{
    void (*done)(void *context, bool ok) = c->done;
    c->done = NULL;
    c->asked = false;
    c->asked_begun = false;
    c->asked_stored = false;
    if (done != NULL)
        done(c->done_context, ok);
}

void checkpoints_ask(struct checkpoints *c, void (*done)(void *context, bool ok), void *context)
{
    if (c->done != NULL || c->held) {
        done(context, false);
        return;
    }
    c->done = done;
    c->done_context = context;
    c->asked = true;
}

/* -- purges ------------------------------------------------------------------------------------------------------- */

/* Autopurge's snapRetainCount, and by how much the log may exceed what recovery needs. */
static void purge_now(struct checkpoints *c, bool keep_spare_log)
{
    const struct settings *s = c->options.settings;
    c->purged_ms = now_ms();
    if (s->purge_interval_ms == 0 || c->purges_held)
        return;
    const struct retention_settings keep = {.log_bytes = keep_spare_log ? (uint64_t)s->log_retain_bytes : 0,
                                            .log_age_ms = keep_spare_log ? s->log_retain_ms : 0,
                                            .snapshot_count = s->snap_retain_count > 3 ? (uint32_t)s->snap_retain_count
                                                                                       : 3};
    (void)checkpoint_thread_purge(c->thread, &keep, c->checkpoint_zxid); /* without memory: the next one */
}

void checkpoints_make_room(struct checkpoints *c)
{
    purge_now(c, false);
}

/* -- what is due -------------------------------------------------------------------------------------------------- */

struct checkpoints_now {
    uint64_t ms;
    int64_t last_zxid;
    uint64_t tree_bytes;
};

/* What was handed to the log counts, though it may not be applied yet: one that would hold nothing new has to wait, and
 * it is not quiet before all is applied. */
static bool checkpoint_due(const struct checkpoints *c, const struct checkpoints_now *now)
{
    bool worth = c->txns > (uint64_t)c->options.settings->snap_count / QUIET_SHARE;
    bool quiet = worth && now->last_zxid >= c->handed_zxid && now->ms - c->written_ms >= QUIET_MS;
    bool due = quiet || c->overdue || c->txns > c->txns_due || c->bytes > c->bytes_due;
    return due && (now->last_zxid != c->checkpoint_zxid || c->full) && now->last_zxid > 0;
}

/* The log behind the oldest snapshot is kept, so there must be new ones when much is written. */
static uint64_t snapshot_bytes_max(const struct checkpoints *c, uint64_t tree_bytes)
{
    uint64_t kept = (uint64_t)c->options.settings->log_retain_bytes * 2, several = tree_bytes * SNAPSHOT_SHARE;
    uint64_t max = kept > several ? kept : several;
    return max > SNAPSHOT_LOG_MIN ? max : SNAPSHOT_LOG_MIN;
}

static bool snapshot_due(const struct checkpoints *c, const struct checkpoints_now *now)
{
    if (now->last_zxid <= 0 || now->last_zxid == c->snapshot_zxid)
        return false;
    if (c->snapshot_zxid < 0)
        return c->checkpoint_zxid >= 0;
    uint64_t age_ms = now->ms - c->snapshot_ms + c->snapshot_age_ms_at_start;
    return age_ms >= (uint64_t)c->options.settings->snapshot_interval_ms ||
           c->snapshot_bytes > snapshot_bytes_max(c, now->tree_bytes);
}

/* Who follows a leader is given txns to the end: one checkpoint is enough, though it does not hold the last of them. */
static bool asked_due(struct checkpoints *c, int64_t last_zxid, enum disk_job_kind *kind)
{
    bool stored = c->asked_stored || last_zxid == 0 || (c->checkpoint_zxid == last_zxid && !c->full);
    bool snapshot = c->snapshot_zxid < 0 && last_zxid > 0;
    if (c->log_failed || (stored && !snapshot)) {
        checkpoints_answer(c, !c->log_failed);
        return false;
    }
    *kind = stored ? JOB_SNAPSHOT : JOB_CHECKPOINT;
    return true;
}

bool checkpoints_due(struct checkpoints *c, int64_t last_zxid, uint64_t tree_bytes, enum disk_job_kind *kind)
{
    if (c->asked)
        return asked_due(c, last_zxid, kind);
    const struct checkpoints_now now = {.ms = now_ms(), .last_zxid = last_zxid, .tree_bytes = tree_bytes};
    if (c->log_failed || now.ms < c->not_before_ms)
        return false;
    if (c->options.settings->purge_interval_ms > 0 &&
        now.ms - c->purged_ms >= (uint64_t)c->options.settings->purge_interval_ms)
        purge_now(c, true);
    bool due = checkpoint_due(c, &now);
    *kind = due ? JOB_CHECKPOINT : JOB_SNAPSHOT;
    return due || snapshot_due(c, &now);
}

/* -- what became of it -------------------------------------------------------------------------------------------- */

void checkpoints_job_begun(struct checkpoints *c)
{
    c->asked_begun = c->asked;
    if (c->job.kind == JOB_SNAPSHOT) {
        c->snapshot_bytes = 0;
        return;
    }
    /* Those that are still on their way to the tree are left for the next one. */
    uint64_t left = c->handed_zxid > c->job.zxid ? (uint64_t)(c->handed_zxid - c->job.zxid) : 0;
    c->bytes = left < c->txns ? c->bytes / c->txns * left : c->bytes;
    c->txns = left < c->txns ? left : c->txns;
    c->overdue = false;
    draw_next(c);
}

void checkpoints_job_stored(struct checkpoints *c, const struct disk_result *result)
{
    if (result->kind == JOB_CHECKPOINT) {
        c->checkpoint_zxid = result->zxid;
        c->full = false;
    } else {
        c->snapshot_zxid = result->zxid;
        c->snapshot_ms = now_ms();
        c->snapshot_age_ms_at_start = 0;
        /* A start takes the newer of the two as its base; the checkpoint is the quicker one. */
        c->overdue = c->overdue || c->checkpoint_zxid < result->zxid;
        metrics_observe(c->options.metrics, SUMMARY_snapshottime, (int64_t)result->took_ms);
    }
    purge_now(c, true);
    /* A stop is not done before there is a snapshot to fall back on. */
    c->asked_stored = c->asked_begun;
    if (c->asked_begun && (result->kind == JOB_SNAPSHOT || c->snapshot_zxid >= 0))
        checkpoints_answer(c, true);
}

void checkpoints_job_failed(struct checkpoints *c)
{
    if (c->job.kind == JOB_CHECKPOINT)
        c->overdue = true;
    c->not_before_ms = now_ms() + RETRY_MS;
    if (c->asked_begun || c->log_failed)
        checkpoints_answer(c, false);
}
