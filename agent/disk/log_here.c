/* log_here.c - the log written by the thread that hands records over, while the log thread waits. */
#include "agent/disk/log_thread_internal.h"

/* Nothing but records that fit into what is ready for them; everything else is the thread's, which has time. */
static bool is_simple(const struct log_thread *t)
{
    const struct log_queue *queue = &t->queue;
    size_t len = queue->pending.records.len;
    return queue->first == NULL && len > 0 && len <= LOG_HERE_MAX && len <= txnlog_room(t->disk.log) && !t->roll &&
           t->prepare_zxid == 0 && !t->fill && !log_writer_is_over_size(t);
}

static bool is_free(const struct log_thread *t)
{
    return !t->working && !t->stop && !t->disk_full && t->progress.state == LOG_RUNNING && t->batch.records.len == 0 &&
           t->job == NULL;
}

bool log_thread_here_begin(struct log_thread *t)
{
    (void)pthread_mutex_lock(&t->lock);
    bool here = is_free(t); /* otherwise the thread uses all that is its own, without the lock */
    if (here) {
        t->size_max = t->file_size_max;
        here = t->here = is_simple(t);
    }
    if (here) {
        log_queue_take(&t->queue, &t->batch, &t->job);
        t->writing_bytes = t->batch.records.len;
    }
    (void)pthread_mutex_unlock(&t->lock);
    if (!here)
        log_thread_call(t);
    return here;
}

void log_thread_here_write(struct log_thread *t)
{
    log_writer_work(t, false);
}

void log_thread_here_end(struct log_thread *t, bool wake)
{
    if (wake)
        t->wake(t->context);
    (void)pthread_mutex_lock(&t->lock);
    t->here = false;
    /* Within the lock: the thread may end at once, and everything with it. */
    if (t->disk_full || t->stop || !log_writer_is_idle(t))
        (void)pthread_cond_signal(&t->wanted);
    (void)pthread_mutex_unlock(&t->lock);
}
