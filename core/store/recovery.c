/* recovery.c - which base is tried, and when to give up.
 *
 * From the newest to the oldest of checkpoint and snapshots. A base that turns out bad is a reason to take an older
 * one, since the log may reach back; a damaged log, or one with records missing, is none: an older base would need even
 * more of it. Whatever was given up for had seen txns up to its own zxid, so what is found instead must come at least
 * as far. */
#include "core/base/check.h"
#include "core/base/mem.h"
#include "core/store/files.h"
#include "core/store/log_end.h"
#include "core/store/recovery_internal.h"

#include <inttypes.h>

enum {
    CANDIDATES_MAX = 100,
};

struct search {
    const struct recovery_options *options;
    struct recovery *r;
    struct store_files snapshots; /* those that look whole */
    struct checkpoint_meta meta;
    bool has_checkpoint;
    int64_t must_reach; /* bases that could not be used had seen so much */
    int64_t log_end;    /* the log had been synced so far; 0: not known */
    bool any;           /* there is, or was, more than a log */
    bool found, refused;
};

static enum status damage(struct search *s, const char *file, const char *text)
{
    s->refused = true;
    return findings_add(&s->r->findings, FINDING_DAMAGE, file, 0, "%s", text);
}

/* With `until`: nothing is wrong, but the tree of then cannot be had. */
static enum status out_of_reach(struct search *s, const char *file, const char *text)
{
    s->refused = true;
    return findings_add(&s->r->findings, FINDING_NOTE, file, 0, "%s", text);
}

/* -- what is there ------------------------------------------------------------------------------------------------ */

static enum status has_files(struct search *s, const char *dir, enum store_file_kind kind, bool *has)
{
    struct store_files files = {0};
    enum status st = store_files_list(s->options->io, dir, kind, &files);
    *has = files.count > 0;
    store_files_free(&files);
    return st;
}

/* Two directories that were swapped, or put together and taken apart again, hide a part of the data
 * (quorum-protocol 6.1). */
static enum status check_directories(struct search *s)
{
    const struct recovery_options *o = s->options;
    if (strcmp(o->snap_dir, o->log_dir) == 0)
        return ST_OK;
    bool snapshots = false, logs = false;
    enum status st = has_files(s, o->log_dir, STORE_SNAPSHOT, &snapshots);
    if (st == ST_OK)
        st = has_files(s, o->snap_dir, STORE_LOG, &logs);
    if (st == ST_OK && snapshots)
        st = damage(s, o->log_dir, "there are snapshots in the directory of the log; move them to dataDir");
    if (st == ST_OK && logs)
        st = damage(s, o->snap_dir, "there are log files in dataDir though dataLogDir is another; move them there");
    return st;
}

static enum status list_snapshots(struct search *s)
{
    enum status st = store_files_list(s->options->io, s->options->snap_dir, STORE_SNAPSHOT, &s->snapshots);
    size_t kept = 0;
    s->any = s->snapshots.count > 0;
    for (size_t i = 0; i < s->snapshots.count && st == ST_OK; i++) {
        struct store_file file = s->snapshots.items[i];
        bool whole = false;
        st = snapshot_looks_whole(s->options->io, file.path, &whole);
        if (st == ST_OK && !whole)
            st = findings_add(&s->r->findings, FINDING_NOTE, file.path, 0, "the snapshot was never finished; not used");
        bool beyond = s->options->until > 0 && file.zxid > s->options->until;
        s->snapshots.items[i] = s->snapshots.items[kept];
        s->snapshots.items[kept] = file;
        kept += st == ST_OK && whole && !beyond;
    }
    while (s->snapshots.count > kept)
        mem_free(s->snapshots.items[--s->snapshots.count].path);
    s->r->snapshot_zxid = kept == 0 ? -1 : s->snapshots.items[kept - 1].zxid;
    return st;
}

static enum status look_at_checkpoint(struct search *s)
{
    const struct recovery_options *o = s->options;
    s->r->checkpoint_zxid = -1;
    if (o->checkpoint == NULL)
        return ST_OK;
    enum status st = checkpoint_read_meta(o->checkpoint, &s->meta);
    if (st == ST_UNSUPPORTED)
        return damage(s, o->checkpoint_name,
                      "the checkpoint is of a newer format: it was written by a later version; "
                      "start that, or remove the checkpoint if a snapshot and the log are there");
    if (st == ST_NOT_FOUND)
        return ST_OK;
    s->any = true;
    if (st == ST_CORRUPT)
        return findings_add(&s->r->findings, FINDING_REPAIR, o->checkpoint_name, 0,
                            "the checkpoint is damaged and not used; it is written anew");
    if (st != ST_OK)
        return st;
    s->r->checkpoint_zxid = s->meta.complete ? s->meta.to : s->meta.from;
    s->has_checkpoint = s->r->checkpoint_zxid >= 0;
    if (s->has_checkpoint && o->until > 0 && s->meta.to > o->until)
        return out_of_reach(s, o->checkpoint_name, "the checkpoint holds transactions that are to be cut off");
    return ST_OK;
}

/* -- one attempt -------------------------------------------------------------------------------------------------- */

static void drop_tree(struct recovery *r)
{
    tree_free(r->tree);
    sessions_free(r->sessions);
    r->tree = NULL;
    r->sessions = NULL;
}

static enum status fresh_tree(struct search *s)
{
    drop_tree(s->r);
    s->r->tree = tree_new(s->options->tree);
    s->r->sessions = s->r->tree == NULL ? NULL : sessions_new(s->options->tick_ms);
    return s->r->sessions == NULL ? ST_NO_MEMORY : ST_OK;
}

/* Of what a failed attempt found only the reason, which came last, is kept. */
static void keep_reason(struct findings *f, size_t from)
{
    CHECK(f->count > from);
    struct finding reason = f->items[f->count - 1];
    f->items[f->count - 1] = f->items[from];
    f->items[from] = reason;
    findings_truncate(f, from + 1);
}

static enum status too_short(struct search *s, int64_t reached)
{
    s->refused = true;
    return findings_add(&s->r->findings, FINDING_DAMAGE, s->options->log_dir, 0,
                        "the log ends with zxid 0x%" PRIx64 " though transactions up to 0x%" PRIx64
                        " had been applied: log files are missing; put them back, or let the member take its data from "
                        "the others",
                        (uint64_t)reached, (uint64_t)s->must_reach);
}

static enum status misses_log(struct search *s, int64_t reached)
{
    s->found = false;
    s->refused = true;
    return log_end_missed(s->options->mark_dir, reached, s->log_end, &s->r->findings);
}

static enum status run_replay(struct search *s, struct replay *replay, struct txnlog_scan_result *scanned)
{
    enum replay_outcome outcome = REPLAY_GOOD;
    size_t findings = s->r->findings.count;
    s->r->base_zxid = replay->base_zxid;
    if (replay->floor < s->log_end)
        replay->floor = s->log_end;
    if (s->options->replays != NULL)
        s->options->replays(s->options->replays_context);
    enum status st = recovery_replay(replay, &outcome, scanned);
    if (st != ST_OK)
        return st;
    if (outcome == REPLAY_BASE_BAD)
        keep_reason(&s->r->findings, findings);
    s->refused = outcome == REPLAY_LOG_BAD;
    s->found = outcome == REPLAY_GOOD;
    if (s->found && s->r->last_zxid < s->must_reach) {
        s->found = false;
        return too_short(s, s->r->last_zxid);
    }
    if (s->found && s->r->last_zxid < s->log_end)
        return misses_log(s, s->r->last_zxid);
    if (scanned->below_floor && scanned->last_zxid < s->log_end)
        return misses_log(s, scanned->last_zxid);
    return ST_OK;
}

/* Is there a log file that was begun behind `zxid`? Then the log is there, though without a record yet. */
static enum status log_is_begun(struct search *s, int64_t zxid, bool *begun)
{
    struct store_files files = {0};
    enum status st = store_files_list(s->options->io, s->options->log_dir, STORE_LOG, &files);
    *begun = files.count > 0 && files.items[files.count - 1].zxid > zxid;
    store_files_free(&files);
    return st;
}

/* A leader that has logged nothing yet stands at the beginning of its epoch, which no record has: what came before is
 * missed by the end mark alone. */
static enum status check_log_is_there(struct search *s, int64_t last_logged)
{
    bool begun = last_logged >= s->meta.to || zxid_counter(s->meta.to) == 0;
    enum status st = begun ? ST_OK : log_is_begun(s, s->meta.to, &begun);
    if (st != ST_OK || begun)
        return st;
    s->found = false;
    return damage(
        s, s->options->log_dir,
        "the log ends before what the checkpoint holds: log files are missing, and with them what came later; "
        "put them back (is dataLogDir right?), or remove the checkpoint to go by the snapshots and this log");
}

static enum status try_checkpoint(struct search *s)
{
    const struct recovery_options *o = s->options;
    enum status st = fresh_tree(s);
    if (st == ST_OK)
        st = checkpoint_load(o->checkpoint, o->checkpoint_name, s->r->tree, s->r->sessions, o->now_ms, &s->meta,
                             FINDING_REPAIR, &s->r->findings);
    if (st == ST_CORRUPT || st == ST_IO_ERROR)
        return ST_OK;
    if (st != ST_OK)
        return st;
    s->r->base = RECOVERY_CHECKPOINT;
    s->r->base_exact = true;
    struct replay replay = {.options = o,
                            .r = s->r,
                            .base_zxid = s->meta.from,
                            .fuzzy_until = s->meta.to,
                            .floor = s->meta.to,
                            .base_name = o->checkpoint_name};
    struct txnlog_scan_result scanned;
    st = run_replay(s, &replay, &scanned);
    return st == ST_OK && s->found ? check_log_is_there(s, scanned.last_zxid) : st;
}

/* A digest of zxid 0 says that nothing had been applied yet; one of an epoch before the label's, that the snapshot was
 * written when a leader had begun a new epoch and nothing in it. */
static void set_fuzzy_range(struct replay *replay, const struct snapshot_info *info)
{
    bool recorded = info->has_digest && info->digest_zxid >= replay->base_zxid;
    bool still = (info->digest_section && info->digest_zxid == 0 && replay->base_zxid == 0) ||
                 (info->has_digest && zxid_epoch(info->digest_zxid) < zxid_epoch(replay->base_zxid));
    replay->has_digest = recorded;
    replay->digest = info->digest;
    replay->fuzzy_until = recorded ? info->digest_zxid : still ? replay->base_zxid : REPLAY_FUZZY_UNKNOWN;
}

static enum status try_snapshot(struct search *s, const struct store_file *file)
{
    const struct recovery_options *o = s->options;
    struct snapshot_info info;
    enum status st = fresh_tree(s);
    if (st == ST_OK)
        st = snapshot_load(o->io, file->path, s->r->tree, s->r->sessions, o->now_ms, &info, FINDING_REPAIR,
                           &s->r->findings);
    if (st == ST_CORRUPT || st == ST_UNSUPPORTED || st == ST_IO_ERROR)
        return ST_OK;
    if (st != ST_OK)
        return st;
    s->r->base = RECOVERY_SNAPSHOT;
    s->r->base_exact = false;
    struct replay replay = {.options = o, .r = s->r, .base_zxid = file->zxid, .base_name = file->path};
    set_fuzzy_range(&replay, &info);
    struct txnlog_scan_result scanned;
    return run_replay(s, &replay, &scanned);
}

/* With bases that turned out bad it is them that are spoken of. */
static enum status begins_late(struct search *s)
{
    if (s->options->until > 0)
        return out_of_reach(s, s->options->log_dir,
                            "neither a checkpoint nor a snapshot can be used that has nothing from behind the place "
                            "that is wanted, and the log does not begin with the first transaction");
    if (s->any)
        return ST_OK;
    return damage(
        s, s->options->log_dir,
        "there is no snapshot, and the log does not begin with the first transaction; put the snapshots back, or, "
        "if there never were any, start once with snapshot.trust.empty=true");
}

/* The log from its first record on: only when that is the first there ever was. */
static enum status try_nothing(struct search *s)
{
    const int64_t first_of_ensemble = 0x100000001;
    const bool any_start = s->options->trust_empty && !s->any;
    int64_t first;
    enum status st = txnlog_first(s->options->io, s->options->log_dir, &first, &s->r->findings);
    if (st == ST_OK && first > 1 && first != first_of_ensemble && !any_start)
        return begins_late(s);
    if (st == ST_OK)
        st = fresh_tree(s);
    if (st != ST_OK)
        return st;
    s->r->base = RECOVERY_NOTHING;
    s->r->base_exact = false;
    struct replay replay = {.options = s->options, .r = s->r, .base_name = "an empty tree", .any_start = any_start};
    struct txnlog_scan_result scanned;
    st = run_replay(s, &replay, &scanned);
    if (st != ST_OK || !s->found || scanned.records == 0)
        return st;
    return findings_add(&s->r->findings, FINDING_NOTE, s->options->log_dir, 0,
                        "there is no snapshot; the tree is made from the log alone, from zxid 0x%" PRIx64 " on",
                        (uint64_t)scanned.first_zxid);
}

/* -- the search --------------------------------------------------------------------------------------------------- */

static void remember(struct search *s, int64_t zxid)
{
    if (!s->found && zxid > s->must_reach)
        s->must_reach = zxid;
}

/* Nothing else is there, or it is bad; but the log may be whole. */
static enum status try_last(struct search *s)
{
    enum status st = try_nothing(s);
    if (st != ST_OK || s->found || s->refused)
        return st;
    return damage(
        s, s->options->snap_dir,
        "no checkpoint or snapshot leads to a whole tree; restore one from a copy, or let the member take its "
        "data from the others: move the data directory away and start again");
}

static enum status try_all(struct search *s)
{
    enum status st = ST_OK;
    size_t left = s->snapshots.count;
    for (int tries = 0; st == ST_OK && !s->found && !s->refused; tries++) {
        int64_t newest = left == 0 ? -1 : s->snapshots.items[left - 1].zxid;
        if (s->has_checkpoint && s->meta.to >= newest) {
            s->has_checkpoint = false;
            st = try_checkpoint(s);
            remember(s, s->meta.to);
        } else if (left > 0 && tries < CANDIDATES_MAX) {
            left--;
            st = try_snapshot(s, &s->snapshots.items[left]);
            remember(s, newest);
        } else {
            return try_last(s);
        }
    }
    return st;
}

static enum status search(struct search *s)
{
    const struct recovery_options *o = s->options;
    enum status st = check_directories(s);
    if (st == ST_OK && !s->refused && o->mark_dir != NULL)
        st = log_end_read(o->io, o->mark_dir, &s->log_end, &s->r->findings);
    if (st == ST_OK && !s->refused)
        st = list_snapshots(s);
    if (st == ST_OK && !s->refused)
        st = look_at_checkpoint(s);
    if (st != ST_OK || s->refused)
        return st;
    return s->any ? try_all(s) : try_last(s);
}

/* -- the door ----------------------------------------------------------------------------------------------------- */

enum status recovery_run(const struct recovery_options *options, struct recovery *r)
{
    struct search s = {.options = options, .r = r, .must_reach = 0};
    r->snap_dir = mem_strdup(options->snap_dir);
    r->log_dir = mem_strdup(options->log_dir);
    enum status st = r->snap_dir == NULL || r->log_dir == NULL ? ST_NO_MEMORY : search(&s);
    if (st == ST_OK && s.found)
        st = recovery_add_sessions(options, r);
    else if (st == ST_OK)
        st = ST_CORRUPT;
    if (st != ST_OK)
        drop_tree(r);
    store_files_free(&s.snapshots);
    return st;
}

void recovery_free(struct recovery *r)
{
    drop_tree(r);
    findings_free(&r->findings);
    mem_free(r->snap_dir);
    mem_free(r->log_dir);
    mem_free(r->tail_path);
    r->snap_dir = r->log_dir = r->tail_path = NULL;
}
