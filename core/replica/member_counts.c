/* member_counts.c - a member's metrics: of its elections and roles, and of what goes between it and the others. */
#include "core/replica/member.h"

static int64_t ms_since(const struct replica *r, int64_t us)
{
    return (r->now_us - us) / 1000;
}

/* Clients are served again. A role that follows upon another without an election has kept nobody waiting. */
static void count_service(struct replica *r, enum zab_role role)
{
    const struct member_times *times = &r->member->times;
    if (times->syncing_us != 0 && role != ZAB_LEADING)
        metrics_observe(r->metrics, role == ZAB_OBSERVING ? SUMMARY_observer_sync_time : SUMMARY_follower_sync_time,
                        ms_since(r, times->syncing_us));
    if (times->looking_us == 0)
        return;
    metrics_observe(r->metrics, SUMMARY_unavailable_time, ms_since(r, times->looking_us));
    if (role == ZAB_LEADING)
        metrics_observe(r->metrics, SUMMARY_leader_unavailable_time, ms_since(r, times->looking_us));
}

static void count_role(struct replica *r, const struct zab_effect *e)
{
    struct member_times *times = &r->member->times;
    switch (e->phase) {
    case ZAB_ELECTION:
        metrics_add(r->metrics, COUNTER_looking_count, 1);
        *times = (struct member_times){.looking_us = r->now_us};
        break;
    case ZAB_DISCOVERY:
        if (times->looking_us != 0)
            metrics_observe(r->metrics, SUMMARY_election_time, ms_since(r, times->looking_us));
        break;
    case ZAB_SYNCHRONIZATION: times->syncing_us = r->now_us; break;
    case ZAB_BROADCAST:
        count_service(r, e->role);
        *times = (struct member_times){0};
        break;
    default: break;
    }
}

/* Of the packets that bring a learner up to date, DIFF is the only one that stands for a way to do so, and the first
 * that is sent in its step; what a snapshot is sent by is an effect of its own. */
static bool begins_diff(struct bytes packets)
{
    struct reader reader = reader_of(packets);
    return read_i32(&reader) == PACKET_DIFF && reader.status == ST_OK;
}

void member_count_effect(struct replica *r, const struct zab_effect *e, struct bytes bytes)
{
    switch (e->kind) {
    case ZAB_ROLE: count_role(r, e); break;
    case ZAB_SEND_SNAPSHOT: metrics_add(r->metrics, COUNTER_snap_count, 1); break;
    case ZAB_SEND:
        if (r->service != SERVICE_LEARNING || e->link != zab_leader_link(r->member->zab))
            metrics_add(r->metrics, COUNTER_diff_count, begins_diff(bytes));
        break;
    case ZAB_LEAVE:
        metrics_add(r->metrics, COUNTER_quit_leading_due_to_disloyal_voter, r->service == SERVICE_LEADING);
        break;
    default: break;
    }
}

void member_count_packet(struct replica *r, uint64_t link, const struct packet *packet)
{
    if (link != zab_leader_link(r->member->zab))
        return;
    switch (packet->type) {
    case PACKET_PROPOSAL: metrics_add(r->metrics, COUNTER_learner_proposal_received_count, 1); break;
    case PACKET_COMMIT:
    case PACKET_COMMIT_AND_ACTIVATE:
    case PACKET_INFORM:
    case PACKET_INFORM_AND_ACTIVATE: metrics_add(r->metrics, COUNTER_learner_commit_received_count, 1); break;
    default: break;
    }
}
