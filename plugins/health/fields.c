/* fields.c - see fields.h */
#include "plugins/health/fields.h"

#include "plugins/health/text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void append_key(struct complaint *complaint, const char *key)
{
    size_t used = strlen(complaint->key);
    (void)snprintf(complaint->key + used, sizeof complaint->key - used, "%s%s", used > 0 && *key != '\0' ? "." : "",
                   key);
}

bool complain(struct complaint *complaint, const char *key, const char *format, ...)
{
    append_key(complaint, key);
    va_list list;
    va_start(list, format);
    (void)vsnprintf(complaint->message, sizeof complaint->message, format, list);
    va_end(list);
    return false;
}

bool complain_no_memory(struct complaint *complaint)
{
    complaint->key[0] = complaint->message[0] = '\0';
    return false;
}

size_t complaint_enter(struct complaint *complaint, const char *key, size_t index)
{
    char step[64];
    size_t mark = strlen(complaint->key);
    (void)snprintf(step, sizeof step, "%.30s%s[%zu]", key, *key != '\0' ? "." : "", index);
    append_key(complaint, step);
    return mark;
}

void complaint_leave(struct complaint *complaint, size_t mark)
{
    complaint->key[mark] = '\0';
}

void texts_free(char **texts)
{
    for (size_t i = 0; texts != NULL && texts[i] != NULL; i++)
        free(texts[i]);
    free(texts);
}

/* ---- one reader for each kind
 * ------------------------------------------------------------------------------------------------ */

/* Text with a zero in it would end early wherever it is used. */
static bool usable_text(const json_t *value)
{
    return json_is_string(value) && strlen(json_string_value(value)) == json_string_length(value);
}

static bool read_text(const struct field *field, const json_t *value, void *place, struct complaint *complaint)
{
    if (!usable_text(value))
        return complain(complaint, field->key, "must be a text");
    size_t length = json_string_length(value);
    if (length < (size_t)field->min)
        return complain(complaint, field->key, "must not be empty");
    if (length > (size_t)field->max)
        return complain(complaint, field->key, "is longer than %" PRId64 " bytes", field->max);
    char **text = place;
    *text = text_copy(json_string_value(value));
    return *text != NULL || complain_no_memory(complaint);
}

static bool read_texts(const struct field *field, const json_t *value, void *place, struct complaint *complaint)
{
    size_t count = json_array_size(value);
    if (!json_is_array(value))
        return complain(complaint, field->key, "must be a list of texts");
    if (count < (size_t)field->min || count > (size_t)field->max)
        return complain(complaint, field->key, "must have %" PRId64 " to %" PRId64 " elements", field->min, field->max);
    char **texts = calloc(count + 1, sizeof *texts);
    *(char ***)place = texts;
    if (texts == NULL)
        return complain_no_memory(complaint);
    for (size_t i = 0; i < count; i++) {
        const json_t *element = json_array_get(value, i);
        if (!usable_text(element)) {
            (void)complaint_enter(complaint, field->key, i);
            return complain(complaint, "", "must be a text");
        }
        texts[i] = text_copy(json_string_value(element));
        if (texts[i] == NULL)
            return complain_no_memory(complaint);
    }
    return true;
}

static bool read_number(const struct field *field, const json_t *value, void *place, struct complaint *complaint)
{
    int64_t number = json_integer_value(value);
    if (!json_is_integer(value))
        return complain(complaint, field->key, "must be a whole number");
    if (number < field->min || number > field->max)
        return complain(complaint, field->key, "must be between %" PRId64 " and %" PRId64, field->min, field->max);
    *(int64_t *)place = number;
    return true;
}

static bool read_switch(const struct field *field, const json_t *value, void *place, struct complaint *complaint)
{
    if (!json_is_boolean(value))
        return complain(complaint, field->key, "must be true or false");
    *(bool *)place = json_is_true(value);
    return true;
}

static bool read_choice(const struct field *field, const json_t *value, void *place, struct complaint *complaint)
{
    char words[128] = "";
    for (int i = 0; field->words[i] != NULL; i++) {
        if (usable_text(value) && strcmp(json_string_value(value), field->words[i]) == 0) {
            *(int *)place = i;
            return true;
        }
        size_t used = strlen(words);
        (void)snprintf(words + used, sizeof words - used, "%s%s", i > 0 ? ", " : "", field->words[i]);
    }
    return complain(complaint, field->key, "must be one of %s", words);
}

static bool read_json(const struct field *field, const json_t *value, void *place, struct complaint *complaint)
{
    (void)field;
    *(json_t **)place = json_deep_copy(value);
    return *(json_t **)place != NULL || complain_no_memory(complaint);
}

static bool read_nothing(const struct field *field, const json_t *value, void *place, struct complaint *complaint)
{
    (void)field, (void)value, (void)place, (void)complaint;
    return true;
}

typedef bool read_fn(const struct field *field, const json_t *value, void *place, struct complaint *complaint);

static read_fn *const readers[] = {
    [FIELD_TEXT] = read_text,     [FIELD_TEXTS] = read_texts,   [FIELD_NUMBER] = read_number,
    [FIELD_SWITCH] = read_switch, [FIELD_CHOICE] = read_choice, [FIELD_JSON] = read_json,
    [FIELD_OTHER] = read_nothing,
};

/* ---- the whole object
 * -------------------------------------------------------------------------------------------------------- */

static bool has_key(const struct field_table *tables, size_t count, const char *key)
{
    for (size_t t = 0; t < count; t++)
        for (size_t i = 0; i < tables[t].count; i++)
            if (strcmp(tables[t].rows[i].key, key) == 0)
                return true;
    return false;
}

static bool read_table(const struct field_table *table, const json_t *object, void *target, struct complaint *complaint)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct field *field = &table->rows[i];
        const json_t *value = json_object_get(object, field->key);
        if (json_is_null(value))
            value = NULL; /* as if it were not there */
        if (value == NULL && field->required)
            return complain(complaint, field->key, "is missing");
        if (value != NULL && !readers[field->kind](field, value, (char *)target + field->offset, complaint))
            return false;
    }
    return true;
}

bool fields_read(const struct field_table *tables, size_t count, const json_t *object, void *target,
                 struct complaint *complaint)
{
    const char *key;
    json_t *value;
    if (!json_is_object(object))
        return complain(complaint, "", "must be a group of settings");
    json_object_foreach((json_t *)object, key,
                        value) if (!has_key(tables, count, key)) return complain(complaint, key, "is not a setting");
    for (size_t t = 0; t < count; t++)
        if (!read_table(&tables[t], object, target, complaint))
            return false;
    return true;
}

void fields_free(const struct field_table *table, void *target)
{
    for (size_t i = 0; i < table->count; i++) {
        void *place = (char *)target + table->rows[i].offset;
        switch (table->rows[i].kind) {
        case FIELD_TEXT: free(*(char **)place); break;
        case FIELD_TEXTS: texts_free(*(char ***)place); break;
        case FIELD_JSON: json_decref(*(json_t **)place); break;
        case FIELD_NUMBER:
        case FIELD_SWITCH:
        case FIELD_CHOICE:
        case FIELD_OTHER: break;
        }
    }
}
