/* lua_tasks_test.c - tasks: what waits suspends its own task and no other, in coroutines of the script's own, too. */
#include "tests/unit/plugins/lua_rig.h"

static void test_calls_are_written_straight_down(void **state)
{
    (void)state;
    expect("print(zooid.create('/a', 'one'))\nprint((zooid.get('/a')))\nprint(zooid.set('/a', 'two').version)\n"
           "print(zooid.exists('/a').version, zooid.exists('/b'))\nprint(zooid.delete('/a'), zooid.get('/a'))",
           0, "info /a\ninfo one\ninfo 2\ninfo 2\tfalse\ninfo true\tnil\t/a: no such node\n");
}

static void test_an_error_is_a_value(void **state)
{
    (void)state;
    expect("local data, err = zooid.get('/a')\n"
           "print(data, err.code == zooid.NO_NODE, err.name, err.message, err.path, err.retry, 'x: ' .. err)",
           0, "nil\ttrue\tNO_NODE\tno such node\t/a\tfalse\tx: /a: no such node");
}

static void test_wrong_arguments_are_raised(void **state)
{
    (void)state;
    expect(
        "print(pcall(zooid.get)) print(pcall(zooid.get, 'a\\0b')) print(pcall(zooid.get, '/a', { latst = true }))\n"
        "print(pcall(zooid.get, '/a', { deadline_ms = 'soon' })) print(pcall(zooid.get, '/a', { deadline_ms = 1.5 }))",
        0,
        "info false\tbad argument #1 to 'zooid.get' (string expected, got no value)\n"
        "info false\tbad argument #1 to 'zooid.get' (there is a zero in it)\n"
        "info false\tbad argument #2 to 'zooid.get' (there is no option latst)\n"
        "info false\tbad argument #2 to 'zooid.get' (option deadline_ms: number expected, got string)\n"
        "info false\tbad argument #2 to 'zooid.get' (option deadline_ms: a whole number from 0 to 4294967295 "
        "expected)\n");
}

static void test_tasks_run_side_by_side(void **state)
{
    (void)state;
    expect(
        "local a = zooid.spawn(function(...) print('a begins', ...) zooid.sleep(20) print('a ends') return 1, nil, 3 "
        "end, 7)\n"
        "local b = zooid.spawn(function() print('b begins') zooid.sleep(10) print('b ends') end)\n"
        "print('main')\nprint(a:wait())\nprint(b:wait(), a:status(), b:status())",
        0,
        "info main\ninfo a begins\t7\ninfo b begins\ninfo b ends\ninfo a ends\ninfo 1\tnil\t3\ninfo nil\tdone\tdone\n");
}

static void test_tasks_fail_and_are_cancelled(void **state)
{
    (void)state;
    expect("local t = zooid.spawn(function() local x <close> = setmetatable({}, { __close = function() print('closed') "
           "end })\n"
           "zooid.sleep(1000) end)\nzooid.sleep(1) t:cancel() print(t:wait()) print(t:status())",
           0, "info closed\ninfo nil\tcancelled");
    expect("local t = zooid.spawn(error, 'broken', 0) print((select(2, t:wait())):match('[^\\n]*'))", 0,
           "info broken\n");
    expect("local t t = zooid.spawn(function() print(pcall(t.wait, t)) print(pcall(t.cancel, t)) end) t:wait()", 0,
           "a task cannot wait for itself\ninfo false\tbad argument #1 to '?' (a task cannot cancel itself");
}

static void test_coroutines_of_the_script_may_wait(void **state)
{
    (void)state;
    expect("zooid.create('/a', 'x')\nlocal next = coroutine.wrap(function() for i = 1, 3 do\n"
           "coroutine.yield(i, (zooid.get('/a'))) zooid.sleep(5) end end)\nprint(next()) print(next())\n"
           "local co = coroutine.create(function() local inner = coroutine.wrap(function() zooid.sleep(1) "
           "error('deep') end)\n"
           "inner() end)\nprint(coroutine.resume(co)) print(coroutine.status(co))",
           0, "info 1\tx\ninfo 2\tx\ninfo false\t");
    expect("local co = coroutine.wrap(function() for change in zooid.subscribe('/') do coroutine.yield(change.kind) "
           "end end)\n"
           "zooid.timer(5, function() end) print(pcall(table.sort, { 1, 2 }, function() zooid.sleep(1) end))",
           0, "it cannot wait here");
    expect_failure("coroutine.yield(1)", 0, "coroutine.yield in no coroutine of the script's own");
}

static void test_timers(void **state)
{
    (void)state;
    expect("local n = 0\nlocal t = zooid.every(100, function() n = n + 1 if n == 2 then error('once') end end)\n"
           "zooid.sleep(550) t:cancel() zooid.sleep(500) print('n', n)",
           0, "info n\t5");
    expect("local n = 0 zooid.every(10, function() n = n + 1 zooid.sleep(25) end, 1) zooid.sleep(100) print('n', n)", 0,
           "info n\t4"); /* at 1, 31, 61 and 91: it does not overtake itself */
    expect("do local t <close> = zooid.timer(10, function() print('never') end) end zooid.sleep(20) print('end')", 0,
           "end");
}

static void test_subscriptions(void **state)
{
    struct lua_rig rig = rig_make(0);
    (void)state;
    assert_true(
        rig_run(&rig, "for change in zooid.subscribe({ '/a', '/b' }) do print(change.kind, change.path, change.data)\n"
                      "if change.kind == 'changed' then zooid.sleep(10) end\n"
                      "if change.kind == 'deleted' then break end end print('left')"));
    fake_host_change(rig.host, ZOOID_PLUGIN_RESET, NULL, NULL);
    fake_host_change(rig.host, ZOOID_PLUGIN_PRESENT, "/a", "1");
    fake_host_change(rig.host, ZOOID_PLUGIN_CHANGED, "/a", "2");
    fake_host_change(rig.host, ZOOID_PLUGIN_TXN_END, NULL, NULL);
    fake_host_change(rig.host, ZOOID_PLUGIN_CREATED, "/a/b", "3"); /* while the script sleeps */
    fake_host_change(rig.host, ZOOID_PLUGIN_DELETED, "/a/b", NULL);
    assert_false(rig_logged(&rig, "created"));
    fake_host_advance(rig.host, 10);
    assert_true(rig_logged(&rig,
                           "info reset\tnil\tnil\ninfo present\t/a\t1\ninfo changed\t/a\t2\ninfo created\t/a/b\t3\n"
                           "info deleted\t/a/b\tnil\ninfo left\n"));
    assert_int_equal(fake_host_open_handles(rig.host), 0); /* the loop has closed it */
    rig_end(&rig);
}

static void test_a_script_that_does_not_take_its_changes(void **state)
{
    struct lua_rig rig = rig_make(0);
    (void)state;
    assert_true(rig_run(&rig, "local s = zooid.subscribe('/a', { waiting_max = 3 }) zooid.sleep(100000)\n"
                              "for i = 1, 4 do print(pcall(s)) end print(s:next())"));
    for (int i = 0; i < 5; i++)
        fake_host_change(rig.host, ZOOID_PLUGIN_CHANGED, "/a", "x");
    fake_host_advance(rig.host, 100000);
    assert_true(rig_logged(&rig, "info false\tthe script takes its changes too slowly\n"));
    assert_true(rig_logged(&rig, "info nil\tthe script takes its changes too slowly\n"));
    rig_end(&rig);
}

static void test_commands(void **state)
{
    struct lua_rig rig = rig_make(0);
    (void)state;
    assert_true(rig_run(&rig, "zooid.command('echo', { help = 'says it again' }, function(args, caller, request)\n"
                              "zooid.sleep(0) return { args = args, caller = caller, more = request.more } end)\n"
                              "zooid.command('none', function() end)\n"
                              "zooid.command('refuse', function() return nil, 'not today' end)\n"
                              "zooid.command('lost', function() return zooid.get('/none') end)\n"
                              "zooid.command('break', function() error('broken') end)\n"
                              "zooid.command('strange', function() return print end)"));
    assert_string_equal(fake_host_command(rig.host, "echo", "{\"args\":[\"a\"],\"more\":1}"),
                        "0 {\"args\":[\"a\"],\"caller\":\"uid:1\",\"more\":1}");
    assert_string_equal(fake_host_command(rig.host, "none", "{}"), "0 null");
    assert_string_equal(fake_host_command(rig.host, "refuse", "{}"), "-1010 not today");
    assert_string_equal(fake_host_command(rig.host, "lost", "{}"), "-101 /none: no such node");
    const char *answer = fake_host_command(rig.host, "break", "{}");
    assert_non_null(strstr(answer, "-1010 "));
    assert_non_null(strstr(answer, "script.lua:6: broken"));
    assert_null(strchr(answer, '\n'));
    assert_true(rig_logged(&rig, "script.lua:6: in function"));
    assert_string_equal(fake_host_command(rig.host, "strange", "{}"), "-1010 JSON has nothing for a function");
    assert_string_equal(fake_host_command(rig.host, "echo", "{"), "-1010 the command cannot be started");
    rig_end(&rig);
}

static void test_what_a_plugin_says_of_itself(void **state)
{
    struct lua_rig rig = rig_make(0);
    (void)state;
    fake_host_settings(rig.host, "{\"list\":[1,{\"a\":null}]}");
    assert_true(rig_run(&rig, "zooid.log.warn('careful', 1, nil) zooid.status('busy') zooid.ready()\n"
                              "print(zooid.settings().list[1], zooid.settings().list[2].a == zooid.json.null)\n"
                              "zooid.fail('no more')\nprint('not reached')"));
    assert_string_equal(fake_host_log(rig.host), "warning careful 1 nil\nstatus busy\nready \ninfo 1\ttrue\n");
    assert_string_equal(rig.failure, "no more");
    rig_end(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calls_are_written_straight_down),
        cmocka_unit_test(test_an_error_is_a_value),
        cmocka_unit_test(test_wrong_arguments_are_raised),
        cmocka_unit_test(test_tasks_run_side_by_side),
        cmocka_unit_test(test_tasks_fail_and_are_cancelled),
        cmocka_unit_test(test_coroutines_of_the_script_may_wait),
        cmocka_unit_test(test_timers),
        cmocka_unit_test(test_subscriptions),
        cmocka_unit_test(test_a_script_that_does_not_take_its_changes),
        cmocka_unit_test(test_commands),
        cmocka_unit_test(test_what_a_plugin_says_of_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
