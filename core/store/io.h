/* io.h - the disk as a table of functions, so that a test can fail or cut any single one of them.
 *
 * agent/disk/disk_posix.c is the real one, tests/support/disk_sim.c one that loses what was not synced. Paths are
 * absolute or relative to the process. Functions return ST_OK, ST_NOT_FOUND, ST_EXISTS, ST_NO_SPACE, ST_NO_MEMORY or
 * ST_IO_ERROR; after a failed write or sync the file must not be used to acknowledge anything (design 4.7). Called by
 * the disk threads, one call at a time per file. */
#pragma once

#include "core/base/bytes.h"

struct io_file; /* opaque, of the implementation */

enum io_open_mode {
    IO_READ,   /* must exist */
    IO_WRITE,  /* must exist; read and write */
    IO_CREATE, /* must not exist; read and write */
};

struct store_io {
    void *context;

    enum status (*open)(void *context, const char *path, enum io_open_mode mode, struct io_file **file);
    /* Closes always; an error is one that the close itself reported. */
    enum status (*close)(void *context, struct io_file *file);
    enum status (*size)(void *context, struct io_file *file, uint64_t *size);
    /* A number that the file keeps as long as it exists, over renames and restarts, and that no copy of it has. */
    enum status (*file_id)(void *context, struct io_file *file, uint64_t *id);
    /* Reads up to `len` bytes; `got` < len only at the end of the file. */
    enum status (*read_at)(void *context, struct io_file *file, uint64_t offset, void *data, size_t len, size_t *got);
    /* Takes blocks for the range and extends the file over it with zeros, so that a disk that is full says so here and
     * not when records are written; what it costs is room alone. May be NULL, and may do nothing where the file system
     * cannot. */
    enum status (*reserve)(void *context, struct io_file *file, uint64_t offset, uint64_t len);
    /* Writes all or fails. */
    enum status (*write_at)(void *context, struct io_file *file, uint64_t offset, const void *data, size_t len);
    enum status (*truncate)(void *context, struct io_file *file, uint64_t size);
    /* Content and size are on the disk afterwards (fdatasync). */
    enum status (*sync)(void *context, struct io_file *file);

    enum status (*rename)(void *context, const char *from, const char *to);
    enum status (*remove)(void *context, const char *path);
    enum status (*make_dir)(void *context, const char *path);
    /* Entries created, renamed or removed in the directory are on the disk afterwards. */
    enum status (*sync_dir)(void *context, const char *path);
    /* Calls `fn` for each entry's name but "." and ".."; stops when `fn` returns another status than ST_OK and returns
     * that. */
    enum status (*list)(void *context, const char *path, enum status (*fn)(void *fn_context, const char *name),
                        void *fn_context);
    /* Bytes that may still be written by this process on the file system of `path`. */
    enum status (*free_space)(void *context, const char *path, uint64_t *bytes);
    /* Gives the file the mode of another one and, as far as this process may, its owner and group. May be NULL where
     * files have none of these. */
    enum status (*like)(void *context, struct io_file *file, const char *other);
};
