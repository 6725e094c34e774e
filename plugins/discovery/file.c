/* file.c - whole files, read and written. */
#include "plugins/discovery/discovery.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH_BYTES = 4096 };

static bool read_all(int fd, char *text, size_t max, size_t *len)
{
    *len = 0;
    while (*len < max) {
        ssize_t n = read(fd, text + *len, max - *len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n == 0;
        *len += (size_t)n;
    }
    return true;
}

char *file_read(const char *path, size_t max, char *why, size_t why_size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char *text = fd < 0 ? NULL : malloc(max + 1);
    size_t len = 0;
    bool fine = text != NULL && read_all(fd, text, max + 1, &len);
    const char *reason = strerror(errno);
    if (fine && len > max) {
        reason = "it is larger than the limit";
        fine = false;
    } else if (fine && memchr(text, '\0', len) != NULL) {
        reason = "it holds a zero byte";
        fine = false;
    }
    if (fd >= 0)
        (void)close(fd);
    if (!fine) {
        (void)snprintf(why, why_size, "%s: %s", path, reason);
        free(text);
        return NULL;
    }
    text[len] = '\0';
    return text;
}

static bool write_all(int fd, const char *text, size_t len)
{
    for (size_t done = 0; done < len;) {
        ssize_t n = write(fd, text + done, len - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        done += (size_t)n;
    }
    return true;
}

static bool sync_directory(const char *path)
{
    char directory[PATH_BYTES];
    (void)snprintf(directory, sizeof directory, "%s", path);
    *strrchr(directory, '/') = '\0';
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool fine = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        (void)close(fd);
    return fine;
}

bool file_write(const char *path, const char *text, bool durable)
{
    char other[PATH_BYTES];
    int len = snprintf(other, sizeof other, "%s.new", path);
    if (len < 0 || (size_t)len >= sizeof other)
        return false;
    int fd = open(other, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool fine = fd >= 0 && write_all(fd, text, strlen(text)) && (!durable || fsync(fd) == 0);
    if (fd >= 0 && close(fd) != 0)
        fine = false;
    if (fine && rename(other, path) == 0)
        return !durable || sync_directory(path);
    (void)unlink(other);
    return false;
}
