/* keyed.h - a summary for each key that turns up, up to a bound: keys come from clients.
 *
 * A key has its place for good; what comes when as many as may be have one, or is too long, shares one summary. Memory
 * is allocated when a key is new, and never after that. */
#pragma once

#include "core/base/summary.h"

enum {
    KEYED_MAX = 250,       /* the most that may have places */
    KEYED_BYTES_MAX = 100, /* of a key */
    KEYED_SLOTS = 1024,    /* so many more that a look ends soon */
};

struct keyed_entry {
    uint32_t hash;
    uint32_t len;
    uint8_t key[KEYED_BYTES_MAX];
    struct summary summary;
};

/* Empty with no more than `max`. */
struct keyed {
    uint32_t max; /* how many keys may have places, at most KEYED_MAX; the other fields are zero at first */
    struct keyed_entry *entries[KEYED_MAX]; /* in the order in which they turned up */
    size_t count;
    uint8_t slots[KEYED_SLOTS]; /* 0: free; otherwise the number of an entry, counting from 1 */
    struct summary others;
};

void keyed_observe(struct keyed *k, struct bytes key, int64_t value);

/* Number `at` of those that there are; `key` null: what the others share. False: there are no more. */
bool keyed_look(const struct keyed *k, size_t at, struct bytes *key, struct summary_values *values);

void keyed_reset(struct keyed *k); /* every value is forgotten, no key is */
void keyed_free(struct keyed *k);  /* it is empty again */
