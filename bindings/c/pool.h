/* pool.h - memory of libzooid that goes at once: what belongs to a request or a reply; and rows of bytes that grow. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pool {
    struct pool_block *blocks;
    uint8_t *room; /* that has been got and not given out: at first what its owner has for it */
    size_t left;
    bool failed; /* memory ran out: sticks */
};

/* Zeros. NULL: out of memory. */
void *pool_take(struct pool *pool, size_t size);
char *pool_text(struct pool *pool, const char *text); /* NULL gives NULL */
void pool_free(struct pool *pool);

/* A growing row of bytes. */
struct row {
    uint8_t *data;
    size_t len, cap;
};

/* False: out of memory, nothing has changed. */
bool row_reserve(struct row *row, size_t more);
bool row_append(struct row *row, const void *data, size_t len);
void row_consume(struct row *row, size_t len);
