/* host_lua_requests.c - requests of zooid.h that the host's table does not have: ACLs, many nodes at one zxid, counts,
 * ephemeral nodes, identities. */
#include "plugins/host/host_lua_recipe.h"

#include "plugins/host/ask.h"

enum { PATHS_MAX = 10000 };

static const char *const read_options[] = {"latest", "deadline_ms", NULL};

/* -- what a reply becomes ---------------------------------------------------------------------------------------------
 */

static int push_acl(lua_State *L, struct task *task, const void *reply)
{
    (void)task;
    if (zooid_reply_code(reply) != ZOOID_OK)
        return recipe_push_failure(L, reply);
    size_t count = zooid_reply_acl_count(reply);
    lua_createtable(L, (int)count, 0);
    for (size_t i = 0; i < count; i++) {
        const struct zooid_acl *acl = zooid_reply_acl(reply, i);
        lua_createtable(L, 0, 3);
        lua_pushinteger(L, acl->perms);
        lua_setfield(L, -2, "perms");
        lua_pushstring(L, acl->scheme);
        lua_setfield(L, -2, "scheme");
        lua_pushstring(L, acl->id);
        lua_setfield(L, -2, "id");
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

/* The reply has no paths: they are those of the list that was argument 1. */
static void push_read_node(lua_State *L, const struct zooid_node *node, lua_State *at, lua_Integer index)
{
    const struct zooid_plugin_stat stat = reply_stat(node->stat);
    lua_createtable(L, 0, 3);
    lua_rawgeti(at, 1, index);
    lua_xmove(at, L, 1);
    lua_setfield(L, -2, "path");
    push_data(L, node->data, node->data_len);
    lua_setfield(L, -2, "data");
    push_stat(L, &stat, reply_kind(node->stat));
    lua_setfield(L, -2, "stat");
}

/* false stands where there is no node, or none that may be read. */
static int push_many(lua_State *L, struct task *task, const void *reply)
{
    if (zooid_reply_code(reply) != ZOOID_OK)
        return recipe_push_failure(L, reply);
    size_t count = zooid_reply_node_count(reply);
    lua_createtable(L, (int)count, 0);
    for (size_t i = 0; i < count; i++) {
        const struct zooid_node *node = zooid_reply_node(reply, i);
        if (node->code == ZOOID_OK)
            push_read_node(L, node, task->at, (lua_Integer)i + 1);
        else
            lua_pushboolean(L, false);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_pushinteger(L, zooid_reply_zxid(reply));
    return 2;
}

static int push_texts(lua_State *L, struct task *task, const void *reply)
{
    (void)task;
    if (zooid_reply_code(reply) != ZOOID_OK)
        return recipe_push_failure(L, reply);
    size_t count = zooid_reply_name_count(reply);
    lua_createtable(L, (int)count, 0);
    for (size_t i = 0; i < count; i++) {
        lua_pushstring(L, zooid_reply_name(reply, i));
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

/* -- what is asked ----------------------------------------------------------------------------------------------------
 */

static zooid_request *ask_who(const char *path)
{
    (void)path;
    return zooid_request_who_am_i();
}

static const struct request_row {
    const char *name;
    zooid_request *(*make)(const char *path);
    task_waker *waker;
} rows[] = {
    {"get_acl", zooid_request_get_acl, push_acl}, /* a list of { perms, scheme, id } */
    {"count_descendants", zooid_request_count_descendants, recipe_push_number},
    {"ephemerals", zooid_request_ephemerals, push_texts}, /* of this session, below the prefix */
    {"who_am_i", ask_who, push_texts},                    /* "scheme:id" */
};

/* Raises what is to be raised before there is a request, which would be lost. */
static int submit(lua_State *L, task_waker *waker, zooid_request *(*make)(lua_State *L, const void *context),
                  const void *context)
{
    static const struct zooid_freshness fresh = {.latest = true};
    check_options(L, 2, read_options);
    bool latest = option_flag(L, 2, "latest");
    uint32_t deadline_ms = option_deadline(L, 2);
    struct task *task = task_waiting(L, waker);
    zooid_request *request = make(L, context);
    if (request != NULL && latest)
        (void)zooid_request_set_freshness(request, &fresh);
    return recipe_submit(L, task, request, deadline_ms);
}

static zooid_request *make_row(lua_State *L, const void *context)
{
    const struct request_row *row = context;
    return row->make(lua_tostring(L, 1));
}

/* name(path [, options]) */
static int request_of_row(lua_State *L)
{
    const struct request_row *row = lua_touserdata(L, lua_upvalueindex(1));
    if (row->make == ask_who && lua_isnone(L, 1))
        lua_pushliteral(L, "/");
    (void)check_text(L, 1);
    return submit(L, row->waker, make_row, row);
}

/* The list that is argument 1 holds nothing but strings. */
static zooid_request *make_many(lua_State *L, const void *context)
{
    zooid_request *request = zooid_request_read_many();
    lua_Integer count = (lua_Integer)lua_rawlen(L, 1);
    (void)context;
    for (lua_Integer i = 1; request != NULL && i <= count; i++) {
        lua_rawgeti(L, 1, i);
        if (zooid_request_add_path(request, lua_tostring(L, -1)) != ZOOID_OK) {
            zooid_request_free(request);
            request = NULL;
        }
        lua_pop(L, 1);
    }
    return request;
}

/* read_many(paths [, options]): all at one zxid; false for those that are not there */
static int read_many(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_Integer count = (lua_Integer)lua_rawlen(L, 1);
    luaL_argcheck(L, count <= PATHS_MAX, 1, "too many paths");
    for (lua_Integer i = 1; i <= count; i++) {
        luaL_argcheck(L, lua_rawgeti(L, 1, i) == LUA_TSTRING, 1, "a list of paths expected");
        (void)check_text(L, -1);
        lua_pop(L, 1);
    }
    return submit(L, push_many, make_many, NULL);
}

void open_requests(lua_State *L)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        lua_pushlightuserdata(L, (void *)(uintptr_t)&rows[i]);
        lua_pushcclosure(L, request_of_row, 1);
        lua_setfield(L, -2, rows[i].name);
    }
    lua_pushcfunction(L, read_many);
    lua_setfield(L, -2, "read_many");
}
