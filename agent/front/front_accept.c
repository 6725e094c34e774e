/* front_accept.c - connections taken in within the limits, timed, and let go of in one place. */
#include "agent/front/front_parts.h"

#include <unistd.h>

static int64_t now_ms(const struct front *f)
{
    return (int64_t)uv_now(f->parts.loop);
}

/* -- deadlines ----------------------------------------------------------------------------------------------------- */

static void arm(struct front *f);

static uint64_t drop_due(struct front *f, struct list *list)
{
    uint64_t dropped = 0;
    while (!list_is_empty(list)) {
        struct connection *c = LIST_ENTRY(list->next, struct connection, timed);
        if (c->deadline_ms > now_ms(f))
            break;
        connection_drop(c);
        dropped++;
    }
    return dropped;
}

static void on_timer(uv_timer_t *timer)
{
    struct front *f = timer->data;
    pump_look_at_clock(f->parts.pump);
    metrics_add(f->parts.metrics, COUNTER_sessionless_connections_expired, drop_due(f, &f->sessionless));
    (void)drop_due(f, &f->closing);
    arm(f);
}

static int64_t first_deadline(const struct list *list)
{
    return list_is_empty(list) ? INT64_MAX : LIST_ENTRY(list->next, struct connection, timed)->deadline_ms;
}

/* The timer may go off too early, when the connection it was for has moved on; then it is set again. */
static void arm(struct front *f)
{
    int64_t sessionless = first_deadline(&f->sessionless);
    int64_t closing = first_deadline(&f->closing);
    int64_t first = sessionless < closing ? sessionless : closing;
    if (first == INT64_MAX || uv_is_closing((uv_handle_t *)&f->timer))
        return;
    int64_t left = first - now_ms(f);
    uv_timer_start(&f->timer, on_timer, left > 0 ? (uint64_t)left : 0, 0);
}

void connection_time(struct connection *c, struct list *list, int64_t ms)
{
    struct front *f = c->front;
    list_remove(&c->timed);
    c->deadline_ms = now_ms(f) + ms;
    list_append(list, &c->timed);
    bool is_first = list->next == &c->timed;
    if (is_first || uv_is_active((uv_handle_t *)&f->timer) == 0)
        arm(f);
}

void connection_queue(struct connection *c)
{
    if (c->phase == PHASE_CLOSED)
        return;
    if (list_is_empty(&c->ready))
        list_append(&c->front->ready, &c->ready);
    pump_wake(c->front->parts.pump);
}

/* -- the end ------------------------------------------------------------------------------------------------------- */

static void on_closed(struct stream *s)
{
    struct connection *c = CONTAINER_OF(s, struct connection, stream);
    struct front *f = c->front;
    mem_free(c);
    f->open_count--;
    front_maybe_free(f);
}

uint64_t connection_release_client(struct connection *c)
{
    uint64_t client = c->client;
    if (client != 0)
        map64_remove(&c->front->by_client, client);
    c->client = 0;
    return client;
}

uint64_t front_stray_client(struct front *f)
{
    return pump_client_number(f->parts.pump, f->door);
}

void connection_forget_client(struct connection *c)
{
    struct front *f = c->front;
    if (c->client == 0)
        return;
    struct replica_event event = {.kind = REPLICA_DISCONNECTED, .client = c->client};
    map64_remove(&f->by_client, c->client);
    c->client = 0;
    (void)pump_feed(f->parts.pump, &event); /* a pump that has failed needs no news */
}

void connection_end(struct connection *c)
{
    const struct front_tongue *tongue = c->front->parts.tongue;
    if (tongue != NULL)
        tongue->ended(tongue->context, c);
    connection_forget_client(c);
}

void connection_drop(struct connection *c)
{
    struct front *f = c->front;
    if (c->phase == PHASE_CLOSED)
        return;
    connection_enter(c, PHASE_CLOSED);
    connection_end(c);
    list_remove(&c->link);
    list_remove(&c->timed);
    list_remove(&c->ready);
    list_remove(&c->touched);
    buffer_free(&c->rest);
    buffer_free(&c->said);
    limits_leave(f->counts, c->limits_address);
    stream_close(&c->stream);
}

/* -- the beginning ------------------------------------------------------------------------------------------------- */

/* The oldest connection that has not asked for a session within a second: whoever holds connections without using them
 * must not keep others out. */
static struct connection *idler(const struct front *f, const struct limits_address *address, bool any_address,
                                bool in_handshake)
{
    LIST_FOR_EACH(at, &f->sessionless)
    {
        struct connection *c = LIST_ENTRY(at, struct connection, timed);
        if (c->deadline_ms - f->limits.sessionless_timeout_ms > now_ms(f) - FRONT_GIVE_WAY_MS)
            return NULL;
        bool idle = list_is_empty(&c->ready) && (!in_handshake || c->phase == PHASE_HANDSHAKE);
        if (idle && (any_address || c->limits_address == address))
            return c;
    }
    return NULL;
}

bool front_room_for_handshake(struct front *f)
{
    uint32_t held_back = 0;
    if (f->limits.handshakes_max == 0 || f->handshakes < f->limits.handshakes_max)
        return true;
    struct connection *old = idler(f, NULL, true, true);
    if (old != NULL) {
        connection_drop(old);
        return true;
    }
    metrics_add(f->parts.metrics, COUNTER_tls_handshake_exceeded, 1);
    if (log_limit_pass(&f->log_handshakes_full, uv_now(f->parts.loop), FRONT_LOG_EVERY_MS, &held_back))
        LOG_WARN(f->parts.log, "front",
                 "%u TLS handshakes are under way: a connection is closed (%u more since the last line)", f->handshakes,
                 held_back);
    return false;
}

static void say_full(struct front *f, const struct address *peer, enum limits_verdict verdict)
{
    char remote[ADDRESS_TEXT_SIZE];
    uint32_t held_back = 0;
    (void)address_print(peer, remote);
    if (!log_limit_pass(&f->log_full, uv_now(f->parts.loop), FRONT_LOG_EVERY_MS, &held_back))
        return;
    bool by_address = verdict == LIMITS_ADDRESS_FULL;
    LOG_WARN(f->parts.log, "front", "too many connections%s: %s is turned away, %s is %u (%u more since the last line)",
             by_address ? " from one address" : "", remote, by_address ? "maxClientCnxns" : "maxCnxns",
             by_address ? f->limits.connections_per_address_max : f->limits.connections_max, held_back);
}

static void say_unwatched(struct front *f, const struct address *peer)
{
    char remote[ADDRESS_TEXT_SIZE];
    uint32_t held_back = 0;
    (void)address_print(peer, remote);
    if (log_limit_pass(&f->log_unwatched, uv_now(f->parts.loop), FRONT_LOG_EVERY_MS, &held_back))
        LOG_WARN(f->parts.log, "front",
                 "the system watches no more sockets for this user (fs.epoll.max_user_watches): %s is turned away "
                 "(%u more since the last line)",
                 remote, held_back);
}

static bool enter_limits(struct front *f, const struct address *peer, struct limits_address **address)
{
    const struct in6_addr *ip = peer->local ? NULL : &peer->ip;
    enum limits_verdict verdict = limits_enter(f->counts, ip, address);
    if (verdict == LIMITS_ADDRESS_FULL || verdict == LIMITS_ALL_FULL) {
        struct connection *old = idler(f, *address, verdict == LIMITS_ALL_FULL, false);
        if (old != NULL) {
            connection_drop(old);
            verdict = limits_enter(f->counts, ip, address);
        }
    }
    if (verdict == LIMITS_OK)
        return true;
    metrics_add(f->parts.metrics, COUNTER_connection_rejected, 1);
    if (verdict != LIMITS_NO_MEMORY)
        say_full(f, peer, verdict);
    return false;
}

static void on_ready(struct stream *s)
{
    struct connection *c = CONTAINER_OF(s, struct connection, stream);
    pump_look_at_clock(c->front->parts.pump);
    connection_advance(c);
}

static const struct stream_events connection_events = {on_ready, on_closed};

static struct connection *connection_new(struct front *f, const struct way_in *way, int fd, const struct address *peer)
{
    struct connection *c = mem_calloc(1, sizeof *c);
    if (c == NULL) {
        close(fd);
        return NULL;
    }
    enum status st = stream_open(&c->stream, f->parts.streams, fd, &connection_events);
    if (st != ST_OK) {
        if (st == ST_NO_SPACE)
            say_unwatched(f, peer);
        mem_free(c);
        return NULL;
    }
    c->front = f;
    c->way = way;
    c->peer = *peer;
    c->segment_first = NO_SEGMENT;
    c->phase = way->security != FRONT_PLAIN ? PHASE_DETECT : f->parts.tongue != NULL ? PHASE_FRAMES : PHASE_FIRST;
    list_init(&c->link);
    list_init(&c->timed);
    list_init(&c->ready);
    list_init(&c->touched);
    return c;
}

void front_accepted(void *context, int fd, const struct sockaddr_storage *peer)
{
    const struct way_in *way = context;
    struct front *f = way->front;
    struct address address = address_of(peer);
    struct limits_address *limits_address = NULL;
    pump_look_at_clock(f->parts.pump);
    if (!enter_limits(f, &address, &limits_address)) {
        close(fd);
        return;
    }
    struct connection *c = connection_new(f, way, fd, &address);
    if (c == NULL) {
        limits_leave(f->counts, limits_address);
        metrics_add(f->parts.metrics, COUNTER_connection_rejected, 1);
        return;
    }
    c->limits_address = limits_address;
    c->accepted_ms = pump_wall_ms(f->parts.pump);
    f->open_count++;
    list_append(&f->connections, &c->link);
    connection_time(c, &f->sessionless, f->limits.sessionless_timeout_ms);
    /* Its first frame is here already, as a rule: to read it before epoll watches the socket saves being told of it. */
    c->stream.readable = true;
    connection_settle(c);
    connection_queue(c);
}
