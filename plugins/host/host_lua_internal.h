/* host_lua_internal.h - what the files of the Lua runtime share, and nobody else sees.
 *
 * A script is one lua_State with a memory cap. Everything in it runs in a task: a coroutine that the runtime resumes.
 * What waits (for a reply, a timer, a child) suspends its task, and the host's callback wakes it with the answer. It is
 * written on the functions that plugins in C have, too; recipes are libzooid's.
 *
 *   host_lua_state.c      a script: made, started, ended; host_lua_plugin.c: as a plugin
 *   host_lua_limits.c     memory cap and instruction budget
 *   host_lua_libraries.c  what of Lua's own libraries a script sees, by its grants; text only, never bytecode
 *   host_lua_task.c       tasks: run, suspended, woken, ended; host_lua_spawn.c: as scripts see them
 *   host_lua_values.c     arguments, options and errors as Lua has them
 *   host_lua_tree.c       get to sync; host_lua_multi.c: several at once
 *   host_lua_requests.c   what plugins in C do not have: ACLs, many nodes at once, counts
 *   host_lua_subscribe.c  subscriptions
 *   host_lua_time.c       sleep, timer, every
 *   host_lua_self.c       log, status, settings, metrics; host_lua_command.c: commands, calls
 *   host_lua_hold.c       ephemeral nodes; host_lua_child.c: programs; host_lua_files.c: files
 *   host_lua_json.c       JSON; host_lua_hash.c: digests
 *   host_lua_recipe.c     libzooid's recipes as objects; host_lua_lock.c, host_lua_recipes.c: which ones */
#pragma once

#include "plugins/host/host_lua.h"

#include <lauxlib.h>
#include <lua.h>

struct task;

/* Pushes what a suspended task is woken with, and returns how many values that are. Protected: it may raise. */
typedef int task_waker(lua_State *L, struct task *task, const void *what);

/* Told once how a task ended, protected: what it returned is all that is on the stack of L; or, when `ok` is false, one
 * string: what was raised, with a traceback. */
typedef void task_ended_fn(lua_State *L, struct task *task, bool ok);

/* A userdata, which the runtime keeps until the task has ended. Its user value is its coroutine, later its results. */
struct task {
    struct script *script;
    lua_State *co; /* NULL: it has ended */
    int anchor;
    int arguments; /* values on its stack, with which it runs next; at its end, how many results it has */
    bool waits, queued, cancelled, failed;
    zooid_handle handle;              /* what it waits for, cancelled with it; or */
    void (*leave)(struct task *task); /* how it stops waiting; NULL: by the handle */
    task_waker *waker;
    lua_State *at; /* the coroutine that called what waits, with the arguments of that on its stack */
    void *subject; /* of whoever set `waker` */
    task_ended_fn *ended;
    void *owner; /* of whoever set `ended` */
    uint64_t number;
    struct task *next; /* in the queue, or among those that wait for another task */
    struct task *awaits, *waiters;
};

struct script {
    lua_State *L;
    const struct zooid_host_api *api;
    zooid_host *host;
    struct script_settings settings;
    size_t memory_used, reserve; /* what it may use besides, as to say that it has no more */
    size_t memory_kept;          /* by the collection that was made last */
    uint64_t instructions;       /* of the task that runs, since it was resumed */
    bool over_budget;
    struct task *running;
    struct task *queue, **queue_end; /* run with the next turn of the loop */
    zooid_handle queue_timer;
    script_ended_fn *ended;
    void *context;
    bool closing;
};

struct script *script_of(lua_State *L);
/* Calls `function` protected, on the main stack, with `context` as a light userdata. False: it raised, which was
 * logged. */
bool script_protected(struct script *script, lua_CFunction function, void *context);
/* The script cannot go on. */
void script_fail(struct script *script, const char *why);

/* -- host_lua_limits.c */
void *limits_alloc(void *context, void *block, size_t old_size, size_t size);
void limits_install(lua_State *L);
void limits_begin(struct script *script);
/* Raises when the budget is used up, in this coroutine again at each instruction. */
int limits_check(lua_State *L);

/* -- host_lua_libraries.c */
int libraries_open(lua_State *L); /* a lua_CFunction */
/* As luaL_loadfile, text only. */
int load_text_file(lua_State *L, const char *path);

/* -- host_lua_task.c */

/* Takes a function and `arguments` values off the stack, and leaves the task there. May raise. */
struct task *task_new(lua_State *L, int arguments, task_ended_fn *ended, void *owner);
/* Runs it, with what is on its stack: from a callback of the host, never from Lua. */
void task_run(struct task *task);
/* Runs it with the next turn of the loop. */
void task_queue(struct task *task);
/* The task of whoever calls, which is going to wait. Raises where nothing can wait. */
struct task *task_waiting(lua_State *L, task_waker *waker);
/* What a suspended coroutine yields, for those between it and its task to pass on. */
const void *task_wait_mark(void);
/* The last thing in a C function: suspends, and what it is woken with is what the function returns. */
int task_suspend(lua_State *L);
/* The same; the continuation finds what it is woken with behind the function's arguments. */
int task_suspend_then(lua_State *L, lua_KFunction continuation);
/* Undoes task_waiting. */
void task_stay(struct task *task);
/* Wakes it with what its waker pushes. From a callback of the host. */
void task_wake(struct task *task, const void *what);
/* The same with the next turn of the loop, from a function that Lua called. May raise. */
void task_wake_later(lua_State *L, struct task *task, const void *what);
/* Ends it with the next turn of the loop; one that runs is left alone. */
void task_cancel(struct task *task);

/* -- host_lua_values.c */

/* Text without a zero in it, as paths and names are. Raises. */
const char *check_text(lua_State *L, int index);
/* The same, or NULL for nil. */
const char *opt_text(lua_State *L, int index);
/* Raises unless it is nil or a table whose keys are all in `known`, which NULL ends. */
void check_options(lua_State *L, int index, const char *const *known);
/* Fields of the table at `index`, which may be missing. Raise when they are of the wrong kind. */
bool option_flag(lua_State *L, int index, const char *name);
lua_Integer option_number(lua_State *L, int index, const char *name, lua_Integer otherwise, lua_Integer max);
/* deadline_ms of a request; when it is not there, what the script's settings say. */
uint32_t option_deadline(lua_State *L, int index);
/* Lives as long as the table holds it. NULL: it is not there. */
const char *option_text(lua_State *L, int index, const char *name);
const char *option_bytes(lua_State *L, int index, const char *name, size_t *len);

void push_stat(lua_State *L, const struct zooid_plugin_stat *stat, enum zooid_plugin_node_kind kind);
/* Null data is the empty string. */
void push_data(lua_State *L, const void *data, size_t len);

struct failure {
    int code;
    const char *message; /* NULL: the code's text */
    const char *path;
    bool retry, outcome_unknown;
};
/* Pushes nil and the error, and returns 2. */
int push_failure(lua_State *L, const struct failure *failure);
int push_reply_failure(lua_State *L, const struct zooid_plugin_reply *reply, const char *path);
/* Of what was given no handle; argument 1, if it is a text, is what it is about. */
int push_not_begun(lua_State *L);
/* A metatable that scripts can neither see nor change. */
void new_class(lua_State *L, const char *name, const luaL_Reg *methods, const luaL_Reg *meta);

/* -- host_lua_tree.c: requests */

/* Suspends until the reply has come; `waker` is given that. */
int request_wait(lua_State *L, const struct zooid_plugin_request *request, task_waker *waker);
/* From arguments that start at index 1, on whose strings they depend. Raise. */
struct zooid_plugin_request create_request(lua_State *L); /* path [, data [, options]] */
struct zooid_plugin_request set_request(lua_State *L);    /* path, data [, version [, options]] */
struct zooid_plugin_request delete_request(lua_State *L); /* path [, version [, options]] */
struct zooid_plugin_request check_request(lua_State *L);  /* path, version */

/* -- the module zooid.core: each adds its functions to the table on the top of the stack */
void open_errors(lua_State *L);
void open_spawn(lua_State *L);
void open_tree(lua_State *L);
void open_multi(lua_State *L);
void open_subscriptions(lua_State *L);
void open_time(lua_State *L);
void open_self(lua_State *L);
void open_commands(lua_State *L);
void open_holds(lua_State *L);
void open_children(lua_State *L);
void open_files(lua_State *L);
/* host_lua_file_lock.c: lock(path): a lock, released with it; and its class */
int files_lock(lua_State *L);
void open_file_locks(lua_State *L);
void open_json(lua_State *L);
void open_hash(lua_State *L);
void open_locks(lua_State *L);
void open_recipes(lua_State *L);
void open_requests(lua_State *L);

/* -- host_lua_json.c: pushes the value, or nil and a message; how many that are. */
int json_push(lua_State *L, const char *text, size_t len);
/* Pushes the value at `index` as text. Raises. */
void json_write(lua_State *L, int index, bool pretty);
