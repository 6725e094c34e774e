/* log_reader.h - the log read for learners, in the loop's pool of threads, so that neither the loop nor the log waits
 * for a disk. Loop thread only. */
#pragma once

#include "core/store/log_read.h"

#include <uv.h>

struct log_reader; /* opaque */

/* `status` and `piece` as log_read gives them, of what was asked for with `link`. */
typedef void log_reader_fn(void *context, uint64_t link, enum status status, const struct log_piece *piece);

/* `dir` is copied. NULL: out of memory. */
struct log_reader *log_reader_new(uv_loop_t *loop, const char *dir, log_reader_fn *fn, void *context);

/* Answered by `fn`, later. ST_NO_MEMORY: it is not. */
enum status log_reader_ask(struct log_reader *reader, uint64_t link, const struct log_wish *wish, int64_t whole_from);

/* Nothing is told any more; what is under way ends in the loop's own time. NULL is allowed. */
void log_reader_close(struct log_reader *reader);
