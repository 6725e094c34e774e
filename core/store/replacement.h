/* replacement.h - a snapshot from the leader, and the txns that came with it, take the place of all that was on the
 * disk, in one (quorum-protocol 2.8, 7.1: 3642, 2846).
 *
 * The snapshot lies ready as incoming.<zxid>, synced (snapshot_spool.h). Then one small file in dataDir/zooid says what
 * is to be done and holds the records; from its sync on the new database counts, and whatever is interrupted after that
 * is carried out by the next start before anything else is read:
 *
 *   dataDir/zooid/replacing:  magic | version | zxid | first zxid | last zxid | number of bytes | records | CRC-32
 *
 * Old log files go as a whole, those behind the snapshot's zxid too, so that nothing of theirs is ever replayed over
 * it, and no DIFF is made of them. For a disk thread, while nobody else changes the directories. */
#pragma once

#include "core/store/findings.h"
#include "core/store/io.h"

#define REPLACEMENT_NAME "replacing"

struct replacement {
    int64_t zxid;                  /* the snapshot's label */
    int64_t first_zxid, last_zxid; /* of the records; 0: none */
    struct bytes records;          /* framed as the log has them; none: empty */
};

struct replacement_place {
    const struct store_io *io;
    const char *own_dir; /* dataDir/zooid */
    const char *snap_dir, *log_dir;
    const char *checkpoint; /* the file that goes with the old database */
};

/* The new database counts when this has returned ST_OK; replacement_finish must follow. After ST_NO_SPACE and
 * ST_NO_MEMORY it may be repeated; after ST_IO_ERROR it is not known which one counts, until the next start reads it.
 */
enum status replacement_begin(const struct replacement_place *place, const struct replacement *r);

/* Carries out what is under way, if anything is (`found`); when it returns ST_OK nothing is any more. Otherwise
 * removes what a stream that never came to its end has left behind. Must have returned ST_OK before a record is logged,
 * and before recovery. ST_NO_SPACE, ST_NO_MEMORY: may be repeated. ST_CORRUPT: it cannot be read or carried out, a
 * finding says why; ST_IO_ERROR. */
enum status replacement_finish(const struct replacement_place *place, bool *found, struct findings *findings);

/* Reads only: whether one is under way. */
enum status replacement_is_under_way(const struct replacement_place *place, bool *found);
