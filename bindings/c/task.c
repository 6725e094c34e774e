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
    zooid_reply *reply = t->reply;
    t->reply = NULL;
    return reply;
}

/* The phase after the answer that has come; *entered: it has to be begun. */
static int take_answer(struct task *t, bool *entered)
{
    const struct task_phase *row = t->kind->phases[t->phase];
    int code = zooid_reply_code(t->reply), next = t->phase;
    t->answered = false;
    t->asked = 0;
    if (t->reply == NULL || zooid_reply_outcome_unknown(t->reply)) {
        next = row->unknown;
        if (next != TASK_FAILED)
            rest(t);
    } else if (will_pass(code, t->reply) && !t->kind->asks_once) {
        t->hindrance = code;
        rest(t);
    } else {
        next = row->answered(t, code, t->reply);
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

static void enter(struct task *t)
{
    const struct task_phase *row = t->kind->phases[t->phase];
    bool has_asked = t->asked != 0;
    t->asked = 0; /* an answer to what was asked before is nobody's now */
    if (t->kind->told != NULL || (t->kind->is_errand && has_asked))
        forget_calls(t);
    if (row->ask == NULL)
        return;
    struct call *call = call_new_locked(t->client, row->ask(t), ZOOID_NO_DEADLINE, NULL, false);
    if (call == NULL) {
        rest(t);
        return;
    }
    call->for_task = true;
    call->task = t;
    t->asked = call->ticket;
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
    if (t->answered)
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
    zooid_reply_free(t->reply);
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
        zooid_ticket before = t->asked;
        if (t->operation != NULL && t->operation->deadline_ms <= now && !t->answered)
            task_give_up_locked(t, ZOOID_DEADLINE_EXCEEDED);
        if (t->due || t->answered || t->wake_at_ms <= now)
            step(t);
        asked = asked || (t->asked != 0 && t->asked != before);
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
        uint64_t at = t->due || t->answered ? 0 : t->wake_at_ms;
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

void task_answered_locked(struct call *call)
{
    struct task *t = call->task;
    if (t == NULL || t->asked != call->ticket)
        return;
    zooid_reply_free(t->reply);
    t->reply = call->reply;
    t->answered = true;
    call->reply = NULL;
}

void task_told_locked(struct call *call, struct zooid_event *event)
{
    if (call->task != NULL && call->task->asked == call->ticket)
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
