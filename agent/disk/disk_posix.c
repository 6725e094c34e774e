/* disk_posix.c - files, directories and their syncs by POSIX calls. */
#include "agent/disk/disk_posix.h"

#include "core/base/hash.h"
#include "core/base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

struct io_file {
    int fd;
};

static _Thread_local int last_errno;
static _Thread_local char last_text[128];

const char *disk_posix_error(void)
{
    if (last_errno == 0)
        return "";
    const char *text = strerror_r(last_errno, last_text, sizeof last_text); /* the GNU form: may be static text */
    return text;
}

void disk_posix_error_clear(void)
{
    last_errno = 0;
}

/* A full quota and a file too large for its limit end as a full disk does: with room made by the operator. */
static enum status failed(int error)
{
    last_errno = error;
    switch (error) {
    case ENOENT: return ST_NOT_FOUND;
    case EEXIST: return ST_EXISTS;
    case ENOSPC:
    case EDQUOT:
    case EFBIG: return ST_NO_SPACE;
    case ENOMEM: return ST_NO_MEMORY;
    default: return ST_IO_ERROR;
    }
}

static enum status result_of(int result)
{
    return result == 0 ? ST_OK : failed(errno);
}

static enum status posix_open(void *context, const char *path, enum io_open_mode mode, struct io_file **file)
{
    (void)context;
    static const int flags[] = {[IO_READ] = O_RDONLY, [IO_WRITE] = O_RDWR, [IO_CREATE] = O_RDWR | O_CREAT | O_EXCL};
    struct io_file *made = mem_alloc(sizeof *made);
    if (made == NULL)
        return ST_NO_MEMORY;
    do {
        made->fd = open(path, flags[mode] | O_CLOEXEC, 0640);
    } while (made->fd < 0 && errno == EINTR);
    if (made->fd < 0) {
        enum status st = failed(errno);
        mem_free(made);
        return st;
    }
    *file = made;
    return ST_OK;
}

static enum status posix_close(void *context, struct io_file *file)
{
    (void)context;
    int result = close(file->fd);
    int error = errno;
    mem_free(file);
    /* Linux has closed the descriptor even then. */
    return result == 0 || error == EINTR ? ST_OK : failed(error);
}

static enum status posix_size(void *context, struct io_file *file, uint64_t *size)
{
    (void)context;
    struct stat stat;
    if (fstat(file->fd, &stat) != 0)
        return failed(errno);
    *size = (uint64_t)stat.st_size;
    return ST_OK;
}

/* An inode's number is soon given to another file, its time of birth is not; file systems that do not tell the latter
 * leave it zero. The result is kept in files and must stay as it is. */
static enum status posix_file_id(void *context, struct io_file *file, uint64_t *id)
{
    (void)context;
    struct statx stat = {0};
    if (statx(file->fd, "", AT_EMPTY_PATH, STATX_INO | STATX_BTIME, &stat) != 0)
        return failed(errno);
    bool has_birth = (stat.stx_mask & STATX_BTIME) != 0;
    uint64_t birth = has_birth ? (uint64_t)stat.stx_btime.tv_sec * 1000000000 + stat.stx_btime.tv_nsec : 0;
    *id = hash_u64(stat.stx_ino) + hash_u64(birth);
    return ST_OK;
}

/* Who may not give files away keeps them; then what the other's group may do is not for this process's group. */
static enum status posix_like(void *context, struct io_file *file, const char *other)
{
    (void)context;
    struct stat wanted, own;
    if (stat(other, &wanted) != 0)
        return failed(errno);
    bool has_group = fchown(file->fd, (uid_t)-1, wanted.st_gid) == 0;
    bool has_owner = fchown(file->fd, wanted.st_uid, (gid_t)-1) == 0;
    if ((!has_group || !has_owner) && fstat(file->fd, &own) != 0)
        return failed(errno);
    mode_t mode = wanted.st_mode & 0777;
    if (!has_group && own.st_gid != wanted.st_gid)
        mode &= ~(mode_t)S_IRWXG;
    return result_of(fchmod(file->fd, mode));
}

static enum status posix_read_at(void *context, struct io_file *file, uint64_t offset, void *data, size_t len,
                                 size_t *got)
{
    (void)context;
    size_t done = 0;
    while (done < len) {
        ssize_t n = pread(file->fd, (uint8_t *)data + done, len - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return failed(errno);
        if (n == 0)
            break;
        done += (size_t)n;
    }
    *got = done;
    return ST_OK;
}

static enum status posix_reserve(void *context, struct io_file *file, uint64_t offset, uint64_t len)
{
    (void)context;
    int result;
    do {
        result = fallocate(file->fd, 0, (off_t)offset, (off_t)len);
    } while (result != 0 && errno == EINTR);
    bool unsupported = result != 0 && (errno == EOPNOTSUPP || errno == ENOSYS);
    return unsupported ? ST_OK : result_of(result);
}

static enum status posix_write_at(void *context, struct io_file *file, uint64_t offset, const void *data, size_t len)
{
    (void)context;
    size_t done = 0;
    while (done < len) {
        ssize_t n = pwrite(file->fd, (const uint8_t *)data + done, len - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return failed(n < 0 ? errno : EIO);
        done += (size_t)n;
    }
    return ST_OK;
}

static enum status posix_truncate(void *context, struct io_file *file, uint64_t size)
{
    (void)context;
    int result;
    do {
        result = ftruncate(file->fd, (off_t)size);
    } while (result != 0 && errno == EINTR);
    return result_of(result);
}

/* Never repeated: after a failed one the kernel may call the pages clean although they were lost (design 4.7). */
static enum status posix_sync(void *context, struct io_file *file)
{
    (void)context;
    return result_of(fdatasync(file->fd));
}

static enum status posix_rename(void *context, const char *from, const char *to)
{
    (void)context;
    return result_of(rename(from, to));
}

static enum status posix_remove(void *context, const char *path)
{
    (void)context;
    return result_of(unlink(path));
}

static enum status posix_make_dir(void *context, const char *path)
{
    (void)context;
    return result_of(mkdir(path, 0750));
}

static enum status posix_sync_dir(void *context, const char *path)
{
    (void)context;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return failed(errno);
    enum status st = result_of(fsync(fd));
    (void)close(fd); /* nothing was written through it */
    return st;
}

static enum status posix_list(void *context, const char *path, enum status (*fn)(void *fn_context, const char *name),
                              void *fn_context)
{
    (void)context;
    DIR *dir = opendir(path);
    if (dir == NULL)
        return failed(errno);
    enum status st = ST_OK;
    while (st == ST_OK) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (entry == NULL) {
            st = result_of(errno == 0 ? 0 : -1);
            break;
        }
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            st = fn(fn_context, entry->d_name);
    }
    (void)closedir(dir);
    return st;
}

static enum status posix_free_space(void *context, const char *path, uint64_t *bytes)
{
    (void)context;
    struct statvfs fs;
    if (statvfs(path, &fs) != 0)
        return failed(errno);
    *bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
    return ST_OK;
}

static const struct store_io io = {
    .open = posix_open,
    .close = posix_close,
    .size = posix_size,
    .file_id = posix_file_id,
    .like = posix_like,
    .read_at = posix_read_at,
    .reserve = posix_reserve,
    .write_at = posix_write_at,
    .truncate = posix_truncate,
    .sync = posix_sync,
    .rename = posix_rename,
    .remove = posix_remove,
    .make_dir = posix_make_dir,
    .sync_dir = posix_sync_dir,
    .list = posix_list,
    .free_space = posix_free_space,
};

const struct store_io *disk_posix(void)
{
    return &io;
}
