/* recovery_internal.h - one attempt at recovery: a base that was loaded, and the log replayed over it. */
#pragma once

#include "core/store/recovery.h"

/* From when on the tree must be exactly what the records' digests say. */
#define REPLAY_FUZZY_UNKNOWN INT64_MAX

struct replay {
    const struct recovery_options *options;
    struct recovery *r; /* tree, sessions, numbers and findings */
    int64_t base_zxid;  /* records behind it are applied */
    int64_t
        fuzzy_until; /* up to here the base may hold effects of later txns; REPLAY_FUZZY_UNKNOWN: nobody recorded it */
    bool has_digest; /* of the base, at fuzzy_until */
    uint64_t digest;
    int64_t floor;         /* as in struct txnlog_scan */
    bool any_start;        /* as in struct txnlog_scan */
    const char *base_name; /* for messages */
};

enum replay_outcome {
    REPLAY_GOOD,
    REPLAY_BASE_BAD, /* the base does not lead to what the log says; another one may. The findings say why */
    REPLAY_LOG_BAD,  /* the log is damaged or incomplete: no base will do */
};

/* Runs it; sets r->last_zxid, txns and txn_bytes. `scanned` tells what was seen of the log. ST_NO_MEMORY, ST_IO_ERROR.
 */
enum status recovery_replay(struct replay *replay, enum replay_outcome *outcome, struct txnlog_scan_result *scanned);

/* Gives ephemerals whose session is unknown one that expires, so that they go by a txn like all others: no server
 * should leave any, and nobody would ever remove them. */
enum status recovery_add_sessions(const struct recovery_options *options, struct recovery *r);
