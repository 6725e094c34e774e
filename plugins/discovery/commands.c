/* commands.c - the table of commands, and what all of them share. */
#include "plugins/discovery/args.h"
#include "plugins/discovery/discovery.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct row {
    const char *name, *help;
    const char *positions[4]; /* the keys of words that have none; see args.h */
    void (*run)(struct call *call);
    bool changes; /* something that is kept */
} rows[] = {
    {"list", "all services, with how many instances are in which state", {NULL}, run_list, false},
    {"show", "SERVICE: all of its instances, and what its guard does", {"service", NULL}, run_show, false},
    {"query",
     "SERVICE [tag=T,...] [meta.KEY=V] [health=warning|any] [host=H] [sort=weight] [limit=N]: good instances",
     {"service", NULL},
     run_query,
     false},
    {"pick", "SERVICE [as query]: one instance, drawn by weight", {"service", NULL}, run_pick, false},
    {"http_sd", "[SERVICE] [as query]: targets for Prometheus", {"service", NULL}, run_http_sd, false},
    {"local", "what this host has registered, and why it is in which state", {NULL}, run_local, false},
    {"register",
     "NAME [id=ID] [address=A] [port=P] [tag=T,...] [meta.KEY=V] [weight=N] [pid=PID] | JSON: a service of this host",
     {"name", NULL},
     run_register,
     true},
    {"deregister", "ID|NAME: takes back what was registered", {"service", NULL}, run_deregister, true},
    {"maint",
     "ID|NAME|@host REASON | ID|NAME|@host off=yes: maintenance of a service, or of this host",
     {"service", "reason+", NULL},
     run_maint,
     true},
};

_Static_assert(sizeof rows / sizeof rows[0] == COMMANDS, "one place for each");

void call_answer(const struct call *call, json_t *json)
{
    const struct discovery *d = call->d;
    char *text = json == NULL ? NULL : json_dumps(json, JSON_COMPACT);
    if (text == NULL)
        (void)d->api->answer(d->host, call->invocation, ZOOID_PLUGIN_NO_MEMORY, "out of memory");
    else
        (void)d->api->answer(d->host, call->invocation, ZOOID_PLUGIN_OK, text);
    free(text);
    json_decref(json);
}

void call_refuse(const struct call *call, int code, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    (void)call->d->api->answer(call->d->host, call->invocation, code, text);
}

void call_problem(const struct call *call, const struct problem *p)
{
    call_refuse(call, ZOOID_PLUGIN_BAD_ARGUMENTS, "%s%s%s", p->key, p->key[0] != '\0' ? ": " : "", p->text);
}

bool call_may_change(const struct call *call, int64_t owner)
{
    return call->uid == 0 || (call->uid >= 0 && (call->uid == owner || call->uid == (int64_t)geteuid()));
}

/* "uid:1000" */
static int64_t uid_of(const char *caller)
{
    char *end;
    if (caller == NULL || strncmp(caller, "uid:", 4) != 0)
        return -1;
    long long uid = strtoll(caller + 4, &end, 10);
    return end == caller + 4 || *end != '\0' ? -1 : uid;
}

void command_run(struct command *command, zooid_handle invocation, const char *arguments, size_t len,
                 const char *caller)
{
    struct problem p;
    json_error_t error;
    struct call call = {.d = command->d, .invocation = invocation, .uid = uid_of(caller)};
    call.args = args_read(arguments, len, command->row->positions, &p);
    call.whole = json_loadb(arguments, len, 0, &error);
    if (call.args == NULL)
        call_problem(&call, &p);
    else
        command->row->run(&call);
    json_decref(call.args);
    json_decref(call.whole);
}

static void run(void *context, zooid_handle invocation, const char *arguments, size_t len, const char *caller)
{
    struct command *command = context;
    const struct call call = {.d = command->d, .invocation = invocation};
    if (command->d->owns || !command->row->changes)
        command_run(command, invocation, arguments, len, caller);
    else if (!takeover_wait(command, invocation, arguments, len, caller))
        call_refuse(&call, ZOOID_PLUGIN_PROVIDER_FAILED, "it waits for the process before it to end");
}

bool commands_start(struct discovery *d)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct zooid_plugin_command command = {
            .size = sizeof command, .name = rows[i].name, .help = rows[i].help};
        d->commands[i] = (struct command){d, &rows[i]};
        if (d->api->command(d->host, &command, run, &d->commands[i]) == 0)
            return false;
    }
    return true;
}
