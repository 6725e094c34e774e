/* task.h - what recipes are made of: a piece of work with phases, carried on by whoever works the socket.
 *
 * A phase asks for something and says what comes next when the answer is there, or it only waits. At every step `look`
 * is shown the state of things - changes, the session, whether anybody still wants anything - and may choose another
 * phase. Requests that fail for a reason that passes are made again, with pauses; a write of which nobody knows whether
 * it took effect goes on in the phase that finds out. Phase 0 is the one in which nothing is had and nothing asked for.
 *
 * Functions whose name ends in _locked, and those of a kind, run under the client's lock and do not wait. */
#pragma once

#include "bindings/c/internal.h"

enum { TASK_FAILED = -1, TASK_AGAIN = -2 }; /* instead of a phase: it cannot be had, the reply says why; ask again */

/* What a caller wants of a task, until it is answered: one at a time. */
struct operation {
    int wanted; /* the recipe's own number */
    zooid_ticket ticket;
    void *tag;
    uint64_t deadline_ms;       /* CLOCK_BOOTTIME; UINT64_MAX: none */
    bool is_performed, is_done; /* somebody waits for it, rather than for an event */
    zooid_reply *reply;
};

struct task_phase {
    zooid_request *(*ask)(struct task *t);                           /* NULL: the phase waits */
    int (*answered)(struct task *t, int code, const zooid_reply *r); /* the next phase; the same one: stay in it */
    int unknown; /* the phase after an outcome that is not known; TASK_FAILED: nobody can find out */
};

/* A request whose answer a task waits for. */
struct question {
    zooid_ticket ticket; /* 0: none */
    int phase;           /* which one has asked */
    bool is_answered;    /* by `reply`, NULL when memory ran out */
    zooid_reply *reply;
};

struct task_kind {
    const struct task_phase *const *phases;
    /* A phase, and the one that mostly follows and whose request does not depend on the answer: that is sent right
     * behind, which saves a round trip. Zeros: none. */
    struct {
        int phase, next;
    } asks_early;
    int (*look)(struct task *t, int phase);                                      /* the phase to be in */
    void (*changed)(struct task *t, enum zooid_change change, const char *path); /* NULL: it watches nothing */
    int (*failed)(struct task *t, int phase); /* the phase after a failure; the same one: again after a pause */
    void (*free)(struct task *t);
    void (*told)(struct task *t, zooid_event *event); /* by its subscription, taken over; NULL: it has none */
    bool is_errand;                                   /* it has no object: see below */
    bool asks_once;                                   /* a failure is answered even if it is one that passes */
};

struct task {
    struct task *next;
    zooid_client *client;
    const struct task_kind *kind;
    const char *path;            /* what replies say that it is about; lives as long as the task */
    struct operation *operation; /* NULL: nobody wants anything */
    zooid_ticket number;         /* names the task in events */
    int phase;
    struct question asked, asked_early; /* by its phase; on behalf of the next one */
    bool due;                           /* something has happened that it has to look at */
    bool resting;                       /* until wake_at_ms; then the phase is entered again */
    bool abandoned;                     /* its owner has let go: it ends as soon as it is in phase 0 */
    uint32_t pause_ms;                  /* the last pause */
    int hindrance;                      /* the code that it was for; OK: nothing is in the way */
    uint64_t wake_at_ms;                /* CLOCK_BOOTTIME, looked at again then; UINT64_MAX: never */
};

/* Adds it to the client's tasks, in phase 0. */
void task_start(struct task *t, zooid_client *c, const struct task_kind *kind, const char *path);
void task_add_locked(struct task *t, zooid_client *c, const struct task_kind *kind, const char *path);

/* The owner lets go: what it has is given back, then it is freed by itself. NULL is allowed. */
void task_abandon(struct task *t);

/* Carries an operation out. The reply is the caller's, as with zooid_perform. */
int task_perform(struct task *t, int wanted, uint32_t deadline_ms, zooid_reply **reply);
/* The same, answered by an event, as with zooid_submit. */
zooid_ticket task_submit(struct task *t, int wanted, uint32_t deadline_ms, void *tag);
/* What is under way is answered CANCELLED. */
void task_cancel(struct task *t);

static inline bool task_wants(const struct task *t, int wanted)
{
    return t->operation != NULL && t->operation->wanted == wanted;
}

/* For `answered`: the reply becomes the recipe's. */
zooid_reply *task_keep_reply(struct task *t);

/* Answers what was wanted, if anything still is. The reply is taken over; NULL says that memory ran out. */
void task_answer_locked(struct task *t, zooid_reply *reply);

/* Answers what was wanted with such an error. */
void task_give_up_locked(struct task *t, int code);

/* Puts an event in the queue which says that what the task had is lost. */
void task_tell_lost_locked(struct task *t, const char *path, const char *why);

/* -- errands: what takes several requests and leaves no object: a task for the time until its answer, whose phase 1 is
 * the first one. Given up, it leaves nothing on its way; of a write that was sent the outcome is then unknown. */

enum { ERRAND = 1 }; /* what is wanted of one */

struct errand {
    struct task task;
    char *path; /* what it is about */
};

/* Memory for one, which is a member of something of that size; zeros. NULL: there is none. */
void *errand_new(size_t size, const char *path);
/* As task_perform and task_submit. The errand is taken over; NULL says that there was no memory for it. */
int errand_perform(struct errand *e, zooid_client *c, const struct task_kind *kind, uint32_t deadline_ms,
                   zooid_reply **reply);
zooid_ticket errand_submit(struct errand *e, zooid_client *c, const struct task_kind *kind, uint32_t deadline_ms,
                           void *tag);

/* For their kinds. */
int errand_look(struct task *t, int phase);
int errand_failed(struct task *t, int phase);
/* Of a last request: OK is the errand's answer; where there is no node it goes on with the phase `missing`. */
int errand_answered(struct task *t, int code, int missing);
void errand_free(struct task *t);

static inline struct errand *errand_of(struct task *t)
{
    return (struct errand *)(void *)t;
}
