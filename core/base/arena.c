/* arena.c - see arena.h. */
#include "core/base/arena.h"

#include "core/base/mem.h"

#include <stdalign.h>
#include <stdint.h>
#include <string.h>

enum { BLOCK_BYTES = 16 * 1024 };

struct arena_block {
    struct arena_block *older;
    size_t used, cap;
    alignas(max_align_t) uint8_t bytes[];
};

static struct arena_block *block_new(struct arena *a, size_t size)
{
    size_t cap = size > BLOCK_BYTES ? size : BLOCK_BYTES;
    struct arena_block *block = mem_alloc(sizeof *block + cap);
    if (block == NULL)
        return NULL;
    block->older = a->blocks;
    block->used = 0;
    block->cap = cap;
    a->blocks = block;
    return block;
}

void *arena_alloc(struct arena *a, size_t size)
{
    const size_t mask = alignof(max_align_t) - 1;
    if (size > SIZE_MAX / 2)
        return NULL;
    size = (size + mask) & ~mask;
    if (a->max > 0 && (size > a->max || a->total > a->max - size))
        return NULL;
    struct arena_block *block = a->blocks;
    if (block == NULL || block->cap - block->used < size)
        block = block_new(a, size);
    if (block == NULL)
        return NULL;
    void *at = block->bytes + block->used;
    block->used += size;
    a->total += size;
    return at;
}

char *arena_text(struct arena *a, const void *data, size_t len)
{
    char *text = arena_alloc(a, len + 1);
    if (text == NULL)
        return NULL;
    if (len > 0)
        memcpy(text, data, len);
    text[len] = '\0';
    return text;
}

/* The block that stays is an ordinary one: a large one was for one large request. */
void arena_reset(struct arena *a)
{
    struct arena_block *kept = NULL;
    while (a->blocks != NULL) {
        struct arena_block *block = a->blocks;
        a->blocks = block->older;
        if (kept == NULL && block->cap == BLOCK_BYTES)
            kept = block;
        else
            mem_free(block);
    }
    if (kept != NULL) {
        kept->older = NULL;
        kept->used = 0;
    }
    a->blocks = kept;
    a->total = 0;
}

void arena_free(struct arena *a)
{
    arena_reset(a);
    mem_free(a->blocks);
    a->blocks = NULL;
}
