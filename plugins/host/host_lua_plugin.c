/* host_lua_plugin.c - scripts as plugins: start() runs the main chunk, and the plugin is ready when that has returned,
 * or when it says so before. */
#include "plugins/host/host.h"
#include "plugins/host/host_lua.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct lua_plugin {
    struct script *script;
    zooid_host *host;
    bool starts; /* start() has not returned */
    bool failed, ready;
    char *library, *directory;
};

/* -- what it is given -------------------------------------------------------------------------------------------------
 */

/* PREFIX/bin/zooid-plugin-host has its library in PREFIX/share/zooid/lua, in the build tree, too. */
char *script_library(void)
{
    char program[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", program, sizeof program - 1);
    if (len < 0)
        return NULL;
    program[len] = '\0';
    for (int i = 0; i < 2; i++) {
        char *slash = strrchr(program, '/');
        if (slash != NULL)
            *slash = '\0';
    }
    return text_of("%s/share/zooid/lua", program);
}

char *script_directory(const char *file)
{
    const char *slash = strrchr(file, '/');
    return slash == NULL ? strdup(".") : slash == file ? strdup("/") : strndup(file, (size_t)(slash - file));
}

static unsigned grants_of(const struct plugin_config *config)
{
    static const struct {
        const char *name;
        unsigned grant;
    } rows[] = {{"files", GRANT_FILES}, {"run", GRANT_RUN}, {"net", GRANT_NET}};
    unsigned grants = 0;
    for (const char **name = config->grants; name != NULL && *name != NULL; name++)
        for (size_t i = 0; i < COUNT_OF(rows); i++)
            if (strcmp(*name, rows[i].name) == 0)
                grants |= rows[i].grant;
    return grants;
}

/* -- a plugin like any other ------------------------------------------------------------------------------------------
 */

static void first_line_fails(zooid_host *host, const char *failure)
{
    char *line = strndup(failure, strcspn(failure, "\n"));
    host_api.fail(host, line == NULL ? "a script failed" : line);
    free(line);
}

static void ended(void *context, int exit_code, const char *failure)
{
    struct lua_plugin *plugin = context;
    (void)exit_code; /* a plugin has no os.exit */
    if (failure != NULL) {
        script_log(plugin->script, ZOOID_PLUGIN_ERROR, failure);
        plugin->failed = true;
        if (!plugin->starts)
            first_line_fails(plugin->host, failure);
    } else {
        plugin->ready = true;
        if (!plugin->starts)
            host_api.ready(plugin->host);
    }
}

static void stop(void *state)
{
    struct lua_plugin *plugin = state;
    script_free(plugin->script);
    free(plugin->library);
    free(plugin->directory);
    free(plugin);
}

static int run(struct lua_plugin *plugin)
{
    const struct plugin_config *config = plugin->host->config;
    const struct script_settings settings = {.memory_max = (size_t)config->limits.lua_memory_mb << 20,
                                             .instructions_max = config->limits.lua_instructions,
                                             .grants = grants_of(config),
                                             .library = plugin->library,
                                             .directory = plugin->directory};
    if (plugin->library == NULL || plugin->directory == NULL)
        return ZOOID_PLUGIN_REFUSED;
    plugin->script = script_new(&host_api, plugin->host, &settings, ended, plugin);
    plugin->starts = true;
    bool good = plugin->script != NULL && script_start(plugin->script, plugin->host->file, 0, NULL) && !plugin->failed;
    plugin->starts = false;
    return !good ? ZOOID_PLUGIN_REFUSED : plugin->ready ? ZOOID_PLUGIN_READY : ZOOID_PLUGIN_STARTING;
}

static int start(const struct zooid_host_api *api, zooid_host *host, void **state)
{
    struct lua_plugin *plugin = calloc(1, sizeof *plugin);
    (void)api;
    if (plugin == NULL)
        return ZOOID_PLUGIN_REFUSED;
    plugin->host = host;
    plugin->library = script_library();
    plugin->directory = script_directory(host->file);
    *state = plugin;
    int started = run(plugin);
    if (started == ZOOID_PLUGIN_REFUSED) {
        stop(plugin);
        *state = NULL;
    }
    return started;
}

const struct zooid_plugin *load_lua(const char *file, char **why)
{
    static const struct zooid_plugin plugin = {.abi = ZOOID_PLUGIN_ABI,
                                               .size = sizeof plugin,
                                               .api_size = sizeof(struct zooid_host_api),
                                               .name = "lua",
                                               .version = ZOOID_VERSION,
                                               .summary = "a script in Lua",
                                               .start = start,
                                               .stop = stop};
    if (access(file, R_OK) == 0)
        return &plugin;
    *why = text_of("%s: %s", file, strerror(errno));
    return NULL;
}
