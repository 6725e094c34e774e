/* purge.h - carries out core/store/retention.h on the two version-2 directories. Blocks; for the checkpoint thread. */
#pragma once

#include "agent/disk/data_dir.h"
#include "core/store/retention.h"

struct purge_result {
    uint32_t logs, snapshots; /* removed */
};

/* Removes what `keep` does not keep; with `unfinished` also snapshots that were never finished, when none is in the
 * making. Without a whole snapshot no log goes: it is what a damaged checkpoint is rebuilt from. ST_NO_MEMORY,
 * ST_IO_ERROR. */
enum status purge(const struct data_dir *dir, const struct retention_settings *keep, int64_t checkpoint_zxid,
                  bool unfinished, struct purge_result *result);

/* Milliseconds since the file was last written, by the wall clock; -1: it cannot be told. */
int64_t file_age_ms(const char *path);
