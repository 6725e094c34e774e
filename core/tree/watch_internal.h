/* watch_internal.h - what registering and firing share. Nobody else includes it.
 *
 * A registration stands in two lists: that of its place (a path in one table) and that of its watcher. A place keeps
 * its recursive registrations in front, so that firing below it does not meet the others. */
#pragma once

#include "core/base/list.h"
#include "core/base/map.h"
#include "core/tree/watch.h"

struct watcher {
    uint64_t id;
    uint64_t told; /* the last trigger it was told of */
    uint32_t count;
    uint32_t data_count;
    struct list watches;
};

struct place {
    struct list watches;
    uint32_t recursive_count;
    uint32_t path_len;
    uint8_t table;
    uint8_t path[];
};

struct watch {
    struct list in_place, in_watcher;
    struct watch_key {
        struct watcher *watcher;
        struct place *place;
    } key;
    uint8_t modes; /* set of enum watch_mode, never empty */
};

struct watches {
    uint32_t per_watcher_max;
    struct map places[2];  /* one for each table */
    struct map registered; /* struct watch by watch_key */
    struct map64 watchers;
    uint64_t trigger;
    uint64_t total, data_total, data_watchers, recursive_total;
};

static inline struct bytes watch_path(struct bytes path)
{
    return path.len == 0 ? BYTES("/") : path;
}

static inline struct place *place_find(const struct watches *w, struct bytes path, enum watch_table table)
{
    return map_get(&w->places[table], watch_path(path));
}

/* Takes the bits away; without any the registration is gone, and with it a place that has no other. */
void watch_clear_modes(struct watches *w, struct watch *watch, uint8_t modes);
