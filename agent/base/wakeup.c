/* wakeup.c - an eventfd in the loop's epoll. */
#include "agent/base/wakeup.h"

#include <sys/eventfd.h>
#include <unistd.h>

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct wakeup *w = (struct wakeup *)poll;
    uint64_t calls;
    (void)status;
    (void)events;
    (void)!read(w->fd, &calls, sizeof calls); /* nothing to read: it was called, and that has been seen */
    atomic_store(&w->called, false);          /* a call that comes while it is carried out is one of its own */
    w->woken(w->context);
}

enum status wakeup_open(struct wakeup *w, uv_loop_t *loop, void (*woken)(void *context), void *context)
{
    *w = (struct wakeup){.woken = woken, .context = context};
    w->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (w->fd < 0)
        return ST_IO_ERROR;
    if (uv_poll_init(loop, &w->poll, w->fd) != 0) {
        (void)close(w->fd);
        return ST_IO_ERROR;
    }
    (void)uv_poll_start(&w->poll, UV_READABLE, on_readable);
    return ST_OK;
}

void wakeup_call(struct wakeup *w)
{
    static const uint64_t once = 1;
    if (!atomic_exchange(&w->called, true))
        (void)!write(w->fd, &once, sizeof once); /* cannot be refused: the count is far from its largest */
}

static void on_closed(uv_handle_t *handle)
{
    struct wakeup *w = (struct wakeup *)handle;
    (void)close(w->fd);
    w->closed(w->context);
}

void wakeup_close(struct wakeup *w, void (*closed)(void *context))
{
    w->closed = closed;
    uv_close((uv_handle_t *)&w->poll, on_closed);
}
