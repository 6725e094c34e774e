/* join_client.c - one server after another: connect, a session, /zookeeper/config, the session's end, and then, on a
 * second connection, the word conf, which may fail. */
#include "agent/join/join_client.h"

#include "agent/base/address.h"
#include "agent/net/channel.h"
#include "agent/net/dial.h"
#include "agent/net/tls.h"
#include "core/base/check.h"
#include "core/base/mem.h"
#include "core/jute/frame.h"
#include "core/jute/records.h"

#include <arpa/inet.h>
#include <unistd.h>

enum {
    FRAME_MAX = MEMBERS_TEXT_MAX + 1024,
    SESSION_TIMEOUT_MS = 10000,
    TYPE_GET_DATA = 4,
    TYPE_CLOSE = -11,
    PASSWORD_SIZE = 16,
    HERE_SIZE = 64,
};

static const struct channel_limits limits = {.input_max = FRAME_MAX, .unsent_max = FRAME_MAX, .unsent_mark = FRAME_MAX};

enum stage {
    STAGE_SESSION, /* asked for a session */
    STAGE_CONFIG,  /* asked for the configuration */
    STAGE_CLOSE,   /* has it, and gives the session back */
    STAGE_WORD,    /* on a connection of its own */
};

/* One connection. */
struct attempt {
    struct channel channel;
    struct join_client *client;
};

struct join_client {
    uv_loop_t *loop;
    struct channels channels;
    uv_timer_t timer;
    int handles; /* that the loop still knows */
    struct dial *dial;
    struct attempt *attempt; /* NULL: not connected */
    enum stage stage;
    struct buffer hosts; /* that the seeds point into */
    struct join_seed *seeds;
    size_t count, at; /* at: the one that is asked */
    int32_t timeout_ms;
    struct buffer why;
    struct buffer seed, text; /* the answer's */
    char here[HERE_SIZE];
    struct members *members; /* NULL: nothing is known */
    struct join_answer answer;
    join_done_fn *done;
    void *context;
};

/* -- the end ------------------------------------------------------------------------------------------------------- */

static void free_client(struct join_client *c)
{
    members_free(c->members);
    buffer_free(&c->hosts);
    buffer_free(&c->why);
    buffer_free(&c->seed);
    buffer_free(&c->text);
    mem_free(c->seeds);
    mem_free(c);
}

static void maybe_done(struct join_client *c)
{
    if (--c->handles > 0)
        return;
    c->answer.members = c->members;
    c->answer.text = buffer_bytes(&c->text);
    c->answer.here = c->here;
    c->answer.seed = (const char *)c->seed.data;
    const char *why = c->why.len > 0 ? (const char *)c->why.data : "out of memory";
    c->done(c->context, c->members == NULL ? NULL : &c->answer, why);
    free_client(c);
}

static void on_timer_closed(uv_handle_t *handle)
{
    maybe_done(handle->data);
}

static void on_channels_closed(void *context)
{
    maybe_done(context);
}

static void hang_up(struct join_client *c)
{
    dial_cancel(c->dial);
    c->dial = NULL;
    if (c->attempt != NULL)
        channel_close(&c->attempt->channel);
    c->attempt = NULL;
}

static void finish(struct join_client *c)
{
    hang_up(c);
    uv_close((uv_handle_t *)&c->timer, on_timer_closed);
    channels_close(&c->channels, on_channels_closed, c);
}

/* -- what is said -------------------------------------------------------------------------------------------------- */

static struct writer begin_frame(struct buffer *frame)
{
    struct writer w = writer_to(frame);
    write_i32(&w, 0); /* its length, once that is known */
    return w;
}

static void send_frame(struct join_client *c, struct buffer *frame, struct writer *w)
{
    write_i32_at(w, 0, (int32_t)frame->len - 4);
    if (w->status == ST_OK)
        channel_send(&c->attempt->channel, buffer_bytes(frame));
    else
        channel_fail(&c->attempt->channel, "out of memory");
    buffer_free(frame);
}

static void send_connect(struct join_client *c)
{
    static const uint8_t password[PASSWORD_SIZE];
    const struct connect_request request = {.timeout_ms = SESSION_TIMEOUT_MS,
                                            .password = bytes_make(password, sizeof password)};
    struct buffer frame = {0};
    struct writer w = begin_frame(&frame);
    connect_request_write(&w, &request);
    write_boolean(&w, false); /* no server that has no leader */
    send_frame(c, &frame, &w);
}

static void send_get(struct join_client *c)
{
    const struct request_header header = {.xid = 1, .type = TYPE_GET_DATA};
    struct buffer frame = {0};
    struct writer w = begin_frame(&frame);
    request_header_write(&w, &header);
    write_text(&w, BYTES("/zookeeper/config"));
    write_boolean(&w, false); /* no watch */
    send_frame(c, &frame, &w);
}

static void send_close(struct join_client *c)
{
    const struct request_header header = {.xid = 2, .type = TYPE_CLOSE};
    struct buffer frame = {0};
    struct writer w = begin_frame(&frame);
    request_header_write(&w, &header);
    send_frame(c, &frame, &w);
}

/* -- one server after another ---------------------------------------------------------------------------------------
 */

static void on_dialed(void *context, int fd, struct bytes host, const char *why);

static enum status dial(struct join_client *c, enum stage stage)
{
    const struct join_seed *seed = &c->seeds[c->at];
    const struct dial_target target = {seed->host, seed->port};
    hang_up(c);
    c->stage = stage;
    return dial_start(&c->dial, c->loop, &target, 1, c->timeout_ms, on_dialed, c);
}

static void on_timer(uv_timer_t *timer);

static enum status ask(struct join_client *c)
{
    const struct join_seed *seed = &c->seeds[c->at];
    const char *format = memchr(seed->host.data, ':', seed->host.len) != NULL ? "[%.*s]:%u" : "%.*s:%u";
    c->seed.len = 0;
    enum status st = buffer_printf(&c->seed, format, BYTES_PRINT(seed->host), (unsigned)seed->port);
    if (st == ST_OK)
        st = dial(c, STAGE_SESSION);
    if (st == ST_OK)
        (void)uv_timer_start(&c->timer, on_timer, (uint64_t)c->timeout_ms, 0);
    return st;
}

/* With the word, the answer is as good as it gets; without it, the next server is asked. */
static void give_up(struct join_client *c, const char *why)
{
    if (c->members != NULL) {
        finish(c);
        return;
    }
    enum status st = buffer_printf(&c->why, "%s%s: %s", c->why.len > 0 ? "\n" : "", (const char *)c->seed.data, why);
    if (++c->at == c->count || st != ST_OK || ask(c) != ST_OK)
        finish(c);
}

static void on_timer(uv_timer_t *timer)
{
    give_up(timer->data, "it did not answer in time");
}

static void ask_word(struct join_client *c)
{
    if (dial(c, STAGE_WORD) != ST_OK)
        finish(c);
}

/* -- what is heard ------------------------------------------------------------------------------------------------- */

static void took_session(struct join_client *c, struct bytes frame)
{
    char why[JOIN_WHY_SIZE];
    if (join_read_session(frame, why) != ST_OK) {
        give_up(c, why);
        return;
    }
    c->stage = STAGE_CONFIG;
    send_get(c);
}

static void took_config(struct join_client *c, struct bytes frame)
{
    char why[JOIN_WHY_SIZE] = "out of memory";
    struct bytes text;
    struct members *members = NULL;
    enum status st = join_read_config(frame, &members, &text, why);
    if (st == ST_OK)
        st = buffer_append(&c->text, text.data, text.len);
    if (st != ST_OK) {
        members_free(members);
        give_up(c, why);
        return;
    }
    c->members = members;
    c->stage = STAGE_CLOSE;
    send_close(c);
}

static size_t take_frame(struct join_client *c, struct bytes bytes)
{
    struct bytes frame;
    size_t used = 0;
    enum frame_result result = frame_next(bytes, FRAME_MAX, &frame, &used);
    if (result == FRAME_BAD)
        give_up(c, "its answer is not that of a ZooKeeper server");
    if (result != FRAME_WHOLE)
        return 0;
    if (c->stage == STAGE_SESSION)
        took_session(c, frame);
    else if (c->stage == STAGE_CONFIG)
        took_config(c, frame);
    else
        ask_word(c);
    return used;
}

static void on_opened(struct channel *channel)
{
    struct join_client *c = CONTAINER_OF(channel, struct attempt, channel)->client;
    const struct join_seed *seed = &c->seeds[c->at];
    if (seed->tls && !tls_peer_is(channel_ssl(channel), seed->host))
        channel_fail(channel, "its certificate is for another host");
    else if (c->stage == STAGE_WORD)
        channel_send(channel, BYTES("conf"));
    else
        send_connect(c);
}

static size_t on_bytes(struct channel *channel, struct bytes bytes)
{
    struct join_client *c = CONTAINER_OF(channel, struct attempt, channel)->client;
    return c->stage == STAGE_WORD ? join_read_lines(bytes, &c->answer) : take_frame(c, bytes);
}

static void on_ended(struct channel *channel, const char *why)
{
    struct join_client *c = CONTAINER_OF(channel, struct attempt, channel)->client;
    if (c->stage == STAGE_CLOSE)
        ask_word(c);
    else if (c->seeds[c->at].tls)
        give_up(c, why);
    else
        give_up(c, "it closed the connection: it has no leader now, or takes clients with TLS alone");
}

static void on_freed(struct channel *channel)
{
    mem_free(CONTAINER_OF(channel, struct attempt, channel));
}

static const struct channel_kind kind = {.opened = on_opened, .take = on_bytes, .ended = on_ended, .freed = on_freed};

/* -- connected ----------------------------------------------------------------------------------------------------- */

static void note_own_address(struct join_client *c, int fd)
{
    struct sockaddr_storage own = {0};
    socklen_t size = sizeof own;
    const void *ip = &((const struct sockaddr_in *)&own)->sin_addr;
    if (getsockname(fd, (struct sockaddr *)&own, &size) != 0)
        return;
    if (own.ss_family == AF_INET6)
        ip = &((const struct sockaddr_in6 *)&own)->sin6_addr;
    if (inet_ntop(own.ss_family, ip, c->here, sizeof c->here) == NULL)
        c->here[0] = '\0';
}

static struct attempt *attempt_new(struct join_client *c, int fd)
{
    struct attempt *a = mem_calloc(1, sizeof *a);
    if (a == NULL) {
        (void)close(fd);
        return NULL;
    }
    a->client = c;
    const uint8_t how = c->seeds[c->at].tls ? CHANNEL_TLS : CHANNEL_PLAIN;
    if (channel_open(&a->channel, &c->channels, fd, how, &kind, &limits) == ST_OK)
        return a;
    mem_free(a);
    return NULL;
}

/* Why a connection was not made names the place, which stands before it already. */
static const char *without_place(const struct join_client *c, const char *why)
{
    size_t length = c->seed.len;
    bool names_it = strncmp(why, (const char *)c->seed.data, length) == 0 && strncmp(why + length, ": ", 2) == 0;
    return names_it ? why + length + 2 : why;
}

static void on_dialed(void *context, int fd, struct bytes host, const char *why)
{
    struct join_client *c = context;
    (void)host;
    c->dial = NULL;
    if (fd < 0) {
        give_up(c, without_place(c, why));
        return;
    }
    note_own_address(c, fd);
    c->attempt = attempt_new(c, fd);
    if (c->attempt == NULL)
        give_up(c, "out of memory");
}

/* -- the beginning ------------------------------------------------------------------------------------------------- */

static enum status copy_seeds(struct join_client *c, const struct join_seed *seeds, size_t count)
{
    enum status st = ST_OK;
    size_t offset = 0;
    c->seeds = mem_calloc(count, sizeof *seeds);
    if (c->seeds == NULL)
        return ST_NO_MEMORY;
    for (size_t i = 0; i < count && st == ST_OK; i++)
        st = buffer_append(&c->hosts, seeds[i].host.data, seeds[i].host.len);
    for (size_t i = 0; i < count && st == ST_OK; i++) {
        c->seeds[i] = (struct join_seed){bytes_make(c->hosts.data + offset, seeds[i].host.len), seeds[i].port,
                                         seeds[i].tls};
        offset += seeds[i].host.len;
    }
    c->count = count;
    return st;
}

enum status join_client_start(struct join_client **out, struct streams *streams, const struct tls *tls,
                              const struct join_seed *seeds, size_t count, int32_t timeout_ms, join_done_fn *done,
                              void *context)
{
    struct join_client *c = mem_calloc(1, sizeof *c);
    CHECK(count > 0);
    if (c == NULL)
        return ST_NO_MEMORY;
    c->loop = streams->loop;
    c->timeout_ms = timeout_ms;
    c->done = done;
    c->context = context;
    enum status st = copy_seeds(c, seeds, count);
    if (st != ST_OK) {
        free_client(c);
        return st;
    }
    CHECK(uv_timer_init(c->loop, &c->timer) == 0); /* only fills in the struct */
    c->timer.data = c;
    channels_init(&c->channels, streams, tls, (uint32_t)timeout_ms);
    c->handles = 2;
    if (ask(c) != ST_OK)
        finish(c);
    *out = c;
    return ST_OK;
}
