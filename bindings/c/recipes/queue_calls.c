/* queue_calls.c - queues as zooid.h has them, and putting something in. */
#include "bindings/c/recipes/queue.h"

#include <stdio.h>
#include <stdlib.h>

enum { PRIORITY_MAX = 999, PREFIX_LEN = 24 };

zooid_queue *zooid_queue_new(zooid_client *c, const char *path)
{
    zooid_queue *q = object_new(c, path, sizeof *q);
    if (q == NULL)
        return NULL;
    q->path = strdup(path);
    q->entries = path_join(path, "entries", "");
    q->taken = path_join(path, "taken", "");
    if (q->path == NULL || q->entries == NULL || q->taken == NULL || !unique_name(q->id)) {
        queue_free(&q->task);
        return NULL;
    }
    task_start(&q->task, c, &queue_kind);
    return q;
}

void zooid_queue_free(zooid_queue *q)
{
    if (q != NULL)
        task_abandon(&q->task);
}

static zooid_request *put_request(const zooid_queue *q, const void *data, size_t len, unsigned priority)
{
    char prefix[PREFIX_LEN];
    (void)snprintf(prefix, sizeof prefix, "entry-%03u-", priority);
    char *path = path_join(q->entries, prefix, "");
    zooid_request *request = path == NULL ? NULL : zooid_request_create(path, data, len, ZOOID_PERSISTENT);
    (void)zooid_request_set_sequential(request);
    free(path);
    return request;
}

/* Not made again when the reply is lost: its name cannot tell whose it is, since it is what orders the entries. */
int zooid_queue_put(zooid_queue *q, const void *data, size_t len, unsigned priority, uint32_t deadline_ms,
                    zooid_reply **reply)
{
    zooid_client *c = q->task.client;
    int64_t deadline = deadline_of(deadline_ms);
    zooid_reply *answer = NULL;
    if (priority > PRIORITY_MAX)
        return give_reply(reply_new(ZOOID_BAD_ARGUMENTS, "a priority is a number from 0 to 999", q->path), reply);
    int code = zooid_perform(c, put_request(q, data, len, priority), deadline_ms, &answer);
    if (code != ZOOID_NO_NODE)
        return give_reply(answer, reply);
    zooid_reply_free(answer);
    code = zooid_ensure_path(c, q->entries, left_of(deadline), &answer);
    if (code != ZOOID_OK)
        return give_reply(answer, reply);
    zooid_reply_free(answer);
    return zooid_perform(c, put_request(q, data, len, priority), left_of(deadline), reply);
}

int zooid_queue_take(zooid_queue *q, uint32_t deadline_ms, zooid_reply **reply)
{
    return task_perform(&q->task, QUEUE_TAKE, deadline_ms, reply);
}

zooid_ticket zooid_queue_submit_take(zooid_queue *q, uint32_t deadline_ms, void *tag)
{
    return task_submit(&q->task, QUEUE_TAKE, deadline_ms, tag);
}

int zooid_queue_finish(zooid_queue *q, uint32_t deadline_ms, zooid_reply **reply)
{
    return task_perform(&q->task, QUEUE_FINISH, deadline_ms, reply);
}

int zooid_queue_return(zooid_queue *q, uint32_t deadline_ms, zooid_reply **reply)
{
    return task_perform(&q->task, QUEUE_RETURN, deadline_ms, reply);
}

zooid_ticket zooid_queue_submit_finish(zooid_queue *q, uint32_t deadline_ms, void *tag)
{
    return task_submit(&q->task, QUEUE_FINISH, deadline_ms, tag);
}

zooid_ticket zooid_queue_submit_return(zooid_queue *q, uint32_t deadline_ms, void *tag)
{
    return task_submit(&q->task, QUEUE_RETURN, deadline_ms, tag);
}

void zooid_queue_cancel(zooid_queue *q)
{
    task_cancel(&q->task);
}

zooid_ticket zooid_queue_number(const zooid_queue *q)
{
    return q->task.number;
}
