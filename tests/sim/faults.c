/* faults.c - see faults.h. One row for each fault; a seed has some of them (world.plan.faults). */
#include "tests/sim/faults.h"

#include "core/base/check.h"
#include "core/members/quorum.h"
#include "tests/sim/ensemble.h"
#include "tests/sim/machine.h"

typedef void fault_fn(struct world *w);

static struct server *any(struct world *w)
{
    return &w->servers[random_below(&w->random, w->count)];
}

static struct server *any_leader(struct world *w)
{
    unsigned start = random_below(&w->random, w->count);
    for (unsigned i = 0; i < w->count; i++) {
        struct server *m = &w->servers[(start + i) % w->count];
        if (m->up && m->role == ZAB_LEADING)
            return m;
    }
    return any(w);
}

/* Short, or long enough for everybody to notice. */
static int64_t a_while_us(struct world *w)
{
    int64_t notice_us = (int64_t)w->plan.tick_ms * w->plan.sync_limit * SIM_MILLISECOND;
    return world_chance(w, 2) ? world_about(w, 50 * SIM_MILLISECOND) : world_about(w, (uint32_t)notice_us);
}

void fault_crash(struct world *w, struct server *m)
{
    if (!m->up)
        return;
    world_crash(w, m, world_chance(w, 2));
    int64_t down_us = world_chance(w, 2) ? world_about(w, 20 * SIM_MILLISECOND) : a_while_us(w);
    world_at(w, w->now_us + down_us, (struct happening){.kind = HAPPENS_RESTART, .member = m->index, .what = m->life});
}

static void crash_one(struct world *w)
{
    fault_crash(w, any(w));
}

static void crash_leader(struct world *w)
{
    fault_crash(w, any_leader(w));
}

static void crash_many(struct world *w)
{
    for (unsigned i = 0; i < w->count; i++)
        if (!world_chance(w, 3))
            fault_crash(w, &w->servers[i]);
}

static void crash_all(struct world *w)
{
    for (unsigned i = 0; i < w->count; i++)
        fault_crash(w, &w->servers[i]);
}

/* Between two writes that the machine asked for in one breath. */
static void crash_writing(struct world *w)
{
    bool many = world_chance(w, 2);
    for (unsigned i = 0; many && i < w->count; i++)
        w->servers[i].dies_writing = !world_chance(w, 3);
    any(w)->dies_writing = true;
}

/* In one direction or both. */
static void cut_pair(struct world *w, unsigned a, unsigned b, int64_t until_us)
{
    unsigned ways = 1 + random_below(&w->random, 3);
    if (ways & 1)
        net_cut(w, a, b, until_us);
    if (ways & 2)
        net_cut(w, b, a, until_us);
}

static void cut_link(struct world *w)
{
    unsigned a = any(w)->index, b = any(w)->index;
    if (a != b)
        cut_pair(w, a, b, w->now_us + a_while_us(w));
}

static void partition(struct world *w)
{
    uint32_t side = (uint32_t)random_next(&w->random);
    bool one_way = world_chance(w, 3);
    int64_t until_us = w->now_us + a_while_us(w);
    for (unsigned a = 0; a < w->count; a++)
        for (unsigned b = 0; b < w->count; b++)
            if ((side >> a & 1) != 0 && (side >> b & 1) == 0) {
                net_cut(w, a, b, until_us);
                if (!one_way)
                    net_cut(w, b, a, until_us);
            }
}

static void isolate_leader(struct world *w)
{
    unsigned leader = any_leader(w)->index;
    int64_t until_us = w->now_us + a_while_us(w);
    bool in = !world_chance(w, 4), out = !world_chance(w, 4);
    for (unsigned i = 0; i < w->count; i++) {
        if (i != leader && in)
            net_cut(w, i, leader, until_us);
        if (i != leader && out)
            net_cut(w, leader, i, until_us);
    }
}

static void break_link(struct world *w)
{
    (void)net_break_link(w, PORT_QUORUM);
}

static void break_links(struct world *w)
{
    for (unsigned i = 1 + random_below(&w->random, w->count); i > 0; i--)
        (void)net_break_link(w, PORT_QUORUM);
}

static void break_notes(struct world *w)
{
    for (unsigned i = 1 + random_below(&w->random, w->count); i > 0; i--)
        net_break_notes(w, any(w)->index, any(w)->index);
}

static void slow_net(struct world *w)
{
    net_slow(w, w->now_us + a_while_us(w));
}

static void stop_one(struct world *w)
{
    struct server *m = world_chance(w, 2) ? any(w) : any_leader(w);
    w->stopped_until_us[m->index] = w->now_us + a_while_us(w);
}

static void change_clock(struct world *w)
{
    struct server *m = any(w);
    int64_t ahead_us = world_chance(w, 4) ? a_while_us(w) : 0;
    if (m->up)
        clock_change(&m->clock, w->now_us, 700 + (int64_t)random_below(&w->random, 600), ahead_us);
}

static void slow_disk(struct world *w)
{
    any(w)->disk.slow_until_us = w->now_us + a_while_us(w);
}

static void fill_disk(struct world *w)
{
    disk_fill(w, any(w), w->now_us + a_while_us(w));
}

static void fail_disk(struct world *w)
{
    struct server *m = any(w);
    if (!m->up || m->disk.failed)
        return;
    disk_fail(w, m);
    /* Only a restart ends it. */
    world_at(w, w->now_us + a_while_us(w),
             (struct happening){.kind = HAPPENS_REPAIR, .member = m->index, .what = m->life});
}

static bool others_suffice(const struct world *w, const struct server *m, const struct members *pending)
{
    struct quorum others = quorum_of(w->config, pending);
    for (unsigned i = 0; i < w->count; i++)
        if (&w->servers[i] != m)
            (void)quorum_add(&others, w->servers[i].sid);
    return quorum_reached(&others);
}

/* In the configuration in force, in the one before, and in each that may yet come. */
static bool is_dispensable(const struct world *w, const struct server *m)
{
    bool enough = others_suffice(w, m, w->former);
    MAP64_FOR_EACH(slot, &w->proposals)
    {
        const struct proposal *p = slot->value;
        if (p->config != NULL && p->config->version > w->config->version)
            enough = enough && others_suffice(w, m, p->config);
    }
    return enough;
}

bool faults_were_too_many(const struct world *w)
{
    for (unsigned i = 0; i < w->count; i++)
        if (w->servers[i].lost_disk && !is_dispensable(w, &w->servers[i]))
            return true;
    return false;
}

/* Of one member at a time: what it held must be held by others. */
static void lose_disk(struct world *w)
{
    struct server *m = any(w);
    for (unsigned i = 0; i < w->count; i++)
        if (w->servers[i].lost_disk)
            return;
    if (!m->installed || !is_dispensable(w, m))
        return;
    fault_crash(w, m);
    if (!m->up)
        disk_lose(w, m);
}

static void checkpoint(struct world *w)
{
    w->machine->checkpoint(w, any(w));
}

static const struct fault_row {
    const char *name;
    fault_fn *happen;
} rows[] = {
    {"crash of one", crash_one},
    {"crash of the leader", crash_leader},
    {"crash of many", crash_many},
    {"crash of all", crash_all},
    {"crash while writing", crash_writing},
    {"cut between two", cut_link},
    {"partition", partition},
    {"leader isolated", isolate_leader},
    {"link broken", break_link},
    {"links broken", break_links},
    {"election connections broken", break_notes},
    {"slow network", slow_net},
    {"stopped process", stop_one},
    {"clock changed", change_clock},
    {"slow disk", slow_disk},
    {"full disk", fill_disk},
    {"failing disk", fail_disk},
    {"lost disk", lose_disk},
    {"checkpoint", checkpoint},
};

const char *fault_name(unsigned index)
{
    return index < ARRAY_LEN(rows) ? rows[index].name : NULL;
}

void fault_happens(struct world *w)
{
    if (w->calm)
        return;
    unsigned i = random_below(&w->random, ARRAY_LEN(rows));
    for (unsigned tried = 0; tried < ARRAY_LEN(rows) && (w->plan.faults >> i & 1) == 0; tried++)
        i = (i + 1) % ARRAY_LEN(rows);
    if ((w->plan.faults >> i & 1) != 0) {
        world_trace(w, NULL, "fault: %s", rows[i].name);
        w->fault_counts[i]++;
        rows[i].happen(w);
    }
    /* Now and then a second one right behind the first. */
    int64_t next_us = world_chance(w, 4) ? world_about(w, SIM_MILLISECOND) : world_about(w, w->plan.fault_us);
    world_at(w, w->now_us + next_us, (struct happening){.kind = HAPPENS_FAULT});
}

int64_t faults_last_us(const struct world *w)
{
    int64_t last_us = net_last_us(w);
    for (unsigned end = 0; end < SIM_ENDS; end++)
        last_us = w->stopped_until_us[end] > last_us ? w->stopped_until_us[end] : last_us;
    for (unsigned i = 0; i < w->count; i++) {
        const struct server *m = &w->servers[i];
        const int64_t times[] = {m->disk.slow_until_us, m->disk.full_until_us};
        for (size_t k = 0; k < ARRAY_LEN(times); k++)
            last_us = times[k] > last_us ? times[k] : last_us;
    }
    return last_us;
}

void faults_mend(struct world *w)
{
    for (unsigned i = 0; i < w->count; i++) {
        struct server *m = &w->servers[i];
        m->dies_writing = false;
        if (m->up)
            clock_change(&m->clock, w->now_us, 1000, 0);
        if (m->up && m->disk.failed)
            world_crash(w, m, false);
        if (!m->up && m->installed)
            world_start(w, m);
    }
}
