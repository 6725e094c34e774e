/* inherited.c - the descriptors behind the standard ones, as many as the environment says. */
#include "agent/base/inherited.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FIRST = 3, COUNT_MAX = 64 };

/* -1: no such number. */
static long number_in(const char *variable)
{
    const char *text = getenv(variable);
    char *end = NULL;
    errno = 0;
    long number = text == NULL ? -1 : strtol(text, &end, 10);
    return text == NULL || errno != 0 || end == text || *end != '\0' ? -1 : number;
}

static bool option_is(int fd, int option, int wanted)
{
    int value = 0;
    socklen_t len = sizeof value;
    return getsockopt(fd, SOL_SOCKET, option, &value, &len) == 0 && value == wanted;
}

/* One that was given before is closed on exec. */
static bool is_wanted(int fd)
{
    int flags = fcntl(fd, F_GETFD);
    return flags >= 0 && (flags & FD_CLOEXEC) == 0 && option_is(fd, SO_DOMAIN, AF_UNIX) &&
           option_is(fd, SO_TYPE, SOCK_STREAM) && option_is(fd, SO_ACCEPTCONN, 1);
}

/* Names are separated by colons, in the order of the descriptors. */
static bool has_name(long index, const char *name)
{
    const char *names = getenv("LISTEN_FDNAMES");
    if (names == NULL)
        return true;
    for (; index > 0 && names != NULL; index--) {
        names = strchr(names, ':');
        names = names == NULL ? NULL : names + 1;
    }
    size_t len = strlen(name);
    return names != NULL && strncmp(names, name, len) == 0 && (names[len] == ':' || names[len] == '\0');
}

int inherited_unix_socket(const char *name)
{
    long count = number_in("LISTEN_PID") == (long)getpid() ? number_in("LISTEN_FDS") : 0;
    for (long i = 0; i < count && i < COUNT_MAX; i++) {
        int fd = FIRST + (int)i;
        if (!has_name(i, name) || !is_wanted(fd))
            continue;
        int flags = fcntl(fd, F_GETFL);
        if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
            continue;
        return fd;
    }
    return 0;
}
