/* properties.c - reader of Java property files: natural lines to logical lines, escapes, key and value. */
#include "agent/settings/properties.h"

#include <stdint.h>
#include <string.h>

#define BYTE_ORDER_MARK "\xef\xbb\xbf"

enum { END_OF_LINE = -1 };

struct taken {
    int byte;     /* or END_OF_LINE */
    bool escaped; /* stood behind a backslash: separates nothing, begins no comment */
};

size_t properties_memory(size_t size)
{
    /* The shortest property is one byte and a line end, and becomes one byte and two terminators. */
    return 2 * size + 2;
}

void properties_open(struct properties *p, const char *text, size_t size, char *memory)
{
    *p = (struct properties){.text = text, .at = text, .end = text + size, .line = 1, .to = memory};
    if (size >= strlen(BYTE_ORDER_MARK) && memcmp(text, BYTE_ORDER_MARK, strlen(BYTE_ORDER_MARK)) == 0)
        p->at += strlen(BYTE_ORDER_MARK);
}

static bool is_blank(int c)
{
    return c == ' ' || c == '\t' || c == '\f';
}

static bool is_line_end(int c)
{
    return c == '\n' || c == '\r';
}

/* At a line end: behind it, with \r\n as one. */
static void skip_line_end(struct properties *p)
{
    if (*p->at == '\r' && p->end - p->at > 1 && p->at[1] == '\n')
        p->at++;
    p->at++;
    p->line++;
}

static void skip_blanks(struct properties *p)
{
    while (p->at < p->end && is_blank(*p->at))
        p->at++;
}

static void skip_natural_line(struct properties *p)
{
    while (p->at < p->end && !is_line_end(*p->at))
        p->at++;
}

/* At a backslash that continues a line: before anything of a property it continues nothing. */
static bool at_continuation(const struct properties *p)
{
    return *p->at == '\\' && (p->end - p->at == 1 || is_line_end(p->at[1]));
}

/* To the first byte of a property, over empty lines and comments. False: there is none. */
static bool skip_to_property(struct properties *p)
{
    for (;;) {
        skip_blanks(p);
        if (p->at == p->end)
            return false;
        if (*p->at == '#' || *p->at == '!')
            skip_natural_line(p);
        else if (is_line_end(*p->at))
            skip_line_end(p);
        else if (at_continuation(p))
            p->at++;
        else
            return true;
    }
}

static void put(struct properties *p, int byte)
{
    *p->to++ = (char)byte;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Four hexadecimal digits; -1: they are not there. */
static int32_t take_code_unit(struct properties *p)
{
    int32_t unit = 0;
    for (int i = 0; i < 4; i++) {
        int digit = p->at < p->end ? hex_digit(*p->at) : -1;
        if (digit < 0)
            return -1;
        unit = unit * 16 + digit;
        p->at++;
    }
    return unit;
}

static void put_utf8(struct properties *p, uint32_t point)
{
    if (point < 0x80) {
        put(p, (int)point);
    } else if (point < 0x800) {
        put(p, (int)(0xc0 | point >> 6));
        put(p, (int)(0x80 | (point & 0x3f)));
    } else if (point < 0x10000) {
        put(p, (int)(0xe0 | point >> 12));
        put(p, (int)(0x80 | (point >> 6 & 0x3f)));
        put(p, (int)(0x80 | (point & 0x3f)));
    } else {
        put(p, (int)(0xf0 | point >> 18));
        put(p, (int)(0x80 | (point >> 12 & 0x3f)));
        put(p, (int)(0x80 | (point >> 6 & 0x3f)));
        put(p, (int)(0x80 | (point & 0x3f)));
    }
}

/* Behind "\u": puts the character, for a surrogate pair both halves. NULL, or why not. */
static const char *take_unicode(struct properties *p)
{
    int32_t unit = take_code_unit(p);
    if (unit < 0)
        return "\\u needs four hexadecimal digits";
    if (unit == 0)
        return "a value cannot hold \\u0000";
    uint32_t point = (uint32_t)unit;
    if (unit >= 0xd800 && unit <= 0xdfff) {
        bool pair = unit <= 0xdbff && p->end - p->at >= 6 && p->at[0] == '\\' && p->at[1] == 'u';
        int32_t low = -1;
        if (pair) {
            p->at += 2;
            low = take_code_unit(p);
        }
        if (low < 0xdc00 || low > 0xdfff)
            return "\\u names half of a surrogate pair";
        point = 0x10000 + ((uint32_t)(unit - 0xd800) << 10) + (uint32_t)(low - 0xdc00);
    }
    put_utf8(p, point);
    return NULL;
}

/* What stands behind a backslash, other than u. */
static int escaped_byte(char c)
{
    static const char names[] = "tnrf", bytes[] = "\t\n\r\f";
    const char *found = memchr(names, c, sizeof(names) - 1);
    return found != NULL ? bytes[found - names] : (unsigned char)c;
}

/* The next byte of the logical line, continuations joined. Of an escape only the backslash is consumed. */
static struct taken take(struct properties *p)
{
    while (p->at < p->end) {
        if (is_line_end(*p->at)) {
            skip_line_end(p);
            return (struct taken){END_OF_LINE, false};
        }
        if (*p->at != '\\')
            return (struct taken){(unsigned char)*p->at++, false};
        p->at++;
        if (p->at == p->end)
            break;
        if (!is_line_end(*p->at))
            return (struct taken){'\\', true};
        skip_line_end(p);
        skip_blanks(p);
    }
    return (struct taken){END_OF_LINE, false};
}

/* Puts what was taken; of an escape, what it stands for. NULL, or why it is malformed. */
static const char *put_taken(struct properties *p, struct taken taken)
{
    if (taken.byte == 0)
        return "the line holds a NUL byte";
    if (!taken.escaped) {
        put(p, taken.byte);
        return NULL;
    }
    char c = *p->at++;
    if (c == 'u')
        return take_unicode(p);
    if (c == 0)
        return "the line holds a NUL byte";
    put(p, escaped_byte(c));
    return NULL;
}

/* From behind the key to the first byte of the value: blanks, at most one = or :, blanks. */
static struct taken skip_separator(struct properties *p, struct taken taken)
{
    bool sign = false;
    while (taken.byte != END_OF_LINE && !taken.escaped) {
        bool is_sign = taken.byte == '=' || taken.byte == ':';
        if (!is_blank(taken.byte) && (!is_sign || sign))
            break;
        sign |= is_sign;
        taken = take(p);
    }
    return taken;
}

static const char *take_key(struct properties *p, struct taken *taken)
{
    for (; taken->byte != END_OF_LINE; *taken = take(p)) {
        if (!taken->escaped && (is_blank(taken->byte) || taken->byte == '=' || taken->byte == ':'))
            return NULL;
        const char *error = put_taken(p, *taken);
        if (error != NULL)
            return error;
    }
    return NULL;
}

static const char *take_value(struct properties *p, struct taken taken)
{
    for (; taken.byte != END_OF_LINE; taken = take(p)) {
        const char *error = put_taken(p, taken);
        if (error != NULL)
            return error;
    }
    return NULL;
}

/* Blanks and control characters at the ends go, as ZooKeeper trims every value. */
static char *trimmed(char *value, char *end)
{
    while (end > value && (unsigned char)end[-1] <= ' ')
        end--;
    *end = '\0';
    while ((unsigned char)*value <= ' ' && *value != '\0')
        value++;
    return value;
}

static void skip_logical_line(struct properties *p)
{
    for (struct taken taken = take(p); taken.byte != END_OF_LINE; taken = take(p))
        if (taken.escaped)
            p->at++;
}

static void read_property(struct properties *p, struct property *out)
{
    *out = (struct property){.key = p->to, .line = p->line, .from = (size_t)(p->at - p->text)};
    struct taken taken = take(p);
    out->error = take_key(p, &taken);
    put(p, '\0');
    char *value = p->to;
    if (out->error == NULL)
        out->error = take_value(p, skip_separator(p, taken));
    if (out->error != NULL)
        skip_logical_line(p);
    out->value = trimmed(value, p->to);
    out->to = (size_t)(p->at - p->text);
    put(p, '\0');
}

bool properties_next(struct properties *p, struct property *out)
{
    while (skip_to_property(p)) {
        read_property(p, out);
        if (out->error != NULL || out->key[0] != '\0' || out->value[0] != '\0')
            return true;
    }
    return false;
}
