/* family.c - processes below another one: the kernel lists the children of each thread. */
#include "plugins/host/supervise/family.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PIDS_FIRST = 16 };

/* -- who belongs to it ------------------------------------------------------------------------------------------------
 */

static bool add(struct family *family, int pid)
{
    if (family->count == family->cap) {
        size_t cap = family->cap == 0 ? PIDS_FIRST : 2 * family->cap;
        int *pids = realloc(family->pids, cap * sizeof *pids);
        if (pids == NULL)
            return false;
        family->pids = pids;
        family->cap = cap;
    }
    family->pids[family->count++] = pid;
    return true;
}

static bool add_children_of_thread(struct family *family, int pid, const char *thread, size_t most)
{
    char name[320];
    bool good = true;
    int child;
    (void)snprintf(name, sizeof name, "/proc/%d/task/%s/children", pid, thread);
    FILE *children = fopen(name, "re");
    if (children == NULL)
        return true;                                                            /* it has ended */
    while (good && family->count < most && fscanf(children, "%d", &child) == 1) /* NOLINT(cert-err34-c): the kernel's */
        good = add(family, child);
    (void)fclose(children);
    return good;
}

static bool add_children(struct family *family, int pid, size_t most)
{
    char name[64];
    bool good = true;
    const struct dirent *thread;
    (void)snprintf(name, sizeof name, "/proc/%d/task", pid);
    DIR *threads = opendir(name);
    if (threads == NULL)
        return true;
    while (good && (thread = readdir(threads)) != NULL)
        if (thread->d_name[0] != '.')
            good = add_children_of_thread(family, pid, thread->d_name, most);
    (void)closedir(threads);
    return good;
}

bool family_list(struct family *family, int pid, size_t most)
{
    family->count = 0;
    bool good = add(family, pid);
    for (size_t i = 0; good && i < family->count && family->count < most; i++)
        good = add_children(family, family->pids[i], most);
    return good;
}

void family_free(struct family *family)
{
    free(family->pids);
    *family = (struct family){0};
}

/* -- what they take ---------------------------------------------------------------------------------------------------
 */

static bool read_file(int pid, const char *name, char *text, size_t size)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    size_t len = fread(text, 1, size - 1, file);
    (void)fclose(file);
    text[len] = '\0';
    return len > 0;
}

/* The number in that field of those that blanks divide, the first being 0. */
static uint64_t field(const char *text, int index)
{
    for (; index > 0 && text != NULL; index--)
        text = strchr(text + 1, ' ');
    return text == NULL ? 0 : strtoull(text, NULL, 10);
}

static uint64_t resident_kb(int pid)
{
    char text[256];
    if (!read_file(pid, "statm", text, sizeof text))
        return 0;
    return field(text, 1) * ((uint64_t)sysconf(_SC_PAGESIZE) / 1024);
}

static uint64_t divided_kb(int pid)
{
    char text[4096];
    const char *line = read_file(pid, "smaps_rollup", text, sizeof text) ? strstr(text, "\nPss:") : NULL;
    return line == NULL ? resident_kb(pid) : strtoull(line + strlen("\nPss:"), NULL, 10);
}

/* Times of itself and of its children stand behind the name, which may hold anything but ends with the last ')'. */
static uint64_t cpu_ms(int pid)
{
    enum { USER = 12, SYSTEM, CHILDREN_USER, CHILDREN_SYSTEM };
    char text[1024];
    const char *behind = read_file(pid, "stat", text, sizeof text) ? strrchr(text, ')') : NULL;
    if (behind == NULL)
        return 0;
    uint64_t ticks = field(behind, USER) + field(behind, SYSTEM) + field(behind, CHILDREN_USER) +
                     field(behind, CHILDREN_SYSTEM);
    return ticks * 1000 / (uint64_t)sysconf(_SC_CLK_TCK);
}

static uint64_t sum(const struct family *family, uint64_t (*of)(int pid))
{
    uint64_t all = 0;
    for (size_t i = 0; i < family->count; i++)
        all += of(family->pids[i]);
    return all;
}

uint64_t family_resident_kb(const struct family *family)
{
    return sum(family, resident_kb);
}

uint64_t family_divided_kb(const struct family *family)
{
    return sum(family, divided_kb);
}

uint64_t family_cpu_ms(const struct family *family)
{
    return sum(family, cpu_ms);
}
