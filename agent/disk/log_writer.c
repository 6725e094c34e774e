/* log_writer.c - the thread itself: the oldest records and the job behind them, while the loop fills the queue. What it
 * does with them may be done by another thread in its place (log_here.c). */
#include "agent/base/thread.h"
#include "agent/disk/disk_posix.h"
#include "agent/disk/log_thread_internal.h"

#include <stdio.h>

enum {
    FILL_BYTES = 256 * 1024,      /* zeros written in one go while idle: what a batch may have to wait for */
    SPARE_BYTES_MAX = 512 * 1024, /* a buffer that has grown larger is not kept */
};

/* -- the thread's side: called without the lock ------------------------------------------------------------------- */

static const char *reason(enum status st)
{
    return disk_posix_error()[0] != '\0' ? disk_posix_error() : status_text(st);
}

static void describe(const struct log_thread *t, enum status st, char text[LOG_FAILURE_MAX])
{
    const char *failure = txnlog_failure(t->disk.log), *path = txnlog_path(t->disk.log);
    if (failure != NULL) /* says what it was, but not the kernel's word for it */
        (void)snprintf(text, LOG_FAILURE_MAX, "%s (%s)", failure, reason(st));
    else if (t->job != NULL && t->batch.records.len == 0)
        (void)snprintf(text, LOG_FAILURE_MAX, "%s: %s", t->job->name, reason(st));
    else
        (void)snprintf(text, LOG_FAILURE_MAX, "%s: %s", path != NULL ? path : "the transaction log", reason(st));
}

static void report_state(struct log_thread *t, enum log_state state, enum status st)
{
    char failure[LOG_FAILURE_MAX] = "";
    if (state != LOG_RUNNING)
        describe(t, st, failure);
    (void)pthread_mutex_lock(&t->lock);
    bool news = t->progress.state != state;
    t->progress.state = state;
    memcpy(t->progress.failure, failure, sizeof failure);
    (void)pthread_mutex_unlock(&t->lock);
    if (news)
        t->wake(t->context);
}

/* No room and no memory pass; anything else is final. */
static void report_error(struct log_thread *t, enum status st)
{
    t->disk_full = st == ST_NO_SPACE || st == ST_NO_MEMORY;
    report_state(t, t->disk_full ? LOG_FULL : LOG_FAILED, st);
}

/* A mark that falls behind says less, but nothing wrong: no reason to stop. */
static void give_up_mark(struct log_thread *t, enum status st)
{
    log_end_close(t->disk.mark);
    t->disk.mark = NULL;
    (void)pthread_mutex_lock(&t->lock);
    (void)snprintf(t->progress.mark_failure, sizeof t->progress.mark_failure, "%s", reason(st));
    (void)pthread_mutex_unlock(&t->lock);
    disk_posix_error_clear();
    t->wake(t->context);
}

/* Behind the sync, so that the mark is never ahead of the log, and behind the wake-up, so that nobody waits for it. */
static void move_mark(struct log_thread *t)
{
    enum status st = t->disk.mark == NULL ? ST_OK : log_end_write(t->disk.mark, txnlog_synced_zxid(t->disk.log));
    if (st != ST_OK)
        give_up_mark(t, st);
}

/* What is handed over and not synced yet, of what the thread has. */
static size_t rest_of_batch(const struct log_thread *t)
{
    return t->batch.records.len - t->batch_at;
}

static enum status sync_log(struct log_thread *t, uint32_t txns)
{
    uint64_t before_us = thread_clock_us();
    enum status st = txnlog_sync(t->disk.log);
    if (st != ST_OK)
        return st;
    uint64_t took_us = thread_clock_us() - before_us;
    struct log_sync sync = {.sync_us = took_us < UINT32_MAX ? (uint32_t)took_us : UINT32_MAX, .txns = txns};
    (void)pthread_mutex_lock(&t->lock);
    struct log_progress *progress = &t->progress;
    progress->synced_zxid = t->disk.zxid = txnlog_synced_zxid(t->disk.log);
    if (progress->sync_count == LOG_SYNCS_MAX)
        memmove(progress->syncs, progress->syncs + 1, --progress->sync_count * sizeof progress->syncs[0]);
    progress->syncs[progress->sync_count++] = sync;
    t->writing_bytes = rest_of_batch(t);
    (void)pthread_mutex_unlock(&t->lock);
    if (!t->here)
        t->wake(t->context);
    move_mark(t);
    return ST_OK;
}

bool log_writer_is_over_size(const struct log_thread *t)
{
    return t->size_max > 0 && txnlog_file_size(t->disk.log) > t->size_max;
}

/* Appends what is left of the batch, with a sync for each TXNLOG_BATCH_MAX and one at the end. ST_NO_SPACE: to be
 * called again. */
static enum status write_batch(struct log_thread *t)
{
    struct log_batch *batch = &t->batch;
    while (t->batch_at < batch->records.len) {
        struct bytes rest = bytes_from(buffer_bytes(&batch->records), t->batch_at);
        int64_t first_zxid = batch->first_zxid, last_zxid = batch->last_zxid;
        bool whole = t->batch_at == 0 && rest.len <= TXNLOG_BATCH_MAX;
        struct bytes piece = whole ? rest : txnlog_piece(rest, &first_zxid, &last_zxid);
        enum status st = t->batch_at > 0 && log_writer_is_over_size(t) ? txnlog_roll(t->disk.log) : ST_OK;
        if (st == ST_OK)
            st = txnlog_append(t->disk.log, first_zxid, last_zxid, piece);
        if (st != ST_OK)
            return st;
        t->batch_at += piece.len;
        bool last = t->batch_at == batch->records.len;
        st = sync_log(t, last ? batch->count : 0);
        if (st != ST_OK)
            return st == ST_NO_SPACE ? ST_IO_ERROR : st; /* what was to be synced may be lost: nothing to retry */
    }
    return ST_OK;
}

static enum status end_file(struct log_thread *t)
{
    int64_t next_zxid = txnlog_written_zxid(t->disk.log) + 1;
    enum status st = txnlog_file_size(t->disk.log) > TXNLOG_HEADER_LEN ? txnlog_roll(t->disk.log) : ST_OK;
    if (st == ST_OK && next_zxid > 1)
        t->prepare_zxid = next_zxid;
    return st;
}

/* One round of what is not a batch: a file made ready or ended, zeros. */
static enum status do_chores(struct log_thread *t, bool roll)
{
    enum status st = roll ? end_file(t) : ST_OK;
    if (st == ST_OK && t->prepare_zxid != 0) {
        st = txnlog_prepare(t->disk.log, t->prepare_zxid);
        if (st == ST_OK)
            t->prepare_zxid = 0;
        return st;
    }
    if (st == ST_OK && t->fill) {
        st = txnlog_fill_ahead(t->disk.log, FILL_BYTES, &t->fill);
        /* Seen before it hurts, but what is left can still be written: only an append that finds no room is news. */
        if (st == ST_NO_SPACE || st == ST_NO_MEMORY) {
            t->fill = false;
            st = ST_OK;
        }
    }
    return st;
}

static void finish_batch(struct log_thread *t)
{
    if (t->batch.records.len == 0)
        return;
    t->batch.records.len = 0;
    t->batch_at = 0;
    t->fill = txnlog_wants_zeros(t->disk.log);
    if (t->batch.records.cap > SPARE_BYTES_MAX)
        buffer_free(&t->batch.records);
}

/* The job behind a batch that is written. Mark and file follow what it did to the log. */
static enum status do_job(struct log_thread *t)
{
    struct log_job *job = t->job;
    int64_t before = t->disk.zxid;
    enum status st = job == NULL ? ST_OK : job->run(job, &t->disk);
    if (st != ST_OK || job == NULL)
        return st;
    t->job = NULL;
    job->synced_zxid = t->disk.zxid;
    (void)pthread_mutex_lock(&t->lock);
    t->progress.synced_zxid = t->disk.zxid;
    if (t->last_done == NULL)
        t->progress.done = job;
    else
        t->last_done->next = job;
    t->last_done = job;
    (void)pthread_mutex_unlock(&t->lock);
    t->wake(t->context);
    if (t->disk.zxid != before)
        move_mark(t);
    if (txnlog_path(t->disk.log) == NULL)
        t->prepare_zxid = t->disk.zxid + 1;
    return ST_OK;
}

void log_writer_work(struct log_thread *t, bool roll)
{
    enum status st = ST_OK;
    disk_posix_error_clear();
    if (roll || t->prepare_zxid != 0 || (t->batch.records.len == 0 && t->job == NULL))
        st = do_chores(t, roll);
    if (st == ST_OK && t->batch.records.len > 0)
        st = write_batch(t);
    if (st == ST_OK) {
        finish_batch(t);
        st = do_job(t);
    }
    if (st != ST_OK) {
        report_error(t, st);
    } else {
        if (t->disk_full)
            report_state(t, LOG_RUNNING, ST_OK);
        t->disk_full = false;
    }
}

/* -- the thread's turn: called with the lock ---------------------------------------------------------------------- */

/* Takes what has gathered, unless the batch before is still unwritten or its job not done. */
static void take_pending(struct log_thread *t)
{
    if (t->batch.records.len > 0 || t->job != NULL)
        return;
    log_queue_take(&t->queue, &t->batch, &t->job);
    t->writing_bytes = t->batch.records.len;
}

static bool has_work(const struct log_thread *t)
{
    return t->batch.records.len > 0 || t->job != NULL || !log_queue_is_empty(&t->queue);
}

static bool take_roll(struct log_thread *t)
{
    t->size_max = t->file_size_max;
    bool roll = t->roll || log_writer_is_over_size(t);
    t->roll = false;
    return roll;
}

bool log_writer_is_idle(const struct log_thread *t)
{
    return !has_work(t) && !t->roll && t->prepare_zxid == 0 && !t->fill;
}

static bool is_done(const struct log_thread *t)
{
    return t->stop && !t->here && (!has_work(t) || t->disk_full || t->progress.state == LOG_FAILED);
}

static void wait_for_work(struct log_thread *t)
{
    if (!t->here && t->disk_full)
        thread_wait_ms(&t->wanted, &t->lock, t->retry_ms);
    else
        (void)pthread_cond_wait(&t->wanted, &t->lock);
}

/* Nothing will be written any more: what is handed over must not gather. */
static void forget_all(struct log_thread *t)
{
    log_queue_free(&t->queue);
    log_jobs_free(t->job);
    t->job = NULL;
    buffer_free(&t->batch.records);
    t->writing_bytes = 0;
    t->prepare_zxid = 0;
    t->roll = false;
    t->fill = false;
}

static void work(struct log_thread *t)
{
    bool roll = take_roll(t);
    t->working = true;
    (void)pthread_mutex_unlock(&t->lock);
    log_writer_work(t, roll);
    (void)pthread_mutex_lock(&t->lock);
    t->working = false;
}

void *log_thread_main(void *argument)
{
    struct log_thread *t = argument;
    (void)pthread_mutex_lock(&t->lock);
    while (!is_done(t)) {
        if (t->here || t->disk_full || log_writer_is_idle(t))
            wait_for_work(t);
        if (t->here)
            continue;
        if (t->progress.state == LOG_FAILED) {
            forget_all(t);
            continue;
        }
        take_pending(t);
        if (!log_writer_is_idle(t))
            work(t);
    }
    (void)pthread_mutex_unlock(&t->lock);
    return NULL;
}
