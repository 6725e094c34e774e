/* settings_value.c - one value: from text into the struct, compared, and back to text. */
#include "agent/settings/settings_internal.h"
#include "core/base/mem.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <strings.h>

static void *field_of(struct settings *settings, const struct setting_row *row)
{
    return (char *)settings + row->offset;
}

static const void *const_field_of(const struct settings *settings, const struct setting_row *row)
{
    return (const char *)settings + row->offset;
}

const char *setting_type_name(enum setting_type type)
{
    return setting_types[type].name;
}

bool setting_type_is_text(enum setting_type type)
{
    return setting_types[type].parse == NULL;
}

/* " a , b,,c " to "a,b,c", in place. */
static void normalise_list(char *text)
{
    char *to = text;
    for (const char *from = text; *from != '\0';) {
        size_t length = strcspn(from, ",");
        const char *end = from + length, *word_end = end;
        bool more = *end == ',';
        while (from < word_end && *from == ' ')
            from++;
        while (word_end > from && word_end[-1] == ' ')
            word_end--;
        if (from < word_end) {
            if (to != text)
                *to++ = ',';
            memmove(to, from, (size_t)(word_end - from));
            to += word_end - from;
        }
        from = end + more;
    }
    *to = '\0';
}

/* "[::1]" to "::1", in place. */
static void strip_brackets(char *text)
{
    size_t length = strlen(text);
    if (length >= 2 && text[0] == '[' && text[length - 1] == ']') {
        memmove(text, text + 1, length - 2);
        text[length - 2] = '\0';
    }
}

static enum status parse_text(const struct setting_row *row, const char *text, struct setting_value *out,
                              const char **why)
{
    for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++) {
        if (*c < ' ' || *c == 0x7f) {
            *why = "holds a control character";
            return ST_BAD_ARGUMENTS;
        }
    }
    out->text = mem_strdup(text);
    if (out->text == NULL)
        return ST_NO_MEMORY;
    if (row->type == TYPE_LIST)
        normalise_list(out->text);
    if (row->type == TYPE_ADDRESS)
        strip_brackets(out->text);
    *why = setting_types[row->type].check_text != NULL ? setting_types[row->type].check_text(out->text) : NULL;
    if (*why == NULL)
        return ST_OK;
    mem_free(out->text);
    out->text = NULL;
    return ST_BAD_ARGUMENTS;
}

/* A size that a value may not have is a mistake of the file; where one side is open the message says only the other. */
static bool within_bounds(const struct setting_row *row, int64_t value, char why[SETTING_WHY_SIZE])
{
    if (value >= row->min && value <= row->max)
        return true;
    const char *gap = row->unit[0] != '\0' ? " " : "";
    if (value < row->min)
        snprintf(why, SETTING_WHY_SIZE, "%" PRId64 " is less than %" PRId64 "%s%s", value, row->min, gap, row->unit);
    else
        snprintf(why, SETTING_WHY_SIZE, "%" PRId64 " is more than %" PRId64 "%s%s", value, row->max, gap, row->unit);
    return false;
}

static bool has_bounds(enum setting_type type)
{
    return !setting_type_is_text(type) && type != TYPE_WORD && type != TYPE_RATIO;
}

enum status setting_parse(const struct setting_row *row, const char *text, struct setting_value *out,
                          char why[SETTING_WHY_SIZE])
{
    *out = (struct setting_value){0};
    const char *reason = NULL;
    enum status st = ST_OK;
    if (setting_type_is_text(row->type))
        st = parse_text(row, text, out, &reason);
    else if (!setting_types[row->type].parse(row, text, out, &reason))
        st = ST_BAD_ARGUMENTS;
    if (st == ST_OK && has_bounds(row->type) && !within_bounds(row, out->number, why))
        return ST_BAD_ARGUMENTS;
    if (st != ST_BAD_ARGUMENTS)
        return st;
    const char *words = row->type == TYPE_WORD ? row->unit : NULL;
    if (row->flags & SETTING_SECRET)
        snprintf(why, SETTING_WHY_SIZE, "the value %s", reason);
    else if (text[0] == '\0')
        snprintf(why, SETTING_WHY_SIZE, "has no value");
    else if (words != NULL)
        snprintf(why, SETTING_WHY_SIZE, "\"%.40s\" is none of %s", text, words + (words[0] == '|'));
    else
        snprintf(why, SETTING_WHY_SIZE, "\"%.80s\" %s", text, reason);
    return ST_BAD_ARGUMENTS;
}

void setting_store(struct settings *settings, const struct setting_row *row, struct setting_value value)
{
    void *field = field_of(settings, row);
    if (setting_type_is_text(row->type)) {
        mem_free(*(char **)field);
        *(char **)field = value.text;
    } else if (row->type == TYPE_RATIO) {
        *(double *)field = value.ratio;
    } else if (row->type == TYPE_BOOL) {
        *(bool *)field = value.number != 0;
    } else if (setting_types[row->type].size == sizeof(int32_t)) {
        *(int32_t *)field = (int32_t)value.number;
    } else {
        *(int64_t *)field = value.number;
    }
}

enum status setting_set_text(char **field, const char *text)
{
    char *copy = mem_strdup(text);
    if (copy == NULL)
        return ST_NO_MEMORY;
    mem_free(*field);
    *field = copy;
    return ST_OK;
}

bool setting_equal(const struct setting_row *row, const struct settings *a, const struct settings *b)
{
    const void *left = const_field_of(a, row), *right = const_field_of(b, row);
    if (setting_type_is_text(row->type))
        return strcmp(*(char *const *)left, *(char *const *)right) == 0;
    return memcmp(left, right, setting_types[row->type].size) == 0;
}

void setting_swap(const struct setting_row *row, struct settings *a, struct settings *b)
{
    unsigned char kept[sizeof(int64_t)];
    size_t size = setting_types[row->type].size;
    memcpy(kept, field_of(a, row), size);
    memcpy(field_of(a, row), field_of(b, row), size);
    memcpy(field_of(b, row), kept, size);
}

void setting_print_value(const struct setting_row *row, const struct settings *settings, FILE *out)
{
    setting_types[row->type].print(row, const_field_of(settings, row), out);
}

bool setting_same_meaning(enum setting_type type, const char *a, const char *b)
{
    if (setting_type_is_text(type) || type == TYPE_WORD)
        return strcasecmp(a, b) == 0;
    struct setting_row row = {.type = type, .min = 0, .max = 1, .unit = ""};
    struct setting_value left = {0}, right = {0};
    const char *why = NULL;
    return setting_types[type].parse(&row, a, &left, &why) && setting_types[type].parse(&row, b, &right, &why) &&
           left.number == right.number && fabs(left.ratio - right.ratio) < 1e-12;
}
