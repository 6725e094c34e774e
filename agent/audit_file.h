/* audit_file.h - the file of an audit log, as the thread that writes it has it: whole lines behind whole lines,
 * whatever was interrupted before. Not thread-safe. */
#pragma once

#include "core/base/bytes.h"

#include <stdbool.h>

struct audit_file {
    const char *path; /* borrowed */
    int fd;
};

/* Opens it to be appended to; a line at its end that was cut off is ended. ST_IO_ERROR with errno set: nothing is open.
 */
enum status audit_file_open(struct audit_file *f, const char *path);

/* The file that has the name now takes the place of the one that is open. ST_IO_ERROR with errno set: it stays. */
enum status audit_file_reopen(struct audit_file *f);
void audit_file_close(struct audit_file *f);

/* Appends bytes, from `*done` on, which says how far it came. ST_IO_ERROR with errno set. */
enum status audit_file_append(struct audit_file *f, struct bytes bytes, size_t *done);
