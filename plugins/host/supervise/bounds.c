/* bounds.c - resource limits of a process of plugins. A hard limit cannot be raised by what it runs later. */
#include "plugins/host/supervise/bounds.h"

#include <sys/resource.h>

/* Resident memory is the limit that the supervisor watches; this one stops what grows faster than it looks. Stacks of
 * threads and what is mapped without being used count here, so there is room for them. */
enum { DATA_ROOM_MB = 128, DATA_FACTOR = 2 };

static uint32_t greater(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

struct plugin_limits bounds_of(const struct plugin_config *const *plugins, size_t count)
{
    struct plugin_limits all = plugins[0]->limits;
    for (size_t i = 1; i < count; i++) {
        const struct plugin_limits *one = &plugins[i]->limits;
        all.memory_mb += one->memory_mb;
        all.cpu_percent += one->cpu_percent;
        all.log_lines += one->log_lines;
        all.descriptors += one->descriptors;
        all.processes += one->processes;
        all.state_mb += one->state_mb;
        all.state_files += one->state_files;
        all.cpu_window_ms = greater(all.cpu_window_ms, one->cpu_window_ms);
        all.watchdog_ms = greater(all.watchdog_ms, one->watchdog_ms);
        all.start_ms = greater(all.start_ms, one->start_ms);
        all.stop_ms = greater(all.stop_ms, one->stop_ms);
        all.log_flood_s = greater(all.log_flood_s, one->log_flood_s);
        all.file_mb = greater(all.file_mb, one->file_mb);
    }
    return all;
}

static bool set(int resource, uint64_t value)
{
    struct rlimit before, limit = {.rlim_cur = value, .rlim_max = value};
    if (getrlimit((__rlimit_resource_t)resource, &before) != 0)
        return false;
    if (before.rlim_max < limit.rlim_max)
        limit.rlim_cur = limit.rlim_max = before.rlim_max; /* what it is given is less than it may have */
    return setrlimit((__rlimit_resource_t)resource, &limit) == 0;
}

bool bounds_set(const struct plugin_limits *limits)
{
    const uint64_t mb = 1024 * 1024;
    bool good = set(RLIMIT_FSIZE, limits->file_mb * mb) && set(RLIMIT_NOFILE, limits->descriptors) &&
                set(RLIMIT_CORE, 0);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* their shadow counts as data */
    good = good && set(RLIMIT_DATA, ((uint64_t)DATA_FACTOR * limits->memory_mb + DATA_ROOM_MB) * mb);
#endif
    return good;
}
