/* process.h - what the system tells of processes. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A descriptor that becomes readable when the process ends; -1: errno says why there is none. */
int process_open(int64_t pid);
bool process_has_ended(int descriptor);

/* Field 22 of /proc/PID/stat, clock ticks since the system's start; 0: not known. */
int64_t process_start_time(int64_t pid);

/* Is it another one than was meant? NULL: no. `start_time` 0 and `executable` NULL are not looked at; an executable is
 * a path, or a name without a folder. */
const char *process_differs(int64_t pid, int64_t start_time, const char *executable, char *why, size_t size);

/* The number in a pid file; -1: `problem` says why there is none. */
int64_t process_read_pid(const char *path, const char **problem, char *why, size_t size);
