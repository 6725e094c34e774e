/* text.c - see text.h */
#include "plugins/health/text.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD */

char *text_copy(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = malloc(size);
    if (copy != NULL)
        memcpy(copy, text, size);
    return copy;
}

char *text_format_list(const char *format, va_list list)
{
    va_list again;
    va_copy(again, list);
    int length = vsnprintf(NULL, 0, format, list);
    char *text = length < 0 ? NULL : malloc((size_t)length + 1);
    if (text != NULL)
        (void)vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}

char *text_format(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    char *text = text_format_list(format, list);
    va_end(list);
    return text;
}

/* The lead bytes of UTF-8, and the least code point that each length may encode. */
static const struct lead {
    uint8_t mask, value;
    uint8_t length;
    uint32_t least;
} leads[] = {
    {0x80, 0x00, 1, 0},
    {0xE0, 0xC0, 2, 0x80},
    {0xF0, 0xE0, 3, 0x800},
    {0xF8, 0xF0, 4, 0x10000},
};

static const struct lead *find_lead(uint8_t byte)
{
    for (size_t i = 0; i < sizeof leads / sizeof *leads; i++)
        if ((byte & leads[i].mask) == leads[i].value)
            return &leads[i];
    return NULL;
}

/* Length of the character at the front; 0: there is no whole and valid one. */
static size_t character_length(const uint8_t *at, size_t left)
{
    const struct lead *lead = find_lead(*at);
    if (lead == NULL || lead->length > left)
        return 0;
    uint32_t code = *at & (uint8_t)~lead->mask;
    for (size_t i = 1; i < lead->length; i++) {
        if ((at[i] & 0xC0) != 0x80)
            return 0;
        code = code << 6 | (at[i] & 0x3F);
    }
    bool valid = code >= lead->least && code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF);
    return valid ? lead->length : 0;
}

/* What is kept of the character at `at`, and its length in `*kept`. Returns how many bytes it stands for. */
static size_t clean_one(const uint8_t *at, size_t left, const char **piece, size_t *kept)
{
    size_t length = character_length(at, left);
    if (length == 0) {
        *piece = REPLACEMENT;
        *kept = sizeof REPLACEMENT - 1;
        return 1;
    }
    bool control = length == 1 && (*at < 0x20 || *at == 0x7F) && *at != '\n' && *at != '\t';
    *piece = control ? " " : (const char *)at;
    *kept = length;
    return length;
}

static size_t without_end_space(const char *text, size_t len)
{
    while (len > 0 && strchr(" \t\n", text[len - 1]) != NULL)
        len--;
    return len;
}

char *text_clean(const void *bytes, size_t len, size_t max)
{
    size_t room = len > max / 3 ? max : len * 3;
    char *out = malloc(room + 1);
    if (out == NULL)
        return NULL;
    const uint8_t *at = bytes;
    size_t used = 0;
    while (len > 0) {
        const char *piece;
        size_t kept;
        size_t step = clean_one(at, len, &piece, &kept);
        if (kept > room - used)
            break;
        memcpy(out + used, piece, kept);
        used += kept;
        at += step;
        len -= step;
    }
    out[without_end_space(out, used)] = '\0';
    return out;
}
