/* tree.c - the tree as such: made, freed, walked and read; how a node is linked into it. */
#include "core/tree/tree_internal.h"

#include "core/base/mem.h"
#include "core/tree/path.h"

struct tree *tree_new(const struct tree_options *options)
{
    struct tree *t = mem_calloc(1, sizeof *t);
    if (t == NULL)
        return NULL;
    t->hash_key = options->hash_key;
    t->extended_types = options->extended_types;
    list_init(&t->cursors);
    pool_init(&t->blocks);
    t->acls = acl_table_new(&t->hash_key);
    if (t->acls == NULL || table_init(&t->table) != ST_OK) {
        tree_free(t);
        return NULL;
    }
    quotas_init(t);
    load_begin(t);
    uint64_t dropped;
    if (tree_loaded(t, &dropped) != ST_OK) {
        tree_free(t);
        return NULL;
    }
    return t;
}

struct tree *tree_new_like(const struct tree *t)
{
    const struct tree_options options = {t->hash_key, t->extended_types};
    return tree_new(&options);
}

void tree_free(struct tree *t)
{
    if (t == NULL)
        return;
    cursors_end(t);
    slab_free(t);
    pool_close(&t->blocks);
    table_free(&t->table);
    owners_free(&t->owners);
    quotas_free(t);
    acl_table_free(t->acls);
    mem_free(t);
}

struct acl_table *tree_acls(struct tree *t)
{
    return t->acls;
}

/* -- looking ------------------------------------------------------------------------------------------------------ */

struct tree_node *find_node(const struct tree *t, struct bytes path)
{
    struct tree_node *n = slab_find(t, TREE_ROOT);
    path = canonical_path(path);
    if (path.len == 0)
        return n;
    if (path.data[0] != '/')
        return NULL;
    for (size_t start = 1; n != NULL && start <= path.len;) {
        const uint8_t *slash = memchr(path.data + start, '/', path.len - start);
        size_t end = slash == NULL ? path.len : (size_t)(slash - path.data);
        n = table_find(t, n->number, bytes_make(path.data + start, end - start));
        start = end + 1;
    }
    return n;
}

const struct tree_node *tree_lookup(const struct tree *t, struct bytes path)
{
    return find_node(t, path);
}

static struct tree_node *node_or_null(const struct tree *t, uint32_t number)
{
    return number == 0 ? NULL : slab_at(t, number);
}

const struct tree_node *tree_first_child(const struct tree *t, const struct tree_node *parent)
{
    return node_or_null(t, parent->first_child);
}

const struct tree_node *tree_next_sibling(const struct tree *t, const struct tree_node *child)
{
    return node_or_null(t, child->next_sibling);
}

const struct tree_node *tree_next_preorder(const struct tree *t, const struct tree_node *root,
                                           const struct tree_node *at)
{
    if (at == NULL)
        return root;
    if (at->first_child != 0)
        return slab_at(t, at->first_child);
    while (at != root && at->next_sibling == 0)
        at = slab_at(t, at->parent);
    return at == root ? NULL : slab_at(t, at->next_sibling);
}

enum status tree_path(const struct tree *t, const struct tree_node *n, struct buffer *path)
{
    if (n->number == TREE_ROOT)
        return buffer_append(path, "/", 1);
    size_t len = 0;
    for (const struct tree_node *at = n; at->number != TREE_ROOT; at = slab_at(t, at->parent))
        len += (size_t)at->name_len + 1;
    enum status st = buffer_reserve(path, len);
    if (st != ST_OK)
        return st;
    path->len += len;
    uint8_t *end = path->data + path->len;
    for (const struct tree_node *at = n; at->number != TREE_ROOT; at = slab_at(t, at->parent)) {
        end -= at->name_len;
        memcpy(end, at->block, at->name_len);
        *--end = '/';
    }
    return ST_OK;
}

uint64_t tree_count(const struct tree *t)
{
    return t->node_count + 1; /* once as "", once as "/" */
}

uint64_t tree_data_size(const struct tree *t)
{
    return t->data_size + 1; /* the path "/" */
}

uint64_t tree_digest(const struct tree *t)
{
    return t->digest;
}

uint64_t tree_descendants(const struct tree *t, const struct tree_node *n)
{
    if (n->number == TREE_ROOT)
        return t->node_count - 1;
    uint64_t count = 0;
    for (const struct tree_node *at = n; at != NULL; at = tree_next_preorder(t, n, at))
        count += at->child_count;
    return count;
}

void tree_stat_owned(const struct tree_node *n, struct node_stat *stat)
{
    *stat = (struct node_stat){
        .czxid = n->czxid,
        .mzxid = n->mzxid,
        .ctime = n->ctime,
        .mtime = n->mtime,
        .version = n->version,
        /* Stored are creates only; clients are shown creates plus deletes. */
        .cversion = (int32_t)((uint32_t)n->cversion * 2 - n->child_count),
        .aversion = n->aversion,
        .ephemeral_owner = n->owner,
        .data_length = (int32_t)n->data_len,
        .num_children = (int32_t)n->child_count,
        .pzxid = n->pzxid,
    };
}

void tree_stat(const struct tree *t, const struct tree_node *n, struct node_stat *stat)
{
    tree_stat_owned(n, stat);
    if (tree_kind(t, n) != TREE_EPHEMERAL)
        stat->ephemeral_owner = 0;
}

void tree_stat_persisted(const struct tree_node *n, struct stat_persisted *stat)
{
    *stat = (struct stat_persisted){
        .czxid = n->czxid,
        .mzxid = n->mzxid,
        .ctime = n->ctime,
        .mtime = n->mtime,
        .version = n->version,
        .cversion = n->cversion,
        .aversion = n->aversion,
        .ephemeral_owner = n->owner,
        .pzxid = n->pzxid,
    };
}

/* -- linking ------------------------------------------------------------------------------------------------------ */

/* The first child's prev_sibling is the last child, so that appending needs no walk. */
void link_child(struct tree *t, struct tree_node *parent, struct tree_node *n)
{
    n->next_sibling = 0;
    if (parent->first_child == 0) {
        parent->first_child = n->number;
        n->prev_sibling = n->number;
    } else {
        struct tree_node *first = slab_at(t, parent->first_child);
        n->prev_sibling = first->prev_sibling;
        slab_at(t, first->prev_sibling)->next_sibling = n->number;
        first->prev_sibling = n->number;
    }
    parent->child_count++;
}

void unlink_child(struct tree *t, struct tree_node *parent, struct tree_node *n)
{
    if (n->next_sibling != 0)
        slab_at(t, n->next_sibling)->prev_sibling = n->prev_sibling;
    else
        slab_at(t, parent->first_child)->prev_sibling = n->prev_sibling;
    if (parent->first_child == n->number)
        parent->first_child = n->next_sibling;
    else
        slab_at(t, n->prev_sibling)->next_sibling = n->next_sibling;
    parent->child_count--;
}
