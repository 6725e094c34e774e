/* audit_file.c - appended to by plain writes: the kernel has each line at once, and the disk when the kernel likes. */
#include "agent/audit_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* A process that was killed within a write leaves part of a line. */
static bool ends_within_a_line(int fd)
{
    struct stat st;
    char last = '\n';
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size == 0)
        return false;
    return pread(fd, &last, 1, st.st_size - 1) == 1 && last != '\n';
}

static int open_path(const char *path)
{
    int fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_NOCTTY | O_CLOEXEC, 0640);
    if (fd >= 0 && ends_within_a_line(fd))
        (void)!write(fd, "\n", 1); /* what comes next may fail as well, and is tried again */
    return fd;
}

enum status audit_file_open(struct audit_file *f, const char *path)
{
    f->path = path;
    f->fd = open_path(path);
    return f->fd >= 0 ? ST_OK : ST_IO_ERROR;
}

enum status audit_file_reopen(struct audit_file *f)
{
    int fd = open_path(f->path);
    if (fd < 0)
        return ST_IO_ERROR;
    audit_file_close(f);
    f->fd = fd;
    return ST_OK;
}

void audit_file_close(struct audit_file *f)
{
    if (f->fd >= 0)
        (void)close(f->fd);
    f->fd = -1;
}

enum status audit_file_append(struct audit_file *f, struct bytes bytes, size_t *done)
{
    while (*done < bytes.len) {
        ssize_t len = write(f->fd, bytes.data + *done, bytes.len - *done);
        if (len < 0 && errno == EINTR)
            continue;
        if (len < 0)
            return ST_IO_ERROR;
        *done += (size_t)len;
    }
    return ST_OK;
}
