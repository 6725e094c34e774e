/* watch.c - what the supervisor looks at every now and then: heartbeats, log, times to start and stop, and of a process
 * and all that it has started memory and processor. What goes beyond its limits is killed with the reason. */
#include "plugins/host/supervise/supervise.h"

#include <inttypes.h>

/* Two sums in a row that differ by no more than that part of the time they are about were not taken while a process
 * of the family ended, whose time would count twice, or not at all. */
enum { SUMS_MAX = 4, STEADY_PART = 20 };

static void list_family(struct process *p)
{
    (void)family_list(&p->family, p->pid, (size_t)p->limits.processes + 1); /* short of memory: those that fit */
}

static void watch_processes(struct process *p)
{
    list_family(p);
    if (p->family.count > p->limits.processes)
        process_kill(p, "it runs more than %u processes (limits.processes)", p->limits.processes);
}

/* The exact figure takes longer; so it is asked for only when it counts. */
static void watch_memory(struct process *p)
{
    const uint64_t most_kb = (uint64_t)p->limits.memory_mb * 1024;
    p->memory_kb = family_resident_kb(&p->family);
    if (p->memory_kb > most_kb)
        p->memory_kb = family_divided_kb(&p->family);
    if (p->memory_kb > most_kb)
        process_kill(p, "it has taken %" PRIu64 " MB of memory, more than %u (limits.memory_mb), processes: %zu",
                     p->memory_kb / 1024, p->limits.memory_mb, p->family.count);
}

static bool read_cpu(struct process *p, uint64_t tolerance_ms, uint64_t *ms)
{
    uint64_t before = family_cpu_ms(&p->family);
    for (int i = 1; i < SUMS_MAX; i++) {
        list_family(p);
        *ms = family_cpu_ms(&p->family);
        if ((*ms > before ? *ms - before : before - *ms) <= tolerance_ms)
            return true;
        before = *ms;
    }
    return false;
}

/* Of processes that nobody waited for nothing is left to see: there may be less than before. */
static void watch_cpu(struct process *p, uint64_t now)
{
    uint64_t ms, over = now - p->cpu_at_ms;
    if (over < p->limits.cpu_window_ms || !read_cpu(p, over / STEADY_PART, &ms))
        return;
    p->cpu_percent = ms < p->cpu_ms ? 0 : (uint32_t)((ms - p->cpu_ms) * 100 / over);
    p->cpu_ms = ms;
    p->cpu_at_ms = now;
    if (p->cpu_percent > p->limits.cpu_percent)
        process_kill(p, "it has used %u %% of a processor for %u ms, more than %u (limits.cpu_percent), processes: %zu",
                     p->cpu_percent, p->limits.cpu_window_ms, p->limits.cpu_percent, p->family.count);
}

/* What it said while this process was not running is heard before the next look. */
static void watch_heartbeat(struct process *p, uint64_t now)
{
    bool ends = p->stop_at_ms != 0; /* which has a time of its own */
    if (ends || now - p->beat_ms <= p->limits.watchdog_ms)
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
        watch_processes(p);
        watch_memory(p);
        watch_cpu(p, now);
        watch_log(unit, p, now);
        watch_times(unit, p, now);
        watch_heartbeat(p, now);
    }
    watch_state(unit, now);
}
