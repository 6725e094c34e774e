/* histogram.h - latencies in log-linear buckets.
 *
 * Every power of two is cut into 64 equal buckets, so a percentile is off by at most 1.6 %; the maximum is exact.
 * Recording is a few instructions and allocates nothing. */
#pragma once
#include <stdint.h>

enum { HISTOGRAM_SUB_BITS = 6, HISTOGRAM_BUCKETS = (65 - HISTOGRAM_SUB_BITS) << HISTOGRAM_SUB_BITS };

struct histogram {
    uint64_t count;
    uint64_t max;
    uint64_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_record(struct histogram *h, uint64_t value);
void histogram_merge(struct histogram *into, const struct histogram *from);

/* Upper edge of the bucket that holds the given share (0.5 is the median), never above the maximum. 0 when empty. */
uint64_t histogram_quantile(const struct histogram *h, double share);

/* Prints `"p50_us":...,"p90_us":...,"p99_us":...,"p999_us":...,"max_us":...` of values in nanoseconds, without braces.
 */
void histogram_print_us(const struct histogram *h);
