/* attempts.c - the connections that wait, and when the next is due. */
#include "tests/bench/lib/attempts.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/lib/clock.h"
#include "tests/bench/lib/session.h"

enum {
    DATA_SIZE = 100,
    ATTEMPTS_MAX = 32,
    PAUSE_NS = 200 * NS_PER_US,
    AGAIN_NS = 500 * NS_PER_US, /* after one that was refused or dropped */
    BESIDE_NS = 5 * NS_PER_MS   /* while others wait */
};
enum verdict { WAITS, SERVED, FAILED };

/* One that is not connected yet is polled for POLLOUT, one that was asked for POLLIN. */
struct attempts {
    const struct attempts_plan *plan;
    struct pollfd fds[ATTEMPTS_MAX];
    nfds_t count;
    uint32_t begun;
    uint64_t next_ns; /* when to begin one more */
};

static size_t question(const struct attempts_plan *plan, uint32_t number, uint8_t *out)
{
    static const uint8_t data[DATA_SIZE] = {0};
    char path[ATTEMPT_PATH_MAX + 16];
    switch (plan->op) {
    case WIRE_GET_DATA: return wire_read(out, 1, WIRE_GET_DATA, plan->path, 0);
    case WIRE_SET_DATA: return wire_set(out, 1, plan->path, data, sizeof data);
    default:
        (void)snprintf(path, sizeof path, "%s-%u", plan->path, number);
        return wire_create(out, 1, path, data, sizeof data);
    }
}

/* Begins to connect, and does not wait: a SYN that is dropped, the server taking no more for the moment, would cost a
 * second. */
static int connect_soon(const struct sockaddr_in *endpoint)
{
    int fd = endpoint_socket();
    if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0)
        die_errno("fcntl");
    if (connect(fd, (const struct sockaddr *)endpoint, sizeof *endpoint) == 0 || errno == EINPROGRESS)
        return fd;
    (void)close(fd);
    return -1;
}

static enum verdict attempt_ask(const struct attempts_plan *plan, struct pollfd *at, uint32_t number)
{
    uint8_t frames[WIRE_CONNECT_REQUEST_SIZE + WIRE_FRAME_OVERHEAD + ATTEMPT_PATH_MAX + 16 + DATA_SIZE];
    size_t size = wire_connect_request(frames, SESSION_TIMEOUT_MS);
    size += question(plan, number, frames + size);
    at->events = POLLIN;
    return send(at->fd, frames, size, MSG_NOSIGNAL) == (ssize_t)size ? WAITS : FAILED;
}

/* Of a socket with something to read: whether the question was answered well. The bytes are only looked at, so that
 * a ConnectResponse that comes alone is seen again together with what follows it. */
static enum verdict attempt_judge(const struct attempts_plan *plan, int fd)
{
    uint8_t answer[WIRE_CONNECT_RESPONSE_SIZE + WIRE_REPLY_HEADER_SIZE];
    ssize_t n = recv(fd, answer, sizeof answer, MSG_PEEK | MSG_DONTWAIT);
    if (n <= 0)
        return n < 0 && errno == EAGAIN ? WAITS : FAILED;
    if (n >= WIRE_CONNECT_RESPONSE_SIZE && wire_get_i32(answer + 8) <= 0)
        return FAILED;
    if ((size_t)n < sizeof answer)
        return WAITS;
    int32_t error = wire_get_i32(answer + WIRE_CONNECT_RESPONSE_SIZE + 16);
    if (error != 0)
        die("operation %d on %s was answered with error %d", (int)plan->op, plan->path, (int)error);
    return SERVED;
}

static void attempt_end(struct attempts *a, nfds_t index)
{
    (void)close(a->fds[index].fd);
    a->fds[index] = a->fds[--a->count];
}

static void begin_when_due(struct attempts *a)
{
    uint64_t now = clock_ns();
    if (now < a->next_ns)
        return;
    int fd = connect_soon(servers_endpoint(a->plan->servers, a->begun++));
    a->next_ns = now + (fd < 0 ? AGAIN_NS : BESIDE_NS);
    if (fd < 0)
        return;
    if (a->count == ATTEMPTS_MAX)
        attempt_end(a, 0);
    a->fds[a->count++] = (struct pollfd){.fd = fd, .events = POLLOUT};
}

struct attempts *attempts_new(const struct attempts_plan *plan)
{
    struct attempts *a = need_memory(1, sizeof *a);
    a->plan = plan;
    return a;
}

bool attempts_step(struct attempts *a)
{
    static const struct timespec pause = {.tv_nsec = PAUSE_NS};
    begin_when_due(a);
    if (ppoll(a->fds, a->count, &pause, NULL) <= 0)
        return false;
    for (nfds_t i = a->count; i > 0; i--) {
        struct pollfd *at = &a->fds[i - 1];
        enum verdict verdict = WAITS;
        if (at->revents != 0)
            verdict = at->events == POLLOUT ? attempt_ask(a->plan, at, a->begun) : attempt_judge(a->plan, at->fd);
        if (verdict == SERVED)
            return true;
        if (verdict == FAILED) {
            attempt_end(a, i - 1);
            a->next_ns = clock_ns() + AGAIN_NS;
        }
    }
    return false;
}

void attempts_free(struct attempts *a)
{
    while (a->count > 0)
        attempt_end(a, 0);
    free(a);
}
