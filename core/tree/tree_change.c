/* tree_change.c - what committed txns do to the tree (quorum-protocol 4.3). Each first gathers all memory that it
 * needs. */
#include "core/tree/tree_internal.h"

#include "core/base/mem.h"
#include "core/tree/path.h"

/* -- creating ----------------------------------------------------------------------------------------------------- */

static int32_t next_cversion(const struct tree_node *parent)
{
    return parent->cversion == INT32_MAX ? INT32_MAX : parent->cversion + 1;
}

/* Only upwards: replay may bring creates that the node has seen already. */
static void raise_cversion(struct tree *t, struct bytes path, struct tree_node *parent, int32_t cversion, int64_t zxid)
{
    if (cversion <= parent->cversion)
        return;
    changing(t, parent);
    digest_remove(t, parent);
    parent->cversion = cversion;
    parent->pzxid = zxid;
    digest_add(t, path, parent);
}

static void raise_pzxid(struct tree *t, struct bytes path, struct tree_node *parent, int64_t zxid)
{
    if (zxid <= parent->pzxid)
        return;
    changing(t, parent);
    digest_remove(t, parent);
    parent->pzxid = zxid;
    digest_add(t, path, parent);
}

static enum status replace_acl(struct tree *t, struct tree_node *n, struct acls acl)
{
    uint32_t number;
    if (acl_intern(t->acls, acl, &number) != ST_OK)
        return ST_NO_MEMORY;
    if (number == n->acl) {
        acl_release(t->acls, number);
        return ST_OK;
    }
    changing(t, n);
    acl_release(t->acls, n->acl);
    n->acl = number;
    return ST_OK;
}

static enum status create_existing(struct tree *t, const struct tree_create *create, struct tree_node *parent,
                                   struct tree_node *n)
{
    enum status st = replace_acl(t, n, create->acl);
    if (st != ST_OK)
        return st;
    raise_cversion(t, path_parent(create->path), parent, create->parent_cversion, create->zxid);
    return ST_NODE_EXISTS;
}

static void hang_in(struct tree *t, struct tree_node *parent, struct tree_node *n)
{
    n->parent = parent->number;
    table_add(t, n);
    link_child(t, parent, n);
    changing(t, n);
}

static enum status create_new(struct tree *t, const struct tree_create *create, struct tree_node *parent)
{
    const struct node_content content = {path_name(create->path), create->data, create->acl, create->owner};
    struct tree_node *n = node_new(t, &content, 0);
    if (n == NULL)
        return ST_NO_MEMORY;
    if (quota_before_create(t, create->path) != ST_OK) {
        node_free(t, n);
        return ST_NO_MEMORY;
    }
    n->czxid = n->mzxid = n->pzxid = create->zxid;
    n->ctime = n->mtime = create->time_ms;
    int32_t cversion = create->parent_cversion == -1 ? next_cversion(parent) : create->parent_cversion;
    raise_cversion(t, path_parent(create->path), parent, cversion, create->zxid);
    hang_in(t, parent, n);
    digest_add(t, create->path, n);
    t->data_size += create->path.len + create->data.len;
    quota_created(t, create->path, n);
    return ST_OK;
}

/* The node that holds, or would hold, what the path names; NULL: there is none, or the path can name no child. */
static struct tree_node *parent_of(const struct tree *t, struct bytes path)
{
    if (path.len < 2 || path.data[0] != '/')
        return NULL;
    struct bytes name = path_name(path);
    return name.len == 0 || name.len > NAME_LEN_MAX ? NULL : find_node(t, path_parent(path));
}

enum status tree_create(struct tree *t, const struct tree_create *create)
{
    if (canonical_path(create->path).len == 0)
        return ST_NODE_EXISTS;
    struct tree_node *parent = parent_of(t, create->path);
    if (parent == NULL)
        return ST_NO_NODE;
    struct tree_node *n = table_find(t, parent->number, path_name(create->path));
    return n == NULL ? create_new(t, create, parent) : create_existing(t, create, parent, n);
}

/* -- deleting ----------------------------------------------------------------------------------------------------- */

static void delete_leaf(struct tree *t, struct bytes path, struct tree_node *n)
{
    struct tree_node *parent = slab_at(t, n->parent);
    uint32_t data_len = n->data_len;
    changing(t, n);
    cursors_leave(t, n);
    digest_remove(t, n);
    t->data_size -= path.len + data_len;
    unlink_child(t, parent, n);
    table_remove(t, n);
    node_free(t, n);
    quota_deleted(t, path, data_len);
}

/* The longest way from `top` down, as bytes of a path. */
static size_t longest_path_below(const struct tree *t, const struct tree_node *top)
{
    size_t longest = 0, len = 0;
    const struct tree_node *at = top;
    for (;;) {
        if (at->first_child != 0) {
            at = slab_at(t, at->first_child);
        } else {
            for (; at != top && at->next_sibling == 0; at = slab_at(t, at->parent))
                len -= (size_t)at->name_len + 1;
            if (at == top)
                return longest;
            len -= (size_t)at->name_len + 1;
            at = slab_at(t, at->next_sibling);
        }
        len += (size_t)at->name_len + 1;
        longest = len > longest ? len : longest;
    }
}

/* Always the first leaf, so that no node goes before its children; the path follows down and up. */
static enum status delete_below(struct tree *t, struct bytes top_path, struct tree_node *top)
{
    struct buffer path = {0};
    enum status st = buffer_reserve(&path, top_path.len + longest_path_below(t, top));
    if (st == ST_OK)
        st = buffer_append(&path, top_path.data, top_path.len);
    if (st != ST_OK) {
        buffer_free(&path);
        return st;
    }
    for (struct tree_node *at = top; at != top || top->first_child != 0;) {
        if (at->first_child != 0) {
            at = slab_at(t, at->first_child);
            path.data[path.len++] = '/';
            memcpy(path.data + path.len, at->block, at->name_len);
            path.len += at->name_len;
        } else {
            struct tree_node *parent = slab_at(t, at->parent);
            size_t len = (size_t)at->name_len + 1;
            delete_leaf(t, buffer_bytes(&path), at);
            path.len -= len;
            at = parent;
        }
    }
    buffer_free(&path);
    return ST_OK;
}

enum status tree_delete(struct tree *t, struct bytes path, int64_t zxid)
{
    struct tree_node *parent = parent_of(t, path);
    if (parent == NULL)
        return ST_NO_NODE;
    struct tree_node *n = table_find(t, parent->number, path_name(path));
    if (n != NULL && n->first_child != 0 && delete_below(t, path, n) != ST_OK)
        return ST_NO_MEMORY;
    raise_pzxid(t, path_parent(path), parent, zxid);
    if (n == NULL)
        return ST_NO_NODE;
    delete_leaf(t, path, n);
    return ST_OK;
}

/* -- setting ------------------------------------------------------------------------------------------------------ */

enum status tree_set_data(struct tree *t, struct bytes path, struct bytes data, int32_t version, int64_t zxid,
                          int64_t time_ms)
{
    path = canonical_path(path);
    struct tree_node *n = find_node(t, path);
    if (n == NULL)
        return ST_NO_NODE;
    uint32_t old_len = n->data_len;
    digest_remove(t, n);
    enum status st = node_set_data(t, n, data);
    if (st == ST_OK) {
        n->version = version;
        n->mzxid = zxid;
        n->mtime = time_ms;
    }
    digest_add(t, path, n);
    if (st == ST_OK)
        quota_data_set(t, path, n, old_len);
    return st;
}

enum status tree_set_acl(struct tree *t, struct bytes path, struct acls acl, int32_t aversion)
{
    path = canonical_path(path);
    struct tree_node *n = find_node(t, path);
    if (n == NULL)
        return ST_NO_NODE;
    enum status st = replace_acl(t, n, acl);
    if (st != ST_OK)
        return st;
    changing(t, n);
    digest_remove(t, n);
    n->aversion = aversion;
    digest_add(t, path, n);
    return ST_OK;
}
