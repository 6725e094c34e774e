/* host_memory_test.c - each allocation of a plugin's host fails once, while a plugin begins everything that there is to
 * begin: what could not be begun is refused, the rest goes on, and nothing is left at the end. */
/* link: -Wl,@tests/support/failing_malloc.flags */
#include "plugins/host/host.h"
#include "tests/support/failing_malloc.h"
#include "tests/support/test.h"
#include "tests/support/tmp.h"

#include <stdlib.h>
#include <unistd.h>

enum { TURNS_MAX = 100000, FAILURES_MAX = 5000 };

/* What the plugin waits for, and what came. */
struct seen {
    const struct zooid_host_api *api;
    zooid_host *host;
    int pipe[2];
    unsigned begun, refused, wanted, came;
};

static struct seen *seen;

static zooid_handle note(zooid_handle handle)
{
    if (handle != 0)
        seen->begun++;
    else
        seen->refused++;
    return handle;
}

/* One whose callback comes. */
static void want(zooid_handle handle)
{
    if (note(handle) != 0)
        seen->wanted++;
}

static void fired(void *context)
{
    (void)context;
    seen->came++;
}

static void child_ended(void *context, const struct zooid_plugin_child_end *end)
{
    (void)context;
    assert_non_null(end->output);
    seen->came++;
}

static void replied(void *context, const struct zooid_plugin_reply *reply)
{
    (void)context, (void)reply;
}

static void changed(void *context, const struct zooid_plugin_change *change)
{
    (void)context, (void)change;
}

static void held(void *context, enum zooid_plugin_hold event, uint64_t number, const char *message)
{
    (void)context, (void)event, (void)number, (void)message;
}

static void session(void *context, enum zooid_plugin_session state)
{
    (void)context, (void)state;
}

static void readable(void *context, unsigned ready)
{
    (void)context, (void)ready;
}

static void command(void *context, zooid_handle invocation, const char *arguments, size_t len, const char *caller)
{
    (void)context, (void)invocation, (void)arguments, (void)len, (void)caller;
}

static void begin_in_the_tree(void)
{
    static const char *const prefixes[] = {"/a", "/b"};
    const struct zooid_host_api *api = seen->api;
    zooid_host *host = seen->host;
    const struct zooid_plugin_request part = {.size = sizeof part, .op = ZOOID_PLUGIN_SET, .path = "/a", .version = -1};
    const struct zooid_plugin_request get = {.size = sizeof get, .op = ZOOID_PLUGIN_GET, .path = "/a"};
    const struct zooid_plugin_request multi = {
        .size = sizeof multi, .op = ZOOID_PLUGIN_MULTI, .parts = &part, .part_count = 1};
    (void)note(api->request(host, &get, replied, NULL));
    (void)note(api->request(host, &multi, replied, NULL));
    (void)note(api->subscribe(host, prefixes, 2, changed, NULL));
    (void)note(api->call(host, "p", "c", "{}", 2, 0, replied, NULL));
    (void)note(api->lock(host, "/lock", "me", held, NULL));
    (void)note(api->session(host, session, NULL));
    zooid_handle node = note(api->ephemeral(host, "/node", "x", 1, held, NULL));
    if (node != 0)
        (void)api->ephemeral_set(host, node, "y", 1);
}

static void begin_the_rest(void)
{
    static const char *const argv[] = {"sh", "-c", "cat; echo error >&2", NULL}, *const labels[] = {"a", "b", NULL};
    static const struct zooid_plugin_command row = {sizeof row, "c", "help", false};
    const struct zooid_plugin_child child = {
        .size = sizeof child, .argv = argv, .input = "in", .input_len = 2, .uid = -1, .gid = -1};
    const struct zooid_host_api *api = seen->api;
    zooid_host *host = seen->host;
    want(api->timer(host, 1, 0, fired, NULL));
    want(api->child(host, &child, child_ended, NULL));
    (void)note(api->timer(host, 1, 1000, fired, NULL));
    (void)note(api->descriptor(host, seen->pipe[0], ZOOID_PLUGIN_READABLE, readable, NULL));
    (void)note(api->command(host, &row, command, NULL));
    zooid_handle metric = note(api->metric(host, ZOOID_PLUGIN_COUNTER, "counts", "help", labels));
    if (metric != 0)
        api->metric_add(host, metric, 1);
    api->status(host, "status");
    api->config_error(host, "key", "message");
    free(metrics_text(host));
}

static int start(const struct zooid_host_api *api, zooid_host *host, void **state)
{
    *state = NULL;
    seen->api = api;
    seen->host = host;
    begin_in_the_tree();
    begin_the_rest();
    return ZOOID_PLUGIN_READY;
}

static const struct zooid_plugin plugin = {.abi = ZOOID_PLUGIN_ABI,
                                           .size = sizeof plugin,
                                           .api_size = sizeof(struct zooid_host_api),
                                           .name = "p",
                                           .version = "1",
                                           .start = start};

static void log_line(void *context, const char *name, enum zooid_plugin_level level, const char *line)
{
    (void)context, (void)name, (void)level, (void)line;
}

static void turn_until_all_came(uv_loop_t *loop)
{
    for (int i = 0; i < TURNS_MAX && seen->came < seen->wanted; i++)
        (void)uv_run(loop, UV_RUN_ONCE);
    assert_true(seen->came >= seen->wanted);
}

/* False: there was no host, and why said it or memory was short for that, too. */
static bool run_host(uv_loop_t *loop, const struct plugin_config *config)
{
    const struct host_surroundings around = {loop, log_line, NULL, NULL};
    char *why = NULL;
    zooid_host *host = host_new_of(&around, config, &plugin, "file", &why);
    free(why);
    if (host == NULL)
        return false;
    host_start(host);
    turn_until_all_came(loop);
    host_stop(host);
    for (int i = 0; i < TURNS_MAX && uv_run(loop, UV_RUN_DEFAULT) != 0; i++)
        ;
    host_free(host, false);
    return true;
}

/* True: an allocation has failed. */
static bool run_once(const struct plugin_config *config, int fail_after)
{
    struct seen now = {.begun = 0};
    uv_loop_t loop;
    seen = &now;
    assert_int_equal(pipe(now.pipe), 0);
    assert_int_equal(uv_loop_init(&loop), 0);
    malloc_fail_once_after(fail_after);
    bool good = run_host(&loop, config), has_failed = malloc_has_failed();
    malloc_fail_after(-1);
    assert_true(good || has_failed);
    assert_true(has_failed || now.refused == 0);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    assert_int_equal(close(now.pipe[0]) | close(now.pipe[1]), 0);
    return has_failed;
}

static void test_each_allocation_fails_once(void **state)
{
    char *directory = tmp_make(), *why = NULL;
    struct plugin_config *config = plugin_config_read("p", NULL, &why);
    (void)state;
    assert_non_null(config);
    config->socket = tmp_join(directory, "no-agent");
    config->state_dir = strdup(directory);
    config->limits.farewell_ms = 1;
    int count = 0;
    while (count < FAILURES_MAX && run_once(config, count))
        count++;
    assert_in_range(count, 30, FAILURES_MAX - 1);
    plugin_config_free(config);
    tmp_remove(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_each_allocation_fails_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
