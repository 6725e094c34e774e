/* leader_epoch.c - how a leader becomes established: a new epoch, its acknowledgement, NEWLEADER
 * (quorum-protocol 2.3, 2.5, 2.10 and appendix D).
 *
 * Each of the three steps needs a quorum, of which this server is one as soon as its own disk has what the others'
 * have: acceptedEpoch before LEADERINFO leaves, currentEpoch before NEWLEADER is counted. */
#include "core/zab/leader_internal.h"
#include "core/zab/request.h"

#include <inttypes.h>

/* -- the configuration ----------------------------------------------------------------------------------------------
 */

/* A first configuration has the version 0, which is also what an unconfigured server has. It becomes a newer one as the
 * first leader's last-seen one, so that all take it (quorum-protocol 5.5). */
static void name_first_config(struct zab *z)
{
    const bool is_first = z->committed->version == 0 && (z->last_seen == NULL || z->last_seen->version == 0);
    if (!z->options.reconfig_enabled || !is_first)
        return;
    struct bytes text = buffer_bytes(&z->committed_text);
    while (text.len > 0 && text.data[text.len - 1] != '=')
        text.len--;
    struct buffer named = {0};
    struct members *m = NULL;
    struct members_error error;
    const unsigned flags = z->options.multi_address ? MEMBERS_MULTI_ADDRESS : 0;
    enum status st = buffer_append(&named, text.data, text.len);
    if (st == ST_OK)
        st = buffer_printf(&named, "%" PRIx64, EPOCH_ZXID(z->leader->epoch));
    if (st == ST_OK)
        st = members_parse(buffer_bytes(&named), flags, &m, &error);
    buffer_free(&named);
    CHECK(st == ST_OK || st == ST_NO_MEMORY); /* it is our own, printed by members_print */
    if (zab_ok(z, st))
        (void)zab_set_last_seen(z, m);
}

/* -- serving --------------------------------------------------------------------------------------------------------
 */

/* What was pending is committed by its being known to a quorum. If another is to lead in it, those that are here have
 * to hear of it all the same. */
static void establish(struct zab *z)
{
    struct leader *l = z->leader;
    l->stage = LEADER_SERVING;
    l->deadline_ms = INT64_MAX;
    z->committed_zxid = EPOCH_ZXID(l->epoch);
    z->vote.peer_epoch = l->epoch;
    if (leader_adopt_last_seen(z))
        zab_set_phase(z, ZAB_BROADCAST);
    leader_agree(z);
    LIST_FOR_EACH(at, LEARNERS_OF(l))
    {
        if (PEER(at)->stage == PEER_SYNCED)
            peer_serve(z, PEER(at));
    }
}

/* This server itself is in it: as one that only others vote for it could not have logged what they did. */
static bool has_agreed(const struct zab *z, const struct quorum *q)
{
    return quorum_has(q, z->options.sid) && quorum_reached(q);
}

static void maybe_establish(struct zab *z)
{
    if (z->leader->stage == LEADER_SYNCING && z->current_epoch == z->leader->epoch &&
        quorum_reached(&z->leader->synced))
        establish(z);
}

void leader_newleader_acked(struct zab *z, struct peer *p)
{
    struct leader *l = z->leader;
    learners_end_sync(p);
    p->deadline_ms = INT64_MAX;
    learners_sync_waiting(z, &l->learners);
    if (l->stage == LEADER_SERVING) {
        peer_serve(z, p);
        leader_ask_promise(z, p);
        return;
    }
    quorum_add(&l->synced, p->sid);
    maybe_establish(z);
}

/* -- the epoch is acknowledged --------------------------------------------------------------------------------------
 */

static void maybe_sync(struct zab *z)
{
    struct leader *l = z->leader;
    if (l->stage != LEADER_CHOSEN || !has_agreed(z, &l->promised))
        return;
    l->stage = LEADER_SYNCING;
    l->proposed_zxid = EPOCH_ZXID(l->epoch);
    name_first_config(z);
    l->synced = quorum_of(z->committed, zab_pending_config(z));
    l->ticket = zab_store(z, ZAB_STORE_CURRENT, l->epoch);
    leader_limit_stage(z, z->options.init_limit);
    zab_set_phase(z, ZAB_SYNCHRONIZATION);
    LIST_FOR_EACH(at, LEARNERS_OF(l))
    {
        if (PEER(at)->stage == PEER_PROMISED)
            learners_sync(z, PEER(at));
    }
}

static bool is_more_recent(const struct zab *z, int64_t epoch, int64_t zxid)
{
    return epoch > z->current_epoch || (epoch == z->current_epoch && zxid > z->loaded_zxid);
}

void leader_ack_epoch(struct zab *z, struct peer *p, const struct packet *packet)
{
    struct leader *l = z->leader;
    int32_t epoch;
    if (ack_epoch_decode(packet->data, &epoch) != ST_OK || epoch < -1) {
        peer_drop(z, p, "acknowledged no epoch");
        return;
    }
    /* Those that come late are only brought to where the others are. */
    const bool is_late = l->stage >= LEADER_SYNCING;
    if (!is_late && epoch != -1 && is_more_recent(z, epoch, packet->zxid)) {
        peer_drop(z, p, "is more recent than its leader: epoch %" PRId32 ", txn 0x%" PRIx64, epoch, packet->zxid);
        return;
    }
    p->stage = PEER_PROMISED;
    p->loaded_zxid = packet->zxid;
    p->deadline_ms = INT64_MAX;
    if (is_late) {
        learners_sync(z, p);
        return;
    }
    /* One that has promised before, or whose database is not whole, is no help to this leader. */
    if (epoch != -1 && packet->zxid >= 0)
        quorum_add(&l->promised, p->sid);
    maybe_sync(z);
}

/* -- the epoch is chosen --------------------------------------------------------------------------------------------
 */

static void accepted_is_stored(struct zab *z)
{
    struct leader *l = z->leader;
    l->stage = LEADER_CHOSEN;
    z->accepted_epoch = l->epoch;
    leader_limit_stage(z, z->options.init_limit);
    quorum_add(&l->promised, z->options.sid);
    LIST_FOR_EACH(at, LEARNERS_OF(l))
    {
        if (PEER(at)->stage == PEER_KNOWN)
            peer_send_leader_info(z, PEER(at), l->epoch);
    }
    maybe_sync(z);
}

void leader_stored(struct zab *z, uint64_t ticket)
{
    struct leader *l = z->leader;
    if (ticket != l->ticket)
        return;
    l->ticket = 0;
    if (leader_renewal_stored(z))
        return;
    if (l->stage == LEADER_PROMISING) {
        accepted_is_stored(z);
        return;
    }
    z->current_epoch = l->epoch;
    quorum_add(&l->synced, z->options.sid);
    maybe_establish(z);
}

/* `sid` has accepted no epoch above `accepted`. One that is no voter counts for nothing, and yet the epoch has to be
 * above what it accepted, for otherwise it could not follow. One that votes and believes that it observes counts: its
 * disk holds what it says. */
static void gather(struct zab *z, int64_t sid, int64_t accepted)
{
    struct leader *l = z->leader;
    if (l->stage != LEADER_GATHERING)
        return;
    if (accepted >= l->epoch)
        l->epoch = accepted + 1;
    quorum_add(&l->connecting, sid);
    if (!has_agreed(z, &l->connecting))
        return;
    l->stage = LEADER_PROMISING;
    l->ticket = zab_store(z, ZAB_STORE_ACCEPTED, l->epoch);
}

void leader_gather(struct zab *z)
{
    struct leader *l = z->leader;
    l->connecting = quorum_of(z->committed, NULL);
    l->promised = l->connecting;
    l->looking = l->connecting;
    leader_limit_stage(z, z->options.init_limit);
    const int64_t above = z->accepted_epoch > z->epoch_floor ? z->accepted_epoch : z->epoch_floor;
    if (above >= EPOCH_MAX)
        zab_leave(z, "there are no more epochs");
    else
        gather(z, z->options.sid, above);
}

/* -- learners introduce themselves ----------------------------------------------------------------------------------
 */

/* NULL: it may come in. */
static const char *why_unwanted(const struct zab *z, const struct learner_info *info, int64_t accepted)
{
    if (info->protocol_version < QUORUM_PROTOCOL_VERSION)
        return "speaks a protocol of before 3.4";
    if (info->sid == z->options.sid)
        return "has the number of its leader";
    if (info->config_version > z->committed->version)
        return "has a newer configuration than its leader";
    if (z->leader->has_moved)
        return "comes to one that leads no longer";
    if (accepted >= EPOCH_MAX)
        return "has accepted the last of all epochs";
    return NULL;
}

static bool is_member(const struct zab *z, int64_t sid)
{
    const struct members *pending = zab_pending_config(z);
    return members_find(z->committed, sid) != NULL || (pending != NULL && members_find(pending, sid) != NULL);
}

/* A member that has promised a later epoch, to a leader that never came to serve, may not follow in this one, and would
 * ask for ever: only a new epoch, beyond that promise, takes it in again. The promise is kept in mind, for the next
 * quorum may come together without that member; so each costs one election at most. */
static bool must_go_beyond(struct zab *z, int64_t sid, int64_t accepted)
{
    if (z->leader->stage < LEADER_CHOSEN || accepted <= z->leader->epoch || !is_member(z, sid))
        return false;
    z->epoch_floor = accepted > z->epoch_floor ? accepted : z->epoch_floor;
    return true;
}

void leader_learner_info(struct zab *z, struct peer *p, const struct packet *packet)
{
    struct learner_info info;
    if (learner_info_decode(packet->data, &info) != ST_OK) {
        peer_drop(z, p, "did not say who it is");
        return;
    }
    const int64_t accepted = ZXID_EPOCH(packet->zxid);
    const char *why = why_unwanted(z, &info, accepted);
    if (why != NULL) {
        peer_drop(z, p, "%s (%" PRId64 ")", why, info.sid);
        return;
    }
    if (must_go_beyond(z, info.sid, accepted)) {
        zab_say(z, "server %" PRId64 " has promised epoch %" PRId64, info.sid, accepted);
        zab_leave(z, "a member has promised a later epoch");
        return;
    }
    if (!peer_take_record(z, p, info.tail))
        return;
    learners_drop_older(z, &z->leader->learners, info.sid);
    p->stage = PEER_KNOWN;
    p->sid = info.sid;
    p->observer = packet->type == PACKET_OBSERVERINFO;
    p->deadline_ms = INT64_MAX;
    zab_note_capabilities(z, p->sid, &p->can);
    leader_agree(z);
    if (z->leader->stage < LEADER_CHOSEN)
        gather(z, p->sid, accepted);
    else if (!z->leader->is_renewing)
        peer_send_leader_info(z, p, z->leader->epoch);
}

/* -- disloyal voters ------------------------------------------------------------------------------------------------
 */

/* What was sent before it had decided may be on its way for a while: only after a tick it is believed. */
void leader_saw_looking(struct zab *z, int64_t sid)
{
    struct leader *l = z->leader;
    if (l == NULL || l->stage != LEADER_GATHERING || z->now_ms - l->entered_ms < z->options.tick_ms)
        return;
    quorum_add(&l->looking, sid);
    struct quorum possible = quorum_of(z->committed, NULL);
    for (size_t i = 0; i < z->committed->count; i++) {
        const int64_t voter = z->committed->items[i]->sid;
        if (quorum_has(&l->connecting, voter) || !quorum_has(&l->looking, voter))
            quorum_add(&possible, voter);
    }
    if (!quorum_reached(&possible))
        zab_leave(z, "those that have elected this server are looking again");
}
