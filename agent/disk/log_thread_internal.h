/* log_thread_internal.h - what the loop's side of the log thread (log_thread.c) and its own (log_writer.c) share. */
#pragma once

#include "agent/disk/log_thread.h"

#include <pthread.h>

struct log_thread {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wanted;
    void (*wake)(void *context);
    void *context;

    /* Under the lock. */
    struct log_queue queue;
    struct log_job *last_done; /* of progress.done */
    uint64_t file_size_max;
    uint64_t writing_bytes; /* of the batch in hands, not yet synced */
    bool roll, stop;
    bool called;                  /* for what is in the queue */
    bool working;                 /* the thread has work in hands */
    bool here;                    /* another thread has, and with it all that is the thread's own */
    struct log_progress progress; /* but for queue_bytes */

    /* The thread's own. */
    struct log_disk disk;
    struct log_batch batch;
    size_t batch_at;      /* what lies before it was appended */
    struct log_job *job;  /* behind the batch; NULL: none */
    int64_t prepare_zxid; /* 0: no file is to be made ready */
    uint64_t size_max;    /* file_size_max, as it was when the batch was taken */
    bool fill;            /* there may be zeros to write */
    uint32_t retry_ms;
    bool disk_full; /* the last attempt to write found no room */
};

/* A round of work: chores, the batch, its job. Without the lock, by whoever has the work. */
void log_writer_work(struct log_thread *t, bool roll);

bool log_writer_is_idle(const struct log_thread *t); /* with the lock */
bool log_writer_is_over_size(const struct log_thread *t);

/* The thread; its argument is the struct log_thread. */
void *log_thread_main(void *argument);
