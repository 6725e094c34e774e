/* watch.h - who is to be told when a path changes (client-protocol 6).
 *
 * A watch is (watcher, path, table, mode). Watchers are connections, known by number only; nothing is sent from here.
 * Modes are independent bits, as since 3.9. Not thread-safe. */
#pragma once

#include "core/base/hash.h"
#include "core/base/status.h"

struct watches; /* opaque */

enum watch_mode {
    WATCH_STANDARD = 1,   /* gone once fired */
    WATCH_PERSISTENT = 2, /* addWatch mode 0: in both tables */
    WATCH_RECURSIVE = 4,  /* addWatch mode 1: in the data table, for the path and all below */
};

enum watch_table { WATCH_DATA, WATCH_CHILD };

/* Numbers of the protocol. */
enum watch_event {
    EVENT_NODE_CREATED = 1,
    EVENT_NODE_DELETED = 2,
    EVENT_NODE_DATA_CHANGED = 3,
    EVENT_NODE_CHILDREN_CHANGED = 4,
};

/* WatcherType of checkWatches and removeWatches. */
enum watcher_type {
    WATCHER_CHILDREN = 1,
    WATCHER_DATA = 2,
    WATCHER_ANY = 3,
    WATCHER_PERSISTENT = 4,
    WATCHER_PERSISTENT_RECURSIVE = 5,
};

/* `per_watcher_max`: registrations one watcher may hold; 0: no limit. NULL: out of memory. */
struct watches *watches_new(const struct hash_key *hash_key, uint32_t per_watcher_max);
void watches_free(struct watches *w);

/* Another limit from now on; who holds more keeps what there is. */
void watches_set_max(struct watches *w, uint32_t per_watcher_max);

/* Copies `path` ("/" and "" are one). Adding what is there already changes nothing. ST_LIMIT: the watcher holds
 * per_watcher_max; ST_NO_MEMORY. */
enum status watches_add(struct watches *w, uint64_t watcher, struct bytes path, enum watch_table table,
                        enum watch_mode mode);

/* addWatch: persistent goes into both tables, recursive into the data table. */
enum status watches_add_persistent(struct watches *w, uint64_t watcher, struct bytes path, enum watch_mode mode);

/* Called once for each watcher to be told. `path` is valid only during the call; the function must not change `w`. */
typedef void watch_fire_fn(void *context, uint64_t watcher, enum watch_event event, struct bytes path);

/* Fire in the order and with the suppression of client-protocol 6.2: on creation and deletion the parent's child
 * watches too. Each returns how many watchers were told for the node and stores those told for the parent's children in
 * `children`. One-shot watches that fire are gone, told or filtered by the caller alike. */
uint32_t watches_node_created(struct watches *w, struct bytes path, watch_fire_fn *fire, void *context,
                              uint32_t *children);
uint32_t watches_node_deleted(struct watches *w, struct bytes path, watch_fire_fn *fire, void *context,
                              uint32_t *children);
uint32_t watches_data_changed(struct watches *w, struct bytes path, watch_fire_fn *fire, void *context);

bool watches_has(const struct watches *w, uint64_t watcher, struct bytes path, enum watcher_type type);

/* ST_NO_WATCHER: there was none of this type. `type` must be one of the five. */
enum status watches_remove(struct watches *w, uint64_t watcher, struct bytes path, enum watcher_type type);

/* Forgets the watcher and all its watches, when it is gone. Until then a few bytes are kept of it, also without any:
 * who was told of a change most often watches again. */
void watches_drop(struct watches *w, uint64_t watcher);

struct watch_counts {
    uint64_t total;         /* registrations in both tables, as `watch_count` */
    uint64_t data;          /* in the data table alone, as `wchs` counts */
    uint64_t data_paths;    /* paths in the data table */
    uint64_t data_watchers; /* watchers in the data table */
};
struct watch_counts watches_count(const struct watches *w);

/* Registrations of the data table, grouped by path or by watcher (for wchp and wchc). */
typedef void watch_walk_fn(void *context, uint64_t watcher, struct bytes path);
void watches_each_by_path(const struct watches *w, watch_walk_fn *fn, void *context);
void watches_each_by_watcher(const struct watches *w, watch_walk_fn *fn, void *context);
