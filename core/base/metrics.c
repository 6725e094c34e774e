/* metrics.c - counters, and summaries whose quantiles come from a log-linear histogram.
 *
 * Sixteen buckets to each power of two: a bucket's upper edge is at most 1/16 above any value in it. The buckets of a
 * summary are allocated at its first value; without memory for them it has no quantiles. */
#include "core/base/metrics.h"

#include "core/base/check.h"
#include "core/base/mem.h"

enum {
    SUB_BITS = 4,
    SUBS = 1 << SUB_BITS,
    VALUE_BITS_MAX = 40, /* larger values share the last bucket */
    BUCKETS = (VALUE_BITS_MAX - SUB_BITS + 1) * SUBS,
};

struct summary {
    uint64_t count;
    int64_t sum, min, max;
    uint64_t *buckets;
};

struct metrics {
    uint64_t counters[COUNTER_COUNT];
    struct summary summaries[SUMMARY_COUNT];
};

static const struct row {
    const char *name, *help;
    bool has_quantiles;
} counter_rows[] =
    {
#define COUNTER(name, help) {#name, help, false},
#define SUMMARY(name, help)
#define ADVANCED(name, help)
#include "core/base/metrics.def"
#undef COUNTER
#undef SUMMARY
#undef ADVANCED
},
  summary_rows[] = {
#define COUNTER(name, help)
#define SUMMARY(name, help)  {#name, help, false},
#define ADVANCED(name, help) {#name, help, true},
#include "core/base/metrics.def"
#undef COUNTER
#undef SUMMARY
#undef ADVANCED
};
static_assert(ARRAY_LEN(counter_rows) == COUNTER_COUNT, "one row per counter");
static_assert(ARRAY_LEN(summary_rows) == SUMMARY_COUNT, "one row per summary");

struct metrics *metrics_new(void)
{
    return mem_calloc(1, sizeof(struct metrics));
}

void metrics_free(struct metrics *m)
{
    if (m == NULL)
        return;
    for (size_t i = 0; i < SUMMARY_COUNT; i++)
        mem_free(m->summaries[i].buckets);
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

/* Values below SUBS have a bucket each; above, the bits behind the highest one say which of the SUBS. */
static size_t bucket_of(int64_t value)
{
    if (value < SUBS)
        return value < 0 ? 0 : (size_t)value;
    int shift = 63 - __builtin_clzll((unsigned long long)value) - SUB_BITS;
    if (shift >= VALUE_BITS_MAX - SUB_BITS)
        return BUCKETS - 1;
    return (size_t)(shift + 1) * SUBS + (size_t)((value >> shift) & (SUBS - 1));
}

/* The largest value of the bucket. */
static int64_t upper_edge(size_t bucket)
{
    if (bucket < SUBS)
        return (int64_t)bucket;
    size_t shift = bucket / SUBS - 1;
    return ((int64_t)(SUBS + bucket % SUBS + 1) << shift) - 1;
}

void metrics_observe(struct metrics *m, enum summary_id id, int64_t value)
{
    struct summary *s = &m->summaries[id];
    /* Only from the start: with half of the values the quantiles would be wrong. */
    if (s->buckets == NULL && s->count == 0 && summary_rows[id].has_quantiles)
        s->buckets = mem_calloc(BUCKETS, sizeof *s->buckets);
    if (s->buckets != NULL)
        s->buckets[bucket_of(value)]++;
    s->min = s->count == 0 || value < s->min ? value : s->min;
    s->max = s->count == 0 || value > s->max ? value : s->max;
    s->sum += value;
    s->count++;
}

/* The upper edge of the bucket in which the smallest `per_mille` thousandths end. */
static int64_t quantile(const struct summary *s, uint64_t per_mille)
{
    if (s->count == 0)
        return 0;
    uint64_t rank = (uint64_t)((double)s->count * (double)per_mille / 1000), seen = 0;
    rank += (double)rank < (double)s->count * (double)per_mille / 1000;
    size_t bucket = 0;
    while (bucket < BUCKETS - 1 && (seen += s->buckets[bucket]) < rank)
        bucket++;
    int64_t edge = upper_edge(bucket);
    return edge > s->max || bucket == BUCKETS - 1 ? s->max : edge;
}

void metrics_summary(const struct metrics *m, enum summary_id id, struct summary_values *values)
{
    const struct summary *s = &m->summaries[id];
    *values = (struct summary_values){.count = s->count, .sum = s->sum, .min = s->min, .max = s->max};
    if (s->count > 0)
        values->average = (double)s->sum / (double)s->count;
    values->has_quantiles = summary_rows[id].has_quantiles && (s->count == 0 || s->buckets != NULL);
    if (!values->has_quantiles)
        return;
    values->p50 = quantile(s, 500);
    values->p95 = quantile(s, 950);
    values->p99 = quantile(s, 990);
    values->p999 = quantile(s, 999);
}

void metrics_reset(struct metrics *m)
{
    memset(m->counters, 0, sizeof m->counters);
    for (size_t i = 0; i < SUMMARY_COUNT; i++) {
        uint64_t *buckets = m->summaries[i].buckets;
        if (buckets != NULL)
            memset(buckets, 0, BUCKETS * sizeof *buckets);
        m->summaries[i] = (struct summary){.buckets = buckets};
    }
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
