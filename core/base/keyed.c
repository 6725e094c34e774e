/* keyed.c - one small table of slots; whatever keys clients choose, it has no more than KEYED_MAX entries to look at.
 */
#include "core/base/keyed.h"

#include "core/base/check.h"
#include "core/base/mem.h"

static_assert(KEYED_MAX <= UINT8_MAX, "a slot holds an entry's number");
static_assert(KEYED_SLOTS >= 4 * KEYED_MAX, "most slots are free");

/* FNV-1a. */
static uint32_t hash_of(struct bytes key)
{
    uint32_t hash = 2166136261U;
    for (size_t i = 0; i < key.len; i++)
        hash = (hash ^ key.data[i]) * 16777619U;
    return hash;
}

static bool is_key(const struct keyed_entry *e, uint32_t hash, struct bytes key)
{
    return e->hash == hash && e->len == key.len && memcmp(e->key, key.data, key.len) == 0;
}

/* NULL: there is no place, or no memory. */
static struct summary *add(struct keyed *k, uint8_t *slot, uint32_t hash, struct bytes key)
{
    if (k->count >= k->max)
        return NULL;
    struct keyed_entry *e = mem_calloc(1, sizeof *e);
    if (e == NULL)
        return NULL;
    e->hash = hash;
    e->len = (uint32_t)key.len;
    memcpy(e->key, key.data, key.len);
    k->entries[k->count++] = e;
    *slot = (uint8_t)k->count;
    return &e->summary;
}

static struct summary *summary_of(struct keyed *k, struct bytes key)
{
    if (key.len == 0 || key.len > KEYED_BYTES_MAX)
        return NULL;
    uint32_t hash = hash_of(key);
    size_t at = hash % KEYED_SLOTS;
    for (; k->slots[at] != 0; at = (at + 1) % KEYED_SLOTS) {
        struct keyed_entry *e = k->entries[k->slots[at] - 1];
        if (is_key(e, hash, key))
            return &e->summary;
    }
    return add(k, &k->slots[at], hash, key);
}

void keyed_observe(struct keyed *k, struct bytes key, int64_t value)
{
    struct summary *s = summary_of(k, key);
    summary_observe(s == NULL ? &k->others : s, DETAIL_MEDIAN, value);
}

bool keyed_look(const struct keyed *k, size_t at, struct bytes *key, struct summary_values *values)
{
    if (at < k->count) {
        *key = bytes_make(k->entries[at]->key, k->entries[at]->len);
        summary_look(&k->entries[at]->summary, DETAIL_MEDIAN, values);
        return true;
    }
    *key = BYTES_NULL;
    summary_look(&k->others, DETAIL_MEDIAN, values);
    return at == k->count && values->count > 0;
}

void keyed_reset(struct keyed *k)
{
    for (size_t i = 0; i < k->count; i++)
        summary_reset(&k->entries[i]->summary);
    summary_reset(&k->others);
}

void keyed_free(struct keyed *k)
{
    for (size_t i = 0; i < k->count; i++) {
        summary_free(&k->entries[i]->summary);
        mem_free(k->entries[i]);
    }
    summary_free(&k->others);
    *k = (struct keyed){.max = k->max};
}
