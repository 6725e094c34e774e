/* store_world.h - one agent's disk threads in miniature: recovery, log and its end mark, checkpoints and snapshots
 * taken while txns go on, retention, on a simulated disk.
 *
 *   world_init -> world_start -> world_run -> (power cut or restart) -> world_start -> ...
 *
 * What was acknowledged and what was issued is known, so that after any fault recovery can be compared with it.
 * Failures end the running cmocka test. */
#pragma once

#include "core/store/log_end.h"
#include "core/store/recovery.h"
#include "core/store/txnlog.h"
#include "tests/support/checkpoint_memory.h"
#include "tests/support/disk_sim.h"
#include "tests/support/txn_load.h"

#define WORLD_DIR      "/data/version-2"
#define WORLD_MARK_DIR "/data/zooid"

struct world {
    uint64_t seed;
    struct random random; /* of everything but the txns, which are made again after a restart */
    struct disk_sim *disk;
    struct checkpoint_memory *checkpoint;
    bool use_checkpoint, use_mark; /* by recovery */
    struct txn_load load;
    struct txnlog *log;
    struct log_end *mark; /* NULL: it could not be written */
    struct buffer records;
    int64_t acknowledged; /* the last zxid that a client was told of */
    bool checkpoint_full; /* the next checkpoint must write everything */
    int64_t checkpoint_zxid;
    struct recovery recovery; /* of the last world_start; its tree is compared and freed */
};

void world_init(struct world *w, uint64_t seed);
void world_free(struct world *w);

/* Recovers and repairs, as a start does. `status` and w->recovery tell how it went. On success checks that nothing
 * acknowledged is missing and nothing is there that was never issued, and opens the log; the stream of txns goes on
 * from there. */
enum status world_start(struct world *w);

/* `batches` batches with a checkpoint, a snapshot, rolls and retention in between; ends early at the first error of the
 * log. */
enum status world_run(struct world *w, int batches);

/* The process ends: files are closed, the disk keeps what programs see. */
void world_stop(struct world *w);

/* Recovery alone, on this disk. The tree stays in `r`. */
enum status world_recover(struct world *w, struct recovery *r);
