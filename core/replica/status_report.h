/* status_report.h - the member's own state as values, for four-letter words, admin and metrics.
 *
 * Snapshots of numbers; nothing here formats. Call from the loop thread only. */
#pragma once

#include "core/replica/replica.h"

struct replica_status {
    int64_t last_zxid;
    uint64_t znode_count, ephemerals_count, data_size, tree_digest;
    uint64_t session_count; /* of the ensemble */
    uint64_t local_session_count;
    uint64_t client_count;
    uint64_t outstanding; /* requests taken and not answered */
    uint64_t in_flight;   /* txns handed to the log and not applied yet */
    struct watch_counts watches;
    int64_t latency_ms_min, latency_ms_max; /* over all requests since start or reset */
    double latency_ms_avg;
    uint64_t packets_received, packets_sent;
    int64_t response_bytes_last, response_bytes_min, response_bytes_max; /* -1: none yet */
    int64_t proposal_bytes_last, proposal_bytes_min, proposal_bytes_max; /* -1: none yet */
    uint64_t pending_syncs;                                              /* of a leader's learners */
    bool log_full, log_failed, stopping;
    uint64_t txns_since_start;
    double connect_drop;        /* probability that a connect request is refused */
    uint64_t digest_mismatches; /* txns behind which the tree was not what they say */
    int64_t mismatch_zxid;      /* of the last one; 0: none */
};

void replica_status(const struct replica *r, struct replica_status *status);

/* One connection, as `cons` shows it. */
struct replica_client {
    uint64_t client;
    int64_t session_id; /* 0: none yet */
    int32_t timeout_ms;
    uint32_t queued; /* requests not answered */
    uint64_t received, sent;
    const char *last_op;    /* four letters: "SESS", "PING", "GETD", ...; "NA" before any */
    int64_t established_ms; /* wall clock */
    int32_t last_cxid;      /* -1: none */
    int64_t last_zxid;
    int64_t last_response_ms; /* monotonic */
    int64_t latency_ms_last, latency_ms_min, latency_ms_max;
    double latency_ms_avg;
};

/* False: no such client. */
bool replica_client(const struct replica *r, uint64_t client, struct replica_client *info);

/* The session of a client, 0: none. For wchc and dump. */
int64_t replica_client_session(const struct replica *r, uint64_t client);

/* What `srst` and `crst` reset: server figures, and those of every connection. */
void replica_reset_stats(struct replica *r);
void replica_reset_client_stats(struct replica *r);
