/* log_end.h - the mark dataDir/zooid/log_end: how far the log is on the disk, so that an end that is missing is missed.
 *
 * A log that was cut exactly behind a record looks like one that ended there. So behind each sync of the log its last
 * zxid is written over the mark, without a sync: the mark on the disk is never ahead of the log on the disk, whenever
 * the power goes, and after the end of the process alone it is exact. A start that finds less than the mark says is
 * refused.
 *
 *   0       4         8         16     24         28
 *   | magic | version | file id | zxid | CRC-32   |
 *
 * A copy of a directory that is in use may hold a mark that is newer than its log. Hence the mark names the file that
 * it was written in (file_id of io.h), and in another file it counts for nothing. Used by one thread at a time. */
#pragma once

#include "core/store/findings.h"
#include "core/store/io.h"

#define LOG_END_NAME "log_end"
#define LOG_END_LEN  28

/* -- format ------------------------------------------------------------------------------------------------------- */

enum log_end_verdict {
    LOG_END_NONE,    /* nothing was ever written in it */
    LOG_END_SOUND,   /* the log is on the disk up to its zxid */
    LOG_END_COPIED,  /* it speaks of another file's directory */
    LOG_END_DAMAGED, /* it is no mark, or of another version */
};

void log_end_encode(uint8_t mark[LOG_END_LEN], uint64_t file_id, int64_t zxid);

/* What the content of the file with this id is worth; `zxid` is 0 but for LOG_END_SOUND. */
enum log_end_verdict log_end_judge(struct bytes content, uint64_t file_id, int64_t *zxid);

/* -- at start ----------------------------------------------------------------------------------------------------- */

/* Reads the mark in the directory `dir`. `zxid`: records up to it had been synced; 0: nothing is known, since there is
 * no mark or none that counts, which a finding then says. ST_NO_MEMORY. */
enum status log_end_read(const struct store_io *io, const char *dir, int64_t *zxid, struct findings *findings);

/* Adds the damage: recovery came to `reached` and the mark in `dir` says `zxid`. ST_NO_MEMORY. */
enum status log_end_missed(const char *dir, int64_t reached, int64_t zxid, struct findings *findings);

/* -- while the log is written ------------------------------------------------------------------------------------- */

struct log_end; /* opaque: the open mark */

/* Opens the mark, made with its directory entry when there is none, and writes `zxid`, up to which the log is synced.
 * The errors of io.h: then there is no mark, or one that says less than it could. */
enum status log_end_open(struct log_end **out, const struct store_io *io, const char *dir, int64_t zxid);

/* Writes over the mark that the log is synced up to `zxid`; when that reaches the disk is the kernel's choice. For a
 * zxid above the one before. An error of io.h: the mark says what it said before, or nothing. */
enum status log_end_write(struct log_end *e, int64_t zxid);

/* The same, on the disk when it returns. Whoever means to cut the log lowers the mark by this before, and cuts nothing
 * when it fails. */
enum status log_end_write_synced(struct log_end *e, int64_t zxid);

/* NULL is allowed. */
void log_end_close(struct log_end *e);

/* Removes the mark durably: another program goes on with the directory, and may cut the log. No mark is no error. */
enum status log_end_remove(const struct store_io *io, const char *dir);
