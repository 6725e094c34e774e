/* host_lua_file_lock.c - zooid.files.lock: one process at a time, until it lets go or ends. */
#include "plugins/host/host_lua_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static const char lock_class[] = "zooid.file_lock";

struct file_lock {
    int file; /* -1: let go */
};

/* lock:release() */
static int release(lua_State *L)
{
    struct file_lock *lock = luaL_checkudata(L, 1, lock_class);
    if (lock->file >= 0)
        (void)close(lock->file);
    lock->file = -1;
    return 0;
}

/* Nil and an error; of a lock that another process has it says that it may be tried again. */
static int push_refusal(lua_State *L, const char *path, int number)
{
    bool is_held = number == EWOULDBLOCK;
    const struct failure failure = {.code = ZOOID_PLUGIN_BAD_ARGUMENTS,
                                    .message = is_held ? "another process has it" : strerror(number),
                                    .path = path,
                                    .retry = is_held};
    return push_failure(L, &failure);
}

int files_lock(lua_State *L)
{
    const char *path = check_text(L, 1);
    struct file_lock *lock = lua_newuserdatauv(L, sizeof *lock, 0);
    lock->file = -1;
    luaL_setmetatable(L, lock_class);
    lock->file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lock->file >= 0 && flock(lock->file, LOCK_EX | LOCK_NB) == 0)
        return 1;
    return push_refusal(L, path, errno);
}

void open_file_locks(lua_State *L)
{
    static const luaL_Reg methods[] = {{"release", release}, {NULL, NULL}};
    static const luaL_Reg meta[] = {{"__close", release}, {"__gc", release}, {NULL, NULL}};
    new_class(L, lock_class, methods, meta);
}
