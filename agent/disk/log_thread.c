/* log_thread.c - the log thread as the loop sees it: what is handed over, what is collected, start and stop. */
#include "agent/disk/log_thread_internal.h"

#include "agent/base/thread.h"
#include "core/base/mem.h"

enum { RETRY_MS = 250 }; /* of a full disk */

/* -- the loop's side ---------------------------------------------------------------------------------------------- */

static enum status append(struct log_thread *t, struct buffer *records, int64_t first_zxid, int64_t last_zxid,
                          uint32_t count, bool call)
{
    (void)pthread_mutex_lock(&t->lock);
    bool was_called = t->called && !log_queue_is_empty(&t->queue); /* it looks before it sleeps */
    enum status st = log_queue_append(&t->queue, records, first_zxid, last_zxid, count);
    t->called = was_called || call;
    (void)pthread_mutex_unlock(&t->lock);
    if (call && !was_called)
        (void)pthread_cond_signal(&t->wanted);
    return st;
}

enum status log_thread_append(struct log_thread *t, struct buffer *records, int64_t first_zxid, int64_t last_zxid,
                              uint32_t count)
{
    return append(t, records, first_zxid, last_zxid, count, true);
}

enum status log_thread_append_uncalled(struct log_thread *t, struct buffer *records, int64_t first_zxid,
                                       int64_t last_zxid, uint32_t count)
{
    return append(t, records, first_zxid, last_zxid, count, false);
}

void log_thread_call(struct log_thread *t)
{
    (void)pthread_mutex_lock(&t->lock);
    t->called = true;
    (void)pthread_mutex_unlock(&t->lock);
    (void)pthread_cond_signal(&t->wanted);
}

void log_thread_job(struct log_thread *t, struct log_job *job)
{
    (void)pthread_mutex_lock(&t->lock);
    log_queue_push(&t->queue, job);
    t->called = true;
    (void)pthread_mutex_unlock(&t->lock);
    (void)pthread_cond_signal(&t->wanted);
}

void log_thread_roll(struct log_thread *t)
{
    (void)pthread_mutex_lock(&t->lock);
    t->roll = true;
    (void)pthread_mutex_unlock(&t->lock);
    (void)pthread_cond_signal(&t->wanted);
}

void log_thread_set_file_size_max(struct log_thread *t, uint64_t bytes)
{
    (void)pthread_mutex_lock(&t->lock);
    t->file_size_max = bytes;
    (void)pthread_mutex_unlock(&t->lock);
}

void log_thread_collect(struct log_thread *t, struct log_progress *progress)
{
    (void)pthread_mutex_lock(&t->lock);
    progress->state = t->progress.state;
    progress->synced_zxid = t->progress.synced_zxid;
    progress->queue_bytes = log_queue_bytes(&t->queue) + t->writing_bytes;
    progress->done = t->progress.done;
    t->progress.done = t->last_done = NULL;
    progress->sync_count = t->progress.sync_count;
    memcpy(progress->syncs, t->progress.syncs, t->progress.sync_count * sizeof progress->syncs[0]);
    if (t->progress.state != LOG_RUNNING)
        memcpy(progress->failure, t->progress.failure, sizeof progress->failure);
    memcpy(progress->mark_failure, t->progress.mark_failure, sizeof progress->mark_failure);
    t->progress.sync_count = 0;
    (void)pthread_mutex_unlock(&t->lock);
}

/* -- start and stop ----------------------------------------------------------------------------------------------- */

enum status log_thread_start(struct log_thread **out, const struct log_thread_options *options)
{
    struct log_thread *t = mem_calloc(1, sizeof *t);
    if (t == NULL)
        return ST_NO_MEMORY;
    if (!thread_sync_init(&t->lock, &t->wanted)) {
        mem_free(t);
        return ST_NO_MEMORY;
    }
    t->wake = options->wake;
    t->context = options->context;
    t->file_size_max = options->file_size_max;
    t->disk.log = options->log;
    t->disk.mark = options->mark;
    t->retry_ms = options->retry_ms > 0 ? options->retry_ms : RETRY_MS;
    t->prepare_zxid = options->next_zxid;
    t->progress.synced_zxid = t->disk.zxid = options->next_zxid - 1;
    if (!thread_start(&t->thread, "log", log_thread_main, t)) {
        thread_sync_destroy(&t->lock, &t->wanted);
        mem_free(t);
        return ST_IO_ERROR;
    }
    *out = t;
    return ST_OK;
}

void log_thread_stop(struct log_thread *t)
{
    if (t == NULL)
        return;
    (void)pthread_mutex_lock(&t->lock);
    t->stop = true;
    (void)pthread_mutex_unlock(&t->lock);
    (void)pthread_cond_signal(&t->wanted);
    (void)pthread_join(t->thread, NULL);
    if (t->progress.state == LOG_RUNNING)
        (void)txnlog_roll(t->disk.log); /* only to give the zeros back: everything is synced */
    if (t->progress.state == LOG_RUNNING && t->disk.mark != NULL)
        (void)log_end_write_synced(t->disk.mark, t->progress.synced_zxid); /* what it says is true either way */
    txnlog_free(t->disk.log);
    log_end_close(t->disk.mark);
    log_queue_free(&t->queue);
    log_jobs_free(t->job);
    log_jobs_free(t->progress.done);
    buffer_free(&t->batch.records);
    thread_sync_destroy(&t->lock, &t->wanted);
    mem_free(t);
}
