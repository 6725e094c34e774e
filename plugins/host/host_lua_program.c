/* host_lua_program.c - a script as a program: run with all that its user may do, until its main chunk has returned, or
 * line by line at a prompt. */
#include "plugins/host/program.h"

#include "plugins/host/exit_codes.h"
#include "plugins/host/host.h"
#include "plugins/host/host_lua.h"
#include "plugins/host/host_lua_prompt.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SESSION_MS = 30000 };

struct program {
    const struct program_options *options;
    uv_loop_t loop;
    zooid_host *host;
    struct script *script;
    struct prompt *prompt;
    char *library, *directory;
    int exit_code;
    bool over;
};

/* The script's own lines are written by script_log. */
static void log_line(void *context, const char *plugin, enum zooid_plugin_level level, const char *line)
{
    (void)context;
    (void)plugin;
    if (level <= ZOOID_PLUGIN_WARNING)
        fprintf(stderr, "zooid: %s\n", line);
}

static void changed(void *context, zooid_host *host)
{
    (void)context;
    (void)host;
}

static void finish(struct program *p, int exit_code)
{
    p->exit_code = exit_code;
    p->over = true;
    uv_stop(&p->loop);
}

static void ended(void *context, int exit_code, const char *failure)
{
    struct program *p = context;
    if (failure != NULL)
        fprintf(stderr, "zooid: %s\n", failure);
    if (failure == NULL || p->prompt == NULL) /* at a prompt, one task that failed is not the end */
        finish(p, exit_code);
}

static void prompt_ended(void *context)
{
    finish(context, EXIT_SUCCESS);
}

/* -- as a plugin of its own host --------------------------------------------------------------------------------------
 */

/* The file of a module of the library. */
static char *file_of_module(const struct program *p, const char *name)
{
    size_t size = strlen(p->library) + strlen(name) + sizeof "/.lua", start = strlen(p->library) + 1;
    char *path = malloc(size);
    if (path == NULL)
        return NULL;
    (void)snprintf(path, size, "%s/%s.lua", p->library, name);
    for (size_t i = start; i < start + strlen(name); i++)
        if (path[i] == '.')
            path[i] = '/';
    return path;
}

static bool start_script(struct program *p)
{
    const struct program_options *options = p->options;
    if (!options->is_module)
        return script_start(p->script, options->script, options->argc, options->argv);
    char *path = file_of_module(p, options->script);
    bool started = path != NULL && script_start(p->script, path, options->argc, options->argv);
    free(path);
    return started;
}

static bool run(struct program *p)
{
    const struct program_options *options = p->options;
    const struct script_settings settings = {.grants = GRANT_ALL,
                                             .library = p->library,
                                             .directory = p->directory,
                                             .deadline_ms = options->deadline_ms,
                                             .is_program = true};
    if (p->library == NULL || p->directory == NULL)
        return false;
    p->script = script_new(&host_api, p->host, &settings, ended, p);
    if (p->script == NULL)
        return false;
    if (options->script != NULL)
        return start_script(p);
    p->prompt = prompt_new(p->script, &p->loop, prompt_ended, p);
    return p->prompt != NULL;
}

static int start(const struct zooid_host_api *api, zooid_host *host, void **state)
{
    struct program *p = host->around.context;
    (void)api;
    *state = p;
    p->host = host;
    p->library = script_library();
    p->directory = script_directory(p->options->script == NULL ? "./" : p->options->script);
    if (!run(p))
        finish(p, EXIT_FAILURE);
    return ZOOID_PLUGIN_READY;
}

static void stop(void *state)
{
    struct program *p = state;
    prompt_free(p->prompt);
    script_free(p->script);
    free(p->library);
    free(p->directory);
}

static const struct zooid_plugin program_plugin = {.abi = ZOOID_PLUGIN_ABI,
                                                   .size = sizeof program_plugin,
                                                   .api_size = sizeof(struct zooid_host_api),
                                                   .name = "lua",
                                                   .version = ZOOID_VERSION,
                                                   .start = start,
                                                   .stop = stop};

/* -- from beginning to end --------------------------------------------------------------------------------------------
 */

static int serve(struct program *p)
{
    host_start(p->host);
    while (!p->over && uv_run(&p->loop, UV_RUN_DEFAULT) != 0)
        ; /* until it is over, or nothing is left that could happen */
    host_stop(p->host);
    while (uv_run(&p->loop, UV_RUN_DEFAULT) != 0)
        ; /* an earlier uv_stop may end the first turn */
    host_free(p->host, false);
    (void)uv_loop_close(&p->loop);
    if (fflush(stdout) == 0 || p->exit_code != EXIT_SUCCESS)
        return p->exit_code;
    fprintf(stderr, "zooid: the output cannot be written\n");
    return EXIT_FAILURE;
}

int program_run(const struct program_options *options)
{
    struct program p = {.options = options};
    const struct host_surroundings around = {&p.loop, log_line, changed, &p};
    char *why = NULL;
    struct plugin_config *config = plugin_config_read("lua", options->settings, &why);
    int code = EXIT_SOFTWARE;
    (void)signal(SIGPIPE, SIG_IGN); /* a program that it runs may not read what it is given */
    if (config != NULL) {
        config->limits.session_ms = SESSION_MS;
        config->limits.linger_ms = 0;
        config->socket = options->socket == NULL ? NULL : strdup(options->socket);
        config->state_dir = options->state_dir == NULL ? NULL : strdup(options->state_dir);
        if (uv_loop_init(&p.loop) == 0)
            p.host = host_new_of(&around, config, &program_plugin, "", &why);
    }
    if (p.host != NULL)
        code = serve(&p);
    else
        fprintf(stderr, "zooid: %s\n", why == NULL ? "out of memory" : why);
    free(why);
    plugin_config_free(config);
    return code;
}
