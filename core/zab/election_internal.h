/* election_internal.h - what looking for a leader keeps, and what may be voted for.
 *
 *   election.c           telling, hearing, settling
 *   election_votes.c     which votes may be given, and who agrees
 *   election_notified.c  what comes in from the election port, in any state */
#pragma once

#include "core/zab/zab_internal.h"

struct election {
    struct vote initial;    /* for this server itself, or NO_VOTE */
    struct vote proposal;   /* what is voted for now */
    struct ballots current; /* of this round */
    struct ballots settled; /* of servers that have ended their election, of any round */
    int64_t sent_ms, resend_ms, interval_ms;
    int64_t settle_ms; /* a quorum agrees: the end, unless a better vote comes until then; INT64_MAX: none does */
};

/* -- election_votes.c */

/* An empty vote is none: who has it takes no side. */
bool election_abstains(const struct vote *vote);

/* For this server itself; as the beginning of an election has it, empty when it must not lead. */
struct vote election_own_vote(const struct zab *z);
struct vote election_initial_vote(const struct zab *z);

bool election_may_lead(const struct zab *z);

/* A voter whose database is incomplete: neither counts votes nor is its own counted. */
bool election_is_blank(const struct zab *z);

/* May `vote` win, and over `than`? */
bool election_is_better(const struct zab *z, const struct vote *vote, const struct vote *than);

/* Who may not lead votes only for those who know as much: no other could lead it. */
bool election_may_adopt(const struct zab *z, const struct vote *vote);

/* The proposal as this server would tell it. */
struct notification election_own_ballot(const struct zab *z);

/* Do those of the set that say what `n` says make a quorum? */
bool election_has_quorum(const struct zab *z, const struct ballots *set, const struct notification *n);

/* The same, and the one that it is about says itself that it leads. */
bool election_is_chosen(const struct zab *z, const struct ballots *set, const struct notification *n);

/* Has nobody a vote left that could be better? */
bool election_is_unanimous(const struct zab *z);
