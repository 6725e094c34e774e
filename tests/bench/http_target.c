/* http_target.c - what health checks ask: an HTTP server that does nothing but answer 200, and notes for each path
 * /NUMBER how long it was from one request to the next.
 *
 * It prints its port on a line of its own and serves until its standard input ends; then it prints, as JSON, how many
 * requests came, how many paths were asked, and the longest time between two requests for the same path. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/lib/clock.h"

enum { PATHS_MAX = 100000, EVENTS_MAX = 64, REQUEST_MAX = 4096 };

static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";

struct target {
    int epoll, listener;
    uint64_t requests, paths, gap_most_ns;
    uint64_t last_ns[PATHS_MAX]; /* 0: not asked yet */
};

/* In epoll's data: a connection is its descriptor, these are not. */
enum { TAG_LISTENER = -1, TAG_STDIN = -2 };

static void watch(const struct target *target, int descriptor, int tag)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = tag};
    if (epoll_ctl(target->epoll, EPOLL_CTL_ADD, descriptor, &event) != 0)
        die_errno("epoll_ctl");
}

static void open_target(struct target *target)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    target->epoll = epoll_create1(EPOLL_CLOEXEC);
    target->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (target->epoll < 0 || target->listener < 0 ||
        bind(target->listener, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(target->listener, 4096) != 0 || getsockname(target->listener, (struct sockaddr *)&address, &size) != 0)
        die_errno("no listener");
    watch(target, target->listener, TAG_LISTENER);
    watch(target, STDIN_FILENO, TAG_STDIN);
    printf("%d\n", ntohs(address.sin_port));
    (void)fflush(stdout);
}

static void accept_all(const struct target *target)
{
    int descriptor;
    while ((descriptor = accept4(target->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
        watch(target, descriptor, descriptor);
}

static void note(struct target *target, const char *request)
{
    static const char start[] = "GET /";
    char *end;
    unsigned long path = strtoul(request + sizeof start - 1, &end, 10);
    if (strncmp(request, start, sizeof start - 1) != 0 || *end != ' ' || path >= PATHS_MAX)
        die("not asked as expected: %.40s", request);
    uint64_t now_ns = clock_ns(), *last_ns = &target->last_ns[path];
    target->requests++;
    target->paths += *last_ns == 0;
    if (*last_ns != 0 && now_ns - *last_ns > target->gap_most_ns)
        target->gap_most_ns = now_ns - *last_ns;
    *last_ns = now_ns;
}

/* A request is small, so that it comes in one piece. */
static void serve(struct target *target, int descriptor)
{
    char request[REQUEST_MAX + 1];
    ssize_t len = read(descriptor, request, REQUEST_MAX);
    if (len < 0 && errno == EAGAIN)
        return;
    if (len > 0) {
        request[len] = '\0';
        note(target, request);
        if (write(descriptor, answer, sizeof answer - 1) != sizeof answer - 1)
            die_errno("an answer was not taken");
    }
    (void)close(descriptor);
}

int main(void)
{
    struct target *target = need_memory(1, sizeof *target);
    open_target(target);
    for (bool ends = false; !ends;) {
        struct epoll_event events[EVENTS_MAX];
        int count = epoll_wait(target->epoll, events, EVENTS_MAX, -1);
        if (count < 0 && errno != EINTR)
            die_errno("epoll_wait");
        for (int i = 0; i < count; i++) {
            if (events[i].data.fd == TAG_STDIN)
                ends = true;
            else if (events[i].data.fd == TAG_LISTENER)
                accept_all(target);
            else
                serve(target, events[i].data.fd);
        }
    }
    printf("{\"requests\": %llu, \"paths\": %llu, \"gap_most_ms\": %.3f}\n", (unsigned long long)target->requests,
           (unsigned long long)target->paths, (double)target->gap_most_ns / NS_PER_MS);
    free(target);
    return 0;
}
