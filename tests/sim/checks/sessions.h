/* sessions.h - sessions and ephemerals (issue: an ephemeral lives exactly as long as its session; a session is expired
 * by the leader alone, and never while its client is heard; a session that has moved does nothing from where it was).
 */
#pragma once

#include "core/jute/txn.h"
#include "core/session/session.h"
#include "core/tree/tree.h"
#include "tests/sim/world.h"

/* The leader proposes the txn. */
void check_session_proposal(struct world *w, const struct server *m, const struct txn *txn);

/* Has every ephemeral a session? */
void check_owners(struct world *w, const struct tree *tree, const struct sessions *sessions, int64_t zxid);
