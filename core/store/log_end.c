/* log_end.c - the mark's few bytes, and the file that they are in. */
#include "core/store/log_end.h"

#include "core/base/crc.h"
#include "core/base/mem.h"

#include <inttypes.h>

#define MAGIC 0x5a4c4f47U /* "ZLOG" */

enum { VERSION = 1, VERSION_AT = 4, FILE_ID_AT = 8, ZXID_AT = 16, CHECKSUM_AT = 24 };

/* -- format ------------------------------------------------------------------------------------------------------- */

void log_end_encode(uint8_t mark[LOG_END_LEN], uint64_t file_id, int64_t zxid)
{
    be32_put(mark, MAGIC);
    be32_put(mark + VERSION_AT, VERSION);
    be64_put(mark + FILE_ID_AT, file_id);
    be64_put(mark + ZXID_AT, (uint64_t)zxid);
    be32_put(mark + CHECKSUM_AT, crc32_continue(0, bytes_make(mark, CHECKSUM_AT)));
}

enum log_end_verdict log_end_judge(struct bytes content, uint64_t file_id, int64_t *zxid)
{
    static const uint8_t zeros[LOG_END_LEN];
    const uint8_t *mark = content.data;
    *zxid = 0;
    /* As the power leaves a file that was made and not yet synced. */
    if (content.len == 0 || (content.len <= LOG_END_LEN && memcmp(mark, zeros, content.len) == 0))
        return LOG_END_NONE;
    if (content.len != LOG_END_LEN || be32_get(mark) != MAGIC || be32_get(mark + VERSION_AT) != VERSION ||
        be32_get(mark + CHECKSUM_AT) != crc32_continue(0, bytes_make(mark, CHECKSUM_AT)) ||
        be64_get(mark + ZXID_AT) > INT64_MAX)
        return LOG_END_DAMAGED;
    if (be64_get(mark + FILE_ID_AT) != file_id)
        return LOG_END_COPIED;
    *zxid = (int64_t)be64_get(mark + ZXID_AT);
    return LOG_END_SOUND;
}

/* -- at start ----------------------------------------------------------------------------------------------------- */

static enum status path_of(struct buffer *path, const char *dir)
{
    return buffer_printf(path, "%s/" LOG_END_NAME, dir);
}

static enum status read_open(const struct store_io *io, struct io_file *file, enum log_end_verdict *verdict,
                             int64_t *zxid)
{
    uint8_t content[LOG_END_LEN + 1];
    uint64_t file_id = 0;
    size_t got = 0;
    enum status st = io->file_id(io->context, file, &file_id);
    if (st == ST_OK)
        st = io->read_at(io->context, file, 0, content, sizeof content, &got);
    if (st == ST_OK)
        *verdict = log_end_judge(bytes_make(content, got), file_id, zxid);
    return st;
}

static enum status read_file(const struct store_io *io, const char *path, enum log_end_verdict *verdict, int64_t *zxid)
{
    struct io_file *file;
    *verdict = LOG_END_NONE;
    enum status st = io->open(io->context, path, IO_READ, &file);
    if (st != ST_OK)
        return st == ST_NOT_FOUND ? ST_OK : st;
    st = read_open(io, file, verdict, zxid);
    io->close(io->context, file); /* nothing was written */
    return st;
}

enum status log_end_read(const struct store_io *io, const char *dir, int64_t *zxid, struct findings *findings)
{
    struct buffer path = {0};
    enum log_end_verdict verdict;
    *zxid = 0;
    enum status st = path_of(&path, dir);
    if (st == ST_OK)
        st = read_file(io, (const char *)path.data, &verdict, zxid);
    if (st == ST_OK && verdict == LOG_END_COPIED)
        st = findings_add(findings, FINDING_NOTE, (const char *)path.data, 0,
                          "written in another file than this one: the directory is a copy or was put back from one, "
                          "and how far its log had come is not known");
    else if (st == ST_OK && verdict == LOG_END_DAMAGED)
        st = findings_add(findings, FINDING_REPAIR, (const char *)path.data, 0,
                          "the mark of the log's end is damaged and not used; it is written anew");
    else if (st != ST_OK && st != ST_NO_MEMORY)
        st = findings_add(findings, FINDING_REPAIR, (const char *)path.data, 0,
                          "the mark of the log's end cannot be read (%s) and is not used; check the disk",
                          status_text(st));
    buffer_free(&path);
    return st;
}

enum status log_end_missed(const char *dir, int64_t reached, int64_t zxid, struct findings *findings)
{
    struct buffer path = {0};
    enum status st = path_of(&path, dir);
    if (st == ST_OK)
        st = findings_add(findings, FINDING_DAMAGE, (const char *)path.data, 0,
                          "the log had been synced up to zxid 0x%" PRIx64 ", and what is found ends with 0x%" PRIx64
                          ": put back the end of the log that is missing; to go on without it, remove this file: "
                          "transactions that were acknowledged are then lost",
                          (uint64_t)zxid, (uint64_t)reached);
    buffer_free(&path);
    return st;
}

/* -- while the log is written ------------------------------------------------------------------------------------- */

struct log_end {
    const struct store_io *io;
    struct io_file *file;
    uint64_t file_id;
};

enum status log_end_write(struct log_end *e, int64_t zxid)
{
    uint8_t mark[LOG_END_LEN];
    log_end_encode(mark, e->file_id, zxid);
    return e->io->write_at(e->io->context, e->file, 0, mark, sizeof mark);
}

enum status log_end_write_synced(struct log_end *e, int64_t zxid)
{
    enum status st = log_end_write(e, zxid);
    return st == ST_OK ? e->io->sync(e->io->context, e->file) : st;
}

void log_end_close(struct log_end *e)
{
    if (e == NULL)
        return;
    if (e->file != NULL)
        e->io->close(e->io->context, e->file); /* what had to be durable was synced before */
    mem_free(e);
}

static enum status open_file(struct log_end *e, const char *path, bool *made)
{
    const struct store_io *io = e->io;
    enum status st = io->open(io->context, path, IO_WRITE, &e->file);
    *made = st == ST_NOT_FOUND;
    if (*made)
        st = io->open(io->context, path, IO_CREATE, &e->file);
    return st == ST_OK ? io->file_id(io->context, e->file, &e->file_id) : st;
}

/* What is longer than a mark was none. */
static enum status cut_to_mark(const struct log_end *e)
{
    uint64_t size = 0;
    enum status st = e->io->size(e->io->context, e->file, &size);
    return st == ST_OK && size > LOG_END_LEN ? e->io->truncate(e->io->context, e->file, LOG_END_LEN) : st;
}

/* Once the file has its block and its name, the kernel can write the content back alone. */
static enum status open_and_write(struct log_end *e, const char *dir, const char *path, int64_t zxid)
{
    bool made = false;
    enum status st = open_file(e, path, &made);
    if (st == ST_OK)
        st = cut_to_mark(e);
    if (st == ST_OK)
        st = made ? log_end_write_synced(e, zxid) : log_end_write(e, zxid);
    return st == ST_OK && made ? e->io->sync_dir(e->io->context, dir) : st;
}

enum status log_end_open(struct log_end **out, const struct store_io *io, const char *dir, int64_t zxid)
{
    struct buffer path = {0};
    struct log_end *e = mem_calloc(1, sizeof *e);
    if (e == NULL)
        return ST_NO_MEMORY;
    e->io = io;
    enum status st = path_of(&path, dir);
    if (st == ST_OK)
        st = open_and_write(e, dir, (const char *)path.data, zxid);
    buffer_free(&path);
    if (st == ST_OK)
        *out = e;
    else
        log_end_close(e);
    return st;
}

enum status log_end_remove(const struct store_io *io, const char *dir)
{
    struct buffer path = {0};
    enum status st = path_of(&path, dir);
    if (st == ST_OK)
        st = io->remove(io->context, (const char *)path.data);
    if (st == ST_OK)
        st = io->sync_dir(io->context, dir);
    buffer_free(&path);
    return st == ST_NOT_FOUND ? ST_OK : st;
}
