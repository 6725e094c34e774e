/* counter.c - a number that many change, each change on top of the one before: text in a node, as kazoo's Counter. */
#include "bindings/c/recipes/recipe.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { NUMBER_LEN = 24 };

static int keep(zooid_reply **kept, zooid_reply *reply)
{
    zooid_reply_free(*kept);
    *kept = reply;
    return zooid_reply_code(reply);
}

/* False: the data is no number. */
static bool read_value(const zooid_reply *r, int64_t *value)
{
    char text[NUMBER_LEN] = "", *end = NULL;
    size_t len = zooid_reply_data_len(r);
    *value = 0;
    if (len == 0)
        return true;
    if (len >= sizeof text)
        return false;
    memcpy(text, zooid_reply_data(r), len);
    errno = 0;
    *value = strtoll(text, &end, 10);
    return errno == 0 && *end == '\0' && end != text;
}

static int answer_value(zooid_reply **kept, int64_t value, const char *path)
{
    return keep(kept, reply_with_number((uint64_t)value, path));
}

static int no_number(zooid_reply **kept, const char *path)
{
    return keep(kept, reply_new(ZOOID_BAD_ARGUMENTS, "the node holds no number of 64 bits", path));
}

int zooid_counter_get(zooid_client *c, const char *path, uint32_t deadline_ms, zooid_reply **reply)
{
    zooid_reply *kept = NULL;
    int64_t value = 0;
    int code = zooid_get(c, path, deadline_ms, &kept);
    if (code == ZOOID_NO_NODE)
        (void)answer_value(&kept, 0, path);
    else if (code == ZOOID_OK)
        (void)(read_value(kept, &value) ? answer_value(&kept, value, path) : no_number(&kept, path));
    return give_reply(kept, reply);
}

/* One try on top of what `kept` has read; OK, or why not. */
static int add_once(zooid_client *c, const char *path, int64_t delta, int64_t deadline, zooid_reply **kept)
{
    char text[NUMBER_LEN];
    int64_t value = 0;
    zooid_reply *written = NULL;
    int32_t version = zooid_reply_stat(*kept) == NULL ? ZOOID_ANY_VERSION : zooid_reply_stat(*kept)->version;
    if (!read_value(*kept, &value) || __builtin_add_overflow(value, delta, &value))
        return no_number(kept, path);
    int len = snprintf(text, sizeof text, "%" PRId64, value);
    int code = zooid_set(c, path, text, (size_t)len, version, left_of(deadline), &written);
    (void)keep(kept, written);
    return code == ZOOID_OK ? answer_value(kept, value, path) : code;
}

/* Another was faster: on top of its value, then. The version says so, or, where the reader's replica lags behind, a
 * read that does not. */
int zooid_counter_add(zooid_client *c, const char *path, int64_t delta, uint32_t deadline_ms, zooid_reply **reply)
{
    int64_t deadline = deadline_of(deadline_ms);
    zooid_reply *kept = NULL, *one = NULL;
    zooid_request *(*fresh)(zooid_request *) = NULL;
    int code = ZOOID_BAD_VERSION;
    while (code == ZOOID_BAD_VERSION) {
        zooid_request *get = zooid_request_get(path);
        (void)zooid_perform(c, fresh == NULL ? get : fresh(get), left_of(deadline), &one);
        code = keep(&kept, one);
        if (code == ZOOID_NO_NODE) {
            (void)zooid_ensure_path(c, path, left_of(deadline), &one);
            code = keep(&kept, one) == ZOOID_OK ? ZOOID_BAD_VERSION : zooid_reply_code(kept);
        } else if (code == ZOOID_OK) {
            code = add_once(c, path, delta, deadline, &kept);
        }
        fresh = with_latest;
    }
    return give_reply(kept, reply);
}
