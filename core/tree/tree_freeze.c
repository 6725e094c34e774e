/* tree_freeze.c - what changed since the last checkpoint, handed out while the tree goes on changing (design 4.6). */
#include "core/tree/tree_internal.h"

static uint64_t bit_of(uint32_t number)
{
    return 1ULL << (number % 64);
}

static uint64_t *word_of(struct slot_bits *bits, uint32_t number)
{
    return &bits->words[(number & (CHUNK_NODES - 1)) / 64];
}

static struct chunk *chunk_of(const struct tree *t, uint32_t number)
{
    return t->slab.chunks[number >> CHUNK_BITS];
}

static bool has_bit(const struct slot_bits *bits, uint32_t number)
{
    return (bits->words[(number & (CHUNK_NODES - 1)) / 64] & bit_of(number)) != 0;
}

bool is_changed(const struct tree *t, uint32_t number)
{
    return has_bit(&chunk_of(t, number)->changed, number);
}

bool is_named(const struct tree *t, uint32_t number)
{
    return has_bit(&chunk_of(t, number)->named, number);
}

void set_changed(struct tree *t, uint32_t number)
{
    t->freeze.changed_count += !is_changed(t, number);
    *word_of(&chunk_of(t, number)->changed, number) |= bit_of(number);
}

void clear_changed(struct tree *t, uint32_t number)
{
    t->freeze.changed_count -= is_changed(t, number);
    *word_of(&chunk_of(t, number)->changed, number) &= ~bit_of(number);
}

/* The number goes from the frozen ones to those that were given; false: it is not frozen. */
static bool take_frozen(struct tree *t, uint32_t number)
{
    struct chunk *chunk = chunk_of(t, number);
    if (!has_bit(&chunk->frozen, number))
        return false;
    *word_of(&chunk->frozen, number) &= ~bit_of(number);
    *word_of(&chunk->taken, number) |= bit_of(number);
    return true;
}

static void show_change(const struct tree *t, const struct tree_node *n)
{
    LIST_FOR_EACH(at, &t->cursors)
    {
        const struct tree_cursor *cursor = LIST_ENTRY(at, struct tree_cursor, link);
        if (cursor->before_change != NULL)
            cursor->before_change(cursor->context, n->number, n);
    }
}

void changing(struct tree *t, struct tree_node *n)
{
    show_change(t, n);
    if (t->freeze.active && take_frozen(t, n->number)) {
        n->flags |= TREE_STORED;
        t->freeze.before_change(t->freeze.context, n->number, n);
    }
    set_changed(t, n->number);
}

enum status tree_freeze(struct tree *t, tree_before_change_fn *before_change, void *context)
{
    CHECK(!t->freeze.active && !t->load.active);
    for (uint32_t i = 0; i < t->slab.chunk_count; i++) {
        struct chunk *chunk = t->slab.chunks[i];
        if (chunk != NULL) {
            chunk->frozen = chunk->changed;
            chunk->changed = (struct slot_bits){{0}};
        }
    }
    chain_append(t, &t->slab.held_frozen, &t->slab.held_now);
    t->freeze = (struct freeze){.active = true, .before_change = before_change, .context = context};
    return ST_OK;
}

/* The lowest bit at or above `number` within its chunk, as a number; 0: none (number 0 is never frozen). */
static uint32_t next_in_chunk(const struct chunk *chunk, uint32_t number)
{
    uint32_t base = number & ~(uint32_t)(CHUNK_NODES - 1), offset = number - base;
    uint64_t word = chunk->frozen.words[offset / 64] & (UINT64_MAX << offset % 64);
    for (uint32_t i = offset / 64;;) {
        if (word != 0)
            return base + i * 64 + (uint32_t)__builtin_ctzll(word);
        if (++i == CHUNK_WORDS)
            return 0;
        word = chunk->frozen.words[i];
    }
}

uint32_t tree_next_frozen(struct tree *t, uint32_t from)
{
    for (uint32_t i = from >> CHUNK_BITS; t->freeze.active && i < t->slab.chunk_count; i++) {
        uint32_t start = i << CHUNK_BITS > from ? i << CHUNK_BITS : from;
        uint32_t number = t->slab.chunks[i] == NULL ? 0 : next_in_chunk(t->slab.chunks[i], start);
        if (number == 0)
            continue;
        take_frozen(t, number);
        struct tree_node *n = slab_find(t, number);
        if (n != NULL)
            n->flags |= TREE_STORED;
        return number;
    }
    return 0;
}

static void change_again(struct tree *t, struct chunk *chunk)
{
    for (size_t i = 0; i < CHUNK_WORDS; i++) {
        uint64_t again = chunk->frozen.words[i] | chunk->taken.words[i];
        t->freeze.changed_count += (uint64_t)__builtin_popcountll(again & ~chunk->changed.words[i]);
        chunk->changed.words[i] |= again;
    }
}

static void name_left(struct chunk *chunk)
{
    for (size_t i = 0; i < CHUNK_WORDS; i++)
        chunk->named.words[i] |= chunk->frozen.words[i];
}

static bool is_empty(const struct slot_bits *bits)
{
    uint64_t all = 0;
    for (size_t i = 0; i < CHUNK_WORDS; i++)
        all |= bits->words[i];
    return all == 0;
}

/* Whatever the checkpoint does not hold counts as changed again; a complete one holds all that was frozen, those too
 * that one before it could only name. */
static void thaw_chunk(struct tree *t, struct chunk *chunk, bool stored)
{
    if (stored) {
        CHECK(is_empty(&chunk->frozen));
        chunk->named = (struct slot_bits){{0}};
    } else {
        change_again(t, chunk);
        name_left(chunk);
    }
    chunk->frozen = chunk->taken = (struct slot_bits){{0}};
}

void tree_thaw(struct tree *t, bool stored)
{
    if (!t->freeze.active)
        return;
    for (uint32_t i = 0; i < t->slab.chunk_count; i++) {
        if (t->slab.chunks[i] != NULL)
            thaw_chunk(t, t->slab.chunks[i], stored);
    }
    if (stored)
        chain_append(t, &t->slab.vacant, &t->slab.held_frozen);
    t->freeze.active = false;
}

uint64_t tree_changed_count(const struct tree *t)
{
    return t->freeze.changed_count;
}

/* -- a place in a walk -------------------------------------------------------------------------------------------- */

static uint32_t number_after(const struct tree *t, const struct tree_node *n)
{
    const struct tree_node *next = tree_next_preorder(t, slab_find(t, TREE_ROOT), n);
    return next == NULL ? 0 : next->number;
}

void tree_cursor_start(struct tree *t, struct tree_cursor *cursor)
{
    *cursor = (struct tree_cursor){.at = TREE_ROOT};
    list_append(&t->cursors, &cursor->link);
}

void tree_cursor_show_changes(struct tree_cursor *cursor, tree_before_change_fn *before_change, void *context)
{
    cursor->before_change = before_change;
    cursor->context = context;
}

const struct tree_node *tree_cursor_next(struct tree *t, struct tree_cursor *cursor)
{
    if (cursor->at == 0)
        return NULL;
    const struct tree_node *n = slab_at(t, cursor->at);
    cursor->at = number_after(t, n);
    return n;
}

void tree_cursor_stop(struct tree_cursor *cursor)
{
    cursor->at = 0;
    list_remove(&cursor->link);
}

void cursors_leave(struct tree *t, const struct tree_node *n)
{
    LIST_FOR_EACH(at, &t->cursors)
    {
        struct tree_cursor *cursor = LIST_ENTRY(at, struct tree_cursor, link);
        if (cursor->at == n->number)
            cursor->at = number_after(t, n);
    }
}

void cursors_end(struct tree *t)
{
    LIST_FOR_EACH(at, &t->cursors)
    {
        struct tree_cursor *cursor = LIST_ENTRY(at, struct tree_cursor, link);
        cursor->lost = true;
        tree_cursor_stop(cursor);
    }
}
