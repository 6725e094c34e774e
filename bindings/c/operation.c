/* operation.c - what callers want of tasks: begun, answered, given up. */
#include "bindings/c/task.h"

#include <stdio.h>
#include <stdlib.h>

enum { TEXT_LEN = 160 };

void task_answer_locked(struct task *t, zooid_reply *reply)
{
    struct operation *operation = t->operation;
    t->operation = NULL;
    t->due = true;
    if (operation == NULL) {
        zooid_reply_free(reply);
    } else if (operation->is_performed) {
        operation->reply = reply;
        operation->is_done = true;
        wake_locked(t->client);
    } else {
        event_push_reply_locked(t->client, operation->ticket, operation->tag, reply);
        free(operation);
    }
}

/* A write of an errand is on its way, and nobody comes back to see what becomes of it. */
static bool is_outcome_unknown_locked(const struct task *t)
{
    const struct call *call = t->kind->is_errand && t->asked.ticket != 0 ? call_find_locked(t->client, t->asked.ticket)
                                                                         : NULL;
    return (t->kind->is_errand && t->asked.is_answered) ||
           (call != NULL && call->is_sent && call_may_have_effect(&call->request->m));
}

/* What was in the way all the time is said, too. */
static zooid_reply *too_late(const struct task *t)
{
    char text[TEXT_LEN];
    if (t->kind->is_errand && !t->client->greeted)
        return reply_new(ZOOID_CONNECTION_LOST, t->client->absence, t->path);
    (void)snprintf(text, sizeof text, "%s: %s", zooid_code_text(ZOOID_DEADLINE_EXCEEDED),
                   zooid_code_text(t->hindrance));
    return reply_new(ZOOID_DEADLINE_EXCEEDED, t->hindrance == ZOOID_OK ? NULL : text, t->path);
}

void task_give_up_locked(struct task *t, int code)
{
    zooid_reply *reply = code == ZOOID_DEADLINE_EXCEEDED ? too_late(t) : reply_new(code, NULL, t->path);
    if (reply != NULL)
        reply->outcome_unknown = is_outcome_unknown_locked(t);
    task_answer_locked(t, reply);
}

void tasks_cancel_locked(zooid_client *c, zooid_ticket ticket)
{
    for (struct task *t = c->tasks; t != NULL; t = t->next)
        if (t->operation != NULL && t->operation->ticket == ticket) {
            task_give_up_locked(t, ZOOID_CANCELLED);
            return;
        }
}

void tasks_close_locked(zooid_client *c)
{
    for (struct task *t = c->tasks; t != NULL; t = t->next)
        if (t->operation != NULL)
            task_give_up_locked(t, ZOOID_CLOSED);
}

void task_cancel(struct task *t)
{
    zooid_client *c = t->client;
    if (!is_ours(c))
        return;
    pthread_mutex_lock(&c->lock);
    if (t->operation != NULL)
        task_give_up_locked(t, ZOOID_CANCELLED);
    link_work_locked(c, false);
    pthread_mutex_unlock(&c->lock);
}

/* False: it cannot begin, `*why` says why. */
static bool begin_locked(struct task *t, struct operation *operation, int wanted, uint32_t deadline_ms,
                         zooid_reply **why)
{
    zooid_client *c = t->client;
    if (c->closing || t->operation != NULL) {
        *why = c->closing ? reply_new(ZOOID_CLOSED, NULL, t->path)
                          : reply_new(ZOOID_BAD_ARGUMENTS, "it is at work for another caller", t->path);
        return false;
    }
    operation->wanted = wanted;
    operation->deadline_ms = deadline_ms == ZOOID_NO_DEADLINE ? UINT64_MAX : boot_ms() + deadline_ms;
    t->operation = operation;
    t->due = true;
    return true;
}

static bool is_answered(const zooid_client *c, const void *context)
{
    (void)c;
    return ((const struct operation *)context)->is_done;
}

static zooid_reply *perform_locked(struct task *t, int wanted, uint32_t deadline_ms)
{
    zooid_client *c = t->client;
    struct operation operation = {.is_performed = true};
    zooid_reply *answer = NULL;
    if (!begin_locked(t, &operation, wanted, deadline_ms, &answer))
        return answer;
    (void)drive_until_locked(c, INT64_MAX, AWAITED_WRITE, is_answered, &operation);
    /* An errand that is answered is gone. */
    if (operation.is_done)
        return operation.reply;
    t->operation = NULL;
    return reply_new(ZOOID_CLOSED, NULL, NULL);
}

/* The operation is taken over. */
static zooid_ticket submit_locked(struct task *t, struct operation *operation, int wanted, uint32_t deadline_ms)
{
    zooid_client *c = t->client;
    zooid_reply *refusal = NULL;
    zooid_ticket ticket = operation->ticket = ++c->last_ticket;
    if (!begin_locked(t, operation, wanted, deadline_ms, &refusal)) {
        ticket = c->closing ? 0 : ticket;
        event_push_reply_locked(c, ticket, operation->tag, refusal);
        free(operation);
    }
    link_work_locked(c, false);
    return ticket;
}

int task_perform(struct task *t, int wanted, uint32_t deadline_ms, zooid_reply **reply)
{
    zooid_client *c = t->client;
    if (!is_ours(c))
        return give_reply(reply_new(ZOOID_CONNECTION_LOST, MADE_BEFORE_FORK, NULL), reply);
    pthread_mutex_lock(&c->lock);
    zooid_reply *answer = perform_locked(t, wanted, deadline_ms);
    pthread_mutex_unlock(&c->lock);
    return give_reply(answer, reply);
}

zooid_ticket task_submit(struct task *t, int wanted, uint32_t deadline_ms, void *tag)
{
    zooid_client *c = t->client;
    struct operation *operation = is_ours(c) ? calloc(1, sizeof *operation) : NULL;
    if (operation == NULL)
        return 0;
    operation->tag = tag;
    pthread_mutex_lock(&c->lock);
    zooid_ticket ticket = submit_locked(t, operation, wanted, deadline_ms);
    pthread_mutex_unlock(&c->lock);
    return ticket;
}

/* -- errands ---------------------------------------------------------------------------------------------------------
 */

void *errand_new(size_t size, const char *path)
{
    struct errand *e = calloc(1, size);
    if (e == NULL || (e->path = strdup(path)) != NULL)
        return e;
    free(e);
    return NULL;
}

static void begin_errand_locked(struct errand *e, zooid_client *c, const struct task_kind *kind)
{
    task_add_locked(&e->task, c, kind, e->path);
    e->task.abandoned = true;
}

int errand_perform(struct errand *e, zooid_client *c, const struct task_kind *kind, uint32_t deadline_ms,
                   zooid_reply **reply)
{
    if (e == NULL)
        return give_reply(NULL, reply);
    if (!is_ours(c)) {
        kind->free(&e->task);
        return give_reply(reply_new(ZOOID_CONNECTION_LOST, MADE_BEFORE_FORK, NULL), reply);
    }
    pthread_mutex_lock(&c->lock);
    begin_errand_locked(e, c, kind);
    zooid_reply *answer = perform_locked(&e->task, ERRAND, deadline_ms);
    pthread_mutex_unlock(&c->lock);
    return give_reply(answer, reply);
}

zooid_ticket errand_submit(struct errand *e, zooid_client *c, const struct task_kind *kind, uint32_t deadline_ms,
                           void *tag)
{
    struct operation *operation = e != NULL && is_ours(c) ? calloc(1, sizeof *operation) : NULL;
    if (operation == NULL) {
        if (e != NULL)
            kind->free(&e->task);
        return 0;
    }
    operation->tag = tag;
    pthread_mutex_lock(&c->lock);
    begin_errand_locked(e, c, kind);
    zooid_ticket ticket = submit_locked(&e->task, operation, ERRAND, deadline_ms);
    pthread_mutex_unlock(&c->lock);
    return ticket;
}

int errand_look(struct task *t, int phase)
{
    if (t->operation == NULL)
        return 0;
    return phase == 0 ? 1 : phase;
}

int errand_failed(struct task *t, int phase)
{
    (void)t, (void)phase;
    return 0;
}

int errand_answered(struct task *t, int code, int missing)
{
    if (code == ZOOID_NO_NODE)
        return missing;
    if (code != ZOOID_OK)
        return TASK_FAILED;
    task_answer_locked(t, task_keep_reply(t));
    return 0;
}

void errand_free(struct task *t)
{
    free(errand_of(t)->path);
    free(t);
}
