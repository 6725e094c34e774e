/* queue_calls.c - queues as zooid.h has them. */
#include "bindings/c/recipes/queue.h"

#include <stdlib.h>

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
    task_start(&q->task, c, &queue_kind, q->path);
    return q;
}

void zooid_queue_free(zooid_queue *q)
{
    if (q != NULL)
        task_abandon(&q->task);
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
