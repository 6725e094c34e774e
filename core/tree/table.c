/* table.c - nodes by (parent's number, name). Growing is one split an insert; a split that finds no memory is left to
 * the next insert, the table is merely fuller then. */
#include "core/tree/tree_internal.h"

#include "core/base/array.h"
#include "core/base/mem.h"

enum {
    SPLITS_AN_INSERT = 2 /* one keeps the load at one node a bucket, the other catches up */
};

static struct bucket *bucket_at(const struct table *table, uint32_t index)
{
    return &table->segments[index >> SEGMENT_BITS][index & (SEGMENT_BUCKETS - 1)];
}

/* The highest bits, of which the bucket's index says nothing in any table of less than 2^27 buckets. */
static uint32_t filter_of(uint32_t hash)
{
    return UINT32_C(1) << (hash >> 27);
}

static struct bucket *bucket_of(const struct table *table, uint32_t hash)
{
    uint32_t index = hash & table->mask;
    if (index >= table->bucket_count)
        index &= table->mask >> 1;
    return bucket_at(table, index);
}

static bool add_segment(struct table *table)
{
    struct bucket **segments = array_room(table->segments, table->segment_count, &table->segment_cap,
                                          sizeof(struct bucket *), 16);
    if (segments == NULL)
        return false;
    table->segments = segments;
    struct bucket *segment = mem_calloc(SEGMENT_BUCKETS, sizeof *segment);
    if (segment == NULL)
        return false;
    table->segments[table->segment_count++] = segment;
    return true;
}

enum status table_init(struct table *table)
{
    *table = (struct table){.bucket_count = 1};
    return add_segment(table) ? ST_OK : ST_NO_MEMORY;
}

void table_free(struct table *table)
{
    for (uint32_t i = 0; i < table->segment_count; i++)
        mem_free(table->segments[i]);
    mem_free(table->segments);
    *table = (struct table){0};
}

/* Keeps one segment: emptying a tree cannot fail. */
void table_clear(struct table *table)
{
    while (table->segment_count > 1)
        mem_free(table->segments[--table->segment_count]);
    memset(table->segments[0], 0, SEGMENT_BUCKETS * sizeof(struct bucket));
    table->bucket_count = 1;
    table->mask = 0;
}

static uint32_t hash_of(const struct tree *t, uint32_t parent, struct bytes name)
{
    return (uint32_t)hash_bytes(&t->hash_key, parent, name);
}

struct tree_node *table_find_hashed(const struct tree *t, uint32_t hash, uint32_t parent, struct bytes name)
{
    const struct bucket *bucket = bucket_of(&t->table, hash);
    if ((bucket->filter & filter_of(hash)) == 0)
        return NULL;
    for (uint32_t at = bucket->first; at != 0;) {
        struct tree_node *n = slab_at(t, at);
        if (n->hash == hash && n->parent == parent && n->name_len == name.len &&
            memcmp(n->block, name.data, name.len) == 0)
            return n;
        at = n->hash_next;
    }
    return NULL;
}

struct tree_node *table_find(const struct tree *t, uint32_t parent, struct bytes name)
{
    return table_find_hashed(t, hash_of(t, parent, name), parent, name);
}

void table_hash(const struct tree *t, struct tree_node *n)
{
    n->hash = hash_of(t, n->parent, tree_name(n));
}

/* The next bucket in order takes its share of the bucket whose index is its own without the highest bit. */
static bool split(struct tree *t)
{
    struct table *table = &t->table;
    uint32_t added = table->bucket_count;
    if (added >> SEGMENT_BITS >= table->segment_count && !add_segment(table))
        return false;
    if (added > table->mask)
        table->mask = table->mask << 1 | 1;
    table->bucket_count++;
    struct bucket *to = bucket_at(table, added), *from = bucket_at(table, added & table->mask >> 1);
    from->filter = 0;
    for (uint32_t *at = &from->first; *at != 0;) {
        struct tree_node *n = slab_at(t, *at);
        if ((n->hash & table->mask) != added) {
            from->filter |= filter_of(n->hash);
            at = &n->hash_next;
            continue;
        }
        *at = n->hash_next;
        n->hash_next = to->first;
        to->first = n->number;
        to->filter |= filter_of(n->hash);
    }
    return true;
}

/* Which bucket it will be is known: its first node is on its way from memory until then. */
static void prefetch_next_split(const struct tree *t)
{
    const struct table *table = &t->table;
    const uint32_t next = table->bucket_count;
    const uint32_t half = next > table->mask ? table->mask : table->mask >> 1;
    const uint32_t number = bucket_at(table, next & half)->first;
    if (number != 0)
        __builtin_prefetch(&slab_at(t, number)->hash_next);
}

void table_add_hashed(struct tree *t, struct tree_node *n)
{
    for (int i = 0; i < SPLITS_AN_INSERT && t->node_count >= t->table.bucket_count; i++) {
        if (!split(t))
            break;
    }
    struct bucket *bucket = bucket_of(&t->table, n->hash);
    n->hash_next = bucket->first;
    bucket->first = n->number;
    bucket->filter |= filter_of(n->hash);
    t->node_count++;
    prefetch_next_split(t);
}

void table_add(struct tree *t, struct tree_node *n)
{
    table_hash(t, n);
    table_add_hashed(t, n);
}

void table_remove(struct tree *t, struct tree_node *n)
{
    struct bucket *bucket = bucket_of(&t->table, n->hash);
    uint32_t *place = NULL;
    bucket->filter = 0;
    for (uint32_t *at = &bucket->first; *at != 0; at = &slab_at(t, *at)->hash_next) {
        if (*at == n->number)
            place = at;
        else
            bucket->filter |= filter_of(slab_at(t, *at)->hash);
    }
    CHECK(place != NULL);
    *place = n->hash_next;
    n->hash_next = 0;
    t->node_count--;
}

/* -- for a load --------------------------------------------------------------------------------------------------- */

void table_reserve(struct tree *t, uint32_t nodes)
{
    struct table *table = &t->table;
    CHECK(t->node_count == 0 && nodes > 0);
    while (table->segment_count <= (nodes - 1) >> SEGMENT_BITS && add_segment(table))
        continue;
    uint32_t room = table->segment_count << SEGMENT_BITS;
    table->bucket_count = nodes < room ? nodes : room;
    table->mask = 0;
    while (table->mask < table->bucket_count - 1)
        table->mask = table->mask << 1 | 1;
}

void table_prefetch_bucket(const struct tree *t, uint32_t hash)
{
    __builtin_prefetch(bucket_of(&t->table, hash));
}

void table_prefetch_node(const struct tree *t, uint32_t hash)
{
    uint32_t number = bucket_of(&t->table, hash)->first;
    if (number != 0)
        __builtin_prefetch(&slab_at(t, number)->hash_next);
}
