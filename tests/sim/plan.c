/* plan.c - see plan.h. */
#include "tests/sim/plan.h"

#include "core/base/check.h"
#include "tests/sim/ensemble.h"
#include "tests/sim/mutants.h"

enum { RECONFIG_BYTES = 8192 }; /* of a few in flight */

static uint32_t one_of(struct world *w, const uint32_t *values, size_t count)
{
    return values[random_below(&w->random, (uint32_t)count)];
}

#define ONE_OF(w, ...) \
    one_of(w, (const uint32_t[]){__VA_ARGS__}, sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

static void draw_ensemble(struct world *w, unsigned voters)
{
    struct plan *p = &w->plan;
    p->voters = voters != 0 ? voters : ONE_OF(w, 3, 3, 3, 5, 5, 7);
    p->observers = ONE_OF(w, 0, 0, 1, 2);
    p->observer_masters = p->observers > 0 && world_chance(w, 2);
    p->groups = p->voters == 5 && world_chance(w, 8);
    p->tick_ms = (int32_t)ONE_OF(w, 50, 100, 200, 1000);
    p->init_limit = (int32_t)ONE_OF(w, 5, 10);
    p->sync_limit = (int32_t)ONE_OF(w, 2, 5);
    p->notification_ms_max = (int32_t)ONE_OF(w, 800, 3200, 60000);
    p->notification_ms_min = (int32_t)ONE_OF(w, 200, 200, 50);
    p->finalize_wait_ms = (int32_t)ONE_OF(w, 200, 200, 20, 0);
    p->pending_bytes_max = ONE_OF(w, 1 << 20, 1 << 20, 200);
    p->committed_count_max = ONE_OF(w, 2, 5, 20, 500);
    p->detection_ms = w->seed % 2 == 0 ? p->tick_ms * p->sync_limit / 2 : 0; /* without a record half of the time */
    p->zxid_counter_max = world_chance(w, 4) ? (int64_t)ONE_OF(w, 3, 8, 30) : (int64_t)0xfffffffe;
    p->zxid_margin = p->zxid_counter_max <= 30 ? p->zxid_counter_max / 2 : 0;
}

/* What operators may switch on. */
static void draw_options(struct world *w)
{
    struct plan *p = &w->plan;
    p->passwords = world_chance(w, 2);
    p->mixed = world_chance(w, 3);
    p->local_sessions = world_chance(w, 3);
    p->upgrades = !world_chance(w, 4);
    p->read_only = world_chance(w, 3);
}

/* A txn that is a reconfiguration is a large one. */
static void draw_changes(struct world *w)
{
    struct plan *p = &w->plan;
    p->reconfigs = world_chance(w, 2) && !mutant_of_first_config(w);
    p->change_every = ONE_OF(w, 10, 40, 150);
    p->spares = p->reconfigs ? random_below(&w->random, 4) : 0;
    if (p->reconfigs && p->pending_bytes_max < RECONFIG_BYTES)
        p->pending_bytes_max = RECONFIG_BYTES;
}

/* Where nothing fails even the slowest message must come within the limits, or nobody ever settles. */
static uint32_t bearable(const struct plan *p, uint32_t mean_us)
{
    uint32_t limit_us = (uint32_t)(p->tick_ms * p->sync_limit) * SIM_MILLISECOND / 40;
    return mean_us < limit_us ? mean_us : limit_us;
}

/* What is slow and what fails: each seed has its own few faults, so that some go deep where others go wide. */
static void draw_faults(struct world *w)
{
    struct plan *p = &w->plan;
    p->faults = (uint32_t)random_next(&w->random) & (uint32_t)random_next(&w->random);
    if (world_chance(w, 3))
        p->faults |= (uint32_t)random_next(&w->random);
    p->latency_us = bearable(p, ONE_OF(w, 100, 1000, 10000));
    p->disk_us = bearable(p, ONE_OF(w, 200, 2000, 20000));
    p->load_us = ONE_OF(w, 1000, 20000);
    p->client_us = ONE_OF(w, 5000, 50000, 200000);
    p->fault_us = ONE_OF(w, 100000, 300000, 1000000) * (p->tick_ms > 200 ? 2 : 1);
    p->faults_end_us = (int64_t)p->fault_us * (10 + random_below(&w->random, 40));
    if (p->faults_end_us < 3 * SIM_SECOND)
        p->faults_end_us = 3 * SIM_SECOND;
    if (p->client_us < p->faults_end_us / 1000)
        p->client_us = (uint32_t)(p->faults_end_us / 1000); /* about as many txns as are worth their time */
    p->late_tells = world_chance(w, 2);
}

void plan_draw(struct world *w, unsigned voters)
{
    draw_ensemble(w, voters);
    draw_faults(w);
    draw_changes(w);
    draw_options(w);
    w->count = w->plan.voters + w->plan.observers + w->plan.spares;
    ensemble_first(&w->config_text, &w->plan, 0);
    w->config = ensemble_parse(buffer_bytes(&w->config_text));
}

static void fill_options(const struct world *w, const struct server *m, struct zab_options *options)
{
    const struct plan *p = &w->plan;
    const bool shows = p->detection_ms > 0 && !m->silent;
    *options = (struct zab_options){
        .sid = m->sid,
        .observer = m->observer,
        .reconfig_enabled = p->reconfigs,
        .tick_ms = p->tick_ms,
        .init_limit = p->init_limit,
        .sync_limit = p->sync_limit,
        .notification_ms_min = p->notification_ms_min,
        .notification_ms_max = p->notification_ms_max,
        .finalize_wait_ms = p->finalize_wait_ms,
        .connect_retry_ms = 100,
        .observer_masters = p->observer_masters,
        .observer_reconnect_ms = p->tick_ms,
        .observer_election_ms = p->tick_ms,
        .observer_retry_ms = w->seed % 3 == 0 ? 0 : 10 * p->tick_ms,
        .seed = w->seed + (uint64_t)m->sid,
        .snapshot_syncs_max = 1,
        .diff_syncs_max = 1,
        .reads_log = w->seed % 4 != 0,
        .committed_count_max = p->committed_count_max,
        .committed_bytes_max = 1 << 20,
        .pending_bytes_max = p->pending_bytes_max,
        .zxid_counter_max = p->zxid_counter_max,
        .zxid_margin = p->zxid_margin,
        .shows_capabilities = shows,
        .can = {.of = {[CAPABILITY_FAILURE_DETECTION] = shows ? p->detection_ms : 0,
                       [CAPABILITY_HANDOVER] = shows,
                       [CAPABILITY_SESSION_PASSWORDS] = shows && p->passwords}},
    };
}

struct plan_member plan_member(const struct world *w, const struct server *m)
{
    const struct buffer *text = m->disk.config.len > 0 ? &m->disk.config : &w->config_text;
    const struct buffer *last_seen = &m->disk.last_seen;
    struct buffer alone = {0};
    if (mutant_is(w, MUTANT_QUORUM_MINUS_ONE) && !m->observer)
        ensemble_first(&alone, &w->plan, m->sid);
    struct plan_member member = {.committed = ensemble_parse(buffer_bytes(alone.len > 0 ? &alone : text)),
                                 .last_seen = last_seen->len > 0 ? ensemble_parse(buffer_bytes(last_seen)) : NULL};
    fill_options(w, m, &member.options);
    buffer_free(&alone);
    return member;
}
