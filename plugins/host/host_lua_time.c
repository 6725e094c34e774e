/* host_lua_time.c - sleep, timer and every. */
#include "plugins/host/host_lua_internal.h"

static const char timer_class[] = "zooid.timer";

/* A userdata that the registry keeps, by its address, with its function as user value, as long as it may fire. */
struct timer {
    struct script *script;
    zooid_handle handle; /* 0: it does not fire any more */
    bool repeats, runs;
    struct task *task; /* that has just been made */
};

/* -- sleep ------------------------------------------------------------------------------------------------------------
 */

static int wake_with_true(lua_State *L, struct task *task, const void *what)
{
    (void)task;
    (void)what;
    lua_pushboolean(L, true);
    return 1;
}

static void slept(void *context)
{
    task_wake(context, NULL);
}

static uint32_t check_ms(lua_State *L, int index)
{
    lua_Number ms = luaL_checknumber(L, index);
    luaL_argcheck(L, ms >= 0 && ms <= UINT32_MAX, index, "milliseconds expected");
    return (uint32_t)ms;
}

/* sleep(ms) */
static int sleep_ms(lua_State *L)
{
    uint32_t ms = check_ms(L, 1);
    struct task *task = task_waiting(L, wake_with_true);
    task->handle = task->script->api->timer(task->script->host, ms, 0, slept, task);
    if (task->handle != 0)
        return task_suspend(L);
    task_stay(task);
    return push_not_begun(L);
}

/* -- timers -----------------------------------------------------------------------------------------------------------
 */

/* They go on when their function has failed: the next time may be better. */
static void function_ended(lua_State *L, struct task *task, bool ok)
{
    struct timer *timer = task->owner;
    timer->runs = false;
    if (!ok)
        script_log(task->script, ZOOID_PLUGIN_ERROR, lua_tostring(L, 1));
    if (timer->handle == 0) {
        lua_pushnil(L);
        lua_rawsetp(L, LUA_REGISTRYINDEX, timer);
    }
}

static int start_function(lua_State *L)
{
    struct timer *timer = lua_touserdata(L, 1);
    lua_rawgetp(L, LUA_REGISTRYINDEX, timer);
    lua_getiuservalue(L, -1, 1);
    timer->task = task_new(L, 0, function_ended, timer);
    return 0;
}

static void fire(void *context)
{
    struct timer *timer = context;
    if (!timer->repeats)
        timer->handle = 0;
    if (timer->runs || timer->script->closing) /* it is still at what began the last time */
        return;
    timer->runs = script_protected(timer->script, start_function, timer);
    if (timer->runs)
        task_run(timer->task);
}

static int begin(lua_State *L, uint32_t first_ms, uint32_t every_ms)
{
    struct script *script = script_of(L);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    struct timer *timer = lua_newuserdatauv(L, sizeof *timer, 1);
    *timer = (struct timer){.script = script, .repeats = every_ms != 0};
    luaL_setmetatable(L, timer_class);
    lua_pushvalue(L, 2);
    lua_setiuservalue(L, -2, 1);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, timer);
    timer->handle = script->api->timer(script->host, first_ms, every_ms, fire, timer);
    return timer->handle != 0 ? 1 : push_not_begun(L);
}

/* timer(ms, function) */
static int once(lua_State *L)
{
    return begin(L, check_ms(L, 1), 0);
}

/* every(ms, function [, first_ms]) */
static int every(lua_State *L)
{
    uint32_t ms = check_ms(L, 1);
    luaL_argcheck(L, ms > 0, 1, "at least one millisecond expected");
    return begin(L, lua_isnoneornil(L, 3) ? ms : check_ms(L, 3), ms);
}

/* timer:cancel(): a function that runs already runs to its end */
static int cancel(lua_State *L)
{
    struct timer *timer = luaL_checkudata(L, 1, timer_class);
    if (timer->handle == 0)
        return 0;
    timer->script->api->cancel(timer->script->host, timer->handle);
    timer->handle = 0;
    if (!timer->runs) {
        lua_pushnil(L);
        lua_rawsetp(L, LUA_REGISTRYINDEX, timer);
    }
    return 0;
}

static int now_ms(lua_State *L)
{
    const struct script *script = script_of(L);
    lua_pushinteger(L, (lua_Integer)script->api->now_ms(script->host));
    return 1;
}

void open_time(lua_State *L)
{
    static const luaL_Reg methods[] = {{"cancel", cancel}, {NULL, NULL}};
    static const luaL_Reg meta[] = {{"__close", cancel}, {NULL, NULL}};
    static const luaL_Reg functions[] = {
        {"sleep", sleep_ms}, {"timer", once}, {"every", every}, {"now_ms", now_ms}, {NULL, NULL}};
    new_class(L, timer_class, methods, meta);
    luaL_setfuncs(L, functions, 0);
}
