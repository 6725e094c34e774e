/* persistence_jobs.h - what a member of an ensemble has done on the log thread besides its records (design 4.9). */
#pragma once

#include "agent/disk/checkpoints.h"
#include "agent/disk/loading.h"
#include "agent/disk/log_thread.h"
#include "core/store/snapshot_spool.h"

enum member_job_kind {
    JOB_STORE_EPOCH,
    JOB_TRUNCATE,
    JOB_RELOAD,
    JOB_SPOOL_BEGIN,
    JOB_SPOOL,
    JOB_SPOOL_DROP,
    JOB_KEEP,
    JOB_WRITE_CONFIG,
    JOB_WRITE_LAST_SEEN,
    MEMBER_JOB_KINDS,
};

/* What jobs share. Borrowed by each of them; `spool` is the log thread's alone. */
struct member_disk {
    struct loading loading;
    struct checkpoints *checkpoints; /* held while a job is under way that changes what they stand on */
    struct snapshot_spool *spool;    /* NULL: no snapshot comes in, or there was no room for it */
    struct config_files *config;     /* NULL: the members do not change */
    bool keep_refused;               /* what was to be kept was not: the epoch that goes with it must not be either */
};

struct member_job {
    struct log_job base;
    struct member_disk *disk;
    enum member_job_kind kind;
    uint64_t ticket;
    int64_t zxid; /* JOB_TRUNCATE, JOB_SPOOL_BEGIN; of JOB_KEEP, of the last txn that the tree holds */
    int64_t epoch;
    int epoch_kind;        /* enum epoch_kind */
    struct log_batch data; /* JOB_SPOOL: bytes of the stream; JOB_KEEP: records; JOB_WRITE_*: the text */
    bool has_digest;       /* JOB_KEEP */
    uint64_t digest;

    /* What came of it, and for JOB_KEEP how far it has come: what is done is not done again, and past the first it is
     * not refused any more. */
    bool sealed, begun;
    bool refused;
    struct recovery recovery; /* JOB_TRUNCATE, JOB_RELOAD */
};

/* A job that can be handed to log_thread_job, or freed with log_jobs_free. NULL: out of memory. */
struct member_job *member_job_new(struct member_disk *disk, enum member_job_kind kind);

/* A job of a kind that makes the tree, and what is on the disk, another one, unless it is refused. */
bool member_job_replaces_tree(const struct member_job *job);
