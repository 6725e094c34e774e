/* ensemble.c - outbox to peers, and their answers back to the replica. */
#include "agent/net/tls.h"
#include "agent/peers/ensemble_internal.h"
#include "agent/peers/ensemble_settings.h"
#include "core/base/check.h"
#include "core/base/mem.h"
#include "core/zab/zab.h"

#include <inttypes.h>

/* -- to the replica ------------------------------------------------------------------------------------------------ */

/* Is everything in the tree known to be committed? */
static bool is_in_step(enum replica_service service)
{
    return service == SERVICE_LEADING || service == SERVICE_LEARNING;
}

/* Nothing that is not known to be committed may get into a checkpoint (design 4.6). */
static void on_stepped(void *context)
{
    struct ensemble *e = context;
    enum replica_service service = replica_service(e->parts.replica);
    if (service == e->service)
        return;
    if (is_in_step(service) != is_in_step(e->service))
        persistence_hold_checkpoints(e->parts.persistence, !is_in_step(service));
    e->service = service;
    e->parts.serving(e->parts.context, service);
}

void ensemble_feed(struct ensemble *e, struct replica_event *event)
{
    if (e->closing)
        return;
    pump_look_at_clock(e->pump);
    (void)pump_feed(e->pump, event);
}

static void on_notification(void *context, int64_t sid, struct bytes frame)
{
    ensemble_feed(context, &(struct replica_event){.kind = REPLICA_NOTIFICATION, .sid = sid, .frame = frame});
}

static void on_accepted(void *context, uint64_t link)
{
    ensemble_feed(context, &(struct replica_event){.kind = REPLICA_LINK_ACCEPTED, .link = link});
}

static void on_connected(void *context, uint64_t link)
{
    ensemble_feed(context, &(struct replica_event){.kind = REPLICA_LINK_CONNECTED, .link = link});
}

static void on_closed(void *context, uint64_t link)
{
    struct ensemble *e = context;
    if (e->spool_link == link)
        e->spool_link = 0;
    ensemble_feed(e, &(struct replica_event){.kind = REPLICA_LINK_CLOSED, .link = link});
}

/* What observers ask goes on to the leader: no more of it is taken than that reads. */
static bool waits_for_leader(const struct ensemble *e, uint64_t link)
{
    const struct zab *z = replica_zab(e->parts.replica);
    const uint64_t leader_link = zab_role(z) == ZAB_FOLLOWING ? zab_leader_link(z) : 0;
    return leader_link != 0 && link != leader_link && peers_unsent(e->peers, leader_link) > e->unsent_mark;
}

static size_t on_received(void *context, uint64_t link, struct bytes bytes)
{
    struct ensemble *e = context;
    if (e->closing)
        return bytes.len;
    if (!persistence_spool_has_room(e->parts.persistence)) {
        e->spool_link = link;
        peers_hold(e->peers, link);
        return 0;
    }
    if (waits_for_leader(e, link) && held_links_add(&e->observers, e->peers, link))
        return 0;
    struct replica_event event = {.kind = REPLICA_LINK_BYTES, .link = link, .frame = bytes};
    ensemble_feed(e, &event);
    return pump_consumed(e->pump);
}

static void turn_again(void *context)
{
    struct ensemble *e = context;
    if (!e->closing)
        pump_wake(e->pump);
}

static void on_writable(void *context, uint64_t link)
{
    struct ensemble *e = context;
    if (link == zab_leader_link(replica_zab(e->parts.replica)))
        held_links_release(&e->observers, e->peers);
    if (e->room.count > 0)
        turn_again(e); /* on_work looks whether it is one of them */
}

static void on_listening(void *context, enum peers_port port, enum status status, const char *message)
{
    struct ensemble *e = context;
    static const char *const names[] = {
        [PEERS_ELECTION] = "election", [PEERS_QUORUM] = "quorum", [PEERS_OBSERVERS] = "observers'"};
    const char *name = names[port];
    if (status == ST_OK)
        LOG_INFO(e->parts.log, "ensemble", "listening on the %s port", name);
    else
        LOG_ERROR(e->parts.log, "ensemble", "the %s port cannot be opened, it is tried again: %s", name, message);
}

/* -- from the outbox ----------------------------------------------------------------------------------------------- */

/* Fed from the work of the next turn: nothing may be fed while the outbox is delivered. */
static void want_room(struct ensemble *e, uint64_t link)
{
    if (snapshot_room_want(&e->room, link) != ST_OK) {
        LOG_WARN(e->parts.log, "ensemble", "link %" PRIu64 ": no memory to send a snapshot: it is closed", link);
        peers_close(e->peers, link);
    }
    turn_again(e);
}

static bool has_room(void *context, uint64_t link)
{
    const struct ensemble *e = context;
    return peers_unsent(e->peers, link) <= e->unsent_mark;
}

/* The link that PEER_CONNECT makes has its number from here, which the replica hears when it is there. */
static void connect_to(struct ensemble *e, const struct peer_item *item)
{
    if ((item->to_master ? peers_observe : peers_connect)(e->peers, item->sid) == 0)
        LOG_ERROR(e->parts.log, "ensemble", "no memory for a link to server %" PRId64, item->sid);
}

static void update_config(struct ensemble *e)
{
    const struct zab *z = replica_zab(e->parts.replica);
    const struct members *committed = zab_committed(z);
    if (peers_update(e->peers, committed, zab_pending_config(z)) != ST_OK)
        LOG_ERROR(e->parts.log, "ensemble", "no memory for the addresses of the new configuration");
    if (committed->version == e->config_version)
        return;
    e->config_version = committed->version;
    LOG_INFO(e->parts.log, "ensemble",
             "the members are those of configuration %" PRIx64 ": %zu servers, %zu of them vote",
             (uint64_t)committed->version, committed->count, committed->voters);
    e->parts.configured(e->parts.context, committed);
}

static void on_peer_item(void *context, const struct peer_item *item, struct bytes bytes)
{
    struct ensemble *e = context;
    switch (item->kind) {
    case PEER_NOTIFY: peers_notify(e->peers, item->sid, bytes); break;
    case PEER_LISTEN: peers_listen(e->peers); break;
    case PEER_LISTEN_OBSERVERS: peers_listen_observers(e->peers); break;
    case PEER_UNLISTEN: peers_unlisten(e->peers); break;
    case PEER_CONNECT: connect_to(e, item); break;
    case PEER_BYTES: peers_send(e->peers, item->link, bytes); break;
    case PEER_FEED: peers_join_feed(e->peers, item->link); break;
    case PEER_FED_BYTES: peers_feed(e->peers, bytes); break;
    case PEER_ROOM: want_room(e, item->link); break;
    case PEER_READ_LOG: ensemble_read_log(e, item->link, &item->log); break;
    case PEER_CLOSE:
        snapshot_room_forget(&e->room, item->link);
        peers_close(e->peers, item->link);
        break;
    case PEER_HOLD: peers_hold(e->peers, item->link); break;
    case PEER_GO: peers_go(e->peers, item->link); break;
    case PEER_CLOSE_ALL:
        snapshot_room_forget_all(&e->room);
        e->spool_link = 0;
        held_links_forget(&e->observers);
        peers_unlisten(e->peers);
        peers_close_all(e->peers);
        break;
    case PEER_CONFIG: update_config(e); break;
    }
}

static void on_flush(void *context)
{
    struct ensemble *e = context;
    peers_flush(e->peers);
}

/* Those that may send the next piece of a snapshot do so; `writable`, or its time, brings the others back. */
static bool on_work(void *context)
{
    struct ensemble *e = context;
    uint64_t links[SNAPSHOT_ROOM_TURN];
    size_t count = snapshot_room_take(&e->room, persistence_handed_bytes(e->parts.persistence), has_room, links);
    for (size_t i = 0; i < count; i++) {
        size_t before = pump_waiting_bytes(e->pump);
        ensemble_feed(e, &(struct replica_event){.kind = REPLICA_LINK_ROOM, .link = links[i]});
        snapshot_room_spend(&e->room, pump_waiting_bytes(e->pump) - before);
    }
    return false;
}

/* -- start and stop ------------------------------------------------------------------------------------------------ */

static enum status join(struct ensemble *e, struct buffer *message)
{
    const struct ensemble_parts *parts = &e->parts;
    struct member_history history;
    struct zab_options options;
    enum status st = persistence_join(parts->persistence, parts->settings->db_autocreate, &history, message);
    if (st != ST_OK)
        return st;
    persistence_hold_checkpoints(parts->persistence, true);
    ensemble_zab_options(parts->settings, &options);
    options.seed = uv_hrtime() ^ (uint64_t)options.sid << 48;
    struct members *committed = NULL, *last_seen = NULL;
    st = members_copy(parts->settings->members, &committed);
    if (st == ST_OK && parts->settings->pending != NULL)
        st = members_copy(parts->settings->pending, &last_seen);
    /* A history that is not to be trusted is none: with a zxid the leader might build upon it. */
    const struct replica_past past = {history.accepted_epoch, history.current_epoch, history.stale ? -1 : history.zxid};
    if (st == ST_OK)
        st = replica_join(parts->replica, &options, committed, last_seen, &past);
    if (st != ST_OK) {
        members_free(committed);
        members_free(last_seen);
    }
    return st;
}

static enum status make_tls(struct ensemble *e, struct buffer *message)
{
    const struct ensemble_parts *parts = &e->parts;
    if (!ensemble_speaks_tls(parts->settings))
        return ST_OK;
    return tls_new(&e->tls, parts->settings, TLS_BETWEEN_SERVERS, parts->loop, parts->log, message);
}

static enum status make_peers(struct ensemble *e)
{
    struct peers_options options;
    const struct peers_parts parts = {
        e->parts.loop,
        e->parts.streams,
        e->parts.metrics,
        e->parts.log,
        e->tls,
        {e, on_listening, on_notification, on_accepted, on_connected, on_received, on_writable, on_closed}};
    ensemble_peers_options(e->parts.settings, &options);
    e->unsent_mark = options.unsent_mark;
    e->config_version = e->parts.settings->members->version;
    const struct zab *z = replica_zab(e->parts.replica);
    return peers_new(&e->peers, &parts, &options, zab_committed(z), zab_pending_config(z));
}

enum status ensemble_new(struct ensemble **out, const struct ensemble_parts *parts, struct buffer *message)
{
    struct ensemble *e = mem_calloc(1, sizeof *e);
    if (e == NULL)
        return ST_NO_MEMORY;
    e->parts = *parts;
    e->service = SERVICE_NONE;
    e->hooks = (struct pump_ensemble){e, on_peer_item, ensemble_job, on_stepped, on_flush, on_work};
    enum status st = make_tls(e, message); /* a store that cannot be used is told before anything is touched */
    if (st == ST_OK)
        st = join(e, message);
    if (st == ST_OK)
        st = make_peers(e);
    if (st != ST_OK) {
        tls_close(e->tls);
        mem_free(e);
        return st;
    }
    snapshot_room_open(&e->room, parts->loop, (uint64_t)parts->settings->snapshot_send_rate, turn_again, e);
    *out = e;
    return ST_OK;
}

const struct pump_ensemble *ensemble_hooks(const struct ensemble *e)
{
    return e == NULL ? NULL : &e->hooks;
}

static uint32_t awake_us(void *context)
{
    const struct ensemble *e = context;
    return replica_awaits_little(e->parts.replica) ? (uint32_t)e->parts.settings->loop_awake_us : 0;
}

void ensemble_open(struct ensemble *e, struct pump *pump, struct turns *turns)
{
    const struct turns_vigil vigil = {e, awake_us};
    e->pump = pump;
    e->turns = turns;
    turns_stay_awake(turns, &vigil);
    if (e->tls != NULL)
        tls_watch(e->tls);
    peers_open(e->peers);
}

void ensemble_reload(struct ensemble *e, const struct settings *settings)
{
    if (e != NULL && e->tls != NULL && tls_reload(e->tls, settings) != ST_OK)
        LOG_ERROR(e->parts.log, "tls", "TLS between servers stays as it was: the reload could not begin");
}

const struct peers *ensemble_peers(const struct ensemble *e)
{
    return e->peers;
}

static void on_all_closed(void *context)
{
    struct ensemble *e = context;
    tls_close(e->tls);
    held_links_forget(&e->observers);
    if (e->done != NULL)
        e->done(e->context);
    mem_free(e);
}

static void on_stopped(void *context)
{
    struct ensemble *e = context;
    snapshot_room_close(&e->room, on_all_closed);
}

void ensemble_close(struct ensemble *e, void (*done)(void *context), void *context)
{
    if (e == NULL) {
        if (done != NULL)
            done(context);
        return;
    }
    if (e->pump != NULL)
        pump_leave_ensemble(e->pump);
    if (e->turns != NULL)
        turns_stay_awake(e->turns, NULL);
    e->closing = true;
    e->done = done;
    e->context = context;
    peers_stop(e->peers, on_stopped, e);
}
