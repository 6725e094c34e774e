/* child_start.c - a program is started for a plugin. Whatever cannot be is told by its callback, as its end is. */
#include "plugins/host/child.h"

#include <stdlib.h>
#include <string.h>

static void own(struct child *child, uv_handle_t *handle)
{
    handle->data = child;
    child->open++;
}

static bool open_handles(struct child *child)
{
    uv_loop_t *loop = child->item.host->around.loop;
    uv_pipe_t *const pipes[] = {&child->in, &child->out.pipe, &child->err.pipe};
    (void)uv_timer_init(loop, &child->timer);
    own(child, (uv_handle_t *)&child->timer);
    for (size_t i = 0; i < COUNT_OF(pipes); i++) {
        if (uv_pipe_init(loop, pipes[i], 0) != 0)
            return false;
        own(child, (uv_handle_t *)pipes[i]);
    }
    return true;
}

static bool keep_input(struct child *child, const struct zooid_plugin_child *from)
{
    child->input = malloc(from->input_len + 1);
    child->input_len = from->input_len;
    if (child->input == NULL)
        return false;
    if (from->input_len > 0)
        memcpy(child->input, from->input, from->input_len);
    return true;
}

static void describe(struct child *child, const struct zooid_plugin_child *from, uv_process_options_t *options)
{
    const char *own_directory = child->item.host->state_dir;
    options->exit_cb = child_has_ended;
    options->file = from->argv[0];
    options->args = (char **)from->argv;
    options->env = (char **)from->env;
    options->cwd = from->directory != NULL ? from->directory : own_directory != NULL ? own_directory : "/";
    options->flags = UV_PROCESS_DETACHED; /* a session, hence a process group, of its own */
    if (from->uid >= 0)
        options->flags |= UV_PROCESS_SETUID;
    if (from->gid >= 0)
        options->flags |= UV_PROCESS_SETGID;
    options->uid = (uv_uid_t)from->uid;
    options->gid = (uv_gid_t)from->gid;
    options->stdio_count = 3;
    uv_stream_t *const streams[] = {(uv_stream_t *)&child->in, (uv_stream_t *)&child->out.pipe,
                                    (uv_stream_t *)&child->err.pipe};
    for (int i = 0; i < 3; i++) {
        options->stdio[i].flags = UV_CREATE_PIPE | (i == 0 ? UV_READABLE_PIPE : UV_WRITABLE_PIPE);
        options->stdio[i].data.stream = streams[i];
    }
}

/* 0, or why not. */
static int spawn(struct child *child, const struct zooid_plugin_child *from)
{
    uv_stdio_container_t stdio[3];
    uv_process_options_t options = {.stdio = stdio};
    const struct plugin_limits *limits = &child->item.host->config->limits;
    if (child->item.host->children >= limits->children) {
        child->why = "so many programs run already (limits.children)";
        return UV_EAGAIN;
    }
    if (!open_handles(child) || !keep_input(child, from))
        return UV_ENOMEM;
    describe(child, from, &options);
    int failed = uv_spawn(child->item.host->around.loop, &child->process, &options);
    own(child, (uv_handle_t *)&child->process); /* also when it failed it has to be closed */
    if (failed != 0)
        return failed;
    child->pid = child->process.pid;
    child->item.host->children++;
    return 0;
}

static void begin(struct child *child, const struct zooid_plugin_child *from)
{
    const struct plugin_limits *limits = &child->item.host->config->limits;
    uint32_t timeout_ms = from->timeout_ms != 0 ? from->timeout_ms : limits->child_timeout_ms;
    child->output_max = from->output_max != 0 ? from->output_max : limits->child_output;
    child->term_ms = from->term_ms < timeout_ms ? from->term_ms : timeout_ms - 1;
    child->stop_signal = from->stop_signal;
    child->stop_ms = from->stop_ms;
    child->started_ms = host_now_ms(child->item.host);
    child->failure = spawn(child, from);
    if (child->failure == 0 && !child_listen(child))
        child->output_cut = true;
    if (child->failure == 0)
        child_feed(child);
    uv_update_time(child->item.host->around.loop);
    uint32_t wait_ms = child->failure == 0 ? timeout_ms - child->term_ms : 0;
    (void)uv_timer_start(&child->timer, child_time_is_over, wait_ms, 0);
}

/* NULL: nothing is wrong with it. */
static const char *fault_of(const struct zooid_plugin_child *raw, zooid_plugin_child_fn *done)
{
    if (raw == NULL || raw->size < offsetof(struct zooid_plugin_child, env))
        return "a child without its size";
    if (raw->argv == NULL || raw->argv[0] == NULL)
        return "a child without a program";
    return done == NULL ? "a child without a function for its end" : NULL;
}

zooid_handle child_begin(zooid_host *host, const struct zooid_plugin_child *raw, zooid_plugin_child_fn *done,
                         void *context)
{
    struct zooid_plugin_child from = {.uid = -1, .gid = -1};
    const char *fault = fault_of(raw, done);
    if (fault != NULL) {
        host_log(host, ZOOID_PLUGIN_ERROR, "child: %s", fault);
        return 0;
    }
    memcpy(&from, raw, raw->size < sizeof from ? raw->size : sizeof from);
    struct child *child = item_new(host, &child_kind, sizeof *child);
    if (child == NULL)
        return 0;
    child->done = done;
    child->context = context;
    begin(child, &from);
    return child->item.handle;
}
