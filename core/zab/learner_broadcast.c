/* learner_broadcast.c - proposals and commits at a learner: in order, logged, acknowledged when durable
 * (quorum-protocol 3.5). */
#include "core/base/mem.h"
#include "core/zab/learner_internal.h"

#include <inttypes.h>

/* -- the queue of proposals, in a sync too ------------------------------------------------------------------------- */

/* Behind NEWLEADER everything is the leader's own. */
static bool is_of_leader(const struct learner *l, int64_t zxid)
{
    const int64_t epoch = ZXID_EPOCH(zxid);
    return l->stage == LEARNER_SYNCING ? epoch <= l->epoch : epoch == l->epoch;
}

static bool has_room(const struct zab *z, const struct learner *l, size_t more)
{
    return l->proposals.count == 0 || l->proposals.bytes + more <= z->options.pending_bytes_max;
}

/* What is agreed need not wait for the end of the sync: behind the same prefix of the leader's history it is logged
 * now, and a log that ends early is a prefix of it all the same. Not so before a snapshot is kept, but there little is
 * sent between stream and NEWLEADER. */
static bool make_room(struct zab *z, struct learner *l, size_t more)
{
    if (!has_room(z, l, more) && !(l->stage == LEARNER_SYNCING && l->has_snapshot))
        learner_apply_agreed(z, l);
    return has_room(z, l, more);
}

struct entry *learner_take(struct zab *z, struct learner *l, int64_t zxid, struct bytes bytes)
{
    if (bytes.len == 0 || !is_of_leader(l, zxid) || !zab_follows(zxid, l->queued_zxid)) {
        learner_fail(z, "leader %" PRId64 " proposed 0x%" PRIx64 " of %zu bytes behind 0x%" PRIx64, z->vote.leader,
                     zxid, bytes.len, l->queued_zxid);
        return NULL;
    }
    /* To hold the link would not help: the commits that make room stand behind the proposals. */
    if (!make_room(z, l, bytes.len)) {
        learner_fail(z, "proposals that are not committed take more than %" PRIu64 " bytes",
                     z->options.pending_bytes_max);
        return NULL;
    }
    if (!learner_config_is_sound(z, bytes))
        return NULL;
    struct entry *e = entry_new(zxid, bytes);
    if (!zab_ok(z, e == NULL ? ST_NO_MEMORY : entries_push(&l->proposals, e))) {
        mem_free(e);
        return NULL;
    }
    l->queued_zxid = zxid;
    return e;
}

void learner_apply_agreed(struct zab *z, struct learner *l)
{
    for (; l->agreed > 0; l->agreed--) {
        struct entry *e = entries_take(&l->proposals);
        zab_log_entry(z, e);
        zab_commit_entry(z, e);
    }
}

/* -- after UPTODATE ------------------------------------------------------------------------------------------------ */

void learner_proposal(struct zab *z, struct learner *l, const struct packet *packet)
{
    struct entry *e = learner_take(z, l, packet->zxid, packet->data);
    if (e != NULL)
        zab_log_entry(z, e);
}

/* A txn may be applied before our own disk has it: whoever leaves the role drains the log and reads it back (2845). */
void learner_commit(struct zab *z, struct learner *l, const struct packet *packet)
{
    if (l->proposals.count == 0 && packet->zxid <= z->committed_zxid)
        return;
    if (l->proposals.count == 0 || entries_at(&l->proposals, 0)->zxid != packet->zxid) {
        learner_fail(z, "leader %" PRId64 " committed 0x%" PRIx64 ", which was not the next", z->vote.leader,
                     packet->zxid);
        return;
    }
    if (l->observers != NULL)
        observer_master_inform(z, l->observers, entries_at(&l->proposals, 0), packet);
    zab_commit_entry(z, entries_take(&l->proposals));
    if (l->observers != NULL)
        observer_master_committed(z, l->observers);
}

void learner_inform(struct zab *z, struct learner *l, const struct packet *packet)
{
    if (learner_take(z, l, packet->zxid, packet->data) == NULL)
        return;
    l->agreed++;
    learner_apply_agreed(z, l);
}

/* -- acknowledging ------------------------------------------------------------------------------------------------- */

/* One for each proposal, there are no cumulative ones. Not before UPTODATE, so that none can overtake the ACK of
 * NEWLEADER (4685). All of one epoch, hence without gaps. */
void learner_ack(struct zab *z, struct learner *l)
{
    if (l->stage < LEARNER_SERVING || z->role != ZAB_FOLLOWING)
        return;
    while (l->acked_zxid < z->durable_zxid)
        zab_send_plain(z, l->link, PACKET_ACK, ++l->acked_zxid);
}
