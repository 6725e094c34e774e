/* epochs.h - acceptedEpoch and currentEpoch: read, written atomically, and judged at start (quorum-protocol 6.4).
 *
 * A standalone agent leaves them as they are; --check-data judges them. Run by a disk thread. */
#pragma once

#include "core/store/findings.h"
#include "core/store/io.h"

struct epochs {
    bool has_accepted, has_current, has_current_tmp;
    bool has_updating; /* the marker of the 3.4 line */
    int64_t accepted, current, current_tmp;
};

/* Reads what is there. ST_CORRUPT: a file holds no number, with a finding; ST_NO_MEMORY, ST_IO_ERROR. */
enum status epochs_read(const struct store_io *io, const char *dir, struct epochs *epochs, struct findings *findings);

enum epoch_kind {
    EPOCH_ACCEPTED,
    EPOCH_CURRENT,
};

/* Writes NAME.tmp, syncs it, renames it over NAME and syncs the directory. On an error the old value or the new one is
 * there. */
enum status epochs_write(const struct store_io *io, const char *dir, enum epoch_kind kind, int64_t epoch);

/* What a member of an ensemble has to make of them. */
enum epochs_verdict {
    EPOCHS_SOUND,
    EPOCHS_MISSING,   /* one or both: they begin with the epoch of the last zxid */
    EPOCHS_TAKE_TMP,  /* currentEpoch was about to be raised to currentEpoch.tmp, and may be */
    EPOCHS_TAKE_ZXID, /* the same by the marker of the 3.4 line */
    EPOCHS_STALE,     /* the log is ahead of currentEpoch: a member must take a fresh snapshot from the leader */
    EPOCHS_CONTRARY,  /* accepted is behind current: no member can be started on this */
};

/* Judges by the last logged zxid and says so in a finding when it is not EPOCHS_SOUND. `repaired` has the values to go
 * on with. ST_NO_MEMORY. */
enum status epochs_judge(const struct epochs *epochs, const char *dir, int64_t last_zxid, enum epochs_verdict *verdict,
                         struct epochs *repaired, struct findings *findings);
