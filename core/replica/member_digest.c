/* member_digest.c - divergence is found: each txn says which digest the tree has behind it (design 4.10).
 *
 * A single difference is told, but proves little: Apache's leaders foretell a wrong digest for a createContainer
 * without the container flag, and the next txn is right again. A tree that differs goes on differing: when that has
 * lasted for a tick, a learner takes a snapshot from its leader, though not over and over. Once a snapshot has begun to
 * come in there is a leader that needs no promise of this member: one that breaks off is soon asked for again. Voters
 * take turns: when it is the leader's tree that is unlike the others, all see it at once, and without them it leads no
 * more. Whoever leads can only say so. Not compared before the sync is over, since a snapshot may hold more than it
 * says (quorum-protocol 4.6). */
#include "core/replica/member.h"

#include <inttypes.h>

enum { TURN_TICKS = 10 }; /* in which a voter takes its snapshot, before the next one leaves */

static void tell(struct replica *r, const struct txn *txn, uint64_t own)
{
    LOG_ERROR(r->log, "ensemble",
              "the tree is not what txn 0x%" PRIx64 " says: its digest is %" PRIx64 ", not %" PRIx64,
              (uint64_t)txn->header.zxid, own, (uint64_t)txn->digest.tree_digest);
}

static void note_match(struct replica *r, int64_t zxid)
{
    struct membership *m = r->member;
    if (m->differs_since_us != 0)
        LOG_INFO(r->log, "ensemble", "the tree is again what txn 0x%" PRIx64 " says", (uint64_t)zxid);
    m->differs_since_us = 0;
}

static int64_t patience_us(const struct replica *r)
{
    const struct member *own = members_find(zab_committed(r->member->zab), r->options.server_id);
    bool votes = own != NULL && own->role == MEMBER_PARTICIPANT;
    int64_t ticks = 1 + (votes ? (int64_t)own->voter * TURN_TICKS : 0);
    return ticks * r->options.tick_ms * 1000;
}

static void note_difference(struct replica *r, const struct txn *txn, uint64_t own)
{
    struct membership *m = r->member;
    metrics_add(r->metrics, COUNTER_digest_mismatches_count, 1);
    r->digest_mismatches++;
    r->mismatch_zxid = txn->header.zxid;
    if (m->differs_since_us == 0) {
        m->differs_since_us = r->now_us;
        tell(r, txn, own);
    }
    bool lasts = r->now_us - m->differs_since_us >= patience_us(r);
    if (!lasts || r->service != SERVICE_LEARNING || m->diverged || r->now_us < m->resync_due_us)
        return;
    m->diverged = m->resyncing = true;
    m->resync_due_us = r->now_us + r->options.resync_interval_ms * 1000;
    tell(r, txn, own);
}

void member_resync_begins(struct replica *r)
{
    struct membership *m = r->member;
    const int64_t longest = r->options.resync_interval_ms * 1000;
    if (!m->resyncing)
        return;
    const int64_t pause = m->resync_pause_us == 0 ? TURN_TICKS * r->options.tick_ms * 1000 : m->resync_pause_us * 2;
    m->resync_pause_us = pause < longest ? pause : longest;
    m->resync_due_us = r->now_us + m->resync_pause_us;
}

void member_resync_is_kept(struct replica *r)
{
    struct membership *m = r->member;
    if (!m->resyncing)
        return;
    m->resyncing = false;
    m->resync_pause_us = 0;
    m->resync_due_us = r->now_us + r->options.resync_interval_ms * 1000;
}

void member_check_digest(struct replica *r, const struct txn *txn)
{
    if (!txn->has_digest || !r->options.log_digests || r->service == SERVICE_NONE)
        return;
    uint64_t own = tree_digest(r->tree);
    if (own == (uint64_t)txn->digest.tree_digest)
        note_match(r, txn->header.zxid);
    else
        note_difference(r, txn, own);
}
