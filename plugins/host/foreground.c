/* foreground.c - one plugin in the foreground: its log on the standard error output, its end that of the program. */
#include "plugins/host/foreground.h"

#include "plugins/host/exit_codes.h"
#include "plugins/host/host.h"
#include "plugins/host/log_print.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct foreground {
    uv_loop_t loop;
    uv_signal_t term, interrupt;
    zooid_host *host;
    enum host_state told;
};

static void log_line(void *context, const char *plugin, enum zooid_plugin_level level, const char *line)
{
    (void)context;
    log_print_of(level, plugin, line);
}

static void look(struct foreground *f)
{
    enum host_state state = f->host->state;
    if (state != f->told && state == HOST_READY)
        log_line(NULL, f->host->config->name, ZOOID_PLUGIN_INFO, "ready");
    f->told = state;
    if (state == HOST_FAILED || state == HOST_REFUSED)
        uv_stop(&f->loop);
}

static void changed(void *context, zooid_host *host)
{
    struct foreground *f = context;
    (void)host;
    if (f->host != NULL)
        look(f);
}

static void told_to_end(uv_signal_t *signal, int number)
{
    (void)number;
    uv_stop(signal->loop);
}

static bool watch_signals(struct foreground *f)
{
    uv_signal_t *const signals[] = {&f->term, &f->interrupt};
    static const int numbers[] = {SIGTERM, SIGINT};
    (void)signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < COUNT_OF(numbers); i++)
        if (uv_signal_init(&f->loop, signals[i]) != 0 || uv_signal_start(signals[i], told_to_end, numbers[i]) != 0)
            return false;
    return true;
}

static int serve(struct foreground *f)
{
    host_start(f->host);
    look(f);
    if (f->host->state == HOST_STARTING || f->host->state == HOST_READY)
        (void)uv_run(&f->loop, UV_RUN_DEFAULT);
    enum host_state state = f->host->state;
    host_stop(f->host);
    uv_close((uv_handle_t *)&f->term, NULL);
    uv_close((uv_handle_t *)&f->interrupt, NULL);
    while (uv_run(&f->loop, UV_RUN_DEFAULT) != 0)
        ; /* an earlier uv_stop may end the first turn */
    host_free(f->host, false);
    (void)uv_loop_close(&f->loop);
    return state == HOST_REFUSED ? EXIT_CONFIG : state == HOST_FAILED ? EXIT_SOFTWARE : 0;
}

static int complain(char *why, int code)
{
    fprintf(stderr, "zooid-plugin-host: %s\n", why == NULL ? "out of memory" : why);
    free(why);
    return code;
}

/* "dir/health.so" is called "health". The caller's; NULL: out of memory. */
static char *name_of(const char *file)
{
    const char *slash = strrchr(file, '/'), *base = slash == NULL ? file : slash + 1;
    const char *dot = strrchr(base, '.');
    return dot == NULL || dot == base ? strdup(base) : strndup(base, (size_t)(dot - base));
}

static bool complete(struct plugin_config *config, const struct foreground_options *options)
{
    config->socket = options->socket == NULL ? NULL : strdup(options->socket);
    config->state_dir = options->state_dir == NULL ? NULL : strdup(options->state_dir);
    return (options->socket == NULL || config->socket != NULL) &&
           (options->state_dir == NULL || config->state_dir != NULL);
}

int foreground_run(const struct foreground_options *options)
{
    struct foreground f = {.told = HOST_LOADED};
    const struct host_surroundings around = {&f.loop, log_line, changed, &f};
    char *why = NULL, *name = options->name == NULL ? name_of(options->plugin) : strdup(options->name);
    struct plugin_config *config = name == NULL ? NULL : plugin_config_read(name, options->settings, &why);
    free(name);
    if (config == NULL)
        return complain(why, EXIT_CONFIG);
    int code = EXIT_SOFTWARE;
    if (!complete(config, options) || uv_loop_init(&f.loop) != 0 || !watch_signals(&f)) {
        code = complain(NULL, EXIT_SOFTWARE);
    } else {
        f.host = host_new(&around, config, options->plugin, &why);
        code = f.host == NULL ? complain(why, EXIT_CONFIG) : serve(&f);
    }
    plugin_config_free(config);
    return code;
}
