/* doors.c - settings in, listeners out. */
#include "agent/doors.h"

#include "agent/front/client_door.h"
#include "agent/local/local.h"
#include "agent/net/tls.h"
#include "core/base/mem.h"

#include <sys/resource.h>

struct doors {
    const struct settings *settings;
    struct front_parts parts;
    struct front *front;
    struct local *local;
    struct tls *tls; /* NULL: no way in speaks it */
    struct client_door client, secure_client;
    int handles; /* that the loop still knows */
    bool is_open;
    void (*done)(void *context);
    void *done_context;
};

static struct front_limits limits_of(const struct settings *s)
{
    return (struct front_limits){
        .connections_per_address_max = (uint32_t)s->max_client_cnxns,
        .connections_max = (uint32_t)s->max_cnxns,
        .handshakes_max = s->tls_handshake_limit < 0 ? 0 : (uint32_t)s->tls_handshake_limit,
        .frame_bytes_max = (size_t)s->jute_maxbuffer,
        .frame_setting = "jute.maxbuffer",
        .unsent_pause = (size_t)s->max_output_per_client,
        .unsent_max = (size_t)s->max_event_backlog,
        .sessionless_timeout_ms = s->sessionless_timeout_ms,
    };
}

static bool speaks_tls(const struct settings *s)
{
    return s->secure_client_port >= 0 || (s->client_port >= 0 && s->client_port_unification);
}

/* Each connection takes a descriptor. What the system grants as a matter of course is often less than what it allows.
 */
static void raise_descriptor_limit(const struct log_sink *log)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max)
        return;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        LOG_WARN(log, "front", "the limit on open files stays as it is: it cannot be raised");
}

static void free_doors(struct doors *d)
{
    tls_close(d->tls);
    mem_free(d);
}

static void on_client_port_moved(void *context, int32_t port)
{
    struct doors *d = context;
    if (d->local != NULL)
        local_set_client_port(d->local, port);
}

static void init_client_doors(struct doors *d)
{
    enum front_security client_security = d->settings->client_port_unification ? FRONT_EITHER : FRONT_PLAIN;
    struct client_door_parts parts = {.loop = d->parts.loop,
                                      .front = d->front,
                                      .log = d->parts.log,
                                      .security = client_security,
                                      .tls = client_security == FRONT_PLAIN ? NULL : d->tls,
                                      .moved = on_client_port_moved,
                                      .context = d};
    client_door_init(&d->client, &parts);
    parts.security = FRONT_TLS;
    parts.tls = d->tls;
    parts.moved = NULL;
    client_door_init(&d->secure_client, &parts);
}

static struct listener_tcp tcp_at(const struct doors *d, const char *address, int32_t port)
{
    return (struct listener_tcp){.address = address,
                                 .port = port,
                                 .backlog = d->settings->client_port_listen_backlog,
                                 .keep_alive = d->settings->client_tcp_keep_alive};
}

enum status doors_new(struct doors **out, const struct settings *settings, const struct front_parts *parts,
                      struct replica *replica, const struct local_commands *commands, const struct log_tap *tap,
                      struct buffer *message)
{
    const struct front_limits limits = limits_of(settings);
    struct doors *d = mem_calloc(1, sizeof *d);
    if (d == NULL)
        return ST_NO_MEMORY;
    d->settings = settings;
    d->parts = *parts;
    raise_descriptor_limit(parts->log);
    enum status st = ST_OK;
    if (speaks_tls(settings))
        st = tls_new(&d->tls, settings, TLS_FOR_CLIENTS, parts->loop, parts->log, message);
    if (st == ST_OK)
        st = front_new(&d->front, parts, &limits);
    if (st != ST_OK) {
        free_doors(d);
        return st;
    }
    init_client_doors(d);
    const struct local_parts local = {*parts, replica, commands, tap};
    st = local_new(&d->local, &local, settings);
    if (st != ST_OK) {
        doors_close(d, NULL, NULL); /* the front is freed from the loop */
        return st;
    }
    *out = d;
    return ST_OK;
}

static enum status open_unix(struct doors *d, struct buffer *message)
{
    const struct listener_unix local = {
        .path = d->settings->socket,
        .mode = d->settings->socket_mode,
        .group = d->settings->socket_group,
        .backlog = d->settings->client_port_listen_backlog,
    };
    if (local.path[0] == '\0')
        return ST_OK;
    enum status st = front_listen_unix(d->front, &local, message);
    if (st == ST_OK)
        LOG_INFO(d->parts.log, "front", "listening on %s", local.path);
    return st;
}

enum status doors_open(struct doors *d, struct buffer *message)
{
    const struct settings *s = d->settings;
    const struct listener_tcp client = tcp_at(d, s->client_port_address, s->client_port);
    const struct listener_tcp secure = tcp_at(d, s->secure_client_port_address, s->secure_client_port);
    if (d->tls != NULL)
        tls_watch(d->tls);
    enum status st = open_unix(d, message);
    if (st == ST_OK)
        st = client_door_open(&d->client, &client, message);
    if (st == ST_OK)
        st = client_door_open(&d->secure_client, &secure, message);
    if (st == ST_OK)
        st = local_open(d->local, message);
    d->is_open = st == ST_OK;
    return st;
}

void doors_follow(struct doors *d)
{
    const struct settings *s = d->settings;
    const struct listener_tcp client = tcp_at(d, s->client_port_address, s->client_port);
    const struct listener_tcp secure = tcp_at(d, s->secure_client_port_address, s->secure_client_port);
    if (!d->is_open)
        return;
    client_door_move(&d->client, &client);
    client_door_move(&d->secure_client, &secure);
}

void doors_reload(struct doors *d, const struct settings *settings)
{
    const struct front_limits limits = limits_of(settings);
    d->settings = settings;
    front_set_limits(d->front, &limits);
    local_reload(d->local, settings);
    if (d->tls != NULL && tls_reload(d->tls, settings) != ST_OK)
        LOG_ERROR(d->parts.log, "tls", "TLS stays as it was: the reload could not begin");
}

struct local *doors_local(const struct doors *d)
{
    return d->local;
}

const struct front *doors_front(const struct doors *d)
{
    return d->front;
}

int32_t doors_client_port(const struct doors *d)
{
    return d->client.port;
}

int32_t doors_secure_client_port(const struct doors *d)
{
    return d->secure_client.port;
}

void doors_stop_listening(struct doors *d)
{
    client_door_stop(&d->client);
    client_door_stop(&d->secure_client);
    front_stop_listening(d->front);
    local_stop_listening(d->local);
}

void doors_part(struct doors *d)
{
    local_part(d->local);
}

static void on_local_closed(void *context)
{
    struct doors *d = context;
    void (*done)(void *done_context) = d->done;
    void *done_context = d->done_context;
    free_doors(d);
    if (done != NULL)
        done(done_context);
}

static void on_part_closed(void *context)
{
    struct doors *d = context;
    if (--d->handles == 0)
        local_close(d->local, on_local_closed, d);
}

void doors_close(struct doors *d, void (*done)(void *context), void *context)
{
    if (d == NULL) {
        if (done != NULL)
            done(context);
        return;
    }
    d->done = done;
    d->done_context = context;
    d->handles = 3;
    front_close(d->front, on_part_closed, d);
    client_door_close(&d->client, on_part_closed, d);
    client_door_close(&d->secure_client, on_part_closed, d);
}
