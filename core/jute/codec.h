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

int32_t read_i32(struct reader *r);
int64_t read_i64(struct reader *r);
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

void write_i32(struct writer *w, int32_t v);
void write_i64(struct writer *w, int64_t v);
void write_boolean(struct writer *w, bool v);
void write_blob(struct writer *w, struct bytes v); /* the null slice is written as -1 */
void write_text(struct writer *w, struct bytes v);
void write_texts(struct writer *w, struct texts v);
void write_acls(struct writer *w, struct acls v);
void write_raw(struct writer *w, struct bytes v); /* the bytes alone */

/* Puts `v` over four bytes written earlier, at `offset` of the buffer: a length that was not known before. */
void write_i32_at(struct writer *w, size_t offset, int32_t v);
