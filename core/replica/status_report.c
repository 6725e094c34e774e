/* status_report.c - the replica's state read out as values. */
#include "core/replica/status_report.h"

#include "core/replica/member.h"

static double average(const struct latency *l)
{
    return l->count == 0 ? 0.0 : (double)l->sum_ms / (double)l->count;
}

/* Behind the last one of an epoch come the first ones of the next. */
static uint64_t in_flight(const struct replica *r)
{
    uint64_t count = 0;
    if (r->prepared_zxid >> 32 == r->last_zxid >> 32)
        return (uint64_t)(r->prepared_zxid - r->last_zxid);
    LIST_FOR_EACH(at, &r->in_flight)
    {
        count++;
    }
    return count;
}

void replica_status(const struct replica *r, struct replica_status *status)
{
    *status = (struct replica_status){
        .last_zxid = r->last_zxid,
        .znode_count = tree_count(r->tree),
        .ephemerals_count = tree_ephemeral_count(r->tree),
        .data_size = tree_data_size(r->tree),
        .tree_digest = tree_digest(r->tree),
        .session_count = sessions_count(r->sessions),
        .local_session_count = sessions_count(r->local),
        .client_count = r->clients.count,
        .outstanding = r->outstanding,
        .in_flight = in_flight(r),
        .watches = watches_count(r->watches),
        .latency_ms_min = r->latency.min_ms,
        .latency_ms_max = r->latency.max_ms,
        .latency_ms_avg = average(&r->latency),
        .packets_received = r->packets_received,
        .packets_sent = r->packets_sent,
        .response_bytes_last = r->response_last,
        .response_bytes_min = r->response_min,
        .response_bytes_max = r->response_max,
        .log_full = r->log_full,
        .log_failed = r->log_failed,
        .stopping = r->stopping,
        .proposal_bytes_last = r->proposal_last,
        .proposal_bytes_min = r->proposal_min,
        .proposal_bytes_max = r->proposal_max,
        .pending_syncs = r->member == NULL ? 0 : r->member->learner_sync_count,
        .connect_drop = r->connect_throttle.drop,
        .digest_mismatches = r->digest_mismatches,
        .mismatch_zxid = r->mismatch_zxid,
        .txns_since_start = r->txns,
    };
}

bool replica_client(const struct replica *r, uint64_t client, struct replica_client *info)
{
    const struct client *c = client_find(r, client);
    if (c == NULL)
        return false;
    *info = (struct replica_client){
        .client = c->id,
        .session_id = c->phase == CLIENT_ACTIVE ? c->session_id : 0,
        .timeout_ms = c->timeout_ms,
        .queued = c->outstanding,
        .received = c->received,
        .sent = c->sent,
        .last_op = c->last_op == NULL ? "NA" : c->last_op->word,
        .established_ms = c->established_ms,
        .last_cxid = c->last_cxid,
        .last_zxid = c->last_zxid,
        .last_response_ms = c->last_response_ms,
        .latency_ms_last = c->latency.last_ms,
        .latency_ms_min = c->latency.min_ms,
        .latency_ms_max = c->latency.max_ms,
        .latency_ms_avg = average(&c->latency),
    };
    return true;
}

int64_t replica_client_session(const struct replica *r, uint64_t client)
{
    const struct client *c = client_find(r, client);
    return c == NULL || c->phase != CLIENT_ACTIVE ? 0 : c->session_id;
}

void replica_reset_stats(struct replica *r)
{
    r->latency = (struct latency){0};
    r->packets_received = 0;
    r->packets_sent = 0;
    r->response_last = r->response_min = r->response_max = -1;
    r->proposal_last = r->proposal_min = r->proposal_max = -1;
}

void replica_reset_client_stats(struct replica *r)
{
    MAP64_FOR_EACH(slot, &r->clients)
    {
        struct client *c = slot->value;
        c->latency = (struct latency){0};
        c->received = 0;
        c->sent = 0;
        c->last_op = NULL;
    }
}
