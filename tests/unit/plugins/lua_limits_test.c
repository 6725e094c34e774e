/* lua_limits_test.c - scripts that want too much: memory, instructions, depth; and what they may not reach. */
#include "tests/unit/plugins/lua_rig.h"

#define TOO_MANY "more than 1000000 instructions without a wait"

/* -- memory -----------------------------------------------------------------------------------------------------------
 */

static void test_memory_is_capped(void **state)
{
    (void)state;
    expect("print(pcall(function() local t = {} for i = 1, 1e6 do t[i] = ('x'):rep(1000) .. i end end))\n"
           "collectgarbage() print('lives', #('x'):rep(1e6))",
           0, "lives\t1000000");
    expect("print(pcall(string.rep, 'x', 2e9))", 0, "false\tnot enough memory");
    expect_failure("local t = {}\nfor i = 1, 1e9 do t[i] = {i} end", 0, "not enough memory\nstack traceback:\n\t");
    expect_failure("local t = {}\nfor i = 1, 1e9 do t[i] = {i} end", 0, "script.lua:2: in main chunk");
}

static void test_a_task_without_memory_leaves_the_others_alone(void **state)
{
    (void)state;
    expect("zooid.timer(10, function() local t = {} while true do t[#t + 1] = ('x'):rep(9999) .. #t end end)\n"
           "zooid.sleep(100)\nprint('goes on')",
           0, "goes on");
}

static void test_json_may_not_take_more_memory_than_the_script(void **state)
{
    (void)state;
    expect("print(zooid.json.decode(('['):rep(1000000)))", 0, "nil\tthe text is too long for the memory");
    expect("print(zooid.json.decode(('['):rep(1000) .. (']'):rep(1000)))", 0, "nil\tJSON is nested more than 200 deep");
}

/* -- instructions -----------------------------------------------------------------------------------------------------
 */

static void test_a_script_that_loops_is_ended(void **state)
{
    (void)state;
    expect_failure("local n = 0\nwhile true do\nn = n + 1 end", 0, TOO_MANY);
    expect_failure("local n = 0\nwhile true do\nn = n + 1 end", 0, "script.lua:3: in main chunk");
}

static void test_one_that_is_busy_and_waits_lives(void **state)
{
    (void)state;
    expect("local n = 0\nfor i = 1, 50 do for k = 1, 50000 do n = n + 1 end zooid.sleep(1) end print('n', n)", 0,
           "n\t2500000");
}

static void test_the_error_cannot_be_kept(void **state)
{
    (void)state;
    expect_failure("local function f() while true do pcall(function() while true do end end) end end\n"
                   "while true do pcall(f) end",
                   0, TOO_MANY);
    expect_failure("while true do xpcall(function() while true do end end, function() while true do end end) end", 0,
                   TOO_MANY);
    expect_failure("local function nest(d) while true do local co = coroutine.wrap(d == 0 and\n"
                   "function() while true do end end or nest) pcall(co, d - 1) end end nest(8)",
                   0, TOO_MANY);
    expect_failure("local x <close> = setmetatable({}, { __close = function() while true do end end })", 0, TOO_MANY);
    expect_failure("setmetatable(_G, { __index = function() while true do end end }) print(nope)", 0, TOO_MANY);
}

static void test_recursion_ends(void **state)
{
    (void)state;
    expect("local function f() return 1 + f() end print(pcall(f))", 0, "false");
    expect("print(load('return ' .. ('('):rep(500) .. (')'):rep(500)))", 0, "C stack overflow");
    expect("local function h() return (string.gsub('x', 'x', h)) end print(pcall(h))", 0, "C stack overflow");
    expect("local function f(co) return coroutine.wrap(f)() end print(pcall(f))", 0, "false");
}

/* -- what a script cannot reach ---------------------------------------------------------------------------------------
 */

static void test_nothing_is_granted_by_default(void **state)
{
    (void)state;
    expect("print(io, os.execute, os.remove, os.rename, os.tmpname, os.exit, dofile, loadfile, debug.getinfo,\n"
           "debug.sethook, debug.getregistry, package.loadlib, package.cpath, package.searchpath, string.dump)\n",
           0, "nil\tnil\tnil\tnil\tnil\tnil\tnil\tnil\tnil\tnil\tnil\tnil\tnil\tnil\tnil\n");
    expect("for name in pairs(debug) do print('debug', name) end print(#package.searchers)", 0,
           "debug\ttraceback\ninfo 2\n");
    expect("print(pcall(zooid.run, { 'true' }))", 0, "does not grant \"run\"");
    expect("print(pcall(zooid.files.read, '/etc/passwd'))", 0, "does not grant \"files\"");
    expect("print(pcall(require, 'etc.passwd'))", 0, "module 'etc.passwd' not found");
    expect("print(getmetatable(zooid.spawn(print)), pcall(setmetatable, zooid.spawn(print), {}))", 0, "false\tfalse");
}

static void test_grants(void **state)
{
    (void)state;
    expect("print(type(io.open), type(os.remove), io.popen, os.execute)", GRANT_FILES, "function\tfunction\tnil\tnil");
    expect("print(type(os.execute), io)", GRANT_RUN, "function\tnil");
    expect("print(type(io.popen), package.loadlib)", GRANT_FILES | GRANT_RUN, "function\tnil");
    expect("print(type(package.loadlib), #package.searchers)", GRANT_ALL, "function\t4");
}

static void test_bytecode_is_refused(void **state)
{
    static const char chunk[] = "\x1bLuaT\0\x19\x93\r\n\x1a\n";
    struct lua_rig rig = rig_make(GRANT_FILES);
    (void)state;
    assert_false(rig_run_bytes(&rig, chunk, sizeof chunk - 1));
    assert_true(rig_logged(&rig, "attempt to load a binary chunk (mode is 't')"));
    rig_end(&rig);
    expect("print(load('\\27LuaT'))", 0, "nil\tattempt to load a binary chunk");
    expect("print(load('\\27LuaT', 'x', 'b'))", 0, "nil\tattempt to load a binary chunk");
    expect("local f = io.open(package.path:match('[^?]*') .. 'byte.lua', 'w') f:write('\\27LuaT') f:close()\n"
           "print(pcall(require, 'byte'), loadfile(package.path:match('[^?]*') .. 'byte.lua'))",
           GRANT_FILES, "attempt to load a binary chunk");
}

/* -- errors say where -------------------------------------------------------------------------------------------------
 */

static void test_errors_name_file_and_line(void **state)
{
    struct lua_rig rig = rig_make(0);
    (void)state;
    assert_false(rig_run(&rig, "print 'a'\nlocal = 3"));
    assert_true(rig_logged(&rig, "script.lua:2: <name> expected near '='"));
    rig_end(&rig);
    expect_failure("local function deep()\nzooid.sleep(1)\nerror('broken')\nend\ndeep()", 0,
                   "script.lua:3: broken\nstack traceback:\n\t[C]: in function 'error'\n\t");
    expect_failure("local function deep()\nzooid.sleep(1)\nerror('broken')\nend\ndeep()", 0,
                   "script.lua:5: in main chunk");
    expect_failure("zooid.spawn(function() local x = nil + 1 end) zooid.sleep(5)", 0,
                   "script.lua:1: attempt to perform arithmetic on a nil value");
    expect_failure("local _, err = zooid.get('/none') error(err)", 0, "/none: no such node\nstack traceback:");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory_is_capped),
        cmocka_unit_test(test_a_task_without_memory_leaves_the_others_alone),
        cmocka_unit_test(test_json_may_not_take_more_memory_than_the_script),
        cmocka_unit_test(test_a_script_that_loops_is_ended),
        cmocka_unit_test(test_one_that_is_busy_and_waits_lives),
        cmocka_unit_test(test_the_error_cannot_be_kept),
        cmocka_unit_test(test_recursion_ends),
        cmocka_unit_test(test_nothing_is_granted_by_default),
        cmocka_unit_test(test_grants),
        cmocka_unit_test(test_bytecode_is_refused),
        cmocka_unit_test(test_errors_name_file_and_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
