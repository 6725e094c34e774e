/* secret.h - what the members of an ensemble know and no client may see: the key of session passwords (design 4.13).
 *
 * It is a node that a leader makes, so that it is where the sessions are: in the log, in snapshots, at every member.
 * Its ACL permits nothing to anyone, by which Apache's servers refuse all but super users; agents refuse those too, and
 * where ACLs are not looked at (skipACL). That it is there may be seen: agents list its name, and the children that it
 * does not have, so that who walks over the whole tree is not refused on the way. The node stands below one of the same
 * kind, so that nobody can delete it. Paths below /zookeeper count in no digest. Pure. */
#pragma once

#include "core/ops/op.h"

#define SECRET_FOLDER      "/zookeeper/zooid"
#define SECRET_SESSION_KEY SECRET_FOLDER "/session_key"

enum { SECRET_KEY_LEN = 32 };

/* The key, SECRET_KEY_LEN bytes; the null slice: there is none. Valid until the tree changes. */
struct bytes secret_session_key(const struct tree *tree);

/* Its node's data. Errors stick in the writer. */
void secret_key_encode(struct writer *w, const uint8_t key[SECRET_KEY_LEN]);

/* Makes a node that nobody may see: body.create.path and data. No row of the table, for no client may ask for it; its
 * txn is that of a create. Prepare refuses with ST_NODE_EXISTS or ST_NO_NODE. */
const struct op *secret_op(void);

/* Is this list that of a node that nobody may see? */
bool secret_is(const struct tree *tree, uint32_t acl);
bool secret_is_list(struct acls list);
