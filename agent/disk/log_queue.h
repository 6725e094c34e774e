/* log_queue.h - what waits for the log thread: records, and jobs between them, in the order in which they were handed
 * over (design 4.9). Not locked by itself. */
#pragma once

#include "core/base/bytes.h"

/* Records in the order of their zxids. */
struct log_batch {
    struct buffer records;
    int64_t first_zxid, last_zxid;
    uint32_t count;
};

struct log_disk;

/* Something other than records that must be durable in its turn. The first member of whatever belongs to it. */
struct log_job {
    const char *name; /* static, for messages */
    /* On the log thread, when all records before it are durable; nothing behind it is written before it is done. ST_OK:
     * it is durable. ST_NO_SPACE, ST_NO_MEMORY: called again later. Any other: the log has failed. */
    enum status (*run)(struct log_job *job, struct log_disk *disk);
    void (*free)(struct log_job *job); /* also when it was never run */
    int64_t synced_zxid;               /* set when it is done: the log was durable up to there, neither less nor more */

    struct log_job *next;    /* the queue's */
    struct log_batch before; /* what stood between it and the job before */
};

struct log_queue {
    struct log_batch pending; /* behind the last job */
    struct log_job *first, *last;
    size_t bytes; /* of records before jobs */
};

bool log_queue_is_empty(const struct log_queue *q);
size_t log_queue_bytes(const struct log_queue *q);

/* As log_thread_append. */
enum status log_queue_append(struct log_queue *q, struct buffer *records, int64_t first_zxid, int64_t last_zxid,
                             uint32_t count);

void log_queue_push(struct log_queue *q, struct log_job *job);

/* Takes the oldest records, possibly none, in exchange for the empty batch, and the job behind them, if there is one.
 */
void log_queue_take(struct log_queue *q, struct log_batch *batch, struct log_job **job);

/* Frees records and jobs; empty and usable afterwards. */
void log_queue_free(struct log_queue *q);

/* Frees a list of them. */
void log_jobs_free(struct log_job *first);
