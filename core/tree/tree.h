/* tree.h - the znodes: data, stats, children, owners of ephemerals; digest and quotas follow every change.
 *
 * Nodes live in slots of a slab; a slot's number is the node's name in a checkpoint, where paths would be too long for
 * a key. A node is found by (parent's number, own name) in one table that grows a bucket at a time, so that no insert
 * ever stops the loop for long. The layout is kept small: 120 bytes a node, and one block of a pool for name and data.
 *
 * The functions that change the tree apply what a committed txn says (quorum-protocol 4.3) and therefore check nothing
 * that `prepare` has to check; they are idempotent in the way that replay over a fuzzy snapshot needs (4.6).
 * Paths: "" and "/" both name the root. Not thread-safe. */
#pragma once

#include "core/base/check.h"
#include "core/base/list.h"
#include "core/jute/records.h"
#include "core/tree/acl.h"

#define OWNER_CONTAINER ((int64_t)0x8000000000000000ULL)
#define OWNER_TTL_MASK  0xff00000000000000ULL
#define TTL_MS_MAX      0xffffffffffLL /* 2^40 - 1 */

/* To be read by anyone, written inside the tree alone. Links are slot numbers; 0 is none (slot 0 is never used, the
 * root is 1). */
struct tree_node {
    int64_t czxid, mzxid, pzxid, ctime, mtime; /* zxids, milliseconds since 1970 */
    int64_t owner;                             /* stored ephemeralOwner (client-protocol 4.3) */
    uint8_t *block;                            /* name, then data */
    int32_t version, cversion, aversion;       /* cversion: the internal one, creates only */
    uint32_t acl;
    uint32_t number, parent, first_child, next_sibling;
    uint32_t prev_sibling; /* of the first child: the last one */
    uint32_t hash_next, hash;
    uint32_t child_count;
    uint32_t data_len;
    uint32_t digest; /* what it adds to the tree's */
    uint32_t name_len : 24;
    uint32_t flags : 8;
};
static_assert(sizeof(struct tree_node) == 120, "a million of these are held in memory");

enum tree_flag {
    TREE_NULL_DATA = 1, /* the data is null, not empty */
    TREE_STORED = 2,    /* the last checkpoint may hold this number */
    TREE_LOADED = 4,    /* filled by a load that is not finished */
};

enum tree_kind { TREE_PERSISTENT, TREE_EPHEMERAL, TREE_CONTAINER, TREE_TTL };

struct tree_options {
    struct hash_key hash_key;
    bool extended_types; /* zookeeper.extendedTypesEnabled: 0xff owners are TTL nodes */
};

struct tree; /* opaque */

/* A tree with the four nodes of a fresh server (client-protocol 4.7). NULL: out of memory. */
struct tree *tree_new(const struct tree_options *options);
struct tree *tree_new_like(const struct tree *t); /* with the same options */
void tree_free(struct tree *t);

/* -- looking ------------------------------------------------------------------------------------------------------ */

/* NULL: no such node. Valid until the node is deleted; its data until it is set. */
const struct tree_node *tree_lookup(const struct tree *t, struct bytes path);
const struct tree_node *tree_by_number(const struct tree *t, uint32_t number); /* NULL: vacant */

static inline struct bytes tree_name(const struct tree_node *n)
{
    return bytes_make(n->block, n->name_len);
}

static inline struct bytes tree_data(const struct tree_node *n)
{
    return n->flags & TREE_NULL_DATA ? BYTES_NULL : bytes_make(n->block + n->name_len, n->data_len);
}

/* Children in a stable order (that of creation); NULL at the end. */
const struct tree_node *tree_first_child(const struct tree *t, const struct tree_node *parent);
const struct tree_node *tree_next_sibling(const struct tree *t, const struct tree_node *child);

uint32_t tree_numbers(const struct tree *t); /* all numbers of nodes are below this one */

/* Preorder over the subtree of `root`, parents before children: `root` itself for `at` == NULL; NULL at the end. */
const struct tree_node *tree_next_preorder(const struct tree *t, const struct tree_node *root,
                                           const struct tree_node *at);

enum tree_kind tree_kind(const struct tree *t, const struct tree_node *n);
enum tree_kind tree_kind_of(const struct tree *t, int64_t owner); /* of a node that is stored with this owner */
int64_t tree_ttl_ms(const struct tree_node *n);                   /* of a TTL node */

/* The stat as clients see it (client-protocol 4.5): cversion counts deletes too, containers and TTL nodes have no
 * owner. */
void tree_stat(const struct tree *t, const struct tree_node *n, struct node_stat *stat);

/* The same, but for the owner, which is the one that is stored: tree_kind_of makes the kind of it. */
void tree_stat_owned(const struct tree_node *n, struct node_stat *stat);

/* The stat as files have it. */
void tree_stat_persisted(const struct tree_node *n, struct stat_persisted *stat);

/* Appends the full path ("/" for the root). */
enum status tree_path(const struct tree *t, const struct tree_node *n, struct buffer *path);

struct acl_table *tree_acls(struct tree *t);

uint64_t tree_count(const struct tree *t);     /* as `znode_count`: the root counts twice (client-protocol 4.7) */
uint64_t tree_data_size(const struct tree *t); /* as `approximate_data_size`: paths and data, bytes */
uint64_t tree_ephemeral_count(const struct tree *t);
uint64_t tree_digest(const struct tree *t);                                 /* quorum-protocol 4.7 */
uint64_t tree_descendants(const struct tree *t, const struct tree_node *n); /* without itself; walks */

/* What a node of the tree contributes; kept with it, so that it need not be computed to be taken away. */
static inline uint64_t tree_digest_of(const struct tree_node *n)
{
    return n->digest;
}

/* Ephemerals of a session, as slot numbers, in no order; NULL and 0 when there are none. Valid until the next change.
 */
const uint32_t *tree_ephemerals(const struct tree *t, int64_t session, size_t *count);

/* Calls `fn` for each session that owns ephemerals. The tree must not change meanwhile. */
void tree_each_owner(const struct tree *t,
                     void (*fn)(void *context, int64_t session, const uint32_t *numbers, size_t count), void *context);

/* Slot numbers of all containers and TTL nodes, for the container manager. Valid until the next change. */
const uint32_t *tree_reapable(const struct tree *t, size_t *count);

/* -- changing, as committed txns say ------------------------------------------------------------------------------ */

struct tree_create {
    struct bytes path, data;
    struct acls acl;
    int64_t owner;
    int32_t parent_cversion; /* -1: one more than now */
    int64_t zxid, time_ms;
};

/* ST_NO_NODE: the parent is missing. ST_NODE_EXISTS: as replay needs it, quorum-protocol 4.3. ST_NO_MEMORY: nothing
 * changed. */
enum status tree_create(struct tree *t, const struct tree_create *create);

/* Also when children are there, since replay over a fuzzy snapshot may meet them: they go first, and only then it may
 * give ST_NO_MEMORY (nothing changed). ST_NO_NODE: it is not there; the parent's pzxid is raised all the same. */
enum status tree_delete(struct tree *t, struct bytes path, int64_t zxid);

/* `version` is the new one, absolute; `data` must not lie within the tree. ST_NO_NODE, ST_NO_MEMORY. */
enum status tree_set_data(struct tree *t, struct bytes path, struct bytes data, int32_t version, int64_t zxid,
                          int64_t time_ms);
enum status tree_set_acl(struct tree *t, struct bytes path, struct acls acl, int32_t aversion);

/* -- loading ------------------------------------------------------------------------------------------------------ */

/* Empties the tree altogether, the system nodes too, and ends a freeze and the cursors. Then come calls of tree_load
 * alone or of tree_load_numbered alone, and tree_loaded; until then nothing else may be asked of the tree. */
void tree_load_begin(struct tree *t);

/* By path, parents first (snapshots); the root is "". All of it counts as changed, under new numbers: the next
 * checkpoint has to start from an empty store. ST_NO_NODE: no parent; ST_NODE_EXISTS; ST_CORRUPT: no path;
 * ST_NO_MEMORY. */
enum status tree_load(struct tree *t, struct bytes path, struct bytes data, struct acls acl,
                      const struct stat_persisted *stat);

/* By number, in any order (checkpoints). Nothing of it counts as changed. ST_EXISTS: the number is taken; ST_CORRUPT: a
 * place that no node can have; ST_NO_MEMORY. */
enum status tree_load_numbered(struct tree *t, uint32_t number, uint32_t parent, struct bytes name, struct bytes data,
                               struct acls acl, const struct stat_persisted *stat);

/* Ends a load: links (siblings by ascending number), counts, digest, owners and quota usage are made; missing system
 * nodes are created. Whatever does not hang on the root and the older of two nodes of one name is dropped and counted
 * in `dropped` (what an interrupted checkpoint leaves, design 4.6; their numbers count as changed); it is for the
 * caller to say whether any were to be expected. ST_NO_MEMORY: only tree_load_begin and tree_free may follow. */
enum status tree_loaded(struct tree *t, uint64_t *dropped);

/* -- checkpoints: which numbers changed (design 4.6) -------------------------------------------------------------- */

/* Called for a frozen number just before its node changes for the first time: `n` is the old version, NULL when the
 * number is vacant. Must not change the tree. */
typedef void tree_before_change_fn(void *context, uint32_t number, const struct tree_node *n);

/* The changed numbers become the frozen ones and a new set of changes begins; there must be no frozen set. A number
 * that was freed and may be in the last checkpoint, or be named there as a parent, is held back until a checkpoint that
 * was frozen afterwards is complete. Always ST_OK: it needs no memory. */
enum status tree_freeze(struct tree *t, tree_before_change_fn *before_change, void *context);

/* The smallest frozen number >= `from`, which is no longer frozen then; 0: none is left. */
uint32_t tree_next_frozen(struct tree *t, uint32_t from);

/* Ends the freeze; without one it does nothing. `stored`: the checkpoint is complete (every frozen number was given)
 * and the numbers held back for it may be used again; otherwise all that was frozen counts as changed again. */
void tree_thaw(struct tree *t, bool stored);

/* How many numbers have changed since the last freeze. */
uint64_t tree_changed_count(const struct tree *t);

/* A place in a preorder walk that survives changes: when its node is deleted it moves on to the next one. Parents come
 * before their children; a node that is there all the while is given exactly once. Used for snapshots written in
 * slices, of which there may be several at once. The tree knows its cursors from start to stop. */
struct tree_cursor {
    struct list link;
    uint32_t at; /* number of the node that comes next; 0: at the end */
    bool lost;   /* the tree is gone, or another was loaded into it */
    tree_before_change_fn *before_change;
    void *context;
};
void tree_cursor_start(struct tree *t, struct tree_cursor *cursor);
/* Until it is stopped, `before_change` is called for every node just before it changes, and for one that was created
 * before anybody sees it. */
void tree_cursor_show_changes(struct tree_cursor *cursor, tree_before_change_fn *before_change, void *context);
const struct tree_node *tree_cursor_next(struct tree *t, struct tree_cursor *cursor); /* NULL: at the end */
void tree_cursor_stop(struct tree_cursor *cursor); /* also when the tree is gone, or another was loaded into it */

/* -- quotas (client-protocol 9) ----------------------------------------------------------------------------------- */

struct quota {
    int64_t count, bytes, count_hard, bytes_hard; /* limits; -1: none */
    int64_t used_count, used_bytes;
};

/* The quota of the deepest ancestor-or-self of `path` that has one; false: none. */
bool tree_quota_of(const struct tree *t, struct bytes path, struct bytes *quota_path, struct quota *quota);

/* Calls `fn` for each path with a quota. */
void tree_each_quota(const struct tree *t, void (*fn)(void *context, struct bytes path, const struct quota *quota),
                     void *context);
