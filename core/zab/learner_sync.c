/* learner_sync.c - a learner becomes what its leader is: from DIFF, TRUNC or SNAP to UPTODATE (quorum-protocol 2.7, 2.8
 * and appendix D).
 *
 * Everything that the sync commits, and after it currentEpoch, is durable before NEWLEADER is acknowledged; nothing
 * else is sent before that. What was proposed and not committed by then stays in the queue until UPTODATE. */
#include "core/base/mem.h"
#include "core/zab/learner_internal.h"

#include <inttypes.h>

/* -- where it begins ----------------------------------------------------------------------------------------------- */

static void begin(struct learner *l, int64_t zxid)
{
    l->queued_zxid = zxid;
    l->agreed_zxid = zxid;
}

void learner_diff(struct zab *z, struct learner *l, const struct packet *packet)
{
    (void)packet; /* its zxid tells nothing that is needed */
    if (l->has_no_base) {
        learner_fail(z, "leader %" PRId64 " sent DIFF, but there is no database to add to", z->vote.leader);
        return;
    }
    zab_set_phase(z, ZAB_SYNCHRONIZATION);
    l->stage = LEARNER_SYNCING;
    begin(l, z->loaded_zxid);
}

void learner_trunc(struct zab *z, struct learner *l, const struct packet *packet)
{
    if (l->has_no_base || packet->zxid < 0 || packet->zxid > z->loaded_zxid) {
        learner_fail(z, "leader %" PRId64 " sent TRUNC to 0x%" PRIx64 ", but the log ends at 0x%" PRIx64,
                     z->vote.leader, packet->zxid, z->loaded_zxid);
        return;
    }
    zab_set_phase(z, ZAB_SYNCHRONIZATION);
    begin(l, packet->zxid);
    learner_hold(z, l, LEARNER_TRUNCATING, zab_store(z, ZAB_TRUNCATE, packet->zxid));
}

void learner_truncated(struct zab *z, struct learner *l)
{
    zab_database_is(z, l->queued_zxid);
    if (z->last_seen != NULL && z->last_seen->version > l->queued_zxid)
        (void)zab_set_last_seen(z, NULL); /* it was cut off with its txn */
    learner_go(z, l, LEARNER_SYNCING);
}

void learner_truncate_refused(struct zab *z, struct learner *l)
{
    z->rejoin_empty = true;
    learner_fail(z, "the log cannot be cut at 0x%" PRIx64 ": a snapshot will be asked for", l->queued_zxid);
}

void learner_snap(struct zab *z, struct learner *l, const struct packet *packet)
{
    if (packet->zxid < 0 || ZXID_EPOCH(packet->zxid) > l->epoch) {
        learner_fail(z, "leader %" PRId64 " sent SNAP of 0x%" PRIx64 " in epoch %" PRId64, z->vote.leader, packet->zxid,
                     l->epoch);
        return;
    }
    zab_set_phase(z, ZAB_SYNCHRONIZATION);
    l->has_snapshot = true;
    l->snapshot_zxid = packet->zxid;
    begin(l, packet->zxid);
    struct zab_effect *effect = zab_emit(z, ZAB_TAKE_SNAPSHOT);
    effect->link = l->link;
    effect->zxid = packet->zxid;
    l->stage = LEARNER_TAKING_SNAPSHOT;
}

void learner_snapshot_taken(struct zab *z, struct learner *l)
{
    zab_database_is(z, l->snapshot_zxid);
    l->stage = LEARNER_SYNCING;
    learner_await(z, l);
}

/* -- what it brings ------------------------------------------------------------------------------------------------ */

/* Leaders register a learner for new proposals and choose its sync in one step, so that nothing comes twice; but it is
 * no harm if it does (quorum-protocol 7.6). */
static bool take_once(struct zab *z, struct learner *l, int64_t zxid, struct bytes bytes)
{
    return zxid <= l->queued_zxid ? zxid >= 0 : learner_take(z, l, zxid, bytes) != NULL;
}

static void agree(struct zab *z, struct learner *l, int64_t zxid)
{
    if (zxid <= l->agreed_zxid)
        return;
    if (l->agreed == l->proposals.count || entries_at(&l->proposals, l->agreed)->zxid != zxid) {
        learner_fail(z, "leader %" PRId64 " committed 0x%" PRIx64 ", which was not the next", z->vote.leader, zxid);
        return;
    }
    l->agreed++;
    l->agreed_zxid = zxid;
}

void learner_sync_proposal(struct zab *z, struct learner *l, const struct packet *packet)
{
    take_once(z, l, packet->zxid, packet->data);
}

void learner_sync_commit(struct zab *z, struct learner *l, const struct packet *packet)
{
    agree(z, l, packet->zxid);
}

static void inform(struct zab *z, struct learner *l, int64_t zxid, struct bytes bytes)
{
    if (take_once(z, l, zxid, bytes))
        agree(z, l, zxid);
}

void learner_sync_inform(struct zab *z, struct learner *l, const struct packet *packet)
{
    inform(z, l, packet->zxid, packet->data);
}

/* -- NEWLEADER ----------------------------------------------------------------------------------------------------- */

/* The leader's own proposals are all of its epoch: those that it found in its log it sends with their commits. */
static bool is_rest_of_epoch(const struct learner *l)
{
    return l->agreed == l->proposals.count || ZXID_EPOCH(entries_at(&l->proposals, l->agreed)->zxid) == l->epoch;
}

/* The disk is one queue: snapshot, txns behind it, and only then the epoch (4643, 4785); the ticket of the last tells
 * that all of it is durable (3911, 4646). The disk is told up to which txn they belong to the snapshot: it may hold
 * something of them already, and is nothing without them. A configuration stands in front of a snapshot, which may hold
 * its txn, and behind txns (zab_config.c). */
void learner_newleader(struct zab *z, struct learner *l, const struct packet *packet)
{
    if (ZXID_EPOCH(packet->zxid) != l->epoch || !is_rest_of_epoch(l)) {
        learner_fail(z, "leader %" PRId64 " of epoch %" PRId64 " sent NEWLEADER 0x%" PRIx64 " behind 0x%" PRIx64,
                     z->vote.leader, l->epoch, packet->zxid, l->queued_zxid);
        return;
    }
    if (!learner_read_config(z, l, packet->data))
        return;
    if (l->has_snapshot) {
        learner_see_config(z, l);
        zab_store(z, ZAB_KEEP_SNAPSHOT, l->agreed_zxid);
    }
    learner_apply_agreed(z, l);
    learner_settle_config(z, l);
    learner_hold(z, l, LEARNER_ADOPTING, zab_store(z, ZAB_STORE_CURRENT, l->epoch));
}

void learner_adopted(struct zab *z, struct learner *l)
{
    z->current_epoch = l->epoch;
    z->durable_zxid = z->logged_zxid;
    learner_forget_config(z, l);
    l->acked_zxid = EPOCH_ZXID(l->epoch);
    if (z->logged_zxid > l->acked_zxid)
        l->acked_zxid = z->logged_zxid;
    learner_go(z, l, LEARNER_ADOPTED);
    zab_send_plain(z, l->link, PACKET_ACK, EPOCH_ZXID(l->epoch));
}

/* -- UPTODATE ------------------------------------------------------------------------------------------------------ */

/* A follower logs what is still open and acknowledges all that came behind NEWLEADER, committed by others or not: the
 * leader drops who lets a proposal wait. An observer hears of commits only by INFORM from now on. */
void learner_uptodate(struct zab *z, struct learner *l, const struct packet *packet)
{
    (void)packet;
    if (learner_has_outgrown(z, l))
        return;
    l->stage = LEARNER_SERVING;
    learner_await(z, l); /* by what all have agreed on, from now on */
    zab_set_phase(z, ZAB_BROADCAST);
    zab_send_plain(z, l->link, PACKET_ACK, EPOCH_ZXID(l->epoch));
    z->vote.peer_epoch = l->epoch;
    learner_apply_agreed(z, l);
    if (z->role == ZAB_OBSERVING) {
        entries_clear(&l->proposals);
        l->queued_zxid = l->agreed_zxid;
    }
    for (size_t i = 0; i < l->proposals.count; i++)
        zab_log_entry(z, entries_at(&l->proposals, i));
    learner_ack(z, l);
    if (z->role == ZAB_FOLLOWING && z->options.observer_masters)
        l->observers = observer_master_new(z);
}
