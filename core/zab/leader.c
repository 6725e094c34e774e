/* leader.c - leading: which packet may come when, and how long anything may take (quorum-protocol 2.9, 3.6 and 3.12).
 *
 * A learner that breaks the rules loses its link; the leader leaves its role only when it has no quorum in time. Limits
 * are looked at every half tick, when learners are pinged, as Apache does. */
#include "core/base/mem.h"
#include "core/zab/leader_internal.h"

void leader_limit_stage(struct zab *z, int64_t ticks)
{
    z->leader->deadline_ms = z->now_ms + ticks * z->options.tick_ms;
    zab_wake_at(z, z->leader->deadline_ms);
}

static const char leads_no_longer[] = "this server leads no longer";

/* -- links ----------------------------------------------------------------------------------------------------------
 */

static void on_accepted(struct zab *z, const struct zab_event *event)
{
    learners_accept(z, &z->leader->learners, event->link);
}

/* A place in the line may have become free. */
static void sync_waiting(struct zab *z)
{
    if (z->leader->stage >= LEADER_SYNCING)
        learners_sync_waiting(z, &z->leader->learners);
}

static void on_closed(struct zab *z, const struct zab_event *event)
{
    struct peer *p = learners_get(&z->leader->learners, event->link);
    if (p == NULL)
        return;
    learners_remove(p);
    leader_agree(z);
    sync_waiting(z);
    if (z->leader->has_moved && list_is_empty(&z->leader->learners.followers))
        zab_leave(z, leads_no_longer);
}

static void on_snapshot_sent(struct zab *z, const struct zab_event *event)
{
    learners_snapshot_sent(z, &z->leader->learners, event->link);
}

static void on_log(struct zab *z, const struct zab_event *event)
{
    learners_log_event(z, &z->leader->learners, event);
}

static const struct peer_packet_row packet_rows[] = {
    [PACKET_FOLLOWERINFO] = {PEER_NEW, leader_learner_info},
    [PACKET_OBSERVERINFO] = {PEER_NEW, leader_learner_info},
    [PACKET_ACKEPOCH] = {PEER_ASKED, leader_ack_epoch},
    [PACKET_ACK] = {PEER_SYNCING | PEER_SYNCED | PEER_SERVING, leader_ack},
    [PACKET_PING] = {PEER_SYNCED | PEER_SERVING, leader_pong},
    [PACKET_REQUEST] = {PEER_SERVING, peer_pass},
    [PACKET_REVALIDATE] = {PEER_SERVING, peer_pass},
    [PACKET_SYNC] = {PEER_SERVING, peer_pass},
    [PACKET_CAPABILITIES] = {PEER_SERVING, leader_observers_capabilities},
    [PACKET_NEXT_EPOCH] = {PEER_SERVING, leader_promised},
};

static void on_packet(struct zab *z, const struct zab_event *event)
{
    struct peer *p = learners_get(&z->leader->learners, event->link);
    if (p != NULL)
        peer_packet(z, p, packet_rows, ARRAY_LEN(packet_rows), event->packet);
}

/* -- time -----------------------------------------------------------------------------------------------------------
 */

/* Of those that can acknowledge what is proposed. */
static bool is_there(const struct zab *z, struct quorum there)
{
    quorum_add(&there, z->options.sid);
    LIST_FOR_EACH(at, LEARNERS_OF(z->leader))
    {
        const struct peer *p = PEER(at);
        if (p->stage != PEER_NEW && !p->observer && z->now_ms < p->alive_ms)
            quorum_add(&there, p->sid);
    }
    return quorum_reached(&there);
}

/* Where what is proposed lacks those that it needs, since some of them observe, not yet or no longer voting, the next
 * leader will commit it with their help. */
static void check_quorum(struct zab *z)
{
    const struct leader *l = z->leader;
    const struct entry *oldest = l->outstanding.count == 0 ? NULL : entries_at(&l->outstanding, 0);
    if (!is_there(z, quorum_of(z->committed, zab_pending_config(z))) ||
        (oldest != NULL && !is_there(z, leader_electorate(z, oldest->zxid))))
        zab_leave(z, l->has_moved ? leads_no_longer : "not enough followers are heard");
}

static void beat(struct zab *z)
{
    struct leader *l = z->leader;
    l->beat_ms = z->now_ms + (z->options.tick_ms + 1) / 2;
    l->odd_beat = !l->odd_beat;
    learners_drop_overdue(z, &l->learners);
    leader_agree(z); /* an observer that is gone objects to nothing any more */
    sync_waiting(z);
    if (l->stage == LEADER_SERVING && !l->odd_beat)
        check_quorum(z);
    learners_ping(z, &l->learners, l->proposed_zxid);
}

static const char *const too_late[] = {
    [LEADER_GATHERING] = "no quorum of followers has come in time",
    [LEADER_PROMISING] = "no quorum of followers has come in time",
    [LEADER_CHOSEN] = "no quorum has acknowledged the epoch in time",
    [LEADER_SYNCING] = "no quorum has synchronized in time",
    [LEADER_SERVING] = leads_no_longer, /* the only limit that it has */
};

static void on_tick(struct zab *z, const struct zab_event *event)
{
    struct leader *l = z->leader;
    (void)event;
    if (z->now_ms >= l->deadline_ms) {
        zab_leave(z, l->is_renewing ? "no quorum has taken up the new epoch in time" : too_late[l->stage]);
        return;
    }
    if (z->now_ms >= l->beat_ms)
        beat(z);
    leader_pulse(z);
    zab_wake_at(z, l->beat_ms);
    zab_wake_at(z, l->deadline_ms);
}

/* -- the role -------------------------------------------------------------------------------------------------------
 */

static void on_stored(struct zab *z, const struct zab_event *event)
{
    leader_stored(z, event->ticket);
}

static void on_logged(struct zab *z, const struct zab_event *event)
{
    (void)event;
    leader_commit(z);
}

typedef void leader_event_fn(struct zab *z, const struct zab_event *event);

static leader_event_fn *const handlers[] = {
    [ZAB_TICK] = on_tick,
    [ZAB_LINK_ACCEPTED] = on_accepted,
    [ZAB_LINK_PACKET] = on_packet,
    [ZAB_LINK_CLOSED] = on_closed,
    [ZAB_SNAPSHOT_SENT] = on_snapshot_sent,
    [ZAB_STORED] = on_stored,
    [ZAB_PROPOSE] = leader_propose,
    [ZAB_CONFIRM] = leader_confirm,
    [ZAB_LOGGED] = on_logged,
    [ZAB_LOG_FOUND] = on_log,
    [ZAB_LOG_RECORD] = on_log,
    [ZAB_LOG_READ] = on_log,
    [ZAB_LOG_REFUSED] = on_log,
};

void leader_step(struct zab *z, const struct zab_event *event)
{
    if (event->kind < ARRAY_LEN(handlers) && handlers[event->kind] != NULL)
        handlers[event->kind](z, event);
    if (!z->is_leaving)
        leader_renew(z);
}

void leader_enter(struct zab *z)
{
    struct leader *l = mem_calloc(1, sizeof *l);
    if (l == NULL) {
        zab_ok(z, ST_NO_MEMORY);
        return;
    }
    z->leader = l;
    learners_init(&l->learners);
    l->epoch = -1;
    l->pulse_ms = z->now_ms;
    l->entered_ms = z->now_ms;
    l->beat_ms = z->now_ms + (z->options.tick_ms + 1) / 2;
    zab_wake_at(z, l->beat_ms);
    zab_emit(z, ZAB_LISTEN);
    leader_pulse(z);
    leader_gather(z);
}

void leader_free(struct leader *l)
{
    if (l == NULL)
        return;
    learners_free(&l->learners);
    entries_free(&l->outstanding);
    entries_free(&l->held);
    buffer_free(&l->scratch);
    mem_free(l->confirmations);
    mem_free(l);
}

struct entries *leader_tail(struct leader *l)
{
    return &l->outstanding;
}

/* -- reports --------------------------------------------------------------------------------------------------------
 */

/* Was a quorum, this server among it, heard at that time or later? */
static bool is_heard_since(const struct zab *z, int64_t since_ms)
{
    struct quorum heard = quorum_of(z->committed, zab_pending_config(z));
    quorum_add(&heard, z->options.sid);
    LIST_FOR_EACH(at, LEARNERS_OF(z->leader))
    {
        const struct peer *p = PEER(at);
        if (p->stage >= PEER_SYNCED && !p->observer && p->heard_ms >= since_ms)
            quorum_add(&heard, p->sid);
    }
    return quorum_reached(&heard);
}

int64_t leader_heard_ms(const struct zab *z)
{
    if (is_heard_since(z, z->now_ms))
        return z->now_ms;
    int64_t newest = 0;
    LIST_FOR_EACH(at, LEARNERS_OF(z->leader))
    {
        const struct peer *p = PEER(at);
        if (p->heard_ms > newest && is_heard_since(z, p->heard_ms))
            newest = p->heard_ms;
    }
    return newest;
}

bool leader_is_renewing(const struct leader *l)
{
    return l->is_renewing;
}

const struct learners *leader_learners(const struct leader *l)
{
    return &l->learners;
}

const struct entries *leader_outstanding(const struct leader *l)
{
    return &l->outstanding;
}
