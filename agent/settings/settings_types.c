/* settings_types.c - the types of settings: how each is read from text and printed. */
#include "agent/settings/settings_internal.h"
#include "core/base/check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool parse_bool(const struct setting_row *row, const char *text, struct setting_value *out, const char **why)
{
    static const struct {
        const char *word;
        bool value;
    } words[] = {{"true", true}, {"yes", true}, {"false", false}, {"no", false}};
    (void)row;
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (strcasecmp(text, words[i].word) == 0) {
            out->number = words[i].value;
            return true;
        }
    }
    *why = "is neither true nor false";
    return false;
}

/* Digits of the base from `text` to the end or to the first letter of a suffix, which `rest` then points to. */
static bool parse_digits(const char *text, int base, int64_t *out, const char **rest, const char **why)
{
    bool negative = *text == '-';
    const char *digits = text + (*text == '-' || *text == '+');
    if (base == 10 && digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X')) {
        base = 16;
        digits += 2;
    }
    const char *allowed = base == 8 ? "01234567" : base == 16 ? "0123456789abcdefABCDEF" : "0123456789";
    size_t length = strspn(digits, allowed);
    if (length == 0) {
        *why = "is not a number";
        return false;
    }
    errno = 0;
    char *end = NULL;
    int64_t value = strtoll(digits, &end, base);
    if (errno != 0) {
        *why = "is too large";
        return false;
    }
    *rest = digits + length;
    *out = negative ? -value : value;
    return true;
}

static bool parse_integer(const char *text, int base, int64_t *out, const char **why)
{
    const char *rest = NULL;
    if (!parse_digits(text, base, out, &rest, why))
        return false;
    if (*rest == '\0')
        return true;
    *why = "is not a number";
    return false;
}

static bool parse_number(const struct setting_row *row, const char *text, struct setting_value *out, const char **why)
{
    (void)row;
    return parse_integer(text, 10, &out->number, why);
}

static bool parse_octal(const struct setting_row *row, const char *text, struct setting_value *out, const char **why)
{
    (void)row;
    if (parse_integer(text, 8, &out->number, why))
        return true;
    *why = "is not an octal number";
    return false;
}

static const struct {
    const char *suffix;
    int64_t ms;
} duration_units[] = {{"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};

/* `plain_ms`: what a number without a suffix counts. */
static bool parse_interval(const char *text, int64_t plain_ms, int64_t *out, const char **why)
{
    int64_t count = 0, unit = 0;
    const char *rest = NULL;
    if (!parse_digits(text, 10, &count, &rest, why))
        return false;
    if (*rest == '\0')
        unit = plain_ms;
    for (size_t i = 0; i < ARRAY_LEN(duration_units); i++)
        if (strcasecmp(rest, duration_units[i].suffix) == 0)
            unit = duration_units[i].ms;
    if (unit == 0) {
        *why = "is not a time; the suffixes are ms, s, m, h and d";
        return false;
    }
    if (count > INT64_MAX / unit || count < INT64_MIN / unit) {
        *why = "is too large";
        return false;
    }
    *out = count * unit;
    return true;
}

static bool parse_duration(const struct setting_row *row, const char *text, struct setting_value *out, const char **why)
{
    (void)row;
    return parse_interval(text, 1, &out->number, why);
}

static bool parse_hours(const struct setting_row *row, const char *text, struct setting_value *out, const char **why)
{
    (void)row;
    return parse_interval(text, 3600000, &out->number, why);
}

static bool parse_ratio(const struct setting_row *row, const char *text, struct setting_value *out, const char **why)
{
    char *end = NULL;
    double value = strtod(text, &end);
    if (strspn(text, "+-.0123456789eE") != strlen(text) || end == text || *end != '\0' || !isfinite(value)) {
        *why = "is not a number";
        return false;
    }
    out->ratio = value;
    if (value >= (double)row->min && value <= (double)row->max)
        return true;
    *why = row->min == 0 && row->max == 1 ? "is not between 0 and 1" : "is too small or too large";
    return false;
}

/* The word at `index` of a|b|c; false: there is none. */
static bool word_at(const char *words, int64_t index, const char **word, size_t *length)
{
    for (;; words += *length + 1, index--) {
        *length = strcspn(words, "|");
        *word = words;
        if (index == 0)
            return true;
        if (words[*length] == '\0')
            return false;
    }
}

static bool parse_word(const struct setting_row *row, const char *text, struct setting_value *out, const char **why)
{
    const char *word = NULL;
    size_t length = 0;
    for (int64_t i = 0; word_at(row->unit, i, &word, &length); i++) {
        if (strlen(text) == length && strncasecmp(text, word, length) == 0) {
            out->number = i;
            return true;
        }
    }
    *why = "is none of its words";
    return false;
}

static const char *check_address(const char *text)
{
    struct in6_addr six;
    struct in_addr four;
    char host[256];
    if (strlen(text) >= sizeof host)
        return "is too long for a host name";
    if (strchr(text, ':') != NULL) {
        memcpy(host, text, strlen(text) + 1);
        host[strcspn(host, "%")] = '\0'; /* a scope: fe80::1%eth0 */
        return inet_pton(AF_INET6, host, &six) == 1 ? NULL : "is not an IPv6 address";
    }
    if (strspn(text, "0123456789.") == strlen(text) && *text != '\0')
        return inet_pton(AF_INET, text, &four) == 1 ? NULL : "is not an IPv4 address";
    for (const char *c = text; *c != '\0'; c++) {
        bool letter = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9');
        if (!letter && strchr("-_.", *c) == NULL)
            return "is not a host name or address";
    }
    return NULL;
}

static void print_bool(const struct setting_row *row, const void *field, FILE *out)
{
    (void)row;
    fputs(*(const bool *)field ? "true" : "false", out);
}

static void print_int32(const struct setting_row *row, const void *field, FILE *out)
{
    (void)row;
    fprintf(out, "%" PRId32, *(const int32_t *)field);
}

static void print_int64(const struct setting_row *row, const void *field, FILE *out)
{
    (void)row;
    fprintf(out, "%" PRId64, *(const int64_t *)field);
}

/* With the largest suffix that divides it. */
static void print_duration(const struct setting_row *row, const void *field, FILE *out)
{
    (void)row;
    int64_t ms = *(const int64_t *)field;
    size_t unit = 0;
    while (ms % duration_units[unit].ms != 0)
        unit++;
    fprintf(out, "%" PRId64 "%s", ms / duration_units[unit].ms, ms == 0 ? "" : duration_units[unit].suffix);
}

static void print_octal(const struct setting_row *row, const void *field, FILE *out)
{
    (void)row;
    fprintf(out, "0%" PRIo32, *(const uint32_t *)field);
}

static void print_ratio(const struct setting_row *row, const void *field, FILE *out)
{
    (void)row;
    fprintf(out, "%.17g", *(const double *)field);
}

static void print_word(const struct setting_row *row, const void *field, FILE *out)
{
    const char *word = "";
    size_t length = 0;
    if (word_at(row->unit, *(const int *)field, &word, &length))
        fprintf(out, "%.*s", (int)length, word);
}

static void print_text(const struct setting_row *row, const void *field, FILE *out)
{
    (void)row;
    fputs(*(char *const *)field, out);
}

const struct setting_type_ops setting_types[TYPE_COUNT] = {
    [TYPE_BOOL] = {"Boolean", sizeof(bool), parse_bool, print_bool, NULL},
    [TYPE_INT] = {"Number", sizeof(int32_t), parse_number, print_int32, NULL},
    [TYPE_PORT] = {"Port", sizeof(int32_t), parse_number, print_int32, NULL},
    [TYPE_MS] = {"Number", sizeof(int32_t), parse_number, print_int32, NULL},
    [TYPE_LONG] = {"Number", sizeof(int64_t), parse_number, print_int64, NULL},
    [TYPE_KIB] = {"Number", sizeof(int64_t), parse_number, print_int64, NULL},
    [TYPE_BYTES] = {"Number", sizeof(int64_t), parse_number, print_int64, NULL},
    [TYPE_DURATION] = {"Time", sizeof(int64_t), parse_duration, print_duration, NULL},
    [TYPE_HOURS] = {"Time", sizeof(int64_t), parse_hours, print_duration, NULL},
    [TYPE_OCTAL] = {"Number", sizeof(uint32_t), parse_octal, print_octal, NULL},
    [TYPE_RATIO] = {"Ratio", sizeof(double), parse_ratio, print_ratio, NULL},
    [TYPE_WORD] = {"Word", sizeof(int), parse_word, print_word, NULL},
    [TYPE_STRING] = {"Text", sizeof(char *), NULL, print_text, NULL},
    [TYPE_PATH] = {"Path", sizeof(char *), NULL, print_text, NULL},
    [TYPE_LIST] = {"List", sizeof(char *), NULL, print_text, NULL},
    [TYPE_ADDRESS] = {"Address", sizeof(char *), NULL, print_text, check_address},
};
