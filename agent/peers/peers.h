/* peers.h - the connections between the servers of an ensemble: election links and quorum links.
 *
 * Election side: one connection to each server, kept or given up as quorum-protocol 1.1 to 1.3 say; its user says only
 * what is to be told to whom. A frame is one notification without its length.
 *
 * Quorum side: a link is a number, chosen here, never 0 and never used twice. Whoever leads listens and is told of each
 * link that comes in; a learner connects. Bytes come and go in order; what they mean is the user's business. After
 * `closed`, or after peers_close, nothing is heard of a link any more, and everything said to it is passed over.
 *
 * With TLS a connection counts only when its handshake is done and its certificate is for its host: until then it is
 * one that is being made, or that has come in and not shown what it is.
 *
 * Nothing blocks: names are looked up at each attempt, off the loop; a peer that says nothing, reads nothing or cannot
 * be resolved keeps nobody else waiting. Everything is bounded by struct peers_options. What is sent leaves at the end
 * of the turn, or with peers_flush, in one write to each connection. Every callback comes from the loop, never from
 * within a call, and may call anything here. Loop thread only. */
#pragma once

#include "core/base/log.h"
#include "core/base/metrics.h"
#include "core/members/members.h"

#include <uv.h>

struct peers; /* opaque */
struct tls;

enum peers_port { PEERS_ELECTION, PEERS_QUORUM, PEERS_OBSERVERS, PEERS_PORT_COUNT };

struct peers_events {
    void *context;
    /* A port was opened (ST_OK), or could not be (ST_BUSY, ST_NOT_FOUND, ST_IO_ERROR, ST_NO_MEMORY, with `message` as
     * text). It is tried again every second; only the first failure in a row is told. */
    void (*listening)(void *context, enum peers_port port, enum status status, const char *message);
    /* One frame from a server, which may be one that is in no configuration, or from oneself. Valid during the call. */
    void (*notification)(void *context, int64_t sid, struct bytes frame);
    /* A link has come in through the quorum port, or through that for observers, and something has come on it. */
    void (*accepted)(void *context, uint64_t link);
    /* The link that peers_connect began is there. */
    void (*connected)(void *context, uint64_t link);
    /* What has come and was not taken yet. Returns how much of it is taken; the rest is kept and shown again with what
     * comes next, or at once if something was taken. Valid during the call. */
    size_t (*received)(void *context, uint64_t link, struct bytes bytes);
    /* More than unsent_mark bytes were waiting to leave, and no longer are. */
    void (*writable)(void *context, uint64_t link);
    /* The link is gone, or could not be made. What it had sent and was not taken is lost. */
    void (*closed)(void *context, uint64_t link);
};

struct peers_parts {
    uv_loop_t *loop;
    struct streams *streams; /* of the loop; borrowed */
    struct metrics *metrics;
    const struct log_sink *log;
    const struct tls *tls; /* TLS_BETWEEN_SERVERS, until peers_stop is done; NULL: there is none */
    struct peers_events events;
};

/* What TLS is used for. Without it (peers_parts.tls) all are false but takes_plain. */
struct peers_security {
    bool dials_tls, takes_tls, takes_plain;
    bool checks_called;  /* a certificate must name the host or the address that was called */
    bool checks_callers; /* it must name the address that the connection comes from, or a host of the configuration */
    int32_t handshake_ms;
};

/* Must be set, each of them. */
struct peers_options {
    struct peers_security security;
    int64_t sid;
    /* Where this server listens, as long as no configuration that is known here names it. Copied. */
    const struct member_address *own;
    size_t own_count;
    uint16_t observer_port; /* observerMasterPort, on the same addresses as the quorum port, of every server; 0: none */
    bool listen_on_all; /* quorumListenOnAllIPs: on every address of the host, only the ports are taken from above */
    int32_t connect_ms; /* cnxTimeout: for one connection, its names and all its addresses together */
    int32_t hello_ms;   /* tickTime * syncLimit: in which one that came in must have shown what it is */
    uint32_t newcomers_max;  /* connections that came in and have not shown it yet, both ports together */
    uint32_t strangers_max;  /* servers in no configuration that are on the election port at once */
    uint32_t links_max;      /* quorum links that came in */
    size_t input_bytes_max;  /* what a link may have sent without anything of it being taken: the longest packet */
    size_t unsent_bytes_max; /* what may wait to leave on a link when more is added; beyond it is closed */
    size_t unsent_mark;      /* see `writable` */
};

/* Listens nowhere yet. The configurations are needed during the call only; `pending`, one that is not committed yet,
 * may be NULL. ST_NO_MEMORY. */
enum status peers_new(struct peers **out, const struct peers_parts *parts, const struct peers_options *options,
                      const struct members *committed, const struct members *pending);

/* One of them has become another. Servers are known by both: where their addresses differ, the committed ones are tried
 * first. Connections stay; ports are opened anew where this server's own addresses in the committed one are others now,
 * and stay where they are when it names it no more. ST_NO_MEMORY: some servers may have their former addresses. */
enum status peers_update(struct peers *p, const struct members *committed, const struct members *pending);

/* Opens the election port, for good. */
void peers_open(struct peers *p);

/* Tells `frame` to a server: as soon as there is a connection, which is made if need be. It takes the place of one that
 * still waits, and is told again on each further connection until there is a newer one. To oneself it comes back in the
 * next turn. A server that cannot be reached is tried again for a minute; what memory runs out for is not said. */
void peers_notify(struct peers *p, int64_t sid, struct bytes frame);

/* Opens the quorum port, or that for observers; closes both. Links stay. */
void peers_listen(struct peers *p);
void peers_listen_observers(struct peers *p);
void peers_unlisten(struct peers *p);

/* Begins to connect to the quorum port of that server, its addresses one after another; the answer is `connected` or
 * `closed`. 0: out of memory, there will be no answer. */
uint64_t peers_connect(struct peers *p, int64_t sid);

/* The same to the port for observers. */
uint64_t peers_observe(struct peers *p, int64_t sid);

/* Sends a copy. A link whose queue is too long, or that cannot be written to, is closed; `closed` tells. */
void peers_send(struct peers *p, uint64_t link, struct bytes bytes);

/* From now on the link is sent what peers_feed is given, in order with what it is sent alone. */
void peers_join_feed(struct peers *p, uint64_t link);

/* Sends to every link that has joined; the bytes are kept once for all of them. */
void peers_feed(struct peers *p, struct bytes bytes);

/* Bytes that wait to leave; 0 too when there is no such link. */
size_t peers_unsent(const struct peers *p, uint64_t link);

/* Shows nothing of the link and reads no further, until ... */
void peers_hold(struct peers *p, uint64_t link);

/* ... this; then what is there already is shown again, in the next turn. */
void peers_go(struct peers *p, uint64_t link);

/* Closes at once, dropping what is unsent; `closed` does not follow. */
void peers_close(struct peers *p, uint64_t link);
void peers_close_all(struct peers *p);

/* Sends now what was said in this turn, both sides, instead of at its end. */
void peers_flush(struct peers *p);

/* The address at the other end, as "/127.0.0.1:42348", and the server that was asked for with peers_connect, or -1.
 * False: no such link, or it is not connected yet. */
enum { PEERS_REMOTE_SIZE = 64 };
bool peers_remote(const struct peers *p, uint64_t link, char text[PEERS_REMOTE_SIZE], int64_t *sid);

/* For reports. */
struct peers_status {
    uint32_t connected; /* servers with an election connection that is in use */
    uint32_t strangers; /* servers known that are in no configuration */
    uint32_t newcomers;
    uint32_t links;        /* those that are being made included */
    uint64_t links_closed; /* because their queue was too long, ever */
};
void peers_status(const struct peers *p, struct peers_status *status);

/* Whether the port is open now, on all addresses that it is to be open on. */
bool peers_is_listening(const struct peers *p, enum peers_port port);

/* Closes everything, tells nothing any more, and frees itself from the loop; then calls `done`. */
void peers_stop(struct peers *p, void (*done)(void *context), void *context);
