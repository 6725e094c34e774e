/* table.c - any JSON for people: lists of objects as tables, objects as their fields one below the other. */
#include "agent/cli/cli.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS_MAX = 32, LEVELS_MAX = 8, NAME_WIDTH = 20, NAME_LEN = 256 };

struct column {
    const char *name;
    size_t width;
};

static bool is_list_of_objects(const json_t *value)
{
    bool all = json_array_size(value) > 0;
    for (size_t i = 0; all && i < json_array_size(value); i++)
        all = json_is_object(json_array_get(value, i));
    return all;
}

static bool is_nested(const json_t *value)
{
    return json_is_object(value) || json_is_array(value);
}

/* "a,b", when there is nothing in it that has parts itself. NULL: there is, or no memory. */
static char *joined(const json_t *list)
{
    char *text = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&text, &len);
    bool good = to != NULL;
    for (size_t i = 0; good && i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        char *dumped = json_string_value(one) != NULL ? NULL : json_dumps(one, JSON_ENCODE_ANY);
        const char *plain = dumped != NULL ? dumped : json_string_value(one);
        good = !is_nested(one) && plain != NULL && fprintf(to, "%s%s", i == 0 ? "" : ",", plain) >= 0;
        free(dumped);
    }
    if (to != NULL && fclose(to) == 0 && good)
        return text;
    free(text);
    return NULL;
}

/* What one value is in a line. NULL: no memory. */
static char *text_of(const json_t *value)
{
    char *text = json_is_array(value) ? joined(value) : NULL;
    if (text != NULL)
        return text;
    if (value == NULL || json_is_null(value))
        return strdup("-");
    const char *plain = json_string_value(value);
    return plain != NULL ? strdup(plain) : json_dumps(value, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_ENCODE_ANY);
}

/* -- tables -------------------------------------------------------------------------------------------------------- */

/* Its first line. */
static char *cell_of(const json_t *row, const char *name)
{
    char *text = text_of(json_object_get(row, name));
    if (text != NULL)
        text[strcspn(text, "\n")] = '\0';
    return text;
}

static struct column *column_named(struct column *columns, size_t *count, const char *name)
{
    for (size_t i = 0; i < *count; i++)
        if (strcmp(columns[i].name, name) == 0)
            return &columns[i];
    if (*count == COLUMNS_MAX)
        return NULL;
    columns[*count] = (struct column){name, strlen(name)};
    return &columns[(*count)++];
}

/* Whatever any row has, in the order in which it comes. */
static size_t find_columns(const json_t *rows, struct column *columns)
{
    size_t count = 0;
    for (size_t i = 0; i < json_array_size(rows); i++) {
        json_t *row = json_array_get(rows, i), *value;
        const char *name;
        json_object_foreach(row, name, value)
        {
            struct column *column = column_named(columns, &count, name);
            char *cell = column == NULL ? NULL : cell_of(row, name);
            if (cell != NULL && strlen(cell) > column->width)
                column->width = strlen(cell);
            free(cell);
        }
    }
    return count;
}

static void print_row(const struct column *columns, size_t count, const json_t *row)
{
    printf("%s", row == NULL ? paint(stdout, PAINT_HEAD) : "");
    for (size_t i = 0; i < count; i++) {
        char *cell = row == NULL ? strdup(columns[i].name) : cell_of(row, columns[i].name);
        printf(i + 1 < count ? "%-*s  " : "%.*s", i + 1 < count ? (int)columns[i].width : INT32_MAX,
               cell == NULL ? "?" : cell);
        free(cell);
    }
    printf("%s\n", row == NULL ? paint(stdout, PAINT_NONE) : "");
}

static void print_rows(const json_t *rows)
{
    struct column columns[COLUMNS_MAX];
    size_t count = find_columns(rows, columns);
    print_row(columns, count, NULL);
    for (size_t i = 0; i < json_array_size(rows); i++)
        print_row(columns, count, json_array_get(rows, i));
}

/* -- objects ------------------------------------------------------------------------------------------------------- */

static void print_line(const char *name, const json_t *value)
{
    char *text = text_of(value);
    printf("%-*s  %s\n", NAME_WIDTH, name, text == NULL ? "?" : text);
    free(text);
}

/* Fields of what lies within are named after both. Tables come last. */
static void print_fields(json_t *object, const char *before, unsigned level)
{
    const char *name;
    json_t *value;
    char full[NAME_LEN];
    json_object_foreach(object, name, value)
    {
        (void)snprintf(full, sizeof full, "%s%s%s", before, before[0] == '\0' ? "" : ".", name);
        if (json_object_size(value) > 0 && level < LEVELS_MAX)
            print_fields(value, full, level + 1);
        else if (!is_list_of_objects(value))
            print_line(full, value);
    }
    json_object_foreach(object, name, value)
    {
        if (!is_list_of_objects(value))
            continue;
        printf("\n%s%s%s:\n", before, before[0] == '\0' ? "" : ".", name);
        print_rows(value);
    }
}

static void print_plain(const json_t *value)
{
    char *text = json_is_null(value) ? strdup("null") : text_of(value);
    size_t len = text == NULL ? 0 : strlen(text);
    printf(len > 0 && text[len - 1] == '\n' ? "%s" : "%s\n", text == NULL ? "?" : text);
    free(text);
}

void print_for_people(struct json_t *value)
{
    if (is_list_of_objects(value)) {
        print_rows(value);
    } else if (json_is_object(value)) {
        print_fields(value, "", 0);
    } else if (json_is_array(value)) {
        for (size_t i = 0; i < json_array_size(value); i++)
            print_plain(json_array_get(value, i));
    } else {
        print_plain(value);
    }
}
