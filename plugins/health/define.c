/* define.c - checks come, change and go. */
#include "plugins/health/health.h"
#include "plugins/health/numbers.h"
#include "plugins/health/process.h"
#include "plugins/health/record.h"
#include "plugins/health/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool user_trusted(const struct health *health, int64_t user)
{
    char text[24];
    if (user == -1 || user == 0 || user == (int64_t)getuid())
        return true;
    (void)snprintf(text, sizeof text, "%lld", (long long)user);
    for (size_t i = 0; health->settings.trusted_users != NULL && health->settings.trusted_users[i] != NULL; i++)
        if (strcmp(health->settings.trusted_users[i], text) == 0)
            return true;
    return false;
}

bool user_may_change(const struct check *check, int64_t user)
{
    return check->owner == user || user_trusted(check->health, user);
}

/* Which process a number means is settled when it is given. One that is not there can never come: the number of a later
 * one is another's. */
static bool settle_process(struct definition *definition)
{
    struct process_definition *process = &definition->process;
    if (definition->type != &type_process || process->pid == 0 || process->start_time != 0)
        return true;
    process->start_time = process_start_time(process->pid);
    if (process->start_time == 0)
        process->start_time = INT64_MAX;
    return json_object_set_new(definition->source, "start_time", json_integer(process->start_time)) == 0;
}

/* ---- what was known before the restart
 * ---------------------------------------------------------------------------------------- */

static void log_record(const struct health *health, const char *id, const struct complaint *complaint)
{
    char *line = text_format("what was kept of check %s is not used: %s: %s", id, complaint->key, complaint->message);
    if (line != NULL)
        health->api->log(health->host, ZOOID_PLUGIN_WARNING, line);
    free(line);
}

int64_t restore_check(struct check *check)
{
    const struct health *health = check->health;
    const json_t *object = json_object_get(health->records, check->definition->id);
    const char *type = json_string_value(json_object_get(object, "type"));
    struct complaint complaint = {0};
    struct record record;
    if (type == NULL || strcmp(type, check->definition->type->name) != 0)
        return -1;
    int64_t ttl_left_ms = -1;
    if (record_read(&record, object, &complaint) && record_restore(&record, check))
        ttl_left_ms = record.ttl_left_ms;
    else
        log_record(health, check->definition->id, &complaint);
    record_free(&record);
    bool in_time = check->definition->type->by_heartbeat && ttl_left_ms < check->definition->ttl.ttl_ms;
    return in_time ? ttl_left_ms : -1;
}

/* ---- one comes or changes
 * ----------------------------------------------------------------------------------------------------- */

static enum define_outcome out_of_memory(struct complaint *complaint)
{
    (void)complain_no_memory(complaint);
    return DEFINE_NO_MEMORY;
}

static enum define_outcome add(struct health *health, struct definition *definition, int64_t owner, bool from_settings,
                               struct complaint *complaint)
{
    if (health->checks.count >= (size_t)health->settings.checks_max) {
        definition_free(definition);
        (void)complain(complaint, "", "there are %lld checks already, which checks_max allows",
                       (long long)health->settings.checks_max);
        return DEFINE_BAD;
    }
    struct check *check = check_new(health, definition, wall_ms());
    if (check == NULL) {
        definition_free(definition);
        return out_of_memory(complaint);
    }
    check->owner = owner;
    check->from_settings = from_settings;
    check->touched = health->records == NULL; /* else it is an old one */
    int64_t ttl_left_ms = restore_check(check);
    if (!checks_add(&health->checks, check)) {
        check_free(check);
        return out_of_memory(complaint);
    }
    numbers_count(health, check->state.status, 1);
    node_write(check, true);
    if (runs_begin(check, ttl_left_ms))
        return DEFINE_OK;
    drop_check(check);
    return out_of_memory(complaint);
}

/* What is known of it stays, unless it is known in another way now. */
static enum define_outcome replace(struct check *check, struct definition *definition, int64_t owner,
                                   struct complaint *complaint)
{
    struct health *health = check->health;
    enum check_status before = check->state.status;
    runs_leave(check);
    commands_answer_runs(check);
    if (check->definition->type != definition->type) {
        check->state = (struct check_state){.status = (enum check_status)definition->initial, .since_ms = wall_ms()};
        free(check->output);
        check->output = NULL;
        numbers_count(health, before, -1);
        numbers_count(health, check->state.status, 1);
    }
    definition_free(check->definition);
    check->definition = definition;
    check->owner = owner;
    check->touched = health->records == NULL;
    node_write(check, true);
    return runs_begin(check, -1) ? DEFINE_OK : out_of_memory(complaint);
}

static enum define_outcome refuse(struct definition *definition, struct complaint *complaint,
                                  enum define_outcome outcome, const char *key, const char *why)
{
    definition_free(definition);
    (void)complain(complaint, key, "%s", why);
    return outcome;
}

enum define_outcome define_check(struct health *health, struct definition *definition, int64_t owner,
                                 bool from_settings, struct complaint *complaint)
{
    struct check *check = checks_find(&health->checks, definition->id);
    if (!settle_process(definition)) {
        definition_free(definition);
        return out_of_memory(complaint);
    }
    if (definition->type->trusted && !user_trusted(health, owner))
        return refuse(definition, complaint, DEFINE_FORBIDDEN, "type", "is for users whom trusted_users names");
    if (check == NULL)
        return add(health, definition, owner, from_settings, complaint);
    if (check->from_settings || from_settings)
        return refuse(definition, complaint, DEFINE_BAD, "id", "is that of a check in the settings");
    if (!user_may_change(check, owner))
        return refuse(definition, complaint, DEFINE_FORBIDDEN, "id", "is that of another user's check");
    if (definition_equal(check->definition, definition)) {
        check->touched |= health->records == NULL;
        definition_free(definition);
        return DEFINE_OK;
    }
    return replace(check, definition, owner, complaint);
}

void drop_check(struct check *check)
{
    struct health *health = check->health;
    /* Without memory for it, the one of the process before may come back: it can be dropped again. */
    if (health->dropped != NULL)
        (void)json_object_set_new(health->dropped, check->definition->id, json_true());
    runs_leave(check);
    commands_answer_runs(check);
    node_remove(check);
    numbers_count(health, check->state.status, -1);
    checks_remove(&health->checks, check);
    check_free(check);
}

/* ---- all that there were
 * ------------------------------------------------------------------------------------------------------ */

void define_kept(struct health *health, const char *id, const json_t *object)
{
    struct complaint complaint = {0};
    struct record record;
    struct definition *definition = NULL;
    bool good = record_read(&record, object, &complaint);
    if (good && record.definition != NULL)
        definition = definition_read(record.definition, &health->settings.checks, &complaint);
    if (good && record.definition != NULL &&
        (definition == NULL || define_check(health, definition, record.owner, false, &complaint) != DEFINE_OK))
        good = false;
    if (!good)
        log_record(health, id, &complaint);
    record_free(&record);
}

void define_all_kept(struct health *health)
{
    const char *id;
    json_t *object;
    json_object_foreach(health->records, id, object) define_kept(health, id, object);
}

bool define_from_settings(struct health *health, struct complaint *complaint)
{
    json_t *list = health->settings.definitions;
    for (size_t i = 0; i < json_array_size(list); i++) {
        size_t mark = complaint_enter(complaint, "checks", i);
        struct definition *definition = definition_read(json_array_get(list, i), &health->settings.checks, complaint);
        if (definition == NULL || define_check(health, definition, -1, true, complaint) != DEFINE_OK)
            return false;
        complaint_leave(complaint, mark);
    }
    return true;
}
