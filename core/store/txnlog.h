/* txnlog.h - the log as it is written: ZooKeeper's files (quorum-protocol 6.3), zeros ahead of the records, one sync a
 * batch.
 *
 * The file is extended by zeros that are synced before a record is written over them (design 4.5): then a sync of
 * records changes no metadata, and what a power cut leaves of a batch is whole sectors of it among zeros, which
 * txnlog_scan.h can tell from damage. Used by one thread, the log thread.
 *
 *   txnlog_new -> txnlog_prepare -> { txnlog_append ... txnlog_sync, txnlog_fill_ahead while idle, txnlog_roll } ->
 * txnlog_free
 *
 * Any error but ST_NO_SPACE and ST_NO_MEMORY is final: the log stays failed and returns it again, whatever is asked. */
#pragma once

#include "core/store/io.h"

/* Bytes that may be appended between two syncs, but for a single record that is larger than that. A torn tail is no
 * longer. */
#define TXNLOG_BATCH_MAX  ((size_t)1 << 20)
#define TXNLOG_HEADER_LEN 16
#define TXNLOG_FRAME_LEN  13 /* checksum and length before an entry, 'B' behind it */

/* Appends one record as the file has it: Adler-32, length, the entry, 'B'. Errors as buffer_append. */
enum status txnlog_frame(struct buffer *out, struct bytes entry);

/* Takes the first of framed records off: its entry, which stays where it is. ST_END: there is none left. */
enum status txnlog_unframe(struct bytes *records, struct bytes *entry);

/* How much of framed records may be appended before the next sync: whole records, at least one, no more than
 * TXNLOG_BATCH_MAX if that can be; and the zxids of the first and the last of them. Empty when there is none. */
struct bytes txnlog_piece(struct bytes records, int64_t *first_zxid, int64_t *last_zxid);

struct txnlog_options {
    const struct store_io *io; /* borrowed */
    const char *dir;           /* the version-2 directory, which must exist; copied */
    uint64_t step_first;       /* bytes of zeros that a new file begins with, such as 1 MiB */
    uint64_t step_max;         /* each further step is twice the one before, up to this (preAllocSize) */
    int64_t whole_from;        /* for the header of new files (log_read.h) */
};

struct txnlog; /* opaque */

/* Opens nothing yet. NULL: out of memory. */
struct txnlog *txnlog_new(const struct txnlog_options *options);

/* Closes the file. What was not synced is not promised to be there. */
void txnlog_free(struct txnlog *log);

/* Makes the file whose first record will be `next_zxid`, with header and zeros, synced, its directory entry too, so
 * that the first append finds it ready. Nothing to do when a file is open. A file of that name may be there from an
 * earlier start when recovery has found no record in it: it is zeroed. ST_NO_SPACE: may be asked again; nothing is left
 * behind. */
enum status txnlog_prepare(struct txnlog *log, int64_t next_zxid);

/* Writes framed records at the end; `first_zxid` names the file when one has to be begun. They are durable after the
 * next txnlog_sync. ST_NO_SPACE: none of them counts as written and the log is as before: call again with the same
 * records, more may follow them. ST_LIMIT: more than TXNLOG_BATCH_MAX would be unsynced: sync first. */
enum status txnlog_append(struct txnlog *log, int64_t first_zxid, int64_t last_zxid, struct bytes records);

/* Everything appended is on the disk afterwards. Nothing to do when nothing was appended. */
enum status txnlog_sync(struct txnlog *log);

/* Extends the zeros by at most `max` bytes when fewer than half a step are left (`max`: how long the caller can be
 * away). `more`: calling again has more to do. ST_NO_SPACE: the disk is full, though what is left of the zeros
 * (txnlog_room) can still be written; may be asked again. */
enum status txnlog_fill_ahead(struct txnlog *log, uint64_t max, bool *more);

/* Whether txnlog_fill_ahead has something to do. */
bool txnlog_wants_zeros(const struct txnlog *log);

/* Ends the current file: it is synced and cut behind its last record; the next append begins another. */
enum status txnlog_roll(struct txnlog *log);

/* The files were changed beneath it, cut or replaced, and end with `zxid` on the disk: lets go of the current file; the
 * next append begins another. Nothing may be unsynced. */
void txnlog_restart(struct txnlog *log, int64_t zxid);

/* What new files say from now on. */
void txnlog_set_whole_from(struct txnlog *log, int64_t whole_from);

int64_t txnlog_synced_zxid(const struct txnlog *log);  /* of the last record that is on the disk; 0: none yet */
int64_t txnlog_written_zxid(const struct txnlog *log); /* of the last record appended; 0: none */
uint64_t txnlog_file_size(const struct txnlog *log);   /* bytes of header and records in the current file; 0: no file */
uint64_t txnlog_room(const struct txnlog *log);        /* bytes of zeros that records can be written over at once */
uint64_t txnlog_unsynced(const struct txnlog *log);    /* bytes appended since the last sync */
const char *txnlog_path(const struct txnlog *log);     /* of the current file; NULL: none */
/* What failed, for the operator: "cannot write FILE"; NULL: nothing has. Valid until txnlog_free. */
const char *txnlog_failure(const struct txnlog *log);
