/* poll_room.c - the registration with epoll that libuv would make, for no event yet. */
#include "agent/base/poll_room.h"

#include <errno.h>
#include <sys/epoll.h>

int poll_room_take(uv_loop_t *loop, int fd)
{
    struct epoll_event nothing = {.data.fd = fd};
    return epoll_ctl(uv_backend_fd(loop), EPOLL_CTL_ADD, fd, &nothing) == 0 || errno == EEXIST ? 0 : errno;
}
