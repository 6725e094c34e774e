/* record.c - see record.h */
#include "plugins/health/record.h"

#include "plugins/health/process.h"
#include "plugins/health/text.h"
#include "plugins/health/type.h"

#include <stdlib.h>
#include <unistd.h>

#define AT(member) offsetof(struct record, member)

static const struct field rows[] = {
    {.key = "type", .kind = FIELD_OTHER},
    {.key = "definition", .kind = FIELD_JSON, .offset = AT(definition)},
    {.key = "owner", .kind = FIELD_NUMBER, .offset = AT(owner), .min = -1, .max = UINT32_MAX},
    {.key = "status", .kind = FIELD_CHOICE, .required = true, .offset = AT(status), .words = check_status_words},
    {.key = "output", .kind = FIELD_TEXT, .offset = AT(output), .min = 0, .max = 1 << 22},
    {.key = "since", .kind = FIELD_NUMBER, .offset = AT(since), .min = 0, .max = INT64_MAX},
    {.key = "known", .kind = FIELD_NUMBER, .offset = AT(known), .min = 0, .max = 1},
    {.key = "good", .kind = FIELD_NUMBER, .offset = AT(good), .min = 0, .max = INT64_MAX / 2},
    {.key = "passed", .kind = FIELD_NUMBER, .offset = AT(passed), .min = 0, .max = INT64_MAX / 2},
    {.key = "failed", .kind = FIELD_NUMBER, .offset = AT(failed), .min = 0, .max = INT64_MAX / 2},
    {.key = "runs", .kind = FIELD_NUMBER, .offset = AT(runs), .min = 0, .max = INT64_MAX},
    {.key = "failures", .kind = FIELD_NUMBER, .offset = AT(failures), .min = 0, .max = INT64_MAX},
    {.key = "changes", .kind = FIELD_NUMBER, .offset = AT(changes), .min = 0, .max = INT64_MAX},
    {.key = "recent", .kind = FIELD_NUMBER, .offset = AT(recent), .min = 0, .max = UINT32_MAX},
    {.key = "ttl_left_ms", .kind = FIELD_NUMBER, .offset = AT(ttl_left_ms), .min = -1, .max = INT64_MAX / 2},
};
static const struct field_table table = {rows, sizeof rows / sizeof *rows};

bool record_read(struct record *record, const json_t *object, struct complaint *complaint)
{
    *record = (struct record){.owner = -1, .ttl_left_ms = -1};
    return fields_read(&table, 1, object, record, complaint);
}

void record_free(struct record *record)
{
    fields_free(&table, record);
}

bool record_restore(const struct record *record, struct check *check)
{
    check->state = (struct check_state){
        .status = (enum check_status)record->status,
        .known = record->known != 0,
        .since_ms = (uint64_t)record->since,
        .good = record->good,
        .passed = record->passed,
        .failed = record->failed,
        .runs = (uint64_t)record->runs,
        .failures = (uint64_t)record->failures,
        .changes = (uint64_t)record->changes,
        .recent = (uint32_t)record->recent,
    };
    if (record->output == NULL)
        return true;
    check->output = text_copy(record->output);
    return check->output != NULL;
}

/* ---- what is written
 * ---------------------------------------------------------------------------------------------------------- */

/* Only at a clean end it is known that no heartbeat came since; else its whole time begins again. */
static int64_t ttl_left(const struct check *check, uint64_t now_ms, bool clean)
{
    if (!clean || check->due.place == 0)
        return -1;
    return check->due.due_ms > now_ms ? (int64_t)(check->due.due_ms - now_ms) : 0;
}

static json_t *make_record(const struct check *check, uint64_t now_ms, bool clean)
{
    const struct check_state *state = &check->state;
    json_t *definition = check->from_settings ? NULL : check->definition->source;
    return json_pack("{s:s, s:O?, s:I, s:s, s:s*, s:I, s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "type",
                     check->definition->type->name, "definition", definition, "owner", (json_int_t)check->owner,
                     "status", check_status_words[state->status], "output", check->output, "since",
                     (json_int_t)state->since_ms, "known", state->known ? 1 : 0, "good", (json_int_t)state->good,
                     "passed", (json_int_t)state->passed, "failed", (json_int_t)state->failed, "runs",
                     (json_int_t)state->runs, "failures", (json_int_t)state->failures, "changes",
                     (json_int_t)state->changes, "recent", (json_int_t)state->recent, "ttl_left_ms",
                     (json_int_t)ttl_left(check, now_ms, clean));
}

json_t *records_make(const struct checks *checks, uint64_t now_ms, bool clean)
{
    json_t *by_id = json_object();
    for (size_t i = 0; by_id != NULL && i < checks->count; i++) {
        const struct check *check = checks->rows[i];
        if (json_object_set_new(by_id, check->definition->id, make_record(check, now_ms, clean)) != 0) {
            json_decref(by_id);
            return NULL;
        }
    }
    if (by_id == NULL)
        return NULL;
    return json_pack("{s:i, s:i, s:I, s:b, s:o}", "format", RECORDS_FORMAT, "pid", (int)getpid(), "pid_start",
                     (json_int_t)process_start_time(getpid()), "clean", (int)clean, "checks", by_id);
}

json_t *records_open(const json_t *file, struct complaint *complaint)
{
    const json_t *format = json_object_get(file, "format");
    json_t *by_id = json_object_get(file, "checks");
    if (!json_is_integer(format) || json_integer_value(format) != RECORDS_FORMAT)
        (void)complain(complaint, "format", "must be %d", RECORDS_FORMAT);
    else if (!json_is_object(by_id))
        (void)complain(complaint, "checks", "must be there");
    else
        return by_id;
    return NULL;
}
