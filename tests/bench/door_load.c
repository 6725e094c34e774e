/* door_load.c - gets at the local door by a client that makes nothing of a reply, as `load` does at the TCP front: a
 * fixed number of requests outstanding on one connection, one read and one write for each readiness. What the door
 * itself takes, without a library. Prints one line of JSON. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "bindings/c/include/zooid.h"
#include "tests/bench/lib/clock.h"
#include "tests/bench/lib/options.h"
#include "tests/bench/lib/rate.h"

enum {
    BUFFER_SIZE = 64 * 1024,
    REPLY_MIN = 100, /* bytes: it has the node's data */
    WAIT_MS = 20000,
    LENGTH_LEN = 4,
    ID_AT = 5, /* in a request: behind length and key */
    ID_LEN = 4,
    ID_FIRST = 1 << 21, /* numbers of four bytes as a varint */
    ID_END = 1 << 28,
};
#define NODE "/bench-door"

struct plan {
    const char *socket;
    uint64_t outstanding, pid;
    double seconds, warmup;
};

struct loop {
    int fd;
    uint8_t request[64];
    size_t request_len;
    uint32_t next_id;
    uint8_t in[BUFFER_SIZE], out[BUFFER_SIZE];
    size_t in_len;
};

static void make_node(const struct plan *p)
{
    static const uint8_t data[100];
    struct zooid_options options = ZOOID_OPTIONS_INIT;
    zooid_client *client = NULL;
    options.socket = p->socket;
    if (zooid_open(&client, &options, NULL) != ZOOID_OK)
        die("%s: no agent", p->socket);
    int code = zooid_create(client, NODE, data, sizeof data, ZOOID_PERSISTENT, WAIT_MS, NULL);
    if (code != ZOOID_OK && code != ZOOID_NODE_EXISTS)
        die(NODE ": %s", zooid_code_text(code));
    zooid_close(client);
}

/* ToAgent { id = ..., get { path = NODE } }; the id is set anew for each. */
static void make_request(struct loop *l)
{
    const size_t path_len = sizeof NODE - 1;
    uint8_t body[] = {0x08, 0, 0, 0, 0, 0xa2, 0x01, (uint8_t)(path_len + 2), 0x0a, (uint8_t)path_len};
    l->request_len = LENGTH_LEN + sizeof body + path_len;
    l->request[LENGTH_LEN - 1] = (uint8_t)(sizeof body + path_len);
    memcpy(l->request + LENGTH_LEN, body, sizeof body);
    memcpy(l->request + LENGTH_LEN + sizeof body, NODE, path_len);
}

static void send_all(const struct loop *l, size_t len)
{
    for (size_t at = 0; at < len;) {
        ssize_t n = send(l->fd, l->out + at, len - at, MSG_NOSIGNAL);
        if (n < 0 && errno != EINTR)
            die_errno("send");
        at += n > 0 ? (size_t)n : 0;
    }
}

static void ask(struct loop *l, uint64_t count)
{
    size_t len = 0;
    for (uint64_t i = 0; i < count; i++) {
        uint32_t id = l->next_id;
        l->next_id = id + 1 < ID_END ? id + 1 : ID_FIRST;
        for (size_t k = 0; k < ID_LEN; k++)
            l->request[ID_AT + k] = (uint8_t)(id >> 7 * k & 0x7f) | (k + 1 < ID_LEN ? 0x80 : 0);
        memcpy(l->out + len, l->request, l->request_len);
        len += l->request_len;
    }
    send_all(l, len);
}

static uint32_t length_at(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* Who sleeps in recv is woken, too, when the peer has read what he sent: poll tells of what has come alone. */
static void wait_for_replies(const struct loop *l)
{
    struct pollfd fd = {.fd = l->fd, .events = POLLIN};
    while (poll(&fd, 1, -1) != 1)
        if (errno != EINTR)
            die_errno("poll");
}

/* How many replies came. */
static uint64_t take(struct loop *l)
{
    wait_for_replies(l);
    ssize_t n = recv(l->fd, l->in + l->in_len, sizeof l->in - l->in_len, 0);
    if (n <= 0)
        die_errno("the agent has gone");
    l->in_len += (size_t)n;
    uint64_t count = 0;
    size_t at = 0;
    for (; l->in_len - at >= LENGTH_LEN && l->in_len - at - LENGTH_LEN >= length_at(l->in + at); count++) {
        if (length_at(l->in + at) < REPLY_MIN)
            die("a reply without data");
        at += LENGTH_LEN + length_at(l->in + at);
    }
    l->in_len -= at;
    memmove(l->in, l->in + at, l->in_len);
    return count;
}

/* ToAgent { hello {} }, and its answer. */
static void greet(struct loop *l, const struct plan *p)
{
    static const uint8_t hello[] = {0, 0, 0, 2, 0x1a, 0};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    uint8_t length[LENGTH_LEN], welcome[BUFFER_SIZE];
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", p->socket);
    l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (l->fd < 0 || connect(l->fd, (const struct sockaddr *)&address, sizeof address) != 0)
        die_errno("%s", p->socket);
    memcpy(l->out, hello, sizeof hello);
    send_all(l, sizeof hello);
    if (recv(l->fd, length, sizeof length, MSG_WAITALL) != sizeof length || length_at(length) > sizeof welcome ||
        recv(l->fd, welcome, length_at(length), MSG_WAITALL) != (ssize_t)length_at(length))
        die("no welcome");
}

static void run(const struct plan *p)
{
    static struct loop l = {.next_id = ID_FIRST};
    make_request(&l);
    greet(&l, p);
    ask(&l, p->outstanding);
    struct rate rate;
    uint64_t done;
    rate_start(&rate, p->pid, p->warmup, p->seconds);
    do {
        done = take(&l);
        ask(&l, done);
    } while (rate_count(&rate, done, clock_ns()));
    (void)close(l.fd);
    (void)printf("{");
    rate_print(&rate);
    (void)printf("}\n");
}

int main(int argc, char **argv)
{
    struct plan p = {.outstanding = 64, .seconds = 2};
    const struct option_row rows[] = {
        {"socket", "of the agent", .text = &p.socket},
        {"pid", "of the agent, for its CPU", .number = &p.pid},
        {"outstanding", "requests at a time", .number = &p.outstanding},
        {"seconds", "how long", .real = &p.seconds},
        {"warmup", "before that", .real = &p.warmup},
    };
    if (options_parse(argc, argv, "door_load: gets at the local door", rows, sizeof rows / sizeof rows[0]) != argc ||
        p.socket == NULL || p.outstanding == 0 || p.outstanding > BUFFER_SIZE / 64)
        die("--socket is needed (see --help)");
    make_node(&p);
    run(&p);
}
