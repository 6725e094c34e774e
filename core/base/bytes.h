/* bytes.h - slices of memory, growable buffers with a maximum, big-endian numbers.
 *
 * A slice owns nothing. `data` == NULL is the protocol's null, which is not the same as empty: every empty slice that
 * stands for a present value has a pointer. Not thread-safe beyond what plain memory is. */
#pragma once

#include "core/base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes {
    const uint8_t *data;
    size_t len;
};

/* The slice of a string literal, without its terminator. */
#define BYTES(literal) ((struct bytes){(const uint8_t *)("" literal), sizeof(literal) - 1})
#define BYTES_NULL     ((struct bytes){NULL, 0})
/* For printf's "%.*s". */
#define BYTES_PRINT(bytes) (int)(bytes).len, (const char *)(bytes).data

static inline struct bytes bytes_make(const void *data, size_t len)
{
    return (struct bytes){data, len};
}

/* The slice of a terminated string; NULL gives the null slice. */
static inline struct bytes bytes_of(const char *text)
{
    return text == NULL ? BYTES_NULL : bytes_make(text, strlen(text));
}

static inline bool bytes_is_null(struct bytes b)
{
    return b.data == NULL;
}

/* Equal content; null equals only null. */
static inline bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.len == b.len && (a.data == NULL) == (b.data == NULL) &&
           (a.data == NULL || memcmp(a.data, b.data, a.len) == 0);
}

static inline bool bytes_starts_with(struct bytes b, struct bytes prefix)
{
    return b.len >= prefix.len && (prefix.len == 0 || memcmp(b.data, prefix.data, prefix.len) == 0);
}

/* From `offset` to the end; `offset` <= len. */
static inline struct bytes bytes_from(struct bytes b, size_t offset)
{
    return bytes_make(b.data + offset, b.len - offset);
}

/* Lexicographic, a prefix before what it begins. */
int bytes_compare(struct bytes a, struct bytes b);

/* A copy owned by the caller (mem_free the data), `len` bytes; the null slice is returned when memory runs out. An
 * empty or null slice copies to an empty one with a pointer. */
struct bytes bytes_copy(struct bytes b);

/* A growable buffer. Zero-initialised it is empty, owns nothing and has no maximum. */
struct buffer {
    uint8_t *data;
    size_t len;
    size_t cap;
    size_t max; /* largest len that is allowed; 0: no limit */
};

/* Room for `more` further bytes behind `len`. ST_LIMIT: would exceed `max`; ST_NO_MEMORY. */
enum status buffer_reserve(struct buffer *b, size_t more);

/* Appends a copy. Errors as buffer_reserve; on error nothing is appended. */
enum status buffer_append(struct buffer *b, const void *data, size_t len);

/* Appends formatted text without its terminator. Errors as buffer_reserve. */
enum status buffer_printf(struct buffer *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Forgets `len` bytes at the front, moving the rest. */
void buffer_consume(struct buffer *b, size_t len);

/* Frees the memory; the buffer is empty and usable afterwards, with the same maximum. */
void buffer_free(struct buffer *b);

static inline struct bytes buffer_bytes(const struct buffer *b)
{
    return bytes_make(b->data, b->len);
}

static inline uint32_t be32_get(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | (uint32_t)p[3];
}

static inline uint64_t be64_get(const uint8_t *p)
{
    return (uint64_t)be32_get(p) << 32 | be32_get(p + 4);
}

static inline void be32_put(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 24);
    p[1] = (uint8_t)(v >> 16);
    p[2] = (uint8_t)(v >> 8);
    p[3] = (uint8_t)v;
}

static inline void be64_put(uint8_t *p, uint64_t v)
{
    be32_put(p, (uint32_t)(v >> 32));
    be32_put(p + 4, (uint32_t)v);
}
