/* rate.c - see rate.h. */
#include "tests/bench/lib/rate.h"

#include <stdio.h>

#include "tests/bench/lib/clock.h"

static uint64_t server_cpu_ns(const struct rate *r)
{
    return r->server == 0 ? 0 : clock_cpu_ns(r->server);
}

void rate_start(struct rate *r, uint64_t server, double warmup, double seconds)
{
    *r = (struct rate){.server = (int)server, .counted_from = clock_ns() + (uint64_t)(warmup * NS_PER_S)};
    r->end = r->counted_from + (uint64_t)(seconds * NS_PER_S);
}

bool rate_count(struct rate *r, uint64_t done, uint64_t now_ns)
{
    r->last = now_ns;
    if (r->begin != 0) {
        r->count += done;
    } else if (now_ns >= r->counted_from) {
        r->begin = now_ns;
        r->client_cpu_ns = clock_cpu_ns(0);
        r->server_cpu_ns = server_cpu_ns(r);
    }
    if (now_ns < r->end)
        return true;
    r->client_cpu_ns = clock_cpu_ns(0) - r->client_cpu_ns;
    r->server_cpu_ns = server_cpu_ns(r) - r->server_cpu_ns;
    return false;
}

void rate_print(const struct rate *r)
{
    double ops = r->count > 0 ? (double)r->count : 1;
    (void)printf("\"ops_per_s\":%.1f,\"client_cpu_us_per_op\":%.3f,\"server_cpu_us_per_op\":%.3f",
                 (double)r->count * NS_PER_S / (double)(r->last - r->begin), (double)r->client_cpu_ns / NS_PER_US / ops,
                 (double)r->server_cpu_ns / NS_PER_US / ops);
}
