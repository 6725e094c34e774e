/* failing_disk.c - a library to be preloaded: while the file named by FAILING_DISK exists, its first word, "write" or
 * "sync", says which calls on the transaction log fail with EIO; "slow" makes each sync of it take 300 ms longer,
 * "stuck" holds them up. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static bool asked_for(const char *what)
{
    char word[16] = "";
    const char *path = getenv("FAILING_DISK");
    int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t got = read(fd, word, sizeof word - 1);
    (void)close(fd);
    return got > 0 && strncmp(word, what, strlen(what)) == 0;
}

static bool is_log(int fd)
{
    char link[64], path[4096] = "";
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    return readlink(link, path, sizeof path - 1) > 0 && strstr(path, "/version-2/log.") != NULL;
}

static bool fails(const char *what, int fd)
{
    if (!is_log(fd) || !asked_for(what))
        return false;
    errno = EIO;
    return true;
}

typedef ssize_t pwrite_fn(int fd, const void *data, size_t size, off_t offset);
typedef int fdatasync_fn(int fd);

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
{
    pwrite_fn *next = (pwrite_fn *)dlsym(RTLD_NEXT, "pwrite");
    return fails("write", fd) ? -1 : next(fd, data, size, offset);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off_t offset)
{
    return pwrite(fd, data, size, offset);
}

int fdatasync(int fd)
{
    enum { SLOW_MS = 300, LOOK_MS = 10 };
    fdatasync_fn *next = (fdatasync_fn *)dlsym(RTLD_NEXT, "fdatasync");
    if (is_log(fd) && asked_for("slow"))
        (void)poll(NULL, 0, SLOW_MS);
    while (is_log(fd) && asked_for("stuck"))
        (void)poll(NULL, 0, LOOK_MS);
    return fails("sync", fd) ? -1 : next(fd);
}
