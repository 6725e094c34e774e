/* host_lua.h - plugins and scripts in Lua: the runtime as the rest of the host sees it. */
#pragma once

#include "plugins/include/zooid_plugin.h"

enum script_grants {
    GRANT_FILES = 1, /* io, os.remove and the like, zooid.files */
    GRANT_RUN = 2,   /* zooid.run, os.execute */
    GRANT_NET = 4,   /* with the others: modules in C, which may do anything */
    GRANT_ALL = 7
};

struct script_settings {
    size_t memory_max;         /* bytes; 0: no limit */
    uint64_t instructions_max; /* of a task, from one wait to the next; 0: no limit */
    unsigned grants;
    const char *library;   /* the folder that has zooid/init.lua */
    const char *directory; /* where else `require` looks: the script's own; NULL: nowhere */
    uint32_t deadline_ms;  /* of requests that do not say; 0: the agent's own limit */
    bool is_program;       /* run from the command line: print writes to standard output, os.exit ends it */
};

struct script;

/* Where the library of scripts is installed, and the folder of a script; the caller's. NULL: out of memory. */
char *script_library(void);
char *script_directory(const char *file);
/* Line by line. */
void script_log(struct script *script, enum zooid_plugin_level level, const char *text);

/* The main chunk has returned, or has called os.exit (`failure` is NULL); or the script cannot go on, which it may say
 * later, too: `failure` is what was raised, with a traceback. Must not free the script. */
typedef void script_ended_fn(void *context, int exit_code, const char *failure);

/* The settings are copied, but the text in them has to live as long. NULL: out of memory, or the library cannot be
 * loaded, which was logged. */
struct script *script_new(const struct zooid_host_api *api, zooid_host *host, const struct script_settings *settings,
                          script_ended_fn *ended, void *context);
/* Runs the file until it waits or ends; `arg` and ... are argv[0] and those behind it. False: it cannot be read or
 * compiled, which was logged. `ended` may be called before this returns. */
bool script_start(struct script *script, const char *path, int argc, char *const *argv);
void script_free(struct script *script);
