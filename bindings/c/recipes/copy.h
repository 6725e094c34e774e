/* copy.h - a copy of a node and all below it, as a cache keeps it. Knows nothing of clients; the caller locks. */
#pragma once

#include "bindings/c/include/zooid.h"

struct copied {
    struct copied **children; /* by name */
    size_t child_count, child_cap;
    bool is_there; /* false: only of what is below it something is known */
    void *data;    /* NULL: null */
    size_t len;
    struct zooid_stat stat;
    char name[]; /* the root's is "" */
};

/* NULL: out of memory. */
struct copied *copy_new(void);
void copy_free(struct copied *root);

/* The part of the path behind the prefix, "" for the prefix itself; NULL: it lies elsewhere, or is no path. */
const char *copy_relative(const char *prefix, const char *path);

/* Paths are relative from here on. NULL: the node is not there. */
const struct copied *copy_find(const struct copied *root, const char *path);

/* The node is there now, with that data (NULL: null) and stat. False: out of memory, the copy is not to be relied on.
 */
bool copy_put(struct copied *root, const char *path, const void *data, size_t len, const struct zooid_stat *stat);

/* The ACL has changed, and with it the stat. */
void copy_touch(struct copied *root, const char *path, const struct zooid_stat *stat);

/* The node is not there now. What is still known below it stays. */
void copy_remove(struct copied *root, const char *path);
