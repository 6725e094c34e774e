/* peers.c - the servers that are known, and the life of the whole. */
#include "agent/peers/peers_internal.h"

uint64_t peers_now_ms(const struct peers *p)
{
    return uv_now(p->parts.loop);
}

void peers_say_no_memory(struct peers *p)
{
    uint32_t held_back = 0;
    if (log_limit_pass(&p->log_memory, peers_now_ms(p), PEERS_LOG_EVERY_MS, &held_back))
        LOG_ERROR(p->parts.log, "peers", "out of memory for a connection between servers (%u more since the last line)",
                  held_back);
}

/* -- places -------------------------------------------------------------------------------------------------------- */

/* NULL: out of memory. */
static struct places *places_new(const struct member_address *items, size_t count)
{
    size_t text_len = 0;
    CHECK(count <= PLACES_MAX);
    for (size_t i = 0; i < count; i++)
        text_len += items[i].host.len;
    struct places *places = mem_calloc(1, sizeof *places + text_len);
    if (places == NULL)
        return NULL;
    char *at = places->text;
    for (size_t i = 0; i < count; i++) {
        struct member_address *own = &places->items[places->count++];
        *own = items[i];
        own->host = bytes_make(at, items[i].host.len);
        memcpy(at, items[i].host.data, items[i].host.len);
        at += items[i].host.len;
    }
    return places;
}

static bool places_equal(const struct places *a, const struct places *b)
{
    bool equal = a->count == b->count;
    for (size_t i = 0; i < a->count && equal; i++)
        equal = bytes_compare(a->items[i].host, b->items[i].host) == 0 &&
                a->items[i].quorum_port == b->items[i].quorum_port &&
                a->items[i].election_port == b->items[i].election_port;
    return equal;
}

size_t places_targets(const struct peers *p, const struct places *places, enum peers_port port,
                      struct dial_target *targets, size_t max)
{
    size_t count = 0;
    for (; count < places->count && count < max; count++) {
        const struct member_address *place = &places->items[count];
        const uint16_t numbers[] = {[PEERS_ELECTION] = place->election_port,
                                    [PEERS_QUORUM] = place->quorum_port,
                                    [PEERS_OBSERVERS] = p->options.observer_port};
        targets[count] = (struct dial_target){place->host, numbers[port]};
    }
    return count;
}

const struct places *peers_own_places(const struct peers *p)
{
    return p->own != NULL ? p->own : p->own_default;
}

/* -- configurations ------------------------------------------------------------------------------------------------ */

void peer_set_places(struct peer *peer, struct places *places)
{
    struct peers *p = peer->all;
    p->strangers += places == NULL && peer->places != NULL;
    p->strangers -= places != NULL && peer->places == NULL;
    mem_free(peer->places);
    peer->places = places;
}

static bool has_address(const struct member_address *items, size_t count, const struct member_address *address)
{
    for (size_t i = 0; i < count; i++)
        if (bytes_equal(items[i].host, address->host) && items[i].quorum_port == address->quorum_port &&
            items[i].election_port == address->election_port)
            return true;
    return false;
}

/* Where a server may be while a configuration is pending: where it was, or where it is going. One of both may be NULL.
 * NULL: out of memory. */
static struct places *places_of(const struct member *committed, const struct member *pending)
{
    struct member_address items[PLACES_MAX];
    size_t count = 0;
    for (size_t i = 0; committed != NULL && i < committed->address_count; i++)
        items[count++] = committed->addresses[i];
    for (size_t i = 0; pending != NULL && i < pending->address_count; i++)
        if (!has_address(items, count, &pending->addresses[i]))
            items[count++] = pending->addresses[i];
    return places_new(items, count);
}

static enum status take_member(struct peers *p, int64_t sid, struct places *places)
{
    if (places == NULL)
        return ST_NO_MEMORY;
    struct peer *peer = peer_find(p, sid);
    if (peer == NULL)
        peer = peer_new(p, sid);
    if (peer == NULL) {
        mem_free(places);
        return ST_NO_MEMORY;
    }
    peer_set_places(peer, places);
    return ST_OK;
}

static const struct member *find(const struct members *members, int64_t sid)
{
    return members == NULL ? NULL : members_find(members, sid);
}

/* Those of `members`; `pending` may know more of them. */
static enum status take_others(struct peers *p, const struct members *members, const struct members *committed,
                               const struct members *pending)
{
    enum status st = ST_OK;
    for (size_t i = 0; members != NULL && i < members->count && st == ST_OK; i++) {
        int64_t sid = members->items[i]->sid;
        if (sid != p->options.sid)
            st = take_member(p, sid, places_of(find(committed, sid), find(pending, sid)));
    }
    return st;
}

/* `*changed`: this server's addresses are others now. A configuration that does not name it leaves it where it is. */
static enum status take_own(struct peers *p, const struct members *members, bool *changed)
{
    const struct member *own = members_find(members, p->options.sid);
    struct places *former = p->own;
    *changed = false;
    if (own == NULL)
        return ST_OK;
    struct places *places = places_of(own, NULL);
    if (places == NULL)
        return ST_NO_MEMORY;
    *changed = !places_equal(peers_own_places(p), places);
    p->own = places;
    mem_free(former);
    return ST_OK;
}

enum status peers_update(struct peers *p, const struct members *committed, const struct members *pending)
{
    bool changed = false;
    enum status st = take_own(p, committed, &changed);
    if (st == ST_OK)
        st = take_others(p, committed, committed, pending);
    if (st == ST_OK)
        st = take_others(p, pending, committed, pending);
    LIST_FOR_EACH(at, &p->everyone)
    {
        struct peer *peer = LIST_ENTRY(at, struct peer, link);
        bool is_gone = find(committed, peer->sid) == NULL && find(pending, peer->sid) == NULL;
        if (is_gone && peer->places != NULL)
            peer_set_places(peer, NULL);
        peer_settle(peer);
    }
    if (changed)
        for (size_t i = 0; i < PEERS_PORT_COUNT; i++)
            door_reopen(&p->doors[i]);
    return st;
}

/* -- beginning and end --------------------------------------------------------------------------------------------- */

static void free_parts(struct peers *p)
{
    LIST_FOR_EACH(at, &p->everyone)
    peer_free(LIST_ENTRY(at, struct peer, link));
    map64_free(&p->peers);
    map64_free(&p->links);
    buffer_free(&p->to_self);
    mem_free(p->own);
    mem_free(p->own_default);
    mem_free(p);
}

/* Everything that may fail, before libuv knows of it. */
static enum status fill_in(struct peers *p, const struct members *committed, const struct members *pending)
{
    bool changed = false;
    p->own_default = places_new(p->options.own, p->options.own_count);
    if (p->own_default == NULL)
        return ST_NO_MEMORY;
    p->options.own = NULL;
    enum status st = take_own(p, committed, &changed);
    if (st == ST_OK)
        st = take_others(p, committed, committed, pending);
    return st == ST_OK ? take_others(p, pending, committed, pending) : st;
}

enum status peers_new(struct peers **out, const struct peers_parts *parts, const struct peers_options *options,
                      const struct members *committed, const struct members *pending)
{
    struct peers *p = mem_calloc(1, sizeof *p);
    CHECK(options->own_count > 0 && (parts->tls != NULL || !options->security.takes_tls));
    if (p == NULL)
        return ST_NO_MEMORY;
    p->parts = *parts;
    p->options = *options;
    list_init(&p->everyone);
    list_init(&p->speakers);
    list_init(&p->all_links);
    enum status st = fill_in(p, committed, pending);
    if (st != ST_OK) {
        free_parts(p);
        return st;
    }
    channels_init(&p->channels, parts->streams, parts->tls, (uint32_t)options->security.handshake_ms);
    speakers_init(p);
    links_init(p);
    newcomers_init(p);
    election_init(p);
    for (size_t i = 0; i < PEERS_PORT_COUNT; i++)
        door_init(&p->doors[i], p, (enum peers_port)i);
    *out = p;
    return ST_OK;
}

void peers_maybe_free(struct peers *p)
{
    if (p->handles > 0 || !p->channels_closed)
        return;
    void (*done)(void *context) = p->done;
    void *context = p->done_context;
    free_parts(p);
    done(context);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct peers *p = handle->data;
    p->handles--;
    peers_maybe_free(p);
}

static void on_channels_closed(void *context)
{
    struct peers *p = context;
    p->channels_closed = true;
    peers_maybe_free(p);
}

void peers_stop(struct peers *p, void (*done)(void *context), void *context)
{
    CHECK(!p->stopping);
    p->stopping = true;
    p->done = done;
    p->done_context = context;
    peers_close_all(p);
    LIST_FOR_EACH(at, &p->speakers)
    speaker_drop(LIST_ENTRY(at, struct speaker, link));
    LIST_FOR_EACH(at, &p->everyone)
    {
        struct peer *peer = LIST_ENTRY(at, struct peer, link);
        dial_cancel(peer->dial);
        peer->dial = NULL;
        peer->speaker = peer->caller = NULL;
    }
    for (size_t i = 0; i < PEERS_PORT_COUNT; i++) {
        door_close(&p->doors[i]);
        uv_close((uv_handle_t *)&p->doors[i].timer, on_timer_closed);
    }
    uv_close((uv_handle_t *)&p->newcomer_timer, on_timer_closed);
    uv_close((uv_handle_t *)&p->self_timer, on_timer_closed);
    uv_close((uv_handle_t *)&p->retry_timer, on_timer_closed);
    channels_close(&p->channels, on_channels_closed, p);
}

void peers_open(struct peers *p)
{
    door_open(&p->doors[PEERS_ELECTION]);
}

void peers_listen(struct peers *p)
{
    door_open(&p->doors[PEERS_QUORUM]);
}

void peers_listen_observers(struct peers *p)
{
    CHECK(p->options.observer_port > 0);
    door_open(&p->doors[PEERS_OBSERVERS]);
}

void peers_unlisten(struct peers *p)
{
    door_close(&p->doors[PEERS_QUORUM]);
    door_close(&p->doors[PEERS_OBSERVERS]);
}

void peers_flush(struct peers *p)
{
    channels_flush(&p->channels);
}

bool peers_is_listening(const struct peers *p, enum peers_port port)
{
    return p->doors[port].open;
}

void peers_status(const struct peers *p, struct peers_status *status)
{
    *status = (struct peers_status){.strangers = p->strangers,
                                    .newcomers = p->newcomer_count,
                                    .links = (uint32_t)p->links.count,
                                    .links_closed = p->links_closed};
    LIST_FOR_EACH(at, &p->everyone)
    status->connected += LIST_ENTRY(at, struct peer, link)->speaker != NULL;
}
