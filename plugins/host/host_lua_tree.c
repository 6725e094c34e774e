/* host_lua_tree.c - get, exists, list, subtree, create, set, delete, sync: one request each, whose reply wakes the
 * task. */
#include "plugins/host/host_lua_internal.h"

static const char *const read_options[] = {"latest", "deadline_ms", NULL};
static const char *const write_options[] = {"deadline_ms", NULL};
static const char *const create_options[] = {"ephemeral", "sequential", "container", "parents", "deadline_ms", NULL};

enum { AGE_DEADLINE_MS = 1000 };

/* -- what a reply becomes ---------------------------------------------------------------------------------------------
 */

/* The path that was asked for: every function here has it first. */
static const char *asked(const struct task *task)
{
    return lua_type(task->at, 1) == LUA_TSTRING ? lua_tostring(task->at, 1) : NULL;
}

static void push_stat_of(lua_State *L, const struct zooid_plugin_reply *reply)
{
    static const struct zooid_plugin_stat none;
    if (reply->node_count > 0)
        push_stat(L, &reply->nodes[0].stat, reply->node_kinds[0]);
    else
        push_stat(L, &none, ZOOID_PLUGIN_KIND_PERSISTENT);
}

static int push_node(lua_State *L, struct task *task, const void *what)
{
    const struct zooid_plugin_reply *reply = what;
    if (reply->code != ZOOID_PLUGIN_OK)
        return push_reply_failure(L, reply, asked(task));
    push_data(L, reply->node_count > 0 ? reply->nodes[0].data : NULL, reply->node_count > 0 ? reply->nodes[0].len : 0);
    push_stat_of(L, reply);
    return 2;
}

static int push_stat_alone(lua_State *L, struct task *task, const void *what)
{
    const struct zooid_plugin_reply *reply = what;
    if (reply->code != ZOOID_PLUGIN_OK)
        return push_reply_failure(L, reply, asked(task));
    push_stat_of(L, reply);
    return 1;
}

static int push_whether(lua_State *L, struct task *task, const void *what)
{
    const struct zooid_plugin_reply *reply = what;
    if (reply->code != ZOOID_PLUGIN_NO_NODE)
        return push_stat_alone(L, task, what);
    lua_pushboolean(L, false);
    return 1;
}

static int push_names(lua_State *L, struct task *task, const void *what)
{
    const struct zooid_plugin_reply *reply = what;
    if (reply->code != ZOOID_PLUGIN_OK)
        return push_reply_failure(L, reply, asked(task));
    lua_createtable(L, (int)reply->node_count, 0);
    for (size_t i = 0; i < reply->node_count; i++) {
        lua_pushstring(L, reply->nodes[i].path);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

static int push_nodes(lua_State *L, struct task *task, const void *what)
{
    const struct zooid_plugin_reply *reply = what;
    if (reply->code != ZOOID_PLUGIN_OK)
        return push_reply_failure(L, reply, asked(task));
    lua_createtable(L, (int)reply->node_count, 0);
    for (size_t i = 0; i < reply->node_count; i++) {
        lua_createtable(L, 0, 3);
        lua_pushstring(L, reply->nodes[i].path);
        lua_setfield(L, -2, "path");
        push_data(L, reply->nodes[i].data, reply->nodes[i].len);
        lua_setfield(L, -2, "data");
        push_stat(L, &reply->nodes[i].stat, reply->node_kinds[i]);
        lua_setfield(L, -2, "stat");
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_pushinteger(L, reply->zxid);
    return 2;
}

static int push_made(lua_State *L, struct task *task, const void *what)
{
    const struct zooid_plugin_reply *reply = what;
    if (reply->code != ZOOID_PLUGIN_OK)
        return push_reply_failure(L, reply, asked(task));
    lua_pushstring(L, reply->node_count > 0 ? reply->nodes[0].path : asked(task));
    return 1;
}

static int push_done(lua_State *L, struct task *task, const void *what)
{
    const struct zooid_plugin_reply *reply = what;
    if (reply->code != ZOOID_PLUGIN_OK)
        return push_reply_failure(L, reply, asked(task));
    lua_pushboolean(L, true);
    return 1;
}

static int push_age(lua_State *L, struct task *task, const void *what)
{
    const struct zooid_plugin_reply *reply = what;
    (void)task;
    if (reply->code != ZOOID_PLUGIN_OK)
        return push_reply_failure(L, reply, NULL);
    lua_pushinteger(L, reply->age_ms);
    return 1;
}

/* -- requests ---------------------------------------------------------------------------------------------------------
 */

static void replied(void *context, const struct zooid_plugin_reply *reply)
{
    task_wake(context, reply);
}

int request_wait(lua_State *L, const struct zooid_plugin_request *request, task_waker *waker)
{
    struct task *task = task_waiting(L, waker);
    const struct script *script = task->script;
    task->handle = script->api->request(script->host, request, replied, task);
    if (task->handle != 0)
        return task_suspend(L);
    task_stay(task);
    return push_not_begun(L);
}

static struct zooid_plugin_request request_of(lua_State *L, enum zooid_plugin_op op, int options)
{
    struct zooid_plugin_request request = {.size = sizeof request, .op = op, .path = check_text(L, 1), .version = -1};
    request.deadline_ms = option_deadline(L, options);
    return request;
}

static int read_node(lua_State *L, enum zooid_plugin_op op, task_waker *waker)
{
    check_options(L, 2, read_options);
    struct zooid_plugin_request request = request_of(L, op, 2);
    request.flags = option_flag(L, 2, "latest") ? ZOOID_PLUGIN_LATEST : 0;
    return request_wait(L, &request, waker);
}

static int get(lua_State *L)
{
    return read_node(L, ZOOID_PLUGIN_GET, push_node);
}

static int exists(lua_State *L)
{
    return read_node(L, ZOOID_PLUGIN_EXISTS, push_whether);
}

static int list(lua_State *L)
{
    return read_node(L, ZOOID_PLUGIN_LIST, push_names);
}

static int subtree(lua_State *L)
{
    return read_node(L, ZOOID_PLUGIN_SUBTREE, push_nodes);
}

static int sync_with_leader(lua_State *L)
{
    if (lua_gettop(L) == 0)
        lua_pushliteral(L, "/");
    check_options(L, 2, read_options);
    const struct zooid_plugin_request request = request_of(L, ZOOID_PLUGIN_SYNC, 2);
    return request_wait(L, &request, push_done);
}

/* age(): for how long the agent's member has not heard from its leader, in milliseconds; nil and an error when the
 * agent does not answer soon */
static int age(lua_State *L)
{
    const struct zooid_plugin_request request = {
        .size = sizeof request, .op = ZOOID_PLUGIN_EXISTS, .path = "/", .version = -1, .deadline_ms = AGE_DEADLINE_MS};
    return request_wait(L, &request, push_age);
}

static void set_version(lua_State *L, int index, struct zooid_plugin_request *request)
{
    if (lua_isnoneornil(L, index))
        return;
    lua_Integer version = luaL_checkinteger(L, index);
    luaL_argcheck(L, version >= -1 && version <= INT32_MAX, index, "no version");
    request->version = (int32_t)version;
}

struct zooid_plugin_request create_request(lua_State *L)
{
    static const struct {
        const char *name;
        unsigned flag;
    } flags[] = {{"ephemeral", ZOOID_PLUGIN_EPHEMERAL},
                 {"sequential", ZOOID_PLUGIN_SEQUENTIAL},
                 {"container", ZOOID_PLUGIN_CONTAINER},
                 {"parents", ZOOID_PLUGIN_PARENTS}};
    check_options(L, 3, create_options);
    struct zooid_plugin_request request = request_of(L, ZOOID_PLUGIN_CREATE, 3);
    request.data = luaL_optlstring(L, 2, "", &request.len);
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
        if (option_flag(L, 3, flags[i].name))
            request.flags |= flags[i].flag;
    return request;
}

struct zooid_plugin_request set_request(lua_State *L)
{
    check_options(L, 4, write_options);
    struct zooid_plugin_request request = request_of(L, ZOOID_PLUGIN_SET, 4);
    request.data = luaL_checklstring(L, 2, &request.len);
    set_version(L, 3, &request);
    return request;
}

struct zooid_plugin_request delete_request(lua_State *L)
{
    check_options(L, 3, write_options);
    struct zooid_plugin_request request = request_of(L, ZOOID_PLUGIN_DELETE, 3);
    set_version(L, 2, &request);
    return request;
}

struct zooid_plugin_request check_request(lua_State *L)
{
    struct zooid_plugin_request request = request_of(L, ZOOID_PLUGIN_CHECK, 3);
    set_version(L, 2, &request);
    return request;
}

/* create(path [, data [, options]]) */
static int create(lua_State *L)
{
    const struct zooid_plugin_request request = create_request(L);
    return request_wait(L, &request, push_made);
}

/* set(path, data [, version [, options]]) */
static int set(lua_State *L)
{
    const struct zooid_plugin_request request = set_request(L);
    return request_wait(L, &request, push_stat_alone);
}

/* delete(path [, version [, options]]) */
static int delete (lua_State *L)
{
    const struct zooid_plugin_request request = delete_request(L);
    return request_wait(L, &request, push_done);
}

void open_tree(lua_State *L)
{
    static const luaL_Reg functions[] = {{"get", get},         {"exists", exists},         {"list", list},
                                         {"subtree", subtree}, {"create", create},         {"set", set},
                                         {"delete", delete},   {"sync", sync_with_leader}, {"age", age},
                                         {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
