/* call.c - requests on their way: kept in the order of their submission until each has its reply. */
#include "bindings/c/internal.h"
#include "bindings/c/local_path.h"
#include "bindings/c/stream.h"

#include <stdlib.h>

#define BODY(name) ZOOID__LOCAL__TO_AGENT__BODY_##name

/* Of requests that are sent together, and how often that many more. The first ones of a row wake the agent, and are
 * few: with two CPUs more of them make the agent wait for the program and the program for the agent in turn. While it
 * has these, twice as many can wait for the next system call, and so on. */
enum { UNSENT_MAX = 8, DOUBLINGS_MAX = 3 };

struct call *call_new_locked(zooid_client *c, zooid_request *request, uint32_t deadline_ms, void *tag, bool perform)
{
    if (request == NULL || c->closing) {
        zooid_request_free(request);
        return NULL;
    }
    struct call *call = &request->call;
    *call = (struct call){.prev = c->calls.prev,
                          .next = &c->calls,
                          .client = c,
                          .ticket = ++c->last_ticket,
                          .tag = tag,
                          .request = request,
                          .given_ms = deadline_ms,
                          .deadline_ms = deadline_about(deadline_ms),
                          .is_performed = perform,
                          .last_told = &call->first_told};
    call->prev->next = call;
    c->calls.prev = call;
    c->unsent_count++;
    if (call->deadline_ms < c->calls_due_ms)
        c->calls_due_ms = call->deadline_ms;
    return call;
}

static void unlink_call(struct call *call)
{
    if (call->next == NULL)
        return;
    call->client->unsent_count -= call->is_sent ? 0 : 1;
    call->prev->next = call->next;
    call->next->prev = call->prev;
    call->next = call->prev = NULL;
}

static void drop_parts(struct call *call)
{
    for (size_t i = 0; i < call->part_count; i++)
        message_free(call->parts[i]);
    free(call->parts);
    call->parts = NULL;
    call->part_count = call->part_cap = 0;
}

static void call_end(struct call *call)
{
    unlink_call(call);
    drop_parts(call);
    events_free(call->first_told);
}

void call_free(struct call *call)
{
    if (call == NULL)
        return;
    call_end(call);
    zooid_reply_free(call->reply);
    zooid_request_free(call->request); /* in which the call lies */
}

/* -- replies --------------------------------------------------------------------------------------------------------
 */

void call_finish_locked(zooid_client *c, struct call *call, zooid_reply *reply)
{
    unlink_call(call);
    logins_note_locked(c, &call->request->m, zooid_reply_code(reply));
    watches_note_locked(c, &call->request->m, zooid_reply_code(reply), call->for_task ? WATCH_OF_TASKS : WATCH_OF_USER);
    call->reply = reply;
    call->is_done = true;
    if (call->is_performed) {
        wake_locked(c);
        return;
    }
    if (!call->for_task) {
        call_end(call);
        event_push_answer_locked(call);
        return;
    }
    task_answered_locked(call);
    call_free(call);
}

struct call *call_find_locked(zooid_client *c, zooid_ticket ticket)
{
    for (struct call *call = c->calls.next; call != &c->calls; call = call->next)
        if (call->ticket == ticket)
            return call;
    return NULL;
}

static bool keep_part(struct call *call, from_agent *m)
{
    if (call->part_count == call->part_cap) {
        size_t cap = call->part_cap == 0 ? 1 : 2 * call->part_cap;
        from_agent **parts = realloc(call->parts, cap * sizeof(from_agent *));
        if (parts == NULL)
            return false;
        call->parts = parts;
        call->part_cap = cap;
    }
    call->parts[call->part_count++] = m;
    return true;
}

/* A page of a list that is to be whole, and is not. */
static bool is_page_only(const struct call *call, const from_agent *m)
{
    bool is_page = m->body_case == ZOOID__LOCAL__FROM_AGENT__BODY_CHILDREN && m->error == NULL;
    return call->request->lists_all && is_page && !m->children->complete && m->children->n_name > 0;
}

/* The next page is asked for under the same number. */
static bool ask_for_more(zooid_client *c, struct call *call, const from_agent *m)
{
    to_agent *again = &call->request->m;
    again->list->after = m->children->name[m->children->n_name - 1]; /* lives as long as the part */
    again->list->watch = false;
    return call_send_locked(c, call);
}

/* The final part has come. */
static void finish_from_parts_locked(zooid_client *c, struct call *call, from_agent **parts, size_t count)
{
    const from_agent *last = parts[count - 1];
    if (last->body_case == ZOOID__LOCAL__FROM_AGENT__BODY_SESSION_OPENED)
        link_session_opened_locked(c, last->session_opened);
    zooid_reply *reply = reply_from_parts(parts, count, local_path_of(&call->request->m));
    if (reply == NULL && parts != call->parts)
        message_free(parts[0]);
    if (reply != NULL) {
        call->parts = NULL; /* they are the reply's now */
        call->part_count = call->part_cap = 0;
    }
    call_finish_locked(c, call, reply);
}

static void take_reply_locked(zooid_client *c, struct call *call, from_agent *m)
{
    bool is_page = is_page_only(call, m);
    if (call->part_count == 0 && !m->more && !is_page) {
        finish_from_parts_locked(c, call, &m, 1);
        return;
    }
    if (!keep_part(call, m)) {
        message_free(m);
        call_finish_locked(c, call, reply_new(ZOOID_NO_MEMORY, NULL, local_path_of(&call->request->m)));
        return;
    }
    if (m->more || (is_page && ask_for_more(c, call, m)))
        return;
    finish_from_parts_locked(c, call, call->parts, call->part_count);
}

bool calls_take_locked(zooid_client *c, from_agent *m, size_t size)
{
    struct call *call = call_find_locked(c, m->id);
    if (m->state != NULL && m->state->zxid > c->last_zxid)
        c->last_zxid = m->state->zxid;
    if (call == NULL) {
        message_free(m); /* given up long ago */
        return true;
    }
    if (m->more && call_is_streamed(call))
        return stream_take_locked(c, call, m, size);
    if (m->more && call_is_endless(&call->request->m)) {
        (call->request->m.body_case == BODY(PROVIDE) ? provide_stands_locked : monitor_take_locked)(c, call, m);
        return true;
    }
    take_reply_locked(c, call, m);
    return true;
}

/* -- giving up ------------------------------------------------------------------------------------------------------
 */

static void fail(zooid_client *c, struct call *call, int code, const char *message)
{
    const to_agent *m = &call->request->m;
    zooid_reply *reply = reply_new(code, message, local_path_of(m));
    if (reply != NULL)
        reply->outcome_unknown = call->is_sent && call_may_have_effect(m);
    call_finish_locked(c, call, reply);
}

void calls_fail_locked(zooid_client *c, int code, const char *message)
{
    for (struct call *call = c->calls.next, *next; call != &c->calls; call = next) {
        next = call->next;
        fail(c, call, code, message);
    }
}

/* Sessions are opened by the link itself when it comes back. */
void calls_lost_locked(zooid_client *c)
{
    for (struct call *call = c->calls.next, *next; call != &c->calls; call = next) {
        next = call->next;
        if (call->is_sent && (call_may_have_effect(&call->request->m) || call->request->m.body_case == BODY(BACKUP))) {
            fail(c, call, ZOOID_CONNECTION_LOST, "the connection to the agent broke before it answered");
            continue;
        }
        c->unsent_count += call->is_sent ? 1 : 0;
        c->calls_due_ms = 0; /* to be looked for anew */
        call->is_sent = false;
        call->owed = 0;
        provide_lost_locked(c, call);
        drop_parts(call);
        if (call->request->lists_all && call->request->m.body_case == BODY(LIST))
            call->request->m.list->after = NULL;
    }
}

int64_t calls_expire_locked(zooid_client *c)
{
    int64_t now = c->calls_due_ms == INT64_MAX ? 0 : now_ms(), first = INT64_MAX;
    if (c->calls_due_ms > now)
        return c->calls_due_ms;
    c->calls_due_ms = INT64_MAX; /* of those that are made meanwhile */
    for (struct call *call = c->calls.next, *next; call != &c->calls; call = next) {
        next = call->next;
        /* The agent answers in time itself; here it is only the connection that may be missing, or hang. */
        int64_t due = call->deadline_ms == INT64_MAX || call_is_endless(&call->request->m)
                          ? INT64_MAX
                          : call->deadline_ms + (call->is_sent ? 500 : 0);
        if (due <= now)
            fail(c, call,
                 call->is_sent ? ZOOID_DEADLINE_EXCEEDED
                 : c->greeted  ? ZOOID_DEADLINE_EXCEEDED
                               : ZOOID_CONNECTION_LOST,
                 c->greeted ? NULL : c->absence);
        else if (due < first)
            first = due;
    }
    if (first < c->calls_due_ms)
        c->calls_due_ms = first;
    return c->calls_due_ms;
}

/* -- the public side ------------------------------------------------------------------------------------------------
 */

static bool is_done(const zooid_client *c, const void *context)
{
    (void)c;
    return ((const struct call *)context)->is_done;
}

int give_reply(zooid_reply *reply, zooid_reply **out)
{
    int code = zooid_reply_code(reply);
    if (out != NULL)
        *out = reply;
    else
        zooid_reply_free(reply);
    return code;
}

int zooid_perform(zooid_client *c, zooid_request *request, uint32_t deadline_ms, zooid_reply **reply)
{
    if (request == NULL)
        return give_reply(NULL, reply);
    bool is_lost = !is_ours(c);
    if (is_lost || call_is_endless(&request->m)) {
        zooid_request_free(request);
        return give_reply(
            is_lost ? reply_new(ZOOID_CONNECTION_LOST, MADE_BEFORE_FORK, NULL)
                    : reply_new(ZOOID_BAD_ARGUMENTS, "what has no end of its own can only be submitted", NULL),
            reply);
    }
    enum awaited awaited = call_may_have_effect(&request->m) ? AWAITED_WRITE : AWAITED_READ;
    pthread_mutex_lock(&c->lock);
    bool closing = c->closing;
    struct call *call = call_new_locked(c, request, deadline_ms, NULL, true);
    zooid_reply *answer = NULL;
    if (call != NULL) {
        (void)drive_until_locked(c, INT64_MAX, awaited, is_done, call);
        answer = call->reply;
        call->reply = NULL;
        call_free(call);
    } else if (closing) {
        answer = reply_new(ZOOID_CLOSED, NULL, NULL);
    }
    pthread_mutex_unlock(&c->lock);
    return give_reply(answer, reply);
}

zooid_ticket zooid_submit(zooid_client *c, zooid_request *request, uint32_t deadline_ms, void *tag)
{
    if (request == NULL || !is_ours(c)) {
        zooid_request_free(request);
        return 0;
    }
    pthread_mutex_lock(&c->lock);
    struct call *call = call_new_locked(c, request, deadline_ms, tag, false);
    zooid_ticket ticket = call == NULL ? 0 : call->ticket;
    /* Who takes events one by one and asks for more after each has them sent together, when none is left. Not while
     * another thread waits for the socket, who would not look at them. */
    bool is_taking = c->is_taking && c->first_event != NULL && !c->driven;
    bool is_full = c->unsent_count >= (size_t)UNSENT_MAX << c->doublings;
    c->is_taking = false;
    if (call != NULL && (is_full || !is_taking)) {
        link_work_locked(c, false);
        c->doublings = !is_taking ? 0 : c->doublings < DOUBLINGS_MAX ? c->doublings + 1 : DOUBLINGS_MAX;
    }
    pthread_mutex_unlock(&c->lock);
    return ticket;
}

void call_cancel_locked(zooid_client *c, struct call *call)
{
    to_agent m = ZOOID__LOCAL__TO_AGENT__INIT;
    if (!call->is_sent) {
        fail(c, call, ZOOID_CANCELLED, NULL);
        return;
    }
    m.body_case = BODY(CANCEL);
    m.cancel = call->ticket;
    (void)link_send_locked(c, &m);
}

void zooid_cancel(zooid_client *c, zooid_ticket ticket)
{
    if (!is_ours(c))
        return;
    pthread_mutex_lock(&c->lock);
    struct call *call = call_find_locked(c, ticket);
    if (call != NULL)
        call_cancel_locked(c, call);
    else
        tasks_cancel_locked(c, ticket);
    link_work_locked(c, false);
    pthread_mutex_unlock(&c->lock);
}
