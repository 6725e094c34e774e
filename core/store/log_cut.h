/* log_cut.h - the log taken back to an earlier txn, because the ensemble never committed what came behind it
 * (quorum-protocol 6.7).
 *
 * First recovery up to that txn (recovery_options.until) proves that there is a tree without the rest, so that nothing
 * is cut that could not be cut; then, in this order, go snapshots with effects of what is cut, whole log files from the
 * newest back, and the end of the last one. A power cut anywhere leaves a log without a hole that ends at the txn or
 * behind it. For a disk thread, while nobody else changes the directories. */
#pragma once

#include "core/store/recovery.h"

/* Cuts directly behind `until`. ST_OK: `r` holds the tree at it, as recovery_run and recovery_repair give it, and
 * everything is on the disk. ST_NOT_FOUND: refused, nothing was changed: the txn is not where the log and what it is
 * based on can be cut; the findings may say more. ST_NO_MEMORY, ST_NO_SPACE, ST_IO_ERROR: may have been done in part;
 * can be asked again.
 * `lower_mark` is called, when not NULL, before the first change: the end mark must say no more than `until` on the
 * disk afterwards (log_end.h), otherwise its error is returned and nothing is changed. */
enum status log_cut(const struct recovery_options *options, enum status (*lower_mark)(void *context), void *context,
                    struct recovery *r);
