/* quorum.c - the yardstick for sessions of an ensemble: three bare servers that agree on each session, and do nothing
 * else.
 *
 * What ZAB cannot do without: a session asked for at a follower goes to the leader; the leader sends it to both
 * followers and writes it to its log; a follower writes it, too, and says so; what two of the three have is committed,
 * and whoever was asked grants it. All that came in one turn of the loop is one message each way, one write and one
 * fdatasync. There is no table of sessions, no tree, no election, and no time-out.
 *
 *   quorum --file LOG                         the leader; prints its port, and the port for followers
 *   quorum --file LOG --leader PORT --id N    a follower, 1 or 2; prints its port
 *
 * A server serves until its standard input ends. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/lib/bare.h"
#include "tests/bench/lib/clock.h"
#include "tests/bench/lib/options.h"
#include "tests/bench/lib/session.h"
#include "tests/bench/lib/zero_log.h"

enum {
    FOLLOWERS = 2,
    RECORD_SIZE = 100,       /* about what a session takes in ZooKeeper's log */
    REQUEST_MAX = 4096,      /* of a client */
    UNDER_WAY_MAX = 1 << 16, /* sessions */
    EVENTS_MAX = 256,
};

enum message_kind { ASK, PROPOSE, ACKNOWLEDGE, COMMIT };

/* As large as ZAB's with a session in it. */
struct message {
    enum message_kind kind;
    int32_t asked_by; /* of which server */
    int32_t client;   /* its descriptor there */
    int64_t number;   /* of the session; of ACKNOWLEDGE and COMMIT the last one */
    uint8_t rest[40];
};

/* The connection to another server. */
struct link {
    int fd;      /* -1: none yet */
    int64_t has; /* of a follower: the last session in its log */
    size_t in_size, out_count;
    uint8_t in[UNDER_WAY_MAX];
    struct message out[UNDER_WAY_MAX];
};

struct server {
    int epoll, listener, link_listener, id; /* 0: the leader */
    struct zero_log log;
    bool *greeted; /* by descriptor */
    struct link *links;
    int link_count;
    struct message *sessions; /* by number */
    int64_t proposed, logged, committed, granted;
};

/* -- between servers ----------------------------------------------------------------------------------------------- */

static void put(struct link *link, const struct message *m)
{
    if (link->out_count == UNDER_WAY_MAX)
        die("too many sessions are under way");
    link->out[link->out_count++] = *m;
}

static void put_to_all(struct server *s, const struct message *m)
{
    for (int i = 0; i < s->link_count; i++)
        put(&s->links[i], m);
}

static void flush(struct server *s)
{
    for (int i = 0; i < s->link_count; i++) {
        struct link *link = &s->links[i];
        if (link->out_count > 0)
            bare_send(link->fd, link->out, link->out_count * sizeof link->out[0]);
        link->out_count = 0;
    }
}

static void note(struct server *s, const struct message *m)
{
    s->proposed = m->number;
    s->sessions[m->number % UNDER_WAY_MAX] = *m;
}

static void propose(struct server *s, int32_t asked_by, int32_t client)
{
    const struct message m = {.kind = PROPOSE, .asked_by = asked_by, .client = client, .number = s->proposed + 1};
    note(s, &m);
    put_to_all(s, &m);
}

static void take_message(struct server *s, struct link *link, const struct message *m)
{
    switch (m->kind) {
    case ASK: propose(s, m->asked_by, m->client); break;
    case PROPOSE: note(s, m); break;
    case ACKNOWLEDGE: link->has = m->number; break;
    case COMMIT: s->committed = m->number; break;
    }
}

/* The end of another server is that of this one. */
static void serve_link(struct server *s, struct link *link)
{
    ssize_t n = recv(link->fd, link->in + link->in_size, sizeof link->in - link->in_size, 0);
    if (n <= 0)
        exit(0);
    link->in_size += (size_t)n;
    size_t at = 0;
    for (struct message m; link->in_size - at >= sizeof m; at += sizeof m) {
        memcpy(&m, link->in + at, sizeof m);
        take_message(s, link, &m);
    }
    link->in_size -= at;
    memmove(link->in, link->in + at, link->in_size);
}

/* -- the end of a turn --------------------------------------------------------------------------------------------- */

static void write_log(struct server *s)
{
    if (s->logged == s->proposed)
        return;
    zero_log_write(&s->log, (uint64_t)(s->proposed - s->logged));
    s->logged = s->proposed;
    if (s->id != 0)
        put_to_all(s, &(struct message){.kind = ACKNOWLEDGE, .number = s->logged});
}

/* What two of the three have: the middle one of three numbers. */
static int64_t agreed(const struct server *s)
{
    int64_t a = s->logged, b = s->links[0].has, c = s->links[1].has;
    int64_t low = a < b ? a : b, high = a < b ? b : a;
    return c < low ? low : c > high ? high : c;
}

static void commit(struct server *s)
{
    if (s->id != 0 || s->link_count < FOLLOWERS || agreed(s) == s->committed)
        return;
    s->committed = agreed(s);
    put_to_all(s, &(struct message){.kind = COMMIT, .number = s->committed});
}

static void grant(struct server *s)
{
    while (s->granted < s->committed && s->granted < s->proposed) {
        const struct message *m = &s->sessions[++s->granted % UNDER_WAY_MAX];
        if (m->asked_by == s->id)
            bare_grant(m->client);
    }
}

/* Proposals and questions go before the log is written, what follows from it behind it. */
static void end_turn(struct server *s)
{
    flush(s);
    write_log(s);
    commit(s);
    flush(s);
    grant(s);
}

/* -- clients ------------------------------------------------------------------------------------------------------- */

/* All that is asked of one who has his session is its end. */
static void serve_client(struct server *s, int fd)
{
    uint8_t in[REQUEST_MAX], reply[WIRE_REPLY_HEADER_SIZE] = {0};
    ssize_t n = recv(fd, in, sizeof in, 0);
    if (n < WIRE_REPLY_HEADER_SIZE - 8) {
        s->greeted[fd] = false;
        (void)close(fd);
    } else if (s->greeted[fd]) {
        (void)wire_put_i32(wire_put_i32(reply, (int32_t)sizeof reply - 4), wire_get_i32(in + 4));
        bare_send(fd, reply, sizeof reply);
    } else {
        s->greeted[fd] = true;
        if (s->id == 0)
            propose(s, s->id, fd);
        else
            put(&s->links[0], &(struct message){.kind = ASK, .asked_by = s->id, .client = fd});
    }
}

/* -- life ---------------------------------------------------------------------------------------------------------- */

static void add_link(struct server *s, int fd)
{
    if (s->link_count == FOLLOWERS)
        die("one follower too many");
    s->links[s->link_count++].fd = fd;
    bare_watch(s->epoll, fd);
}

static struct link *find_link(const struct server *s, int fd)
{
    for (int i = 0; i < s->link_count; i++)
        if (s->links[i].fd == fd)
            return &s->links[i];
    return NULL;
}

/* False when standard input has ended. */
static bool serve_event(struct server *s, int fd)
{
    char byte;
    struct link *link = find_link(s, fd);
    if (fd == STDIN_FILENO)
        return read(STDIN_FILENO, &byte, 1) > 0;
    if (fd == s->listener)
        bare_accept_all(s->epoll, s->listener);
    else if (fd == s->link_listener)
        add_link(s, bare_accept(fd));
    else if (link != NULL)
        serve_link(s, link);
    else
        serve_client(s, fd);
    return true;
}

static void serve(struct server *s)
{
    struct epoll_event events[EVENTS_MAX];
    for (;;) {
        int count = epoll_wait(s->epoll, events, EVENTS_MAX, -1);
        if (count < 0 && errno != EINTR)
            die_errno("epoll_wait");
        for (int i = 0; i < count; i++)
            if (!serve_event(s, events[i].data.fd))
                return;
        end_turn(s);
    }
}

static void open_ports(struct server *s, const char *leader)
{
    uint16_t port, link_port = 0;
    s->listener = bare_listen(&port);
    bare_watch(s->epoll, s->listener);
    s->link_listener = leader == NULL ? bare_listen(&link_port) : -1;
    if (leader == NULL) {
        bare_watch(s->epoll, s->link_listener);
    } else {
        struct sockaddr_in endpoint = endpoint_parse(leader);
        int fd = endpoint_connect(&endpoint);
        if (fd < 0)
            die_errno("no connection to %s", leader);
        add_link(s, fd);
    }
    (void)printf("%u %u\n", port, link_port);
    (void)fflush(stdout);
}

int main(int argc, char **argv)
{
    const char *file = NULL, *leader = NULL;
    uint64_t id = 0;
    const struct option_row rows[] = {
        {"file", "the log; on the disk that is to be measured", .text = &file},
        {"leader", "port for followers of the leader", .text = &leader},
        {"id", "of a follower: 1 or 2", .number = &id},
    };
    if (options_parse(argc, argv, "quorum: bare servers that agree", rows, sizeof rows / sizeof rows[0]) != argc ||
        file == NULL || id > FOLLOWERS || (id == 0) != (leader == NULL))
        die("--file is needed, and of a follower --leader and --id");
    raise_descriptor_limit();
    struct server s = {.epoll = epoll_create1(EPOLL_CLOEXEC), .id = (int)id};
    if (s.epoll < 0)
        die_errno("epoll_create1");
    s.greeted = need_memory(BARE_CONNECTIONS_MAX, sizeof *s.greeted);
    s.links = need_memory(FOLLOWERS, sizeof *s.links);
    s.sessions = need_memory(UNDER_WAY_MAX, sizeof *s.sessions);
    zero_log_open(&s.log, file, RECORD_SIZE);
    open_ports(&s, leader);
    bare_watch(s.epoll, STDIN_FILENO);
    serve(&s);
    return 0;
}
