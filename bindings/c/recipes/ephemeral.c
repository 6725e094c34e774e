/* ephemeral.c - an ephemeral node that is made again when it is gone. */
#include "bindings/c/recipes/recipe.h"

#include <stdlib.h>

enum { HEIRLOOMS_MAX = 16 };

enum phase {
    FREE,
    CREATING,
    ENSURING,
    FINDING, /* it is there: is it ours? */
    WAITING, /* another session's, which has to end */
    TAKING,  /* one of a session before ours */
    HERE,
    SETTING, /* its data has changed */
    DELETING,
    PHASES
};
enum { WAIT = 1 };

struct zooid_ephemeral {
    struct task task;
    char *path;
    void *data;
    size_t len;
    struct ensuring ensuring;
    char *parent_path;
    int64_t session; /* 0: it is not there */
    bool changed;
    uint64_t version, asked, written; /* of the data: what it is to be, was sent as, is */
    int64_t before[HEIRLOOMS_MAX];    /* sessions whose node it may take over */
    size_t before_count;
};

static struct zooid_ephemeral *ephemeral_of(struct task *t)
{
    return (struct zooid_ephemeral *)(void *)t;
}

static zooid_request *create_ask(struct task *t)
{
    struct zooid_ephemeral *e = ephemeral_of(t);
    e->asked = e->version;
    return zooid_request_create(e->path, e->data, e->len, ZOOID_EPHEMERAL);
}

static int create_answered(struct task *t, int code, const zooid_reply *r)
{
    const struct zooid_stat *stat = zooid_reply_stat(r);
    if (code == ZOOID_NO_NODE)
        return ENSURING;
    if (code == ZOOID_NODE_EXISTS || (code == ZOOID_OK && stat == NULL))
        return FINDING;
    if (code != ZOOID_OK)
        return TASK_FAILED;
    ephemeral_of(t)->session = stat->ephemeral_owner;
    ephemeral_of(t)->written = ephemeral_of(t)->asked;
    return HERE;
}

static const struct task_phase creating = {create_ask, create_answered, FINDING};

static zooid_request *ensure_ask(struct task *t)
{
    return ensuring_ask(&ephemeral_of(t)->ensuring, ephemeral_of(t)->parent_path);
}

static int ensure_answered(struct task *t, int code, const zooid_reply *r)
{
    (void)r;
    return ensuring_answered(&ephemeral_of(t)->ensuring, ephemeral_of(t)->parent_path, code, CREATING);
}

static const struct task_phase ensuring = {ensure_ask, ensure_answered, ENSURING};

static bool was_before(const struct zooid_ephemeral *e, int64_t session)
{
    for (size_t i = 0; session != 0 && i < e->before_count; i++)
        if (e->before[i] == session)
            return true;
    return false;
}

static zooid_request *find_ask(struct task *t)
{
    ephemeral_of(t)->changed = false;
    return with_latest(with_watch(zooid_request_exists(ephemeral_of(t)->path)));
}

static int find_answered(struct task *t, int code, const zooid_reply *r)
{
    struct zooid_ephemeral *e = ephemeral_of(t);
    const struct zooid_stat *stat = zooid_reply_stat(r);
    if (code == ZOOID_NO_NODE)
        return CREATING;
    if (code != ZOOID_OK || stat == NULL)
        return TASK_FAILED;
    bool is_ours = stat->ephemeral_owner != 0 && stat->ephemeral_owner == t->client->session_id;
    e->session = is_ours ? stat->ephemeral_owner : 0;
    e->written = e->version == 1 ? 1 : 0; /* there may have been several, and it may be from any of them */
    return is_ours ? HERE : was_before(e, stat->ephemeral_owner) ? TAKING : WAITING;
}

static const struct task_phase finding = {find_ask, find_answered, FINDING};

static zooid_request *take_ask(struct task *t)
{
    zooid_request *multi = zooid_request_multi();
    bool good = multi != NULL &&
                zooid_request_add(multi, zooid_request_delete(ephemeral_of(t)->path, ZOOID_ANY_VERSION)) == ZOOID_OK &&
                zooid_request_add(multi, create_ask(t)) == ZOOID_OK;
    if (good)
        return multi;
    zooid_request_free(multi);
    return NULL;
}

static int take_answered(struct task *t, int code, const zooid_reply *r)
{
    (void)r;
    if (code == ZOOID_NO_NODE || code == ZOOID_NODE_EXISTS)
        return FINDING;
    if (code != ZOOID_OK)
        return TASK_FAILED;
    ephemeral_of(t)->session = t->client->session_id;
    ephemeral_of(t)->written = ephemeral_of(t)->asked;
    return HERE;
}

static const struct task_phase taking = {take_ask, take_answered, FINDING};

static zooid_request *set_ask(struct task *t)
{
    struct zooid_ephemeral *e = ephemeral_of(t);
    e->asked = e->version;
    return zooid_request_set(e->path, e->data, e->len, ZOOID_ANY_VERSION);
}

static int set_answered(struct task *t, int code, const zooid_reply *r)
{
    struct zooid_ephemeral *e = ephemeral_of(t);
    (void)r;
    if (code == ZOOID_NO_NODE)
        e->changed = true;
    else if (code == ZOOID_OK)
        e->written = e->asked;
    return code == ZOOID_OK || code == ZOOID_NO_NODE ? HERE : TASK_FAILED;
}

static const struct task_phase setting = {set_ask, set_answered, SETTING};

static zooid_request *guard_ask(struct task *t)
{
    ephemeral_of(t)->changed = false;
    return with_watch(zooid_request_exists(ephemeral_of(t)->path));
}

static int guard_answered(struct task *t, int code, const zooid_reply *r)
{
    (void)r;
    if (code == ZOOID_NO_NODE)
        ephemeral_of(t)->changed = true;
    return HERE;
}

static const struct task_phase being_here = {guard_ask, guard_answered, HERE};

static zooid_request *delete_ask(struct task *t)
{
    return zooid_request_delete(ephemeral_of(t)->path, ZOOID_ANY_VERSION);
}

static int delete_answered(struct task *t, int code, const zooid_reply *r)
{
    (void)r;
    ephemeral_of(t)->session = 0;
    return code == ZOOID_OK || code == ZOOID_NO_NODE ? FREE : TASK_FAILED;
}

static const struct task_phase deleting = {delete_ask, delete_answered, DELETING};

/* -- which phase to be in ---------------------------------------------------------------------------------------------
 */

static const struct task_phase waiting = {NULL, NULL, 0};
static const struct task_phase *const phases[PHASES] = {
    [FREE] = &waiting,  [CREATING] = &creating, [ENSURING] = &ensuring, [FINDING] = &finding,   [WAITING] = &waiting,
    [TAKING] = &taking, [HERE] = &being_here,   [SETTING] = &setting,   [DELETING] = &deleting,
};

static int lose(struct zooid_ephemeral *e, const char *why)
{
    e->session = 0;
    if (!e->task.abandoned)
        task_tell_lost_locked(&e->task, e->path, why);
    return e->task.abandoned ? FREE : CREATING;
}

static int look_abandoned(const struct task *t, int phase)
{
    if (phase == FREE || phase == ENSURING || phase == WAITING || (phase == CREATING && t->resting))
        return FREE;
    return phase == HERE ? DELETING : phase;
}

static int look(struct task *t, int phase)
{
    struct zooid_ephemeral *e = ephemeral_of(t);
    if (session_is_over_locked(t->client, e->session))
        return lose(e, "its session is over");
    if (phase == HERE && e->changed)
        return lose(e, "somebody has deleted it");
    if (t->abandoned)
        return look_abandoned(t, phase);
    if (phase == HERE && e->written != e->version)
        return SETTING;
    if (phase == HERE && task_wants(t, WAIT))
        task_answer_locked(t, reply_new(ZOOID_OK, NULL, e->path));
    return phase == FREE || (phase == WAITING && e->changed) ? CREATING : phase;
}

static void changed(struct task *t, enum zooid_change change, const char *path)
{
    struct zooid_ephemeral *e = ephemeral_of(t);
    if (change == ZOOID_DELETED && strcmp(path, e->path) == 0)
        e->changed = true;
}

/* What is not permitted now may be later. */
static int failed(struct task *t, int phase)
{
    ephemeral_of(t)->ensuring.level = 0;
    return phase == DELETING || t->abandoned ? FREE : phase;
}

static void ephemeral_free(struct task *t)
{
    struct zooid_ephemeral *e = ephemeral_of(t);
    free(e->path);
    free(e->parent_path);
    free(e->data);
    free(e);
}

static const struct task_kind kind = {.phases = phases,
                                      .look = look,
                                      .changed = changed,
                                      .failed = failed,
                                      .free = ephemeral_free};

/* -- as zooid.h has it
 * --------------------------------------------------------------------------------------------------
 */

zooid_ephemeral *zooid_ephemeral_new(zooid_client *c, const char *path, const void *data, size_t len)
{
    zooid_ephemeral *e = object_new(c, path, sizeof *e);
    if (e == NULL)
        return NULL;
    size_t parent = (size_t)(strrchr(path, '/') - path);
    e->path = strdup(path);
    e->parent_path = strndup(path, parent == 0 ? 1 : parent);
    e->data = malloc(len + 1);
    e->len = len;
    if (e->path == NULL || e->parent_path == NULL || e->data == NULL) {
        ephemeral_free(&e->task);
        return NULL;
    }
    if (len > 0)
        memcpy(e->data, data, len);
    e->version = 1;
    e->task.due = true;
    task_start(&e->task, c, &kind, e->path);
    return e;
}

void zooid_ephemeral_free(zooid_ephemeral *e)
{
    if (e != NULL)
        task_abandon(&e->task);
}

int zooid_ephemeral_wait(zooid_ephemeral *e, uint32_t deadline_ms, zooid_reply **reply)
{
    return task_perform(&e->task, WAIT, deadline_ms, reply);
}

zooid_ticket zooid_ephemeral_submit_wait(zooid_ephemeral *e, uint32_t deadline_ms, void *tag)
{
    return task_submit(&e->task, WAIT, deadline_ms, tag);
}

void zooid_ephemeral_cancel(zooid_ephemeral *e)
{
    task_cancel(&e->task);
}

const char *zooid_ephemeral_path(const zooid_ephemeral *e)
{
    return e->path;
}

zooid_ticket zooid_ephemeral_number(const zooid_ephemeral *e)
{
    return e->task.number;
}

int zooid_ephemeral_set(zooid_ephemeral *e, const void *data, size_t len)
{
    void *copy = NULL;
    if (!is_ours(e->task.client))
        return ZOOID_CONNECTION_LOST;
    copy = malloc(len + 1);
    if (copy == NULL)
        return ZOOID_NO_MEMORY;
    if (len > 0)
        memcpy(copy, data, len);
    pthread_mutex_lock(&e->task.client->lock);
    free(e->data);
    e->data = copy;
    e->len = len;
    e->version++;
    e->task.due = true;
    link_work_locked(e->task.client, false);
    pthread_mutex_unlock(&e->task.client->lock);
    return ZOOID_OK;
}

int zooid_ephemeral_inherit(zooid_ephemeral *e, const int64_t *sessions, size_t count)
{
    if (count > HEIRLOOMS_MAX || !is_ours(e->task.client))
        return ZOOID_BAD_ARGUMENTS;
    pthread_mutex_lock(&e->task.client->lock);
    memcpy(e->before, sessions, count * sizeof *sessions);
    e->before_count = count;
    e->changed = e->changed || e->task.phase == WAITING; /* it looks again */
    e->task.due = true;
    link_work_locked(e->task.client, false);
    pthread_mutex_unlock(&e->task.client->lock);
    return ZOOID_OK;
}
