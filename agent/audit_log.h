/* audit_log.h - the audit log's file: lines come in on the loop, which never waits for them, and a thread writes them.
 *
 * What waits is bounded. When there is too much of it, since the disk is full or too slow, whoever gave the lines is
 * told, and is to stop what makes them until there is room again; nothing is lost as long as it does. Lines that come
 * all the same are kept up to twice the bound, and lost beyond it, counted and logged. A file that cannot be written is
 * tried again every second. Each line begins as Apache's default layout has it (log4j's %d{ISO8601} %p %c{2}: time
 * here, a level that tells of a refusal, the logger). */
#pragma once

#include "core/base/bytes.h"
#include "core/base/log.h"
#include "core/base/metrics.h"

#include <uv.h>

struct audit_log; /* opaque */

struct audit_log_parts {
    uv_loop_t *loop;
    const char *file; /* appended to; made for its owner and group */
    size_t bytes_max; /* that may wait */
    struct metrics *metrics;
    const struct log_sink *log;
    /* On the loop: no more lines should be given, or may be again. */
    void (*pressed)(void *context, bool is_full);
    void *context;
};

/* The strings are copied. ST_IO_ERROR: the file cannot be opened, or there is no thread; why stands in `message`.
 * ST_NO_MEMORY. */
enum status audit_log_open(struct audit_log **out, const struct audit_log_parts *parts, struct buffer *message);

/* Lines, each with its end. Loop thread only, as are all that follow. */
void audit_log_write(struct audit_log *a, struct bytes lines);

/* Goes on with the file that has that name now. When it cannot be opened, the old one stays, and the log says so. */
void audit_log_reopen(struct audit_log *a);

/* Writes what waits, once more what could not be written, and frees it when the loop turns. NULL is allowed. */
void audit_log_close(struct audit_log *a);
