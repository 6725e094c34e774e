/* disk_rig.h - the disk side of an agent on a directory of its own, and a tree that follows what it logs. */
#pragma once

#include "agent/disk/persistence.h"

struct disk_rig {
    char *root, *dir; /* dir: dataDir, below root */
    struct settings *settings;
    struct metrics *metrics;
    uv_loop_t loop;
    struct persistence *persistence;
    struct recovered recovered;
    struct buffer message, unapplied;
    int64_t logged, applied, next_zxid;
    bool done, done_ok;
    bool may_run_full;                /* the log may say for a while that it cannot go on */
    struct persistence_stored stored; /* the last; its tree has become the rig's */
    int64_t stored_behind;            /* what was logged when it was told */
    uint32_t stored_count;
    uint32_t piece_count; /* of the log, and what came of the last one */
    enum status piece_status;
    int64_t piece_before;
    uint32_t piece_records;
    struct log_sink log;
};

/* For cmocka: *state becomes the rig; nothing is opened yet. */
int disk_rig_set_up(void **state);
int disk_rig_tear_down(void **state);

/* Opens the directory; an error leaves nothing behind but `message`. */
enum status disk_rig_try_open(struct disk_rig *rig);
void disk_rig_open(struct disk_rig *rig); /* fails the test when it cannot */
void disk_rig_close(struct disk_rig *rig);

/* Closes, opens again, and compares the trees. */
void disk_rig_reopen(struct disk_rig *rig);

/* Logs the creation of `count` nodes from number `first` on, and waits until all are durable and applied. */
void disk_rig_write(struct disk_rig *rig, int first, int count);

/* Waits until `count` jobs in all are done. */
void disk_rig_wait_stored(struct disk_rig *rig, uint32_t count);

/* Hands a txn over as the log has it, to be applied when it is logged. */
void disk_rig_append(struct disk_rig *rig, int number);

/* Applies all that was handed over, though nobody has told yet that it is durable: as a member does that hears of a
 * commit before its own log is synced. */
void disk_rig_apply_early(struct disk_rig *rig);

/* As the loop does at the end of each turn, until nothing is left to do at once. */
void disk_rig_turn(struct disk_rig *rig);

/* Reads the log behind `after`, the first piece of it, and waits for what comes of it: piece_status and so on. */
void disk_rig_read_log(struct disk_rig *rig, int64_t after);

/* Asks for a checkpoint and waits for the answer, which it returns. */
bool disk_rig_checkpoint(struct disk_rig *rig);

/* Notes in the rig the answer to a checkpoint. */
void disk_rig_done(void *rig, bool ok);
