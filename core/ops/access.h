/* access.h - may this client do that, and whose ids does an ACL name (client-protocol 8). Pure. */
#pragma once

#include "core/ops/op.h"

/* ST_OK or ST_NO_AUTH for a node with this ACL. */
enum status access_check(const struct tree *tree, const struct op_rules *rules, uint32_t acl, uint32_t wanted,
                         struct identities who);

/* The same for a look at the names of its children, which nodes that nobody may see (secret.h) permit to everybody: a
 * walk over the whole tree must not end there. */
enum status access_check_names(const struct tree *tree, const struct op_rules *rules, uint32_t acl,
                               struct identities who);

/* May somebody read what has this list? */
bool access_may_read(const struct op_rules *rules, struct acls list, struct identities who);

/* The list as it is stored (client-protocol 8.3): duplicates gone, `auth` replaced by the client's ids, every id valid.
 * The result points into `list` or into `scratch`, which is appended to and must not be freed before. ST_INVALID_ACL;
 * ST_NO_MEMORY. */
enum status access_fix_up(const struct op_rules *rules, struct acls list, struct identities who, struct buffer *scratch,
                          struct acls *fixed);

/* Is one of the identities of scheme "super"? */
bool access_is_super(struct identities who);
