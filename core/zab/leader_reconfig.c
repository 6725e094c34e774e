/* leader_reconfig.c - a leader changes the configuration, and may lead no longer in the new one (quorum-protocol 5.4).
 *
 * Then it names who is to lead, commits nothing more, and lets its followers close their links, so that each has read
 * what it was told; when none is left, or too few when it looks for them, it goes too. */
#include "core/zab/leader_internal.h"
#include "core/zab/request.h"

/* What was proposed while the committed one was pending needs the voters of the one before still: whoever does not know
 * that it is committed asks them who has most, and no others. */
struct quorum leader_electorate(const struct zab *z, int64_t zxid)
{
    const struct members *pending = zab_pending_config(z);
    if (zxid <= z->leader->joint_until)
        return quorum_of(z->former, z->committed);
    return quorum_of(z->committed, pending != NULL && zxid >= pending->version ? pending : NULL);
}

/* Those that have acknowledged the change are more than half of its voters; of these the one that has acknowledged
 * most, so that least is lost. This server itself when there is no other: who leads must be found. */
static int64_t choose_successor(const struct zab *z, const struct members *next)
{
    const struct peer *best = NULL;
    LIST_FOR_EACH(at, &z->leader->learners.followers)
    {
        const struct peer *p = FOLLOWER(at);
        const struct member *member = p->stage >= PEER_SYNCED ? members_find(next, p->sid) : NULL;
        if (member == NULL || member->role != MEMBER_PARTICIPANT || member->weight == 0 ||
            p->acked_zxid < next->version)
            continue;
        if (best == NULL || p->acked_zxid > best->acked_zxid ||
            (p->acked_zxid == best->acked_zxid && p->sid < best->sid))
            best = p;
    }
    return best == NULL ? z->options.sid : best->sid;
}

/* Whoever is still connected some time later will find out by itself. */
static void move(struct zab *z)
{
    z->leader->has_moved = true;
    leader_limit_stage(z, z->options.sync_limit);
}

static void tell(struct zab *z, const struct entry *e, int64_t designated)
{
    struct buffer commit = {0}, inform = {0};
    struct writer to_followers = writer_to(&commit), to_observers = writer_to(&inform);
    designated_leader_encode(&to_followers, designated);
    activated_entry_encode(&to_observers, designated, entry_bytes(e));
    if (zab_ok(z, to_followers.status) && zab_ok(z, to_observers.status)) {
        leader_tell_followers(
            z, &(struct packet){.type = PACKET_COMMIT_AND_ACTIVATE, .zxid = e->zxid, .data = buffer_bytes(&commit)},
            z->leader->proposed_zxid);
        leader_tell_observers(
            z, &(struct packet){.type = PACKET_INFORM_AND_ACTIVATE, .zxid = e->zxid, .data = buffer_bytes(&inform)},
            e->zxid);
    }
    buffer_free(&commit);
    buffer_free(&inform);
}

void leader_commit_reconfig(struct zab *z, struct entry *e)
{
    struct members *next = z->last_seen;
    CHECK(next != NULL && next->version == e->zxid);
    const bool stays = zab_leads_in_both(z->committed, next, z->options.sid);
    const int64_t designated = stays ? z->options.sid : choose_successor(z, next);
    z->last_seen = NULL;
    (void)zab_activate(z, next, designated);
    (void)zab_set_last_seen(z, NULL);
    z->leader->joint_until = z->leader->proposed_zxid;
    tell(z, e, designated);
    zab_commit_entry(z, e);
    if (designated == z->options.sid && !stays)
        zab_leave(z, "this server leads no longer, and has nobody to name in its place");
    else if (!stays)
        move(z);
}

/* -- what was pending when this leader was elected ----------------------------------------------------------------- */

bool leader_adopt_last_seen(struct zab *z)
{
    if (!z->options.reconfig_enabled || zab_pending_config(z) == NULL)
        return true;
    const bool stays = zab_leads_in_both(z->committed, z->last_seen, z->options.sid);
    (void)zab_activate_last_seen(z);
    if (!stays)
        move(z);
    return stays;
}
