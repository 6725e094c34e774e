/* fake_host.c - see fake_host.h. */
#include "tests/support/fake_host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HANDLES_MAX = 256, NODES_MAX = 64, TEXT_MAX = 1 << 16 };

enum kind { REPLY, TIMER, SUBSCRIPTION, COMMAND, OTHER };

struct begun {
    zooid_handle handle; /* 0: free */
    enum kind kind;
    uint64_t due_ms;
    uint32_t every_ms;
    enum zooid_plugin_op op;
    char path[128], data[256];
    void (*function)(void);
    void *context;
};

struct node {
    char path[128], data[256]; /* path "": free */
    int32_t version;
};

struct zooid_host {
    struct begun begun[HANDLES_MAX];
    struct node nodes[NODES_MAX];
    uint64_t now_ms;
    zooid_handle last;
    char log[TEXT_MAX], answer[1024];
    const char *settings;
};

/* -- what is open -----------------------------------------------------------------------------------------------------
 */

static struct begun *begin(zooid_host *host, enum kind kind, uint32_t after_ms, void (*function)(void), void *context)
{
    for (size_t i = 0; i < HANDLES_MAX; i++) {
        struct begun *b = &host->begun[i];
        if (b->handle != 0)
            continue;
        *b = (struct begun){.handle = ++host->last, .kind = kind, .due_ms = host->now_ms + after_ms};
        b->function = function;
        b->context = context;
        return b;
    }
    abort();
}

static void cancel(zooid_host *host, zooid_handle handle)
{
    for (size_t i = 0; i < HANDLES_MAX; i++)
        if (host->begun[i].handle == handle)
            host->begun[i].handle = 0;
}

size_t fake_host_open_handles(zooid_host *host)
{
    size_t count = 0;
    for (size_t i = 0; i < HANDLES_MAX; i++)
        count += host->begun[i].handle != 0;
    return count;
}

/* -- what is told -----------------------------------------------------------------------------------------------------
 */

static void tell(zooid_host *host, const char *what, const char *text)
{
    size_t len = strlen(host->log);
    (void)snprintf(host->log + len, sizeof host->log - len, "%s %s\n", what, text);
}

const char *fake_host_log(zooid_host *host)
{
    return host->log;
}

static void log_line(zooid_host *host, enum zooid_plugin_level level, const char *line)
{
    static const char *const names[] = {"error", "warning", "info", "debug"};
    tell(host, names[level], line);
}

static void ready(zooid_host *host)
{
    tell(host, "ready", "");
}

static void status(zooid_host *host, const char *text)
{
    tell(host, "status", text);
}

static void fail(zooid_host *host, const char *why)
{
    tell(host, "fail", why);
}

static const char *settings(zooid_host *host)
{
    return host->settings;
}

static uint64_t now_ms(zooid_host *host)
{
    return host->now_ms;
}

/* -- the tree ---------------------------------------------------------------------------------------------------------
 */

static zooid_handle request(zooid_host *host, const struct zooid_plugin_request *r, zooid_plugin_reply_fn *done,
                            void *context)
{
    if (r->path == NULL || r->path[0] != '/')
        return 0;
    struct begun *b = begin(host, REPLY, 0, (void (*)(void))done, context);
    b->op = r->op;
    (void)snprintf(b->path, sizeof b->path, "%s", r->path);
    (void)snprintf(b->data, sizeof b->data, "%.*s", (int)r->len, r->data == NULL ? "" : (const char *)r->data);
    return b->handle;
}

static struct node *find(zooid_host *host, const char *path)
{
    for (size_t i = 0; i < NODES_MAX; i++)
        if (strcmp(host->nodes[i].path, path) == 0)
            return &host->nodes[i];
    return NULL;
}

static struct node *write_node(zooid_host *host, const struct begun *b)
{
    struct node *node = find(host, b->path);
    if (node == NULL)
        node = find(host, "");
    if (node == NULL)
        abort();
    (void)snprintf(node->path, sizeof node->path, "%s", b->path);
    (void)snprintf(node->data, sizeof node->data, "%s", b->data);
    node->version++;
    return node;
}

static void answer_request(zooid_host *host, const struct begun *b)
{
    bool writes = b->op == ZOOID_PLUGIN_CREATE || b->op == ZOOID_PLUGIN_SET;
    struct node *node = writes ? write_node(host, b) : find(host, b->path);
    struct zooid_plugin_node told = {.path = b->path};
    enum zooid_plugin_node_kind kind = ZOOID_PLUGIN_KIND_PERSISTENT;
    struct zooid_plugin_reply reply = {.size = sizeof reply, .nodes = &told, .node_count = 1, .node_kinds = &kind};
    if (node == NULL) {
        reply.code = ZOOID_PLUGIN_NO_NODE;
        reply.message = "no such node";
        reply.node_count = 0;
    } else {
        told.data = node->data;
        told.len = strlen(node->data);
        told.stat.version = node->version;
    }
    if (node != NULL && b->op == ZOOID_PLUGIN_DELETE)
        node->path[0] = '\0';
    ((zooid_plugin_reply_fn *)b->function)(b->context, &reply);
}

static zooid_handle subscribe(zooid_host *host, const char *const *prefixes, size_t count,
                              zooid_plugin_change_fn *changed, void *context)
{
    (void)prefixes;
    return count == 0 ? 0 : begin(host, SUBSCRIPTION, 0, (void (*)(void))changed, context)->handle;
}

void fake_host_change(zooid_host *host, enum zooid_plugin_change_kind kind, const char *path, const char *data)
{
    struct zooid_plugin_change change = {.size = sizeof change, .kind = kind};
    change.node.path = path;
    change.node.data = data;
    change.node.len = data == NULL ? 0 : strlen(data);
    for (size_t i = 0; i < HANDLES_MAX; i++)
        if (host->begun[i].handle != 0 && host->begun[i].kind == SUBSCRIPTION)
            ((zooid_plugin_change_fn *)host->begun[i].function)(host->begun[i].context, &change);
}

/* -- time and commands ------------------------------------------------------------------------------------------------
 */

static zooid_handle timer(zooid_host *host, uint32_t first_ms, uint32_t every_ms, zooid_plugin_timer_fn *fire,
                          void *context)
{
    struct begun *b = begin(host, TIMER, first_ms, (void (*)(void))fire, context);
    b->every_ms = every_ms;
    return b->handle;
}

/* The one that is due first; NULL: none until then. */
static struct begun *next_due(zooid_host *host, uint64_t until_ms)
{
    struct begun *first = NULL;
    for (size_t i = 0; i < HANDLES_MAX; i++) {
        struct begun *b = &host->begun[i];
        bool due = b->handle != 0 && (b->kind == REPLY || b->kind == TIMER) && b->due_ms <= until_ms;
        if (due &&
            (first == NULL || b->due_ms < first->due_ms || (b->due_ms == first->due_ms && b->handle < first->handle)))
            first = b;
    }
    return first;
}

void fake_host_advance(zooid_host *host, uint32_t ms)
{
    uint64_t until_ms = host->now_ms + ms;
    for (struct begun *b = NULL; (b = next_due(host, until_ms)) != NULL;) {
        const struct begun due = *b;
        host->now_ms = due.due_ms;
        if (due.every_ms != 0)
            b->due_ms += due.every_ms;
        else
            b->handle = 0;
        if (due.kind == REPLY)
            answer_request(host, &due);
        else
            ((zooid_plugin_timer_fn *)due.function)(due.context);
    }
    host->now_ms = until_ms;
}

static zooid_handle command(zooid_host *host, const struct zooid_plugin_command *offer, zooid_plugin_command_fn *run,
                            void *context)
{
    struct begun *b = begin(host, COMMAND, 0, (void (*)(void))run, context);
    (void)snprintf(b->path, sizeof b->path, "%s", offer->name);
    return b->handle;
}

static bool answer(zooid_host *host, zooid_handle invocation, int code, const char *json)
{
    (void)invocation;
    (void)snprintf(host->answer, sizeof host->answer, "%d %s", code, json);
    return true;
}

const char *fake_host_command(zooid_host *host, const char *name, const char *arguments)
{
    host->answer[0] = '\0';
    for (size_t i = 0; i < HANDLES_MAX; i++) {
        const struct begun *b = &host->begun[i];
        if (b->handle != 0 && b->kind == COMMAND && strcmp(b->path, name) == 0)
            ((zooid_plugin_command_fn *)b->function)(b->context, 7, arguments, strlen(arguments), "uid:1");
    }
    fake_host_advance(host, 0);
    return host->answer;
}

/* -- all of it --------------------------------------------------------------------------------------------------------
 */

const struct zooid_host_api *fake_host_api(void)
{
    static const struct zooid_host_api api = {
        .abi = ZOOID_PLUGIN_ABI,
        .size = sizeof api,
        .settings = settings,
        .log = log_line,
        .ready = ready,
        .status = status,
        .fail = fail,
        .now_ms = now_ms,
        .cancel = cancel,
        .request = request,
        .subscribe = subscribe,
        .timer = timer,
        .command = command,
        .answer = answer,
    };
    return &api;
}

zooid_host *fake_host_new(void)
{
    zooid_host *host = calloc(1, sizeof *host);
    if (host == NULL)
        abort();
    host->settings = "{}";
    return host;
}

void fake_host_settings(zooid_host *host, const char *json)
{
    host->settings = json;
}

void fake_host_free(zooid_host *host)
{
    free(host);
}
