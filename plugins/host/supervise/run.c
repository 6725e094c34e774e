/* run.c - the process of one plugin, or of a group, below a supervisor: it tells what its plugins come to on the
 * channel, and its log lines on the standard error output. */
#include "plugins/host/supervise/run.h"

#include "plugins/host/config_host.h"
#include "plugins/host/exit_codes.h"
#include "plugins/host/host.h"
#include "plugins/host/offer.h"
#include "plugins/host/supervise/bounds.h"
#include "plugins/host/supervise/channel.h"
#include "plugins/host/supervise/orphans.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BEATS = 5 }; /* within the watchdog's time */

struct plugin {
    zooid_host *host;
    char *status;
    enum host_state told;
    struct plugin_config *config;
};

struct run {
    struct host_config *common;
    uv_loop_t loop;
    uv_poll_t channel;
    uv_timer_t heartbeat;
    uv_signal_t term, child;
    struct channel_reader reader;
    enum run_after after;
    struct plugin *plugins;
    size_t count;
    bool ends, hand_over;
};

static void log_line(void *context, const char *plugin, enum zooid_plugin_level level, const char *line)
{
    (void)context;
    fprintf(stderr, "<%d>%s: %s\n", (int)level, plugin, line);
}

/* What does not fit into the socket at once is lost: the supervisor is stopped, or has gone. */
static void say(enum channel_kind kind, const char *name, const char *text)
{
    char line[CHANNEL_LINE_MAX + 1];
    const struct channel_message message = {kind, name, text == NULL ? "" : text};
    size_t len = channel_line(line, &message);
    (void)!send(CHANNEL_DESCRIPTOR, line, len, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* -- what the plugins come to -----------------------------------------------------------------------------------------
 */

static void end(struct run *run, bool hand_over)
{
    run->ends = true;
    run->hand_over = hand_over;
    uv_stop(&run->loop);
}

static void tell(struct run *run, struct plugin *p)
{
    const char *name = p->config->name;
    enum host_state state = p->host->state;
    /* The process before goes when this one is ready: until then nobody may take the name from it. */
    if (state == HOST_READY && !offer_is_known(p->host))
        state = HOST_STARTING;
    if (p->host->status != NULL && (p->status == NULL || strcmp(p->status, p->host->status) != 0)) {
        host_keep_text(p->host, &p->status, p->host->status);
        say(CHANNEL_STATUS, name, p->host->status);
    }
    if (state == p->told)
        return;
    p->told = state;
    if (state == HOST_READY)
        say(CHANNEL_READY, name, NULL);
    else if (state == HOST_REFUSED)
        say(CHANNEL_REFUSED, name, p->host->failure == NULL ? "it refused, see its log" : p->host->failure);
    else if (state == HOST_FAILED)
        say(CHANNEL_FAILED, name, p->host->failure);
    if (state == HOST_FAILED)
        end(run, false);
}

static void changed(void *context, zooid_host *host)
{
    struct run *run = context;
    for (size_t i = 0; i < run->count; i++)
        if (run->plugins[i].host == host)
            tell(run, &run->plugins[i]);
}

static void refuse(const char *name, char *why)
{
    const char *text = why == NULL ? "out of memory" : why;
    say(CHANNEL_REFUSED, name, text);
    log_line(NULL, name, ZOOID_PLUGIN_ERROR, text);
    free(why);
}

static bool start_plugin(struct run *run, struct plugin *p)
{
    const struct host_surroundings around = {&run->loop, log_line, changed, run};
    char *why = NULL, *file = host_config_find(run->common, p->config->plugin, &why);
    p->host = file == NULL ? NULL : host_new(&around, p->config, file, &why);
    free(file);
    if (p->host == NULL) {
        refuse(p->config->name, why);
        return false;
    }
    if (run->after != RUN_FIRST)
        host_inherit_locks(p->host, run->after == RUN_BEHIND);
    host_start(p->host);
    tell(run, p);
    return p->told != HOST_REFUSED;
}

/* -- the supervisor
 * ----------------------------------------------------------------------------------------------------- */

static void inherit_locks(struct run *run)
{
    for (size_t i = 0; i < run->count; i++)
        if (run->plugins[i].host != NULL)
            host_inherit_locks(run->plugins[i].host, true);
}

static void take(void *context, const struct channel_message *message)
{
    if (message->kind == CHANNEL_ALONE)
        inherit_locks(context);
    else if (message->kind == CHANNEL_STOP || message->kind == CHANNEL_HAND_OVER)
        end(context, message->kind == CHANNEL_HAND_OVER);
}

static void hear(uv_poll_t *channel, int status, int events)
{
    struct run *run = channel->data;
    char data[CHANNEL_LINE_MAX];
    (void)events;
    ssize_t n = status != 0 ? 0 : recv(CHANNEL_DESCRIPTOR, data, sizeof data, MSG_DONTWAIT);
    if (n > 0)
        channel_feed(&run->reader, data, (size_t)n, take, run);
    else if (n == 0 || (errno != EAGAIN && errno != EINTR))
        end(run, false); /* it has gone */
}

static void beat(uv_timer_t *timer)
{
    struct run *run = timer->data;
    say(CHANNEL_HEARTBEAT, "", NULL);
    for (size_t i = 0; i < run->count; i++)
        if (run->plugins[i].host != NULL)
            tell(run, &run->plugins[i]);
}

static void told_to_end(uv_signal_t *signal, int number)
{
    (void)number;
    end(signal->data, false);
}

static bool is_ours(void *context, int pid)
{
    const struct run *run = context;
    for (size_t i = 0; i < run->count; i++)
        if (run->plugins[i].host != NULL && host_has_child(run->plugins[i].host, pid))
            return true;
    return false;
}

/* What a program of a plugin left behind, and has ended, is done with. */
static void child_has_ended(uv_signal_t *signal, int number)
{
    (void)number;
    (void)orphans_clear(is_ours, signal->data, false);
}

static bool open_loop(struct run *run, uint32_t beat_ms)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    orphans_adopt();
    (void)signal(SIGPIPE, SIG_IGN);
    (void)dup2(STDERR_FILENO, STDOUT_FILENO);
    (void)fcntl(CHANNEL_DESCRIPTOR, F_SETFD, FD_CLOEXEC);
    if (uv_loop_init(&run->loop) != 0)
        return false;
    run->channel.data = run->heartbeat.data = run->term.data = run->child.data = run;
    (void)uv_timer_init(&run->loop, &run->heartbeat);
    return uv_signal_init(&run->loop, &run->term) == 0 && uv_signal_start(&run->term, told_to_end, SIGTERM) == 0 &&
           uv_signal_init(&run->loop, &run->child) == 0 &&
           uv_signal_start(&run->child, child_has_ended, SIGCHLD) == 0 &&
           uv_poll_init(&run->loop, &run->channel, CHANNEL_DESCRIPTOR) == 0 &&
           uv_poll_start(&run->channel, UV_READABLE, hear) == 0 &&
           uv_timer_start(&run->heartbeat, beat, 0, beat_ms) == 0;
}

static void close_loop(struct run *run)
{
    uv_handle_t *const handles[] = {(uv_handle_t *)&run->channel, (uv_handle_t *)&run->heartbeat,
                                    (uv_handle_t *)&run->term, (uv_handle_t *)&run->child};
    for (size_t i = 0; i < COUNT_OF(handles); i++)
        uv_close(handles[i], NULL);
    while (uv_run(&run->loop, UV_RUN_DEFAULT) != 0)
        ;
    for (size_t i = 0; i < run->count; i++) {
        if (run->plugins[i].host != NULL)
            host_free(run->plugins[i].host, run->hand_over);
    }
    (void)uv_loop_close(&run->loop);
}

static int serve(struct run *run)
{
    size_t good = 0;
    for (size_t i = 0; i < run->count; i++)
        good += start_plugin(run, &run->plugins[i]);
    if (good > 0 && !run->ends)
        (void)uv_run(&run->loop, UV_RUN_DEFAULT);
    bool failed = false;
    for (size_t i = 0; i < run->count; i++) {
        failed = failed || run->plugins[i].told == HOST_FAILED;
        if (run->plugins[i].host == NULL)
            continue;
        run->plugins[i].host->hands_over = run->hand_over;
        host_stop(run->plugins[i].host);
    }
    close_loop(run);
    return good == 0 ? EXIT_CONFIG : failed ? EXIT_SOFTWARE : 0;
}

/* Those whose file is good. */
static void read_configs(struct run *run, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char *why = NULL;
        struct plugin_config *config = host_config_plugin(run->common, names[i], &why);
        if (config == NULL)
            refuse(names[i], why);
        else
            run->plugins[run->count++].config = config;
    }
}

static int bound_and_serve(struct run *run)
{
    const struct plugin_config **configs = calloc(run->count + 1, sizeof(const struct plugin_config *));
    int code = EXIT_SOFTWARE;
    for (size_t i = 0; configs != NULL && i < run->count; i++)
        configs[i] = run->plugins[i].config;
    if (configs != NULL) {
        const struct plugin_limits limits = bounds_of(configs, run->count);
        if (bounds_set(&limits) && open_loop(run, limits.watchdog_ms / BEATS))
            code = serve(run);
    }
    free(configs);
    return code;
}

/* For those who look at a list of processes; the kernel keeps 15 bytes of it. */
static void take_name(const char *plugin)
{
    char name[16];
    (void)snprintf(name, sizeof name, "zooid:%s", plugin);
    (void)prctl(PR_SET_NAME, name, 0, 0, 0);
}

int run_plugins(const char *config, enum run_after after, const char *const *names, size_t count)
{
    struct run run = {.after = after};
    char *why = NULL;
    int code = EXIT_CONFIG;
    take_name(names[0]);
    run.common = host_config_read(config, &why);
    run.plugins = run.common == NULL ? NULL : calloc(count, sizeof *run.plugins);
    if (run.plugins == NULL)
        refuse(names[0], why);
    else
        read_configs(&run, names, count);
    if (run.count > 0)
        code = bound_and_serve(&run);
    for (size_t i = 0; i < run.count; i++) {
        plugin_config_free(run.plugins[i].config);
        free(run.plugins[i].status);
    }
    free(run.plugins);
    host_config_free(run.common);
    return code;
}
