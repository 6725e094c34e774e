/* plugins.h - GET /plugins/NAME/COMMAND?a=b&c=d: a command that a local client offers (local.proto, CALLS), called with
 * {"args": {"a": "b", "c": "d"}}; a parameter that is given more than once becomes a list. What it answers goes out as
 * it is, but that a JSON string is sent as the text that it holds. Commands for admins are not to be had here, since
 * nobody knows who asks. Loop thread only. */
#pragma once

#include "agent/admin/overview.h"
#include "agent/local/local.h"
#include "core/base/bytes.h"

/* Of the HTTP server. */
struct answer {
    int code;
    const char *type;
    struct buffer body;
};

bool plugins_has(const char *path);

/* `target` is path and query. `answered` is told later, as local_calling says, and `*call` is there until then; when it
 * is NULL, `a` says why there is none. ST_NO_MEMORY. */
enum status plugins_call(const struct overview *o, const char *target,
                         void (*answered)(void *context, const struct local_answer *answer), void *context,
                         struct local_call **call, struct answer *a);

/* ST_NO_MEMORY. */
enum status plugins_answer(const struct local_answer *answer, struct answer *a);
