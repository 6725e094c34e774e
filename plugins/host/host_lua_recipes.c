/* host_lua_recipes.c - barriers, queues, groups and caches as objects of Lua. */
#include "plugins/host/host_lua_recipe.h"

#include "plugins/host/ask.h"

/* -- barriers ---------------------------------------------------------------------------------------------------------
 */

static void free_barrier(void *object)
{
    zooid_barrier_free(object);
}

static const struct recipe_class barrier_class = {"zooid.barrier", free_barrier, NULL, NULL, false};

static zooid_ticket submit_barrier_wait(void *barrier, uint32_t deadline_ms, void *tag)
{
    return zooid_barrier_submit_wait(barrier, deadline_ms, tag);
}

/* new_barrier(path) */
static int new_barrier(lua_State *L)
{
    const char *path = check_text(L, 1);
    struct recipe *recipe = recipe_new(L, &barrier_class);
    recipe->object = zooid_barrier_new(recipe_client(L), path);
    return recipe_made(L, recipe, path);
}

static void free_double(void *object)
{
    zooid_double_barrier_free(object);
}

static zooid_ticket number_of_double(const void *object)
{
    return zooid_double_barrier_number(object);
}

static const struct recipe_class double_class = {"zooid.double_barrier", free_double, number_of_double, NULL, false};

static zooid_ticket submit_enter(void *barrier, uint32_t deadline_ms, void *tag)
{
    return zooid_double_barrier_submit_enter(barrier, deadline_ms, tag);
}

static zooid_ticket submit_leave(void *barrier, uint32_t deadline_ms, void *tag)
{
    return zooid_double_barrier_submit_leave(barrier, deadline_ms, tag);
}

/* double_barrier(path, count [, identifier]) */
static int new_double(lua_State *L)
{
    const char *path = check_text(L, 1);
    lua_Integer count = luaL_checkinteger(L, 2);
    const char *identifier = opt_text(L, 3);
    luaL_argcheck(L, count > 0 && count <= INT32_MAX, 2, "how many are to be inside");
    struct recipe *recipe = recipe_new(L, &double_class);
    recipe->object = zooid_double_barrier_new(recipe_client(L), path, (uint32_t)count, identifier);
    return recipe_made(L, recipe, path);
}

/* -- queues -----------------------------------------------------------------------------------------------------------
 */

static void free_queue(void *object)
{
    zooid_queue_free(object);
}

static zooid_ticket number_of_queue(const void *object)
{
    return zooid_queue_number(object);
}

static const struct recipe_class queue_class = {"zooid.queue", free_queue, number_of_queue, NULL, false};

static zooid_ticket submit_take(void *queue, uint32_t deadline_ms, void *tag)
{
    return zooid_queue_submit_take(queue, deadline_ms, tag);
}

static zooid_ticket submit_finish(void *queue, uint32_t deadline_ms, void *tag)
{
    return zooid_queue_submit_finish(queue, deadline_ms, tag);
}

static zooid_ticket submit_return(void *queue, uint32_t deadline_ms, void *tag)
{
    return zooid_queue_submit_return(queue, deadline_ms, tag);
}

static int push_entry(lua_State *L, struct task *task, const void *reply)
{
    (void)task;
    if (zooid_reply_code(reply) != ZOOID_OK)
        return recipe_push_failure(L, reply);
    push_data(L, zooid_reply_data(reply), zooid_reply_data_len(reply));
    lua_pushstring(L, zooid_reply_path(reply));
    return 2;
}

/* new_queue(path) */
static int new_queue(lua_State *L)
{
    const char *path = check_text(L, 1);
    struct recipe *recipe = recipe_new(L, &queue_class);
    recipe->object = zooid_queue_new(recipe_client(L), path);
    return recipe_made(L, recipe, path);
}

/* -- groups -----------------------------------------------------------------------------------------------------------
 */

static void free_member(void *object)
{
    zooid_ephemeral_free(object);
}

static zooid_ticket number_of_member(const void *object)
{
    return zooid_ephemeral_number(object);
}

static const struct recipe_class member_class = {"zooid.member", free_member, number_of_member, NULL, false};

static zooid_ticket submit_join(void *member, uint32_t deadline_ms, void *tag)
{
    return zooid_ephemeral_submit_wait(member, deadline_ms, tag);
}

static int member_path(lua_State *L)
{
    lua_pushstring(L, zooid_ephemeral_path(recipe_check(L, &member_class)));
    return 1;
}

/* new_member(path [, identifier]) */
static int new_member(lua_State *L)
{
    const char *path = check_text(L, 1), *identifier = opt_text(L, 2);
    struct recipe *recipe = recipe_new(L, &member_class);
    recipe->object = zooid_group_join(recipe_client(L), path, identifier);
    return recipe_made(L, recipe, path);
}

/* -- caches -----------------------------------------------------------------------------------------------------------
 */

static void free_cache(void *object)
{
    zooid_cache_free(object);
}

static const struct recipe_class cache_class = {"zooid.cache", free_cache, NULL, NULL, false};

static zooid_ticket submit_cache_wait(void *cache, uint32_t deadline_ms, void *tag)
{
    return zooid_cache_submit_wait(cache, deadline_ms, tag);
}

/* Of what lives outside of Lua, kept by a userdata with __gc while values are made of it. */
struct kept_reply {
    zooid_reply *reply;
};

static int free_kept(lua_State *L)
{
    struct kept_reply *kept = lua_touserdata(L, 1);
    zooid_reply_free(kept->reply);
    kept->reply = NULL;
    return 0;
}

static zooid_reply *ask_cache(lua_State *L, int (*look)(const zooid_cache *, const char *, zooid_reply **))
{
    const zooid_cache *cache = recipe_check(L, &cache_class);
    const char *path = check_text(L, 2);
    struct kept_reply *kept = lua_newuserdatauv(L, sizeof *kept, 0);
    kept->reply = NULL;
    luaL_setmetatable(L, "zooid.kept_reply");
    (void)look(cache, path, &kept->reply);
    return kept->reply;
}

static int let_go(lua_State *L, int values)
{
    lua_pushcfunction(L, free_kept);
    lua_pushvalue(L, -values - 2);
    lua_call(L, 1, 0);
    return values;
}

/* cache:get(path): data, stat */
static int cache_get(lua_State *L)
{
    const zooid_reply *reply = ask_cache(L, zooid_cache_get);
    if (zooid_reply_code(reply) != ZOOID_OK)
        return let_go(L, recipe_push_failure(L, reply));
    const struct zooid_plugin_stat stat = reply_stat(zooid_reply_stat(reply));
    push_data(L, zooid_reply_data(reply), zooid_reply_data_len(reply));
    push_stat(L, &stat, reply_kind(zooid_reply_stat(reply)));
    return let_go(L, 2);
}

/* cache:list(path): names */
static int cache_list(lua_State *L)
{
    const zooid_reply *reply = ask_cache(L, zooid_cache_list);
    if (zooid_reply_code(reply) != ZOOID_OK)
        return let_go(L, recipe_push_failure(L, reply));
    size_t count = zooid_reply_name_count(reply);
    lua_createtable(L, (int)count, 0);
    for (size_t i = 0; i < count; i++) {
        lua_pushstring(L, zooid_reply_name(reply, i));
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return let_go(L, 1);
}

/* new_cache(path) */
static int new_cache(lua_State *L)
{
    const char *path = check_text(L, 1);
    struct recipe *recipe = recipe_new(L, &cache_class);
    recipe->object = zooid_cache_new(recipe_client(L), path);
    return recipe_made(L, recipe, path);
}

/* -- all of them ------------------------------------------------------------------------------------------------------
 */

void open_recipes(lua_State *L)
{
    static const struct recipe_method barrier[] = {{"wait", submit_barrier_wait, recipe_push_true}, {NULL, NULL, NULL}},
                                      doubled[] = {{"enter", submit_enter, recipe_push_true},
                                                   {"leave", submit_leave, recipe_push_true},
                                                   {NULL, NULL, NULL}},
                                      queue[] = {{"take", submit_take, push_entry},
                                                 {"finish", submit_finish, recipe_push_true},
                                                 {"give_back", submit_return, recipe_push_true},
                                                 {NULL, NULL, NULL}},
                                      member[] = {{"wait", submit_join, recipe_push_true}, {NULL, NULL, NULL}},
                                      cache[] = {{"wait", submit_cache_wait, recipe_push_true}, {NULL, NULL, NULL}};
    static const luaL_Reg none[] = {{NULL, NULL}}, of_member[] = {{"path", member_path}, {NULL, NULL}},
                          of_cache[] = {{"get", cache_get}, {"list", cache_list}, {NULL, NULL}},
                          kept[] = {{"__gc", free_kept}, {NULL, NULL}},
                          functions[] = {{"new_barrier", new_barrier}, {"new_double_barrier", new_double},
                                         {"new_queue", new_queue},     {"new_member", new_member},
                                         {"new_cache", new_cache},     {NULL, NULL}};
    recipe_open(L, &barrier_class, barrier, none);
    recipe_open(L, &double_class, doubled, none);
    recipe_open(L, &queue_class, queue, none);
    recipe_open(L, &member_class, member, of_member);
    recipe_open(L, &cache_class, cache, of_cache);
    new_class(L, "zooid.kept_reply", NULL, kept);
    luaL_setfuncs(L, functions, 0);
}
