/* host_lua_self.c - the plugin itself: its name, settings and folder, log, status, metrics, the session. */
#include "plugins/host/host_lua_internal.h"

#include <string.h>

static const char metric_class[] = "zooid.metric";

enum { LABELS_MAX = 16 };

/* -- log --------------------------------------------------------------------------------------------------------------
 */

/* Its values, with blanks between them, as one text. */
static const char *join(lua_State *L)
{
    luaL_Buffer line;
    int count = lua_gettop(L);
    luaL_buffinit(L, &line);
    for (int i = 1; i <= count; i++) {
        if (i > 1)
            luaL_addchar(&line, ' ');
        luaL_tolstring(L, i, NULL);
        luaL_addvalue(&line);
    }
    luaL_pushresult(&line);
    return lua_tostring(L, -1);
}

static int log_at(lua_State *L)
{
    script_log(script_of(L), (enum zooid_plugin_level)lua_tointeger(L, lua_upvalueindex(1)), join(L));
    return 0;
}

static void open_log(lua_State *L)
{
    static const struct {
        const char *name;
        enum zooid_plugin_level level;
    } levels[] = {{"error", ZOOID_PLUGIN_ERROR},
                  {"warning", ZOOID_PLUGIN_WARNING},
                  {"warn", ZOOID_PLUGIN_WARNING},
                  {"info", ZOOID_PLUGIN_INFO},
                  {"debug", ZOOID_PLUGIN_DEBUG}};
    lua_newtable(L);
    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
        lua_pushinteger(L, levels[i].level);
        lua_pushcclosure(L, log_at, 1);
        lua_setfield(L, -2, levels[i].name);
    }
    lua_setfield(L, -2, "log");
}

/* -- what it is and how it is -----------------------------------------------------------------------------------------
 */

static int instance(lua_State *L)
{
    const struct script *script = script_of(L);
    lua_pushstring(L, script->api->instance(script->host));
    return 1;
}

static int host_name(lua_State *L)
{
    const struct script *script = script_of(L);
    lua_pushstring(L, script->api->host_name(script->host));
    return 1;
}

static int state_dir(lua_State *L)
{
    const struct script *script = script_of(L);
    lua_pushstring(L, script->api->state_dir(script->host));
    return 1;
}

/* settings(): its section of the configuration, as a table */
static int settings(lua_State *L)
{
    const struct script *script = script_of(L);
    const char *json = script->api->settings(script->host);
    if (json == NULL)
        json = "{}";
    return json_push(L, json, strlen(json)) == 1 ? 1 : luaL_error(L, "settings: %s", lua_tostring(L, -1));
}

/* config_error(key, message) */
static int config_error(lua_State *L)
{
    const struct script *script = script_of(L);
    script->api->config_error(script->host, check_text(L, 1), check_text(L, 2));
    return 0;
}

static int status(lua_State *L)
{
    const struct script *script = script_of(L);
    script->api->status(script->host, check_text(L, 1));
    return 0;
}

static int ready(lua_State *L)
{
    const struct script *script = script_of(L);
    script->api->ready(script->host);
    return 0;
}

/* fail(why): does not return */
static int fail(lua_State *L)
{
    const char *why = check_text(L, 1);
    (void)task_waiting(L, NULL);
    script_fail(script_of(L), why);
    return task_suspend(L);
}

/* -- metrics ----------------------------------------------------------------------------------------------------------
 */

struct metric {
    struct script *script;
    zooid_handle handle;
};

/* The table of labels at `index`, as name, value, ..., NULL. Pushes the strings. */
static void read_labels(lua_State *L, int index, const char **labels)
{
    size_t count = 0;
    labels[0] = NULL;
    if (lua_isnoneornil(L, index))
        return;
    luaL_checktype(L, index, LUA_TTABLE);
    luaL_checkstack(L, 4 * LABELS_MAX, "too many labels");
    lua_pushnil(L);
    while (lua_next(L, index) != 0) {
        luaL_argcheck(L, count < LABELS_MAX, index, "too many labels");
        luaL_argcheck(L, lua_type(L, -2) == LUA_TSTRING, index, "the names of labels are strings");
        labels[2 * count] = check_text(L, -2);
        labels[2 * count + 1] = luaL_tolstring(L, -1, NULL);
        labels[2 * ++count] = NULL;
        lua_remove(L, -2);
        lua_pushvalue(L, -2);
    }
}

/* metric(kind, name, help [, labels]) */
static int metric(lua_State *L)
{
    static const char *const kinds[] = {"counter", "gauge", NULL};
    static const enum zooid_plugin_metric numbers[] = {ZOOID_PLUGIN_COUNTER, ZOOID_PLUGIN_GAUGE};
    struct script *script = script_of(L);
    const char *labels[2 * LABELS_MAX + 1];
    int kind = luaL_checkoption(L, 1, NULL, kinds);
    const char *name = check_text(L, 2), *help = check_text(L, 3);
    read_labels(L, 4, labels);
    struct metric *m = lua_newuserdatauv(L, sizeof *m, 0);
    m->script = script;
    m->handle = script->api->metric(script->host, numbers[kind], name, help, labels[0] == NULL ? NULL : labels);
    luaL_setmetatable(L, metric_class);
    return m->handle != 0 ? 1 : push_not_begun(L);
}

static int metric_set(lua_State *L)
{
    const struct metric *m = luaL_checkudata(L, 1, metric_class);
    m->script->api->metric_set(m->script->host, m->handle, luaL_checknumber(L, 2));
    return 0;
}

static int metric_add(lua_State *L)
{
    const struct metric *m = luaL_checkudata(L, 1, metric_class);
    m->script->api->metric_add(m->script->host, m->handle, luaL_optnumber(L, 2, 1));
    return 0;
}

void open_self(lua_State *L)
{
    static const luaL_Reg functions[] = {{"instance", instance},   {"host_name", host_name},
                                         {"state_dir", state_dir}, {"settings", settings},
                                         {"status", status},       {"config_error", config_error},
                                         {"ready", ready},         {"fail", fail},
                                         {"metric", metric},       {NULL, NULL}};
    static const luaL_Reg methods[] = {{"set", metric_set}, {"add", metric_add}, {NULL, NULL}};
    new_class(L, metric_class, methods, NULL);
    luaL_setfuncs(L, functions, 0);
    open_log(L);
}
