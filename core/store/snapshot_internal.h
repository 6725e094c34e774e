/* snapshot_internal.h - the reader of a snapshot, which takes its elements in one file and its seals in another. */
#pragma once

#include "core/base/map.h"
#include "core/store/snapshot.h"

#include <zlib.h>

struct snapshot_reader {
    struct tree *tree;
    struct sessions *sessions;
    int64_t now_ms;

    enum status (*step)(struct snapshot_reader *r,
                        struct reader *in); /* takes the next element; NULL: the tail has come */
    int32_t left;                           /* sessions or lists that are still to come */
    struct buffer held;                     /* bytes not taken yet; in the tail, all of it */
    size_t retry_at;                        /* not worth a try before so many are held */
    size_t element_max;                     /* of a stream; 0: it is a file */
    uint64_t taken;                         /* bytes before those held */
    uLong adler;                            /* of all that was taken */
    struct map64 acls;                      /* id -> struct acl_item */
    struct snapshot_info info;
    enum status status;
    const char *problem;
};

static inline enum status snapshot_corrupt(struct snapshot_reader *r, const char *problem)
{
    r->problem = problem;
    return ST_CORRUPT;
}

/* Takes all elements that are held whole. */
enum status snapshot_take_elements(struct snapshot_reader *r);

/* Ends the load of the tree behind the last element. */
enum status snapshot_loaded(struct snapshot_reader *r);
