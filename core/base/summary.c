/* summary.c - quantiles come from a log-linear histogram.
 *
 * Sixteen buckets to each power of two: a bucket's upper edge is at most 1/16 above any value in it. */
#include "core/base/summary.h"

#include "core/base/mem.h"

enum {
    SUB_BITS = 4,
    SUBS = 1 << SUB_BITS,
    VALUE_BITS_MAX = 40, /* larger values share the last bucket */
    BUCKETS = (VALUE_BITS_MAX - SUB_BITS + 1) * SUBS,
};

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

void summary_observe(struct summary *s, enum summary_detail detail, int64_t value)
{
    /* Only from the start: with half of the values the quantiles would be wrong. */
    if (s->buckets == NULL && s->count == 0 && detail != DETAIL_PLAIN)
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

void summary_look(const struct summary *s, enum summary_detail detail, struct summary_values *values)
{
    bool has_buckets = s->count == 0 || s->buckets != NULL;
    *values = (struct summary_values){.count = s->count, .sum = s->sum, .min = s->min, .max = s->max};
    if (s->count > 0)
        values->average = (double)s->sum / (double)s->count;
    values->has_quantiles = detail == DETAIL_QUANTILES && has_buckets;
    values->has_median = detail != DETAIL_PLAIN && has_buckets;
    if (values->has_median)
        values->p50 = quantile(s, 500);
    if (!values->has_quantiles)
        return;
    values->p95 = quantile(s, 950);
    values->p99 = quantile(s, 990);
    values->p999 = quantile(s, 999);
}

void summary_reset(struct summary *s)
{
    if (s->buckets != NULL)
        memset(s->buckets, 0, BUCKETS * sizeof *s->buckets);
    *s = (struct summary){.buckets = s->buckets};
}

void summary_free(struct summary *s)
{
    mem_free(s->buckets);
    *s = (struct summary){0};
}
