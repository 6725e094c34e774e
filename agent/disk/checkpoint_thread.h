/* checkpoint_thread.h - the thread that talks to LMDB and writes snapshots, and afterwards removes what is no longer
 * needed (design 4.2, 4.6).
 *
 * The loop encodes a job in slices and hands them over in chunks; how many may wait is bounded, the loop then waits for
 * its wake-up. One job at a time. All functions but the wake-up are the loop's. */
#pragma once

#include "agent/disk/data_dir.h"
#include "core/store/checkpoint.h"
#include "core/store/retention.h"

/* A chunk is handed over when it has grown to this; with what its last record may add, a power of two for most. */
enum { CHECKPOINT_CHUNK_BYTES = 192 * 1024 };

struct checkpoint_thread; /* opaque */

struct checkpoint_thread_options {
    const struct store_io *io;  /* for snapshots; borrowed */
    const struct data_dir *dir; /* borrowed */
    uint64_t map_size_max;      /* of the LMDB file */
    uint64_t memory;            /* that a job may take, bytes */
    /* Called on the thread when checkpoint_thread_collect has a result or room has come back; must not block. */
    void (*wake)(void *context);
    void *context;
};

/* ST_NO_MEMORY, ST_IO_ERROR (no thread to be had). */
enum status checkpoint_thread_start(struct checkpoint_thread **out, const struct checkpoint_thread_options *options);

enum disk_job_kind { JOB_CHECKPOINT, JOB_SNAPSHOT };

struct disk_job {
    enum disk_job_kind kind;
    int64_t zxid; /* label */
    bool full;    /* JOB_CHECKPOINT: checkpoint_options.full */
};

/* Begins a job; none may be under way. Then chunks, then the end. ST_NO_MEMORY: nothing was begun. */
enum status checkpoint_thread_begin(struct checkpoint_thread *t, const struct disk_job *job);

/* Whether more chunks should be made now. When not, the wake-up comes with the room. */
bool checkpoint_thread_has_room(struct checkpoint_thread *t);

/* Hands a chunk over; its memory may be taken in exchange for another, empty one. ST_NO_MEMORY: not taken. */
enum status checkpoint_thread_put(struct checkpoint_thread *t, struct buffer *chunk);

/* All chunks were handed over. `end` is for checkpoints and must stay valid until the result. ST_NO_MEMORY: ask again.
 */
enum status checkpoint_thread_end(struct checkpoint_thread *t, const struct checkpoint_end *end);

/* Gives the job up; it has no result, not even one that is already there. */
void checkpoint_thread_cancel(struct checkpoint_thread *t);

/* Waits until all that was handed over is done and nothing is open any more. From any thread; the loop must hand
 * nothing over meanwhile. */
void checkpoint_thread_wait(struct checkpoint_thread *t);

/* Removes what `keep` does not keep, behind the jobs handed over before. What it removed is told in the next result of
 * a purge. ST_NO_MEMORY. */
enum status checkpoint_thread_purge(struct checkpoint_thread *t, const struct retention_settings *keep,
                                    int64_t checkpoint_zxid);

enum { DISK_TEXT_MAX = 512 };

struct disk_result {
    bool finished; /* of a job: the fields below are set, and there is no job any more */
    enum disk_job_kind kind;
    int64_t zxid;
    enum status status;
    uint64_t took_ms;
    char text[DISK_TEXT_MAX]; /* why it failed */

    uint32_t removed_logs, removed_snapshots; /* by purges since the last collect */
    uint64_t data_dir_size, log_dir_size;     /* bytes, at most a few seconds old */
};

void checkpoint_thread_collect(struct checkpoint_thread *t, struct disk_result *result);

/* Finishes what was handed over, gives up a job without its end, and ends the thread. NULL is allowed. */
void checkpoint_thread_stop(struct checkpoint_thread *t);
