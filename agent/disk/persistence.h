/* persistence.h - everything the agent has on disk, behind one door: data directory, recovery, log, checkpoints,
 * retention.
 *
 * Lives on the loop thread; behind it one log thread (append, fdatasync, zero ahead, roll) and one checkpoint thread
 * (LMDB, snapshots). Completions come back on the loop thread through the callbacks. */
#pragma once

#include "agent/settings/settings.h"
#include "core/base/log.h"
#include "core/base/metrics.h"
#include "core/session/session.h"
#include "core/store/log_read.h"
#include "core/tree/changes.h"

#include <uv.h>

struct persistence; /* opaque */

struct persistence_stored {
    uint64_t ticket;
    /* Nothing was changed. Of persistence_truncate: the member has to take a snapshot from the leader, reporting zxid
     * 0. Of persistence_keep_snapshot: there was no room, and the records up to `until` are forgotten too; the role has
     * to be left and the old tree loaded again. Of persistence_store_epoch: a currentEpoch behind such a snapshot,
     * before persistence_reload. */
    bool refused;
    /* Of persistence_truncate and persistence_reload: the tree as the disk has it, with its sessions, and the zxid of
     * its last txn; to be taken over. NULL: of other jobs, and of those that were refused. */
    struct tree *tree;
    struct sessions *sessions;
    int64_t last_zxid;
};

struct persistence_events {
    void *context;
    /* Everything up to `zxid` is durable. */
    void (*logged)(void *context, int64_t zxid);
    /* No room for further records; then, when there is again, `log_room`. What was handed over waits and is not lost.
     */
    void (*log_full)(void *context);
    void (*log_room)(void *context);
    /* A write or sync failed: final until a restart (design 4.7). `text` says which file and why. */
    void (*log_failed)(void *context, const char *text);

    /* For members of an ensemble; may be NULL for others. */

    /* A job is done. In the order in which jobs and records were handed over: `logged` has told of every record before
     * it, and of none behind it. Not called from within a function of this header. */
    void (*stored)(void *context, const struct persistence_stored *stored);
    /* persistence_spool_has_room says yes again. */
    void (*spool_room)(void *context);
    /* What persistence_read_log asked for with `link`, as log_read gives it. */
    void (*log_piece)(void *context, uint64_t link, enum status status, const struct log_piece *piece);
};

/* What recovery found. Tree and sessions pass to the caller. */
struct recovered {
    struct tree *tree;
    struct sessions *sessions;
    struct changes *history; /* the caller's, who sets it before: what the log brings is taken down there; NULL: not */
    int64_t last_zxid;
    uint8_t password_key[32];
};

/* Locks the data directory (refusing with the pid of the other agent), creates what is missing, recovers, and starts
 * the threads. On an error `message` (appended) says what is wrong, with file, offset and advice. */
enum status persistence_open(struct persistence **out, const struct settings *settings, const struct hash_key *hash_key,
                             uv_loop_t *loop, const struct persistence_events *events, struct metrics *metrics,
                             const struct log_sink *log, struct recovered *recovered, struct buffer *message);

/* Hands records over; the buffer's memory is taken (left empty) and a spare one may be put in its place. ST_NO_MEMORY:
 * nothing was taken. */
enum status persistence_append(struct persistence *p, struct buffer *records, int64_t first_zxid, int64_t last_zxid,
                               uint32_t count);

/* Bytes of all the records so far. */
uint64_t persistence_handed_bytes(const struct persistence *p);

/* Lets the loop's own thread write the log while nobody else has to wait for it, for at most zooid.loopSyncUs. To be
 * withdrawn (turns_offer) before persistence_close. Once. */
struct turns;
void persistence_offer_errand(struct persistence *p, struct turns *turns);

/* Records wait for the end of this turn: the loop must not block before. */
bool persistence_errand_is_due(const struct persistence *p);

/* To be called once per loop turn after the step: decides whether a checkpoint or snapshot is due, encodes a slice of
 * at most checkpointSliceUs. True: there is more to encode, so the loop should turn again without waiting. */
bool persistence_turn(struct persistence *p, struct tree *tree, const struct sessions *sessions, int64_t last_zxid);

/* Asks for a checkpoint of all that is applied by the next turn (SIGTERM), and for a snapshot when there is none yet;
 * `done` is called from a turn or from a completion, when they are on disk or have failed. A second question while one
 * is open, and any while checkpoints are held, is answered with false at once. */
void persistence_checkpoint(struct persistence *p, void (*done)(void *context, bool ok), void *context);

/* Stops the threads after what they have, closes files, releases the lock. Blocks. The loop has to run once more to be
 * rid of the handles; a failed persistence_open may also leave some to it. NULL is allowed. */
void persistence_close(struct persistence *p);

struct persistence_status {
    int64_t checkpoint_zxid, snapshot_zxid, logged_zxid;
    uint64_t data_dir_size, log_dir_size; /* bytes, at most a few seconds old */
    uint64_t log_queue_bytes;
    uint64_t slow_syncs; /* of the log, since the start: that took longer than fsync.warningthresholdms */
    bool checkpoint_running;
};
void persistence_status(const struct persistence *p, struct persistence_status *status);

/* When the newest snapshot was written, seconds since 1970; -1: there is none. Looks at the file. */
int64_t persistence_snapshot_time(const struct persistence *p);

/* -- a member of an ensemble (design 4.9, quorum-protocol 6.4 to 6.7) ------------------------------------------------
 *
 * Records (persistence_append) and the jobs below are one queue: each is done when all before it are durable, and its
 * completion comes through `stored`. An error of the disk on any of them is a failure of the log (log_failed), no room
 * a full log; a job waits for room as records do. All return ST_OK or ST_NO_MEMORY: nothing was taken. */

struct member_history {
    int64_t accepted_epoch, current_epoch; /* as they are on the disk now */
    /* What the member may claim: the last logged zxid; -1: there is nothing though there should be something, or the
     * history is stale: it must not be elected before it has taken a snapshot from a leader (6.4, 6.6). */
    int64_t zxid;
    bool stale; /* the log cannot be trusted to be one member's history */
};

/* Epochs as a member begins with them: read, judged by the last logged zxid, and what had to be raised or made is made
 * durable. Once, right behind persistence_open; blocks. `autocreate`: db.autocreate; otherwise an empty database counts
 * only with the marker dataDir/initialize, which is removed. An error appends to `message`: the member must not start.
 *
 * A log that is ahead of currentEpoch is believed when acceptedEpoch is not behind it: the records of an epoch are
 * handed over behind the end of the history that came before them, in one queue, so what is there is that history and a
 * beginning of the epoch; currentEpoch is raised to the log's. Otherwise the history is stale. */
enum status persistence_join(struct persistence *p, bool autocreate, struct member_history *history,
                             struct buffer *message);

/* Whatever was applied but is not known to be committed must not get into a checkpoint: while held, none is begun, and
 * one under way is given up. A member holds them from its start on until it is synchronized, and again as soon as it
 * leaves its role. Jobs that replace the tree hold them by themselves. */
void persistence_hold_checkpoints(struct persistence *p, bool hold);

enum epoch_file { ACCEPTED_EPOCH, CURRENT_EPOCH };

enum status persistence_store_epoch(struct persistence *p, enum epoch_file file, int64_t epoch, uint64_t ticket);

/* The text of a configuration, with its version= line, becomes the committed one, or the one that was proposed last
 * (empty: there is none any more): config_files.h. Without a ticket. With reconfigEnabled=false nothing is written. */
enum status persistence_store_config(struct persistence *p, struct bytes text);
enum status persistence_store_last_seen(struct persistence *p, struct bytes text);

/* The file that persistence_store_config makes for a version, appended as a terminated path; nothing with
 * reconfigEnabled=false. ST_NO_MEMORY. */
enum status persistence_config_path(const struct persistence *p, int64_t version, struct buffer *path);

/* Cuts the log directly behind `zxid`, and builds the tree anew. Refused when no record has exactly that zxid, or when
 * what is left would not lead to a tree. From the call to `stored` no records may be handed over, and the tree that
 * persistence_turn gets must be the old one or, afterwards, the new one. */
enum status persistence_truncate(struct persistence *p, int64_t zxid, uint64_t ticket);

/* Builds the tree anew from all that is on the disk: for a tree that is ahead of the log, or beside it (2845, 3642). */
enum status persistence_reload(struct persistence *p, uint64_t ticket);

/* A snapshot that comes in: the bytes of its stream (2.7), up to its signature and not further, are put on the disk
 * while the tree is loaded from them. Nothing is replaced by it before persistence_keep_snapshot; `zxid` is that of the
 * SNAP packet. A second beginning, or a drop, forgets what was there. */
enum status persistence_spool_begin(struct persistence *p, int64_t zxid);
enum status persistence_spool(struct persistence *p, struct bytes data); /* copied */
enum status persistence_spool_drop(struct persistence *p);
bool persistence_spool_has_room(struct persistence *p); /* no: stop reading the link, spool_room comes */

/* The snapshot, and the records up to `until` which are handed over next (the txns of the synchronization, all of which
 * are applied by now; `until` is its own zxid when there are none), replace all that is on the disk, in one: after a
 * crash all of the old is there or all of the new. `digest`: of the tree as it is now; NULL: not to be compared at the
 * next start, as when something was put into the tree that is in neither of them. Done when the snapshot and these
 * records are durable. From here on the tree is the one that was loaded. */
enum status persistence_keep_snapshot(struct persistence *p, int64_t until, const uint64_t *digest, uint64_t ticket);

/* Reads some of the log, beside whatever else is done; `log_piece` tells what came of it. ST_NO_MEMORY: it will not. */
enum status persistence_read_log(struct persistence *p, uint64_t link, const struct log_wish *wish);

/* --export-snapshot: recovers (taking the lock) and writes one exact snapshot at the last logged zxid into version-2,
 * removing older ones. `message` tells what was done or why not, in a line. */
enum status persistence_export_snapshot(const struct settings *settings, struct buffer *message);

/* --check-data: reads only; a report in `message`, and the exit code: 0 sound, 1 sound but for a torn tail or the like
 * that a start repairs, 2 damaged, 3 could not be read. */
int persistence_check(const char *data_dir, const char *log_dir, struct buffer *message);
