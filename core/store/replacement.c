/* replacement.c - the file that says what is to be done, and the doing, any part of which may be done again. */
#include "core/store/replacement.h"

#include "core/base/crc.h"
#include "core/base/mem.h"
#include "core/jute/codec.h"
#include "core/store/files.h"
#include "core/store/snapshot_spool.h"
#include "core/store/txnlog.h"
#include "core/store/window.h"

enum { MAGIC = 0x5a524550 /* "ZREP" */, VERSION = 1, LOG_STEP = 64 * 1024 };

/* -- the file ----------------------------------------------------------------------------------------------------- */

static enum status path_of(const struct replacement_place *place, const char *suffix, struct buffer *path)
{
    return buffer_printf(path, "%s/" REPLACEMENT_NAME "%s", place->own_dir, suffix);
}

static enum status encode(const struct replacement *r, struct buffer *out)
{
    struct writer w = writer_to(out);
    write_i32(&w, MAGIC);
    write_i32(&w, VERSION);
    write_i64(&w, r->zxid);
    write_i64(&w, r->first_zxid);
    write_i64(&w, r->last_zxid);
    write_i64(&w, (int64_t)r->records.len);
    write_raw(&w, r->records);
    if (w.status == ST_OK)
        write_i32(&w, (int32_t)crc32_continue(0, buffer_bytes(out)));
    return w.status;
}

/* ST_UNSUPPORTED: of a newer version. */
static enum status decode(struct bytes content, struct replacement *r)
{
    if (content.len < 8 || be32_get(content.data) != MAGIC)
        return ST_CORRUPT;
    if (be32_get(content.data + 4) > VERSION)
        return ST_UNSUPPORTED;
    struct reader in = reader_of(bytes_from(content, 8));
    r->zxid = read_i64(&in);
    r->first_zxid = read_i64(&in);
    r->last_zxid = read_i64(&in);
    int64_t len = read_i64(&in);
    if (in.status != ST_OK || len < 0 || (uint64_t)len + 4 != reader_left(&in))
        return ST_CORRUPT;
    r->records = bytes_make(in.at, (size_t)len);
    uint32_t crc = be32_get(content.data + content.len - 4);
    return crc == crc32_continue(0, bytes_make(content.data, content.len - 4)) ? ST_OK : ST_CORRUPT;
}

static enum status write_new(const struct store_io *io, const char *path, struct bytes content)
{
    struct io_file *file;
    enum status st = io->open(io->context, path, IO_CREATE, &file);
    if (st == ST_EXISTS) { /* of an earlier try */
        st = io->remove(io->context, path);
        if (st == ST_OK)
            st = io->open(io->context, path, IO_CREATE, &file);
    }
    if (st != ST_OK)
        return st;
    st = io->write_at(io->context, file, 0, content.data, content.len);
    if (st == ST_OK)
        st = io->sync(io->context, file);
    enum status closed = io->close(io->context, file);
    return st == ST_OK ? closed : st;
}

enum status replacement_begin(const struct replacement_place *place, const struct replacement *r)
{
    const struct store_io *io = place->io;
    struct buffer path = {0}, tmp = {0}, content = {0};
    enum status st = path_of(place, "", &path);
    if (st == ST_OK)
        st = path_of(place, ".tmp", &tmp);
    if (st == ST_OK)
        st = encode(r, &content);
    if (st == ST_OK)
        st = write_new(io, (const char *)tmp.data, buffer_bytes(&content));
    if (st == ST_OK)
        st = io->rename(io->context, (const char *)tmp.data, (const char *)path.data);
    if (st == ST_OK)
        st = io->sync_dir(io->context, place->own_dir);
    buffer_free(&path);
    buffer_free(&tmp);
    buffer_free(&content);
    return st;
}

/* -- the doing ---------------------------------------------------------------------------------------------------- */

static enum status exists(const struct store_io *io, const char *path, bool *there)
{
    struct io_file *file;
    enum status st = io->open(io->context, path, IO_READ, &file);
    *there = st == ST_OK;
    if (st == ST_OK)
        return io->close(io->context, file);
    return st == ST_NOT_FOUND ? ST_OK : st;
}

/* What came in gets its name; when it is not there any more, it has it. */
static enum status name_snapshot(const struct replacement_place *place, const struct replacement *r,
                                 struct buffer *path, struct findings *findings)
{
    const struct store_io *io = place->io;
    struct buffer incoming = {0};
    bool staged = false, whole = false;
    enum status st = store_file_path(path, place->snap_dir, STORE_SNAPSHOT, r->zxid);
    if (st == ST_OK)
        st = snapshot_spool_path(&incoming, place->snap_dir, r->zxid);
    if (st == ST_OK)
        st = exists(io, (const char *)incoming.data, &staged);
    if (st == ST_OK && staged)
        st = io->rename(io->context, (const char *)incoming.data, (const char *)path->data);
    if (st == ST_OK)
        st = snapshot_looks_whole(io, (const char *)path->data, &whole);
    if (st == ST_NOT_FOUND || (st == ST_OK && !whole)) {
        st = findings_add(findings, FINDING_DAMAGE, (const char *)path->data, 0,
                          "the snapshot that was to take the place of all other data is missing or not whole; move the "
                          "data directory away and let the member take its data from the others");
        st = st == ST_OK ? ST_CORRUPT : st;
    }
    if (st == ST_OK)
        st = io->sync_dir(io->context, place->snap_dir);
    buffer_free(&incoming);
    return st;
}

static enum status remove_others(const struct store_io *io, const char *dir, enum store_file_kind kind,
                                 const char *stays)
{
    struct store_files files = {0};
    enum status st = store_files_list(io, dir, kind, &files);
    for (size_t i = 0; i < files.count && st == ST_OK; i++) {
        if (stays == NULL || strcmp(files.items[i].path, stays) != 0)
            st = io->remove(io->context, files.items[i].path);
    }
    store_files_free(&files);
    return st == ST_OK ? io->sync_dir(io->context, dir) : st;
}

static enum status remove_checkpoint(const struct replacement_place *place)
{
    enum status st = place->checkpoint == NULL ? ST_NOT_FOUND
                                               : place->io->remove(place->io->context, place->checkpoint);
    if (st == ST_NOT_FOUND)
        return ST_OK;
    return st == ST_OK ? place->io->sync_dir(place->io->context, place->own_dir) : st;
}

static enum status append_all(struct txnlog *log, struct bytes records)
{
    enum status st = ST_OK;
    while (records.len > 0 && st == ST_OK) {
        int64_t first, last;
        struct bytes piece = txnlog_piece(records, &first, &last);
        st = txnlog_append(log, first, last, piece);
        if (st == ST_OK)
            st = txnlog_sync(log);
        records = bytes_from(records, piece.len);
    }
    return st;
}

static enum status write_log(const struct replacement_place *place, const struct replacement *r)
{
    const struct txnlog_options options = {
        .io = place->io, .dir = place->log_dir, .step_first = LOG_STEP, .step_max = LOG_STEP, .whole_from = r->zxid};
    if (r->records.len == 0)
        return ST_OK;
    struct txnlog *log = txnlog_new(&options);
    enum status st = log == NULL ? ST_NO_MEMORY : append_all(log, r->records);
    if (st == ST_OK)
        st = txnlog_roll(log);
    txnlog_free(log);
    return st;
}

static enum status forget(const struct replacement_place *place, const char *path)
{
    enum status st = place->io->remove(place->io->context, path);
    return st == ST_OK ? place->io->sync_dir(place->io->context, place->own_dir) : st;
}

static enum status carry_out(const struct replacement_place *place, const struct replacement *r,
                             struct findings *findings)
{
    struct buffer snapshot = {0};
    enum status st = name_snapshot(place, r, &snapshot, findings);
    if (st == ST_OK)
        st = remove_others(place->io, place->snap_dir, STORE_SNAPSHOT, (const char *)snapshot.data);
    if (st == ST_OK)
        st = remove_others(place->io, place->log_dir, STORE_LOG, NULL);
    if (st == ST_OK)
        st = remove_checkpoint(place);
    if (st == ST_OK)
        st = write_log(place, r);
    buffer_free(&snapshot);
    return st;
}

/* -- finding it --------------------------------------------------------------------------------------------------- */

static enum status tell(enum status st, const char *path, struct findings *findings)
{
    if (st != ST_CORRUPT && st != ST_UNSUPPORTED)
        return st;
    enum status told = findings_add(
        findings, FINDING_DAMAGE, path, 0,
        st == ST_UNSUPPORTED
            ? "a change of all data that a later version began is not finished; start that version"
            : "a change of all data is not finished and what was to be done cannot be read; move the data directory "
              "away and let the member take its data from the others");
    return told == ST_OK ? ST_CORRUPT : told;
}

static enum status finish(const struct replacement_place *place, const char *path, struct window *w,
                          struct findings *findings)
{
    struct replacement r;
    const uint8_t *content = NULL;
    enum status st = w->size == 0 ? ST_CORRUPT : window_get(w, 0, (size_t)w->size, &content);
    if (st == ST_OK)
        st = decode(bytes_make(content, (size_t)w->size), &r);
    st = tell(st, path, findings);
    return st == ST_OK ? carry_out(place, &r, findings) : st;
}

static bool is_staged(const char *name)
{
    size_t len = strlen(name);
    if (strncmp(name, SNAPSHOT_SPOOL_PREFIX, sizeof SNAPSHOT_SPOOL_PREFIX - 1) == 0)
        return true;
    return strncmp(name, "snapshot.", 9) == 0 && len > 13 && strcmp(name + len - 4, ".tmp") == 0;
}

struct cleaning {
    const struct replacement_place *place;
    struct buffer names; /* terminated paths, one behind the other */
};

static enum status note_staged(void *context, const char *name)
{
    struct cleaning *c = context;
    return is_staged(name) ? buffer_printf(&c->names, "%s/%s%c", c->place->snap_dir, name, '\0') : ST_OK;
}

static enum status remove_staged(const struct replacement_place *place)
{
    const struct store_io *io = place->io;
    struct cleaning c = {.place = place};
    enum status st = io->list(io->context, place->snap_dir, note_staged, &c);
    for (size_t at = 0; at < c.names.len && st == ST_OK; at += strlen((const char *)c.names.data + at) + 1)
        st = io->remove(io->context, (const char *)c.names.data + at);
    buffer_free(&c.names);
    return st == ST_NOT_FOUND ? ST_OK : st;
}

enum status replacement_finish(const struct replacement_place *place, bool *found, struct findings *findings)
{
    struct buffer path = {0};
    struct window w;
    enum status st = path_of(place, "", &path);
    if (st == ST_OK)
        st = window_open(&w, place->io, (const char *)path.data);
    *found = st == ST_OK;
    if (*found) {
        st = finish(place, (const char *)path.data, &w, findings);
        window_close(&w);
        if (st == ST_OK)
            st = forget(place, (const char *)path.data);
    } else if (st == ST_NOT_FOUND) {
        st = remove_staged(place);
    }
    buffer_free(&path);
    return st;
}

enum status replacement_is_under_way(const struct replacement_place *place, bool *found)
{
    struct buffer path = {0};
    *found = false;
    enum status st = path_of(place, "", &path);
    if (st == ST_OK)
        st = exists(place->io, (const char *)path.data, found);
    buffer_free(&path);
    return st;
}
