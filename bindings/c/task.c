/* task.c - recipes at work: steps from phase to phase, their requests and answers, pauses. */
#include "bindings/c/task.h"
#include "bindings/c/stream.h"

#include <stdlib.h>
#include <time.h>

enum { PAUSE_MS_FIRST = 20, PAUSE_MS_MAX = 1000 };

uint64_t boot_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* -- steps -----------------------------------------------------------------------------------------------------------
 */

static void rest(struct task *t)
{
    uint32_t longer = t->pause_ms == 0 ? PAUSE_MS_FIRST : 2 * t->pause_ms;
    t->pause_ms = longer > PAUSE_MS_MAX ? PAUSE_MS_MAX : longer;
    t->resting = true;
    t->wake_at_ms = boot_ms() + t->pause_ms;
}

/* The agent is away, has no leader, or a session has ended: it may be otherwise soon. */
static bool will_pass(int code, const zooid_reply *reply)
{
    return zooid_reply_retry(reply) || code == ZOOID_CONNECTION_LOST || code == ZOOID_SESSION_EXPIRED ||
           code == ZOOID_SESSION_MOVED;
}

zooid_reply *task_keep_reply(struct task *t)
{
    zooid_reply *reply = t->asked.reply;
    t->asked.reply = NULL;
    return reply;
}

/* The phase after the answer that has come; *entered: it has to be begun. */
static int take_answer(struct task *t, bool *entered)
{
    const struct task_phase *row = t->kind->phases[t->phase];
    const zooid_reply *reply = t->asked.reply;
    int code = zooid_reply_code(reply), next = t->phase;
    t->asked.is_answered = false;
    t->asked.ticket = 0;
    if (reply == NULL || zooid_reply_outcome_unknown(reply)) {
        next = row->unknown;
        if (next != TASK_FAILED)
            rest(t);
    } else if (will_pass(code, reply) && !t->kind->asks_once) {
        t->hindrance = code;
        rest(t);
    } else {
        next = row->answered(t, code, reply);
        *entered = next != t->phase;
    }
    if (next == TASK_AGAIN)
        next = t->phase;
    if (next == TASK_FAILED) {
        task_answer_locked(t, task_keep_reply(t));
        next = t->kind->failed(t, t->phase);
        if (next == t->phase)
            rest(t);
        *entered = next != t->phase;
    } else if (*entered) {
        t->pause_ms = 0;
        t->hindrance = ZOOID_OK;
    }
    zooid_reply_free(task_keep_reply(t));
    return next;
}

/* Their answers are nobody's from now on. A subscription would go on otherwise, and what an errand has not sent yet
 * would be sent. */
static void forget_calls(struct task *t)
{
    zooid_client *c = t->client;
    for (struct call *call = c->calls.next, *next; call != &c->calls; call = next) {
        next = call->next;
        if (call->task != t)
            continue;
        call->task = NULL;
        if (call_is_streamed(call) || t->kind->is_errand)
            call_cancel_locked(c, call);
    }
}

static void forget(struct question *q)
{
    zooid_reply_free(q->reply);
    *q = (struct question){0};
}

/* False: there is no memory for it. */
static bool ask(struct task *t, struct question *q, int phase)
{
    struct call *call = call_new_locked(t->client, t->kind->phases[phase]->ask(t), ZOOID_NO_DEADLINE, NULL, false);
    if (call == NULL)
        return false;
    call->for_task = true;
    call->task = t;
    *q = (struct question){.ticket = call->ticket, .phase = phase};
    return true;
}

static void ask_of_phase(struct task *t)
{
    const struct task_kind *kind = t->kind;
    if (kind->phases[t->phase]->ask == NULL)
        return;
    if (!ask(t, &t->asked, t->phase))
        rest(t);
    else if (kind->asks_early.next != 0 && kind->asks_early.phase == t->phase)
        (void)ask(t, &t->asked_early, kind->asks_early.next); /* without memory it is asked in its time */
}

static void enter(struct task *t)
{
    bool has_asked = t->asked.ticket != 0;
    forget(&t->asked); /* an answer to what was asked before is nobody's now */
    if (t->kind->told != NULL || (t->kind->is_errand && has_asked))
        forget_calls(t);
    if (t->asked_early.ticket != 0 && t->asked_early.phase == t->phase) {
        t->asked = t->asked_early;
        t->asked_early = (struct question){0};
        return;
    }
    forget(&t->asked_early);
    ask_of_phase(t);
}

static void step(struct task *t)
{
    bool entered = false, is_rested = t->resting && t->wake_at_ms <= boot_ms();
    int phase = t->phase, wanted;
    t->due = false;
    if (is_rested || !t->resting)
        t->wake_at_ms = UINT64_MAX;
    if (is_rested)
        t->resting = false;
    if (t->asked.is_answered)
        phase = take_answer(t, &entered);
    else
        entered = is_rested;
    while ((wanted = t->kind->look(t, phase)) != phase) {
        phase = wanted;
        entered = true;
        t->resting = false;
    }
    t->phase = phase;
    if (entered)
        enter(t);
}

static void task_end(struct task *t)
{
    forget(&t->asked);
    forget(&t->asked_early);
    if (t->operation != NULL && !t->operation->is_performed)
        free(t->operation);
    t->kind->free(t);
}

bool tasks_work_locked(zooid_client *c)
{
    bool asked = false;
    uint64_t now = c->tasks == NULL ? 0 : boot_ms();
    for (struct task **at = &c->tasks; *at != NULL;) {
        struct task *t = *at;
        zooid_ticket before = t->asked.ticket;
        if (t->operation != NULL && t->operation->deadline_ms <= now && !t->asked.is_answered)
            task_give_up_locked(t, ZOOID_DEADLINE_EXCEEDED);
        if (t->due || t->asked.is_answered || t->wake_at_ms <= now)
            step(t);
        asked = asked || (t->asked.ticket != 0 && t->asked.ticket != before);
        if (t->abandoned && t->phase == 0) {
            *at = t->next;
            forget_calls(t);
            task_end(t);
        } else {
            at = &t->next;
        }
    }
    return asked;
}

int64_t tasks_due_locked(const zooid_client *c)
{
    uint64_t first = UINT64_MAX;
    for (const struct task *t = c->tasks; t != NULL; t = t->next) {
        uint64_t at = t->due || t->asked.is_answered ? 0 : t->wake_at_ms;
        if (t->operation != NULL && t->operation->deadline_ms < at)
            at = t->operation->deadline_ms;
        first = at < first ? at : first;
    }
    if (first == UINT64_MAX)
        return INT64_MAX;
    uint64_t now = boot_ms();
    return first <= now ? now_ms() : now_ms() + (int64_t)(first - now);
}

/* -- what happens ----------------------------------------------------------------------------------------------------
 */

/* Which question of its task that is; NULL: none that anybody wants to know any more. */
static struct question *question_of(const struct call *call)
{
    struct task *t = call->task;
    if (t == NULL)
        return NULL;
    if (t->asked.ticket == call->ticket)
        return &t->asked;
    return t->asked_early.ticket == call->ticket ? &t->asked_early : NULL;
}

void task_answered_locked(struct call *call)
{
    struct question *q = question_of(call);
    if (q == NULL)
        return;
    zooid_reply_free(q->reply);
    q->reply = call->reply;
    q->is_answered = true;
    call->reply = NULL;
}

void task_told_locked(struct call *call, struct zooid_event *event)
{
    if (question_of(call) != NULL)
        call->task->kind->told(call->task, event);
    else
        zooid_event_free(event);
}

void tasks_changed_locked(zooid_client *c, enum zooid_change change, const char *path)
{
    for (struct task *t = c->tasks; t != NULL; t = t->next) {
        if (t->kind->changed == NULL)
            continue;
        t->kind->changed(t, change, path);
        t->due = true;
    }
}

void tasks_look_locked(zooid_client *c)
{
    for (struct task *t = c->tasks; t != NULL; t = t->next)
        t->due = true;
}

void tasks_free(zooid_client *c)
{
    while (c->tasks != NULL) {
        struct task *t = c->tasks;
        c->tasks = t->next;
        task_end(t);
    }
}

void task_tell_lost_locked(struct task *t, const char *path, const char *why)
{
    struct zooid_event *event = event_new(ZOOID_EVENT_LOST);
    if (event != NULL) {
        event->ticket = t->number;
        event->reply = reply_new(ZOOID_NOT_HELD, why, path);
    }
    event_push_locked(t->client, event);
}

/* -- the beginning and the end ---------------------------------------------------------------------------------------
 */

void task_add_locked(struct task *t, zooid_client *c, const struct task_kind *kind, const char *path)
{
    t->client = c;
    t->kind = kind;
    t->path = path;
    t->wake_at_ms = UINT64_MAX;
    t->number = ++c->last_ticket;
    t->next = c->tasks;
    c->tasks = t;
}

void task_start(struct task *t, zooid_client *c, const struct task_kind *kind, const char *path)
{
    pthread_mutex_lock(&c->lock);
    task_add_locked(t, c, kind, path);
    pthread_mutex_unlock(&c->lock);
}

/* In a child process it goes with the client. */
void task_abandon(struct task *t)
{
    if (t == NULL || !is_ours(t->client))
        return;
    zooid_client *c = t->client;
    pthread_mutex_lock(&c->lock);
    t->abandoned = t->due = true;
    if (t->operation != NULL)
        task_give_up_locked(t, ZOOID_CANCELLED);
    link_work_locked(c, false);
    pthread_mutex_unlock(&c->lock);
}
