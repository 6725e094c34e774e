/* channel.h - a stream with what waits on both sides of it: bytes that came and were not taken, bytes to be sent at the
 * end of the turn. What servers say to each other goes through channels, on both ports.
 *
 * A channel opens from the loop: one that was dialed at once, or when its TLS handshake is done; one that came in when
 * its first byte has, or its handshake is done. Handshakes are bounded in time and, each turn, in number.
 *
 * A channel is part of its owner's struct, whose kind says what to do. The functions of a kind come from the loop,
 * never from within a call; they may do anything to any channel. Loop thread only. */
#pragma once

#include "agent/net/stream.h"
#include "core/base/list.h"

struct channel;
struct tls;

struct channel_kind {
    /* The channel is open: it may be sent to. Whoever objects to the peer's certificate (channel_ssl) fails it. */
    void (*opened)(struct channel *c);
    /* What has come and was not taken yet; returns how much of it is. Valid until the loop goes on, even if the channel
     * is closed meanwhile. Called again with what comes next, and at once if something was taken and something is left.
     */
    size_t (*take)(struct channel *c, struct bytes bytes);
    /* Nothing waits to leave any more: what is sent now goes in a write of its own. Called for a channel that was
     * touched, and whenever everything has left. May be NULL. */
    void (*fill)(struct channel *c);
    /* More than the mark was waiting to leave, and no longer is. May be NULL. */
    void (*lighter)(struct channel *c);
    /* The connection is at its end and is to be closed by the callee; `why` says so to a reader of the log. */
    void (*ended)(struct channel *c, const char *why);
    /* Nobody knows the channel any more: the owner may free it. */
    void (*freed)(struct channel *c);
};

enum { CHANNEL_INPUT_BYTES = 64 * 1024 };

/* What the channels of one owner share. The fields are channel.c's, but for `open`. */
struct channels {
    uv_loop_t *loop;
    struct streams *streams;
    const struct tls *tls; /* NULL: none of them speaks it */
    uint32_t handshake_ms;
    struct list handshakes;   /* under way, by age */
    uv_timer_t timer;         /* for the oldest of them */
    uint32_t handshakes_left; /* to be worked on in this turn */
    uv_prepare_t flush;       /* before the loop waits */
    uv_idle_t work;           /* keeps the loop from waiting while there is something to do */
    struct list dirty;        /* have something to send */
    struct list ready;        /* are to go on without news from the socket */
    struct list fed;          /* are sent what is shared */
    struct buffer shared;     /* in this turn, and not flushed yet */
    uint32_t open;            /* not yet freed */
    uint32_t handles;
    bool closing;
    void (*closed)(void *context);
    void *context;
    uint8_t input[CHANNEL_INPUT_BYTES];
};

/* `streams` are those of the loop, and stay the caller's. `tls` may be NULL; it stays the caller's as long as a channel
 * is open. A handshake that takes longer than handshake_ms ends its channel. */
void channels_init(struct channels *cs, struct streams *streams, const struct tls *tls, uint32_t handshake_ms);

/* When every channel of them is closed, and freed, calls `closed` from the loop. */
void channels_close(struct channels *cs, void (*closed)(void *context), void *context);

/* Sends what was said so far in this turn. */
void channels_flush(struct channels *cs);

struct channel_limits {
    size_t input_max;   /* bytes that came, of which nothing can be taken: more end the connection */
    size_t unsent_max;  /* bytes that wait to leave when more are added: more end the connection */
    size_t unsent_mark; /* see channel_kind.lighter */
};

/* How a channel begins. Of one that came in and may be both, the first byte decides. */
enum { CHANNEL_CAME_IN = 1, CHANNEL_PLAIN = 2, CHANNEL_TLS = 4 };

enum channel_phase {
    CHANNEL_BEGINS,
    CHANNEL_SHAKES_HANDS,
    CHANNEL_LINGERS, /* the handshake has failed, and the peer is to hear why */
    CHANNEL_IS_OPEN
};

/* The fields are channel.c's. */
struct channel {
    struct stream stream;
    unsigned how;
    enum channel_phase phase;
    struct list handshake;
    uint64_t handshake_due_ms;
    struct channels *all;
    const struct channel_kind *kind;
    const struct channel_limits *limits;
    struct list dirty, ready, fed;
    struct buffer in, out;
    size_t shared_from;  /* of a fed one: what it has of `shared`; the rest comes behind `out` */
    const char *failure; /* why it is to end; static */
    const char *refusal; /* why it will, when it has lingered; static */
    bool held;
    bool offer; /* `in` is to be shown again, though nothing has come */
    bool heavy; /* more than the mark waits */
    bool overflowed;
};

/* Takes the socket over, which must not block; it is closed with the channel, or at once when this fails. `how` is made
 * of the flags above. `kind` and `limits` stay the caller's. `opened` or `ended` follows. ST_IO_ERROR, ST_NO_MEMORY. */
enum status channel_open(struct channel *c, struct channels *cs, int fd, unsigned how, const struct channel_kind *kind,
                         const struct channel_limits *limits);

/* Zero-initialised it is not. */
static inline bool channel_is_open(const struct channel *c)
{
    return c->phase == CHANNEL_IS_OPEN;
}

/* NULL: it does not speak TLS. */
static inline const struct ssl_st *channel_ssl(const struct channel *c)
{
    return c->stream.ssl;
}

/* Whether it ends because of its handshake. */
static inline bool channel_handshake_failed(const struct channel *c)
{
    return c->phase == CHANNEL_SHAKES_HANDS || c->phase == CHANNEL_LINGERS;
}

/* Sends a copy at the end of the turn. A failure ends the connection. Only once it is open. */
void channel_send(struct channel *c, struct bytes bytes);

/* From now on it is sent what is shared, in order with what it is sent alone. Harmless when repeated. */
void channel_feed(struct channel *c);

/* Sends to every channel that is fed. The bytes are kept once, however many those are; a channel has a copy only of
 * what its socket does not take. */
void channels_share(struct channels *cs, struct bytes bytes);

/* Asks for `fill` at the end of the turn. */
void channel_touch(struct channel *c);

size_t channel_unsent(const struct channel *c);

/* Nothing is taken, and read, until channel_go. Harmless when repeated. */
void channel_hold(struct channel *c);
void channel_go(struct channel *c);

/* Has `ended` called with `why`, a static text. Nothing is taken or sent any more. */
void channel_fail(struct channel *c, const char *why);

/* Closes at once, dropping what is unsent; only `freed` follows. Harmless when repeated. */
void channel_close(struct channel *c);

static inline bool channel_is_closed(const struct channel *c)
{
    return stream_is_closed(&c->stream);
}

/* Whether it ended because too much was waiting to leave. */
static inline bool channel_has_overflowed(const struct channel *c)
{
    return c->overflowed;
}
