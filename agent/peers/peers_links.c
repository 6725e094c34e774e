/* peers_links.c - the quorum side: links by number, made here or taken in. */
#include "agent/peers/peers_internal.h"

static const struct channel_kind link_kind;

static struct link *find(const struct peers *p, uint64_t number)
{
    return map64_get(&p->links, number);
}

/* That is connected; NULL otherwise. */
static struct link *find_connected(const struct peers *p, uint64_t number)
{
    struct link *l = find(p, number);
    return l != NULL && l->is_known ? l : NULL;
}

/* Not connected, and without a dial yet. NULL: out of memory. */
static struct link *link_new(struct peers *p, int64_t sid)
{
    struct link *l = mem_calloc(1, sizeof *l);
    if (l == NULL || map64_put(&p->links, p->last_link + 1, l) != ST_OK) {
        mem_free(l);
        return NULL;
    }
    l->all = p;
    l->number = ++p->last_link;
    l->sid = sid;
    list_init(&l->newcomer.link);
    list_append(&p->all_links, &l->link);
    return l;
}

/* Nothing finds it any more. */
static void forget(struct link *l)
{
    struct peers *p = l->all;
    newcomer_remove(p, &l->newcomer);
    p->links_in -= l->came_in;
    map64_remove(&p->links, l->number);
    list_remove(&l->link);
}

static void link_close(struct link *l)
{
    dial_cancel(l->dial);
    forget(l);
    if (l->has_channel)
        channel_close(&l->channel); /* which frees it */
    else
        mem_free(l);
}

/* -- what comes of it ---------------------------------------------------------------------------------------------- */

static size_t take(struct channel *c, struct bytes bytes)
{
    struct link *l = CONTAINER_OF(c, struct link, channel);
    struct peers *p = l->all;
    size_t taken = p->parts.events.received(p->parts.events.context, l->number, bytes);
    if (taken > 0)
        newcomer_remove(p, &l->newcomer);
    return taken;
}

static void lighter(struct channel *c)
{
    const struct link *l = CONTAINER_OF(c, struct link, channel);
    const struct peers_events *events = &l->all->parts.events;
    events->writable(events->context, l->number);
}

/* Of one that the user knew. */
static void say_ended(struct link *l, const char *why)
{
    struct peers *p = l->all;
    char remote[ADDRESS_TEXT_SIZE];
    uint32_t held_back = 0;
    (void)address_print(&l->remote, remote);
    if (channel_has_overflowed(&l->channel)) {
        p->links_closed++;
        if (log_limit_pass(&p->log_slow, peers_now_ms(p), PEERS_LOG_EVERY_MS, &held_back))
            LOG_WARN(p->parts.log, "peers",
                     "the quorum link with %s is closed: %zu bytes wait to be sent, more than %zu (%u more since the "
                     "last line)",
                     remote, channel_unsent(&l->channel), l->channel.limits->unsent_max, held_back);
    } else if (log_limit_pass(&p->log_link, peers_now_ms(p), PEERS_LOG_EVERY_MS, &held_back)) {
        LOG_INFO(p->parts.log, "peers", "the quorum link with %s has ended: %s (%u more since the last line)", remote,
                 why, held_back);
    }
}

static void say_turned_away(struct link *l, const char *why)
{
    struct peers *p = l->all;
    char remote[ADDRESS_TEXT_SIZE];
    uint32_t held_back = 0;
    (void)address_print(&l->remote, remote);
    if (log_limit_pass(&p->log_hello, peers_now_ms(p), PEERS_LOG_EVERY_MS, &held_back))
        LOG_WARN(p->parts.log, "peers", "%s is turned away from the quorum port: %s (%u more since the last line)",
                 remote, why, held_back);
}

static void say_unreachable(struct link *l, const char *why)
{
    struct peers *p = l->all;
    uint32_t held_back = 0;
    if (log_limit_pass(&p->log_unreachable, peers_now_ms(p), PEERS_LOG_EVERY_MS, &held_back))
        LOG_INFO(p->parts.log, "peers",
                 "server %lld cannot be reached on its quorum port: %s (%u more since the last line)",
                 (long long)l->sid, why, held_back);
}

/* The user hears of the end of what it knows, and of what it has asked for. */
static void end(struct link *l, const char *why)
{
    const struct peers_events *events = &l->all->parts.events;
    uint64_t number = l->number;
    bool is_of_interest = l->is_known || !l->came_in;
    if (l->is_known)
        say_ended(l, why);
    else if (l->came_in)
        say_turned_away(l, why);
    else
        say_unreachable(l, why);
    link_close(l);
    if (is_of_interest)
        events->closed(events->context, number);
}

static void ended(struct channel *c, const char *why)
{
    struct link *l = CONTAINER_OF(c, struct link, channel);
    peers_count_handshake(l->all, c);
    end(l, why);
}

static void opened(struct channel *c)
{
    struct link *l = CONTAINER_OF(c, struct link, channel);
    const struct peers_events *events = &l->all->parts.events;
    const char *wrong = peers_objection(l->all, c, &l->remote, l->came_in ? NULL : &l->called);
    if (wrong != NULL) {
        channel_fail(c, wrong);
        return;
    }
    l->is_known = true;
    if (l->came_in)
        events->accepted(events->context, l->number);
    else
        events->connected(events->context, l->number);
}

static void freed(struct channel *c)
{
    mem_free(CONTAINER_OF(c, struct link, channel));
}

static const struct channel_kind link_kind = {opened, take, NULL, lighter, ended, freed};

/* -- making and taking in ------------------------------------------------------------------------------------------ */

static enum status link_open(struct link *l, int fd, unsigned how)
{
    struct peers *p = l->all;
    enum status st = channel_open(&l->channel, &p->channels, fd, how, &link_kind, &p->link_limits);
    l->has_channel = st == ST_OK;
    return st;
}

static void on_dialed(void *context, int fd, struct bytes host, const char *why)
{
    struct link *l = context;
    struct sockaddr_storage remote = {0};
    socklen_t len = sizeof remote;
    l->dial = NULL;
    called_set(&l->called, host);
    if (fd >= 0 && getpeername(fd, (struct sockaddr *)&remote, &len) == 0)
        l->remote = address_of(&remote);
    enum status st = fd < 0 ? ST_IO_ERROR : link_open(l, fd, peers_how_dialed(l->all));
    if (st != ST_OK)
        end(l, fd < 0 ? why : status_text(st));
}

static uint64_t connect_to(struct peers *p, int64_t sid, enum peers_port port)
{
    struct dial_target targets[DIAL_TARGETS_MAX];
    const struct peer *peer = peer_find(p, sid);
    size_t count = 0;
    if (peer != NULL && peer->places != NULL)
        count = places_targets(p, peer->places, port, targets, DIAL_TARGETS_MAX);
    struct link *l = link_new(p, sid);
    if (l == NULL)
        return 0;
    if (dial_start(&l->dial, p->parts.loop, targets, count, p->options.connect_ms, on_dialed, l) != ST_OK) {
        link_close(l);
        return 0;
    }
    return l->number;
}

uint64_t peers_connect(struct peers *p, int64_t sid)
{
    return connect_to(p, sid, PEERS_QUORUM);
}

uint64_t peers_observe(struct peers *p, int64_t sid)
{
    return connect_to(p, sid, PEERS_OBSERVERS);
}

static bool has_room(struct peers *p, const struct address *remote)
{
    char text[ADDRESS_TEXT_SIZE];
    uint32_t held_back = 0;
    if (p->links_in < p->options.links_max)
        return true;
    (void)address_print(remote, text);
    if (log_limit_pass(&p->log_full, peers_now_ms(p), PEERS_LOG_EVERY_MS, &held_back))
        LOG_WARN(p->parts.log, "peers",
                 "%s is turned away from the quorum port: %u links have come in already (%u more since the last line)",
                 text, p->links_in, held_back);
    return false;
}

void link_accepted(struct peers *p, int fd, const struct address *remote)
{
    if (!has_room(p, remote)) {
        close(fd);
        return;
    }
    struct link *l = link_new(p, -1);
    if (l == NULL) {
        close(fd);
        peers_say_no_memory(p);
        return;
    }
    p->links_in++;
    l->came_in = true;
    l->remote = *remote;
    if (link_open(l, fd, peers_how_taken_in(p)) != ST_OK) {
        link_close(l);
        peers_say_no_memory(p);
        return;
    }
    newcomer_add(p, &l->newcomer, &l->channel);
}

void links_init(struct peers *p)
{
    p->link_limits = (struct channel_limits){.input_max = p->options.input_bytes_max,
                                             .unsent_max = p->options.unsent_bytes_max,
                                             .unsent_mark = p->options.unsent_mark};
}

/* -- what is said of it -------------------------------------------------------------------------------------------- */

void peers_send(struct peers *p, uint64_t link, struct bytes bytes)
{
    struct link *l = find_connected(p, link);
    if (l != NULL)
        channel_send(&l->channel, bytes);
}

void peers_join_feed(struct peers *p, uint64_t link)
{
    struct link *l = find_connected(p, link);
    if (l != NULL)
        channel_feed(&l->channel);
}

void peers_feed(struct peers *p, struct bytes bytes)
{
    channels_share(&p->channels, bytes);
}

size_t peers_unsent(const struct peers *p, uint64_t link)
{
    const struct link *l = find_connected(p, link);
    return l == NULL ? 0 : channel_unsent(&l->channel);
}

void peers_hold(struct peers *p, uint64_t link)
{
    struct link *l = find_connected(p, link);
    if (l != NULL)
        channel_hold(&l->channel);
}

void peers_go(struct peers *p, uint64_t link)
{
    struct link *l = find_connected(p, link);
    if (l != NULL)
        channel_go(&l->channel);
}

void peers_close(struct peers *p, uint64_t link)
{
    struct link *l = find(p, link);
    if (l != NULL)
        link_close(l);
}

void peers_close_all(struct peers *p)
{
    LIST_FOR_EACH(at, &p->all_links)
    link_close(LIST_ENTRY(at, struct link, link));
}

bool peers_remote(const struct peers *p, uint64_t link, char text[PEERS_REMOTE_SIZE], int64_t *sid)
{
    static_assert((int)PEERS_REMOTE_SIZE >= (int)ADDRESS_TEXT_SIZE, "an address fits");
    const struct link *l = find_connected(p, link);
    if (l == NULL)
        return false;
    (void)address_print(&l->remote, text);
    *sid = l->sid;
    return true;
}
