/* learner_renewal.c - the leader begins a new epoch without an election (leader_renewal.c): a follower promises it,
 * and then makes it the current one, behind all that the leader has proposed in the epoch before.
 *
 * Both times the link is held until the disk has it, so that what comes next comes behind it; clients are served all
 * the time. Observers hear of it when all of the epoch before is committed, and have nothing to say. */
#include "core/zab/learner_internal.h"

#include <inttypes.h>

static bool is_later(struct zab *z, const struct packet *packet, int64_t than)
{
    if (ZXID_EPOCH(packet->zxid) > than && ZXID_EPOCH(packet->zxid) <= EPOCH_MAX)
        return true;
    learner_fail(z, "leader %" PRId64 " begins epoch %" PRId64 " behind %" PRId64, z->vote.leader,
                 ZXID_EPOCH(packet->zxid), than);
    return false;
}

/* A promise that was given to whom ever before is none for this leader. */
void learner_next_epoch(struct zab *z, struct learner *l, const struct packet *packet)
{
    if (!is_later(z, packet, z->accepted_epoch))
        return;
    l->next_epoch = ZXID_EPOCH(packet->zxid);
    learner_hold(z, l, LEARNER_PROMISING_NEXT, zab_store(z, ZAB_STORE_ACCEPTED, l->next_epoch));
}

void learner_promised_next(struct zab *z, struct learner *l)
{
    z->accepted_epoch = l->next_epoch;
    learner_go(z, l, LEARNER_SERVING);
    zab_send_plain(z, l->link, PACKET_NEXT_EPOCH, EPOCH_ZXID(l->next_epoch));
}

/* A quorum has promised it, of which this server need not be one. */
void learner_new_epoch(struct zab *z, struct learner *l, const struct packet *packet)
{
    if (!is_later(z, packet, z->accepted_epoch > l->epoch ? z->accepted_epoch - 1 : l->epoch))
        return;
    l->epoch = ZXID_EPOCH(packet->zxid);
    if (l->epoch > z->accepted_epoch)
        zab_store(z, ZAB_STORE_ACCEPTED, l->epoch);
    learner_hold(z, l, LEARNER_RENEWING, zab_store(z, ZAB_STORE_CURRENT, l->epoch));
}

void learner_renewed(struct zab *z, struct learner *l)
{
    z->accepted_epoch = l->epoch;
    z->current_epoch = l->epoch;
    z->durable_zxid = z->logged_zxid;
    learner_ack(z, l);
    learner_go(z, l, LEARNER_SERVING);
    if (z->role == ZAB_FOLLOWING)
        zab_send_plain(z, l->link, PACKET_ACK, EPOCH_ZXID(l->epoch));
    l->acked_zxid = EPOCH_ZXID(l->epoch);
    zab_renewed(z, l->epoch);
    if (l->observers != NULL)
        observer_master_renew(z, l->observers, l->queued_zxid);
}
