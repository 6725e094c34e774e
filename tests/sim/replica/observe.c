/* observe.c - what a step of a replica has brought, looked at from outside: txns that it logs and applies, its role,
 * its tree's digest, and whom a leader has heard. */
#include "core/base/check.h"
#include "core/base/mem.h"
#include "core/jute/txn.h"
#include "core/zab/request.h"
#include "tests/sim/checks/remembered.h"
#include "tests/sim/checks/sessions.h"
#include "tests/sim/checks/zab.h"
#include "tests/sim/ensemble.h"
#include "tests/sim/mutants.h"
#include "tests/sim/replica/client.h"
#include "tests/sim/replica/member.h"
#include "tests/sim/replica/reference.h"

#include <inttypes.h>

enum { DATA_MAX = 1 << 20 };

/* -- txns ---------------------------------------------------------------------------------------------------------- */

struct logging {
    struct world *w;
    struct server *m;
};

static bool leads(const struct server *m)
{
    return replica_service(m->replica->r) == SERVICE_LEADING;
}

/* One that has left in this very step proposed what it logged, too. */
static bool has_led(const struct server *m)
{
    return leads(m) || (m->role == ZAB_LEADING && m->phase == ZAB_BROADCAST);
}

static struct members *config_of(const struct txn *txn)
{
    struct set_data_txn record;
    struct reader reader = reader_of(txn->record);
    if (txn->header.type != TXN_RECONFIG)
        return NULL;
    CHECK(set_data_txn_read(&reader, &record) == ST_OK);
    return ensemble_parse(record.data);
}

/* What a leader logs is what it proposes. */
static void see_record(void *context, int64_t zxid, struct bytes entry)
{
    const struct logging *l = context;
    struct txn txn;
    const struct txn_ref t = {zxid, database_entry_id(l->w, zxid, entry)};
    CHECK(txn_decode(entry, &txn) == ST_OK);
    if (has_led(l->m))
        check_proposed(l->w, l->m, t, config_of(&txn));
    if (has_led(l->m) && !l->m->replica->held)
        check_session_proposal(l->w, l->m, &txn);
    history_append(&l->m->replica->ahead, t);
}

static void see_log(struct world *w, struct server *m)
{
    struct replica_body *body = m->replica;
    const struct buffer *log = &body->out.log;
    if (log->len > body->log_seen)
        database_each_record(bytes_make(log->data + body->log_seen, log->len - body->log_seen), see_record,
                             &(struct logging){w, m});
    body->log_seen = log->len;
}

/* A tree that is another one came in a snapshot: it holds what the leader's held when it was sent. */
static void see_tree(struct world *w, struct server *m)
{
    struct replica_body *body = m->replica;
    if (replica_tree(body->r) == body->tree)
        return;
    body->tree = replica_tree(body->r);
    MAP64_FOR_EACH(slot, &body->links)
    {
        const struct history *sent = map64_get(&w->replicas->snapshots, slot->key / 2);
        struct peer_link *link = slot->value;
        if (sent == NULL || !link->took)
            continue;
        link->took = false;
        history_copy(&m->tree, sent);
        history_copy(&body->taken, sent);
        body->ahead.count = 0;
        mark(w, MARK_SNAPSHOT_TAKEN);
        if (mutant_is(w, MUTANT_REMEMBERED_TOO_SOON))
            changes_begin(body->history, replica_last_zxid(body->r));
        return;
    }
    world_fail(w, "member %" PRId64 " has another tree, and was sent none", m->sid);
}

static void see_applied(struct world *w, struct server *m, int64_t zxid)
{
    struct replica_body *body = m->replica;
    size_t count = 0;
    while (count < body->ahead.count && body->ahead.items[count].zxid <= zxid)
        check_committed(w, m, body->ahead.items[count++]);
    if (count > 0)
        memmove(body->ahead.items, body->ahead.items + count, (body->ahead.count - count) * sizeof *body->ahead.items);
    body->ahead.count -= count;
}

static bool is_commit(int32_t type)
{
    return type == PACKET_COMMIT || type == PACKET_INFORM || type == PACKET_COMMIT_AND_ACTIVATE ||
           type == PACKET_INFORM_AND_ACTIVATE;
}

/* Calls `fn` for each packet that stands in the outbox from that item on; a snapshot's stream is none. */
static void each_sent(struct server *m, size_t from,
                      void (*fn)(void *context, uint64_t link, const struct packet *packet), void *context)
{
    const struct outbox *out = &m->replica->out;
    for (size_t i = from; i < out->peer_count; i++) {
        const struct peer_item *item = &out->peers[i];
        const struct peer_link *at = item->kind == PEER_BYTES ? port_link(m, item->link) : NULL;
        struct bytes bytes = bytes_make(out->bytes.data + item->offset, item->len);
        bool packets = item->kind == PEER_FED_BYTES || (at != NULL && !at->giving);
        struct packet packet;
        size_t used = 0;
        while (packets && packet_decode(bytes, DATA_MAX, &packet, &used) == ST_OK) {
            fn(context, item->link, &packet);
            packets = packet.type != PACKET_SNAP;
            bytes = bytes_from(bytes, used);
        }
    }
}

static void see_commit(void *context, uint64_t link, const struct packet *packet)
{
    int64_t *zxid = context;
    (void)link;
    if (is_commit(packet->type) && packet->zxid > *zxid)
        *zxid = packet->zxid;
}

/* The last one that the leader tells others to commit, or that has made the configuration which it knows to be
 * committed. Applied may be more, when it has left in the same step. */
static int64_t told_to_commit(struct server *m)
{
    int64_t zxid = zab_committed(replica_zab(m->replica->r))->version;
    each_sent(m, 0, see_commit, &zxid);
    return zxid;
}

/* -- roles --------------------------------------------------------------------------------------------------------- */

static void leave(struct server *m)
{
    m->replica->looked_ms = 0;
    m->told_epoch = -1;
    m->agreed = 0;
    map64_free(&m->replica->heard);
    map64_free(&m->replica->seen);
    m->replica->heard = m->replica->seen = (struct map64){0};
}

static void see_role(struct world *w, struct server *m)
{
    const struct zab *z = replica_zab(m->replica->r);
    enum zab_role role = zab_role(z);
    enum zab_phase phase = zab_phase(z);
    if (role == m->role && phase == m->phase && zab_epoch(z) == m->epoch)
        return;
    if (role != m->role || phase < m->phase) /* it may be in the next role already */
        leave(m);
    m->claims = role == ZAB_LOOKING && phase == ZAB_ELECTION;
    if (role == ZAB_LEADING && phase == ZAB_BROADCAST && m->phase != ZAB_BROADCAST) /* and not only another epoch */
        m->replica->leading_ms = m->shown_us / SIM_MILLISECOND;
    check_role(w, m, role, phase, zab_epoch(z));
}

static void see_closing(void *context, const struct session *session)
{
    if (session->closing)
        (void)clients_closes(context, session->id, 0);
}

/* What is held has been decided, and is logged later or never. */
static void see_held(struct world *w, struct server *m)
{
    struct replica_body *body = m->replica;
    body->held = zab_is_renewing(replica_zab(body->r));
    if (body->held)
        sessions_each(replica_sessions(body->r), see_closing, w);
}

struct telling {
    struct world *w;
    struct server *m;
};

/* Its answer to the leader's PING tells of all that it has heard since the one before. */
static void see_answer(void *context, uint64_t link, const struct packet *packet)
{
    const struct telling *t = context;
    if (packet->type != PACKET_PING || link == 0 || link != zab_leader_link(replica_zab(t->m->replica->r)))
        return;
    check_touches(t->w, t->m, packet->data);
    map64_free(&t->m->replica->heard);
    t->m->replica->heard = (struct map64){0};
}

static void see_sessions(struct world *w, struct server *m)
{
    struct replica_body *body = m->replica;
    if (replica_service(body->r) == SERVICE_LEARNING)
        each_sent(m, body->peers_seen, see_answer, &(struct telling){w, m});
    body->peers_seen = body->out.peer_count;
    check_overdue(w, m);
}

static void see_uptodate(void *context, uint64_t link, const struct packet *packet)
{
    bool *told = context;
    (void)link;
    *told = *told || packet->type == PACKET_UPTODATE;
}

/* It has begun to lead and has left, or names another leader, all in one step: nobody is served, but what it holds is
 * committed. */
static void see_led(struct world *w, struct server *m)
{
    const struct zab *z = replica_zab(m->replica->r);
    const int64_t version = zab_committed(z)->version;
    bool led = version != m->replica->config_version && zab_role(z) == ZAB_LEADING &&
               zab_phase(z) == ZAB_SYNCHRONIZATION;
    m->replica->config_version = version;
    if (m->role != ZAB_LEADING || m->phase != ZAB_SYNCHRONIZATION)
        return;
    if (zab_role(z) == ZAB_LOOKING)
        each_sent(m, 0, see_uptodate, &led);
    if (!led)
        return;
    m->epoch = zab_epoch(z);
    check_leads(w, m);
}

void observe_step(struct world *w, struct server *m)
{
    see_tree(w, m);
    if (leads(m) && m->phase != ZAB_BROADCAST)
        see_role(w, m); /* what it logs from now on are its proposals */
    see_log(w, m);
    if (has_led(m) && !leads(m))
        see_applied(w, m, told_to_commit(m));
    see_led(w, m);
    see_role(w, m);
    see_applied(w, m, replica_last_zxid(m->replica->r));
    see_sessions(w, m);
    reference_compare(w, m);
    check_remembered(w, m);
    see_held(w, m);
}

/* -- what comes in on links -----------------------------------------------------------------------------------------
 */

static void note_time(const struct server *m, struct map64 *times, int64_t session)
{
    int64_t ms = m->shown_us / SIM_MILLISECOND;
    CHECK(map64_put(times, (uint64_t)session, (void *)(uintptr_t)(ms + 1)) == ST_OK);
}

static void heard(struct server *m, int64_t session)
{
    note_time(m, &m->replica->heard, session);
}

/* What a leader hears from its learners, and a follower from the observers that it takes; that one hands a REVALIDATE
 * on as it is. A touch of a session whose createSession is not committed here yet is nothing to either: its time begins
 * with the commit. */
static void see_touches(struct server *m, const struct packet *packet)
{
    struct reader at;
    struct touch touch;
    if (leads(m) && packet->type == PACKET_REVALIDATE && revalidate_decode(packet->data, &touch) == ST_OK)
        heard(m, touch.session_id);
    if (packet->type == PACKET_PING && touches_begin(packet->data, &at) == ST_OK)
        while (touches_next(&at, &touch))
            if (sessions_get(replica_sessions(m->replica->r), touch.session_id) != NULL)
                heard(m, touch.session_id);
}

static void see_packet(struct server *m, struct peer_link *at, bool is_from_learner, const struct packet *packet)
{
    if (packet->type == PACKET_LEADERINFO)
        m->told_epoch = (int64_t)((uint64_t)packet->zxid >> 32);
    if (packet->type == PACKET_SNAP)
        at->taking = true;
    if (is_from_learner)
        see_touches(m, packet);
}

void observe_taken(struct world *w, struct server *m, uint64_t link, struct peer_link *at, struct bytes bytes)
{
    (void)w;
    while (at != NULL && bytes.len > 0) {
        struct packet packet;
        size_t used = bytes.len;
        if (at->taking) {
            at->took = port_snapshot_ends(at, bytes, &used);
            at->taking = !at->took;
        } else {
            CHECK(packet_decode(bytes, DATA_MAX, &packet, &used) == ST_OK);
            see_packet(m, at, link % 2 == 1, &packet);
        }
        bytes = bytes_from(bytes, used);
    }
}

/* Of a connection that the replica has not closed yet; and no local session. */
static bool is_taken(const struct server *m, uint64_t link, int64_t id)
{
    const struct session *session = sessions_get(replica_sessions(m->replica->r), id);
    return session != NULL && session->client == link && replica_service(m->replica->r) != SERVICE_NONE;
}

/* Of a client that says whose session it has, and may be gone by now. */
static int64_t greeting_of(struct bytes frame)
{
    struct reader reader = reader_of(frame);
    struct connect_request request;
    return connect_request_read(&reader, &request) == ST_OK ? request.session_id : 0;
}

void observe_frame(struct world *w, struct server *m, uint64_t link, struct bytes frame)
{
    const int64_t session = clients_session(w, link), greets = session == 0 && leads(m) ? greeting_of(frame) : 0;
    /* It may be sent away; or its time-out begins anew. */
    if (greets != 0 && sessions_get(replica_sessions(m->replica->r), greets) != NULL)
        note_time(m, &m->replica->seen, greets);
    if (session != 0 && is_taken(m, link, session))
        heard(m, session);
}
