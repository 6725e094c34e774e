/* log_read.h - the log read for a learner that lacks more of it than is kept in memory, a piece at a time
 * (quorum-protocol 2.6, row 5).
 *
 * What is read must have no hole, and zxids alone do not tell: the end of an epoch may be missing where Apache
 * ZooKeeper took a snapshot from a leader (2846), or where files were removed. So each file that is written here says
 * in its header, in the field that Apache writes as 0 and nobody reads, from which txn on the log of this directory is
 * whole; what a foreign file brings in begins a new one. Reads only; for any thread, also while the log is written. */
#pragma once

#include "core/store/io.h"

/* Where a reader stands: behind the last record that it was given. Zero: nowhere yet. */
struct log_place {
    int64_t file_zxid; /* in the file's name */
    uint64_t offset;
};

/* What is wanted: records behind `after`, none behind `until`. */
struct log_wish {
    int64_t after, until;
    uint64_t bytes_max; /* if all of them are more than this, nothing is; 0: no limit */
    struct log_place place;
};

struct log_reading {
    const struct store_io *io;
    const char *dir;
    int64_t whole_from; /* log_whole_from, as it is now */
    size_t piece_max;   /* bytes; one record is given in any case */
    struct log_wish wish;
};

/* Zero-initialise. */
struct log_piece {
    int64_t before;        /* the last txn of the log that is not above `after` */
    struct buffer records; /* framed (txnlog.h), in order */
    struct log_place place;
};

/* `piece` is filled with the first of them, perhaps with none when `until` is reached; the caller frees its records in
 * any case. ST_NOT_FOUND: the log is not there, or not known to be whole, from `after` on; ST_LIMIT: more than
 * bytes_max; ST_CORRUPT: damage on the way; ST_NO_MEMORY, ST_IO_ERROR. */
enum status log_read(const struct log_reading *reading, struct log_piece *piece);

/* At a start: `zxid` such that every txn behind it is in the log as long as its files are; `last_zxid` is where
 * recovery has come to. `ends_there`: that is known to be the log's last record, which otherwise has to be looked for.
 * ST_NO_MEMORY, ST_IO_ERROR. */
enum status log_whole_from(const struct store_io *io, const char *dir, int64_t last_zxid, bool ends_there,
                           int64_t *zxid);

/* Of a file's header: for the writer. */
int64_t log_whole_encode(int64_t whole_from);
