/* host_lua_json.c - zooid.json, on jansson.
 *
 * Whole numbers keep their 64 bits; null is zooid.json.null, so that it does not vanish from a table. A list that is
 * empty has a mark (a metatable, as those have that zooid.json.array made), by which it becomes [] again. Depth is
 * bounded, and so is the size of a text, by the script's memory: jansson's is not counted by the script's allocator,
 * and a text may need many times its size. */
#include "plugins/host/host_lua_internal.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char array_class[] = "zooid.array", tree_class[] = "zooid.json_tree";
static const char null_mark = 0;
static const char *const encode_options[] = {"pretty", NULL};

enum { DEPTH_MAX = 200, MEMORY_FACTOR = 64 };

/* What jansson has made, let go of also when Lua raises an error. */
struct tree {
    json_t *root;
    char *text;
};

static void tree_empty(struct tree *tree)
{
    json_decref(tree->root);
    free(tree->text);
    *tree = (struct tree){.root = NULL};
}

static int tree_free(lua_State *L)
{
    tree_empty(lua_touserdata(L, 1));
    return 0;
}

static struct tree *tree_new(lua_State *L)
{
    struct tree *tree = lua_newuserdatauv(L, sizeof *tree, 0);
    *tree = (struct tree){.root = NULL};
    luaL_setmetatable(L, tree_class);
    return tree;
}

static void push_null(lua_State *L)
{
    lua_pushlightuserdata(L, (void *)(uintptr_t)&null_mark);
}

/* -- from text --------------------------------------------------------------------------------------------------------
 */

static bool is_too_deep(const json_t *value, int depth)
{
    const char *key = NULL;
    json_t *child = NULL, *parent = (json_t *)(uintptr_t)value;
    size_t i = 0;
    bool deep = depth > DEPTH_MAX;
    json_array_foreach(parent, i, child) deep = deep || is_too_deep(child, depth + 1);
    json_object_foreach(parent, key, child) deep = deep || is_too_deep(child, depth + 1);
    return deep;
}

static void push_value(lua_State *L, const json_t *value);

static void push_array(lua_State *L, const json_t *array)
{
    size_t count = json_array_size(array);
    lua_createtable(L, (int)count, 0);
    luaL_setmetatable(L, array_class);
    for (size_t i = 0; i < count; i++) {
        push_value(L, json_array_get(array, i));
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
}

static void push_object(lua_State *L, const json_t *object)
{
    const char *key = NULL;
    json_t *value = NULL;
    lua_createtable(L, 0, (int)json_object_size(object));
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        lua_pushstring(L, key);
        push_value(L, value);
        lua_rawset(L, -3);
    }
}

static void push_value(lua_State *L, const json_t *value)
{
    luaL_checkstack(L, LUA_MINSTACK, "JSON is nested too deep");
    switch (json_typeof(value)) {
    case JSON_OBJECT: push_object(L, value); break;
    case JSON_ARRAY: push_array(L, value); break;
    case JSON_STRING: lua_pushlstring(L, json_string_value(value), json_string_length(value)); break;
    case JSON_INTEGER: lua_pushinteger(L, json_integer_value(value)); break;
    case JSON_REAL: lua_pushnumber(L, json_real_value(value)); break;
    case JSON_TRUE:
    case JSON_FALSE: lua_pushboolean(L, json_is_true(value)); break;
    case JSON_NULL: push_null(L); break;
    }
}

static bool fits(const struct script *script, size_t len)
{
    size_t max = script->settings.memory_max;
    return max == 0 || (script->memory_used < max && len < (max - script->memory_used) / MEMORY_FACTOR);
}

int json_push(lua_State *L, const char *text, size_t len)
{
    json_error_t error;
    lua_pushnil(L);
    if (!fits(script_of(L), len)) {
        lua_pushliteral(L, "the text is too long for the memory of this script");
        return 2;
    }
    struct tree *tree = tree_new(L);
    tree->root = json_loadb(text, len, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    if (tree->root == NULL) {
        lua_pop(L, 1);
        lua_pushfstring(L, "line %d, column %d: %s", error.line, error.column, error.text);
        return 2;
    }
    if (is_too_deep(tree->root, 1)) {
        tree_empty(tree);
        lua_pop(L, 1);
        lua_pushfstring(L, "JSON is nested more than %d deep", DEPTH_MAX);
        return 2;
    }
    push_value(L, tree->root);
    tree_empty(tree);
    lua_replace(L, -3);
    lua_pop(L, 1);
    return 1;
}

/* -- to text ----------------------------------------------------------------------------------------------------------
 */

struct writing {
    lua_State *L;
    struct tree *tree;
    bool long_reals; /* one of them needs 17 digits */
};

static void raise(const struct writing *w, const char *why)
{
    luaL_error(w->L, "JSON: %s", why);
}

/* The child becomes part of the tree before it is filled: whatever is raised meanwhile, the tree is let go of as a
 * whole. Without a parent it is the root; without a key the parent is an array. */
static void attach(struct writing *w, json_t *parent, const char *key, json_t *child)
{
    if (child == NULL)
        raise(w, "not enough memory, or text that is not UTF-8");
    if (parent == NULL)
        w->tree->root = child;
    else if ((key == NULL ? json_array_append_new(parent, child) : json_object_set_new(parent, key, child)) != 0)
        raise(w, "not enough memory, or a key that is not UTF-8");
}

static json_t *new_real(struct writing *w, double number)
{
    char text[32];
    if (!isfinite(number))
        raise(w, "a number that is not finite");
    (void)snprintf(text, sizeof text, "%.15g", number);
    w->long_reals = w->long_reals || strtod(text, NULL) != number;
    return json_real(number);
}

/* A list has the keys 1 to n and no others. */
static bool is_list(lua_State *L, int index)
{
    lua_Unsigned count = 0, length = lua_rawlen(L, index);
    bool marked = luaL_getmetafield(L, index, "__name") == LUA_TSTRING;
    marked = marked && strcmp(lua_tostring(L, -1), array_class) == 0;
    lua_settop(L, index);
    for (lua_pushnil(L); lua_next(L, index) != 0; lua_pop(L, 1)) {
        if (!lua_isinteger(L, -2) || lua_tointeger(L, -2) < 1 || (lua_Unsigned)lua_tointeger(L, -2) > length) {
            lua_settop(L, index);
            return false;
        }
        count++;
    }
    return count > 0 ? count == length : marked;
}

static void write_value(struct writing *w, json_t *parent, const char *key, int depth);

static void write_list(struct writing *w, json_t *array, int depth)
{
    int index = lua_gettop(w->L);
    lua_Unsigned count = lua_rawlen(w->L, index);
    for (lua_Unsigned i = 1; i <= count; i++) {
        lua_rawgeti(w->L, index, (lua_Integer)i);
        write_value(w, array, NULL, depth + 1);
        lua_settop(w->L, index);
    }
}

static void write_fields(struct writing *w, json_t *object, int depth)
{
    lua_State *L = w->L;
    int index = lua_gettop(L);
    for (lua_pushnil(L); lua_next(L, index) != 0; lua_settop(L, index + 1)) {
        size_t len = 0;
        const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tolstring(L, -2, &len) : NULL;
        if (key == NULL || strlen(key) != len)
            raise(w, "the keys of a table are either 1, 2, 3 ... or text without a zero");
        write_value(w, object, key, depth + 1);
    }
}

static void write_table(struct writing *w, json_t *parent, const char *key, int depth)
{
    bool list = is_list(w->L, lua_gettop(w->L));
    if (depth > DEPTH_MAX)
        raise(w, "tables are nested too deep, or within themselves");
    luaL_checkstack(w->L, LUA_MINSTACK, "JSON is nested too deep");
    json_t *child = list ? json_array() : json_object();
    attach(w, parent, key, child);
    (list ? write_list : write_fields)(w, child, depth);
}

/* The value on the top of the stack. */
static void write_value(struct writing *w, json_t *parent, const char *key, int depth)
{
    lua_State *L = w->L;
    size_t len = 0;
    switch (lua_type(L, -1)) {
    case LUA_TTABLE: write_table(w, parent, key, depth); return;
    case LUA_TSTRING: {
        const char *text = lua_tolstring(L, -1, &len);
        attach(w, parent, key, json_stringn(text, len));
        return;
    }
    case LUA_TNUMBER:
        attach(w, parent, key,
               lua_isinteger(L, -1) ? json_integer(lua_tointeger(L, -1)) : new_real(w, lua_tonumber(L, -1)));
        return;
    case LUA_TBOOLEAN: attach(w, parent, key, json_boolean(lua_toboolean(L, -1))); return;
    case LUA_TNIL: attach(w, parent, key, json_null()); return;
    case LUA_TLIGHTUSERDATA:
        if (lua_touserdata(L, -1) == &null_mark) {
            attach(w, parent, key, json_null());
            return;
        }
        break;
    default: break;
    }
    luaL_error(L, "JSON has nothing for a %s", luaL_typename(L, -1));
}

void json_write(lua_State *L, int index, bool pretty)
{
    lua_pushvalue(L, index);
    struct writing w = {.L = L, .tree = tree_new(L)};
    lua_insert(L, -2);
    write_value(&w, NULL, NULL, 1);
    lua_pop(L, 1);
    size_t flags = JSON_ENCODE_ANY | JSON_SORT_KEYS | (pretty ? JSON_INDENT(2) : JSON_COMPACT);
    w.tree->text = json_dumps(w.tree->root,
                              flags | (w.long_reals ? JSON_REAL_PRECISION(17U) : JSON_REAL_PRECISION(15U)));
    if (w.tree->text == NULL)
        raise(&w, "not enough memory");
    lua_pushstring(L, w.tree->text);
    tree_empty(w.tree);
    lua_replace(L, -2);
}

/* -- the module -------------------------------------------------------------------------------------------------------
 */

/* decode(text) */
static int decode(lua_State *L)
{
    size_t len = 0;
    const char *text = luaL_checklstring(L, 1, &len);
    return json_push(L, text, len);
}

/* encode(value [, options]) */
static int encode(lua_State *L)
{
    luaL_checkany(L, 1);
    check_options(L, 2, encode_options);
    bool pretty = option_flag(L, 2, "pretty");
    lua_settop(L, 1);
    json_write(L, 1, pretty);
    return 1;
}

/* array(table): it is written as a list, even when it is empty */
static int array(lua_State *L)
{
    if (lua_isnoneornil(L, 1))
        lua_newtable(L);
    luaL_checktype(L, -1, LUA_TTABLE);
    luaL_setmetatable(L, array_class);
    return 1;
}

void open_json(lua_State *L)
{
    static const luaL_Reg functions[] = {{"decode", decode}, {"encode", encode}, {"array", array}, {NULL, NULL}};
    static const luaL_Reg meta[] = {{"__gc", tree_free}, {NULL, NULL}};
    luaL_newmetatable(L, array_class);
    lua_pop(L, 1);
    new_class(L, tree_class, NULL, meta);
    luaL_newlib(L, functions);
    push_null(L);
    lua_setfield(L, -2, "null");
    lua_setfield(L, -2, "json");
}
