/* ensemble_rig_net.c - links that deliver at once and in order, unless they are stalled; disks that are never late,
 * unless they are held. */
#include "core/base/array.h"
#include "core/base/check.h"
#include "core/base/mem.h"
#include "tests/support/ensemble_rig_internal.h"

enum { CLOSE_MS = 10 };

static struct link_end *end_of(struct ensemble_rig *e, uint64_t number)
{
    CHECK(number >= 1 && number <= e->end_count);
    return &e->ends[number - 1];
}

static uint64_t add_end(struct ensemble_rig *e, int64_t sid)
{
    size_t cap = e->end_cap;
    struct link_end *ends = array_room(e->ends, e->end_count, &cap, sizeof *ends, 16);
    CHECK(ends != NULL);
    e->ends = ends;
    e->end_cap = cap;
    e->ends[e->end_count++] = (struct link_end){.sid = sid, .open = true};
    return e->end_count;
}

static void send(struct ensemble_rig *e, struct parcel parcel, struct bytes bytes)
{
    struct parcel *p = mem_alloc(sizeof *p);
    CHECK(p != NULL);
    *p = parcel;
    CHECK(buffer_append(&p->bytes, bytes.data, bytes.len) == ST_OK);
    list_append(&e->parcels, &p->link);
}

static void drop(struct parcel *p)
{
    list_remove(&p->link);
    buffer_free(&p->bytes);
    mem_free(p);
}

static bool are_apart(const struct ensemble_rig *e, int64_t a, int64_t b)
{
    return a != b && (e->members[a].cut || e->members[b].cut);
}

/* -- what a member wants of the others ----------------------------------------------------------------------------- */

static void connect_to(struct ensemble_rig *e, int64_t from, int64_t to, bool to_master)
{
    uint64_t end = add_end(e, from);
    const bool is_open = to_master ? e->members[to].takes_observers : e->members[to].listening;
    if (are_apart(e, from, to) || !is_open) {
        end_of(e, end)->open = false;
        send(e, (struct parcel){.kind = PARCEL_CLOSED, .from = from, .to = from, .end = end}, BYTES_NULL);
        return;
    }
    uint64_t other = add_end(e, to);
    end_of(e, end)->other = other;
    end_of(e, other)->other = end;
    send(e, (struct parcel){.kind = PARCEL_ACCEPTED, .from = from, .to = to, .end = other}, BYTES_NULL);
    send(e, (struct parcel){.kind = PARCEL_CONNECTED, .from = from, .to = from, .end = end}, BYTES_NULL);
}

/* The other side hears of it behind all that was sent, and a little later: whoever is turned away asks again. */
static void close_end(struct ensemble_rig *e, uint64_t number)
{
    struct link_end *end = end_of(e, number);
    if (!end->open)
        return;
    end->open = false;
    const struct link_end *other = end_of(e, end->other);
    if (other->open)
        send(e,
             (struct parcel){.kind = PARCEL_CLOSED,
                             .from = end->sid,
                             .to = other->sid,
                             .end = end->other,
                             .due_ms = e->now_ms + CLOSE_MS},
             BYTES_NULL);
}

static void close_all(struct ensemble_rig *e, int64_t sid)
{
    for (uint64_t i = 1; i <= e->end_count; i++)
        if (end_of(e, i)->sid == sid)
            close_end(e, i);
}

static void go_on(struct ensemble_rig *e, uint64_t number)
{
    struct link_end *end = end_of(e, number);
    end->held = false;
    if (end->unread.len > 0)
        send(e, (struct parcel){.kind = PARCEL_BYTES, .from = end->sid, .to = end->sid, .end = number}, BYTES_NULL);
}

static void send_bytes(struct ensemble_rig *e, uint64_t number, struct bytes bytes)
{
    const struct link_end *end = end_of(e, number);
    if (end->open && bytes.len > 0)
        send(e,
             (struct parcel){
                 .kind = PARCEL_BYTES, .from = end->sid, .to = end_of(e, end->other)->sid, .end = end->other},
             bytes);
}

bool ensemble_rig_send(struct ensemble_rig *e, int64_t from, int64_t to, struct bytes bytes)
{
    for (uint64_t i = e->end_count; i >= 1; i--) {
        const struct link_end *end = end_of(e, i);
        if (!end->open || end->sid != to || end->other == 0 || end_of(e, end->other)->sid != from)
            continue;
        send(e, (struct parcel){.kind = PARCEL_BYTES, .from = from, .to = to, .end = i}, bytes);
        return true;
    }
    return false;
}

static void feed(struct ensemble_rig *e, int64_t self, struct bytes bytes)
{
    for (uint64_t i = 1; i <= e->end_count; i++)
        if (end_of(e, i)->sid == self && end_of(e, i)->fed)
            send_bytes(e, i, bytes);
}

static void stop_listening(struct ensemble_rig *e, int64_t self)
{
    e->members[self].listening = e->members[self].takes_observers = false;
}

static void do_peer_item(struct ensemble_rig *e, int64_t self, const struct peer_item *item, struct bytes bytes)
{
    switch (item->kind) {
    case PEER_NOTIFY:
        if (!are_apart(e, self, item->sid))
            send(e, (struct parcel){.kind = PARCEL_NOTE, .from = self, .to = item->sid}, bytes);
        break;
    case PEER_LISTEN: e->members[self].listening = true; break;
    case PEER_LISTEN_OBSERVERS: e->members[self].takes_observers = true; break;
    case PEER_UNLISTEN: stop_listening(e, self); break;
    case PEER_CONNECT: connect_to(e, self, item->sid, item->to_master); break;
    case PEER_BYTES: send_bytes(e, item->link, bytes); break;
    case PEER_FEED: end_of(e, item->link)->fed = true; break;
    case PEER_FED_BYTES: feed(e, self, bytes); break;
    case PEER_ROOM:
        send(e, (struct parcel){.kind = PARCEL_ROOM, .from = self, .to = self, .end = item->link}, BYTES_NULL);
        break;
    case PEER_READ_LOG: /* their logs are not read */
        send(e, (struct parcel){.kind = PARCEL_NO_LOG, .from = self, .to = self, .end = item->link}, BYTES_NULL);
        break;
    case PEER_CLOSE: close_end(e, item->link); break;
    case PEER_HOLD: end_of(e, item->link)->held = true; break;
    case PEER_GO: go_on(e, item->link); break;
    case PEER_CLOSE_ALL:
        stop_listening(e, self);
        close_all(e, self);
        break;
    case PEER_CONFIG: break;
    }
}

/* -- the disk ------------------------------------------------------------------------------------------------------ */

static void ask_disk(struct ensemble_member *m, struct disk_entry entry)
{
    struct disk_entry *new = mem_alloc(sizeof *new);
    CHECK(new != NULL);
    *new = entry;
    list_append(&m->disk, &new->link);
}

static void ask_log(struct ensemble_member *m, int64_t zxid, uint32_t count)
{
    if (count > 0)
        ask_disk(m, (struct disk_entry){.zxid = zxid});
}

void ensemble_rig_carry_out(struct rig *rig)
{
    struct ensemble_rig *e = rig->ensemble;
    struct ensemble_member *m = &e->members[rig->sid];
    const struct outbox *o = &rig->outbox;
    size_t log_start = rig->log.len;
    CHECK(buffer_append(&rig->log, o->log.data, o->log.len) == ST_OK);
    for (size_t i = 0; i < o->job_count; i++) {
        const struct disk_job *job = &o->jobs[i];
        ask_log(m, job->before.last_zxid, job->before.count);
        log_start += job->before.len;
        struct disk_entry entry = {
            .is_job = true, .zxid = job->value, .job = job->kind, .ticket = job->ticket, .log_start = log_start};
        if (job->kind == JOB_SNAPSHOT_DATA)
            CHECK(buffer_append(&entry.bytes, o->bytes.data + job->offset, job->len) == ST_OK);
        ask_disk(m, entry);
    }
    ask_log(m, o->log_last_zxid, o->log_count);
    for (size_t i = 0; i < o->peer_count; i++)
        do_peer_item(e, rig->sid, &o->peers[i], bytes_make(o->bytes.data + o->peers[i].offset, o->peers[i].len));
}

static void tell_stored(struct ensemble_member *m, uint64_t ticket, bool anew, struct buffer *out)
{
    struct replica_event event = {.kind = REPLICA_STORED, .ticket = ticket};
    if (anew)
        rig_replay_log(m->rig, &event.tree, &event.sessions, &event.zxid);
    rig_step(m->rig, event, out);
}

/* Below the snapshot there is nothing to go back to. */
static void truncate(struct ensemble_member *m, const struct disk_entry *entry, struct buffer *out)
{
    if (entry->zxid < m->rig->base_zxid) {
        rig_step(m->rig, (struct replica_event){.kind = REPLICA_STORE_REFUSED, .ticket = entry->ticket}, out);
        return;
    }
    rig_cut_log(m->rig, entry->zxid);
    tell_stored(m, entry->ticket, true, out);
}

static void do_disk(struct ensemble_member *m, const struct disk_entry *entry, struct buffer *out)
{
    if (!entry->is_job) {
        rig_step(m->rig, (struct replica_event){.kind = REPLICA_LOGGED, .zxid = entry->zxid}, out);
        return;
    }
    switch (entry->job) {
    case JOB_STORE_ACCEPTED:
    case JOB_STORE_CURRENT: tell_stored(m, entry->ticket, false, out); break;
    case JOB_TRUNCATE: truncate(m, entry, out); break;
    case JOB_RELOAD: tell_stored(m, entry->ticket, true, out); break;
    case JOB_SNAPSHOT_KEEP:
        rig_put_base(m->rig, &m->spool, m->spool_zxid, entry->log_start);
        tell_stored(m, entry->ticket, false, out);
        break;
    case JOB_STORE_LAST_SEEN:
    case JOB_STORE_CONFIG: break;
    case JOB_SNAPSHOT_BEGIN:
        m->spool.len = 0;
        m->spool_zxid = entry->zxid;
        break;
    case JOB_SNAPSHOT_DATA: CHECK(buffer_append(&m->spool, entry->bytes.data, entry->bytes.len) == ST_OK); break;
    case JOB_SNAPSHOT_DROP: m->spool.len = 0; break;
    }
}

static bool run_disks(struct ensemble_rig *e, struct buffer *out)
{
    for (int64_t sid = 1; sid <= e->count; sid++) {
        struct ensemble_member *m = &e->members[sid];
        if (m->rig->holds || list_is_empty(&m->disk))
            continue;
        struct disk_entry *entry = LIST_ENTRY(m->disk.next, struct disk_entry, link);
        list_remove(&entry->link);
        do_disk(m, entry, out);
        buffer_free(&entry->bytes);
        mem_free(entry);
        return true;
    }
    return false;
}

/* -- delivering ---------------------------------------------------------------------------------------------------- */

static void deliver_bytes(struct ensemble_rig *e, struct rig *rig, const struct parcel *p, struct buffer *out)
{
    CHECK(buffer_append(&end_of(e, p->end)->unread, p->bytes.data, p->bytes.len) == ST_OK);
    if (!end_of(e, p->end)->open || end_of(e, p->end)->held)
        return;
    /* A step may add ends, and move those that are there. */
    struct buffer unread = end_of(e, p->end)->unread;
    end_of(e, p->end)->unread = (struct buffer){0};
    rig_step(rig, (struct replica_event){.kind = REPLICA_LINK_BYTES, .link = p->end, .frame = buffer_bytes(&unread)},
             out);
    if (rig->broken) {
        buffer_free(&unread);
        return;
    }
    struct link_end *end = end_of(e, p->end);
    CHECK(end->unread.len == 0 && rig->consumed <= unread.len);
    CHECK(buffer_append(&end->unread, unread.data + rig->consumed, unread.len - rig->consumed) == ST_OK);
    if (end->unread.len > 0 && !end->held && rig->consumed > 0)
        send(e, (struct parcel){.kind = PARCEL_BYTES, .from = p->to, .to = p->to, .end = p->end}, BYTES_NULL);
    buffer_free(&unread);
}

static void deliver(struct ensemble_rig *e, const struct parcel *p, struct buffer *out)
{
    static const enum replica_event_kind kinds[] = {
        [PARCEL_NOTE] = REPLICA_NOTIFICATION,      [PARCEL_CONNECTED] = REPLICA_LINK_CONNECTED,
        [PARCEL_ACCEPTED] = REPLICA_LINK_ACCEPTED, [PARCEL_ROOM] = REPLICA_LINK_ROOM,
        [PARCEL_NO_LOG] = REPLICA_LOG_REFUSED,     [PARCEL_CLOSED] = REPLICA_LINK_CLOSED};
    struct rig *rig = e->members[p->to].rig;
    if (p->kind == PARCEL_BYTES) {
        deliver_bytes(e, rig, p, out);
        return;
    }
    bool is_dead = p->kind != PARCEL_NOTE && p->kind != PARCEL_CLOSED && !end_of(e, p->end)->open;
    if (is_dead || (p->kind == PARCEL_NOTE && are_apart(e, p->from, p->to)))
        return;
    if (p->kind == PARCEL_CLOSED)
        end_of(e, p->end)->open = false;
    rig_step(rig,
             (struct replica_event){
                 .kind = kinds[p->kind], .sid = p->from, .link = p->end, .frame = buffer_bytes(&p->bytes)},
             out);
}

bool ensemble_rig_deliver_one(struct ensemble_rig *e, struct buffer *out)
{
    LIST_FOR_EACH(at, &e->parcels)
    {
        struct parcel *p = LIST_ENTRY(at, struct parcel, link);
        if (e->stalled[p->from][p->to] || p->due_ms > e->now_ms)
            continue;
        list_remove(&p->link);
        deliver(e, p, out);
        drop(p);
        return true;
    }
    return run_disks(e, out);
}

/* Both sides hear of it at once, and what was on its way is lost. */
void ensemble_rig_break_links(struct ensemble_rig *e, int64_t sid)
{
    for (uint64_t i = 1; i <= e->end_count; i++) {
        struct link_end *end = end_of(e, i);
        int64_t other = end->other == 0 ? 0 : end_of(e, end->other)->sid;
        if (!end->open || (end->sid != sid && other != sid))
            continue;
        LIST_FOR_EACH(at, &e->parcels)
        {
            struct parcel *p = LIST_ENTRY(at, struct parcel, link);
            if (p->end == i)
                drop(p);
        }
        send(e, (struct parcel){.kind = PARCEL_CLOSED, .from = end->sid, .to = end->sid, .end = i}, BYTES_NULL);
    }
}

void ensemble_rig_drop_parcels(struct ensemble_rig *e)
{
    LIST_FOR_EACH(at, &e->parcels)
    drop(LIST_ENTRY(at, struct parcel, link));
    for (uint64_t i = 1; i <= e->end_count; i++)
        buffer_free(&end_of(e, i)->unread);
    mem_free(e->ends);
    for (int64_t sid = 1; sid <= e->count; sid++) {
        LIST_FOR_EACH(at, &e->members[sid].disk)
        {
            struct disk_entry *entry = LIST_ENTRY(at, struct disk_entry, link);
            buffer_free(&entry->bytes);
            mem_free(entry);
        }
        buffer_free(&e->members[sid].spool);
    }
}
