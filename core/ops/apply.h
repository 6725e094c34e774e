/* apply.h - a logged txn applied to tree and sessions, as recovery does it. */
#pragma once

#include "core/jute/txn.h"
#include "core/session/session.h"
#include "core/tree/changes.h"

/* Has the form that recovery wants; `context` is the history that takes it down, or NULL. Sessions get no time: whoever
 * starts touches them all. ST_OK; ST_NO_MEMORY; ST_CORRUPT or ST_UNIMPLEMENTED: not a record or type that can be; any
 * other status: the txn did not fit the tree, as happens when replay over a fuzzy snapshot meets what it has done
 * already (quorum-protocol 4.6).
 */
enum status txn_apply(void *context, struct tree *tree, struct sessions *sessions, const struct txn *txn);
