/* metrics.h - counters and summaries; the rows are in metrics.def.
 *
 * One thread writes a `struct metrics` and reads it for a report. Values are plain numbers; how they are shown is the
 * report's affair. */
#pragma once

#include "core/base/keyed.h"

enum counter_id {
#define COUNTER(name, help) COUNTER_##name,
#include "core/base/metrics.def"
    COUNTER_COUNT
};

enum summary_id {
#define SUMMARY(name, help)  SUMMARY_##name,
#define ADVANCED(name, help) SUMMARY_##name,
#include "core/base/metrics.def"
    SUMMARY_COUNT
};

enum keyed_id {
#define KEYED(name, help) KEYED_##name,
#include "core/base/metrics.def"
    KEYED_COUNT
};

struct metrics; /* opaque */

/* `keys_max`: of each that has keys, so many have figures of their own; at most KEYED_MAX. NULL: out of memory; free
 * with metrics_free. */
struct metrics *metrics_new(uint32_t keys_max);
void metrics_free(struct metrics *m);

void metrics_add(struct metrics *m, enum counter_id id, uint64_t amount);
uint64_t metrics_counter(const struct metrics *m, enum counter_id id);
void metrics_observe(struct metrics *m, enum summary_id id, int64_t value);
void metrics_observe_key(struct metrics *m, enum keyed_id id, struct bytes key, int64_t value);

void metrics_summary(const struct metrics *m, enum summary_id id, struct summary_values *values);
const struct keyed *metrics_keyed(const struct metrics *m, enum keyed_id id);

/* Sets every summary and counter back to nothing, as the `srst` word does for latencies. */
void metrics_reset(struct metrics *m);

const char *counter_name(enum counter_id id);
const char *counter_help(enum counter_id id);
const char *summary_name(enum summary_id id);
const char *summary_help(enum summary_id id);
const char *keyed_name(enum keyed_id id);
const char *keyed_help(enum keyed_id id);
