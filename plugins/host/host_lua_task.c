/* host_lua_task.c - tasks: coroutines that the runtime resumes, suspends and ends.
 *
 * A task runs only from callbacks of the host, which never come while Lua runs; so no two are ever active, and the main
 * stack of the state is free whenever a callback comes. Values reach a task by way of the main stack, protected, since
 * memory may run out at each of them. */
#include "plugins/host/host_lua_internal.h"

#include <string.h>

enum { RESERVE = 1 << 20 };

static const char waits_here = 0; /* its address is what a suspended task yields; host_lua_libraries.c passes it on */

const void *task_wait_mark(void)
{
    return &waits_here;
}

/* Between a task and its results, or what it is woken with. */
struct passage {
    struct task *task;
    const void *what;
    int values;          /* on top of its stack: returned, or raised (one) */
    const char *message; /* instead of these: why it was ended; NULL: it ended itself */
    bool ok;
};

/* -- made -------------------------------------------------------------------------------------------------------------
 */

struct task *task_new(lua_State *L, int arguments, task_ended_fn *ended, void *owner)
{
    struct task *task = lua_newuserdatauv(L, sizeof *task, 1);
    memset(task, 0, sizeof *task);
    task->script = script_of(L);
    task->ended = ended;
    task->owner = owner;
    luaL_setmetatable(L, "zooid.task");
    lua_State *co = lua_newthread(L);
    limits_install(co);
    lua_setiuservalue(L, -2, 1);
    lua_insert(L, -arguments - 2);
    luaL_checkstack(co, arguments + LUA_MINSTACK, "too many arguments");
    lua_xmove(L, co, arguments + 1);
    lua_pushvalue(L, -1);
    task->anchor = luaL_ref(L, LUA_REGISTRYINDEX);
    task->co = co;
    task->arguments = arguments;
    return task;
}

/* -- ended ------------------------------------------------------------------------------------------------------------
 */

static void task_pass(struct task *task, const void *what);

static void release_waiters(struct task *task)
{
    struct task *waiter = task->waiters, *next = NULL;
    task->waiters = NULL;
    for (; waiter != NULL; waiter = next) {
        next = waiter->next;
        waiter->awaits = NULL;
        waiter->next = NULL;
        task_pass(waiter, task);
    }
}

/* What it returned or raised becomes all that is on the stack of L. */
static void take_results(lua_State *L, const struct passage *passage)
{
    lua_State *co = passage->task->co;
    lua_settop(L, 0);
    luaL_checkstack(L, passage->values + LUA_MINSTACK, "too many results");
    lua_xmove(co, L, passage->values);
    if (passage->ok)
        return;
    const char *message = passage->message != NULL ? passage->message : luaL_tolstring(L, 1, NULL);
    luaL_traceback(L, co, message, 0);
    lua_insert(L, 1);
    lua_settop(L, 1);
}

/* For those that wait for it, and will. */
static void keep_results(lua_State *L, const struct task *task)
{
    int count = lua_gettop(L);
    lua_rawgeti(L, LUA_REGISTRYINDEX, task->anchor);
    lua_createtable(L, count, 0);
    for (int i = 1; i <= count; i++) {
        lua_pushvalue(L, i);
        lua_rawseti(L, -2, i);
    }
    lua_setiuservalue(L, -2, 1);
    lua_pop(L, 1);
}

static int finish(lua_State *L)
{
    struct passage *passage = lua_touserdata(L, 1);
    struct task *task = passage->task;
    if (task->co != NULL) {
        take_results(L, passage);
        (void)lua_resetthread(task->co); /* variables that are to be closed; what they raise has nobody to tell */
        task->co = NULL;
    } else {
        lua_settop(L, 0);
        lua_pushliteral(L, "not enough memory");
    }
    task->failed = !passage->ok;
    task->arguments = lua_gettop(L);
    if (task->ended != NULL) {
        task->ended(L, task, passage->ok);
        return 0;
    }
    keep_results(L, task);
    if (task->waiters == NULL && !passage->ok && !task->cancelled)
        script_fail(task->script, lua_tostring(L, 1));
    release_waiters(task);
    return 0;
}

/* The last `values` on its stack are what it returned or raised, unless there is a message. */
static void task_end(struct task *task, bool ok, int values, const char *message)
{
    struct script *script = task->script;
    struct passage passage = {.task = task, .ok = ok, .values = values, .message = message};
    int anchor = task->anchor;
    task->waits = false;
    script->reserve = RESERVE;
    if (!script_protected(script, finish, &passage)) {
        if (task->co != NULL)
            (void)lua_resetthread(task->co);
        task->co = NULL;
        passage.ok = false;
        if (!script_protected(script, finish, &passage))
            script_fail(script, "not enough memory");
    }
    script->reserve = 0;
    luaL_unref(script->L, LUA_REGISTRYINDEX, anchor);
}

static void stop_waiting(struct task *task)
{
    struct task **link = task->awaits == NULL ? NULL : &task->awaits->waiters;
    while (link != NULL && *link != task)
        link = &(*link)->next;
    if (link != NULL)
        *link = task->next;
    if (task->awaits != NULL)
        task->next = NULL;
    task->awaits = NULL;
    if (task->leave != NULL)
        task->leave(task);
    if (task->handle != 0)
        task->script->api->cancel(task->script->host, task->handle);
    task->leave = NULL;
    task->handle = 0;
    task->waits = false;
}

static void end_cancelled(struct task *task)
{
    stop_waiting(task);
    limits_begin(task->script);
    task_end(task, false, 0, "cancelled");
}

/* -- run --------------------------------------------------------------------------------------------------------------
 */

void task_run(struct task *task)
{
    struct script *script = task->script;
    int values = 0;
    if (task->co == NULL || script->closing)
        return;
    limits_begin(script);
    script->running = task;
    int outcome = lua_resume(task->co, script->L, task->arguments, &values);
    script->running = NULL;
    if (outcome == LUA_YIELD && task->waits) {
        lua_pop(task->co, values);
        return;
    }
    if (task->waits) /* it began to wait where it could not be suspended */
        stop_waiting(task);
    if (outcome == LUA_OK)
        task_end(task, true, values, NULL);
    else if (outcome == LUA_YIELD)
        task_end(task, false, 0, "coroutine.yield in no coroutine of the script's own");
    else
        task_end(task, false, 1, NULL);
}

static void run_queue(void *context)
{
    struct script *script = context;
    struct task *task = script->queue, *next = NULL;
    script->queue = NULL;
    script->queue_end = &script->queue;
    script->queue_timer = 0;
    for (; task != NULL; task = next) {
        next = task->next;
        task->next = NULL;
        task->queued = false;
        if (task->cancelled && task->co != NULL)
            end_cancelled(task);
        else
            task_run(task);
    }
}

void task_queue(struct task *task)
{
    struct script *script = task->script;
    if (task->queued || script->closing)
        return;
    task->queued = true;
    task->next = NULL;
    *script->queue_end = task;
    script->queue_end = &task->next;
    if (script->queue_timer == 0)
        script->queue_timer = script->api->timer(script->host, 0, 0, run_queue, script);
    if (script->queue_timer == 0)
        script_fail(script, "not enough memory");
}

/* -- suspended and woken ----------------------------------------------------------------------------------------------
 */

struct task *task_waiting(lua_State *L, task_waker *waker)
{
    struct task *task = script_of(L)->running;
    if (task == NULL || !lua_isyieldable(L)) {
        luaL_error(L, "it cannot wait here: within a function that C calls (a comparator, a replacement, a finalizer)");
        return NULL;
    }
    if (task->waits)
        stop_waiting(task);
    task->waits = true;
    task->waker = waker;
    task->at = L;
    return task;
}

int task_suspend_then(lua_State *L, lua_KFunction continuation)
{
    lua_pushlightuserdata(L, (void *)(uintptr_t)&waits_here);
    return lua_yieldk(L, 1, 0, continuation);
}

int task_suspend(lua_State *L)
{
    return task_suspend_then(L, NULL);
}

/* Its waker's values, onto its stack. */
static void move_values(lua_State *L, struct task *task, const void *what)
{
    int values = task->waker(L, task, what);
    if (!lua_checkstack(task->co, values + LUA_MINSTACK))
        luaL_error(L, "not enough memory");
    lua_xmove(L, task->co, values);
    task->arguments = values;
}

static int pass_values(lua_State *L)
{
    const struct passage *passage = lua_touserdata(L, 1);
    move_values(L, passage->task, passage->what);
    return 0;
}

void task_stay(struct task *task)
{
    task->waits = false;
    task->handle = 0;
    task->leave = NULL;
}

void task_wake_later(lua_State *L, struct task *task, const void *what)
{
    task_stay(task);
    move_values(L, task, what);
    task_queue(task);
}

/* False: it was ended. */
static bool pass(struct task *task, const void *what)
{
    struct passage passage = {.task = task, .what = what};
    task_stay(task);
    if (script_protected(task->script, pass_values, &passage))
        return true;
    task_end(task, false, 0, "not enough memory");
    return false;
}

void task_wake(struct task *task, const void *what)
{
    if (!task->script->closing && pass(task, what))
        task_run(task);
}

static void task_pass(struct task *task, const void *what)
{
    if (pass(task, what))
        task_queue(task);
}

void task_cancel(struct task *task)
{
    if (task->co == NULL || task == task->script->running)
        return;
    if (!task->queued)
        stop_waiting(task);
    task->cancelled = true;
    task_queue(task);
}
