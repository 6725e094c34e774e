/* echo.c - the yardstick: how fast one round trip can be on this machine.
 *
 * A server that does nothing but read a request of a known size and write a reply of a known size, on one epoll loop.
 * What an agent loses against it is its own work; waking of idle CPUs, the kernel's TCP and the client weigh on both
 * alike.
 *
 *   --mode reply    answers at once (yardstick of a get)
 *   --mode logged   hands --record bytes to a log thread, which writes them behind the last ones into a file of written
 * zeros and calls fdatasync, and answers when that is done (yardstick of a set)
 *   --mode inline   the same write and fdatasync on the loop itself: what is left when nothing is handed over
 *   --mode relay    passes the request on to the server at --next and its reply back, one request at a time: before a
 * logged one it has the way of a write through a leader to a follower's disk and back, two have that of a write at a
 * follower
 *
 * With --socket it listens on a Unix socket (yardstick of the local door; the client is `door --op echo`).
 *
 * The client is `load --op echo`: requests are frames whose second word is an xid, and the reply repeats it. The server
 * prints its port on a line of its own and serves until its standard input ends. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/bench/lib/clock.h"
#include "tests/bench/lib/options.h"
#include "tests/bench/lib/session.h"
#include "tests/bench/lib/wire.h"
#include "tests/bench/lib/zero_log.h"

enum { BUFFER_SIZE = 64 * 1024, EVENTS_MAX = 16 };
enum mode { MODE_REPLY, MODE_LOGGED, MODE_INLINE, MODE_RELAY };

struct peer {
    int fd;
    size_t size;
    uint8_t in[BUFFER_SIZE];
    struct peer *next_waiting; /* for the log */
    int32_t xid;               /* of the request that waits */
};

struct echo_log {
    struct zero_log file;
    int done; /* eventfd: some of `synced` are to be answered */
    pthread_mutex_t lock;
    pthread_cond_t wanted;
    struct peer *waiting, *synced;
};

struct server {
    enum mode mode;
    int epoll, listener;
    size_t request_size, reply_size;
    uint8_t *replies; /* those of one read, sent together */
    size_t replies_size;
    struct echo_log log;
    int next;           /* where a relay asks */
    struct peer *asked; /* what for; NULL: nothing */
    bool is_unix;
};

/* Tags of the descriptors that are no peers. */
static char tag_listener, tag_done, tag_next, tag_stdin;

static void *log_main(void *argument)
{
    struct echo_log *log = argument;
    const uint64_t one = 1;
    for (;;) {
        (void)pthread_mutex_lock(&log->lock);
        while (log->waiting == NULL)
            (void)pthread_cond_wait(&log->wanted, &log->lock);
        struct peer *batch = log->waiting;
        log->waiting = NULL;
        (void)pthread_mutex_unlock(&log->lock);
        zero_log_write(&log->file, 1);
        (void)pthread_mutex_lock(&log->lock);
        while (batch != NULL) {
            struct peer *next = batch->next_waiting;
            batch->next_waiting = log->synced;
            log->synced = batch;
            batch = next;
        }
        (void)pthread_mutex_unlock(&log->lock);
        if (write(log->done, &one, sizeof one) != sizeof one)
            die_errno("eventfd");
    }
    return NULL;
}

static void watch(const struct server *s, int fd, void *tag)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = tag};
    if (epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &event) != 0)
        die_errno("epoll_ctl");
}

static void log_thread_start(struct server *s)
{
    struct echo_log *log = &s->log;
    pthread_t thread;
    log->done = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (log->done < 0 || pthread_mutex_init(&log->lock, NULL) != 0 || pthread_cond_init(&log->wanted, NULL) != 0 ||
        pthread_create(&thread, NULL, log_main, log) != 0 || pthread_detach(thread) != 0)
        die_errno("the log thread cannot be started");
    watch(s, log->done, &tag_done);
}

static void put_reply(struct server *s, int32_t xid)
{
    uint8_t *reply = s->replies + s->replies_size;
    (void)wire_put_i32(wire_put_i32(reply, (int32_t)s->reply_size - 4), xid);
    s->replies_size += s->reply_size;
}

static void send_replies(struct server *s, const struct peer *peer)
{
    /* A yardstick has no slow readers: the socket blocks. */
    if (send(peer->fd, s->replies, s->replies_size, MSG_NOSIGNAL) != (ssize_t)s->replies_size)
        die_errno("replies cannot be sent");
    s->replies_size = 0;
}

static void hand_to_log(struct echo_log *log, struct peer *peer)
{
    (void)pthread_mutex_lock(&log->lock);
    peer->next_waiting = log->waiting;
    log->waiting = peer;
    (void)pthread_cond_signal(&log->wanted);
    (void)pthread_mutex_unlock(&log->lock);
}

static void answer_synced(struct server *s)
{
    uint64_t count;
    if (read(s->log.done, &count, sizeof count) != sizeof count)
        return;
    (void)pthread_mutex_lock(&s->log.lock);
    struct peer *batch = s->log.synced;
    s->log.synced = NULL;
    (void)pthread_mutex_unlock(&s->log.lock);
    while (batch != NULL) {
        struct peer *next = batch->next_waiting;
        put_reply(s, batch->xid);
        send_replies(s, batch);
        batch = next;
    }
}

static void ask_next(struct server *s, struct peer *peer, const uint8_t *request)
{
    if (s->asked != NULL)
        die("a relay takes one request at a time");
    s->asked = peer;
    if (send(s->next, request, s->request_size, MSG_NOSIGNAL) != (ssize_t)s->request_size)
        die_errno("the next server cannot be asked");
}

static void answer_relayed(struct server *s)
{
    uint8_t reply[BUFFER_SIZE];
    if (recv(s->next, reply, s->reply_size, MSG_WAITALL) != (ssize_t)s->reply_size)
        die_errno("the next server does not answer");
    put_reply(s, wire_get_i32(reply + 4));
    send_replies(s, s->asked);
    s->asked = NULL;
}

static void serve_request(struct server *s, struct peer *peer, const uint8_t *request)
{
    int32_t xid = wire_get_i32(request + 4);
    if (s->mode == MODE_RELAY) {
        ask_next(s, peer, request);
        return;
    }
    if (s->mode == MODE_LOGGED) {
        peer->xid = xid;
        hand_to_log(&s->log, peer);
        return;
    }
    if (s->mode == MODE_INLINE)
        zero_log_write(&s->log.file, 1);
    put_reply(s, xid);
}

static void serve_peer(struct server *s, struct peer *peer)
{
    ssize_t n = recv(peer->fd, peer->in + peer->size, sizeof peer->in - peer->size, 0);
    if (n <= 0) {
        (void)close(peer->fd);
        free(peer);
        return;
    }
    peer->size += (size_t)n;
    size_t at = 0;
    for (; peer->size - at >= s->request_size; at += s->request_size)
        serve_request(s, peer, peer->in + at);
    memmove(peer->in, peer->in + at, peer->size - at);
    peer->size -= at;
    if (s->replies_size > 0)
        send_replies(s, peer);
}

static void accept_peer(struct server *s)
{
    static const int on = 1;
    struct peer *peer = need_memory(1, sizeof *peer);
    peer->fd = accept(s->listener, NULL, NULL);
    if (peer->fd < 0 || (!s->is_unix && setsockopt(peer->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0))
        die_errno("accept");
    watch(s, peer->fd, peer);
}

static void listen_somewhere(struct server *s)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s->listener < 0 || bind(s->listener, (struct sockaddr *)&address, size) != 0 ||
        listen(s->listener, SOMAXCONN) != 0 || getsockname(s->listener, (struct sockaddr *)&address, &size) != 0)
        die_errno("no port to listen on");
    watch(s, s->listener, &tag_listener);
    (void)printf("%u\n", ntohs(address.sin_port));
    (void)fflush(stdout);
}

static void listen_at(struct server *s, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    s->is_unix = true;
    s->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s->listener < 0 || bind(s->listener, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(s->listener, SOMAXCONN) != 0)
        die_errno("%s", path);
    watch(s, s->listener, &tag_listener);
    (void)printf("0\n");
    (void)fflush(stdout);
}

static void connect_next(struct server *s, const char *port)
{
    struct sockaddr_in endpoint = endpoint_parse(port);
    s->next = endpoint_connect(&endpoint);
    if (s->next < 0)
        die_errno("no connection to %s", port);
    watch(s, s->next, &tag_next);
}

/* False when standard input has ended. */
static bool serve_event(struct server *s, void *tag)
{
    char byte;
    if (tag == &tag_stdin)
        return read(STDIN_FILENO, &byte, 1) > 0;
    if (tag == &tag_listener)
        accept_peer(s);
    else if (tag == &tag_done)
        answer_synced(s);
    else if (tag == &tag_next)
        answer_relayed(s);
    else
        serve_peer(s, tag);
    return true;
}

static void serve(struct server *s)
{
    struct epoll_event events[EVENTS_MAX];
    for (;;) {
        int count = epoll_wait(s->epoll, events, EVENTS_MAX, -1);
        if (count < 0 && errno != EINTR)
            die_errno("epoll_wait");
        for (int i = 0; i < count; i++) {
            if (!serve_event(s, events[i].data.ptr))
                return;
        }
    }
}

static enum mode parse_mode(const char *word)
{
    static const char *const words[] = {
        [MODE_REPLY] = "reply", [MODE_LOGGED] = "logged", [MODE_INLINE] = "inline", [MODE_RELAY] = "relay"};
    for (uint32_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(words[i], word) == 0)
            return (enum mode)i;
    }
    die("unknown mode %s", word);
}

int main(int argc, char **argv)
{
    uint64_t request = 32, reply = 192, record = 190;
    const char *mode = "reply", *file = NULL, *next = NULL, *path = NULL;
    const struct option_row rows[] = {
        {"mode", "reply, logged, inline or relay", .text = &mode},
        {"socket", "path of a Unix socket to listen on", .text = &path},
        {"next", "port that a relay asks", .text = &next},
        {"request", "bytes of a request", .number = &request},
        {"reply", "bytes of a reply", .number = &reply},
        {"record", "bytes written to the log for each request", .number = &record},
        {"file", "the log; on the disk that is to be measured", .text = &file},
    };
    if (options_parse(argc, argv, "echo: bare server, the yardstick", rows, sizeof rows / sizeof rows[0]) != argc)
        die("no arguments are expected behind the options");
    struct server s = {.mode = parse_mode(mode), .request_size = request, .reply_size = reply};
    bool logs = s.mode == MODE_LOGGED || s.mode == MODE_INLINE;
    if (request < WIRE_REPLY_HEADER_SIZE || reply < WIRE_REPLY_HEADER_SIZE || request > BUFFER_SIZE / 2 ||
        reply > BUFFER_SIZE || record == 0 || record > ZERO_LOG_RECORD_MAX || (logs && file == NULL) ||
        (s.mode == MODE_RELAY) != (next != NULL))
        die("sizes out of range, no --file for a mode that logs, or no --next for one that asks");
    s.replies = need_memory(BUFFER_SIZE / request + 1, reply);
    s.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (s.epoll < 0)
        die_errno("epoll_create1");
    if (logs)
        zero_log_open(&s.log.file, file, record);
    if (s.mode == MODE_LOGGED)
        log_thread_start(&s);
    if (s.mode == MODE_RELAY)
        connect_next(&s, next);
    if (path != NULL)
        listen_at(&s, path);
    else
        listen_somewhere(&s);
    watch(&s, STDIN_FILENO, &tag_stdin);
    serve(&s);
    return 0;
}
