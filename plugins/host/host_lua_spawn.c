/* host_lua_spawn.c - tasks as scripts see them: zooid.spawn, and wait, cancel and status of what it returns. */
#include "plugins/host/host_lua_internal.h"

static struct task *check_task(lua_State *L)
{
    return luaL_checkudata(L, 1, "zooid.task");
}

/* spawn(function, ...) */
static int spawn(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TFUNCTION);
    task_queue(task_new(L, lua_gettop(L) - 1, NULL, NULL));
    return 1;
}

/* Pushes what the task at `index` has returned; or nil and the error. */
static int unpack(lua_State *L, int index, const struct task *task)
{
    lua_getiuservalue(L, index, 1);
    int list = lua_gettop(L);
    luaL_checkstack(L, task->arguments + 2, "too many results");
    if (task->failed) {
        lua_pushnil(L);
        lua_rawgeti(L, list, 1);
        return 2;
    }
    for (int i = 1; i <= task->arguments; i++)
        lua_rawgeti(L, list, i);
    return task->arguments;
}

static int wake_with_results(lua_State *L, struct task *waiter, const void *what)
{
    const struct task *task = what;
    (void)waiter;
    (void)lua_rawgeti(L, LUA_REGISTRYINDEX, task->anchor);
    return unpack(L, lua_gettop(L), task);
}

/* task:wait() */
static int wait_for_task(lua_State *L)
{
    struct task *task = check_task(L);
    if (task->co == NULL)
        return unpack(L, 1, task);
    struct task *waiter = task_waiting(L, wake_with_results);
    if (waiter == task) {
        task_stay(waiter);
        return luaL_error(L, "a task cannot wait for itself");
    }
    waiter->awaits = task;
    waiter->next = task->waiters;
    task->waiters = waiter;
    return task_suspend(L);
}

/* task:cancel() */
static int cancel(lua_State *L)
{
    struct task *task = check_task(L);
    luaL_argcheck(L, task != task->script->running, 1, "a task cannot cancel itself: return, or raise an error");
    task_cancel(task);
    return 0;
}

/* task:status(): "running", "done", "failed" */
static int status(lua_State *L)
{
    const struct task *task = check_task(L);
    lua_pushstring(L, task->co != NULL ? "running" : task->failed ? "failed" : "done");
    return 1;
}

void open_spawn(lua_State *L)
{
    static const luaL_Reg methods[] = {{"wait", wait_for_task}, {"cancel", cancel}, {"status", status}, {NULL, NULL}};
    static const luaL_Reg meta[] = {{"__close", cancel}, {NULL, NULL}};
    new_class(L, "zooid.task", methods, meta);
    lua_pushcfunction(L, spawn);
    lua_setfield(L, -2, "spawn");
}
