/* tree_load.c - a tree made from a snapshot, by path, or from a checkpoint, by number.
 *
 * Those that come by path are in the table at once, since their children look for them there; those that come by
 * number wait for tree_loaded, which knows how large the table must be. No node is under its parent yet. */
#include "core/tree/tree_internal.h"

#include "core/tree/path.h"

void load_begin(struct tree *t)
{
    CHECK(t->node_count == 0);
    t->load = (struct load){.active = true};
}

void tree_load_begin(struct tree *t)
{
    slab_free(t);
    table_clear(&t->table);
    owners_free(&t->owners);
    quotas_free(t);
    t->freeze = (struct freeze){0};
    cursors_end(t);
    t->node_count = 0;
    t->data_size = 0;
    t->digest = 0;
    load_begin(t);
}

/* -- nodes one by one --------------------------------------------------------------------------------------------- */

enum status tree_load(struct tree *t, struct bytes path, struct bytes data, struct acls acl,
                      const struct stat_persisted *stat)
{
    CHECK(t->load.active && t->load.unplaced == 0);
    path = canonical_path(path);
    bool is_root = path.len == 0;
    if (!is_root && (path.data[0] != '/' || path_name(path).len == 0 || path_name(path).len > NAME_LEN_MAX))
        return ST_CORRUPT;
    struct tree_node *parent = is_root ? NULL : find_node(t, path_parent(path));
    if (!is_root && parent == NULL)
        return ST_NO_NODE;
    struct bytes name = is_root ? BYTES("") : path_name(path);
    uint32_t parent_number = is_root ? 0 : parent->number;
    if (table_find(t, parent_number, name) != NULL)
        return ST_NODE_EXISTS;
    const struct node_content content = {name, data, acl, stat->ephemeral_owner};
    struct tree_node *n = node_new(t, &content, 0);
    if (n == NULL)
        return ST_NO_MEMORY;
    CHECK(!is_root || n->number == TREE_ROOT); /* it comes first, and the slab was empty */
    node_set_stat(n, stat);
    n->parent = parent_number;
    n->flags |= TREE_LOADED;
    table_add(t, n);
    changing(t, n);
    return ST_OK;
}

/* What no writer of ours ever stored. */
static bool place_is_wrong(uint32_t number, uint32_t parent, struct bytes name)
{
    if (number == TREE_ROOT)
        return parent != 0 || name.len != 0;
    return number == 0 || parent == 0 || parent == number || name.len == 0 || name.len > NAME_LEN_MAX ||
           memchr(name.data, '/', name.len) != NULL;
}

enum status tree_load_numbered(struct tree *t, uint32_t number, uint32_t parent, struct bytes name, struct bytes data,
                               struct acls acl, const struct stat_persisted *stat)
{
    CHECK(t->load.active && t->node_count == 0);
    if (place_is_wrong(number, parent, name))
        return ST_CORRUPT;
    if (slab_find(t, number) != NULL)
        return ST_EXISTS;
    const struct node_content content = {name, data, acl, stat->ephemeral_owner};
    struct tree_node *n = node_new(t, &content, number);
    if (n == NULL)
        return ST_NO_MEMORY;
    node_set_stat(n, stat);
    n->parent = parent;
    n->flags |= TREE_LOADED | TREE_STORED;
    table_hash(t, n);
    t->load.unplaced++;
    return ST_OK;
}
