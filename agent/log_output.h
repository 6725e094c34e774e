/* log_output.h - where log lines go: standard error or a file, as text or as one JSON object a line.
 *
 * Where standard error is systemd's journal, text has a priority in front instead of a time and a level.
 * Thread-safe: disk threads write too. A line that cannot be written is lost and counted, never waited for. */
#pragma once

#include "agent/base/log_tap.h"
#include "agent/settings/settings.h"
#include "core/base/log.h"

struct log_output; /* opaque */

/* `file` empty: standard error. ST_IO_ERROR with errno set; ST_NO_MEMORY. */
enum status log_output_open(struct log_output **out, const char *file, enum log_format format, enum log_level level);

/* The sink to hand around; valid until log_output_close. */
struct log_sink *log_output_sink(struct log_output *o);

/* What is written from now on. */
void log_output_set_level(struct log_output *o, enum log_level level);

/* For those who follow the log, at a level of their own; valid until log_output_close. */
const struct log_tap *log_output_tap(const struct log_output *o);

/* Opens the file anew, after it was moved away. On failure the old one stays. ST_IO_ERROR. */
enum status log_output_reopen(struct log_output *o);

void log_output_close(struct log_output *o); /* NULL is allowed */
