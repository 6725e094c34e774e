/* peers_internal.h - what the files of the links between servers share.
 *
 * peers.c is made, takes configurations, reports and ends; peers_doors.c opens the ports; peers_newcomers.c bounds
 * what has come in and is not known yet; peers_election.c is who is told what, peers_speakers.c the connections over
 * which it is told; peers_links.c is the quorum side. */
#pragma once

#include "agent/base/address.h"
#include "agent/net/channel.h"
#include "agent/net/dial.h"
#include "agent/net/listener.h"
#include "agent/net/resolve.h"
#include "agent/peers/peers.h"
#include "core/base/check.h"
#include "core/base/list.h"
#include "core/base/log_limit.h"
#include "core/base/map.h"
#include "core/base/mem.h"
#include "core/zab/notification.h"

#include <unistd.h>

enum {
    PEERS_LOG_EVERY_MS = 10000,
    PEERS_GIVE_WAY_MS = 1000, /* silent for longer: closed when another newcomer needs the place */
    PEERS_REBIND_MS = 1000,   /* until a port that could not be opened is tried again */
    PEERS_RETRY_MS = 1000,    /* until a server that could not be reached is tried again */
    PEERS_RETRY_FOR_MS =
        60000, /* that long after it was last to be told something: then whoever wants that says it again */
    PEERS_CHALLENGE_PAUSE_MS = 500 /* in which a server that was asked to connect has time to do so */
};

enum { PLACES_MAX = 2 * MEMBER_ADDRESSES_MAX }; /* of two configurations */
static_assert((int)PLACES_MAX <= (int)DIAL_TARGETS_MAX, "each of them is tried");

/* The addresses of one server, in one block with their text. */
struct places {
    size_t count;
    struct member_address items[PLACES_MAX];
    char text[];
};

/* A connection that came in and has not shown yet what it is. */
struct newcomer {
    struct list link; /* in no list: it has, or is none */
    struct channel *channel;
    uint64_t came_ms;
};

/* Who was called, and where: what a certificate has to name. */
struct called {
    uint8_t host[MEMBER_HOST_MAX];
    size_t host_len;
};

/* One server as the election side sees it. */
struct peer {
    struct list link; /* peers->everyone */
    struct peers *all;
    int64_t sid;
    struct places *places;   /* of the configuration; NULL: a stranger */
    struct buffer announced; /* what its last initial message said of its addresses */
    struct speaker *speaker; /* the connection that is in use, or NULL */
    struct dial *dial;       /* the one that is being made, or NULL */
    struct speaker *caller;  /* the same when it is connected and not open yet, or NULL */
    bool dials_back;         /* to the announced addresses */
    bool say_again;          /* the last frame, since the connection is a new one */
    bool retries;            /* nothing new is to be told since it could not be reached */
    uint64_t told_ms;        /* when `waiting` was given last */
    struct buffer waiting;   /* the frame that is to be told */
    struct buffer last;      /* the one that was told last */
    uint64_t quiet_until_ms; /* it was asked to connect, and has time until then to do so */
    struct log_limit log_dial;
};

/* One connection of the election port. */
struct speaker {
    struct channel channel;
    struct list link; /* peers->speakers */
    struct peers *all;
    struct peer *peer; /* whose connection it is; NULL: not known yet, or it is only to make the peer connect */
    bool came_in;
    struct newcomer newcomer;
    struct address remote;
    struct called called;
    bool leaving; /* is closed as soon as everything has left */
};

/* One link of the quorum port, or an attempt to make one. */
struct link {
    struct channel channel; /* if has_channel */
    struct list link;       /* peers->all_links */
    struct peers *all;
    uint64_t number;
    int64_t sid; /* whom it was made to; -1: it came in */
    bool came_in;
    struct dial *dial; /* NULL: it is over */
    bool has_channel;  /* which may not be open yet */
    bool is_known;     /* the user was told that it is there */
    struct newcomer newcomer;
    struct address remote;
    struct called called;
};

struct door {
    struct peers *all;
    enum peers_port port;
    bool wanted;
    bool complain; /* the next failure is to be told */
    bool open;
    struct listener *listeners[MEMBER_ADDRESSES_MAX];
    size_t count;            /* of listeners, one for each address that was opened */
    struct resolve *resolve; /* of the next address */
    uv_timer_t timer;        /* to try, or try again */
};

struct peers {
    struct peers_parts parts;
    struct peers_options options;
    struct places *own_default; /* the options' */
    struct places *own;         /* of the last configuration that named this server; NULL: none has */
    struct map64 peers;         /* sid -> struct peer, without this server */
    struct list everyone;       /* the same */
    uint32_t strangers;
    struct list speakers;
    struct door doors[PEERS_PORT_COUNT];
    struct list newcomers; /* by age */
    uint32_t newcomer_count;
    uv_timer_t newcomer_timer;
    struct map64 links;    /* number -> struct link */
    struct list all_links; /* the same */
    uint64_t last_link;
    uint32_t links_in;     /* that came in */
    uint64_t links_closed; /* because their queue was too long */
    struct channels channels;
    struct channel_limits speaker_limits, link_limits;
    struct buffer to_self; /* frames with their lengths */
    uint32_t to_self_count;
    uv_timer_t self_timer;
    uv_timer_t retry_timer;
    uint32_t handles; /* of timers */
    bool channels_closed, stopping;
    void (*done)(void *context);
    void *done_context;
    struct log_limit log_full, log_hello, log_speaker, log_slow, log_link, log_unreachable, log_strangers, log_memory,
        log_name;
};

/* -- peers.c */

/* The addresses of this server in the last configuration that named it, or the options'. */
const struct places *peers_own_places(const struct peers *p);

/* Takes `places` over. */
void peer_set_places(struct peer *peer, struct places *places);

/* Fills `targets` with the addresses for one of the ports; returns how many. */
size_t places_targets(const struct peers *p, const struct places *places, enum peers_port port,
                      struct dial_target *targets, size_t max);

uint64_t peers_now_ms(const struct peers *p);

/* Memory ran out for something that another attempt will mend. */
void peers_say_no_memory(struct peers *p);

/* Frees when all is closed. */
void peers_maybe_free(struct peers *p);

/* -- peers_doors.c */

void door_init(struct door *d, struct peers *p, enum peers_port port);
void door_open(struct door *d);
void door_close(struct door *d);
void door_reopen(struct door *d); /* if it is to be open: the addresses are others now */

/* -- peers_newcomers.c */

void newcomers_init(struct peers *p);

/* False: there is no room, not even after the oldest silent one has given way; this is logged. */
bool newcomers_have_room(struct peers *p, const struct address *remote);
void newcomer_add(struct peers *p, struct newcomer *n, struct channel *channel);
void newcomer_remove(struct peers *p, struct newcomer *n); /* harmless when repeated */

/* -- peers_election.c */

/* NULL: out of memory, or too many strangers, which is logged. */
struct peer *peer_of(struct peers *p, int64_t sid);
struct peer *peer_find(const struct peers *p, int64_t sid);
struct peer *peer_new(struct peers *p, int64_t sid); /* a stranger, so far */

/* Connects, unless there is a connection or it is being made. */
void peer_connect(struct peer *peer);

/* The connection that was being made is open: it is put to use. */
void peer_reached(struct peer *peer);

/* It has ended before it was. */
void peer_not_reached(struct peer *peer, const char *why);

/* A smaller server has shown itself: what is there is given up, and it is connected to where it says it is. */
void peer_dial_back(struct peer *peer, struct bytes announced);

/* The connection is in use from now on, instead of any other. A null `announced` says nothing new. */
void peer_attach(struct peer *peer, struct speaker *s, struct bytes announced);

/* The connection in use has ended. */
void peer_detach(struct peer *peer);

/* The next frame to send, or the null slice. */
struct bytes peer_next_frame(struct peer *peer);

/* Frees a stranger that nothing is going on with. */
void peer_settle(struct peer *peer);
void peer_free(struct peer *peer);
void election_init(struct peers *p);

/* -- peers_speakers.c */

void speaker_accepted(struct peers *p, int fd, const struct address *remote);

/* Takes a connection to `peer` over. When it is open it says who we are; then follows peer_reached or
 * peer_not_reached. NULL: out of memory; it is closed. */
struct speaker *speaker_dialed(struct peer *peer, int fd, struct bytes host);
void speaker_leave(struct speaker *s); /* as soon as the initial message has left */
void speaker_drop(struct speaker *s);
void speakers_init(struct peers *p);

/* -- peers_tls.c */

void called_set(struct called *called, struct bytes host);

/* How channels begin (channel.h). */
unsigned peers_how_dialed(const struct peers *p);
unsigned peers_how_taken_in(const struct peers *p);

/* What is wrong with the certificate at the other end, or NULL; a static text. It is told in the log, too. A null
 * `called`: the connection came in. */
const char *peers_objection(struct peers *p, const struct channel *c, const struct address *remote,
                            const struct called *called);

/* Counts a channel that has ended because of its handshake. */
void peers_count_handshake(struct peers *p, const struct channel *c);

/* -- peers_links.c */

void links_init(struct peers *p);
void link_accepted(struct peers *p, int fd, const struct address *remote);
