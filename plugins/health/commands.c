/* commands.c - what can be asked of the plugin: `zooid plugin health COMMAND ...`. */
#include "plugins/health/health.h"
#include "plugins/health/later.h"
#include "plugins/health/request.h"
#include "plugins/health/text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- what is shown
 * ----------------------------------------------------------------------------------------------------------- */

/* All that there is to know. */
static json_t *show(const struct check *check)
{
    const struct check_state *state = &check->state;
    json_t *shown = check_report(check);
    json_t *more = json_pack(
        "{s:O, s:s, s:I, s:b, s:I, s:I, s:I, s:I, s:I, s:i, s:I, s:I}", "definition", check->definition->source, "from",
        check->from_settings ? "settings" : "command", "owner", (json_int_t)check->owner, "running",
        (int)check->run.active, "runs", (json_int_t)state->runs, "failures", (json_int_t)state->failures, "changes",
        (json_int_t)state->changes, "passed_in_a_row", (json_int_t)state->passed, "failed_in_a_row",
        (json_int_t)state->failed, "changes_in_32", (int)state_flaps(state), "last_run", (json_int_t)check->last_run_ms,
        "duration_ms", (json_int_t)check->last_duration_ms);
    int failed = shown == NULL || more == NULL ? -1 : json_object_update(shown, more);
    json_decref(more);
    if (failed == 0)
        return shown;
    json_decref(shown);
    return NULL;
}

static void run_list(struct health *health, struct request *request)
{
    const char *status = request_text(request, 0, "status");
    json_t *list = json_array();
    bool good = list != NULL;
    for (size_t i = 0; good && i < health->checks.count; i++) {
        const struct check *check = health->checks.rows[i];
        if (status == NULL || strcmp(status, check_status_words[check->state.status]) == 0)
            good = json_array_append_new(list, check_report(check)) == 0;
    }
    request_answer(request, good ? list : NULL);
    if (!good)
        json_decref(list);
}

static void run_show(struct health *health, struct request *request)
{
    const struct check *check = request_check(health, request);
    if (check != NULL)
        request_answer(request, show(check));
}

/* ---- runs and heartbeats
 * ----------------------------------------------------------------------------------------------------- */

void commands_answer_runs(struct check *check)
{
    for (size_t i = 0; i < check->waiting_count; i++) {
        struct request request = {.health = check->health, .invocation = check->waiting[i]};
        request_answer(&request, show(check));
    }
    check->waiting_count = 0;
}

static bool wait_for_run(struct check *check, zooid_handle invocation)
{
    zooid_handle *waiting = realloc(check->waiting, (check->waiting_count + 1) * sizeof *waiting);
    if (waiting == NULL)
        return false;
    check->waiting = waiting;
    waiting[check->waiting_count++] = invocation;
    return true;
}

static void run_run(struct health *health, struct request *request)
{
    struct check *check = request_check(health, request);
    if (check == NULL)
        return;
    if (check->definition->type->by_heartbeat)
        request_refuse(request, ZOOID_PLUGIN_BAD_ARGUMENTS, "check %s is told how it is, by pass, warn and fail",
                       check->definition->id);
    else if (!wait_for_run(check, request->invocation) || !runs_now(check))
        request_answer(request, NULL);
}

static bool may_tell(const struct check *check, int64_t user)
{
    int64_t named = check->definition->ttl.user;
    return user_may_change(check, user) || named == user || (check->owner < 0 && named < 0);
}

static void hear(struct health *health, struct request *request, enum check_status status)
{
    struct check *check = request_check(health, request);
    if (check == NULL)
        return;
    const char *output = request_text(request, 1, "output");
    const struct check_result result = {
        .status = status, .output = output, .output_len = output == NULL ? 0 : strlen(output)};
    if (!check->definition->type->by_heartbeat) {
        request_refuse(request, ZOOID_PLUGIN_BAD_ARGUMENTS, "check %s is of type %s, and runs by itself",
                       check->definition->id, check->definition->type->name);
    } else if (!may_tell(check, request->user)) {
        request_refuse(request, ZOOID_PLUGIN_NO_AUTH, "check %s is another user's", check->definition->id);
    } else {
        check_heard(check, &result);
        request_answer(request, check_report(check));
    }
}

static void run_pass(struct health *health, struct request *request)
{
    hear(health, request, CHECK_PASSING);
}

static void run_warn(struct health *health, struct request *request)
{
    hear(health, request, CHECK_WARNING);
}

static void run_fail(struct health *health, struct request *request)
{
    hear(health, request, CHECK_CRITICAL);
}

/* ---- definitions
 * ------------------------------------------------------------------------------------------------------------- */

static bool belongs_to(const struct check *check, const char *service)
{
    const char *of = check->definition->service;
    return !check->from_settings && of != NULL && strcmp(of, service) == 0;
}

/* Drops the checks of a service that `kept` does not name; NULL: all. Returns how many others' there were. */
static size_t drop_of_service(struct health *health, const char *service, int64_t user, struct definition *const *kept,
                              size_t kept_count, size_t *dropped)
{
    size_t refused = 0;
    for (size_t i = health->checks.count; i-- > 0;) {
        struct check *check = health->checks.rows[i];
        bool goes = belongs_to(check, service);
        for (size_t k = 0; goes && k < kept_count; k++)
            goes = strcmp(kept[k]->id, check->definition->id) != 0;
        if (goes && !user_may_change(check, user)) {
            refused++;
        } else if (goes) {
            drop_check(check);
            ++*dropped;
        }
    }
    return refused;
}

static void run_drop(struct health *health, struct request *request)
{
    const char *service = request_value(request, "service");
    size_t dropped = 0;
    if (service != NULL) {
        if (drop_of_service(health, service, request->user, NULL, 0, &dropped) > 0) {
            request_refuse(request, ZOOID_PLUGIN_NO_AUTH, "service %s has checks of another user", service);
            return;
        }
    } else {
        struct check *check = request_check(health, request);
        if (check == NULL)
            return;
        if (check->from_settings || !user_may_change(check, request->user)) {
            request_refuse(request, ZOOID_PLUGIN_NO_AUTH, "check %s is %s", check->definition->id,
                           check->from_settings ? "in the settings" : "another user's");
            return;
        }
        drop_check(check);
        dropped = 1;
    }
    save_soon(health);
    request_answer(request, json_pack("{s:I}", "dropped", (json_int_t)dropped));
}

static const int codes[] = {
    [DEFINE_OK] = ZOOID_PLUGIN_OK,
    [DEFINE_BAD] = ZOOID_PLUGIN_BAD_ARGUMENTS,
    [DEFINE_FORBIDDEN] = ZOOID_PLUGIN_NO_AUTH,
    [DEFINE_NO_MEMORY] = ZOOID_PLUGIN_NO_MEMORY,
};

static void refuse_definition(struct request *request, enum define_outcome outcome, const struct complaint *complaint)
{
    if (complaint->message[0] == '\0')
        request_answer(request, NULL);
    else
        request_refuse(request, codes[outcome], "%s%s%s", complaint->key, complaint->key[0] != '\0' ? ": " : "",
                       complaint->message);
}

/* All are read before any is taken, so that a mistake in one leaves everything as it was. */
static void run_define(struct health *health, struct request *request)
{
    struct complaint complaint = {0};
    struct definitions list = {0};
    enum define_outcome outcome = DEFINE_BAD;
    size_t taken = 0, dropped = 0;
    if (request_definitions(request, &health->settings.checks, &list, &complaint))
        outcome = DEFINE_OK;
    if (outcome == DEFINE_OK && list.service != NULL)
        (void)drop_of_service(health, list.service, list.user, list.rows, list.count, &dropped);
    for (; outcome == DEFINE_OK && taken < list.count; taken++) {
        struct definition *definition = list.rows[taken];
        list.rows[taken] = NULL;
        outcome = define_check(health, definition, list.user, false, &complaint);
    }
    if (outcome == DEFINE_OK)
        request_answer(request, json_pack("{s:I, s:I}", "defined", (json_int_t)taken, "dropped", (json_int_t)dropped));
    else
        refuse_definition(request, outcome, &complaint);
    definitions_free(&list);
    save_soon(health);
}

/* ---- the table
 * --------------------------------------------------------------------------------------------------------------- */

static const struct row {
    const char *name, *help;
    void (*run)(struct health *health, struct request *request);
    bool shows; /* the state of checks */
} rows[] = {
    {"list", "list [passing|warning|critical]: the checks of this host", run_list, true},
    {"show", "show CHECK: all that is known of a check", run_show, true},
    {"run", "run CHECK: runs a check now, and shows what came of it", run_run, false},
    {"pass", "pass CHECK [OUTPUT]: the heartbeat of a check of type ttl", run_pass, false},
    {"warn", "warn CHECK [OUTPUT]: the same, with a warning", run_warn, false},
    {"fail", "fail CHECK [OUTPUT]: the same, and it is critical", run_fail, false},
    {"define", "define JSON: a check, or a service and its checks, kept over restarts", run_define, false},
    {"drop", "drop CHECK: a check that was defined by a command", run_drop, false},
};

struct command {
    struct health *health;
    const struct row *row;
};

static void on_command(void *context, zooid_handle invocation, const char *arguments, size_t len, const char *caller)
{
    const struct command *command = context;
    struct request request = {.health = command->health, .invocation = invocation};
    bool good = request_open(&request, arguments, len, caller);
    if (good && command->row->shows && later_keep(command->health, &request, command->row->run))
        return;
    if (good)
        command->row->run(command->health, &request);
    request_close(&request);
}

bool commands_offer(struct health *health)
{
    size_t count = sizeof rows / sizeof *rows;
    health->commands = calloc(count, sizeof *health->commands);
    bool good = health->commands != NULL;
    for (size_t i = 0; good && i < count; i++) {
        const struct zooid_plugin_command offered = {
            .size = sizeof offered, .name = rows[i].name, .help = rows[i].help};
        health->commands[i] = (struct command){health, &rows[i]};
        good = health->api->command(health->host, &offered, on_command, &health->commands[i]) != 0;
    }
    return good;
}
