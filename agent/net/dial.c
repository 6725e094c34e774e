/* dial.c - a target is looked up, its addresses are tried, then comes the next target; the timer drives what hangs. */
#include "agent/net/dial.h"

#include "agent/base/poll_room.h"
#include "agent/net/resolve.h"
#include "core/base/check.h"
#include "core/base/mem.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <unistd.h>

enum {
    ADDRESSES_MAX = 16, /* of one target */
    WHY_SIZE = 192,
    KEEP_ALIVE_IDLE_S = 30,
    KEEP_ALIVE_EVERY_S = 10,
    KEEP_ALIVE_COUNT = 3
};

/* One socket that is being connected. libuv knows its poll longer than the dial needs it. */
struct attempt {
    uv_poll_t poll;
    struct dial *dial;
    struct sockaddr_storage to;
    int fd;
};

struct dial {
    uv_loop_t *loop;
    uv_timer_t timer;
    uint64_t deadline_ms;
    dial_done_fn *done; /* NULL: over */
    void *context;
    struct dial_target targets[DIAL_TARGETS_MAX];
    size_t target_count, targets_tried;
    struct sockaddr_storage addresses[ADDRESSES_MAX]; /* of the target that is being tried */
    size_t address_count, addresses_tried;
    struct resolve *resolve;
    struct attempt *attempt;
    char why[WHY_SIZE];
    uint8_t hosts[];
};

static void next(struct dial *d);

static bool option(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof value) == 0;
}

bool dial_set_options(int fd)
{
    return option(fd, IPPROTO_TCP, TCP_NODELAY, 1) && option(fd, SOL_SOCKET, SO_KEEPALIVE, 1) &&
           option(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEP_ALIVE_IDLE_S) &&
           option(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEP_ALIVE_EVERY_S) &&
           option(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEP_ALIVE_COUNT);
}

static void say_why(struct dial *d, const char *what)
{
    const struct dial_target *target = &d->targets[d->targets_tried - 1];
    (void)snprintf(d->why, sizeof d->why, "%.*s:%u: %s", BYTES_PRINT(target->host), (unsigned)target->port, what);
}

static void say_errno(struct dial *d, int error)
{
    char text[128];
    say_why(d, uv_strerror_r(-error, text, sizeof text));
}

/* -- one attempt --------------------------------------------------------------------------------------------------- */

static void on_attempt_closed(uv_handle_t *handle)
{
    mem_free(CONTAINER_OF((uv_poll_t *)handle, struct attempt, poll));
}

/* Ends the attempt, and gives its socket back. */
static int attempt_end(struct dial *d)
{
    struct attempt *a = d->attempt;
    d->attempt = NULL;
    uv_close((uv_handle_t *)&a->poll, on_attempt_closed);
    return a->fd;
}

static void attempt_drop(struct dial *d)
{
    if (d->attempt != NULL)
        close(attempt_end(d));
}

static void on_timer_closed(uv_handle_t *handle)
{
    mem_free(CONTAINER_OF((uv_timer_t *)handle, struct dial, timer));
}

/* Whatever is under way is given up; the dial is freed from the loop. */
static void finish(struct dial *d)
{
    d->done = NULL;
    resolve_cancel(d->resolve);
    d->resolve = NULL;
    attempt_drop(d);
    uv_close((uv_handle_t *)&d->timer, on_timer_closed);
}

static void report(struct dial *d, int fd)
{
    dial_done_fn *done = d->done;
    struct bytes host = fd < 0 ? BYTES_NULL : d->targets[d->targets_tried - 1].host;
    finish(d); /* what it holds is there until the loop goes on */
    done(d->context, fd, host, fd < 0 ? d->why : NULL);
}

/* Both ends can be one and the same socket: when nobody listens and the kernel chose the port that is called. */
static bool is_connected_to_itself(int fd)
{
    struct sockaddr_storage own = {0};
    struct sockaddr_storage peer = {0};
    socklen_t own_len = sizeof own;
    socklen_t peer_len = sizeof peer;
    return getsockname(fd, (struct sockaddr *)&own, &own_len) == 0 &&
           getpeername(fd, (struct sockaddr *)&peer, &peer_len) == 0 && own_len == peer_len &&
           memcmp(&own, &peer, own_len) == 0;
}

static void on_connected(uv_poll_t *poll, int status, int events)
{
    struct attempt *a = CONTAINER_OF(poll, struct attempt, poll);
    struct dial *d = a->dial;
    int error = 0;
    socklen_t len = sizeof error;
    (void)events;
    if (getsockopt(a->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
        error = errno;
    if (error == 0 && status < 0) /* libuv says the same of every failure; the socket knows better */
        error = -status;
    if (error == 0 && is_connected_to_itself(a->fd))
        error = ECONNREFUSED;
    if (error == 0 && !dial_set_options(a->fd))
        error = errno;
    if (error == 0) {
        report(d, attempt_end(d));
        return;
    }
    say_errno(d, error);
    attempt_drop(d);
    next(d);
}

/* 0, or an errno; then nothing is left of it. */
static int attempt_start(struct dial *d, const struct sockaddr_storage *to)
{
    struct attempt *a = mem_calloc(1, sizeof *a);
    if (a == NULL)
        return ENOMEM;
    *a = (struct attempt){.dial = d, .to = *to};
    a->fd = socket(to->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int error = a->fd < 0 ? errno : 0;
    if (error == 0 && connect(a->fd, (const struct sockaddr *)to, resolve_address_size(to)) != 0)
        error = errno == EINPROGRESS || errno == EINTR ? 0 : errno;
    if (error == 0)
        error = -uv_poll_init(d->loop, &a->poll, a->fd);
    if (error != 0) {
        if (a->fd >= 0)
            close(a->fd);
        mem_free(a);
        return error;
    }
    d->attempt = a;
    error = poll_room_take(d->loop, a->fd);
    if (error == 0)
        uv_poll_start(&a->poll, UV_WRITABLE, on_connected);
    else
        attempt_drop(d);
    return error;
}

/* -- one after another --------------------------------------------------------------------------------------------- */

static void on_time(uv_timer_t *timer)
{
    struct dial *d = CONTAINER_OF(timer, struct dial, timer);
    if (d->attempt != NULL || d->resolve != NULL)
        say_why(d, d->resolve != NULL ? "no answer from the name service in time" : "no answer in time");
    resolve_cancel(d->resolve);
    d->resolve = NULL;
    attempt_drop(d);
    next(d);
}

/* What is tried now gets its share of the time that is left. False: none is left. */
static bool arm(struct dial *d)
{
    uint64_t now = uv_now(d->loop);
    if (now >= d->deadline_ms)
        return false;
    uint64_t tries = 1 + (d->address_count - d->addresses_tried) + (d->target_count - d->targets_tried);
    uv_timer_start(&d->timer, on_time, (d->deadline_ms - now) / tries + 1, 0);
    return true;
}

static void take_address(struct dial *d, const struct sockaddr_storage *address)
{
    if (d->address_count < ADDRESSES_MAX)
        d->addresses[d->address_count++] = *address;
}

static void on_resolved(void *context, const struct addrinfo *found, const char *why)
{
    struct dial *d = context;
    d->resolve = NULL;
    if (found == NULL)
        say_why(d, why);
    for (; found != NULL; found = found->ai_next) {
        struct sockaddr_storage address = {0};
        if (found->ai_addrlen > sizeof address || (found->ai_family != AF_INET && found->ai_family != AF_INET6))
            continue;
        memcpy(&address, found->ai_addr, found->ai_addrlen);
        take_address(d, &address);
    }
    next(d);
}

/* True: a look-up is under way. */
static bool look_up(struct dial *d, const struct dial_target *target)
{
    struct sockaddr_storage literal;
    d->address_count = d->addresses_tried = 0;
    if (resolve_literal(target->host, target->port, &literal)) {
        take_address(d, &literal);
        return false;
    }
    enum status st = resolve_start(&d->resolve, d->loop, target->host, target->port, on_resolved, d);
    if (st == ST_OK && arm(d))
        return true;
    say_why(d, st == ST_OK ? "no time is left" : st == ST_NO_MEMORY ? status_text(st) : "this is no host name");
    resolve_cancel(d->resolve);
    d->resolve = NULL;
    return false;
}

static bool try_address(struct dial *d)
{
    const struct sockaddr_storage *to = &d->addresses[d->addresses_tried++];
    int error = attempt_start(d, to);
    if (error == 0 && arm(d))
        return true;
    attempt_drop(d);
    if (error == 0)
        say_why(d, "no time is left");
    else
        say_errno(d, error);
    return false;
}

/* Goes on with the next address, or target, until something has to be waited for. */
static void next(struct dial *d)
{
    for (;;) {
        if (d->addresses_tried < d->address_count) {
            if (try_address(d))
                return;
        } else if (d->targets_tried < d->target_count) {
            if (look_up(d, &d->targets[d->targets_tried++]))
                return;
        } else {
            report(d, -1);
            return;
        }
    }
}

enum status dial_start(struct dial **out, uv_loop_t *loop, const struct dial_target *targets, size_t count,
                       int32_t timeout_ms, dial_done_fn *done, void *context)
{
    size_t hosts_len = 0;
    size_t taken = count < DIAL_TARGETS_MAX ? count : DIAL_TARGETS_MAX;
    for (size_t i = 0; i < taken; i++)
        hosts_len += targets[i].host.len;
    struct dial *d = mem_calloc(1, sizeof *d + hosts_len);
    if (d == NULL)
        return ST_NO_MEMORY;
    d->loop = loop;
    d->done = done;
    d->context = context;
    d->deadline_ms = uv_now(loop) + (uint64_t)timeout_ms;
    (void)snprintf(d->why, sizeof d->why, "no address of it is known");
    uint8_t *at = d->hosts;
    for (size_t i = 0; i < taken; i++) {
        size_t len = targets[i].host.len;
        if (len > 0)
            memcpy(at, targets[i].host.data, len);
        d->targets[d->target_count++] = (struct dial_target){bytes_make(at, len), targets[i].port};
        at += len;
    }
    CHECK(uv_timer_init(loop, &d->timer) == 0); /* only fills in the struct */
    uv_timer_start(&d->timer, on_time, 0, 0);   /* what fails at once is told from the loop, too */
    *out = d;
    return ST_OK;
}

void dial_cancel(struct dial *d)
{
    if (d != NULL)
        finish(d);
}
