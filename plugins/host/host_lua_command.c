/* host_lua_command.c - what the script offers (command), and what others offer (call). */
#include "plugins/host/host_lua_internal.h"

#include <string.h>

static const char *const command_options[] = {"help", "admin", NULL};
static const char *const call_options[] = {"deadline_ms", NULL};

/* -- commands ---------------------------------------------------------------------------------------------------------
 */

/* Kept by the registry, by its address, with its function as user value, for as long as the script is there. */
struct command {
    struct script *script;
    struct task *task; /* that has just been made */
};

struct invocation {
    struct command *command;
    zooid_handle handle;
    const char *arguments, *caller;
    size_t len;
};

/* nil, err of the function becomes the error of the command; anything else is its answer, in JSON. */
static void answer(lua_State *L, struct task *task, bool ok)
{
    struct script *script = task->script;
    int code = ZOOID_PLUGIN_OK;
    if (!ok) {
        const char *why = lua_tostring(L, 1);
        script_log(script, ZOOID_PLUGIN_ERROR, why);
        code = ZOOID_PLUGIN_PROVIDER_FAILED;
        lua_pushlstring(L, why, strcspn(why, "\n")); /* the traceback is for the log */
    } else if (lua_isnoneornil(L, 1) && !lua_isnoneornil(L, 2)) {
        code = lua_istable(L, 2) && lua_getfield(L, 2, "code") == LUA_TNUMBER ? (int)lua_tointeger(L, -1)
                                                                              : ZOOID_PLUGIN_PROVIDER_FAILED;
        luaL_tolstring(L, 2, NULL);
    } else {
        if (lua_gettop(L) == 0)
            lua_pushnil(L);
        json_write(L, 1, false);
    }
    (void)script->api->answer(script->host, task->number, code, lua_tostring(L, -1));
}

/* What the function returned could not be written as JSON, say: whoever asked must be told all the same. */
static int answer_protected(lua_State *L)
{
    struct task *task = lua_touserdata(L, lua_upvalueindex(1));
    answer(L, task, lua_toboolean(L, lua_upvalueindex(2)));
    return 0;
}

static void command_ended(lua_State *L, struct task *task, bool ok)
{
    struct script *script = task->script;
    lua_pushlightuserdata(L, task);
    lua_pushboolean(L, ok);
    lua_pushcclosure(L, answer_protected, 2);
    lua_insert(L, 1);
    if (lua_pcall(L, lua_gettop(L) - 1, 0, 0) == LUA_OK)
        return;
    const char *why = lua_tostring(L, -1);
    script_log(script, ZOOID_PLUGIN_ERROR, why);
    (void)script->api->answer(script->host, task->number, ZOOID_PLUGIN_PROVIDER_FAILED, why);
}

/* function(args, caller, request) */
static int start_command(lua_State *L)
{
    const struct invocation *invocation = lua_touserdata(L, 1);
    struct command *command = invocation->command;
    lua_rawgetp(L, LUA_REGISTRYINDEX, command);
    lua_getiuservalue(L, -1, 1);
    int function = lua_gettop(L);
    if (json_push(L, invocation->arguments, invocation->len) != 1)
        return luaL_error(L, "arguments: %s", lua_tostring(L, -1));
    lua_pushvalue(L, function);
    if (!lua_istable(L, function + 1) || lua_getfield(L, function + 1, "args") != LUA_TTABLE) {
        lua_settop(L, function + 2);
        lua_newtable(L);
    }
    lua_pushstring(L, invocation->caller);
    lua_pushvalue(L, function + 1);
    command->task = task_new(L, 3, command_ended, command);
    command->task->number = invocation->handle;
    return 0;
}

static void invoked(void *context, zooid_handle handle, const char *arguments, size_t len, const char *caller)
{
    struct command *command = context;
    struct script *script = command->script;
    struct invocation invocation = {
        .command = command, .handle = handle, .arguments = arguments, .len = len, .caller = caller};
    if (!script->closing && script_protected(script, start_command, &invocation))
        task_run(command->task);
    else
        (void)script->api->answer(script->host, handle, ZOOID_PLUGIN_PROVIDER_FAILED, "the command cannot be started");
}

/* command(name, [options,] function) */
static int command(lua_State *L)
{
    struct script *script = script_of(L);
    const char *name = check_text(L, 1);
    if (lua_gettop(L) == 2) {
        lua_pushnil(L);
        lua_insert(L, 2);
    }
    check_options(L, 2, command_options);
    luaL_checktype(L, 3, LUA_TFUNCTION);
    struct zooid_plugin_command offer = {
        .size = sizeof offer, .name = name, .help = option_text(L, 2, "help"), .admin = option_flag(L, 2, "admin")};
    if (offer.help == NULL)
        offer.help = "";
    struct command *c = lua_newuserdatauv(L, sizeof *c, 1);
    *c = (struct command){.script = script};
    lua_pushvalue(L, 3);
    lua_setiuservalue(L, -2, 1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, c);
    if (script->api->command(script->host, &offer, invoked, c) == 0)
        return push_not_begun(L);
    lua_pushboolean(L, true);
    return 1;
}

/* -- calls ------------------------------------------------------------------------------------------------------------
 */

static int push_answer(lua_State *L, struct task *task, const void *what)
{
    const struct zooid_plugin_reply *reply = what;
    (void)task;
    if (reply->code != ZOOID_PLUGIN_OK)
        return push_reply_failure(L, reply, NULL);
    push_data(L, reply->bytes, reply->bytes_len);
    return 1;
}

static void replied(void *context, const struct zooid_plugin_reply *reply)
{
    task_wake(context, reply);
}

/* call(provider, command [, bytes [, options]]): bytes */
static int call(lua_State *L)
{
    size_t len = 0;
    const char *provider = check_text(L, 1), *name = check_text(L, 2), *bytes = luaL_optlstring(L, 3, "", &len);
    check_options(L, 4, call_options);
    uint32_t deadline_ms = option_deadline(L, 4);
    struct task *task = task_waiting(L, push_answer);
    const struct script *script = task->script;
    task->handle = script->api->call(script->host, provider, name, bytes, len, deadline_ms, replied, task);
    if (task->handle != 0)
        return task_suspend(L);
    task_stay(task);
    return push_not_begun(L);
}

void open_commands(lua_State *L)
{
    static const luaL_Reg functions[] = {{"command", command}, {"call", call}, {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
