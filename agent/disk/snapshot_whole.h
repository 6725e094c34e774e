/* snapshot_whole.h - one exact snapshot file of a tree that stands still. */
#pragma once

#include "core/store/snapshot.h"

/* Writes DIR/snapshot.<zxid>; it is there when it is whole and synced, or not at all. Errors as snapshot_encode_some,
 * ST_NO_SPACE, ST_IO_ERROR (disk_posix_error says why). Blocks. */
enum status snapshot_write_whole(const char *dir, struct tree *tree, const struct sessions *sessions, int64_t zxid);
