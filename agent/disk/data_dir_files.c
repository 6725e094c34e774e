/* data_dir_files.c - the small files of the data directory: lock and pid, format, session key. */
#include "agent/disk/data_dir_internal.h"
#include "agent/disk/disk_posix.h"
#include "core/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FORMAT_VERSION = 1, SMALL_FILE_MAX = 64 };
static const char format_prefix[] = "zooid ";

/* -- small files -------------------------------------------------------------------------------------------------- */

/* Reads at most `size` bytes; -1 with errno. */
static ssize_t read_small(const char *path, void *data, size_t size, struct stat *stat_of)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t got = stat_of != NULL && fstat(fd, stat_of) != 0 ? -1 : pread(fd, data, size, 0);
    int error = errno;
    (void)close(fd); /* nothing was written */
    errno = error;
    return got;
}

static bool write_temporary(const char *path, const void *data, size_t size, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    if (fd < 0)
        return false;
    bool ok = fchmod(fd, mode) == 0 && write(fd, data, size) == (ssize_t)size && fsync(fd) == 0;
    return close(fd) == 0 && ok;
}

enum status data_dir_write_small(struct data_dir *d, const char *name, const void *data, size_t size, mode_t mode,
                                 struct buffer *message)
{
    enum status st = ST_OK;
    char temporary_name[SMALL_FILE_MAX];
    (void)snprintf(temporary_name, sizeof temporary_name, "%s.tmp", name);
    char *path = path_join(d->own, name);
    char *temporary = path_join(d->own, temporary_name);
    if (path == NULL || temporary == NULL) {
        st = ST_NO_MEMORY;
    } else if (!write_temporary(temporary, data, size, mode) || rename(temporary, path) != 0) {
        (void)buffer_printf(message, "%s: cannot be written: %s", path, strerrordesc_np(errno));
        st = errno == ENOSPC ? ST_NO_SPACE : ST_IO_ERROR;
    } else {
        st = data_dir_unsettled(d, d->own);
    }
    mem_free(path);
    mem_free(temporary);
    return st;
}

/* -- lock and pid ------------------------------------------------------------------------------------------------- */

/* The pid file is written by whoever holds the lock; one whose process is gone tells nothing. */
static int64_t read_pid(const struct data_dir *d)
{
    char text[SMALL_FILE_MAX] = "";
    char *path = path_join(d->own, "pid");
    if (path == NULL)
        return 0;
    ssize_t got = read_small(path, text, sizeof text - 1, NULL);
    mem_free(path);
    long pid = got > 0 ? strtol(text, NULL, 10) : 0;
    if (pid <= 0 || pid > INT32_MAX || (kill((pid_t)pid, 0) != 0 && errno == ESRCH))
        return 0;
    return pid;
}

static enum status lock_root(const struct data_dir *d, const char *root, int *lock, struct buffer *message)
{
    *lock = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*lock >= 0 && flock(*lock, LOCK_EX | LOCK_NB) == 0)
        return ST_OK;
    if (*lock < 0 || errno != EWOULDBLOCK) {
        (void)buffer_printf(message, "%s: cannot be locked: %s", root, strerrordesc_np(errno));
        return ST_IO_ERROR;
    }
    int64_t pid = strcmp(root, d->root) == 0 ? read_pid(d) : 0;
    if (pid > 0)
        (void)buffer_printf(message, "%s: another agent runs on this directory: process %" PRId64, root, pid);
    else
        (void)buffer_printf(message, "%s: another process holds the lock on this directory", root);
    return ST_BUSY;
}

enum status data_dir_lock(struct data_dir *d, struct buffer *message)
{
    enum status st = lock_root(d, d->root, &d->lock, message);
    if (st == ST_OK && d->separate_log)
        st = lock_root(d, d->log_root, &d->log_lock, message);
    return st;
}

void data_dir_unlock(struct data_dir *d)
{
    if (d->log_lock >= 0)
        (void)close(d->log_lock);
    if (d->lock >= 0)
        (void)close(d->lock);
    d->lock = -1;
    d->log_lock = -1;
}

void data_dir_write_pid(const struct data_dir *d)
{
    char text[SMALL_FILE_MAX];
    int len = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    char *path = path_join(d->own, "pid");
    if (path == NULL)
        return;
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd >= 0 && write(fd, text, (size_t)len) != len)
        (void)unlink(path);
    if (fd >= 0)
        (void)close(fd);
    mem_free(path);
}

int64_t data_dir_holder(const struct data_dir *d)
{
    int fd = open(d->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    /* A shared lock, so that two who look do not take each other for an agent. */
    bool busy = flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    (void)close(fd);
    return busy ? read_pid(d) : -1;
}

/* -- format ------------------------------------------------------------------------------------------------------- */

/* `version` 0: there is no such file. */
static enum status read_format(const char *path, long *version, struct buffer *message)
{
    char text[SMALL_FILE_MAX] = "";
    ssize_t got = read_small(path, text, sizeof text - 1, NULL);
    *version = 0;
    if (got < 0 && errno == ENOENT)
        return ST_OK;
    if (got < 0) {
        (void)buffer_printf(message, "%s: cannot be read: %s", path, strerrordesc_np(errno));
        return ST_IO_ERROR;
    }
    char *end = text;
    if (strncmp(text, format_prefix, strlen(format_prefix)) == 0)
        *version = strtol(text + strlen(format_prefix), &end, 10);
    if (*version > 0 && *end == '\n')
        return ST_OK;
    (void)buffer_printf(message, "%s: damaged: it should hold the line \"%s%d\"", path, format_prefix, FORMAT_VERSION);
    return ST_CORRUPT;
}

enum status data_dir_check_format(const struct data_dir *d, struct buffer *message)
{
    char *path = path_join(d->own, "format");
    if (path == NULL)
        return ST_NO_MEMORY;
    long version;
    enum status st = read_format(path, &version, message);
    if (st == ST_OK && version > FORMAT_VERSION) {
        (void)buffer_printf(message, "%s: written by a newer agent in format %ld; this one knows formats up to %d",
                            path, version, FORMAT_VERSION);
        st = ST_UNSUPPORTED;
    }
    mem_free(path);
    return st;
}

enum status data_dir_write_format(struct data_dir *d, struct buffer *message)
{
    char text[SMALL_FILE_MAX];
    char *path = path_join(d->own, "format");
    if (path == NULL)
        return ST_NO_MEMORY;
    bool exists = access(path, F_OK) == 0;
    mem_free(path);
    if (exists)
        return ST_OK;
    int len = snprintf(text, sizeof text, "%s%d\n", format_prefix, FORMAT_VERSION);
    return data_dir_write_small(d, "format", text, (size_t)len, 0644, message);
}

/* -- session key -------------------------------------------------------------------------------------------------- */

/* ST_NOT_FOUND: there is none yet. */
static enum status read_key(const struct data_dir *d, uint8_t key[SESSION_KEY_SIZE], bool *exposed,
                            struct buffer *message)
{
    uint8_t stored[SESSION_KEY_SIZE + 1];
    struct stat stat_of;
    char *path = path_join(d->own, "session_key");
    if (path == NULL)
        return ST_NO_MEMORY;
    ssize_t got = read_small(path, stored, sizeof stored, &stat_of);
    enum status st = got == SESSION_KEY_SIZE ? ST_OK
                     : got >= 0              ? ST_CORRUPT
                     : errno == ENOENT       ? ST_NOT_FOUND
                                             : ST_IO_ERROR;
    if (st == ST_OK) {
        memcpy(key, stored, SESSION_KEY_SIZE);
        *exposed = (stat_of.st_mode & (S_IRWXG | S_IRWXO)) != 0;
    } else if (st == ST_CORRUPT) {
        (void)buffer_printf(
            message,
            "%s: damaged: it should hold %d bytes; remove it, then a new one is made and clients with a "
            "session must open a new one",
            path, SESSION_KEY_SIZE);
    } else if (st == ST_IO_ERROR) {
        (void)buffer_printf(message, "%s: cannot be read: %s", path, strerrordesc_np(errno));
    }
    mem_free(path);
    return st;
}

enum status data_dir_check_key(const struct data_dir *d, struct buffer *message)
{
    uint8_t key[SESSION_KEY_SIZE];
    bool exposed;
    enum status st = read_key(d, key, &exposed, message);
    return st == ST_NOT_FOUND ? ST_OK : st;
}

enum status data_dir_session_key(struct data_dir *d, uint8_t key[SESSION_KEY_SIZE], bool *exposed,
                                 struct buffer *message)
{
    *exposed = false;
    enum status st = read_key(d, key, exposed, message);
    if (st != ST_NOT_FOUND)
        return st;
    if (getrandom(key, SESSION_KEY_SIZE, 0) != SESSION_KEY_SIZE) {
        (void)buffer_printf(message, "no random bytes from the kernel: %s", strerrordesc_np(errno));
        return ST_IO_ERROR;
    }
    return data_dir_write_small(d, "session_key", key, SESSION_KEY_SIZE, 0600, message);
}

/* -- a restore ---------------------------------------------------------------------------------------------------- */

static const char restoring_name[] = "restoring";

bool data_dir_restoring(const struct data_dir *d)
{
    char *path = path_join(d->own, restoring_name);
    bool is_there = path != NULL && access(path, F_OK) == 0;
    mem_free(path);
    return is_there;
}

enum status data_dir_set_restoring(struct data_dir *d, struct buffer *message)
{
    static const char text[] = "a backup is being restored\n";
    return data_dir_write_small(d, restoring_name, text, sizeof text - 1, 0640, message);
}

enum status data_dir_clear_restoring(const struct data_dir *d, struct buffer *message)
{
    const struct store_io *io = disk_posix();
    char *path = path_join(d->own, restoring_name);
    if (path == NULL)
        return ST_NO_MEMORY;
    disk_posix_error_clear();
    enum status st = io->remove(io->context, path);
    if (st == ST_OK)
        st = io->sync_dir(io->context, d->own);
    if (st != ST_OK)
        (void)data_dir_failed(message, "remove", path, st);
    mem_free(path);
    return st;
}

enum status data_dir_check_restoring(const struct data_dir *d, struct buffer *message)
{
    if (!data_dir_restoring(d))
        return ST_OK;
    (void)buffer_printf(message, "%s: restoring a backup into this directory was not finished: do it again", d->root);
    return ST_CORRUPT;
}
