/* outbox.c - a replica's effects, carried out as the agent's pump does it: first the disk, then the other members, then
 * the clients. */
#include "core/base/check.h"
#include "core/base/mem.h"
#include "tests/sim/checks/zab.h"
#include "tests/sim/ensemble.h"
#include "tests/sim/replica/client.h"
#include "tests/sim/replica/member.h"
#include "tests/sim/replica/mutate.h"
#include "tests/sim/replica/trace.h"

#include <inttypes.h>

/* -- the disk ------------------------------------------------------------------------------------------------------ */

struct appending {
    struct world *w;
    struct server *m;
};

static void append_record(void *context, int64_t zxid, struct bytes entry)
{
    const struct appending *a = context;
    disk_ask(a->w, a->m,
             (struct disk_op){.kind = DISK_LOG, .number = zxid, .id = database_entry_id(a->w, zxid, entry)});
}

static void append_run(struct world *w, struct server *m, size_t start, size_t len)
{
    database_each_record(bytes_make(m->replica->out.log.data + start, len), append_record, &(struct appending){w, m});
}

static void do_job(struct world *w, struct server *m, const struct disk_job *job, struct bytes bytes)
{
    static const enum disk_op_kind kinds[] = {
        [JOB_STORE_ACCEPTED] = DISK_ACCEPTED, [JOB_STORE_CURRENT] = DISK_CURRENT,
        [JOB_TRUNCATE] = DISK_TRUNCATE,       [JOB_RELOAD] = DISK_RELOAD,
        [JOB_SNAPSHOT_BEGIN] = DISK_DROP,     [JOB_SNAPSHOT_DATA] = DISK_SPOOL,
        [JOB_SNAPSHOT_KEEP] = DISK_KEEP,      [JOB_SNAPSHOT_DROP] = DISK_DROP,
        [JOB_STORE_CONFIG] = DISK_CONFIG,     [JOB_STORE_LAST_SEEN] = DISK_LAST_SEEN,
    };
    struct disk_op op = {.kind = kinds[job->kind], .ticket = job->ticket, .number = job->value};
    if (bytes.len > 0)
        CHECK(buffer_append(&op.bytes, bytes.data, bytes.len) == ST_OK);
    if (op.kind == DISK_KEEP) {
        history_copy(&op.content, &m->replica->taken);
    }
    disk_ask(w, m, op);
}

static void hand_to_disk(struct world *w, struct server *m)
{
    const struct outbox *out = &m->replica->out;
    size_t at = 0;
    for (size_t i = 0; i < out->job_count; i++) {
        const struct disk_job *job = &out->jobs[i];
        append_run(w, m, at, job->before.len);
        at += job->before.len;
        do_job(w, m, job, bytes_make(out->bytes.data + job->offset, job->len));
    }
    append_run(w, m, at, out->log.len - at);
}

/* -- other members ------------------------------------------------------------------------------------------------- */

static void connect_to(struct world *w, struct server *m, int64_t sid, bool to_master)
{
    struct server *leader = world_member(w, sid);
    if (leader == NULL || leader == m)
        world_fail(w, "member %" PRId64 " would connect to %" PRId64, m->sid, sid);
    else
        (void)net_dial(w, m->index, leader, to_master ? PORT_OBSERVERS : PORT_QUORUM);
}

static void close_link(struct world *w, struct server *m, uint64_t link)
{
    port_forget(m, link);
    if (net_has(w, m->index, link))
        net_close(w, m->index, link);
}

static void hold_link(struct world *w, struct server *m, uint64_t link, bool hold)
{
    struct peer_link *at = port_link(m, link);
    if (at == NULL)
        return;
    at->held = hold;
    net_hold(w, m->index, link, hold);
    if (!hold)
        replica_own_at(w, m, w->now_us, OWN_OFFER, link);
}

static void send_fed(struct world *w, struct server *m, struct bytes bytes)
{
    MAP64_FOR_EACH(slot, &m->replica->links)
    {
        const struct peer_link *at = slot->value;
        if (at->fed)
            port_send(w, m, slot->key, bytes);
    }
}

static void feed_link(struct server *m, uint64_t link)
{
    struct peer_link *at = port_link(m, link);
    if (at != NULL)
        at->fed = true;
}

static void ask_log(struct world *w, struct server *m, const struct peer_item *item)
{
    struct peer_link *at = port_link(m, item->link);
    if (at == NULL)
        return;
    at->log_after = item->log.after;
    replica_own_at(w, m, w->now_us + world_about(w, w->plan.disk_us), OWN_READ, item->link);
}

static void tell_peer(struct world *w, struct server *m, const struct peer_item *item, struct bytes bytes)
{
    switch (item->kind) {
    case PEER_NOTIFY:
        check_notified(w, m, bytes);
        net_notify(w, m, item->sid, bytes);
        break;
    case PEER_LISTEN: m->listening = true; break;
    case PEER_LISTEN_OBSERVERS: m->takes_observers = true; break;
    case PEER_UNLISTEN: m->listening = m->takes_observers = false; break;
    case PEER_CONNECT: connect_to(w, m, item->sid, item->to_master); break;
    case PEER_BYTES: port_send(w, m, item->link, bytes); break;
    case PEER_FEED: feed_link(m, item->link); break;
    case PEER_FED_BYTES: send_fed(w, m, bytes); break;
    case PEER_ROOM: replica_own_at(w, m, w->now_us + world_about(w, w->plan.latency_us), OWN_ROOM, item->link); break;
    case PEER_READ_LOG: ask_log(w, m, item); break;
    case PEER_CLOSE: close_link(w, m, item->link); break;
    case PEER_HOLD: hold_link(w, m, item->link, true); break;
    case PEER_GO: hold_link(w, m, item->link, false); break;
    case PEER_CLOSE_ALL:
        port_forget_all(m);
        net_close_all(w, m->index, PORT_QUORUM, false);
        net_close_all(w, m->index, PORT_OBSERVERS, false);
        m->listening = m->takes_observers = false;
        break;
    case PEER_CONFIG: ensemble_told(w, m); break;
    }
}

/* -- clients ------------------------------------------------------------------------------------------------------- */

void outbox_show_controls(struct world *w, struct server *m)
{
    struct replica_body *body = m->replica;
    for (; body->controls_seen < body->out.count; body->controls_seen++) {
        const struct outbox_item *item = &body->out.items[body->controls_seen];
        bool control = item->kind == OUTBOX_PAUSE || item->kind == OUTBOX_RESUME;
        if (control && net_has(w, m->index, item->client))
            net_hold(w, m->index, item->client, item->kind == OUTBOX_PAUSE);
    }
}

static void deliver(struct world *w, struct server *m, const struct outbox_item *item)
{
    const struct outbox *out = &m->replica->out;
    if (!net_has(w, m->index, item->client))
        return;
    if (item->kind == OUTBOX_BYTES) {
        struct bytes frames = bytes_make(out->bytes.data + item->offset, item->len);
        struct buffer changed;
        bool mutated = mutate_frames(w, m, frames, &changed);
        clients_told(w, m, item->client);
        net_send(w, m->index, mutate_client(w, m, item->client), PARCEL_BYTES,
                 mutated ? buffer_bytes(&changed) : frames, true);
        buffer_free(&changed);
    } else if (item->kind == OUTBOX_CLOSE) {
        net_close(w, m->index, item->client);
        replica_own_at(w, m, w->now_us, OWN_GONE, item->client);
    }
}

/* -- all ----------------------------------------------------------------------------------------------------------- */

void outbox_carry_out(struct world *w, struct server *m)
{
    const struct outbox *out = &m->replica->out;
    trace_outbox(w, m, out);
    hand_to_disk(w, m);
    for (size_t i = 0; i < out->peer_count && !w->failed; i++)
        tell_peer(w, m, &out->peers[i], bytes_make(out->bytes.data + out->peers[i].offset, out->peers[i].len));
    for (size_t i = 0; i < out->count && !w->failed; i++)
        deliver(w, m, &out->items[i]);
}
