/* deadlines.h - which of many moments comes first: a heap of deadlines that lie within their owners.
 *
 * Adding and taking out cost the logarithm of how many there are. Clocks are the caller's. Not thread-safe. */
#pragma once

#include "core/base/status.h"

#include <stdbool.h>
#include <stddef.h>

/* Zero-initialised it is in no heap. */
struct deadline {
    int64_t at;   /* to be read by anyone */
    size_t place; /* in the heap, counted from 1; 0: in none */
};

struct deadlines {
    struct deadline **items;
    size_t count, capacity;
};

/* Adds it, or moves it when it is there already. ST_NO_MEMORY: it is in no heap. */
enum status deadlines_set(struct deadlines *d, struct deadline *deadline, int64_t at);

/* Harmless for one that is not there. */
void deadlines_remove(struct deadlines *d, struct deadline *deadline);

/* The earliest; NULL: there is none. */
static inline struct deadline *deadlines_first(const struct deadlines *d)
{
    return d->count == 0 ? NULL : d->items[0];
}

/* The heap's own memory. */
void deadlines_free(struct deadlines *d);
