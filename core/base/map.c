/* map.c - linear probing with removal by shifting back, for both maps. */
#include "core/base/map.h"

#include "core/base/check.h"
#include "core/base/mem.h"

enum { MAP_CAPACITY_MIN = 8 };

/* Three quarters full is where probing gets long. */
static bool is_crowded(size_t count, size_t capacity)
{
    return (count + 1) * 4 > capacity * 3;
}

static size_t grown(size_t capacity)
{
    return capacity == 0 ? MAP_CAPACITY_MIN : capacity * 2;
}

/* May the entry that wants `home` move from `at` to the hole? Not if its home lies between hole and `at`, cyclically.
 */
static bool may_fill(size_t hole, size_t home, size_t at, size_t mask)
{
    return ((at - home) & mask) >= ((at - hole) & mask);
}

static size_t map64_find(const struct map64 *m, uint64_t key)
{
    size_t mask = m->capacity - 1, at = hash_u64(key) & mask;
    while (m->slots[at].value != NULL && m->slots[at].key != key)
        at = (at + 1) & mask;
    return at;
}

static enum status map64_grow(struct map64 *m)
{
    struct map64 bigger = {.capacity = grown(m->capacity), .count = m->count};
    bigger.slots = mem_calloc(bigger.capacity, sizeof *bigger.slots);
    if (bigger.slots == NULL)
        return ST_NO_MEMORY;
    MAP64_FOR_EACH(old, m)
    bigger.slots[map64_find(&bigger, old->key)] = *old;
    mem_free(m->slots);
    *m = bigger;
    return ST_OK;
}

void *map64_get(const struct map64 *m, uint64_t key)
{
    return m->capacity == 0 ? NULL : m->slots[map64_find(m, key)].value;
}

enum status map64_put(struct map64 *m, uint64_t key, void *value)
{
    CHECK(value != NULL);
    if (is_crowded(m->count, m->capacity) && map64_grow(m) != ST_OK)
        return ST_NO_MEMORY;
    struct map64_slot *slot = &m->slots[map64_find(m, key)];
    m->count += slot->value == NULL;
    *slot = (struct map64_slot){key, value};
    return ST_OK;
}

void *map64_remove(struct map64 *m, uint64_t key)
{
    if (m->capacity == 0)
        return NULL;
    size_t mask = m->capacity - 1, hole = map64_find(m, key);
    void *value = m->slots[hole].value;
    if (value == NULL)
        return NULL;
    for (size_t at = (hole + 1) & mask; m->slots[at].value != NULL; at = (at + 1) & mask) {
        if (may_fill(hole, hash_u64(m->slots[at].key) & mask, at, mask)) {
            m->slots[hole] = m->slots[at];
            hole = at;
        }
    }
    m->slots[hole].value = NULL;
    m->count--;
    return value;
}

void map64_free(struct map64 *m)
{
    mem_free(m->slots);
    *m = (struct map64){0};
}

void map_init(struct map *m, const struct hash_key *hash_key, struct bytes (*key_of)(const void *item))
{
    *m = (struct map){.hash_key = *hash_key, .key_of = key_of};
}

static size_t map_find(const struct map *m, uint64_t hash, struct bytes key)
{
    size_t mask = m->capacity - 1, at = hash & mask;
    while (m->slots[at].item != NULL && (m->slots[at].hash != hash || !bytes_equal(m->key_of(m->slots[at].item), key)))
        at = (at + 1) & mask;
    return at;
}

static enum status map_grow(struct map *m)
{
    size_t capacity = grown(m->capacity), mask = capacity - 1;
    struct map_slot *slots = mem_calloc(capacity, sizeof *slots);
    if (slots == NULL)
        return ST_NO_MEMORY;
    MAP_FOR_EACH(old, m)
    {
        size_t at = old->hash & mask;
        while (slots[at].item != NULL)
            at = (at + 1) & mask;
        slots[at] = *old;
    }
    mem_free(m->slots);
    m->slots = slots;
    m->capacity = capacity;
    return ST_OK;
}

void *map_get(const struct map *m, struct bytes key)
{
    return m->count == 0 ? NULL : m->slots[map_find(m, hash_bytes(&m->hash_key, 0, key), key)].item;
}

enum status map_add(struct map *m, void *item)
{
    CHECK(item != NULL);
    if (is_crowded(m->count, m->capacity) && map_grow(m) != ST_OK)
        return ST_NO_MEMORY;
    struct bytes key = m->key_of(item);
    uint64_t hash = hash_bytes(&m->hash_key, 0, key);
    struct map_slot *slot = &m->slots[map_find(m, hash, key)];
    CHECK(slot->item == NULL);
    *slot = (struct map_slot){hash, item};
    m->count++;
    return ST_OK;
}

void *map_remove(struct map *m, struct bytes key)
{
    if (m->count == 0)
        return NULL;
    size_t mask = m->capacity - 1, hole = map_find(m, hash_bytes(&m->hash_key, 0, key), key);
    void *item = m->slots[hole].item;
    if (item == NULL)
        return NULL;
    for (size_t at = (hole + 1) & mask; m->slots[at].item != NULL; at = (at + 1) & mask) {
        if (may_fill(hole, m->slots[at].hash & mask, at, mask)) {
            m->slots[hole] = m->slots[at];
            hole = at;
        }
    }
    m->slots[hole].item = NULL;
    m->count--;
    return item;
}

void map_free(struct map *m)
{
    mem_free(m->slots);
    m->slots = NULL;
    m->capacity = 0;
    m->count = 0;
}
