/* listener_unix.c - a Unix socket: whose file it is, and who may use it. */
#include "agent/listener_internal.h"
#include "core/base/mem.h"

#include <errno.h>
#include <grp.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { GROUP_TEXT_MAX = 65536 };

static enum status say(struct buffer *message, enum status st, const char *path, const char *what)
{
    return buffer_printf(message, "cannot listen on %s: %s", path, what) == ST_OK ? st : ST_NO_MEMORY;
}

static enum status say_errno(struct buffer *message, const char *path, int error)
{
    char text[128];
    return say(message, ST_IO_ERROR, path, uv_strerror_r(-error, text, sizeof text));
}

/* Whether a process accepts connections there. */
static bool is_alive(const struct sockaddr_un *address)
{
    int fd = listener_socket_new(AF_UNIX);
    if (fd < 0)
        return true; /* not known: then nothing is removed */
    int rc = connect(fd, (const struct sockaddr *)address, sizeof *address);
    bool alive = rc == 0 || errno != ECONNREFUSED;
    close(fd);
    return alive;
}

/* Makes room for the socket's file. */
static enum status remove_stale(const struct sockaddr_un *address, struct buffer *message)
{
    const char *path = address->sun_path;
    struct stat there;
    if (lstat(path, &there) != 0)
        return errno == ENOENT ? ST_OK : say_errno(message, path, errno);
    if (!S_ISSOCK(there.st_mode))
        return say(message, ST_EXISTS, path, "there is a file that is not a socket");
    if (is_alive(address))
        return say(message, ST_BUSY, path, "another process listens there");
    return unlink(path) == 0 || errno == ENOENT ? ST_OK : say_errno(message, path, errno);
}

/* The number of a group by name; false: `*error` is 0 when there is none of this name, else an errno. */
static bool find_group(const char *name, gid_t *gid, int *error)
{
    struct group group;
    struct group *found = NULL;
    for (size_t size = 1024; size <= GROUP_TEXT_MAX; size *= 4) {
        char *text = mem_alloc(size);
        if (text == NULL) {
            *error = ENOMEM;
            return false;
        }
        *error = getgrnam_r(name, &group, text, size, &found);
        if (found != NULL)
            *gid = group.gr_gid;
        mem_free(text);
        if (*error != ERANGE)
            break;
    }
    return found != NULL;
}

/* Nobody can connect before the socket listens, so the order of these calls leaves no gap. */
static enum status set_owner(const struct listener_unix *local, struct buffer *message)
{
    if (local->group != NULL && local->group[0] != '\0') {
        gid_t gid = 0;
        int error = 0;
        if (!find_group(local->group, &gid, &error))
            return error != 0 ? say_errno(message, local->path, error)
                              : say(message, ST_NOT_FOUND, local->path, "zooid.socketGroup is no group of this host");
        if (chown(local->path, (uid_t)-1, gid) != 0)
            return say_errno(message, local->path, errno);
    }
    return chmod(local->path, (mode_t)local->mode) == 0 ? ST_OK : say_errno(message, local->path, errno);
}

static enum status own_path(struct listener *l, const char *path, struct buffer *message)
{
    struct stat own;
    l->path = mem_strdup(path);
    if (l->path == NULL)
        return ST_NO_MEMORY;
    if (lstat(path, &own) != 0)
        return say_errno(message, path, errno);
    l->path_device = own.st_dev;
    l->path_inode = own.st_ino;
    return ST_OK;
}

static enum status open_at(struct listener *l, const struct listener_unix *local, const struct sockaddr_un *address,
                           struct buffer *message)
{
    enum status st = remove_stale(address, message);
    if (st != ST_OK)
        return st;
    int fd = listener_socket_new(AF_UNIX);
    if (fd < 0)
        return say_errno(message, local->path, errno);
    if (bind(fd, (const struct sockaddr *)address, sizeof *address) != 0) {
        int error = errno;
        close(fd);
        return say_errno(message, local->path, error);
    }
    st = own_path(l, local->path, message);
    if (st == ST_OK)
        st = set_owner(local, message);
    if (st != ST_OK) {
        close(fd);
        return st;
    }
    return listener_add(l, fd, local->backlog) == ST_OK ? ST_OK : say_errno(message, local->path, errno);
}

enum status listener_open_unix(struct listener **out, const struct listener_parts *parts,
                               const struct listener_unix *local, const struct listener_events *events,
                               struct buffer *message)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t len = strlen(local->path);
    if (len == 0 || len >= sizeof address.sun_path)
        return say(message, ST_IO_ERROR, local->path, "the path is empty or too long for a Unix socket");
    memcpy(address.sun_path, local->path, len);
    struct listener *l = NULL;
    enum status st = listener_new(&l, parts, events);
    if (st != ST_OK)
        return st;
    st = open_at(l, local, &address, message);
    if (st != ST_OK) {
        listener_close(l);
        return st;
    }
    *out = l;
    return ST_OK;
}
