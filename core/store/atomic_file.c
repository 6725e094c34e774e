/* atomic_file.c - write beside, sync, rename, sync the directory. */
#include "core/store/atomic_file.h"

static enum status open_tmp(const struct store_io *io, const char *path, struct io_file **file)
{
    enum status st = io->open(io->context, path, IO_CREATE, file);
    if (st != ST_EXISTS)
        return st;
    st = io->remove(io->context, path);
    return st == ST_OK ? io->open(io->context, path, IO_CREATE, file) : st;
}

static enum status write_tmp(const struct store_io *io, const char *path, struct bytes content, const char *like)
{
    struct io_file *file;
    enum status st = open_tmp(io, path, &file);
    if (st != ST_OK)
        return st;
    if (like != NULL && io->like != NULL)
        st = io->like(io->context, file, like);
    if (st == ST_OK)
        st = io->write_at(io->context, file, 0, content.data, content.len);
    if (st == ST_OK)
        st = io->sync(io->context, file);
    enum status closed = io->close(io->context, file);
    return st == ST_OK ? closed : st;
}

enum status atomic_file_write(const struct store_io *io, const char *dir, const char *path, struct bytes content,
                              const char *like)
{
    struct buffer tmp = {0};
    enum status st = buffer_printf(&tmp, "%s.tmp", path);
    if (st == ST_OK)
        st = write_tmp(io, (const char *)tmp.data, content, like);
    if (st == ST_OK)
        st = io->rename(io->context, (const char *)tmp.data, path);
    if (st == ST_OK)
        st = io->sync_dir(io->context, dir);
    buffer_free(&tmp);
    return st;
}

enum status atomic_file_read(const struct store_io *io, const char *path, struct buffer *content)
{
    struct io_file *file;
    uint64_t size = 0;
    size_t got = 0;
    enum status st = io->open(io->context, path, IO_READ, &file);
    if (st != ST_OK)
        return st;
    st = io->size(io->context, file, &size);
    if (st == ST_OK)
        st = size > SIZE_MAX ? ST_LIMIT : buffer_reserve(content, (size_t)size);
    if (st == ST_OK && size > 0)
        st = io->read_at(io->context, file, 0, content->data + content->len, (size_t)size, &got);
    if (st == ST_OK)
        content->len += got;
    enum status closed = io->close(io->context, file);
    return st == ST_OK ? closed : st;
}
