/* disk.c - see disk.h. */
#include "tests/sim/disk.h"

#include "core/base/array.h"
#include "core/base/check.h"
#include "core/base/mem.h"
#include "tests/sim/checks/members.h"
#include "tests/sim/checks/zab.h"
#include "tests/sim/faults.h"
#include "tests/sim/machine.h"
#include "tests/sim/mutants.h"

#include <inttypes.h>

/* -- what is durable ----------------------------------------------------------------------------------------------- */

int64_t disk_zxid(const struct disk *d)
{
    return d->log.count > 0 ? history_last(&d->log) : d->base.label;
}

bool disk_has(const struct disk *d, struct txn_ref txn)
{
    return history_has(&d->log, txn) || history_has(&d->base, txn);
}

void disk_read(const struct disk *d, struct history *tree)
{
    history_copy(tree, &d->base);
    for (size_t i = 0; i < d->log.count; i++)
        CHECK(history_apply(tree, d->log.items[i]));
}

/* -- the queue ----------------------------------------------------------------------------------------------------- */

static struct disk_op *op_at(struct disk *d, size_t i)
{
    return &d->ops[d->first + i];
}

static void op_free(struct disk_op *op)
{
    history_free(&op->content);
    buffer_free(&op->bytes);
}

static void ops_drop(struct disk *d, size_t from)
{
    for (size_t i = from; i < d->count; i++)
        op_free(op_at(d, i));
    d->count = from;
}

/* The first one, which is the caller's now. */
static struct disk_op ops_take(struct disk *d)
{
    const struct disk_op op = *op_at(d, 0);
    d->count--;
    d->first = d->count == 0 ? 0 : d->first + 1;
    return op;
}

static void ops_push(struct disk *d, struct disk_op op)
{
    struct disk_op *ops = array_room(d->ops, d->first + d->count, &d->capacity, sizeof *ops, 32);
    CHECK(ops != NULL);
    d->ops = ops;
    *op_at(d, d->count++) = op;
}

static bool is_full(const struct world *w, const struct server *m)
{
    return m->disk.full_until_us > w->now_us;
}

void disk_go_on(struct world *w, struct server *m)
{
    struct disk *d = &m->disk;
    if (!m->up || d->busy || d->failed || d->count == 0 || (is_full(w, m) && op_at(d, 0)->kind == DISK_LOG))
        return;
    d->busy = true;
    int64_t us = world_about(w, w->plan.disk_us);
    if (d->slow_until_us > w->now_us)
        us = us * 20 + random_below(&w->random, SIM_SECOND / 5);
    world_at(w, w->now_us + us, (struct happening){.kind = HAPPENS_DISK, .member = m->index, .what = m->life});
}

/* Puts the epoch in front of the log entries that wait. */
static void mutate_order(struct disk *d)
{
    size_t i = d->count - 1;
    for (; i > 0 && op_at(d, i - 1)->kind == DISK_LOG; i--) {
        const struct disk_op other = *op_at(d, i - 1);
        *op_at(d, i - 1) = *op_at(d, i);
        *op_at(d, i) = other;
    }
}

void disk_ask(struct world *w, struct server *m, struct disk_op op)
{
    struct disk *d = &m->disk;
    if (d->failed) {
        op_free(&op);
        return;
    }
    if (op.kind == DISK_LOG && mutant_is(w, MUTANT_ENTRY_DAMAGED) && world_chance(w, 64))
        op.id++;
    ops_push(d, op);
    if (mutant_is(w, MUTANT_EPOCH_BEFORE_LOG) && op.kind == DISK_CURRENT)
        mutate_order(d);
    if (mutant_is(w, MUTANT_ACK_BEFORE_DURABLE) && op.kind == DISK_LOG)
        world_at(
            w, w->now_us,
            (struct happening){
                .kind = HAPPENS_NEWS, .member = m->index, .what = m->life, .event = NEWS_LOGGED, .zxid = op.number});
    disk_go_on(w, m);
}

/* -- writing ------------------------------------------------------------------------------------------------------- */

/* Entries of a checkpoint or snapshot beyond the target cannot be taken out of it. And now and then it is refused for
 * nothing, as a disk may that knows less. */
static bool truncate_log(struct world *w, struct server *m, int64_t zxid)
{
    struct disk *d = &m->disk;
    size_t keep = history_find(&d->log, zxid);
    bool in_log = keep < d->log.count && d->log.items[keep].zxid == zxid;
    bool unwilling = world_chance(w, 8) && w->mutant == NULL;
    if ((!in_log && zxid != d->base.label) || history_last(&d->base) > zxid || unwilling) {
        mark(w, MARK_TRUNCATION_REFUSED);
        return false;
    }
    mark(w, MARK_TRUNCATED);
    if (mutant_is(w, MUTANT_TRUNCATION_SKIPPED))
        return true;
    struct history before = {0};
    disk_read(d, &before);
    keep += in_log;
    if (mutant_is(w, MUTANT_TRUNCATION_SHORT) && keep < d->log.count)
        keep++;
    d->log.count = keep;
    d->log.label = history_last(&d->log);
    check_cut(w, m, &before);
    history_free(&before);
    return true;
}

static void replace(struct world *w, struct server *m)
{
    struct disk *d = &m->disk;
    d->replacing = false;
    mark(w, MARK_SNAPSHOT_KEPT);
    if (mutant_is(w, MUTANT_SNAPSHOT_NOT_KEPT))
        return;
    struct history before = {0};
    disk_read(d, &before);
    if (mutant_is(w, MUTANT_LOG_WITH_HOLE)) {
        d->hole_from = disk_zxid(d);
        d->hole_to = d->next_base.label;
    } else {
        d->log_from = d->next_base.label;
    }
    history_copy(&d->base, &d->next_base);
    history_copy(&d->log, &d->next_log);
    buffer_free(&d->image);
    d->image = d->spool;
    d->spool = (struct buffer){0};
    check_cut(w, m, &before);
    check_replaced(w, m);
    history_free(&before);
}

/* Snapshot and the entries behind it that were applied to it: all of them or none. */
static void keep_snapshot(struct world *w, struct server *m, const struct disk_op *op)
{
    struct disk *d = &m->disk;
    history_copy(&d->next_base, &op->content);
    d->next_log.count = 0;
    d->replacing = true;
    d->next_until = op->number;
    d->next_ticket = op->ticket;
    d->giving_up = w->mutant == NULL && (is_full(w, m) || world_chance(w, 32));
    if (d->giving_up) {
        mark(w, MARK_SNAPSHOT_REFUSED);
        buffer_free(&d->spool);
        d->replacing = false;
        return;
    }
    if (op->number <= op->content.label)
        replace(w, m);
}

static void append(struct world *w, struct server *m, struct txn_ref txn)
{
    struct disk *d = &m->disk;
    struct history *log = d->replacing ? &d->next_log : &d->log;
    check_logged(w, m, txn);
    history_append(log, txn);
    log->label = txn.zxid;
    if (d->replacing && txn.zxid >= d->next_until)
        replace(w, m);
}

static void put_text(struct buffer *file, const struct buffer *text)
{
    file->len = 0;
    CHECK(buffer_append(file, text->data, text->len) == ST_OK);
}

/* An epoch that comes without an election. */
static bool is_renewing(const struct server *m)
{
    return m->phase == ZAB_BROADCAST;
}

/* False: refused. */
static bool perform(struct world *w, struct server *m, const struct disk_op *op)
{
    struct disk *d = &m->disk;
    /* What belongs to the snapshot that was refused; a role that ended meanwhile may have asked for no more of it. */
    if (d->giving_up && (op->kind == DISK_LOG || op->kind == DISK_CURRENT)) {
        d->giving_up = op->kind == DISK_LOG;
        return false;
    }
    d->giving_up = false;
    switch (op->kind) {
    case DISK_ACCEPTED:
        if (!mutant_is(w, MUTANT_ACCEPTED_EPOCH_LOST) && !(mutant_is(w, MUTANT_NEXT_PROMISE_LOST) && is_renewing(m)))
            d->accepted_epoch = op->number;
        return true;
    case DISK_CURRENT:
        if (!mutant_is(w, MUTANT_CURRENT_EPOCH_LOST) && !(mutant_is(w, MUTANT_NEXT_EPOCH_LOST) && is_renewing(m)))
            d->current_epoch = op->number;
        return true;
    case DISK_TRUNCATE: return truncate_log(w, m, op->number);
    case DISK_KEEP: keep_snapshot(w, m, op); return !d->giving_up;
    case DISK_RELOAD: return true;
    case DISK_CONFIG:
        put_text(&d->config, &op->bytes);
        check_config(w, m);
        return true;
    case DISK_LAST_SEEN:
        if (!mutant_is(w, MUTANT_LAST_SEEN_LOST))
            put_text(mutant_is(w, MUTANT_PENDING_FOR_COMMITTED) && op->bytes.len > 0 ? &d->config : &d->last_seen,
                     &op->bytes);
        if (mutant_is(w, MUTANT_PENDING_FOR_COMMITTED) && op->bytes.len > 0)
            check_config(w, m);
        return true;
    case DISK_SPOOL: CHECK(buffer_append(&d->spool, op->bytes.data, op->bytes.len) == ST_OK); return true;
    case DISK_DROP: buffer_free(&d->spool); return true;
    default: append(w, m, (struct txn_ref){op->number, op->id}); return true;
    }
}

static void tell(struct world *w, struct server *m, const struct disk_op *op, bool done, bool last)
{
    if (!op->stale)
        w->machine->stored(w, m, op, done, last);
}

static bool log_is_next(struct disk *d)
{
    return d->count > 0 && op_at(d, 0)->kind == DISK_LOG;
}

void disk_done(struct world *w, struct server *m)
{
    struct disk *d = &m->disk;
    d->busy = false;
    if (m->dies_writing && d->count > 1 && !w->calm) {
        m->dies_writing = false;
        fault_crash(w, m);
        return;
    }
    size_t batch = d->count > 0 ? 1 + random_below(&w->random, (uint32_t)d->count) : 0;
    uint64_t life = m->life;
    for (size_t i = 0; i < batch && !w->failed && m->life == life && !d->failed && d->count > 0; i++) {
        if (op_at(d, 0)->kind == DISK_LOG && is_full(w, m))
            break;
        struct disk_op op = ops_take(d);
        bool was_replacing = d->replacing;
        bool done = perform(w, m, &op);
        bool last = i + 1 == batch || !log_is_next(d);
        if (d->replacing)
            batch++; /* nothing is told before the whole snapshot is there */
        else
            tell(w, m, &op, done, last);
        op_free(&op);
        if (was_replacing && !d->replacing && m->life == life)
            tell(w, m, &(struct disk_op){.kind = DISK_KEEP, .ticket = d->next_ticket}, true, true);
    }
    disk_go_on(w, m);
    if (d->count == 0 && m->up)
        w->machine->drained(w, m);
}

/* -- faults -------------------------------------------------------------------------------------------------------- */

void disk_crash(struct world *w, struct server *m, bool all)
{
    struct disk *d = &m->disk;
    size_t written = all ? d->count : random_below(&w->random, (uint32_t)d->count + 1);
    if (written < d->count)
        mark(w, MARK_WRITES_LOST);
    for (size_t i = 0; i < written && !w->failed && !d->failed; i++)
        (void)perform(w, m, op_at(d, i));
    ops_drop(d, 0);
    d->first = 0;
    buffer_free(&d->spool);
    d->busy = d->failed = d->replacing = d->giving_up = false;
    if (mutant_is(w, MUTANT_ZXID_REUSED)) /* the epochs are taken from the log, so that a later one begins once more */
        d->accepted_epoch = d->current_epoch = disk_zxid(d) > 0 ? disk_zxid(d) >> 32 : 0;
}

void disk_lose(struct world *w, struct server *m)
{
    struct disk *d = &m->disk;
    mark(w, MARK_DISK_LOST);
    m->lost_disk = true;
    d->accepted_epoch = d->current_epoch = 0;
    d->base.count = d->log.count = 0;
    d->base.label = -1;
    d->log_from = d->hole_from = d->hole_to = 0;
    buffer_free(&d->image);
    buffer_free(&d->config);
    buffer_free(&d->last_seen);
}

static void news(struct world *w, struct server *m, enum disk_news news)
{
    world_at(w, w->now_us,
             (struct happening){.kind = HAPPENS_NEWS, .member = m->index, .what = m->life, .event = (int64_t)news});
}

void disk_fail(struct world *w, struct server *m)
{
    struct disk *d = &m->disk;
    if (mutant_is(w, MUTANT_ERROR_IGNORED)) {
        ops_drop(d, d->count > 0 ? d->count - 1 : 0);
        return;
    }
    disk_crash(w, m, false);
    d->failed = true;
    news(w, m, NEWS_FAILED);
}

void disk_fill(struct world *w, struct server *m, int64_t until_us)
{
    if (is_full(w, m))
        return;
    m->disk.full_until_us = until_us;
    news(w, m, NEWS_FULL);
    world_at(w, until_us, (struct happening){.kind = HAPPENS_ROOM, .member = m->index});
}

void disk_has_room(struct world *w, struct server *m)
{
    if (!m->up || is_full(w, m))
        return;
    w->machine->news(w, m, NEWS_ROOM, 0);
    disk_go_on(w, m);
}

void disk_outlive_role(struct server *m)
{
    for (size_t i = 0; i < m->disk.count; i++)
        op_at(&m->disk, i)->stale = true;
}

bool disk_checkpoint(struct world *w, struct disk *d, int64_t zxid)
{
    size_t count = 0;
    if (d->log.count > 0 && d->log.items[0].zxid > d->log_from && world_chance(w, 8))
        d->log_from = d->base.label;
    while (count < d->log.count && d->log.items[count].zxid <= zxid)
        CHECK(history_apply(&d->base, d->log.items[count++]));
    if (count == 0)
        return false;
    memmove(d->log.items, d->log.items + count, (d->log.count - count) * sizeof *d->log.items);
    d->log.count -= count;
    return true;
}

void disk_free(struct disk *d)
{
    ops_drop(d, 0);
    mem_free(d->ops);
    history_free(&d->base);
    history_free(&d->log);
    history_free(&d->next_base);
    history_free(&d->next_log);
    buffer_free(&d->image);
    buffer_free(&d->spool);
    buffer_free(&d->config);
    buffer_free(&d->last_seen);
    *d = (struct disk){0};
}
