/* settings.c - the plugin's own section of its configuration file. */
#include "plugins/health/health.h"
#include "plugins/health/text.h"

#include <stdlib.h>
#include <string.h>

#define AT(member) offsetof(struct health_settings, member)

enum { HOUR_MS = 60 * 60 * 1000 };

static const struct field rows[] = {
    {.key = "base_path", .kind = FIELD_TEXT, .offset = AT(base_path), .min = 2, .max = 1024},
    {.key = "checks", .kind = FIELD_JSON, .offset = AT(definitions)},
    {.key = "checks_max", .kind = FIELD_NUMBER, .offset = AT(checks_max), .min = 1, .max = 100000},
    {.key = "runs_max", .kind = FIELD_NUMBER, .offset = AT(runs_max), .min = 1, .max = 10000},
    {.key = "output_max", .kind = FIELD_NUMBER, .offset = AT(checks.output_max), .min = 0, .max = 1 << 20},
    {.key = "output_interval_ms", .kind = FIELD_NUMBER, .offset = AT(output_interval_ms), .min = 0, .max = HOUR_MS},
    {.key = "interval_ms", .kind = FIELD_NUMBER, .offset = AT(checks.interval_ms), .min = 1, .max = HOUR_MS},
    {.key = "interval_min_ms", .kind = FIELD_NUMBER, .offset = AT(checks.interval_min_ms), .min = 1, .max = HOUR_MS},
    {.key = "timeout_ms", .kind = FIELD_NUMBER, .offset = AT(checks.timeout_ms), .min = 1, .max = HOUR_MS},
    {.key = "jitter_percent", .kind = FIELD_NUMBER, .offset = AT(jitter_percent), .min = 0, .max = 50},
    {.key = "start_spread_ms", .kind = FIELD_NUMBER, .offset = AT(start_spread_ms), .min = 0, .max = HOUR_MS},
    {.key = "late_ms", .kind = FIELD_NUMBER, .offset = AT(late_ms), .min = 1, .max = HOUR_MS},
    {.key = "save_interval_ms", .kind = FIELD_NUMBER, .offset = AT(save_interval_ms), .min = 1, .max = HOUR_MS},
    {.key = "trusted_users", .kind = FIELD_TEXTS, .offset = AT(trusted_users), .min = 0, .max = 1000},
};
static const struct field_table table = {rows, sizeof rows / sizeof *rows};

static const struct health_settings defaults = {
    .checks = {.interval_ms = 10000, .interval_min_ms = 100, .timeout_ms = 5000, .output_max = 4096},
    .checks_max = 5000,
    .runs_max = 256,
    .output_interval_ms = 10000,
    .save_interval_ms = 1000,
    .jitter_percent = 5,
    .start_spread_ms = 1000,
    .late_ms = 50,
};

static bool judge_users(char **users, struct complaint *complaint)
{
    for (size_t i = 0; users != NULL && users[i] != NULL; i++) {
        if (users[i][0] == '\0' || strlen(users[i]) > 10 || strspn(users[i], "0123456789") != strlen(users[i])) {
            (void)complaint_enter(complaint, "trusted_users", i);
            return complain(complaint, "", "must be the number of a user");
        }
    }
    return true;
}

static bool judge(struct health_settings *settings, struct complaint *complaint)
{
    if (settings->base_path == NULL && (settings->base_path = text_copy("/zooid/checks")) == NULL)
        return complain_no_memory(complaint);
    const char *path = settings->base_path;
    if (path[0] != '/' || path[strlen(path) - 1] == '/' || strstr(path, "//") != NULL)
        return complain(complaint, "base_path", "must be the path of a node");
    if (settings->definitions != NULL && !json_is_array(settings->definitions))
        return complain(complaint, "checks", "must be a list of checks");
    return judge_users(settings->trusted_users, complaint);
}

bool health_settings_read(struct health_settings *settings, const char *json, struct complaint *complaint)
{
    *settings = defaults;
    json_error_t error;
    json_t *object = json_loads(json, JSON_REJECT_DUPLICATES, &error);
    if (object == NULL)
        return complain(complaint, "", "no JSON: %s", error.text);
    bool good = fields_read(&table, 1, object, settings, complaint) && judge(settings, complaint);
    json_decref(object);
    return good;
}

void health_settings_free(struct health_settings *settings)
{
    fields_free(&table, settings);
}
