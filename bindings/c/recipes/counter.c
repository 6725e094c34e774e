/* counter.c - a number that many change, each change on top of the one before: text in a node, as kazoo's Counter. */
#include "bindings/c/recipes/recipe.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { NUMBER_LEN = 24 };
enum { READING = 1, MAKING, WRITING };

struct count {
    struct errand errand;
    bool adds;
    int64_t delta, sum;
    int32_t version; /* of the node that the sum is made of */
    bool is_behind;  /* another was faster: the next read is not to lag behind */
    struct ensuring ensuring;
};

static struct count *count_of(struct task *t)
{
    return (struct count *)(void *)t;
}

static int answer(struct task *t, int64_t value)
{
    task_answer_locked(t, reply_with_number((uint64_t)value, errand_of(t)->path));
    return 0;
}

static int refuse(struct task *t)
{
    task_answer_locked(t, reply_new(ZOOID_BAD_ARGUMENTS, "the node holds no number of 64 bits", errand_of(t)->path));
    return 0;
}

/* -- read ------------------------------------------------------------------------------------------------------------
 */

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

static zooid_request *read_ask(struct task *t)
{
    zooid_request *get = zooid_request_get(errand_of(t)->path);
    return count_of(t)->is_behind ? with_latest(get) : get;
}

static int read_answered(struct task *t, int code, const zooid_reply *r)
{
    struct count *n = count_of(t);
    const struct zooid_stat *stat = zooid_reply_stat(r);
    int64_t value = 0;
    if (code == ZOOID_NO_NODE)
        return n->adds ? MAKING : answer(t, 0);
    if (code != ZOOID_OK)
        return TASK_FAILED;
    if (!read_value(r, &value) || __builtin_add_overflow(value, n->delta, &n->sum))
        return refuse(t);
    n->version = stat == NULL ? ZOOID_ANY_VERSION : stat->version;
    return n->adds ? WRITING : answer(t, value);
}

/* -- made and written ------------------------------------------------------------------------------------------------
 */

static zooid_request *make_ask(struct task *t)
{
    return ensuring_ask(&count_of(t)->ensuring, errand_of(t)->path);
}

static int make_answered(struct task *t, int code, const zooid_reply *r)
{
    (void)r;
    count_of(t)->is_behind = true;
    return ensuring_answered(&count_of(t)->ensuring, errand_of(t)->path, code, READING);
}

static zooid_request *write_ask(struct task *t)
{
    const struct count *n = count_of(t);
    char text[NUMBER_LEN];
    int len = snprintf(text, sizeof text, "%" PRId64, n->sum);
    return zooid_request_set(errand_of(t)->path, text, (size_t)len, n->version);
}

/* Another was faster: on top of its value, then. The version says so, or, where the reader's replica lags behind, a
 * read that does not. */
static int write_answered(struct task *t, int code, const zooid_reply *r)
{
    (void)r;
    if (code == ZOOID_OK)
        return answer(t, count_of(t)->sum);
    count_of(t)->is_behind = true;
    return code == ZOOID_BAD_VERSION || code == ZOOID_NO_NODE ? READING : TASK_FAILED;
}

static const struct task_phase idle = {NULL, NULL, 0}, reading = {read_ask, read_answered, READING},
                               making = {make_ask, make_answered, MAKING},
                               writing = {write_ask, write_answered, TASK_FAILED};
static const struct task_phase *const phases[] = {
    &idle, [READING] = &reading, [MAKING] = &making, [WRITING] = &writing};
static const struct task_kind kind = {.phases = phases,
                                      .look = errand_look,
                                      .failed = errand_failed,
                                      .free = errand_free,
                                      .is_errand = true};

/* -- as zooid.h has it -----------------------------------------------------------------------------------------------
 */

static struct errand *count_new(const char *path, bool adds, int64_t delta)
{
    struct count *n = errand_new(sizeof *n, path);
    if (n == NULL)
        return NULL;
    n->adds = adds;
    n->delta = delta;
    return &n->errand;
}

int zooid_counter_get(zooid_client *c, const char *path, uint32_t deadline_ms, zooid_reply **reply)
{
    return errand_perform(count_new(path, false, 0), c, &kind, deadline_ms, reply);
}

zooid_ticket zooid_counter_submit_get(zooid_client *c, const char *path, uint32_t deadline_ms, void *tag)
{
    return errand_submit(count_new(path, false, 0), c, &kind, deadline_ms, tag);
}

int zooid_counter_add(zooid_client *c, const char *path, int64_t delta, uint32_t deadline_ms, zooid_reply **reply)
{
    return errand_perform(count_new(path, true, delta), c, &kind, deadline_ms, reply);
}

zooid_ticket zooid_counter_submit_add(zooid_client *c, const char *path, int64_t delta, uint32_t deadline_ms, void *tag)
{
    return errand_submit(count_new(path, true, delta), c, &kind, deadline_ms, tag);
}
