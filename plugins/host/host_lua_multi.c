/* host_lua_multi.c - several writes, all or none: multi{{"create", path, data}, ...}. The builder is Lua's
 * (zooid/init.lua). */
#include "plugins/host/host_lua_internal.h"

#include <string.h>

enum { PARTS_MAX = 10000 };

static const char *const multi_options[] = {"deadline_ms", NULL};

static const struct part_kind {
    const char *name;
    int texts; /* so many of its values are strings, which the part's table keeps */
    struct zooid_plugin_request (*read)(lua_State *L);
} part_kinds[] = {{"create", 2, create_request},
                  {"set", 2, set_request},
                  {"delete", 1, delete_request},
                  {"check", 1, check_request}};

/* -- what a reply becomes: of each part the path and the code's name --------------------------------------------------
 */

static void push_parts(lua_State *L, const struct zooid_plugin_reply *reply)
{
    lua_createtable(L, (int)reply->node_count, 0);
    for (size_t i = 0; i < reply->node_count; i++) {
        const struct zooid_plugin_node *node = &reply->nodes[i];
        lua_createtable(L, 0, 3);
        lua_pushstring(L, node->path);
        lua_setfield(L, -2, "path");
        lua_pushinteger(L, node->code);
        lua_setfield(L, -2, "code");
        push_stat(L, &node->stat, reply->node_kinds[i]);
        lua_setfield(L, -2, "stat");
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
}

static int push_multi(lua_State *L, struct task *task, const void *what)
{
    const struct zooid_plugin_reply *reply = what;
    (void)task;
    if (reply->code == ZOOID_PLUGIN_OK) {
        push_parts(L, reply);
        lua_pushinteger(L, reply->zxid);
        return 2;
    }
    (void)push_reply_failure(L, reply, NULL);
    push_parts(L, reply);
    lua_setfield(L, -2, "results");
    return 2;
}

/* -- what is asked ----------------------------------------------------------------------------------------------------
 */

/* Reads a part, a table that is on the top: its values become the arguments of the function that reads such requests.
 */
static int read_part(lua_State *L)
{
    struct zooid_plugin_request *request = lua_touserdata(L, 2);
    const char *name = lua_rawgeti(L, 1, 1) == LUA_TSTRING ? lua_tostring(L, -1) : "";
    for (size_t i = 0; i < sizeof part_kinds / sizeof part_kinds[0]; i++) {
        if (strcmp(part_kinds[i].name, name) != 0)
            continue;
        lua_settop(L, 1);
        for (int k = 2; k <= 4; k++)
            if (lua_rawgeti(L, 1, k) == LUA_TNUMBER && k - 1 <= part_kinds[i].texts)
                return luaL_error(L, "path and data of a part are strings");
        lua_remove(L, 1);
        *request = part_kinds[i].read(L);
        return 0;
    }
    return luaL_error(L, "a part is create, set, delete or check, not \"%s\"", name);
}

/* multi(parts [, options]) */
static int multi(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    check_options(L, 2, multi_options);
    lua_settop(L, 2);
    lua_Unsigned count = lua_rawlen(L, 1);
    luaL_argcheck(L, count <= PARTS_MAX, 1, "too many parts");
    struct zooid_plugin_request *parts = lua_newuserdatauv(L, (count + 1) * sizeof *parts, 0);
    for (lua_Unsigned i = 0; i < count; i++) {
        lua_pushcfunction(L, read_part);
        if (lua_rawgeti(L, 1, (lua_Integer)i + 1) != LUA_TTABLE)
            return luaL_argerror(L, 1, "a part is a table");
        lua_pushlightuserdata(L, &parts[i]);
        lua_call(L, 2, 0);
    }
    const struct zooid_plugin_request request = {.size = sizeof request,
                                                 .op = ZOOID_PLUGIN_MULTI,
                                                 .parts = parts,
                                                 .part_count = count,
                                                 .deadline_ms = option_deadline(L, 2)};
    return request_wait(L, &request, push_multi);
}

void open_multi(lua_State *L)
{
    lua_pushcfunction(L, multi);
    lua_setfield(L, -2, "multi");
}
