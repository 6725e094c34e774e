/* queue.c - a queue whose entries are handed out at least once, as kazoo's LockingQueue: `entries` has a child for
 * each, whose name orders them by priority and then by arrival, and `taken` an ephemeral of the same name while
 * somebody has it in hands. */
#include "bindings/c/recipes/queue.h"

#include <stdlib.h>

enum phase {
    FREE,
    LISTING,  /* what is taken */
    PAGING,   /* what there is, in pages */
    WAITING,  /* for something new, or something given back */
    ENSURING, /* the two parents */
    TAKING,
    PROVING, /* somebody has taken it: we? */
    READING,
    IN_HANDS,
    FINISHING,
    RETURNING,
    PHASES
};
enum { PAGE = 128 };

static struct zooid_queue *queue_of(struct task *t)
{
    return (struct zooid_queue *)(void *)t;
}

static void drop(char **text)
{
    free(*text);
    *text = NULL;
}

/* -- which entry is next
 * ----------------------------------------------------------------------------------------------- */

/* Watches are set only when there was nothing to take, and then everything is looked at once more. */
static zooid_request *list_ask(struct task *t)
{
    struct zooid_queue *q = queue_of(t);
    q->changed = false;
    zooid_request *request = zooid_request_list(q->taken);
    return q->watches ? with_watch(request) : request;
}

static int list_answered(struct task *t, int code, const zooid_reply *r)
{
    struct zooid_queue *q = queue_of(t);
    (void)r;
    if (code == ZOOID_NO_NODE)
        return ENSURING;
    if (code != ZOOID_OK)
        return TASK_FAILED;
    zooid_reply_free(q->in_others_hands);
    q->in_others_hands = task_keep_reply(t);
    drop(&q->after);
    return PAGING;
}

static const struct task_phase listing = {list_ask, list_answered, LISTING};

static zooid_request *page_ask(struct task *t)
{
    const struct zooid_queue *q = queue_of(t);
    zooid_request *request = zooid_request_list(q->entries);
    if (zooid_request_set_page(request, q->after, PAGE) != ZOOID_OK) {
        zooid_request_free(request);
        return NULL;
    }
    return q->watches ? with_watch(request) : request;
}

/* Names of a list come in order. */
static bool is_in_hands(const zooid_reply *taken, const char *name)
{
    size_t low = 0, high = zooid_reply_name_count(taken);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(name, zooid_reply_name(taken, middle));
        if (order == 0)
            return true;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return false;
}

static int nothing_there(struct zooid_queue *q)
{
    bool looked = q->watches;
    q->watches = true;
    return looked ? WAITING : LISTING;
}

static int page_answered(struct task *t, int code, const zooid_reply *r)
{
    struct zooid_queue *q = queue_of(t);
    size_t count = zooid_reply_name_count(r);
    if (code == ZOOID_NO_NODE)
        return ENSURING;
    if (code != ZOOID_OK)
        return TASK_FAILED;
    for (size_t i = 0; i < count; i++) {
        const char *name = zooid_reply_name(r, i);
        if (is_in_hands(q->in_others_hands, name))
            continue;
        drop(&q->name);
        drop(&q->mark);
        q->name = strdup(name);
        q->mark = path_join(q->taken, name, "");
        return q->name == NULL || q->mark == NULL ? TASK_AGAIN : TAKING;
    }
    if (count == 0 || zooid_reply_complete(r))
        return nothing_there(q);
    drop(&q->after);
    q->after = strdup(zooid_reply_name(r, count - 1));
    return TASK_AGAIN;
}

static const struct task_phase paging = {page_ask, page_answered, PAGING};

static zooid_request *ensure_ask(struct task *t)
{
    struct zooid_queue *q = queue_of(t);
    return ensuring_ask(&q->ensuring, q->has_entries ? q->taken : q->entries);
}

static int ensure_answered(struct task *t, int code, const zooid_reply *r)
{
    struct zooid_queue *q = queue_of(t);
    (void)r;
    int next = ensuring_answered(&q->ensuring, q->has_entries ? q->taken : q->entries, code, LISTING);
    if (next != LISTING || q->has_entries)
        return next;
    q->has_entries = true;
    return TASK_AGAIN;
}

static const struct task_phase ensuring = {ensure_ask, ensure_answered, ENSURING};

/* -- taken
 * ------------------------------------------------------------------------------------------------------------- */

static zooid_request *take_ask(struct task *t)
{
    const struct zooid_queue *q = queue_of(t);
    return zooid_request_create(q->mark, q->id, UNIQUE_LEN, ZOOID_EPHEMERAL);
}

static int take_answered(struct task *t, int code, const zooid_reply *r)
{
    const struct zooid_stat *stat = zooid_reply_stat(r);
    if (code == ZOOID_NODE_EXISTS || (code == ZOOID_OK && stat == NULL))
        return PROVING;
    if (code == ZOOID_NO_NODE)
        return ENSURING;
    if (code != ZOOID_OK)
        return TASK_FAILED;
    queue_of(t)->session = stat->ephemeral_owner;
    return READING;
}

static const struct task_phase taking = {take_ask, take_answered, TAKING};

static zooid_request *prove_ask(struct task *t)
{
    return zooid_request_get(queue_of(t)->mark);
}

static int prove_answered(struct task *t, int code, const zooid_reply *r)
{
    struct zooid_queue *q = queue_of(t);
    if (code != ZOOID_OK)
        return code == ZOOID_NO_NODE ? LISTING : TASK_FAILED;
    if (zooid_reply_data_len(r) != UNIQUE_LEN || memcmp(zooid_reply_data(r), q->id, UNIQUE_LEN) != 0)
        return LISTING;
    q->session = zooid_reply_stat(r) == NULL ? 0 : zooid_reply_stat(r)->ephemeral_owner;
    return READING;
}

static const struct task_phase proving = {prove_ask, prove_answered, PROVING};

static zooid_request *read_ask(struct task *t)
{
    const struct zooid_queue *q = queue_of(t);
    char *entry = path_join(q->entries, q->name, "");
    zooid_request *request = entry == NULL ? NULL : zooid_request_get(entry);
    free(entry);
    return request;
}

/* An entry that was finished between the two: only the mark is left, and it is ours. */
static int read_answered(struct task *t, int code, const zooid_reply *r)
{
    struct zooid_queue *q = queue_of(t);
    (void)r;
    if (code == ZOOID_NO_NODE)
        return RETURNING;
    if (code != ZOOID_OK)
        return TASK_FAILED;
    q->is_held = task_wants(t, QUEUE_TAKE);
    if (q->is_held)
        task_answer_locked(t, task_keep_reply(t));
    return IN_HANDS;
}

static const struct task_phase reading = {read_ask, read_answered, READING};

/* -- finished, or given back
 * ------------------------------------------------------------------------------------------- */

static zooid_request *finish_ask(struct task *t)
{
    const struct zooid_queue *q = queue_of(t);
    char *entry = path_join(q->entries, q->name, "");
    zooid_request *multi = entry == NULL ? NULL : zooid_request_multi();
    if (multi != NULL && (zooid_request_add(multi, zooid_request_delete(entry, ZOOID_ANY_VERSION)) != ZOOID_OK ||
                          zooid_request_add(multi, zooid_request_delete(q->mark, ZOOID_ANY_VERSION)) != ZOOID_OK)) {
        zooid_request_free(multi);
        multi = NULL;
    }
    free(entry);
    return multi;
}

/* Gone already: an earlier try has done it, whose reply was lost; else somebody has meddled. */
static int finish_answered(struct task *t, int code, const zooid_reply *r)
{
    struct zooid_queue *q = queue_of(t);
    (void)r;
    if (code != ZOOID_OK && code != ZOOID_NO_NODE)
        return TASK_FAILED;
    bool done = code == ZOOID_OK || t->pause_ms > 0;
    task_answer_locked(t, reply_new(done ? ZOOID_OK : ZOOID_NOT_HELD, NULL, q->path));
    q->session = 0;
    return FREE;
}

static const struct task_phase finishing = {finish_ask, finish_answered, FINISHING};

static zooid_request *return_ask(struct task *t)
{
    return zooid_request_delete(queue_of(t)->mark, ZOOID_ANY_VERSION);
}

static int return_answered(struct task *t, int code, const zooid_reply *r)
{
    (void)r;
    if (code != ZOOID_OK && code != ZOOID_NO_NODE)
        return TASK_FAILED;
    queue_of(t)->session = 0;
    if (task_wants(t, QUEUE_RETURN))
        task_answer_locked(t, reply_new(ZOOID_OK, NULL, queue_of(t)->path));
    return FREE;
}

static const struct task_phase returning = {return_ask, return_answered, RETURNING};

/* -- which phase to be in
 * ---------------------------------------------------------------------------------------------- */

static const struct task_phase waiting = {NULL, NULL, 0};
static const struct task_phase *const phases[PHASES] = {
    [FREE] = &waiting,      [LISTING] = &listing,     [PAGING] = &paging,       [WAITING] = &waiting,
    [ENSURING] = &ensuring, [TAKING] = &taking,       [PROVING] = &proving,     [READING] = &reading,
    [IN_HANDS] = &waiting,  [FINISHING] = &finishing, [RETURNING] = &returning,
};

static void lose(struct zooid_queue *q, const char *why)
{
    if (q->is_held)
        task_tell_lost_locked(&q->task, q->path, why);
    q->is_held = false;
}

static int look_free(struct zooid_queue *q)
{
    struct task *t = &q->task;
    q->watches = q->has_entries = q->is_held = false;
    q->ensuring.level = 0;
    if (task_wants(t, QUEUE_FINISH) || task_wants(t, QUEUE_RETURN))
        task_answer_locked(t, reply_new(ZOOID_NOT_HELD, NULL, q->path));
    return task_wants(t, QUEUE_TAKE) ? LISTING : FREE;
}

static int look_in_hands(struct zooid_queue *q)
{
    struct task *t = &q->task;
    if (!session_is_good_locked(t->client, q->session))
        lose(q, "the agent could not keep the session alive in time");
    if (q->is_held && task_wants(t, QUEUE_TAKE))
        task_answer_locked(t, reply_new(ZOOID_BAD_ARGUMENTS, "an entry is in hands already", q->path));
    if (!q->is_held || t->abandoned || task_wants(t, QUEUE_RETURN))
        return RETURNING;
    if (task_wants(t, QUEUE_FINISH))
        return FINISHING;
    t->wake_at_ms = t->client->good_until_ms;
    return IN_HANDS;
}

static int look(struct task *t, int phase)
{
    struct zooid_queue *q = queue_of(t);
    if (session_is_over_locked(t->client, q->session)) {
        lose(q, "its session is over");
        q->session = 0;
        phase = FREE;
    }
    if (phase == FREE)
        return look_free(q);
    if (phase == IN_HANDS)
        return look_in_hands(q);
    if (phase == FINISHING || phase == RETURNING || phase == READING || phase == PROVING)
        return phase;
    if (!task_wants(t, QUEUE_TAKE))
        return phase != TAKING ? FREE : t->resting ? PROVING : TAKING;
    return phase == WAITING && q->changed ? LISTING : phase;
}

static void changed(struct task *t, enum zooid_change change, const char *path)
{
    struct zooid_queue *q = queue_of(t);
    (void)change;
    if (strcmp(path, q->entries) == 0 || strcmp(path, q->taken) == 0)
        q->changed = true;
}

static int failed(struct task *t, int phase)
{
    return phase == RETURNING || queue_of(t)->session == 0 ? FREE : RETURNING;
}

void queue_free(struct task *t)
{
    struct zooid_queue *q = queue_of(t);
    zooid_reply_free(q->in_others_hands);
    free(q->path);
    free(q->entries);
    free(q->taken);
    free(q->name);
    free(q->mark);
    free(q->after);
    free(q);
}

const struct task_kind queue_kind = {.phases = phases,
                                     .look = look,
                                     .changed = changed,
                                     .failed = failed,
                                     .free = queue_free};
