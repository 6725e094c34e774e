/* net.c - clients and server live in one thread, so nothing may block and nobody has to be waited for by time. */
#include "tests/support/net.h"

#include "tests/support/test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { DEADLINE_MS = 10000, STEP_MS = 2 };

static void on_step(uv_timer_t *timer)
{
    (void)timer;
}

static void on_step_closed(uv_handle_t *handle)
{
    *(bool *)handle->data = true;
}

bool net_run_until(uv_loop_t *loop, bool (*holds)(void *context), void *context)
{
    uv_timer_t step;
    bool closed = false;
    bool held = holds(context);
    uint64_t end_ms = uv_hrtime() / 1000000 + DEADLINE_MS;
    uv_timer_init(loop, &step);
    step.data = &closed;
    uv_timer_start(&step, on_step, STEP_MS, STEP_MS);
    while (!held && uv_hrtime() / 1000000 < end_ms) {
        uv_run(loop, UV_RUN_ONCE);
        held = holds(context);
    }
    uv_close((uv_handle_t *)&step, on_step_closed);
    while (!closed)
        uv_run(loop, UV_RUN_NOWAIT);
    return held;
}

static bool is_empty(void *context)
{
    uv_loop_t *loop = context;
    return uv_loop_alive(loop) == 0;
}

static void print_handle(uv_handle_t *handle, void *context)
{
    (void)context;
    print_message("still open: %s\n", uv_handle_type_name(handle->type));
}

/* The step timer keeps the loop alive while it is run, so this looks between runs. */
bool net_finish(uv_loop_t *loop)
{
    uint64_t end_ms = uv_hrtime() / 1000000 + DEADLINE_MS;
    while (!is_empty(loop) && uv_hrtime() / 1000000 < end_ms)
        uv_run(loop, UV_RUN_NOWAIT);
    if (uv_loop_close(loop) == 0)
        return true;
    uv_walk(loop, print_handle, NULL);
    return false;
}

static void connect_to(struct net_client *c, uv_loop_t *loop, const struct sockaddr *address, socklen_t len)
{
    *c = (struct net_client){.loop = loop};
    c->fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(c->fd >= 0);
    assert_int_equal(connect(c->fd, address, len), 0); /* the kernel accepts into the backlog */
}

void net_connect(struct net_client *c, uv_loop_t *loop, int port)
{
    const struct sockaddr_in in = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    connect_to(c, loop, (const struct sockaddr *)&in, sizeof in);
}

void net_connect_ipv6(struct net_client *c, uv_loop_t *loop, int port)
{
    const struct sockaddr_in6 in6 = {
        .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    connect_to(c, loop, (const struct sockaddr *)&in6, sizeof in6);
}

void net_connect_unix(struct net_client *c, uv_loop_t *loop, const char *path)
{
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    assert_true(strlen(path) < sizeof local.sun_path);
    memcpy(local.sun_path, path, strlen(path));
    connect_to(c, loop, (const struct sockaddr *)&local, sizeof local);
}

void net_close(struct net_client *c)
{
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
    buffer_free(&c->received);
}

static bool always(void *context)
{
    (void)context;
    return true;
}

void net_send(struct net_client *c, const void *data, size_t len)
{
    uint64_t end_ms = uv_hrtime() / 1000000 + DEADLINE_MS;
    for (size_t at = 0; at < len;) {
        ssize_t n = send(c->fd, (const uint8_t *)data + at, len - at, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n > 0)
            at += (size_t)n;
        else if (n < 0 && errno != EAGAIN)
            return; /* the server has closed; the test sees that when it reads */
        if (at < len) {
            assert_true(uv_hrtime() / 1000000 < end_ms);
            uv_run(c->loop, UV_RUN_NOWAIT);
            (void)net_run_until(c->loop, always, NULL);
        }
    }
}

void net_receive(struct net_client *c)
{
    uint8_t some[65536];
    while (!c->ended) {
        ssize_t n = recv(c->fd, some, sizeof some, MSG_DONTWAIT);
        if (n > 0)
            assert_int_equal(buffer_append(&c->received, some, (size_t)n), ST_OK);
        else if (n == 0 || errno != EAGAIN)
            c->ended = true;
        else
            return;
        c->reset = n < 0;
    }
}

struct wanted {
    struct net_client *client;
    size_t len;
};

static bool has_bytes(void *context)
{
    const struct wanted *wanted = context;
    net_receive(wanted->client);
    return wanted->client->received.len >= wanted->len || wanted->client->ended;
}

bool net_wait_bytes(struct net_client *c, size_t len)
{
    struct wanted wanted = {c, len};
    return net_run_until(c->loop, has_bytes, &wanted) && c->received.len >= len;
}

bool net_wait_end(struct net_client *c)
{
    struct wanted wanted = {c, SIZE_MAX};
    return net_run_until(c->loop, has_bytes, &wanted) && c->ended;
}

void net_take(struct net_client *c, size_t len)
{
    buffer_consume(&c->received, len);
}

void net_send_frame(struct net_client *c, const void *payload, size_t len)
{
    uint8_t length[4];
    be32_put(length, (uint32_t)len);
    net_send(c, length, sizeof length);
    net_send(c, payload, len);
}

bool net_expect_frame(struct net_client *c, const void *payload, size_t len)
{
    if (!net_wait_bytes(c, 4) || be32_get(c->received.data) != len || !net_wait_bytes(c, 4 + len))
        return false;
    bool same = memcmp(c->received.data + 4, payload, len) == 0;
    net_take(c, 4 + len);
    return same;
}
