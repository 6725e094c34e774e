/* pool.c - memory that goes at once, and rows of bytes that grow. */
#include "bindings/c/internal.h"

#include <stdlib.h>

struct pool_block {
    struct pool_block *older;
    max_align_t bytes[];
};

void *pool_take(struct pool *pool, size_t size)
{
    struct pool_block *block = calloc(1, sizeof *block + size);
    if (block == NULL) {
        pool->failed = true;
        return NULL;
    }
    block->older = pool->blocks;
    pool->blocks = block;
    return block->bytes;
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

struct pool_block **pool_older(struct pool_block *block)
{
    return &block->older;
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
