/* environment.c - asks the kernel and the user database. */
#include "agent/base/environment.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PASSWD_BYTES = 4096 };

static const char unknown[] = "<NA>";

static void copy(char *to, size_t size, const char *from)
{
    (void)snprintf(to, size, "%s", from);
}

static void look_up_user(struct environment *e)
{
    struct passwd entry, *found = NULL;
    char text[PASSWD_BYTES];
    copy(e->user_name, sizeof e->user_name, unknown);
    copy(e->user_home, sizeof e->user_home, unknown);
    if (getpwuid_r(getuid(), &entry, text, sizeof text, &found) != 0 || found == NULL)
        return;
    copy(e->user_name, sizeof e->user_name, found->pw_name);
    copy(e->user_home, sizeof e->user_home, found->pw_dir);
}

void environment_look(struct environment *e)
{
    memset(e, 0, sizeof *e);
    if (uname(&e->system) != 0) {
        copy(e->system.sysname, sizeof e->system.sysname, unknown);
        copy(e->system.machine, sizeof e->system.machine, unknown);
        copy(e->system.release, sizeof e->system.release, unknown);
    }
    if (gethostname(e->host, sizeof e->host - 1) != 0)
        copy(e->host, sizeof e->host, unknown);
    if (getcwd(e->directory, sizeof e->directory) == NULL)
        copy(e->directory, sizeof e->directory, unknown);
    look_up_user(e);
}
