/* random.h - numbers for random tests: one seed decides everything, and it is printed. */
#pragma once

#include "core/base/splitmix.h"

struct random {
    uint64_t state;
};

/* The seed of ZOOID_SEED, or a new one. Prints it, so that a failed run can be repeated. */
uint64_t random_seed(void);

/* Any seed is a good one. */
static inline uint64_t random_next(struct random *r)
{
    return splitmix_next(&r->state);
}

/* 0 .. limit - 1 */
static inline uint32_t random_below(struct random *r, uint32_t limit)
{
    return (uint32_t)(random_next(r) % limit);
}
