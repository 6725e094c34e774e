/* paths.c - a path made with what is missing of it, and a node deleted with all that is below it. */
#include "bindings/c/recipes/recipe.h"

#include <stdlib.h>

static const struct task_phase idle = {NULL, NULL, 0};

/* -- made ------------------------------------------------------------------------------------------------------------
 */

enum { LOOKING = 1, MAKING };

struct made_path {
    struct errand errand;
    struct ensuring ensuring;
};

static struct made_path *made_path_of(struct task *t)
{
    return (struct made_path *)(void *)t;
}

/* Mostly all is there, and a read costs the ensemble nothing. */
static zooid_request *look_ask(struct task *t)
{
    return zooid_request_exists(errand_of(t)->path);
}

static int look_answered(struct task *t, int code, const zooid_reply *r)
{
    (void)r;
    return errand_answered(t, code, MAKING);
}

static const struct task_phase looking = {look_ask, look_answered, LOOKING};

static zooid_request *make_ask(struct task *t)
{
    return ensuring_ask(&made_path_of(t)->ensuring, errand_of(t)->path);
}

static int make_answered(struct task *t, int code, const zooid_reply *r)
{
    (void)r;
    int next = ensuring_answered(&made_path_of(t)->ensuring, errand_of(t)->path, code, 0);
    if (next == 0)
        task_answer_locked(t, reply_new(ZOOID_OK, NULL, errand_of(t)->path));
    return next;
}

static const struct task_phase making = {make_ask, make_answered, TASK_FAILED};
static const struct task_phase *const made_phases[] = {&idle, [LOOKING] = &looking, [MAKING] = &making};
static const struct task_kind made_kind = {.phases = made_phases,
                                           .look = errand_look,
                                           .failed = errand_failed,
                                           .free = errand_free,
                                           .is_errand = true,
                                           .asks_once = true};

int zooid_ensure_path(zooid_client *c, const char *path, uint32_t deadline_ms, zooid_reply **reply)
{
    return errand_perform(errand_new(sizeof(struct made_path), path), c, &made_kind, deadline_ms, reply);
}

zooid_ticket zooid_submit_ensure_path(zooid_client *c, const char *path, uint32_t deadline_ms, void *tag)
{
    return errand_submit(errand_new(sizeof(struct made_path), path), c, &made_kind, deadline_ms, tag);
}

/* -- deleted ---------------------------------------------------------------------------------------------------------
 */

enum { LISTING = 1, DELETING };

struct deleted {
    struct errand errand;
    zooid_reply *nodes;
    size_t left; /* of them; the last one is the next */
};

static struct deleted *deleted_of(struct task *t)
{
    return (struct deleted *)(void *)t;
}

static zooid_request *list_ask(struct task *t)
{
    zooid_request *request = zooid_request_subtree(errand_of(t)->path, 0);
    (void)zooid_request_set_without_data(request);
    return request;
}

static int all_gone(struct task *t)
{
    task_answer_locked(t, reply_new(ZOOID_OK, NULL, errand_of(t)->path));
    return 0;
}

static int list_answered(struct task *t, int code, const zooid_reply *r)
{
    struct deleted *d = deleted_of(t);
    d->left = zooid_reply_node_count(r);
    if (code == ZOOID_NO_NODE || (code == ZOOID_OK && d->left == 0))
        return all_gone(t);
    if (code != ZOOID_OK)
        return TASK_FAILED;
    d->nodes = task_keep_reply(t);
    return DELETING;
}

static const struct task_phase listing = {list_ask, list_answered, LISTING};

/* Children before their parents: the other way round than a subtree comes. */
static zooid_request *delete_ask(struct task *t)
{
    const struct deleted *d = deleted_of(t);
    return zooid_request_delete(zooid_reply_node(d->nodes, d->left - 1)->path, ZOOID_ANY_VERSION);
}

static int delete_answered(struct task *t, int code, const zooid_reply *r)
{
    (void)r;
    if (code != ZOOID_OK && code != ZOOID_NO_NODE)
        return TASK_FAILED;
    return --deleted_of(t)->left == 0 ? all_gone(t) : TASK_AGAIN;
}

static void deleted_free(struct task *t)
{
    zooid_reply_free(deleted_of(t)->nodes);
    errand_free(t);
}

static const struct task_phase deleting = {delete_ask, delete_answered, TASK_FAILED};
static const struct task_phase *const deleted_phases[] = {&idle, [LISTING] = &listing, [DELETING] = &deleting};
static const struct task_kind deleted_kind = {.phases = deleted_phases,
                                              .look = errand_look,
                                              .failed = errand_failed,
                                              .free = deleted_free,
                                              .is_errand = true,
                                              .asks_once = true};

int zooid_delete_recursive(zooid_client *c, const char *path, uint32_t deadline_ms, zooid_reply **reply)
{
    return errand_perform(errand_new(sizeof(struct deleted), path), c, &deleted_kind, deadline_ms, reply);
}

zooid_ticket zooid_submit_delete_recursive(zooid_client *c, const char *path, uint32_t deadline_ms, void *tag)
{
    return errand_submit(errand_new(sizeof(struct deleted), path), c, &deleted_kind, deadline_ms, tag);
}
