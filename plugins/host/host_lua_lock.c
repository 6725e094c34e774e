/* host_lua_lock.c - locks, elections and semaphores: made here, without being sent; zooid/recipes.lua acquires them. */
#include "plugins/host/host_lua_recipe.h"

static void free_lock(void *object)
{
    zooid_lock_free(object);
}

static zooid_ticket number(const void *object)
{
    return zooid_lock_number(object);
}

static bool held(const void *object)
{
    return zooid_lock_is_held(object);
}

static const struct recipe_class lock_class = {"zooid.lock", free_lock, number, held, true};

static zooid_ticket submit_acquire(void *lock, uint32_t deadline_ms, void *tag)
{
    return zooid_lock_submit_acquire(lock, deadline_ms, tag);
}

static zooid_ticket submit_try(void *lock, uint32_t deadline_ms, void *tag)
{
    return zooid_lock_submit_try(lock, deadline_ms, tag);
}

static zooid_ticket submit_release(void *lock, uint32_t deadline_ms, void *tag)
{
    return zooid_lock_submit_release(lock, deadline_ms, tag);
}

/* lock:held() */
static int is_held(lua_State *L)
{
    lua_pushboolean(L, zooid_lock_is_held(recipe_check(L, &lock_class)));
    return 1;
}

/* lock:token(): the fencing token; 0: not held */
static int token(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)zooid_lock_token(recipe_check(L, &lock_class)));
    return 1;
}

/* lock:good_until_ms(): on the clock of zooid.now_ms */
static int good_until_ms(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)zooid_lock_good_until_ms(recipe_check(L, &lock_class)));
    return 1;
}

/* new_lock(path, kind, identifier) */
static int new_lock(lua_State *L)
{
    static const char *const kinds[] = {"exclusive", "read", "write", NULL};
    static const enum zooid_lock_kind numbers[] = {ZOOID_LOCK_EXCLUSIVE, ZOOID_LOCK_READ, ZOOID_LOCK_WRITE};
    const char *path = check_text(L, 1);
    enum zooid_lock_kind kind = numbers[luaL_checkoption(L, 2, "exclusive", kinds)];
    const char *identifier = opt_text(L, 3);
    struct recipe *recipe = recipe_new(L, &lock_class);
    recipe->object = zooid_lock_new(recipe_client(L), path, kind, identifier);
    return recipe_made(L, recipe, path);
}

/* new_semaphore(path, leases, identifier) */
static int new_semaphore(lua_State *L)
{
    const char *path = check_text(L, 1);
    lua_Integer leases = luaL_checkinteger(L, 2);
    const char *identifier = opt_text(L, 3);
    luaL_argcheck(L, leases > 0 && leases <= INT32_MAX, 2, "at least one lease expected");
    struct recipe *recipe = recipe_new(L, &lock_class);
    recipe->object = zooid_semaphore_new(recipe_client(L), path, (uint32_t)leases, identifier);
    return recipe_made(L, recipe, path);
}

void open_locks(lua_State *L)
{
    static const struct recipe_method methods[] = {{"acquire", submit_acquire, recipe_push_number},
                                                   {"try", submit_try, recipe_push_number},
                                                   {"release", submit_release, recipe_push_true},
                                                   {NULL, NULL, NULL}};
    static const luaL_Reg others[] = {
        {"held", is_held}, {"token", token}, {"good_until_ms", good_until_ms}, {NULL, NULL}};
    static const luaL_Reg functions[] = {{"new_lock", new_lock}, {"new_semaphore", new_semaphore}, {NULL, NULL}};
    recipe_open(L, &lock_class, methods, others);
    luaL_setfuncs(L, functions, 0);
}
