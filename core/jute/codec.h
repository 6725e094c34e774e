/* codec.h - jute's primitive types (quorum-protocol 0.1): the only place that checks bounds.
 *
 * A reader's first error sticks and every later read gives zeros, so that callers look once at the end. What it gives
 * out are slices into the memory it reads; nothing is allocated or copied. Not thread-safe. */
#pragma once

#include "core/base/bytes.h"

struct reader {
    const uint8_t *at, *end;
    enum status status; /* ST_OK, or ST_TRUNCATED: ends too early or has an impossible length */
};

static inline struct reader reader_of(struct bytes b)
{
    return (struct reader){b.data, b.len == 0 ? b.data : b.data + b.len, ST_OK};
}

static inline size_t reader_left(const struct reader *r)
{
    return (size_t)(r->end - r->at);
}

/* There are not so many bytes, or something has failed before: notes it, and gives NULL. */
const uint8_t *reader_fail(struct reader *r);

/* `n` bytes, or NULL once anything has failed. */
static inline const uint8_t *reader_take(struct reader *r, size_t n)
{
    if (r->status != ST_OK || n > reader_left(r))
        return reader_fail(r);
    const uint8_t *at = r->at;
    r->at += n;
    return at;
}

static inline int32_t read_i32(struct reader *r)
{
    const uint8_t *p = reader_take(r, 4);
    return p == NULL ? 0 : (int32_t)be32_get(p);
}

static inline int64_t read_i64(struct reader *r)
{
    const uint8_t *p = reader_take(r, 8);
    return p == NULL ? 0 : (int64_t)be64_get(p);
}

bool read_boolean(struct reader *r);      /* any non-zero byte is true */
struct bytes read_blob(struct reader *r); /* -1 is null; another negative length is an error */
struct bytes read_text(struct reader *r); /* as a blob; UTF-8 is not checked here */

/* A vector whose elements were walked once, to see that they are whole, and are read again one at a time. */
struct texts {
    int32_t count; /* -1: null */
    struct bytes raw;
};

struct acls {
    int32_t count;    /* -1: null */
    struct bytes raw; /* the entries, without the count */
};

struct texts read_texts(struct reader *r);
struct acls read_acls(struct reader *r);

/* Writers append to a buffer; the first error sticks in `status`. */
struct writer {
    struct buffer *out;
    enum status status; /* ST_OK, or buffer_reserve's */
};

static inline struct writer writer_to(struct buffer *out)
{
    return (struct writer){out, ST_OK};
}

/* The buffer has to grow, or something has failed before. */
uint8_t *writer_grow(struct writer *w, size_t n);

/* Room for `n` bytes, or NULL once anything has failed. */
static inline uint8_t *writer_room(struct writer *w, size_t n)
{
    struct buffer *out = w->out;
    if (w->status != ST_OK || n > out->cap - out->len || out->max != 0)
        return writer_grow(w, n);
    uint8_t *p = out->data + out->len;
    out->len += n;
    return p;
}

static inline void write_i32(struct writer *w, int32_t v)
{
    uint8_t *p = writer_room(w, 4);
    if (p != NULL)
        be32_put(p, (uint32_t)v);
}

static inline void write_i64(struct writer *w, int64_t v)
{
    uint8_t *p = writer_room(w, 8);
    if (p != NULL)
        be64_put(p, (uint64_t)v);
}

void write_boolean(struct writer *w, bool v);
void write_blob(struct writer *w, struct bytes v); /* the null slice is written as -1 */
void write_text(struct writer *w, struct bytes v);
void write_texts(struct writer *w, struct texts v);
void write_acls(struct writer *w, struct acls v);
void write_raw(struct writer *w, struct bytes v); /* the bytes alone */

/* Puts `v` over four bytes written earlier, at `offset` of the buffer: a length that was not known before. */
void write_i32_at(struct writer *w, size_t offset, int32_t v);
