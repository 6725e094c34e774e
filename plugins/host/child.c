/* child.c - programs that plugins run, each in a process group of its own. */
#include "plugins/host/child.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What a program's leftovers may still write when it has ended is not waited for. */
enum { CHUNK = 16384, DRAIN_MAX = 64 };

static void freed(uv_handle_t *handle)
{
    struct child *child = handle->data;
    if (--child->open == 0)
        item_free(&child->item);
}

static void close_all(struct child *child)
{
    uv_handle_t *const handles[] = {(uv_handle_t *)&child->timer, (uv_handle_t *)&child->process,
                                    (uv_handle_t *)&child->in, (uv_handle_t *)&child->out.pipe,
                                    (uv_handle_t *)&child->err.pipe};
    for (size_t i = 0; i < COUNT_OF(handles); i++)
        if (handles[i]->data != NULL && !uv_is_closing(handles[i]))
            uv_close(handles[i], freed);
}

static void kill_group(const struct child *child, int number)
{
    if (child->pid > 0 && kill(-child->pid, number) != 0 && !child->ended)
        (void)kill(child->pid, number); /* it may not have made its group yet */
}

/* -- what it writes ---------------------------------------------------------------------------------------------------
 */

static void keep(struct child *child, struct child_output *output, const char *data, size_t len)
{
    size_t room = child->output_max - child->out.len - child->err.len;
    size_t take = len < room ? len : room;
    if (take < len)
        child->output_cut = true;
    if (take == 0)
        return;
    char *grown = realloc(output->data, output->len + take + 1);
    if (grown == NULL) {
        child->output_cut = true;
        return;
    }
    memcpy(grown + output->len, data, take);
    output->data = grown;
    output->len += take;
    grown[output->len] = '\0';
}

static void lend(uv_handle_t *handle, size_t wanted, uv_buf_t *buf)
{
    struct child *child = handle->data;
    (void)wanted;
    *buf = uv_buf_init(child->chunk, CHUNK);
}

static void has_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct child *child = stream->data;
    struct child_output *output = stream == (uv_stream_t *)&child->out.pipe ? &child->out : &child->err;
    if (n > 0)
        keep(child, output, buf->base, (size_t)n);
    else if (n < 0)
        (void)uv_read_stop(stream);
}

/* All that the program has written is in the pipe when it has ended. */
static void drain(struct child *child, struct child_output *output)
{
    uv_os_fd_t descriptor;
    if (output->pipe.data == NULL || uv_fileno((uv_handle_t *)&output->pipe, &descriptor) != 0)
        return;
    for (int i = 0; i < DRAIN_MAX; i++) {
        ssize_t n = read(descriptor, child->chunk, CHUNK);
        if (n <= 0)
            return;
        keep(child, output, child->chunk, (size_t)n);
    }
}

/* -- its end ----------------------------------------------------------------------------------------------------------
 */

static void tell(struct child *child)
{
    const struct zooid_plugin_child_end end = {
        .size = sizeof end,
        .status = child->signal != 0 || child->failure != 0 ? -1 : child->status,
        .signal = child->signal,
        .timed_out = child->timed_out,
        .output_cut = child->output_cut,
        .failure = child->failure == 0  ? NULL
                   : child->why != NULL ? child->why
                                        : uv_strerror(child->failure),
        .output = child->out.data == NULL ? "" : child->out.data,
        .output_len = child->out.len,
        .error = child->err.data == NULL ? "" : child->err.data,
        .error_len = child->err.len,
        .run_ms = (uint32_t)(host_now_ms(child->item.host) - child->started_ms),
    };
    bool is_wanted = child->item.handle != 0;
    item_retire(&child->item);
    if (is_wanted)
        child->done(child->context, &end);
    close_all(child);
}

void child_has_ended(uv_process_t *process, int64_t status, int signal)
{
    struct child *child = process->data;
    child->ended = true;
    child->status = (int)status;
    child->signal = signal;
    child->item.host->children--;
    kill_group(child, SIGKILL); /* what is left of it */
    drain(child, &child->out);
    drain(child, &child->err);
    tell(child);
}

/* First it is asked to end, if that is wanted, then it is made to. */
void child_time_is_over(uv_timer_t *timer)
{
    struct child *child = timer->data;
    if (child->failure != 0) {
        tell(child);
        return;
    }
    bool ask = child->term_ms != 0 && !child->timed_out;
    child->timed_out = true;
    kill_group(child, ask ? SIGTERM : SIGKILL);
    if (ask)
        (void)uv_timer_start(timer, child_time_is_over, child->term_ms, 0);
}

static void grace_is_over(uv_timer_t *timer)
{
    kill_group(timer->data, SIGKILL);
}

/* What the plugin's own end leaves. */
static uint32_t grace_ms(const struct child *child)
{
    const zooid_host *host = child->item.host;
    uint32_t most = host->config->limits.stop_ms / 5 * 4;
    return host->state == HOST_STOPPED && child->stop_ms > most ? most : child->stop_ms;
}

/* One that is told to end already, for its time is over, is not asked again. */
static void end(struct child *child)
{
    bool is_asked = child->stop_signal != 0 && !child->timed_out && kill(child->pid, child->stop_signal) == 0;
    if (is_asked)
        (void)uv_timer_start(&child->timer, grace_is_over, grace_ms(child), 0);
    else
        kill_group(child, SIGKILL);
}

static void child_cancel(struct item *item)
{
    struct child *child = (struct child *)(void *)item;
    if (child->failure != 0)
        close_all(child);
    else if (!child->ended)
        end(child);
}

static void child_destroy(struct item *item)
{
    struct child *child = (struct child *)(void *)item;
    free(child->out.data);
    free(child->err.data);
    free(child->input);
}

const struct item_kind child_kind = {child_cancel, child_destroy};

/* -- its beginning ----------------------------------------------------------------------------------------------------
 */

/* What it does not read is nobody's concern. */
static void input_is_written(uv_write_t *write, int status)
{
    struct child *child = write->data;
    (void)status;
    if (!uv_is_closing((uv_handle_t *)&child->in))
        uv_close((uv_handle_t *)&child->in, freed);
}

void child_feed(struct child *child)
{
    const uv_buf_t buf = uv_buf_init(child->input, (unsigned)child->input_len);
    child->write.data = child;
    if (uv_write(&child->write, (uv_stream_t *)&child->in, &buf, 1, input_is_written) != 0)
        input_is_written(&child->write, 0);
}

bool child_listen(struct child *child)
{
    return uv_read_start((uv_stream_t *)&child->out.pipe, lend, has_read) == 0 &&
           uv_read_start((uv_stream_t *)&child->err.pipe, lend, has_read) == 0;
}

bool host_has_child(zooid_host *host, int pid)
{
    for (const struct item *item = host->items.first; item != NULL; item = item->next)
        if (item->kind == &child_kind && ((const struct child *)(const void *)item)->pid == pid)
            return true;
    return false;
}
