/* lock.c - locks: the queue of contenders, and what is held. */
#include "bindings/c/recipes/lock.h"
#include "bindings/c/recipes/contender.h"

#include <stdlib.h>

void lock_note_node(struct zooid_lock *l, const struct zooid_stat *stat)
{
    l->session = stat == NULL ? 0 : stat->ephemeral_owner;
    l->token = stat == NULL ? 0 : (uint64_t)stat->czxid;
    l->guard_changed = false;
}

static void forget(char **path)
{
    free(*path);
    *path = NULL;
}

/* -- joining the queue ------------------------------------------------------------------------------------------------
 */

static zooid_request *create_ask(struct task *t)
{
    struct zooid_lock *l = lock_of(t);
    char *path = path_join(l->queue, l->id, l->kind == ZOOID_LOCK_READ ? NAME_OF_READ : NAME_OF_LOCK);
    zooid_request *request = path == NULL
                                 ? NULL
                                 : zooid_request_create(path, l->identifier, strlen(l->identifier), ZOOID_EPHEMERAL);
    (void)zooid_request_set_sequential(request);
    free(path);
    return request;
}

static int create_answered(struct task *t, int code, const zooid_reply *r)
{
    struct zooid_lock *l = lock_of(t);
    if (code == ZOOID_NO_NODE)
        return LOCK_ENSURING;
    if (code != ZOOID_OK)
        return TASK_FAILED;
    l->node = strdup(zooid_reply_path(r));
    if (l->node == NULL)
        return LOCK_FINDING; /* to be read again when there is memory */
    lock_note_node(l, zooid_reply_stat(r));
    return LOCK_LOOKING;
}

static const struct task_phase creating = {create_ask, create_answered, LOCK_FINDING};

static zooid_request *ensure_ask(struct task *t)
{
    return ensuring_ask(&lock_of(t)->ensuring, lock_of(t)->queue);
}

static int ensure_answered(struct task *t, int code, const zooid_reply *r)
{
    (void)r;
    return ensuring_answered(&lock_of(t)->ensuring, lock_of(t)->queue, code, LOCK_CREATING);
}

static const struct task_phase ensuring = {ensure_ask, ensure_answered, LOCK_ENSURING};

/* Behind everything committed: by then a create that was on its way has taken effect, or never will. */
static zooid_request *find_ask(struct task *t)
{
    return with_latest(zooid_request_list(lock_of(t)->queue));
}

static int find_answered(struct task *t, int code, const zooid_reply *r)
{
    struct zooid_lock *l = lock_of(t);
    if (code == ZOOID_NO_NODE)
        return LOCK_CREATING;
    if (code != ZOOID_OK)
        return TASK_FAILED;
    for (size_t i = 0; i < zooid_reply_name_count(r); i++)
        if (strncmp(zooid_reply_name(r, i), l->id, UNIQUE_LEN) == 0) {
            forget(&l->node);
            l->node = path_join(l->queue, zooid_reply_name(r, i), "");
            return l->node == NULL ? TASK_AGAIN : LOCK_KNOWING;
        }
    return LOCK_CREATING;
}

static const struct task_phase finding = {find_ask, find_answered, LOCK_FINDING};

static zooid_request *know_ask(struct task *t)
{
    return zooid_request_exists(lock_of(t)->node);
}

static int know_answered(struct task *t, int code, const zooid_reply *r)
{
    struct zooid_lock *l = lock_of(t);
    if (code != ZOOID_OK) {
        forget(&l->node);
        return code == ZOOID_NO_NODE ? LOCK_CREATING : TASK_FAILED;
    }
    lock_note_node(l, zooid_reply_stat(r));
    return LOCK_LOOKING;
}

static const struct task_phase knowing = {know_ask, know_answered, LOCK_KNOWING};

/* -- the place in the queue -------------------------------------------------------------------------------------------
 */

static zooid_request *look_ask(struct task *t)
{
    return zooid_request_list(lock_of(t)->queue);
}

/* The last one of those before us that bar us; NULL: none. *found: we are among them ourselves. */
static const char *find_ahead(const struct zooid_lock *l, const zooid_reply *r, bool *found)
{
    const char *own = strrchr(l->node, '/') + 1, *ahead = NULL;
    int64_t own_place = 0, place = 0, ahead_place = 0;
    *found = false;
    (void)contender_place(own, &own_place);
    for (size_t i = 0; i < zooid_reply_name_count(r); i++) {
        const char *name = zooid_reply_name(r, i);
        if (strcmp(name, own) == 0)
            *found = true;
        else if (contender_bars(name, l->kind, &place) && place < own_place && (ahead == NULL || place > ahead_place)) {
            ahead = name;
            ahead_place = place;
        }
    }
    return ahead;
}

static int look_answered(struct task *t, int code, const zooid_reply *r)
{
    struct zooid_lock *l = lock_of(t);
    bool found = false;
    if (code != ZOOID_OK && code != ZOOID_NO_NODE)
        return TASK_FAILED;
    const char *ahead = find_ahead(l, r, &found);
    if (!found) { /* somebody has deleted our node */
        forget(&l->node);
        return LOCK_CREATING;
    }
    if (ahead == NULL)
        return l->leases == 0 ? LOCK_HELD : LOCK_SIZING;
    forget(&l->ahead);
    l->ahead = path_join(l->queue, ahead, "");
    l->changed = false;
    return l->ahead == NULL ? TASK_AGAIN : LOCK_AHEAD;
}

static const struct task_phase looking = {look_ask, look_answered, LOCK_LOOKING};

static zooid_request *ahead_ask(struct task *t)
{
    return with_watch(zooid_request_get(lock_of(t)->ahead));
}

static int ahead_answered(struct task *t, int code, const zooid_reply *r)
{
    (void)t, (void)r;
    if (code == ZOOID_NO_NODE)
        return LOCK_LOOKING;
    return code == ZOOID_OK ? LOCK_WAITING : TASK_FAILED;
}

static const struct task_phase being_ahead = {ahead_ask, ahead_answered, LOCK_AHEAD};

/* -- held, and given back ---------------------------------------------------------------------------------------------
 */

static zooid_request *guard_ask(struct task *t)
{
    return with_watch(zooid_request_exists(lock_guard(lock_of(t))));
}

static int guard_answered(struct task *t, int code, const zooid_reply *r)
{
    (void)r;
    if (code == ZOOID_NO_NODE)
        lock_of(t)->guard_changed = true;
    return LOCK_HELD;
}

static const struct task_phase holding = {guard_ask, guard_answered, LOCK_HELD};

static zooid_request *leave_ask(struct task *t)
{
    return zooid_request_delete(lock_of(t)->node, ZOOID_ANY_VERSION);
}

static int leave_answered(struct task *t, int code, const zooid_reply *r)
{
    (void)r;
    if (code != ZOOID_OK && code != ZOOID_NO_NODE)
        return TASK_FAILED;
    forget(&lock_of(t)->node);
    return LOCK_FREE;
}

static const struct task_phase leaving = {leave_ask, leave_answered, LOCK_LEAVING};

/* -- which phase to be in
 * ----------------------------------------------------------------------------------------------
 */

static const struct task_phase waiting = {NULL, NULL, 0};

static const struct task_phase *const lock_phases[LOCK_PHASES] = {
    [LOCK_FREE] = &waiting,
    [LOCK_INHERITING] = &lock_inheriting,
    [LOCK_TAKING] = &lock_taking,
    [LOCK_TAKEN] = &lock_taken,
    [LOCK_CREATING] = &creating,
    [LOCK_ENSURING] = &ensuring,
    [LOCK_FINDING] = &finding,
    [LOCK_KNOWING] = &knowing,
    [LOCK_LOOKING] = &looking,
    [LOCK_AHEAD] = &being_ahead,
    [LOCK_WAITING] = &waiting,
    [LOCK_SIZING] = &semaphore_sizing,
    [LOCK_POOLING] = &semaphore_pooling,
    [LOCK_MARKING] = &semaphore_marking,
    [LOCK_COUNTING] = &semaphore_counting,
    [LOCK_FULL] = &waiting,
    [LOCK_LEASING] = &semaphore_leasing,
    [LOCK_PROVING] = &semaphore_proving,
    [LOCK_OPENING] = &semaphore_opening,
    [LOCK_HELD] = &holding,
    [LOCK_LEAVING] = &leaving,
    [LOCK_RETURNING] = &semaphore_returning,
};

/* Where one goes that nobody wants any more. From those that are left out it goes on until it knows what it has. */
static const struct {
    enum lock_phase next;
    bool only_resting; /* while an answer is awaited, it may come to have something */
} unwanted[LOCK_PHASES] = {
    [LOCK_CREATING] = {LOCK_FREE, true},     [LOCK_ENSURING] = {LOCK_FREE, false},
    [LOCK_LOOKING] = {LOCK_LEAVING, false},  [LOCK_AHEAD] = {LOCK_LEAVING, false},
    [LOCK_WAITING] = {LOCK_LEAVING, false},  [LOCK_SIZING] = {LOCK_LEAVING, false},
    [LOCK_POOLING] = {LOCK_LEAVING, false},  [LOCK_MARKING] = {LOCK_LEAVING, false},
    [LOCK_COUNTING] = {LOCK_LEAVING, false}, [LOCK_FULL] = {LOCK_LEAVING, false},
    [LOCK_LEASING] = {LOCK_RETURNING, true}, [LOCK_PROVING] = {LOCK_RETURNING, false},
    [LOCK_FINDING] = {LOCK_FINDING, false},  [LOCK_KNOWING] = {LOCK_KNOWING, false},
    [LOCK_LEAVING] = {LOCK_LEAVING, false},  [LOCK_RETURNING] = {LOCK_RETURNING, false},
    [LOCK_FREE] = {LOCK_FREE, false},        [LOCK_INHERITING] = {LOCK_FREE, false},
    [LOCK_TAKING] = {LOCK_TAKING, false},    [LOCK_TAKEN] = {LOCK_TAKEN, false},
};

static void lose(struct zooid_lock *l, const char *why)
{
    if (l->is_held)
        task_tell_lost_locked(&l->task, l->path, why);
    l->is_held = false;
}

/* The session has ended, and our nodes with it. */
static int start_over(struct zooid_lock *l)
{
    lose(l, "its session is over");
    forget(&l->node);
    forget(&l->lease);
    l->session = 0;
    (void)unique_name(l->id);
    return LOCK_FREE;
}

static bool wants_it(const struct task *t)
{
    return task_wants(t, LOCK_ACQUIRE) || task_wants(t, LOCK_TRY);
}

static int look_free(struct zooid_lock *l)
{
    struct task *t = &l->task;
    if (task_wants(t, LOCK_RELEASE))
        task_answer_locked(t, reply_new(l->was_released ? ZOOID_OK : ZOOID_NOT_HELD, NULL, l->path));
    l->was_released = false;
    l->ensuring.level = 0;
    if (!wants_it(t) || t->client->locks_wait)
        return LOCK_FREE;
    return lock_may_inherit(l) ? LOCK_INHERITING : LOCK_CREATING;
}

/* Ours, as soon as the caller knows; until it gives it back, or cannot be sure of it any more. */
static int look_held(struct zooid_lock *l, int phase)
{
    struct task *t = &l->task;
    uint64_t good_until = t->client->good_until_ms;
    if (wants_it(t) && !session_is_good_locked(t->client, l->session))
        return phase; /* it will be, or over */
    if (wants_it(t)) {
        task_answer_locked(t, l->is_held ? reply_new(ZOOID_BAD_ARGUMENTS, "it is held already", l->path)
                                         : reply_with_number(l->token, l->path));
        l->is_held = true;
    }
    if (l->is_held && !session_is_good_locked(t->client, l->session))
        lose(l, "the agent could not keep the session alive in time");
    if (l->is_held && l->guard_changed)
        lose(l, "somebody has deleted its node");
    if (l->is_held && (task_wants(t, LOCK_RELEASE) || t->abandoned)) {
        l->was_released = true;
        l->is_held = false;
    }
    if (l->is_held && good_until < t->wake_at_ms)
        t->wake_at_ms = good_until;
    if (l->is_held || phase == LOCK_OPENING)
        return phase;
    return l->lease != NULL ? LOCK_RETURNING : LOCK_LEAVING;
}

static int lock_look(struct task *t, int phase)
{
    struct zooid_lock *l = lock_of(t);
    if (session_is_over_locked(t->client, l->session))
        return start_over(l);
    if (phase == LOCK_FREE)
        return look_free(l);
    if (phase == LOCK_OPENING || phase == LOCK_HELD)
        return look_held(l, phase);
    if (task_wants(t, LOCK_TRY) && (phase == LOCK_AHEAD || phase == LOCK_FULL))
        task_answer_locked(t, reply_new(ZOOID_NOT_HELD, "another one has it", l->path));
    if (!wants_it(t))
        return unwanted[phase].only_resting && !t->resting ? phase : (int)unwanted[phase].next;
    if (phase == LOCK_WAITING && l->changed)
        return LOCK_LOOKING;
    return phase == LOCK_FULL && l->changed ? LOCK_COUNTING : phase;
}

static void lock_changed(struct task *t, enum zooid_change change, const char *path)
{
    struct zooid_lock *l = lock_of(t);
    const char *guard = lock_guard(l);
    if (l->ahead != NULL && strcmp(path, l->ahead) == 0)
        l->changed = true;
    if (t->phase >= LOCK_COUNTING && strcmp(path, l->path) == 0)
        l->changed = true;
    if (guard != NULL && change == ZOOID_DELETED && strcmp(path, guard) == 0)
        l->guard_changed = true;
}

/* What cannot be had need not be waited for; what cannot be deleted goes with the session. */
static int lock_failed(struct task *t, int phase)
{
    struct zooid_lock *l = lock_of(t);
    if (phase == LOCK_LEAVING)
        forget(&l->node);
    if (phase == LOCK_RETURNING)
        forget(&l->lease);
    return l->node != NULL ? LOCK_LEAVING : LOCK_FREE;
}

static void lock_free(struct task *t)
{
    struct zooid_lock *l = lock_of(t);
    free(l->path);
    free(l->queue);
    free(l->identifier);
    free(l->node);
    free(l->lease);
    free(l->ahead);
    free(l);
}

const struct task_kind lock_kind = {.phases = lock_phases,
                                    .asks_early = {LOCK_CREATING, LOCK_LOOKING},
                                    .look = lock_look,
                                    .changed = lock_changed,
                                    .failed = lock_failed,
                                    .free = lock_free};
