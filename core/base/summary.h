/* summary.h - what is known of a number of values: how many, their sum, the ends, and perhaps quantiles. */
#pragma once

#include "core/base/bytes.h"

enum summary_detail {
    DETAIL_PLAIN,
    DETAIL_MEDIAN,    /* shown to Prometheus only, as Apache's server does */
    DETAIL_QUANTILES, /* shown everywhere */
};

/* Zero-initialised it has seen nothing. */
struct summary {
    uint64_t count;
    int64_t sum, min, max;
    uint64_t *buckets;
};

struct summary_values {
    uint64_t count;
    int64_t sum, min, max; /* 0 while count is 0 */
    double average;
    bool has_quantiles, has_median;
    int64_t p50, p95, p99, p999; /* upper bounds, at most 7 % above the true value */
};

/* Buckets are allocated at the first value; without memory for them it has no quantiles. */
void summary_observe(struct summary *s, enum summary_detail detail, int64_t value);
void summary_look(const struct summary *s, enum summary_detail detail, struct summary_values *values);

/* It has seen nothing, and keeps its memory. */
void summary_reset(struct summary *s);
void summary_free(struct summary *s);
