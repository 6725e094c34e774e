/* status.h - every outcome of ours in one list: name, the code that ZooKeeper's protocol has for it, text.
 *
 * The protocol's codes are those of client-protocol "Errors"; a status that never reaches a client carries
 * SystemError (-1), so that a slip shows as an error and never as success. Pure data; thread-safe. */
#pragma once

#include <stdint.h>

/* STATUS(name, code on the wire, text) */
#define STATUS_LIST(STATUS)                                                                 \
    STATUS(OK, 0, "ok")                                                                     \
    STATUS(SYSTEM_ERROR, -1, "system error")                                                \
    STATUS(RUNTIME_INCONSISTENCY, -2, "not run: an earlier operation of the multi failed")  \
    STATUS(MARSHALLING_ERROR, -5, "body cannot be decoded")                                 \
    STATUS(UNIMPLEMENTED, -6, "operation not known")                                        \
    STATUS(BAD_ARGUMENTS, -8, "bad arguments")                                              \
    STATUS(UNKNOWN_SESSION, -12, "session not known")                                       \
    STATUS(NEW_CONFIG_NO_QUORUM, -13, "no synced quorum of the new configuration")          \
    STATUS(RECONFIG_IN_PROGRESS, -14, "a reconfiguration is in progress")                   \
    STATUS(NO_NODE, -101, "no such node")                                                   \
    STATUS(NO_AUTH, -102, "not permitted by the node's ACL")                                \
    STATUS(BAD_VERSION, -103, "version does not match")                                     \
    STATUS(NO_CHILDREN_FOR_EPHEMERALS, -108, "ephemeral nodes have no children")            \
    STATUS(NODE_EXISTS, -110, "node exists")                                                \
    STATUS(NOT_EMPTY, -111, "node has children")                                            \
    STATUS(SESSION_EXPIRED, -112, "session expired")                                        \
    STATUS(INVALID_ACL, -114, "invalid ACL")                                                \
    STATUS(AUTH_FAILED, -115, "authentication failed")                                      \
    STATUS(SESSION_MOVED, -118, "session moved to another server")                          \
    STATUS(NOT_READ_ONLY, -119, "server is read-only")                                      \
    STATUS(EPHEMERAL_ON_LOCAL_SESSION, -120, "ephemeral node on a local session")           \
    STATUS(NO_WATCHER, -121, "no such watch")                                               \
    STATUS(RECONFIG_DISABLED, -123, "reconfiguration is disabled")                          \
    STATUS(SESSION_CLOSED_REQUIRE_AUTH, -124, "session closed: authentication is required") \
    STATUS(QUOTA_EXCEEDED, -125, "quota exceeded")                                          \
    STATUS(THROTTLED_OP, -127, "request waited too long, or the audit log is full")         \
    /* Told to clients of the local door alone. */                                          \
    STATUS(ANSWER_TOO_LONG, -1007, "the answer would be too long")                          \
    /* Ours alone: never on the wire. */                                                    \
    STATUS(NO_MEMORY, -1, "out of memory")                                                  \
    STATUS(LIMIT, -1, "limit reached")                                                      \
    STATUS(TRUNCATED, -1, "data ends too early")                                            \
    STATUS(CORRUPT, -1, "data is damaged")                                                  \
    STATUS(NOT_FOUND, -1, "not found")                                                      \
    STATUS(EXISTS, -1, "exists already")                                                    \
    STATUS(IO_ERROR, -1, "input or output error")                                           \
    STATUS(NO_SPACE, -1, "no space left on the device")                                     \
    STATUS(UNSUPPORTED, -1, "not supported")                                                \
    STATUS(BUSY, -1, "in use")                                                              \
    STATUS(END, -1, "end of data")

enum status {
#define STATUS(name, code, text) ST_##name,
    STATUS_LIST(STATUS)
#undef STATUS
        ST_COUNT
};

/* The code for a reply header or an error txn. */
int32_t status_code(enum status status);

/* A short text in lower case, static; "unknown status" for a value outside the list. */
const char *status_text(enum status status);

/* The first status with this code on the wire; ST_SYSTEM_ERROR for a code that is not in the list. Used to read error
 * txns that another server logged. */
enum status status_from_code(int32_t code);
