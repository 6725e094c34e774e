/* reconfig_entry.h - a log entry that changes the configuration, for tests that have no operations. */
#pragma once

#include "core/base/bytes.h"

/* Appends the entry of a reconfig txn that brings the configuration with these lines, each with its newline, and the
 * version `zxid`. `id` stands in the place of the session. Aborts when memory runs out. */
void reconfig_entry_write(struct buffer *entry, int64_t id, int64_t zxid, const char *lines);
