/* window.h - a file read through a piece of it that is held in memory. Internal to core/store; not thread-safe. */
#pragma once

#include "core/store/io.h"

struct window {
    const struct store_io *io;
    struct io_file *file;
    const char *path; /* borrowed */
    uint64_t size;    /* of the file */
    uint64_t from;    /* offset of what is held */
    struct buffer held;
    uint64_t bytes_read;
};

/* Opens for reading. On an error nothing is open. */
enum status window_open(struct window *w, const struct store_io *io, const char *path);
void window_close(struct window *w);

/* `len` bytes at `offset`, valid until the next call. ST_END: the file ends before, perhaps by now; ST_NO_MEMORY,
 * ST_IO_ERROR. What is held grows to `len`, which is backed by bytes of the file. */
enum status window_get(struct window *w, uint64_t offset, size_t len, const uint8_t **data);

/* End (exclusive) of the last byte in [from, size) that is not zero; `from` when all are. */
enum status window_last_nonzero(struct window *w, uint64_t from, uint64_t *end);

/* Are all bytes of [from, to) that the file has zero? True for an empty range. */
enum status window_is_zero(struct window *w, uint64_t from, uint64_t to, bool *zero);
