/* zab.h - one member of an ensemble as one state machine: election, discovery, synchronization, broadcast.
 *
 * Events in, effects out; no disk, clock, socket or randomness (design 4.1). Txns are opaque here: a zxid and the bytes
 * of an entry, the same on the quorum port, in the log and in a sync (design 4.4). What the shell promises:
 *
 *   - the disk is one queue: ZAB_LOG, ZAB_STORE_*, ZAB_TRUNCATE and ZAB_KEEP_SNAPSHOT become durable in the order in
 *     which they were asked for, and a completion is told only when all before it are durable too (design 4.9). What
 *     has no ticket is not told; that it fails is a failure of the disk;
 *   - bytes on one link arrive in order, none of them after ZAB_LINK_CLOSED;
 *   - ZAB_LOADED comes only when tree and log have come to the same point (quorum-protocol 7.2).
 *
 * Every member starts in, and returns to, ZAB_LOOKING by way of ZAB_LEAVE: the shell closes what belongs to the role,
 * drains the log, brings the tree to the end of the log and answers with ZAB_LOADED. Source: quorum-protocol 1 to 3 and
 * 5, appendix D. Not thread-safe: one loop thread. */
#pragma once

#include "core/members/members.h"
#include "core/zab/capability.h"
#include "core/zab/packet.h"
#include "core/zab/vote.h"

struct zab; /* opaque */

/* Times in milliseconds; limits in ticks, as zoo.cfg has them. Must be set, each of them. */
struct zab_options {
    int64_t sid;
    bool observer; /* what zoo.cfg says of this server (peerType, or its own line) */
    bool reconfig_enabled;
    bool multi_address;
    int32_t tick_ms, init_limit, sync_limit;
    int32_t notification_ms_min, notification_ms_max; /* 200 and 60000 */
    int32_t finalize_wait_ms;                         /* 200: quiet time behind a quorum of equal votes */
    int32_t connect_retry_ms;      /* leaderConnectDelayDuringRetryMs: longest pause between two tries to connect */
    bool observer_masters;         /* observerMasterPort: followers take observers, this one too if it follows */
    int32_t observer_reconnect_ms; /* observer.reconnectDelayMs: longest wait before an observer asks the leader */
    int32_t observer_retry_ms; /* an observer at the leader looks so often, or half as often, for a follower that takes
                                  observers by now; 0: never */
    int32_t observer_election_ms; /* observer.election.DelayMs: the same before it looks for a leader again */
    uint64_t seed;                /* for such waits: another one for each member */
    uint32_t committed_count_max; /* commitLogCount: txns kept for DIFF syncs, 500 at least */
    uint64_t committed_bytes_max; /* of them; the older ones go first */
    uint64_t observer_bytes_max;  /* observerMaster.sizeLimit: so many bytes of them are kept in any case; 0: none */
    uint32_t snapshot_syncs_max;  /* leader.maxConcurrentSnapSyncs: observers that are sent a tree at one time */
    uint32_t diff_syncs_max;      /* leader.maxConcurrentDiffSyncs: that are brought up to date in another way */
    bool reads_log;               /* who lacks more than is kept may be sent it from the log: ZAB_READ_LOG */
    uint64_t pending_bytes_max;   /* of proposals taken from the leader and not committed */
    int64_t zxid_counter_max;     /* 0xfffffffe: beyond it a leader steps down for a new epoch */
    int64_t zxid_margin;          /* so many zxids before that it begins one without stepping down, among agents */
    bool shows_capabilities;      /* false: as an Apache server, without a record */
    struct capabilities can;
};

/* -- events ------------------------------------------------------------------------------------------------------- */

enum zab_event_kind {
    ZAB_TICK,           /* the time that was asked for has come, or any other moment */
    ZAB_LOADED,         /* zxid, accepted_epoch, current_epoch: what is on the disk, and in the tree */
    ZAB_NOTIFICATION,   /* sid, bytes: one frame from the election port, without its length */
    ZAB_LINK_CONNECTED, /* link: the connection that ZAB_CONNECT asked for is there; or ... */
    ZAB_LINK_ACCEPTED,  /* link: a learner has come in through a port that ZAB_LISTEN or ZAB_LISTEN_OBSERVERS opened */
    ZAB_LINK_PACKET,    /* link, packet */
    ZAB_LINK_CLOSED,    /* link: gone, or could not be made; never again heard of */
    ZAB_LOGGED,         /* zxid: every ZAB_LOG up to it is durable */
    ZAB_STORED,         /* ticket: the effect with that ticket is durable, and everything asked for before it */
    ZAB_STORE_REFUSED,  /* ticket: a ZAB_TRUNCATE whose zxid is not in the log, or is below the tree's base; a
                         * ZAB_KEEP_SNAPSHOT for which there is no room, and the ZAB_STORE_CURRENT behind it */
    ZAB_SNAPSHOT_PART,  /* link: some of that snapshot has come in, or was loaded: its time-out begins anew */
    ZAB_SNAPSHOT_TAKEN, /* link: the snapshot that ZAB_TAKE_SNAPSHOT asked for has come in whole, and is the tree */
    ZAB_SNAPSHOT_SENT,  /* link: the snapshot that ZAB_SEND_SNAPSHOT asked for is on its way, whole */
    ZAB_LOG_FOUND,   /* link, zxid: what ZAB_READ_LOG asked for begins behind this txn, the last one of the log that is
                      * not above what was asked; some of it follows, then ZAB_LOG_READ */
    ZAB_LOG_RECORD,  /* link, zxid, bytes: the next entry, or one that was there before */
    ZAB_LOG_READ,    /* link: no more for now */
    ZAB_LOG_REFUSED, /* link: the log is not there from that txn on, or cannot be read, or is larger than the tree */
    ZAB_PROPOSE,     /* leader only: zxid (zab_next_zxid), bytes: the entry; ZAB_LOG may be later (zab_is_renewing) */
    ZAB_CONFIRM,     /* leader only: ticket, larger than the one before: does this server still lead? ZAB_CONFIRMED */
    ZAB_DIVERGED,    /* the tree is not the leader's: a learner leaves, and asks for a snapshot when it is back */
    ZAB_DISK_FAILED, /* a write or sync failed: leaves its role and takes no other, until a restart (design 4.7) */
    ZAB_DISK_FULL,   /* not eligible to lead until ZAB_DISK_ROOM */
    ZAB_DISK_ROOM,
};

struct zab_event {
    enum zab_event_kind kind;
    int64_t now_ms; /* monotonic; never goes back */
    int64_t sid;
    uint64_t link; /* chosen by the shell, never 0, never used twice */
    int64_t zxid;
    int64_t accepted_epoch, current_epoch;
    uint64_t ticket;
    struct bytes bytes;
    const struct packet *packet; /* borrowed for the call */
};

/* -- effects ------------------------------------------------------------------------------------------------------ */

enum zab_effect_kind {
    /* Election port. */
    ZAB_NOTIFY, /* sid, bytes: one notification (without length) to the server; replaces one that still waits */

    /* Quorum port. */
    ZAB_LISTEN,           /* open the port: this server leads */
    ZAB_UNLISTEN,         /* close it */
    ZAB_LISTEN_OBSERVERS, /* open the port for observers: this server follows */
    ZAB_CONNECT,  /* sid: to that server's quorum port, or with `to_master` to its port for observers; answered by
                   * ZAB_LINK_CONNECTED or ZAB_LINK_CLOSED with `link` */
    ZAB_SEND,     /* link, bytes: whole packets */
    ZAB_FEED,     /* link: what goes to the feed is for it, too, behind what it was sent so far */
    ZAB_SEND_FED, /* bytes: whole packets for every link that is in the feed and not closed */
    ZAB_CLOSE,    /* link: at once; no ZAB_LINK_CLOSED follows, nothing more of it is fed */
    ZAB_HOLD,     /* link: feed no packet of it until ... */
    ZAB_GO,       /* ... this */
    ZAB_PASS, /* link, packet_type, zxid, bytes (the whole packet): for the layer above: REQUEST, REVALIDATE, SYNC, PING
                 (its data: touches) */

    /* Snapshots. */
    ZAB_TAKE_SNAPSHOT, /* link, zxid: what follows on the link is a snapshot stream and becomes the tree */
    ZAB_SEND_SNAPSHOT, /* link, zxid: write the tree, as it is now at zxid, as a stream; later ZAB_SENDs wait for it */

    /* link, zxid, until: some of the log behind the txn `zxid`, up to `until` at most, which is committed and on the
     * disk; when little is unsent on the link. Whatever is known to lie behind a hole must not count. */
    ZAB_READ_LOG,

    /* Disk: one queue, in this order. */
    ZAB_LOG,            /* zxid, bytes: append the entry */
    ZAB_STORE_ACCEPTED, /* ticket, epoch: acceptedEpoch */
    ZAB_STORE_CURRENT,  /* ticket, epoch: currentEpoch */
    ZAB_TRUNCATE,       /* ticket, zxid: cut the log behind that txn, which must be in it; the tree goes back too */
    /* ticket, zxid: what was taken replaces all that is on the disk, in one step with the ZAB_LOGs up to zxid that
     * follow at once: those that its sync has committed, or none. */
    ZAB_KEEP_SNAPSHOT,
    ZAB_STORE_LAST_SEEN, /* bytes: text of the configuration that is pending from now on; null: none is any more */
    ZAB_STORE_CONFIG,    /* bytes: text of the committed configuration, with its version */

    /* Upwards. */
    ZAB_COMMITTED, /* zxid, bytes: apply the entry; always in order of zxid */
    /* ticket: everything that was proposed before ZAB_CONFIRM is committed, and so is everything that any leader had
     * committed by then: a quorum has shown since that it follows this one. For every ticket up to this one; in front
     * of any txn that was proposed behind them, and of its COMMIT. */
    ZAB_CONFIRMED,
    ZAB_ROLE,         /* role, phase, leader, epoch: for reports; in ZAB_BROADCAST clients are served */
    ZAB_LEAVE,        /* why (in bytes, text): see the head of this file; all links are closed, the ports too */
    ZAB_CONFIG,       /* the committed configuration has become another: zab_committed */
    ZAB_RENEWED,      /* epoch: the role goes on in a new epoch, without an election; nothing else has changed */
    ZAB_CAPABILITIES, /* what all voters can has become another: zab_capabilities; with ZAB_LEAVE it is nothing */
    ZAB_LOG_LINE,     /* bytes: worth telling the operator */
};

enum zab_role { ZAB_LOOKING, ZAB_FOLLOWING, ZAB_LEADING, ZAB_OBSERVING }; /* numbers of enum server_state */

enum zab_phase { ZAB_LOADING, ZAB_ELECTION, ZAB_DISCOVERY, ZAB_SYNCHRONIZATION, ZAB_BROADCAST, ZAB_HALTED };

struct zab_effect {
    enum zab_effect_kind kind;
    enum zab_role role;
    enum zab_phase phase;
    int64_t sid, zxid, until, epoch, leader;
    uint64_t link, ticket;
    size_t offset, len; /* of `bytes`: in the output's buffer */
    bool null;          /* no bytes at all, as opposed to none */
    bool to_master;
    int32_t packet_type;
};

/* The effects of one or more steps, in order. Zero-initialise; reset when carried out. */
struct zab_output {
    struct buffer bytes;
    struct zab_effect *effects;
    size_t count, capacity;
    int64_t wake_ms; /* when ZAB_TICK is wanted at the latest; INT64_MAX: never */
};

void zab_output_reset(struct zab_output *out);
void zab_output_free(struct zab_output *out);

/* The bytes of an effect; valid until the next step or reset. */
struct bytes zab_effect_bytes(const struct zab_output *out, const struct zab_effect *effect);

/* -- the machine -------------------------------------------------------------------------------------------------- */

/* `committed` is taken over; `last_seen` too, or NULL: there is none that is newer. NULL: out of memory, nothing was
 * taken. Nothing happens before ZAB_LOADED. */
struct zab *zab_new(const struct zab_options *options, struct members *committed, struct members *last_seen);
void zab_free(struct zab *z);

/* Runs one event; effects are appended to `out`, `wake_ms` is set. ST_NO_MEMORY: the process must stop. Whatever a peer
 * does wrong is an effect (its link is closed, or the role is left), not an error. */
enum status zab_step(struct zab *z, const struct zab_event *event, struct zab_output *out);

/* The zxid of the next ZAB_PROPOSE; 0: this member does not lead, or not yet. */
int64_t zab_next_zxid(const struct zab *z);

/* Leader only: a new epoch is on its way, and what is proposed is held until it has begun. No configuration may be
 * changed meanwhile. */
bool zab_is_renewing(const struct zab *z);

/* Leader only: its epoch has no zxid left. A ZAB_PROPOSE makes it step down for a new one, and its txn is nowhere
 * (ZOOKEEPER-1277). */
bool zab_is_spent(const struct zab *z);

/* For reports and the layer above. */
enum zab_role zab_role(const struct zab *z);
enum zab_phase zab_phase(const struct zab *z);
int64_t zab_leader(const struct zab *z);         /* sid; -1: not known */
uint64_t zab_leader_link(const struct zab *z);   /* of a learner, to the leader or its observer master; 0: none */
int64_t zab_learner_master(const struct zab *z); /* who is at the other end of it; -1: nobody */
int64_t zab_epoch(const struct zab *z);
/* When a learner last heard its leader, or a leader a quorum: the time of that event. 0: it has no such role now. */
int64_t zab_heard_ms(const struct zab *z);
int64_t zab_last_committed(const struct zab *z);
const struct members *zab_committed(const struct zab *z);
const struct capabilities *zab_capabilities(const struct zab *z); /* that are on; nothing but in ZAB_BROADCAST */

/* Whether an agent leads, as far as this member knows: one that answers SYNC only after a quorum has said that it still
 * does. What leads behind an Apache server that takes observers is not known. */
bool zab_agent_leads(const struct zab *z);

/* The last-seen configuration that is not committed yet, whose quorums count besides; NULL: there is none. */
const struct members *zab_pending_config(const struct zab *z);

/* One learner of a leader, or of a follower that takes observers, for `srvr`, `mntr` and admin. */
struct zab_learner_report {
    int64_t sid;
    uint64_t link;
    bool observer, synced;
    int64_t last_zxid;          /* of what it was sent */
    int64_t heard_ms;           /* when it was last heard */
    uint64_t outstanding;       /* proposals it has not acknowledged */
    uint64_t packets, requests; /* it has sent, the requests among them */
    bool shows_capabilities;
    struct capabilities can;
};
size_t zab_learner_count(const struct zab *z);

/* The next one; `*at` is NULL before the first. False: there are no more. Nothing may be stepped meanwhile. */
bool zab_learner_next(const struct zab *z, const void **at, struct zab_learner_report *report);
