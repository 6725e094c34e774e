/* fake_host.h - a host whose clock stands still until the test moves it, and which does nothing but keep what the
 * plugin asks for: timers, nodes, calls, children, metrics, answers. */
#pragma once

#include "tests/support/test.h"

#include "plugins/include/zooid_plugin.h"

#include <stdlib.h>

extern const struct zooid_plugin zooid_plugin;

enum fake_kind { FAKE_TIMER, FAKE_NODE, FAKE_CALL, FAKE_CHILD, FAKE_DESCRIPTOR, FAKE_METRIC, FAKE_COMMAND };

struct fake_item {
    enum fake_kind kind;
    zooid_handle handle; /* 0: free */
    void *context;
    union {
        zooid_plugin_timer_fn *fire;
        zooid_plugin_reply_fn *reply;
        zooid_plugin_child_fn *end;
        zooid_plugin_descriptor_fn *ready;
        zooid_plugin_command_fn *run;
    };
    uint64_t at_ms;
    char *name; /* of a node, a metric, a command */
    char *data; /* of a node, a call */
    double value;
    int descriptor;
    unsigned writes;
};

struct zooid_host {
    uint64_t now_ms;
    const char *settings, *state_dir, *name;
    struct fake_item *items;
    size_t count;
    zooid_handle last;
    char error_key[256], error[512], failure[256], log[1024], status[256];
    int answer_code;
    char *answer;
    unsigned answers;
    size_t refuse_after; /* so many more things can be begun; 0: any number */
    void *state;
};

static struct fake_item *fake_add(zooid_host *host, enum fake_kind kind, void *context)
{
    if (host->refuse_after > 0 && --host->refuse_after == 0) {
        host->refuse_after = 1;
        return NULL;
    }
    size_t at = 0;
    while (at < host->count && host->items[at].handle != 0)
        at++;
    if (at == host->count) {
        host->count = host->count == 0 ? 64 : host->count * 2;
        host->items = realloc(host->items, host->count * sizeof *host->items);
        assert_non_null(host->items);
        memset(&host->items[at], 0, (host->count - at) * sizeof *host->items);
    }
    zooid_handle handle = ++host->last << 32 | (at + 1);
    host->items[at] = (struct fake_item){.kind = kind, .handle = handle, .context = context};
    return &host->items[at];
}

static struct fake_item *fake_find(zooid_host *host, zooid_handle handle)
{
    size_t at = (uint32_t)handle;
    return at > 0 && at <= host->count && host->items[at - 1].handle == handle ? &host->items[at - 1] : NULL;
}

/* By kind and name; NULL as name: the first one. */
static struct fake_item *fake_named(zooid_host *host, enum fake_kind kind, const char *name)
{
    for (size_t i = 0; i < host->count; i++)
        if (host->items[i].handle != 0 && host->items[i].kind == kind &&
            (name == NULL || strcmp(host->items[i].name, name) == 0))
            return &host->items[i];
    return NULL;
}

static void fake_remove(struct fake_item *item)
{
    free(item->name);
    free(item->data);
    *item = (struct fake_item){0};
}

static void fake_cancel(zooid_host *host, zooid_handle handle)
{
    struct fake_item *item = fake_find(host, handle);
    if (item != NULL)
        fake_remove(item);
}

static char *fake_text(const void *bytes, size_t len)
{
    char *text = calloc(1, len + 1);
    assert_non_null(text);
    if (len > 0)
        memcpy(text, bytes, len);
    return text;
}

/* ---- the table
 * --------------------------------------------------------------------------------------------------------------- */

static const char *fake_instance(zooid_host *host)
{
    (void)host;
    return "health";
}

static const char *fake_host_name(zooid_host *host)
{
    return host->name == NULL ? "here" : host->name;
}

static const char *fake_settings(zooid_host *host)
{
    return host->settings;
}

static const char *fake_state_dir(zooid_host *host)
{
    return host->state_dir;
}

static void fake_config_error(zooid_host *host, const char *key, const char *message)
{
    (void)snprintf(host->error_key, sizeof host->error_key, "%s", key);
    (void)snprintf(host->error, sizeof host->error, "%s", message);
}

static void fake_log(zooid_host *host, enum zooid_plugin_level level, const char *line)
{
    (void)level;
    (void)snprintf(host->log, sizeof host->log, "%s", line);
}

static void fake_ready(zooid_host *host)
{
    (void)host;
}

static void fake_status(zooid_host *host, const char *text)
{
    (void)snprintf(host->status, sizeof host->status, "%s", text);
}

static void fake_fail(zooid_host *host, const char *why)
{
    (void)snprintf(host->failure, sizeof host->failure, "%s", why);
}

static uint64_t fake_now_ms(zooid_host *host)
{
    return host->now_ms;
}

static zooid_handle fake_call(zooid_host *host, const char *provider, const char *command, const void *bytes,
                              size_t len, uint32_t deadline_ms, zooid_plugin_reply_fn *done, void *context)
{
    struct fake_item *item = fake_add(host, FAKE_CALL, context);
    if (item == NULL)
        return 0;
    (void)provider;
    item->name = fake_text(command, strlen(command));
    item->data = fake_text(bytes, len);
    item->at_ms = host->now_ms + deadline_ms;
    item->reply = done;
    return item->handle;
}

static zooid_handle fake_ephemeral(zooid_host *host, const char *path, const void *data, size_t len,
                                   zooid_plugin_hold_fn *held, void *context)
{
    struct fake_item *item = fake_add(host, FAKE_NODE, context);
    if (item == NULL)
        return 0;
    (void)held;
    item->name = fake_text(path, strlen(path));
    item->data = fake_text(data, len);
    item->writes = 1;
    return item->handle;
}

static int fake_ephemeral_set(zooid_host *host, zooid_handle handle, const void *data, size_t len)
{
    struct fake_item *item = fake_find(host, handle);
    assert_non_null(item);
    free(item->data);
    item->data = fake_text(data, len);
    item->writes++;
    return ZOOID_PLUGIN_OK;
}

static zooid_handle fake_timer(zooid_host *host, uint32_t first_ms, uint32_t every_ms, zooid_plugin_timer_fn *fire,
                               void *context)
{
    struct fake_item *item = fake_add(host, FAKE_TIMER, context);
    if (item == NULL)
        return 0;
    assert_int_equal(every_ms, 0);
    item->at_ms = host->now_ms + first_ms;
    item->fire = fire;
    return item->handle;
}

static zooid_handle fake_child(zooid_host *host, const struct zooid_plugin_child *child, zooid_plugin_child_fn *done,
                               void *context)
{
    struct fake_item *item = fake_add(host, FAKE_CHILD, context);
    if (item == NULL)
        return 0;
    item->name = fake_text(child->argv[0], strlen(child->argv[0]));
    item->end = done;
    return item->handle;
}

static zooid_handle fake_descriptor(zooid_host *host, int descriptor, unsigned wanted,
                                    zooid_plugin_descriptor_fn *ready, void *context)
{
    struct fake_item *item = fake_add(host, FAKE_DESCRIPTOR, context);
    if (item == NULL)
        return 0;
    (void)wanted;
    item->descriptor = descriptor;
    item->ready = ready;
    return item->handle;
}

static int fake_descriptor_want(zooid_host *host, zooid_handle handle, unsigned wanted)
{
    (void)wanted;
    assert_non_null(fake_find(host, handle));
    return ZOOID_PLUGIN_OK;
}

static zooid_handle fake_metric(zooid_host *host, enum zooid_plugin_metric kind, const char *name, const char *help,
                                const char *const *labels)
{
    char text[256];
    struct fake_item *item = fake_add(host, FAKE_METRIC, NULL);
    if (item == NULL)
        return 0;
    (void)kind;
    assert_non_null(help);
    (void)snprintf(text, sizeof text, "%s%s%s", name, labels != NULL ? " " : "", labels != NULL ? labels[1] : "");
    item->name = fake_text(text, strlen(text));
    return item->handle;
}

static void fake_metric_set(zooid_host *host, zooid_handle metric, double value)
{
    struct fake_item *item = fake_find(host, metric);
    if (item != NULL)
        item->value = value;
}

static void fake_metric_add(zooid_host *host, zooid_handle metric, double value)
{
    struct fake_item *item = fake_find(host, metric);
    if (item != NULL)
        item->value += value;
}

static zooid_handle fake_command(zooid_host *host, const struct zooid_plugin_command *command,
                                 zooid_plugin_command_fn *run, void *context)
{
    struct fake_item *item = fake_add(host, FAKE_COMMAND, context);
    if (item == NULL)
        return 0;
    item->name = fake_text(command->name, strlen(command->name));
    item->run = run;
    return item->handle;
}

static bool fake_answer(zooid_host *host, zooid_handle invocation, int code, const char *json)
{
    (void)invocation;
    free(host->answer);
    host->answer = fake_text(json, strlen(json));
    host->answer_code = code;
    host->answers++;
    return true;
}

static const struct zooid_host_api fake_api = {
    .abi = ZOOID_PLUGIN_ABI,
    .size = sizeof(struct zooid_host_api),
    .instance = fake_instance,
    .host_name = fake_host_name,
    .settings = fake_settings,
    .config_error = fake_config_error,
    .state_dir = fake_state_dir,
    .log = fake_log,
    .ready = fake_ready,
    .status = fake_status,
    .fail = fake_fail,
    .now_ms = fake_now_ms,
    .cancel = fake_cancel,
    .call = fake_call,
    .ephemeral = fake_ephemeral,
    .ephemeral_set = fake_ephemeral_set,
    .timer = fake_timer,
    .child = fake_child,
    .descriptor = fake_descriptor,
    .descriptor_want = fake_descriptor_want,
    .metric = fake_metric,
    .metric_set = fake_metric_set,
    .metric_add = fake_metric_add,
    .command = fake_command,
    .answer = fake_answer,
};

/* ---- what a test does with it
 * ------------------------------------------------------------------------------------------------ */

static int fake_start(zooid_host *host, const char *settings, const char *state_dir)
{
    host->settings = settings;
    host->state_dir = state_dir;
    if (host->now_ms == 0)
        host->now_ms = 1000000;
    return zooid_plugin.start(&fake_api, host, &host->state);
}

/* Everything that is left is ended, as a host does. */
static void fake_clear(zooid_host *host)
{
    for (size_t i = 0; i < host->count; i++)
        if (host->items[i].handle != 0)
            fake_remove(&host->items[i]);
    free(host->items);
    free(host->answer);
    *host = (zooid_host){.now_ms = host->now_ms};
}

static void fake_stop(zooid_host *host)
{
    zooid_plugin.stop(host->state);
    fake_clear(host);
}

static struct fake_item *fake_next_timer(zooid_host *host)
{
    struct fake_item *next = NULL;
    for (size_t i = 0; i < host->count; i++)
        if (host->items[i].handle != 0 && host->items[i].kind == FAKE_TIMER &&
            (next == NULL || host->items[i].at_ms < next->at_ms))
            next = &host->items[i];
    return next;
}

/* Moves the clock, from one timer to the next. */
__attribute__((unused)) static void fake_run(zooid_host *host, uint64_t for_ms)
{
    uint64_t until = host->now_ms + for_ms;
    struct fake_item *next;
    while ((next = fake_next_timer(host)) != NULL && next->at_ms <= until) {
        struct fake_item fired = *next;
        fake_remove(next);
        if (fired.at_ms > host->now_ms)
            host->now_ms = fired.at_ms;
        fired.fire(fired.context);
    }
    host->now_ms = until;
}

/* `arguments`: the whole JSON. Returns the answer's code. */
__attribute__((unused)) static int fake_ask(zooid_host *host, const char *command, const char *arguments,
                                            const char *caller)
{
    const struct fake_item *item = fake_named(host, FAKE_COMMAND, command);
    assert_non_null(item);
    unsigned before = host->answers;
    host->answer_code = 1;
    item->run(item->context, before + 1, arguments, strlen(arguments), caller);
    return host->answers == before ? 1 : host->answer_code;
}

/* Answers the call that waits longest. */
__attribute__((unused)) static void fake_reply(zooid_host *host, int code, const char *bytes)
{
    struct fake_item *item = fake_named(host, FAKE_CALL, NULL);
    assert_non_null(item);
    const struct zooid_plugin_reply reply = {.size = sizeof reply,
                                             .code = code,
                                             .message = code == ZOOID_PLUGIN_OK ? NULL : bytes,
                                             .bytes = bytes,
                                             .bytes_len = strlen(bytes)};
    struct fake_item answered = *item;
    item->name = item->data = NULL;
    fake_remove(item);
    answered.reply(answered.context, &reply);
    free(answered.name);
    free(answered.data);
}

__attribute__((unused)) static const char *fake_node(zooid_host *host, const char *path)
{
    const struct fake_item *item = fake_named(host, FAKE_NODE, path);
    return item == NULL ? "" : item->data;
}

__attribute__((unused)) static double fake_value(zooid_host *host, const char *metric)
{
    const struct fake_item *item = fake_named(host, FAKE_METRIC, metric);
    assert_non_null(item);
    return item->value;
}
