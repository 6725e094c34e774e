/* watches.c - which watches the agent has of ours, so that they can be set again after a reconnect. */
#include "bindings/c/internal.h"

#include <stdlib.h>

#define BODY(name) ZOOID__LOCAL__TO_AGENT__BODY_##name

static void add(zooid_client *c, enum watch_list list, const char *path)
{
    for (struct watch *w = c->watches[list]; w != NULL; w = w->next)
        if (strcmp(w->path, path) == 0)
            return;
    size_t size = strlen(path) + 1;
    struct watch *watch = malloc(sizeof *watch + size);
    if (watch == NULL) {
        say(c, ZOOID_LOG_ERROR, "no memory to remember the watch of %s: it will not outlive a reconnect", path);
        return;
    }
    memcpy(watch->path, path, size);
    watch->next = c->watches[list];
    c->watches[list] = watch;
}

static void take_away(zooid_client *c, enum watch_list list, const char *path)
{
    for (struct watch **at = &c->watches[list]; *at != NULL; at = &(*at)->next) {
        if (strcmp((*at)->path, path) != 0)
            continue;
        struct watch *gone = *at;
        *at = gone->next;
        free(gone);
        return;
    }
}

/* exists leaves its watch on a node that is not there, too. */
void watches_note_locked(zooid_client *c, const to_agent *m, int code)
{
    bool done = code == ZOOID_OK;
    if (m->body_case == BODY(GET) && m->get->watch && (done || code == ZOOID_NOT_CHANGED))
        add(c, WATCH_DATA, m->get->path);
    else if (m->body_case == BODY(LIST) && m->list->watch && (done || code == ZOOID_NOT_CHANGED))
        add(c, WATCH_CHILDREN, m->list->path);
    else if (m->body_case == BODY(EXISTS) && m->exists->watch && (done || code == ZOOID_NO_NODE))
        add(c, done ? WATCH_DATA : WATCH_EXISTS, m->exists->path);
    else if (m->body_case == BODY(ADD_WATCH) && done)
        add(c, m->add_watch->mode == ZOOID__LOCAL__WATCH_MODE__WATCH_RECURSIVE ? WATCH_RECURSIVE : WATCH_PERSISTENT,
            m->add_watch->path);
    else if (m->body_case == BODY(REMOVE_WATCH) && done)
        for (int list = 0; list < WATCH_LISTS; list++)
            take_away(c, (enum watch_list)list, m->remove_watch->path);
}

void watches_fired_locked(zooid_client *c, int kind, const char *path)
{
    bool children = kind == ZOOID__LOCAL__EVENT_KIND__EVENT_CHILDREN;
    bool deleted = kind == ZOOID__LOCAL__EVENT_KIND__EVENT_DELETED;
    if (children || deleted)
        take_away(c, WATCH_CHILDREN, path);
    if (!children) {
        take_away(c, WATCH_DATA, path);
        take_away(c, WATCH_EXISTS, path);
    }
}

static size_t count_of(const struct watch *watch)
{
    size_t count = 0;
    for (; watch != NULL; watch = watch->next)
        count++;
    return count;
}

static char **paths_of(struct pool *pool, const struct watch *watch, size_t *count)
{
    *count = 0;
    char **paths = pool_take(pool, (count_of(watch) + 1) * sizeof *paths);
    for (; watch != NULL && !pool->failed; watch = watch->next)
        paths[(*count)++] = pool_text(pool, watch->path);
    return paths;
}

zooid_request *watches_restore_locked(const zooid_client *c)
{
    size_t any = 0;
    for (int list = 0; list < WATCH_LISTS; list++)
        any += count_of(c->watches[list]);
    zooid_request *r = any == 0 ? NULL : calloc(1, sizeof *r);
    if (r == NULL)
        return NULL;
    zooid__local__to_agent__init(&r->m);
    Zooid__Local__RestoreWatches *body = pool_take(&r->pool, sizeof *body);
    if (body != NULL) {
        zooid__local__restore_watches__init(body);
        r->m.body_case = BODY(RESTORE_WATCHES);
        r->m.restore_watches = body;
        body->has_zxid = true;
        body->zxid = c->last_zxid;
        body->data = paths_of(&r->pool, c->watches[WATCH_DATA], &body->n_data);
        body->exists = paths_of(&r->pool, c->watches[WATCH_EXISTS], &body->n_exists);
        body->children = paths_of(&r->pool, c->watches[WATCH_CHILDREN], &body->n_children);
        body->persistent = paths_of(&r->pool, c->watches[WATCH_PERSISTENT], &body->n_persistent);
        body->recursive = paths_of(&r->pool, c->watches[WATCH_RECURSIVE], &body->n_recursive);
    }
    if (r->pool.failed) {
        zooid_request_free(r);
        return NULL;
    }
    return r;
}

void watches_free(zooid_client *c)
{
    for (int list = 0; list < WATCH_LISTS; list++)
        while (c->watches[list] != NULL) {
            struct watch *watch = c->watches[list];
            c->watches[list] = watch->next;
            free(watch);
        }
}
