/* arena.h - memory of one request, freed at once.
 *
 * Blocks behind each other, the first of which is kept from request to request. The sum is bounded, so that a small
 * message cannot ask for much memory. Not thread-safe. */
#pragma once

#include <stddef.h>

struct arena_block;

struct arena {
    struct arena_block *blocks; /* the newest first */
    size_t total;               /* bytes given out since the reset */
    size_t max;                 /* of those; 0: no limit */
};

/* `size` bytes, aligned for anything, not cleared; valid until the reset. NULL: out of memory, or beyond `max`. */
void *arena_alloc(struct arena *a, size_t size);

/* A terminated copy of `len` bytes. */
char *arena_text(struct arena *a, const void *data, size_t len);

/* Everything given out is void. */
void arena_reset(struct arena *a);

void arena_free(struct arena *a);
