/* host_lua_subscribe.c - subscriptions: for change in zooid.subscribe(prefix) do ... end.
 *
 * Changes wait in a list until the script takes them. A script that is too slow for too long is told so by an error:
 * its memory would be full of them otherwise. */
#include "plugins/host/host_lua_internal.h"

#include "bindings/c/include/zooid.h"

static const char subscription_class[] = "zooid.subscription";
static const char *const subscribe_options[] = {"txns", "waiting_max", NULL};

enum { PREFIXES_MAX = 1024, WAITING_MAX = 100000 };

/* A userdata. The changes that wait are in a table that the registry has by its address. */
struct subscription {
    struct script *script;
    zooid_handle handle; /* 0: closed, or ended */
    struct task *reader; /* waits for a change */
    lua_Integer first, end, waiting_max;
    bool txns;
    int code; /* OK: it has not ended by itself */
};

static struct subscription *check_subscription(lua_State *L)
{
    return luaL_checkudata(L, 1, subscription_class);
}

/* -- changes come -----------------------------------------------------------------------------------------------------
 */

static void push_change(lua_State *L, const struct zooid_plugin_change *change)
{
    static const char *const kinds[] = {
        [ZOOID_PLUGIN_CREATED] = "created",     [ZOOID_PLUGIN_DELETED] = "deleted",
        [ZOOID_PLUGIN_CHANGED] = "changed",     [ZOOID_PLUGIN_ACL_CHANGED] = "acl_changed",
        [ZOOID_PLUGIN_PRESENT] = "present",     [ZOOID_PLUGIN_RESET] = "reset",
        [ZOOID_PLUGIN_CAUGHT_UP] = "caught_up", [ZOOID_PLUGIN_TXN_END] = "txn_end",
    };
    lua_createtable(L, 0, 5);
    lua_pushstring(L, (size_t)change->kind < sizeof kinds / sizeof kinds[0] ? kinds[change->kind] : "unknown");
    lua_setfield(L, -2, "kind");
    lua_pushinteger(L, change->zxid);
    lua_setfield(L, -2, "zxid");
    if (change->kind > ZOOID_PLUGIN_PRESENT)
        return;
    lua_pushstring(L, change->node.path);
    lua_setfield(L, -2, "path");
    if (change->kind == ZOOID_PLUGIN_DELETED)
        return;
    push_data(L, change->node.data, change->node.len);
    lua_setfield(L, -2, "data");
    push_stat(L, &change->node.stat, (enum zooid_plugin_node_kind)change->node_kind);
    lua_setfield(L, -2, "stat");
}

/* The end of a subscription: nil, and an error unless the script closed it. */
static int push_end(lua_State *L, const struct subscription *s)
{
    const struct failure failure = {
        .code = s->code, .message = s->code == ZOOID_LIMIT_REACHED ? "the script takes its changes too slowly" : NULL};
    if (s->code != ZOOID_PLUGIN_OK)
        return push_failure(L, &failure);
    lua_pushnil(L);
    return 1;
}

static int wake_reader(lua_State *L, struct task *task, const void *what)
{
    if (what == NULL)
        return push_end(L, task->subject);
    push_change(L, what);
    return 1;
}

static void stop(struct subscription *s)
{
    if (s->handle != 0)
        s->script->api->cancel(s->script->host, s->handle);
    s->handle = 0;
}

struct arrival {
    struct subscription *subscription;
    const struct zooid_plugin_change *change;
};

static int keep_change(lua_State *L)
{
    const struct arrival *arrival = lua_touserdata(L, 1);
    struct subscription *s = arrival->subscription;
    lua_rawgetp(L, LUA_REGISTRYINDEX, s);
    push_change(L, arrival->change);
    lua_rawseti(L, -2, s->end);
    s->end++;
    return 0;
}

static void end(struct subscription *s, int code)
{
    struct task *reader = s->reader;
    stop(s);
    s->code = code;
    s->reader = NULL;
    if (reader != NULL)
        task_wake(reader, NULL);
}

static void changed(void *context, const struct zooid_plugin_change *change)
{
    struct subscription *s = context;
    struct task *reader = s->reader;
    struct arrival arrival = {.subscription = s, .change = change};
    if (s->script->closing || (change->kind == ZOOID_PLUGIN_TXN_END && !s->txns))
        return;
    if (change->kind == ZOOID_PLUGIN_ENDED) {
        s->handle = 0;
        end(s, change->code);
    } else if (reader != NULL) {
        s->reader = NULL;
        task_wake(reader, change);
    } else if (s->end - s->first >= s->waiting_max) {
        end(s, ZOOID_LIMIT_REACHED);
    } else if (!script_protected(s->script, keep_change, &arrival)) {
        end(s, ZOOID_PLUGIN_NO_MEMORY);
    }
}

/* -- changes are taken ------------------------------------------------------------------------------------------------
 */

static void leave(struct task *task)
{
    struct subscription *s = task->subject;
    s->reader = NULL;
}

/* The next one is pushed, or the end; or it suspends. */
static int take(lua_State *L, lua_KFunction continuation)
{
    struct subscription *s = check_subscription(L);
    if (s->first < s->end) {
        lua_rawgetp(L, LUA_REGISTRYINDEX, s);
        lua_rawgeti(L, -1, s->first);
        lua_pushnil(L);
        lua_rawseti(L, -3, s->first);
        s->first++;
        return 1;
    }
    if (s->handle == 0)
        return push_end(L, s);
    if (s->reader != NULL)
        return luaL_error(L, "another task reads this subscription");
    struct task *task = task_waiting(L, wake_reader);
    task->subject = s;
    task->leave = leave;
    s->reader = task;
    return continuation == NULL ? task_suspend(L) : task_suspend_then(L, continuation);
}

/* subscription:next(): a change; nil when it is closed; or nil and an error. */
static int next(lua_State *L)
{
    return take(L, NULL);
}

static int raise_error(lua_State *L, int values)
{
    return values == 2 ? lua_error(L) : values;
}

static int taken(lua_State *L, int status, lua_KContext context)
{
    (void)status;
    (void)context;
    return raise_error(L, lua_gettop(L) - 1);
}

/* subscription(): the same, but errors are raised. For `for`. */
static int iterate(lua_State *L)
{
    lua_settop(L, 1);
    return raise_error(L, take(L, taken));
}

static int close_subscription(lua_State *L)
{
    struct subscription *s = check_subscription(L);
    struct task *reader = s->reader;
    stop(s);
    lua_pushnil(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, s);
    s->first = s->end;
    s->reader = NULL;
    if (reader != NULL && !s->script->closing)
        task_wake_later(L, reader, NULL);
    return 0;
}

/* -- begun ------------------------------------------------------------------------------------------------------------
 */

/* Pushes strings that it depends on. */
static size_t read_prefixes(lua_State *L, const char **prefixes)
{
    if (!lua_istable(L, 1)) {
        prefixes[0] = check_text(L, 1);
        return 1;
    }
    size_t count = lua_rawlen(L, 1);
    luaL_argcheck(L, count > 0 && count <= PREFIXES_MAX, 1, "from 1 to 1024 prefixes expected");
    luaL_checkstack(L, (int)count + LUA_MINSTACK, "too many prefixes");
    for (size_t i = 0; i < count; i++) {
        lua_rawgeti(L, 1, (lua_Integer)i + 1);
        prefixes[i] = check_text(L, -1);
    }
    return count;
}

/* subscribe(prefix or list of prefixes [, options]): subscription, nil, nil, subscription, as `for` wants it */
static int subscribe(lua_State *L)
{
    struct script *script = script_of(L);
    check_options(L, 2, subscribe_options);
    lua_settop(L, 2);
    struct subscription *s = lua_newuserdatauv(L, sizeof *s, 0);
    *s = (struct subscription){.script = script, .txns = option_flag(L, 2, "txns")};
    s->waiting_max = option_number(L, 2, "waiting_max", WAITING_MAX, INT32_MAX);
    luaL_setmetatable(L, subscription_class);
    lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, s);
    const char **prefixes = lua_newuserdatauv(L, PREFIXES_MAX * sizeof *prefixes, 0);
    size_t count = read_prefixes(L, prefixes);
    s->handle = script->api->subscribe(script->host, prefixes, count, changed, s);
    if (s->handle == 0)
        return luaL_error(L, "this cannot be subscribed to; the log says why");
    lua_pushvalue(L, 3);
    lua_pushnil(L);
    lua_pushnil(L);
    lua_pushvalue(L, 3);
    return 4;
}

void open_subscriptions(lua_State *L)
{
    static const luaL_Reg methods[] = {{"next", next}, {"close", close_subscription}, {NULL, NULL}};
    static const luaL_Reg meta[] = {
        {"__call", iterate}, {"__close", close_subscription}, {"__gc", close_subscription}, {NULL, NULL}};
    new_class(L, subscription_class, methods, meta);
    lua_pushcfunction(L, subscribe);
    lua_setfield(L, -2, "subscribe");
}
