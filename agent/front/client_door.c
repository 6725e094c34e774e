/* client_door.c - close, look up, open, and again until it works. */
#include "agent/front/client_door.h"

#include "core/base/check.h"

#include <stdio.h>

enum { RETRY_MS = 1000 };

static void on_timer(uv_timer_t *timer);

void client_door_init(struct client_door *d, const struct client_door_parts *parts)
{
    *d = (struct client_door){.parts = *parts, .wanted = -1, .port = -1};
    CHECK(uv_timer_init(parts->loop, &d->timer) == 0); /* only fills in the struct */
    d->timer.data = d;
}

/* False: the name is too long to be one. */
static bool remember(struct client_door *d, const struct listener_tcp *tcp)
{
    const char *host = tcp->address == NULL ? "" : tcp->address;
    int length = snprintf(d->host, sizeof d->host, "%s", host);
    d->wanted = tcp->port;
    d->backlog = tcp->backlog;
    d->keep_alive = tcp->keep_alive;
    return length < (int)sizeof d->host;
}

static void set_port(struct client_door *d, int32_t port)
{
    d->port = port;
    if (d->parts.moved != NULL)
        d->parts.moved(d->parts.context, port);
}

static enum status listen_on(struct client_door *d, const struct addrinfo *found, struct buffer *message)
{
    const struct listener_tcp tcp = {
        .address = d->host, .port = d->wanted, .backlog = d->backlog, .keep_alive = d->keep_alive, .found = found};
    const struct client_door_parts *parts = &d->parts;
    if (parts->security != FRONT_PLAIN && parts->tls == NULL) {
        (void)buffer_printf(message, "there is no ssl.keyStore.location");
        return ST_BAD_ARGUMENTS;
    }
    int32_t port = -1;
    enum status st = front_listen_tcp(parts->front, &tcp, parts->security, parts->tls, &port, message);
    if (st != ST_OK)
        return st;
    LOG_INFO(parts->log, "front", "listening on %s, port %d%s", d->host[0] == '\0' ? "all addresses" : d->host,
             (int)port, parts->security == FRONT_TLS ? ", with TLS" : "");
    set_port(d, port);
    return ST_OK;
}

enum status client_door_open(struct client_door *d, const struct listener_tcp *tcp, struct buffer *message)
{
    if (!remember(d, tcp))
        return ST_BAD_ARGUMENTS;
    return d->wanted < 0 ? ST_OK : listen_on(d, NULL, message);
}

/* -- moving ------------------------------------------------------------------------------------------------------- */

static void failed(struct client_door *d, const char *why)
{
    (void)uv_timer_start(&d->timer, on_timer, RETRY_MS, 0);
    if (!d->complain)
        return;
    d->complain = false;
    LOG_ERROR(d->parts.log, "front",
              "clients cannot connect to %s, port %d, where the members now say they can: %s; "
              "it is tried again every second",
              d->host[0] == '\0' ? "all addresses" : d->host, (int)d->wanted, why);
}

static void open_or_fail(struct client_door *d, const struct addrinfo *found)
{
    struct buffer message = {0};
    enum status st = listen_on(d, found, &message);
    if (st != ST_OK)
        failed(d, message.len > 0 ? (const char *)message.data : status_text(st));
    buffer_free(&message);
}

static void on_resolved(void *context, const struct addrinfo *found, const char *why)
{
    struct client_door *d = context;
    d->resolve = NULL;
    if (found != NULL)
        open_or_fail(d, found);
    else
        failed(d, why);
}

static void on_timer(uv_timer_t *timer)
{
    struct client_door *d = timer->data;
    struct sockaddr_storage literal;
    struct bytes host = bytes_of(d->host);
    if (host.len == 0 || resolve_literal(host, (uint16_t)d->wanted, &literal)) {
        open_or_fail(d, NULL);
        return;
    }
    enum status st = resolve_start(&d->resolve, d->parts.loop, host, (uint16_t)d->wanted, on_resolved, d);
    if (st != ST_OK)
        failed(d, status_text(st));
}

static void leave(struct client_door *d)
{
    resolve_cancel(d->resolve);
    d->resolve = NULL;
    (void)uv_timer_stop(&d->timer);
}

void client_door_move(struct client_door *d, const struct listener_tcp *tcp)
{
    bool same = d->wanted == tcp->port && strcmp(d->host, tcp->address) == 0;
    if (same || d->stopped || !remember(d, tcp))
        return;
    leave(d);
    if (d->port >= 0) {
        front_unlisten_tcp(d->parts.front, d->parts.security, d->port);
        LOG_INFO(d->parts.log, "front", "no longer listening on port %d", (int)d->port);
    }
    set_port(d, -1);
    d->complain = true;
    if (d->wanted >= 0)
        (void)uv_timer_start(&d->timer, on_timer, 0, 0);
}

void client_door_stop(struct client_door *d)
{
    d->stopped = true;
    leave(d);
}

static void on_closed(uv_handle_t *handle)
{
    struct client_door *d = handle->data;
    d->closed(d->context);
}

void client_door_close(struct client_door *d, void (*closed)(void *context), void *context)
{
    client_door_stop(d);
    d->closed = closed;
    d->context = context;
    uv_close((uv_handle_t *)&d->timer, on_closed);
}
