/* host_lua_child.c - zooid.run: programs, for scripts that were granted "run". */
#include "plugins/host/host_lua_internal.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

static const char *const run_options[] = {"env", "directory", "input",       "timeout_ms", "term_ms", "output_max",
                                          "uid", "gid",       "stop_signal", "stop_ms",    NULL};

enum { WORDS_MAX = 4096 };

static void set_number(lua_State *L, const char *name, lua_Integer value)
{
    lua_pushinteger(L, value);
    lua_setfield(L, -2, name);
}

static int push_child_end(lua_State *L, struct task *task, const void *what)
{
    const struct zooid_plugin_child_end *end = what;
    const struct failure failure = {.code = ZOOID_PLUGIN_BAD_ARGUMENTS, .message = end->failure};
    (void)task;
    if (end->failure != NULL)
        return push_failure(L, &failure);
    lua_createtable(L, 0, 7);
    set_number(L, "status", end->status);
    set_number(L, "signal", end->signal);
    set_number(L, "run_ms", end->run_ms);
    lua_pushboolean(L, end->timed_out);
    lua_setfield(L, -2, "timed_out");
    lua_pushboolean(L, end->output_cut);
    lua_setfield(L, -2, "output_cut");
    push_data(L, end->output, end->output_len);
    lua_setfield(L, -2, "output");
    push_data(L, end->error, end->error_len);
    lua_setfield(L, -2, "error");
    return 1;
}

static void ended(void *context, const struct zooid_plugin_child_end *end)
{
    task_wake(context, end);
}

/* The strings of the list on the top, ended by NULL, in a userdata that is pushed. */
static const char **read_words(lua_State *L, const char *what)
{
    int list = lua_gettop(L);
    lua_Unsigned count = lua_rawlen(L, list);
    if (count > WORDS_MAX)
        luaL_error(L, "%s: too many", what);
    const char **words = lua_newuserdatauv(L, (count + 1) * sizeof *words, 0);
    for (lua_Unsigned i = 0; i < count; i++) {
        if (lua_rawgeti(L, list, (lua_Integer)i + 1) != LUA_TSTRING)
            luaL_error(L, "%s: a list of strings expected", what);
        words[i] = check_text(L, -1);
        lua_pop(L, 1); /* the list has it */
    }
    words[count] = NULL;
    return words;
}

static int32_t read_id(lua_State *L, const char *name)
{
    return (int32_t)option_number(L, 2, name, -1, INT32_MAX);
}

/* "TERM", "15"; 0 without that option. */
static int32_t read_signal(lua_State *L, const char *option)
{
    const char *text = option_text(L, 2, option);
    if (text == NULL)
        return 0;
    for (int number = 1; number < NSIG; number++) {
        const char *name = sigabbrev_np(number);
        if (name != NULL && (strcmp(name, text) == 0 || strtol(text, NULL, 10) == number))
            return number;
    }
    return luaL_argerror(L, 2, lua_pushfstring(L, "option %s: there is no signal %s", option, text));
}

/* run(words [, options]) */
static int run(lua_State *L)
{
    struct zooid_plugin_child child = {.size = sizeof child};
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_argcheck(L, lua_rawlen(L, 1) > 0, 1, "the name of a program expected");
    check_options(L, 2, run_options);
    lua_settop(L, 2);
    lua_pushvalue(L, 1);
    child.argv = read_words(L, "words");
    if (lua_istable(L, 2) && lua_getfield(L, 2, "env") == LUA_TTABLE)
        child.env = read_words(L, "env");
    child.directory = option_text(L, 2, "directory");
    child.input = option_bytes(L, 2, "input", &child.input_len);
    child.timeout_ms = (uint32_t)option_number(L, 2, "timeout_ms", 0, UINT32_MAX);
    child.term_ms = (uint32_t)option_number(L, 2, "term_ms", 0, UINT32_MAX);
    child.output_max = (uint32_t)option_number(L, 2, "output_max", 0, UINT32_MAX);
    child.uid = read_id(L, "uid");
    child.gid = read_id(L, "gid");
    child.stop_signal = read_signal(L, "stop_signal");
    child.stop_ms = (uint32_t)option_number(L, 2, "stop_ms", 0, UINT32_MAX);
    struct task *task = task_waiting(L, push_child_end);
    task->handle = task->script->api->child(task->script->host, &child, ended, task);
    if (task->handle != 0)
        return task_suspend(L);
    task_stay(task);
    return push_not_begun(L);
}

static int not_granted(lua_State *L)
{
    return luaL_error(L, "this script may not run programs: its configuration does not grant \"run\"");
}

void open_children(lua_State *L)
{
    lua_pushcfunction(L, (script_of(L)->settings.grants & GRANT_RUN) != 0 ? run : not_granted);
    lua_setfield(L, -2, "run");
}
