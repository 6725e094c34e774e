/* checkpoint_lmdb.h - the database of core/store/checkpoint.h as one LMDB file.
 *
 * One process has it open at a time (the flock of data_dir.h), so LMDB's own lock file is not used. It is opened for
 * the load at start and for each checkpoint and closed in between: its pages then weigh on nobody. LMDB has no page
 * checksums and may crash on a damaged file; what can be told beforehand is: a foreign file, one that was cut short,
 * keys out of order. Not thread-safe. */
#pragma once

#include "core/store/checkpoint.h"

struct checkpoint_lmdb; /* opaque */

/* For reading. `extend`: free pages at the end that were never written are made to exist, for which the file is
 * lengthened. ST_NOT_FOUND: no file; ST_CORRUPT; ST_NO_MEMORY, ST_IO_ERROR. `*out` may be set after an error too, for
 * checkpoint_lmdb_error. */
enum status checkpoint_lmdb_open(struct checkpoint_lmdb **out, const char *path, bool extend);

/* For writing, made when it is missing. The file grows as it needs up to `size_max`; beyond that a put fails with
 * ST_NO_SPACE. Otherwise as above. */
enum status checkpoint_lmdb_open_write(struct checkpoint_lmdb **out, const char *path, uint64_t size_max);

/* Valid until the close. */
const struct checkpoint_store *checkpoint_lmdb_store(struct checkpoint_lmdb *db);

/* What went wrong last, as text; empty: nothing. */
const char *checkpoint_lmdb_error(const struct checkpoint_lmdb *db);

void checkpoint_lmdb_close(struct checkpoint_lmdb *db); /* NULL is allowed */
