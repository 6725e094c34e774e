/* files.h - the names in a data directory: which logs and snapshots there are, by zxid (quorum-protocol 6.1).
 *
 * Not thread-safe. */
#pragma once

#include "core/store/io.h"

enum store_file_kind {
    STORE_LOG,      /* log.<zxid of its first record> */
    STORE_SNAPSHOT, /* snapshot.<zxid>, also .gz and .snappy */
};

enum store_compression {
    STORE_PLAIN,
    STORE_GZIP,
    STORE_SNAPPY, /* recognised so that it can be refused by name */
};

struct store_file {
    int64_t zxid;
    enum store_compression compression; /* of snapshots */
    char *path;                         /* directory and name; owned */
};

/* Zero-initialise. */
struct store_files {
    struct store_file *items; /* by rising zxid */
    size_t count, capacity;
};

/* All files of the kind in the directory; other names are left out. A directory that does not exist has none.
 * ST_NO_MEMORY, ST_IO_ERROR. */
enum status store_files_list(const struct store_io *io, const char *dir, enum store_file_kind kind,
                             struct store_files *files);
void store_files_free(struct store_files *files);

/* "log.<hex>" or "snapshot.<hex>" with its extension: true, and `file` is filled but for the path. */
bool store_file_parse(const char *name, enum store_file_kind kind, struct store_file *file);

/* Appends "DIR/log.<hex>" with a terminator that is not counted. Errors as buffer_append. */
enum status store_file_path(struct buffer *path, const char *dir, enum store_file_kind kind, int64_t zxid);

/* Epoch (upper half) and counter (lower half) of a zxid. */
static inline uint32_t zxid_epoch(int64_t zxid)
{
    return (uint32_t)((uint64_t)zxid >> 32);
}

static inline uint32_t zxid_counter(int64_t zxid)
{
    return (uint32_t)(uint64_t)zxid;
}

/* May `next` be the record behind `zxid` with none missing between them? The next counter of the same epoch, or the
 * first of a later one. */
bool zxid_follows(int64_t zxid, int64_t next);
