/* listener_unix.c - a Unix socket: whose file it is, and who may use it. */
#include "agent/net/listener_internal.h"
#include "core/base/mem.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { NAMES_TEXT_MAX = 65536 };

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

/* The numbers of a user and of a group by name. 0: found; ENOENT: there is none of this name; another errno. */
static int find_user(const char *name, char *text, size_t size, unsigned *number)
{
    struct passwd user;
    struct passwd *found = NULL;
    int error = getpwnam_r(name, &user, text, size, &found);
    *number = found == NULL ? 0 : (unsigned)user.pw_uid;
    return found == NULL && error == 0 ? ENOENT : error;
}

static int find_group(const char *name, char *text, size_t size, unsigned *number)
{
    struct group group;
    struct group *found = NULL;
    int error = getgrnam_r(name, &group, text, size, &found);
    *number = found == NULL ? 0 : (unsigned)group.gr_gid;
    return found == NULL && error == 0 ? ENOENT : error;
}

typedef int find_fn(const char *name, char *text, size_t size, unsigned *number);

/* Without a name the number is one that chown leaves alone. */
static enum status look_up(const struct listener_unix *local, find_fn *find, const char *name, const char *what,
                           unsigned *number, struct buffer *message)
{
    int error = ERANGE;
    *number = UINT_MAX;
    if (name == NULL || name[0] == '\0')
        return ST_OK;
    for (size_t size = 1024; error == ERANGE && size <= NAMES_TEXT_MAX; size *= 4) {
        char *text = mem_alloc(size);
        error = text == NULL ? ENOMEM : find(name, text, size, number);
        mem_free(text);
    }
    return error == 0        ? ST_OK
           : error == ENOENT ? say(message, ST_NOT_FOUND, local->path, what)
                             : say_errno(message, local->path, error);
}

/* Nobody can connect before the socket listens, so the order of these calls leaves no gap. */
static enum status set_owner(const struct listener_unix *local, struct buffer *message)
{
    unsigned uid = UINT_MAX, gid = UINT_MAX;
    enum status st = look_up(local, find_user, local->owner, "its owner is no user of this host", &uid, message);
    if (st == ST_OK)
        st = look_up(local, find_group, local->group, "zooid.socketGroup is no group of this host", &gid, message);
    if (st != ST_OK)
        return st;
    bool is_given = uid != UINT_MAX || gid != UINT_MAX;
    if (is_given && chown(local->path, (uid_t)uid, (gid_t)gid) != 0)
        return say_errno(message, local->path, errno);
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

static enum status take_inherited(struct listener *l, const struct listener_unix *local, struct buffer *message)
{
    bool good = listener_add(l, local->inherited, local->backlog) == ST_OK;
    return good ? ST_OK : say_errno(message, "the socket that was opened for this process", errno);
}

enum status listener_open_unix(struct listener **out, const struct listener_parts *parts,
                               const struct listener_unix *local, const struct listener_events *events,
                               struct buffer *message)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t len = strlen(local->path);
    if (local->inherited == 0 && (len == 0 || len >= sizeof address.sun_path))
        return say(message, ST_IO_ERROR, local->path, "the path is empty or too long for a Unix socket");
    memcpy(address.sun_path, local->path, len < sizeof address.sun_path ? len : 0);
    struct listener *l = NULL;
    enum status st = listener_new(&l, parts, events);
    if (st != ST_OK)
        return st;
    st = local->inherited == 0 ? open_at(l, local, &address, message) : take_inherited(l, local, message);
    if (st != ST_OK) {
        listener_close(l);
        return st;
    }
    *out = l;
    return ST_OK;
}
