/* peers_election.c - who is told what: one frame waits for each server, the newest; a connection is made when there is
 * something to say, by the rules of quorum-protocol 1.2. */
#include "agent/peers/peers_internal.h"

#include <netinet/in.h>

enum { TO_SELF_MAX = 100 };

/* -- the servers that are known ------------------------------------------------------------------------------------ */

struct peer *peer_find(const struct peers *p, int64_t sid)
{
    return map64_get(&p->peers, (uint64_t)sid);
}

struct peer *peer_new(struct peers *p, int64_t sid)
{
    struct peer *peer = mem_calloc(1, sizeof *peer);
    if (peer == NULL || map64_put(&p->peers, (uint64_t)sid, peer) != ST_OK) {
        mem_free(peer);
        return NULL;
    }
    peer->all = p;
    peer->sid = sid;
    list_append(&p->everyone, &peer->link);
    p->strangers++;
    return peer;
}

struct peer *peer_of(struct peers *p, int64_t sid)
{
    uint32_t held_back = 0;
    struct peer *peer = peer_find(p, sid);
    if (peer != NULL)
        return peer;
    if (p->strangers < p->options.strangers_max) {
        peer = peer_new(p, sid);
        if (peer == NULL)
            peers_say_no_memory(p);
        return peer;
    }
    if (log_limit_pass(&p->log_strangers, peers_now_ms(p), PEERS_LOG_EVERY_MS, &held_back))
        LOG_WARN(p->parts.log, "peers",
                 "server %lld is turned away: %u servers that are in no configuration are there already (%u more since "
                 "the last line)",
                 (long long)sid, p->strangers, held_back);
    return NULL;
}

void peer_free(struct peer *peer)
{
    struct peers *p = peer->all;
    dial_cancel(peer->dial);
    p->strangers -= peer->places == NULL;
    map64_remove(&p->peers, (uint64_t)peer->sid);
    list_remove(&peer->link);
    mem_free(peer->places);
    buffer_free(&peer->announced);
    buffer_free(&peer->waiting);
    buffer_free(&peer->last);
    mem_free(peer);
}

void peer_settle(struct peer *peer)
{
    if (peer->places == NULL && peer->speaker == NULL && peer->dial == NULL && peer->caller == NULL)
        peer_free(peer);
}

/* A null slice says nothing new. */
static void remember_announced(struct peer *peer, struct bytes announced)
{
    if (bytes_is_null(announced))
        return;
    peer->announced.len = 0;
    if (buffer_append(&peer->announced, announced.data, announced.len) != ST_OK)
        peers_say_no_memory(peer->all);
}

/* -- connecting ---------------------------------------------------------------------------------------------------- */

/* An address that stands for all of a host says nothing about where it is. */
static bool is_wildcard(struct bytes host)
{
    static const struct in6_addr any6 = IN6ADDR_ANY_INIT;
    struct sockaddr_storage address;
    if (!resolve_literal(host, 0, &address))
        return false;
    struct address a = address_of(&address);
    static const uint8_t any4[4] = {0};
    return memcmp(&a.ip, &any6, sizeof any6) == 0 ||
           (IN6_IS_ADDR_V4MAPPED(&a.ip) && memcmp(a.ip.s6_addr + 12, any4, sizeof any4) == 0);
}

static size_t announced_targets(const struct peer *peer, struct dial_target targets[DIAL_TARGETS_MAX])
{
    struct bytes rest = buffer_bytes(&peer->announced);
    struct hello_address address;
    size_t count = 0;
    while (count < DIAL_TARGETS_MAX && hello_next_address(&rest, &address))
        if (!is_wildcard(address.host))
            targets[count++] = (struct dial_target){address.host, address.port};
    return count;
}

static size_t configured_targets(const struct peer *peer, struct dial_target targets[DIAL_TARGETS_MAX])
{
    return peer->places == NULL ? 0
                                : places_targets(peer->all, peer->places, PEERS_ELECTION, targets, DIAL_TARGETS_MAX);
}

static void on_retry_timer(uv_timer_t *timer)
{
    struct peers *p = timer->data;
    LIST_FOR_EACH(at, &p->everyone)
    {
        struct peer *peer = LIST_ENTRY(at, struct peer, link);
        if (peer->retries)
            peer_connect(peer);
    }
}

/* What waits is not forgotten: an election says it again ever more seldom, and whoever was cut off shall not have to
 * wait for that when the others can be reached again. */
static bool retry_later(struct peer *peer)
{
    struct peers *p = peer->all;
    bool is_first = !peer->retries;
    peer->retries = peer->waiting.len > 0 && peers_now_ms(p) < peer->told_ms + PEERS_RETRY_FOR_MS;
    if (peer->retries && uv_is_active((uv_handle_t *)&p->retry_timer) == 0)
        uv_timer_start(&p->retry_timer, on_retry_timer, PEERS_RETRY_MS, 0);
    return is_first;
}

static void unreachable(struct peer *peer, const char *why)
{
    struct peers *p = peer->all;
    uint32_t held_back = 0;
    if (retry_later(peer) && log_limit_pass(&peer->log_dial, peers_now_ms(p), PEERS_LOG_EVERY_MS, &held_back))
        LOG_WARN(p->parts.log, "peers",
                 "server %lld cannot be reached on its election port: %s (%u more since the last line)",
                 (long long)peer->sid, why, held_back);
}

static void on_dialed(void *context, int fd, struct bytes host, const char *why)
{
    struct peer *peer = context;
    peer->dial = NULL;
    if (fd >= 0)
        peer->caller = speaker_dialed(peer, fd, host);
    if (peer->caller != NULL)
        return;
    if (fd < 0)
        unreachable(peer, why);
    else
        peers_say_no_memory(peer->all);
    peer_settle(peer);
}

void peer_reached(struct peer *peer)
{
    struct peers *p = peer->all;
    struct speaker *s = peer->caller;
    peer->caller = NULL;
    if (peer->sid < p->options.sid) {
        peer_attach(peer, s, BYTES_NULL);
        return;
    }
    /* Having heard of us, the larger one connects. */
    peer->quiet_until_ms = peers_now_ms(p) + PEERS_CHALLENGE_PAUSE_MS;
    speaker_leave(s);
    peer_settle(peer);
}

void peer_not_reached(struct peer *peer, const char *why)
{
    peer->caller = NULL;
    unreachable(peer, why);
    peer_settle(peer);
}

/* Whatever is under way to it is given up. */
static void stop_calling(struct peer *peer)
{
    dial_cancel(peer->dial);
    peer->dial = NULL;
    if (peer->caller != NULL)
        speaker_drop(peer->caller);
    peer->caller = NULL;
}

static void dial(struct peer *peer, const struct dial_target *targets, size_t count, bool back)
{
    struct peers *p = peer->all;
    peer->dials_back = back;
    if (dial_start(&peer->dial, p->parts.loop, targets, count, p->options.connect_ms, on_dialed, peer) != ST_OK)
        peers_say_no_memory(p);
}

void peer_connect(struct peer *peer)
{
    struct dial_target targets[DIAL_TARGETS_MAX];
    const struct peers *p = peer->all;
    if (peer->speaker != NULL || peer->dial != NULL || peer->caller != NULL || p->stopping)
        return;
    if (peer->sid > p->options.sid && peers_now_ms(p) < peer->quiet_until_ms)
        return;
    size_t count = configured_targets(peer, targets);
    if (count == 0)
        count = announced_targets(peer, targets);
    dial(peer, targets, count, false);
}

void peer_dial_back(struct peer *peer, struct bytes announced)
{
    struct dial_target targets[DIAL_TARGETS_MAX];
    /* Were each of a row of messages to begin it anew, a slow connection would never be made. */
    bool is_under_way = (peer->dial != NULL || peer->caller != NULL) && peer->dials_back &&
                        (bytes_is_null(announced) || bytes_equal(announced, buffer_bytes(&peer->announced)));
    if (peer->speaker != NULL)
        speaker_drop(peer->speaker);
    peer->speaker = NULL;
    if (is_under_way)
        return;
    stop_calling(peer);
    remember_announced(peer, announced);
    size_t count = announced_targets(peer, targets);
    if (count == 0)
        count = configured_targets(peer, targets);
    dial(peer, targets, count, true);
    peer_settle(peer);
}

void peer_attach(struct peer *peer, struct speaker *s, struct bytes announced)
{
    if (peer->speaker != NULL)
        speaker_drop(peer->speaker);
    stop_calling(peer);
    remember_announced(peer, announced);
    peer->speaker = s;
    peer->say_again = true;
    peer->retries = false;
    s->peer = peer;
    channel_touch(&s->channel);
}

void peer_detach(struct peer *peer)
{
    peer->speaker = NULL;
    if (peer->waiting.len > 0)
        peer_connect(peer);
    peer_settle(peer);
}

/* -- frames -------------------------------------------------------------------------------------------------------- */

struct bytes peer_next_frame(struct peer *peer)
{
    bool again = peer->say_again;
    peer->say_again = false;
    if (peer->waiting.len > 0) {
        struct buffer former = peer->last;
        peer->last = peer->waiting;
        peer->waiting = former;
        peer->waiting.len = 0;
    } else if (!again || peer->last.len == 0) {
        return BYTES_NULL;
    }
    return buffer_bytes(&peer->last);
}

static void on_self_timer(uv_timer_t *timer)
{
    struct peers *p = timer->data;
    struct buffer all = p->to_self;
    struct bytes rest = buffer_bytes(&all);
    struct bytes frame;
    size_t used = 0;
    p->to_self = (struct buffer){0};
    p->to_self_count = 0;
    while (!p->stopping && election_frame_next(rest, &frame, &used) == FRAME_WHOLE) {
        p->parts.events.notification(p->parts.events.context, p->options.sid, frame);
        rest = bytes_from(rest, used);
    }
    buffer_free(&all);
}

void election_init(struct peers *p)
{
    uv_timer_t *timers[] = {&p->self_timer, &p->retry_timer};
    for (size_t i = 0; i < ARRAY_LEN(timers); i++) {
        CHECK(uv_timer_init(p->parts.loop, timers[i]) == 0); /* only fills in the struct */
        timers[i]->data = p;
        p->handles++;
    }
}

/* The oldest gives way when there are too many. */
static void notify_self(struct peers *p, struct bytes frame)
{
    struct bytes first;
    size_t used = 0;
    if (p->to_self_count == TO_SELF_MAX &&
        election_frame_next(buffer_bytes(&p->to_self), &first, &used) == FRAME_WHOLE) {
        buffer_consume(&p->to_self, used);
        p->to_self_count--;
    }
    struct writer w = writer_to(&p->to_self);
    if (buffer_reserve(&p->to_self, frame.len + sizeof(int32_t)) != ST_OK) {
        peers_say_no_memory(p);
        return;
    }
    election_frame_encode(&w, frame);
    p->to_self_count++;
    uv_timer_start(&p->self_timer, on_self_timer, 0, 0);
}

void peers_notify(struct peers *p, int64_t sid, struct bytes frame)
{
    CHECK(frame.len > 0 && frame.len <= ELECTION_FRAME_MAX);
    if (p->stopping)
        return;
    if (sid == p->options.sid) {
        notify_self(p, frame);
        return;
    }
    struct peer *peer = peer_find(p, sid);
    if (peer == NULL) /* a stranger that has gone */
        return;
    peer->waiting.len = 0;
    peer->retries = false;
    peer->told_ms = peers_now_ms(p);
    if (buffer_append(&peer->waiting, frame.data, frame.len) != ST_OK) {
        peers_say_no_memory(p);
        return;
    }
    if (peer->speaker != NULL)
        channel_touch(&peer->speaker->channel);
    else
        peer_connect(peer);
}
