/* bare.c - the yardstick for many connections: what is left of a server that decides, logs and remembers nothing.
 *
 * Speaks just enough of ZooKeeper's protocol for `sessions` and `watchers`: every ConnectRequest is granted at once,
 * every read is answered with the same node and makes its connection a watcher, every write sends all watchers their
 * event before it is answered. One epoll loop, one system call for each thing that has to be said. What the kernel's
 * TCP and the client cost weighs on it as on any server, so that nobody can be faster here by much. The server prints
 * its port on a line of its own and serves until its standard input ends. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/lib/bare.h"
#include "tests/bench/lib/clock.h"
#include "tests/bench/lib/options.h"
#include "tests/bench/lib/session.h"
#include "tests/bench/lib/wire.h"

enum { BUFFER_SIZE = 4096, DATA_SIZE = 100, EVENTS_MAX = 1024 };
enum {
    EVENT_SIZE = WIRE_REPLY_HEADER_SIZE + 26,
    READ_REPLY_SIZE = WIRE_REPLY_HEADER_SIZE + 4 + DATA_SIZE + WIRE_STAT_SIZE
};

struct server {
    int epoll, listener;
    bool *greeted; /* by descriptor */
    int *watchers; /* in the order in which they asked */
    size_t watcher_count;
};

/* The frame's length, then xid and a zxid; what follows is zero. */
static void begin_frame(uint8_t *frame, size_t size, int32_t xid)
{
    memset(frame, 0, size);
    (void)wire_put_i64(wire_put_i32(wire_put_i32(frame, (int32_t)size - 4), xid), 1);
}

static void tell_watchers(struct server *s)
{
    uint8_t frame[EVENT_SIZE];
    begin_frame(frame, sizeof frame, WIRE_XID_EVENT);
    for (size_t i = 0; i < s->watcher_count; i++)
        bare_send(s->watchers[i], frame, sizeof frame);
    s->watcher_count = 0;
}

static void serve_request(struct server *s, int fd, const uint8_t *request)
{
    uint8_t frame[READ_REPLY_SIZE];
    int32_t type = wire_get_i32(request + 8);
    size_t size = type == WIRE_GET_DATA ? READ_REPLY_SIZE : WIRE_REPLY_HEADER_SIZE;
    begin_frame(frame, size, wire_get_i32(request + 4));
    if (type == WIRE_SET_DATA)
        tell_watchers(s);
    if (type == WIRE_GET_DATA)
        s->watchers[s->watcher_count++] = fd;
    bare_send(fd, frame, size);
}

/* Its clients send one whole frame at a time and wait for what comes back. */
static void serve_connection(struct server *s, int fd)
{
    uint8_t in[BUFFER_SIZE];
    ssize_t n = recv(fd, in, sizeof in, 0);
    if (n < WIRE_REPLY_HEADER_SIZE - 8) {
        s->greeted[fd] = false;
        (void)close(fd);
    } else if (s->greeted[fd]) {
        serve_request(s, fd, in);
    } else {
        s->greeted[fd] = true;
        bare_grant(fd);
    }
}

static void listen_somewhere(struct server *s)
{
    uint16_t port;
    s->listener = bare_listen(&port);
    bare_watch(s->epoll, s->listener);
    (void)printf("%u\n", port);
    (void)fflush(stdout);
}

/* False when standard input has ended. */
static bool serve_event(struct server *s, int fd)
{
    char byte;
    if (fd == STDIN_FILENO)
        return read(STDIN_FILENO, &byte, 1) > 0;
    if (fd == s->listener)
        bare_accept_all(s->epoll, s->listener);
    else
        serve_connection(s, fd);
    return true;
}

int main(int argc, char **argv)
{
    if (options_parse(argc, argv, "bare: the yardstick for many connections", NULL, 0) != argc)
        die("no arguments are expected");
    raise_descriptor_limit();
    struct server s = {.epoll = epoll_create1(EPOLL_CLOEXEC)};
    if (s.epoll < 0)
        die_errno("epoll_create1");
    s.greeted = need_memory(BARE_CONNECTIONS_MAX, sizeof *s.greeted);
    s.watchers = need_memory(BARE_CONNECTIONS_MAX, sizeof *s.watchers);
    listen_somewhere(&s);
    bare_watch(s.epoll, STDIN_FILENO);
    struct epoll_event events[EVENTS_MAX];
    for (bool serving = true; serving;) {
        int count = epoll_wait(s.epoll, events, EVENTS_MAX, -1);
        if (count < 0 && errno != EINTR)
            die_errno("epoll_wait");
        for (int i = 0; i < count && serving; i++)
            serving = serve_event(&s, events[i].data.fd);
    }
    return 0;
}
