/* lock_inherit.c - locks of a process before: of a session that was taken over, the node that it has in the queue is
 * this one's now, with its place and its token; of another session (zooid_inherit_locks), it is made this one's, in its
 * place. Of a semaphore the same goes for its lease. */
#include "bindings/c/recipes/contender.h"
#include "bindings/c/recipes/lock.h"

#include <stdlib.h>

bool lock_may_inherit(const struct zooid_lock *l)
{
    const zooid_client *c = l->task.client;
    bool is_inherited = c->inherited_session != 0 && c->session_id == c->inherited_session;
    return !l->has_looked && (is_inherited || c->heirloom_count > 0);
}

/* Where its node is, when it has one. */
static char **place_of(struct zooid_lock *l)
{
    return l->leases == 0 ? &l->node : &l->lease;
}

static void let_go(struct zooid_lock *l)
{
    free(*place_of(l));
    *place_of(l) = NULL;
}

/* -- found ------------------------------------------------------------------------------------------------------------
 */

static zooid_request *inherit_ask(struct task *t)
{
    const struct zooid_lock *l = lock_of(t);
    zooid_request *request = with_latest(zooid_request_list(l->leases == 0 ? l->queue : l->path));
    (void)zooid_request_set_with_nodes(request);
    return request;
}

/* Another lock of this client has it. */
static bool is_taken(const struct zooid_lock *l, const char *name)
{
    for (struct task *t = l->task.client->tasks; t != NULL; t = t->next)
        if (t != &l->task && t->kind == &lock_kind && strncmp(name, lock_of(t)->id, UNIQUE_LEN) == 0)
            return true;
    return false;
}

static bool may_take_from(const zooid_client *c, int64_t session)
{
    for (size_t i = 0; session != 0 && i < c->heirloom_count; i++)
        if (c->heirlooms[i] == session)
            return true;
    return session != 0 && session == c->session_id && session == c->inherited_session;
}

/* *place: in the queue; leases have none. */
static bool is_of_our_kind(const struct zooid_lock *l, const char *name, int64_t *place)
{
    const char *kind = l->kind == ZOOID_LOCK_READ ? NAME_OF_READ : NAME_OF_LOCK;
    *place = 0;
    if (l->leases > 0)
        return strlen(name) == UNIQUE_LEN;
    return strlen(name) > UNIQUE_LEN && strncmp(name + UNIQUE_LEN, kind, strlen(kind)) == 0 &&
           contender_is(name, kind, place);
}

static bool is_ours_to_take(const struct zooid_lock *l, const struct zooid_node *node, int64_t *place)
{
    return node->stat != NULL && is_of_our_kind(l, node->path, place) &&
           may_take_from(l->task.client, node->stat->ephemeral_owner) && !is_taken(l, node->path);
}

/* NULL: there is none. */
static const struct zooid_node *first_of_ours(const struct zooid_lock *l, const zooid_reply *r)
{
    const struct zooid_node *first = NULL;
    int64_t place = 0, first_place = 0;
    for (size_t i = 0; i < zooid_reply_node_count(r); i++) {
        const struct zooid_node *node = zooid_reply_node(r, i);
        if (is_ours_to_take(l, node, &place) && (first == NULL || place < first_place)) {
            first = node;
            first_place = place;
        }
    }
    return first;
}

static int inherit_answered(struct task *t, int code, const zooid_reply *r)
{
    struct zooid_lock *l = lock_of(t);
    if (code != ZOOID_OK && code != ZOOID_NO_NODE)
        return TASK_FAILED;
    let_go(l);
    const struct zooid_node *node = first_of_ours(l, r);
    if (node == NULL) {
        l->has_looked = true;
        return LOCK_CREATING;
    }
    *place_of(l) = path_join(l->leases == 0 ? l->queue : l->path, node->path, "");
    if (*place_of(l) == NULL)
        return TASK_AGAIN;
    memcpy(l->id, node->path, UNIQUE_LEN);
    if (node->stat->ephemeral_owner != t->client->session_id)
        return LOCK_TAKING;
    l->has_looked = true;
    lock_note_node(l, node->stat);
    return l->leases == 0 ? LOCK_LOOKING : LOCK_HELD;
}

const struct task_phase lock_inheriting = {inherit_ask, inherit_answered, LOCK_INHERITING};

/* -- taken over: others see that it is deleted, look, and find it in its place
 * ------------------------------------------
 */

static zooid_request *take_ask(struct task *t)
{
    struct zooid_lock *l = lock_of(t);
    const char *path = *place_of(l);
    size_t len = strlen(l->identifier);
    zooid_request *multi = zooid_request_multi();
    if (multi != NULL && zooid_request_add(multi, zooid_request_delete(path, ZOOID_ANY_VERSION)) == ZOOID_OK &&
        zooid_request_add(multi, zooid_request_create(path, l->identifier, len, ZOOID_EPHEMERAL)) == ZOOID_OK)
        return multi;
    zooid_request_free(multi);
    return NULL;
}

/* It is gone when its session has ended meanwhile. */
static int take_answered(struct task *t, int code, const zooid_reply *r)
{
    struct zooid_lock *l = lock_of(t);
    (void)r;
    if (code != ZOOID_OK) {
        let_go(l);
        return code == ZOOID_NO_NODE || code == ZOOID_NODE_EXISTS ? LOCK_INHERITING : TASK_FAILED;
    }
    return LOCK_TAKEN;
}

const struct task_phase lock_taking = {take_ask, take_answered, LOCK_TAKEN};

static zooid_request *taken_ask(struct task *t)
{
    return with_latest(zooid_request_exists(*place_of(lock_of(t))));
}

static int taken_answered(struct task *t, int code, const zooid_reply *r)
{
    struct zooid_lock *l = lock_of(t);
    const struct zooid_stat *stat = zooid_reply_stat(r);
    if (code != ZOOID_OK && code != ZOOID_NO_NODE)
        return TASK_FAILED;
    if (stat == NULL || stat->ephemeral_owner != t->client->session_id) {
        let_go(l);
        return LOCK_INHERITING;
    }
    l->has_looked = true;
    lock_note_node(l, stat);
    return l->leases == 0 ? LOCK_LOOKING : LOCK_HELD;
}

const struct task_phase lock_taken = {taken_ask, taken_answered, LOCK_TAKEN};

/* -- as zooid.h has it
 * --------------------------------------------------------------------------------------------------
 */

int zooid_inherit_locks(zooid_client *c, const int64_t *sessions, size_t count, bool wait)
{
    if (!is_ours(c) || count > sizeof c->heirlooms / sizeof c->heirlooms[0])
        return ZOOID_BAD_ARGUMENTS;
    pthread_mutex_lock(&c->lock);
    if (count > 0)
        memcpy(c->heirlooms, sessions, count * sizeof *sessions);
    c->heirloom_count = count;
    c->locks_wait = wait;
    for (struct task *t = c->tasks; t != NULL; t = t->next)
        if (t->kind == &lock_kind)
            t->due = true;
    link_work_locked(c, false);
    pthread_mutex_unlock(&c->lock);
    return ZOOID_OK;
}
