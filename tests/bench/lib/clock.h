/* clock.h - the one clock of the measurements, and how a program of the benchmark gives up.
 *
 * A benchmark has nobody to report an error to but the person who started it: die() prints one line on
 * standard error and ends the process with exit code 1; die_errno() adds what errno says. */
#pragma once
#include <stdint.h>

enum { NS_PER_US = 1000, NS_PER_MS = 1000000, NS_PER_S = 1000000000 };

/* Monotonic, nanoseconds. */
uint64_t clock_ns(void);

/* CPU time of a process with all its threads, dead ones included: user and system, nanoseconds.
 * pid 0 is the calling process. Taken from the process's CPU clock, which is finer than the ticks of
 * /proc/PID/stat. Returns 0 when the process is gone. */
uint64_t clock_cpu_ns(int pid);

__attribute__((noreturn, format(printf, 1, 2))) void die(const char *format, ...);
__attribute__((noreturn, format(printf, 1, 2))) void die_errno(const char *format, ...);

/* calloc that dies: the programs allocate at start only. */
void *need_memory(uint64_t count, uint64_t size);
