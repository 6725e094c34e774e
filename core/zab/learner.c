/* learner.c - following or observing a leader: the link, its time-outs, which packet may come when, and discovery
 * (quorum-protocol 2.2, 2.4 and 2.9). */
#include "core/base/mem.h"
#include "core/zab/learner_internal.h"
#include "core/zab/request.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

enum { WHY_MAX = 256 };

/* -- time ---------------------------------------------------------------------------------------------------------- */

/* A slow disk of ours says nothing about the leader. */
void learner_hold(struct zab *z, struct learner *l, enum learner_stage stage, uint64_t ticket)
{
    zab_emit(z, ZAB_HOLD)->link = l->link;
    l->stage = stage;
    l->ticket = ticket;
    l->deadline_ms = INT64_MAX;
}

void learner_go(struct zab *z, struct learner *l, enum learner_stage stage)
{
    zab_emit(z, ZAB_GO)->link = l->link;
    l->stage = stage;
    l->ticket = 0;
    learner_await(z, l);
}

static void mind_the_time(struct zab *z, struct learner *l)
{
    learner_mind_silence(z, l);
    if (z->now_ms >= l->connect_ms)
        learner_connect(z, l);
    learner_mind_masters(z, l);
    if (l->observers != NULL)
        observer_master_mind_the_time(z, l->observers);
    zab_wake_at(z, l->deadline_ms);
    zab_wake_at(z, l->connect_ms);
}

/* -- the life of the role ------------------------------------------------------------------------------------------ */

void learner_enter(struct zab *z)
{
    CHECK(z->learner == NULL && z->vote.leader != z->options.sid);
    struct learner *l = z->learner = mem_calloc(1, sizeof *l);
    if (l == NULL) {
        z->status = ST_NO_MEMORY;
        return;
    }
    l->stage = LEARNER_CONNECTING;
    l->heard_ms = z->now_ms;
    l->master = z->vote.leader;
    learner_choose_masters(z, l);
    if (z->status != ST_OK)
        return;
    learner_await(z, l);
    l->deadline_ms += l->connect_ms - z->now_ms;
    mind_the_time(z, l);
}

void learner_free(struct learner *l)
{
    if (l == NULL)
        return;
    observer_master_free(l->observers);
    entries_free(&l->proposals);
    members_free(l->config);
    mem_free(l->masters);
    mem_free(l);
}

/* Before UPTODATE nothing of it was logged. */
struct entries *learner_tail(struct learner *l)
{
    if (l->stage < LEARNER_SERVING)
        entries_clear(&l->proposals);
    return &l->proposals;
}

const struct learners *learner_observers(const struct learner *l)
{
    return l == NULL ? NULL : observer_master_learners(l->observers);
}

bool learner_follows_agent(const struct learner *l)
{
    return l->follows_agent;
}

int64_t learner_master(const struct learner *l)
{
    return l == NULL || l->link == 0 ? -1 : l->master;
}

uint64_t learner_link(const struct learner *l)
{
    return l == NULL ? 0 : l->link;
}

void learner_fail(struct zab *z, const char *format, ...)
{
    char why[WHY_MAX];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(why, sizeof why, format, args);
    va_end(args);
    if (z->learner->at_follower && len >= 0 && (size_t)len < sizeof why)
        snprintf(why + len, sizeof why - (size_t)len, " (by way of server %" PRId64 ")", z->learner->master);
    zab_leave(z, why);
}

/* -- discovery ----------------------------------------------------------------------------------------------------- */

/* Sends a packet whose data `data` holds; frees that. */
static void send_written(struct zab *z, struct learner *l, struct packet *packet, struct buffer *data, enum status st)
{
    packet->data = buffer_bytes(data);
    if (zab_ok(z, st))
        zab_send(z, l->link, packet);
    buffer_free(data);
}

static void introduce(struct zab *z, struct learner *l)
{
    struct packet packet = {.type = z->role == ZAB_OBSERVING ? PACKET_OBSERVERINFO : PACKET_FOLLOWERINFO,
                            .zxid = EPOCH_ZXID(z->accepted_epoch)};
    const struct learner_info info = {
        .sid = z->options.sid, .protocol_version = QUORUM_PROTOCOL_VERSION, .config_version = z->committed->version};
    struct buffer data = {0};
    struct writer w = writer_to(&data);
    learner_info_encode(&w, &info);
    if (z->options.shows_capabilities)
        capabilities_encode(&w, &z->options.can);
    send_written(z, l, &packet, &data, w.status);
}

/* `epoch` is what was current before the promise, or -1: it had been given before and does not count again.
 *
 * A member whose database has to be replaced has no zxid to offer: with -1 a leader cannot choose anything but SNAP,
 * and does not count it as one whose history it has surpassed. Where the leader needs that promise nothing comes of it;
 * hence the truth is told again next time, and the two take turns. */
static void promise(struct zab *z, struct learner *l, int64_t epoch)
{
    l->has_no_base = z->rejoin_empty || z->loaded_zxid < 0;
    z->rejoin_empty = false;
    struct packet packet = {.type = PACKET_ACKEPOCH, .zxid = l->has_no_base ? -1 : z->loaded_zxid};
    struct buffer data = {0};
    struct writer w = writer_to(&data);
    ack_epoch_encode(&w, (int32_t)epoch);
    send_written(z, l, &packet, &data, w.status);
    l->stage = LEARNER_CHOSEN_FOR;
}

static void on_leader_info(struct zab *z, struct learner *l, const struct packet *packet)
{
    struct leader_info info;
    struct capabilities can;
    l->epoch = ZXID_EPOCH(packet->zxid);
    const bool is_known = packet->zxid >= 0 && leader_info_decode(packet->data, &info) == ST_OK &&
                          info.protocol_version >= QUORUM_PROTOCOL_VERSION;
    const enum status record = is_known ? capabilities_decode(info.tail, &can) : ST_CORRUPT;
    if (record == ST_CORRUPT) {
        learner_fail(z, "leader %" PRId64 " speaks another protocol", z->vote.leader);
        return;
    }
    l->follows_agent = record == ST_OK;
    zab_note_capabilities(z, l->master, &can);
    if (l->epoch < z->accepted_epoch)
        learner_fail(z, "leader %" PRId64 " has epoch %" PRId64 ", but %" PRId64 " was promised", z->vote.leader,
                     l->epoch, z->accepted_epoch);
    else if (l->epoch == z->accepted_epoch)
        promise(z, l, -1);
    else
        learner_hold(z, l, LEARNER_PROMISING, zab_store(z, ZAB_STORE_ACCEPTED, l->epoch));
}

static void on_promised(struct zab *z, struct learner *l)
{
    z->accepted_epoch = l->epoch;
    learner_go(z, l, LEARNER_CHOSEN_FOR);
    promise(z, l, z->current_epoch);
}

/* -- packets ------------------------------------------------------------------------------------------------------- */

static void ignore(struct zab *z, struct learner *l, const struct packet *packet)
{
    (void)z, (void)l, (void)packet;
}

/* What is on, from now on; and what there is to know of the voters should this server lead next. */
static void on_capabilities(struct zab *z, struct learner *l, const struct packet *packet)
{
    struct capabilities on;
    struct roster told = {0};
    const enum status st = agreement_decode(packet->data, &on, &told);
    if (st == ST_CORRUPT)
        learner_fail(z, "leader %" PRId64 " sent a damaged CAPABILITIES", z->vote.leader);
    else if (zab_ok(z, st)) {
        for (size_t i = 0; i < told.count; i++)
            zab_note_capabilities(z, told.items[i].sid, &told.items[i].can);
        zab_set_agreement(z, &on, packet->data);
        learner_await(z, l); /* perhaps by another limit */
        if (l->observers != NULL)
            observer_master_tell_capabilities(z, l->observers);
    }
    roster_free(&told);
}

static void pass(struct zab *z, struct learner *l, const struct packet *packet)
{
    zab_pass(z, l->link, packet);
}

enum {
    BIT_FOLLOWING = 1 << ZAB_FOLLOWING,
    BIT_OBSERVING = 1 << ZAB_OBSERVING,
    BIT_BOTH = BIT_FOLLOWING | BIT_OBSERVING,
    STAGES_OF_SYNC = LEARNER_SYNCING | LEARNER_ADOPTED,
    STAGES_BEFORE_SERVING = LEARNER_DISCOVERING | LEARNER_CHOSEN_FOR | STAGES_OF_SYNC,
};

/* What may come when; anything else ends the role, but a type that nobody knows. Until UPTODATE a PING is not answered:
 * the leader takes nothing else before the ACK of NEWLEADER. */
static const struct packet_row {
    int32_t type;
    unsigned stages, roles;
    learner_packet_fn *handle;
} packet_rows[] = {
    {PACKET_PROPOSAL, LEARNER_SERVING, BIT_FOLLOWING, learner_proposal},
    {PACKET_COMMIT, LEARNER_SERVING, BIT_FOLLOWING, learner_commit},
    {PACKET_COMMIT_AND_ACTIVATE, LEARNER_SERVING, BIT_FOLLOWING, learner_commit_and_activate},
    {PACKET_INFORM, LEARNER_SERVING, BIT_OBSERVING, learner_inform},
    {PACKET_INFORM_AND_ACTIVATE, LEARNER_SERVING, BIT_OBSERVING, learner_inform_and_activate},
    {PACKET_PROPOSAL, LEARNER_SERVING, BIT_OBSERVING, ignore},
    {PACKET_COMMIT, LEARNER_SERVING, BIT_OBSERVING, ignore},
    {PACKET_PING, LEARNER_SERVING, BIT_BOTH, pass},
    {PACKET_REVALIDATE, LEARNER_SERVING, BIT_BOTH, pass},
    {PACKET_SYNC, LEARNER_SERVING, BIT_BOTH, pass},
    {PACKET_SESSION_MOVED, LEARNER_SERVING, BIT_OBSERVING, pass},
    {PACKET_UPTODATE, LEARNER_SERVING, BIT_BOTH, ignore},
    {PACKET_NEXT_EPOCH, LEARNER_SERVING, BIT_FOLLOWING, learner_next_epoch},
    {PACKET_NEW_EPOCH, LEARNER_SERVING, BIT_BOTH, learner_new_epoch},
    {PACKET_LEADERINFO, LEARNER_DISCOVERING, BIT_BOTH, on_leader_info},
    {PACKET_DIFF, LEARNER_CHOSEN_FOR, BIT_BOTH, learner_diff},
    {PACKET_TRUNC, LEARNER_CHOSEN_FOR, BIT_BOTH, learner_trunc},
    {PACKET_SNAP, LEARNER_CHOSEN_FOR, BIT_BOTH, learner_snap},
    {PACKET_PROPOSAL, STAGES_OF_SYNC, BIT_BOTH, learner_sync_proposal},
    {PACKET_COMMIT, STAGES_OF_SYNC, BIT_BOTH, learner_sync_commit},
    {PACKET_COMMIT_AND_ACTIVATE, STAGES_OF_SYNC, BIT_BOTH, learner_sync_commit_and_activate},
    {PACKET_INFORM, STAGES_OF_SYNC, BIT_OBSERVING, learner_sync_inform},
    {PACKET_INFORM_AND_ACTIVATE, STAGES_OF_SYNC, BIT_OBSERVING, learner_sync_inform_and_activate},
    {PACKET_NEWLEADER, LEARNER_SYNCING, BIT_BOTH, learner_newleader},
    {PACKET_UPTODATE, LEARNER_ADOPTED, BIT_BOTH, learner_uptodate},
    {PACKET_PING, STAGES_BEFORE_SERVING, BIT_BOTH, ignore},
    {PACKET_CAPABILITIES, LEARNER_ADOPTED | LEARNER_SERVING, BIT_BOTH, on_capabilities},
};

static learner_packet_fn *find_handler(const struct zab *z, const struct learner *l, int32_t type)
{
    for (size_t i = 0; i < ARRAY_LEN(packet_rows); i++) {
        const struct packet_row *row = &packet_rows[i];
        if (row->type == type && (row->stages & l->stage) != 0 && (row->roles & 1u << z->role) != 0)
            return row->handle;
    }
    return NULL;
}

static void on_unknown(struct zab *z, struct learner *l, int32_t type)
{
    if (!l->said_unknown)
        zab_say(z, "leader %" PRId64 " sends packets of type %" PRId32 ", which are ignored", z->vote.leader, type);
    l->said_unknown = true;
}

static void on_packet(struct zab *z, struct learner *l, const struct zab_event *event)
{
    const struct packet *packet = event->packet;
    const char *name = packet_type_name(packet->type);
    learner_packet_fn *handle = find_handler(z, l, packet->type);
    if (event->link != l->link)
        return;
    z->heard_ms = z->now_ms;
    learner_heard(z, l);
    if (name == NULL)
        on_unknown(z, l, packet->type);
    else if (handle == NULL)
        learner_fail(z, "leader %" PRId64 " sent %s out of turn", z->vote.leader, name);
    else
        handle(z, l, packet);
}

/* -- other events -------------------------------------------------------------------------------------------------- */

static void on_connected(struct zab *z, struct learner *l, const struct zab_event *event)
{
    if (l->stage != LEARNER_CONNECTING) {
        zab_close_link(z, event->link);
        if (l->is_seeking)
            learner_found_master(z, l);
        return;
    }
    l->link = event->link;
    l->stage = LEARNER_DISCOVERING;
    z->last_master = l->master;
    learner_await(z, l);
    introduce(z, l);
}

static void on_closed(struct zab *z, struct learner *l, const struct zab_event *event)
{
    if (l->stage == LEARNER_CONNECTING)
        learner_try_next(z, l);
    else if (event->link == l->link)
        learner_fail(z, "the connection to leader %" PRId64 " was closed", z->vote.leader);
}

static void on_stored(struct zab *z, struct learner *l, const struct zab_event *event)
{
    if (event->ticket != l->ticket)
        return;
    if (l->stage == LEARNER_PROMISING)
        on_promised(z, l);
    else if (l->stage == LEARNER_TRUNCATING)
        learner_truncated(z, l);
    else if (l->stage == LEARNER_ADOPTING)
        learner_adopted(z, l);
    else if (l->stage == LEARNER_PROMISING_NEXT)
        learner_promised_next(z, l);
    else if (l->stage == LEARNER_RENEWING)
        learner_renewed(z, l);
}

static void on_store_refused(struct zab *z, struct learner *l, const struct zab_event *event)
{
    if (event->ticket != l->ticket)
        return;
    if (l->stage == LEARNER_TRUNCATING)
        learner_truncate_refused(z, l);
    else
        learner_fail(z, "what leader %" PRId64 " has sent cannot be kept", z->vote.leader);
}

static void on_snapshot_part(struct zab *z, struct learner *l, const struct zab_event *event)
{
    if (event->link == l->link && l->stage == LEARNER_TAKING_SNAPSHOT)
        learner_await(z, l);
}

static void on_snapshot_taken(struct zab *z, struct learner *l, const struct zab_event *event)
{
    if (event->link == l->link && l->stage == LEARNER_TAKING_SNAPSHOT)
        learner_snapshot_taken(z, l);
}

static void on_logged(struct zab *z, struct learner *l, const struct zab_event *event)
{
    (void)event; /* it is z->durable_zxid that has grown */
    learner_ack(z, l);
}

/* Nothing of what is here can be built upon (design 4.10). */
static void on_diverged(struct zab *z, struct learner *l, const struct zab_event *event)
{
    (void)l, (void)event;
    z->rejoin_empty = true;
    learner_fail(z, "the tree is not that of leader %" PRId64 ": a snapshot will be asked for", z->vote.leader);
}

typedef void learner_event_fn(struct zab *z, struct learner *l, const struct zab_event *event);

/* Events that are not here do not concern a learner. */
static learner_event_fn *const event_rows[] = {
    [ZAB_LINK_CONNECTED] = on_connected,
    [ZAB_LINK_PACKET] = on_packet,
    [ZAB_LINK_CLOSED] = on_closed,
    [ZAB_LOGGED] = on_logged,
    [ZAB_STORED] = on_stored,
    [ZAB_STORE_REFUSED] = on_store_refused,
    [ZAB_SNAPSHOT_PART] = on_snapshot_part,
    [ZAB_SNAPSHOT_TAKEN] = on_snapshot_taken,
    [ZAB_DIVERGED] = on_diverged,
};

void learner_step(struct zab *z, const struct zab_event *event)
{
    struct learner *l = z->learner;
    const bool is_observers = l->observers != NULL && observer_master_takes(z, l->observers, event);
    if (!is_observers && (size_t)event->kind < ARRAY_LEN(event_rows) && event_rows[event->kind] != NULL)
        event_rows[event->kind](z, l, event);
    if (z->learner == l)
        mind_the_time(z, l);
}
