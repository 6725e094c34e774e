/* host_lua_libraries.c - what of Lua's own libraries a script sees.
 *
 * Without grants a script reaches nothing of the system: no files, no programs, no modules in C, and no bytecode, which
 * Lua does not verify. coroutine.resume and wrap pass on what waits in the host, so that functions that wait can be
 * called in coroutines of the script's own, too. */
#include "plugins/host/host_lua_internal.h"

#include <lualib.h>
#include <stdlib.h>
#include <string.h>

static const char prelude[] =
    "local mark, exhausted, check, load_file, path, files, natives = ...\n"
    "local load_any, xpcall_any = load, xpcall\n"
    "local resume, yield, create = coroutine.resume, coroutine.yield, coroutine.create\n"
    "local searchpath, error = package.searchpath, error\n"
    "local function pass(co, ok, first, ...)\n"
    "    if ok and first == mark then return pass(co, resume(co, yield(mark))) end\n"
    "    check()\n"
    "    return ok, first, ...\n"
    "end\n"
    "function coroutine.resume(co, ...) return pass(co, resume(co, ...)) end\n"
    "local function results(ok, first, ...)\n"
    "    if not ok then error(first, 0) end\n"
    "    return first, ...\n"
    "end\n"
    "function coroutine.wrap(f)\n"
    "    local co = create(f)\n"
    "    return function(...) return results(pass(co, resume(co, ...))) end\n"
    "end\n"
    "function load(chunk, name, _, ...) return load_any(chunk, name, 't', ...) end\n"
    "function xpcall(f, handler, ...)\n"
    "    return xpcall_any(f, function(raised)\n"
    "        if exhausted() then return raised end\n"
    "        return handler(raised)\n"
    "    end, ...)\n"
    "end\n"
    "if files then\n"
    "    package.path = path\n"
    "    function loadfile(name, _, ...) return load_file(name, ...) end\n"
    "    function dofile(name) return assert(load_file(name))() end\n"
    "else\n"
    "    package.path, package.searchpath = nil, nil\n"
    "end\n"
    "if not natives then\n"
    "    package.cpath, package.loadlib, package.searchers[3], package.searchers[4] = nil, nil, nil, nil\n"
    "end\n"
    "package.searchers[2] = function(name)\n"
    "    local file, tried = searchpath(name, files and package.path or path)\n"
    "    if not file then return tried end\n"
    "    local chunk, message = load_file(file)\n"
    "    if not chunk then\n"
    "        error(\"error loading module '\" .. name .. \"' from file '\" .. file .. \"':\\n\\t\" .. message, 0)\n"
    "    end\n"
    "    return chunk, file\n"
    "end\n";

/* A function of one of Lua's libraries, and what has to be granted for it. */
static const struct restriction {
    const char *library, *name;
    unsigned grants;
} restrictions[] = {
    {"_G", "loadfile", GRANT_FILES},  {"_G", "dofile", GRANT_FILES},  {"string", "dump", ~0U},
    {"os", "setlocale", ~0U},         {"os", "remove", GRANT_FILES},  {"os", "rename", GRANT_FILES},
    {"os", "tmpname", GRANT_FILES},   {"os", "execute", GRANT_RUN},   {"io", "popen", GRANT_RUN},
    {"debug", "debug", ~0U},          {"debug", "gethook", ~0U},      {"debug", "getinfo", ~0U},
    {"debug", "getlocal", ~0U},       {"debug", "getmetatable", ~0U}, {"debug", "getregistry", ~0U},
    {"debug", "getupvalue", ~0U},     {"debug", "getuservalue", ~0U}, {"debug", "sethook", ~0U},
    {"debug", "setlocal", ~0U},       {"debug", "setmetatable", ~0U}, {"debug", "setupvalue", ~0U},
    {"debug", "setuservalue", ~0U},   {"debug", "upvalueid", ~0U},    {"debug", "upvaluejoin", ~0U},
    {"debug", "setcstacklimit", ~0U},
};

int load_text_file(lua_State *L, const char *path)
{
    return luaL_loadfilex(L, path, "t");
}

/* load_file(path [, environment]) */
static int load_file(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);
    bool with_environment = lua_gettop(L) >= 2;
    if (load_text_file(L, path) != LUA_OK) {
        lua_pushnil(L);
        lua_insert(L, -2);
        return 2;
    }
    if (with_environment) {
        lua_pushvalue(L, 2);
        if (lua_setupvalue(L, -2, 1) == NULL)
            lua_pop(L, 1);
    }
    return 1;
}

static int exhausted(lua_State *L)
{
    lua_pushboolean(L, script_of(L)->over_budget);
    return 1;
}

/* os.exit([code]) of a program */
static int os_exit(lua_State *L)
{
    struct script *script = script_of(L);
    lua_Integer code = lua_isnoneornil(L, 1) ? EXIT_SUCCESS
                       : lua_isboolean(L, 1) ? (lua_toboolean(L, 1) ? EXIT_SUCCESS : EXIT_FAILURE)
                                             : luaL_checkinteger(L, 1);
    (void)task_waiting(L, NULL); /* for its end */
    script->ended(script->context, (int)(code & 0xff), NULL);
    return task_suspend(L);
}

/* print of a plugin: a line of its log */
static int print_to_log(lua_State *L)
{
    luaL_Buffer line;
    int count = lua_gettop(L);
    luaL_buffinit(L, &line);
    for (int i = 1; i <= count; i++) {
        if (i > 1)
            luaL_addchar(&line, '\t');
        luaL_tolstring(L, i, NULL);
        luaL_addvalue(&line);
    }
    luaL_pushresult(&line);
    script_log(script_of(L), ZOOID_PLUGIN_INFO, lua_tostring(L, -1));
    return 0;
}

static void restrict_libraries(lua_State *L, unsigned grants)
{
    for (size_t i = 0; i < sizeof restrictions / sizeof restrictions[0]; i++) {
        const struct restriction *row = &restrictions[i];
        if ((row->grants & grants) == row->grants || lua_getglobal(L, row->library) != LUA_TTABLE) {
            lua_settop(L, 1);
            continue;
        }
        lua_pushnil(L);
        lua_setfield(L, -2, row->name);
        lua_settop(L, 1);
    }
}

static void open_lua_libraries(lua_State *L, const struct script_settings *settings)
{
    static const luaL_Reg libraries[] = {
        {LUA_GNAME, luaopen_base},       {LUA_LOADLIBNAME, luaopen_package}, {LUA_COLIBNAME, luaopen_coroutine},
        {LUA_TABLIBNAME, luaopen_table}, {LUA_STRLIBNAME, luaopen_string},   {LUA_MATHLIBNAME, luaopen_math},
        {LUA_UTF8LIBNAME, luaopen_utf8}, {LUA_OSLIBNAME, luaopen_os},        {LUA_DBLIBNAME, luaopen_debug},
        {LUA_IOLIBNAME, luaopen_io},
    };
    for (size_t i = 0; i < sizeof libraries / sizeof libraries[0]; i++) {
        if (libraries[i].func == luaopen_io && (settings->grants & GRANT_FILES) == 0)
            continue;
        luaL_requiref(L, libraries[i].name, libraries[i].func, 1);
        lua_pop(L, 1);
    }
    lua_getglobal(L, LUA_OSLIBNAME);
    if (settings->is_program)
        lua_pushcfunction(L, os_exit);
    else
        lua_pushnil(L);
    lua_setfield(L, -2, "exit");
    lua_pop(L, 1);
    if (!settings->is_program) {
        lua_pushcfunction(L, print_to_log);
        lua_setglobal(L, "print");
    }
    restrict_libraries(L, settings->grants);
}

/* Where `require` looks. */
static void push_path(lua_State *L, const struct script_settings *settings)
{
    const char *const folders[] = {settings->directory, settings->library};
    int parts = 0;
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
        if (folders[i] != NULL) {
            lua_pushfstring(L, "%s/?.lua;%s/?/init.lua;", folders[i], folders[i]);
            parts++;
        }
    lua_concat(L, parts);
}

static int open_core(lua_State *L)
{
    static void (*const open[])(lua_State *) = {open_errors,        open_spawn,    open_tree,    open_multi,
                                                open_subscriptions, open_time,     open_self,    open_commands,
                                                open_holds,         open_children, open_files,   open_json,
                                                open_hash,          open_locks,    open_recipes, open_requests};
    lua_newtable(L);
    for (size_t i = 0; i < sizeof open / sizeof open[0]; i++)
        open[i](L);
    return 1;
}

int libraries_open(lua_State *L)
{
    const struct script_settings *settings = &script_of(L)->settings;
    lua_settop(L, 1);
    open_lua_libraries(L, settings);
    luaL_requiref(L, "zooid.core", open_core, 0);
    lua_settop(L, 0);
    if (luaL_loadbufferx(L, prelude, sizeof prelude - 1, "=prelude", "t") != LUA_OK)
        return lua_error(L);
    lua_pushlightuserdata(L, (void *)(uintptr_t)task_wait_mark());
    lua_pushcfunction(L, exhausted);
    lua_pushcfunction(L, limits_check);
    lua_pushcfunction(L, load_file);
    push_path(L, settings);
    lua_pushboolean(L, (settings->grants & GRANT_FILES) != 0);
    lua_pushboolean(L, (settings->grants & GRANT_ALL) == GRANT_ALL);
    lua_call(L, 7, 0);
    return 0;
}
