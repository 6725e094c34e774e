/* mutants.h - deliberate bugs, built in where the simulation carries out what the machine asks for.
 *
 * They show that the checks can see: each must be caught within its number of seeds, and those that are `by_outcome`
 * without the checks that look at disks: by what comes of them. */
#pragma once

#include <stdbool.h>

struct machine;
struct world;

enum mutant_kind {
    MUTANT_NONE,
    MUTANT_ACK_BEFORE_DURABLE,
    MUTANT_EPOCH_BEFORE_LOG,
    MUTANT_ACCEPTED_EPOCH_LOST,
    MUTANT_CURRENT_EPOCH_LOST,
    MUTANT_TRUNCATION_SKIPPED,
    MUTANT_TRUNCATION_SHORT,
    MUTANT_SNAPSHOT_NOT_KEPT,
    MUTANT_SNAPSHOT_OLD,
    MUTANT_LOG_WITH_HOLE,
    MUTANT_FORWARDED_LATE,
    MUTANT_COUNTED_TWICE,
    MUTANT_QUORUM_MINUS_ONE,
    MUTANT_LINK_REORDERED,
    MUTANT_LOG_OF_OLD_ROLE,
    MUTANT_CLAIM_BEYOND_DISK,
    MUTANT_COMMIT_SKIPPED,
    MUTANT_ENTRY_DAMAGED,
    MUTANT_ERROR_IGNORED,
    MUTANT_LAST_SEEN_LOST,
    MUTANT_PENDING_FOR_COMMITTED,
    MUTANT_NEXT_PROMISE_LOST,
    MUTANT_NEXT_EPOCH_LOST,
    MUTANT_ZXID_REUSED,
    MUTANT_VOTE_STALE,

    /* Of whole replicas. */
    MUTANT_REPLY_BEFORE_EVENT,
    MUTANT_EVENT_LOST,
    MUTANT_EVENT_TWICE,
    MUTANT_REPLY_AHEAD,
    MUTANT_PING_UNHEARD,
    MUTANT_REQUEST_TWICE,
    MUTANT_REQUEST_LOST,
    MUTANT_REVALIDATED_BY_LEARNER,
    MUTANT_REVALIDATED_NEVER,
    MUTANT_SYNC_AT_LEARNER,
    MUTANT_SYNC_AT_MASTER,
    MUTANT_SYNC_UNCONFIRMED,
    MUTANT_CLOSE_NOT_REPLAYED,
    MUTANT_SESSIONS_NOT_KEPT,
    MUTANT_LOG_END_NOT_REPLAYED,
    MUTANT_IMAGE_OLD,
    MUTANT_EXPIRED_BY_FOLLOWER,
    MUTANT_REPLY_TO_ANOTHER,
    MUTANT_WATCHES_NOT_SET,
    MUTANT_WRITES_READ_ONLY,
    MUTANT_READ_ONLY_CHANGED,
    MUTANT_LOCAL_EPHEMERAL_TAKEN,
    MUTANT_REMEMBERED_TOO_SOON,
};

struct mutant {
    enum mutant_kind kind;
    const char *name;
    const struct machine *machine; /* in whose world */
    unsigned seeds;                /* within which it must be caught */
    unsigned voters;
    bool by_outcome;
};

extern const struct mutant mutants[];
extern const unsigned mutant_count;

/* By its name; NULL: there is none. */
const struct mutant *mutant_find(const char *name);

/* Is this the one that the run has? */
bool mutant_is(const struct world *w, enum mutant_kind kind);

/* Does the run have one that goes by who the members are at first? */
bool mutant_of_first_config(const struct world *w);

/* Does the run have one that must be found by what comes of it? */
bool mutant_by_outcome(const struct world *w);
