/* hash.h - SipHash-1-3: a keyed hash for tables whose keys come from strangers.
 *
 * The key is drawn by the shell at start and handed in, so that nobody can prepare colliding paths. Not for security
 * beyond that. Pure; thread-safe. */
#pragma once

#include "core/base/bytes.h"

struct hash_key {
    uint64_t k0, k1;
};

/* The hash of `seed` followed by the bytes (null as empty). */
uint64_t hash_bytes(const struct hash_key *key, uint64_t seed, struct bytes b);

/* A fast mix of a number that no stranger chooses. */
static inline uint64_t hash_u64(uint64_t v)
{
    v ^= v >> 33;
    v *= 0xff51afd7ed558ccdULL;
    v ^= v >> 33;
    v *= 0xc4ceb9fe1a85ec53ULL;
    return v ^ v >> 33;
}
