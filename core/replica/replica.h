/* replica.h - one member as one state machine: events in, effects out (design 4.1).
 *
 * Owns tree, sessions, watches and clients; calls no disk, clock or socket. The shell feeds what happened and
 * afterwards carries out what stands in the outbox (outbox.h): log bytes to the disk, replies to the clients, in that
 * order of knowledge: a reply to a write stands there only after REPLICA_LOGGED has told that its txn is durable.
 *
 * Standalone is an ensemble of one: a txn is committed as soon as it is logged. With replica_join it is a member of a
 * larger one (core/zab): then it serves while it leads, follows or observes, and at no other time but, if so wished, to
 * readers. Not thread-safe: one
 * loop thread. */
#pragma once

#include "core/base/log.h"
#include "core/base/metrics.h"
#include "core/replica/connect_throttle.h"
#include "core/replica/outbox.h"
#include "core/session/session.h"
#include "core/tree/changes.h"
#include "core/tree/tree.h"
#include "core/tree/watch.h"

/* Limits: 0 is no limit unless said otherwise. Strings and slices are copied. */
struct replica_options {
    struct hash_key hash_key;
    int64_t server_id; /* its low byte is the top byte of session ids */
    /* Of a server that shares that byte with others: bits drawn at random for this start, of which forty stand in
     * session ids where otherwise the time of the start does. 0: the time. */
    uint64_t session_id_seed;
    int32_t tick_ms;
    int32_t session_timeout_ms_min, session_timeout_ms_max;
    uint32_t session_count_max;
    uint32_t watches_per_client_max;
    uint32_t outstanding_per_client_max; /* reading from the client pauses there */
    uint32_t outstanding_max;            /* globalOutstandingLimit: in all */
    uint64_t large_request_bytes_max;    /* of all large frames under way; whoever sends one more is closed */
    uint32_t large_request_threshold;    /* longer ones are large */
    struct connect_throttle_options connect_throttle; /* not for the local door */
    uint32_t txn_bytes_max;                           /* jute.maxbuffer + extrasize: no larger txn is admitted */
    uint32_t identities_max;                          /* of a client; further logins are refused */
    uint32_t acl_entries_max;                         /* a longer ACL is refused */
    uint32_t multi_read_bytes_max;                    /* beyond it no further part of a multiRead's answer is begun */
    uint32_t answer_bytes_max;                        /* of an operation of the local door */
    uint32_t packet_bytes_max;                        /* data of one packet between members (quorum-protocol 0.1) */
    uint64_t log_bytes_max;       /* requests that wait and txns in flight; beyond it whoever waits pauses */
    uint64_t forward_bytes_max;   /* likewise: requests that the leader has been sent and not answered */
    uint64_t link_bytes_max;      /* what may wait behind a snapshot for one learner; 0: anything */
    double snapshot_size_factor;  /* of the tree's size: more log than that is not read for a learner; 0: any is */
    int32_t throttled_op_wait_ms; /* 0: off */
    bool local_sessions, local_sessions_upgrading; /* of a member; one that runs alone has none */
    bool read_only;                                /* readonlymode.enabled: of a member without a leader */
    bool leader_serves_host_only;                  /* leaderServes=no */
    bool extended_types, enforce_quota, skip_acl;
    bool reconfig_enabled;
    bool standalone_enabled, multi_address; /* what a reconfiguration may come to */
    bool close_session_txn;                 /* list the paths in closeSession txns */
    bool digest_enabled;                    /* the digest scheme, not the tree's digest */
    bool log_digests;                       /* write the tree's digest behind each txn */
    const char *digest_algorithm;
    const char *super_digest;                 /* "super:<hash>" or NULL */
    const char *x509_super_user;              /* a subject DN or NULL */
    const char *ensemble_names;               /* ensembleAuthName, as "a,b", or "": any; NULL: no such scheme */
    const char *const *auth_schemes_required; /* enforce.auth.schemes, NULL-terminated; NULL: not enforced */
    const char *audit_user;                   /* what the server does itself it does as this user; NULL: no audit */
    bool apache_passwords;                    /* session passwords by Apache's public rule instead of the keyed hash */
    uint8_t password_key[32];
    uint32_t relayed_max;       /* syncs and session checks of observers that wait for the leader's answer */
    int64_t resync_interval_ms; /* between two snapshots that a learner takes because its tree differs */
    int64_t container_check_ms, container_never_used_ms;
    uint32_t container_per_minute_max;
};

struct replica; /* opaque */

/* Takes tree and sessions over (freed by replica_free) as recovery left them at `last_zxid`; `metrics` and `log` are
 * borrowed. `random` seeds session ids. NULL: out of memory. */
struct replica *replica_new(const struct replica_options *options, struct tree *tree, struct sessions *sessions,
                            int64_t last_zxid, struct metrics *metrics, const struct log_sink *log);
void replica_free(struct replica *r);

/* Options that may change at run time (limits, time-outs, rules, super users); what the tree, the log and the passwords
 * of living sessions were built with keeps its value. ST_NO_MEMORY: all as before. */
enum status replica_reconfigure(struct replica *r, const struct replica_options *options);

/* What has changed is taken down there from now on; taken over. It has to end where the replica begins, or be new. */
void replica_remember(struct replica *r, struct changes *history);

struct members;
struct zab;

/* What a member may claim when it starts. */
struct replica_past {
    int64_t accepted_epoch, current_epoch;
    int64_t zxid; /* the last logged one; 0: the history cannot be trusted; -1: there should be one, but is none */
};

struct zab_options;

/* Makes it a member of an ensemble, before REPLICA_START. The configurations are taken over (`last_seen` may be NULL),
 * `past` is what the disk has. ST_NO_MEMORY: nothing was taken. Source: quorum-protocol 1.7, 6.4. */
enum status replica_join(struct replica *r, const struct zab_options *options, struct members *committed,
                         struct members *last_seen, const struct replica_past *past);

enum replica_event_kind {
    REPLICA_START,        /* first event: sessions get their full time-out from now on */
    REPLICA_TICK,         /* the time that the outbox asked for has come, or any other moment */
    REPLICA_CONNECTED,    /* client, identities */
    REPLICA_OPEN_SESSION, /* client, frame: a connect request of a local client, which may have none until then */
    REPLICA_FRAME,        /* client, frame: one whole message without its length */
    REPLICA_DISCONNECTED, /* client: its connection is gone, whoever closed it; never again heard of */
    REPLICA_LOGGED,       /* zxid: everything up to it is durable */
    REPLICA_LOG_FULL,     /* the disk has no room: writes are refused a place until REPLICA_LOG_ROOM */
    REPLICA_LOG_ROOM,
    REPLICA_AUDIT_FULL, /* no more lines are taken: what would make some is refused until REPLICA_AUDIT_ROOM */
    REPLICA_AUDIT_ROOM,
    REPLICA_LOG_FAILED, /* the disk failed: its role is over, every client is sent away */
    REPLICA_STOP,       /* no new requests are taken; what is in flight is finished */

    /* Of members of an ensemble. */
    REPLICA_NOTIFICATION,   /* sid, frame: from the election port */
    REPLICA_LINK_CONNECTED, /* link: what PEER_CONNECT asked for */
    REPLICA_LINK_ACCEPTED,  /* link: somebody came in by the quorum port */
    REPLICA_LINK_BYTES,     /* link, frame: all that is unread of it; the outbox says how much was consumed */
    REPLICA_LINK_ROOM,      /* link: little is unsent on it */
    REPLICA_LINK_CLOSED,    /* link: gone, or could not be made */
    REPLICA_LOG_PIECE,     /* link, frame: records as in the log, the first ones of what PEER_READ_LOG asked for; place:
                            * for the next; zxid: of the last record of the log that is not above `after` */
    REPLICA_LOG_REFUSED,   /* link: they cannot be had, or are too much */
    REPLICA_STORED,        /* ticket: the job is durable, and all before it; perhaps tree, sessions, zxid */
    REPLICA_STORE_REFUSED, /* ticket: the log cannot be cut there; nothing was changed */
};

struct replica_event {
    enum replica_event_kind kind;
    int64_t now_us;  /* monotonic clock, microseconds; never goes back */
    int64_t wall_ms; /* milliseconds since 1970, for txns */
    uint64_t client; /* chosen by the shell, never 0, never used twice */
    struct bytes frame;
    struct identities identities; /* REPLICA_CONNECTED; copied */
    bool is_local; /* REPLICA_CONNECTED: by the local door: may read without a session, and has operations of its own */
    bool is_of_host; /* REPLICA_CONNECTED: by a socket that only this host has; clients of the local door are always */
    int64_t zxid;
    int64_t sid;
    uint64_t link; /* chosen by the shell, never 0, never used twice */
    uint64_t ticket;
    struct log_place place;
    struct tree *tree; /* made anew by the job; taken over, as are its sessions */
    struct sessions *sessions;
};

/* Runs one event; effects are appended to `out`, which may hold those of earlier events. ST_NO_MEMORY: a committed txn
 * could not be applied, or a state could not be kept: the process must stop (the log has everything). Anything a client
 * does wrong is an effect, not an error. */
enum status replica_step(struct replica *r, const struct replica_event *event, struct outbox *out);

enum replica_service {
    SERVICE_ALONE,     /* no ensemble */
    SERVICE_NONE,      /* looking for a leader, or not in step with it yet: nobody is served */
    SERVICE_LEADING,   /* writes are given their order here */
    SERVICE_LEARNING,  /* they are sent on to the leader */
    SERVICE_READ_ONLY, /* looking for a leader in vain: whoever allows it may read */
};

enum replica_service replica_service(const struct replica *r);

/* A request or two are under way to a disk or to another member: clients' that are not answered yet, or txns that are
 * not committed. Where it is more, one comes after the other anyway. */
bool replica_awaits_little(const struct replica *r);

/* Whether what is read after a sync is not older than the sync (design 5). Otherwise it is an Apache server that leads,
 * and does not ask anybody whether it still does: then only a write shows it. */
bool replica_sync_is_linearizable(const struct replica *r);

/* Is everybody served, with all that they may ask for? */
bool replica_serves_all(const struct replica *r);

/* Are clients from elsewhere turned away, since this member leads and there are others that vote, to serve them?
 * (leaderServes=no) Processes of this host know no other member. */
bool replica_serves_host_only(const struct replica *r);

/* When a member last heard its leader, or as leader a quorum, in the time of the events, milliseconds; -1: it has no
 * such role. */
int64_t replica_heard_ms(const struct replica *r);

/* Of a member, for reports; NULL: there is none. */
const struct zab *replica_zab(const struct replica *r);

/* For checkpoints, reports and tests; not to be changed by anyone else. */
struct tree *replica_tree(struct replica *r);
const struct sessions *replica_sessions(const struct replica *r);
const struct sessions *replica_local_sessions(const struct replica *r); /* that this member alone knows */
const struct watches *replica_watches(const struct replica *r);
int64_t replica_last_zxid(const struct replica *r); /* of the last applied txn */

/* What has changed lately; NULL: it is not remembered. What a member has applied may be taken back unless it serves. */
const struct changes *replica_changes(const struct replica *r);

/* May it read at all? ST_NOT_FOUND: it is not known, or about to be closed. ST_SESSION_CLOSED_REQUIRE_AUTH. */
enum status replica_may_follow(const struct replica *r, uint64_t client);

/* May this client, which has to be known, read what has that ACL? */
bool replica_may_read(const struct replica *r, uint64_t client, struct acls acl);
