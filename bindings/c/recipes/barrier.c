/* barrier.c - a barrier: its node is there, and everybody waits until it is not. */
#include "bindings/c/recipes/recipe.h"

#include <stdlib.h>

enum phase { FREE, LOOKING, WAITING };
enum { WAIT = 1 };

struct zooid_barrier {
    struct task task;
    char *path;
    int64_t czxid; /* of the node that is waited for; 0: none was seen */
    bool changed, lifted;
};

static struct zooid_barrier *barrier_of(struct task *t)
{
    return (struct zooid_barrier *)(void *)t;
}

static zooid_request *look_ask(struct task *t)
{
    barrier_of(t)->changed = false;
    return with_watch(zooid_request_exists(barrier_of(t)->path));
}

/* One that was lifted and set again meanwhile was lifted. */
static int look_answered(struct task *t, int code, const zooid_reply *r)
{
    struct zooid_barrier *b = barrier_of(t);
    const struct zooid_stat *stat = zooid_reply_stat(r);
    if (code != ZOOID_OK && code != ZOOID_NO_NODE)
        return TASK_FAILED;
    b->lifted = code == ZOOID_NO_NODE || (b->czxid != 0 && stat != NULL && stat->czxid != b->czxid);
    if (stat != NULL)
        b->czxid = stat->czxid;
    return WAITING;
}

static const struct task_phase looking = {look_ask, look_answered, LOOKING};
static const struct task_phase waiting = {NULL, NULL, 0};
static const struct task_phase *const phases[] = {[FREE] = &waiting, [LOOKING] = &looking, [WAITING] = &waiting};

static int look(struct task *t, int phase)
{
    struct zooid_barrier *b = barrier_of(t);
    if (b->lifted)
        task_answer_locked(t, reply_new(ZOOID_OK, NULL, b->path));
    if (!task_wants(t, WAIT)) {
        b->lifted = false;
        b->czxid = 0;
        return FREE;
    }
    return phase == FREE || (phase == WAITING && b->changed) ? LOOKING : phase;
}

static void changed(struct task *t, enum zooid_change change, const char *path)
{
    struct zooid_barrier *b = barrier_of(t);
    if (strcmp(path, b->path) != 0)
        return;
    b->changed = true;
    b->lifted = b->lifted || (change == ZOOID_DELETED && t->phase == WAITING);
}

static int failed(struct task *t, int phase)
{
    (void)t, (void)phase;
    return FREE;
}

static void barrier_free(struct task *t)
{
    free(barrier_of(t)->path);
    free(t);
}

static const struct task_kind kind = {.phases = phases,
                                      .look = look,
                                      .changed = changed,
                                      .failed = failed,
                                      .free = barrier_free};

/* -- lifted ----------------------------------------------------------------------------------------------------------
 */

static zooid_request *lift_ask(struct task *t)
{
    return zooid_request_delete(t->path, ZOOID_ANY_VERSION);
}

static int lift_answered(struct task *t, int code, const zooid_reply *r)
{
    (void)r;
    return errand_answered(t, code, TASK_FAILED);
}

static const struct task_phase lifting = {lift_ask, lift_answered, TASK_FAILED};
static const struct task_phase *const lift_phases[] = {&waiting, &lifting};
static const struct task_kind lift_kind = {.phases = lift_phases,
                                           .look = errand_look,
                                           .failed = errand_failed,
                                           .free = errand_free,
                                           .is_errand = true};

/* -- as zooid.h has it
 * --------------------------------------------------------------------------------------------------
 */

zooid_barrier *zooid_barrier_new(zooid_client *c, const char *path)
{
    zooid_barrier *b = object_new(c, path, sizeof *b);
    if (b == NULL)
        return NULL;
    b->path = strdup(path);
    if (b->path == NULL) {
        free(b);
        return NULL;
    }
    task_start(&b->task, c, &kind, b->path);
    return b;
}

void zooid_barrier_free(zooid_barrier *b)
{
    if (b != NULL)
        task_abandon(&b->task);
}

int zooid_barrier_set(zooid_barrier *b, uint32_t deadline_ms, zooid_reply **reply)
{
    return zooid_ensure_path(b->task.client, b->path, deadline_ms, reply);
}

int zooid_barrier_lift(zooid_barrier *b, uint32_t deadline_ms, zooid_reply **reply)
{
    return errand_perform(errand_new(sizeof(struct errand), b->path), b->task.client, &lift_kind, deadline_ms, reply);
}

zooid_ticket zooid_barrier_submit_set(zooid_barrier *b, uint32_t deadline_ms, void *tag)
{
    return zooid_submit_ensure_path(b->task.client, b->path, deadline_ms, tag);
}

zooid_ticket zooid_barrier_submit_lift(zooid_barrier *b, uint32_t deadline_ms, void *tag)
{
    return errand_submit(errand_new(sizeof(struct errand), b->path), b->task.client, &lift_kind, deadline_ms, tag);
}

int zooid_barrier_wait(zooid_barrier *b, uint32_t deadline_ms, zooid_reply **reply)
{
    return task_perform(&b->task, WAIT, deadline_ms, reply);
}

zooid_ticket zooid_barrier_submit_wait(zooid_barrier *b, uint32_t deadline_ms, void *tag)
{
    return task_submit(&b->task, WAIT, deadline_ms, tag);
}

void zooid_barrier_cancel(zooid_barrier *b)
{
    task_cancel(&b->task);
}
