/* supervisor.c - the host of plugins as a child of the agent. */
#include "agent/supervisor.h"

#include "core/base/check.h"
#include "core/base/mem.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct supervisor {
    uv_loop_t *loop;
    const struct settings *settings;
    struct metrics *metrics;
    struct log_sink *log;
    uv_process_t *process; /* NULL: none runs */
    uv_timer_t timer;      /* until it is started again, or killed */
    uint64_t started_ms, pause_ms;
    bool ends;
    void (*closed)(void *context);
    void *context;
    bool wants_close;
};

struct supervisor *supervisor_new(uv_loop_t *loop, const struct settings *settings, struct metrics *metrics,
                                  struct log_sink *log)
{
    struct supervisor *s = mem_calloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    s->loop = loop;
    s->settings = settings;
    s->metrics = metrics;
    s->log = log;
    (void)uv_timer_init(loop, &s->timer);
    s->timer.data = s;
    return s;
}

/* -- its end ----------------------------------------------------------------------------------------------------------
 */

static void timer_closed(uv_handle_t *handle)
{
    struct supervisor *s = handle->data;
    void (*closed)(void *context) = s->closed;
    void *context = s->context;
    mem_free(s);
    if (closed != NULL)
        closed(context);
}

static void close_when_over(struct supervisor *s)
{
    if (s->wants_close && s->process == NULL && !uv_is_closing((uv_handle_t *)&s->timer))
        uv_close((uv_handle_t *)&s->timer, timer_closed);
}

static void process_closed(uv_handle_t *handle)
{
    mem_free(handle);
}

static void start_again(uv_timer_t *timer)
{
    supervisor_start(timer->data);
}

static void wait_to_start(struct supervisor *s)
{
    const struct settings *settings = s->settings;
    uint64_t first = (uint64_t)settings->plugin_restart_ms, most = (uint64_t)settings->plugin_restart_ms_max;
    uint64_t longer = s->pause_ms == 0 ? first : 2 * s->pause_ms;
    s->pause_ms = longer > most ? most : longer;
    (void)uv_timer_start(&s->timer, start_again, s->pause_ms, 0);
}

static void has_ended(uv_process_t *process, int64_t status, int number)
{
    struct supervisor *s = process->data;
    s->process = NULL;
    uv_close((uv_handle_t *)process, process_closed);
    (void)uv_timer_stop(&s->timer);
    if (s->ends) {
        close_when_over(s);
        return;
    }
    metrics_add(s->metrics, COUNTER_plugin_host_failures, 1);
    if (uv_now(s->loop) - s->started_ms > (uint64_t)s->settings->plugin_steady_ms)
        s->pause_ms = 0;
    wait_to_start(s);
    LOG_ERROR(s->log, "plugins",
              "the host of plugins ended, status %d, signal %d; it is started again in %" PRIu64 " ms", (int)status,
              number, s->pause_ms);
}

/* -- its start --------------------------------------------------------------------------------------------------------
 */

/* Beside the agent, unless a setting says otherwise. */
static enum status find_program(const struct supervisor *s, char path[4096])
{
    const char *named = s->settings->plugin_host;
    ssize_t len = named[0] != '\0' ? -1 : readlink("/proc/self/exe", path, 4000);
    if (named[0] != '\0')
        return snprintf(path, 4096, "%s", named) < 4096 ? ST_OK : ST_LIMIT;
    if (len <= 0)
        return ST_IO_ERROR;
    path[len] = '\0';
    char *slash = strrchr(path, '/');
    (void)snprintf(slash == NULL ? path : slash + 1, 64, "zooid-plugin-host");
    return ST_OK;
}

static bool is_for_us_alone(const char *variable)
{
    static const char *const names[] = {"NOTIFY_SOCKET=", "LISTEN_PID=",    "LISTEN_FDS=",  "LISTEN_FDNAMES=",
                                        "WATCHDOG_PID=",  "WATCHDOG_USEC=", "ZOOID_SOCKET="};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strncmp(variable, names[i], strlen(names[i])) == 0)
            return true;
    return false;
}

/* Ours, and where our door is; only the list is allocated. NULL: out of memory. */
static char **environment_of(char *socket)
{
    extern char **environ;
    size_t count = 0, kept = 0;
    while (environ[count] != NULL)
        count++;
    char **list = mem_calloc(count + 2, sizeof *list);
    for (size_t i = 0; list != NULL && i < count; i++)
        if (!is_for_us_alone(environ[i]))
            list[kept++] = environ[i];
    if (list != NULL)
        list[kept] = socket;
    return list;
}

static int spawn(struct supervisor *s, const char *program)
{
    char socket[200], parent[40];
    const char *arguments[] = {program, "--supervise", parent, "--config", s->settings->plugins, NULL};
    uv_stdio_container_t stdio[] = {{.flags = UV_IGNORE},
                                    {.flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO},
                                    {.flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO}};
    (void)snprintf(parent, sizeof parent, "--with-parent=%ld", (long)getpid());
    (void)snprintf(socket, sizeof socket, "ZOOID_SOCKET=%s", s->settings->local_socket);
    char **environment = environment_of(socket);
    s->process = environment == NULL ? NULL : mem_calloc(1, sizeof *s->process);
    if (s->process == NULL) {
        mem_free(environment);
        return UV_ENOMEM;
    }
    const uv_process_options_t options = {
        .exit_cb = has_ended,
        .file = program,
        .args = (char **)arguments,
        .env = environment,
        .stdio_count = ARRAY_LEN(stdio),
        .stdio = stdio,
        .flags = UV_PROCESS_DETACHED,
    };
    int failed = uv_spawn(s->loop, s->process, &options);
    mem_free(environment);
    s->process->data = s;
    return failed;
}

void supervisor_start(struct supervisor *s)
{
    char program[4096];
    enum status st = find_program(s, program);
    int failed = st == ST_OK ? spawn(s, program) : UV_ENOENT;
    if (failed == 0) {
        s->started_ms = uv_now(s->loop);
        metrics_add(s->metrics, COUNTER_plugin_host_starts, 1);
        LOG_INFO(s->log, "plugins", "the host of plugins runs, pid %d", s->process->pid);
        return;
    }
    if (s->process != NULL)
        uv_close((uv_handle_t *)s->process, process_closed);
    s->process = NULL;
    metrics_add(s->metrics, COUNTER_plugin_host_failures, 1);
    wait_to_start(s);
    LOG_ERROR(s->log, "plugins", "%s cannot be started: %s; it is tried again in %" PRIu64 " ms", program,
              uv_strerror(failed), s->pause_ms);
}

/* -- told -------------------------------------------------------------------------------------------------------------
 */

void supervisor_reload(struct supervisor *s)
{
    if (s != NULL && s->process != NULL && !s->ends)
        (void)uv_process_kill(s->process, SIGHUP);
}

static void took_too_long(uv_timer_t *timer)
{
    struct supervisor *s = timer->data;
    if (s->process == NULL)
        return;
    LOG_WARN(s->log, "plugins", "the host of plugins did not end within zooid.pluginStopMs, and is killed");
    (void)uv_process_kill(s->process, SIGKILL);
}

void supervisor_stop(struct supervisor *s)
{
    if (s->ends)
        return;
    s->ends = true;
    (void)uv_timer_stop(&s->timer);
    if (s->process == NULL)
        return;
    (void)uv_process_kill(s->process, SIGTERM);
    (void)uv_timer_start(&s->timer, took_too_long, (uint64_t)s->settings->plugin_stop_ms, 0);
}

void supervisor_close(struct supervisor *s, void (*closed)(void *context), void *context)
{
    if (s == NULL) {
        if (closed != NULL)
            closed(context);
        return;
    }
    s->closed = closed;
    s->context = context;
    s->wants_close = true;
    supervisor_stop(s);
    close_when_over(s);
}
