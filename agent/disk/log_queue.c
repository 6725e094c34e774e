/* log_queue.c - each job keeps the records that stand before it, and the queue those behind the last one. */
#include "agent/disk/log_queue.h"

#include "core/base/check.h"

bool log_queue_is_empty(const struct log_queue *q)
{
    return q->first == NULL && q->pending.records.len == 0;
}

size_t log_queue_bytes(const struct log_queue *q)
{
    return q->bytes + q->pending.records.len;
}

static void exchange(struct log_batch *a, struct log_batch *b)
{
    struct log_batch first = *a;
    *a = *b;
    *b = first;
}

enum status log_queue_append(struct log_queue *q, struct buffer *records, int64_t first_zxid, int64_t last_zxid,
                             uint32_t count)
{
    struct log_batch *pending = &q->pending;
    enum status st = ST_OK;
    if (pending->records.len == 0) {
        size_t max = records->max;
        struct buffer spare = pending->records;
        pending->records = *records;
        pending->records.max = 0;
        *records = spare;
        records->max = max;
        pending->first_zxid = first_zxid;
        pending->count = 0;
    } else {
        st = buffer_append(&pending->records, records->data, records->len);
    }
    if (st == ST_OK) {
        pending->last_zxid = last_zxid;
        pending->count += count;
        records->len = 0;
    }
    return st;
}

void log_queue_push(struct log_queue *q, struct log_job *job)
{
    job->next = NULL;
    job->before = (struct log_batch){.count = 0};
    if (q->pending.records.len > 0)
        exchange(&q->pending, &job->before);
    q->bytes += job->before.records.len;
    if (q->first == NULL)
        q->first = job;
    else
        q->last->next = job;
    q->last = job;
}

void log_queue_take(struct log_queue *q, struct log_batch *batch, struct log_job **job)
{
    CHECK(batch->records.len == 0);
    *job = q->first;
    if (*job == NULL) {
        exchange(&q->pending, batch);
        return;
    }
    q->first = (*job)->next;
    (*job)->next = NULL;
    q->bytes -= (*job)->before.records.len;
    if ((*job)->before.records.len > 0)
        exchange(&(*job)->before, batch);
}

void log_jobs_free(struct log_job *first)
{
    while (first != NULL) {
        struct log_job *job = first;
        first = job->next;
        buffer_free(&job->before.records);
        job->free(job);
    }
}

void log_queue_free(struct log_queue *q)
{
    log_jobs_free(q->first);
    buffer_free(&q->pending.records);
    *q = (struct log_queue){.bytes = 0};
}
