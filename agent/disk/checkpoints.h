/* checkpoints.h - when a checkpoint or a snapshot is due, and its encoding on the loop in slices (design 4.6).
 *
 *   idle -> encoding (a checkpoint when the log is synced as far as it goes) -> encoded (a snapshot until the log is
 *   synced as far as it may go) -> writing -> idle
 *
 * One at a time. A checkpoint is due after snapCount txns or snapSizeLimitInKb of log (a random number from half of it
 * on, so that members do not all write at once), earlier when nobody writes any more, or when asked for; a snapshot
 * when there is none yet, and then after zooid.snapshotInterval or when much log has gathered behind the last one. Loop
 * thread only. */
#pragma once

#include "agent/disk/checkpoint_thread.h"
#include "agent/disk/log_thread.h"
#include "agent/settings/settings.h"
#include "core/base/log.h"
#include "core/base/metrics.h"

struct checkpoints; /* opaque */

struct checkpoints_options {
    const struct settings *settings; /* borrowed; may be reloaded */
    const struct data_dir *dir;      /* borrowed */
    struct log_thread *log_thread;   /* borrowed; told to begin a new file */
    struct metrics *metrics;
    const struct log_sink *log;
    /* Called on the checkpoint thread: checkpoints_collect has news, or checkpoints_turn more room. */
    void (*wake)(void *context);
    void *context;

    /* What recovery found. */
    int64_t checkpoint_zxid, snapshot_zxid; /* -1: none */
    int64_t snapshot_age_ms;
    uint64_t txns, txn_bytes; /* replayed behind the base */
    bool full;                /* the checkpoint does not hold what the tree was loaded from */
    bool overdue;             /* write one soon, whatever the counts: the next start would be slow */
};

/* Starts the checkpoint thread. ST_NO_MEMORY, ST_IO_ERROR. */
enum status checkpoints_start(struct checkpoints **out, const struct checkpoints_options *options);

/* Records up to `last_zxid` were handed to the log. */
void checkpoints_count(struct checkpoints *c, int64_t last_zxid, uint32_t txns, uint64_t bytes);

/* While held nothing is begun, what is encoded is given up, and what was asked for fails; nothing of the tree
 * is referred to any more when this has returned. What the thread has whole may still be written, of txns that were
 * committed: checkpoints_wait, from any thread, returns when that too is done. */
void checkpoints_hold(struct checkpoints *c, bool hold);

/* Nothing is removed while others change the directories. What was asked for before is waited for by checkpoints_wait.
 */
void checkpoints_hold_purges(struct checkpoints *c, bool hold);
void checkpoints_wait(struct checkpoints *c);

/* The tree is another one, and what is on the disk too: as if it were started with the same options but for what
 * recovery found. Held, and behind checkpoints_wait. */
void checkpoints_restart(struct checkpoints *c, const struct checkpoints_options *found);

/* As persistence_turn; `synced_zxid`: the log is durable up to there. */
bool checkpoints_turn(struct checkpoints *c, struct tree *tree, const struct sessions *sessions, int64_t last_zxid,
                      int64_t synced_zxid);

/* As persistence_checkpoint. */
void checkpoints_ask(struct checkpoints *c, void (*done)(void *context, bool ok), void *context);

/* Takes over what the thread has done. */
void checkpoints_collect(struct checkpoints *c);

/* Asks for the removal of everything that recovery does not need: the disk is full. */
void checkpoints_make_room(struct checkpoints *c);

/* The log has failed: nothing more is written, what was asked for fails. */
void checkpoints_log_failed(struct checkpoints *c);

struct checkpoints_status {
    int64_t checkpoint_zxid, snapshot_zxid; /* -1: none */
    uint64_t data_dir_size, log_dir_size;
    bool running;
};
void checkpoints_status(const struct checkpoints *c, struct checkpoints_status *status);

/* Gives up what is not finished and ends the thread. NULL is allowed. */
void checkpoints_stop(struct checkpoints *c);
