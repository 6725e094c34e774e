/* local_request.c - the requests of local clients: made, set apart, over; their memory is kept for the next ones. */
#include "agent/local/local_calls.h"
#include "agent/local/local_monitor.h"
#include "agent/local/local_streams.h"

/* Memory for one, cleared. NULL: out of memory. */
static struct local_request *take_spare(struct local *l)
{
    if (list_is_empty(&l->spare))
        return mem_calloc(1, sizeof(struct local_request));
    struct local_request *request = LIST_ENTRY(l->spare.next, struct local_request, link);
    list_remove(&request->link);
    l->spare_count--;
    memset(request, 0, offsetof(struct local_request, short_path));
    return request;
}

static void give_spare(struct local *l, struct local_request *request)
{
    if (l->spare_count >= LOCAL_SPARE_MAX) {
        mem_free(request);
        return;
    }
    list_insert_after(&l->spare, &request->link); /* the next one to be taken: it is in the cache */
    l->spare_count++;
}

void local_spare_free(struct local *l)
{
    LIST_FOR_EACH(at, &l->spare)
    mem_free(LIST_ENTRY(at, struct local_request, link));
}

struct local_request *local_request_new(struct local_client *c, const struct local_op *op, uint64_t id)
{
    struct local_request *request = take_spare(c->local);
    if (request == NULL)
        return NULL;
    request->client = c;
    request->op = op;
    request->id = id;
    list_append(&c->requests, &request->link);
    c->open_count++;
    c->user->requests++;
    local_check_pressure(c);
    return request;
}

enum status local_request_keep_path(struct local_request *request, const char *path)
{
    size_t size = strlen(path) + 1;
    request->path = size <= sizeof request->short_path ? request->short_path : mem_alloc(size);
    if (request->path == NULL)
        return ST_NO_MEMORY;
    memcpy(request->path, path, size);
    return ST_OK;
}

void local_request_free(struct local_request *request)
{
    struct local_client *c = request->client;
    list_remove(&request->link);
    deadlines_remove(&c->local->deadlines, &request->deadline);
    buffer_free(&request->ready);
    if (request->state == LOCAL_HELD)
        c->held_bytes -= request->frame.len;
    buffer_free(&request->frame);
    if (!request->is_apart) {
        c->open_count--;
        c->user->requests--;
    }
    local_subscription_free(request->subscription);
    local_backup_free(request->backup);
    local_monitor_free(request->monitor);
    local_provider_free(request->provider);
    if (request->call != NULL)
        local_call_drop(request->call);
    if (request->path != request->short_path)
        mem_free(request->path);
    give_spare(c->local, request);
    local_check_pressure(c);
}

void local_set_apart(struct local_request *request)
{
    struct local_client *c = request->client;
    list_remove(&request->link);
    list_append(&c->apart, &request->link);
    deadlines_remove(&c->local->deadlines, &request->deadline);
    request->state = LOCAL_READY;
    request->is_apart = true;
    c->open_count--;
    c->user->requests--;
    local_check_pressure(c);
}

void local_check_pressure(struct local_client *c)
{
    bool over = c->open_count >= (uint32_t)c->local->settings->local_requests_max ||
                c->held_bytes >= (size_t)c->local->settings->local_frame_max;
    if (over == c->connection->held_by_tongue)
        return;
    c->connection->held_by_tongue = over;
    if (!over)
        connection_queue(c->connection);
}
