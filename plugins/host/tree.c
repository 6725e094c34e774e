/* tree.c - a plugin's requests to the tree: a row for each operation. */
#include "plugins/host/ask.h"

#include <stdlib.h>
#include <string.h>

typedef struct zooid_plugin_request plugin_request;

struct tree_ask {
    struct ask ask;
    enum reply_shape shape;
    zooid_plugin_reply_fn *done;
    void *context;

    /* A create that makes what is missing above it. */
    plugin_request create; /* its path and data are our own */
    char *path;
    size_t level;   /* length of the ancestor that is being made; 0: the node itself */
    bool was_asked; /* the ancestors have been made */
};

/* -- requests ---------------------------------------------------------------------------------------------------------
 */

static zooid_request *freshened(zooid_request *request, const plugin_request *from)
{
    const struct zooid_freshness latest = {.latest = true};
    if (request != NULL && (from->flags & ZOOID_PLUGIN_LATEST) != 0)
        (void)zooid_request_set_freshness(request, &latest); /* it is a read: those have it */
    return request;
}

static zooid_request *make_get(const plugin_request *from)
{
    return freshened(zooid_request_get(from->path), from);
}

static zooid_request *make_exists(const plugin_request *from)
{
    return freshened(zooid_request_exists(from->path), from);
}

static zooid_request *make_list(const plugin_request *from)
{
    return freshened(zooid_request_list(from->path), from);
}

static zooid_request *make_subtree(const plugin_request *from)
{
    return freshened(zooid_request_subtree(from->path, UINT32_MAX), from);
}

static zooid_request *make_create(const plugin_request *from)
{
    enum zooid_node_kind kind = (from->flags & ZOOID_PLUGIN_EPHEMERAL) != 0   ? ZOOID_EPHEMERAL
                                : (from->flags & ZOOID_PLUGIN_CONTAINER) != 0 ? ZOOID_CONTAINER
                                                                              : ZOOID_PERSISTENT;
    zooid_request *request = zooid_request_create(from->path, from->data, from->len, kind);
    bool sequential = (from->flags & ZOOID_PLUGIN_SEQUENTIAL) != 0;
    if (request != NULL && sequential && zooid_request_set_sequential(request) != ZOOID_OK) {
        zooid_request_free(request);
        return NULL;
    }
    return request;
}

static zooid_request *make_set(const plugin_request *from)
{
    return zooid_request_set(from->path, from->data, from->len, from->version);
}

static zooid_request *make_delete(const plugin_request *from)
{
    return zooid_request_delete(from->path, from->version);
}

static zooid_request *make_check(const plugin_request *from)
{
    return zooid_request_check(from->path, from->version);
}

static zooid_request *make_sync(const plugin_request *from)
{
    return zooid_request_sync(from->path);
}

static zooid_request *make_multi(const plugin_request *from);

enum { ALONE = 1, IN_MULTI = 2 };

static const struct {
    zooid_request *(*make)(const plugin_request *from);
    enum reply_shape shape;
    unsigned where;
    unsigned flags; /* that it knows */
} rows[] = {
    [ZOOID_PLUGIN_GET] = {make_get, REPLY_ONE, ALONE, ZOOID_PLUGIN_LATEST},
    [ZOOID_PLUGIN_EXISTS] = {make_exists, REPLY_ONE, ALONE, ZOOID_PLUGIN_LATEST},
    [ZOOID_PLUGIN_LIST] = {make_list, REPLY_NAMES, ALONE, ZOOID_PLUGIN_LATEST},
    [ZOOID_PLUGIN_SUBTREE] = {make_subtree, REPLY_NODES, ALONE, ZOOID_PLUGIN_LATEST},
    [ZOOID_PLUGIN_CREATE] = {make_create, REPLY_ONE, ALONE | IN_MULTI,
                             ZOOID_PLUGIN_EPHEMERAL | ZOOID_PLUGIN_SEQUENTIAL | ZOOID_PLUGIN_CONTAINER |
                                 ZOOID_PLUGIN_PARENTS},
    [ZOOID_PLUGIN_SET] = {make_set, REPLY_ONE, ALONE | IN_MULTI, 0},
    [ZOOID_PLUGIN_DELETE] = {make_delete, REPLY_ONE, ALONE | IN_MULTI, 0},
    [ZOOID_PLUGIN_CHECK] = {make_check, REPLY_ONE, IN_MULTI, 0},
    [ZOOID_PLUGIN_SYNC] = {make_sync, REPLY_NOTHING, ALONE, 0},
    [ZOOID_PLUGIN_MULTI] = {make_multi, REPLY_NODES, ALONE, 0},
};

/* Plugins of another time have structs of another size; each says its own. */
static plugin_request read_request(const plugin_request *from)
{
    plugin_request request = {.version = ZOOID_ANY_VERSION};
    memcpy(&request, from, from->size < sizeof request ? from->size : sizeof request);
    return request;
}

static const plugin_request *part_at(const plugin_request *multi, size_t index)
{
    return (const plugin_request *)(const void *)((const char *)multi->parts + index * multi->parts[0].size);
}

static zooid_request *make_multi(const plugin_request *from)
{
    zooid_request *multi = zooid_request_multi();
    for (size_t i = 0; multi != NULL && i < from->part_count; i++) {
        const plugin_request part = read_request(part_at(from, i));
        zooid_request *write = rows[part.op].make(&part);
        if (write == NULL || zooid_request_add(multi, write) != ZOOID_OK) {
            zooid_request_free(multi);
            return NULL;
        }
    }
    return multi;
}

/* NULL: nothing is wrong with it. */
static const char *fault_of(const plugin_request *raw, unsigned where)
{
    if (raw == NULL || raw->size < offsetof(plugin_request, deadline_ms))
        return "a request without its size";
    const plugin_request request = read_request(raw);
    if ((unsigned)request.op >= COUNT_OF(rows) || (rows[request.op].where & where) == 0)
        return where == ALONE ? "no such operation" : "no operation for a multi";
    if ((request.flags & ~rows[request.op].flags) != 0)
        return "flags that the operation does not have";
    if (where == IN_MULTI && (request.flags & ZOOID_PLUGIN_PARENTS) != 0)
        return "a multi makes no missing parents";
    if (request.op == ZOOID_PLUGIN_MULTI)
        return request.parts == NULL || request.part_count == 0 ? "a multi without parts" : NULL;
    return request.path == NULL || request.path[0] != '/' ? "a path that does not begin with '/'" : NULL;
}

static const char *fault_of_parts(const plugin_request *request)
{
    for (size_t i = 0; request->op == ZOOID_PLUGIN_MULTI && i < request->part_count; i++) {
        const char *fault = fault_of(part_at(request, i), IN_MULTI);
        if (fault != NULL)
            return fault;
    }
    return NULL;
}

/* -- answers ----------------------------------------------------------------------------------------------------------
 */

static void tell(struct tree_ask *t, const zooid_reply *reply)
{
    struct reply_view view;
    reply_view_make(&view, reply, t->shape);
    t->done(t->context, &view.reply);
    reply_view_end(&view);
}

static bool ask_level(struct tree_ask *t)
{
    plugin_request step = t->create;
    char end = t->path[t->level];
    if (t->level != 0) {
        t->path[t->level] = '\0';
        step = (plugin_request){.op = ZOOID_PLUGIN_CREATE, .flags = ZOOID_PLUGIN_CONTAINER};
    }
    step.path = t->path;
    zooid_request *request = make_create(&step);
    if (t->level != 0)
        t->path[t->level] = end;
    zooid_client *client = t->ask.item.host->client;
    uint32_t deadline = t->create.deadline_ms == 0 ? ZOOID_NO_DEADLINE : t->create.deadline_ms;
    t->ask.ticket = request == NULL ? 0 : zooid_submit(client, request, deadline, &t->ask.listener);
    return t->ask.ticket != 0;
}

/* The next '/' behind the level; 0: none, the node itself is next. */
static size_t next_level(const struct tree_ask *t)
{
    const char *slash = strchr(t->path + t->level + 1, '/');
    return slash == NULL ? 0 : (size_t)(slash - t->path);
}

/* From the top down: those that are there already are passed over. */
static bool climb(struct tree_ask *t, int code)
{
    bool passed = code == ZOOID_OK || code == ZOOID_NODE_EXISTS || code == ZOOID_NO_AUTH;
    if (t->level == 0) {
        if (code != ZOOID_NO_NODE || t->was_asked)
            return false;
        t->was_asked = true;
    } else if (!passed) {
        return false;
    }
    t->level = next_level(t);
    return ask_level(t);
}

static bool answered(struct ask *ask, const zooid_reply *reply)
{
    struct tree_ask *t = (struct tree_ask *)(void *)ask;
    if (t->path != NULL && reply != NULL && climb(t, zooid_reply_code(reply)))
        return true;
    tell(t, reply);
    return false;
}

static void forget(struct ask *ask)
{
    struct tree_ask *t = (struct tree_ask *)(void *)ask;
    free(t->path);
    free((void *)t->create.data);
}

/* What is needed to ask again. False: out of memory. */
static bool keep_create(struct tree_ask *t, const plugin_request *request)
{
    void *data = malloc(request->len + 1);
    t->create = *request;
    t->create.data = data;
    t->path = strdup(request->path);
    if (data != NULL && request->len > 0)
        memcpy(data, request->data, request->len);
    return data != NULL && t->path != NULL;
}

zooid_handle tree_request(zooid_host *host, const struct zooid_plugin_request *raw, zooid_plugin_reply_fn *done,
                          void *context)
{
    const char *fault = fault_of(raw, ALONE);
    const plugin_request request = fault == NULL ? read_request(raw) : (plugin_request){0};
    if (fault == NULL)
        fault = done == NULL ? "a request without a function for its reply" : fault_of_parts(&request);
    if (fault != NULL) {
        host_log(host, ZOOID_PLUGIN_ERROR, "request: %s", fault);
        return 0;
    }
    struct tree_ask *t = ask_new(host, sizeof *t, answered);
    if (t == NULL)
        return 0;
    t->ask.forget = forget;
    t->shape = rows[request.op].shape;
    t->done = done;
    t->context = context;
    if ((request.flags & ZOOID_PLUGIN_PARENTS) != 0 && !keep_create(t, &request))
        return ask_sent(&t->ask, 0);
    return ask_submit(&t->ask, rows[request.op].make(&request), request.deadline_ms);
}
