/* checkpoints_internal.h - what checkpoints.c (carrying out) and checkpoints_schedule.c (when) share. */
#pragma once

#include "agent/disk/checkpoints.h"
#include "core/store/snapshot.h"

enum checkpoints_phase {
    PHASE_IDLE,
    PHASE_ENCODING, /* on the loop, chunk by chunk; a checkpoint waits for the log before the first */
    PHASE_ENCODED,  /* the end of a snapshot waits for the log */
    PHASE_WRITING,  /* the thread has all of it */
};

struct checkpoints {
    struct checkpoints_options options;
    struct checkpoint_thread *thread;

    /* The job. */
    enum checkpoints_phase phase;
    struct disk_job job;
    struct checkpoint_encoder *encoder;
    struct snapshot_writer *snapshot;
    struct buffer chunk;
    struct checkpoint_end end;
    struct buffer end_sessions; /* what `end` points to: it may outlive the encoder */
    int64_t needs_zxid;         /* the thread is given nothing more before the log is synced up to here */
    bool large_records;

    /* The schedule. */
    uint64_t txns, bytes;         /* since the last checkpoint began, or since it failed */
    uint64_t snapshot_bytes;      /* of log since the last snapshot began */
    uint64_t txns_due, bytes_due; /* drawn anew for each checkpoint */
    bool full, overdue;
    bool log_failed, held, purges_held;
    int64_t handed_zxid;    /* of the last record handed to the log */
    uint64_t written_ms;    /* when records were last handed to the log */
    uint64_t not_before_ms; /* after a failure; uv_hrtime in milliseconds */
    uint64_t snapshot_ms;   /* when the last snapshot was made, on the same clock; may be long before its zero */
    uint64_t snapshot_age_ms_at_start;
    uint64_t purged_ms;

    /* What was asked for. */
    void (*done)(void *context, bool ok);
    void *done_context;
    bool asked;        /* and not answered yet */
    bool asked_begun;  /* the job under way, or the snapshot behind it, is the answer */
    bool asked_stored; /* the checkpoint is on the disk, and only a snapshot is missing */

    int64_t checkpoint_zxid, snapshot_zxid;
    uint64_t data_dir_size, log_dir_size;
};

extern const char *const job_names[];

void checkpoints_schedule_init(struct checkpoints *c);

/* Whether one is to be begun now, and which. May answer what was asked for when nothing has changed. */
bool checkpoints_due(struct checkpoints *c, int64_t last_zxid, uint64_t tree_bytes, enum disk_job_kind *kind);

/* Answers what was asked for, if anything was. */
void checkpoints_answer(struct checkpoints *c, bool ok);

void checkpoints_job_begun(struct checkpoints *c);
void checkpoints_job_stored(struct checkpoints *c, const struct disk_result *result);
void checkpoints_job_failed(struct checkpoints *c);
