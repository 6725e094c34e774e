/* ballots.h - who has last said what in an election: one notification of each server.
 *
 * Kept without the configuration, which is judged when it comes in. Pure. */
#pragma once

#include "core/zab/notification.h"

struct ballot {
    int64_t sid;
    struct notification notification; /* its config is null */
};

/* Zero-initialised it is empty. In the order in which the servers were first heard. */
struct ballots {
    struct ballot *items;
    size_t count, capacity;
};

/* Adds the server's notification or replaces the one it sent before. ST_NO_MEMORY: as before. */
enum status ballots_put(struct ballots *b, int64_t sid, const struct notification *n);

/* NULL: nothing was heard of it. Valid until the next put. */
const struct notification *ballots_of(const struct ballots *b, int64_t sid);

/* Nothing was heard of anybody; the memory stays. */
void ballots_clear(struct ballots *b);
void ballots_free(struct ballots *b);

/* Do two servers mean the same (quorum-protocol 1.6)? While one is looking the votes must be equal, rounds included.
 * Settled ones need not be: they agree when leader and epoch are the same, or the leader alone where one of them is too
 * old to tell the epoch. */
bool ballots_agree(const struct notification *a, const struct notification *b);
