/* pending.c - changed nodes by path, an undo list for the open txn, and the running digest. */
#include "core/ops/pending.h"

#include "core/base/array.h"
#include "core/base/mem.h"
#include "core/tree/digest.h"
#include "core/tree/path.h"

struct pending_record {
    struct pending_node node;
    int64_t zxid;           /* of the last txn that changed it */
    uint32_t digest_prefix; /* over path and data, once it was needed */
    bool has_prefix;
    uint64_t digest; /* what the node adds to the tree's digest, so that it need not be computed to be taken away */
    size_t path_len;
    uint8_t path[];
};

struct undo {
    struct pending_record *record;
    struct pending_node node; /* as it was; its ACL is still held */
    int64_t zxid;             /* 0: the record was made by this change */
    uint32_t digest_prefix;
    bool has_prefix;
    uint64_t digest;
};

struct pending {
    struct tree *tree;
    struct map records;
    struct undo *undo; /* of the open txn */
    size_t undo_count, undo_capacity;
    int64_t zxid;
    bool digests;
    uint64_t digest;
};

static struct bytes record_key(const void *item)
{
    const struct pending_record *record = item;
    return bytes_make(record->path, record->path_len);
}

/* One name for the root. */
static struct bytes canonical(struct bytes path)
{
    return path.len == 1 && path.data[0] == '/' ? BYTES("") : path;
}

struct pending *pending_new(struct tree *tree, const struct hash_key *hash_key, bool digests)
{
    struct pending *p = mem_calloc(1, sizeof *p);
    if (p == NULL)
        return NULL;
    p->tree = tree;
    p->digests = digests;
    p->digest = tree_digest(tree);
    map_init(&p->records, hash_key, record_key);
    return p;
}

static void record_free(struct pending *p, struct pending_record *record)
{
    acl_release(tree_acls(p->tree), record->node.acl);
    mem_free(record);
}

void pending_free(struct pending *p)
{
    if (p == NULL)
        return;
    MAP_FOR_EACH(slot, &p->records)
    record_free(p, slot->item);
    map_free(&p->records);
    mem_free(p->undo);
    mem_free(p);
}

static void node_of_tree(const struct tree_node *found, struct pending_node *node)
{
    node->exists = true;
    tree_stat_persisted(found, &node->stat);
    node->child_count = found->child_count;
    node->data_len = found->data_len;
    node->acl = found->acl;
}

void pending_look(const struct pending *p, struct bytes path, struct pending_node *node)
{
    const struct pending_record *record = map_get(&p->records, canonical(path));
    if (record != NULL) {
        *node = record->node;
        return;
    }
    *node = (struct pending_node){.acl = ACL_OPEN};
    const struct tree_node *found = tree_lookup(p->tree, path);
    if (found != NULL)
        node_of_tree(found, node);
}

void pending_begin(struct pending *p, int64_t zxid)
{
    CHECK(p->undo_count == 0);
    p->zxid = zxid;
}

/* Until a txn in flight changes the data, the tree has them as they will be. */
static uint32_t prefix_of(struct pending *p, struct pending_record *record)
{
    if (!record->has_prefix) {
        const struct tree_node *found = tree_lookup(p->tree, record_key(record));
        CHECK(found != NULL);
        record->digest_prefix = digest_prefix(record_key(record), tree_data(found));
        record->has_prefix = true;
    }
    return record->digest_prefix;
}

/* What a node in this state adds to the digest. */
static uint64_t contribution(struct pending *p, struct pending_record *record)
{
    if (!p->digests || !record->node.exists || !digest_counts(record_key(record)))
        return 0;
    return digest_of_stat(prefix_of(p, record), &record->node.stat);
}

/* The record of a path that no txn in flight has changed so far. */
static struct pending_record *record_add(struct pending *p, struct bytes path)
{
    struct pending_record *record = mem_alloc(sizeof *record + path.len);
    if (record == NULL)
        return NULL;
    *record = (struct pending_record){.path_len = path.len, .node.acl = ACL_OPEN};
    if (path.len > 0)
        memcpy(record->path, path.data, path.len);
    const struct tree_node *found = tree_lookup(p->tree, path);
    if (found != NULL) {
        node_of_tree(found, &record->node);
        record->digest = p->digests ? tree_digest_of(found) : 0;
    }
    acl_hold(tree_acls(p->tree), record->node.acl);
    if (map_add(&p->records, record) != ST_OK) {
        record_free(p, record);
        return NULL;
    }
    return record;
}

static enum status undo_reserve(struct pending *p)
{
    struct undo *undo = array_room(p->undo, p->undo_count, &p->undo_capacity, sizeof *undo, 16);
    if (undo == NULL)
        return ST_NO_MEMORY;
    p->undo = undo;
    return ST_OK;
}

enum status pending_change(struct pending *p, struct bytes path, const struct pending_node *node,
                           const struct bytes *data)
{
    path = canonical(path);
    if (undo_reserve(p) != ST_OK)
        return ST_NO_MEMORY;
    struct pending_record *record = map_get(&p->records, path);
    if (record == NULL && (record = record_add(p, path)) == NULL)
        return ST_NO_MEMORY;
    p->undo[p->undo_count++] = (struct undo){
        record, record->node, record->zxid, record->digest_prefix, record->has_prefix, record->digest};
    p->digest -= record->digest;
    acl_hold(tree_acls(p->tree), node->acl);
    record->node = *node;
    record->zxid = p->zxid;
    if (p->digests && data != NULL) {
        record->digest_prefix = digest_prefix(path, *data);
        record->has_prefix = true;
    }
    record->digest = contribution(p, record);
    p->digest += record->digest;
    return ST_OK;
}

size_t pending_mark(const struct pending *p)
{
    return p->undo_count;
}

void pending_rollback(struct pending *p, size_t mark)
{
    while (p->undo_count > mark) {
        struct undo *undo = &p->undo[--p->undo_count];
        struct pending_record *record = undo->record;
        p->digest += undo->digest - record->digest;
        acl_release(tree_acls(p->tree), record->node.acl);
        record->node = undo->node;
        record->zxid = undo->zxid;
        record->digest_prefix = undo->digest_prefix;
        record->has_prefix = undo->has_prefix;
        record->digest = undo->digest;
        if (record->zxid == 0) {
            map_remove(&p->records, record_key(record));
            record_free(p, record);
        }
    }
}

enum status pending_commit(struct pending *p, struct pending_changes *changes)
{
    *changes = (struct pending_changes){0};
    if (p->undo_count == 0)
        return ST_OK;
    changes->records = mem_alloc(p->undo_count * sizeof(struct pending_record *));
    if (changes->records == NULL)
        return ST_NO_MEMORY;
    for (size_t i = 0; i < p->undo_count; i++) {
        struct undo *undo = &p->undo[i];
        acl_release(tree_acls(p->tree), undo->node.acl);
        /* A record that this txn changed twice stands in the list once: with its first change. */
        if (undo->zxid != p->zxid)
            changes->records[changes->count++] = undo->record;
    }
    p->undo_count = 0;
    return ST_OK;
}

void pending_applied(struct pending *p, struct pending_changes *changes, int64_t zxid)
{
    for (size_t i = 0; i < changes->count; i++) {
        struct pending_record *record = changes->records[i];
        if (record->zxid != zxid)
            continue; /* a later txn has changed it again and will forget it */
        map_remove(&p->records, record_key(record));
        record_free(p, record);
    }
    mem_free(changes->records);
    *changes = (struct pending_changes){0};
}

uint64_t pending_digest(const struct pending *p)
{
    return p->digest;
}

/* Those of the tree that no txn in flight has touched. */
static enum status each_settled_ephemeral(struct pending *p, int64_t session, struct buffer *path,
                                          enum status (*fn)(void *context, struct bytes path), void *context)
{
    size_t count = 0;
    const uint32_t *numbers = tree_ephemerals(p->tree, session, &count);
    enum status st = ST_OK;
    for (size_t i = 0; i < count && st == ST_OK; i++) {
        path->len = 0;
        st = tree_path(p->tree, tree_by_number(p->tree, numbers[i]), path);
        if (st == ST_OK && map_get(&p->records, buffer_bytes(path)) == NULL)
            st = fn(context, buffer_bytes(path));
    }
    return st;
}

enum status pending_each_ephemeral(struct pending *p, int64_t session,
                                   enum status (*fn)(void *context, struct bytes path), void *context)
{
    struct buffer path = {0};
    enum status st = each_settled_ephemeral(p, session, &path, fn, context);
    buffer_free(&path);
    MAP_FOR_EACH(slot, &p->records)
    {
        const struct pending_record *record = slot->item;
        if (st == ST_OK && record->node.exists && record->node.stat.ephemeral_owner == session)
            st = fn(context, record_key(record));
    }
    return st;
}

struct tree *pending_tree(const struct pending *p)
{
    return p->tree;
}
