/* watches.c - which watches the agent has of ours, so that they can be set again after a reconnect. */
#include "bindings/c/internal.h"

#include <stdlib.h>

#define BODY(name) ZOOID__LOCAL__TO_AGENT__BODY_##name

static struct watch *find(const zooid_client *c, enum watch_list list, const char *path)
{
    struct watch *w = c->watches[list];
    while (w != NULL && strcmp(w->path, path) != 0)
        w = w->next;
    return w;
}

static void add(zooid_client *c, enum watch_list list, const char *path, enum watch_owner owner)
{
    struct watch *known = find(c, list, path);
    if (known != NULL) {
        known->owners |= owner;
        return;
    }
    size_t size = strlen(path) + 1;
    struct watch *watch = malloc(sizeof *watch + size);
    if (watch == NULL) {
        say(c, ZOOID_LOG_ERROR, "no memory to remember the watch of %s: it will not outlive a reconnect", path);
        return;
    }
    memcpy(watch->path, path, size);
    watch->owners = owner;
    watch->next = c->watches[list];
    c->watches[list] = watch;
}

/* Returns whose it was; 0: nobody's. */
static unsigned take_away(zooid_client *c, enum watch_list list, const char *path)
{
    for (struct watch **at = &c->watches[list]; *at != NULL; at = &(*at)->next) {
        if (strcmp((*at)->path, path) != 0)
            continue;
        struct watch *gone = *at;
        unsigned owners = gone->owners;
        *at = gone->next;
        free(gone);
        return owners;
    }
    return 0;
}

/* The agent takes all watches of a path away at once: tasks that had one have to set theirs again. */
static void all_gone(zooid_client *c, const char *path)
{
    unsigned owners = 0;
    for (int list = 0; list < WATCH_LISTS; list++)
        owners |= take_away(c, (enum watch_list)list, path);
    if ((owners & WATCH_OF_TASKS) != 0)
        tasks_changed_locked(c, ZOOID_WATCH_REMOVED, path);
}

/* exists leaves its watch on a node that is not there, too. */
void watches_note_locked(zooid_client *c, const to_agent *m, int code, enum watch_owner owner)
{
    bool done = code == ZOOID_OK;
    if (m->body_case == BODY(GET) && m->get->watch && (done || code == ZOOID_NOT_CHANGED))
        add(c, WATCH_DATA, m->get->path, owner);
    else if (m->body_case == BODY(LIST) && m->list->watch && (done || code == ZOOID_NOT_CHANGED))
        add(c, WATCH_CHILDREN, m->list->path, owner);
    else if (m->body_case == BODY(EXISTS) && m->exists->watch && (done || code == ZOOID_NO_NODE))
        add(c, done ? WATCH_DATA : WATCH_EXISTS, m->exists->path, owner);
    else if (m->body_case == BODY(ADD_WATCH) && done)
        add(c, m->add_watch->mode == ZOOID__LOCAL__WATCH_MODE__WATCH_RECURSIVE ? WATCH_RECURSIVE : WATCH_PERSISTENT,
            m->add_watch->path, owner);
    else if (m->body_case == BODY(REMOVE_WATCH) && done)
        all_gone(c, m->remove_watch->path);
}

static bool is_below(const char *path, const char *top)
{
    size_t len = strlen(top);
    return len == 1 || (strncmp(path, top, len) == 0 && (path[len] == '/' || path[len] == '\0'));
}

/* Those that stay: of the path itself, and of all below another. */
static unsigned lasting_owners(const zooid_client *c, const char *path, bool children)
{
    const struct watch *own = find(c, WATCH_PERSISTENT, path);
    unsigned owners = own == NULL ? 0 : own->owners;
    for (const struct watch *w = c->watches[WATCH_RECURSIVE]; w != NULL && !children; w = w->next)
        owners |= is_below(path, w->path) ? w->owners : 0;
    return owners;
}

unsigned watches_fired_locked(zooid_client *c, int kind, const char *path)
{
    bool children = kind == ZOOID__LOCAL__EVENT_KIND__EVENT_CHILDREN;
    bool deleted = kind == ZOOID__LOCAL__EVENT_KIND__EVENT_DELETED;
    unsigned owners = lasting_owners(c, path, children);
    if (children || deleted)
        owners |= take_away(c, WATCH_CHILDREN, path);
    if (!children) {
        owners |= take_away(c, WATCH_DATA, path);
        owners |= take_away(c, WATCH_EXISTS, path);
    }
    return owners;
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

static bool are_none(const zooid_client *c)
{
    size_t any = 0;
    for (int list = 0; list < WATCH_LISTS; list++)
        any += count_of(c->watches[list]);
    return any == 0;
}

static zooid_request *request_to_restore(const zooid_client *c)
{
    zooid_request *r = are_none(c) ? NULL : request_new(BODY(RESTORE_WATCHES));
    if (r == NULL)
        return NULL;
    Zooid__Local__RestoreWatches *body = pool_take(&r->pool, sizeof *body);
    if (body != NULL) {
        zooid__local__restore_watches__init(body);
        r->m.restore_watches = body;
        body->has_zxid = true;
        body->zxid = c->watches_lost_at;
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

/* From now on no event comes: those of what changes behind this zxid are asked for when the watches are restored. */
void watches_lost_locked(zooid_client *c)
{
    if (c->watches_lost_at < 0)
        c->watches_lost_at = c->last_zxid;
    c->restore_at_ms = now_ms() + LINK_AGAIN_MS;
}

void watches_restore_locked(zooid_client *c)
{
    c->restore_at_ms = INT64_MAX;
    if (c->watches_lost_at < 0 || c->restoring_watches)
        return;
    zooid_request *restore = request_to_restore(c);
    if (restore == NULL) {
        c->watches_lost_at = are_none(c) ? -1 : c->watches_lost_at;
        return;
    }
    restore->m.has_id = true;
    restore->m.id = LINK_WATCHES_CALL;
    c->restoring_watches = link_send_locked(c, &restore->m);
    zooid_request_free(restore);
}

void watches_restored_locked(zooid_client *c, const from_agent *m)
{
    c->restoring_watches = false;
    if (m->error == NULL) {
        c->watches_lost_at = -1;
    } else if (m->error->retry || m->error->code == ZOOID_SESSION_EXPIRED) {
        c->restore_at_ms = now_ms() + LINK_AGAIN_MS; /* the agent does not serve yet, or a session begins before */
    } else {
        c->watches_lost_at = -1;
        say(c, ZOOID_LOG_ERROR, "the agent does not restore the watches: %s",
            m->error->message == NULL ? zooid_code_text(m->error->code) : m->error->message);
    }
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
