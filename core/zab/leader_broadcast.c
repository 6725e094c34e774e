/* leader_broadcast.c - a txn from its proposal to its commit (quorum-protocol 3.5, 3.10 and 3.11).
 *
 * What counts is one ACK after the other over a link that still stands: a learner that comes back may be told to cut
 * what it had acknowledged, so that nothing of an earlier link is left of it. */
#include "core/base/mem.h"
#include "core/zab/leader_internal.h"

#include <inttypes.h>

#define FOLLOWERS_OF(l) (&(l)->learners.followers)

/* -- sending to many ------------------------------------------------------------------------------------------------
 */

/* Puts a packet behind those in the scratch buffer. */
static void write_packet(struct zab *z, const struct packet *packet)
{
    struct writer w = writer_to(&z->leader->scratch);
    packet_encode(&w, packet);
    zab_ok(z, w.status);
}

/* Sends what is in the scratch buffer, whose last txn is `zxid`, to the followers, and empties it. They share the
 * bytes. `commits`: not to those that are told later. */
static void fan_out(struct zab *z, int64_t zxid, bool commits)
{
    struct buffer *scratch = &z->leader->scratch;
    struct zab_effect shared = {0};
    LIST_FOR_EACH(at, FOLLOWERS_OF(z->leader))
    {
        struct peer *p = FOLLOWER(at);
        struct zab_effect *effect;
        if (commits && peer_holds_commits(p))
            continue;
        if (shared.len == 0) {
            effect = zab_emit_bytes(z, ZAB_SEND, buffer_bytes(scratch));
            shared = *effect;
        } else {
            effect = zab_emit(z, ZAB_SEND);
            *effect = shared;
        }
        effect->link = p->link;
        p->sent_zxid = zxid;
    }
    scratch->len = 0;
}

/* -- proposing ------------------------------------------------------------------------------------------------------
 */

int64_t leader_next_zxid(const struct zab *z)
{
    return z->leader->stage == LEADER_SERVING && !z->leader->has_moved ? z->leader->proposed_zxid + 1 : 0;
}

/* From now on the followers' ACKs of it are awaited. Only two of those that a follower owes are timed, the older one
 * and the latest: when the older one is acknowledged the other takes its place. */
static void time_proposal(struct zab *z, int64_t zxid)
{
    const struct sent_proposal sent = {zxid, z->now_ms};
    LIST_FOR_EACH(at, FOLLOWERS_OF(z->leader))
    {
        struct peer *p = FOLLOWER(at);
        if (p->stage < PEER_SYNCED)
            continue;
        p->newest = sent;
        if (p->oldest.zxid == 0)
            p->oldest = sent;
    }
}

void leader_propose_entry(struct zab *z, struct entry *e)
{
    struct leader *l = z->leader;
    if (!zab_ok(z, entries_push(&l->outstanding, e))) {
        mem_free(e);
        return;
    }
    l->proposed_zxid = e->zxid;
    write_packet(z, &(struct packet){.type = PACKET_PROPOSAL, .zxid = e->zxid, .data = entry_bytes(e)});
    fan_out(z, e->zxid, false);
    time_proposal(z, e->zxid);
    zab_log_entry(z, e);
}

void leader_propose(struct zab *z, const struct zab_event *event)
{
    const int64_t zxid = leader_next_zxid(z);
    if (zxid == 0) /* the layer above has asked another leader's zab, or one that was */
        return;
    CHECK(event->zxid == zxid);
    if (zab_is_spent(z)) {
        zab_leave(z, "the epoch has no more zxids: a new one is needed");
        return;
    }
    struct entry *e = entry_new(zxid, event->bytes);
    if (e == NULL)
        zab_ok(z, ST_NO_MEMORY);
    else if (!leader_holds(z, e))
        leader_propose_entry(z, e);
}

/* -- committing -----------------------------------------------------------------------------------------------------
 */

static bool is_agreed(const struct zab *z, int64_t zxid)
{
    struct quorum logged = leader_electorate(z, zxid);
    if (z->durable_zxid >= zxid)
        quorum_add(&logged, z->options.sid);
    LIST_FOR_EACH(at, FOLLOWERS_OF(z->leader))
    {
        const struct peer *p = FOLLOWER(at);
        if (p->stage >= PEER_SYNCED && p->acked_zxid >= zxid)
            quorum_add(&logged, p->sid);
    }
    return quorum_reached(&logged);
}

/* Those that may be committed, from the oldest on. */
static size_t count_agreed(const struct zab *z)
{
    const struct entries *outstanding = &z->leader->outstanding;
    size_t count = 0;
    if (z->leader->has_moved || z->is_leaving)
        return 0;
    while (count < outstanding->count && is_agreed(z, entries_at(outstanding, count)->zxid))
        count++;
    return count;
}

void leader_tell_followers(struct zab *z, const struct packet *packet, int64_t zxid)
{
    LIST_FOR_EACH(at, FOLLOWERS_OF(z->leader))
    {
        peer_tell_held(z, FOLLOWER(at));
    }
    write_packet(z, packet);
    fan_out(z, zxid, false);
}

void leader_tell_observers(struct zab *z, const struct packet *packet, int64_t zxid)
{
    struct leader *l = z->leader;
    if (l->learners.fed > 0)
        write_packet(z, packet);
    learners_feed(z, &l->learners, buffer_bytes(&l->scratch), zxid);
    l->scratch.len = 0;
}

static void tell_followers(struct zab *z, size_t count)
{
    const struct entries *outstanding = &z->leader->outstanding;
    for (size_t i = 0; i < count; i++)
        write_packet(z, &(struct packet){.type = PACKET_COMMIT, .zxid = entries_at(outstanding, i)->zxid});
    LIST_FOR_EACH(at, FOLLOWERS_OF(z->leader))
    {
        if (peer_holds_commits(FOLLOWER(at)))
            peer_hold(z, FOLLOWER(at), entries_at(outstanding, 0)->zxid, entries_at(outstanding, count - 1)->zxid);
    }
    fan_out(z, z->leader->proposed_zxid, true);
}

static void tell_observers(struct zab *z, size_t count)
{
    struct leader *l = z->leader;
    for (size_t i = 0; i < count && l->learners.fed > 0; i++) {
        const struct entry *e = entries_at(&l->outstanding, i);
        write_packet(z, &(struct packet){.type = PACKET_INFORM, .zxid = e->zxid, .data = entry_bytes(e)});
    }
    learners_feed(z, &l->learners, buffer_bytes(&l->scratch), entries_at(&l->outstanding, count - 1)->zxid);
    l->scratch.len = 0;
}

void leader_end_batch(struct leader *l)
{
    const struct entries *last = l->held.count > 0 ? &l->held : &l->outstanding;
    if (last->count > 0)
        entries_at(last, last->count - 1)->ends_batch = true;
}

/* How many of the first `count` may be told of in one go; 0: the first one changes the configuration. */
static size_t count_together(const struct zab *z, size_t count)
{
    const struct entries *outstanding = &z->leader->outstanding;
    for (size_t i = 0; i < count; i++) {
        const struct entry *e = entries_at(outstanding, i);
        if (zab_is_reconfig(z, e))
            return i;
        if (e->ends_batch)
            return i + 1;
    }
    return count;
}

/* The learners are told before the layer above hears of it, whose answers must not overtake this. */
static void commit_together(struct zab *z, size_t count)
{
    tell_followers(z, count);
    tell_observers(z, count);
    for (size_t i = 0; i < count; i++)
        zab_commit_entry(z, entries_take(&z->leader->outstanding));
}

/* Behind a change of the configuration others may have to be asked for what follows it. */
void leader_commit(struct zab *z)
{
    for (size_t left = count_agreed(z); left > 0 && z->status == ST_OK;) {
        const size_t count = count_together(z, left);
        leader_confirm_before(z, entries_at(&z->leader->outstanding, 0)->zxid);
        if (count > 0)
            commit_together(z, count);
        else
            leader_commit_reconfig(z, entries_take(&z->leader->outstanding));
        left = count == 0 ? count_agreed(z) : left - count;
    }
    leader_confirm_committed(z);
}

/* -- acknowledgements -----------------------------------------------------------------------------------------------
 */

static void untime(struct peer *p, int64_t zxid)
{
    if (p->oldest.zxid != 0 && zxid >= p->oldest.zxid)
        p->oldest = p->newest.zxid > zxid ? p->newest : (struct sent_proposal){0};
}

/* What may be acknowledged and does not matter: an epoch's beginning, txns committed without this learner's help (the
 * ACKs for a DIFF come when they like), and again what was acknowledged. */
static bool is_old_news(const struct zab *z, const struct peer *p, int64_t zxid)
{
    return ZXID_COUNTER(zxid) == 0 || zxid <= z->committed_zxid || zxid <= p->acked_zxid;
}

void leader_ack(struct zab *z, struct peer *p, const struct packet *packet)
{
    const struct entries *outstanding = &z->leader->outstanding;
    const int64_t zxid = packet->zxid;
    if (learners_sync_acked(p, zxid, z->leader->epoch)) {
        leader_newleader_acked(z, p);
        leader_commit(z); /* an ACK may have overtaken NEWLEADER's (4685) */
        return;
    }
    if (p->observer)
        return;
    untime(p, zxid);
    if (ZXID_COUNTER(zxid) == 0)
        leader_renewal_acked(p, ZXID_EPOCH(zxid));
    if (is_old_news(z, p, zxid))
        return;
    if (zxid > z->leader->proposed_zxid) {
        peer_pass_over(z, p, packet);
        return;
    }
    const size_t next = entries_find(outstanding, p->acked_zxid + 1);
    if (next == outstanding->count || entries_at(outstanding, next)->zxid != zxid) {
        peer_drop(z, p, "acknowledged 0x%" PRIx64 ", which is not the next", zxid);
        return;
    }
    p->acked_zxid = zxid;
    leader_commit(z);
}
