/* double_barrier.c - a double barrier: nobody goes in before all are there, nobody comes out before all want to. As
 * kazoo's: each has a child, the last that comes makes `ready`; on the way out the first child waits for the last one,
 * and all others for the first. Whoever is first inside may be on the way out before others have looked: `ready` is
 * watched before there is a child of our own, without which it is not made, and that it came is not forgotten. */
#include "bindings/c/recipes/recipe.h"

#include <stdlib.h>

enum phase {
    FREE,
    PREPARING, /* `ready` is watched */
    JOINING,
    ENSURING,
    LOOKING, /* for `ready` */
    COUNTING,
    WAITING,
    OPENING,
    INSIDE,
    CLOSING,
    LISTING,  /* who is still there */
    WATCHING, /* the one that is waited for */
    STAYING,
    GOING, /* our own node */
    PHASES
};
enum { ENTER = 1, LEAVE };

struct zooid_double_barrier {
    struct task task;
    char *path, *node, *ready, *identifier;
    char *other; /* whose end is waited for */
    char id[UNIQUE_LEN + 1];
    uint32_t count;
    struct ensuring ensuring;
    int64_t session; /* of our node; 0: there is none */
    bool changed, opened, inside;
};

static struct zooid_double_barrier *barrier_of(struct task *t)
{
    return (struct zooid_double_barrier *)(void *)t;
}

/* -- in -------------------------------------------------------------------------------------------------------------
 */

static zooid_request *prepare_ask(struct task *t)
{
    barrier_of(t)->opened = false;
    return with_watch(zooid_request_exists(barrier_of(t)->ready));
}

static int prepare_answered(struct task *t, int code, const zooid_reply *r)
{
    (void)t, (void)r;
    return code == ZOOID_OK || code == ZOOID_NO_NODE ? JOINING : TASK_FAILED;
}

static const struct task_phase preparing = {prepare_ask, prepare_answered, PREPARING};

static zooid_request *join_ask(struct task *t)
{
    const struct zooid_double_barrier *b = barrier_of(t);
    return zooid_request_create(b->node, b->identifier, strlen(b->identifier), ZOOID_EPHEMERAL);
}

/* Nobody else has its name: there already means that an earlier reply was lost. */
static int join_answered(struct task *t, int code, const zooid_reply *r)
{
    const struct zooid_stat *stat = zooid_reply_stat(r);
    if (code == ZOOID_NO_NODE)
        return ENSURING;
    if (code != ZOOID_OK && code != ZOOID_NODE_EXISTS)
        return TASK_FAILED;
    barrier_of(t)->session = stat != NULL ? stat->ephemeral_owner : t->client->session_id;
    return barrier_of(t)->session == 0 ? TASK_AGAIN : LOOKING;
}

static const struct task_phase joining = {join_ask, join_answered, JOINING};

static zooid_request *ensure_ask(struct task *t)
{
    return ensuring_ask(&barrier_of(t)->ensuring, barrier_of(t)->path);
}

static int ensure_answered(struct task *t, int code, const zooid_reply *r)
{
    (void)r;
    return ensuring_answered(&barrier_of(t)->ensuring, barrier_of(t)->path, code, JOINING);
}

static const struct task_phase ensuring = {ensure_ask, ensure_answered, ENSURING};

static zooid_request *look_ask(struct task *t)
{
    barrier_of(t)->changed = false;
    return with_watch(zooid_request_exists(barrier_of(t)->ready));
}

static int look_answered(struct task *t, int code, const zooid_reply *r)
{
    (void)t, (void)r;
    if (code == ZOOID_OK)
        return INSIDE;
    return code == ZOOID_NO_NODE ? COUNTING : TASK_FAILED;
}

static const struct task_phase looking = {look_ask, look_answered, LOOKING};

/* Watched, for the one that should make `ready` may have died on the way. */
static zooid_request *count_ask(struct task *t)
{
    return with_watch(zooid_request_list(barrier_of(t)->path));
}

static bool is_member(const char *name)
{
    return strcmp(name, "ready") != 0;
}

static int count_answered(struct task *t, int code, const zooid_reply *r)
{
    size_t members = 0;
    if (code != ZOOID_OK)
        return TASK_FAILED;
    for (size_t i = 0; i < zooid_reply_name_count(r); i++)
        members += is_member(zooid_reply_name(r, i));
    return members >= barrier_of(t)->count ? OPENING : WAITING;
}

static const struct task_phase counting = {count_ask, count_answered, COUNTING};

static zooid_request *open_ask(struct task *t)
{
    return zooid_request_create(barrier_of(t)->ready, "", 0, ZOOID_PERSISTENT);
}

static int open_answered(struct task *t, int code, const zooid_reply *r)
{
    (void)t, (void)r;
    return code == ZOOID_OK || code == ZOOID_NODE_EXISTS ? INSIDE : TASK_FAILED;
}

static const struct task_phase opening = {open_ask, open_answered, OPENING};

/* -- out ------------------------------------------------------------------------------------------------------------
 */

static zooid_request *close_ask(struct task *t)
{
    return zooid_request_delete(barrier_of(t)->ready, ZOOID_ANY_VERSION);
}

static int close_answered(struct task *t, int code, const zooid_reply *r)
{
    (void)t, (void)r;
    return code == ZOOID_OK || code == ZOOID_NO_NODE ? LISTING : TASK_FAILED;
}

static const struct task_phase closing = {close_ask, close_answered, CLOSING};

static zooid_request *list_ask(struct task *t)
{
    return zooid_request_list(barrier_of(t)->path);
}

static int answer_out(struct zooid_double_barrier *b)
{
    task_answer_locked(&b->task, reply_new(ZOOID_OK, NULL, b->path));
    return FREE;
}

/* Names come in order. */
static int list_answered(struct task *t, int code, const zooid_reply *r)
{
    struct zooid_double_barrier *b = barrier_of(t);
    const char *first = NULL, *last = NULL;
    bool here = false;
    if (code != ZOOID_OK)
        return code == ZOOID_NO_NODE ? answer_out(b) : TASK_FAILED;
    for (size_t i = 0; i < zooid_reply_name_count(r); i++) {
        const char *name = zooid_reply_name(r, i);
        if (!is_member(name))
            continue;
        first = first == NULL ? name : first;
        last = name;
        here = here || strcmp(name, b->id) == 0;
    }
    if (first == NULL)
        return answer_out(b);
    if (here && (first == last || strcmp(first, b->id) != 0))
        return GOING;
    free(b->other);
    b->other = path_join(b->path, here ? last : first, "");
    return b->other == NULL ? TASK_AGAIN : WATCHING;
}

static const struct task_phase listing = {list_ask, list_answered, LISTING};

static zooid_request *watch_ask(struct task *t)
{
    barrier_of(t)->changed = false;
    return with_watch(zooid_request_get(barrier_of(t)->other));
}

static int watch_answered(struct task *t, int code, const zooid_reply *r)
{
    (void)t, (void)r;
    if (code == ZOOID_OK)
        return STAYING;
    return code == ZOOID_NO_NODE ? LISTING : TASK_FAILED;
}

static const struct task_phase watching = {watch_ask, watch_answered, WATCHING};

static zooid_request *go_ask(struct task *t)
{
    return zooid_request_delete(barrier_of(t)->node, ZOOID_ANY_VERSION);
}

static int go_answered(struct task *t, int code, const zooid_reply *r)
{
    (void)r;
    if (code != ZOOID_OK && code != ZOOID_NO_NODE)
        return TASK_FAILED;
    barrier_of(t)->session = 0;
    return barrier_of(t)->inside && task_wants(t, LEAVE) ? LISTING : FREE;
}

static const struct task_phase going = {go_ask, go_answered, GOING};

/* -- which phase to be in ---------------------------------------------------------------------------------------------
 */

static const struct task_phase waiting = {NULL, NULL, 0};
static const struct task_phase *const phases[PHASES] = {
    [FREE] = &waiting,    [PREPARING] = &preparing, [JOINING] = &joining, [ENSURING] = &ensuring,
    [LOOKING] = &looking, [COUNTING] = &counting,   [WAITING] = &waiting, [OPENING] = &opening,
    [INSIDE] = &waiting,  [CLOSING] = &closing,     [LISTING] = &listing, [WATCHING] = &watching,
    [STAYING] = &waiting, [GOING] = &going,
};

static int look_free(struct zooid_double_barrier *b)
{
    struct task *t = &b->task;
    if (task_wants(t, LEAVE))
        task_answer_locked(t, reply_new(ZOOID_NOT_HELD, "it is not inside", b->path));
    b->inside = false;
    return task_wants(t, ENTER) ? PREPARING : FREE;
}

static int look_inside(struct zooid_double_barrier *b)
{
    struct task *t = &b->task;
    if (task_wants(t, ENTER))
        task_answer_locked(t, b->inside ? reply_new(ZOOID_BAD_ARGUMENTS, "it is inside already", b->path)
                                        : reply_new(ZOOID_OK, NULL, b->path));
    b->inside = true;
    if (t->abandoned)
        return GOING;
    return task_wants(t, LEAVE) ? CLOSING : INSIDE;
}

static int look(struct task *t, int phase)
{
    struct zooid_double_barrier *b = barrier_of(t);
    if (session_is_over_locked(t->client, b->session)) {
        b->session = 0;
        if (phase == INSIDE)
            task_tell_lost_locked(t, b->path, "its session is over");
        if (phase <= INSIDE)
            phase = FREE;
    }
    if (phase == FREE)
        return look_free(b);
    if (phase == INSIDE)
        return look_inside(b);
    if (phase == GOING)
        return GOING;
    if (!task_wants(t, phase < INSIDE ? ENTER : LEAVE)) {
        bool may_be_there = phase != JOINING || t->resting;
        return phase == PREPARING || phase == ENSURING ? FREE : may_be_there ? GOING : phase;
    }
    if (phase >= LOOKING && phase < INSIDE && b->opened)
        return INSIDE;
    if (phase == WAITING && b->changed)
        return LOOKING;
    return phase == STAYING && b->changed ? LISTING : phase;
}

static void changed(struct task *t, enum zooid_change change, const char *path)
{
    struct zooid_double_barrier *b = barrier_of(t);
    b->opened = b->opened || (change == ZOOID_CREATED && strcmp(path, b->ready) == 0);
    bool is_way_in = strcmp(path, b->ready) == 0 || strcmp(path, b->path) == 0;
    if (is_way_in || (b->other != NULL && strcmp(path, b->other) == 0))
        b->changed = true;
}

static int failed(struct task *t, int phase)
{
    struct zooid_double_barrier *b = barrier_of(t);
    return phase == GOING || b->session == 0 ? FREE : GOING;
}

static void barrier_free(struct task *t)
{
    struct zooid_double_barrier *b = barrier_of(t);
    free(b->path);
    free(b->node);
    free(b->ready);
    free(b->identifier);
    free(b->other);
    free(b);
}

static const struct task_kind kind = {.phases = phases,
                                      .look = look,
                                      .changed = changed,
                                      .failed = failed,
                                      .free = barrier_free};

/* -- as zooid.h has it
 * --------------------------------------------------------------------------------------------------
 */

zooid_double_barrier *zooid_double_barrier_new(zooid_client *c, const char *path, uint32_t count,
                                               const char *identifier)
{
    zooid_double_barrier *b = count > 0 ? object_new(c, path, sizeof *b) : NULL;
    if (b == NULL)
        return NULL;
    b->count = count;
    if (unique_name(b->id)) {
        b->path = strdup(path);
        b->node = path_join(path, b->id, "");
        b->ready = path_join(path, "ready", "");
        b->identifier = strdup(identifier == NULL ? "" : identifier);
    }
    if (b->path == NULL || b->node == NULL || b->ready == NULL || b->identifier == NULL) {
        barrier_free(&b->task);
        return NULL;
    }
    task_start(&b->task, c, &kind, b->path);
    return b;
}

void zooid_double_barrier_free(zooid_double_barrier *b)
{
    if (b != NULL)
        task_abandon(&b->task);
}

int zooid_double_barrier_enter(zooid_double_barrier *b, uint32_t deadline_ms, zooid_reply **reply)
{
    return task_perform(&b->task, ENTER, deadline_ms, reply);
}

zooid_ticket zooid_double_barrier_submit_enter(zooid_double_barrier *b, uint32_t deadline_ms, void *tag)
{
    return task_submit(&b->task, ENTER, deadline_ms, tag);
}

int zooid_double_barrier_leave(zooid_double_barrier *b, uint32_t deadline_ms, zooid_reply **reply)
{
    return task_perform(&b->task, LEAVE, deadline_ms, reply);
}

zooid_ticket zooid_double_barrier_submit_leave(zooid_double_barrier *b, uint32_t deadline_ms, void *tag)
{
    return task_submit(&b->task, LEAVE, deadline_ms, tag);
}

void zooid_double_barrier_cancel(zooid_double_barrier *b)
{
    task_cancel(&b->task);
}

zooid_ticket zooid_double_barrier_number(const zooid_double_barrier *b)
{
    return b->task.number;
}
