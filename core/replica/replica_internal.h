/* replica_internal.h - the state that the replica's files share, and what they lend each other.
 *
 * replica.c dispatches events; client.c knows connections, connect.c their sessions; request.c takes requests and
 * answers reads; commit.c applies what is durable and answers writes; maintenance.c does what time brings. */
#pragma once

#include "core/base/list.h"
#include "core/base/log_limit.h"
#include "core/ops/op.h"
#include "core/replica/replica.h"

enum client_phase {
    CLIENT_NEW,        /* no connect request yet */
    CLIENT_CONNECTING, /* its createSession is in flight; requests wait */
    CLIENT_ACTIVE,
    CLIENT_CLOSED, /* the shell was told to close; nothing more is taken from it or sent to it */
};

struct latency {
    uint64_t count;
    int64_t sum_ms, min_ms, max_ms, last_ms;
};

struct client {
    uint64_t id;
    int64_t session_id;
    int32_t timeout_ms;
    enum client_phase phase;
    bool paused;
    bool ending;        /* a reply behind which the connection is closed waits its turn: nothing more is taken */
    bool has_read_only; /* the connect request carried the byte, so the answer does too */
    bool ends_session;  /* it has closed its session, which is local: that ends when its turn comes */
    bool is_asked_for;  /* connecting: the leader is asked whether its session lives */
    bool is_local;
    bool is_of_host;
    struct list waiting; /* replica->paused */
    struct identity *identities;
    size_t identity_count;
    struct list requests; /* not answered yet, in order of arrival */
    uint32_t outstanding;
    size_t answer_bytes; /* what the answers to those will have, about */

    const struct op *last_op;
    int32_t last_cxid;
    int64_t last_zxid, last_response_ms, established_ms;
    uint64_t received, sent;
    struct latency latency;
};

enum request_state {
    REQUEST_DEFERRED,  /* bytes: the frame; came before the session was there */
    REQUEST_WAITING,   /* bytes: the frame; a read behind a write of the same client, or a sync */
    REQUEST_IN_FLIGHT, /* bytes: the txn; its zxid is not durable yet */
    REQUEST_FORWARDED, /* no bytes: the leader has it; comes back as a committed txn */
    REQUEST_ANSWERED,  /* bytes: the reply; waits only for those before it */
};

struct request {
    struct list link;      /* client->requests */
    struct list flight;    /* replica->in_flight, or replica->syncs */
    struct client *client; /* NULL: there is none, or it is gone */
    const struct op *op;   /* NULL: not known, or not looked up yet */
    enum request_state state;
    bool close_after;
    int32_t xid;
    uint32_t record_len; /* in flight: of the record behind the header */
    int64_t received_us;
    int64_t session_id;
    uint64_t owner;  /* of a createSession: whose session it will be */
    int64_t zxid;    /* in flight: its own; a sync: the one it waits for */
    uint64_t ticket; /* of a sync at a leader: what it waits for */
    struct pending_changes changes;
    size_t forwarded_bytes; /* of its frame, when the leader has it */
    size_t large_bytes;     /* of its frame, when that is a large one */
    size_t answer_bytes;    /* of a read that waits: what its answer will have, about */
    enum status refused;    /* forwarded: what the leader's refusal means; ST_OK: what it says */
    struct buffer note;     /* for the audit log; empty: nothing will be said of it */
    size_t len;
    uint8_t bytes[];
};

struct membership;

struct replica {
    struct membership *member; /* NULL: runs alone */
    enum replica_service service;
    struct replica_options options;
    struct op_rules rules;
    /* Digest algorithm, super digest, x509 super user, audit user, ensemble names: what `options` and `rules` have. */
    char *strings[5];
    char **auth_schemes;
    struct tree *tree;
    struct sessions *sessions; /* of the ensemble */
    struct sessions *local;    /* that this member alone knows */
    struct map64 coming;       /* session id -> struct session: those whose createSession is in flight here */
    struct watches *watches;
    struct pending *pending;
    struct changes *history; /* NULL: none is kept */
    struct crypto_mac *mac;  /* for passwords */
    struct metrics *metrics;
    const struct log_sink *log;

    struct map64 clients;
    struct list paused;    /* clients that are not read from */
    struct list in_flight; /* requests in order of zxid */
    struct list syncs;     /* syncs that wait for others' txns, in order of zxid */
    struct list unheard;   /* requests that the leader has, and whose client is gone: the audit log waits for them */
    uint64_t outstanding;
    uint64_t held_bytes;      /* of requests that are kept and txns in flight */
    uint64_t forwarded_bytes; /* of requests that the leader has */
    uint64_t large_bytes;     /* frames of the large ones among the unanswered */
    size_t large_taken;       /* the one that is being taken is large: it counts for the request that is made of it */

    int64_t last_zxid;     /* applied */
    int64_t prepared_zxid; /* given out */
    int64_t logged_zxid;   /* durable */
    int64_t next_session_id;
    bool log_full, log_failed, audit_full, stopping;
    bool wants_session_key; /* of the ensemble: it may have to be made */

    int64_t now_us, wall_ms;
    int64_t expiry_from_us; /* nobody expires before this moment */
    int64_t container_due_us, container_minute_us;
    uint32_t container_in_minute;

    struct buffer path_scratch, acl_scratch, entry, answer; /* reused from request to request */
    struct latency latency;
    int64_t proposal_last, proposal_min, proposal_max; /* bytes; -1: none yet */
    uint64_t digest_mismatches;
    int64_t mismatch_zxid; /* of the last one; 0: none */
    uint64_t packets_received, packets_sent, txns;
    int64_t response_last, response_min, response_max;
    struct log_limit log_turned_away;
    struct connect_throttle connect_throttle;
};

static inline int64_t now_ms(const struct replica *r)
{
    return r->now_us / 1000;
}

/* -- client.c */

struct client *client_find(const struct replica *r, uint64_t id); /* NULL: not known, or closed */
enum status client_connected(struct replica *r, const struct replica_event *event);
void client_disconnected(struct replica *r, uint64_t id);
void client_free_all(struct replica *r);

/* Has it a session, and is it not about to be closed? */
bool client_listens(const struct client *c);

static inline struct identities client_identities(const struct client *c)
{
    return (struct identities){c->identities, c->identity_count};
}

/* Adds an identity unless it is there. ST_LIMIT: a connection may have only so many. */
enum status client_add_identity(const struct replica *r, struct client *c, struct bytes scheme, struct bytes id);

/* Tells the shell to close the connection once everything said so far is sent; forgets its watches and requests. */
enum status client_close(struct replica *r, struct client *c, struct outbox *out);

/* The same where the protocol has no answer that would tell the client why: the log has the reason, once in a while. */
enum status client_turn_away(struct replica *r, struct client *c, struct outbox *out, const char *reason, ...)
    __attribute__((format(printf, 4, 5)));

/* It was heard from, or would have been if it were read from: its session lives on. ST_NO_MEMORY. */
enum status client_heard(struct replica *r, const struct client *c);

/* Sends every client away. */
enum status client_close_all(struct replica *r, struct outbox *out);

/* Those from elsewhere, where they are to be served by others (replica_serves_host_only). */
enum status client_close_unserved(struct replica *r, struct outbox *out);

/* Says when reading from the client should stop or may go on. */
enum status client_check_pressure(struct replica *r, struct client *c, struct outbox *out);

/* -- connect.c */

/* The first message of a connection (client-protocol 5.1). */
enum status client_connect_request(struct replica *r, struct client *c, struct bytes frame, struct outbox *out);

/* There is no such session, or not with that password: says so and closes. */
enum status client_refuse(struct replica *r, struct client *c, struct outbox *out);

/* The session is there: answers the connect request and takes what came meanwhile. */
enum status client_established(struct replica *r, struct client *c, struct outbox *out);

/* -- session_table.c */

/* One that is there, of the ensemble or local. NULL: not known here. */
struct session *session_find(const struct replica *r, int64_t id);

/* One of the ensemble, also when its createSession is still in flight here. NULL: there is none. */
struct session *session_global(const struct replica *r, int64_t id);
bool session_is_local(const struct replica *r, int64_t id);

/* Who has the session, or waits for it here. NULL: nobody. */
struct client *client_of_session(const struct replica *r, int64_t session_id);

/* May there be one more? */
bool session_has_room(const struct replica *r);

/* Its createSession is about to be in flight. `added`: to be withdrawn if that comes to nothing; NULL: it was known.
 * ST_NO_MEMORY. */
enum status session_announce(struct replica *r, int64_t id, uint64_t owner, struct session **added);
void session_withdraw(struct replica *r, struct session *added);

/* Its createSession has been applied. */
void session_came(struct replica *r, int64_t id);
void session_forget_coming(struct replica *r);

/* -- local_session.c */

/* The client's session is one that only this member knows: it is there at once. */
enum status local_session_create(struct replica *r, struct client *c, struct outbox *out);

/* The client is about to ask for an ephemeral: a local session becomes the ensemble's first. `refused`: it may not, and
 * this is what the client will be told. */
enum status local_session_own(struct replica *r, struct client *c, enum status *refused, struct outbox *out);

/* Nobody was heard of it for too long; its connection ends without a word. */
enum status local_session_expire(struct replica *r, struct session *session, struct outbox *out);

/* -- password.c */

/* What its client is told. */
void password_give(const struct replica *r, const struct session *session, uint8_t password[16]);

enum password_verdict {
    PASSWORD_RIGHT,
    PASSWORD_WRONG,
    PASSWORD_NOT_KNOWN, /* it was made by a key that has not come here yet */
};

/* Of the session only the id and where it came from are looked at: it need not be there. */
enum password_verdict password_judge(const struct replica *r, const struct session *session, struct bytes password);

/* The id of a new session, with the mark that tells how its password is made. */
int64_t password_mark(const struct replica *r, int64_t session_id);

/* Leader of an ensemble: makes the key that all members share, if that is wanted and there is none. */
enum status password_make_key(struct replica *r, struct outbox *out);

/* -- reply.c */

/* Ends a reply whose length stands open at `start`. */
enum status reply_finish(struct replica *r, struct client *c, struct writer *w, size_t start,
                         const struct reply_header *header, const struct op *op, int64_t received_us,
                         struct outbox *out);

/* Sends a reply: header, and the body that `body` holds when `st` is ST_OK. Counts it. */
enum status reply_send(struct replica *r, struct client *c, const struct reply_header *header, struct bytes body,
                       const struct op *op, int64_t received_us, struct outbox *out);

/* In a header: what the tree has when the reply leaves. Clients remember the last zxid that they saw, so that none may
 * be smaller than the one before. */
#define ZXID_WHEN_SENT INT64_MAX

/* The same with such a header, or with any. */
enum status reply_dated(struct replica *r, struct client *c, const struct reply_header *header, struct bytes body,
                        const struct op *op, int64_t received_us, struct outbox *out);

/* Now or in its turn; then, perhaps, the connection is closed. */
enum status reply_in_order(struct replica *r, struct client *c, const struct reply_header *header, struct bytes body,
                           const struct op *op, bool close_after, struct outbox *out);

/* -- request.c */

/* Takes one message of an active client. */
enum status request_take(struct replica *r, struct client *c, struct bytes frame, int64_t received_us,
                         struct outbox *out);

/* enforce.auth: it has not proved to be anybody yet. */
bool client_is_unauthenticated(const struct replica *r, const struct client *c);

/* Puts a request into the client's queue; `bytes` are copied. NULL: out of memory. */
struct request *request_queue(struct replica *r, struct client *c, enum request_state state, struct bytes bytes);

/* From now on it is one of its client's unanswered ones, until request_leave. */
void request_counts(struct replica *r, struct request *request);

/* Takes it out of the client's queue and count. */
void request_leave(struct replica *r, struct request *request);

/* Takes it out of every list and frees it. */
void request_free(struct replica *r, struct request *request);

/* Answers what can be answered at the front of the client's queue. */
enum status request_drain(struct replica *r, struct client *c, struct outbox *out);

/* -- propose.c */

#define OWNER_HERE UINT64_MAX /* a session that a client of this replica's own has */

struct proposal {
    const struct op *op;
    const union op_body *body;
    struct client *client; /* NULL: none, or one of another member's */
    struct identities who; /* of that one; a client of ours has its own */
    uint64_t owner;        /* OWNER_HERE, a learner's link, or 0: nobody asked */
    int64_t session_id;
    int32_t cxid;
    int64_t received_us;
    enum status refused; /* ST_OK, or why it is refused whatever the tree says */
};

/* Gives the write a zxid, prepares it, and hands the txn to the log; the request waits for it to be durable. A refused
 * one becomes an error txn. ST_NO_MEMORY: nothing happened. */
enum status propose(struct replica *r, const struct proposal *proposal, struct outbox *out);

/* -- commit.c */

/* Applies the request's txn, which has come to its turn, fires watches and answers who asked. Frees the request. */
enum status commit_one(struct replica *r, struct request *request, struct outbox *out);

/* Are answers and times of proposals this replica's own business? A learner's are its leader's. */
bool commit_is_ours(const struct replica *r);

/* Everything up to `zxid` is durable: applies and answers it. */
enum status commit_until(struct replica *r, int64_t zxid, struct outbox *out);

/* What is in flight comes to nothing here. */
enum status commit_forget(struct replica *r, struct outbox *out);

/* Sends one watch event. */
enum status event_send(struct replica *r, struct client *c, enum watch_event event, struct bytes path, int64_t zxid,
                       struct outbox *out);

/* -- audit.c */

/* Is the request one of which the audit log will say something, and can it not take more? `body` as below. */
bool audit_refuses(const struct replica *r, const struct client *c, const struct op *op, const union op_body *body);

/* Writes the note of a request, unless there is nothing to be said. `c` NULL: the server itself asks, for the end of
 * the session. `body` NULL: it could not be read. ST_NO_MEMORY. */
enum status audit_take(const struct replica *r, const struct client *c, int64_t session_id, const struct op *op,
                       const union op_body *body, struct buffer *note);

/* The note is the request's from now on. */
void audit_keep(struct replica *r, struct request *request, struct buffer *note);

/* It is about to be forgotten, with its client, while the leader has it. True: it is kept for the audit log. */
bool audit_holds(struct replica *r, struct request *request);

/* The one so kept whose txn this is; NULL: there is none. */
struct request *audit_held(const struct replica *r, const struct txn_header *header);

/* Says what came of the request. ST_NO_MEMORY. */
enum status audit_tell(const struct request *request, struct bytes record, enum status result, struct outbox *out);

/* Of a list by flight: they were asked for, and nobody here will know what came of them. They are forgotten, also when
 * memory runs out. ST_NO_MEMORY. */
enum status audit_give_up(struct replica *r, struct list *requests, struct outbox *out);

/* An ephemeral is about to end with the session that the request closes. ST_NO_MEMORY. */
enum status audit_tell_deletion(const struct request *request, struct bytes path, struct outbox *out);

/* -- maintenance.c */

enum status maintenance_run(struct replica *r, struct outbox *out);
int64_t maintenance_due_us(const struct replica *r);
