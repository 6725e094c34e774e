/* log_cut.c - where to cut, and in which order. */
#include "core/store/log_cut.h"

#include "core/base/check.h"
#include "core/base/mem.h"
#include "core/store/txnlog.h"

struct place {
    int64_t zxid;
    char *path; /* NULL: no record lies at it or behind it */
    uint64_t at;
};

/* -- where -------------------------------------------------------------------------------------------------------- */

/* The end of the record, or the beginning of the first behind it: a snapshot may be of just that txn and the log begin
 * there. */
static enum status note_place(void *context, const struct txnlog_record *record)
{
    struct place *place = context;
    bool exact = record->zxid == place->zxid;
    place->at = record->offset + (exact ? TXNLOG_FRAME_LEN + record->entry.len : 0);
    place->path = mem_strdup(record->path);
    return place->path == NULL ? ST_NO_MEMORY : ST_END;
}

static enum status find_place(const struct recovery_options *options, struct place *place)
{
    struct txnlog_scan_result result;
    struct findings findings = {0}; /* of what goes */
    const struct txnlog_scan scan = {.io = options->io,
                                     .dir = options->log_dir,
                                     .after = place->zxid - 1,
                                     .any_start = true,
                                     .fn = note_place,
                                     .context = place};
    enum status st = txnlog_scan(&scan, &result, &findings);
    findings_free(&findings);
    if (place->path != NULL)
        return ST_OK;
    return st == ST_OK && result.verdict == TXNLOG_CORRUPT ? ST_NOT_FOUND : st;
}

/* -- what goes ---------------------------------------------------------------------------------------------------- */

/* Snapshots up to the base that recovery went by stand for what stays, unless their end says otherwise. */
static int64_t snapshots_stay_up_to(const struct recovery *r, int64_t until)
{
    return r->base == RECOVERY_CHECKPOINT ? until : r->base_zxid;
}

static enum status remove_snapshots(const struct recovery_options *options, int64_t stay_up_to)
{
    const struct store_io *io = options->io;
    struct store_files files = {0};
    bool removed = false;
    enum status st = store_files_list(io, options->snap_dir, STORE_SNAPSHOT, &files);
    for (size_t i = 0; i < files.count && st == ST_OK; i++) {
        int64_t reaches;
        st = snapshot_reaches(io, files.items[i].path, &reaches);
        bool beyond = reaches != INT64_MAX && reaches > options->until;
        if (st != ST_OK || (files.items[i].zxid <= stay_up_to && !beyond))
            continue;
        st = io->remove(io->context, files.items[i].path);
        removed = true;
    }
    if (st == ST_OK && removed)
        st = io->sync_dir(io->context, options->snap_dir);
    store_files_free(&files);
    return st;
}

/* Whether all of the file lies behind the place. */
static bool goes(const struct store_file *file, const struct place *place, const struct store_file *last)
{
    if (place->path == NULL)
        return file->zxid > place->zxid;
    return file->zxid > last->zxid || (file->zxid == last->zxid && place->at <= TXNLOG_HEADER_LEN);
}

static const struct store_file *file_of(const struct store_files *files, const char *path)
{
    const struct store_file *found = NULL;
    for (size_t i = 0; i < files->count && path != NULL; i++) {
        if (strcmp(files->items[i].path, path) == 0)
            found = &files->items[i];
    }
    return found;
}

/* One after the other, each for good: a log without its middle must never be seen. */
static enum status remove_logs(const struct recovery_options *options, struct place *place)
{
    const struct store_io *io = options->io;
    struct store_files files = {0};
    enum status st = store_files_list(io, options->log_dir, STORE_LOG, &files);
    const struct store_file *last = file_of(&files, place->path);
    if (st == ST_OK && place->path != NULL && last == NULL)
        st = ST_IO_ERROR;
    for (size_t i = files.count; i > 0 && st == ST_OK; i--) {
        if (!goes(&files.items[i - 1], place, last))
            break;
        st = io->remove(io->context, files.items[i - 1].path);
        if (st == ST_OK)
            st = io->sync_dir(io->context, options->log_dir);
    }
    store_files_free(&files);
    return st;
}

static enum status cut_file(const struct store_io *io, const struct place *place)
{
    struct io_file *file;
    if (place->path == NULL || place->at <= TXNLOG_HEADER_LEN)
        return ST_OK;
    enum status st = io->open(io->context, place->path, IO_WRITE, &file);
    if (st != ST_OK)
        return st;
    st = io->truncate(io->context, file, place->at);
    if (st == ST_OK)
        st = io->sync(io->context, file);
    enum status closed = io->close(io->context, file);
    return st == ST_OK ? closed : st;
}

/* -- the door ----------------------------------------------------------------------------------------------------- */

/* Nothing is changed yet: recovery only reads. A disk that cannot be read is not a refusal. */
static enum status recover(const struct recovery_options *options, struct recovery *r)
{
    struct recovery_options up_to = *options;
    up_to.mark_dir = NULL; /* it speaks of what is to go */
    enum status st = recovery_run(&up_to, r);
    if (st == ST_CORRUPT)
        return ST_NOT_FOUND;
    return st == ST_OK && r->last_zxid != options->until ? ST_NOT_FOUND : st;
}

/* A torn end that recovery wants cut lies behind the place, perhaps in a file that has gone. */
static enum status repair(const struct store_io *io, struct recovery *r)
{
    for (size_t i = 0; i < r->findings.count; i++)
        r->findings.items[i].cut = false;
    return recovery_repair(io, r);
}

enum status log_cut(const struct recovery_options *options, enum status (*lower_mark)(void *context), void *context,
                    struct recovery *r)
{
    CHECK(options->until > 0);
    struct place place = {.zxid = options->until};
    enum status st = recover(options, r);
    if (st == ST_OK)
        st = find_place(options, &place);
    if (st == ST_OK && lower_mark != NULL)
        st = lower_mark(context);
    if (st == ST_OK)
        st = remove_snapshots(options, snapshots_stay_up_to(r, options->until));
    if (st == ST_OK)
        st = remove_logs(options, &place);
    if (st == ST_OK)
        st = cut_file(options->io, &place);
    if (st == ST_OK)
        st = repair(options->io, r);
    mem_free(place.path);
    return st;
}
