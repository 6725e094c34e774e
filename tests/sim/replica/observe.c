/* observe.c - what a step of a replica has brought, looked at from outside: txns that it logs and applies, its role,
 * its tree's digest, and whom a leader has heard. */
#include "core/base/check.h"
#include "core/base/mem.h"
#include "core/jute/txn.h"
#include "core/zab/request.h"
#include "tests/sim/checks/sessions.h"
#include "tests/sim/checks/zab.h"
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

/* What a leader logs is what it proposes. */
static void see_record(void *context, int64_t zxid, struct bytes entry)
{
    const struct logging *l = context;
    struct txn txn;
    const struct txn_ref t = {zxid, database_entry_id(l->w, zxid, entry)};
    CHECK(txn_decode(entry, &txn) == ST_OK);
    if (has_led(l->m))
        check_proposed(l->w, l->m, t);
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

/* The last one that the leader tells others to commit. Applied may be more, when it has left in the same step. */
static int64_t told_to_commit(const struct outbox *out)
{
    int64_t zxid = 0;
    for (size_t i = 0; i < out->peer_count; i++) {
        struct bytes bytes = bytes_make(out->bytes.data + out->peers[i].offset, out->peers[i].len);
        bool packets = out->peers[i].kind == PEER_BYTES || out->peers[i].kind == PEER_FED_BYTES;
        struct packet packet;
        size_t used = 0;
        int64_t told = 0;
        for (; packets && packet_decode(bytes, DATA_MAX, &packet, &used) == ST_OK; bytes = bytes_from(bytes, used))
            if ((packet.type == PACKET_COMMIT || packet.type == PACKET_INFORM) && packet.zxid > told)
                told = packet.zxid;
        if (bytes.len == 0 && told > zxid) /* and no part of a snapshot */
            zxid = told;
    }
    return zxid;
}

/* -- roles --------------------------------------------------------------------------------------------------------- */

static void leave(struct server *m)
{
    m->told_epoch = -1;
    m->agreed = 0;
    map64_free(&m->replica->heard);
    m->replica->heard = (struct map64){0};
}

static void see_role(struct world *w, struct server *m)
{
    const struct zab *z = replica_zab(m->replica->r);
    enum zab_role role = zab_role(z);
    enum zab_phase phase = zab_phase(z);
    if (role == m->role && phase == m->phase && zab_epoch(z) == m->epoch)
        return;
    if (m->role != ZAB_LOOKING && role == ZAB_LOOKING)
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

void observe_step(struct world *w, struct server *m)
{
    see_tree(w, m);
    if (leads(m) && m->phase != ZAB_BROADCAST)
        see_role(w, m); /* what it logs from now on are its proposals */
    see_log(w, m);
    if (has_led(m) && !leads(m))
        see_applied(w, m, told_to_commit(&m->replica->out));
    see_role(w, m);
    see_applied(w, m, replica_last_zxid(m->replica->r));
    reference_compare(w, m);
    see_held(w, m);
}

/* -- what comes in on links -----------------------------------------------------------------------------------------
 */

static void heard(struct server *m, int64_t session)
{
    int64_t ms = m->shown_us / SIM_MILLISECOND;
    CHECK(map64_put(&m->replica->heard, (uint64_t)session, (void *)(uintptr_t)(ms + 1)) == ST_OK);
}

static void see_touches(struct server *m, const struct packet *packet)
{
    struct reader at;
    struct touch touch;
    if (packet->type == PACKET_REVALIDATE && revalidate_decode(packet->data, &touch) == ST_OK)
        heard(m, touch.session_id);
    if (packet->type == PACKET_PING && touches_begin(packet->data, &at) == ST_OK)
        while (touches_next(&at, &touch))
            heard(m, touch.session_id);
}

static void see_packet(struct server *m, struct peer_link *at, const struct packet *packet)
{
    if (packet->type == PACKET_LEADERINFO)
        m->told_epoch = (int64_t)((uint64_t)packet->zxid >> 32);
    if (packet->type == PACKET_SNAP)
        at->taking = true;
    if (leads(m))
        see_touches(m, packet);
}

void observe_taken(struct world *w, struct server *m, uint64_t link, struct peer_link *at, struct bytes bytes)
{
    (void)w, (void)link;
    while (at != NULL && bytes.len > 0) {
        struct packet packet;
        size_t used = bytes.len;
        if (at->taking) {
            at->took = port_snapshot_ends(at, bytes, &used);
            at->taking = !at->took;
        } else {
            CHECK(packet_decode(bytes, DATA_MAX, &packet, &used) == ST_OK);
            see_packet(m, at, &packet);
        }
        bytes = bytes_from(bytes, used);
    }
}

void observe_frame(struct world *w, struct server *m, uint64_t link)
{
    int64_t session = clients_session(w, link);
    if (leads(m) && session != 0)
        heard(m, session);
}
