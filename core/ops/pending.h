/* pending.h - the tree as it will be after everything in flight; what prepare functions see.
 *
 * A txn's changes are noted between pending_begin and pending_commit (or pending_rollback), are seen by the txns after
 * it, and are dropped by pending_applied once the tree itself has them. The digest of the tree as it will be is kept
 * along, without looking at data twice (quorum-protocol 4.7). Not thread-safe. */
#pragma once

#include "core/jute/records.h"
#include "core/tree/tree.h"

struct pending; /* opaque */

/* A node as it will be. */
struct pending_node {
    bool exists;
    struct stat_persisted stat;
    uint32_t child_count;
    uint32_t data_len;
    uint32_t acl; /* a number of the tree's ACL table, held by whoever keeps the node */
};

/* What one txn changed; belongs to the txn until pending_applied. */
struct pending_changes {
    struct pending_record **records;
    size_t count;
};

/* Borrows the tree. `digests`: keep the digest along. NULL: out of memory. */
struct pending *pending_new(struct tree *tree, const struct hash_key *hash_key, bool digests);
void pending_free(struct pending *p);

/* The node as it will be; `exists` false when there will be none. "" and "/" are the root. */
void pending_look(const struct pending *p, struct bytes path, struct pending_node *node);

void pending_begin(struct pending *p, int64_t zxid);

/* The node will be so. `data`: its data when that changes, else NULL. `acl` in `node` is held by this call when it
 * differs from the one before. ST_NO_MEMORY: nothing noted. */
enum status pending_change(struct pending *p, struct bytes path, const struct pending_node *node,
                           const struct bytes *data);

/* A place to go back to within the txn, and going back to it. */
size_t pending_mark(const struct pending *p);
void pending_rollback(struct pending *p, size_t mark);

/* Ends the txn and hands its changes over. ST_NO_MEMORY: it is still open; roll it back to 0 and commit again, which
 * cannot fail. */
enum status pending_commit(struct pending *p, struct pending_changes *changes);

/* The tree has them: forgets what no later txn has changed again, and frees `changes`. */
void pending_applied(struct pending *p, struct pending_changes *changes, int64_t zxid);

/* Of the tree as it will be. */
uint64_t pending_digest(const struct pending *p);

/* Calls `fn` for each ephemeral that the session will have; the paths are valid during the call, and `fn` must not
 * change anything. Stops at an error and returns it. */
enum status pending_each_ephemeral(struct pending *p, int64_t session,
                                   enum status (*fn)(void *context, struct bytes path), void *context);

struct tree *pending_tree(const struct pending *p);
