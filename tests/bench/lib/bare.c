/* bare.c - sockets of the bare servers. */
#include "tests/bench/lib/bare.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "tests/bench/lib/clock.h"
#include "tests/bench/lib/session.h"

int bare_listen(uint16_t *port)
{
    static const int on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (listener < 0 || setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0 ||
        bind(listener, (struct sockaddr *)&address, size) != 0 || listen(listener, SOMAXCONN) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) != 0)
        die_errno("no port to listen on");
    *port = ntohs(address.sin_port);
    return listener;
}

int bare_accept(int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0 && errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
        die_errno("accept");
    return fd;
}

void bare_watch(int epoll, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0)
        die_errno("epoll_ctl");
}

void bare_accept_all(int epoll, int listener)
{
    for (int fd; (fd = bare_accept(listener)) >= 0;) {
        if (fd >= BARE_CONNECTIONS_MAX)
            die("too many connections");
        bare_watch(epoll, fd);
    }
}

void bare_send(int fd, const void *data, uint64_t size)
{
    if (send(fd, data, size, MSG_NOSIGNAL) != (ssize_t)size)
        die_errno("what is to be said cannot be sent");
}

void bare_grant(int fd)
{
    uint8_t frame[WIRE_CONNECT_RESPONSE_SIZE];
    memset(frame, 0, sizeof frame);
    uint8_t *at = wire_put_i32(frame, (int32_t)sizeof frame - 4);
    at = wire_put_i64(wire_put_i32(wire_put_i32(at, 0), SESSION_TIMEOUT_MS), fd);
    (void)wire_put_i32(at, 16);
    bare_send(fd, frame, sizeof frame);
}
