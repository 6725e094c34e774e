/* peers_fixture.h - servers of an ensemble on ports of their own in one loop, and what each has heard. */
#pragma once

#include "agent/net/stream.h"
#include "agent/peers/peers.h"
#include "core/base/check.h"
#include "core/zab/notification.h"
#include "tests/support/net.h"
#include "tests/support/test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SERVERS_MAX = 4, SIDS_MAX = 16, LINKS_MAX = 256 };

/* A port that is kept from others without listening on it: whoever sets SO_REUSEADDR may listen there. */
struct reserved_port {
    int fd;
    uint16_t port;
};

static inline uint16_t port_of_socket(int fd)
{
    struct sockaddr_storage own = {0};
    struct sockaddr_in in;
    socklen_t len = sizeof own;
    assert_int_equal(getsockname(fd, (struct sockaddr *)&own, &len), 0);
    memcpy(&in, &own, sizeof in);
    return ntohs(in.sin_port);
}

static inline struct reserved_port port_reserve(void)
{
    const struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int on = 1;
    struct reserved_port r = {.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    assert_true(r.fd >= 0);
    assert_int_equal(bind(r.fd, (const struct sockaddr *)&in, sizeof in), 0);
    assert_int_equal(setsockopt(r.fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), 0);
    r.port = port_of_socket(r.fd);
    return r;
}

struct link_seen {
    uint64_t link;
    bool accepted, connected, closed;
    uint32_t closed_count, writable, shown;
    struct buffer received;
};

struct server {
    struct world *world;
    struct peers *p;
    struct tls *tls; /* NULL: without TLS */
    int64_t sid;
    struct reserved_port election, quorum;
    struct buffer last[SIDS_MAX]; /* the frame that came last from each */
    uint32_t count[SIDS_MAX];     /* frames from each */
    struct link_seen links[LINKS_MAX];
    size_t link_count;
    size_t take_max; /* of what is shown; SIZE_MAX: all */
    uint64_t hold_in_received;
    enum status listening[PEERS_PORT_COUNT];
    uint32_t told[PEERS_PORT_COUNT]; /* how often `listening` came */
    bool answers;                    /* each notification with "again" */
    int stops_in;                    /* that many callbacks, by itself; 0: not */
    bool stopping, stopped;
};

struct world {
    uv_loop_t loop;
    struct streams streams;
    struct metrics *metrics;
    struct log_sink log;
    uint32_t lines;
    struct buffer said; /* all of them */
    struct server servers[SERVERS_MAX];
    size_t count;
    struct members *members;
    const char *host; /* of every server */
};

static inline struct link_seen *link_seen(struct server *s, uint64_t link)
{
    for (size_t i = 0; i < s->link_count; i++)
        if (s->links[i].link == link)
            return &s->links[i];
    assert_true(s->link_count < LINKS_MAX);
    s->links[s->link_count].link = link;
    return &s->links[s->link_count++];
}

static inline void on_stopped(void *context)
{
    struct server *s = context;
    s->stopped = true;
    s->p = NULL;
}

static inline void called_back(struct server *s)
{
    assert_false(s->stopping);
    if (s->stops_in > 0 && --s->stops_in == 0) {
        s->stopping = true;
        peers_stop(s->p, on_stopped, s);
    }
}

static inline void on_listening(void *context, enum peers_port port, enum status status, const char *message)
{
    struct server *s = context;
    assert_true(status == ST_OK || message[0] != '\0');
    s->listening[port] = status;
    s->told[port]++;
    called_back(s);
}

static inline void on_notification(void *context, int64_t sid, struct bytes frame)
{
    struct server *s = context;
    assert_in_range(sid, 0, SIDS_MAX - 1);
    s->last[sid].len = 0;
    assert_int_equal(buffer_append(&s->last[sid], frame.data, frame.len), ST_OK);
    s->count[sid]++;
    if (s->answers && sid != s->sid && s->count[sid] == 1)
        peers_notify(s->p, sid, BYTES("again"));
    called_back(s);
}

static inline void on_accepted(void *context, uint64_t link)
{
    link_seen(context, link)->accepted = true;
    called_back(context);
}

static inline void on_connected(void *context, uint64_t link)
{
    link_seen(context, link)->connected = true;
    called_back(context);
}

static inline size_t on_received(void *context, uint64_t link, struct bytes bytes)
{
    struct server *s = context;
    struct link_seen *seen = link_seen(s, link);
    size_t taken = bytes.len < s->take_max ? bytes.len : s->take_max;
    assert_false(seen->closed);
    seen->shown++;
    assert_int_equal(buffer_append(&seen->received, bytes.data, taken), ST_OK);
    if (s->hold_in_received == link)
        peers_hold(s->p, link);
    called_back(s);
    return taken;
}

static inline void on_writable(void *context, uint64_t link)
{
    link_seen(context, link)->writable++;
    called_back(context);
}

static inline void on_link_closed(void *context, uint64_t link)
{
    struct link_seen *seen = link_seen(context, link);
    seen->closed = true;
    seen->closed_count++;
    called_back(context);
}

static inline void count_line(void *context, enum log_level level, const char *area, const char *text)
{
    struct world *w = context;
    (void)level;
    w->lines++;
    assert_int_equal(buffer_printf(&w->said, "%s\n", text), ST_OK);
    assert_null(strstr(text, uv_strerror(UV_EBADF))); /* which is not what happened to a connection */
    if (getenv("PEERS_LOG") != NULL)
        print_message("%s: %s\n", area, text);
}

static inline struct peers_options default_options(int64_t sid)
{
    return (struct peers_options){.security.takes_plain = true,
                                  .sid = sid,
                                  .connect_ms = 5000,
                                  .hello_ms = 10000,
                                  .newcomers_max = 20,
                                  .strangers_max = 4,
                                  .links_max = 20,
                                  .input_bytes_max = 1 << 20,
                                  .unsent_bytes_max = 1 << 20,
                                  .unsent_mark = 64 * 1024};
}

static inline struct members *members_of(const char *text, unsigned flags)
{
    struct members *m = NULL;
    struct members_error error = {0};
    if (members_parse(bytes_of(text), flags, &m, &error) != ST_OK)
        fail_msg("%s %s", error.key, error.why);
    return m;
}

/* A configuration with the servers `from` to `to`, of the places in the world. */
static inline struct members *world_members(const struct world *w, size_t from, size_t to)
{
    char text[1024];
    size_t at = 0;
    for (size_t i = from; i < to; i++) {
        const struct server *s = &w->servers[i];
        at += (size_t)snprintf(text + at, sizeof text - at, "server.%d=%s:%u:%u:participant\n", (int)s->sid, w->host,
                               (unsigned)s->quorum.port, (unsigned)s->election.port);
    }
    (void)snprintf(text + at, sizeof text - at, "version=0");
    return members_of(text, 0);
}

/* `sids` ends with -1. Nobody is started yet. */
static inline void world_begin(struct world *w, const int *sids)
{
    *w = (struct world){.host = "127.0.0.1"};
    assert_int_equal(uv_loop_init(&w->loop), 0);
    streams_init(&w->streams, &w->loop);
    w->metrics = metrics_new(KEYED_MAX);
    assert_non_null(w->metrics);
    w->log = (struct log_sink){LOG_LEVEL_TRACE, count_line, w};
    for (; sids[w->count] >= 0; w->count++)
        w->servers[w->count] = (struct server){.world = w,
                                               .sid = sids[w->count],
                                               .election = port_reserve(),
                                               .quorum = port_reserve(),
                                               .take_max = SIZE_MAX};
    w->members = world_members(w, 0, w->count);
}

static inline enum status server_try_new(struct server *s, struct peers_options options)
{
    struct world *w = s->world;
    const struct peers_parts parts = {
        &w->loop,
        &w->streams,
        w->metrics,
        &w->log,
        s->tls,
        {s, on_listening, on_notification, on_accepted, on_connected, on_received, on_writable, on_link_closed}};
    const struct member_address own = {bytes_of(w->host), s->quorum.port, s->election.port};
    options.own = &own;
    options.own_count = 1;
    s->stopping = s->stopped = false;
    return peers_new(&s->p, &parts, &options, w->members, NULL);
}

static inline void server_new(struct server *s, struct peers_options options)
{
    assert_int_equal(server_try_new(s, options), ST_OK);
}

static inline bool is_open(void *context)
{
    const struct server *s = context;
    return peers_is_listening(s->p, PEERS_ELECTION);
}

static inline bool is_leading(void *context)
{
    const struct server *s = context;
    return peers_is_listening(s->p, PEERS_QUORUM);
}

static inline void server_start(struct server *s)
{
    server_new(s, default_options(s->sid));
    peers_open(s->p);
    assert_true(net_run_until(&s->world->loop, is_open, s));
}

static inline void server_lead(struct server *s)
{
    peers_listen(s->p);
    assert_true(net_run_until(&s->world->loop, is_leading, s));
}

static inline bool has_stopped(void *context)
{
    return ((struct server *)context)->stopped;
}

static inline void server_stop(struct server *s)
{
    if (s->p == NULL)
        return;
    if (!s->stopping)
        peers_stop(s->p, on_stopped, s);
    s->stopping = true;
    assert_true(net_run_until(&s->world->loop, has_stopped, s));
}

static inline void world_end(struct world *w)
{
    for (size_t i = 0; i < w->count; i++) {
        struct server *s = &w->servers[i];
        server_stop(s);
        for (size_t k = 0; k < SIDS_MAX; k++)
            buffer_free(&s->last[k]);
        for (size_t k = 0; k < s->link_count; k++)
            buffer_free(&s->links[k].received);
        close(s->election.fd);
        close(s->quorum.fd);
    }
    streams_close(&w->streams, NULL, NULL);
    assert_true(net_finish(&w->loop));
    members_free(w->members);
    metrics_free(w->metrics);
    buffer_free(&w->said);
}

/* Whether a line of the log has the text in it. */
static inline bool was_said(const struct world *w, const char *text)
{
    return memmem(w->said.data, w->said.len, text, strlen(text)) != NULL;
}

struct line_expected {
    const struct world *world;
    const char *text;
};

static inline bool is_said(void *context)
{
    const struct line_expected *e = context;
    return was_said(e->world, e->text);
}

static inline void wait_said(struct world *w, const char *text)
{
    struct line_expected e = {w, text};
    if (!net_run_until(&w->loop, is_said, &e))
        fail_msg("\"%s\" was not said, but\n%.*s", text, BYTES_PRINT(w->said));
}

static inline void world_turn(struct world *w, int turns)
{
    for (int i = 0; i < turns; i++)
        uv_run(&w->loop, UV_RUN_NOWAIT);
}

/* -- conditions ---------------------------------------------------------------------------------------------------- */

struct expected {
    const struct server *by;
    int64_t from;
    const char *text;
};

static inline bool is_heard(void *context)
{
    const struct expected *e = context;
    const struct buffer *last = &e->by->last[e->from];
    return e->by->count[e->from] > 0 && bytes_equal(buffer_bytes(last), bytes_of(e->text));
}

/* Waits until the last frame from that server is the text. */
static inline void wait_heard(struct server *by, int64_t from, const char *text)
{
    struct expected e = {by, from, text};
    if (!net_run_until(&by->world->loop, is_heard, &e))
        fail_msg("server %d has not heard \"%s\" from %d", (int)by->sid, text, (int)from);
}

static inline struct peers_status status_of(const struct server *s)
{
    struct peers_status status;
    peers_status(s->p, &status);
    return status;
}

struct connected_expected {
    const struct server *server;
    uint32_t connected, newcomers;
};

static inline bool has_connected(void *context)
{
    const struct connected_expected *e = context;
    struct peers_status status = status_of(e->server);
    return status.connected == e->connected && status.newcomers == e->newcomers;
}

static inline void wait_connected(struct server *s, uint32_t connected, uint32_t newcomers)
{
    struct connected_expected e = {s, connected, newcomers};
    assert_true(net_run_until(&s->world->loop, has_connected, &e));
}

static inline bool condition_holds(void *context)
{
    return *(const bool *)context;
}

static inline void wait_true(struct world *w, const bool *fact)
{
    bool *borrowed = (bool *)(uintptr_t)fact;
    assert_true(net_run_until(&w->loop, condition_holds, borrowed));
}

/* -- servers that are only sockets --------------------------------------------------------------------------------- */

/* A server's port where the test itself answers. */
static inline void port_listen(const struct reserved_port *r)
{
    assert_int_equal(listen(r->fd, 16), 0);
}

struct accepting {
    const struct reserved_port *port;
    int fd;
};

static inline bool has_accepted(void *context)
{
    struct accepting *a = context;
    a->fd = accept4(a->port->fd, NULL, NULL, SOCK_CLOEXEC);
    return a->fd >= 0;
}

static inline void port_accept(const struct reserved_port *r, struct net_client *c, uv_loop_t *loop)
{
    struct accepting a = {r, -1};
    assert_true(net_run_until(loop, has_accepted, &a));
    *c = (struct net_client){.loop = loop, .fd = a.fd};
}

static inline bool port_has_nobody(const struct reserved_port *r)
{
    struct accepting a = {r, -1};
    return !has_accepted(&a);
}

/* Connects and sends an initial message; no addresses: the oldest form. */
static inline void say_hello(struct net_client *c, struct server *to, int64_t sid, const char *addresses)
{
    struct buffer message = {0};
    struct writer w = writer_to(&message);
    const struct hello hello = {sid, bytes_of(addresses)};
    if (addresses == NULL)
        write_i64(&w, sid);
    else
        hello_encode(&w, &hello);
    assert_int_equal(w.status, ST_OK);
    net_connect(c, &to->world->loop, to->election.port);
    net_send(c, message.data, message.len);
    buffer_free(&message);
}

/* Waits for the initial message of a server and takes it. */
static inline void expect_hello(struct net_client *c, const struct server *from)
{
    struct hello hello;
    size_t used = 0;
    char address[64];
    (void)snprintf(address, sizeof address, "%s:%u", from->world->host, (unsigned)from->election.port);
    assert_true(net_wait_bytes(c, 20 + strlen(address)));
    assert_int_equal(hello_decode(buffer_bytes(&c->received), &hello, &used), ST_OK);
    assert_int_equal(hello.sid, from->sid);
    assert_true(bytes_equal(hello.addresses, bytes_of(address)));
    net_take(c, used);
}

static inline void expect_text(struct net_client *c, const char *text)
{
    if (!net_expect_frame(c, text, strlen(text)))
        fail_msg("\"%s\" has not come", text);
}
