/* host_lua_hold.c - ephemeral nodes that are made again whenever they are gone, and the state of the session. */
#include "plugins/host/host_lua_internal.h"

static const char ephemeral_class[] = "zooid.ephemeral";
static const char *const wait_options[] = {"deadline_ms", NULL};

/* -- ephemeral nodes --------------------------------------------------------------------------------------------------
 */

struct ephemeral {
    struct script *script;
    zooid_handle handle; /* 0: let go */
    struct task *waiter;
    bool held;
};

static const struct failure too_late = {.code = ZOOID_PLUGIN_DEADLINE_EXCEEDED, .retry = true};
static const struct failure let_go = {.code = ZOOID_PLUGIN_BAD_ARGUMENTS, .message = "the node was let go"};

static struct ephemeral *check_ephemeral(lua_State *L)
{
    return luaL_checkudata(L, 1, ephemeral_class);
}

/* Whoever waits, no longer waiting: neither for the node nor for the deadline. */
static struct task *take_waiter(struct ephemeral *e)
{
    struct task *task = e->waiter;
    if (task != NULL && task->handle != 0)
        e->script->api->cancel(e->script->host, task->handle);
    e->waiter = NULL;
    return task;
}

static int wake_waiter(lua_State *L, struct task *task, const void *what)
{
    (void)task;
    if (what != NULL)
        return push_failure(L, what);
    lua_pushboolean(L, true);
    return 1;
}

static void held(void *context, enum zooid_plugin_hold event, uint64_t number, const char *message)
{
    struct ephemeral *e = context;
    const struct failure failure = {.code = ZOOID_PLUGIN_NO_AUTH, .message = message, .retry = true};
    (void)number;
    e->held = event == ZOOID_PLUGIN_HELD;
    if (event == ZOOID_PLUGIN_LOST)
        return;
    struct task *task = take_waiter(e);
    if (task != NULL)
        task_wake(task, e->held ? NULL : &failure);
}

static void deadline_passed(void *context)
{
    struct task *task = context;
    struct ephemeral *e = task->subject;
    e->waiter = NULL;
    task_wake(task, &too_late);
}

static void leave(struct task *task)
{
    struct ephemeral *e = task->subject;
    e->waiter = NULL;
}

/* ephemeral:wait([options]): until it is there */
static int wait_for_node(lua_State *L)
{
    struct ephemeral *e = check_ephemeral(L);
    check_options(L, 2, wait_options);
    uint32_t deadline_ms = (uint32_t)option_number(L, 2, "deadline_ms", 0, UINT32_MAX);
    if (e->handle == 0 || e->held)
        return wake_waiter(L, NULL, e->held ? NULL : &let_go);
    if (e->waiter != NULL)
        return luaL_error(L, "another task waits for this node");
    struct task *task = task_waiting(L, wake_waiter);
    task->subject = e;
    task->leave = leave;
    e->waiter = task;
    if (deadline_ms != 0)
        task->handle = e->script->api->timer(e->script->host, deadline_ms, 0, deadline_passed, task);
    return task_suspend(L);
}

/* ephemeral:set(data) */
static int set(lua_State *L)
{
    struct ephemeral *e = check_ephemeral(L);
    struct failure failure = let_go;
    size_t len = 0;
    const char *data = luaL_checklstring(L, 2, &len);
    if (e->handle != 0)
        failure = (struct failure){.code = e->script->api->ephemeral_set(e->script->host, e->handle, data, len)};
    if (failure.code != ZOOID_PLUGIN_OK)
        return push_failure(L, &failure);
    lua_pushboolean(L, true);
    return 1;
}

/* ephemeral:held() */
static int is_held(lua_State *L)
{
    lua_pushboolean(L, check_ephemeral(L)->held);
    return 1;
}

/* ephemeral:cancel(): the node goes */
static int let_node_go(lua_State *L)
{
    struct ephemeral *e = check_ephemeral(L);
    struct task *task = take_waiter(e);
    if (e->handle != 0)
        e->script->api->cancel(e->script->host, e->handle);
    e->handle = 0;
    e->held = false;
    if (task != NULL && !e->script->closing)
        task_wake_later(L, task, &let_go);
    return 0;
}

/* ephemeral(path [, data]) */
static int ephemeral(lua_State *L)
{
    struct script *script = script_of(L);
    size_t len = 0;
    const char *path = check_text(L, 1), *data = luaL_optlstring(L, 2, "", &len);
    struct ephemeral *e = lua_newuserdatauv(L, sizeof *e, 0);
    *e = (struct ephemeral){.script = script};
    luaL_setmetatable(L, ephemeral_class);
    e->handle = script->api->ephemeral(script->host, path, data, len, held, e);
    return e->handle != 0 ? 1 : push_not_begun(L);
}

/* -- the session ------------------------------------------------------------------------------------------------------
 */

/* Kept by the registry, by its address, with its function as user value. */
struct session_listener {
    struct script *script;
    enum zooid_plugin_session state;
    struct task *task;
};

static int start_listener(lua_State *L)
{
    static const char *const names[] = {[ZOOID_PLUGIN_SESSION_GOOD] = "good",
                                        [ZOOID_PLUGIN_SESSION_SUSPENDED] = "suspended",
                                        [ZOOID_PLUGIN_SESSION_LOST] = "lost"};
    struct session_listener *listener = lua_touserdata(L, 1);
    lua_rawgetp(L, LUA_REGISTRYINDEX, listener);
    lua_getiuservalue(L, -1, 1);
    lua_pushstring(L, names[listener->state]);
    listener->task = task_new(L, 1, NULL, NULL);
    return 0;
}

static void session_changed(void *context, enum zooid_plugin_session state)
{
    struct session_listener *listener = context;
    listener->state = state;
    if (!listener->script->closing && script_protected(listener->script, start_listener, listener))
        task_run(listener->task);
}

/* session(function): called with "good", "suspended" or "lost" whenever that changes */
static int session(lua_State *L)
{
    struct script *script = script_of(L);
    luaL_checktype(L, 1, LUA_TFUNCTION);
    struct session_listener *listener = lua_newuserdatauv(L, sizeof *listener, 1);
    *listener = (struct session_listener){.script = script};
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, -2, 1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, listener);
    if (script->api->session(script->host, session_changed, listener) == 0)
        return push_not_begun(L);
    lua_pushboolean(L, true);
    return 1;
}

void open_holds(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"wait", wait_for_node}, {"set", set}, {"held", is_held}, {"cancel", let_node_go}, {NULL, NULL}};
    static const luaL_Reg meta[] = {{"__close", let_node_go}, {"__gc", let_node_go}, {NULL, NULL}};
    static const luaL_Reg functions[] = {{"ephemeral", ephemeral}, {"session", session}, {NULL, NULL}};
    new_class(L, ephemeral_class, methods, meta);
    luaL_setfuncs(L, functions, 0);
}
