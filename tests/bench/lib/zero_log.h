/* zero_log.h - the log of a bare server: records of one size, written into a file of written zeros, so that a sync
 * moves no metadata. */
#pragma once
#include <stdint.h>
#include <sys/types.h>

struct zero_log {
    int fd;
    off_t at;
    uint8_t *records;
    uint64_t record_size;
};

/* The largest record. */
#define ZERO_LOG_RECORD_MAX ((uint64_t)1 << 20)

/* Makes the file, on the disk that is to be measured; it goes with the process. Dies when it cannot. */
void zero_log_open(struct zero_log *log, const char *path, uint64_t record_size);

/* So many records behind the last ones, and one fdatasync. Dies when that fails. */
void zero_log_write(struct zero_log *log, uint64_t count);
