/* probe.c - a plugin that tries each function of its host once, and logs what comes of it. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zooid_plugin.h>

static const struct zooid_host_api *api;
static zooid_host *self;
static int ends[2];
static zooid_handle watched, timer, cancelled_timer, node, slow;
static int ticks;

/* "/probe/a" below a node of this instance's own. */
static const char *at(const char *path)
{
    static char names[16][256];
    static unsigned next;
    char *name = names[next++ % 16];
    snprintf(name, sizeof names[0], "/%s%s", api->instance(self), path + strlen("/probe"));
    return name;
}

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void say(const char *format, ...)
{
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    api->log(self, ZOOID_PLUGIN_INFO, line);
}

static const char *const kinds[] = {"persistent", "ephemeral", "container", "ttl"};

static void replied(void *context, const struct zooid_plugin_reply *reply)
{
    say("%s: code %d, %zu nodes%s%s", (const char *)context, reply->code, reply->node_count,
        reply->code == 0 ? "" : ", ", reply->code == 0 ? "" : reply->message);
    for (size_t i = 0; i < reply->node_count; i++)
        say("%s: node %s '%.*s' code %d %s", (const char *)context, reply->nodes[i].path, (int)reply->nodes[i].len,
            reply->nodes[i].data == NULL ? "" : (const char *)reply->nodes[i].data, reply->nodes[i].code,
            kinds[reply->node_kinds[i]]);
}

#define REQUEST(...)                                                                   \
    (struct zooid_plugin_request)                                                      \
    {                                                                                  \
        .size = sizeof(struct zooid_plugin_request), .deadline_ms = 20000, __VA_ARGS__ \
    }

static void ask(const char *name, struct zooid_plugin_request request)
{
    if (api->request(self, &request, replied, (void *)name) == 0)
        say("%s: not taken", name);
}

static void changed(void *context, const struct zooid_plugin_change *change)
{
    static const char *const names[] = {"created", "deleted",   "changed", "acl",  "present",
                                        "reset",   "caught up", "txn end", "ended"};
    (void)context;
    say("subscription: %s %s code %d %s", names[change->kind], change->node.path == NULL ? "" : change->node.path,
        change->code, kinds[change->node_kind]);
}

static void held(void *context, enum zooid_plugin_hold event, uint64_t number, const char *message)
{
    static const char *const names[] = {"held", "lost", "failed"};
    say("%s: %s%s%s%s", (const char *)context, names[event], number > 0 ? " with a token" : "",
        message == NULL ? "" : ", ", message == NULL ? "" : message);
}

static void session(void *context, enum zooid_plugin_session state)
{
    (void)context;
    say("session: %d", (int)state);
}

static void never(void *context)
{
    (void)context;
    say("this must not happen");
}

static void tick(void *context)
{
    (void)context;
    if (++ticks == 3) {
        api->cancel(self, timer);
        say("timer: three times");
        (void)!write(ends[1], "x", 1);
    }
}

static void readable(void *context, unsigned ready)
{
    char byte;
    (void)context;
    say("descriptor: ready %u, read %zd", ready, read(ends[0], &byte, 1));
    api->cancel(self, watched);
    close(ends[0]);
    close(ends[1]);
}

static void ended(void *context, const struct zooid_plugin_child_end *end)
{
    say("%s: status %d signal %d timed out %d cut %d output '%.*s' error '%.*s'%s", (const char *)context, end->status,
        end->signal, end->timed_out, end->output_cut, (int)end->output_len, (const char *)end->output,
        (int)end->error_len, (const char *)end->error, end->failure == NULL ? "" : ", failed");
}

static void run(const char *name, const char *script, uint32_t timeout_ms, uint32_t term_ms, uint32_t output_max)
{
    const char *const argv[] = {"/bin/sh", "-c", script, NULL};
    const struct zooid_plugin_child child = {.size = sizeof child,
                                             .argv = argv,
                                             .input = "given",
                                             .input_len = 5,
                                             .timeout_ms = timeout_ms,
                                             .term_ms = term_ms,
                                             .output_max = output_max,
                                             .uid = -1,
                                             .gid = -1};
    zooid_handle handle = api->child(self, &child, ended, (void *)name);
    if (strcmp(name, "cancelled child") == 0)
        api->cancel(self, handle);
}

static void run_children(void)
{
    static const char *const missing[] = {"/no/such/program", NULL};
    const struct zooid_plugin_child child = {.size = sizeof child, .argv = missing, .uid = -1, .gid = -1};
    run("child", "cat; echo wrong >&2; exit 3", 0, 0, 0);
    run("child that hangs", "sleep 1000 & echo $! >&2; sleep 1000", 200, 0, 0);
    run("child that is asked to end", "trap 'echo ending; exit 0' TERM; while :; do sleep 0.01; done", 300, 250, 0);
    run("child that talks", "yes | head -c 300000", 0, 0, 1000);
    run("child that leaves one behind", "sleep 1000 & echo $!", 0, 0, 0);
    run("cancelled child", "sleep 1000", 0, 0, 0);
    api->child(self, &child, ended, "missing child");
}

static void use_the_tree(void)
{
    const char *const prefixes[] = {at("/probe")};
    api->session(self, session, NULL);
    api->subscribe(self, prefixes, 1, changed, NULL);
    ask("create", REQUEST(.op = ZOOID_PLUGIN_CREATE, .flags = ZOOID_PLUGIN_PARENTS, .path = at("/probe/a/b"),
                          .data = "hello", .len = 5));
    ask("set of none", REQUEST(.op = ZOOID_PLUGIN_SET, .path = "/nowhere"));
    ask("sync", REQUEST(.op = ZOOID_PLUGIN_SYNC, .path = "/"));
    ask("bad flags", REQUEST(.op = ZOOID_PLUGIN_GET, .flags = ZOOID_PLUGIN_SEQUENTIAL, .path = "/"));
    ask("bad path", REQUEST(.op = ZOOID_PLUGIN_GET, .path = "probe"));
    ask("check alone", REQUEST(.op = ZOOID_PLUGIN_CHECK, .path = at("/probe")));
    node = api->ephemeral(self, at("/probe/here"), "first", 5, held, "ephemeral");
    say("ephemeral set: %d", api->ephemeral_set(self, node, "second", 6));
    api->lock(self, at("/probe/lock"), "probe", held, "lock");
}

/* What needs the nodes that others make. */
static void read_the_tree(void *context)
{
    const struct zooid_plugin_request parts[] = {
        REQUEST(.op = ZOOID_PLUGIN_CREATE, .path = at("/probe/a/x"), .data = "1", .len = 1),
        REQUEST(.op = ZOOID_PLUGIN_CHECK, .path = at("/probe/a"), .version = 0),
        REQUEST(.op = ZOOID_PLUGIN_DELETE, .path = at("/probe/a/x"), .version = -1),
    };
    (void)context;
    ask("multi", REQUEST(.op = ZOOID_PLUGIN_MULTI, .parts = parts, .part_count = 3));
    ask("get", REQUEST(.op = ZOOID_PLUGIN_GET, .flags = ZOOID_PLUGIN_LATEST, .path = at("/probe/a/b")));
    ask("exists", REQUEST(.op = ZOOID_PLUGIN_EXISTS, .path = at("/probe/nothing")));
    ask("list", REQUEST(.op = ZOOID_PLUGIN_LIST, .path = at("/probe/a")));
    ask("subtree", REQUEST(.op = ZOOID_PLUGIN_SUBTREE, .path = at("/probe/a")));
    api->cancel(self, cancelled_timer);
    api->ready(self);
}

static void echo(void *context, zooid_handle invocation, const char *arguments, size_t len, const char *caller)
{
    char json[256];
    (void)context;
    snprintf(json, sizeof json, "{\"caller\": \"%s\", \"request\": %.*s}", caller, (int)len, arguments);
    bool first = api->answer(self, invocation, ZOOID_PLUGIN_OK, json);
    say("answered: %d, again: %d", first, api->answer(self, invocation, ZOOID_PLUGIN_OK, json));
}

static void refuse_call(void *context, zooid_handle invocation, const char *arguments, size_t len, const char *caller)
{
    (void)context;
    (void)arguments;
    (void)len;
    (void)caller;
    api->answer(self, invocation, ZOOID_PLUGIN_NO_NODE, "there is nothing");
}

static void called(void *context, const struct zooid_plugin_reply *reply)
{
    (void)context;
    say("call: code %d '%.*s'", reply->code, (int)reply->bytes_len, (const char *)reply->bytes);
}

static void call_itself(void *context)
{
    (void)context;
    api->call(self, api->instance(self), "echo", "{}", 2, 10000, called, NULL);
    api->call(self, "nobody", "echo", "{}", 2, 10000, called, NULL);
}

static void offer_commands(void)
{
    const struct zooid_plugin_command commands[] = {
        {sizeof commands[0], "echo", "answers what it was asked", false},
        {sizeof commands[0], "refuse", "refuses", false},
        {sizeof commands[0], "gone", "is taken back", false},
        {sizeof commands[0], "no name", "is none", false},
    };
    api->command(self, &commands[0], echo, NULL);
    api->command(self, &commands[1], refuse_call, NULL);
    api->cancel(self, api->command(self, &commands[2], echo, NULL));
    say("bad command: %d", api->command(self, &commands[3], echo, NULL) != 0);
    api->timer(self, 800, 0, call_itself, NULL);
}

static int start(const struct zooid_host_api *table, zooid_host *host, void **state)
{
    static const char *const labels[] = {"kind", "a \"b\"", NULL};
    *state = NULL;
    api = table;
    self = host;
    say("instance %s settings %s", api->instance(host), api->settings(host));
    say("state directory %s", api->state_dir(host) == NULL ? "none" : api->state_dir(host));
    if (strstr(api->settings(host), "\"wrong\"") != NULL) {
        api->config_error(host, "checks.[1].wrong", "cannot be");
        return ZOOID_PLUGIN_REFUSED;
    }
    if (strstr(api->settings(host), "\"fails\"") != NULL) {
        api->fail(host, "as it was told");
        return ZOOID_PLUGIN_STARTING;
    }
    zooid_handle metric = api->metric(host, ZOOID_PLUGIN_COUNTER, "tries", "How often", labels);
    api->metric_add(host, metric, 2);
    if (pipe(ends) != 0)
        return ZOOID_PLUGIN_REFUSED;
    watched = api->descriptor(host, ends[0], ZOOID_PLUGIN_READABLE, readable, NULL);
    timer = api->timer(host, 1, 1, tick, NULL);
    cancelled_timer = api->timer(host, 60000, 0, never, NULL);
    slow = api->timer(host, 500, 0, read_the_tree, NULL);
    use_the_tree();
    run_children();
    offer_commands();
    api->status(host, "probing");
    return ZOOID_PLUGIN_STARTING;
}

static void stop(void *state)
{
    (void)state;
    say("stopping");
}

ZOOID_PLUGIN_EXPORT const struct zooid_plugin zooid_plugin = {
    .abi = ZOOID_PLUGIN_ABI,
    .size = sizeof(struct zooid_plugin),
    .api_size = sizeof(struct zooid_host_api),
    .name = "probe",
    .version = "1.0",
    .start = start,
    .stop = stop,
};
