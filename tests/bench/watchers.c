/* watchers.c - one write, many watchers: how long until the last of them has its event.
 *
 * Every round each watcher reads the node with a watch, and when all have their data one further session writes the
 * node. The time runs from the sending of that write to the reading of the last event. One thread reads all the
 * sockets with one blocking call each: whatever the order in which events come, the last of these calls returns when
 * the last event is there, and nothing cheaper than one call for each event exists. They are read in groups, the last
 * of a group first: behind a server that writes in order the reader is woken once for a group, and not for each event
 * that it comes too early for. Prints one line of JSON. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/lib/clock.h"
#include "tests/bench/lib/histogram.h"
#include "tests/bench/lib/options.h"
#include "tests/bench/lib/session.h"
#include "tests/bench/lib/wire.h"

enum { DATA_SIZE = 100, BUFFER_SIZE = 1024, WATCHERS_MAX = 100000, WATCH_XID = 1, GROUP_SIZE = 100 };

static const char watched[] = "/bench-watched";

struct watcher {
    int fd;
    size_t size;
    uint8_t in[BUFFER_SIZE];
};

struct crowd {
    uint32_t count;
    struct watcher *watchers;
};

static void crowd_open(struct crowd *crowd, const struct sockaddr_in *endpoint, uint32_t count)
{
    crowd->count = count;
    crowd->watchers = need_memory(count, sizeof *crowd->watchers);
    for (uint32_t i = 0; i < count; i++) {
        crowd->watchers[i].fd = session_open(endpoint);
        if (crowd->watchers[i].fd < 0)
            die_errno("watcher %u cannot connect", i);
    }
}

static void crowd_close(struct crowd *crowd)
{
    for (uint32_t i = 0; i < crowd->count; i++)
        session_close(crowd->watchers[i].fd);
    free(crowd->watchers);
}

/* Whether the first frame is there whole; it is taken out. */
static bool takes_frame(struct watcher *w, int32_t *xid, int32_t *error)
{
    if (w->size < WIRE_REPLY_HEADER_SIZE)
        return false;
    size_t size = (size_t)wire_get_i32(w->in) + 4;
    if (size > BUFFER_SIZE)
        die("a frame of %zu bytes", size);
    if (w->size < size)
        return false;
    *xid = wire_get_i32(w->in + 4);
    *error = wire_get_i32(w->in + 16);
    w->size -= size;
    memmove(w->in, w->in + size, w->size);
    return true;
}

/* Blocks until the watcher has one frame with this xid; any other frame is a fault of the server. */
static void watcher_await(struct watcher *w, int32_t due)
{
    int32_t xid = 0, error = 0;
    while (!takes_frame(w, &xid, &error)) {
        ssize_t n = recv(w->fd, w->in + w->size, sizeof w->in - w->size, 0);
        if (n <= 0)
            die("a watcher is lost or was not served");
        w->size += (size_t)n;
    }
    if (xid != due || (due != WIRE_XID_EVENT && error != 0))
        die("a watcher got xid %d, error %d", (int)xid, (int)error);
}

/* Each watcher once: in groups, and of each group the last one first. */
static void crowd_await(struct crowd *crowd, int32_t due)
{
    for (uint32_t first = 0, end; first < crowd->count; first = end) {
        end = crowd->count - first > GROUP_SIZE ? first + GROUP_SIZE : crowd->count;
        for (uint32_t i = end; i > first; i--)
            watcher_await(&crowd->watchers[i - 1], due);
    }
}

static void crowd_watch(struct crowd *crowd)
{
    uint8_t frame[WIRE_FRAME_OVERHEAD];
    size_t size = wire_read(frame, WATCH_XID, WIRE_GET_DATA, watched, 1);
    for (uint32_t i = 0; i < crowd->count; i++) {
        if (send(crowd->watchers[i].fd, frame, size, MSG_NOSIGNAL) != (ssize_t)size)
            die_errno("watcher %u cannot ask", i);
    }
    crowd_await(crowd, WATCH_XID);
}

/* One write; returns the nanoseconds until the last event. */
static uint64_t write_and_wait(struct crowd *crowd, int writer, const uint8_t *frame, size_t size)
{
    uint8_t reply[SESSION_REPLY_MAX];
    uint64_t start = clock_ns();
    if (send(writer, frame, size, MSG_NOSIGNAL) != (ssize_t)size)
        die_errno("the writer cannot write");
    crowd_await(crowd, WIRE_XID_EVENT);
    uint64_t elapsed = clock_ns() - start;
    ssize_t n = recv(writer, reply, sizeof reply, 0);
    if (n < WIRE_REPLY_HEADER_SIZE || wire_get_i32(reply + 16) != 0)
        die("the write failed");
    return elapsed;
}

int main(int argc, char **argv)
{
    const char *server = NULL;
    uint64_t count = 1000, rounds = 20, warmup = 3, pid = 0;
    const struct option_row rows[] = {
        {"server", "host:port", .text = &server},
        {"watchers", "connections that watch", .number = &count},
        {"rounds", "measured writes", .number = &rounds},
        {"warmup", "writes before that", .number = &warmup},
        {"pid", "server process, for its CPU time", .number = &pid},
    };
    if (options_parse(argc, argv, "watchers: one write, many watchers", rows, sizeof rows / sizeof rows[0]) != argc ||
        server == NULL || count == 0 || count > WATCHERS_MAX || rounds == 0)
        die("--server is needed, numbers must be in range (see --help)");
    raise_descriptor_limit();
    struct sockaddr_in endpoint = endpoint_parse(server);
    int writer = session_open(&endpoint);
    if (writer < 0)
        die_errno("the writer cannot connect");
    uint8_t data[DATA_SIZE] = {0}, frame[WIRE_FRAME_OVERHEAD + DATA_SIZE];
    session_need_node(writer, watched, data, sizeof data);
    struct crowd crowd = {0};
    crowd_open(&crowd, &endpoint, (uint32_t)count);
    struct histogram *last = need_memory(1, sizeof *last);
    uint64_t cpu = 0, own = 0;
    for (uint64_t round = 0; round < warmup + rounds; round++) {
        crowd_watch(&crowd);
        uint64_t cpu_before = clock_cpu_ns((int)pid);
        uint64_t own_before = clock_cpu_ns(0);
        uint64_t elapsed = write_and_wait(&crowd, writer, frame, wire_set(frame, 1, watched, data, sizeof data));
        if (round < warmup)
            continue;
        histogram_record(last, elapsed);
        cpu += clock_cpu_ns((int)pid) - cpu_before;
        own += clock_cpu_ns(0) - own_before;
    }
    crowd_close(&crowd);
    session_close(writer);
    (void)printf("{\"watchers\":%" PRIu64 ",\"rounds\":%" PRIu64
                 ",\"server_cpu_us_per_event\":%.3f,\"client_cpu_us_per_event\":%.3f,",
                 count, rounds, pid == 0 ? 0.0 : (double)cpu / NS_PER_US / (double)(rounds * count),
                 (double)own / NS_PER_US / (double)(rounds * count));
    histogram_print_us(last);
    (void)printf("}\n");
    free(last);
    return 0;
}
