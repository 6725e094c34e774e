/* provider.c - the provider `plugins`: what runs, and how to have it otherwise. */
#include "plugins/host/supervise/supervise.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* A plugin has no arguments, and there is one supervisor in a process. */
static struct supervisor *the_supervisor;

struct provider {
    const struct zooid_host_api *api;
    zooid_host *host;
};

static struct provider provider;

void provider_of(struct supervisor *s)
{
    the_supervisor = s;
}

static void answer(zooid_handle invocation, json_t *value)
{
    char *text = value == NULL ? NULL : json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    json_decref(value);
    if (text == NULL)
        (void)provider.api->answer(provider.host, invocation, ZOOID_PLUGIN_NO_MEMORY, "out of memory");
    else
        (void)provider.api->answer(provider.host, invocation, ZOOID_PLUGIN_OK, text);
    free(text);
}

static void refuse(zooid_handle invocation, const char *why)
{
    (void)provider.api->answer(provider.host, invocation, ZOOID_PLUGIN_BAD_ARGUMENTS, why);
}

/* -- list -------------------------------------------------------------------------------------------------------------
 */

static json_t *plugin_of(const struct unit *unit, size_t at)
{
    static const char *const states[] = {[PLUGIN_STARTING] = "starting",
                                         [PLUGIN_READY] = "running",
                                         [PLUGIN_REFUSED] = "refused",
                                         [PLUGIN_FAILED] = "failed"};
    const struct process *p = unit->current;
    bool runs = p != NULL && at < p->count && strcmp(p->names[at], unit->names[at]) == 0;
    const char *state = runs && unit->state <= UNIT_RUNNING ? states[p->plugins[at]] : unit_state_name(unit);
    json_t *row = json_pack("{s:s, s:s, s:s, s:I, s:I, s:s}", "name", unit->names[at], "unit", unit->name, "state",
                            state, "restarts", (json_int_t)unit->restarts, "failures", (json_int_t)unit->failures,
                            "last_failure", unit->last_failure);
    if (row == NULL || p == NULL)
        return row;
    if (json_object_set_new(row, "pid", json_integer(p->pid)) != 0 ||
        json_object_set_new(row, "running_ms", json_integer((json_int_t)(supervisor_now_ms() - p->started_ms))) != 0 ||
        json_object_set_new(row, "memory_kb", json_integer((json_int_t)p->memory_kb)) != 0 ||
        json_object_set_new(row, "cpu_percent", json_integer(p->cpu_percent)) != 0 ||
        json_object_set_new(row, "processes", json_integer((json_int_t)p->family.count)) != 0 ||
        json_object_set_new(row, "state_kb", json_integer((json_int_t)(unit->state_size.bytes / 1024))) != 0 ||
        json_object_set_new(row, "state_files", json_integer((json_int_t)unit->state_size.files)) != 0 ||
        json_object_set_new(row, "status", runs ? json_string(p->status[at]) : json_null()) != 0) {
        json_decref(row);
        return NULL;
    }
    return row;
}

static json_t *list_plugins(void)
{
    json_t *list = json_array();
    for (const struct unit *unit = the_supervisor->units; list != NULL && unit != NULL; unit = unit->next)
        for (size_t i = 0; i < unit->count; i++)
            if (json_array_append_new(list, plugin_of(unit, i)) != 0) {
                json_decref(list);
                return NULL;
            }
    return list;
}

static void list(void *context, zooid_handle invocation, const char *arguments, size_t len, const char *caller)
{
    (void)context;
    (void)arguments;
    (void)len;
    (void)caller;
    answer(invocation, list_plugins());
}

/* -- of one plugin ----------------------------------------------------------------------------------------------------
 */

/* {"args": ["NAME"]} or {"args": {"name": "NAME"}}. NULL: there is none, and it has been answered. */
static struct unit *unit_asked_for(zooid_handle invocation, const char *arguments, size_t len)
{
    json_t *request = json_loadb(arguments, len, 0, NULL);
    const json_t *args = json_object_get(request, "args");
    const char *name = json_string_value(json_is_array(args) ? json_array_get(args, 0) : json_object_get(args, "name"));
    struct unit *unit = name == NULL ? NULL : supervisor_unit_of(the_supervisor, name);
    if (unit == NULL)
        refuse(invocation, name == NULL ? "the name of a plugin is expected" : "there is no such plugin");
    json_decref(request);
    return unit;
}

static void restart(void *context, zooid_handle invocation, const char *arguments, size_t len, const char *caller)
{
    struct unit *unit = unit_asked_for(invocation, arguments, len);
    (void)context;
    if (unit == NULL)
        return;
    log_say(unit, ZOOID_PLUGIN_INFO, "restarted by %s", caller);
    unit_replace(unit);
    answer(invocation, json_string("ok"));
}

static void reload_all(void *context, zooid_handle invocation, const char *arguments, size_t len, const char *caller)
{
    char why[WHY_MAX];
    (void)context;
    (void)arguments;
    (void)len;
    (void)caller;
    if (reload(the_supervisor, why))
        answer(invocation, json_string("ok"));
    else
        refuse(invocation, why);
}

static json_t *log_of(const struct log_ring *ring)
{
    json_t *lines = json_array();
    for (size_t i = 0; lines != NULL && ring->lines != NULL && i < ring->cap; i++) {
        const char *line = ring->lines[(ring->next + i) % ring->cap];
        json_t *text = line == NULL ? NULL : json_string(line);
        if (text != NULL && json_array_append_new(lines, text) != 0) {
            json_decref(lines);
            return NULL;
        }
    }
    return lines;
}

static void show_log(void *context, zooid_handle invocation, const char *arguments, size_t len, const char *caller)
{
    const struct unit *unit = unit_asked_for(invocation, arguments, len);
    (void)context;
    (void)caller;
    if (unit != NULL)
        answer(invocation, log_of(&unit->log));
}

/* -- as a plugin ------------------------------------------------------------------------------------------------------
 */

static const struct {
    struct zooid_plugin_command command;
    zooid_plugin_command_fn *run;
} commands[] = {
#define COMMAND(name, help, admin)                             \
    {                                                          \
        sizeof(struct zooid_plugin_command), name, help, admin \
    }
    {COMMAND("list", "every plugin: state, process, restarts, last failure, what it takes, status", false), list},
    {COMMAND("restart", "NAME: a new process takes the place of the plugin's; ends its quarantine", true), restart},
    {COMMAND("reload", "reads the settings again, and replaces what has changed", true), reload_all},
    {COMMAND("log", "NAME: the last lines of its log", true), show_log},
#undef COMMAND
};

static int start(const struct zooid_host_api *api, zooid_host *host, void **state)
{
    *state = NULL;
    provider = (struct provider){api, host};
    for (size_t i = 0; i < COUNT_OF(commands); i++)
        if (api->command(host, &commands[i].command, commands[i].run, NULL) == 0)
            return ZOOID_PLUGIN_REFUSED;
    return ZOOID_PLUGIN_READY;
}

const struct zooid_plugin provider_plugin = {
    .abi = ZOOID_PLUGIN_ABI,
    .size = sizeof(struct zooid_plugin),
    .api_size = sizeof(struct zooid_host_api),
    .name = "plugins",
    .version = ZOOID_VERSION,
    .summary = "the plugins of this host",
    .start = start,
};
