/* codec.c - bounds are checked in reader_take() and writer_room(), and nowhere else. */
#include "core/jute/codec.h"

#include "core/base/check.h"

const uint8_t *reader_fail(struct reader *r)
{
    if (r->status == ST_OK)
        r->status = ST_TRUNCATED;
    return NULL;
}

bool read_boolean(struct reader *r)
{
    const uint8_t *p = reader_take(r, 1);
    return p != NULL && *p != 0;
}

struct bytes read_blob(struct reader *r)
{
    int32_t len = read_i32(r);
    if (len < 0) {
        if (len != -1)
            r->status = ST_TRUNCATED;
        return BYTES_NULL;
    }
    const uint8_t *p = reader_take(r, (size_t)len);
    return p == NULL ? BYTES_NULL : bytes_make(p, (size_t)len);
}

struct bytes read_text(struct reader *r)
{
    return read_blob(r);
}

/* Null stays -1, other negative counts are read as empty, as Apache's reader does (client-protocol 1.2). */
static int32_t read_count(struct reader *r)
{
    int32_t count = read_i32(r);
    return count < -1 ? 0 : count;
}

struct texts read_texts(struct reader *r)
{
    struct texts v = {.count = read_count(r)};
    const uint8_t *start = r->at;
    for (int32_t i = 0; i < v.count && r->status == ST_OK; i++)
        read_text(r);
    v.raw = bytes_make(start, (size_t)(r->at - start));
    return v;
}

struct acls read_acls(struct reader *r)
{
    struct acls v = {.count = read_count(r)};
    const uint8_t *start = r->at;
    for (int32_t i = 0; i < v.count && r->status == ST_OK; i++) {
        read_i32(r);
        read_text(r);
        read_text(r);
    }
    v.raw = bytes_make(start, (size_t)(r->at - start));
    return v;
}

uint8_t *writer_grow(struct writer *w, size_t n)
{
    if (w->status == ST_OK)
        w->status = buffer_reserve(w->out, n);
    if (w->status != ST_OK)
        return NULL;
    uint8_t *p = w->out->data + w->out->len;
    w->out->len += n;
    return p;
}

void write_boolean(struct writer *w, bool v)
{
    uint8_t *p = writer_room(w, 1);
    if (p != NULL)
        *p = v;
}

void write_raw(struct writer *w, struct bytes v)
{
    uint8_t *p = writer_room(w, v.len);
    if (p != NULL && v.len > 0)
        memcpy(p, v.data, v.len);
}

void write_blob(struct writer *w, struct bytes v)
{
    write_i32(w, bytes_is_null(v) ? -1 : (int32_t)v.len);
    write_raw(w, v);
}

void write_text(struct writer *w, struct bytes v)
{
    write_blob(w, v);
}

void write_texts(struct writer *w, struct texts v)
{
    write_i32(w, v.count);
    write_raw(w, v.raw);
}

void write_acls(struct writer *w, struct acls v)
{
    write_i32(w, v.count);
    write_raw(w, v.raw);
}

void write_i32_at(struct writer *w, size_t offset, int32_t v)
{
    if (w->status != ST_OK)
        return;
    CHECK(offset + 4 <= w->out->len);
    be32_put(w->out->data + offset, (uint32_t)v);
}
