/* host_lua_files.c - zooid.files: files that are replaced as a whole, for scripts that were granted "files".
 *
 * stage() writes what a file is going to hold beside it, with owner and mode, and has it on the disk when it returns;
 * swap() renames it. Whoever reads the file sees the old one or the new one, whole, also after a crash. */
#include "plugins/host/host_lua_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const stage_options[] = {"mode", "owner", "group", "name", NULL};
static const char *const read_options[] = {"max", NULL};

enum { READ_MAX = 64 << 20, SLACK = 4096, NAMES_BUFFER = 16384, KEEP = -1 };

/* nil and an error that says what could not be done with which file. */
static int push_errno(lua_State *L, const char *what, const char *path, int number)
{
    const struct failure failure = {.code = ZOOID_PLUGIN_BAD_ARGUMENTS,
                                    .message = lua_pushfstring(L, "%s: %s", what, strerror(number)),
                                    .path = path};
    (void)push_failure(L, &failure);
    lua_pushinteger(L, number);
    lua_setfield(L, -2, "errno");
    return 2;
}

static int push_true(lua_State *L)
{
    lua_pushboolean(L, true);
    return 1;
}

/* -- owner and group --------------------------------------------------------------------------------------------------
 */

/* The option is a number, or a name that `look_up` finds. KEEP when it is not there. */
static int64_t read_owner(lua_State *L, const char *option, bool (*look_up)(const char *name, int64_t *id))
{
    int64_t id = KEEP;
    if (!lua_istable(L, 3) || lua_getfield(L, 3, option) == LUA_TNIL)
        return KEEP;
    if (lua_isinteger(L, -1))
        id = lua_tointeger(L, -1);
    else if (lua_type(L, -1) != LUA_TSTRING || !look_up(lua_tostring(L, -1), &id))
        luaL_error(L, "%s: there is no %s", option, luaL_tolstring(L, -1, NULL));
    lua_pop(L, 1);
    luaL_argcheck(L, id >= KEEP && id <= INT32_MAX, 3, "no owner");
    return id;
}

static bool find_user(const char *name, int64_t *id)
{
    char buffer[NAMES_BUFFER];
    struct passwd entry, *found = NULL;
    if (getpwnam_r(name, &entry, buffer, sizeof buffer, &found) != 0 || found == NULL)
        return false;
    *id = found->pw_uid;
    return true;
}

static bool find_group(const char *name, int64_t *id)
{
    char buffer[NAMES_BUFFER];
    struct group entry, *found = NULL;
    if (getgrnam_r(name, &entry, buffer, sizeof buffer, &found) != 0 || found == NULL)
        return false;
    *id = found->gr_gid;
    return true;
}

/* -- staged and swapped -----------------------------------------------------------------------------------------------
 */

static bool write_all(int file, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(file, data, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        data += n;
        len -= (size_t)n;
    }
    return true;
}

/* NULL: all is on the disk; else what failed, with errno. */
static const char *fill(int file, const char *data, size_t len, mode_t mode, int64_t uid, int64_t gid)
{
    if (!write_all(file, data, len))
        return "cannot be written";
    if ((uid != KEEP || gid != KEEP) && fchown(file, (uid_t)uid, (gid_t)gid) != 0)
        return "cannot be given its owner";
    if (fchmod(file, mode) != 0)
        return "cannot be given its mode";
    if (fsync(file) != 0)
        return "cannot be synced";
    return NULL;
}

/* A new file, open. `given`: one of that name that a crash has left is no obstacle. -1: errno. */
static int make_file(char *name, bool given)
{
    if (!given)
        return mkostemp(name, O_CLOEXEC);
    if (unlink(name) != 0 && errno != ENOENT)
        return -1;
    return open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
}

/* stage(path, data [, options]): the name of the staged file, "PATH.XXXXXX" in the same folder unless options.name says
 * another one */
static int stage(lua_State *L)
{
    size_t len = 0;
    const char *path = check_text(L, 1), *data = luaL_checklstring(L, 2, &len);
    check_options(L, 3, stage_options);
    mode_t mode = (mode_t)option_number(L, 3, "mode", 0644, 07777);
    int64_t uid = read_owner(L, "owner", find_user), gid = read_owner(L, "group", find_group);
    const char *given = option_text(L, 3, "name");
    size_t size = given == NULL ? strlen(path) + sizeof ".XXXXXX" : strlen(given) + 1;
    char *name = lua_newuserdatauv(L, size, 0);
    (void)snprintf(name, size, "%s%s", given == NULL ? path : given, given == NULL ? ".XXXXXX" : "");
    int file = make_file(name, given != NULL);
    if (file < 0)
        return push_errno(L, "cannot be made", path, errno);
    const char *failed = fill(file, data, len, mode, uid, gid);
    int number = errno;
    if (close(file) != 0 && failed == NULL) {
        failed = "cannot be written";
        number = errno;
    }
    if (failed == NULL) {
        lua_pushstring(L, name);
        return 1;
    }
    (void)unlink(name);
    return push_errno(L, failed, path, number);
}

static int sync_folder_of(const char *path, char *folder)
{
    const char *slash = strrchr(path, '/');
    size_t len = slash == NULL ? 0 : slash == path ? 1 : (size_t)(slash - path);
    memcpy(folder, path, len);
    folder[len] = '\0';
    int file = open(len == 0 ? "." : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file < 0)
        return errno;
    int number = fsync(file) == 0 ? 0 : errno;
    return close(file) == 0 || number != 0 ? number : errno;
}

/* swap(staged, path) */
static int swap(lua_State *L)
{
    const char *staged = check_text(L, 1), *path = check_text(L, 2);
    char *folder = lua_newuserdatauv(L, strlen(path) + 1, 0);
    if (rename(staged, path) != 0)
        return push_errno(L, "cannot be replaced", path, errno);
    int number = sync_folder_of(path, folder);
    return number == 0 ? push_true(L) : push_errno(L, "the folder cannot be synced", path, number);
}

/* -- the rest ---------------------------------------------------------------------------------------------------------
 */

/* What is left of the file, up to `max` bytes and one more; -1: errno. */
static ssize_t read_up_to(int file, char *buffer, size_t size)
{
    size_t len = 0;
    while (len < size) {
        ssize_t n = read(file, buffer + len, size - len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        len += (size_t)n;
    }
    return (ssize_t)len;
}

/* read(path [, options]) */
static int read_file(lua_State *L)
{
    const char *path = check_text(L, 1);
    struct stat found;
    check_options(L, 2, read_options);
    uint64_t max = (uint64_t)option_number(L, 2, "max", READ_MAX, LUA_MAXINTEGER);
    if (stat(path, &found) != 0)
        return push_errno(L, "cannot be read", path, errno);
    if (!S_ISREG(found.st_mode) || (uint64_t)found.st_size > max)
        return push_errno(L, "cannot be read", path, S_ISREG(found.st_mode) ? EFBIG : EINVAL);
    size_t size = (size_t)found.st_size + SLACK;
    char *buffer = lua_newuserdatauv(L, size, 0); /* before it is open, since memory may run out */
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0)
        return push_errno(L, "cannot be read", path, errno);
    ssize_t len = read_up_to(file, buffer, size);
    int number = len < 0 ? errno : (size_t)len == size ? EAGAIN : 0; /* it grows meanwhile */
    (void)close(file);
    if (number != 0)
        return push_errno(L, "cannot be read", path, number);
    lua_pushlstring(L, buffer, (size_t)len);
    return 1;
}

static const char *kind_of(mode_t mode)
{
    return S_ISREG(mode) ? "file" : S_ISDIR(mode) ? "directory" : S_ISLNK(mode) ? "link" : "other";
}

static void set_number(lua_State *L, const char *name, lua_Integer value)
{
    lua_pushinteger(L, value);
    lua_setfield(L, -2, name);
}

/* stat(path): a table; of a link itself */
static int stat_file(lua_State *L)
{
    const char *path = check_text(L, 1);
    struct stat found;
    if (lstat(path, &found) != 0)
        return push_errno(L, "cannot be looked at", path, errno);
    lua_createtable(L, 0, 8);
    lua_pushstring(L, kind_of(found.st_mode));
    lua_setfield(L, -2, "kind");
    set_number(L, "size", found.st_size);
    set_number(L, "mode", found.st_mode & 07777);
    set_number(L, "uid", found.st_uid);
    set_number(L, "gid", found.st_gid);
    set_number(L, "links", (lua_Integer)found.st_nlink);
    set_number(L, "inode", (lua_Integer)found.st_ino);
    set_number(L, "mtime_ms", (lua_Integer)found.st_mtim.tv_sec * 1000 + found.st_mtim.tv_nsec / 1000000);
    return 1;
}

/* unlink(path) */
static int unlink_file(lua_State *L)
{
    const char *path = check_text(L, 1);
    return unlink(path) == 0 ? push_true(L) : push_errno(L, "cannot be removed", path, errno);
}

/* link(path, new): a second name, as for a backup; it takes the place of what is there */
static int link_file(lua_State *L)
{
    const char *path = check_text(L, 1), *name = check_text(L, 2);
    if (link(path, name) == 0)
        return push_true(L);
    if (errno != EEXIST)
        return push_errno(L, "cannot be linked", name, errno);
    size_t size = strlen(name) + sizeof ".link";
    char *beside = lua_newuserdatauv(L, size, 0);
    (void)snprintf(beside, size, "%s.link", name);
    (void)unlink(beside); /* left by one that was killed here */
    if (link(path, beside) != 0 || rename(beside, name) != 0)
        return push_errno(L, "cannot be linked", name, errno);
    (void)unlink(beside); /* rename leaves it when both were the same file */
    return push_true(L);
}

/* symlink(target, path) */
static int make_symlink(lua_State *L)
{
    const char *target = check_text(L, 1), *path = check_text(L, 2);
    return symlink(target, path) == 0 ? push_true(L) : push_errno(L, "cannot be linked", path, errno);
}

/* mkdir(path [, mode]); true also when it is there */
static int make_folder(lua_State *L)
{
    const char *path = check_text(L, 1);
    lua_Integer mode = luaL_optinteger(L, 2, 0755);
    if (mkdir(path, (mode_t)mode & 07777) == 0 || errno == EEXIST)
        return push_true(L);
    return push_errno(L, "cannot be made", path, errno);
}

static int not_granted(lua_State *L)
{
    return luaL_error(L, "this script may not reach files: its configuration does not grant \"files\"");
}

void open_files(lua_State *L)
{
    static const luaL_Reg functions[] = {{"stage", stage},       {"swap", swap},
                                         {"read", read_file},    {"stat", stat_file},
                                         {"link", link_file},    {"unlink", unlink_file},
                                         {"mkdir", make_folder}, {"symlink", make_symlink},
                                         {"lock", files_lock},   {NULL, NULL}};
    bool granted = (script_of(L)->settings.grants & GRANT_FILES) != 0;
    open_file_locks(L);
    lua_newtable(L);
    for (const luaL_Reg *row = functions; row->name != NULL; row++) {
        lua_pushcfunction(L, granted ? row->func : not_granted);
        lua_setfield(L, -2, row->name);
    }
    lua_setfield(L, -2, "files");
}
