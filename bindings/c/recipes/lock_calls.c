/* lock_calls.c - locks and semaphores as zooid.h has them. */
#include "bindings/c/recipes/contender.h"
#include "bindings/c/recipes/lock.h"

#include <stdlib.h>

/* -- made and let go --------------------------------------------------------------------------------------------------
 */

static zooid_lock *lock_new(zooid_client *c, const char *path, const char *gate, const char *identifier)
{
    zooid_lock *l = object_new(c, path, sizeof *l);
    if (l == NULL)
        return NULL;
    l->path = strdup(path);
    l->queue = text_join(path, gate);
    l->identifier = strdup(identifier == NULL ? "" : identifier);
    if (l->path == NULL || l->queue == NULL || l->identifier == NULL || !unique_name(l->id)) {
        free(l->path);
        free(l->queue);
        free(l->identifier);
        free(l);
        return NULL;
    }
    task_start(&l->task, c, &lock_kind, l->path);
    return l;
}

zooid_lock *zooid_lock_new(zooid_client *c, const char *path, enum zooid_lock_kind kind, const char *identifier)
{
    zooid_lock *l = lock_new(c, path, "", identifier);
    if (l != NULL)
        l->kind = kind;
    return l;
}

zooid_lock *zooid_semaphore_new(zooid_client *c, const char *path, uint32_t leases, const char *identifier)
{
    zooid_lock *l = leases == 0 ? NULL : lock_new(c, path, GATE_OF_SEMAPHORE, identifier);
    if (l != NULL)
        l->leases = leases;
    return l;
}

void zooid_lock_free(zooid_lock *l)
{
    if (l != NULL)
        task_abandon(&l->task);
}

/* -- taken and given back ---------------------------------------------------------------------------------------------
 */

int zooid_lock_acquire(zooid_lock *l, uint32_t deadline_ms, zooid_reply **reply)
{
    return task_perform(&l->task, LOCK_ACQUIRE, deadline_ms, reply);
}

int zooid_lock_try(zooid_lock *l, uint32_t deadline_ms, zooid_reply **reply)
{
    return task_perform(&l->task, LOCK_TRY, deadline_ms, reply);
}

int zooid_lock_release(zooid_lock *l, uint32_t deadline_ms, zooid_reply **reply)
{
    return task_perform(&l->task, LOCK_RELEASE, deadline_ms, reply);
}

zooid_ticket zooid_lock_submit_acquire(zooid_lock *l, uint32_t deadline_ms, void *tag)
{
    return task_submit(&l->task, LOCK_ACQUIRE, deadline_ms, tag);
}

zooid_ticket zooid_lock_submit_try(zooid_lock *l, uint32_t deadline_ms, void *tag)
{
    return task_submit(&l->task, LOCK_TRY, deadline_ms, tag);
}

zooid_ticket zooid_lock_submit_release(zooid_lock *l, uint32_t deadline_ms, void *tag)
{
    return task_submit(&l->task, LOCK_RELEASE, deadline_ms, tag);
}

void zooid_lock_cancel(zooid_lock *l)
{
    task_cancel(&l->task);
}

/* -- asked ------------------------------------------------------------------------------------------------------------
 */

static bool is_held_locked(const zooid_lock *l)
{
    return l->is_held && !l->guard_changed && session_is_good_locked(l->task.client, l->session);
}

bool zooid_lock_is_held(const zooid_lock *l)
{
    if (!is_ours(l->task.client))
        return false;
    pthread_mutex_lock(&l->task.client->lock);
    bool is_held = is_held_locked(l);
    pthread_mutex_unlock(&l->task.client->lock);
    return is_held;
}

uint64_t zooid_lock_token(const zooid_lock *l)
{
    if (!is_ours(l->task.client))
        return 0;
    pthread_mutex_lock(&l->task.client->lock);
    uint64_t token = is_held_locked(l) ? l->token : 0;
    pthread_mutex_unlock(&l->task.client->lock);
    return token;
}

uint64_t zooid_lock_good_until_ms(const zooid_lock *l)
{
    if (!is_ours(l->task.client))
        return 0;
    pthread_mutex_lock(&l->task.client->lock);
    uint64_t until = is_held_locked(l) ? l->task.client->good_until_ms : 0;
    pthread_mutex_unlock(&l->task.client->lock);
    return until;
}

zooid_ticket zooid_lock_number(const zooid_lock *l)
{
    return l->task.number;
}

static bool is_contender(const char *name)
{
    int64_t place = 0;
    return contender_place(name, &place);
}

static bool is_lease(const char *name)
{
    (void)name;
    return true;
}

/* By their place in the queue; leases by the order in which they were taken. */
static int compare_contenders(const void *a, const void *b)
{
    const struct zooid_node *x = a, *y = b;
    int64_t first = 0, second = 0;
    if (!contender_place(x->path, &first) || !contender_place(y->path, &second)) {
        first = x->stat == NULL ? 0 : x->stat->czxid;
        second = y->stat == NULL ? 0 : y->stat->czxid;
    }
    return first < second ? -1 : first > second;
}

static struct errand *contenders_of(const zooid_lock *l)
{
    return listing_new(l->path, l->leases > 0 ? is_lease : is_contender, compare_contenders);
}

int zooid_lock_contenders(zooid_lock *l, uint32_t deadline_ms, zooid_reply **reply)
{
    return errand_perform(contenders_of(l), l->task.client, &listing_kind, deadline_ms, reply);
}

zooid_ticket zooid_lock_submit_contenders(zooid_lock *l, uint32_t deadline_ms, void *tag)
{
    return errand_submit(contenders_of(l), l->task.client, &listing_kind, deadline_ms, tag);
}
