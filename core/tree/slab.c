/* slab.c - slots in chunks, so that a node never moves and growing copies no nodes. */
#include "core/tree/tree_internal.h"

#include "core/base/mem.h"

static void chain_push(struct tree *t, struct number_chain *chain, uint32_t number)
{
    slab_at(t, number)->hash_next = chain->first;
    chain->first = number;
    if (chain->last == 0)
        chain->last = number;
}

void chain_append(struct tree *t, struct number_chain *to, struct number_chain *from)
{
    if (from->first == 0)
        return;
    if (to->first == 0)
        to->first = from->first;
    else
        slab_at(t, to->last)->hash_next = from->first;
    to->last = from->last;
    *from = (struct number_chain){0, 0};
}

static uint32_t chain_pop(struct tree *t, struct number_chain *chain)
{
    uint32_t number = chain->first;
    if (number != 0) {
        chain->first = slab_at(t, number)->hash_next;
        if (chain->first == 0)
            chain->last = 0;
    }
    return number;
}

struct tree_node *slab_find(const struct tree *t, uint32_t number)
{
    uint32_t index = number >> CHUNK_BITS;
    if (index >= t->slab.chunk_count || t->slab.chunks[index] == NULL)
        return NULL;
    struct tree_node *n = slab_at(t, number);
    return n->block == NULL ? NULL : n;
}

const struct tree_node *tree_by_number(const struct tree *t, uint32_t number)
{
    return slab_find(t, number);
}

uint32_t tree_numbers(const struct tree *t)
{
    return t->slab.chunk_count << CHUNK_BITS;
}

/* Room in the directory for the chunk at `index`. */
static bool reach_chunk(struct slab *s, uint32_t index)
{
    if (index >= s->chunk_cap) {
        size_t cap = s->chunk_cap == 0 ? 16 : s->chunk_cap;
        while (cap <= index)
            cap *= 2;
        struct chunk **chunks = mem_realloc(s->chunks, cap * sizeof(struct chunk *));
        if (chunks == NULL)
            return false;
        s->chunks = chunks;
        s->chunk_cap = (uint32_t)cap;
    }
    while (s->chunk_count <= index)
        s->chunks[s->chunk_count++] = NULL;
    return true;
}

/* Downwards, so that the smallest number is taken first. Held-back slots are those that count as changed. */
static void push_vacant_slots(struct tree *t, uint32_t index)
{
    for (uint32_t i = CHUNK_NODES; i-- > 0;) {
        uint32_t number = index << CHUNK_BITS | i;
        if (number != 0 && slab_at(t, number)->block == NULL && !is_changed(t, number))
            chain_push(t, &t->slab.vacant, number);
    }
}

static bool add_chunk(struct tree *t, uint32_t index)
{
    if (index > UINT32_MAX >> CHUNK_BITS || !reach_chunk(&t->slab, index))
        return false;
    t->slab.chunks[index] = mem_calloc(1, sizeof(struct chunk));
    return t->slab.chunks[index] != NULL;
}

/* At the first place without a chunk. */
static bool add_any_chunk(struct tree *t)
{
    struct slab *s = &t->slab;
    while (s->absent_from < s->chunk_count && s->chunks[s->absent_from] != NULL)
        s->absent_from++;
    if (!add_chunk(t, s->absent_from))
        return false;
    push_vacant_slots(t, s->absent_from);
    return true;
}

struct tree_node *slab_take(struct tree *t)
{
    if (t->slab.vacant.first == 0 && !add_any_chunk(t))
        return NULL;
    uint32_t number = chain_pop(t, &t->slab.vacant);
    struct tree_node *n = slab_at(t, number);
    *n = (struct tree_node){.number = number};
    return n;
}

static bool reach_slot(struct tree *t, uint32_t number)
{
    uint32_t index = number >> CHUNK_BITS;
    bool is_there = index < t->slab.chunk_count && t->slab.chunks[index] != NULL;
    return is_there || add_chunk(t, index);
}

struct tree_node *slab_take_numbered(struct tree *t, uint32_t number)
{
    if (!reach_slot(t, number))
        return NULL;
    struct tree_node *n = slab_at(t, number);
    CHECK(n->block == NULL);
    *n = (struct tree_node){.number = number};
    return n;
}

void slab_release(struct tree *t, struct tree_node *n)
{
    uint32_t number = n->number;
    bool held = (n->flags & TREE_STORED) != 0 || is_named(t, number);
    *n = (struct tree_node){.number = number};
    if (!held)
        clear_changed(t, number);
    chain_push(t, held ? &t->slab.held_now : &t->slab.vacant, number);
}

enum status slab_hold(struct tree *t, uint32_t number)
{
    if (!reach_slot(t, number))
        return ST_NO_MEMORY;
    if (slab_find(t, number) != NULL || is_changed(t, number))
        return ST_OK;
    set_changed(t, number);
    chain_push(t, &t->slab.held_now, number);
    return ST_OK;
}

void slab_collect_vacant(struct tree *t)
{
    t->slab.vacant = (struct number_chain){0, 0};
    for (uint32_t index = t->slab.chunk_count; index-- > 0;) {
        if (t->slab.chunks[index] != NULL)
            push_vacant_slots(t, index);
    }
}

void slab_free(struct tree *t)
{
    for (uint32_t index = 0; index < t->slab.chunk_count; index++) {
        struct chunk *chunk = t->slab.chunks[index];
        for (uint32_t i = 0; chunk != NULL && i < CHUNK_NODES; i++) {
            if (chunk->nodes[i].block == NULL)
                continue;
            acl_release(t->acls, chunk->nodes[i].acl);
            node_free_block(t, &chunk->nodes[i]);
        }
        mem_free(chunk);
    }
    mem_free(t->slab.chunks);
    t->slab = (struct slab){0};
}
