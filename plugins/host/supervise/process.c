/* process.c - one process of a unit: started, heard, told, ended. */
#include "plugins/host/supervise/supervise.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* So much of its log is read at once; the rest waits, and in the end the process does. */
enum { LOG_CHUNK = 65536 };

static char chunk[LOG_CHUNK]; /* the loop's thread alone reads into it */

static void release(struct process *p)
{
    host_config_names_free(p->names);
    free(p->plugins);
    free(p->status);
    family_free(&p->family);
    free(p);
}

static void freed(uv_handle_t *handle)
{
    struct process *p = handle->data;
    if (--p->open > 0)
        return;
    release(p);
}

static void close_handles(struct process *p)
{
    uv_handle_t *const handles[] = {(uv_handle_t *)&p->uv, (uv_handle_t *)&p->channel, (uv_handle_t *)&p->log};
    for (size_t i = 0; i < COUNT_OF(handles); i++)
        if (handles[i]->data != NULL && !uv_is_closing(handles[i]))
            uv_close(handles[i], freed);
}

/* -- heard ------------------------------------------------------------------------------------------------------------
 */

static size_t index_of(const struct process *p, const char *name)
{
    size_t i = 0;
    while (i < p->count && strcmp(p->names[i], name) != 0)
        i++;
    return i;
}

static void take(void *context, const struct channel_message *message)
{
    static const enum plugin_state states[] = {
        [CHANNEL_READY] = PLUGIN_READY, [CHANNEL_REFUSED] = PLUGIN_REFUSED, [CHANNEL_FAILED] = PLUGIN_FAILED};
    struct process *p = context;
    size_t at = index_of(p, message->name);
    if (message->kind == CHANNEL_HEARTBEAT) {
        p->beat_ms = supervisor_now_ms();
        p->suspect = false;
        return;
    }
    if (at == p->count || message->kind > CHANNEL_FAILED)
        return;
    if (message->kind == CHANNEL_STATUS) {
        (void)snprintf(p->status[at], STATUS_MAX, "%s", message->text);
        return;
    }
    p->plugins[at] = states[message->kind];
    if (message->kind != CHANNEL_READY)
        (void)snprintf(p->why, sizeof p->why, "%s: %s", message->name, message->text);
    unit_look(p->unit, p);
}

static void lend(uv_handle_t *handle, size_t wanted, uv_buf_t *buf)
{
    (void)handle;
    (void)wanted;
    *buf = uv_buf_init(chunk, sizeof chunk);
}

static void hear(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct process *p = stream->data;
    if (n < 0)
        (void)uv_read_stop(stream);
    else
        channel_feed(&p->reader, buf->base, (size_t)n, take, p);
}

static void read_log(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct process *p = stream->data;
    if (n < 0) {
        (void)uv_read_stop(stream);
        return;
    }
    log_feed(p->unit, &p->flow, buf->base, (size_t)n);
    if (p->flow.dropped > 0) { /* it has said enough for this second */
        (void)uv_read_stop(stream);
        p->log_paused = true;
    }
}

void process_resume_log(struct process *p)
{
    if (p->log_paused && !p->ended)
        (void)uv_read_start((uv_stream_t *)&p->log, lend, read_log);
    p->log_paused = false;
}

/* What it has written is in the pipe when it has ended. */
static void drain(struct process *p, uv_pipe_t *pipe, bool is_log)
{
    uv_os_fd_t descriptor;
    ssize_t n;
    if (uv_fileno((uv_handle_t *)pipe, &descriptor) != 0)
        return;
    for (int i = 0; i < 4 && (n = read(descriptor, chunk, sizeof chunk)) > 0; i++)
        if (is_log)
            log_feed(p->unit, &p->flow, chunk, (size_t)n);
        else
            channel_feed(&p->reader, chunk, (size_t)n, take, p);
}

/* -- ended ------------------------------------------------------------------------------------------------------------
 */

static void describe_end(const struct process *p, int64_t status, int number, char how[WHY_MAX])
{
    if (p->why[0] != '\0')
        (void)snprintf(how, WHY_MAX, "%s", p->why);
    else if (number == SIGXFSZ)
        (void)snprintf(how, WHY_MAX, "it wrote a file larger than %u MB (limits.file_mb)", p->limits.file_mb);
    else if (number != 0)
        (void)snprintf(how, WHY_MAX, "it was ended by signal %d (%s)", number, strsignal(number));
    else
        (void)snprintf(how, WHY_MAX, "it ended with %d", (int)status);
}

static void has_ended(uv_process_t *uv, int64_t status, int number)
{
    struct process *p = uv->data;
    char how[WHY_MAX];
    p->ended = true;
    (void)kill(-p->pid, SIGKILL);
    supervisor_clear_orphans(p->unit->supervisor); /* before another one takes over what they may work with */
    drain(p, &p->log, true);
    drain(p, &p->channel, false);
    describe_end(p, status, number, how);
    close_handles(p);
    unit_process_ended(p->unit, p, how);
}

void process_kill(struct process *p, const char *format, ...)
{
    va_list arguments;
    if (p->ended || p->killed)
        return;
    p->killed = true;
    va_start(arguments, format);
    (void)vsnprintf(p->why, sizeof p->why, format, arguments);
    va_end(arguments);
    (void)kill(-p->pid, SIGKILL);
}

void process_tell(struct process *p, enum channel_kind kind)
{
    char line[CHANNEL_LINE_MAX + 1];
    const struct channel_message message = {kind, "", ""};
    const uv_buf_t buf = uv_buf_init(line, (unsigned)channel_line(line, &message));
    if (kind != CHANNEL_ALONE)
        p->stop_at_ms = supervisor_now_ms() + p->limits.stop_ms;
    if (uv_try_write((uv_stream_t *)&p->channel, &buf, 1) != (int)buf.len)
        process_kill(p, "it does not hear its supervisor");
}

/* -- started ----------------------------------------------------------------------------------------------------------
 */

static bool copy_names(struct process *p)
{
    const struct unit *unit = p->unit;
    p->names = calloc(unit->count + 1, sizeof *p->names);
    for (; p->names != NULL && p->count < unit->count; p->count++) {
        p->names[p->count] = strdup(unit->names[p->count]);
        if (p->names[p->count] == NULL)
            return false;
    }
    return p->names != NULL;
}

static bool prepare(struct process *p)
{
    uv_loop_t *loop = &p->unit->supervisor->loop;
    p->limits = p->unit->limits;
    p->plugins = calloc(p->unit->count, sizeof *p->plugins);
    p->status = calloc(p->unit->count, sizeof *p->status);
    if (p->plugins == NULL || p->status == NULL || !copy_names(p) || uv_pipe_init(loop, &p->channel, 0) != 0)
        return false;
    p->channel.data = p;
    p->open++;
    if (uv_pipe_init(loop, &p->log, 0) != 0)
        return false;
    p->log.data = p;
    p->open++;
    return true;
}

/* zooid-plugin-host --run [--beside | --behind] --config FILE NAME...; NULL: out of memory. */
static const char **arguments_of(const struct process *p, enum run_after after)
{
    static const char *const words[] = {[RUN_FIRST] = "--run", [RUN_BESIDE] = "--beside", [RUN_BEHIND] = "--behind"};
    const char *const head[] = {"zooid-plugin-host", words[after], "--run", "--config",
                                p->unit->supervisor->config_file};
    const char **arguments = calloc(p->count + COUNT_OF(head) + 1, sizeof *arguments);
    if (arguments == NULL)
        return NULL;
    memcpy(arguments, head, sizeof head);
    memcpy(arguments + COUNT_OF(head), p->names, p->count * sizeof *arguments);
    return arguments;
}

static int spawn(struct process *p, enum run_after after)
{
    struct supervisor *s = p->unit->supervisor;
    const char **arguments = arguments_of(p, after);
    if (arguments == NULL)
        return UV_ENOMEM;
    uv_stdio_container_t stdio[CHANNEL_DESCRIPTOR + 1] = {
        {.flags = UV_IGNORE},
        {.flags = UV_IGNORE},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&p->log},
        {.flags = UV_CREATE_PIPE | UV_READABLE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&p->channel},
    };
    const uv_process_options_t options = {
        .exit_cb = has_ended,
        .file = s->program,
        .args = (char **)arguments,
        .flags = UV_PROCESS_DETACHED,
        .stdio_count = COUNT_OF(stdio),
        .stdio = stdio,
    };
    int failed = uv_spawn(&s->loop, &p->uv, &options);
    free(arguments);
    p->uv.data = p;
    p->open++;
    return failed;
}

struct process *process_start(struct unit *unit, enum run_after after, char why[WHY_MAX])
{
    struct process *p = calloc(1, sizeof *p);
    if (p == NULL) {
        (void)snprintf(why, WHY_MAX, "out of memory");
        return NULL;
    }
    p->unit = unit;
    int failed = prepare(p) ? spawn(p, after) : UV_ENOMEM;
    if (failed == 0) {
        p->pid = p->uv.pid;
        p->started_ms = p->beat_ms = p->cpu_at_ms = p->flow.second_ms = supervisor_now_ms();
        (void)uv_read_start((uv_stream_t *)&p->channel, lend, hear);
        (void)uv_read_start((uv_stream_t *)&p->log, lend, read_log);
        return p;
    }
    (void)snprintf(why, WHY_MAX, "%s cannot be started: %s", unit->supervisor->program, uv_strerror(failed));
    if (p->open > 0) {
        close_handles(p);
    } else {
        release(p);
    }
    return NULL;
}

bool process_is_ready(const struct process *p)
{
    bool any = false;
    for (size_t i = 0; i < p->count; i++) {
        if (p->plugins[i] == PLUGIN_STARTING || p->plugins[i] == PLUGIN_FAILED)
            return false;
        any = any || p->plugins[i] == PLUGIN_READY;
    }
    return any;
}

bool process_is_refused(const struct process *p)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->plugins[i] == PLUGIN_REFUSED)
            return true;
    return false;
}
