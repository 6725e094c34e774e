/* rate.h - how many operations a closed loop makes in a second, and what CPU they take of it and of the server. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct rate {
    int server; /* a process; 0: none */
    uint64_t counted_from, end, begin, last, count, client_cpu_ns, server_cpu_ns;
};

/* Counts for `seconds`, after a time to get going; the numbers mean nothing before. */
void rate_start(struct rate *r, uint64_t server, double warmup, double seconds);

/* So many are done at `now`. False: the time is over. */
bool rate_count(struct rate *r, uint64_t done, uint64_t now_ns);

/* What is counted from now on is within the measured time. */
static inline bool rate_has_begun(const struct rate *r)
{
    return r->begin != 0;
}

/* Prints `"ops_per_s":..,"client_cpu_us_per_op":..,"server_cpu_us_per_op":..` without braces. */
void rate_print(const struct rate *r);
