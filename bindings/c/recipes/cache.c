/* cache.c - a copy of a node and all below it, kept up to date by a subscription and read without asking anybody. A new
 * snapshot is built aside: until it is complete, the copy stays as it was. */
#include "bindings/c/recipes/copy.h"
#include "bindings/c/recipes/recipe.h"

#include <stdlib.h>

enum phase { FREE, FOLLOWING };
enum { WAIT = 1 };

struct zooid_cache {
    struct task task;
    char *path;
    struct copied *copy;                   /* NULL: no snapshot was complete yet */
    struct copied *next;                   /* the one that is being built; NULL: none is */
    int64_t zxid;                          /* of the copy */
    struct zooid_event *held, **last_held; /* changes of a txn whose end has not come */
    bool failed;                           /* memory ran out for a change: it has to begin again */
};

static struct zooid_cache *cache_of(struct task *t)
{
    return (struct zooid_cache *)(void *)t;
}

static zooid_request *follow_ask(struct task *t)
{
    cache_of(t)->failed = false;
    return zooid_request_subscribe(cache_of(t)->path);
}

/* It ends only when it cannot be had. */
static int follow_answered(struct task *t, int code, const zooid_reply *r)
{
    (void)t, (void)code, (void)r;
    return TASK_FAILED;
}

static const struct task_phase following = {follow_ask, follow_answered, FOLLOWING};
static const struct task_phase waiting = {NULL, NULL, 0};
static const struct task_phase *const phases[] = {[FREE] = &waiting, [FOLLOWING] = &following};

static void drop(struct copied **copy)
{
    copy_free(*copy);
    *copy = NULL;
}

static int look(struct task *t, int phase)
{
    struct zooid_cache *c = cache_of(t);
    if (c->copy != NULL && task_wants(t, WAIT))
        task_answer_locked(t, reply_new(ZOOID_OK, NULL, c->path));
    if (t->abandoned)
        return FREE;
    if (!c->failed || phase != FOLLOWING || t->resting)
        return FOLLOWING;
    c->failed = false; /* once round: it comes back, and asks anew */
    return FREE;
}

/* What is not permitted, or beyond a limit, may be had later. */
static int failed(struct task *t, int phase)
{
    (void)t;
    return phase;
}

/* -- what the subscription tells
 * ----------------------------------------------------------------------------------------
 */

static bool apply(struct copied *copy, const char *path, const zooid_event *event)
{
    const struct zooid_stat *stat = zooid_event_stat(event);
    switch (zooid_event_change(event)) {
    case ZOOID_DELETED: copy_remove(copy, path); return true;
    case ZOOID_ACL_CHANGED: copy_touch(copy, path, stat); return true;
    default: return copy_put(copy, path, zooid_event_data(event), zooid_event_data_len(event), stat);
    }
}

static void put(struct zooid_cache *c, struct copied *copy, const zooid_event *event)
{
    const char *path = copy_relative(c->path, zooid_event_path(event));
    if (path != NULL && copy != NULL && !apply(copy, path, event))
        c->failed = true;
}

static void drop_held(struct zooid_cache *c)
{
    events_free(c->held);
    c->held = NULL;
    c->last_held = &c->held;
}

/* Nobody sees half a txn: they are put into the copy together. */
static void hold(struct zooid_cache *c, zooid_event *event)
{
    *c->last_held = event;
    c->last_held = &event->next;
    if (!zooid_event_ends_txn(event))
        return;
    for (event = c->held; event != NULL; event = event->next)
        put(c, c->copy, event);
    c->zxid = zooid_event_zxid(c->held);
    drop_held(c);
}

/* What is not held goes. */
static void take(struct zooid_cache *c, zooid_event *event)
{
    switch (zooid_event_kind(event)) {
    case ZOOID_EVENT_RESET:
        drop_held(c);
        drop(&c->next);
        c->next = copy_new();
        c->failed = c->next == NULL;
        break;
    case ZOOID_EVENT_CHANGE:
        if (c->next == NULL) {
            hold(c, event);
            return;
        }
        put(c, c->next, event);
        break;
    case ZOOID_EVENT_CAUGHT_UP:
        if (c->next != NULL)
            drop(&c->copy);
        c->copy = c->next != NULL ? c->next : c->copy;
        c->next = NULL;
        c->zxid = zooid_event_zxid(event);
        break;
    default: break;
    }
    zooid_event_free(event);
}

static void told(struct task *t, zooid_event *event)
{
    struct zooid_cache *c = cache_of(t);
    if (c->failed)
        zooid_event_free(event);
    else
        take(c, event);
    t->due = t->due || c->failed || task_wants(t, WAIT);
}

static void cache_free(struct task *t)
{
    struct zooid_cache *c = cache_of(t);
    copy_free(c->copy);
    copy_free(c->next);
    drop_held(c);
    free(c->path);
    free(c);
}

static const struct task_kind kind = {.phases = phases,
                                      .look = look,
                                      .failed = failed,
                                      .free = cache_free,
                                      .told = told};

/* -- as zooid.h has it
 * --------------------------------------------------------------------------------------------------
 */

zooid_cache *zooid_cache_new(zooid_client *client, const char *path)
{
    /* The root is a path for it, other than for recipes that make nodes. */
    zooid_cache *c = path == NULL ? NULL : object_new(client, strcmp(path, "/") == 0 ? "/any" : path, sizeof *c);
    if (c == NULL)
        return NULL;
    c->path = strdup(path);
    if (c->path == NULL) {
        free(c);
        return NULL;
    }
    c->last_held = &c->held;
    c->task.due = true;
    task_start(&c->task, client, &kind, c->path);
    return c;
}

void zooid_cache_free(zooid_cache *c)
{
    if (c != NULL)
        task_abandon(&c->task);
}

int zooid_cache_wait(zooid_cache *c, uint32_t deadline_ms, zooid_reply **reply)
{
    return task_perform(&c->task, WAIT, deadline_ms, reply);
}

zooid_ticket zooid_cache_submit_wait(zooid_cache *c, uint32_t deadline_ms, void *tag)
{
    return task_submit(&c->task, WAIT, deadline_ms, tag);
}

void zooid_cache_cancel(zooid_cache *c)
{
    task_cancel(&c->task);
}

/* -- read
 * ---------------------------------------------------------------------------------------------------------------
 */

/* The node, or NULL and a reply that says why. */
static const struct copied *find_locked(const zooid_cache *c, const char *path, zooid_reply **why)
{
    const char *relative = copy_relative(c->path, path);
    const struct copied *node = relative == NULL || c->copy == NULL ? NULL : copy_find(c->copy, relative);
    if (relative == NULL)
        *why = reply_new(ZOOID_BAD_ARGUMENTS, "the path is not below that of the cache", path);
    else if (c->copy == NULL)
        *why = reply_new(ZOOID_STALE, "the copy is not complete yet", path);
    else if (node == NULL)
        *why = reply_new(ZOOID_NO_NODE, NULL, path);
    return node;
}

static zooid_reply *reply_of_node(const zooid_cache *c, const struct copied *node, const char *path)
{
    zooid_reply *reply = reply_new(ZOOID_OK, NULL, path);
    if (reply == NULL)
        return NULL;
    reply->zxid = c->zxid;
    reply->stat = node->stat;
    reply->has_stat = true;
    reply->data_len = node->data == NULL ? 0 : node->len;
    reply->data = node->data == NULL ? NULL : pool_take(&reply->pool, node->len + 1);
    if (reply->data != NULL)
        memcpy(reply->data, node->data, node->len);
    return reply;
}

static void add_children(zooid_reply *reply, const struct copied *node)
{
    reply->names = pool_take(&reply->pool, (node->child_count + 1) * sizeof *reply->names);
    for (size_t i = 0; reply->names != NULL && i < node->child_count; i++)
        if (node->children[i]->is_there)
            reply->names[reply->name_count++] = pool_text(&reply->pool, node->children[i]->name);
}

static int read_copy(const zooid_cache *c, const char *path, bool children, zooid_reply **reply)
{
    zooid_client *client = c->task.client;
    zooid_reply *answer = NULL;
    if (!is_ours(client))
        return give_reply(reply_new(ZOOID_CONNECTION_LOST, MADE_BEFORE_FORK, path), reply);
    pthread_mutex_lock(&client->lock);
    const struct copied *node = find_locked(c, path, &answer);
    if (node != NULL)
        answer = reply_of_node(c, node, path);
    if (node != NULL && answer != NULL && children)
        add_children(answer, node);
    pthread_mutex_unlock(&client->lock);
    if (answer != NULL && answer->pool.failed) {
        zooid_reply_free(answer);
        answer = NULL;
    }
    return give_reply(answer, reply);
}

int zooid_cache_get(const zooid_cache *c, const char *path, zooid_reply **reply)
{
    return read_copy(c, path, false, reply);
}

int zooid_cache_list(const zooid_cache *c, const char *path, zooid_reply **reply)
{
    return read_copy(c, path, true, reply);
}
