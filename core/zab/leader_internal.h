/* leader_internal.h - what leading keeps, shared by the leader's files.
 *
 *   leader.c            which packet may come when, time-outs, who is still there
 *   leader_epoch.c      from entering to serving: the epoch, its acknowledgement, NEWLEADER (quorum-protocol 2.3, 2.5,
 *                       2.10, appendix D)
 *   leader_broadcast.c  proposals, acks, commits (3.5, 3.10)
 *   leader_confirm.c    whether this server still leads: for answers that must not be old (3.7)
 *   leader_reconfig.c   changes of the configuration (5.4)
 *   leader_renewal.c    a new epoch without an election
 *   leader_pulse.c      whether a quorum is heard, among agents
 *   leader_capabilities.c  what all voters can do (capability.h)
 *
 * The learners' links are learners.c's. */
#pragma once

#include "core/zab/learners.h"

enum leader_stage {
    LEADER_GATHERING, /* a quorum has to tell its acceptedEpochs */
    LEADER_PROMISING, /* the epoch is chosen and on its way to the disk */
    LEADER_CHOSEN,    /* LEADERINFO was sent; a quorum has to acknowledge the epoch */
    LEADER_SYNCING,   /* a quorum has to acknowledge NEWLEADER */
    LEADER_SERVING,
};

/* What ZAB_CONFIRM asks for. */
struct confirmation {
    uint64_t ticket;
    int64_t zxid;  /* last one proposed before */
    uint64_t ping; /* the first round of PING behind it, sent or to be sent */
};

struct leader {
    enum leader_stage stage;
    int64_t entered_ms;
    int64_t deadline_ms; /* for the next stage; INT64_MAX when serving */
    int64_t beat_ms;     /* next time for pings and for looking who is there: every half tick */
    bool odd_beat;
    int64_t pulse_ms; /* next time for the PINGs among agents */
    int64_t fresh_ms; /* when a quorum was heard at such a time, or `is_looking` began */
    bool is_looking;  /* for a quorum that is heard */
    int64_t epoch;    /* proposed; -1: none yet */
    uint64_t ticket;  /* of the epoch that is being stored */
    /* Each is used in its own stage only: later there may be other configurations than those it borrows. */
    struct quorum connecting; /* have told their acceptedEpoch */
    struct quorum looking;    /* took part in the election and look again */
    struct quorum promised;   /* have acknowledged the epoch */
    struct quorum synced;     /* have acknowledged NEWLEADER */

    struct learners learners;

    struct entries outstanding; /* proposed, not committed */
    int64_t proposed_zxid;

    int64_t next_epoch;  /* the one that follows without an election: it is to be promised; 0: none is yet */
    bool is_renewing;    /* `epoch` has become that one: a quorum has to take it up */
    struct entries held; /* proposed meanwhile, and handed on when that is done */

    struct confirmation *confirmations; /* asked for and not given, in order */
    size_t confirmation_count, confirmation_capacity;
    uint64_t asked, proven; /* rounds of PING: one that a quorum is to answer, the last one that it has answered */

    int64_t joint_until;   /* up to there txns were proposed while the committed configuration was pending */
    bool has_moved;        /* another server is to lead: nothing is committed any more */
    struct buffer scratch; /* packets that several learners are sent */
};

/* -- leader.c */

/* Sets the limit of a stage of ours: in ticks from now. */
void leader_limit_stage(struct zab *z, int64_t ticks);

/* -- leader_epoch.c */
peer_packet_fn leader_learner_info, leader_ack_epoch;

/* This server takes part in its own quorum. */
void leader_gather(struct zab *z);

/* The ticket's epoch is durable. */
void leader_stored(struct zab *z, uint64_t ticket);

/* -- leader_capabilities.c: what the observers of a follower can, as that says */
peer_packet_fn leader_observers_capabilities;

void leader_newleader_acked(struct zab *z, struct peer *p);

/* -- leader_renewal.c */
peer_packet_fn leader_promised;

/* Does whatever can be done by now; after each event. */
void leader_renew(struct zab *z);

/* The follower has come to be served while an epoch is to be promised. */
void leader_ask_promise(struct zab *z, const struct peer *p);

/* It has made the epoch its current one. */
void leader_renewal_acked(struct peer *p, int64_t epoch);

/* The leader's ticket is durable. True: it was one of these. */
bool leader_renewal_stored(struct zab *z);

/* True: the entry, which is taken over, is proposed later. */
bool leader_holds(struct zab *z, struct entry *e);

/* -- leader_pulse.c */

/* Time has passed, or the limit of silence has become another. */
void leader_pulse(struct zab *z);

/* -- leader_broadcast.c */
peer_packet_fn leader_ack;

void leader_propose(struct zab *z, const struct zab_event *event);
void leader_propose_entry(struct zab *z, struct entry *e); /* which is taken over */

/* The COMMITs of what is proposed later do not go out in one breath with what has been proposed. */
void leader_end_batch(struct leader *l);

/* -- leader_confirm.c */
peer_packet_fn leader_pong;

void leader_confirm(struct zab *z, const struct zab_event *event);

/* A quorum has logged a txn that is about to be committed: so they all still followed when it was proposed, which
 * confirms whatever was asked for before. */
void leader_confirm_before(struct zab *z, int64_t zxid);

/* Txns were committed. */
void leader_confirm_committed(struct zab *z);

/* Commits what a quorum has logged, in order. */
void leader_commit(struct zab *z);

/* A packet for all followers that are sent what is decided, or for all such observers; `zxid`: the last txn that they
 * have of it. */
void leader_tell_followers(struct zab *z, const struct packet *packet, int64_t zxid);
void leader_tell_observers(struct zab *z, const struct packet *packet, int64_t zxid);

/* -- leader_reconfig.c */

/* Who has to acknowledge a txn: those of the configurations that were in force when it was proposed (3.5). */
struct quorum leader_electorate(const struct zab *z, int64_t zxid);

/* Commits and activates the pending configuration, whose txn is taken over. */
void leader_commit_reconfig(struct zab *z, struct entry *e);

/* A quorum has taken over what was pending (2.10). False: this server is not to lead in it. */
bool leader_adopt_last_seen(struct zab *z);
