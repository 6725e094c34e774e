/* supervise_memory_test.c - each allocation of the supervisor fails once, or it and all behind it, while it reads
 * files, starts, replaces, watches and lists processes: what could not be done is told and done later, and nothing is
 * left at the end. */
/* link: -Wl,@tests/support/failing_malloc.flags */
#include "plugins/host/supervise/supervise.h"
#include "tests/support/failing_malloc.h"
#include "tests/support/test.h"
#include "tests/support/tmp.h"

#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TURNS_MAX = 100000, FAILURES_MAX = 5000, EVERY = 15 };

static void write_file(const char *directory, const char *name, const char *text)
{
    char path[512]; /* nothing of its own may fail here */
    (void)snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* -- its commands, as somebody calls them -----------------------------------------------------------------------------
 */

struct offered {
    char name[16];
    zooid_plugin_command_fn *run;
};

static struct offered commands[8];
static size_t command_count;
static int answer_code;

static zooid_handle offer(zooid_host *host, const struct zooid_plugin_command *command, zooid_plugin_command_fn *run,
                          void *context)
{
    (void)host, (void)context;
    (void)snprintf(commands[command_count].name, sizeof commands[command_count].name, "%s", command->name);
    commands[command_count].run = run;
    return ++command_count;
}

static bool take_answer(zooid_host *host, zooid_handle invocation, int code, const char *json)
{
    (void)host, (void)invocation;
    assert_non_null(json);
    answer_code = code;
    return true;
}

static const struct zooid_host_api api = {.abi = ZOOID_PLUGIN_ABI,
                                          .size = sizeof api,
                                          .command = offer,
                                          .answer = take_answer};

static int call(const char *name, const char *arguments)
{
    answer_code = 1;
    for (size_t i = 0; i < command_count; i++)
        if (strcmp(commands[i].name, name) == 0)
            commands[i].run(NULL, 1, arguments, strlen(arguments), "uid:0");
    assert_int_not_equal(answer_code, 1);
    return answer_code;
}

/* -- a supervisor without its loop's clock ----------------------------------------------------------------------------
 */

static void open_supervisor(struct supervisor *s, const char *config_file)
{
    *s = (struct supervisor){.program = "/bin/true", .config_file = config_file};
    assert_int_equal(uv_loop_init(&s->loop), 0);
    provider_of(s);
}

static bool has_processes(const struct supervisor *s)
{
    for (const struct unit *unit = s->units; unit != NULL; unit = unit->next)
        if (unit->current != NULL || unit->coming != NULL || unit->leaving != NULL)
            return true;
    return false;
}

static void close_supervisor(struct supervisor *s)
{
    for (struct unit *unit = s->units; unit != NULL; unit = unit->next)
        unit_stop(unit);
    for (int i = 0; i < TURNS_MAX && has_processes(s); i++)
        (void)uv_run(&s->loop, UV_RUN_ONCE);
    while (s->units != NULL) {
        struct unit *next = s->units->next;
        unit_free(s->units);
        s->units = next;
    }
    (void)uv_run(&s->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&s->loop), 0);
    host_config_free(s->config);
}

static void watch_all(struct supervisor *s)
{
    for (struct unit *unit = s->units; unit != NULL; unit = unit->next)
        watch_unit(unit);
    (void)uv_run(&s->loop, UV_RUN_NOWAIT);
}

/* What a day brings. */
static void work(struct supervisor *s, const char *files)
{
    char why[WHY_MAX] = "";
    write_file(files, "a.conf", "group = \"g\";");
    if (!reload(s, why))
        assert_string_not_equal(why, "");
    watch_all(s);
    write_file(files, "a.conf", "group = \"g\"; limits = { memory_mb = 9; };");
    (void)call("reload", "{}");
    (void)call("restart", "{\"args\": [\"c\"]}");
    watch_all(s);
    (void)call("list", "{}");
    (void)call("log", "{\"args\": {\"name\": \"c\"}}");
    (void)call("log", "{}");
}

static void check_that_all_is_there(struct supervisor *s)
{
    char why[WHY_MAX];
    assert_true(reload(s, why));
    for (const char *const *name = (const char *const[]){"a", "b", "c", NULL}; *name != NULL; name++) {
        const struct unit *unit = supervisor_unit_of(s, *name);
        assert_non_null(unit);
        assert_true(unit->wanted);
        assert_int_equal(unit->count, strcmp(*name, "c") == 0 ? 1 : 2);
    }
    assert_int_equal(call("list", "{}"), ZOOID_PLUGIN_OK);
    assert_int_equal(call("log", "{\"args\": [\"a\"]}"), ZOOID_PLUGIN_OK);
}

static bool run_once(const char *config_file, const char *files, int fail_after, void (*start_failing)(int count))
{
    struct supervisor s;
    open_supervisor(&s, config_file);
    start_failing(fail_after);
    work(&s, files);
    bool has_failed = malloc_has_failed();
    malloc_fail_after(-1);
    check_that_all_is_there(&s);
    close_supervisor(&s);
    return has_failed;
}

static void test_each_allocation_fails(void **state)
{
    char *directory = tmp_make(), *config_file = tmp_join(directory, "plugins.conf");
    char *files = tmp_join(directory, "plugins.d"), text[512];
    void *plugin_state;
    int count = 0, step = getenv("ZOOID_LONG") != NULL ? 1 : 2;
    (void)state;
    assert_int_equal(mkdir(files, 0700), 0);
    (void)snprintf(text, sizeof text, "state_dir = \"%s\"; log_keep = 4; limits = { log_lines = 1000; };", directory);
    write_file(directory, "plugins.conf", text);
    write_file(files, "b.conf", "group = \"g\";");
    write_file(files, "c.conf", "");
    (void)signal(SIGPIPE, SIG_IGN);
    json_set_alloc_funcs(malloc, free);
    assert_int_equal(provider_plugin.start(&api, NULL, &plugin_state), ZOOID_PLUGIN_READY);
    while (count < FAILURES_MAX && run_once(config_file, files, count, malloc_fail_once_after))
        count += step;
    assert_in_range(count, 100, FAILURES_MAX - 1);
    for (int i = 0; i < count; i += EVERY)
        (void)run_once(config_file, files, i, malloc_fail_after);
    free(files);
    free(config_file);
    tmp_remove(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_each_allocation_fails)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
