/* output.c - the same values for people and for programs. */
#include "agent/cli/cli.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

void print_data(const void *data, size_t len)
{
    if (len > 0)
        (void)fwrite(data, 1, len, stdout);
    if (isatty(STDOUT_FILENO) && (len == 0 || ((const char *)data)[len - 1] != '\n'))
        (void)putchar('\n');
}

void print_json(struct json_t *object)
{
    char *text = json_dumps(object, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_ENCODE_ANY);
    if (text != NULL)
        (void)puts(text);
    free(text);
    json_decref(object);
}

static json_t *base64_of(const unsigned char *data, size_t len)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *text = malloc((len + 2) / 3 * 4 + 1), *to = text;
    if (text == NULL)
        return json_null();
    for (size_t i = 0; i < len; i += 3) {
        size_t n = len - i < 3 ? len - i : 3;
        unsigned bits = (unsigned)data[i] << 16 | (n > 1 ? (unsigned)data[i + 1] << 8 : 0) | (n > 2 ? data[i + 2] : 0U);
        *to++ = digits[bits >> 18 & 63];
        *to++ = digits[bits >> 12 & 63];
        *to++ = n > 1 ? digits[bits >> 6 & 63] : '=';
        *to++ = n > 2 ? digits[bits & 63] : '=';
    }
    *to = '\0';
    json_t *object = json_pack("{s:s}", "base64", text);
    free(text);
    return object;
}

struct json_t *json_of_data(const void *data, size_t len)
{
    if (data == NULL)
        return json_null();
    json_t *text = json_stringn(data, len);
    return text != NULL ? text : base64_of(data, len);
}

struct json_t *json_of_stat(const struct zooid_stat *s)
{
    if (s == NULL)
        return json_null();
    return json_pack("{s:I,s:I,s:I,s:I,s:I,s:i,s:i,s:i,s:I,s:i,s:i,s:s}", "czxid", (json_int_t)s->czxid, "mzxid",
                     (json_int_t)s->mzxid, "pzxid", (json_int_t)s->pzxid, "ctime", (json_int_t)s->ctime, "mtime",
                     (json_int_t)s->mtime, "version", (int)s->version, "cversion", (int)s->cversion, "aversion",
                     (int)s->aversion, "ephemeralOwner", (json_int_t)s->ephemeral_owner, "dataLength",
                     (int)s->data_length, "numChildren", (int)s->num_children, "kind", kind_of(s));
}

const char *paint(FILE *to, enum paint paint)
{
    static const char *const codes[] = {
        [PAINT_NONE] = "\033[0m",     [PAINT_HEAD] = "\033[1m",   [PAINT_GOOD] = "\033[32m",
        [PAINT_WARNING] = "\033[33m", [PAINT_BAD] = "\033[1;31m", [PAINT_PASSING] = "\033[36m"};
    const char *unwanted = getenv("NO_COLOR"), *terminal = getenv("TERM");
    bool wanted = (unwanted == NULL || unwanted[0] == '\0') && terminal != NULL && strcmp(terminal, "dumb") != 0;
    return wanted && isatty(fileno(to)) ? codes[paint] : "";
}

enum paint paint_of(const struct zooid_stat *stat)
{
    return stat != NULL && stat->ephemeral_owner != 0 ? PAINT_PASSING : PAINT_NONE;
}

const char *kind_of(const struct zooid_stat *stat)
{
    static const char *const kinds[] = {[ZOOID_PERSISTENT] = "persistent",
                                        [ZOOID_EPHEMERAL] = "ephemeral",
                                        [ZOOID_CONTAINER] = "container",
                                        [ZOOID_TTL] = "ttl"};
    return (size_t)stat->kind < sizeof kinds / sizeof kinds[0] ? kinds[stat->kind] : "?";
}

static void print_time(const char *name, int64_t ms)
{
    char text[64];
    time_t seconds = (time_t)(ms / 1000);
    struct tm when;
    if (gmtime_r(&seconds, &when) == NULL || strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &when) == 0)
        (void)snprintf(text, sizeof text, "?");
    printf("%-10s %s.%03dZ\n", name, text, (int)(ms % 1000));
}

void print_stat(const struct zooid_stat *s)
{
    printf("%-10s %s\n", "kind", kind_of(s));
    if (s->ephemeral_owner != 0)
        printf("%-10s 0x%" PRIx64 "\n", "owner", (uint64_t)s->ephemeral_owner);
    printf("%-10s %d\n%-10s %d\n", "bytes", s->data_length, "children", s->num_children);
    printf("%-10s %d (children %d, ACL %d)\n", "version", s->version, s->cversion, s->aversion);
    print_time("created", s->ctime);
    print_time("changed", s->mtime);
    printf("%-10s created 0x%" PRIx64 ", changed 0x%" PRIx64 ", children 0x%" PRIx64 "\n", "zxids", (uint64_t)s->czxid,
           (uint64_t)s->mzxid, (uint64_t)s->pzxid);
}
