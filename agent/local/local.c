/* local.c - the local door as a whole: made, opened, ended, and its tongue. */
#include "agent/base/inherited.h"
#include "agent/local/local_calls.h"
#include "agent/local/local_monitor.h"
#include "agent/local/local_streams.h"

/* -- the tongue --------------------------------------------------------------------------------------------------- */

static struct local_client *client_new(struct local *l, struct connection *connection)
{
    struct local_client *c = mem_calloc(1, sizeof *c);
    if (c == NULL)
        return NULL;
    c->local = l;
    c->connection = connection;
    c->frame_max = LOCAL_FRAME_BEFORE_HELLO;
    list_init(&c->requests);
    list_init(&c->apart);
    list_init(&c->calls_in_hand);
    list_init(&c->held);
    list_init(&c->in_held);
    list_init(&c->in_suspended);
    connection->state = c;
    return c;
}

static bool take(void *context, struct connection *connection, struct bytes frame)
{
    struct local_client *c = connection->state;
    if (c == NULL)
        c = client_new(context, connection);
    return c != NULL && local_take(c, frame);
}

static enum status translate(void *context, struct connection *connection, struct bytes frames, struct buffer *say)
{
    (void)context;
    return local_translate(connection->state, frames, say);
}

/* Who has a session is told what becomes of it, and knows by that what has become of its watches. Who has none, or none
 * yet, finds out by the end of the connection. */
static bool ends_with_watches(const struct local_client *c)
{
    return c->has_watches && c->session_phase != LOCAL_SESSION_OPEN && c->session_phase != LOCAL_SESSION_SUSPENDED;
}

static bool sent_away(void *context, struct connection *connection, struct buffer *say)
{
    (void)context;
    struct local_client *c = connection->state;
    c->local->followed_to = UINT64_MAX;
    if (ends_with_watches(c)) {
        local_say_ready(c, say);
        local_say_goodbye(c, ZOOID__LOCAL__CODE__NOT_SERVING,
                          "the member has lost its leader, or refused this client, and with it the watches");
        return true;
    }
    int32_t code = local_session_sent_away(c, say);
    local_fail_all(c, code,
                   code == ZOOID__LOCAL__CODE__NOT_SERVING ? "the member has lost its leader, or refused this client"
                                                           : "the session is over",
                   say);
    return true;
}

static void too_slow(void *context, struct connection *connection)
{
    (void)context;
    local_put_goodbye(connection->state, ZOOID__LOCAL__CODE__FELL_BEHIND,
                      "more than zooid.localUnsentMax bytes wait for this client, which does not read them");
}

static void stray_sent_away(void *context, uint64_t client)
{
    local_lingerer_sent_away(context, client);
}

static void ended(void *context, struct connection *connection)
{
    struct local *l = context;
    struct local_client *c = connection->state;
    if (c == NULL)
        return;
    local_session_abandon(c);
    local_calls_fail(c);
    LIST_FOR_EACH(at, &c->requests)
    local_request_free(LIST_ENTRY(at, struct local_request, link));
    LIST_FOR_EACH(at, &c->apart)
    local_request_free(LIST_ENTRY(at, struct local_request, link));
    LIST_FOR_EACH(at, &c->held)
    local_request_free(LIST_ENTRY(at, struct local_request, link));
    list_remove(&c->in_held);
    list_remove(&c->in_suspended);
    deadlines_remove(&l->touches, &c->touch);
    local_user_leave(l, c->user);
    mem_free(c);
    connection->state = NULL;
}

static bool is_ripe(void *context)
{
    struct local *l = context;
    if (local_subscriptions_are_ripe(l) || local_lingerers_are_ripe(l) || local_backups_are_ripe(l))
        return true;
    if (!list_is_empty(&l->suspended) && replica_serves_all(l->parts.replica))
        return true;
    if (local_held_are_ripe(l))
        return true;
    return false;
}

static void work(void *context)
{
    struct local *l = context;
    local_session_resume(l);
    local_lingerers_look(l);
    local_look_at_held(l);
    local_subscriptions_tell(l);
    local_backups_go_on(l);
}

/* -- the door ----------------------------------------------------------------------------------------------------- */

static struct front_limits limits_of(const struct settings *s)
{
    return (struct front_limits){
        .connections_max = (uint32_t)s->local_connections_max,
        .frame_bytes_max = (size_t)s->local_frame_max,
        .frame_setting = "zooid.localFrameMax",
        .unsent_pause = (size_t)s->local_unsent_max / 4,
        .unsent_max = (size_t)s->local_unsent_max,
        .sessionless_timeout_ms = s->sessionless_timeout_ms,
    };
}

enum status local_new(struct local **out, const struct local_parts *parts, const struct settings *settings)
{
    if (local_messages_prepare() != ST_OK)
        return ST_NO_MEMORY;
    struct local *l = mem_calloc(1, sizeof *l);
    if (l == NULL)
        return ST_NO_MEMORY;
    l->parts = *parts;
    l->settings = settings;
    l->armed_ms = INT64_MAX;
    list_init(&l->spare);
    list_init(&l->held);
    list_init(&l->suspended);
    list_init(&l->subscriptions);
    list_init(&l->backups);
    list_init(&l->providers);
    list_init(&l->monitors);
    list_init(&l->lingerers);
    l->tongue = (struct front_tongue){l, take, translate, sent_away, stray_sent_away, too_slow, ended, is_ripe, work};
    const struct front_limits limits = limits_of(settings);
    struct front_parts front = parts->front;
    front.words = NULL;
    front.tongue = &l->tongue;
    enum status st = front_new(&l->front, &front, &limits);
    if (st != ST_OK) {
        mem_free(l);
        return st;
    }
    CHECK(uv_timer_init(parts->front.loop, &l->timer) == 0); /* only fills in the struct */
    l->timer.data = l;
    *out = l;
    return ST_OK;
}

enum status local_open(struct local *l, struct buffer *message)
{
    const struct settings *s = l->settings;
    const struct listener_unix socket = {.path = s->local_socket,
                                         .mode = s->local_socket_mode,
                                         .owner = s->local_socket_owner,
                                         .group = s->local_socket_group,
                                         .backlog = s->client_port_listen_backlog,
                                         .inherited = inherited_unix_socket("local")};
    if (socket.path[0] == '\0' && socket.inherited == 0)
        return ST_OK;
    enum status st = front_listen_unix(l->front, &socket, message);
    if (st == ST_OK)
        LOG_INFO(l->parts.front.log, "local", "listening on %s",
                 socket.inherited == 0 ? socket.path : "the socket that was opened for this process (LISTEN_FDS)");
    return st;
}

void local_set_client_port(struct local *l, int32_t port)
{
    l->client_port = port;
}

void local_reload(struct local *l, const struct settings *settings)
{
    const struct front_limits limits = limits_of(settings);
    l->settings = settings;
    front_set_limits(l->front, &limits);
}

const struct front *local_front(const struct local *l)
{
    return l->front;
}

void local_stop_listening(struct local *l)
{
    front_stop_listening(l->front);
}

void local_part(struct local *l)
{
    l->parting = true;
    l->followed_to = UINT64_MAX;
    pump_wake(l->parts.front.pump);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct local *l = handle->data;
    void (*done)(void *context) = l->done;
    void *context = l->context;
    deadlines_free(&l->deadlines);
    deadlines_free(&l->touches);
    deadlines_free(&l->watchdogs);
    deadlines_free(&l->lingers);
    deadlines_free(&l->calls);
    local_lingerers_free(l);
    local_users_free(l);
    local_spare_free(l);
    buffer_free(&l->encoded);
    arena_free(&l->arena);
    mem_free(l);
    if (done != NULL)
        done(context);
}

static void on_monitors_closed(void *context)
{
    struct local *l = context;
    uv_close((uv_handle_t *)&l->timer, on_timer_closed);
}

static void on_front_closed(void *context)
{
    local_monitors_close(context, on_monitors_closed);
}

void local_close(struct local *l, void (*done)(void *context), void *context)
{
    if (l == NULL) {
        if (done != NULL)
            done(context);
        return;
    }
    l->closing = true;        /* the timer is set no more, */
    uv_timer_stop(&l->timer); /* and must not ask a pump that has gone with its last door */
    l->done = done;
    l->context = context;
    front_close(l->front, on_front_closed, l);
}
