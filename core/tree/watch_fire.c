/* watch_fire.c - which watchers a change concerns (client-protocol 6.2).
 *
 * Whoever was told is stamped with the number of the trigger, so that several registrations give one event. */
#include "core/tree/watch_internal.h"

#include "core/base/check.h"
#include "core/tree/path.h"

struct firing {
    struct watches *w;
    watch_fire_fn *fire;
    void *context;
    enum watch_event event;
    struct bytes path; /* of the event */
    uint32_t told;
};

static void tell(struct firing *f, struct watcher *watcher)
{
    if (watcher->told == f->w->trigger)
        return;
    watcher->told = f->w->trigger;
    f->told++;
    f->fire(f->context, watcher->id, f->event, f->path);
}

/* Everyone registered at exactly this place; one-shot registrations end. */
static void fire_place(struct firing *f, enum watch_table table)
{
    struct place *place = place_find(f->w, f->path, table);
    if (place == NULL)
        return;
    /* The place itself goes with its last registration: its head must not be looked at again then. */
    struct list *at = place->watches.next, *end = &place->watches;
    for (bool last = false; !last;) {
        struct watch *watch = LIST_ENTRY(at, struct watch, in_place);
        at = at->next;
        last = at == end;
        tell(f, watch->key.watcher);
        if ((watch->modes & WATCH_STANDARD) != 0)
            watch_clear_modes(f->w, watch, WATCH_STANDARD);
    }
}

/* The recursive ones of one ancestor; they stand in front. */
static void fire_recursive(struct firing *f, struct bytes ancestor)
{
    struct place *place = place_find(f->w, ancestor, WATCH_DATA);
    struct list *at = place == NULL ? NULL : place->watches.next;
    for (uint32_t left = place == NULL ? 0 : place->recursive_count; left > 0; left--, at = at->next)
        tell(f, LIST_ENTRY(at, struct watch, in_place)->key.watcher);
}

static void fire_ancestors(struct firing *f)
{
    struct bytes path = f->path;
    while (f->w->recursive_total > 0 && path.len > 1) {
        path = path_parent(path);
        fire_recursive(f, path);
    }
}

static struct firing firing_of(struct watches *w, struct bytes path, enum watch_event event, watch_fire_fn *fire,
                               void *context)
{
    w->trigger++;
    return (struct firing){w, fire, context, event, watch_path(path), 0};
}

static uint32_t fire_children_of_parent(struct watches *w, struct bytes path, watch_fire_fn *fire, void *context)
{
    path = watch_path(path);
    if (path.len == 1)
        return 0; /* the root has no parent */
    struct firing f = firing_of(w, path_parent(path), EVENT_NODE_CHILDREN_CHANGED, fire, context);
    fire_place(&f, WATCH_CHILD);
    return f.told;
}

uint32_t watches_node_created(struct watches *w, struct bytes path, watch_fire_fn *fire, void *context,
                              uint32_t *children)
{
    struct firing f = firing_of(w, path, EVENT_NODE_CREATED, fire, context);
    fire_place(&f, WATCH_DATA);
    fire_ancestors(&f);
    *children = fire_children_of_parent(w, path, fire, context);
    return f.told;
}

uint32_t watches_node_deleted(struct watches *w, struct bytes path, watch_fire_fn *fire, void *context,
                              uint32_t *children)
{
    struct firing f = firing_of(w, path, EVENT_NODE_DELETED, fire, context);
    fire_place(&f, WATCH_DATA);
    fire_ancestors(&f);
    fire_place(&f, WATCH_CHILD);
    *children = fire_children_of_parent(w, path, fire, context);
    return f.told;
}

uint32_t watches_data_changed(struct watches *w, struct bytes path, watch_fire_fn *fire, void *context)
{
    struct firing f = firing_of(w, path, EVENT_NODE_DATA_CHANGED, fire, context);
    fire_place(&f, WATCH_DATA);
    fire_ancestors(&f);
    return f.told;
}
