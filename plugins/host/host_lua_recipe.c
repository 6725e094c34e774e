/* host_lua_recipe.c - libzooid's recipes as objects of Lua. What takes time is submitted, and its reply wakes the task;
 * what was lost wakes those that wait for that. */
#include "plugins/host/host_lua_recipe.h"

#include "plugins/host/ask.h"
#include "plugins/host/lost.h"

static const char *const deadline_options[] = {"deadline_ms", NULL};

zooid_client *recipe_client(lua_State *L)
{
    return script_of(L)->host->client;
}

/* -- objects ----------------------------------------------------------------------------------------------------------
 */

struct recipe *recipe_new(lua_State *L, const struct recipe_class *class)
{
    struct recipe *recipe = lua_newuserdatauv(L, sizeof *recipe, 0);
    *recipe = (struct recipe){.class = class};
    luaL_setmetatable(L, class->name);
    return recipe;
}

int recipe_made(lua_State *L, const struct recipe *recipe, const char *path)
{
    return recipe->object != NULL ? 1 : luaL_error(L, "%s: there can be nothing, or memory ran out", path);
}

void *recipe_check(lua_State *L, const struct recipe_class *class)
{
    const struct recipe *recipe = luaL_checkudata(L, 1, class->name);
    luaL_argcheck(L, recipe->object != NULL, 1, "it is closed");
    return recipe->object;
}

static const struct recipe_class *class_of_method(lua_State *L)
{
    return lua_touserdata(L, lua_upvalueindex(1));
}

/* object:close() */
static int close_recipe(lua_State *L)
{
    struct recipe *recipe = luaL_checkudata(L, 1, class_of_method(L)->name);
    void *object = recipe->object;
    bool stays = recipe->class->is_handed_over && script_of(L)->host->hands_over; /* until the client goes */
    recipe->object = NULL;
    if (object != NULL && !stays)
        recipe->class->free(object);
    return 0;
}

/* -- what a reply becomes ---------------------------------------------------------------------------------------------
 */

int recipe_push_failure(lua_State *L, const zooid_reply *reply)
{
    const struct failure failure = {.code = zooid_reply_code(reply),
                                    .message = zooid_reply_message(reply),
                                    .path = zooid_reply_path(reply),
                                    .retry = zooid_reply_retry(reply),
                                    .outcome_unknown = zooid_reply_outcome_unknown(reply)};
    return push_failure(L, &failure);
}

int recipe_push_true(lua_State *L, struct task *task, const void *reply)
{
    (void)task;
    if (zooid_reply_code(reply) != ZOOID_OK)
        return recipe_push_failure(L, reply);
    lua_pushboolean(L, true);
    return 1;
}

int recipe_push_number(lua_State *L, struct task *task, const void *reply)
{
    (void)task;
    if (zooid_reply_code(reply) != ZOOID_OK)
        return recipe_push_failure(L, reply);
    lua_pushinteger(L, (lua_Integer)zooid_reply_number(reply));
    return 1;
}

/* -- methods that take time -------------------------------------------------------------------------------------------
 */

struct recipe_ask {
    struct ask ask;
    struct task *task;
};

static bool answered(struct ask *ask, const zooid_reply *reply)
{
    task_wake(((struct recipe_ask *)(void *)ask)->task, reply);
    return false;
}

int recipe_submit(lua_State *L, struct task *task, zooid_request *request, uint32_t deadline_ms)
{
    struct recipe_ask *ask = ask_new(task->script->host, sizeof *ask, answered);
    if (ask != NULL) {
        ask->task = task;
        task->handle = ask_submit(&ask->ask, request, deadline_ms);
    } else {
        zooid_request_free(request);
    }
    if (task->handle != 0)
        return task_suspend(L);
    task_stay(task);
    return push_not_begun(L);
}

static int submit_method(lua_State *L)
{
    const struct recipe_method *method = lua_touserdata(L, lua_upvalueindex(2));
    void *object = recipe_check(L, class_of_method(L));
    check_options(L, 2, deadline_options);
    uint32_t deadline_ms = (uint32_t)option_number(L, 2, "deadline_ms", ZOOID_NO_DEADLINE, ZOOID_NO_DEADLINE);
    struct task *task = task_waiting(L, method->waker);
    struct recipe_ask *ask = ask_new(task->script->host, sizeof *ask, answered);
    if (ask != NULL) {
        ask->task = task;
        task->handle = ask_sent(&ask->ask, method->submit(object, deadline_ms, &ask->ask.listener));
    }
    if (task->handle != 0)
        return task_suspend(L);
    task_stay(task);
    return push_not_begun(L);
}

static void lost(void *context, const zooid_reply *why)
{
    struct task *task = context;
    task->script->api->cancel(task->script->host, task->handle);
    task_wake(task, why);
}

static int push_loss(lua_State *L, struct task *task, const void *why)
{
    (void)task;
    lua_pushstring(L, zooid_reply_message(why));
    return 1;
}

/* object:wait_lost(): until it loses what it holds; why */
static int wait_lost(lua_State *L)
{
    const struct recipe_class *class = class_of_method(L);
    const void *object = recipe_check(L, class);
    if (class->is_held != NULL && !class->is_held(object)) {
        lua_pushliteral(L, "it is not held");
        return 1;
    }
    struct task *task = task_waiting(L, push_loss);
    task->handle = lost_follow(task->script->host, class->number(object), lost, task);
    if (task->handle != 0)
        return task_suspend(L);
    task_stay(task);
    return push_not_begun(L);
}

/* -- classes ----------------------------------------------------------------------------------------------------------
 */

static void set_method(lua_State *L, const char *name, lua_CFunction function, const struct recipe_class *class,
                       const struct recipe_method *method)
{
    lua_pushlightuserdata(L, (void *)(uintptr_t) class);
    lua_pushlightuserdata(L, (void *)(uintptr_t)method);
    lua_pushcclosure(L, function, 2);
    lua_setfield(L, -2, name);
}

void recipe_open(lua_State *L, const struct recipe_class *class, const struct recipe_method *methods,
                 const luaL_Reg *others)
{
    new_class(L, class->name, NULL, NULL);
    luaL_getmetatable(L, class->name);
    set_method(L, "__close", close_recipe, class, NULL);
    set_method(L, "__gc", close_recipe, class, NULL);
    lua_newtable(L);
    set_method(L, "close", close_recipe, class, NULL);
    for (; methods->name != NULL; methods++)
        set_method(L, methods->name, submit_method, class, methods);
    if (class->number != NULL)
        set_method(L, "wait_lost", wait_lost, class, NULL);
    luaL_setfuncs(L, others, 0);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
}
