/* listener_internal.h - a listener and what its ways of opening share. */
#pragma once

#include "agent/net/listener.h"
#include "core/base/log_limit.h"

enum { LISTENER_SOCKETS_MAX = 8 };

struct listener_socket {
    uv_poll_t poll;
    struct listener *listener;
    int fd;
};

struct listener {
    struct listener_parts parts;
    struct listener_events events;
    struct listener_socket sockets[LISTENER_SOCKETS_MAX];
    uint32_t count;
    uint32_t open_handles;
    uv_timer_t rest; /* accepts again after it, when the system had no room */
    int reserve_fd;  /* given up for a moment when there is no other; -1: none */
    int32_t port;
    bool closing;
    char *path; /* of a Unix socket, to be removed */
    uint64_t path_device, path_inode;
    struct log_limit turned_away;
};

/* An empty listener. ST_NO_MEMORY, ST_IO_ERROR. */
enum status listener_new(struct listener **out, const struct listener_parts *parts,
                         const struct listener_events *events);

/* Takes a bound socket over and listens on it. ST_IO_ERROR with errno set: it was closed. */
enum status listener_add(struct listener *l, int fd, int32_t backlog);

/* A socket of the family that does not block and is closed on exec; -1 with errno. */
int listener_socket_new(int family);
