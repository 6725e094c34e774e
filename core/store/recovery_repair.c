/* recovery_repair.c - what recovery has read is made durable before it is served. */
#include "core/base/mem.h"
#include "core/store/recovery.h"
#include "core/store/txnlog.h"

static enum status cut(const struct store_io *io, const struct finding *finding)
{
    struct io_file *file;
    enum status st = io->open(io->context, finding->file, IO_WRITE, &file);
    if (st != ST_OK)
        return st;
    st = io->truncate(io->context, file, finding->offset);
    if (st == ST_OK)
        st = io->sync(io->context, file);
    enum status closed = io->close(io->context, file);
    return st == ST_OK ? closed : st;
}

static enum status cut_all(const struct store_io *io, struct findings *findings)
{
    enum status st = ST_OK;
    for (size_t i = 0; i < findings->count && st == ST_OK; i++) {
        if (!findings->items[i].cut)
            continue;
        st = cut(io, &findings->items[i]);
        findings->items[i].cut = st != ST_OK;
    }
    return st;
}

/* Reads [from, to) and writes it where it was, then syncs. */
static enum status rewrite(const struct store_io *io, const char *path, uint64_t from, uint64_t to)
{
    size_t len = (size_t)(to - from), got = 0;
    struct io_file *file;
    uint8_t *data = mem_alloc(len);
    if (data == NULL)
        return ST_NO_MEMORY;
    enum status st = io->open(io->context, path, IO_WRITE, &file);
    if (st != ST_OK) {
        mem_free(data);
        return st;
    }
    st = io->read_at(io->context, file, from, data, len, &got);
    if (st == ST_OK && got < len)
        st = ST_IO_ERROR;
    if (st == ST_OK)
        st = io->write_at(io->context, file, from, data, len);
    if (st == ST_OK)
        st = io->sync(io->context, file);
    enum status closed = io->close(io->context, file);
    mem_free(data);
    return st == ST_OK ? closed : st;
}

/* No more than one batch of the log can be unsynced when a process ends (txnlog.h). */
static enum status rewrite_tail(const struct store_io *io, const struct recovery *r)
{
    if (r->tail_path == NULL)
        return ST_OK;
    uint64_t from = r->tail_end > TXNLOG_BATCH_MAX ? r->tail_end - TXNLOG_BATCH_MAX : 0;
    return rewrite(io, r->tail_path, from < r->tail_record ? from : r->tail_record, r->tail_end);
}

static enum status sync_names(const struct store_io *io, const char *dir)
{
    enum status st = io->sync_dir(io->context, dir);
    return st == ST_NOT_FOUND ? ST_OK : st; /* not made yet: there is nothing in it */
}

enum status recovery_repair(const struct store_io *io, struct recovery *r)
{
    enum status st = cut_all(io, &r->findings);
    if (st == ST_OK)
        st = rewrite_tail(io, r);
    if (st == ST_OK)
        st = sync_names(io, r->log_dir);
    return st == ST_OK ? sync_names(io, r->snap_dir) : st;
}
