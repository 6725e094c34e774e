/* pool.c - memory that goes at once, and rows of bytes that grow. */
#include "bindings/c/internal.h"

#include <stdlib.h>

enum { BLOCK_SIZE = 960 };

struct pool_block {
    struct pool_block *older;
    max_align_t bytes[];
};

static bool get_block(struct pool *pool, size_t size)
{
    size = size > BLOCK_SIZE ? size : BLOCK_SIZE;
    struct pool_block *block = size > SIZE_MAX - sizeof *block ? NULL : malloc(sizeof *block + size);
    if (block == NULL) {
        pool->failed = true;
        return false;
    }
    block->older = pool->blocks;
    pool->blocks = block;
    pool->room = (uint8_t *)block->bytes;
    pool->left = size;
    return true;
}

void *pool_take(struct pool *pool, size_t size)
{
    const size_t mask = sizeof(max_align_t) - 1;
    if (size > SIZE_MAX - mask) {
        pool->failed = true;
        return NULL;
    }
    size = (size + mask) & ~mask;
    if (size > pool->left && !get_block(pool, size))
        return NULL;
    void *taken = pool->room;
    pool->room += size;
    pool->left -= size;
    return memset(taken, 0, size);
}

char *pool_text(struct pool *pool, const char *text)
{
    if (text == NULL)
        return NULL;
    size_t size = strlen(text) + 1;
    char *copy = pool_take(pool, size);
    if (copy != NULL)
        memcpy(copy, text, size);
    return copy;
}

void pool_free(struct pool *pool)
{
    while (pool->blocks != NULL) {
        struct pool_block *block = pool->blocks;
        pool->blocks = block->older;
        free(block);
    }
}

bool row_reserve(struct row *row, size_t more)
{
    if (row->cap - row->len >= more)
        return true;
    size_t cap = row->cap == 0 ? 4096 : row->cap;
    while (cap - row->len < more)
        cap *= 2;
    uint8_t *data = realloc(row->data, cap);
    if (data == NULL)
        return false;
    row->data = data;
    row->cap = cap;
    return true;
}

bool row_append(struct row *row, const void *data, size_t len)
{
    if (!row_reserve(row, len))
        return false;
    memcpy(row->data + row->len, data, len);
    row->len += len;
    return true;
}

void row_consume(struct row *row, size_t len)
{
    row->len -= len;
    if (row->len > 0)
        memmove(row->data, row->data + len, row->len);
}
