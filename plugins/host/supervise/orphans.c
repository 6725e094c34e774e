/* orphans.c - processes that became ours: the kernel lists a process's children. */
#include "plugins/host/supervise/orphans.h"

#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

void orphans_adopt(void)
{
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); /* without it they are init's, as everywhere */
}

unsigned orphans_clear(bool (*is_ours)(void *context, int pid), void *context, bool kill_them)
{
    char name[64];
    unsigned killed = 0;
    int pid;
    (void)snprintf(name, sizeof name, "/proc/self/task/%d/children", (int)getpid());
    FILE *children = fopen(name, "re");
    if (children == NULL)
        return 0;
    while (fscanf(children, "%d", &pid) == 1) { /* NOLINT(cert-err34-c): the kernel writes numbers */
        if (is_ours(context, pid) || waitpid(pid, NULL, WNOHANG) != 0)
            continue;
        if (kill_them && kill(pid, SIGKILL) == 0)
            killed++;
    }
    (void)fclose(children);
    return killed;
}
