/* listing.c - the children of a recipe's node that are its own, with their data: members, and who contends. */
#include "bindings/c/recipes/recipe.h"

#include <stdlib.h>

struct listed {
    struct errand errand;
    bool (*is_wanted)(const char *name);
    int (*compare)(const void *a, const void *b);
};

static zooid_request *list_ask(struct task *t)
{
    zooid_request *request = zooid_request_list(errand_of(t)->path);
    (void)zooid_request_set_with_nodes(request);
    return request;
}

static int list_answered(struct task *t, int code, const zooid_reply *r)
{
    const struct listed *l = (struct listed *)(void *)t;
    (void)r;
    if (code != ZOOID_OK && code != ZOOID_NO_NODE)
        return TASK_FAILED;
    zooid_reply *answer = code == ZOOID_OK ? task_keep_reply(t) : reply_new(ZOOID_OK, NULL, errand_of(t)->path);
    size_t kept = 0;
    for (size_t i = 0; i < zooid_reply_node_count(answer); i++)
        if (l->is_wanted(answer->nodes[i].path))
            answer->nodes[kept++] = answer->nodes[i];
    if (answer != NULL) {
        answer->node_count = kept;
        answer->name_count = 0;
    }
    if (kept > 0 && l->compare != NULL)
        qsort(answer->nodes, kept, sizeof answer->nodes[0], l->compare);
    task_answer_locked(t, answer);
    return 0;
}

static const struct task_phase idle = {NULL, NULL, 0}, listing = {list_ask, list_answered, 1};
static const struct task_phase *const phases[] = {&idle, &listing};
const struct task_kind listing_kind = {.phases = phases,
                                       .look = errand_look,
                                       .failed = errand_failed,
                                       .free = errand_free,
                                       .is_errand = true};

struct errand *listing_new(const char *path, bool (*is_wanted)(const char *name),
                           int (*compare)(const void *a, const void *b))
{
    struct listed *l = errand_new(sizeof *l, path);
    if (l == NULL)
        return NULL;
    l->is_wanted = is_wanted;
    l->compare = compare;
    return &l->errand;
}
