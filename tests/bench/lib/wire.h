/* wire.h - the few requests of ZooKeeper's client protocol that a benchmark sends, as bytes.
 *
 * Each wire_* request function writes one whole frame, length first, to `out` and returns its size in bytes; the caller
 * gives enough room (WIRE_FRAME_OVERHEAD plus the sizes of path and data is always enough). It reads nothing but its
 * arguments and may be called from any thread. Layouts: ZooKeeper's zookeeper.jute. */
#pragma once
#include <stddef.h>
#include <stdint.h>

enum wire_op {
    WIRE_CREATE = 1,
    WIRE_DELETE = 2,
    WIRE_EXISTS = 3,
    WIRE_GET_DATA = 4,
    WIRE_SET_DATA = 5,
    WIRE_PING = 11,
    WIRE_MULTI = 14,
    WIRE_CLOSE_SESSION = -11,
};

enum { WIRE_XID_EVENT = -1, WIRE_XID_PING = -2, WIRE_NO_NODE = -101, WIRE_NODE_EXISTS = -110 };

enum {
    WIRE_FRAME_OVERHEAD = 96,
    WIRE_CONNECT_REQUEST_SIZE = 49,
    WIRE_CONNECT_RESPONSE_SIZE = 41,
    WIRE_REPLY_HEADER_SIZE = 20, /* with the length before it */
    WIRE_STAT_SIZE = 68,
};

uint8_t *wire_put_i32(uint8_t *at, int32_t value);
uint8_t *wire_put_i64(uint8_t *at, int64_t value);
int32_t wire_get_i32(const uint8_t *at);
int64_t wire_get_i64(const uint8_t *at);

/* A new session; `timeout_ms` is what the client asks for. */
size_t wire_connect_request(uint8_t *out, int32_t timeout_ms);
/* Operations without a body: ping and closeSession. */
size_t wire_bare(uint8_t *out, int32_t xid, enum wire_op op);
/* getData or exists. */
size_t wire_read(uint8_t *out, int32_t xid, enum wire_op op, const char *path, uint8_t watch);
/* A persistent node open to everybody (world:anyone, all permissions). */
size_t wire_create(uint8_t *out, int32_t xid, const char *path, const uint8_t *data, size_t size);
/* Any version. */
size_t wire_set(uint8_t *out, int32_t xid, const char *path, const uint8_t *data, size_t size);
/* Any version. */
size_t wire_delete(uint8_t *out, int32_t xid, const char *path);

/* A multi is begun, given its setData operations, and ended; `at` moves through the frame that starts at `out`. */
uint8_t *wire_multi_begin(uint8_t *out, int32_t xid);
uint8_t *wire_multi_set(uint8_t *at, const char *path, const uint8_t *data, size_t size);
size_t wire_multi_end(uint8_t *out, uint8_t *at);
