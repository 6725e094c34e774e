/* members_parse.c - text cut into lines, keys and parts. */
#include "core/members/members_internal.h"

#include <stdarg.h>
#include <stdio.h>

enum status members_refuse(struct members_error *error, struct bytes key, const char *format, ...)
{
    va_list args;
    error->line = 0;
    snprintf(error->key, sizeof error->key, "%.*s", key.len < sizeof error->key ? (int)key.len : (int)sizeof error->key,
             key.len > 0 ? (const char *)key.data : "");
    va_start(args, format);
    vsnprintf(error->why, sizeof error->why, format, args);
    va_end(args);
    return ST_BAD_ARGUMENTS;
}

bool members_next_part(struct bytes *rest, char separator, struct bytes *part)
{
    bool bracket = false;
    if (bytes_is_null(*rest))
        return false;
    for (size_t i = 0; i < rest->len; i++) {
        char c = (char)rest->data[i];
        bracket = c == '[' || (bracket && c != ']');
        if (c != separator || bracket)
            continue;
        *part = bytes_make(rest->data, i);
        *rest = bytes_from(*rest, i + 1);
        return true;
    }
    *part = *rest;
    *rest = BYTES_NULL;
    return true;
}

struct bytes members_trim(struct bytes text)
{
    static const char blanks[] = " \t\r\f";
    while (text.len > 0 && memchr(blanks, text.data[0], sizeof blanks - 1) != NULL)
        text = bytes_from(text, 1);
    while (text.len > 0 && memchr(blanks, text.data[text.len - 1], sizeof blanks - 1) != NULL)
        text.len--;
    return text;
}

bool members_parse_number(struct bytes text, int64_t max, int64_t *number)
{
    uint64_t value = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || value > (uint64_t)max / 10)
            return false;
        value = value * 10 + (uint64_t)(text.data[i] - '0');
    }
    *number = (int64_t)value;
    return text.len > 0 && value <= (uint64_t)max;
}

/* A line without its end; `number` counts them. */
struct lines {
    struct bytes rest;
    unsigned flags;
    size_t number;
};

/* The next one that says something; false at the end. */
static bool next_line(struct lines *lines, struct bytes *line)
{
    while (!bytes_is_null(lines->rest)) {
        size_t len = 0;
        while (len < lines->rest.len && lines->rest.data[len] != '\n' &&
               !(lines->rest.data[len] == ',' && (lines->flags & MEMBERS_COMMAS) != 0))
            len++;
        *line = members_trim(bytes_make(lines->rest.data, len));
        lines->rest = len < lines->rest.len ? bytes_from(lines->rest, len + 1) : BYTES_NULL;
        lines->number++;
        if (line->len > 0 && line->data[0] != '#' && line->data[0] != '!')
            return true;
    }
    return false;
}

/* False: there is no '='. */
static bool cut_line(struct bytes line, struct bytes *key, struct bytes *value)
{
    const uint8_t *at = memchr(line.data, '=', line.len);
    size_t len = at == NULL ? line.len : (size_t)(at - line.data);
    *key = members_trim(bytes_make(line.data, len));
    *value = at == NULL ? bytes_from(line, len) : bytes_from(line, len + 1);
    return at != NULL;
}

enum status members_take_lines(struct members_builder *b, struct bytes text, unsigned flags,
                               struct members_error *error)
{
    struct lines lines = {text, flags, 0};
    struct bytes line, key, value;
    enum status st = ST_OK;
    while (st == ST_OK && next_line(&lines, &line)) {
        if (cut_line(line, &key, &value))
            st = members_builder_take(b, key, value, error);
        else
            st = members_refuse(error, key, "is not of the form key=value");
        if (st == ST_BAD_ARGUMENTS)
            error->line = lines.number;
    }
    return st;
}

/* The line of the key that was found guilty when all lines were known. */
static size_t line_of(struct bytes text, unsigned flags, const char *guilty)
{
    struct lines lines = {text, flags, 0};
    struct bytes line, key, value;
    while (next_line(&lines, &line))
        if (cut_line(line, &key, &value) && bytes_equal(key, bytes_of(guilty)))
            return lines.number;
    return 0;
}

enum status members_parse(struct bytes text, unsigned flags, struct members **out, struct members_error *error)
{
    if (text.len > MEMBERS_TEXT_MAX)
        return members_refuse(error, BYTES(""), "the text has %zu bytes, more than %d", text.len, MEMBERS_TEXT_MAX);
    struct members_builder *b = members_builder_new(flags);
    if (b == NULL)
        return ST_NO_MEMORY;
    enum status st = members_take_lines(b, text, flags, error);
    if (st == ST_OK) {
        st = members_builder_finish(b, out, error);
        if (st == ST_BAD_ARGUMENTS)
            error->line = line_of(text, flags, error->key);
    }
    members_builder_free(b);
    return st;
}
