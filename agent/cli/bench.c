/* bench.c - how fast this agent answers this client: reads and writes of one node, so many at a time. */
#include "agent/cli/cli.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { COUNT = 2000, OUTSTANDING = 1, BYTES = 100, BYTES_MAX = 1000000 };

struct bench {
    struct cli *cli;
    const char *path;
    char *data;
    size_t len;
    int64_t count, outstanding;
    uint64_t *started_ns, *took_ns; /* of each request */
};

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static zooid_request *make_get(const struct bench *b)
{
    return zooid_request_get(b->path);
}

static zooid_request *make_set(const struct bench *b)
{
    return zooid_request_set(b->path, b->data, b->len, ZOOID_ANY_VERSION);
}

/* -- one row of the table
 * ------------------------------------------------------------------------------------------------
 */

static bool submit(struct bench *b, zooid_request *request, int64_t index)
{
    b->started_ns[index] = now_ns();
    return zooid_submit(b->cli->client, request, b->cli->deadline_ms, &b->started_ns[index]) != 0;
}

/* One reply. False: said, and `*code` is the exit code. */
static bool take(struct bench *b, int *code)
{
    zooid_event *event;
    while ((event = zooid_next_event(b->cli->client, b->cli->deadline_ms)) != NULL &&
           zooid_event_kind(event) != ZOOID_EVENT_REPLY)
        zooid_event_free(event);
    if (event == NULL) {
        fprintf(stderr, "zooid: no reply has come in time\n");
        *code = EXIT_NO_AGENT;
        return false;
    }
    uint64_t *started = zooid_event_tag(event);
    b->took_ns[started - b->started_ns] = now_ns() - *started;
    zooid_reply *reply = zooid_event_take_reply(event);
    zooid_event_free(event);
    if (zooid_reply_code(reply) != ZOOID_OK) {
        *code = complain(reply);
        return false;
    }
    zooid_reply_free(reply);
    return true;
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void print_row(const struct bench *b, const char *name, uint64_t took_ns, json_t *list)
{
    size_t count = (size_t)b->count;
    qsort(b->took_ns, count, sizeof b->took_ns[0], compare);
    double rate = (double)count * 1e9 / (double)(took_ns == 0 ? 1 : took_ns);
    size_t middle = count / 2, near_end = count * 99 / 100;
    double median = (double)b->took_ns[middle] / 1000, high = (double)b->took_ns[near_end] / 1000;
    if (list != NULL)
        (void)json_array_append_new(list, json_pack("{s:s,s:f,s:f,s:f}", "request", name, "per_second", rate,
                                                    "median_us", median, "p99_us", high));
    else
        printf("%-8s %12.0f %12.1f %12.1f\n", name, rate, median, high);
}

static int run_one(struct bench *b, const char *name, zooid_request *(*make)(const struct bench *b), json_t *list)
{
    int64_t sent = 0, done = 0;
    int code = EXIT_FINE;
    uint64_t begin = now_ns();
    while (done < b->count) {
        for (; sent < b->count && sent - done < b->outstanding; sent++)
            if (!submit(b, make(b), sent))
                return complain(NULL);
        if (!take(b, &code))
            return code;
        done++;
    }
    print_row(b, name, now_ns() - begin, list);
    return EXIT_FINE;
}

/* -- the table
 * -----------------------------------------------------------------------------------------------------------
 */

static int run_all(struct bench *b)
{
    json_t *list = b->cli->json ? json_array() : NULL;
    if (list == NULL)
        printf("%-8s %12s %12s %12s\n", "", "per second", "median us", "99 % us");
    int code = run_one(b, "get", make_get, list);
    if (code == EXIT_FINE)
        code = run_one(b, "set", make_set, list);
    if (code == EXIT_FINE && list != NULL)
        print_json(json_incref(list));
    json_decref(list);
    return code;
}

/* With an ephemeral node of its own, which is gone afterwards. */
static int run_on_node(struct bench *b)
{
    zooid_reply *reply = NULL;
    zooid_request *create = zooid_request_create("/zooid-bench-", b->data, b->len, ZOOID_EPHEMERAL);
    (void)zooid_request_set_sequential(create);
    if (perform(b->cli, create, &reply) != ZOOID_OK)
        return complain(reply);
    b->path = zooid_reply_path(reply);
    int code = run_all(b);
    (void)perform(b->cli, zooid_request_delete(b->path, ZOOID_ANY_VERSION), NULL);
    zooid_reply_free(reply);
    return code;
}

int run_bench(struct cli *cli, const struct arguments *a)
{
    struct bench b = {.cli = cli, .count = COUNT, .outstanding = OUTSTANDING};
    int64_t bytes = BYTES;
    if ((a->flags['n'] && !read_number(a->values['n'], "-n", 1, INT32_MAX, &b.count)) ||
        (a->flags['p'] && !read_number(a->values['p'], "-p", 1, INT32_MAX, &b.outstanding)) ||
        (a->flags['b'] && !read_number(a->values['b'], "-b", 0, BYTES_MAX, &bytes)))
        return EXIT_USAGE;
    b.len = (size_t)bytes;
    b.data = calloc(b.len + 1, 1);
    b.started_ns = calloc((size_t)b.count, sizeof b.started_ns[0]);
    b.took_ns = calloc((size_t)b.count, sizeof b.took_ns[0]);
    bool has_memory = b.data != NULL && b.started_ns != NULL && b.took_ns != NULL;
    int code = has_memory ? run_on_node(&b) : complain(NULL);
    free(b.data);
    free(b.started_ns);
    free(b.took_ns);
    return code;
}
