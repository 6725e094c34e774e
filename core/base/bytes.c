/* bytes.c - slices compared and copied, buffers grown. */
#include "core/base/bytes.h"

#include "core/base/mem.h"

#include <stdarg.h>
#include <stdio.h>

enum { BUFFER_CAP_MIN = 64 };

int bytes_compare(struct bytes a, struct bytes b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    int order = common > 0 ? memcmp(a.data, b.data, common) : 0;
    if (order != 0)
        return order;
    return (a.len > b.len) - (a.len < b.len);
}

struct bytes bytes_copy(struct bytes b)
{
    uint8_t *data = mem_alloc(b.len);
    if (data == NULL)
        return BYTES_NULL;
    if (b.len > 0)
        memcpy(data, b.data, b.len);
    return bytes_make(data, b.len);
}

enum status buffer_reserve(struct buffer *b, size_t more)
{
    if (more > SIZE_MAX / 2 - b->len)
        return ST_LIMIT;
    size_t need = b->len + more;
    if (b->max != 0 && need > b->max)
        return ST_LIMIT;
    if (need <= b->cap)
        return ST_OK;
    size_t cap = b->cap < BUFFER_CAP_MIN ? BUFFER_CAP_MIN : b->cap;
    while (cap < need)
        cap *= 2;
    uint8_t *data = mem_realloc(b->data, cap);
    if (data == NULL)
        return ST_NO_MEMORY;
    b->data = data;
    b->cap = cap;
    return ST_OK;
}

enum status buffer_append(struct buffer *b, const void *data, size_t len)
{
    enum status st = buffer_reserve(b, len);
    if (st == ST_OK && len > 0) {
        memcpy(b->data + b->len, data, len);
        b->len += len;
    }
    return st;
}

enum status buffer_printf(struct buffer *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (len < 0)
        return ST_BAD_ARGUMENTS;
    enum status st = buffer_reserve(b, (size_t)len + 1);
    if (st != ST_OK)
        return st;
    va_start(args, format);
    vsnprintf((char *)b->data + b->len, (size_t)len + 1, format, args);
    va_end(args);
    b->len += (size_t)len;
    return ST_OK;
}

void buffer_consume(struct buffer *b, size_t len)
{
    b->len -= len;
    if (b->len > 0 && len > 0)
        memmove(b->data, b->data + len, b->len);
}

void buffer_free(struct buffer *b)
{
    mem_free(b->data);
    b->data = NULL;
    b->len = 0;
    b->cap = 0;
}
