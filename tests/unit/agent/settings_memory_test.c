/* settings_memory_test.c - loading with the first, second, third ... allocation failing. */
/* link: -Wl,--wrap=mem_alloc -Wl,--wrap=mem_calloc -Wl,--wrap=mem_realloc */
#include "agent/settings/settings.h"
#include "core/base/mem.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

void *__real_mem_alloc(size_t size);
void *__real_mem_calloc(size_t count, size_t size);
void *__real_mem_realloc(void *block, size_t size);
void *__wrap_mem_alloc(size_t size);
void *__wrap_mem_calloc(size_t count, size_t size);
void *__wrap_mem_realloc(void *block, size_t size);

static long allocations_left = LONG_MAX;

static bool fails_now(void)
{
    return allocations_left-- == 0;
}

void *__wrap_mem_alloc(size_t size)
{
    return fails_now() ? NULL : __real_mem_alloc(size);
}

void *__wrap_mem_calloc(size_t count, size_t size)
{
    return fails_now() ? NULL : __real_mem_calloc(count, size);
}

void *__wrap_mem_realloc(void *block, size_t size)
{
    return fails_now() ? NULL : __real_mem_realloc(block, size);
}

/* Derived values, families, findings of every kind. */
static const char text[] = "dataDir=/data\nserver.1=a:1:2;127.0.0.1:2181;2281\nssl.keyStore.location=/k.p12\n"
                           "ssl.clientAuth=none\nunknown=1\ninitLimit=5\ntickTime=1\ntickTime=2000\nsuperUser.1=a\n"
                           "superUser.2=a\nsuperUser.3=a\nsuperUser.4=a\nsuperUser.5=a\nsuperUser.6=a\nsuperUser.7=a\n"
                           "superUser.8=a\nauthProvider.1=x\nadmin.serverAddress=[::1]\nlog4j.a=1\n";

/* Loads with the allocation after the first `allowed` failing; true: none was needed any more. */
static bool load_with_failure(const char *config, size_t size, long allowed)
{
    static const char *const defines[] = {"zookeeper.snapCount=7", "nothing=1"};
    struct settings_report report = {0};
    struct settings *settings = NULL;
    allocations_left = allowed;
    enum status st = settings_load_text(&settings, "zoo.cfg", config, size, defines, 2, &report);
    if (st == ST_OK)
        st = settings_deviations(settings, &report);
    bool reached = allocations_left < 0;
    allocations_left = LONG_MAX;
    assert_true(!reached || st == ST_NO_MEMORY);
    settings_free(settings);
    settings_report_free(&report);
    return !reached;
}

static void fail_each(const char *config, size_t size, long at_least)
{
    long allowed = 0;
    while (!load_with_failure(config, size, allowed))
        allowed++;
    assert_true(allowed > at_least);
}

static void test_each_allocation_may_fail_in_a_good_file(void **state)
{
    (void)state;
    fail_each(text, sizeof text - 1, 50);
}

static void test_each_allocation_may_fail_in_a_bad_file(void **state)
{
    static const char bad[] = "clientPort=x\nsslQuorum=true\n\\u12\nserver.1=a\nzooid.socket=\n";
    (void)state;
    fail_each(bad, sizeof bad - 1, 30);
}

static void write_file(const char *path, const char *content)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fputs(content, file);
    assert_int_equal(fclose(file), 0);
}

static void test_each_allocation_may_fail_in_an_ensemble(void **state)
{
    char dir[] = "/tmp/settings_memory_test.XXXXXX", myid[64], dynamic[64], config[256];
    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(myid, sizeof myid, "%s/myid", dir);
    snprintf(dynamic, sizeof dynamic, "%s/dynamic.100000000", dir);
    write_file(myid, "2\n");
    write_file(dynamic, "server.1=a:1:2\nserver.2=b:1:2;[::1]:2181\nserver.3=c:1:2\ngroup.1=1:2\ngroup.2=3\n");
    int len = snprintf(config, sizeof config, "dataDir=%s\ndynamicConfigFile=%s\ninitLimit=5\nsyncLimit=2\n", dir,
                       dynamic);
    fail_each(config, (size_t)len, 60);
    assert_int_equal(unlink(myid) | unlink(dynamic) | rmdir(dir), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_allocation_may_fail_in_a_good_file),
        cmocka_unit_test(test_each_allocation_may_fail_in_a_bad_file),
        cmocka_unit_test(test_each_allocation_may_fail_in_an_ensemble),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
