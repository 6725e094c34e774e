/* lock_inherit.c - locks of a session that was taken over: the node that a process of before has in the queue is this
 * one's now, with its place and its token. */
#include "bindings/c/recipes/contender.h"
#include "bindings/c/recipes/lock.h"

#include <stdlib.h>

bool lock_may_inherit(const struct zooid_lock *l)
{
    const zooid_client *c = l->task.client;
    bool is_inherited = c->inherited_session != 0 && c->session_id == c->inherited_session;
    return l->leases == 0 && !l->has_looked && is_inherited;
}

static zooid_request *inherit_ask(struct task *t)
{
    zooid_request *request = with_latest(zooid_request_list(lock_of(t)->queue));
    (void)zooid_request_set_with_nodes(request);
    return request;
}

/* Another lock of this client has it. */
static bool is_taken(const zooid_client *c, const char *name)
{
    for (struct task *t = c->tasks; t != NULL; t = t->next)
        if (t->kind == &lock_kind && strncmp(name, lock_of(t)->id, UNIQUE_LEN) == 0)
            return true;
    return false;
}

static bool is_ours_to_take(const struct zooid_lock *l, const struct zooid_node *node, int64_t *place)
{
    const zooid_client *c = l->task.client;
    const char *kind = l->kind == ZOOID_LOCK_READ ? NAME_OF_READ : NAME_OF_LOCK;
    bool is_owner = node->stat != NULL && node->stat->ephemeral_owner == c->inherited_session;
    bool is_one = strlen(node->path) > UNIQUE_LEN && strncmp(node->path + UNIQUE_LEN, kind, strlen(kind)) == 0;
    return is_owner && is_one && contender_is(node->path, kind, place) && !is_taken(c, node->path);
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
    const struct zooid_node *node = first_of_ours(l, r);
    if (node == NULL) {
        l->has_looked = true;
        return LOCK_CREATING;
    }
    l->node = path_join(l->queue, node->path, "");
    if (l->node == NULL)
        return TASK_AGAIN;
    l->has_looked = true;
    memcpy(l->id, node->path, UNIQUE_LEN);
    lock_note_node(l, node->stat);
    return LOCK_LOOKING;
}

const struct task_phase lock_inheriting = {inherit_ask, inherit_answered, LOCK_INHERITING};
