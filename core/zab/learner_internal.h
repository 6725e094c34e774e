/* learner_internal.h - what following and observing keep, shared by the learner files.
 *
 *   learner.c            the link, which packet may come when; discovery (quorum-protocol 2.2, 2.4)
 *   learner_silence.c    how long the leader may be silent (2.9)
 *   learner_masters.c    whom it connects to
 *   learner_sync.c       from DIFF, TRUNC or SNAP to UPTODATE (2.8)
 *   learner_config.c     configurations (5)
 *   learner_broadcast.c  after it (3.5)
 *   learner_renewal.c    a new epoch without an election, among agents */
#pragma once

#include "core/zab/observer_master.h"

/* A leader that is about to open its port is tried again soon; one that does not is not worth more than Apache's pace
 * and patience: five tries, connect_retry_ms apart (quorum-protocol 2.9). */
enum { RECONNECT_MS_FIRST = 5, RECONNECT_PAUSES = 4 };

/* In the order in which they are gone through; the bits make sets of them. */
enum learner_stage {
    LEARNER_CONNECTING = 1 << 0,      /* a connection was asked for, or will be */
    LEARNER_DISCOVERING = 1 << 1,     /* LEADERINFO is awaited */
    LEARNER_PROMISING = 1 << 2,       /* acceptedEpoch is on its way to the disk; the link is held */
    LEARNER_CHOSEN_FOR = 1 << 3,      /* ACKEPOCH was sent; DIFF, TRUNC or SNAP is awaited */
    LEARNER_TRUNCATING = 1 << 4,      /* the link is held */
    LEARNER_TAKING_SNAPSHOT = 1 << 5, /* the stream stands in place of packets */
    LEARNER_SYNCING = 1 << 6,         /* before NEWLEADER */
    LEARNER_ADOPTING = 1 << 7,        /* NEWLEADER came, what it demands is on its way to the disk; the link is held */
    LEARNER_ADOPTED = 1 << 8,         /* NEWLEADER was acknowledged */
    LEARNER_SERVING = 1 << 9,         /* after UPTODATE */
    /* Serving goes on, the link is held: */
    LEARNER_PROMISING_NEXT = 1 << 10, /* the next epoch is on its way to the disk as accepted ... */
    LEARNER_RENEWING = 1 << 11,       /* ... and as current */
};

struct learner {
    enum learner_stage stage;
    uint64_t link;       /* 0: not there yet */
    int64_t deadline_ms; /* to hear of the leader; INT64_MAX: it is our disk that is waited for */
    int64_t heard_ms;    /* of its last packet, or when the role began */
    bool is_hasty;       /* the deadline is the agents', not Apache's */
    bool is_excused;     /* the leader is: this member has slept past the deadline, and has set another one */
    int64_t retry_ms;    /* how long the last wait for another try was; 0: none yet */
    int64_t give_up_ms;  /* the leader that refuses then, or later, is given up; 0: it has not refused yet */
    int64_t connect_ms;  /* when to ask for a connection; INT64_MAX: one has been asked for */
    int64_t *masters;    /* who may be connected to, in the order in which they are tried; the leader is the last */
    size_t master_count, master_next;
    int64_t seek_ms;        /* observer at the leader: when to look for a follower again; 0: that was not decided */
    bool is_seeking;        /* a connection was asked for only to see whether it can be made */
    int64_t leader_from_ms; /* when the leader may be asked, too; 0: at any time */
    int64_t master;         /* who is, or was tried last: the leader, or ... */
    bool at_follower;       /* ... a follower that takes observers */
    uint64_t ticket;        /* of what the stage waits for */
    int64_t epoch;          /* the leader's, from LEADERINFO on */
    int64_t next_epoch;     /* that is being promised to it without an election */

    bool has_no_base;  /* the leader was told that there is no database: it must send SNAP */
    bool has_snapshot; /* the sync began with a SNAP, which is not on the disk before NEWLEADER was carried out */
    int64_t snapshot_zxid;
    struct members *config; /* in NEWLEADER, while that is being handled; NULL: none */
    int64_t config_version; /* of the one that UPTODATE will commit; 0: none */
    bool leader_knows_none; /* that is newer than the committed one here */

    /* Taken from the leader and not committed, or committed and not given on: the oldest `agreed` of them. While
     * serving all of them were logged and none is agreed; before, none was logged. */
    struct entries proposals;
    size_t agreed;
    int64_t agreed_zxid; /* last committed one that was heard of, or where the sync began */
    int64_t queued_zxid; /* last one taken, or where the sync began: the next follows it */
    int64_t acked_zxid;  /* ACKs of proposals are due from here up to durable_zxid */

    bool follows_agent;                /* the leader has shown a record of its capabilities */
    struct observer_master *observers; /* of this follower; NULL: it takes none, or does not serve yet */
    bool said_unknown;                 /* a packet of unknown type was reported */
};

typedef void learner_packet_fn(struct zab *z, struct learner *l, const struct packet *packet);

/* -- learner.c */

/* Leaves the role because of the leader. */
void learner_fail(struct zab *z, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* No packet is fed, and no deadline runs, until the disk has done what has the ticket; and from then on again. */
void learner_hold(struct zab *z, struct learner *l, enum learner_stage stage, uint64_t ticket);
void learner_go(struct zab *z, struct learner *l, enum learner_stage stage);

/* Queues what came in a PROPOSAL or an INFORM as the newest of l->proposals. NULL: the role was left, or memory ran
 * out. */
struct entry *learner_take(struct zab *z, struct learner *l, int64_t zxid, struct bytes bytes);

/* Logs the agreed proposals and gives them to the layer above, in order. */
void learner_apply_agreed(struct zab *z, struct learner *l);

/* -- learner_silence.c */

/* Sets the limit of the leader's silence in the current stage, from now on. */
void learner_await(struct zab *z, struct learner *l);

/* A packet has come. */
void learner_heard(struct zab *z, struct learner *l);

/* Leaves the role when the silence has lasted too long. */
void learner_mind_silence(struct zab *z, struct learner *l);

/* -- learner_masters.c */

/* When the role begins; wishes for the first connection. */
void learner_choose_masters(struct zab *z, struct learner *l);

/* Connects to the one whose turn it is. */
void learner_connect(struct zab *z, struct learner *l);

/* It could not be reached: the next one has its turn, after a while when all have had it. Leaves the role when the
 * leader has refused for long. */
void learner_try_next(struct zab *z, struct learner *l);

/* An observer that had to go to the leader looks for a follower now and then; and one has taken the connection. */
void learner_mind_masters(struct zab *z, struct learner *l);
void learner_found_master(struct zab *z, struct learner *l);

/* -- learner_sync.c */
learner_packet_fn learner_diff, learner_trunc, learner_snap, learner_sync_proposal, learner_sync_commit,
    learner_sync_inform, learner_newleader, learner_uptodate;

void learner_truncated(struct zab *z, struct learner *l);
void learner_truncate_refused(struct zab *z, struct learner *l);
void learner_snapshot_taken(struct zab *z, struct learner *l);
void learner_adopted(struct zab *z, struct learner *l);

/* -- learner_config.c */
learner_packet_fn learner_commit_and_activate, learner_inform_and_activate, learner_sync_commit_and_activate,
    learner_sync_inform_and_activate;

/* Can the configuration in it be read, if it brings one? False: the role was left, or memory ran out. */
bool learner_config_is_sound(struct zab *z, struct bytes entry);

/* Reads what NEWLEADER tells into l->config. False: the role was left, or memory ran out. */
bool learner_read_config(struct zab *z, struct learner *l, struct bytes text);

/* What the leader knows and this server does not is last-seen from now on; unless it may come to nothing. */
void learner_see_config(struct zab *z, struct learner *l);

/* The same, when all txns before it are logged. Ends with l->config. */
void learner_settle_config(struct zab *z, struct learner *l);

/* NEWLEADER is durable: what this server knew and the leader did not has come to nothing. Not before, for the log that
 * holds its txn may have been kept. */
void learner_forget_config(struct zab *z, const struct learner *l);

/* UPTODATE: what NEWLEADER told of is committed. True: the role was left for it. */
bool learner_has_outgrown(struct zab *z, struct learner *l);

/* -- learner_broadcast.c */
learner_packet_fn learner_proposal, learner_commit, learner_inform;

/* -- learner_renewal.c */
learner_packet_fn learner_next_epoch, learner_new_epoch;

/* What the disk had to do for them is durable. */
void learner_promised_next(struct zab *z, struct learner *l);
void learner_renewed(struct zab *z, struct learner *l);

/* -- learner_broadcast.c: acknowledges what is durable and was not acknowledged yet. */
void learner_ack(struct zab *z, struct learner *l);
