/* lock.h - what locks and semaphores share: contenders queue up, the first one has the lock, or takes the next lease.
 *
 *     FREE -> CREATING -> LOOKING -> HELD                          nobody is ahead
 *                  LOOKING -> AHEAD -> WAITING -> LOOKING          somebody is: its node is watched
 *     CREATING -> FINDING -> KNOWING -> LOOKING                    the reply was lost: is our node there?
 *     FREE -> INHERITING -> LOOKING, or CREATING                   the session is that of a process before
 *             INHERITING -> TAKING -> TAKEN -> LOOKING             it is another one, whose node is made ours
 *     LOOKING -> SIZING -> COUNTING (-> FULL) -> LEASING -> OPENING -> HELD      a semaphore; its queue is the gate
 *     HELD -> RETURNING -> LEAVING -> FREE                         the lease goes, then the node in the queue */
#pragma once

#include "bindings/c/recipes/recipe.h"

enum lock_phase {
    LOCK_FREE,
    LOCK_INHERITING,
    LOCK_TAKING,
    LOCK_TAKEN,
    LOCK_CREATING,
    LOCK_ENSURING,
    LOCK_FINDING,
    LOCK_KNOWING,
    LOCK_LOOKING,
    LOCK_AHEAD,
    LOCK_WAITING,
    LOCK_SIZING,
    LOCK_POOLING,
    LOCK_MARKING,
    LOCK_COUNTING,
    LOCK_FULL,
    LOCK_LEASING,
    LOCK_PROVING,
    LOCK_OPENING,
    LOCK_HELD,
    LOCK_LEAVING,
    LOCK_RETURNING,
    LOCK_PHASES
};

struct zooid_lock {
    struct task task;
    enum zooid_lock_kind kind;
    uint32_t leases;  /* of a semaphore; 0: it is a lock */
    char *path;       /* where it lives; a semaphore's leases are below it */
    char *queue;      /* whose children contend: the path, or a semaphore's gate */
    char *identifier; /* what is written into our nodes */
    char id[UNIQUE_LEN + 1];
    struct ensuring ensuring;

    char *node, *lease; /* ours, NULL: not known to be there */
    char *ahead;        /* the contender that is waited for */
    int64_t session;    /* of our nodes; 0: none is known */
    uint64_t token;     /* the zxid at which it became ours */
    bool changed;       /* what is waited for has changed */
    bool guard_changed; /* the node by which it is held is gone */
    bool is_held;       /* the caller has it */
    bool was_released;  /* and has given it back */
    bool has_looked;    /* for a node of a process before */
};

static inline struct zooid_lock *lock_of(struct task *t)
{
    return (struct zooid_lock *)(void *)t;
}

/* The node by which it is held. */
static inline const char *lock_guard(const struct zooid_lock *l)
{
    return l->leases == 0 ? l->node : l->lease;
}

/* Takes down the node whose stat that is: whose session it is of, and its zxid as token. */
void lock_note_node(struct zooid_lock *l, const struct zooid_stat *stat);

/* Whether there may be a node from before, and the phases that look for it, and take it over (lock_inherit.c). */
bool lock_may_inherit(const struct zooid_lock *l);
extern const struct task_phase lock_inheriting, lock_taking, lock_taken;

/* A semaphore's own phases (semaphore.c). */
extern const struct task_phase semaphore_sizing, semaphore_pooling, semaphore_marking, semaphore_counting,
    semaphore_leasing, semaphore_proving, semaphore_opening, semaphore_returning;

enum lock_operation { LOCK_ACQUIRE = 1, LOCK_TRY, LOCK_RELEASE };

extern const struct task_kind lock_kind;
