/* definition.c - see definition.h */
#include "plugins/health/definition.h"

#include "plugins/health/text.h"
#include "plugins/health/type.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ID_MAX = 128, DAY_MS = 24 * 60 * 60 * 1000 };

#define AT(member) offsetof(struct definition, member)

static const struct field common_rows[] = {
    {.key = "id", .kind = FIELD_TEXT, .required = true, .offset = AT(id), .min = 1, .max = ID_MAX},
    {.key = "type", .kind = FIELD_OTHER}, /* it says which further keys there are, and is read first */
    {.key = "name", .kind = FIELD_TEXT, .offset = AT(name), .min = 1, .max = 256},
    {.key = "service", .kind = FIELD_TEXT, .offset = AT(service), .min = 1, .max = 256},
    {.key = "interval_ms", .kind = FIELD_NUMBER, .offset = AT(interval_ms), .min = 1, .max = DAY_MS},
    {.key = "timeout_ms", .kind = FIELD_NUMBER, .offset = AT(timeout_ms), .min = 1, .max = DAY_MS},
    {.key = "slow_ms", .kind = FIELD_NUMBER, .offset = AT(slow_ms), .min = 0, .max = DAY_MS},
    {.key = "rise", .kind = FIELD_NUMBER, .offset = AT(thresholds.rise), .min = 1, .max = 1000},
    {.key = "fall", .kind = FIELD_NUMBER, .offset = AT(thresholds.fall), .min = 1, .max = 1000},
    {.key = "warn_after", .kind = FIELD_NUMBER, .offset = AT(thresholds.warn_after), .min = 0, .max = 1000},
    {.key = "initial", .kind = FIELD_CHOICE, .offset = AT(initial), .words = check_status_words},
    {.key = "output_max", .kind = FIELD_NUMBER, .offset = AT(output_max), .min = 0, .max = 1 << 20},
};
static const struct field_table common = {common_rows, sizeof common_rows / sizeof *common_rows};

bool definition_id_valid(const char *id)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:@-";
    size_t length = strlen(id);
    return length > 0 && length <= ID_MAX && strspn(id, allowed) == length && strcmp(id, ".") != 0 &&
           strcmp(id, "..") != 0;
}

static const struct check_type *read_type(const json_t *object, struct complaint *complaint)
{
    const char *name = json_string_value(json_object_get(object, "type"));
    const struct check_type *type = name == NULL ? NULL : type_find(name);
    if (type != NULL)
        return type;
    char names[128] = "";
    for (size_t i = 0; type_at(i) != NULL; i++) {
        size_t used = strlen(names);
        (void)snprintf(names + used, sizeof names - used, "%s%s", i > 0 ? ", " : "", type_at(i)->name);
    }
    (void)complain(complaint, "type", "must be one of %s", names);
    return NULL;
}

static void preset(struct definition *definition, const struct definition_limits *limits)
{
    definition->interval_ms = limits->interval_ms;
    definition->timeout_ms = 0;
    definition->thresholds = (struct thresholds){.rise = 1, .fall = 1};
    definition->initial = CHECK_CRITICAL;
    definition->output_max = limits->output_max;
    if (definition->type->preset != NULL)
        definition->type->preset(definition);
}

/* What no single key is wrong in. */
static bool judge(struct definition *definition, const struct definition_limits *limits, struct complaint *complaint)
{
    if (!definition_id_valid(definition->id))
        return complain(complaint, "id", "may have letters, digits and . _ : @ - only");
    if (definition->interval_ms < limits->interval_min_ms)
        return complain(complaint, "interval_ms", "must be at least interval_min_ms, %lld",
                        (long long)limits->interval_min_ms);
    if (definition->output_max > limits->output_max)
        return complain(complaint, "output_max", "must be at most the plugin's output_max, %lld",
                        (long long)limits->output_max);
    if (definition->timeout_ms == 0)
        definition->timeout_ms = limits->timeout_ms < definition->interval_ms ? limits->timeout_ms
                                                                              : definition->interval_ms;
    if (definition->name == NULL && (definition->name = text_copy(definition->id)) == NULL)
        return complain_no_memory(complaint);
    return definition->type->judge == NULL || definition->type->judge(definition, complaint);
}

struct definition *definition_read(const json_t *object, const struct definition_limits *limits,
                                   struct complaint *complaint)
{
    if (!json_is_object(object)) {
        (void)complain(complaint, "", "must be a group of settings");
        return NULL;
    }
    const struct check_type *type = read_type(object, complaint);
    if (type == NULL)
        return NULL;
    struct definition *definition = calloc(1, sizeof *definition);
    if (definition == NULL) {
        (void)complain_no_memory(complaint);
        return NULL;
    }
    definition->type = type;
    preset(definition, limits);
    const struct field_table tables[] = {common, type->fields};
    bool good = fields_read(tables, 2, object, definition, complaint) && judge(definition, limits, complaint);
    if (good && (definition->source = json_deep_copy(object)) == NULL)
        good = complain_no_memory(complaint);
    if (good)
        return definition;
    definition_free(definition);
    return NULL;
}

void definition_free(struct definition *definition)
{
    if (definition == NULL)
        return;
    fields_free(&definition->type->fields, definition);
    fields_free(&common, definition);
    json_decref(definition->source);
    free(definition);
}

static bool texts_equal(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

bool definition_equal(const struct definition *a, const struct definition *b)
{
    return json_equal(a->source, b->source) && texts_equal(a->service, b->service) && texts_equal(a->id, b->id);
}
