/* mutants.c - see mutants.h. What each does stands where it does it. */
#include "tests/sim/mutants.h"

#include "core/base/check.h"
#include "tests/sim/machine.h"

const struct mutant mutants[] = {
    {MUTANT_ACK_BEFORE_DURABLE, "ack-before-durable", &zab_machine, 5000, 3, true},
    {MUTANT_EPOCH_BEFORE_LOG, "epoch-before-log", &zab_machine, 10000, 3, true},
    {MUTANT_ACCEPTED_EPOCH_LOST, "accepted-epoch-lost", &zab_machine, 5000, 3, true},
    {MUTANT_CURRENT_EPOCH_LOST, "current-epoch-lost", &zab_machine, 100, 3, false},
    {MUTANT_TRUNCATION_SKIPPED, "truncation-skipped", &zab_machine, 5000, 3, true},
    {MUTANT_TRUNCATION_SHORT, "truncation-short", &zab_machine, 5000, 3, true},
    {MUTANT_SNAPSHOT_NOT_KEPT, "snapshot-not-kept", &zab_machine, 5000, 3, true},
    {MUTANT_SNAPSHOT_OLD, "snapshot-old", &zab_machine, 5000, 3, false},
    {MUTANT_LOG_WITH_HOLE, "log-with-hole", &zab_machine, 5000, 3, false},
    {MUTANT_FORWARDED_LATE, "forwarded-late", &zab_machine, 5000, 3, false},
    {MUTANT_COUNTED_TWICE, "counted-twice", &zab_machine, 5000, 5, true},
    {MUTANT_QUORUM_MINUS_ONE, "quorum-minus-one", &zab_machine, 5000, 3, true},
    {MUTANT_LINK_REORDERED, "link-reordered", &zab_machine, 5000, 3, false},
    {MUTANT_LOG_OF_OLD_ROLE, "log-of-old-role", &zab_machine, 5000, 3, true},
    {MUTANT_CLAIM_BEYOND_DISK, "claim-beyond-disk", &zab_machine, 5000, 3, true},
    {MUTANT_COMMIT_SKIPPED, "commit-skipped", &zab_machine, 5000, 3, false},
    {MUTANT_ENTRY_DAMAGED, "entry-damaged", &zab_machine, 5000, 3, false},
    {MUTANT_ERROR_IGNORED, "error-ignored", &zab_machine, 5000, 3, true},
    {MUTANT_LAST_SEEN_LOST, "last-seen-lost", &zab_machine, 5000, 3, true},
    {MUTANT_PENDING_FOR_COMMITTED, "pending-for-committed", &zab_machine, 5000, 3, false},
    {MUTANT_NEXT_PROMISE_LOST, "next-promise-lost", &zab_machine, 2000, 3, true},
    {MUTANT_NEXT_EPOCH_LOST, "next-epoch-lost", &zab_machine, 2000, 3, false},
    {MUTANT_ZXID_REUSED, "zxid-reused", &zab_machine, 5000, 3, true},
    {MUTANT_VOTE_STALE, "vote-stale", &zab_machine, 500, 3, true},
    {MUTANT_REPLY_BEFORE_EVENT, "reply-before-event", &replica_machine, 500, 3, false},
    {MUTANT_EVENT_LOST, "event-lost", &replica_machine, 500, 3, false},
    {MUTANT_EVENT_TWICE, "event-twice", &replica_machine, 500, 3, false},
    {MUTANT_REPLY_AHEAD, "reply-ahead", &replica_machine, 500, 3, false},
    {MUTANT_PING_UNHEARD, "ping-unheard", &replica_machine, 500, 3, false},
    {MUTANT_REQUEST_TWICE, "request-twice", &replica_machine, 500, 3, false},
    {MUTANT_REQUEST_LOST, "request-lost", &replica_machine, 500, 3, false},
    {MUTANT_REVALIDATED_BY_LEARNER, "revalidated-by-learner", &replica_machine, 500, 3, false},
    {MUTANT_REVALIDATED_NEVER, "revalidated-never", &replica_machine, 500, 3, false},
    {MUTANT_SYNC_AT_LEARNER, "sync-at-learner", &replica_machine, 500, 3, false},
    {MUTANT_SYNC_AT_MASTER, "sync-at-master", &replica_machine, 4000, 3, false},
    {MUTANT_SYNC_UNCONFIRMED, "sync-unconfirmed", &replica_machine, 10000, 3, false},
    {MUTANT_CLOSE_NOT_REPLAYED, "close-not-replayed", &replica_machine, 500, 3, false},
    {MUTANT_SESSIONS_NOT_KEPT, "sessions-not-kept", &replica_machine, 500, 3, false},
    {MUTANT_LOG_END_NOT_REPLAYED, "log-end-not-replayed", &replica_machine, 500, 3, false},
    {MUTANT_IMAGE_OLD, "image-old", &replica_machine, 500, 3, false},
    {MUTANT_EXPIRED_BY_FOLLOWER, "expired-by-follower", &replica_machine, 500, 3, false},
    {MUTANT_REPLY_TO_ANOTHER, "reply-to-another", &replica_machine, 500, 3, false},
    {MUTANT_WATCHES_NOT_SET, "watches-not-set", &replica_machine, 500, 3, false},
    {MUTANT_WRITES_READ_ONLY, "writes-read-only", &replica_machine, 500, 3, false},
    {MUTANT_READ_ONLY_CHANGED, "read-only-changed", &replica_machine, 500, 3, false},
    {MUTANT_LOCAL_EPHEMERAL_TAKEN, "local-ephemeral-taken", &replica_machine, 500, 3, false},
    {MUTANT_REMEMBERED_TOO_SOON, "remembered-too-soon", &replica_machine, 500, 3, false},
};
const unsigned mutant_count = ARRAY_LEN(mutants);

const struct mutant *mutant_find(const char *name)
{
    for (unsigned i = 0; i < mutant_count; i++)
        if (strcmp(mutants[i].name, name) == 0)
            return &mutants[i];
    return NULL;
}

bool mutant_is(const struct world *w, enum mutant_kind kind)
{
    return w->mutant != NULL && w->mutant->kind == kind;
}

bool mutant_of_first_config(const struct world *w)
{
    return mutant_is(w, MUTANT_QUORUM_MINUS_ONE) || mutant_is(w, MUTANT_COUNTED_TWICE);
}

bool mutant_by_outcome(const struct world *w)
{
    return w->mutant != NULL && w->mutant->by_outcome;
}
