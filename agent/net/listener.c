/* listener.c - accepting, and what happens when the system has no descriptor or memory left for it. */
#include "agent/net/listener_internal.h"

#include "agent/base/poll_room.h"
#include "core/base/check.h"
#include "core/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ACCEPTS_PER_TURN = 128, REST_MS = 100, LOG_EVERY_MS = 10000 };

static void on_handle_closed(uv_handle_t *handle)
{
    struct listener *l = handle->data;
    if (--l->open_handles > 0)
        return;
    mem_free(l->path);
    mem_free(l);
}

static int reserve_open(void)
{
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

enum status listener_new(struct listener **out, const struct listener_parts *parts,
                         const struct listener_events *events)
{
    struct listener *l = mem_calloc(1, sizeof *l);
    if (l == NULL)
        return ST_NO_MEMORY;
    l->parts = *parts;
    l->events = *events;
    l->reserve_fd = reserve_open();
    if (uv_timer_init(parts->loop, &l->rest) != 0) {
        if (l->reserve_fd >= 0)
            close(l->reserve_fd);
        mem_free(l);
        return ST_IO_ERROR;
    }
    l->rest.data = l;
    l->open_handles = 1;
    *out = l;
    return ST_OK;
}

int listener_socket_new(int family)
{
    return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

static void on_poll(uv_poll_t *poll, int status, int events);

/* 0, or an errno. */
static int start(struct listener_socket *s)
{
    int error = poll_room_take(s->listener->parts.loop, s->fd);
    if (error == 0)
        uv_poll_start(&s->poll, UV_READABLE, on_poll);
    return error;
}

static void rest(struct listener *l);

static void on_rested(uv_timer_t *timer)
{
    struct listener *l = timer->data;
    for (uint32_t i = 0; i < l->count; i++)
        if (start(&l->sockets[i]) != 0) {
            rest(l);
            return;
        }
}

/* The kernel is out of memory: asking again at once would only burn time. */
static void rest(struct listener *l)
{
    for (uint32_t i = 0; i < l->count; i++)
        uv_poll_stop(&l->sockets[i].poll);
    uv_timer_start(&l->rest, on_rested, REST_MS, 0);
}

static void say_turned_away(struct listener *l, int error)
{
    char text[128];
    uint32_t held_back = 0;
    metrics_add(l->parts.metrics, COUNTER_connection_rejected, 1);
    if (log_limit_pass(&l->turned_away, uv_now(l->parts.loop), LOG_EVERY_MS, &held_back))
        LOG_WARN(l->parts.log, "listener", "connections are turned away: %s (%u more since the last line)",
                 uv_strerror_r(-error, text, sizeof text), held_back);
}

/* Takes one connection with the reserved descriptor and closes it. The kernel says EMFILE even when none waits, so that
 * is found out here. True: the next one may be looked at. */
static bool turn_away(struct listener *l, int fd, int error)
{
    if (l->reserve_fd < 0) {
        say_turned_away(l, error);
        rest(l);
        return false;
    }
    close(l->reserve_fd);
    int unlucky = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (unlucky >= 0) {
        close(unlucky);
        say_turned_away(l, error);
    }
    l->reserve_fd = reserve_open();
    return unlucky >= 0;
}

/* What accept's error means. True: the next connection may be asked for. */
static bool after_error(struct listener *l, int fd, int error)
{
    switch (error) {
    case EAGAIN: return false;
    case EMFILE:
    case ENFILE: return turn_away(l, fd, error);
    case ENOBUFS:
    case ENOMEM:
        say_turned_away(l, error);
        rest(l);
        return false;
    default: return true; /* the peer's connection failed before it was taken */
    }
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    struct listener_socket *s = CONTAINER_OF(poll, struct listener_socket, poll);
    struct listener *l = s->listener;
    for (int i = 0; i < ACCEPTS_PER_TURN && !l->closing; i++) {
        struct sockaddr_storage peer = {0};
        socklen_t len = sizeof peer;
        int fd = accept4(s->fd, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (!after_error(l, s->fd, errno))
                return;
            continue;
        }
        if (peer.ss_family == AF_UNSPEC)
            peer.ss_family = AF_UNIX; /* an unnamed peer has no address at all */
        l->events.accepted(l->events.context, fd, &peer);
    }
}

enum status listener_add(struct listener *l, int fd, int32_t backlog)
{
    struct listener_socket *s = &l->sockets[l->count];
    CHECK(l->count < LISTENER_SOCKETS_MAX);
    int rc = listen(fd, backlog < 0 ? SOMAXCONN : backlog) == 0 ? 0 : -errno;
    if (rc == 0)
        rc = uv_poll_init(l->parts.loop, &s->poll, fd);
    if (rc != 0) {
        close(fd);
        errno = -rc;
        return ST_IO_ERROR;
    }
    s->poll.data = l;
    s->listener = l;
    s->fd = fd;
    l->count++;
    l->open_handles++;
    if (start(s) != 0)
        rest(l);
    return ST_OK;
}

int32_t listener_port(const struct listener *l)
{
    return l->port;
}

/* Another process may have put its socket in the place of ours meanwhile. */
static void remove_path(const struct listener *l)
{
    struct stat now;
    if (l->path != NULL && lstat(l->path, &now) == 0 && now.st_dev == l->path_device && now.st_ino == l->path_inode &&
        unlink(l->path) != 0)
        LOG_WARN(l->parts.log, "listener", "%s could not be removed", l->path);
}

void listener_close(struct listener *l)
{
    if (l == NULL || l->closing)
        return;
    l->closing = true;
    remove_path(l);
    for (uint32_t i = 0; i < l->count; i++) {
        uv_close((uv_handle_t *)&l->sockets[i].poll, on_handle_closed);
        close(l->sockets[i].fd);
    }
    uv_close((uv_handle_t *)&l->rest, on_handle_closed);
    if (l->reserve_fd >= 0)
        close(l->reserve_fd);
}
