/* type_script.c - runs a program, without a shell. Its exit code is a Nagios plugin's: 0 passes, 1 is a warning,
 * everything else, a signal and a time-out are failures. At the time-out its whole process group is killed. */
#include "plugins/health/health.h"
#include "plugins/health/text.h"

#include <string.h>

#define AT(member) offsetof(struct definition, script.member)

static const struct field rows[] = {
    {.key = "argv", .kind = FIELD_TEXTS, .required = true, .offset = AT(argv), .min = 1, .max = 256},
    {.key = "env", .kind = FIELD_TEXTS, .offset = AT(env), .min = 0, .max = 256},
    {.key = "directory", .kind = FIELD_TEXT, .offset = AT(directory), .min = 1, .max = 4096},
    {.key = "input", .kind = FIELD_TEXT, .offset = AT(input), .min = 0, .max = 65536},
    {.key = "term_ms", .kind = FIELD_NUMBER, .offset = AT(term_ms), .min = 0, .max = 60000},
};

static bool judge(struct definition *definition, struct complaint *complaint)
{
    const struct script_definition *script = &definition->script;
    if (script->argv[0][0] == '\0')
        return complain(complaint, "argv.[0]", "must be the name of a program");
    for (size_t i = 0; script->env != NULL && script->env[i] != NULL; i++) {
        const char *equals = strchr(script->env[i], '=');
        if (equals == NULL || equals == script->env[i]) {
            (void)complaint_enter(complaint, "env", i);
            return complain(complaint, "", "must be \"NAME=value\"");
        }
    }
    return true;
}

static enum check_status status_of(const struct zooid_plugin_child_end *end)
{
    if (end->timed_out || end->failure != NULL || end->status > 1 || end->status < 0)
        return CHECK_CRITICAL;
    return end->status == 1 ? CHECK_WARNING : CHECK_PASSING;
}

/* Standard output is what such programs tell; what is in their way, as a lacking library, stands in the other. */
static void on_end(void *context, const struct zooid_plugin_child_end *end)
{
    struct check *check = context;
    check->run.handle = 0;
    bool from_output = end->output_len > 0;
    size_t len = from_output ? end->output_len : end->error_len;
    const char *told = len == 0 ? "" : from_output ? end->output : end->error;
    struct check_result result = {.status = status_of(end), .output = told, .output_len = len};
    if (end->failure != NULL)
        run_end_text(check, CHECK_CRITICAL, "cannot be started: %s", end->failure);
    else if (end->timed_out)
        run_end_bytes(check, CHECK_CRITICAL, told, len, "timed out after %lld ms",
                      (long long)check->definition->timeout_ms);
    else if (end->signal != 0)
        run_end_bytes(check, CHECK_CRITICAL, told, len, "ended by signal %d", end->signal);
    else if (len == 0)
        run_end_text(check, result.status, "exit code %d", end->status);
    else
        run_end(check, &result);
}

static bool start(struct check *check)
{
    const struct health *health = check->health;
    const struct definition *definition = check->definition;
    const struct script_definition *script = &definition->script;
    const struct zooid_plugin_child child = {
        .size = sizeof child,
        .argv = (const char *const *)script->argv,
        .env = (const char *const *)script->env,
        .directory = script->directory,
        .input = script->input,
        .input_len = script->input == NULL ? 0 : strlen(script->input),
        .timeout_ms = (uint32_t)definition->timeout_ms,
        .term_ms = (uint32_t)script->term_ms,
        .output_max = definition->output_max > 0 ? (uint32_t)definition->output_max : 1,
        .uid = -1,
        .gid = -1,
    };
    check->run.handle = health->api->child(health->host, &child, on_end, check);
    return check->run.handle != 0;
}

const struct check_type type_script = {
    .name = "script",
    .fields = {rows, sizeof rows / sizeof *rows},
    .trusted = true,
    .judge = judge,
    .start = start,
    .cancel = run_cancel_handle,
};
