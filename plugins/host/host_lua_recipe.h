/* host_lua_recipe.h - libzooid's recipes as objects of Lua: what its table of methods is made of. */
#pragma once

#include "plugins/host/host_lua_internal.h"

#include "bindings/c/include/zooid.h"

struct recipe_class {
    const char *name;
    void (*free)(void *object);
    zooid_ticket (*number)(const void *object); /* NULL: it cannot lose anything */
    bool (*is_held)(const void *object);        /* NULL: unknown */
    bool is_handed_over;                        /* to the next process of the plugin, at a reload */
};

/* A method that takes time: object:name([{deadline_ms = ...}]). */
struct recipe_method {
    const char *name;
    zooid_ticket (*submit)(void *object, uint32_t deadline_ms, void *tag);
    task_waker *waker; /* is given the reply */
};

/* A userdata. */
struct recipe {
    const struct recipe_class *class;
    void *object; /* NULL: closed */
};

/* Pushes one without an object, which its maker puts there. */
struct recipe *recipe_new(lua_State *L, const struct recipe_class *class);
/* The end of its maker: raises when no object could be made. */
int recipe_made(lua_State *L, const struct recipe *recipe, const char *path);
/* The object of argument 1. Raises when that is something else, or closed. */
void *recipe_check(lua_State *L, const struct recipe_class *class);
/* Registers the class with these methods besides `close`, and `wait_lost` of what can be lost. NULL names end them. */
void recipe_open(lua_State *L, const struct recipe_class *class, const struct recipe_method *methods,
                 const luaL_Reg *others);
zooid_client *recipe_client(lua_State *L);

/* Suspends the task, which is going to wait, until the request has its reply; takes the request over. deadline_ms 0:
 * none of our own. */
int recipe_submit(lua_State *L, struct task *task, zooid_request *request, uint32_t deadline_ms);

/* Wakers; and what a reply says that is a failure. */
int recipe_push_true(lua_State *L, struct task *task, const void *reply);
int recipe_push_number(lua_State *L, struct task *task, const void *reply);
int recipe_push_failure(lua_State *L, const zooid_reply *reply);
