/* local_death.c - the death of a process whose socket somebody else still holds, a child of it, say: the kernel tells
 * it by a descriptor of the process. Where it cannot be had (the peer lives in another pid namespace, or the kernel is
 * old) only the end of the socket counts. */
#include "agent/local/local_internal.h"

#include "agent/base/poll_room.h"

#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

struct local_death {
    uv_poll_t poll;
    struct local_client *client;
    int fd;
};

static int open_process(const struct local_client *c)
{
#ifdef SO_PEERPIDFD
    int fd = -1;
    socklen_t len = sizeof fd;
    if (getsockopt(c->connection->stream.fd, SOL_SOCKET, SO_PEERPIDFD, &fd, &len) == 0)
        return fd;
#endif
    return c->pid > 0 ? (int)syscall(SYS_pidfd_open, c->pid, 0) : -1;
}

/* What it has sent is still taken; then the connection is at its end. */
static void on_death(uv_poll_t *poll, int status, int events)
{
    const struct local_death *death = poll->data;
    (void)status;
    (void)events;
    (void)uv_poll_stop(poll);
    (void)shutdown(death->client->connection->stream.fd, SHUT_RD);
}

static void on_closed(uv_handle_t *handle)
{
    struct local_death *death = handle->data;
    (void)close(death->fd);
    mem_free(death);
}

void local_death_watch(struct local_client *c)
{
    int fd = c->death == NULL ? open_process(c) : -1;
    struct local_death *death = fd < 0 ? NULL : mem_calloc(1, sizeof *death);
    if (death == NULL || uv_poll_init(c->local->parts.front.loop, &death->poll, fd) != 0) {
        mem_free(death);
        if (fd >= 0)
            (void)close(fd);
        return;
    }
    death->poll.data = death;
    death->client = c;
    death->fd = fd;
    c->death = death;
    if (poll_room_take(c->local->parts.front.loop, fd) != 0 || uv_poll_start(&death->poll, UV_READABLE, on_death) != 0)
        local_death_forget(c);
}

void local_death_forget(struct local_client *c)
{
    if (c->death == NULL)
        return;
    uv_close((uv_handle_t *)&c->death->poll, on_closed);
    c->death = NULL;
}
