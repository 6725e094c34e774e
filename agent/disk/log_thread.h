/* log_thread.h - the thread that makes records durable: append, one fdatasync for all that had gathered, zeros ahead
 * while idle, a new file when asked (design 4.2, 4.5, 4.7).
 *
 * The loop hands records over and is woken when there is something to collect. What waits while the disk is busy is the
 * next batch. All functions but the wake-up are the loop's. */
#pragma once

#include "agent/disk/log_queue.h"
#include "core/store/log_end.h"
#include "core/store/txnlog.h"

struct log_thread; /* opaque */

struct log_thread_options {
    struct txnlog *log;     /* passes to the thread */
    struct log_end *mark;   /* likewise; follows each sync. NULL: none is kept */
    int64_t next_zxid;      /* the file for it is made ready at once */
    uint64_t file_size_max; /* a larger file is ended; 0: no limit */
    uint32_t retry_ms;      /* how often a full disk is tried; 0: 250 */
    /* Called on the log thread when log_thread_collect has news; must not block. */
    void (*wake)(void *context);
    void *context;
};

/* ST_NO_MEMORY, ST_IO_ERROR (no thread to be had): log and mark are still the caller's. */
enum status log_thread_start(struct log_thread **out, const struct log_thread_options *options);

/* Hands framed records over. Their memory may be taken in exchange for another, empty one; `records` is empty
 * afterwards. Never blocks on the disk. ST_NO_MEMORY: nothing was taken. */
enum status log_thread_append(struct log_thread *t, struct buffer *records, int64_t first_zxid, int64_t last_zxid,
                              uint32_t count);

/* -- the same without the thread --------------------------------------------------------------------------------------
 *
 * Whoever hands records over may write them itself, when the thread has nothing to do: that spares both wake-ups.
 *
 *   log_thread_append_uncalled -> log_thread_here_begin -> log_thread_here_write -> log_thread_here_end
 *                                       | false: the thread has them                                     */

/* As log_thread_append, but the thread does not learn of it before log_thread_call or log_thread_here_begin. */
enum status log_thread_append_uncalled(struct log_thread *t, struct buffer *records, int64_t first_zxid,
                                       int64_t last_zxid, uint32_t count);
void log_thread_call(struct log_thread *t);

/* Whether the caller may write what was handed over, which is at most LOG_HERE_MAX bytes. False: the thread was called,
 * which has them, or other things that come first. */
enum { LOG_HERE_MAX = 64 * 1024 };
bool log_thread_here_begin(struct log_thread *t);

/* On any thread, and not under the caller's locks: blocks for the disk. The thread waits meanwhile. */
void log_thread_here_write(struct log_thread *t);

/* The thread may go on. `wake`: as it would have done it. Nothing of `t` is touched afterwards. */
void log_thread_here_end(struct log_thread *t, bool wake);

/* What jobs work on: the thread's own, and a job may change them as it changes the files. */
struct log_disk {
    struct txnlog *log;
    struct log_end *mark; /* NULL: none is kept, or no longer */
    int64_t zxid;         /* the log is durable up to there; a job that has cut or replaced it sets it */
};

/* Hands a job over, behind all records so far. It comes back in the progress, or is freed when it cannot be done any
 * more. */
void log_thread_job(struct log_thread *t, struct log_job *job);

/* What is appended from now on goes to a new file. */
void log_thread_roll(struct log_thread *t);

void log_thread_set_file_size_max(struct log_thread *t, uint64_t bytes);

enum log_state {
    LOG_RUNNING,
    LOG_FULL,   /* no room: tried again after retry_ms, nothing is lost of what was handed over */
    LOG_FAILED, /* a write or sync failed: final */
};

struct log_sync {
    uint32_t sync_us; /* the fdatasync alone */
    uint32_t txns;
};

enum { LOG_SYNCS_MAX = 64, LOG_FAILURE_MAX = 512, LOG_REASON_MAX = 128 };

struct log_progress {
    enum log_state state;
    int64_t synced_zxid;  /* everything up to it is durable; 0: nothing yet */
    uint64_t queue_bytes; /* handed over and not yet synced */
    struct log_job *done; /* jobs since the last collect, in order; the caller's, for log_jobs_free */
    /* The syncs since the last collect; the oldest are left out when there were more than fit. */
    struct log_sync syncs[LOG_SYNCS_MAX];
    uint32_t sync_count;
    char failure[LOG_FAILURE_MAX]; /* of LOG_FULL and LOG_FAILED: which file and why */
    /* Why the mark could not be written, which says what it said before and is left alone from then on; empty: it
     * could.
     */
    char mark_failure[LOG_REASON_MAX];
};

/* How far it has come. */
void log_thread_collect(struct log_thread *t, struct log_progress *progress);

/* Waits until all that was handed over is durable, or the log is full or has failed; then ends the file and the thread,
 * has the mark synced, and frees everything. NULL is allowed. */
void log_thread_stop(struct log_thread *t);
