/* loading.c - checkpoint opened or set aside, recovery run, repairs made. */
#include "agent/disk/loading.h"

#include "agent/base/thread.h"
#include "agent/disk/checkpoint_lmdb.h"
#include "agent/disk/disk_posix.h"
#include "core/ops/apply.h"
#include "core/store/log_cut.h"
#include "core/store/log_end.h"
#include "core/store/log_read.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

struct recovery_options loading_options(const struct data_dir *d, const struct tree_options *tree, int32_t tick_ms)
{
    return (struct recovery_options){
        .io = disk_posix(),
        .snap_dir = d->snapshots,
        .log_dir = d->logs,
        .checkpoint_name = d->checkpoint,
        .mark_dir = d->own,
        .tree = tree,
        .tick_ms = tick_ms,
        .now_ms = (int64_t)(thread_clock_us() / 1000),
        .apply = txn_apply,
    };
}

/* A damaged checkpoint is kept for whoever wants to know why; one at a time. */
static void set_aside(const struct data_dir *d, const struct log_sink *log, const char *why)
{
    if (rename(d->checkpoint, d->damaged_checkpoint) == 0)
        LOG_WARN(log, "storage", "%s: %s; set aside as %s, the tree is built from snapshot and log", d->checkpoint, why,
                 d->damaged_checkpoint);
    else if (errno != ENOENT)
        LOG_WARN(log, "storage", "%s: %s, and it cannot be set aside: %s", d->checkpoint, why, strerrordesc_np(errno));
}

static void heed_mark(const struct data_dir *d, const struct log_sink *log)
{
    if (!data_dir_marked(d))
        return;
    set_aside(d, log, "an earlier start did not survive reading it");
    if (data_dir_clear_mark(d) != ST_OK)
        LOG_WARN(log, "storage", "%s: cannot be removed: %s", d->mark, strerrordesc_np(errno));
}

/* NULL: there is none, or none that can be read. */
static struct checkpoint_lmdb *open_checkpoint(const struct data_dir *d, const struct log_sink *log)
{
    struct checkpoint_lmdb *db;
    enum status st = checkpoint_lmdb_open(&db, d->checkpoint, true);
    if (st == ST_OK)
        return db;
    char why[256];
    (void)snprintf(why, sizeof why, "%s", db != NULL ? checkpoint_lmdb_error(db) : status_text(st));
    checkpoint_lmdb_close(db);
    if (st == ST_CORRUPT)
        set_aside(d, log, why);
    else if (st != ST_NOT_FOUND)
        LOG_WARN(log, "storage", "%s: cannot be read: %s", d->checkpoint, why);
    return NULL;
}

/* A checkpoint that was not taken as base: outdated or never finished, then a new one takes its place; or damaged, then
 * it must not be written to. */
static void judge_unused(const struct data_dir *d, struct checkpoint_lmdb *db, const struct recovery *recovery,
                         const struct log_sink *log)
{
    struct checkpoint_meta meta;
    enum status st = checkpoint_read_meta(checkpoint_lmdb_store(db), &meta);
    bool outdated = st == ST_NOT_FOUND || (st == ST_OK && meta.from < 0) ||
                    (st == ST_OK && recovery->base == RECOVERY_SNAPSHOT && meta.from <= recovery->base_zxid);
    if (!outdated)
        set_aside(d, log, "damaged");
    else if (unlink(d->checkpoint) != 0)
        LOG_WARN(log, "storage", "%s: cannot be removed: %s", d->checkpoint, strerrordesc_np(errno));
}

static const enum log_level finding_levels[] =
    {[FINDING_NOTE] = LOG_LEVEL_INFO, [FINDING_REPAIR] = LOG_LEVEL_WARN, [FINDING_DAMAGE] = LOG_LEVEL_ERROR};

static void log_findings(const struct findings *findings, const struct log_sink *log)
{
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *f = &findings->items[i];
        log_write(log, finding_levels[f->kind], "storage", "%s at byte %" PRIu64 ": %s", f->file, f->offset, f->text);
    }
}

/* -- recovery ----------------------------------------------------------------------------------------------------- */

struct loading loading_of(const struct data_dir *d, const struct settings *settings, const struct hash_key *hash_key,
                          const struct log_sink *log)
{
    return (struct loading){.dir = d,
                            .tree = {.hash_key = *hash_key, .extended_types = settings->extended_types_enabled},
                            .tick_ms = settings->tick_time_ms,
                            .trust_empty = settings->snapshot_trust_empty,
                            .log = log};
}

static void take_down_exact(void *context, bool exact, int64_t zxid)
{
    if (exact)
        changes_begin(context, zxid);
    else
        changes_pause(context);
}

static void note_replay(void *context)
{
    uint64_t *replay_us = context;
    *replay_us = thread_clock_us();
}

/* What is to be done once the checkpoint is open. */
typedef enum status recover_fn(void *context, const struct recovery_options *options, struct recovery *recovery);

static enum status recover_all(void *context, const struct recovery_options *options, struct recovery *recovery)
{
    (void)context;
    enum status st = recovery_run(options, recovery);
    return st == ST_OK ? recovery_repair(options->io, recovery) : st;
}

static enum status recover(const struct loading *l, struct checkpoint_lmdb *db, recover_fn *fn, void *context,
                           struct recovery *recovery)
{
    struct recovery_options options = loading_options(l->dir, &l->tree, l->tick_ms);
    options.trust_empty = l->trust_empty;
    if (l->history != NULL) {
        options.exact = take_down_exact;
        options.apply_context = l->history;
    }
    if (l->replay_us != NULL) {
        options.replays = note_replay;
        options.replays_context = l->replay_us;
    }
    if (db != NULL)
        options.checkpoint = checkpoint_lmdb_store(db);
    return fn(context, &options, recovery);
}

/* Opens the checkpoint, recovers, and closes it again, under mark and guard. */
static enum status recover_guarded(const struct loading *l, recover_fn *fn, void *context, struct recovery *recovery)
{
    const struct data_dir *d = l->dir;
    bool exists = access(d->checkpoint, F_OK) == 0;
    disk_posix_error_clear();
    if (exists) {
        if (data_dir_set_mark(d) != ST_OK) /* on a full disk: then a crash would be repeated at each start */
            LOG_WARN(l->log, "storage", "%s: cannot be made: %s", d->mark, strerrordesc_np(errno));
        loading_guard(d->checkpoint);
    }
    struct checkpoint_lmdb *db = exists ? open_checkpoint(d, l->log) : NULL;
    enum status st = recover(l, db, fn, context, recovery);
    if (db != NULL && st == ST_OK && recovery->base != RECOVERY_CHECKPOINT)
        judge_unused(d, db, recovery, l->log);
    checkpoint_lmdb_close(db);
    if (exists) {
        loading_guard_end();
        (void)data_dir_clear_mark(d); /* one that stays only makes the next start slow */
    }
    log_findings(&recovery->findings, l->log);
    return st;
}

enum status load_again(const struct loading *l, struct recovery *recovery)
{
    return recover_guarded(l, recover_all, NULL, recovery);
}

struct cut {
    int64_t zxid;
    enum status (*lower_mark)(void *context);
    void *context;
};

static enum status recover_cut(void *context, const struct recovery_options *options, struct recovery *recovery)
{
    const struct cut *cut = context;
    struct recovery_options until = *options;
    until.until = cut->zxid;
    return log_cut(&until, cut->lower_mark, cut->context, recovery);
}

enum status load_cut(const struct loading *l, int64_t zxid, enum status (*lower_mark)(void *context), void *context,
                     struct recovery *recovery)
{
    struct cut cut = {zxid, lower_mark, context};
    return recover_guarded(l, recover_cut, &cut, recovery);
}

/* -- replacement -------------------------------------------------------------------------------------------------- */

struct replacement_place loading_place(const struct data_dir *d)
{
    return (struct replacement_place){.io = disk_posix(),
                                      .own_dir = d->own,
                                      .snap_dir = d->snapshots,
                                      .log_dir = d->logs,
                                      .checkpoint = d->checkpoint};
}

static enum status finish_replacement(const struct data_dir *d, const struct log_sink *log, struct findings *findings)
{
    const struct replacement_place place = loading_place(d);
    bool found = false;
    disk_posix_error_clear();
    enum status st = replacement_finish(&place, &found, findings);
    if (st == ST_OK && found)
        LOG_INFO(log, "storage", "%s: the snapshot from the leader has taken the place of all other data", d->root);
    return st;
}

enum status load_replacement(const struct loading *l)
{
    struct findings findings = {0};
    enum status st = finish_replacement(l->dir, l->log, &findings);
    log_findings(&findings, l->log);
    findings_free(&findings);
    return st;
}

/* -- at start ----------------------------------------------------------------------------------------------------- */

static void explain(const struct data_dir *d, enum status st, const struct findings *findings, struct buffer *message)
{
    const char *why = disk_posix_error();
    (void)buffer_printf(message, "%s: the data cannot be loaded: %s", d->root, status_text(st));
    if (st == ST_IO_ERROR && why[0] != '\0')
        (void)buffer_printf(message, " (%s)", why);
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *f = &findings->items[i];
        if (f->kind == FINDING_DAMAGE)
            (void)buffer_printf(message, "; %s at byte %" PRIu64 ": %s", f->file, f->offset, f->text);
    }
}

enum status load_data(const struct data_dir *d, const struct settings *settings, const struct hash_key *hash_key,
                      const struct log_sink *log, struct changes *history, struct recovery *recovery,
                      uint64_t *replay_us, struct buffer *message)
{
    struct loading l = loading_of(d, settings, hash_key, log);
    l.history = history;
    l.replay_us = replay_us;
    if (data_dir_check_restoring(d, message) != ST_OK)
        return ST_CORRUPT;
    enum status st = finish_replacement(d, log, &recovery->findings);
    if (st == ST_OK) {
        heed_mark(d, log);
        st = load_again(&l, recovery);
        if (st == ST_OK && history != NULL)
            changes_cut(history, recovery->last_zxid); /* nobody knows whether it was exact: then it begins here */
    } else {
        log_findings(&recovery->findings, log);
    }
    if (st != ST_OK)
        explain(d, st, &recovery->findings, message);
    return st;
}

/* What was replayed was the end of the log; the mark knows it, too, if it says the same. */
enum status load_whole_from(const struct data_dir *d, const struct recovery *recovery, int64_t *zxid)
{
    struct findings findings = {0};
    const int64_t last_zxid = recovery->last_zxid;
    int64_t marked = 0;
    enum status st = recovery->txns > 0 ? ST_OK : log_end_read(disk_posix(), d->own, &marked, &findings);
    const bool ends_there = recovery->txns > 0 || (marked != 0 && marked == last_zxid);
    findings_free(&findings);
    return st == ST_OK ? log_whole_from(disk_posix(), d->logs, last_zxid, ends_there, zxid) : st;
}
