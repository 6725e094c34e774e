/* peers_speakers.c - the connections of the election port: an initial message, then frames (quorum-protocol 1.1, 1.3).
 */
#include "agent/peers/peers_internal.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

static const struct channel_kind speaker_kind;

void speaker_drop(struct speaker *s)
{
    s->peer = NULL;
    newcomer_remove(s->all, &s->newcomer);
    list_remove(&s->link);
    channel_close(&s->channel);
}

/* There are no pings here: that nothing arrives any more is seen only by its not being acknowledged, and without this
 * the kernel goes on for a quarter of an hour, ever more seldom. */
static void limit_silence(const struct peers *p, int fd)
{
    const unsigned ms = (unsigned)p->options.connect_ms;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof ms); /* it is no worse off without */
}

/* Takes `fd` over. NULL: out of memory. */
static struct speaker *speaker_new(struct peers *p, int fd, unsigned how)
{
    struct speaker *s = mem_calloc(1, sizeof *s);
    if (s == NULL) {
        close(fd);
        return NULL;
    }
    s->all = p;
    list_init(&s->newcomer.link);
    limit_silence(p, fd);
    if (channel_open(&s->channel, &p->channels, fd, how, &speaker_kind, &p->speaker_limits) != ST_OK) {
        mem_free(s);
        return NULL;
    }
    list_append(&p->speakers, &s->link);
    return s;
}

/* -- the initial message ------------------------------------------------------------------------------------------- */

/* "host:port|host:port": usually one. */
static enum status print_own(const struct peers *p, struct buffer *text)
{
    const struct places *own = peers_own_places(p);
    enum status st = ST_OK;
    for (size_t i = 0; i < own->count && st == ST_OK; i++) {
        const struct member_address *place = &own->items[i];
        bool is_ipv6 = memchr(place->host.data, ':', place->host.len) != NULL;
        st = buffer_printf(text, is_ipv6 ? "%s[%.*s]:%u" : "%s%.*s:%u", i > 0 ? "|" : "", BYTES_PRINT(place->host),
                           (unsigned)place->election_port);
    }
    return st;
}

static void say_hello(struct speaker *s)
{
    struct buffer addresses = {0};
    struct buffer message = {0};
    struct writer w = writer_to(&message);
    w.status = print_own(s->all, &addresses);
    if (w.status == ST_OK) {
        const struct hello hello = {s->all->options.sid, buffer_bytes(&addresses)};
        hello_encode(&w, &hello);
    }
    if (w.status == ST_OK)
        channel_send(&s->channel, buffer_bytes(&message));
    else
        channel_fail(&s->channel, "no memory for the initial message");
    buffer_free(&addresses);
    buffer_free(&message);
}

struct speaker *speaker_dialed(struct peer *peer, int fd, struct bytes host)
{
    struct peers *p = peer->all;
    struct sockaddr_storage remote = {0};
    socklen_t len = sizeof remote;
    bool is_known = getpeername(fd, (struct sockaddr *)&remote, &len) == 0;
    struct speaker *s = speaker_new(p, fd, peers_how_dialed(p));
    if (s == NULL)
        return NULL;
    if (is_known)
        s->remote = address_of(&remote);
    called_set(&s->called, host);
    s->peer = peer;
    return s;
}

static bool is_being_made(const struct speaker *s)
{
    return s->peer != NULL && s->peer->caller == s;
}

static void opened(struct channel *c)
{
    struct speaker *s = CONTAINER_OF(c, struct speaker, channel);
    struct peer *peer = s->peer;
    const char *wrong = peers_objection(s->all, c, &s->remote, s->came_in ? NULL : &s->called);
    if (wrong != NULL) {
        channel_fail(c, wrong);
    } else if (!s->came_in) {
        say_hello(s);
        peer_reached(peer);
    }
}

void speaker_leave(struct speaker *s)
{
    s->peer = NULL;
    s->leaving = true;
    newcomer_add(s->all, &s->newcomer, &s->channel); /* it must not stay for ever either */
    channel_touch(&s->channel);
}

/* What is wrong with it, or NULL. */
static const char *objection(const struct peers *p, const struct hello *hello)
{
    if (hello->sid == p->options.sid)
        return "it says that it is this very server: two servers have the same id";
    /* The largest number stood for an observer without one; it would have to be given a negative id, which is smaller
     * than any, and then be closed. */
    if (hello->sid < 0 || hello->sid == INT64_MAX)
        return "it has no id";
    return NULL;
}

static void introduce(struct speaker *s, struct peer *peer, const struct hello *hello)
{
    newcomer_remove(s->all, &s->newcomer);
    if (peer->sid > s->all->options.sid) {
        peer_attach(peer, s, hello->addresses);
        return;
    }
    peer_dial_back(peer, hello->addresses);
    speaker_drop(s);
}

static size_t take_hello(struct speaker *s, struct bytes bytes)
{
    struct hello hello;
    size_t used = 0;
    enum status st = hello_decode(bytes, &hello, &used);
    if (st == ST_TRUNCATED)
        return 0;
    const char *wrong = st == ST_OK ? objection(s->all, &hello) : "what it says first is no initial message";
    struct peer *peer = wrong == NULL ? peer_of(s->all, hello.sid) : NULL;
    if (wrong == NULL && peer == NULL)
        wrong = "there is no room for it";
    if (wrong != NULL) {
        channel_fail(&s->channel, wrong);
        return 0;
    }
    introduce(s, peer, &hello);
    return used;
}

/* -- frames -------------------------------------------------------------------------------------------------------- */

static size_t take_frame(struct speaker *s, struct bytes bytes)
{
    const struct peers_events *events = &s->all->parts.events;
    struct bytes frame;
    size_t used = 0;
    switch (election_frame_next(bytes, &frame, &used)) {
    case FRAME_INCOMPLETE: return 0;
    case FRAME_BAD: channel_fail(&s->channel, "it sends a frame of an impossible length"); return 0;
    case FRAME_WHOLE: break;
    }
    events->notification(events->context, s->peer->sid, frame);
    return used;
}

static size_t take(struct channel *c, struct bytes bytes)
{
    struct speaker *s = CONTAINER_OF(c, struct speaker, channel);
    if (s->leaving)
        return bytes.len;
    return s->peer == NULL ? take_hello(s, bytes) : take_frame(s, bytes);
}

/* What TLS has sent behind its handshake may lie unread here: were the socket closed now, the kernel would tell the
 * peer of a reset, and our message might never be read. The peer ends it, or its time as a newcomer does. */
static void leave(struct speaker *s)
{
    if (channel_ssl(&s->channel) == NULL)
        speaker_drop(s);
    else
        stream_finish(&s->channel.stream);
}

static void fill(struct channel *c)
{
    struct speaker *s = CONTAINER_OF(c, struct speaker, channel);
    uint8_t length[sizeof(uint32_t)];
    if (s->leaving) {
        leave(s);
        return;
    }
    struct bytes frame = s->peer == NULL ? BYTES_NULL : peer_next_frame(s->peer);
    if (bytes_is_null(frame))
        return;
    be32_put(length, (uint32_t)frame.len);
    channel_send(c, bytes_make(length, sizeof length));
    channel_send(c, frame);
}

/* -- the end ------------------------------------------------------------------------------------------------------- */

static void say_ended(struct speaker *s, const char *why)
{
    struct peers *p = s->all;
    char remote[ADDRESS_TEXT_SIZE];
    uint32_t held_back = 0;
    (void)address_print(&s->remote, remote);
    if (s->peer != NULL) {
        if (log_limit_pass(&p->log_speaker, peers_now_ms(p), PEERS_LOG_EVERY_MS, &held_back))
            LOG_INFO(p->parts.log, "peers",
                     "the election connection with server %lld at %s has ended: %s (%u more since the last line)",
                     (long long)s->peer->sid, remote, why, held_back);
    } else if (log_limit_pass(&p->log_hello, peers_now_ms(p), PEERS_LOG_EVERY_MS, &held_back)) {
        LOG_WARN(p->parts.log, "peers", "%s is turned away from the election port: %s (%u more since the last line)",
                 remote, why, held_back);
    }
}

static void ended(struct channel *c, const char *why)
{
    struct speaker *s = CONTAINER_OF(c, struct speaker, channel);
    struct peer *peer = s->peer;
    bool was_made = !is_being_made(s);
    peers_count_handshake(s->all, c);
    if (was_made && !s->leaving)
        say_ended(s, why);
    speaker_drop(s);
    if (peer != NULL && was_made)
        peer_detach(peer);
    else if (peer != NULL)
        peer_not_reached(peer, why);
}

static void freed(struct channel *c)
{
    mem_free(CONTAINER_OF(c, struct speaker, channel));
}

static const struct channel_kind speaker_kind = {opened, take, fill, NULL, ended, freed};

void speaker_accepted(struct peers *p, int fd, const struct address *remote)
{
    struct speaker *s = speaker_new(p, fd, peers_how_taken_in(p));
    if (s == NULL) {
        peers_say_no_memory(p);
        return;
    }
    s->came_in = true;
    s->remote = *remote;
    newcomer_add(p, &s->newcomer, &s->channel);
}

void speakers_init(struct peers *p)
{
    /* At most one frame is on its way: the next one waits in its peer. */
    const size_t whole = ELECTION_FRAME_MAX + sizeof(uint32_t);
    p->speaker_limits = (struct channel_limits){.input_max = whole, .unsent_max = whole, .unsent_mark = whole};
}
