/* snapshot_file.c - a snapshot on its way to the disk: under another name until it is whole and synced. */
#include "core/base/mem.h"
#include "core/store/files.h"
#include "core/store/snapshot.h"

struct snapshot_file {
    const struct store_io *io;
    struct io_file *file;
    char *dir;
    struct buffer path, tmp_path;
    uint64_t size;
};

static void file_free(struct snapshot_file *f)
{
    if (f->file != NULL)
        f->io->close(f->io->context, f->file);
    buffer_free(&f->path);
    buffer_free(&f->tmp_path);
    mem_free(f->dir);
    mem_free(f);
}

void snapshot_file_abort(struct snapshot_file *f)
{
    if (f == NULL)
        return;
    if (f->file != NULL)
        f->io->remove(f->io->context, (const char *)f->tmp_path.data);
    file_free(f);
}

static enum status open_tmp(struct snapshot_file *f)
{
    const char *path = (const char *)f->tmp_path.data;
    enum status st = f->io->open(f->io->context, path, IO_CREATE, &f->file);
    if (st != ST_EXISTS)
        return st;
    st = f->io->remove(f->io->context, path); /* of an earlier try */
    return st == ST_OK ? f->io->open(f->io->context, path, IO_CREATE, &f->file) : st;
}

enum status snapshot_file_create_as(struct snapshot_file **out, const struct store_io *io, const char *dir,
                                    int64_t zxid, const char *tmp_path)
{
    struct snapshot_file *f = mem_calloc(1, sizeof *f);
    if (f == NULL)
        return ST_NO_MEMORY;
    f->io = io;
    f->dir = mem_strdup(dir);
    enum status st = f->dir == NULL ? ST_NO_MEMORY : store_file_path(&f->path, dir, STORE_SNAPSHOT, zxid);
    if (st == ST_OK)
        st = buffer_printf(&f->tmp_path, "%s", tmp_path);
    if (st == ST_OK)
        st = open_tmp(f);
    if (st != ST_OK) {
        file_free(f);
        return st;
    }
    *out = f;
    return ST_OK;
}

enum status snapshot_file_create(struct snapshot_file **out, const struct store_io *io, const char *dir, int64_t zxid)
{
    struct buffer path = {0};
    enum status st = store_file_path(&path, dir, STORE_SNAPSHOT, zxid);
    if (st == ST_OK)
        st = buffer_printf(&path, ".tmp");
    if (st == ST_OK)
        st = snapshot_file_create_as(out, io, dir, zxid, (const char *)path.data);
    buffer_free(&path);
    return st;
}

enum status snapshot_file_append(struct snapshot_file *f, struct bytes data)
{
    enum status st = f->io->write_at(f->io->context, f->file, f->size, data.data, data.len);
    if (st == ST_OK)
        f->size += data.len;
    return st;
}

enum status snapshot_file_sync(struct snapshot_file *f)
{
    enum status st = f->io->sync(f->io->context, f->file);
    return st == ST_OK ? f->io->sync_dir(f->io->context, f->dir) : st;
}

void snapshot_file_leave(struct snapshot_file *f)
{
    file_free(f);
}

enum status snapshot_file_commit(struct snapshot_file *f)
{
    enum status st = f->io->sync(f->io->context, f->file);
    if (st != ST_OK) {
        snapshot_file_abort(f);
        return st;
    }
    st = f->io->close(f->io->context, f->file);
    f->file = NULL;
    if (st == ST_OK)
        st = f->io->rename(f->io->context, (const char *)f->tmp_path.data, (const char *)f->path.data);
    if (st == ST_OK)
        st = f->io->sync_dir(f->io->context, f->dir);
    file_free(f);
    return st;
}
