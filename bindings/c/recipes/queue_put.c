/* queue_put.c - something put into a queue. */
#include "bindings/c/recipes/queue.h"

#include <stdio.h>
#include <stdlib.h>

enum { PRIORITY_MAX = 999, PREFIX_LEN = 24 };
enum { PUTTING = 1, MAKING };

struct put {
    struct errand errand; /* its path is that of the entries */
    unsigned priority;
    struct ensuring ensuring;
    size_t len;
    bool is_null;
    uint8_t data[];
};

static struct put *put_of(struct task *t)
{
    return (struct put *)(void *)t;
}

static zooid_request *put_ask(struct task *t)
{
    const struct put *p = put_of(t);
    char prefix[PREFIX_LEN];
    (void)snprintf(prefix, sizeof prefix, "entry-%03u-", p->priority);
    char *path = path_join(errand_of(t)->path, prefix, "");
    zooid_request *request = path == NULL
                                 ? NULL
                                 : zooid_request_create(path, p->is_null ? NULL : p->data, p->len, ZOOID_PERSISTENT);
    (void)zooid_request_set_sequential(request);
    free(path);
    return request;
}

static int put_answered(struct task *t, int code, const zooid_reply *r)
{
    (void)r;
    return errand_answered(t, code, MAKING);
}

static zooid_request *make_ask(struct task *t)
{
    return ensuring_ask(&put_of(t)->ensuring, errand_of(t)->path);
}

static int make_answered(struct task *t, int code, const zooid_reply *r)
{
    (void)r;
    return ensuring_answered(&put_of(t)->ensuring, errand_of(t)->path, code, PUTTING);
}

/* An entry is not made again when the reply is lost: its name cannot tell whose it is, since it is what orders them. */
static const struct task_phase idle = {NULL, NULL, 0}, putting = {put_ask, put_answered, TASK_FAILED},
                               making = {make_ask, make_answered, MAKING};
static const struct task_phase *const phases[] = {&idle, [PUTTING] = &putting, [MAKING] = &making};
static const struct task_kind kind = {.phases = phases,
                                      .look = errand_look,
                                      .failed = errand_failed,
                                      .free = errand_free,
                                      .is_errand = true};

/* A priority that there is not ends in a name that the agent would take: it is refused here. */
static int refuse_look(struct task *t, int phase)
{
    (void)phase;
    if (t->operation != NULL)
        task_answer_locked(t, reply_new(ZOOID_BAD_ARGUMENTS, "a priority is a number from 0 to 999", t->path));
    return 0;
}

static const struct task_kind refused_kind = {.phases = phases,
                                              .look = refuse_look,
                                              .failed = errand_failed,
                                              .free = errand_free,
                                              .is_errand = true};

static const struct task_kind *kind_of(unsigned priority)
{
    return priority > PRIORITY_MAX ? &refused_kind : &kind;
}

static struct errand *put_new(const zooid_queue *q, const void *data, size_t len, unsigned priority)
{
    struct put *p = errand_new(sizeof *p + len, q->entries);
    if (p == NULL)
        return NULL;
    p->priority = priority;
    p->is_null = data == NULL;
    if (data != NULL) {
        p->len = len;
        memcpy(p->data, data, len);
    }
    return &p->errand;
}

int zooid_queue_put(zooid_queue *q, const void *data, size_t len, unsigned priority, uint32_t deadline_ms,
                    zooid_reply **reply)
{
    return errand_perform(put_new(q, data, len, priority), q->task.client, kind_of(priority), deadline_ms, reply);
}

zooid_ticket zooid_queue_submit_put(zooid_queue *q, const void *data, size_t len, unsigned priority,
                                    uint32_t deadline_ms, void *tag)
{
    return errand_submit(put_new(q, data, len, priority), q->task.client, kind_of(priority), deadline_ms, tag);
}
