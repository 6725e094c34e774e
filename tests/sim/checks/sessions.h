/* sessions.h - sessions and ephemerals (issue: an ephemeral lives exactly as long as its session; a session is expired
 * by the leader alone, never while its client is heard, and soon when it is not; a session that has moved does nothing
 * from where it was).
 */
#pragma once

#include "core/jute/txn.h"
#include "core/session/session.h"
#include "core/tree/tree.h"
#include "tests/sim/world.h"

/* The leader proposes the txn. */
void check_session_proposal(struct world *w, const struct server *m, const struct txn *txn);

/* A learner answers a PING with these: of every client that it has heard since the last answer its leader hears. */
void check_touches(struct world *w, const struct server *m, struct bytes data);

/* After each step: does any session live on, at a leader that can write, whose client has been silent for too long? */
void check_overdue(struct world *w, struct server *m);

/* Has every ephemeral a session? */
void check_owners(struct world *w, const struct tree *tree, const struct sessions *sessions, int64_t zxid);
