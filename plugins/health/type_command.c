/* type_command.c - asks a command of a plugin, which may be written in Lua: it answers {"status", "output"}, or the
 * status alone. */
#include "plugins/health/health.h"

#include <stdlib.h>
#include <string.h>

#define AT(member) offsetof(struct definition, command.member)

static const struct field rows[] = {
    {.key = "provider", .kind = FIELD_TEXT, .required = true, .offset = AT(provider), .min = 1, .max = 256},
    {.key = "command", .kind = FIELD_TEXT, .required = true, .offset = AT(command), .min = 1, .max = 256},
    {.key = "args", .kind = FIELD_JSON, .offset = AT(args)},
};

static bool judge(struct definition *definition, struct complaint *complaint)
{
    const json_t *args = definition->command.args;
    bool usable = args == NULL || json_is_array(args) || json_is_object(args);
    return usable || complain(complaint, "args", "must be a list or a group");
}

static bool find_status(const char *word, enum check_status *status)
{
    for (int i = 0; word != NULL && check_status_words[i] != NULL; i++) {
        if (strcmp(word, check_status_words[i]) == 0) {
            *status = (enum check_status)i;
            return true;
        }
    }
    return false;
}

static void tell_answer(struct check *check, const json_t *answer)
{
    const json_t *output = json_object_get(answer, "output");
    const char *word = json_string_value(json_is_string(answer) ? answer : json_object_get(answer, "status"));
    struct check_result result = {.output = json_string_value(output), .output_len = json_string_length(output)};
    if (find_status(word, &result.status))
        run_end(check, &result);
    else
        run_end_text(check, CHECK_CRITICAL, "the answer of %s has no status passing, warning or critical",
                     check->definition->command.provider);
}

static void on_reply(void *context, const struct zooid_plugin_reply *reply)
{
    struct check *check = context;
    check->run.handle = 0;
    if (reply->code != ZOOID_PLUGIN_OK) {
        run_end_text(check, CHECK_CRITICAL, "%s", reply->message != NULL ? reply->message : "the call failed");
        return;
    }
    json_t *answer = json_loadb(reply->bytes, reply->bytes_len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    tell_answer(check, answer);
    json_decref(answer);
}

static bool start(struct check *check)
{
    const struct health *health = check->health;
    const struct command_definition *command = &check->definition->command;
    json_t *request = json_pack("{s:o}", "args", command->args == NULL ? json_array() : json_incref(command->args));
    char *bytes = request == NULL ? NULL : json_dumps(request, JSON_COMPACT);
    json_decref(request);
    if (bytes == NULL)
        return false;
    check->run.handle = health->api->call(health->host, command->provider, command->command, bytes, strlen(bytes),
                                          (uint32_t)check->definition->timeout_ms, on_reply, check);
    free(bytes);
    return check->run.handle != 0;
}

const struct check_type type_command = {
    .name = "command",
    .fields = {rows, sizeof rows / sizeof *rows},
    .trusted = true,
    .judge = judge,
    .start = start,
    .cancel = run_cancel_handle,
};
