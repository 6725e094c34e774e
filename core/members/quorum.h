/* quorum.h - which servers are enough (quorum-protocol 1.9).
 *
 * Without groups more than half of the participants. With groups more than half of the weight in more than half of the
 * groups, groups without weight left out. While a reconfiguration is pending both configurations have to have enough.
 * Sets are small and plain: nothing is allocated, copies are independent. Pure. */
#pragma once

#include "core/members/members.h"

/* Some participants of one configuration. Zero-initialised it is empty. */
struct voter_set {
    uint64_t words[(MEMBERS_VOTERS_MAX + 63) / 64];
};

/* Does the server vote in this configuration? */
bool members_is_voter(const struct members *m, int64_t sid);

/* Puts the server in; false when it does not vote in `m` and the set is unchanged. */
bool voter_set_add(struct voter_set *set, const struct members *m, int64_t sid);

/* Is the server in the set? */
bool voter_set_has(const struct voter_set *set, const struct members *m, int64_t sid);

/* Are those in the set a quorum of `m`? */
bool voter_set_is_quorum(const struct voter_set *set, const struct members *m);

/* Who has agreed to something, under one configuration or two. */
struct quorum {
    const struct members *configs[2]; /* the second may be NULL */
    struct voter_set sets[2];
};

/* Nobody yet. Both configurations are borrowed. `pending` NULL or of `committed`'s version: there is but one. */
struct quorum quorum_of(const struct members *committed, const struct members *pending);

/* Counts the server where it votes; false when it votes nowhere. Adding it twice is adding it once. */
bool quorum_add(struct quorum *q, int64_t sid);

/* Has it been added, and does it vote? */
bool quorum_has(const struct quorum *q, int64_t sid);

/* Enough, under each configuration? */
bool quorum_reached(const struct quorum *q);
