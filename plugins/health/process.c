/* process.c - see process.h */
#include "plugins/health/process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int process_open(int64_t pid)
{
    return (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
}

bool process_has_ended(int descriptor)
{
    struct pollfd poll_on = {.fd = descriptor, .events = POLLIN};
    return poll(&poll_on, 1, 0) == 1;
}

/* The first bytes of a file, ended by a zero; -1: errno says why not. Does not wait for one that is a pipe. */
static ssize_t read_file(const char *path, char *text, size_t size)
{
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0)
        return -1;
    ssize_t len = read(descriptor, text, size - 1);
    int error = errno;
    (void)close(descriptor);
    errno = error;
    if (len >= 0)
        text[len] = '\0';
    return len;
}

int64_t process_start_time(int64_t pid)
{
    char path[64], text[1024];
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    if (read_file(path, text, sizeof text) < 0)
        return 0;
    char *at = strrchr(text, ')'); /* the second field, a name, may hold anything */
    for (int field = 2; at != NULL && field < 22; field++)
        at = strchr(at + 1, ' ');
    return at == NULL ? 0 : strtoll(at + 1, NULL, 10);
}

/* Of another user's process only the first 15 bytes of its name can be seen. */
static const char *name_differs(int64_t pid, const char *executable, char *why, size_t size)
{
    char path[64], name[64];
    const char *slash = strrchr(executable, '/');
    const char *expected = slash == NULL ? executable : slash + 1;
    (void)snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
    if (read_file(path, name, sizeof name) < 0)
        return strerror_r(errno, why, size);
    name[strcspn(name, "\n")] = '\0';
    if (strncmp(name, expected, 15) == 0)
        return NULL;
    (void)snprintf(why, size, "it runs %s", name);
    return why;
}

static const char *executable_differs(int64_t pid, const char *executable, char *why, size_t size)
{
    char link[64], path[PATH_MAX];
    (void)snprintf(link, sizeof link, "/proc/%d/exe", (int)pid);
    ssize_t len = readlink(link, path, sizeof path - 1);
    if (len < 0 && errno == EACCES)
        return name_differs(pid, executable, why, size);
    if (len < 0)
        return strerror_r(errno, why, size);
    path[len] = '\0';
    const char *name = strrchr(path, '/');
    const char *is = executable[0] == '/' || name == NULL ? path : name + 1;
    /* A program that was replaced while it runs is the same program still. */
    size_t expected = strlen(executable);
    if (strncmp(is, executable, expected) == 0 && (is[expected] == '\0' || strcmp(is + expected, " (deleted)") == 0))
        return NULL;
    (void)snprintf(why, size, "it runs %s", path);
    return why;
}

const char *process_differs(int64_t pid, int64_t start_time, const char *executable, char *why, size_t size)
{
    if (start_time != 0 && process_start_time(pid) != start_time)
        return "it has ended, and its number is another's now";
    return executable == NULL ? NULL : executable_differs(pid, executable, why, size);
}

int64_t process_read_pid(const char *path, const char **problem, char *why, size_t size)
{
    char text[64];
    if (read_file(path, text, sizeof text) < 0) {
        *problem = strerror_r(errno, why, size);
        return -1;
    }
    char *end;
    errno = 0;
    long pid = strtol(text, &end, 10);
    if (errno != 0 || end == text || strchr(" \t\r\n", *end) == NULL || pid < 1 || pid > INT32_MAX) {
        *problem = "holds no process number";
        return -1;
    }
    return pid;
}
