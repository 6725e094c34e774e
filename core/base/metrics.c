/* metrics.c - the rows of metrics.def, and a place for the values of each. */
#include "core/base/metrics.h"

#include "core/base/check.h"
#include "core/base/mem.h"

struct metrics {
    uint64_t counters[COUNTER_COUNT];
    struct summary summaries[SUMMARY_COUNT];
    struct keyed keyed[KEYED_COUNT];
};

static const struct row {
    const char *name, *help;
    enum summary_detail detail;
} counter_rows[] =
    {
#define COUNTER(name, help) {#name, help, DETAIL_PLAIN},
#include "core/base/metrics.def"
},
  summary_rows[] =
      {
#define SUMMARY(name, help)  {#name, help, DETAIL_PLAIN},
#define ADVANCED(name, help) {#name, help, DETAIL_QUANTILES},
#include "core/base/metrics.def"
},
  keyed_rows[] = {
#define KEYED(name, help) {#name, help, DETAIL_MEDIAN},
#include "core/base/metrics.def"
};
static_assert(ARRAY_LEN(counter_rows) == COUNTER_COUNT, "one row per counter");
static_assert(ARRAY_LEN(summary_rows) == SUMMARY_COUNT, "one row per summary");
static_assert(ARRAY_LEN(keyed_rows) == KEYED_COUNT, "one row per summary with keys");

struct metrics *metrics_new(uint32_t keys_max)
{
    struct metrics *m = mem_calloc(1, sizeof *m);
    CHECK(keys_max <= KEYED_MAX);
    for (size_t i = 0; m != NULL && i < KEYED_COUNT; i++)
        m->keyed[i].max = keys_max;
    return m;
}

void metrics_free(struct metrics *m)
{
    if (m == NULL)
        return;
    for (size_t i = 0; i < SUMMARY_COUNT; i++)
        summary_free(&m->summaries[i]);
    for (size_t i = 0; i < KEYED_COUNT; i++)
        keyed_free(&m->keyed[i]);
    mem_free(m);
}

void metrics_add(struct metrics *m, enum counter_id id, uint64_t amount)
{
    m->counters[id] += amount;
}

uint64_t metrics_counter(const struct metrics *m, enum counter_id id)
{
    return m->counters[id];
}

void metrics_observe(struct metrics *m, enum summary_id id, int64_t value)
{
    summary_observe(&m->summaries[id], summary_rows[id].detail, value);
}

void metrics_observe_key(struct metrics *m, enum keyed_id id, struct bytes key, int64_t value)
{
    keyed_observe(&m->keyed[id], key, value);
}

void metrics_summary(const struct metrics *m, enum summary_id id, struct summary_values *values)
{
    summary_look(&m->summaries[id], summary_rows[id].detail, values);
}

const struct keyed *metrics_keyed(const struct metrics *m, enum keyed_id id)
{
    return &m->keyed[id];
}

void metrics_reset(struct metrics *m)
{
    memset(m->counters, 0, sizeof m->counters);
    for (size_t i = 0; i < SUMMARY_COUNT; i++)
        summary_reset(&m->summaries[i]);
    for (size_t i = 0; i < KEYED_COUNT; i++)
        keyed_reset(&m->keyed[i]);
}

const char *counter_name(enum counter_id id)
{
    return counter_rows[id].name;
}

const char *counter_help(enum counter_id id)
{
    return counter_rows[id].help;
}

const char *summary_name(enum summary_id id)
{
    return summary_rows[id].name;
}

const char *summary_help(enum summary_id id)
{
    return summary_rows[id].help;
}

const char *keyed_name(enum keyed_id id)
{
    return keyed_rows[id].name;
}

const char *keyed_help(enum keyed_id id)
{
    return keyed_rows[id].help;
}
