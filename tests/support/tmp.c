/* tmp.c - see tmp.h. */
#include "tests/support/tmp.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* A test without its directory has nothing to say. */
static void give_up(const char *what)
{
    perror(what);
    exit(1);
}

char *tmp_join(const char *path, const char *name)
{
    char *joined = NULL;
    if (asprintf(&joined, "%s/%s", path, name) < 0)
        give_up("tmp_join");
    return joined;
}

char *tmp_make(void)
{
    const char *parent = getenv("TMPDIR");
    char *path = tmp_join(parent != NULL ? parent : "/tmp", "zooid-XXXXXX");
    if (mkdtemp(path) == NULL)
        give_up(path);
    return path;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

void tmp_remove(char *path)
{
    if (nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS) != 0)
        give_up(path);
    free(path);
}
