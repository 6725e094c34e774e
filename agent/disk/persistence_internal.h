/* persistence_internal.h - what the files of persistence share: the composition, and a member's part of it. */
#pragma once

#include "agent/base/turns.h"
#include "agent/base/wakeup.h"
#include "agent/disk/checkpoints.h"
#include "agent/disk/data_dir.h"
#include "agent/disk/log_reader.h"
#include "agent/disk/persistence.h"
#include "agent/disk/persistence_jobs.h"

/* What only a member of an ensemble has. Loop thread, but for `disk`. */
struct persistence_member {
    struct member_disk disk;
    struct member_job *keeping; /* a JOB_KEEP that its records have not come for yet; NULL: none */
    int64_t spool_zxid;
    bool held;          /* persistence_hold_checkpoints */
    bool spooling;      /* from the beginning of a snapshot until it is kept or dropped */
    uint32_t tree_jobs; /* under way that replace the tree */
    size_t spool_bytes; /* handed over and not written */
    bool room_wanted;   /* persistence_spool_has_room has said no */
};

/* Of the log written by the loop's own thread. */
struct persistence_here {
    bool offered;     /* there is somebody who turns the loop meanwhile */
    bool due;         /* records were handed over for it */
    bool under_way;   /* from its beginning until the loop's thread is back */
    bool in_doubt;    /* something had come in meanwhile; what it was the next turn of the loop shows */
    uint64_t packets; /* of clients, before that turn */
    uint64_t not_before_us;
    uint32_t pause_ms;
};

struct persistence {
    const struct settings *settings;
    struct persistence_events events;
    struct metrics *metrics;
    const struct log_sink *log;
    struct data_dir dir;
    struct log_thread *log_thread;
    struct checkpoints *checkpoints;
    struct wakeup news;
    uv_timer_t timer;
    unsigned open_handles;
    enum log_state log_state;
    bool mark_told; /* that the end mark is not kept */
    bool is_empty;  /* nothing was found on the disk */
    int64_t logged_zxid;
    int64_t handed_zxid;   /* of the last record that was handed over; 0: none */
    uint64_t handed_bytes; /* of all of them */
    uint64_t queue_bytes;
    uint64_t slow_syncs;
    struct log_reader *log_reader;
    int64_t whole_from;           /* log_read.h */
    struct log_progress progress; /* kept here because it is large */
    struct persistence_member member;
    struct persistence_here here;
};

/* What recovery tells the checkpoints; other fields are left empty. */
struct checkpoints_options persistence_checkpoints_options(const struct persistence *p, const struct recovery *r);

/* Records that belong to a snapshot which is about to be kept; false: they are the log's as all others. ST_NO_MEMORY:
 * not taken. */
bool persistence_keeps_records(const struct persistence *p);
enum status persistence_keep_records(struct persistence *p, struct buffer *records, int64_t first_zxid,
                                     int64_t last_zxid, uint32_t count);

/* Tells of the jobs that are done, and of the records before each. Takes them over. */
void persistence_jobs_done(struct persistence *p, struct log_job *done);

/* What the log thread has done, or was done in its place. */
void persistence_take_log_news(struct persistence *p);

/* Whether so many txns, which have come in this turn, should be left to the loop's thread. */
bool persistence_may_write_here(struct persistence *p, uint32_t count);

/* A turn of the loop ends. */
void persistence_here_turned(struct persistence *p);

void persistence_member_free(struct persistence *p);
