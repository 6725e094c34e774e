/* apache_sessions.h - the sessions that were there when an agent first started on a directory of Apache's server.
 *
 * Their clients hold passwords made by Apache's public rule, which are accepted for these sessions only. The list is
 * written at that first start, before anything is served, and is of no use once the last of them has ended. */
#pragma once

#include "agent/disk/data_dir.h"
#include "core/session/session.h"

/* Marks those of `sessions` (from_apache) that are on the list; makes the list when the directory is fresh. `message`
 * (appended) says which file and why not. ST_IO_ERROR, ST_NO_SPACE, ST_CORRUPT, ST_NO_MEMORY. */
enum status apache_sessions_mark(struct data_dir *d, struct sessions *sessions, struct buffer *message);
