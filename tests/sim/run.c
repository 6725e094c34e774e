/* run.c - see run.h. */
#include "tests/sim/run.h"

#include "core/base/check.h"
#include "core/base/mem.h"
#include "tests/sim/checks/zab.h"
#include "tests/sim/ensemble.h"
#include "tests/sim/faults.h"
#include "tests/sim/machine.h"
#include "tests/sim/plan.h"

#include <inttypes.h>

enum { STEPS_MAX = 2000000 }; /* more means that something runs in a circle */

static void run_start(struct world *w, const struct run *run)
{
    *w = (struct world){
        .seed = run->seed, .trace = run->trace, .machine = run->machine, .mutant = run->mutant, .next_id = 1};
    w->random.state = run->seed;
    plan_draw(w, run->voters);
    w->net = net_new();
    const unsigned first = w->plan.voters + w->plan.observers;
    for (unsigned i = 0; i < w->count; i++) {
        struct server *m = &w->servers[i];
        m->index = i;
        m->sid = (int64_t)i + 1;
        m->observer = i >= w->plan.voters && (i < first || world_chance(w, 2));
        m->installed = i < first;
        m->clock.permille = 1000;
    }
    for (unsigned i = 0; i < first; i++)
        if (!world_chance(w, 8))
            world_start(w, &w->servers[i]);
        else
            world_at(w, world_about(w, 2 * SIM_SECOND),
                     (struct happening){.kind = HAPPENS_RESTART, .member = i, .what = w->servers[i].life});
    for (unsigned i = first; i < w->count; i++)
        world_at(w, random_below(&w->random, (uint32_t)(w->plan.faults_end_us / 2)),
                 (struct happening){.kind = HAPPENS_HOST, .member = i});
    world_at(w, world_about(w, w->plan.fault_us), (struct happening){.kind = HAPPENS_FAULT});
    w->machine->begin(w);
}

static void run_until(struct world *w, int64_t until_us)
{
    while (!w->failed && w->now_us < until_us) {
        if (w->steps > STEPS_MAX)
            world_fail(w, "more than %d steps", STEPS_MAX);
        else
            world_step(w);
    }
}

/* Does one lead, do all others follow it, and has everybody everything? Hosts that are members no more, or not yet, may
 * not know where the ensemble is. */
static bool settled(const struct world *w)
{
    const struct server *leader = NULL;
    for (unsigned i = 0; i < w->count; i++) {
        const struct server *m = &w->servers[i];
        if (!ensemble_has(w, m))
            continue;
        if (!m->up || m->phase != ZAB_BROADCAST || m->tree.count != w->committed.count)
            return false;
        if (m->role == ZAB_LEADING)
            leader = m;
    }
    if (leader == NULL || zab_next_zxid(w->machine->zab(leader)) == 0)
        return false;
    for (unsigned i = 0; i < w->count; i++)
        if (ensemble_has(w, &w->servers[i]) &&
            (w->servers[i].epoch != leader->epoch || (&w->servers[i] != leader && w->servers[i].role == ZAB_LEADING)))
            return false;
    return w->machine->settled == NULL || w->machine->settled(w);
}

static bool settles(struct world *w, size_t committed, int64_t within_us)
{
    for (int64_t end_us = w->now_us + within_us; !w->failed && w->now_us < end_us;) {
        run_until(w, w->now_us + SIM_SECOND / 10);
        ensemble_mend(w);
        if (w->committed.count >= committed && settled(w))
            return !w->failed;
    }
    return false;
}

static size_t describe_configs(const struct world *w, char *text, size_t size)
{
    struct buffer configs = {0};
    ensemble_print(w->config, &configs);
    for (unsigned i = 0; i < w->count && w->plan.reconfigs; i++) {
        const struct zab *z = w->servers[i].up ? w->machine->zab(&w->servers[i]) : NULL;
        if (z == NULL)
            continue;
        CHECK(buffer_printf(&configs, "\n %u %u:", i + 1, w->servers[i].port) == ST_OK);
        ensemble_print(zab_committed(z), &configs);
        ensemble_print(zab_pending_config(z), &configs);
    }
    int n = snprintf(text, size, "%.*s", BYTES_PRINT(buffer_bytes(&configs)));
    buffer_free(&configs);
    return n > 0 ? (size_t)n : 0;
}

static void describe(const struct world *w, char *text, size_t size)
{
    static const char *const roles[] = {"looking", "following", "leading", "observing"};
    size_t used = 0;
    for (unsigned i = 0; i < w->count && used < size; i++) {
        const struct server *m = &w->servers[i];
        int n = snprintf(text + used, size - used, " %" PRId64 ":%s/%d/%" PRId64 "/%zu", m->sid,
                         m->up ? roles[m->role] : "down", (int)m->phase, m->epoch, m->tree.count);
        used += n > 0 ? (size_t)n : 0;
    }
    if (used < size)
        used += describe_configs(w, text + used, size - used);
    if (w->machine->describe != NULL && used < size)
        w->machine->describe(w, text + used, size - used);
}

/* Two rounds of elections with their longest pauses, and the limits of discovery and synchronization after each. */
static int64_t patience_us(const struct world *w)
{
    const struct plan *p = &w->plan;
    return SIM_MILLISECOND *
           (30000 + 4 * (int64_t)p->notification_ms_max + 8 * (int64_t)p->tick_ms * (p->init_limit + p->sync_limit));
}

/* A write may be the one for which the leader steps down, when its epoch has no more zxids. */
static bool can_write(struct world *w)
{
    for (unsigned attempts = 0; attempts < 4 && !w->failed; attempts++)
        if (w->machine->write(w) && settles(w, w->committed.count + 1, patience_us(w)))
            return true;
    return false;
}

static void quiet_end(struct world *w)
{
    w->calm = true;
    world_trace(w, NULL, "no more faults");
    run_until(w, faults_last_us(w));
    world_trace(w, NULL, "everything is mended");
    if (!w->failed)
        faults_mend(w);
    char text[4000] = "";
    bool good = settles(w, 0, patience_us(w));
    describe(w, text, sizeof text);
    if (!good && !w->failed && faults_were_too_many(w)) {
        mark(w, MARK_BEYOND_HELP);
        return;
    }
    if (!good)
        world_fail(w, "no leader in time that all follow:%s", text);
    good = can_write(w);
    describe(w, text, sizeof text);
    if (!good)
        world_fail(w, "no new write in time:%s", text);
    if (!w->failed)
        check_end(w);
    if (w->failed || w->machine->farewell == NULL)
        return;
    if (!settles(w, 0, patience_us(w) + w->machine->farewell(w)))
        world_fail(w, "what clients left behind has not gone in time");
    if (!w->failed)
        check_end(w);
}

bool run_seed(struct world *w, const struct run *run)
{
    run_start(w, run);
    run_until(w, w->plan.faults_end_us);
    if (!w->failed)
        quiet_end(w);
    return !w->failed;
}

void run_free(struct world *w)
{
    for (unsigned i = 0; i < w->count; i++) {
        struct server *m = &w->servers[i];
        if (m->up)
            w->machine->stop(w, m);
        disk_free(&m->disk);
        history_free(&m->tree);
    }
    w->machine->end(w);
    net_free(w->net);
    MAP64_FOR_EACH(slot, &w->proposals)
    {
        struct proposal *p = slot->value;
        members_free(p->config);
        mem_free(p);
    }
    map64_free(&w->proposals);
    map64_free(&w->established);
    history_free(&w->committed);
    members_free(w->config);
    members_free(w->former);
    buffer_free(&w->config_text);
    mem_free(w->heap);
}
