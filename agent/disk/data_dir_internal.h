/* data_dir_internal.h - what data_dir.c and data_dir_files.c do for each other. */
#pragma once

#include "agent/disk/data_dir.h"

#include <sys/types.h>

/* Appends "path: cannot verb: why" and returns `st`. */
enum status data_dir_failed(struct buffer *message, const char *verb, const char *path, enum status st);

/* Writes dataDir/zooid/NAME: all of it or nothing is there, after a power cut too. */
enum status data_dir_write_small(struct data_dir *d, const char *name, const void *data, size_t size, mode_t mode,
                                 struct buffer *message);

/* `path` has a new entry, which data_dir_settle is to sync. ST_NO_MEMORY. */
enum status data_dir_unsettled(struct data_dir *d, const char *path);

/* Takes the flocks. ST_BUSY: `message` names the other agent. */
enum status data_dir_lock(struct data_dir *d, struct buffer *message);
void data_dir_unlock(struct data_dir *d);

/* Writes dataDir/zooid/format when it does not exist. */
enum status data_dir_write_format(struct data_dir *d, struct buffer *message);

/* Tells a second agent who holds the lock; on a full disk it will not be told, which is no reason not to start. */
void data_dir_write_pid(const struct data_dir *d);
