/* recovery.h - the newest good checkpoint or snapshot, then the rest of the log: the tree as it was, or the reason why
 * not.
 *
 * Candidates are tried from the newest on; each is loaded, the log replayed over it, and the digest in every record
 * compared. What does not add up, or falls short of the mark of the log's end, is refused: never is a tree returned
 * that may not be the one that was acknowledged (quorum-protocol 6.6, design 4.5 to 4.7). Only reads; the cuts it wants
 * are carried out by recovery_repair. Runs before anything else does, on any thread. */
#pragma once

#include "core/jute/txn.h"
#include "core/store/checkpoint.h"
#include "core/store/snapshot.h"
#include "core/store/txnlog_scan.h"

/* Applies one txn to tree and sessions (core/ops). ST_OK; ST_NO_MEMORY stops; any other status says that the txn did
 * not fit the tree, which only replay over a fuzzy base may bring. */
typedef enum status recovery_apply_fn(void *context, struct tree *tree, struct sessions *sessions,
                                      const struct txn *txn);

/* From here on what is applied leads to exactly the tree of that zxid, which stands at `zxid` now; or it does not,
 * which is so at the beginning of each attempt. */
typedef void recovery_exact_fn(void *context, bool exact, int64_t zxid);

struct recovery_options {
    const struct store_io *io;
    const char *snap_dir, *log_dir;            /* the version-2 directories; may be the same */
    const struct checkpoint_store *checkpoint; /* NULL: there is none, or it is not to be trusted */
    const char *checkpoint_name;               /* for messages */
    const char *mark_dir; /* dataDir/zooid, with the mark of log_end.h; NULL: there is none, or it does not count */
    const struct tree_options *tree;
    int32_t tick_ms;
    int64_t now_ms; /* monotonic, for sessions_put */
    recovery_apply_fn *apply;
    recovery_exact_fn *exact;       /* NULL: nobody wants to know */
    void *apply_context;            /* of both */
    void (*replays)(void *context); /* NULL, or told at each attempt that its base stands, and the log comes next */
    void *replays_context;
    bool trust_empty;    /* snapshot.trust.empty: a log without any snapshot may begin with any record */
    bool ignore_digests; /* zookeeper.digest.enabled=false: records' digests are not compared */
    int64_t until;       /* what lies behind it is passed over, and bases with effects of it are not used; 0: nothing.
                            With a complete or unfinished checkpoint that goes further it is refused */
};

enum recovery_base {
    RECOVERY_NOTHING, /* a fresh tree, or the log from its first record on */
    RECOVERY_CHECKPOINT,
    RECOVERY_SNAPSHOT,
};

/* Tree and sessions pass to the caller. Zero-initialise. */
struct recovery {
    struct tree *tree;
    struct sessions *sessions;
    int64_t last_zxid; /* of the last txn applied; 0: none ever */
    enum recovery_base base;
    int64_t base_zxid;
    bool base_exact; /* loaded from a complete checkpoint of this store: the next one writes only what changed */
    int64_t checkpoint_zxid;  /* of the complete checkpoint that the store holds; -1: none */
    int64_t snapshot_zxid;    /* of the newest snapshot that looks whole; -1: none */
    uint64_t txns, txn_bytes; /* replayed */
    uint64_t
        sessions_added; /* sessions made for ephemerals whose own session was gone: they expire and take them along */
    struct findings findings;

    /* For recovery_repair. */
    char *snap_dir, *log_dir;
    char *tail_path;                /* the log file with the last record that was applied; NULL: none was */
    uint64_t tail_record, tail_end; /* where that record begins and ends */
};

/* ST_OK: `r` holds the tree. ST_CORRUPT: refused, the findings say why, with `until` perhaps in notes alone: nothing is
 * wrong, but that place is out of reach; no tree. ST_NO_MEMORY, ST_IO_ERROR: likewise.
 * Call recovery_free when done. */
enum status recovery_run(const struct recovery_options *options, struct recovery *r);

/* Makes durable what was found, before anyone is told of it: cuts torn tails as the findings ask, writes the end of the
 * log once more, since what was read may never have reached the disk (the process before may have ended between write
 * and sync, or after a sync that failed and left it to be forgotten), and syncs files and directories. Afterwards a new
 * log file may be begun at last_zxid + 1. Any error: nothing may be served. */
enum status recovery_repair(const struct store_io *io, struct recovery *r);

/* Frees the findings, and tree and sessions unless they were taken (set to NULL). */
void recovery_free(struct recovery *r);
