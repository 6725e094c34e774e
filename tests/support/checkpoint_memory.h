/* checkpoint_memory.h - a checkpoint's database in memory: transactions, and calls that fail when told to.
 *
 * What is committed is durable; a power cut or a failed commit leaves the state before begin. Not thread-safe. */
#pragma once

#include "core/store/checkpoint.h"

struct checkpoint_memory; /* opaque */

struct checkpoint_memory *checkpoint_memory_new(void);
void checkpoint_memory_free(struct checkpoint_memory *m);
const struct checkpoint_store *checkpoint_memory_store(struct checkpoint_memory *m);

/* The n-th call from now on, and all later ones, fail with `status`; 0: none. */
void checkpoint_memory_fail(struct checkpoint_memory *m, uint64_t n, enum status status);
uint64_t checkpoint_memory_calls(const struct checkpoint_memory *m); /* since the last checkpoint_memory_fail */

/* The open transaction is gone. */
void checkpoint_memory_power_cut(struct checkpoint_memory *m);

/* How many values are committed, and the i-th of them for a test to damage. `data` may be changed in place, `len` made
 * smaller. */
struct checkpoint_memory_value {
    enum checkpoint_space space;
    uint32_t key;
    uint8_t *data;
    size_t len;
};
size_t checkpoint_memory_count(const struct checkpoint_memory *m);
struct checkpoint_memory_value *checkpoint_memory_at(struct checkpoint_memory *m, size_t i);
void checkpoint_memory_remove(struct checkpoint_memory *m, size_t i);
