/* pool.h - many small blocks whose owner knows how long they are.
 *
 * A block has nothing in front of it and is no more than seven bytes longer than what was asked for, where the C
 * library takes eight for itself and rounds up to sixteen. Blocks of one class lie together in runs, runs in regions; a
 * region that is empty is given back, and what is freed elsewhere leaves no holes between the blocks. Above
 * POOL_BLOCK_MAX bytes a block is the C library's. Not thread-safe. */
#pragma once

#include "core/base/list.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    POOL_STEP = 8,
    POOL_BLOCK_MAX = 512,
    POOL_CLASSES = POOL_BLOCK_MAX / POOL_STEP,
};

struct pool {
    struct list open[POOL_CLASSES]; /* runs with room, by class */
    struct list regions;            /* those with room in front */
    uint32_t run_count;             /* in all regions */
};

void pool_init(struct pool *p);

/* Frees what is left. Blocks above POOL_BLOCK_MAX must have been freed. */
void pool_close(struct pool *p);

/* `size` bytes, not cleared, aligned to POOL_STEP; NULL: out of memory. Size 0 gives a block that is to be freed, too.
 */
void *pool_alloc(struct pool *p, size_t size);

/* Frees a block of `size` bytes. NULL is allowed. */
void pool_free(struct pool *p, void *block, size_t size);

/* Whether a block of `size` bytes may from now on be one of `other` bytes. False where it is not worth a thought: a new
 * block serves as well. */
static inline bool pool_fits(size_t size, size_t other)
{
    return size == other || (size <= POOL_BLOCK_MAX && other <= POOL_BLOCK_MAX && size > 0 && other > 0 &&
                             (size - 1) / POOL_STEP == (other - 1) / POOL_STEP);
}
