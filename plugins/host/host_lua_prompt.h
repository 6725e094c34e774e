/* host_lua_prompt.h - Lua line by line: from a terminal with history, or from standard input. */
#pragma once

#include "plugins/host/host_lua.h"

#include <uv.h>

struct prompt;

/* `ended` is told when there is no further line. NULL: out of memory. Everything else goes on while it waits for a
 * line, if that comes from a terminal. */
struct prompt *prompt_new(struct script *script, uv_loop_t *loop, void (*ended)(void *context), void *context);
void prompt_free(struct prompt *prompt);
