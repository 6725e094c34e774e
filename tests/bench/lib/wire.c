/* wire.c - requests of ZooKeeper's client protocol as bytes. */
#include "tests/bench/lib/wire.h"

#include <string.h>

enum { LENGTH_SIZE = 4, PASSWORD_SIZE = 16, ALL_PERMISSIONS = 31 };

uint8_t *wire_put_i32(uint8_t *at, int32_t value)
{
    uint32_t bits = __builtin_bswap32((uint32_t)value);
    memcpy(at, &bits, sizeof bits);
    return at + sizeof bits;
}

uint8_t *wire_put_i64(uint8_t *at, int64_t value)
{
    uint64_t bits = __builtin_bswap64((uint64_t)value);
    memcpy(at, &bits, sizeof bits);
    return at + sizeof bits;
}

int32_t wire_get_i32(const uint8_t *at)
{
    uint32_t bits;
    memcpy(&bits, at, sizeof bits);
    return (int32_t)__builtin_bswap32(bits);
}

int64_t wire_get_i64(const uint8_t *at)
{
    uint64_t bits;
    memcpy(&bits, at, sizeof bits);
    return (int64_t)__builtin_bswap64(bits);
}

static uint8_t *put_buffer(uint8_t *at, const void *data, size_t size)
{
    at = wire_put_i32(at, (int32_t)size);
    if (size > 0)
        memcpy(at, data, size);
    return at + size;
}

static uint8_t *put_text(uint8_t *at, const char *text)
{
    return put_buffer(at, text, strlen(text));
}

static uint8_t *put_header(uint8_t *out, int32_t xid, enum wire_op op)
{
    return wire_put_i32(wire_put_i32(out + LENGTH_SIZE, xid), op);
}

static size_t close_frame(uint8_t *out, const uint8_t *end)
{
    size_t size = (size_t)(end - out);
    (void)wire_put_i32(out, (int32_t)(size - LENGTH_SIZE));
    return size;
}

size_t wire_connect_request(uint8_t *out, int32_t timeout_ms)
{
    static const uint8_t no_password[PASSWORD_SIZE];
    uint8_t *at = wire_put_i32(out + LENGTH_SIZE, 0); /* protocol version */
    at = wire_put_i64(at, 0);                         /* last zxid seen */
    at = wire_put_i32(at, timeout_ms);
    at = wire_put_i64(at, 0); /* session: a new one */
    at = put_buffer(at, no_password, sizeof no_password);
    *at++ = 0; /* not content with a read-only server */
    return close_frame(out, at);
}

size_t wire_bare(uint8_t *out, int32_t xid, enum wire_op op)
{
    return close_frame(out, put_header(out, xid, op));
}

size_t wire_read(uint8_t *out, int32_t xid, enum wire_op op, const char *path, uint8_t watch)
{
    uint8_t *at = put_text(put_header(out, xid, op), path);
    *at++ = watch;
    return close_frame(out, at);
}

size_t wire_create(uint8_t *out, int32_t xid, const char *path, const uint8_t *data, size_t size)
{
    uint8_t *at = put_text(put_header(out, xid, WIRE_CREATE), path);
    at = put_buffer(at, data, size);
    at = wire_put_i32(at, 1); /* one ACL entry */
    at = wire_put_i32(at, ALL_PERMISSIONS);
    at = put_text(put_text(at, "world"), "anyone");
    at = wire_put_i32(at, 0); /* persistent */
    return close_frame(out, at);
}

static uint8_t *put_set_body(uint8_t *at, const char *path, const uint8_t *data, size_t size)
{
    return wire_put_i32(put_buffer(put_text(at, path), data, size), -1);
}

size_t wire_set(uint8_t *out, int32_t xid, const char *path, const uint8_t *data, size_t size)
{
    return close_frame(out, put_set_body(put_header(out, xid, WIRE_SET_DATA), path, data, size));
}

size_t wire_delete(uint8_t *out, int32_t xid, const char *path)
{
    uint8_t *at = put_text(put_header(out, xid, WIRE_DELETE), path);
    return close_frame(out, wire_put_i32(at, -1));
}

static uint8_t *put_multi_header(uint8_t *at, int32_t type, uint8_t done)
{
    at = wire_put_i32(at, type);
    *at++ = done;
    return wire_put_i32(at, -1);
}

uint8_t *wire_multi_begin(uint8_t *out, int32_t xid)
{
    return put_header(out, xid, WIRE_MULTI);
}

uint8_t *wire_multi_set(uint8_t *at, const char *path, const uint8_t *data, size_t size)
{
    return put_set_body(put_multi_header(at, WIRE_SET_DATA, 0), path, data, size);
}

size_t wire_multi_end(uint8_t *out, uint8_t *at)
{
    return close_frame(out, put_multi_header(at, -1, 1));
}
