/* full_epoll.c - a library to be preloaded: while the file named by FULL_EPOLL exists, no further descriptor can be
 * watched, as when fs.epoll.max_user_watches is reached. */
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

typedef int epoll_ctl_fn(int epoll, int op, int fd, struct epoll_event *event);

/* What is watched already is told so, as the kernel does before it counts. */
int epoll_ctl(int epoll, int op, int fd, struct epoll_event *event)
{
    epoll_ctl_fn *next = (epoll_ctl_fn *)dlsym(RTLD_NEXT, "epoll_ctl");
    const char *path = getenv("FULL_EPOLL");
    int rc = next(epoll, op, fd, event);
    if (rc != 0 || op != EPOLL_CTL_ADD || path == NULL || access(path, F_OK) != 0)
        return rc;
    (void)next(epoll, EPOLL_CTL_DEL, fd, event);
    errno = ENOSPC;
    return -1;
}
