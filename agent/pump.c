/* pump.c - a turn: libuv calls back, `check` lets the doors work and delivers; `prepare` delivers what timers brought
 * before the loop blocks. An idle handle keeps it from blocking while somebody has work left. */
#include "agent/pump.h"

#include "agent/disk/persistence.h"
#include "core/base/check.h"
#include "core/base/mem.h"

#include <time.h>

enum { DOOR_SHIFT = 56, HANDLE_COUNT = 4 };

struct pump {
    struct pump_parts parts;
    uv_prepare_t prepare;
    uv_check_t check;
    uv_idle_t idle;
    uv_timer_t timer;
    int open_handles;
    struct outbox out;
    size_t items_seen; /* of the outbox, by the doors' `control` */
    struct pump_door doors[PUMP_DOORS_MAX];
    uint32_t door_count, doors_removed;
    uint64_t clients; /* numbers given so far */
    int64_t now_us, wall_ms;
    int64_t armed_us; /* what the timer is set to; INT64_MAX: off */
    bool started, failed, delivering, closing;
    bool stepped; /* since the last delivery */
    bool doors_have_work;
    bool turn_wanted; /* by persistence */
};

static void fail(struct pump *p, enum status st)
{
    if (p->failed)
        return;
    p->failed = true;
    LOG_ERROR(p->parts.log, "pump", "the agent cannot go on: %s", status_text(st));
    p->parts.failed(p->parts.context, st);
}

void pump_look_at_clock(struct pump *p)
{
    struct timespec wall;
    p->now_us = (int64_t)(uv_hrtime() / 1000);
    CHECK(clock_gettime(CLOCK_REALTIME, &wall) == 0);
    p->wall_ms = (int64_t)wall.tv_sec * 1000 + wall.tv_nsec / 1000000;
}

int64_t pump_now_us(const struct pump *p)
{
    return p->now_us;
}

int64_t pump_wall_ms(const struct pump *p)
{
    return p->wall_ms;
}

static const struct pump_door *door_of(const struct pump *p, uint64_t client)
{
    uint64_t number = client >> DOOR_SHIFT;
    CHECK(number < p->door_count);
    return &p->doors[number];
}

/* A client that has to be quiet must be known before the next frame is taken. */
static void show_controls(struct pump *p)
{
    for (; p->items_seen < p->out.count; p->items_seen++) {
        const struct outbox_item *item = &p->out.items[p->items_seen];
        if (item->kind == OUTBOX_BYTES)
            continue;
        const struct pump_door *door = door_of(p, item->client);
        door->control(door->context, item->client, item->kind);
    }
}

bool pump_feed(struct pump *p, struct replica_event *event)
{
    CHECK(!p->delivering);
    if (p->failed)
        return false;
    event->now_us = p->now_us;
    event->wall_ms = p->wall_ms;
    enum status st = replica_step(p->parts.replica, event, &p->out);
    p->stepped = true;
    if (st != ST_OK) {
        fail(p, st);
        return false;
    }
    show_controls(p);
    if (p->parts.ensemble != NULL)
        p->parts.ensemble->stepped(p->parts.ensemble->context);
    return true;
}

bool pump_feed_plain(struct pump *p, enum replica_event_kind kind, int64_t zxid)
{
    struct replica_event event = {.kind = kind, .zxid = zxid};
    pump_look_at_clock(p);
    return pump_feed(p, &event);
}

static void on_timer(uv_timer_t *timer)
{
    struct pump *p = timer->data;
    p->armed_us = INT64_MAX;
    (void)pump_feed_plain(p, REPLICA_TICK, 0);
}

static void arm(struct pump *p, int64_t wake_us)
{
    if (wake_us == p->armed_us)
        return;
    p->armed_us = wake_us;
    if (wake_us == INT64_MAX) {
        uv_timer_stop(&p->timer);
        return;
    }
    int64_t now_us = (int64_t)(uv_hrtime() / 1000);
    uint64_t ms = wake_us > now_us ? (uint64_t)(wake_us - now_us + 999) / 1000 : 0;
    uv_timer_start(&p->timer, on_timer, ms, 0);
}

/* Records that stand before a job go first, in a buffer of their own. */
static enum status append_run(struct pump *p, size_t start, const struct log_run *run)
{
    struct buffer records = {0};
    if (run->count == 0)
        return ST_OK;
    enum status st = buffer_append(&records, p->out.log.data + start, run->len);
    if (st == ST_OK)
        st = persistence_append(p->parts.persistence, &records, run->first_zxid, run->last_zxid, run->count);
    buffer_free(&records);
    return st;
}

static enum status hand_to_disk(struct pump *p)
{
    struct outbox *out = &p->out;
    enum status st = ST_OK;
    size_t at = 0;
    for (size_t i = 0; i < out->job_count && st == ST_OK; i++) {
        const struct disk_job *job = &out->jobs[i];
        st = append_run(p, at, &job->before);
        at += job->before.len;
        if (st == ST_OK && p->parts.ensemble != NULL)
            st = p->parts.ensemble->job(p->parts.ensemble->context, job,
                                        bytes_make(out->bytes.data + job->offset, job->len));
    }
    if (st != ST_OK || out->log_count == 0)
        return st;
    if (out->job_count > 0) {
        const struct log_run rest = {out->log.len - at, out->log_first_zxid, out->log_last_zxid, out->log_count};
        return append_run(p, at, &rest);
    }
    return persistence_append(p->parts.persistence, &out->log, out->log_first_zxid, out->log_last_zxid, out->log_count);
}

static void tell_peers(struct pump *p)
{
    const struct pump_ensemble *ensemble = p->parts.ensemble;
    if (ensemble == NULL)
        return;
    for (size_t i = 0; i < p->out.peer_count; i++) {
        const struct peer_item *item = &p->out.peers[i];
        ensemble->peer(ensemble->context, item, bytes_make(p->out.bytes.data + item->offset, item->len));
    }
    ensemble->flush(ensemble->context);
}

static void answer_clients(struct pump *p)
{
    const struct outbox *out = &p->out;
    for (size_t i = 0; i < out->count; i++) {
        const struct outbox_item *item = &out->items[i];
        const struct pump_door *door = door_of(p, item->client);
        if (item->kind == OUTBOX_BYTES || item->kind == OUTBOX_CLOSE)
            door->deliver(door->context, item, item->kind == OUTBOX_BYTES ? out->bytes.data + item->offset : NULL);
    }
    for (uint32_t i = 0; i < p->door_count; i++)
        p->doors[i].flush(p->doors[i].context);
}

/* What has the longest way goes first: a proposal, to the peers' disks before our own. Then the clients' answers, and
 * last what is only told to peers, as a commit. Nothing rests on this order: what needs the disk waits for its
 * completion. */
static enum status deliver_all(struct pump *p)
{
    bool proposes = p->out.log_count > 0;
    if (proposes)
        tell_peers(p);
    enum status st = hand_to_disk(p);
    if (st != ST_OK)
        return st;
    if (p->out.audit.len > 0)
        p->parts.audited(p->parts.context, buffer_bytes(&p->out.audit));
    answer_clients(p);
    if (!proposes)
        tell_peers(p);
    return ST_OK;
}

static void deliver(struct pump *p)
{
    if (!p->stepped || p->failed)
        return;
    p->stepped = false;
    p->delivering = true;
    enum status st = deliver_all(p);
    p->delivering = false;
    if (st != ST_OK) {
        fail(p, st);
        return;
    }
    int64_t wake_us = p->out.wake_us;
    outbox_reset(&p->out);
    p->items_seen = 0;
    arm(p, wake_us);
}

static void on_idle(uv_idle_t *idle)
{
    (void)idle;
}

/* The loop blocks unless the idle handle runs. */
static void set_idle(struct pump *p)
{
    bool busy = !p->failed &&
                (p->turn_wanted || p->doors_have_work || p->stepped || persistence_errand_is_due(p->parts.persistence));
    if (busy)
        uv_idle_start(&p->idle, on_idle);
    else
        uv_idle_stop(&p->idle);
}

static void on_prepare(uv_prepare_t *prepare)
{
    struct pump *p = prepare->data;
    deliver(p);
    set_idle(p);
}

static void on_check(uv_check_t *check)
{
    struct pump *p = check->data;
    if (!p->failed && p->doors_have_work) {
        p->doors_have_work = false;
        pump_look_at_clock(p);
        for (uint32_t i = 0; i < p->door_count; i++)
            if (p->doors[i].work(p->doors[i].context))
                p->doors_have_work = true;
        const struct pump_ensemble *ensemble = p->parts.ensemble;
        if (ensemble != NULL && ensemble->work(ensemble->context))
            p->doors_have_work = true;
    }
    deliver(p);
    if (!p->failed)
        p->turn_wanted = persistence_turn(p->parts.persistence, replica_tree(p->parts.replica),
                                          replica_sessions(p->parts.replica), replica_last_zxid(p->parts.replica));
}

void pump_wake(struct pump *p)
{
    p->doors_have_work = true;
    if (!p->closing)
        uv_idle_start(&p->idle, on_idle);
}

bool pump_is_idle(const struct pump *p)
{
    return !p->stepped && !p->doors_have_work;
}

void pump_leave_ensemble(struct pump *p)
{
    p->parts.ensemble = NULL;
}

size_t pump_consumed(const struct pump *p)
{
    return p->out.consumed;
}

size_t pump_waiting_bytes(const struct pump *p)
{
    return p->out.bytes.len;
}

void pump_flush(struct pump *p)
{
    CHECK(!p->delivering);
    deliver(p);
}

enum status pump_new(struct pump **out, const struct pump_parts *parts)
{
    struct pump *p = mem_calloc(1, sizeof *p);
    if (p == NULL)
        return ST_NO_MEMORY;
    p->parts = *parts;
    p->armed_us = INT64_MAX;
    outbox_init(&p->out);
    /* These four cannot fail: they only fill in the struct. */
    CHECK(uv_prepare_init(parts->loop, &p->prepare) == 0 && uv_check_init(parts->loop, &p->check) == 0);
    CHECK(uv_idle_init(parts->loop, &p->idle) == 0 && uv_timer_init(parts->loop, &p->timer) == 0);
    p->prepare.data = p->check.data = p->idle.data = p->timer.data = p;
    p->open_handles = HANDLE_COUNT;
    pump_look_at_clock(p);
    *out = p;
    return ST_OK;
}

void pump_start(struct pump *p)
{
    CHECK(!p->started);
    p->started = true;
    uv_prepare_start(&p->prepare, on_prepare);
    uv_check_start(&p->check, on_check);
    (void)pump_feed_plain(p, REPLICA_START, 0);
}

uint32_t pump_add_door(struct pump *p, const struct pump_door *door)
{
    CHECK(p->door_count < PUMP_DOORS_MAX);
    p->doors[p->door_count] = *door;
    return p->door_count++;
}

static void nothing_controlled(void *context, uint64_t client, enum outbox_kind kind)
{
    (void)context;
    (void)client;
    (void)kind;
}

static void nothing_delivered(void *context, const struct outbox_item *item, const uint8_t *bytes)
{
    (void)context;
    (void)item;
    (void)bytes;
}

static void nothing_done(void *context)
{
    (void)context;
}

static bool no_work(void *context)
{
    (void)context;
    return false;
}

static void free_if_unused(struct pump *p)
{
    if (p->open_handles > 0 || p->doors_removed < p->door_count)
        return;
    outbox_free(&p->out);
    mem_free(p);
}

void pump_remove_door(struct pump *p, uint32_t door)
{
    CHECK(door < p->door_count);
    p->doors[door] = (struct pump_door){NULL,    nothing_controlled, nothing_delivered, nothing_done,
                                        no_work, nothing_done};
    p->doors_removed++;
    free_if_unused(p);
}

uint64_t pump_client_number(struct pump *p, uint32_t door)
{
    p->clients++;
    CHECK(p->clients < (uint64_t)1 << DOOR_SHIFT);
    return (uint64_t)door << DOOR_SHIFT | p->clients;
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct pump *p = handle->data;
    p->open_handles--;
    free_if_unused(p);
}

void pump_close(struct pump *p)
{
    if (p == NULL || p->closing)
        return;
    p->closing = true;
    p->failed = true; /* nothing is stepped any more */
    uv_close((uv_handle_t *)&p->prepare, on_handle_closed);
    uv_close((uv_handle_t *)&p->check, on_handle_closed);
    uv_close((uv_handle_t *)&p->idle, on_handle_closed);
    uv_close((uv_handle_t *)&p->timer, on_handle_closed);
    for (uint32_t i = 0; i < p->door_count; i++)
        p->doors[i].abandon(p->doors[i].context);
}
