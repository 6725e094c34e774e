/* loop.c - connections, their outstanding requests, and the phases of a measurement. */
#include "tests/bench/lib/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/lib/clock.h"
#include "tests/bench/lib/session.h"
#include "tests/bench/lib/wire.h"

enum { READ_SIZE = 256 * 1024, EVENTS_MAX = 64, SILENCE_MS = SESSION_SILENCE_S * 1000 };

struct connection {
    int fd;
    uint32_t index;
    uint32_t in_flight;
    int32_t xid_next;     /* of the next request */
    int32_t xid_expected; /* of the next reply */
    bool wants_write;     /* epoll watches for room to write */
    uint8_t *in;          /* unparsed bytes: [0, in_size) */
    size_t in_size;
    uint8_t *out; /* unsent bytes: [out_at, out_size) */
    size_t out_at, out_size;
    uint64_t *sent_ns; /* ring of `outstanding` sending times, slot = xid modulo its size */
};

struct loop {
    const struct loop_plan *plan;
    const struct request_source *source;
    struct loop_result *result;
    struct connection *connections;
    int epoll;
    uint64_t in_flight;
    bool measuring, stopping;
    uint64_t measure_from_ns, measure_until_ns;
};

static volatile sig_atomic_t end_early;

void loop_end_early(void)
{
    end_early = 1;
}

static void connection_open(struct loop *loop, uint32_t index)
{
    const struct loop_plan *plan = loop->plan;
    struct connection *c = &loop->connections[index];
    const struct sockaddr_in *endpoint = servers_endpoint(plan->servers, index);
    c->fd = plan->without_session ? endpoint_connect(endpoint) : session_open(endpoint);
    if (c->fd < 0)
        die_errno("connection %u cannot be opened", index);
    c->index = index;
    c->xid_next = c->xid_expected = 1;
    c->in = need_memory(1, READ_SIZE);
    c->out = need_memory(plan->outstanding, loop->source->frame_max);
    c->sent_ns = need_memory(plan->outstanding, sizeof *c->sent_ns);
    if (loop->epoll < 0)
        return;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    if (fcntl(c->fd, F_SETFL, O_NONBLOCK) != 0 || epoll_ctl(loop->epoll, EPOLL_CTL_ADD, c->fd, &event) != 0)
        die_errno("connection %u cannot be watched", index);
}

static void connection_close(struct loop *loop, struct connection *c)
{
    if (fcntl(c->fd, F_SETFL, 0) != 0)
        die_errno("connection cannot be made blocking");
    if (loop->plan->without_session)
        (void)close(c->fd);
    else
        session_close(c->fd);
    free(c->in);
    free(c->out);
    free(c->sent_ns);
}

static void watch_for_write(struct loop *loop, struct connection *c, bool wanted)
{
    if (c->wants_write == wanted || loop->epoll < 0)
        return;
    struct epoll_event event = {.events = wanted ? EPOLLIN | EPOLLOUT : EPOLLIN, .data.ptr = c};
    if (epoll_ctl(loop->epoll, EPOLL_CTL_MOD, c->fd, &event) != 0)
        die_errno("epoll_ctl");
    c->wants_write = wanted;
}

static void connection_flush(struct loop *loop, struct connection *c)
{
    while (c->out_at < c->out_size) {
        ssize_t n = send(c->fd, c->out + c->out_at, c->out_size - c->out_at, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            break;
        if (n <= 0)
            die_errno("connection %u lost while writing", c->index);
        c->out_at += (size_t)n;
    }
    if (c->out_at == c->out_size)
        c->out_at = c->out_size = 0;
    watch_for_write(loop, c, c->out_at < c->out_size);
}

/* Fills the connection up to its number of outstanding requests and sends them in one write. What an earlier write
 * left behind is moved to the front first: the buffer has room for exactly the outstanding requests. */
static void connection_send(struct loop *loop, struct connection *c)
{
    const uint32_t outstanding = loop->plan->outstanding;
    if (c->out_at > 0) {
        memmove(c->out, c->out + c->out_at, c->out_size - c->out_at);
        c->out_size -= c->out_at;
        c->out_at = 0;
    }
    uint64_t now = clock_ns();
    while (!loop->stopping && c->in_flight < outstanding) {
        size_t size = loop->source->next(loop->source->context, c->index, c->xid_next, c->out + c->out_size);
        if (size == 0)
            break;
        c->out_size += size;
        c->sent_ns[(uint32_t)c->xid_next % outstanding] = now;
        c->xid_next++;
        c->in_flight++;
        loop->in_flight++;
    }
    if (c->out_size > 0)
        connection_flush(loop, c);
}

static void take_reply(struct loop *loop, struct connection *c, const uint8_t *frame, uint64_t now)
{
    int32_t xid = wire_get_i32(frame + 4);
    if (xid == WIRE_XID_EVENT)
        return;
    if (xid != c->xid_expected || c->in_flight == 0)
        die("connection %u: reply %d where %d was due", c->index, (int)xid, (int)c->xid_expected);
    c->xid_expected++;
    c->in_flight--;
    loop->in_flight--;
    struct loop_result *result = loop->result;
    int32_t error = wire_get_i32(frame + 16);
    if (error == 0 && (size_t)wire_get_i32(frame) + 4 < loop->source->reply_min)
        die("connection %u: a reply of %d bytes is too short", c->index, (int)wire_get_i32(frame) + 4);
    if (error != 0) {
        result->errors++;
        if (result->first_error == 0)
            result->first_error = error;
    }
    if (!loop->measuring)
        return;
    result->ops++;
    histogram_record(&result->latency, now - c->sent_ns[(uint32_t)xid % loop->plan->outstanding]);
}

static void connection_receive(struct loop *loop, struct connection *c)
{
    ssize_t n = recv(c->fd, c->in + c->in_size, READ_SIZE - c->in_size, 0);
    if (n < 0 && errno == EINTR)
        return;
    if (n == 0)
        die("connection %u closed by the server", c->index);
    if (n < 0)
        die_errno("connection %u lost or silent", c->index);
    c->in_size += (size_t)n;
    uint64_t now = clock_ns();
    size_t at = 0;
    while (c->in_size - at >= WIRE_REPLY_HEADER_SIZE) {
        int32_t length = wire_get_i32(c->in + at);
        if (length < WIRE_REPLY_HEADER_SIZE - 4 || length > READ_SIZE - 4)
            die("connection %u: a reply of %d bytes", c->index, (int)length);
        size_t size = (size_t)length + 4;
        if (c->in_size - at < size)
            break;
        take_reply(loop, c, c->in + at, now);
        at += size;
    }
    if (at > 0 && at < c->in_size)
        memmove(c->in, c->in + at, c->in_size - at);
    c->in_size -= at;
    connection_send(loop, c);
}

static uint64_t thread_cpu_ns(void)
{
    struct timespec now;
    if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) != 0)
        die_errno("clock_gettime");
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

static void measure_begin(struct loop *loop, uint64_t now)
{
    loop->measuring = true;
    loop->measure_from_ns = now;
    loop->result->server_cpu_ns = servers_cpu_ns(loop->plan->servers);
    loop->result->client_cpu_ns = thread_cpu_ns();
}

static void measure_end(struct loop *loop, uint64_t now)
{
    struct loop_result *result = loop->result;
    loop->measuring = false;
    loop->stopping = true;
    result->elapsed_ns = now - loop->measure_from_ns;
    result->client_cpu_ns = thread_cpu_ns() - result->client_cpu_ns;
    result->server_cpu_ns = servers_cpu_ns(loop->plan->servers) - result->server_cpu_ns;
}

static void advance_phase(struct loop *loop)
{
    uint64_t now = clock_ns();
    bool timed = loop->plan->measure_ns != 0;
    if (end_early)
        loop->measure_until_ns = now;
    if (!loop->measuring && !loop->stopping && timed && now >= loop->measure_from_ns)
        measure_begin(loop, now);
    if (loop->measuring && (timed ? now >= loop->measure_until_ns : loop->in_flight == 0))
        measure_end(loop, now);
}

static void wait_and_serve(struct loop *loop)
{
    struct epoll_event events[EVENTS_MAX];
    if (loop->epoll < 0) {
        connection_receive(loop, &loop->connections[0]);
        return;
    }
    int count = epoll_wait(loop->epoll, events, EVENTS_MAX, SILENCE_MS);
    if (count < 0 && errno != EINTR)
        die_errno("epoll_wait");
    if (count == 0)
        die("no reply for %d s", SESSION_SILENCE_S);
    for (int i = 0; i < count; i++) {
        struct connection *c = events[i].data.ptr;
        if ((events[i].events & EPOLLOUT) != 0)
            connection_flush(loop, c);
        if ((events[i].events & ~(uint32_t)EPOLLOUT) != 0)
            connection_receive(loop, c);
    }
}

static void run_phases(struct loop *loop)
{
    const struct loop_plan *plan = loop->plan;
    uint64_t start = clock_ns();
    loop->measure_from_ns = start + plan->warmup_ns;
    loop->measure_until_ns = loop->measure_from_ns + plan->measure_ns;
    if (plan->measure_ns == 0)
        measure_begin(loop, start);
    for (uint32_t i = 0; i < plan->connections; i++)
        connection_send(loop, &loop->connections[i]);
    while (loop->in_flight > 0) {
        wait_and_serve(loop);
        advance_phase(loop);
    }
    if (loop->measuring)
        measure_end(loop, clock_ns());
}

void loop_run(const struct loop_plan *plan, const struct request_source *source, struct loop_result *result)
{
    if (plan->connections == 0 || plan->outstanding == 0)
        die("a loop needs connections and requests");
    memset(result, 0, sizeof *result);
    struct loop loop = {.plan = plan, .source = source, .result = result, .epoll = -1};
    loop.connections = need_memory(plan->connections, sizeof *loop.connections);
    if (plan->connections > 1 || plan->outstanding > 1) {
        loop.epoll = epoll_create1(EPOLL_CLOEXEC);
        if (loop.epoll < 0)
            die_errno("epoll_create1");
    }
    for (uint32_t i = 0; i < plan->connections; i++)
        connection_open(&loop, i);
    run_phases(&loop);
    for (uint32_t i = 0; i < plan->connections; i++)
        connection_close(&loop, &loop.connections[i]);
    free(loop.connections);
    if (loop.epoll >= 0)
        (void)close(loop.epoll);
}

void loop_result_print(const struct loop_result *result)
{
    double seconds = (double)result->elapsed_ns / NS_PER_S;
    double ops = result->ops > 0 ? (double)result->ops : 1;
    (void)printf("\"ops\":%" PRIu64 ",\"ops_per_s\":%.0f,\"errors\":%" PRIu64 ",\"first_error\":%d,\"seconds\":%.3f,",
                 result->ops, seconds > 0 ? (double)result->ops / seconds : 0, result->errors, (int)result->first_error,
                 seconds);
    histogram_print_us(&result->latency);
    (void)printf(",\"server_cpu_us_per_op\":%.3f,\"client_cpu_us_per_op\":%.3f",
                 (double)result->server_cpu_ns / NS_PER_US / ops, (double)result->client_cpu_ns / NS_PER_US / ops);
}
