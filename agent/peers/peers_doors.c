/* peers_doors.c - the ports: this server's names looked up, each address listened on, and again until it works. */
#include "agent/peers/peers_internal.h"

enum { BACKLOG = -1 }; /* the system's choice */

static void on_accepted(void *context, int fd, const struct sockaddr_storage *peer)
{
    const struct door *d = context;
    const struct address remote = address_of(peer);
    if (!dial_set_options(fd) || !newcomers_have_room(d->all, &remote)) {
        close(fd);
        return;
    }
    if (d->port == PEERS_ELECTION)
        speaker_accepted(d->all, fd, &remote);
    else
        link_accepted(d->all, fd, &remote);
}

static const char *port_name(const struct door *d)
{
    static const char *const names[] = {
        [PEERS_ELECTION] = "election", [PEERS_QUORUM] = "quorum", [PEERS_OBSERVERS] = "observers'"};
    return names[d->port];
}

static void close_listeners(struct door *d)
{
    resolve_cancel(d->resolve);
    d->resolve = NULL;
    for (size_t i = 0; i < d->count; i++)
        listener_close(d->listeners[i]);
    d->count = 0;
    d->open = false;
    uv_timer_stop(&d->timer);
}

static void on_timer(uv_timer_t *timer);

static void failed(struct door *d, enum status st, const char *message)
{
    struct peers *p = d->all;
    close_listeners(d);
    uv_timer_start(&d->timer, on_timer, PEERS_REBIND_MS, 0);
    if (!d->complain)
        return;
    d->complain = false;
    LOG_ERROR(p->parts.log, "peers", "the %s port cannot be opened: %s", port_name(d), message);
    p->parts.events.listening(p->parts.events.context, d->port, st, message);
}

static void opened(struct door *d)
{
    struct peers *p = d->all;
    d->open = true;
    d->complain = true;
    LOG_INFO(p->parts.log, "peers", "the %s port is open", port_name(d));
    p->parts.events.listening(p->parts.events.context, d->port, ST_OK, "");
}

/* One more address: by its text, or with what was found for it. */
static enum status listen_on(struct door *d, const struct dial_target *target, const struct addrinfo *found,
                             struct buffer *message)
{
    const struct peers *p = d->all;
    char host[MEMBER_HOST_MAX + 1] = "";
    const struct listener_parts parts = {p->parts.loop, p->parts.metrics, p->parts.log};
    const struct listener_events events = {on_accepted, d};
    if (!p->options.listen_on_all)
        (void)snprintf(host, sizeof host, "%.*s", BYTES_PRINT(target->host));
    const struct listener_tcp tcp = {
        .address = host, .port = target->port, .backlog = BACKLOG, .keep_alive = true, .found = found};
    enum status st = listener_open_tcp(&d->listeners[d->count], &parts, &tcp, &events, message);
    if (st == ST_OK)
        d->count++;
    return st;
}

static void go_on(struct door *d);

static void listen_or_fail(struct door *d, const struct dial_target *target, const struct addrinfo *found)
{
    struct buffer message = {0};
    enum status st = listen_on(d, target, found, &message);
    if (st == ST_OK) {
        go_on(d);
    } else {
        char text[384];
        (void)snprintf(text, sizeof text, "%.*s", BYTES_PRINT(message));
        failed(d, st, message.len > 0 ? text : status_text(st));
    }
    buffer_free(&message);
}

/* The addresses whose ports are to be opened. On all addresses of the host one listener for each port is enough. */
static size_t wanted(const struct door *d, struct dial_target targets[MEMBER_ADDRESSES_MAX])
{
    size_t count = places_targets(d->all, peers_own_places(d->all), d->port, targets, MEMBER_ADDRESSES_MAX);
    if (!d->all->options.listen_on_all)
        return count;
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        size_t k = 0;
        while (k < kept && targets[k].port != targets[i].port)
            k++;
        if (k == kept)
            targets[kept++] = targets[i];
    }
    return kept;
}

static void on_resolved(void *context, const struct addrinfo *found, const char *why)
{
    struct door *d = context;
    struct dial_target targets[MEMBER_ADDRESSES_MAX];
    char text[384];
    size_t count = wanted(d, targets);
    d->resolve = NULL;
    CHECK(d->count < count); /* else door_reopen would have cancelled it */
    if (found != NULL) {
        listen_or_fail(d, &targets[d->count], found);
        return;
    }
    (void)snprintf(text, sizeof text, "%.*s: %s", BYTES_PRINT(targets[d->count].host), why);
    failed(d, ST_NOT_FOUND, text);
}

/* With the next address, until all are open or something has to be waited for. */
static void go_on(struct door *d)
{
    struct dial_target targets[MEMBER_ADDRESSES_MAX];
    struct sockaddr_storage literal;
    size_t count = wanted(d, targets);
    if (d->count == count) {
        opened(d);
        return;
    }
    const struct dial_target *target = &targets[d->count];
    if (d->all->options.listen_on_all || resolve_literal(target->host, target->port, &literal)) {
        listen_or_fail(d, target, NULL);
        return;
    }
    enum status st = resolve_start(&d->resolve, d->all->parts.loop, target->host, target->port, on_resolved, d);
    if (st != ST_OK)
        failed(d, st, status_text(st));
}

static void on_timer(uv_timer_t *timer)
{
    go_on(CONTAINER_OF(timer, struct door, timer));
}

void door_init(struct door *d, struct peers *p, enum peers_port port)
{
    *d = (struct door){.all = p, .port = port};
    CHECK(uv_timer_init(p->parts.loop, &d->timer) == 0); /* only fills in the struct */
    d->timer.data = p;
    p->handles++;
}

void door_open(struct door *d)
{
    if (d->wanted)
        return;
    d->wanted = true;
    d->complain = true;
    uv_timer_start(&d->timer, on_timer, 0, 0); /* the outcome is told from the loop */
}

void door_close(struct door *d)
{
    d->wanted = false;
    close_listeners(d);
}

void door_reopen(struct door *d)
{
    if (!d->wanted)
        return;
    door_close(d);
    door_open(d);
}
