/* paced.c - writes at a fixed rate at one server, and how far behind others are meanwhile.
 *
 * One connection sends setData as the clock says, whatever has been answered (an open loop: a stall shows in every
 * latency that follows). One connection to each observer asks for the node's version, round after round; an observer is
 * behind by as many writes as had been acknowledged when it was asked and were not there. When the last write is
 * acknowledged, the time until all observers have it is measured. One thread. Prints one line of JSON. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/bench/lib/clock.h"
#include "tests/bench/lib/histogram.h"
#include "tests/bench/lib/options.h"
#include "tests/bench/lib/servers.h"
#include "tests/bench/lib/session.h"
#include "tests/bench/lib/wire.h"

#define NODE "/bench-paced"

enum {
    OBSERVERS_MAX = 1024,
    INPUT_SIZE = 1 << 16,
    OUTSTANDING_MAX = 1 << 20,
    ROUND_MS = 20,
    VERSION_AT = WIRE_REPLY_HEADER_SIZE + 32,
    CATCH_UP_S_MAX = 120
};

struct conn {
    int fd;
    uint8_t in[INPUT_SIZE];
    size_t len;
};

struct observer {
    struct conn conn;
    bool asked;
    uint64_t acked_before; /* when it was asked */
    int64_t version, base;
};

struct run {
    struct conn writer;
    uint8_t *frame, *unsent;
    size_t frame_size, unsent_size, unsent_at;
    uint64_t *sent_ns; /* by number of the write */
    uint64_t total, sent, acked;
    double interval_ns;
    uint64_t start_ns;
    struct histogram latency;
    struct observer *observers;
    uint32_t count;
    uint64_t lag_max, lag_sum, looks;
};

/* -- connections ----------------------------------------------------------------------------------------------------
 */

static void receive(struct conn *c)
{
    ssize_t n = recv(c->fd, c->in + c->len, sizeof c->in - c->len, MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN))
        die("a server has closed a connection");
    c->len += n > 0 ? (size_t)n : 0;
}

/* The first whole frame; 0: there is none. */
static size_t frame_in(const struct conn *c)
{
    const size_t size = c->len < 4 ? 0 : 4 + (size_t)wire_get_i32(c->in);
    return size > 0 && size <= c->len ? size : 0;
}

static void forget(struct conn *c, size_t size)
{
    memmove(c->in, c->in + size, c->len - size);
    c->len -= size;
}

/* -- writing --------------------------------------------------------------------------------------------------------
 */

static void send_frame(struct run *r)
{
    while (r->unsent_at < r->unsent_size) {
        ssize_t n = send(r->writer.fd, r->unsent + r->unsent_at, r->unsent_size - r->unsent_at,
                         MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN)
            return;
        if (n < 0)
            die_errno("a write cannot be sent");
        r->unsent_at += (size_t)n;
    }
}

static void write_what_is_due(struct run *r)
{
    const uint64_t now = clock_ns();
    send_frame(r);
    while (r->unsent_at == r->unsent_size && r->sent < r->total &&
           (double)(now - r->start_ns) >= (double)r->sent * r->interval_ns) {
        r->sent_ns[r->sent] = r->start_ns + (uint64_t)((double)r->sent * r->interval_ns);
        r->sent++;
        memcpy(r->unsent, r->frame, r->frame_size);
        (void)wire_put_i32(r->unsent + 4, (int32_t)r->sent);
        r->unsent_size = r->frame_size;
        r->unsent_at = 0;
        send_frame(r);
    }
}

static void take_acks(struct run *r)
{
    receive(&r->writer);
    for (size_t size; (size = frame_in(&r->writer)) > 0; forget(&r->writer, size)) {
        if (wire_get_i32(r->writer.in + 16) != 0)
            die("a write is refused: %d", wire_get_i32(r->writer.in + 16));
        histogram_record(&r->latency, clock_ns() - r->sent_ns[r->acked]);
        r->acked++;
    }
}

/* -- observers ------------------------------------------------------------------------------------------------------
 */

static void ask(struct run *r, struct observer *o)
{
    uint8_t request[WIRE_FRAME_OVERHEAD + sizeof NODE];
    const size_t size = wire_read(request, 1, WIRE_EXISTS, NODE, 0);
    if (o->asked)
        return;
    if (send(o->conn.fd, request, size, MSG_NOSIGNAL) != (ssize_t)size)
        die_errno("an observer cannot be asked");
    o->asked = true;
    o->acked_before = r->acked;
}

static void take_answer(struct run *r, struct observer *o)
{
    receive(&o->conn);
    const size_t size = frame_in(&o->conn);
    if (size == 0)
        return;
    if (size < VERSION_AT + 4 || wire_get_i32(o->conn.in + 16) != 0)
        die("an observer does not have the node");
    o->version = wire_get_i32(o->conn.in + VERSION_AT) - o->base;
    o->asked = false;
    forget(&o->conn, size);
    const uint64_t lag = o->version < (int64_t)o->acked_before ? o->acked_before - (uint64_t)o->version : 0;
    r->lag_max = lag > r->lag_max ? lag : r->lag_max;
    r->lag_sum += lag;
    r->looks++;
}

static bool all_have_it(const struct run *r)
{
    for (uint32_t i = 0; i < r->count; i++)
        if (r->observers[i].version < (int64_t)r->total)
            return false;
    return true;
}

/* -- the run --------------------------------------------------------------------------------------------------------
 */

static void wait_some(struct run *r, struct pollfd *fds, uint64_t next_round)
{
    fds[0] = (struct pollfd){.fd = r->writer.fd, .events = POLLIN};
    for (uint32_t i = 0; i < r->count; i++)
        fds[i + 1] = (struct pollfd){.fd = r->observers[i].conn.fd, .events = POLLIN};
    const uint64_t now = clock_ns();
    const bool idle = r->sent == r->total && now < next_round;
    if (poll(fds, r->count + 1, idle ? (int)((next_round - now) / NS_PER_MS) + 1 : r->sent < r->total ? 0 : 1) < 0)
        die_errno("poll");
    if ((fds[0].revents & POLLIN) != 0)
        take_acks(r);
    for (uint32_t i = 0; i < r->count; i++)
        if ((fds[i + 1].revents & POLLIN) != 0)
            take_answer(r, &r->observers[i]);
}

/* Returns the nanoseconds from the last acknowledgement until every observer has that write. */
static uint64_t run(struct run *r, uint64_t *acked_ns)
{
    struct pollfd *fds = need_memory(r->count + 1, sizeof *fds);
    uint64_t next_round = 0;
    *acked_ns = 0;
    r->start_ns = clock_ns();
    const uint64_t limit = r->start_ns + (uint64_t)((double)r->total * r->interval_ns) +
                           CATCH_UP_S_MAX * (uint64_t)NS_PER_S;
    while (r->acked < r->total || !all_have_it(r)) {
        write_what_is_due(r);
        if (clock_ns() >= next_round) {
            for (uint32_t i = 0; i < r->count; i++)
                ask(r, &r->observers[i]);
            next_round = clock_ns() + (r->acked < r->total ? ROUND_MS : 1) * (uint64_t)NS_PER_MS;
        }
        wait_some(r, fds, next_round);
        if (*acked_ns == 0 && r->acked == r->total) {
            *acked_ns = clock_ns();
            next_round = 0;
        }
        if (clock_ns() > limit)
            die("the observers do not catch up");
    }
    free(fds);
    return clock_ns() - *acked_ns;
}

static void open_writer(struct run *r, const struct sockaddr_in *endpoint, uint64_t size)
{
    uint8_t *data = need_memory(1, size + 1);
    r->writer.fd = session_open(endpoint);
    if (r->writer.fd < 0)
        die("no session at the server");
    session_need_node(r->writer.fd, NODE, data, size);
    r->frame = need_memory(1, WIRE_FRAME_OVERHEAD + sizeof NODE + size);
    r->unsent = need_memory(1, WIRE_FRAME_OVERHEAD + sizeof NODE + size);
    r->frame_size = wire_set(r->frame, 1, NODE, data, size);
    r->sent_ns = need_memory(r->total, sizeof *r->sent_ns);
    free(data);
}

static int64_t look(struct run *r, struct observer *o)
{
    ask(r, o);
    while (o->asked)
        take_answer(r, o);
    return o->version;
}

/* An observer may not have the node yet. */
static void need_the_node(int fd, const char *name)
{
    uint8_t request[WIRE_FRAME_OVERHEAD + sizeof NODE];
    const size_t size = wire_read(request, 1, WIRE_EXISTS, NODE, 0);
    const uint64_t limit = clock_ns() + CATCH_UP_S_MAX * (uint64_t)NS_PER_S;
    while (session_call(fd, request, size) != 0)
        if (clock_ns() > limit)
            die("observer %s does not get the node", name);
}

static void open_observers(struct run *r, const char *ports)
{
    struct observer *first = need_memory(1, sizeof *first);
    first->conn.fd = r->writer.fd;
    const int64_t base = look(r, first);
    r->observers = need_memory(OBSERVERS_MAX, sizeof *r->observers);
    for (const char *at = ports; at != NULL && *at != '\0'; at = strchr(at, ',') == NULL ? NULL : strchr(at, ',') + 1) {
        char text[32];
        (void)snprintf(text, sizeof text, "%.*s", (int)strcspn(at, ","), at);
        const struct sockaddr_in endpoint = endpoint_parse(text);
        struct observer *o = &r->observers[r->count++];
        o->conn.fd = session_open(&endpoint);
        if (o->conn.fd < 0 || r->count == OBSERVERS_MAX)
            die("no session at observer %s", text);
        need_the_node(o->conn.fd, text);
        o->base = base;
    }
    free(first);
    r->lag_max = r->lag_sum = r->looks = 0;
}

int main(int argc, char **argv)
{
    const char *server = NULL, *observers = "", *pid = NULL;
    uint64_t rate = 5000, size = 100;
    double seconds = 10;
    const struct option_row rows[] = {
        {"server", "host:port that is written to", .text = &server},
        {"observers", "ports, with commas between", .text = &observers},
        {"rate", "writes a second", .number = &rate},
        {"seconds", "how long", .real = &seconds},
        {"size", "bytes of data", .number = &size},
        {"pid", "of that server, for its CPU time", .text = &pid},
    };
    if (options_parse(argc, argv, "paced: writes at a fixed rate", rows, sizeof rows / sizeof rows[0]) != argc ||
        server == NULL || rate == 0 || seconds <= 0 || size > 1000000)
        die("--server is needed, numbers must be in range (see --help)");
    static struct run r;
    raise_descriptor_limit();
    const struct servers servers = servers_parse(server, pid);
    r.total = (uint64_t)(seconds * (double)rate);
    r.interval_ns = (double)NS_PER_S / (double)rate;
    open_writer(&r, servers_endpoint(&servers, 0), size);
    open_observers(&r, observers);
    const uint64_t cpu = servers_cpu_ns(&servers);
    uint64_t acked_ns;
    const uint64_t behind_ns = run(&r, &acked_ns);
    (void)printf("{\"writes\":%" PRIu64 ",\"writes_per_s\":%.0f,\"observers\":%u,", r.total,
                 (double)r.total * NS_PER_S / (double)(acked_ns - r.start_ns), r.count);
    histogram_print_us(&r.latency);
    (void)printf(",\"behind_writes_max\":%" PRIu64 ",\"behind_writes_mean\":%.1f,\"caught_up_ms\":%.1f,", r.lag_max,
                 r.looks == 0 ? 0 : (double)r.lag_sum / (double)r.looks, (double)behind_ns / NS_PER_MS);
    (void)printf("\"server_cpu_us_per_op\":%.3f}\n",
                 (double)(servers_cpu_ns(&servers) - cpu) / NS_PER_US / (double)r.total);
    return 0;
}
