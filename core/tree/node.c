/* node.c - one node's slot with what hangs on it: the block of name and data, the ACL, the entry of its owner. */
#include "core/tree/tree_internal.h"

static void copy_in(uint8_t *to, struct bytes b)
{
    if (b.len > 0)
        memcpy(to, b.data, b.len);
}

/* NULL: out of memory. */
static uint8_t *block_new(struct tree *t, struct bytes name, struct bytes data)
{
    uint8_t *block = pool_alloc(&t->blocks, name.len + data.len);
    if (block == NULL)
        return NULL;
    copy_in(block, name);
    copy_in(block + name.len, data);
    return block;
}

void node_free_block(struct tree *t, struct tree_node *n)
{
    pool_free(&t->blocks, n->block, (size_t)n->name_len + n->data_len);
}

/* Sets the fields that belong to the content. False: out of memory. */
static bool make_block(struct tree *t, struct tree_node *n, struct bytes name, struct bytes data)
{
    n->block = block_new(t, name, data);
    if (n->block == NULL)
        return false;
    n->name_len = (uint32_t)name.len & NAME_LEN_MAX;
    n->data_len = (uint32_t)data.len;
    n->flags = bytes_is_null(data) ? TREE_NULL_DATA : 0;
    return true;
}

struct tree_node *node_new(struct tree *t, const struct node_content *content, uint32_t number)
{
    CHECK(content->name.len <= NAME_LEN_MAX && content->data.len <= INT32_MAX);
    struct tree_node *n = number == 0 ? slab_take(t) : slab_take_numbered(t, number);
    if (n == NULL)
        return NULL;
    uint32_t acl = ACL_OPEN;
    if (acl_intern(t->acls, content->acl, &acl) != ST_OK || owners_add(t, content->owner, n->number) != ST_OK) {
        acl_release(t->acls, acl);
        slab_release(t, n);
        return NULL;
    }
    n->acl = acl;
    n->owner = content->owner;
    if (!make_block(t, n, content->name, content->data)) {
        node_free(t, n);
        return NULL;
    }
    return n;
}

void node_free(struct tree *t, struct tree_node *n)
{
    owners_remove(t, n->owner, n->number);
    acl_release(t->acls, n->acl);
    node_free_block(t, n);
    slab_release(t, n);
}

void node_set_stat(struct tree_node *n, const struct stat_persisted *stat)
{
    n->czxid = stat->czxid;
    n->mzxid = stat->mzxid;
    n->pzxid = stat->pzxid;
    n->ctime = stat->ctime;
    n->mtime = stat->mtime;
    n->version = stat->version;
    n->cversion = stat->cversion;
    n->aversion = stat->aversion;
    n->owner = stat->ephemeral_owner;
}

/* A new block is made before the node is said to change: until then its old content must be whole. */
enum status node_set_data(struct tree *t, struct tree_node *n, struct bytes data)
{
    CHECK(data.len <= INT32_MAX);
    uint8_t *block = n->block;
    if (!pool_fits((size_t)n->name_len + n->data_len, n->name_len + data.len))
        block = block_new(t, tree_name(n), data);
    if (block == NULL)
        return ST_NO_MEMORY;
    changing(t, n);
    if (block == n->block)
        copy_in(block + n->name_len, data);
    else
        node_free_block(t, n);
    n->block = block;
    t->data_size += data.len - n->data_len;
    n->data_len = (uint32_t)data.len;
    n->flags = (n->flags & (TREE_STORED | TREE_LOADED)) | (bytes_is_null(data) ? TREE_NULL_DATA : 0);
    return ST_OK;
}
