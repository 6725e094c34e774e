/* world.c - see world.h: the order of happenings, and the lives of members. */
#include "tests/sim/world.h"

#include "core/base/array.h"
#include "core/base/check.h"
#include "tests/sim/ensemble.h"
#include "tests/sim/faults.h"
#include "tests/sim/machine.h"

#include <inttypes.h>
#include <stdarg.h>

/* -- the order of happenings: a heap ------------------------------------------------------------------------------- */

static bool earlier(const struct happening *a, const struct happening *b)
{
    return a->at_us != b->at_us ? a->at_us < b->at_us : a->order < b->order;
}

void world_at(struct world *w, int64_t at_us, struct happening happening)
{
    if (at_us == INT64_MAX)
        return;
    struct happening *heap = array_room(w->heap, w->heap_count, &w->heap_capacity, sizeof *heap, 256);
    CHECK(heap != NULL);
    w->heap = heap;
    happening.at_us = at_us > w->now_us ? at_us : w->now_us;
    happening.order = w->next_order++;
    size_t i = w->heap_count++;
    for (; i > 0 && earlier(&happening, &heap[(i - 1) / 2]); i = (i - 1) / 2)
        heap[i] = heap[(i - 1) / 2];
    heap[i] = happening;
}

static struct happening take_earliest(struct world *w)
{
    CHECK(w->heap_count > 0);
    const struct happening first = w->heap[0], last = w->heap[--w->heap_count];
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child + 1 < w->heap_count && earlier(&w->heap[child + 1], &w->heap[child]))
            child++;
        if (child >= w->heap_count || !earlier(&w->heap[child], &last))
            break;
        w->heap[i] = w->heap[child];
        i = child;
    }
    w->heap[i] = last;
    return first;
}

/* -- small things -------------------------------------------------------------------------------------------------- */

void world_fail(struct world *w, const char *format, ...)
{
    if (w->failed)
        return;
    w->failed = true;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(w->failure, sizeof w->failure, format, arguments);
    va_end(arguments);
    world_trace(w, NULL, "FAILED: %s", w->failure);
}

void world_trace(struct world *w, const struct server *m, const char *format, ...)
{
    if (w->trace == NULL)
        return;
    fprintf(w->trace, "%10.3f ", (double)w->now_us / SIM_MILLISECOND);
    if (m != NULL)
        fprintf(w->trace, "%" PRId64 " ", m->sid);
    else
        fputs("- ", w->trace);
    va_list arguments;
    va_start(arguments, format);
    (void)vfprintf(w->trace, format, arguments);
    va_end(arguments);
    fputc('\n', w->trace);
}

bool world_chance(struct world *w, uint32_t n)
{
    return random_below(&w->random, n) == 0;
}

int64_t world_about(struct world *w, uint32_t mean_us)
{
    int64_t us = random_below(&w->random, 2 * mean_us + 1);
    if (world_chance(w, 32))
        us *= 8;
    return us;
}

struct server *world_member(struct world *w, int64_t sid)
{
    return sid >= 1 && sid <= (int64_t)w->count ? &w->servers[sid - 1] : NULL;
}

/* -- a member's life ----------------------------------------------------------------------------------------------- */

int64_t world_own_us(struct world *w, struct server *m)
{
    int64_t own_us = clock_own(&m->clock, w->now_us);
    if (own_us > m->shown_us)
        m->shown_us = own_us;
    return m->shown_us;
}

void world_wake(struct world *w, struct server *m, int64_t own_us)
{
    m->wake_no++;
    if (own_us == INT64_MAX)
        return;
    /* Timers are late, now and then very. */
    int64_t at_us = clock_true(&m->clock, own_us);
    if (at_us != INT64_MAX)
        at_us = (at_us > w->now_us ? at_us : w->now_us) + world_about(w, SIM_MILLISECOND / 4);
    world_at(w, at_us, (struct happening){.kind = HAPPENS_WAKE, .member = m->index, .what = m->wake_no});
}

void world_load(struct world *w, struct server *m)
{
    m->loading = true;
    world_at(w, w->now_us + world_about(w, w->plan.load_us),
             (struct happening){.kind = HAPPENS_LOADED, .member = m->index, .what = m->life});
}

void world_start(struct world *w, struct server *m)
{
    CHECK(!m->up && m->installed);
    m->life++;
    if (w->plan.mixed && !w->calm && world_chance(w, 6))
        m->silent = !m->silent;
    m->up = true;
    m->shown_us = 0;
    m->clock = (struct clock){w->now_us, (int64_t)random_below(&w->random, 1000 * SIM_SECOND), m->clock.permille};
    m->role = ZAB_LOOKING;
    m->phase = ZAB_LOADING;
    m->told_epoch = -1;
    w->machine->start(w, m);
    world_trace(w, m, "starts");
    net_restarted(w, m);
    world_load(w, m);
}

void world_crash(struct world *w, struct server *m, bool power)
{
    CHECK(m->up);
    world_trace(w, m, power ? "loses its power" : "is killed");
    net_close_all(w, m->index, PORT_KINDS, power);
    net_forget_notes(w, m);
    disk_crash(w, m, !power && world_chance(w, 2));
    w->machine->stop(w, m);
    m->up = m->loading = m->listening = m->takes_observers = false;
    m->agreed = 0;
    m->life++;
    m->wake_no++;
}

/* Of its last txn; without data there is none. */
static int64_t disk_epoch(const struct disk *d)
{
    return disk_zxid(d) < 0 ? 0 : (int64_t)((uint64_t)disk_zxid(d) >> 32);
}

/* A log whose last txn is of a later epoch than currentEpoch: the process ended between the txns of a sync and the
 * epoch behind them (quorum-protocol 6.4). What was logged of that sync is a beginning of the history of the leader
 * that sent it, and goes to a txn of epoch e; a history that has a txn of e has all of e's first history before it.
 * So the member may claim e as it would had it followed e's leader to that very txn, and then ended. It promised e, or
 * more, before the sync began. Claiming less would be safe, too, but could let a shorter history win. */
static void raise_current_epoch(struct world *w, struct disk *d)
{
    int64_t epoch = disk_epoch(d);
    if (epoch <= d->current_epoch || d->accepted_epoch < epoch)
        return;
    d->current_epoch = epoch;
    mark(w, MARK_EPOCH_RAISED);
}

static void member_loaded(struct world *w, struct server *m)
{
    struct disk *d = &m->disk;
    if (d->failed)
        return; /* it cannot start */
    m->loading = false;
    raise_current_epoch(w, d);
    if (d->accepted_epoch < d->current_epoch || d->current_epoch < disk_epoch(d))
        world_fail(w, "member %" PRId64 " finds acceptedEpoch %" PRId64 ", currentEpoch %" PRId64 ", zxid 0x%" PRIx64,
                   m->sid, d->accepted_epoch, d->current_epoch, (uint64_t)disk_zxid(d));
    disk_read(d, &m->tree);
    m->claims = true;
    w->machine->loaded(w, m);
    if (w->machine->zab(m) != NULL)
        ensemble_told(w, m);
    m->claims = false;
}

/* -- what happens -------------------------------------------------------------------------------------------------- */

/* A member that is stopped finds everything when it goes on. */
static bool postponed(struct world *w, const struct happening *h)
{
    if (w->stopped_until_us[h->member] <= w->now_us)
        return false;
    world_at(w, w->stopped_until_us[h->member], *h);
    return true;
}

/* Nobody is told of a full disk behind the news that it has room: nothing would take it back. */
static bool is_outdated(const struct world *w, const struct server *m, enum disk_news news)
{
    return news == NEWS_FULL && m->disk.full_until_us <= w->now_us;
}

static void member_happens(struct world *w, const struct happening *h)
{
    struct server *m = &w->servers[h->member];
    bool same_life = h->kind == HAPPENS_WAKE ? m->up && m->wake_no == h->what : m->life == h->what;
    if ((!same_life && h->kind != HAPPENS_ROOM) || (h->kind != HAPPENS_DISK && postponed(w, h)))
        return;
    switch (h->kind) {
    case HAPPENS_WAKE: w->machine->tick(w, m); break;
    case HAPPENS_LOADED: member_loaded(w, m); break;
    case HAPPENS_DISK: disk_done(w, m); break;
    case HAPPENS_NEWS:
        if (m->up && !is_outdated(w, m, (enum disk_news)h->event))
            w->machine->news(w, m, (enum disk_news)h->event, h->zxid);
        break;
    case HAPPENS_ROOM: disk_has_room(w, m); break;
    case HAPPENS_REPAIR:
        world_crash(w, m, false);
        world_start(w, m);
        break;
    default: world_start(w, m); break;
    }
}

void world_step(struct world *w)
{
    const struct happening next = take_earliest(w), *h = &next;
    w->now_us = h->at_us;
    switch (h->kind) {
    case HAPPENS_WAKE:
    case HAPPENS_LOADED:
    case HAPPENS_DISK:
    case HAPPENS_NEWS:
    case HAPPENS_ROOM:
    case HAPPENS_REPAIR:
    case HAPPENS_RESTART: member_happens(w, h); break;
    case HAPPENS_HOST: ensemble_install(w, &w->servers[h->member]); break;
    case HAPPENS_OWN: w->machine->own(w, h); break;
    case HAPPENS_CLIENT: w->machine->client(w, h); break;
    case HAPPENS_FAULT: fault_happens(w); break;
    default: net_happens(w, h); break;
    }
}
