/* copy.c - a copy of a subtree: each node has its children in order, so that they are found by halving and listed as
 * they stand. */
#include "bindings/c/recipes/copy.h"

#include <stdlib.h>
#include <string.h>

static struct copied *node_new(const char *name, size_t len)
{
    struct copied *node = calloc(1, sizeof *node + len + 1);
    if (node != NULL)
        memcpy(node->name, name, len);
    return node;
}

struct copied *copy_new(void)
{
    return node_new("", 0);
}

/* As deep as the tree, which its paths bound. */
void copy_free(struct copied *root) /* NOLINT(misc-no-recursion): see above */
{
    if (root == NULL)
        return;
    for (size_t i = 0; i < root->child_count; i++)
        copy_free(root->children[i]);
    free(root->children);
    free(root->data);
    free(root);
}

const char *copy_relative(const char *prefix, const char *path)
{
    size_t len = strcmp(prefix, "/") == 0 ? 0 : strlen(prefix);
    if (path == NULL || path[0] != '/' || strncmp(path, prefix, len) != 0)
        return NULL;
    if (path[len] == '\0')
        return path + len;
    return path[len] == '/' ? path + len + 1 : NULL;
}

/* -- children
 * -----------------------------------------------------------------------------------------------------------
 */

static int compare(const struct copied *node, const char *name, size_t len)
{
    int order = strncmp(node->name, name, len);
    return order != 0 ? order : node->name[len] != '\0';
}

/* The child, and where it stands; NULL: there is none, and where it would stand. */
static struct copied *child_of(const struct copied *parent, const char *name, size_t len, size_t *place)
{
    size_t low = 0, high = parent->child_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare(parent->children[middle], name, len);
        *place = middle;
        if (order == 0)
            return parent->children[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *place = low;
    return NULL;
}

static struct copied *add_child(struct copied *parent, size_t place, const char *name, size_t len)
{
    if (parent->child_count == parent->child_cap) {
        size_t cap = parent->child_cap == 0 ? 4 : 2 * parent->child_cap;
        struct copied **larger = realloc(parent->children, cap * sizeof(struct copied *));
        if (larger == NULL)
            return NULL;
        parent->children = larger;
        parent->child_cap = cap;
    }
    struct copied *child = node_new(name, len);
    if (child == NULL)
        return NULL;
    struct copied **at = parent->children + place;
    memmove(at + 1, at, (parent->child_count - place) * sizeof(struct copied *));
    *at = child;
    parent->child_count++;
    return child;
}

/* -- nodes by their paths
 * -----------------------------------------------------------------------------------------------
 */

/* Takes the first name off the path; its length. */
static size_t next_name(const char **path, const char **name)
{
    size_t len = strcspn(*path, "/");
    *name = *path;
    *path += len;
    if (**path == '/')
        ++*path;
    return len;
}

static struct copied *find(struct copied *node, const char *path)
{
    while (node != NULL && *path != '\0') {
        const char *name;
        size_t len = next_name(&path, &name), place;
        node = child_of(node, name, len, &place);
    }
    return node;
}

const struct copied *copy_find(const struct copied *root, const char *path)
{
    const struct copied *node = find((struct copied *)root, path); /* to look is not to change */
    return node != NULL && node->is_there ? node : NULL;
}

bool copy_put(struct copied *root, const char *path, const void *data, size_t len, const struct zooid_stat *stat)
{
    struct copied *node = root;
    while (node != NULL && *path != '\0') {
        const char *name;
        size_t name_len = next_name(&path, &name), place;
        struct copied *child = child_of(node, name, name_len, &place);
        node = child != NULL ? child : add_child(node, place, name, name_len);
    }
    void *copy = data == NULL || node == NULL ? NULL : malloc(len + 1);
    if (node == NULL || (data != NULL && copy == NULL))
        return false;
    if (copy != NULL)
        memcpy(copy, data, len);
    free(node->data);
    node->data = copy;
    node->len = len;
    node->is_there = true;
    if (stat != NULL)
        node->stat = *stat;
    return true;
}

void copy_touch(struct copied *root, const char *path, const struct zooid_stat *stat)
{
    struct copied *node = find(root, path);
    if (node != NULL && stat != NULL)
        node->stat = *stat;
}

/* The child goes if nothing is below it. */
static void drop_child(struct copied *parent, const char *name, size_t len)
{
    size_t place;
    struct copied *child = child_of(parent, name, len, &place), **at = parent->children + place;
    if (child == NULL || child->child_count > 0)
        return;
    copy_free(child);
    parent->child_count--;
    memmove(at, at + 1, (parent->child_count - place) * sizeof(struct copied *));
}

void copy_remove(struct copied *root, const char *path)
{
    struct copied *parent = NULL, *node = root;
    const char *name = "";
    size_t len = 0;
    while (node != NULL && *path != '\0') {
        size_t place;
        len = next_name(&path, &name);
        parent = node;
        node = child_of(node, name, len, &place);
    }
    if (node == NULL)
        return;
    free(node->data);
    node->data = NULL;
    node->len = 0;
    node->is_there = false;
    if (parent != NULL)
        drop_child(parent, name, len);
}
