/* txnlog.c - one open log file: where its records end, and how far zeros lie ready behind them.
 *
 *   0      16                        at                        ready_end
 *   | head | records ................ | zeros, synced ......... | perhaps zeros, not counted on
 *
 * Records are only written into what lies before ready_end. */
#include "core/store/txnlog.h"

#include "core/base/check.h"
#include "core/base/mem.h"
#include "core/store/files.h"
#include "core/store/log_read.h"
#include "core/store/txnlog_format.h"

#include <stdio.h>

enum { ZEROS_LEN = 65536 };
static const uint8_t zeros[ZEROS_LEN];

struct txnlog {
    const struct store_io *io;
    char *dir;
    uint64_t step_first, step_max;
    int64_t whole_from;

    struct io_file *file; /* NULL: none is open */
    struct buffer path;
    int64_t file_zxid; /* in the file's name */
    uint64_t at, ready_end;
    uint64_t step, goal; /* the next step, and what fill_ahead is extending to */
    uint64_t unsynced;
    int64_t written_zxid, synced_zxid;

    bool failed;
    char failure[320];
};

/* -- life --------------------------------------------------------------------------------------------------------- */

struct txnlog *txnlog_new(const struct txnlog_options *options)
{
    CHECK(options->step_first > TXNLOG_HEADER_LEN && options->step_max >= options->step_first);
    struct txnlog *log = mem_calloc(1, sizeof *log);
    if (log == NULL)
        return NULL;
    log->io = options->io;
    log->step_first = options->step_first;
    log->step_max = options->step_max;
    log->whole_from = options->whole_from;
    log->dir = mem_strdup(options->dir);
    if (log->dir == NULL) {
        txnlog_free(log);
        return NULL;
    }
    return log;
}

/* Whatever it says: what had to be durable was synced before. */
static void forget_file(struct txnlog *log)
{
    if (log->file != NULL)
        log->io->close(log->io->context, log->file);
    log->file = NULL;
    log->path.len = 0;
}

void txnlog_free(struct txnlog *log)
{
    if (log == NULL)
        return;
    forget_file(log);
    buffer_free(&log->path);
    mem_free(log->dir);
    mem_free(log);
}

const char *txnlog_path(const struct txnlog *log)
{
    return log->file == NULL ? NULL : (const char *)log->path.data;
}

/* From here on nothing is written or acknowledged any more (design 4.7). */
static enum status fail(struct txnlog *log, const char *what, const char *path, enum status why)
{
    log->failed = true;
    snprintf(log->failure, sizeof log->failure, "cannot %s %s: %s", what, path, status_text(why));
    return ST_IO_ERROR;
}

static enum status fail_file(struct txnlog *log, const char *what, enum status why)
{
    return fail(log, what, (const char *)log->path.data, why);
}

const char *txnlog_failure(const struct txnlog *log)
{
    return log->failed ? log->failure : NULL;
}

/* Nothing is known to be wrong with what was written, so it may be tried again. */
static bool is_passing(enum status st)
{
    return st == ST_NO_SPACE || st == ST_NO_MEMORY;
}

/* -- zeros -------------------------------------------------------------------------------------------------------- */

static enum status write_zeros(struct txnlog *log, uint64_t from, uint64_t to)
{
    enum status st = ST_OK;
    for (uint64_t at = from; at < to && st == ST_OK; at += ZEROS_LEN) {
        size_t len = to - at < ZEROS_LEN ? (size_t)(to - at) : ZEROS_LEN;
        st = log->io->write_at(log->io->context, log->file, at, zeros, len);
    }
    return st;
}

static enum status reserve(struct txnlog *log, uint64_t from, uint64_t to)
{
    if (log->io->reserve == NULL)
        return ST_OK;
    return log->io->reserve(log->io->context, log->file, from, to - from);
}

/* When the sync fails for want of room, no record was at stake: the file is left alone and another one begun once there
 * is room, instead of trusting a second sync of the same file. */
static enum status sync_zeros(struct txnlog *log, uint64_t ready_end)
{
    enum status st = log->io->sync(log->io->context, log->file);
    if (is_passing(st) && log->unsynced == 0) {
        forget_file(log);
        return st;
    }
    if (st != ST_OK)
        return fail_file(log, "sync", st);
    log->ready_end = ready_end;
    log->unsynced = 0;
    log->synced_zxid = log->written_zxid;
    return ST_OK;
}

static enum status extend(struct txnlog *log, uint64_t to)
{
    enum status st = reserve(log, log->ready_end, to);
    if (st == ST_OK)
        st = write_zeros(log, log->ready_end, to);
    if (st == ST_OK)
        return sync_zeros(log, to);
    return is_passing(st) ? st : fail_file(log, "extend", st);
}

/* -- a new file --------------------------------------------------------------------------------------------------- */

/* True when the file begins with anything that might be a record. */
static enum status holds_records(struct txnlog *log, bool *holds)
{
    uint8_t head[TXNLOG_RECORD_HEAD_LEN];
    size_t got = 0;
    enum status st = log->io->read_at(log->io->context, log->file, TXNLOG_HEADER_LEN, head, sizeof head, &got);
    *holds = memcmp(head, zeros, got) != 0;
    return st;
}

static enum status reopen_empty(struct txnlog *log, const char *path)
{
    enum status st = log->io->open(log->io->context, path, IO_WRITE, &log->file);
    bool holds = false;
    if (st == ST_OK)
        st = holds_records(log, &holds);
    if (st == ST_OK && holds)
        return ST_EXISTS;
    return st == ST_OK ? log->io->truncate(log->io->context, log->file, 0) : st;
}

static enum status write_new_file(struct txnlog *log)
{
    uint8_t header[TXNLOG_HEADER_LEN] = {0};
    be32_put(header, TXNLOG_MAGIC);
    be32_put(header + 4, TXNLOG_VERSION);
    be64_put(header + 8, (uint64_t)log_whole_encode(log->whole_from));
    enum status st = reserve(log, 0, log->step_first);
    if (st == ST_OK)
        st = log->io->write_at(log->io->context, log->file, 0, header, sizeof header);
    if (st == ST_OK)
        st = write_zeros(log, sizeof header, log->step_first);
    if (st == ST_OK)
        st = log->io->sync(log->io->context, log->file);
    return st == ST_OK ? log->io->sync_dir(log->io->context, log->dir) : st;
}

static enum status begin_file(struct txnlog *log, int64_t zxid)
{
    log->path.len = 0;
    enum status st = store_file_path(&log->path, log->dir, STORE_LOG, zxid);
    if (st != ST_OK)
        return st;
    const char *path = (const char *)log->path.data;
    st = log->io->open(log->io->context, path, IO_CREATE, &log->file);
    bool created = st == ST_OK;
    if (st == ST_EXISTS)
        st = reopen_empty(log, path);
    if (st == ST_OK)
        st = write_new_file(log);
    if (st == ST_OK) {
        log->file_zxid = zxid;
        log->at = TXNLOG_HEADER_LEN;
        log->ready_end = log->goal = log->step_first;
        log->step = log->step_first;
        return ST_OK;
    }
    if (is_passing(st) && created)
        log->io->remove(log->io->context, path); /* what stays behind is zeroed the next time */
    if (!is_passing(st))
        fail_file(log, "create", st);
    forget_file(log);
    return log->failed ? ST_IO_ERROR : st;
}

/* The first record is another one than was foreseen: the file, which holds none yet, gets its name. */
static enum status rename_file(struct txnlog *log, int64_t zxid)
{
    struct buffer path = {0};
    enum status st = store_file_path(&path, log->dir, STORE_LOG, zxid);
    if (st != ST_OK) {
        buffer_free(&path);
        return st;
    }
    st = log->io->rename(log->io->context, (const char *)log->path.data, (const char *)path.data);
    if (is_passing(st)) {
        buffer_free(&path);
        return st;
    }
    if (st == ST_OK)
        st = log->io->sync_dir(log->io->context, log->dir);
    if (st == ST_OK) {
        buffer_free(&log->path);
        log->path = path;
        log->file_zxid = zxid;
        return ST_OK;
    }
    fail(log, "rename to", (const char *)path.data, st);
    buffer_free(&path);
    return ST_IO_ERROR;
}

enum status txnlog_prepare(struct txnlog *log, int64_t next_zxid)
{
    if (log->failed)
        return ST_IO_ERROR;
    return log->file == NULL ? begin_file(log, next_zxid) : ST_OK;
}

/* -- records into the file ---------------------------------------------------------------------------------------- */

static enum status make_room(struct txnlog *log, int64_t first_zxid, size_t len)
{
    enum status st = ST_OK;
    if (log->file == NULL)
        st = begin_file(log, first_zxid);
    else if (log->at == TXNLOG_HEADER_LEN && log->file_zxid != first_zxid)
        st = rename_file(log, first_zxid);
    if (st != ST_OK || log->at + len <= log->ready_end)
        return st;
    uint64_t missing = log->at + len - log->ready_end;
    uint64_t steps = (missing + log->step_first - 1) / log->step_first;
    return extend(log, log->ready_end + steps * log->step_first);
}

enum status txnlog_append(struct txnlog *log, int64_t first_zxid, int64_t last_zxid, struct bytes records)
{
    if (log->failed)
        return ST_IO_ERROR;
    if (log->unsynced > 0 && log->unsynced + records.len > TXNLOG_BATCH_MAX)
        return ST_LIMIT;
    enum status st = make_room(log, first_zxid, records.len);
    if (st != ST_OK)
        return st;
    CHECK(log->at + records.len <= log->ready_end);
    st = log->io->write_at(log->io->context, log->file, log->at, records.data, records.len);
    if (st != ST_OK)
        return is_passing(st) ? st : fail_file(log, "write to", st);
    log->at += records.len;
    log->unsynced += records.len;
    log->written_zxid = last_zxid;
    return ST_OK;
}

enum status txnlog_sync(struct txnlog *log)
{
    if (log->failed)
        return ST_IO_ERROR;
    if (log->unsynced == 0)
        return ST_OK;
    enum status st = log->io->sync(log->io->context, log->file);
    if (st != ST_OK)
        return fail_file(log, "sync", st);
    log->unsynced = 0;
    log->synced_zxid = log->written_zxid;
    return ST_OK;
}

bool txnlog_wants_zeros(const struct txnlog *log)
{
    return log->file != NULL && (log->goal > log->ready_end || txnlog_room(log) < log->step / 2);
}

enum status txnlog_fill_ahead(struct txnlog *log, uint64_t max, bool *more)
{
    *more = false;
    if (log->failed)
        return ST_IO_ERROR;
    if (!txnlog_wants_zeros(log))
        return ST_OK;
    if (log->goal <= log->ready_end) {
        log->step = log->step < log->step_max / 2 ? log->step * 2 : log->step_max;
        log->goal = log->ready_end + log->step;
    }
    uint64_t len = log->goal - log->ready_end < max ? log->goal - log->ready_end : max;
    enum status st = extend(log, log->ready_end + len);
    *more = st == ST_OK && log->ready_end < log->goal;
    return st;
}

enum status txnlog_roll(struct txnlog *log)
{
    enum status st = txnlog_sync(log);
    if (st != ST_OK || log->file == NULL || log->at == TXNLOG_HEADER_LEN)
        return st;
    st = log->io->truncate(log->io->context, log->file, log->at);
    if (st != ST_OK)
        return fail_file(log, "cut", st);
    forget_file(log);
    return ST_OK;
}

void txnlog_restart(struct txnlog *log, int64_t zxid)
{
    CHECK(log->unsynced == 0);
    forget_file(log);
    log->written_zxid = log->synced_zxid = zxid;
}

void txnlog_set_whole_from(struct txnlog *log, int64_t whole_from)
{
    log->whole_from = whole_from;
}

/* -- asked by the log thread -------------------------------------------------------------------------------------- */

int64_t txnlog_synced_zxid(const struct txnlog *log)
{
    return log->synced_zxid;
}

int64_t txnlog_written_zxid(const struct txnlog *log)
{
    return log->written_zxid;
}

uint64_t txnlog_file_size(const struct txnlog *log)
{
    return log->file == NULL ? 0 : log->at;
}

uint64_t txnlog_room(const struct txnlog *log)
{
    return log->file == NULL ? 0 : log->ready_end - log->at;
}

uint64_t txnlog_unsynced(const struct txnlog *log)
{
    return log->unsynced;
}
