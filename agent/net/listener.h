/* listener.h - sockets that wait for connections: TCP on IPv4 and IPv6, or one Unix socket.
 *
 * Accepts a bounded number of connections a turn. When there is no descriptor left it gives up a reserved one to take
 * the connection and close it, so that clients see an end instead of silence. Loop thread only. */
#pragma once

#include "core/base/bytes.h"
#include "core/base/log.h"
#include "core/base/metrics.h"

#include <netdb.h>
#include <sys/socket.h>
#include <uv.h>

struct listener; /* opaque */

/* `fd` does not block, is closed on exec, and is the callee's. `peer` of a Unix socket has only its family. */
typedef void listener_accept_fn(void *context, int fd, const struct sockaddr_storage *peer);

struct listener_events {
    listener_accept_fn *accepted;
    void *context;
};

struct listener_parts {
    uv_loop_t *loop;
    struct metrics *metrics; /* counts what had to be turned away */
    const struct log_sink *log;
};

struct listener_tcp {
    const char *address; /* or host name, looked up at once (blocks); NULL or empty: all addresses, IPv4 and IPv6 */
    int32_t port;        /* 0: the kernel chooses */
    int32_t backlog;     /* -1: the system's choice */
    bool keep_alive;
    const struct addrinfo *found; /* the addresses of that name when they were looked up before; else NULL */
};

/* Listens on every address that the name has. `message` (appended) says what failed.
 * ST_IO_ERROR, ST_NOT_FOUND (the name), ST_BUSY (the address is taken), ST_NO_MEMORY. */
enum status listener_open_tcp(struct listener **out, const struct listener_parts *parts, const struct listener_tcp *tcp,
                              const struct listener_events *events, struct buffer *message);

struct listener_unix {
    const char *path;
    uint32_t mode;
    const char *owner, *group; /* names; NULL or empty: the process's */
    int32_t backlog;
    /* A socket that listens already, and is taken over: path, mode and owners are those of whoever opened it. 0: there
     * is none. */
    int inherited;
};

/* A socket file that nobody listens on is replaced; one with a listener is ST_BUSY, any other file ST_EXISTS. */
enum status listener_open_unix(struct listener **out, const struct listener_parts *parts,
                               const struct listener_unix *local, const struct listener_events *events,
                               struct buffer *message);

/* The port that was asked for or chosen; 0 for a Unix socket. */
int32_t listener_port(const struct listener *l);

/* Closes the sockets, removes the Unix socket's file if it is still ours, and frees the listener from the loop. NULL is
 * allowed. */
void listener_close(struct listener *l);
