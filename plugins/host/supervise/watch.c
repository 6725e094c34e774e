/* watch.c - what the supervisor looks at every now and then: heartbeats, memory, processor, log, times to start and
 * stop. What goes beyond its limits is killed with the reason. */
#include "plugins/host/supervise/supervise.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

static void read_memory(struct process *p)
{
    char text[256];
    if (read_file(p->pid, "statm", text, sizeof text))
        p->memory_kb = field(text, 1) * ((uint64_t)sysconf(_SC_PAGESIZE) / 1024);
}

/* User and system time stand behind the name, which may hold anything but ends with the last ')'. */
static bool read_cpu(const struct process *p, uint64_t *ms)
{
    char text[1024];
    const char *behind = read_file(p->pid, "stat", text, sizeof text) ? strrchr(text, ')') : NULL;
    if (behind == NULL)
        return false;
    *ms = (field(behind, 12) + field(behind, 13)) * 1000 / (uint64_t)sysconf(_SC_CLK_TCK);
    return true;
}

static void watch_memory(struct process *p)
{
    read_memory(p);
    if (p->memory_kb > (uint64_t)p->limits.memory_mb * 1024)
        process_kill(p, "it has taken %" PRIu64 " MB of memory, more than %u (limits.memory_mb)", p->memory_kb / 1024,
                     p->limits.memory_mb);
}

static void watch_cpu(struct process *p, uint64_t now)
{
    uint64_t ms, over = now - p->cpu_at_ms;
    if (over < p->limits.cpu_window_ms || !read_cpu(p, &ms))
        return;
    p->cpu_percent = (uint32_t)((ms - p->cpu_ms) * 100 / over);
    p->cpu_ms = ms;
    p->cpu_at_ms = now;
    if (p->cpu_percent > p->limits.cpu_percent)
        process_kill(p, "it has used %u %% of a processor for %u ms, more than %u (limits.cpu_percent)", p->cpu_percent,
                     p->limits.cpu_window_ms, p->limits.cpu_percent);
}

/* What it said while this process was not running is heard before the next look. */
static void watch_heartbeat(struct process *p, uint64_t now)
{
    if (now - p->beat_ms <= p->limits.watchdog_ms)
        return;
    if (!p->suspect)
        p->suspect = true;
    else if (p->flow.flooded_s > 0 || p->log_paused)
        process_kill(p, "it floods its log (limits.log_lines)");
    else
        process_kill(p, "it hangs: a call has not returned within %u ms (limits.watchdog_ms)", p->limits.watchdog_ms);
}

static void watch_log(struct unit *unit, struct process *p, uint64_t now)
{
    log_second(unit, &p->flow, now);
    if (p->flow.dropped == 0)
        process_resume_log(p);
    if (p->flow.flooded_s >= p->limits.log_flood_s)
        process_kill(p, "it floods its log: more than %u lines a second for %u s (limits.log_lines, log_flood_s)",
                     p->limits.log_lines, p->limits.log_flood_s);
}

static void watch_times(const struct unit *unit, struct process *p, uint64_t now)
{
    bool starts = p == unit->coming || (p == unit->current && unit->state == UNIT_STARTING);
    if (p->stop_at_ms != 0 && now >= p->stop_at_ms)
        process_kill(p, "it did not end within %u ms (limits.stop_ms)", p->limits.stop_ms);
    else if (p->stop_at_ms == 0 && starts && now - p->started_ms > p->limits.start_ms)
        process_kill(p, "it was not ready within %u ms (limits.start_ms)", p->limits.start_ms);
}

void watch_unit(struct unit *unit)
{
    struct process *const processes[] = {unit->current, unit->coming, unit->leaving};
    uint64_t now = supervisor_now_ms();
    for (size_t i = 0; i < COUNT_OF(processes); i++) {
        struct process *p = processes[i];
        if (p == NULL || p->ended)
            continue;
        watch_memory(p);
        watch_cpu(p, now);
        watch_log(unit, p, now);
        watch_times(unit, p, now);
        watch_heartbeat(p, now);
    }
}
