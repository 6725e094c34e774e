/* shell.c - what the agent does around core/zab: it carries out effects, here on simulated disks and links. */
#include "core/base/check.h"
#include "tests/sim/checks/zab.h"
#include "tests/sim/ensemble.h"
#include "tests/sim/mutants.h"
#include "tests/sim/zab/member.h"
#include "tests/sim/zab/trace.h"

#include <inttypes.h>

typedef void carry_fn(struct world *w, struct server *m, const struct zab_effect *e, struct bytes bytes);

/* In an election it tells the vote with which the one before has ended. */
static void notify_stale(struct world *w, struct server *m, int64_t sid, struct bytes bytes)
{
    struct buffer frame = {0};
    struct writer writer = writer_to(&frame);
    struct notification n;
    CHECK(notification_decode(bytes, &n) == ST_OK);
    if (n.state == SERVER_LOOKING && m->zab->stale.leader != 0)
        n.vote = m->zab->stale;
    m->zab->told = n.vote;
    notification_encode(&writer, &n);
    CHECK(writer.status == ST_OK);
    net_notify(w, m, sid, buffer_bytes(&frame));
    buffer_free(&frame);
}

static void carry_notify(struct world *w, struct server *m, const struct zab_effect *e, struct bytes bytes)
{
    check_notified(w, m, bytes);
    if (mutant_is(w, MUTANT_VOTE_STALE))
        notify_stale(w, m, e->sid, bytes);
    else
        net_notify(w, m, e->sid, bytes);
}

static void carry_listen(struct world *w, struct server *m, const struct zab_effect *e, struct bytes bytes)
{
    (void)w, (void)bytes;
    m->listening = e->kind == ZAB_LISTEN;
    m->takes_observers = e->kind == ZAB_LISTEN_OBSERVERS;
}

static void carry_connect(struct world *w, struct server *m, const struct zab_effect *e, struct bytes bytes)
{
    (void)bytes;
    struct server *leader = world_member(w, e->sid);
    if (leader == NULL || leader == m)
        world_fail(w, "member %" PRId64 " would connect to %" PRId64, m->sid, e->sid);
    else
        (void)net_dial(w, m->index, leader, e->to_master ? PORT_OBSERVERS : PORT_QUORUM);
}

static void carry_send(struct world *w, struct server *m, const struct zab_effect *e, struct bytes bytes)
{
    ports_send(w, m, e->link, bytes);
}

static void carry_feed(struct world *w, struct server *m, const struct zab_effect *e, struct bytes bytes)
{
    (void)bytes;
    ports_feed(w, m, e->link);
}

static void carry_send_fed(struct world *w, struct server *m, const struct zab_effect *e, struct bytes bytes)
{
    (void)e;
    ports_send_fed(w, m, bytes);
}

static void carry_close(struct world *w, struct server *m, const struct zab_effect *e, struct bytes bytes)
{
    (void)bytes;
    ports_close(w, m, e->link);
}

static void carry_hold(struct world *w, struct server *m, const struct zab_effect *e, struct bytes bytes)
{
    (void)bytes;
    net_hold(w, m->index, e->link, e->kind == ZAB_HOLD);
}

/* The layer above answers the leader's PING with the sessions it has heard: here there are none. */
static void carry_pass(struct world *w, struct server *m, const struct zab_effect *e, struct bytes bytes)
{
    (void)bytes;
    if (e->packet_type != PACKET_PING || e->link != zab_leader_link(m->zab->z))
        return;
    if (m->phase != ZAB_BROADCAST)
        world_fail(w, "member %" PRId64 " would answer a PING before it is synchronized", m->sid);
    struct buffer out = {0};
    struct writer writer = writer_to(&out);
    const struct packet pong = {
        .type = PACKET_PING, .zxid = e->zxid, .data = BYTES(""), .authinfo = {.count = -1, .raw = BYTES_NULL}};
    packet_encode(&writer, &pong);
    CHECK(writer.status == ST_OK);
    ports_send(w, m, e->link, buffer_bytes(&out));
    buffer_free(&out);
}

static void carry_take_snapshot(struct world *w, struct server *m, const struct zab_effect *e, struct bytes bytes)
{
    (void)bytes;
    ports_take_snapshot(w, m, e->link, e->zxid);
}

static void carry_send_snapshot(struct world *w, struct server *m, const struct zab_effect *e, struct bytes bytes)
{
    (void)bytes;
    ports_send_snapshot(w, m, e->link, e->zxid);
}

static void carry_read_log(struct world *w, struct server *m, const struct zab_effect *e, struct bytes bytes)
{
    (void)bytes;
    ports_ask_log(w, m, e->link, e->zxid);
}

static void carry_disk(struct world *w, struct server *m, const struct zab_effect *e, struct bytes bytes)
{
    static const enum disk_op_kind kinds[] = {
        [ZAB_LOG] = DISK_LOG,
        [ZAB_STORE_ACCEPTED] = DISK_ACCEPTED,
        [ZAB_STORE_CURRENT] = DISK_CURRENT,
        [ZAB_TRUNCATE] = DISK_TRUNCATE,
        [ZAB_KEEP_SNAPSHOT] = DISK_KEEP,
        [ZAB_STORE_CONFIG] = DISK_CONFIG,
        [ZAB_STORE_LAST_SEEN] = DISK_LAST_SEEN,
    };
    struct disk_op op = {.kind = kinds[e->kind], .ticket = e->ticket, .number = e->zxid};
    if (op.kind == DISK_ACCEPTED || op.kind == DISK_CURRENT)
        op.number = e->epoch;
    if (op.kind == DISK_LOG)
        op.id = workload_entry_id(w, e->zxid, bytes);
    if (op.kind == DISK_KEEP) {
        history_copy(&op.content, &m->tree);
        op.content.label = m->zab->taken_zxid;
    }
    if (op.kind == DISK_CONFIG || op.kind == DISK_LAST_SEEN)
        CHECK(buffer_append(&op.bytes, bytes.data, bytes.len) == ST_OK);
    disk_ask(w, m, op);
}

static void carry_committed(struct world *w, struct server *m, const struct zab_effect *e, struct bytes bytes)
{
    check_committed(w, m, (struct txn_ref){e->zxid, workload_entry_id(w, e->zxid, bytes)});
}

static void carry_role(struct world *w, struct server *m, const struct zab_effect *e, struct bytes bytes)
{
    (void)bytes;
    check_role(w, m, e->role, e->phase, e->epoch);
}

static bool at_last_zxid(const struct world *w, const struct server *m)
{
    return (m->tree.label & 0xffffffff) >= w->plan.zxid_counter_max - 1;
}

static void carry_renewed(struct world *w, struct server *m, const struct zab_effect *e, struct bytes bytes)
{
    (void)bytes;
    check_role(w, m, m->role, m->phase, e->epoch);
}

static void carry_leave(struct world *w, struct server *m, const struct zab_effect *e, struct bytes bytes)
{
    (void)e;
    if (bytes_equal(bytes, BYTES("a member has promised a later epoch")))
        mark(w, MARK_PROMISE_TOO_HIGH);
    if (m->role == ZAB_LEADING && m->phase == ZAB_BROADCAST && at_last_zxid(w, m))
        mark(w, MARK_ROLLED_OVER);
    member_left(w, m);
}

static void carry_config(struct world *w, struct server *m, const struct zab_effect *e, struct bytes bytes)
{
    (void)e, (void)bytes;
    ensemble_told(w, m);
    if (m->role != ZAB_LEADING || m->phase != ZAB_SYNCHRONIZATION)
        return;
    m->epoch = zab_epoch(m->zab->z);
    check_leads(w, m);
}

static void carry_nothing(struct world *w, struct server *m, const struct zab_effect *e, struct bytes bytes)
{
    (void)w, (void)m, (void)e, (void)bytes;
}

static carry_fn *const carry[] = {
    [ZAB_NOTIFY] = carry_notify,
    [ZAB_LISTEN] = carry_listen,
    [ZAB_LISTEN_OBSERVERS] = carry_listen,
    [ZAB_UNLISTEN] = carry_listen,
    [ZAB_CONNECT] = carry_connect,
    [ZAB_SEND] = carry_send,
    [ZAB_FEED] = carry_feed,
    [ZAB_SEND_FED] = carry_send_fed,
    [ZAB_CLOSE] = carry_close,
    [ZAB_HOLD] = carry_hold,
    [ZAB_GO] = carry_hold,
    [ZAB_PASS] = carry_pass,
    [ZAB_TAKE_SNAPSHOT] = carry_take_snapshot,
    [ZAB_SEND_SNAPSHOT] = carry_send_snapshot,
    [ZAB_READ_LOG] = carry_read_log,
    [ZAB_LOG] = carry_disk,
    [ZAB_STORE_ACCEPTED] = carry_disk,
    [ZAB_STORE_CURRENT] = carry_disk,
    [ZAB_TRUNCATE] = carry_disk,
    [ZAB_KEEP_SNAPSHOT] = carry_disk,
    [ZAB_STORE_CONFIG] = carry_disk,
    [ZAB_STORE_LAST_SEEN] = carry_disk,
    [ZAB_COMMITTED] = carry_committed,
    [ZAB_CONFIRMED] = carry_nothing,
    [ZAB_ROLE] = carry_role,
    [ZAB_LEAVE] = carry_leave,
    [ZAB_CONFIG] = carry_config,
    [ZAB_RENEWED] = carry_renewed,
    [ZAB_CAPABILITIES] = carry_nothing,
    [ZAB_LOG_LINE] = carry_nothing,
};

void shell_carry_out(struct world *w, struct server *m)
{
    const struct zab_output *out = &m->zab->out;
    for (size_t i = 0; i < out->count && !w->failed; i++) {
        const struct zab_effect *e = &out->effects[i];
        CHECK((size_t)e->kind < ARRAY_LEN(carry));
        trace_effect(w, m, e);
        carry[e->kind](w, m, e, zab_effect_bytes(out, e));
    }
}
