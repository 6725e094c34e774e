/* semaphore.c - what a semaphore does once it is first at its gate: counts the leases, and takes one. As kazoo's: the
 * node of the semaphore holds how many leases there may be, and each child is one. */
#include "bindings/c/recipes/lock.h"

#include <stdio.h>
#include <stdlib.h>

enum { NUMBER_LEN = 12 };

/* -- how many there may be --------------------------------------------------------------------------------------------
 */

static zooid_request *size_ask(struct task *t)
{
    return zooid_request_get(lock_of(t)->path);
}

static int refuse_size(struct zooid_lock *l, unsigned long leases)
{
    char why[80];
    (void)snprintf(why, sizeof why, "the semaphore has %lu leases, not %lu", leases, (unsigned long)l->leases);
    task_answer_locked(&l->task, reply_new(ZOOID_BAD_ARGUMENTS, why, l->path));
    return LOCK_LEAVING;
}

/* A node that was made by somebody who has not written the number yet gets it; one that holds something else stays as
 * it is, and the number is what its users say, as with kazoo. */
static int size_answered(struct task *t, int code, const zooid_reply *r)
{
    struct zooid_lock *l = lock_of(t);
    size_t len = zooid_reply_data_len(r);
    char text[NUMBER_LEN] = "", *end = NULL;
    if (code == ZOOID_NO_NODE)
        return LOCK_POOLING;
    if (code != ZOOID_OK)
        return TASK_FAILED;
    if (len == 0)
        return LOCK_MARKING;
    if (len < sizeof text)
        memcpy(text, zooid_reply_data(r), len);
    unsigned long leases = strtoul(text, &end, 10);
    if (end != text && *end == '\0' && leases != l->leases)
        return refuse_size(l, leases);
    return LOCK_COUNTING;
}

const struct task_phase semaphore_sizing = {size_ask, size_answered, LOCK_SIZING};

static zooid_request *pool_ask(struct task *t)
{
    return ensuring_ask(&lock_of(t)->ensuring, lock_of(t)->path);
}

static int pool_answered(struct task *t, int code, const zooid_reply *r)
{
    (void)r;
    return ensuring_answered(&lock_of(t)->ensuring, lock_of(t)->path, code, LOCK_SIZING);
}

const struct task_phase semaphore_pooling = {pool_ask, pool_answered, LOCK_POOLING};

static zooid_request *mark_ask(struct task *t)
{
    char text[NUMBER_LEN];
    int len = snprintf(text, sizeof text, "%lu", (unsigned long)lock_of(t)->leases);
    return zooid_request_set(lock_of(t)->path, text, (size_t)len, ZOOID_ANY_VERSION);
}

static int mark_answered(struct task *t, int code, const zooid_reply *r)
{
    (void)t, (void)r;
    return code == ZOOID_OK || code == ZOOID_NO_NODE ? LOCK_SIZING : TASK_FAILED;
}

const struct task_phase semaphore_marking = {mark_ask, mark_answered, LOCK_SIZING};

/* -- a lease ----------------------------------------------------------------------------------------------------------
 */

static zooid_request *count_ask(struct task *t)
{
    lock_of(t)->changed = false;
    return with_watch(zooid_request_list(lock_of(t)->path));
}

static int count_answered(struct task *t, int code, const zooid_reply *r)
{
    struct zooid_lock *l = lock_of(t);
    if (code == ZOOID_NO_NODE)
        return LOCK_SIZING;
    if (code != ZOOID_OK)
        return TASK_FAILED;
    if (zooid_reply_name_count(r) >= l->leases)
        return LOCK_FULL;
    if (l->lease == NULL)
        l->lease = path_join(l->path, l->id, "");
    return l->lease == NULL ? TASK_AGAIN : LOCK_LEASING;
}

const struct task_phase semaphore_counting = {count_ask, count_answered, LOCK_COUNTING};

static zooid_request *lease_ask(struct task *t)
{
    const struct zooid_lock *l = lock_of(t);
    return zooid_request_create(l->lease, l->identifier, strlen(l->identifier), ZOOID_EPHEMERAL);
}

/* Nobody else has its name: if it is there already, an earlier create took effect whose reply was lost. */
static int lease_answered(struct task *t, int code, const zooid_reply *r)
{
    if (code == ZOOID_NODE_EXISTS)
        return LOCK_PROVING;
    if (code == ZOOID_NO_NODE)
        return LOCK_SIZING;
    if (code != ZOOID_OK)
        return TASK_FAILED;
    lock_note_node(lock_of(t), zooid_reply_stat(r));
    return LOCK_OPENING;
}

const struct task_phase semaphore_leasing = {lease_ask, lease_answered, LOCK_LEASING};

static zooid_request *prove_ask(struct task *t)
{
    return zooid_request_exists(lock_of(t)->lease);
}

static int prove_answered(struct task *t, int code, const zooid_reply *r)
{
    if (code != ZOOID_OK)
        return code == ZOOID_NO_NODE ? LOCK_COUNTING : TASK_FAILED;
    lock_note_node(lock_of(t), zooid_reply_stat(r));
    return LOCK_OPENING;
}

const struct task_phase semaphore_proving = {prove_ask, prove_answered, LOCK_PROVING};

/* -- the gate is for the next one now; and at the end the lease goes
 * ----------------------------------------------------
 */

static zooid_request *open_ask(struct task *t)
{
    return zooid_request_delete(lock_of(t)->node, ZOOID_ANY_VERSION);
}

static int open_answered(struct task *t, int code, const zooid_reply *r)
{
    struct zooid_lock *l = lock_of(t);
    (void)r;
    if (code != ZOOID_OK && code != ZOOID_NO_NODE)
        return TASK_FAILED;
    free(l->node);
    l->node = NULL;
    return LOCK_HELD;
}

const struct task_phase semaphore_opening = {open_ask, open_answered, LOCK_OPENING};

static zooid_request *return_ask(struct task *t)
{
    return zooid_request_delete(lock_of(t)->lease, ZOOID_ANY_VERSION);
}

static int return_answered(struct task *t, int code, const zooid_reply *r)
{
    struct zooid_lock *l = lock_of(t);
    (void)r;
    if (code != ZOOID_OK && code != ZOOID_NO_NODE)
        return TASK_FAILED;
    free(l->lease);
    l->lease = NULL;
    return l->node != NULL ? LOCK_LEAVING : LOCK_FREE;
}

const struct task_phase semaphore_returning = {return_ask, return_answered, LOCK_RETURNING};
