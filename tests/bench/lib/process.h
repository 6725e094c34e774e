/* process.h - what the kernel says about another process: its memory, what it wrote to disks, how it waited. */
#pragma once
#include <stdint.h>

/* Kilobytes, from /proc/PID/status. */
struct process_memory {
    uint64_t rss_kb;  /* VmRSS: everything resident */
    uint64_t anon_kb; /* RssAnon: heap, stacks, private written pages */
    uint64_t file_kb; /* RssFile: pages of mapped files; the kernel may take them back */
};

/* Zeros when the process is gone. */
struct process_memory process_memory_read(int pid);

/* Bytes that the process has had written to disks since it began; 0 when it is gone or is somebody else's. */
uint64_t process_written_bytes(int pid);

/* How long its first thread has been ready to run without a CPU since it began, nanoseconds; 0 when that is not known.
 */
uint64_t process_cpu_wait_ns(int pid);

/* Prints `"rss_kb":..,"rss_anon_kb":..,"rss_file_kb":..` with the prefix before each name, without braces. */
void process_memory_print(const char *prefix, struct process_memory memory);
