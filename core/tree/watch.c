/* watch.c - registering, asking, removing and counting. */
#include "core/tree/watch_internal.h"

#include "core/base/mem.h"

static struct bytes place_path(const void *item)
{
    const struct place *place = item;
    return bytes_make(place->path, place->path_len);
}

static struct bytes watch_key(const void *item)
{
    const struct watch *watch = item;
    return bytes_make(&watch->key, sizeof watch->key);
}

struct watches *watches_new(const struct hash_key *hash_key, uint32_t per_watcher_max)
{
    struct watches *w = mem_calloc(1, sizeof *w);
    if (w == NULL)
        return NULL;
    w->per_watcher_max = per_watcher_max;
    map_init(&w->places[WATCH_DATA], hash_key, place_path);
    map_init(&w->places[WATCH_CHILD], hash_key, place_path);
    map_init(&w->registered, hash_key, watch_key);
    return w;
}

void watches_set_max(struct watches *w, uint32_t per_watcher_max)
{
    w->per_watcher_max = per_watcher_max;
}

void watches_free(struct watches *w)
{
    if (w == NULL)
        return;
    MAP_FOR_EACH(at, &w->registered)
    mem_free(at->item);
    map_free(&w->registered);
    for (size_t i = 0; i < ARRAY_LEN(w->places); i++) {
        MAP_FOR_EACH(at, &w->places[i])
        mem_free(at->item);
        map_free(&w->places[i]);
    }
    MAP64_FOR_EACH(at, &w->watchers)
    mem_free(at->value);
    map64_free(&w->watchers);
    mem_free(w);
}

/* -- places and watchers ------------------------------------------------------------------------------------------ */

static struct place *place_get(struct watches *w, struct bytes path, enum watch_table table)
{
    struct place *place = place_find(w, path, table);
    if (place != NULL)
        return place;
    path = watch_path(path);
    place = mem_alloc(sizeof *place + path.len);
    if (place == NULL)
        return NULL;
    *place = (struct place){.path_len = (uint32_t)path.len, .table = (uint8_t)table};
    list_init(&place->watches);
    memcpy(place->path, path.data, path.len);
    if (map_add(&w->places[table], place) != ST_OK) {
        mem_free(place);
        return NULL;
    }
    return place;
}

static void place_drop_if_empty(struct watches *w, struct place *place)
{
    if (list_is_empty(&place->watches))
        mem_free(map_remove(&w->places[place->table], place_path(place)));
}

static struct watcher *watcher_get(struct watches *w, uint64_t id)
{
    struct watcher *watcher = map64_get(&w->watchers, id);
    if (watcher != NULL)
        return watcher;
    watcher = mem_alloc(sizeof *watcher);
    if (watcher == NULL)
        return NULL;
    *watcher = (struct watcher){.id = id};
    list_init(&watcher->watches);
    if (map64_put(&w->watchers, id, watcher) != ST_OK) {
        mem_free(watcher);
        return NULL;
    }
    return watcher;
}

/* -- registrations ------------------------------------------------------------------------------------------------ */

static struct watch *watch_find(const struct watches *w, struct watcher *watcher, struct place *place)
{
    const struct watch_key key = {watcher, place};
    return map_get(&w->registered, bytes_make(&key, sizeof key));
}

static struct watch *watch_new(struct watches *w, struct watcher *watcher, struct place *place)
{
    struct watch *watch = mem_calloc(1, sizeof *watch);
    if (watch == NULL)
        return NULL;
    watch->key = (struct watch_key){watcher, place};
    if (map_add(&w->registered, watch) != ST_OK) {
        mem_free(watch);
        return NULL;
    }
    list_append(&place->watches, &watch->in_place);
    list_append(&watcher->watches, &watch->in_watcher);
    watcher->count++;
    w->total++;
    if (place->table == WATCH_DATA) {
        w->data_total++;
        w->data_watchers += watcher->data_count++ == 0;
    }
    return watch;
}

static void watch_free(struct watches *w, struct watch *watch)
{
    struct watcher *watcher = watch->key.watcher;
    struct place *place = watch->key.place;
    map_remove(&w->registered, watch_key(watch));
    list_remove(&watch->in_place);
    list_remove(&watch->in_watcher);
    mem_free(watch);
    watcher->count--;
    w->total--;
    if (place->table == WATCH_DATA) {
        w->data_total--;
        w->data_watchers -= --watcher->data_count == 0;
    }
    place_drop_if_empty(w, place);
}

static void watch_set_mode(struct watches *w, struct watch *watch, enum watch_mode mode)
{
    bool becomes_recursive = mode == WATCH_RECURSIVE && (watch->modes & WATCH_RECURSIVE) == 0;
    watch->modes |= (uint8_t)mode;
    if (!becomes_recursive)
        return;
    list_remove(&watch->in_place);
    list_insert_after(&watch->key.place->watches, &watch->in_place);
    watch->key.place->recursive_count++;
    w->recursive_total++;
}

void watch_clear_modes(struct watches *w, struct watch *watch, uint8_t modes)
{
    struct place *place = watch->key.place;
    if ((watch->modes & modes & WATCH_RECURSIVE) != 0) {
        place->recursive_count--;
        w->recursive_total--;
        list_remove(&watch->in_place);
        list_append(&place->watches, &watch->in_place);
    }
    watch->modes &= (uint8_t)~modes;
    if (watch->modes == 0)
        watch_free(w, watch);
}

static enum status add(struct watches *w, struct watcher *watcher, struct bytes path, enum watch_table table,
                       enum watch_mode mode)
{
    struct place *place = place_get(w, path, table);
    if (place == NULL)
        return ST_NO_MEMORY;
    struct watch *watch = watch_find(w, watcher, place);
    if (watch == NULL)
        watch = watch_new(w, watcher, place);
    if (watch == NULL) {
        place_drop_if_empty(w, place);
        return ST_NO_MEMORY;
    }
    watch_set_mode(w, watch, mode);
    return ST_OK;
}

static struct watch *watch_of(const struct watches *w, uint64_t id, struct bytes path, enum watch_table table)
{
    struct watcher *watcher = map64_get(&w->watchers, id);
    struct place *place = watcher == NULL ? NULL : place_find(w, path, table);
    return place == NULL ? NULL : watch_find(w, watcher, place);
}

/* How many registrations the watcher may still add. */
static uint32_t allowance(const struct watches *w, uint64_t id)
{
    const struct watcher *watcher = map64_get(&w->watchers, id);
    uint32_t count = watcher == NULL ? 0 : watcher->count;
    if (w->per_watcher_max == 0)
        return UINT32_MAX - count;
    return count < w->per_watcher_max ? w->per_watcher_max - count : 0;
}

enum status watches_add(struct watches *w, uint64_t watcher, struct bytes path, enum watch_table table,
                        enum watch_mode mode)
{
    if (watch_of(w, watcher, path, table) == NULL && allowance(w, watcher) < 1)
        return ST_LIMIT;
    struct watcher *record = watcher_get(w, watcher);
    if (record == NULL)
        return ST_NO_MEMORY;
    return add(w, record, path, table, mode);
}

static enum status add_to_both(struct watches *w, uint64_t id, struct bytes path)
{
    struct watch *had = watch_of(w, id, path, WATCH_DATA);
    uint8_t modes_before = had == NULL ? 0 : had->modes;
    uint32_t needed = had == NULL ? 1 : 0;
    needed += watch_of(w, id, path, WATCH_CHILD) == NULL ? 1 : 0;
    if (allowance(w, id) < needed)
        return ST_LIMIT;
    enum status st = watches_add(w, id, path, WATCH_DATA, WATCH_PERSISTENT);
    if (st != ST_OK)
        return st;
    st = watches_add(w, id, path, WATCH_CHILD, WATCH_PERSISTENT);
    if (st != ST_OK && (modes_before & WATCH_PERSISTENT) == 0)
        watch_clear_modes(w, watch_of(w, id, path, WATCH_DATA), WATCH_PERSISTENT);
    return st;
}

enum status watches_add_persistent(struct watches *w, uint64_t watcher, struct bytes path, enum watch_mode mode)
{
    if (mode == WATCH_RECURSIVE)
        return watches_add(w, watcher, path, WATCH_DATA, WATCH_RECURSIVE);
    return add_to_both(w, watcher, path);
}

/* -- asking and removing ------------------------------------------------------------------------------------------ */

/* Which modes each type is about, by table (client-protocol 6.6). */
static const uint8_t type_modes[][2] = {
    [WATCHER_CHILDREN] = {[WATCH_CHILD] = WATCH_STANDARD},
    [WATCHER_DATA] = {[WATCH_DATA] = WATCH_STANDARD},
    [WATCHER_ANY] = {0xff, 0xff},
    [WATCHER_PERSISTENT] = {WATCH_PERSISTENT, WATCH_PERSISTENT},
    [WATCHER_PERSISTENT_RECURSIVE] = {[WATCH_DATA] = WATCH_RECURSIVE},
};

static struct watch *watch_of_type(const struct watches *w, uint64_t watcher, struct bytes path, enum watch_table table,
                                   enum watcher_type type)
{
    CHECK((size_t)type < ARRAY_LEN(type_modes));
    struct watch *watch = watch_of(w, watcher, path, table);
    return watch != NULL && (watch->modes & type_modes[type][table]) != 0 ? watch : NULL;
}

bool watches_has(const struct watches *w, uint64_t watcher, struct bytes path, enum watcher_type type)
{
    return watch_of_type(w, watcher, path, WATCH_DATA, type) != NULL ||
           watch_of_type(w, watcher, path, WATCH_CHILD, type) != NULL;
}

enum status watches_remove(struct watches *w, uint64_t watcher, struct bytes path, enum watcher_type type)
{
    enum status st = ST_NO_WATCHER;
    for (enum watch_table table = WATCH_DATA; table <= WATCH_CHILD; table++) {
        struct watch *watch = watch_of_type(w, watcher, path, table, type);
        if (watch == NULL)
            continue;
        watch_clear_modes(w, watch, type_modes[type][table]);
        st = ST_OK;
    }
    return st;
}

void watches_drop(struct watches *w, uint64_t watcher)
{
    struct watcher *record = map64_get(&w->watchers, watcher);
    if (record == NULL)
        return;
    for (uint32_t left = record->count; left > 0; left--)
        watch_clear_modes(w, LIST_ENTRY(record->watches.next, struct watch, in_watcher), 0xff);
    mem_free(map64_remove(&w->watchers, watcher));
}

/* -- counting and listing ----------------------------------------------------------------------------------------- */

struct watch_counts watches_count(const struct watches *w)
{
    return (struct watch_counts){
        .total = w->total,
        .data = w->data_total,
        .data_paths = w->places[WATCH_DATA].count,
        .data_watchers = w->data_watchers,
    };
}

void watches_each_by_path(const struct watches *w, watch_walk_fn *fn, void *context)
{
    MAP_FOR_EACH(at, &w->places[WATCH_DATA])
    {
        const struct place *place = at->item;
        LIST_FOR_EACH(link, &place->watches)
        fn(context, LIST_ENTRY(link, struct watch, in_place)->key.watcher->id, place_path(place));
    }
}

void watches_each_by_watcher(const struct watches *w, watch_walk_fn *fn, void *context)
{
    MAP64_FOR_EACH(at, &w->watchers)
    {
        const struct watcher *watcher = at->value;
        LIST_FOR_EACH(link, &watcher->watches)
        {
            const struct place *place = LIST_ENTRY(link, struct watch, in_watcher)->key.place;
            if (place->table == WATCH_DATA)
                fn(context, watcher->id, place_path(place));
        }
    }
}
