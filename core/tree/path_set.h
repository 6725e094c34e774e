/* path_set.h - several paths in the order of the tree: each before all that lies below it. Says quickly whether a path
 * lies at or below one of them, and which of them lie below others. Owns no text. Not thread-safe. */
#pragma once

#include "core/base/bytes.h"

struct path_set_entry {
    struct bytes path; /* "" is the root */
    int32_t above;     /* the nearest other one that it lies below; -1: none */
};

struct path_set {
    struct path_set_entry *entries;
    size_t count;
};

/* Room for `count` paths. ST_NO_MEMORY. */
enum status path_set_begin(struct path_set *set, size_t count);

/* `path` ("/" and "" are one) must outlive the set. At most as many as there is room for. */
void path_set_add(struct path_set *set, struct bytes path);

/* Puts them in order, each once. What follows is for a set that is in order. */
void path_set_order(struct path_set *set);

bool path_set_covers(const struct path_set *set, struct bytes path);

void path_set_free(struct path_set *set);
