/* leader_renewal.c - a new epoch of the same leader without an election, before its zxids run out (capability
 * handover; why it is safe: ARCHITECTURE.md, "Agents among themselves").
 *
 * The steps are those of leader_epoch.c, over links that stand. A quorum promises the epoch (NEXTEPOCH), while all goes
 * on as before. Then it has to have all of the epoch before on its disks, and the new one as the current one behind
 * that (NEWEPOCH); what is proposed meanwhile is held, with zxids of the new epoch. Then that is proposed. Learners
 * that come meanwhile wait; those that were not served yet come again. */
#include "core/base/mem.h"
#include "core/zab/leader_internal.h"

#include <inttypes.h>

/* -- who agrees ---------------------------------------------------------------------------------------------------- */

static bool has_promised(const struct leader *l, const struct peer *p)
{
    return p->promised_epoch == l->next_epoch;
}

static bool has_renewed(const struct leader *l, const struct peer *p)
{
    return p->renewed_epoch == l->epoch;
}

/* This server is one of them. The links stand: who left and came back may have promised itself to another meanwhile. */
static bool is_said_by_quorum(const struct zab *z, bool (*says)(const struct leader *l, const struct peer *p))
{
    struct quorum quorum = quorum_of(z->committed, NULL);
    quorum_add(&quorum, z->options.sid);
    LIST_FOR_EACH(at, &z->leader->learners.followers)
    {
        const struct peer *p = FOLLOWER(at);
        if (p->stage == PEER_SERVING && says(z->leader, p))
            quorum_add(&quorum, p->sid);
    }
    return quorum_reached(&quorum);
}

/* -- the promise --------------------------------------------------------------------------------------------------- */

static bool is_due(const struct zab *z)
{
    return ZXID_COUNTER(z->leader->proposed_zxid) + z->options.zxid_margin >= z->options.zxid_counter_max;
}

/* While a configuration is pending there are two quorums, and learners that come know one by the other. */
static bool may_renew(const struct zab *z)
{
    const struct leader *l = z->leader;
    return l->stage == LEADER_SERVING && !l->has_moved && !l->is_renewing && z->on.of[CAPABILITY_HANDOVER] > 0 &&
           zab_pending_config(z) == NULL;
}

/* The disk first, as ever (appendix D). */
static void begin(struct zab *z)
{
    const int64_t above = z->accepted_epoch > z->epoch_floor ? z->accepted_epoch : z->epoch_floor;
    if (above >= EPOCH_MAX)
        return; /* the ordinary way says so */
    z->leader->next_epoch = above + 1;
    z->leader->ticket = zab_store(z, ZAB_STORE_ACCEPTED, above + 1);
}

void leader_ask_promise(struct zab *z, const struct peer *p)
{
    const struct leader *l = z->leader;
    if (l->next_epoch != 0 && z->accepted_epoch == l->next_epoch && p->stage == PEER_SERVING && !p->observer)
        zab_send_plain(z, p->link, PACKET_NEXT_EPOCH, EPOCH_ZXID(l->next_epoch));
}

void leader_promised(struct zab *z, struct peer *p, const struct packet *packet)
{
    (void)z;
    p->promised_epoch = ZXID_EPOCH(packet->zxid);
}

/* -- the change ---------------------------------------------------------------------------------------------------- */

static void change(struct zab *z)
{
    struct leader *l = z->leader;
    l->epoch = l->next_epoch;
    l->next_epoch = 0;
    l->is_renewing = true;
    l->proposed_zxid = EPOCH_ZXID(l->epoch);
    l->ticket = zab_store(z, ZAB_STORE_CURRENT, l->epoch);
    leader_limit_stage(z, z->options.sync_limit);
    learners_drop_unserved(z, &l->learners);
    leader_tell_followers(z, &(struct packet){.type = PACKET_NEW_EPOCH, .zxid = EPOCH_ZXID(l->epoch)},
                          l->proposed_zxid);
}

void leader_renewal_acked(struct peer *p, int64_t epoch)
{
    p->renewed_epoch = epoch;
}

bool leader_renewal_stored(struct zab *z)
{
    struct leader *l = z->leader;
    if (l->stage != LEADER_SERVING)
        return false;
    if (l->is_renewing) {
        z->current_epoch = l->epoch;
        return true;
    }
    z->accepted_epoch = l->next_epoch;
    LIST_FOR_EACH(at, &l->learners.followers)
    {
        leader_ask_promise(z, FOLLOWER(at));
    }
    return true;
}

bool leader_holds(struct zab *z, struct entry *e)
{
    struct leader *l = z->leader;
    if (!l->is_renewing)
        return false;
    l->proposed_zxid = e->zxid;
    if (!zab_ok(z, entries_push(&l->held, e)))
        mem_free(e);
    return true;
}

/* All of the epoch before is committed, so that nobody need know where it ended. */
static bool is_renewed(const struct zab *z)
{
    const struct leader *l = z->leader;
    return l->is_renewing && l->outstanding.count == 0 && z->current_epoch == l->epoch &&
           is_said_by_quorum(z, has_renewed);
}

static void finish(struct zab *z)
{
    struct leader *l = z->leader;
    l->is_renewing = false;
    l->deadline_ms = INT64_MAX;
    z->committed_zxid = EPOCH_ZXID(l->epoch);
    zab_renewed(z, l->epoch);
    learners_renewed(z, &l->learners, l->epoch);
    while (l->held.count > 0 && z->status == ST_OK)
        leader_propose_entry(z, entries_take(&l->held));
}

void leader_renew(struct zab *z)
{
    struct leader *l = z->leader;
    if (is_renewed(z))
        finish(z);
    if (!is_due(z) || !may_renew(z))
        return;
    if (l->next_epoch == 0)
        begin(z);
    else if (z->accepted_epoch == l->next_epoch && is_said_by_quorum(z, has_promised))
        change(z);
}
