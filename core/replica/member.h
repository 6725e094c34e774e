/* member.h - a replica as member of an ensemble: what core/zab wants done is done here (design 4.1, 5).
 *
 * member.c steps zab and knows when tree and log have come to the same point; member_effects.c carries out what comes
 * of it; member_link.c takes bytes off the links; member_learner.c forwards clients' writes and answers them when they
 * come back committed; member_leader.c takes writes that others forward; member_config.c knows the configuration as
 * clients see it; member_snapshot.c takes and sends whole trees, member_log.c what the log has of them;
 * member_counts.c counts what the others do here.
 *
 * A replica that runs alone has no member: its commits are its log's. */
#pragma once

#include "core/base/list.h"
#include "core/replica/replica_internal.h"
#include "core/store/snapshot.h"
#include "core/zab/zab.h"

/* What was given to a link, or to the feed. */
struct link_volume {
    uint64_t packets, bytes;
};

/* What was counted of a link when its figures were reset. */
struct link_stats {
    uint64_t received, requests, given; /* packets, from it and to it */
};

/* A connection with another member, as zab and the shell number them. */
struct member_link {
    struct list link;       /* member->links */
    struct list in_sending; /* member->sending, while a snapshot goes out */
    uint64_t id;
    bool held;                     /* zab waits for the disk */
    bool fed;                      /* is in the feed, or will be behind its snapshot */
    int64_t established_ms;        /* wall clock */
    struct link_volume given;      /* without the feed and snapshots */
    struct link_volume fed_before; /* to the feed, before it was in it */
    struct link_stats reset;
    struct snapshot_take *take; /* a snapshot comes in */
    struct snapshot_send *send; /* one goes out; what is sent meanwhile waits in it */
    bool wants_log;             /* `log` is to be read when there is room */
    struct log_wish log;
};

/* A sync under way: at a learner its client, or an observer of its, waits for the leader's answer; at a leader the
 * learner waits for what the ticket asks: whether it still leads. */
struct member_sync {
    struct list link;
    uint64_t client;
    uint64_t link_id; /* at a learner 0: it is the client's */
    uint64_t ticket;
};

/* When what is under way began, for its metrics; 0: it has not. */
struct member_times {
    int64_t looking_us, syncing_us;
};

/* A txn that is logged and not applied yet. */
struct member_entry {
    struct list link;
    int64_t zxid;
    size_t len;
    uint8_t bytes[];
};

struct membership {
    struct zab *zab;
    struct zab_output output;
    struct list links;
    struct map64 links_by_id;    /* the same */
    struct list sending;         /* those of them on which a snapshot goes out */
    struct link_volume fed;      /* given to the feed, ever */
    const struct packet *packet; /* the one that is being taken, for ZAB_PASS */

    /* The disk. */
    int64_t logged_zxid;  /* handed over; 0: nothing since the role began */
    int64_t durable_zxid; /* of those, on the disk */
    uint32_t jobs;        /* handed over and not done */
    struct list entries;  /* learner: logged, not committed */
    int64_t accepted_epoch, current_epoch;
    bool tree_is_borrowed; /* it came in a snapshot that the disk does not have yet */
    uint64_t keep_ticket;
    uint64_t accepted_ticket, current_ticket; /* 0: none under way */
    int64_t accepted_next, current_next;
    bool claims_less; /* until it is synchronized: `claimed_zxid`, whatever the tree says */
    int64_t claimed_zxid;
    /* A leader's epoch begins at a zxid that no txn has; that of its last txn before. */
    int64_t begun_zxid, before_zxid;
    bool leaving;  /* ZAB_LEAVE was seen; waits for the disk */
    bool carrying; /* effects are being carried out: those of a step within are behind them */

    /* Learner. */
    struct map64 by_session;   /* session -> client that waits for it, or for the leader's word on it */
    struct map64 touched;      /* sessions heard since the last answer to a PING */
    struct list syncs;         /* in order, those of observers too; the leader answers in that order */
    struct list revalidations; /* of observers, in order */
    uint32_t relayed;          /* of syncs and revalidations: that are observers' */

    /* Leader. */
    struct list learner_syncs;
    uint64_t learner_sync_count;
    uint64_t confirm_ticket; /* of the last question whether this server still leads */

    struct member_times times;
    int64_t read_only_due_us; /* when reads are to be served without a leader; INT64_MAX: not */

    /* A tree that is not what the others have. */
    bool diverged;            /* a snapshot is to be asked for, as soon as the step is over */
    int64_t differs_since_us; /* 0: the last digest was that of the tree */
    int64_t resync_due_us;    /* not before this moment */
    bool resyncing;           /* the tree was given up, and none was kept in its place */
    int64_t resync_pause_us;  /* behind the last snapshot that was to take its place and broke off; 0: none did */
};

/* -- member.c */

/* Whatever of the shell's events is not every replica's. */
enum status member_event(struct replica *r, const struct replica_event *event, struct outbox *out);

/* The first election may begin. */
enum status member_start(struct replica *r, struct outbox *out);

/* Runs an event of zab's and carries out what comes of it; member_tell: one that says no more than its kind. */
enum status member_step(struct replica *r, struct zab_event *event, struct outbox *out);
enum status member_tell(struct replica *r, enum zab_event_kind kind, struct outbox *out);

/* What was logged and not committed is not known here any more. */
void member_forget_entries(struct membership *m);

/* Carries out what stands in member->output, and what is added to it meanwhile. */
enum status member_carry_out(struct replica *r, struct outbox *out);

/* -- member_counts.c: before the effect is carried out, and before the packet is taken */

void member_count_effect(struct replica *r, const struct zab_effect *e, struct bytes bytes);
void member_count_packet(struct replica *r, uint64_t link, const struct packet *packet);

/* -- member_effects.c */

/* The overlay of what is in flight belongs to a role: a leader begins with an empty one over the tree as it is. */
enum status member_renew_pending(struct replica *r);

/* The log is durable up to `zxid`. */
enum status member_logged(struct replica *r, int64_t zxid, struct outbox *out);

int64_t member_due_us(const struct replica *r);
void member_free(struct replica *r);

/* Can the next txn be proposed here? If not, it must not be prepared either: the role has ended in this very step, or
 * ends now for want of a zxid, and with it the connection of whoever asked. */
enum status member_can_propose(struct replica *r, bool *can, struct outbox *out);

/* Gives the entry in r->entry to the others and to the log: it is proposed. */
enum status member_propose(struct replica *r, int64_t zxid, struct outbox *out);

/* The tree of before is gone, with its sessions: these are the database now, and are taken over. `is_exact`: it is what
 * our own log leads to, so that what is remembered of the way there holds. A leader's snapshot may hold effects of txns
 * that are still to come (quorum-protocol 4.6), which are then no changes any more: nothing is remembered until they
 * have. ST_NO_MEMORY: they are not. */
enum status member_replace_tree(struct replica *r, struct tree *tree, struct sessions *sessions, int64_t zxid,
                                bool is_exact);

/* -- member_config.c */

/* The configuration node says what this member goes by; each member sets it, outside of the log and of the digest
 * (quorum-protocol 2.7). */
enum status member_show_config(struct replica *r);

/* A leader's prepare of a reconfig, which has to know where the ensemble stands. */
enum status member_prepare_reconfig(struct replica *r, const struct proposal *proposal, struct prepare *p,
                                    struct writer *record);

/* -- read_only.c */

/* The election begins; at its moment; the election is over. */
void read_only_wait(struct replica *r);
enum status read_only_begin(struct replica *r);
enum status read_only_end(struct replica *r, struct outbox *out);

/* -- member_digest.c */

/* Compares the tree with the digest that the txn, which was just applied, has of it. */
void member_check_digest(struct replica *r, const struct txn *txn);

/* A snapshot begins to come in, and has become the database: does it stand for a tree that was given up? */
void member_resync_begins(struct replica *r);
void member_resync_is_kept(struct replica *r);

/* -- member_link.c */
enum status member_link_bytes(struct replica *r, const struct replica_event *event, struct outbox *out);
struct member_link *member_link_find(const struct membership *m, uint64_t id); /* NULL: there is none */
enum status member_link_open(struct replica *r, uint64_t id);

/* Says why and closes the link; zab is told. */
enum status member_link_break(struct replica *r, uint64_t id, const char *why, struct outbox *out);

/* Forgets the link and what was under way on it; zab and the shell are not told. */
enum status member_link_drop(struct replica *r, struct member_link *link, struct outbox *out);
enum status member_links_drop(struct replica *r, struct outbox *out);
void member_links_free(struct membership *m);

/* Bytes for the link: now, or behind the snapshot that goes out on it. A link that is gone takes nothing. */
enum status member_link_send(struct replica *r, uint64_t id, struct bytes bytes, struct outbox *out);
/* REPLICA_LINK_ROOM is to come when little is unsent on it. */
enum status member_link_want_room(const struct member_link *link, struct outbox *out);
/* The link is in the feed from now on; or bytes for all that are. */
enum status member_link_feed(struct replica *r, uint64_t id, struct outbox *out);
enum status member_feed_send(struct replica *r, struct bytes bytes, struct outbox *out);
/* The peer says what cannot be: its link is at an end. */
enum status member_link_break(struct replica *r, uint64_t id, const char *why, struct outbox *out);
enum status member_send_packet(struct replica *r, uint64_t link, const struct packet *packet, struct outbox *out);

/* -- member_learner.c */

struct forwarding {
    const struct op *op;
    int32_t cxid;
    struct bytes frame;        /* header and body, as the client sent them */
    const union op_body *body; /* NULL: it could not be read */
    int64_t received_us;
    enum status refused; /* what its client is told if the leader refuses it; ST_OK: the leader's reason */
};

/* Sends a client's request on to the leader; it keeps its place until it comes back as a committed txn, a sync until
 * the leader says so. */
enum status member_forward(struct replica *r, struct client *c, const struct forwarding *f, struct outbox *out);
/* Sends the leader a createSession; the client waits for it, or, when its session was local before, does not. */
enum status member_announce_session(struct replica *r, int64_t session_id, int32_t timeout_ms, struct outbox *out);
enum status member_create_session(struct replica *r, struct client *c, struct outbox *out);

/* Asks the leader whether the session lives; the client waits. */
enum status member_revalidate(struct replica *r, struct client *c, struct outbox *out);
enum status member_learner_packet(struct replica *r, const struct packet *packet, struct outbox *out);
enum status member_commit(struct replica *r, int64_t zxid, struct bytes bytes, struct outbox *out);

/* The session was heard from. ST_NO_MEMORY. */
enum status member_touch(struct replica *r, int64_t session_id, int32_t timeout_ms);

/* The client is gone: nobody waits for its session any more. */
void member_forget(struct replica *r, const struct client *c);
void member_forget_all(struct membership *m);

/* -- member_relay.c */

/* What an observer of this follower asks. */
enum status member_relay(struct replica *r, uint64_t link, const struct packet *packet, struct outbox *out);

/* The leader's answers to that. `taken`: it was an observer's question. */
enum status member_relay_synced(struct replica *r, const struct member_sync *sync, struct outbox *out);
enum status member_relay_revalidated(struct replica *r, const struct packet *packet, bool *taken, struct outbox *out);
void member_relay_forget(struct membership *m);

/* -- member_leader.c */
enum status member_leader_packet(struct replica *r, uint64_t link, const struct packet *packet, struct outbox *out);

/* Asks, for a sync of a client of this leader's own, whether it still leads. */
enum status member_confirm(struct replica *r, struct request *sync, struct outbox *out);

/* It does: answers the syncs up to that ticket, learners' and own. */
enum status member_confirmed(struct replica *r, uint64_t ticket, struct outbox *out);
void member_forget_syncs(struct membership *m);

/* -- member_snapshot.c */

/* A snapshot at `zxid` is about to come in on the link. */
enum status snapshot_take_begin(struct replica *r, struct member_link *link, int64_t zxid, struct outbox *out);

/* Takes bytes of it. `used`: how many; `done`: it is whole and is the tree now. ST_CORRUPT: it is none, and nothing has
 * changed. */
enum status snapshot_take_bytes(struct replica *r, struct member_link *link, struct bytes bytes, size_t *used,
                                bool *done, struct outbox *out);

/* It will not become whole. */
enum status snapshot_take_drop(struct member_link *link, struct outbox *out);
void snapshot_take_free(struct snapshot_take *take);

/* Begins to write the tree to the link. */
enum status snapshot_send_begin(struct replica *r, struct member_link *link, int64_t zxid, struct outbox *out);

/* Goes on: little is unsent on the link. */
enum status snapshot_send_more(struct replica *r, struct member_link *link, struct outbox *out);

/* These bytes, which are whole packets, belong behind the snapshot. When more waits there than a link may hold, the
 * link ends: the learner comes again. */
enum status snapshot_send_behind(struct replica *r, struct member_link *link, struct bytes bytes, struct outbox *out);
void snapshot_send_free(struct snapshot_send *send);

/* -- member_log.c */

/* Some of the log is wanted for the learner at the link. */
enum status member_log_want(struct replica *r, struct member_link *link, int64_t after, int64_t until,
                            struct outbox *out);

/* Little is unsent on the link, whose snapshot or piece of the log may go on. */
enum status member_link_room(struct replica *r, uint64_t id, struct outbox *out);

/* REPLICA_LOG_PIECE and REPLICA_LOG_REFUSED. */
enum status member_log_piece(struct replica *r, const struct replica_event *event, struct outbox *out);
