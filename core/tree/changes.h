/* changes.h - what has changed in the tree lately, in the order of the changes, for those who follow them.
 *
 * A change is kept with path, data, stat and ACL as they were behind it, in one ring of bytes; when that is full the
 * oldest are forgotten. Where somebody stands is a cursor: a zxid, and the number of a change within that txn. What has
 * been forgotten, and what was never seen here, is a question that can be answered from the cursor alone. When memory
 * runs out everything is forgotten, which is no error: whoever needs it takes the tree as it is. Not thread-safe. */
#pragma once

#include "core/tree/tree.h"

/* Behind change number `index` of txn `zxid`. The numbers begin with 1. */
struct change_cursor {
    int64_t zxid;
    uint32_t index;
};

#define CHANGES_WHOLE_TXN UINT32_MAX /* as index: behind all changes of the txn */

enum change_kind { CHANGE_CREATED = 1, CHANGE_DELETED, CHANGE_DATA, CHANGE_ACL };

struct tree_change {
    enum change_kind kind;
    struct change_cursor at;
    struct bytes path;
    struct bytes data;      /* of a deletion: null */
    struct node_stat stat;  /* with the owner that is stored; of a deletion: the last one */
    struct acls acl;        /* of a deletion: the last one */
    struct acls acl_before; /* CHANGE_ACL: the one before; otherwise as `acl` */
};

struct changes; /* opaque */

/* Keeps nothing until changes_begin. `bytes_max`: about how much memory it may take. NULL: out of memory. */
struct changes *changes_new(const struct hash_key *hash_key, size_t bytes_max);
void changes_free(struct changes *h);

/* Everything is forgotten, and nothing more is kept: the tree is not what a zxid says. */
void changes_pause(struct changes *h);

/* Everything is forgotten; the tree is exactly as `zxid` has it, and what comes from now on is kept. */
void changes_begin(struct changes *h, int64_t zxid);

/* The same when nothing was kept until now. */
void changes_resume(struct changes *h, int64_t zxid);

/* The tree is that of `zxid` again: what came behind it never was. */
void changes_cut(struct changes *h, int64_t zxid);

/* The node at `path` is about to get another ACL. */
void changes_before_acl(struct changes *h, struct tree *t, struct bytes path);

/* The node has changed, or (CHANGE_DELETED) is about to go. Zxids never go back. */
void changes_note(struct changes *h, struct tree *t, int64_t zxid, enum change_kind kind, struct bytes path);

/* The whole txn has been applied, whether it changed anything or not. */
void changes_applied(struct changes *h, int64_t zxid);

/* Behind all that was applied. */
struct change_cursor changes_end(const struct changes *h);

/* Bytes of changes that were kept, ever: how far two places are from each other. */
uint64_t changes_written(const struct changes *h);

/* A place between two changes. Zero-initialised it is none. */
struct change_place {
    uint64_t generation, offset;
};

/* The place behind the cursor. False: what came behind it has been forgotten, or it was never told here. */
bool changes_find(const struct changes *h, struct change_cursor behind, struct change_place *place);

enum changes_step {
    CHANGES_NEXT, /* `change` holds it, until the next call that changes the history; the place is behind it */
    CHANGES_AT_END,
    CHANGES_GONE, /* the place has been overtaken: find it again by its cursor */
};
enum changes_step changes_next(const struct changes *h, struct change_place *place, struct tree_change *change);
