/* zero_log.c - begins at its front again when it is full. */
#include "tests/bench/lib/zero_log.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/lib/clock.h"

enum { BLOCK = 1024 * 1024, SIZE = 64 * BLOCK };

void zero_log_open(struct zero_log *log, const char *path, uint64_t record_size)
{
    *log = (struct zero_log){.fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600),
                             .record_size = record_size,
                             .records = need_memory(1, BLOCK)};
    if (log->fd < 0)
        die_errno("%s", path);
    for (off_t at = 0; at < SIZE; at += BLOCK) {
        if (pwrite(log->fd, log->records, BLOCK, at) != BLOCK)
            die_errno("%s", path);
    }
    if (fsync(log->fd) != 0 || unlink(path) != 0)
        die_errno("%s", path);
    memset(log->records, 'x', BLOCK);
}

void zero_log_write(struct zero_log *log, uint64_t count)
{
    const uint64_t most = BLOCK / log->record_size;
    for (uint64_t n; count > 0; count -= n) {
        n = count < most ? count : most;
        const size_t bytes = (size_t)(n * log->record_size);
        if (log->at + (off_t)bytes > SIZE)
            log->at = 0;
        if (pwrite(log->fd, log->records, bytes, log->at) != (ssize_t)bytes)
            die_errno("the log cannot be written");
        log->at += (off_t)bytes;
    }
    if (fdatasync(log->fd) != 0)
        die_errno("the log cannot be synced");
}
