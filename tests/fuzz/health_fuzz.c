/* health_fuzz.c - any bytes as what the plugin health reads: a definition or its settings, a request, the file of its
 * states. What is taken is written and read again to the same. */
#include "plugins/health/health.h"
#include "plugins/health/record.h"
#include "plugins/health/request.h"
#include "plugins/health/text.h"

#include "core/base/check.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct definition_limits limits = {.interval_ms = 10000,
                                                .interval_min_ms = 100,
                                                .timeout_ms = 5000,
                                                .output_max = 4096};

/* A complaint says what is wrong: there is memory. */
static void check_complaint(const struct complaint *complaint)
{
    CHECK(complaint->message[0] != '\0');
}

static void read_definition(const json_t *json)
{
    struct complaint complaint = {0};
    struct definition *definition = definition_read(json, &limits, &complaint);
    if (definition == NULL) {
        check_complaint(&complaint);
        return;
    }
    CHECK(definition_id_valid(definition->id));
    struct definition *again = definition_read(definition->source, &limits, &complaint);
    CHECK(again != NULL && definition_equal(definition, again));
    definition_free(again);
    definition_free(definition);
}

static void read_settings(const json_t *json)
{
    struct complaint complaint = {0};
    struct health_settings settings;
    char *text = json_dumps(json, JSON_ENCODE_ANY);
    if (text != NULL && !health_settings_read(&settings, text, &complaint))
        check_complaint(&complaint);
    if (text != NULL)
        health_settings_free(&settings);
    free(text);
}

static void read_request(json_t *json)
{
    struct complaint complaint = {0};
    struct definitions list;
    struct health health = {0};
    struct request request = {.health = &health, .root = json, .user = -2};
    if (!request_definitions(&request, &limits, &list, &complaint))
        check_complaint(&complaint);
    definitions_free(&list);
}

static void read_record(const json_t *object, struct check *check)
{
    struct complaint complaint = {0};
    struct record record;
    if (record_read(&record, object, &complaint))
        CHECK(record_restore(&record, check));
    else
        check_complaint(&complaint);
    record_free(&record);
}

/* As it is after it was written and read. */
static void go_round(struct check *check)
{
    struct complaint complaint = {0};
    struct record record;
    struct checks checks = {.rows = &check, .count = 1};
    json_t *file = records_make(&checks, 1000, true);
    CHECK(file != NULL);
    const json_t *object = json_object_get(records_open(file, &complaint), check->definition->id);
    CHECK(record_read(&record, object, &complaint));
    CHECK(record.status == (int)check->state.status && record.recent == check->state.recent);
    CHECK((record.output == NULL) == (check->output == NULL));
    record_free(&record);
    json_decref(file);
}

static void read_records(const json_t *json)
{
    struct complaint complaint = {0};
    const char *id;
    json_t *object;
    json_t *by_id = records_open(json, &complaint);
    if (by_id == NULL) {
        check_complaint(&complaint);
        return;
    }
    json_object_foreach(by_id, id, object)
    {
        json_t *source = json_pack("{s:s, s:s, s:i}", "id", "t", "type", "ttl", "ttl_ms", 5);
        struct check *check = check_new(NULL, definition_read(source, &limits, &complaint), 5);
        CHECK(check != NULL);
        read_record(object, check);
        go_round(check);
        check_free(check);
        json_decref(source);
    }
}

static void clean(const uint8_t *data, size_t size)
{
    size_t max = size > 0 ? data[0] : 0;
    char *text = text_clean(data, size, max);
    CHECK(text != NULL && strlen(text) <= max);
    json_t *json = json_string(text); /* takes UTF-8 only */
    CHECK(json != NULL);
    json_decref(json);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    clean(data, size);
    json_t *json = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
    if (json == NULL)
        return 0;
    read_definition(json);
    read_settings(json);
    read_records(json);
    if (json_is_object(json))
        read_request(json);
    json_decref(json);
    return 0;
}
