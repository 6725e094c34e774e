/* state_size.c - a walk with the directories that it is in on a stack, opened each from the one above it. */
#include "plugins/host/supervise/state_size.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEPTH_MAX = 64, BLOCK = 512 };

struct walk {
    struct state_size *size;
    uint64_t files_max;
    dev_t device;
    DIR *open[DEPTH_MAX];
    int depth;
    char *why;
};

static bool complain(const struct walk *w, const char *name, const char *what)
{
    (void)snprintf(w->why, STATE_WHY_MAX, "%.128s: %.96s", name, what);
    return false;
}

/* Of what has gone meanwhile nothing is said. */
static bool cannot(const struct walk *w, const char *name)
{
    return errno == ENOENT || complain(w, name, strerror(errno));
}

static bool enter(struct walk *w, int above, const char *name)
{
    if (w->depth == DEPTH_MAX)
        return complain(w, name, "there are too many directories in one another");
    int descriptor = openat(above, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (descriptor < 0)
        return cannot(w, name);
    DIR *directory = fdopendir(descriptor);
    if (directory == NULL) {
        (void)close(descriptor);
        return cannot(w, name);
    }
    w->open[w->depth++] = directory;
    return true;
}

static bool is_self_or_above(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static bool count(struct walk *w, int directory, const char *name)
{
    struct stat st;
    if (is_self_or_above(name))
        return true;
    if (fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return cannot(w, name);
    w->size->files++;
    w->size->bytes += (uint64_t)st.st_blocks * BLOCK;
    return !S_ISDIR(st.st_mode) || st.st_dev != w->device || enter(w, directory, name);
}

static bool walk_on(struct walk *w)
{
    bool good = true;
    while (good && w->depth > 0 && w->size->files <= w->files_max) {
        DIR *directory = w->open[w->depth - 1];
        errno = 0;
        const struct dirent *entry = readdir(directory);
        if (entry != NULL) {
            good = count(w, dirfd(directory), entry->d_name);
            continue;
        }
        good = errno == 0 || complain(w, "a directory", strerror(errno));
        (void)closedir(directory);
        w->depth--;
    }
    return good;
}

bool state_size_add(struct state_size *size, const char *directory, uint64_t files_max, char why[STATE_WHY_MAX])
{
    struct walk w = {.size = size, .files_max = files_max, .why = why};
    struct stat st;
    if (stat(directory, &st) != 0)
        return cannot(&w, directory);
    w.device = st.st_dev;
    bool good = enter(&w, AT_FDCWD, directory) && walk_on(&w);
    while (w.depth > 0)
        (void)closedir(w.open[--w.depth]);
    return good;
}
