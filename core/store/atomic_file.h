/* atomic_file.h - small files that are replaced as a whole: written beside as .tmp, synced, renamed, and the directory
 * synced. A crash leaves the old one or the new one. For a disk thread. */
#pragma once

#include "core/store/io.h"

/* Writes `path`, which is in `dir`. `like`: a file whose owner and mode it gets; NULL: none. A .tmp that was left
 * behind is written over. ST_OK: it is on the disk. After an error it may be done again. Errors of the disk;
 * ST_NO_MEMORY. */
enum status atomic_file_write(const struct store_io *io, const char *dir, const char *path, struct bytes content,
                              const char *like);

/* Appends the whole of a file to `content`. ST_NOT_FOUND; ST_LIMIT: longer than `content` may be; ST_NO_MEMORY;
 * ST_IO_ERROR. */
enum status atomic_file_read(const struct store_io *io, const char *path, struct buffer *content);
