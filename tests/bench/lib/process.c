/* process.c - status, io and schedstat of /proc/PID. */
#include "tests/bench/lib/process.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One line of a file of /proc: the number behind the name goes to `value`. */
struct field {
    const char *name;
    uint64_t *value;
};

static void read_fields(int pid, const char *file, const struct field *fields, uint32_t count)
{
    char path[64], line[256];
    (void)snprintf(path, sizeof path, "/proc/%d/%s", pid, file);
    FILE *proc = fopen(path, "re");
    if (proc == NULL)
        return;
    while (fgets(line, sizeof line, proc) != NULL) {
        for (uint32_t i = 0; i < count; i++) {
            size_t size = strlen(fields[i].name);
            if (strncmp(line, fields[i].name, size) == 0)
                *fields[i].value = strtoull(line + size, NULL, 10);
        }
    }
    (void)fclose(proc);
}

struct process_memory process_memory_read(int pid)
{
    struct process_memory memory = {0};
    const struct field fields[] = {
        {"VmRSS:", &memory.rss_kb},
        {"RssAnon:", &memory.anon_kb},
        {"RssFile:", &memory.file_kb},
    };
    read_fields(pid, "status", fields, sizeof fields / sizeof fields[0]);
    return memory;
}

uint64_t process_written_bytes(int pid)
{
    uint64_t bytes = 0;
    const struct field field = {"write_bytes:", &bytes};
    read_fields(pid, "io", &field, 1);
    return bytes;
}

/* schedstat: time on a CPU, time in its queue, turns. */
uint64_t process_cpu_wait_ns(int pid)
{
    char path[64], text[128];
    (void)snprintf(path, sizeof path, "/proc/%d/schedstat", pid);
    FILE *proc = fopen(path, "re");
    if (proc == NULL)
        return 0;
    char *second = fgets(text, sizeof text, proc) == NULL ? NULL : strchr(text, ' ');
    (void)fclose(proc);
    return second == NULL ? 0 : strtoull(second, NULL, 10);
}

void process_memory_print(const char *prefix, struct process_memory memory)
{
    (void)printf("\"%srss_kb\":%" PRIu64 ",\"%srss_anon_kb\":%" PRIu64 ",\"%srss_file_kb\":%" PRIu64, prefix,
                 memory.rss_kb, prefix, memory.anon_kb, prefix, memory.file_kb);
}
