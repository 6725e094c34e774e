/* host_lua_values.c - arguments, tables of options, stats and errors: how C's values look in Lua, and back.
 *
 * A failure is nil and an error: a table with code (a number, as zooid.NO_NODE), name ("NO_NODE"), message, path, retry
 * and outcome_unknown; as text, and joined to text, it is its message. Wrong arguments are raised. */
#include "plugins/host/host_lua_internal.h"

#include "bindings/c/include/zooid.h"

#include <string.h>

static const char error_class[] = "zooid.error";

/* -- arguments --------------------------------------------------------------------------------------------------------
 */

const char *check_text(lua_State *L, int index)
{
    size_t len = 0;
    const char *text = luaL_checklstring(L, index, &len);
    luaL_argcheck(L, strlen(text) == len, index, "there is a zero in it");
    return text;
}

const char *opt_text(lua_State *L, int index)
{
    return lua_isnoneornil(L, index) ? NULL : check_text(L, index);
}

static bool is_known(const char *key, const char *const *known)
{
    while (*known != NULL && strcmp(*known, key) != 0)
        known++;
    return *known != NULL;
}

void check_options(lua_State *L, int index, const char *const *known)
{
    if (lua_isnoneornil(L, index))
        return;
    luaL_checktype(L, index, LUA_TTABLE);
    for (lua_pushnil(L); lua_next(L, index) != 0; lua_pop(L, 1)) {
        const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : NULL;
        if (key == NULL || !is_known(key, known))
            luaL_argerror(L, index, lua_pushfstring(L, "there is no option %s", luaL_tolstring(L, -2, NULL)));
    }
}

/* Pushes the field; false, and nothing pushed, when it is not there. Raises when it is of another type. */
static bool push_option(lua_State *L, int index, const char *name, int type)
{
    if (!lua_istable(L, index))
        return false;
    int found = lua_getfield(L, index, name);
    if (found == LUA_TNIL) {
        lua_pop(L, 1);
        return false;
    }
    if (found != type)
        luaL_argerror(
            L, index,
            lua_pushfstring(L, "option %s: %s expected, got %s", name, lua_typename(L, type), lua_typename(L, found)));
    return true;
}

bool option_flag(lua_State *L, int index, const char *name)
{
    if (!push_option(L, index, name, LUA_TBOOLEAN))
        return false;
    bool flag = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return flag;
}

lua_Integer option_number(lua_State *L, int index, const char *name, lua_Integer otherwise, lua_Integer max)
{
    int is_whole = 0;
    if (!push_option(L, index, name, LUA_TNUMBER))
        return otherwise;
    lua_Integer number = lua_tointegerx(L, -1, &is_whole);
    if (!is_whole || number < 0 || number > max)
        luaL_argerror(L, index,
                      lua_pushfstring(L, "option %s: a whole number from 0 to %I expected", name, (LUAI_UACINT)max));
    lua_pop(L, 1);
    return number;
}

uint32_t option_deadline(lua_State *L, int index)
{
    return (uint32_t)option_number(L, index, "deadline_ms", script_of(L)->settings.deadline_ms, UINT32_MAX);
}

const char *option_bytes(lua_State *L, int index, const char *name, size_t *len)
{
    *len = 0;
    if (!push_option(L, index, name, LUA_TSTRING))
        return NULL;
    const char *bytes = lua_tolstring(L, -1, len);
    lua_pop(L, 1);
    return bytes;
}

const char *option_text(lua_State *L, int index, const char *name)
{
    size_t len = 0;
    const char *text = option_bytes(L, index, name, &len);
    if (text != NULL && strlen(text) != len)
        luaL_argerror(L, index, lua_pushfstring(L, "option %s: there is a zero in it", name));
    return text;
}

/* -- what came back ---------------------------------------------------------------------------------------------------
 */

void push_data(lua_State *L, const void *data, size_t len)
{
    lua_pushlstring(L, data == NULL ? "" : data, data == NULL ? 0 : len);
}

static void set_number(lua_State *L, const char *name, lua_Integer value)
{
    lua_pushinteger(L, value);
    lua_setfield(L, -2, name);
}

static const char *kind_name(enum zooid_plugin_node_kind kind)
{
    static const char *const names[] = {[ZOOID_PLUGIN_KIND_PERSISTENT] = "persistent",
                                        [ZOOID_PLUGIN_KIND_EPHEMERAL] = "ephemeral",
                                        [ZOOID_PLUGIN_KIND_CONTAINER] = "container",
                                        [ZOOID_PLUGIN_KIND_TTL] = "ttl"};
    return (size_t)kind < sizeof names / sizeof names[0] ? names[kind] : "unknown";
}

void push_stat(lua_State *L, const struct zooid_plugin_stat *stat, enum zooid_plugin_node_kind kind)
{
    lua_createtable(L, 0, 12);
    set_number(L, "czxid", stat->czxid);
    set_number(L, "mzxid", stat->mzxid);
    set_number(L, "pzxid", stat->pzxid);
    set_number(L, "ctime_ms", stat->ctime_ms);
    set_number(L, "mtime_ms", stat->mtime_ms);
    set_number(L, "version", stat->version);
    set_number(L, "cversion", stat->cversion);
    set_number(L, "aversion", stat->aversion);
    set_number(L, "ephemeral_owner", stat->ephemeral_owner);
    set_number(L, "data_length", stat->data_length);
    set_number(L, "num_children", stat->num_children);
    lua_pushstring(L, kind_name(kind));
    lua_setfield(L, -2, "kind");
}

/* -- errors -----------------------------------------------------------------------------------------------------------
 */

static void set_flag(lua_State *L, const char *name, bool value)
{
    lua_pushboolean(L, value);
    lua_setfield(L, -2, name);
}

int push_failure(lua_State *L, const struct failure *failure)
{
    lua_pushnil(L);
    lua_createtable(L, 0, 6);
    set_number(L, "code", failure->code);
    lua_pushstring(L, zooid_code_name(failure->code));
    lua_setfield(L, -2, "name");
    lua_pushstring(L, failure->message != NULL ? failure->message : zooid_code_text(failure->code));
    lua_setfield(L, -2, "message");
    lua_pushstring(L, failure->path);
    lua_setfield(L, -2, "path");
    set_flag(L, "retry", failure->retry);
    set_flag(L, "outcome_unknown", failure->outcome_unknown);
    luaL_setmetatable(L, error_class);
    return 2;
}

int push_reply_failure(lua_State *L, const struct zooid_plugin_reply *reply, const char *path)
{
    const struct failure failure = {.code = reply->code,
                                    .message = reply->message,
                                    .path = path,
                                    .retry = reply->retry,
                                    .outcome_unknown = reply->outcome_unknown};
    return push_failure(L, &failure);
}

int push_not_begun(lua_State *L)
{
    const struct failure failure = {.code = ZOOID_PLUGIN_BAD_ARGUMENTS,
                                    .message = "refused; the log says why",
                                    .path = lua_type(L, 1) == LUA_TSTRING ? lua_tostring(L, 1) : NULL};
    return push_failure(L, &failure);
}

/* "/a: no such node" */
static int error_as_text(lua_State *L)
{
    if (lua_getfield(L, 1, "path") == LUA_TSTRING) {
        lua_pushliteral(L, ": ");
        lua_getfield(L, 1, "message");
        lua_concat(L, 3);
    } else {
        lua_getfield(L, 1, "message");
    }
    return 1;
}

static int error_concat(lua_State *L)
{
    luaL_tolstring(L, 1, NULL);
    luaL_tolstring(L, 2, NULL);
    lua_concat(L, 2);
    return 1;
}

/* failure(code [, message [, path]]): nil and an error, as the functions here fail */
static int fail_with(lua_State *L)
{
    const struct failure failure = {
        .code = (int)luaL_checkinteger(L, 1), .message = opt_text(L, 2), .path = opt_text(L, 3)};
    return push_failure(L, &failure);
}

/* zooid.NO_NODE = -101, ... */
void open_errors(lua_State *L)
{
    static const luaL_Reg meta[] = {{"__tostring", error_as_text}, {"__concat", error_concat}, {NULL, NULL}};
#define CODE(name, number, text) set_number(L, #name, number);
    ZOOID_CODES(CODE)
#undef CODE
    new_class(L, error_class, NULL, meta);
    lua_pushcfunction(L, fail_with);
    lua_setfield(L, -2, "failure");
}

void new_class(lua_State *L, const char *name, const luaL_Reg *methods, const luaL_Reg *meta)
{
    luaL_newmetatable(L, name);
    if (meta != NULL)
        luaL_setfuncs(L, meta, 0);
    if (methods != NULL) {
        lua_newtable(L);
        luaL_setfuncs(L, methods, 0);
        lua_setfield(L, -2, "__index");
    }
    lua_pushboolean(L, false);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
}
