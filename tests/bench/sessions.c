/* sessions.c - sessions opened as fast as possible: how many a second, and what each weighs.
 *
 * Keeps 48 handshakes under way at once, fewer than the 50 that Apache's listen backlog holds, so that no SYN is
 * dropped and waited for; the oldest is awaited, then one more is begun. The sockets are made beforehand: connect, one
 * send and one blocking read are all that is done for each session while the clock runs, from the first connect to the
 * last ConnectResponse. The resident memory of the server is read before and after. Then all sessions are closed.
 * Prints one line of JSON. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/lib/clock.h"
#include "tests/bench/lib/options.h"
#include "tests/bench/lib/servers.h"
#include "tests/bench/lib/session.h"
#include "tests/bench/lib/wire.h"

enum { SESSIONS_MAX = 100000 };

struct opening {
    struct servers servers;
    int *sockets;
    uint32_t count;
};

static void start_one(const struct opening *o, uint32_t index)
{
    uint8_t request[WIRE_CONNECT_REQUEST_SIZE];
    ssize_t size = (ssize_t)wire_connect_request(request, SESSION_TIMEOUT_MS);
    int fd = o->sockets[index];
    const struct sockaddr_in *endpoint = servers_endpoint(&o->servers, index);
    if (connect(fd, (const struct sockaddr *)endpoint, sizeof *endpoint) != 0)
        die_errno("session %u cannot connect", index);
    if (send(fd, request, (size_t)size, MSG_NOSIGNAL) != size)
        die_errno("session %u cannot be asked for", index);
}

static void finish_one(const struct opening *o, uint32_t index)
{
    uint8_t response[WIRE_CONNECT_RESPONSE_SIZE];
    if (recv(o->sockets[index], response, sizeof response, MSG_WAITALL) != sizeof response)
        die("session %u was dropped or not answered", index);
    if (wire_get_i32(response + 8) <= 0) /* the negotiated time-out; 0 is a refusal */
        die("session %u was refused", index);
}

static void open_all(const struct opening *o, uint32_t at_once)
{
    for (uint32_t i = 0; i < o->count && i < at_once; i++)
        start_one(o, i);
    for (uint32_t i = 0; i < o->count; i++) {
        finish_one(o, i);
        if (o->count - i > at_once)
            start_one(o, i + at_once);
    }
}

/* All closeSessions are sent before the first answer is read: the server may commit them together. */
static void close_all(const struct opening *o)
{
    uint8_t frame[WIRE_FRAME_OVERHEAD], reply[SESSION_REPLY_MAX];
    size_t size = wire_bare(frame, 1, WIRE_CLOSE_SESSION);
    for (uint32_t i = 0; i < o->count; i++) {
        if (send(o->sockets[i], frame, size, MSG_NOSIGNAL) != (ssize_t)size)
            die_errno("a session cannot be closed");
    }
    for (uint32_t i = 0; i < o->count; i++) {
        if (recv(o->sockets[i], reply, sizeof reply, 0) < 0)
            die_errno("a session's close is not answered");
        (void)close(o->sockets[i]);
    }
}

int main(int argc, char **argv)
{
    const char *server = NULL, *pid = NULL;
    uint64_t count = 2000, at_once = 48;
    const struct option_row rows[] = {
        {"server", "host:port, or some with commas between: sessions are spread over them", .text = &server},
        {"sessions", "how many", .number = &count},
        {"at-once", "handshakes under way", .number = &at_once},
        {"pid", "server processes, for the sum of their memory and CPU time", .text = &pid},
    };
    if (options_parse(argc, argv, "sessions: opened as fast as possible", rows, sizeof rows / sizeof rows[0]) != argc ||
        server == NULL || count == 0 || count > SESSIONS_MAX || at_once == 0)
        die("--server is needed, numbers must be in range (see --help)");
    raise_descriptor_limit();
    struct opening o = {.servers = servers_parse(server, pid), .count = (uint32_t)count};
    o.sockets = need_memory(count, sizeof *o.sockets);
    for (uint32_t i = 0; i < o.count; i++)
        o.sockets[i] = endpoint_socket();
    struct process_memory before = servers_memory(&o.servers);
    uint64_t cpu = servers_cpu_ns(&o.servers), own_cpu = clock_cpu_ns(0), start = clock_ns();
    open_all(&o, (uint32_t)at_once);
    uint64_t elapsed = clock_ns() - start;
    own_cpu = clock_cpu_ns(0) - own_cpu;
    cpu = servers_cpu_ns(&o.servers) - cpu;
    struct process_memory after = servers_memory(&o.servers);
    close_all(&o);
    (void)printf("{\"sessions\":%" PRIu64 ",\"sessions_per_s\":%.0f,\"rss_bytes_per_session\":%.0f,", count,
                 (double)count * NS_PER_S / (double)elapsed,
                 ((double)after.rss_kb - (double)before.rss_kb) * 1024 / (double)count);
    (void)printf("\"server_cpu_us_per_op\":%.3f,\"client_cpu_us_per_op\":%.3f,",
                 (double)cpu / NS_PER_US / (double)count, (double)own_cpu / NS_PER_US / (double)count);
    process_memory_print("server_", after);
    (void)printf("}\n");
    free(o.sockets);
    return 0;
}
