/* data_dir.c - making, locking and checking the data directories. */
#include "agent/disk/data_dir.h"

#include "agent/disk/data_dir_internal.h"
#include "agent/disk/disk_posix.h"
#include "core/base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

char *path_join(const char *directory, const char *name)
{
    size_t size = strlen(directory) + strlen(name) + 2;
    char *path = mem_alloc(size);
    if (path != NULL)
        (void)snprintf(path, size, "%s/%s", directory, name);
    return path;
}

uint64_t directory_size(const char *path)
{
    DIR *dir = opendir(path);
    if (dir == NULL)
        return 0;
    uint64_t size = 0;
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        struct stat stat;
        if (fstatat(dirfd(dir), entry->d_name, &stat, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(stat.st_mode))
            size += (uint64_t)stat.st_size;
    }
    (void)closedir(dir);
    return size;
}

/* Two names of one directory must not be locked twice, nor be taken for a split one. */
static bool is_other_directory(const char *a, const char *b)
{
    struct stat first, second;
    if (strcmp(a, b) == 0)
        return false;
    if (stat(a, &first) != 0 || stat(b, &second) != 0)
        return true;
    return first.st_dev != second.st_dev || first.st_ino != second.st_ino;
}

enum status data_dir_paths(struct data_dir *d, const char *root, const char *log_root)
{
    *d = (struct data_dir){.lock = -1, .log_lock = -1};
    if (log_root == NULL || log_root[0] == '\0')
        log_root = root;
    d->separate_log = is_other_directory(root, log_root);
    d->root = mem_strdup(root);
    d->log_root = mem_strdup(log_root);
    d->snapshots = path_join(root, "version-2");
    d->logs = path_join(log_root, "version-2");
    d->own = path_join(root, "zooid");
    if (d->own == NULL)
        return ST_NO_MEMORY;
    d->checkpoint = path_join(d->own, "checkpoint");
    d->damaged_checkpoint = path_join(d->own, "checkpoint.damaged");
    d->mark = path_join(d->own, "loading");
    bool complete = d->root != NULL && d->log_root != NULL && d->snapshots != NULL && d->logs != NULL &&
                    d->checkpoint != NULL && d->damaged_checkpoint != NULL && d->mark != NULL;
    return complete ? ST_OK : ST_NO_MEMORY;
}

enum status data_dir_failed(struct buffer *message, const char *verb, const char *path, enum status st)
{
    const char *why = disk_posix_error();
    (void)buffer_printf(message, "%s: cannot %s: %s", path, verb, why[0] != '\0' ? why : status_text(st));
    return st;
}

enum status data_dir_unsettled(struct data_dir *d, const char *path)
{
    for (size_t i = 0; i < d->unsettled_count; i++) {
        if (strcmp(d->unsettled[i], path) == 0)
            return ST_OK;
    }
    if (d->unsettled_count == DATA_DIR_UNSETTLED_MAX)
        return ST_LIMIT;
    char *copy = mem_strdup(path);
    if (copy == NULL)
        return ST_NO_MEMORY;
    d->unsettled[d->unsettled_count++] = copy;
    return ST_OK;
}

enum status data_dir_settle(struct data_dir *d, struct buffer *message)
{
    const struct store_io *io = disk_posix();
    for (size_t i = 0; i < d->unsettled_count; i++) {
        enum status st = io->sync_dir(io->context, d->unsettled[i]);
        if (st != ST_OK)
            return data_dir_failed(message, "sync the directory", d->unsettled[i], st);
    }
    return ST_OK;
}

/* Makes the directory when it is missing. */
static enum status ensure_dir(struct data_dir *d, const char *path, const char *parent, bool *made,
                              struct buffer *message)
{
    const struct store_io *io = disk_posix();
    enum status st = io->make_dir(io->context, path);
    *made = st == ST_OK;
    if (st == ST_EXISTS)
        return ST_OK;
    return st == ST_OK ? data_dir_unsettled(d, parent) : data_dir_failed(message, "make the directory", path, st);
}

static enum status ensure_below(struct data_dir *d, const char *path, struct buffer *message)
{
    bool made;
    struct stat stat_of;
    if (stat(path, &stat_of) == 0)
        return ST_OK;
    char *parent = path_join(path, "..");
    enum status st = parent == NULL ? ST_NO_MEMORY : ensure_dir(d, path, parent, &made, message);
    mem_free(parent);
    return st;
}

/* Makes all missing directories of the path, as `mkdir -p`. */
static enum status ensure_root(struct data_dir *d, const char *root, struct buffer *message)
{
    char *path = mem_strdup(root);
    if (path == NULL)
        return ST_NO_MEMORY;
    enum status st = ST_OK;
    for (char *slash = path + 1; st == ST_OK && *slash != '\0' && (slash = strchr(slash, '/')) != NULL; slash++) {
        *slash = '\0';
        st = ensure_below(d, path, message);
        *slash = '/';
    }
    if (st == ST_OK)
        st = ensure_below(d, path, message);
    mem_free(path);
    return st;
}

static enum status check_root(struct data_dir *d, const char *root, const char *key, bool autocreate,
                              struct buffer *message)
{
    struct stat stat_of;
    if (stat(root, &stat_of) == 0) {
        if (S_ISDIR(stat_of.st_mode))
            return ST_OK;
        (void)buffer_printf(message, "%s: %s is not a directory", root, key);
        return ST_IO_ERROR;
    }
    if (errno == ENOENT && autocreate)
        return ensure_root(d, root, message);
    (void)buffer_printf(message, "%s: %s cannot be used: %s", root, key, strerrordesc_np(errno));
    if (errno == ENOENT)
        (void)buffer_printf(message, "; make it, or set datadir.autocreate=true");
    return ST_IO_ERROR;
}

enum status data_dir_open(struct data_dir *d, bool autocreate, struct buffer *message)
{
    bool made;
    disk_posix_error_clear();
    enum status st = check_root(d, d->root, "dataDir", autocreate, message);
    if (st == ST_OK && d->separate_log)
        st = check_root(d, d->log_root, "dataLogDir", autocreate, message);
    if (st == ST_OK) /* asked again: they may have been made just now, one below a link to the other */
        d->separate_log = is_other_directory(d->root, d->log_root);
    if (st == ST_OK)
        st = data_dir_lock(d, message);
    if (st == ST_OK)
        st = ensure_dir(d, d->snapshots, d->root, &made, message);
    if (st == ST_OK && d->separate_log)
        st = ensure_dir(d, d->logs, d->log_root, &made, message);
    if (st == ST_OK)
        st = ensure_dir(d, d->own, d->root, &d->fresh, message);
    if (st == ST_OK)
        st = data_dir_check_format(d, message);
    if (st == ST_OK)
        st = data_dir_write_format(d, message);
    if (st == ST_OK)
        st = data_dir_check_split(d, message);
    if (st == ST_OK)
        data_dir_write_pid(d);
    return st;
}

void data_dir_close(struct data_dir *d)
{
    data_dir_unlock(d);
    while (d->unsettled_count > 0)
        mem_free(d->unsettled[--d->unsettled_count]);
    char **const paths[] = {&d->root, &d->log_root, &d->snapshots,          &d->logs,
                            &d->own,  &d->mark,     &d->damaged_checkpoint, &d->checkpoint};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        mem_free(*paths[i]);
        *paths[i] = NULL;
    }
}

bool data_dir_marked(const struct data_dir *d)
{
    return access(d->mark, F_OK) == 0;
}

enum status data_dir_set_mark(const struct data_dir *d)
{
    int fd = open(d->mark, O_WRONLY | O_CREAT | O_CLOEXEC, 0640);
    if (fd < 0)
        return errno == ENOSPC ? ST_NO_SPACE : ST_IO_ERROR;
    (void)close(fd); /* nothing was written */
    return ST_OK;
}

enum status data_dir_clear_mark(const struct data_dir *d)
{
    return unlink(d->mark) == 0 || errno == ENOENT ? ST_OK : ST_IO_ERROR;
}

static enum status find_stray(const char *directory, const char *prefix, char **stray)
{
    DIR *dir = opendir(directory);
    if (dir == NULL)
        return errno == ENOENT ? ST_OK : ST_IO_ERROR;
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (strncmp(entry->d_name, prefix, strlen(prefix)) == 0) {
            *stray = path_join(directory, entry->d_name);
            break;
        }
    }
    (void)closedir(dir);
    return ST_OK;
}

enum status data_dir_check_split(const struct data_dir *d, struct buffer *message)
{
    static const struct {
        const char *prefix, *what, *where;
    } rows[] = {{"log.", "a transaction log", "dataLogDir"}, {"snapshot.", "a snapshot", "dataDir"}};
    if (!d->separate_log)
        return ST_OK;
    const char *const directories[] = {d->snapshots, d->logs};
    for (size_t i = 0; i < 2; i++) {
        char *stray = NULL;
        enum status st = find_stray(directories[i], rows[i].prefix, &stray);
        if (st != ST_OK)
            return data_dir_failed(message, "list the directory", directories[i], st);
        if (stray != NULL) {
            (void)buffer_printf(message, "%s: %s does not belong here: move all such files to the version-2 of %s",
                                stray, rows[i].what, rows[i].where);
            mem_free(stray);
            return ST_CORRUPT;
        }
    }
    return ST_OK;
}
