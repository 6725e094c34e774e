/* random.h - numbers for random tests: one seed decides everything, and it is printed. */
#pragma once

#include <stdint.h>

struct random {
    uint64_t state;
};

/* The seed of ZOOID_SEED, or a new one. Prints it, so that a failed run can be repeated. */
uint64_t random_seed(void);

/* splitmix64: any seed is a good one. */
static inline uint64_t random_next(struct random *r)
{
    uint64_t v = r->state += 0x9e3779b97f4a7c15ULL;
    v = (v ^ v >> 30) * 0xbf58476d1ce4e5b9ULL;
    v = (v ^ v >> 27) * 0x94d049bb133111ebULL;
    return v ^ v >> 31;
}

/* 0 .. limit - 1 */
static inline uint32_t random_below(struct random *r, uint32_t limit)
{
    return (uint32_t)(random_next(r) % limit);
}
