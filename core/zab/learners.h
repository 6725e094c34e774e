/* learners.h - the learners whose links have come in, as whoever feeds them sees them: a leader, or a follower that
 * takes observers.
 *
 *   learners.c       links that come, go and fall silent; which packet may come when (quorum-protocol 2.9, 3.6)
 *   learners_sync.c  how a learner is brought to where the others are (2.6, 2.7)
 *   learners_log.c   ... with what the log has, where that is more than is kept in memory
 *
 * Observers are sent the same bytes all the time, and there may be a thousand of them. So they are in a feed: what is
 * sent to it is encoded once, and nobody walks over them for it. */
#pragma once

#include "core/base/map.h"
#include "core/zab/zab_internal.h"

/* In the order in which they are gone through; the bits make sets of them. */
enum peer_stage {
    PEER_NEW = 1 << 0,      /* FOLLOWERINFO or OBSERVERINFO is awaited */
    PEER_KNOWN = 1 << 1,    /* waits for LEADERINFO */
    PEER_ASKED = 1 << 2,    /* ACKEPOCH is awaited */
    PEER_PROMISED = 1 << 3, /* waits for its sync */
    PEER_READING = 1 << 4,  /* is sent what the log has of it, piece by piece */
    PEER_SYNCING = 1 << 5,  /* all up to NEWLEADER was sent, whose ACK is awaited; it gets all that follows */
    PEER_SYNCED = 1 << 6,   /* NEWLEADER was acknowledged; waits for UPTODATE */
    PEER_SERVING = 1 << 7,
};

/* A PROPOSAL and when it was sent. */
struct sent_proposal {
    int64_t zxid; /* 0: none */
    int64_t ms;
};

struct learners;

/* One learner. */
struct peer {
    struct learners *of;
    struct list in_all;
    struct list in_followers; /* from its sync on, when it is no observer */
    enum peer_stage stage;
    int32_t sync_op; /* DIFF, TRUNC or SNAP, from PEER_READING on */
    uint64_t link;
    int64_t sid;             /* from PEER_KNOWN on */
    bool observer;           /* is sent INFORM, and counts for nothing */
    bool takes_snapshot;     /* the stream is on its way to it */
    bool log_refused;        /* the log cannot bring it up to date */
    bool has_begun;          /* PEER_READING: it was sent DIFF or TRUNC, and is to have the rest */
    bool said_unknown;       /* one without a meaning was reported */
    bool shows_capabilities; /* it is an agent, and may be sent CAPABILITIES */
    struct capabilities can;
    bool observers_cannot[CAPABILITY_COUNT]; /* of a follower that takes observers: some of these */
    int64_t loaded_zxid;                     /* where its log ended: from ACKEPOCH */
    int64_t sent_zxid;                       /* of the last txn that it was sent; of an observer, by its sync */
    int64_t read_zxid;                       /* PEER_READING: sent_zxid when the log was asked for more */
    int64_t acked_zxid;                      /* of proposals, one after the other; or where its sync began */
    int64_t heard_ms;                        /* of its last packet */
    uint64_t packets, requests;              /* it has sent */
    int64_t deadline_ms;                     /* for its next one; INT64_MAX: none is awaited */
    int64_t alive_ms;                        /* until then it counts as being there */
    struct sent_proposal oldest, newest;     /* not acknowledged; the newest is the next to be timed */
    int64_t held_from, held_to;              /* commits that it is told behind UPTODATE; 0: none */
    int64_t promised_epoch, renewed_epoch;   /* of a follower that is served: the next one, and the one that is */
    uint64_t pings_before;                   /* rounds that were over when it began to be served */
    uint64_t pings_answered;                 /* of those since; it answers each, one after the other */
};

struct learners {
    struct list all;       /* in the order in which they came */
    struct list followers; /* those that are sent PROPOSAL and COMMIT */
    struct map64 by_link;  /* all of them */
    size_t count;
    uint32_t snapshot_syncs, diff_syncs; /* under way */
    int64_t ahead_zxid; /* the first txn that somebody waits for, who has it, to be committed here; 0: nobody does */
    size_t fed;         /* how many are in the feed */
    int64_t fed_zxid;   /* of the last txn that went to it; 0: none */
    uint64_t pings;     /* rounds of PING so far, each to every follower that is served */
};

#define PEER(at)         LIST_ENTRY(at, struct peer, in_all)
#define FOLLOWER(at)     LIST_ENTRY(at, struct peer, in_followers)
#define LEARNERS_OF(set) (&(set)->learners.all)

typedef void peer_packet_fn(struct zab *z, struct peer *p, const struct packet *packet);

/* One type of packet, by its number: in which stages it may come, and who takes it. */
struct peer_packet_row {
    unsigned stages;
    peer_packet_fn *take;
};

/* -- learners.c */

/* Zero-initialise, then call. */
void learners_init(struct learners *set);

/* Frees every one of them; nobody is told. */
void learners_free(struct learners *set);

/* The link has come in: it is awaited for initLimit. */
void learners_accept(struct zab *z, struct learners *set, uint64_t link);

/* NULL: there is none. */
struct peer *learners_get(const struct learners *set, uint64_t link);

/* It has gone; frees it. */
void learners_remove(struct peer *p);

/* Says why, closes the link and frees `p`. */
void peer_drop(struct zab *z, struct peer *p, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* A server feeds from one place at a time: what the same one left behind on another link need not be waited for. */
void learners_drop_older(struct zab *z, struct learners *set, int64_t sid);

/* Drops those that have been silent for too long, or owe an ACK. */
void learners_drop_overdue(struct zab *z, struct learners *set);

/* PING to each whose sync was sent; a learner may have to wait longer for the others than its limit of silence is. */
void learners_ping(struct zab *z, struct learners *set, int64_t zxid);

/* The same to followers alone, which have to answer. */
void learners_ping_followers(struct zab *z, struct learners *set, int64_t zxid);

/* Is it to hear of commits behind UPTODATE only? peer_hold: of these; peer_tell_held: now, after all. */
bool peer_holds_commits(const struct peer *p);
void peer_hold(struct zab *z, struct peer *p, int64_t from, int64_t to);
void peer_tell_held(struct zab *z, struct peer *p);

/* Limit of the learner's silence: in ticks from now. */
void peer_limit(const struct zab *z, struct peer *p, int64_t ticks);

/* A packet of the learner's goes to the row of its type; one out of turn ends the link. */
void peer_packet(struct zab *z, struct peer *p, const struct peer_packet_row *rows, size_t count,
                 const struct packet *packet);

/* Takes no notice of a packet, but says so once for each link. */
peer_packet_fn peer_pass_over;

/* For the layer above, which alone knows what sessions and requests are. */
peer_packet_fn peer_pass;

/* What the learner shows of its capabilities when it comes. False: it was dropped. */
bool peer_take_record(struct zab *z, struct peer *p, struct bytes tail);

/* CAPABILITIES as z->agreement has it, to those that are served and have shown a record; peer_serve tells each before
 * it is served. */
void learners_tell_capabilities(struct zab *z, struct learners *set);

/* LEADERINFO of that epoch, whose answer is awaited. */
void peer_send_leader_info(struct zab *z, struct peer *p, int64_t epoch);

/* NEWLEADER was acknowledged and txns are served here: from now on it is to answer pings. */
void peer_serve(struct zab *z, struct peer *p);

/* A new epoch has begun without an election. First those go that are not served yet, or cannot take it; when all of the
 * epoch before is committed, observers are told, and those let in that have come meanwhile. */
void learners_drop_unserved(struct zab *z, struct learners *set);
void learners_renewed(struct zab *z, struct learners *set, int64_t epoch);

/* The bytes of whole packets, with `zxid` as the last txn, go to the feed. */
void learners_feed(struct zab *z, struct learners *set, struct bytes packets, int64_t zxid);

/* As zab_learner_next; `outstanding`: proposals not committed, or NULL. */
bool learners_report(const struct learners *set, const struct entries *outstanding, const void **at,
                     struct zab_learner_report *report);

/* -- learners_sync.c */

/* Sends everything up to NEWLEADER; from then on the learner is sent whatever is proposed and committed. Or lets it
 * wait, when as many observers as may be are brought up to date already. */
void learners_sync(struct zab *z, struct peer *p);

/* Those that wait, as far as there is room now. */
void learners_sync_waiting(struct zab *z, struct learners *set);

/* Whether an ACK with this zxid is that of NEWLEADER, which behind a snapshot is not sent before that has left. */
bool learners_sync_acked(const struct peer *p, int64_t zxid, int64_t epoch);

/* NEWLEADER was acknowledged, or the sync has come to nothing: it is over. */
void learners_end_sync(struct peer *p);

/* Whether a learner whose log ends at `peer`, which the others do not have, has the txn `zxid` and can be cut back to
 * it. */
bool learners_may_cut_back(const struct zab *z, int64_t peer, int64_t zxid);

/* PROPOSAL and COMMIT. */
void learners_send_committed(struct zab *z, const struct peer *p, int64_t zxid, struct bytes entry);

/* What is kept from index `first` on, and all up to NEWLEADER: as the end of learners_sync, behind what it has said. */
void learners_send_rest(struct zab *z, struct peer *p, size_t first);

/* The stream that the learner took is written to its end. */
void learners_snapshot_sent(struct zab *z, struct learners *set, uint64_t link);

/* -- learners_log.c */

/* May the log have what the learner lacks, and memory has not? Whether it has is told by reading it. */
bool learners_log_may_have(const struct zab *z, const struct peer *p);

/* Begins to bring it up to date so; or, when the log cannot be used, in another way. */
void learners_log_begin(struct zab *z, struct peer *p);

/* ZAB_LOG_FOUND, ZAB_LOG_RECORD, ZAB_LOG_READ and ZAB_LOG_REFUSED. */
void learners_log_event(struct zab *z, struct learners *set, const struct zab_event *event);
