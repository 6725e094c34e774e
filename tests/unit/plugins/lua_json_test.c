/* lua_json_test.c - JSON of scripts: what goes through unchanged, what is refused, what cannot be told apart. */
#include "tests/unit/plugins/lua_rig.h"

static void test_numbers_are_exact(void **state)
{
    (void)state;
    expect("print(zooid.json.encode { math.maxinteger, math.mininteger, 0, -0.0, 0.1, 1e300, 3.0 })", 0,
           "[9223372036854775807,-9223372036854775808,0,-0.0,0.1,1e300,3.0]");
    expect("print(zooid.json.encode(1 / 3), zooid.json.decode(zooid.json.encode(1 / 3)) == 1 / 3)", 0,
           "0.33333333333333331\ttrue");
    expect("local n = zooid.json.decode('[9223372036854775807, 1.0, -1]') print(math.type(n[1]), n[1] == "
           "math.maxinteger,\n"
           "math.type(n[2]), n[3])",
           0, "integer\ttrue\tfloat\t-1");
    expect("print(zooid.json.decode('9223372036854775808'))", 0, "nil\tline 1, column 19: too big integer");
    expect("print(pcall(zooid.json.encode, 0 / 0), pcall(zooid.json.encode, { math.huge }))", 0,
           "false\tfalse\tJSON: a number that is not finite");
}

static void test_lists_and_objects(void **state)
{
    (void)state;
    expect("print(zooid.json.encode { {}, zooid.json.array(), { 1, 2 }, { a = 1, ['1'] = 2 } })", 0,
           "[{},[],[1,2],{\"1\":2,\"a\":1}]");
    expect("local v = zooid.json.decode('{\"a\":[],\"b\":{}}') print(zooid.json.encode(v)) v.a[1] = 1 "
           "print(zooid.json.encode(v))",
           0, "info {\"a\":[],\"b\":{}}\ninfo {\"a\":[1],\"b\":{}}\n");
    expect("print(zooid.json.encode({ a = { 1 } }, { pretty = true }))", 0,
           "info {\ninfo   \"a\": [\ninfo     1\ninfo   ]\ninfo }\n");
    expect("for _, v in ipairs { { 1, x = 2 }, { 1, nil, 3 }, { [2] = 1 }, { [1.5] = 1 }, { [true] = 1 }, { ['a\\0'] = "
           "1 } } do\n"
           "print(pcall(zooid.json.encode, v)) end",
           0,
           "info false\tJSON: the keys of a table are either 1, 2, 3 ... or text without a zero\n"
           "info false\tJSON: the keys of a table are either 1, 2, 3 ... or text without a zero\n"
           "info false\tJSON: the keys");
}

static void test_null_is_a_value(void **state)
{
    (void)state;
    expect("local v = zooid.json.decode('{\"a\":null}') print(v.a == zooid.json.null, v.b, zooid.json.encode(v))", 0,
           "true\tnil\t{\"a\":null}");
    expect("print(zooid.json.encode(nil), zooid.json.decode('null') == zooid.json.null)", 0, "null\ttrue");
}

static void test_text(void **state)
{
    (void)state;
    expect("local s = 'a\\0\\n\\\"\\\\\\u{20ac}\\u{1f600}' print(zooid.json.decode(zooid.json.encode(s)) == s)", 0,
           "true");
    expect("print(zooid.json.decode('\"\\\\u0000\\\\ud83d\\\\ude00\"') == '\\0\\u{1f600}')", 0, "true");
    expect("print(pcall(zooid.json.encode, '\\255'))", 0, "false\tJSON: not enough memory, or text that is not UTF-8");
    expect("print(zooid.json.decode('\"\\255\"'))", 0, "nil\tline 1");
    expect("print(zooid.json.decode('\"\\\\ud83d\"'))", 0, "nil\tline 1");
}

static void test_what_is_no_json(void **state)
{
    (void)state;
    expect("for _, t in ipairs { '', '{', '[1,]', '{\"a\":1,\"a\":2}', '1 2', '{a:1}', '\\0', '+1', 'nul', '[1' } do\n"
           "local v, e = zooid.json.decode(t) assert(v == nil and e:find '^line %d+, column %d+: ', t) end print 'all "
           "refused'",
           0, "all refused");
    expect("local t = {} t.t = t print(pcall(zooid.json.encode, t))", 0, "false\tJSON: tables are nested too deep");
    expect("print(pcall(zooid.json.encode, print), pcall(zooid.json.encode, { io = coroutine.create(print) }))", 0,
           "false\tfalse\tJSON has nothing for a thread");
    expect("print(pcall(zooid.json.encode), pcall(zooid.json.encode, 1, { nice = true }))", 0,
           "false\tfalse\tbad argument #2");
}

/* Random values come back as they went. */
static void test_values_come_back(void **state)
{
    (void)state;
    expect("math.randomseed(7)\n"
           "local function value(depth)\n"
           "    local kind = math.random(depth > 4 and 5 or 7)\n"
           "    if kind == 1 then return math.random(0) end\n"
           "    if kind == 2 then return math.random() * 10 ^ math.random(-20, 20) end\n"
           "    if kind == 3 then return math.random(2) == 1 end\n"
           "    if kind == 4 then return zooid.json.null end\n"
           "    if kind == 5 then return utf8.char(math.random(0xd7ff), math.random(0x10000, 0x10ffff)) end\n"
           "    local table = kind == 6 and zooid.json.array() or {}\n"
           "    for i = 1, math.random(0, 4) do table[kind == 6 and i or 'k' .. i] = value(depth + 1) end\n"
           "    return table\n"
           "end\n"
           "local function same(a, b)\n"
           "    if type(a) ~= 'table' then return a == b and math.type(a) == math.type(b) end\n"
           "    for k, v in pairs(a) do if not same(v, b[k]) then return false end end\n"
           "    for k in pairs(b) do if a[k] == nil then return false end end\n"
           "    return true\n"
           "end\n"
           "for i = 1, 300 do\n"
           "    local v = value(1)\n"
           "    local text = zooid.json.encode(v)\n"
           "    assert(same(v, zooid.json.decode(text)), text)\n"
           "    assert(zooid.json.encode(zooid.json.decode(text)) == text, text)\n"
           "    zooid.sleep(1)\n"
           "end\n"
           "print('all came back')",
           0, "all came back");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_are_exact), cmocka_unit_test(test_lists_and_objects),
        cmocka_unit_test(test_null_is_a_value),   cmocka_unit_test(test_text),
        cmocka_unit_test(test_what_is_no_json),   cmocka_unit_test(test_values_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
