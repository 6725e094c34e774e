/* learners_sync.c - bringing a learner to where the others are: nothing, what it lacks, what it has too much, or the
 * whole tree (quorum-protocol 2.6 and 2.7).
 *
 * Choosing and registering for what follows are one step, so that no txn is lost or sent twice between them (7.6). A
 * snapshot is always right; anything else only where the learner's log is known to be a part of ours, or to be one up
 * to the txn that it is cut back to. */
#include "core/zab/leader_internal.h"
#include "core/zab/learners.h"

struct sync {
    int32_t op; /* PACKET_DIFF, PACKET_TRUNC or PACKET_SNAP */
    int64_t zxid;
    size_t first;  /* of the history: what is sent behind it, up to the end */
    bool from_log; /* not yet known how; what the log has comes first */
};

/* Of the leader; a follower knows it as the current one. */
static int64_t epoch_of(const struct zab *z)
{
    return z->leader == NULL ? z->current_epoch : z->leader->epoch;
}

/* -- choosing ------------------------------------------------------------------------------------------------------ */

/* The end of what the learners can be sent. */
static int64_t newest_kept(const struct zab *z)
{
    return z->history.count == 0 ? z->history_base : entries_at(&z->history, z->history.count - 1)->zxid;
}

static struct sync whole_tree(const struct zab *z)
{
    return (struct sync){.op = PACKET_SNAP, .zxid = z->committed_zxid, .first = z->history.count};
}

static struct sync diff(const struct zab *z, size_t first)
{
    return (struct sync){.op = PACKET_DIFF, .zxid = newest_kept(z), .first = first};
}

/* The txn must be in the learner's log: one that is not would make Apache's learner keep one too many (6.7 a), and ours
 * come back for a snapshot. It is there when both are of one epoch, for a leader's txns have no gaps; and when the
 * learner has any txn of this leader, for it was brought to all that came before. */
bool learners_may_cut_back(const struct zab *z, int64_t peer, int64_t zxid)
{
    const int64_t epoch = ZXID_EPOCH(peer);
    return ZXID_COUNTER(zxid) != 0 && (epoch == ZXID_EPOCH(zxid) || epoch == epoch_of(z));
}

static struct sync cut_back(const struct zab *z, int64_t peer, int64_t zxid, size_t first)
{
    if (!learners_may_cut_back(z, peer, zxid))
        return whole_tree(z);
    return (struct sync){.op = PACKET_TRUNC, .zxid = zxid, .first = first};
}

/* `peer` lies between the ends of what is kept. */
static struct sync walk(const struct zab *z, int64_t peer)
{
    const size_t next = entries_find(&z->history, peer);
    const struct entry *e = entries_at(&z->history, next);
    if (e->zxid == peer)
        return diff(z, next + 1);
    if (ZXID_COUNTER(peer) == 0) /* it stands where an epoch begins, with all of those before it */
        return diff(z, next);
    if (next == 0 || ZXID_EPOCH(e->zxid) != ZXID_EPOCH(peer))
        return whole_tree(z);
    return cut_back(z, peer, entries_at(&z->history, next - 1)->zxid, next);
}

/* It was brought there by the leader, by whom this server was, too; and nothing has been committed since. */
static bool is_at_beginning(const struct zab *z, int64_t peer)
{
    return peer == EPOCH_ZXID(epoch_of(z)) && peer > z->committed_zxid;
}

static struct sync choose(const struct zab *z, const struct peer *p)
{
    const int64_t peer = p->loaded_zxid;
    if (peer < 0) /* its database is not whole */
        return whole_tree(z);
    if (peer == z->committed_zxid || is_at_beginning(z, peer))
        return (struct sync){.op = PACKET_DIFF, .zxid = peer, .first = z->history.count};
    if (peer == z->history_base && peer > 0)
        return diff(z, 0);
    if (peer > newest_kept(z) && ZXID_COUNTER(peer) != 0)
        return cut_back(z, peer, newest_kept(z), z->history.count);
    if (z->history.count > 0 && entries_at(&z->history, 0)->zxid <= peer && peer <= newest_kept(z))
        return walk(z, peer);
    if (learners_log_may_have(z, p))
        return (struct sync){.op = PACKET_DIFF, .from_log = true};
    return whole_tree(z);
}

/* -- sending ------------------------------------------------------------------------------------------------------- */

static void send_entry(struct zab *z, const struct peer *p, const struct entry *e)
{
    zab_send(z, p->link, &(struct packet){.type = PACKET_PROPOSAL, .zxid = e->zxid, .data = entry_bytes(e)});
}

void learners_send_committed(struct zab *z, const struct peer *p, int64_t zxid, struct bytes entry)
{
    zab_send(z, p->link, &(struct packet){.type = PACKET_PROPOSAL, .zxid = zxid, .data = entry});
    zab_send_plain(z, p->link, PACKET_COMMIT, zxid);
}

static void send_history(struct zab *z, const struct peer *p, size_t first)
{
    for (size_t i = first; i < z->history.count; i++) {
        const struct entry *e = entries_at(&z->history, i);
        learners_send_committed(z, p, e->zxid, entry_bytes(e));
    }
}

static void send_tree(struct zab *z, struct peer *p, int64_t zxid)
{
    struct zab_effect *effect = zab_emit(z, ZAB_SEND_SNAPSHOT);
    effect->link = p->link;
    effect->zxid = zxid;
    p->takes_snapshot = true;
}

/* NEWLEADER: what the sync brought is all there. Behind a snapshot only when that was written to its end: it holds what
 * was committed meanwhile too, and the learner keeps it, with the commits that stand before NEWLEADER (3104, 4.6). */
static void end_sync(struct zab *z, struct peer *p)
{
    /* One that is pending while this leader serves comes with its txn, for an observer when it is committed. What is
     * told here must be the one before: a snapshot may hold its txn, of which the learner knows by no other way. */
    const bool may_tell = z->options.reconfig_enabled && z->phase != ZAB_BROADCAST;
    const struct members *pending = may_tell ? zab_pending_config(z) : NULL;
    struct buffer printed = {0};
    if (pending == NULL || zab_ok(z, members_print(pending, &printed))) {
        const struct bytes text = buffer_bytes(pending == NULL ? &z->committed_text : &printed);
        zab_send(z, p->link, &(struct packet){.type = PACKET_NEWLEADER, .zxid = EPOCH_ZXID(epoch_of(z)), .data = text});
    }
    buffer_free(&printed);
    peer_limit(z, p, z->options.init_limit);
}

static uint32_t *syncs_of(struct peer *p, int32_t op)
{
    return op == PACKET_SNAP ? &p->of->snapshot_syncs : &p->of->diff_syncs;
}

/* From now on it is sent what all are sent. */
static void register_peer(struct zab *z, struct peer *p)
{
    p->stage = PEER_SYNCING;
    p->acked_zxid = z->committed_zxid;
    p->sent_zxid = z->committed_zxid;
    if (p->observer) {
        p->of->fed++;
        return;
    }
    const struct leader *l = z->leader; /* who feeds observers alone has no followers */
    for (size_t i = 0; i < l->outstanding.count; i++)
        send_entry(z, p, entries_at(&l->outstanding, i));
    p->sent_zxid = l->proposed_zxid;
    list_append(&p->of->followers, &p->in_followers);
}

void learners_send_rest(struct zab *z, struct peer *p, size_t first)
{
    send_history(z, p, first);
    register_peer(z, p);
    if (p->sync_op == PACKET_SNAP)
        p->deadline_ms = INT64_MAX; /* how long the tree takes is the business of who writes it */
    else
        end_sync(z, p);
    if (p->observer)
        zab_emit(z, ZAB_FEED)->link = p->link;
}

static void begin_sync(struct zab *z, struct peer *p, const struct sync *sync)
{
    p->sync_op = sync->op;
    ++*syncs_of(p, sync->op);
    if (sync->from_log) {
        learners_log_begin(z, p);
        return;
    }
    zab_send_plain(z, p->link, sync->op, sync->zxid);
    if (sync->op == PACKET_SNAP)
        send_tree(z, p, sync->zxid);
    learners_send_rest(z, p, sync->first);
}

/* -- waiting for it ------------------------------------------------------------------------------------------------ */

bool learners_sync_acked(const struct peer *p, int64_t zxid, int64_t epoch)
{
    return p->stage == PEER_SYNCING && !p->takes_snapshot && zxid == EPOCH_ZXID(epoch);
}

void learners_end_sync(struct peer *p)
{
    --*syncs_of(p, p->sync_op);
    p->stage = PEER_SYNCED;
}

/* A follower is needed: it waits for nobody, but is counted. */
static bool has_turn(const struct zab *z, struct peer *p, const struct sync *sync)
{
    const bool is_tree = sync->op == PACKET_SNAP;
    const uint32_t max = is_tree ? z->options.snapshot_syncs_max : z->options.diff_syncs_max;
    return !p->observer || *syncs_of(p, sync->op) < max;
}

/* A txn of this epoch that is not known to be committed here will be: the learner has heard of it before this server.
 * Never so at a leader, which is the first to know. */
static bool is_ahead(const struct zab *z, const struct peer *p)
{
    return z->leader == NULL && ZXID_EPOCH(p->loaded_zxid) == epoch_of(z) && p->loaded_zxid > z->committed_zxid &&
           !is_at_beginning(z, p->loaded_zxid);
}

static void note_ahead(struct peer *p)
{
    struct learners *set = p->of;
    if (set->ahead_zxid == 0 || p->loaded_zxid < set->ahead_zxid)
        set->ahead_zxid = p->loaded_zxid;
}

/* Apache sends those away that are too many (leader.maxConcurrentSnapSyncs), and they come again by way of an election;
 * a place in the line costs nobody anything. */
void learners_sync(struct zab *z, struct peer *p)
{
    const struct sync sync = choose(z, p);
    const bool ahead = is_ahead(z, p);
    if (ahead)
        note_ahead(p);
    if (!ahead && has_turn(z, p, &sync))
        begin_sync(z, p, &sync);
    else if (p->deadline_ms == INT64_MAX)
        peer_limit(z, p, z->options.init_limit);
}

void learners_sync_waiting(struct zab *z, struct learners *set)
{
    set->ahead_zxid = 0;
    LIST_FOR_EACH(at, &set->all)
    {
        if (PEER(at)->stage == PEER_PROMISED)
            learners_sync(z, PEER(at));
    }
}

void learners_snapshot_sent(struct zab *z, struct learners *set, uint64_t link)
{
    struct peer *p = learners_get(set, link);
    if (p == NULL || !p->takes_snapshot)
        return;
    p->takes_snapshot = false;
    end_sync(z, p);
}
