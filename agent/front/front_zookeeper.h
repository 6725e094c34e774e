/* front_zookeeper.h - a door: connections in, frames to the replica, replies back.
 *
 *     accepted -> [TLS handshake] -> first four bytes -> word | frames -> closing -> closed
 *
 * One shared buffer takes what is read; frames are fed from it in place, and only an incomplete rest is kept with its
 * connection. Replies of a turn leave with one write for each connection. Everything that a connection can make us
 * keep has a limit. Where to start when something is to be added: the table of phases in front_phases.c.
 * The door for ZooKeeper's clients and the local one differ in what the frames say: that is the front's tongue.
 * Loop thread only. */
#pragma once

#include "agent/net/listener.h"
#include "agent/pump.h"
#include "core/base/hash.h"

struct front; /* opaque */
struct streams;
struct tls;

/* Four-letter words, for connections whose first four bytes are one. A function may not call back into the front but
 * for front_each_connection and front_status. */
struct front_words {
    void *context;
    /* How many bytes follow the word before it can be answered (0, or 8 for stmk); -1: it is no word. */
    int (*find)(void *context, const char word[4]);
    /* Appends the answer. `argument` holds the bytes that followed; `of_host`: it came by the Unix socket. Errors close
     * the connection without an answer. */
    enum status (*answer)(void *context, const char word[4], struct bytes argument, bool of_host, struct buffer *text);
};

struct connection;
struct buffer;

/* What the frames of a front's connections say, if it is not ZooKeeper's protocol. */
struct front_tongue {
    void *context;
    /* One whole frame has come, without its length. False: the connection has failed. May feed. */
    bool (*take)(void *context, struct connection *c, struct bytes frame);
    /* Frames of the replica for it: what is to be sent for them is appended to `say`. Must not feed. */
    enum status (*translate)(void *context, struct connection *c, struct bytes frames, struct buffer *say);
    /* The replica has sent its client away: what is still to be said of it is appended to `say`. Must not feed. True:
     * the connection stays, without a client. */
    bool (*sent_away)(void *context, struct connection *c, struct buffer *say);
    /* Likewise a client that has no connection (any more). Must not feed. */
    void (*stray_sent_away)(void *context, uint64_t client);
    /* The peer does not read: what is said of it in this turn is dropped, and it ends with the bytes that wait for it
     * already, and with what is appended to `said`. Must not feed. */
    void (*too_slow)(void *context, struct connection *c);
    /* The connection has ended, and with it its state; may come twice. May feed. */
    void (*ended)(void *context, struct connection *c);
    /* Asked at the end of each turn: is there something for `work` to do, in the next one? */
    bool (*is_ripe)(void *context);
    void (*work)(void *context); /* may feed */
};

/* What may change at run time. 0 is no limit for the first three. */
struct front_limits {
    uint32_t connections_per_address_max;
    uint32_t connections_max;
    uint32_t handshakes_max; /* TLS handshakes under way */
    size_t frame_bytes_max;
    const char *frame_setting; /* what that is called: jute.maxbuffer */
    size_t unsent_pause;       /* unsent bytes of one connection: above it nothing more is read from it */
    size_t unsent_max;         /* above it the connection is closed */
    int64_t sessionless_timeout_ms;
};

struct front_parts {
    uv_loop_t *loop;
    struct streams *streams; /* of the loop; borrowed */
    struct pump *pump;
    struct metrics *metrics;
    const struct log_sink *log;
    const struct front_words *words; /* borrowed; NULL: every word is taken as a length */
    struct hash_key hash_key;
    const struct front_tongue *tongue; /* borrowed; NULL: ZooKeeper's protocol */
};

/* Becomes a door of the pump. ST_NO_MEMORY, ST_IO_ERROR (libuv). */
enum status front_new(struct front **out, const struct front_parts *parts, const struct front_limits *limits);

void front_set_limits(struct front *f, const struct front_limits *limits);

/* How a way in treats its connections. */
enum front_security { FRONT_PLAIN, FRONT_TLS, FRONT_EITHER /* by the first byte */ };

/* The connections of a listener go to this front. `tls` is borrowed, NULL with FRONT_PLAIN. ST_NO_MEMORY, and the
 * errors of the listener. */
enum status front_listen_tcp(struct front *f, const struct listener_tcp *tcp, enum front_security security,
                             const struct tls *tls, int32_t *port, struct buffer *message);
/* Takes that port back; whoever came in by it stays. */
void front_unlisten_tcp(struct front *f, enum front_security security, int32_t port);
enum status front_listen_unix(struct front *f, const struct listener_unix *local, struct buffer *message);

struct front_connection {
    uint64_t client;       /* for replica_client; 0 while no frame has come */
    const char *phase;     /* "handshake", "first", "word", "frames", ...: the rows of front_phases.c */
    const char *remote;    /* as Java prints it: "/127.0.0.1:42348"; of a Unix socket "/127.0.0.1:0" */
    uint32_t interest_ops; /* 1: it is read from; 4: something is unsent; 0 for a word's own connection */
    uint64_t bytes_in, bytes_out;
    size_t unsent;
    bool secure, local, has_certificate;
    int64_t accepted_ms; /* wall clock */
    int64_t deadline_ms; /* monotonic: when it is closed unless more comes; 0: that is its session's affair */
};

/* Every connection that is not closed, oldest first. `fn` must not change the front; what it is given is valid during
 * the call. */
void front_each_connection(const struct front *f, void (*fn)(void *context, const struct front_connection *c),
                           void *context);

struct front_status {
    uint32_t connections;               /* all that are open */
    uint32_t sessionless;               /* of these: have not asked for a session yet, words included */
    uint32_t handshakes;                /* of these: in the TLS handshake */
    uint32_t paused;                    /* not read from, for back-pressure */
    uint32_t plain_local, plain_remote; /* without a client certificate, from this host and from elsewhere */
    uint64_t unsent;                    /* bytes, of all */
    uint64_t slow_closed;               /* connections closed because too much was unsent, since start */
};
void front_status(const struct front *f, struct front_status *status);

/* Stops accepting; the connections stay. */
void front_stop_listening(struct front *f);

/* Closes every connection after what is already waiting for it has left or the linger time is over, then frees the
 * front from the loop and calls `done` (may be NULL). The pump must still turn. */
void front_close(struct front *f, void (*done)(void *context), void *context);
