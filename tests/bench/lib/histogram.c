/* histogram.c - log-linear buckets. */
#include "tests/bench/lib/histogram.h"

#include <stdio.h>

#include "tests/bench/lib/clock.h"

static uint32_t bucket_of(uint64_t value)
{
    const uint64_t linear = UINT64_C(1) << HISTOGRAM_SUB_BITS;
    if (value < linear)
        return (uint32_t)value;
    uint32_t exponent = 63U - (uint32_t)__builtin_clzll(value);
    uint32_t shift = exponent - HISTOGRAM_SUB_BITS;
    return ((shift + 1) << HISTOGRAM_SUB_BITS) + (uint32_t)((value >> shift) - linear);
}

static uint64_t bucket_upper_edge(uint32_t bucket)
{
    const uint64_t linear = UINT64_C(1) << HISTOGRAM_SUB_BITS;
    if (bucket < linear)
        return bucket;
    uint32_t shift = (bucket >> HISTOGRAM_SUB_BITS) - 1;
    uint64_t position = (bucket & (linear - 1)) + linear;
    return ((position + 1) << shift) - 1;
}

void histogram_record(struct histogram *h, uint64_t value)
{
    h->buckets[bucket_of(value)]++;
    h->count++;
    if (value > h->max)
        h->max = value;
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        into->buckets[i] += from->buckets[i];
    into->count += from->count;
    if (from->max > into->max)
        into->max = from->max;
}

uint64_t histogram_quantile(const struct histogram *h, double share)
{
    uint64_t rank = (uint64_t)((double)h->count * share);
    uint64_t seen = 0;
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += h->buckets[i];
        if (seen > rank) {
            uint64_t edge = bucket_upper_edge(i);
            return edge < h->max ? edge : h->max;
        }
    }
    return h->max;
}

void histogram_print_us(const struct histogram *h)
{
    static const struct {
        const char *name;
        double share;
    } columns[] = {{"p50_us", 0.5}, {"p90_us", 0.9}, {"p99_us", 0.99}, {"p999_us", 0.999}};
    for (uint32_t i = 0; i < sizeof columns / sizeof columns[0]; i++)
        (void)printf("\"%s\":%.1f,", columns[i].name, (double)histogram_quantile(h, columns[i].share) / NS_PER_US);
    (void)printf("\"max_us\":%.1f", (double)h->max / NS_PER_US);
}
