/* splitmix.h - a generator of random numbers that are no secret: splitmix64, a Weyl sequence whose steps are mixed. */
#pragma once

#include <stdint.h>

/* The next of 2^64 numbers. Any state is a good one to begin with; the same state gives the same numbers. */
static inline uint64_t splitmix_next(uint64_t *state)
{
    uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}
