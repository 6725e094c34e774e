/* session_internal.h - what the table of sessions and its buckets share. Nobody else includes it.
 *
 * There are as many buckets as sessions, so that moving a session never needs memory: those not in use wait in
 * `spare`. */
#pragma once

#include "core/session/session.h"

struct bucket {
    int64_t edge_ms;
    struct list sessions;     /* never empty while the bucket is in use */
    struct list in_order;     /* by ascending edge */
    struct bucket *hash_next; /* or the next spare one */
};

struct expiry {
    int32_t tick_ms;
    struct list order;
    struct list loose;       /* sessions in no bucket: they were given as expired */
    struct bucket **by_edge; /* chains; `chain_count` is a power of two or 0 */
    size_t chain_count, bucket_count;
    struct bucket *spare;
};

struct sessions {
    struct map64 by_id;
    struct expiry expiry;
};

void expiry_init(struct expiry *e, int32_t tick_ms);
void expiry_free(struct expiry *e);

/* Makes room for one session more. ST_NO_MEMORY: as before. */
enum status expiry_grow(struct expiry *e);

/* Gives back the room of a session that is in no bucket any more. */
void expiry_shrink(struct expiry *e);

/* Takes the session out of wherever it is. */
void expiry_take_out(struct expiry *e, struct session *session);

/* Puts a session that is nowhere, or moves it, into the bucket of now + timeout. */
void expiry_place(struct expiry *e, struct session *session, int64_t now_ms);
int64_t expiry_edge(const struct expiry *e, const struct session *session, int64_t now_ms);
