/* member.c - see member.h: steps, turns, and the life of a replica's process. */
#include "tests/sim/replica/member.h"

#include "core/base/check.h"
#include "core/base/mem.h"
#include "core/replica/status_report.h"
#include "tests/sim/ensemble.h"
#include "tests/sim/plan.h"
#include "tests/sim/replica/client.h"
#include "tests/sim/replica/mutate.h"
#include "tests/sim/replica/reference.h"
#include "tests/sim/replica/trace.h"

#include <inttypes.h>

/* The plan's limit is for the small entries of core/zab alone. */
enum {
    REAL_TXN_SIZE = 20,
    HISTORY_BYTES = 1 << 16,
    LONG_SESSION_MS = 3000, /* an election, and the time until its client calls again */
};

#define WALL_START_MS INT64_C(1700000000000)

/* -- steps --------------------------------------------------------------------------------------------------------- */

void replica_own_at(struct world *w, struct server *m, int64_t at_us, enum own_event event, uint64_t link)
{
    world_at(
        w, at_us,
        (struct happening){
            .kind = HAPPENS_OWN, .member = m->index, .what = m->life, .event = (int64_t)event, .zxid = (int64_t)link});
}

static void end_turn(struct world *w, struct server *m)
{
    struct replica_body *body = m->replica;
    body->turning = false;
    outbox_carry_out(w, m);
    outbox_reset(&body->out);
    body->log_seen = body->controls_seen = body->peers_seen = 0;
}

void replica_feed(struct world *w, struct server *m, struct replica_event event)
{
    struct replica_body *body = m->replica;
    const struct replicas *all = w->replicas;
    event.now_us = world_own_us(w, m);
    event.wall_ms = WALL_START_MS + w->now_us / SIM_MILLISECOND;
    w->steps++;
    trace_replica_event(w, m, &event);
    CHECK(replica_step(body->r, &event, &body->out) == ST_OK);
    if (event.kind == REPLICA_LINK_BYTES && body->out.consumed > 0)
        observe_taken(w, m, event.link, port_link(m, event.link), bytes_make(event.frame.data, body->out.consumed));
    observe_step(w, m);
    outbox_show_controls(w, m);
    world_wake(w, m, body->out.wake_us);
    if (body->turning)
        return;
    body->turning = true;
    if (all->turn_us == 0)
        end_turn(w, m);
    else
        replica_own_at(w, m, w->now_us + world_about(w, all->turn_us), OWN_TURN, 0);
}

static void tick(struct world *w, struct server *m)
{
    if (m->loading)
        return;
    mutate_tick(w, m);
    replica_feed(w, m, (struct replica_event){.kind = REPLICA_TICK});
}

static void note(struct world *w, struct server *m, int64_t sid, struct bytes bytes)
{
    if (!m->loading)
        replica_feed(w, m, (struct replica_event){.kind = REPLICA_NOTIFICATION, .sid = sid, .frame = bytes});
}

static void news(struct world *w, struct server *m, enum disk_news news, int64_t zxid)
{
    static const enum replica_event_kind kinds[] = {
        [NEWS_FULL] = REPLICA_LOG_FULL,
        [NEWS_ROOM] = REPLICA_LOG_ROOM,
        [NEWS_FAILED] = REPLICA_LOG_FAILED,
        [NEWS_LOGGED] = REPLICA_LOGGED,
    };
    if (m->loading)
        return;
    replica_feed(w, m, (struct replica_event){.kind = kinds[news], .zxid = zxid});
    const int64_t own_ms = m->shown_us / SIM_MILLISECOND;
    if (news == NEWS_ROOM && m->replica->patient_ms < own_ms) /* all have their full time-out again */
        m->replica->patient_ms = own_ms;
}

/* -- the disk ------------------------------------------------------------------------------------------------------ */

static void tell_stored(struct world *w, struct server *m, const struct disk_op *op, bool done)
{
    struct replica_event event = {.kind = done ? REPLICA_STORED : REPLICA_STORE_REFUSED, .ticket = op->ticket};
    struct database database = {0};
    if (done && (op->kind == DISK_TRUNCATE || op->kind == DISK_RELOAD)) {
        database_load(w, &m->disk, &database);
        event.tree = database.tree;
        event.sessions = database.sessions;
        event.zxid = database.last_zxid;
        disk_read(&m->disk, &m->tree);
        m->replica->tree = event.tree;
        m->replica->ahead.count = 0;
    }
    replica_feed(w, m, event);
}

static void stored(struct world *w, struct server *m, const struct disk_op *op, bool done, bool last)
{
    if (m->loading)
        return;
    switch (op->kind) {
    case DISK_LOG:
        if (done && last)
            replica_feed(w, m, (struct replica_event){.kind = REPLICA_LOGGED, .zxid = op->number});
        break;
    case DISK_SPOOL:
    case DISK_CONFIG:
    case DISK_LAST_SEEN:
    case DISK_DROP: break; /* nobody wants to know */
    default: tell_stored(w, m, op, done); break;
    }
}

/* The replica knows by itself when it may go on. */
static void drained(struct world *w, struct server *m)
{
    (void)w, (void)m;
}

static void checkpoint(struct world *w, struct server *m)
{
    if (!m->up || m->loading || replica_service(m->replica->r) == SERVICE_NONE)
        return;
    /* Not before the log has all that would be in it (design 4.6). */
    if (history_last(&m->tree) <= disk_zxid(&m->disk) && disk_checkpoint(w, &m->disk, m->tree.label))
        database_keep(w, m);
}

/* -- its life ------------------------------------------------------------------------------------------------------ */

static void say(void *context, enum log_level level, const char *area, const char *text)
{
    const struct replica_body *body = context;
    world_trace(body->w, body->m, "  %s: %s: %s", log_level_name(level), area, text);
}

static void replica_options_of(const struct world *w, const struct server *m, struct replica_options *options)
{
    const struct plan *p = &w->plan;
    *options = (struct replica_options){
        .hash_key = {1, 2},
        .server_id = m->sid,
        .tick_ms = p->tick_ms,
        .session_timeout_ms_min = 2 * p->tick_ms,
        .session_timeout_ms_max = w->replicas->session_ticks_max * p->tick_ms,
        .txn_bytes_max = 1 << 20,
        .packet_bytes_max = 1 << 20,
        .relayed_max = 1 << 16,
        .outstanding_per_client_max = 8,
        .local_sessions = p->local_sessions,
        .local_sessions_upgrading = p->local_sessions && p->upgrades,
        .read_only = p->read_only,
        .password_key = {(uint8_t)m->sid, (uint8_t)(m->life % 251), 1},
        .extended_types = true,
        .reconfig_enabled = p->reconfigs,
        .skip_acl = p->reconfigs, /* only a super user may change the members */
        .close_session_txn = true,
        .digest_enabled = true,
        .log_digests = true,
        .digest_algorithm = "SHA1",
        .resync_interval_ms = 1000,
        .container_check_ms = 8 * (int64_t)p->tick_ms,
        .container_per_minute_max = 1000,
    };
}

static void start(struct world *w, struct server *m)
{
    struct replica_body *body = mem_calloc(1, sizeof *body);
    CHECK(body != NULL);
    body->w = w;
    body->m = m;
    body->log = (struct log_sink){w->trace != NULL ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR, say, body};
    outbox_init(&body->out);
    m->replica = body;
}

static void join(struct world *w, struct server *m, const struct replica_past *past)
{
    struct plan_member member = plan_member(w, m);
    member.options.pending_bytes_max *= REAL_TXN_SIZE;
    CHECK(replica_join(m->replica->r, &member.options, member.committed, member.last_seen, past) == ST_OK);
}

static void loaded(struct world *w, struct server *m)
{
    struct replica_body *body = m->replica;
    const struct disk *d = &m->disk;
    struct replica_options options;
    struct database database;
    database_load(w, d, &database);
    replica_options_of(w, m, &options);
    body->r = replica_new(&options, database.tree, database.sessions, database.last_zxid, w->replicas->metrics,
                          &body->log);
    CHECK(body->r != NULL);
    body->history = changes_new(&options.hash_key, HISTORY_BYTES);
    CHECK(body->history != NULL);
    changes_begin(body->history, database.last_zxid);
    replica_remember(body->r, body->history);
    body->tree = database.tree;
    body->config_version = -1;
    join(w, m, &(struct replica_past){d->accepted_epoch, d->current_epoch, disk_zxid(d)});
    replica_feed(w, m, (struct replica_event){.kind = REPLICA_START});
    if (d->full_until_us > w->now_us)
        news(w, m, NEWS_FULL, 0);
}

static void stop(struct world *w, struct server *m)
{
    (void)w;
    struct replica_body *body = m->replica;
    if (body == NULL)
        return;
    port_forget_all(m);
    m->replica = NULL;
    replica_free(body->r);
    outbox_free(&body->out);
    history_free(&body->ahead);
    history_free(&body->taken);
    map64_free(&body->heard);
    map64_free(&body->seen);
    mem_free(body);
}

static void own(struct world *w, const struct happening *h)
{
    struct server *m = &w->servers[h->member];
    uint64_t link = (uint64_t)h->zxid;
    if (m->life != h->what || m->loading)
        return;
    if (w->stopped_until_us[m->index] > w->now_us) {
        world_at(w, w->stopped_until_us[m->index], *h);
        return;
    }
    switch ((enum own_event)h->event) {
    case OWN_TURN: end_turn(w, m); break;
    case OWN_ROOM:
        if (port_link(m, link) != NULL)
            replica_feed(w, m, (struct replica_event){.kind = REPLICA_LINK_ROOM, .link = link});
        break;
    case OWN_OFFER: port_offer(w, m, link); break;
    case OWN_READ: port_read_log(w, m, link); break;
    case OWN_GONE: replica_feed(w, m, (struct replica_event){.kind = REPLICA_DISCONNECTED, .client = link}); break;
    }
}

/* -- the machine --------------------------------------------------------------------------------------------------- */

static void begin(struct world *w)
{
    struct replicas *all = mem_calloc(1, sizeof *all);
    CHECK(all != NULL);
    w->replicas = all;
    all->metrics = metrics_new(KEYED_MAX);
    CHECK(all->metrics != NULL);
    all->session_ticks_max = 6 + (int32_t)random_below(&w->random, 14);
    if (replicas_are_short_of_zxids(w))
        all->session_ticks_max += LONG_SESSION_MS / w->plan.tick_ms;
    all->turn_us = world_chance(w, 2) ? 0 : 50 + random_below(&w->random, 1000);
    all->reference = reference_new(w);
    all->clients = clients_new(w);
}

static void free_histories(struct map64 *histories)
{
    MAP64_FOR_EACH(slot, histories)
    {
        history_free(slot->value);
        mem_free(slot->value);
    }
    map64_free(histories);
}

static void end(struct world *w)
{
    struct replicas *all = w->replicas;
    clients_free(all->clients);
    reference_free(all->reference);
    free_histories(&all->snapshots);
    map64_free(&all->epochs);
    database_free(all);
    metrics_free(all->metrics);
    mem_free(all);
    w->replicas = NULL;
}

static const struct zab *zab_of(const struct server *m)
{
    return m->replica == NULL || m->replica->r == NULL ? NULL : replica_zab(m->replica->r);
}

/* Nobody waits for anything, neither clients nor replicas. */
static bool settled(const struct world *w)
{
    for (unsigned i = 0; i < w->count; i++) {
        struct replica_status status;
        if (!ensemble_has(w, &w->servers[i]))
            continue;
        replica_status(w->servers[i].replica->r, &status);
        if (status.outstanding > 0 || status.in_flight > 0)
            return false;
    }
    return clients_settled(w);
}

static void describe(const struct world *w, char *text, size_t size)
{
    size_t used = 0;
    for (unsigned i = 0; i < w->count && used < size; i++) {
        struct replica_status status = {0};
        if (zab_of(&w->servers[i]) != NULL)
            replica_status(w->servers[i].replica->r, &status);
        int n = snprintf(text + used, size - used, " %" PRId64 " outstanding %" PRIu64 "/in flight %" PRIu64,
                         w->servers[i].sid, status.outstanding, status.in_flight);
        used += n > 0 ? (size_t)n : 0;
    }
    if (used < size)
        clients_describe(w, text + used, size - used);
}

const struct machine replica_machine = {
    .name = "replica",
    MACHINE_LIFE,
    .ports = replica_ports,
    .client = clients_happen,
    .own = own,
    .write = clients_write,
    .committed = reference_commit,
    .settled = settled,
    .describe = describe,
    .check_end = reference_check_end,
    .farewell = clients_farewell,
};
