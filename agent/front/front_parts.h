/* front_parts.h - one connection of a ZooKeeper client, and what the files of the front share.
 *
 * front_zookeeper.c is made, listens, reports and ends; front_accept.c takes connections in and lets them go;
 * front_phases.c is the life of a connection; front_frames.c takes what was read; front_output.c sends. */
#pragma once

#include "agent/base/address.h"
#include "agent/front/front_zookeeper.h"
#include "agent/net/limits.h"
#include "agent/net/stream.h"
#include "agent/net/tls.h"
#include "core/base/check.h"
#include "core/base/list.h"
#include "core/base/log_limit.h"
#include "core/base/map.h"
#include "core/base/mem.h"

enum {
    FRONT_INPUT_BYTES = 64 * 1024, /* read at once, from one connection in one turn */
    FRONT_TURN_FRAMES_MAX = 4096,  /* of all connections; beyond it each gets only a part, so that a turn stays short */
    FRONT_FRAMES_PER_TURN = 256,   /* of one connection; what is beyond waits for the next turn */
    FRONT_FRAMES_IN_PART = 16,     /* likewise, when there are many at work, or only this one */
    FRONT_REPLY_BYTES_PER_TURN = 256 * 1024, /* likewise, for what its frames made */
    FRONT_OUTBOX_BYTES_MAX = 1024 * 1024,    /* delivered without waiting for the end of the turn */
    FRONT_HANDSHAKES_PER_TURN = 8,           /* a private-key operation takes a millisecond */
    FRONT_LINGER_MS = 2000,                  /* from the last byte we want to send until the socket is closed */
    FRONT_GIVE_WAY_MS = 1000,                /* without a session for longer: closed when a newcomer needs the place */
    FRONT_SAID_KEPT = 64 * 1024,             /* of a connection's buffer for what its tongue says */
    FRONT_LOG_EVERY_MS = 10000,
    FRONT_LISTENERS_MAX = 4,
};

enum phase {
    PHASE_DETECT,    /* TLS or not: by the first byte */
    PHASE_HANDSHAKE, /* of TLS */
    PHASE_FIRST,     /* the first four bytes: a word, or the length of a frame */
    PHASE_WORD,      /* what has to follow a word */
    PHASE_FRAMES,
    PHASE_DRAINING,  /* nothing is taken any more; what is unsent leaves */
    PHASE_LINGERING, /* our end is told; the peer's is waited for, so that our last bytes are not lost to a reset */
    PHASE_CLOSED,    /* its stream still knows it */
    PHASE_COUNT
};

#define NO_SEGMENT UINT32_MAX

struct connection {
    struct stream stream;
    struct front *front;
    const struct way_in *way;
    uint64_t client;     /* 0: the replica does not know it */
    struct list link;    /* front->connections */
    struct list timed;   /* front->sessionless or front->closing, in order of deadline */
    struct list ready;   /* front->ready: has work that needs no news from the socket */
    struct list touched; /* front->touched: something was delivered to it */
    int64_t deadline_ms; /* monotonic; of `timed` */
    int64_t accepted_ms; /* wall clock */
    struct limits_address *limits_address;
    struct buffer rest; /* read and not taken yet */
    struct buffer said; /* by the tongue, and not yet sent */
    void *state;        /* the tongue's */
    struct address peer;
    uint32_t segment_first, segment_last; /* of this turn's delivery */
    uint8_t phase;
    char word[4];
    bool paused; /* by the replica */
    bool held;   /* `rest` has something that could be taken at once */
    bool unsent_high;
    bool close_asked;     /* by the replica: no frame is taken any more */
    bool close_delivered; /* and all that had to go before it was delivered */
    bool failed;          /* to be dropped as soon as that may be done */
    bool asked_session;   /* a frame has come */
    bool held_by_tongue;  /* no frame is to be taken now */
    bool ended_here;      /* it is not the peer that ends it */
    bool was_sent_away;   /* by the replica, which is to hear that its client is gone */
};

struct segment {
    const uint8_t *data;
    size_t len;
    uint32_t next;
};

struct way_in {
    struct front *front;
    struct listener *listener;
    enum front_security security;
    const struct tls *tls;
};

struct front {
    struct front_parts parts;
    struct front_limits limits;
    uint32_t door;
    struct limits *counts;
    struct way_in ways_in[FRONT_LISTENERS_MAX];
    uint32_t way_count;
    struct list connections; /* by age */
    uint32_t open_count;     /* of those and the closed ones that the streams still know */
    struct map64 by_client;
    struct list sessionless, closing; /* by deadline */
    struct list ready, touched;
    uv_timer_t timer; /* for the earliest deadline */
    uint32_t handshakes;
    uint32_t handshakes_left; /* in this turn */
    uint32_t turn_frames;     /* taken in this turn */
    uint64_t last_taken;      /* number of the client whose frames were the last to be taken */
    struct segment *segments;
    uint32_t segment_count;
    size_t segment_cap;
    uint64_t slow_closed;
    struct log_limit log_full, log_unwatched, log_slow, log_handshake, log_handshakes_full, log_bad_frame;
    bool stopping;
    void (*done)(void *context);
    void *done_context;
    uint8_t input[FRONT_INPUT_BYTES];
};

/* -- front_accept.c */

/* A listener_accept_fn; the context is a struct way_in. */
void front_accepted(void *context, int fd, const struct sockaddr_storage *peer);

/* Closes the connection now, whatever its phase, and tells the replica. Not during a delivery. */
void connection_drop(struct connection *c);

/* The replica is told that the connection is gone. Not during a delivery. */
void connection_forget_client(struct connection *c);

/* Nothing more is taken from it: tongue and replica are told that it has gone. May be called again. Not during a
 * delivery. */
void connection_end(struct connection *c);

/* Puts it on a timed list, from which it is dropped when the time is over; takes it off another one. */
void connection_time(struct connection *c, struct list *list, int64_t ms);

/* The replica goes on to know its client, which has no connection any more; 0: it has none. */
uint64_t connection_release_client(struct connection *c);

/* A number for a client that never has a connection. */
uint64_t front_stray_client(struct front *f);

/* On the list of those that have work; the pump will call. */
void connection_queue(struct connection *c);

/* Makes room when the limit on handshakes is reached. False: there is none. */
bool front_room_for_handshake(struct front *f);

/* Frees the front when all is closed. */
void front_maybe_free(struct front *f);

/* -- front_phases.c */

/* To be called after any fact about the connection has changed: goes on as far as it can. Not during a delivery. */
void connection_advance(struct connection *c);
void connection_enter(struct connection *c, enum phase phase);
bool phase_takes_input(enum phase phase);
const char *phase_name(enum phase phase);

/* Sets what is asked of the stream by the state of the connection. May be called at any time. */
void connection_settle(struct connection *c);

/* -- front_frames.c */

/* The replica hears of it as of a client with these identities. False: out of memory. */
bool connection_introduce(struct connection *c, struct identities who, bool is_local);

/* Something was appended to `said`, or is to be looked at: it is sent in this turn. */
void connection_say(struct connection *c);

/* No time-out for those without a session applies to it any more. */
void connection_is_in_use(struct connection *c);

/* Reads once and takes what may be taken. True: the phase has changed. */
bool connection_take_input(struct connection *c);

/* -- front_output.c */

void front_door(struct front *f, struct pump_door *door);
