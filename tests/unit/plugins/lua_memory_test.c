/* lua_memory_test.c - each allocation of a script's state fails once: it is an error of that script, nothing is lost,
 * and nothing crashes. */
/* link: -Wl,--wrap=limits_alloc */
#include "tests/unit/plugins/lua_rig.h"

static int until_failure = -1; /* below 0: never */

void *__real_limits_alloc(void *script, void *block, size_t old_size, size_t size);
void *__wrap_limits_alloc(void *script, void *block, size_t old_size, size_t size);

/* What shrinks must not fail, says Lua. */
void *__wrap_limits_alloc(void *script, void *block, size_t old_size, size_t size)
{
    bool grows = size > 0 && (block == NULL || size > old_size);
    if (grows && until_failure >= 0 && until_failure-- == 0)
        return NULL;
    return __real_limits_alloc(script, block, old_size, size);
}

static const char script[] =
    "zooid.create('/a', 'x') local data, err = zooid.get('/b')\n"
    "local t = zooid.spawn(function() zooid.sleep(5) return 'r' end)\n"
    "zooid.every(9000, function() zooid.get('/a') end)\n"
    "zooid.command('c', function(args) return { args, zooid.json.decode('[1,{\"a\":null}]') } end)\n"
    "t:wait() print(pcall(error, 'x')) print(coroutine.wrap(function() zooid.sleep(1) return 1 end)())\n"
    "for change in zooid.subscribe('/a') do if change.kind == 'deleted' then break end end error('end')";

/* True: an allocation has failed. */
static bool run_once(int fail_after)
{
    struct lua_rig rig = rig_make(0);
    until_failure = fail_after;
    bool started = rig_run(&rig, script);
    if (started) {
        fake_host_change(rig.host, ZOOID_PLUGIN_PRESENT, "/a", "1");
        (void)fake_host_command(rig.host, "c", "{\"args\":[\"a\"]}");
        fake_host_change(rig.host, ZOOID_PLUGIN_DELETED, "/a", NULL);
    }
    bool failed = until_failure < 0;
    until_failure = -1;
    if (!failed)
        assert_non_null(strstr(rig.failure, "script.lua:6: end"));
    rig_end(&rig);
    return failed;
}

static void test_each_allocation_fails_once(void **state)
{
    int fail_after = 0, step = getenv("ZOOID_LONG") != NULL ? 1 : 7;
    (void)state;
    while (run_once(fail_after))
        fail_after += step;
    assert_in_range(fail_after, 500, 100000);
    for (int i = 0; i < 20; i++) /* the very first ones, each */
        assert_true(run_once(i));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_each_allocation_fails_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
