/* host_lua_limits.c - what a script may use: memory, by the allocator of its state, and instructions between two waits,
 * by a count hook.
 *
 * A script that has used up its instructions is raised an error that it cannot keep: as soon as the error is caught,
 * the next instruction raises it again, until its task has ended. Time within C functions (a pattern that backtracks
 * for ever, a sort of a long table without a comparator) is not counted, and neither is that of finalizers: that is
 * for the host's watchdog. */
#include "plugins/host/host_lua_internal.h"

#include <stdlib.h>

enum { HOOK_EVERY = 1000 };

void *limits_alloc(void *context, void *block, size_t old_size, size_t size)
{
    struct script *script = context;
    size_t held = block == NULL ? 0 : old_size; /* without a block, old_size is a kind of object */
    if (size == 0) {
        script->memory_used -= held;
        free(block);
        return NULL;
    }
    size_t max = script->settings.memory_max == 0 ? 0 : script->settings.memory_max + script->reserve;
    if (max != 0 && size > held && (size - held > max || script->memory_used > max - (size - held)))
        return NULL;
    void *moved = realloc(block, size);
    if (moved != NULL)
        script->memory_used = script->memory_used - held + size;
    return moved;
}

static void count(lua_State *L, lua_Debug *at)
{
    struct script *script = script_of(L);
    (void)at;
    script->instructions += script->over_budget ? 1 : HOOK_EVERY;
    if (script->instructions < script->settings.instructions_max)
        return;
    script->over_budget = true;
    (void)limits_check(L);
}

void limits_install(lua_State *L)
{
    if (script_of(L)->settings.instructions_max != 0)
        lua_sethook(L, count, LUA_MASKCOUNT, HOOK_EVERY);
}

/* Buffers of Lua's own libraries do not collect garbage when memory runs out; so it is collected before it is short,
 * though not again and again when it is no garbage. */
static void collect(struct script *script)
{
    size_t max = script->settings.memory_max, used = script->memory_used;
    if (used < max / 2)
        script->memory_kept = 0;
    if (max == 0 || used < max / 2 || used < script->memory_kept + max / 16)
        return;
    (void)lua_gc(script->L, LUA_GCCOLLECT);
    script->memory_kept = script->memory_used;
}

void limits_begin(struct script *script)
{
    collect(script);
    script->instructions = 0;
    script->over_budget = false;
}

int limits_check(lua_State *L)
{
    const struct script *script = script_of(L);
    if (!script->over_budget)
        return 0;
    lua_sethook(L, count, LUA_MASKCOUNT, 1); /* of this coroutine, and those that it makes */
    luaL_where(L, 0);
    lua_pushfstring(L, "more than %I instructions without a wait", (LUAI_UACINT)script->settings.instructions_max);
    lua_concat(L, 2);
    return lua_error(L);
}
