/* checkpoints.c - from "due" to "on the disk", one slice a turn. */
#include "agent/disk/checkpoints.h"

#include "agent/disk/checkpoints_internal.h"
#include "agent/disk/disk_posix.h"
#include "core/base/check.h"
#include "core/base/mem.h"

#include <inttypes.h>
#include <uv.h>

enum {
    RECORDS_AT_ONCE = 4,      /* encoded between two looks at the clock */
    LARGE_RECORD = 64 * 1024, /* after one as large, the next are taken singly */
    CHUNK_SLACK = 64 * 1024,
};

static void reset(struct checkpoints *c)
{
    c->phase = PHASE_IDLE;
    c->encoder = NULL;
    c->snapshot = NULL;
    buffer_free(&c->chunk);
}

/* Frees what the loop holds of the job. */
static void end_job(struct checkpoints *c, bool stored)
{
    if (c->encoder != NULL)
        checkpoint_encoder_free(c->encoder, stored);
    if (c->snapshot != NULL)
        snapshot_writer_free(c->snapshot);
    reset(c);
}

static void give_up(struct checkpoints *c, enum status st)
{
    LOG_WARN(c->options.log, "checkpoint", "%s given up: %s", job_names[c->job.kind], status_text(st));
    checkpoint_thread_cancel(c->thread);
    end_job(c, false);
    checkpoints_job_failed(c);
}

/* -- beginning ---------------------------------------------------------------------------------------------------- */

static enum status begin_encoding(struct checkpoints *c, struct tree *tree, const struct sessions *sessions)
{
    if (c->job.kind == JOB_CHECKPOINT)
        return checkpoint_encoder_new(&c->encoder, tree, sessions, c->job.zxid);
    c->snapshot = snapshot_writer_new(tree, sessions, c->job.zxid);
    return c->snapshot == NULL ? ST_NO_MEMORY : ST_OK;
}

static void begin(struct checkpoints *c, enum disk_job_kind kind, struct tree *tree, const struct sessions *sessions,
                  int64_t zxid)
{
    c->job = (struct disk_job){.kind = kind, .zxid = zxid, .full = c->full};
    c->large_records = false;
    c->needs_zxid = kind == JOB_CHECKPOINT ? zxid : 0;
    enum status st = begin_encoding(c, tree, sessions);
    if (st == ST_OK)
        st = checkpoint_thread_begin(c->thread, &c->job);
    if (st != ST_OK) {
        give_up(c, st);
        return;
    }
    c->phase = PHASE_ENCODING;
    if (kind == JOB_CHECKPOINT)
        log_thread_roll(c->options.log_thread); /* the file before can go as soon as nothing else needs it */
    checkpoints_job_begun(c);
}

/* -- encoding ----------------------------------------------------------------------------------------------------- */

static enum status encode_some(struct checkpoints *c, size_t count, bool *done)
{
    if (c->job.kind == JOB_CHECKPOINT)
        return checkpoint_encode_some(c->encoder, count, &c->chunk, done);
    return snapshot_encode_some(c->snapshot, count, &c->chunk, done);
}

static enum status put_chunk(struct checkpoints *c)
{
    return c->chunk.len > 0 ? checkpoint_thread_put(c->thread, &c->chunk) : ST_OK;
}

/* Until the time is up, the queue is full or nothing is left. */
static enum status encode_slice(struct checkpoints *c, bool *done)
{
    uint64_t until_ns = uv_hrtime() + (uint64_t)c->options.settings->checkpoint_slice_us * 1000;
    enum status st = ST_OK;
    *done = false;
    do {
        if (c->chunk.cap == 0)
            st = buffer_reserve(&c->chunk, CHECKPOINT_CHUNK_BYTES + CHUNK_SLACK);
        size_t before = c->chunk.len;
        if (st == ST_OK)
            st = encode_some(c, c->large_records ? 1 : RECORDS_AT_ONCE, done);
        c->large_records = c->chunk.len - before > LARGE_RECORD;
        if (st == ST_OK && c->chunk.len >= CHECKPOINT_CHUNK_BYTES) {
            st = put_chunk(c);
            if (!checkpoint_thread_has_room(c->thread))
                break;
        }
    } while (st == ST_OK && !*done && uv_hrtime() < until_ns);
    return st;
}

static enum status keep_end(struct checkpoints *c)
{
    checkpoint_encoder_end(c->encoder, &c->end);
    c->end_sessions.len = 0;
    enum status st = buffer_append(&c->end_sessions, c->end.sessions.data, c->end.sessions.len);
    c->end.sessions = buffer_bytes(&c->end_sessions);
    return st;
}

static enum status finish_encoding(struct checkpoints *c, int64_t last_zxid)
{
    enum status st = ST_OK;
    if (c->job.kind == JOB_CHECKPOINT)
        st = keep_end(c);
    else
        st = snapshot_encode_end(c->snapshot, last_zxid, &c->chunk);
    if (st == ST_OK)
        st = put_chunk(c);
    if (c->snapshot != NULL) { /* the tree's cursor is needed no longer */
        snapshot_writer_free(c->snapshot);
        c->snapshot = NULL;
    }
    buffer_free(&c->chunk);
    if (c->job.kind == JOB_SNAPSHOT)
        c->needs_zxid = last_zxid;
    c->phase = PHASE_ENCODED;
    return st;
}

static void encode(struct checkpoints *c, int64_t last_zxid)
{
    bool done;
    enum status st = encode_slice(c, &done);
    if (st == ST_OK && done)
        st = finish_encoding(c, last_zxid);
    if (st != ST_OK)
        give_up(c, st);
}

/* What a checkpoint or snapshot holds must also be found in the log. A commit may come before the own log is synced,
 * and the transactions of a large checkpoint are on the disk before its end: the first of them waits, too. */
static bool may_encode(const struct checkpoints *c, int64_t synced_zxid)
{
    return c->phase == PHASE_ENCODING && synced_zxid >= c->needs_zxid && checkpoint_thread_has_room(c->thread);
}

static void hand_over_end(struct checkpoints *c, int64_t synced_zxid)
{
    if (synced_zxid >= c->needs_zxid && checkpoint_thread_end(c->thread, &c->end) == ST_OK)
        c->phase = PHASE_WRITING;
}

bool checkpoints_turn(struct checkpoints *c, struct tree *tree, const struct sessions *sessions, int64_t last_zxid,
                      int64_t synced_zxid)
{
    enum disk_job_kind kind;
    if (c->held) {
        if (c->asked)
            checkpoints_answer(c, false);
        return false;
    }
    if (c->phase == PHASE_IDLE && checkpoints_due(c, last_zxid, tree_data_size(tree), &kind))
        begin(c, kind, tree, sessions, last_zxid);
    else if (may_encode(c, synced_zxid))
        encode(c, last_zxid);
    if (c->phase == PHASE_ENCODED)
        hand_over_end(c, synced_zxid);
    return may_encode(c, synced_zxid);
}

/* -- holding ------------------------------------------------------------------------------------------------------ */

/* The tree goes on as if the checkpoint had failed: its changes come again with the next one. */
static void let_go_of_tree(struct checkpoints *c)
{
    if (c->encoder != NULL)
        checkpoint_encoder_free(c->encoder, false);
    c->encoder = NULL;
}

void checkpoints_hold(struct checkpoints *c, bool hold)
{
    bool begins = hold && !c->held;
    c->held = hold;
    if (!begins)
        return;
    if (c->phase == PHASE_ENCODING || c->phase == PHASE_ENCODED) {
        checkpoint_thread_cancel(c->thread);
        end_job(c, false);
        checkpoints_job_failed(c);
        c->not_before_ms = 0;
    }
    let_go_of_tree(c);
}

void checkpoints_hold_purges(struct checkpoints *c, bool hold)
{
    c->purges_held = hold;
}

void checkpoints_wait(struct checkpoints *c)
{
    checkpoint_thread_wait(c->thread);
}

void checkpoints_restart(struct checkpoints *c, const struct checkpoints_options *found)
{
    CHECK(c->held);
    checkpoints_collect(c);
    CHECK(c->phase == PHASE_IDLE);
    c->options.checkpoint_zxid = found->checkpoint_zxid;
    c->options.snapshot_zxid = found->snapshot_zxid;
    c->options.snapshot_age_ms = found->snapshot_age_ms;
    c->options.txns = found->txns;
    c->options.txn_bytes = found->txn_bytes;
    c->options.full = found->full;
    c->options.overdue = found->overdue;
    checkpoints_schedule_init(c);
}

/* -- results ------------------------------------------------------------------------------------------------------ */

static void log_result(const struct checkpoints *c, const struct disk_result *result)
{
    const char *name = job_names[result->kind];
    if (result->status == ST_OK)
        LOG_INFO(c->options.log, "checkpoint", "%s at zxid 0x%" PRIx64 " is on disk after %" PRIu64 " ms", name,
                 (uint64_t)result->zxid, result->took_ms);
    else
        LOG_WARN(c->options.log, "checkpoint", "%s failed, the log is kept: %s", name, result->text);
}

static void take_result(struct checkpoints *c, const struct disk_result *result)
{
    bool ok = result->status == ST_OK;
    log_result(c, result);
    end_job(c, ok);
    if (ok)
        checkpoints_job_stored(c, result);
    else
        checkpoints_job_failed(c);
}

void checkpoints_collect(struct checkpoints *c)
{
    struct disk_result result;
    checkpoint_thread_collect(c->thread, &result);
    c->data_dir_size = result.data_dir_size;
    c->log_dir_size = result.log_dir_size;
    if (result.removed_logs + result.removed_snapshots > 0)
        LOG_INFO(c->options.log, "checkpoint", "%u log files and %u snapshots that are no longer needed were removed",
                 result.removed_logs, result.removed_snapshots);
    if (result.finished)
        take_result(c, &result);
}

void checkpoints_log_failed(struct checkpoints *c)
{
    c->log_failed = true;
    if (c->phase == PHASE_ENCODING || c->phase == PHASE_ENCODED) {
        checkpoint_thread_cancel(c->thread);
        end_job(c, false);
    }
    checkpoints_job_failed(c);
}

void checkpoints_status(const struct checkpoints *c, struct checkpoints_status *status)
{
    *status = (struct checkpoints_status){.checkpoint_zxid = c->checkpoint_zxid,
                                          .snapshot_zxid = c->snapshot_zxid,
                                          .data_dir_size = c->data_dir_size,
                                          .log_dir_size = c->log_dir_size,
                                          .running = c->phase != PHASE_IDLE};
}

/* -- start and stop ----------------------------------------------------------------------------------------------- */

enum status checkpoints_start(struct checkpoints **out, const struct checkpoints_options *options)
{
    struct checkpoints *c = mem_calloc(1, sizeof *c);
    if (c == NULL)
        return ST_NO_MEMORY;
    c->options = *options;
    checkpoints_schedule_init(c);
    struct checkpoint_thread_options thread = {.io = disk_posix(),
                                               .dir = options->dir,
                                               .map_size_max = (uint64_t)options->settings->checkpoint_map_size,
                                               .memory = (uint64_t)options->settings->checkpoint_memory,
                                               .wake = options->wake,
                                               .context = options->context};
    enum status st = checkpoint_thread_start(&c->thread, &thread);
    if (st != ST_OK) {
        mem_free(c);
        return st;
    }
    *out = c;
    return ST_OK;
}

void checkpoints_stop(struct checkpoints *c)
{
    if (c == NULL)
        return;
    checkpoint_thread_stop(c->thread);
    end_job(c, false);
    buffer_free(&c->end_sessions);
    mem_free(c);
}
