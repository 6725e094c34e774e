/* commands.h - AdminServer's commands: one table, name -> JSON object (client-protocol 11.4). Loop thread only. */
#pragma once

#include "agent/admin/overview.h"

/* Appends the JSON that `name` (or an alias of it) answers with. A name that is not known gets an object with an error,
 * as on Apache's server. ST_NO_MEMORY. */
enum status commands_answer(const struct overview *o, const char *name, struct buffer *out);

/* There is a command of that name, or alias. */
bool commands_has(const char *name);
/* It does more than look. */
bool commands_changes(const char *name);

/* Appends the page that lists all commands; `url` is the path they are below. */
enum status commands_index(const char *url, struct buffer *out);
