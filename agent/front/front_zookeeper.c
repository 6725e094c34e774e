/* front_zookeeper.c - the front as a whole: made, listening, reported on, ended. */
#include "agent/front/front_parts.h"

enum status front_new(struct front **out, const struct front_parts *parts, const struct front_limits *limits)
{
    struct front *f = mem_calloc(1, sizeof *f);
    if (f == NULL)
        return ST_NO_MEMORY;
    f->counts = limits_new(&parts->hash_key);
    if (f->counts == NULL) {
        mem_free(f);
        return ST_NO_MEMORY;
    }
    f->parts = *parts;
    list_init(&f->connections);
    list_init(&f->sessionless);
    list_init(&f->closing);
    list_init(&f->ready);
    list_init(&f->touched);
    f->handshakes_left = FRONT_HANDSHAKES_PER_TURN;
    CHECK(uv_timer_init(parts->loop, &f->timer) == 0); /* only fills in the struct */
    f->timer.data = f;
    struct pump_door door;
    front_door(f, &door);
    f->door = pump_add_door(parts->pump, &door);
    front_set_limits(f, limits);
    *out = f;
    return ST_OK;
}

void front_set_limits(struct front *f, const struct front_limits *limits)
{
    f->limits = *limits;
    limits_set(f->counts, limits->connections_per_address_max, limits->connections_max);
}

/* A way in that was closed is used again for its like: connections look at their way in as long as they live. */
static struct way_in *way_in_new(struct front *f, enum front_security security, const struct tls *tls)
{
    struct way_in *way = f->ways_in;
    while (way < f->ways_in + f->way_count && (way->listener != NULL || way->security != security || way->tls != tls))
        way++;
    CHECK(way < f->ways_in + FRONT_LISTENERS_MAX && (security == FRONT_PLAIN) == (tls == NULL));
    *way = (struct way_in){.front = f, .security = security, .tls = tls};
    return way;
}

static void way_in_opened(struct front *f, const struct way_in *way)
{
    if (way == f->ways_in + f->way_count)
        f->way_count++;
}

enum status front_listen_tcp(struct front *f, const struct listener_tcp *tcp, enum front_security security,
                             const struct tls *tls, int32_t *port, struct buffer *message)
{
    struct way_in *way = way_in_new(f, security, tls);
    const struct listener_parts parts = {f->parts.loop, f->parts.metrics, f->parts.log};
    const struct listener_events events = {front_accepted, way};
    enum status st = listener_open_tcp(&way->listener, &parts, tcp, &events, message);
    if (st != ST_OK)
        return st;
    way_in_opened(f, way);
    *port = listener_port(way->listener);
    return ST_OK;
}

void front_unlisten_tcp(struct front *f, enum front_security security, int32_t port)
{
    for (struct way_in *way = f->ways_in; way < f->ways_in + f->way_count; way++) {
        if (way->listener == NULL || way->security != security || listener_port(way->listener) != port)
            continue;
        listener_close(way->listener);
        way->listener = NULL;
    }
}

enum status front_listen_unix(struct front *f, const struct listener_unix *local, struct buffer *message)
{
    struct way_in *way = way_in_new(f, FRONT_PLAIN, NULL);
    const struct listener_parts parts = {f->parts.loop, f->parts.metrics, f->parts.log};
    const struct listener_events events = {front_accepted, way};
    enum status st = listener_open_unix(&way->listener, &parts, local, &events, message);
    if (st == ST_OK)
        way_in_opened(f, way);
    return st;
}

static bool has_certificate(const struct connection *c)
{
    return c->stream.ssl != NULL && tls_peer_has_certificate(c->stream.ssl);
}

/* The selector's bits, as Apache's `cons` shows them: 1 reading, 4 writing. */
static uint32_t interest_ops(const struct connection *c)
{
    bool reads = c->phase == PHASE_FRAMES && c->stream.reading;
    return (reads ? 1U : 0U) | (stream_unsent(&c->stream) > 0 ? 4U : 0U);
}

void front_each_connection(const struct front *f, void (*fn)(void *context, const struct front_connection *c),
                           void *context)
{
    LIST_FOR_EACH(at, &f->connections)
    {
        const struct connection *c = LIST_ENTRY(at, struct connection, link);
        char remote[ADDRESS_TEXT_SIZE];
        (void)address_print(&c->peer, remote);
        const struct front_connection shown = {
            .client = c->client,
            .phase = phase_name(c->phase),
            .remote = remote,
            .interest_ops = interest_ops(c),
            .bytes_in = c->stream.bytes_in,
            .bytes_out = c->stream.bytes_out,
            .unsent = stream_unsent(&c->stream),
            .secure = c->stream.ssl != NULL,
            .local = c->peer.local,
            .has_certificate = has_certificate(c),
            .accepted_ms = c->accepted_ms,
            .deadline_ms = list_is_empty(&c->timed) ? 0 : c->deadline_ms,
        };
        fn(context, &shown);
    }
}

void front_status(const struct front *f, struct front_status *status)
{
    *status = (struct front_status){.handshakes = f->handshakes, .slow_closed = f->slow_closed};
    LIST_FOR_EACH(at, &f->connections)
    {
        const struct connection *c = LIST_ENTRY(at, struct connection, link);
        status->connections++;
        status->sessionless += !c->asked_session;
        status->paused += c->paused || c->unsent_high;
        status->unsent += stream_unsent(&c->stream);
        if (!has_certificate(c))
            *(address_is_loopback(&c->peer) ? &status->plain_local : &status->plain_remote) += 1;
    }
}

void front_stop_listening(struct front *f)
{
    for (uint32_t i = 0; i < f->way_count; i++) {
        listener_close(f->ways_in[i].listener);
        f->ways_in[i].listener = NULL;
    }
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct front *f = handle->data;
    void (*done)(void *context) = f->done;
    void *context = f->done_context;
    pump_remove_door(f->parts.pump, f->door);
    limits_free(f->counts);
    map64_free(&f->by_client);
    mem_free(f->segments);
    mem_free(f);
    if (done != NULL)
        done(context);
}

void front_maybe_free(struct front *f)
{
    if (f->stopping && f->open_count == 0 && !uv_is_closing((uv_handle_t *)&f->timer))
        uv_close((uv_handle_t *)&f->timer, on_timer_closed);
}

void front_close(struct front *f, void (*done)(void *context), void *context)
{
    CHECK(!f->stopping);
    front_stop_listening(f);
    f->stopping = true;
    f->done = done;
    f->done_context = context;
    LIST_FOR_EACH(at, &f->connections)
    {
        struct connection *c = LIST_ENTRY(at, struct connection, link);
        if (c->phase == PHASE_FRAMES)
            connection_enter(c, PHASE_DRAINING);
        else if (c->phase < PHASE_FRAMES)
            c->failed = true;
        connection_queue(c);
    }
    front_maybe_free(f);
}
