/* tree_internal.h - what the files of the tree share. Nobody else includes it.
 *
 * slab.c    slots and their numbers          table.c   finding a node by parent and name
 * tree.c    reading                          tree_change.c   creating, deleting, setting
 * owners.c  who owns which ephemerals        digest.c, quota.c   what follows from each change
 * tree_load.c, tree_loaded.c, tree_freeze.c   snapshots and checkpoints */
#pragma once

#include "core/base/map.h"
#include "core/base/pool.h"
#include "core/tree/tree.h"

enum {
    TREE_ROOT = 1,
    CHUNK_BITS = 10,
    CHUNK_NODES = 1 << CHUNK_BITS,
    CHUNK_WORDS = CHUNK_NODES / 64,
    SEGMENT_BITS = 10,
    SEGMENT_BUCKETS = 1 << SEGMENT_BITS,
    NAME_LEN_MAX = (1 << 24) - 1,
};

#define ZOOKEEPER_PATH BYTES("/zookeeper")
#define QUOTA_PATH     BYTES("/zookeeper/quota")
#define CONFIG_PATH    BYTES("/zookeeper/config")

/* One bit a slot. A changed number that is frozen leaves `frozen` for `taken` when the checkpoint has been given it. */
struct slot_bits {
    uint64_t words[CHUNK_WORDS];
};

struct chunk {
    struct slot_bits changed, frozen, taken;
    struct slot_bits named; /* an interrupted checkpoint may hold children of these, though not them */
    struct tree_node nodes[CHUNK_NODES];
};

/* Vacant slots, linked through hash_next. */
struct number_chain {
    uint32_t first, last; /* 0: empty */
};

/* A number that a checkpoint may hold, or name as a parent, must not be given to another node before a checkpoint has
 * removed it: an interrupted one would hang the old node's children under the new node. */
struct slab {
    struct chunk **chunks; /* NULL: no chunk yet at this place */
    uint32_t chunk_count, chunk_cap, absent_from;
    struct number_chain vacant;
    struct number_chain held_now;    /* freed since the last freeze */
    struct number_chain held_frozen; /* freed before it: free once that checkpoint is complete */
};

/* Linear hashing: each insert splits at most one bucket, in order; the hash's low bits say which bucket. */
struct bucket {
    uint32_t first;  /* node; 0: it is empty */
    uint32_t filter; /* a bit for each hash that is in it: most names that are not there cost no look at a node */
};

struct table {
    struct bucket **segments;
    uint32_t segment_count;
    size_t segment_cap;
    uint32_t bucket_count, mask; /* mask: the smallest 2^n - 1 that covers bucket_count - 1 */
};

struct number_list {
    uint32_t *items;
    size_t count, cap;
};

struct owners {
    struct map64 sessions;       /* session -> struct owner */
    struct number_list reapable; /* containers and TTL nodes */
    struct map64 places;         /* number -> its place in the list that holds it, plus one */
    uint64_t ephemeral_count;
};

struct freeze {
    bool active;
    tree_before_change_fn *before_change;
    void *context;
    uint64_t changed_count;
};

struct tree {
    struct hash_key hash_key;
    bool extended_types;
    struct load {
        bool active;
        uint32_t unplaced; /* nodes that are not in the table yet */
        uint64_t dropped;
    } load;
    struct slab slab;
    struct pool blocks; /* names and data */
    struct table table;
    struct acl_table *acls;
    struct owners owners;
    struct map quotas; /* struct quota_entry by path */
    struct freeze freeze;
    struct list cursors;
    uint64_t node_count, data_size, digest;
};

/* -- slab.c ------------------------------------------------------------------------------------------------------- */

static inline struct tree_node *slab_at(const struct tree *t, uint32_t number)
{
    return &t->slab.chunks[number >> CHUNK_BITS]->nodes[number & (CHUNK_NODES - 1)];
}

/* NULL: vacant. */
struct tree_node *slab_find(const struct tree *t, uint32_t number);

/* An empty slot that knows its number; NULL: out of memory. */
struct tree_node *slab_take(struct tree *t);

/* The same for a given number, only while loading. NULL: out of memory. */
struct tree_node *slab_take_numbered(struct tree *t, uint32_t number);

/* Clears the slot; the number is held back when a checkpoint may hold it. */
void slab_release(struct tree *t, struct tree_node *n);

/* Holds a vacant number back as if its node had been deleted now; slab_collect_vacant must follow. ST_NO_MEMORY. */
enum status slab_hold(struct tree *t, uint32_t number);

/* Makes the chain of vacant slots anew after a load. */
void slab_collect_vacant(struct tree *t);

void chain_append(struct tree *t, struct number_chain *to, struct number_chain *from); /* empties `from` */
void slab_free(struct tree *t); /* with all blocks; the slab is empty and usable */

/* -- table.c ------------------------------------------------------------------------------------------------------ */

enum status table_init(struct table *table);
void table_free(struct table *table);
void table_clear(struct table *table); /* empty and usable */
struct tree_node *table_find(const struct tree *t, uint32_t parent, struct bytes name);
void table_add(struct tree *t, struct tree_node *n); /* sets n->hash and counts the node */
void table_remove(struct tree *t, struct tree_node *n);

/* For a load: the hash first, the table later, when it is known how many there are. */
void table_hash(const struct tree *t, struct tree_node *n); /* sets n->hash, from parent and name */
void table_reserve(struct tree *t, uint32_t nodes);         /* of an empty table; without memory it stays smaller */
void table_add_hashed(struct tree *t, struct tree_node *n);
struct tree_node *table_find_hashed(const struct tree *t, uint32_t hash, uint32_t parent, struct bytes name);
void table_prefetch_bucket(const struct tree *t, uint32_t hash);
void table_prefetch_node(const struct tree *t, uint32_t hash);

/* -- tree.c, node.c ----------------------------------------------------------------------------------------------- */

static inline struct bytes canonical_path(struct bytes path)
{
    return path.len == 1 && path.data[0] == '/' ? bytes_make(path.data, 0) : path;
}

struct tree_node *find_node(const struct tree *t, struct bytes path);
void link_child(struct tree *t, struct tree_node *parent, struct tree_node *n); /* as the last one */
void unlink_child(struct tree *t, struct tree_node *parent, struct tree_node *n);

/* A slot with block, owner and ACL, in no table and under no parent yet. NULL: out of memory, and nothing happened. */
struct node_content {
    struct bytes name, data;
    struct acls acl;
    int64_t owner;
};
struct tree_node *node_new(struct tree *t, const struct node_content *content, uint32_t number); /* 0: any number */
void node_free(struct tree *t, struct tree_node *n);
void node_free_block(struct tree *t, struct tree_node *n);
void node_set_stat(struct tree_node *n, const struct stat_persisted *stat);

/* The block gets new data, the stat stays. ST_NO_MEMORY: nothing changed. */
enum status node_set_data(struct tree *t, struct tree_node *n, struct bytes data);

/* -- digest.c ----------------------------------------------------------------------------------------------------- */

void digest_add(struct tree *t, struct bytes path, struct tree_node *n);
void digest_remove(struct tree *t, const struct tree_node *n);
void digest_add_hashed(struct tree *t, uint32_t path_crc, struct tree_node *n); /* by the CRC of the path */

/* -- owners.c ----------------------------------------------------------------------------------------------------- */

enum status owners_add(struct tree *t, int64_t owner, uint32_t number);
void owners_remove(struct tree *t, int64_t owner, uint32_t number);
void owners_free(struct owners *owners);

/* -- quota.c ------------------------------------------------------------------------------------------------------ */

void quotas_init(struct tree *t);

/* To be called before a node is created: what can fail of quota_created. ST_NO_MEMORY. */
enum status quota_before_create(struct tree *t, struct bytes path);
void quota_created(struct tree *t, struct bytes path, const struct tree_node *n);
void quota_deleted(struct tree *t, struct bytes path, uint32_t data_len);
void quota_data_set(struct tree *t, struct bytes path, const struct tree_node *n, uint32_t old_len);
enum status quota_node_loaded(struct tree *t, struct bytes path, const struct tree_node *n); /* ST_NO_MEMORY */
void quota_loaded(struct tree *t); /* computes every quota's usage */
void quotas_free(struct tree *t);

/* -- tree_load.c -------------------------------------------------------------------------------------------------- */

void load_begin(struct tree *t); /* the tree must be empty */

/* -- tree_freeze.c ------------------------------------------------------------------------------------------------ */

/* To be called before `n` changes in anything that a checkpoint holds. */
void changing(struct tree *t, struct tree_node *n);
void set_changed(struct tree *t, uint32_t number);
void clear_changed(struct tree *t, uint32_t number);
bool is_changed(const struct tree *t, uint32_t number);
bool is_named(const struct tree *t, uint32_t number);          /* by what an interrupted checkpoint may hold */
void cursors_leave(struct tree *t, const struct tree_node *n); /* a childless node is about to go */
void cursors_end(struct tree *t);
