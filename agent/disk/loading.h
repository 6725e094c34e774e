/* loading.h - from a data directory to a tree in memory: recovery, with the checkpoint as base when it can be trusted.
 *
 * LMDB may crash on a damaged file. So a mark stands in the directory while it is read: a start that finds one sets the
 * checkpoint aside and builds the tree from snapshot and log (design 4.6). Blocks; before the loop runs. */
#pragma once

#include "agent/disk/data_dir.h"
#include "agent/settings/settings.h"
#include "core/base/log.h"
#include "core/store/recovery.h"
#include "core/store/replacement.h"
#include "core/tree/changes.h"

/* Recovers and repairs what a start repairs; findings are logged. `d` is open. What the log brought is taken down in
 * `history`, unless that is NULL. On an error `message` (appended) says why. recovery_free in any case. `replay_us`
 * is as in struct loading, and untouched when nothing was recovered. */
enum status load_data(const struct data_dir *d, const struct settings *settings, const struct hash_key *hash_key,
                      const struct log_sink *log, struct changes *history, struct recovery *recovery,
                      uint64_t *replay_us, struct buffer *message);

/* What log_whole_from (core/store/log_read.h) says of this directory, behind that. */
enum status load_whole_from(const struct data_dir *d, const struct recovery *recovery, int64_t *zxid);

/* The same later, by a disk thread: what of the settings is needed is copied here, since they may be reloaded. */
struct loading {
    const struct data_dir *dir;
    struct tree_options tree;
    int32_t tick_ms;
    bool trust_empty;
    struct changes *history; /* NULL: none is wanted */
    uint64_t *replay_us;     /* NULL, or where to leave when the base stood and the log came next (thread_clock_us) */
    const struct log_sink *log; /* of any thread */
};
struct loading loading_of(const struct data_dir *d, const struct settings *settings, const struct hash_key *hash_key,
                          const struct log_sink *log);

/* Recovers anew all that is on the disk. Nobody else may use the directories. Errors as recovery_run. */
enum status load_again(const struct loading *l, struct recovery *recovery);

/* Cuts the log behind `zxid` and recovers what is left: as log_cut (core/store/log_cut.h). */
enum status load_cut(const struct loading *l, int64_t zxid, enum status (*lower_mark)(void *context), void *context,
                     struct recovery *recovery);

/* Carries out what replaces all data (core/store/replacement.h) on this directory; used by load_data as well. */
enum status load_replacement(const struct loading *l);
struct replacement_place loading_place(const struct data_dir *d);

/* What recovery needs on this directory, but for a checkpoint. Borrows both pointers. */
struct recovery_options loading_options(const struct data_dir *d, const struct tree_options *tree, int32_t tick_ms);

/* From now on a crash while `file` is read is told on standard error and ends the process with exit code 1; then no
 * longer. For one thread of one process. */
void loading_guard(const char *file);
void loading_guard_end(void);
