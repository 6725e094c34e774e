/* recovery_replay.c - the log over a base, the digest compared record by record.
 *
 * A snapshot that was written while the server went on, or a checkpoint that was interrupted, is fuzzy: up to some zxid
 * it may hold effects of later txns, which replay makes good (quorum-protocol 4.6). Until then neither digests nor txns
 * that do not fit mean anything; from then on both must be right. Where nobody recorded how far that goes (releases
 * before 3.6), it ends with the first digest that is right, and one must have been by the end of the log if there are
 * any. */
#include "core/base/mem.h"
#include "core/store/recovery_internal.h"
#include "core/store/txnlog.h"

#include <inttypes.h>

struct run {
    struct replay *replay;
    bool fuzzy;       /* still */
    bool base_bad;    /* stopped for this */
    bool log_bad;     /* or for this */
    bool at_end;      /* or because no more is wanted */
    bool unconfirmed; /* the last digest seen did not match, and did not have to */
    char path[256];   /* of the last record with a digest */
    uint64_t offset;
};

static enum status base_is_bad(struct run *run, const char *path, uint64_t offset, const char *what, int64_t zxid)
{
    run->base_bad = true;
    enum status st = findings_add(&run->replay->r->findings, FINDING_REPAIR, path, offset,
                                  "%s at zxid 0x%" PRIx64
                                  " when the log is replayed over %s, which is therefore not used",
                                  what, (uint64_t)zxid, run->replay->base_name);
    return st == ST_OK ? ST_CORRUPT : st;
}

static void tell_exact(const struct run *run, bool exact, int64_t zxid)
{
    const struct recovery_options *options = run->replay->options;
    if (options->exact != NULL)
        options->exact(options->apply_context, exact, zxid);
}

/* The fuzzy range ends: what the base itself recorded must be there now. */
static enum status leave_fuzzy(struct run *run, const char *path, uint64_t offset)
{
    const struct replay *replay = run->replay;
    run->fuzzy = false;
    if (replay->has_digest && !replay->options->ignore_digests && tree_digest(replay->r->tree) != replay->digest)
        return base_is_bad(run, path, offset, "the tree has another digest than the snapshot says",
                           replay->fuzzy_until);
    tell_exact(run, true, replay->r->last_zxid);
    return ST_OK;
}

static enum status compare_digest(struct run *run, const struct txnlog_record *record, const struct txn *txn)
{
    const struct replay *replay = run->replay;
    if (!txn->has_digest || txn->digest.version != 2 || replay->options->ignore_digests)
        return ST_OK;
    bool unknown = replay->fuzzy_until == REPLAY_FUZZY_UNKNOWN;
    if (run->fuzzy && !unknown)
        return ST_OK;
    bool right = tree_digest(replay->r->tree) == (uint64_t)txn->digest.tree_digest;
    if (right) {
        if (run->fuzzy)
            tell_exact(run, true, record->zxid);
        run->fuzzy = run->unconfirmed = false;
        return ST_OK;
    }
    if (!run->fuzzy)
        return base_is_bad(run, record->path, record->offset, "the tree has another digest than the record says",
                           record->zxid);
    run->unconfirmed = true;
    run->offset = record->offset;
    size_t len = strlen(record->path) < sizeof run->path - 1 ? strlen(record->path) : sizeof run->path - 1;
    memcpy(run->path, record->path, len);
    run->path[len] = '\0';
    return ST_OK;
}

static enum status remember_tail(struct recovery *r, const struct txnlog_record *record)
{
    if (r->tail_path == NULL || strcmp(r->tail_path, record->path) != 0) {
        mem_free(r->tail_path);
        r->tail_path = mem_strdup(record->path);
    }
    r->tail_record = record->offset;
    r->tail_end = record->offset + TXNLOG_FRAME_LEN + record->entry.len;
    return r->tail_path == NULL ? ST_NO_MEMORY : ST_OK;
}

static enum status apply(struct run *run, const struct txnlog_record *record, const struct txn *txn)
{
    struct recovery *r = run->replay->r;
    const struct recovery_options *options = run->replay->options;
    enum status st = options->apply(options->apply_context, r->tree, r->sessions, txn);
    if (st == ST_NO_MEMORY)
        return st;
    if (st != ST_OK && !run->fuzzy)
        return base_is_bad(run, record->path, record->offset, "a transaction does not fit the tree", record->zxid);
    r->last_zxid = record->zxid;
    r->txns++;
    r->txn_bytes += record->entry.len;
    return remember_tail(r, record);
}

static enum status take_record(void *context, const struct txnlog_record *record)
{
    struct run *run = context;
    struct recovery *r = run->replay->r;
    int64_t until = run->replay->options->until;
    if (until > 0 && record->zxid > until) {
        run->at_end = true;
        return ST_END;
    }
    if (run->fuzzy && record->zxid > run->replay->fuzzy_until) {
        enum status left = leave_fuzzy(run, record->path, record->offset);
        if (left != ST_OK)
            return left;
    }
    struct txn txn;
    if (txn_decode(record->entry, &txn) != ST_OK) {
        run->log_bad = true;
        enum status told = findings_add(&r->findings, FINDING_DAMAGE, record->path, record->offset,
                                        "the transaction with zxid 0x%" PRIx64
                                        " is of a kind that is not known, or malformed; let the member take its data "
                                        "from the others, or from a snapshot beyond it",
                                        (uint64_t)record->zxid);
        return told == ST_OK ? ST_CORRUPT : told;
    }
    enum status st = apply(run, record, &txn);
    if (st == ST_OK && run->fuzzy && record->zxid == run->replay->fuzzy_until)
        st = leave_fuzzy(run, record->path, record->offset);
    return st == ST_OK ? compare_digest(run, record, &txn) : st;
}

/* The end of the log: everything the base may hold must have come by. */
static enum status check_end(struct run *run)
{
    const struct replay *replay = run->replay;
    const char *dir = replay->options->log_dir;
    if (!run->fuzzy)
        return ST_OK;
    if (replay->fuzzy_until == REPLAY_FUZZY_UNKNOWN) {
        if (!run->unconfirmed)
            return ST_OK; /* there are no digests to go by */
        return base_is_bad(run, run->path, run->offset, "the tree never had the digest that the log says, at last",
                           replay->r->last_zxid);
    }
    /* Nothing was logged between the label and the end of writing but what never reached this disk. */
    if (replay->r->last_zxid < replay->fuzzy_until)
        return base_is_bad(run, dir, 0, "the log ends before all is there that the base may hold effects of,",
                           replay->r->last_zxid);
    return leave_fuzzy(run, dir, 0);
}

static enum status start(struct run *run)
{
    const struct replay *replay = run->replay;
    replay->r->last_zxid = replay->base_zxid;
    replay->r->txns = replay->r->txn_bytes = 0;
    run->fuzzy = true;
    tell_exact(run, false, replay->base_zxid);
    return replay->fuzzy_until <= replay->base_zxid ? leave_fuzzy(run, replay->base_name, 0) : ST_OK;
}

enum status recovery_replay(struct replay *replay, enum replay_outcome *outcome, struct txnlog_scan_result *scanned)
{
    const struct recovery_options *options = replay->options;
    struct run run = {.replay = replay};
    *scanned = (struct txnlog_scan_result){.verdict = TXNLOG_SOUND};
    const struct txnlog_scan scan = {
        .io = options->io,
        .dir = options->log_dir,
        .after = replay->base_zxid,
        .any_start = replay->any_start,
        .floor = replay->floor,
        .fn = take_record,
        .context = &run,
    };
    enum status st = start(&run);
    if (st == ST_OK)
        st = txnlog_scan(&scan, scanned, &replay->r->findings);
    if (run.at_end)
        st = ST_OK;
    run.log_bad = run.log_bad || scanned->verdict == TXNLOG_CORRUPT;
    if (st == ST_OK && !run.log_bad)
        st = check_end(&run);
    if (st == ST_NO_MEMORY || (st != ST_OK && !run.base_bad && !run.log_bad))
        return st;
    *outcome = run.base_bad ? REPLAY_BASE_BAD : run.log_bad ? REPLAY_LOG_BAD : REPLAY_GOOD;
    return ST_OK;
}
