/* map.h - two hash maps: by 64-bit number, and of items that carry their own bytes as key.
 *
 * Open addressing with linear probing; removal shifts back, so there are no tombstones. Neither map owns its items.
 * Iteration is by slot: 0 .. capacity - 1, skipping empty ones; a map must not change while it is walked.
 * Not thread-safe. */
#pragma once

#include "core/base/bytes.h"
#include "core/base/hash.h"

/* number -> pointer. Zero-initialised it is empty; values are never NULL. */
struct map64 {
    struct map64_slot {
        uint64_t key;
        void *value; /* NULL: empty slot */
    } * slots;
    size_t capacity; /* 0 or a power of two */
    size_t count;
};

void *map64_get(const struct map64 *m, uint64_t key); /* NULL: absent */

/* Adds or replaces. ST_NO_MEMORY: the map is as before. */
enum status map64_put(struct map64 *m, uint64_t key, void *value);

void *map64_remove(struct map64 *m, uint64_t key); /* what was there, or NULL */
void map64_free(struct map64 *m);                  /* the table, not the values */

#define MAP64_FOR_EACH(at, m)                                                                                         \
    for (struct map64_slot *at = (m)->slots, *at##_end = (m)->capacity > 0 ? at + (m)->capacity : at; at != at##_end; \
         at++)                                                                                                        \
        if (at->value != NULL)

/* Items found by bytes that lie within them. */
struct map {
    struct map_slot {
        uint64_t hash;
        void *item; /* NULL: empty slot */
    } * slots;
    size_t capacity;
    size_t count;
    struct hash_key hash_key;
    struct bytes (*key_of)(const void *item);
};

/* `key_of` gives an item's key, which must stay the same while the item is in the map. */
void map_init(struct map *m, const struct hash_key *hash_key, struct bytes (*key_of)(const void *item));

void *map_get(const struct map *m, struct bytes key); /* NULL: absent */

/* The key must not be there yet. ST_NO_MEMORY: the map is as before. */
enum status map_add(struct map *m, void *item);

void *map_remove(struct map *m, struct bytes key); /* the item, or NULL */
void map_free(struct map *m);                      /* the table, not the items */

#define MAP_FOR_EACH(at, m)                                                                                         \
    for (struct map_slot *at = (m)->slots, *at##_end = (m)->capacity > 0 ? at + (m)->capacity : at; at != at##_end; \
         at++)                                                                                                      \
        if (at->item != NULL)
