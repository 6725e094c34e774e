/* host_lua_state.c - a script from its beginning to its end: its state, its library, its main chunk. */
#include "plugins/host/host_lua_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct script *script_of(lua_State *L)
{
    return *(struct script **)lua_getextraspace(L); /* new threads inherit it */
}

/* -- what it says -----------------------------------------------------------------------------------------------------
 */

void script_log(struct script *script, enum zooid_plugin_level level, const char *text)
{
    char line[4096];
    for (const char *at = text; at != NULL;) {
        size_t len = strcspn(at, "\n"), kept = len < sizeof line ? len : sizeof line - 1;
        memcpy(line, at, kept);
        line[kept] = '\0';
        if (script->settings.is_program)
            fprintf(stderr, "%s\n", line);
        else
            script->api->log(script->host, level, line);
        at = at[len] == '\0' ? NULL : at + len + 1;
    }
}

bool script_protected(struct script *script, lua_CFunction function, void *context)
{
    lua_State *L = script->L;
    lua_pushcfunction(L, function);
    lua_pushlightuserdata(L, context);
    if (lua_pcall(L, 1, 0, 0) == LUA_OK)
        return true;
    const char *message = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "an error that is no text";
    script_log(script, ZOOID_PLUGIN_ERROR, message);
    lua_pop(L, 1);
    return false;
}

void script_fail(struct script *script, const char *why)
{
    if (!script->closing)
        script->ended(script->context, EXIT_FAILURE, why);
}

/* -- made and freed ---------------------------------------------------------------------------------------------------
 */

/* Every call into the state is protected; this is for our own mistakes. */
static int panic(lua_State *L)
{
    const char *message = lua_tostring(L, -1);
    script_log(script_of(L), ZOOID_PLUGIN_ERROR, message == NULL ? "Lua panics" : message);
    abort();
}

static int require_library(lua_State *L)
{
    lua_getglobal(L, "require");
    lua_pushliteral(L, "zooid");
    lua_call(L, 1, 1);
    lua_setglobal(L, "zooid");
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_pushnil(L);
    lua_setfield(L, -2, "zooid.core"); /* it is `zooid` by now, and errors call its functions by that name */
    return 0;
}

struct script *script_new(const struct zooid_host_api *api, zooid_host *host, const struct script_settings *settings,
                          script_ended_fn *ended, void *context)
{
    struct script *script = calloc(1, sizeof *script);
    if (script == NULL)
        return NULL;
    script->api = api;
    script->host = host;
    script->settings = *settings;
    script->ended = ended;
    script->context = context;
    script->queue_end = &script->queue;
    script->L = lua_newstate(limits_alloc, script);
    if (script->L != NULL) {
        *(struct script **)lua_getextraspace(script->L) = script;
        lua_atpanic(script->L, panic);
        if (script_protected(script, libraries_open, NULL) && script_protected(script, require_library, NULL))
            return script;
    }
    script_free(script);
    return NULL;
}

void script_free(struct script *script)
{
    if (script == NULL)
        return;
    script->closing = true;
    if (script->queue_timer != 0)
        script->api->cancel(script->host, script->queue_timer);
    if (script->L != NULL)
        lua_close(script->L);
    free(script);
}

/* -- its main chunk ---------------------------------------------------------------------------------------------------
 */

struct main_chunk {
    struct task *task;
    const char *path;
    int argc;
    char *const *argv;
};

static void main_ended(lua_State *L, struct task *task, bool ok)
{
    struct script *script = task->script;
    if (ok)
        script->ended(script->context, EXIT_SUCCESS, NULL);
    else
        script_fail(script, lua_tostring(L, 1));
}

static int load_main(lua_State *L)
{
    struct main_chunk *chunk = lua_touserdata(L, 1);
    if (load_text_file(L, chunk->path) != LUA_OK)
        return lua_error(L);
    lua_createtable(L, chunk->argc, 1);
    lua_pushstring(L, chunk->path);
    lua_rawseti(L, -2, 0);
    for (int i = 0; i < chunk->argc; i++) {
        lua_pushstring(L, chunk->argv[i]);
        lua_rawseti(L, -2, i + 1);
    }
    lua_setglobal(L, "arg");
    luaL_checkstack(L, chunk->argc + LUA_MINSTACK, "too many arguments");
    for (int i = 0; i < chunk->argc; i++)
        lua_pushstring(L, chunk->argv[i]);
    chunk->task = task_new(L, chunk->argc, main_ended, NULL);
    return 0;
}

bool script_start(struct script *script, const char *path, int argc, char *const *argv)
{
    struct main_chunk chunk = {.path = path, .argc = argc, .argv = argv};
    if (!script_protected(script, load_main, &chunk))
        return false;
    task_run(chunk.task);
    return true;
}
