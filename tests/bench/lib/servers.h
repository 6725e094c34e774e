/* servers.h - the servers that a program talks to: where they listen, and which processes they are.
 *
 * One server, or the members of an ensemble. The two lists need not match: a load on one member may want the CPU time
 * of all. */
#pragma once
#include <netinet/in.h>
#include <stdint.h>

#include "tests/bench/lib/process.h"

enum { SERVERS_MAX = 16 };

struct servers {
    uint32_t count;
    struct sockaddr_in endpoints[SERVERS_MAX];
    uint32_t process_count;
    int pids[SERVERS_MAX];
};

/* `endpoints` is "host:port,port,...", `pids` "1,2,..." or NULL for none. Dies on anything else. */
struct servers servers_parse(const char *endpoints, const char *pids);

/* Which of them the connection with this number goes to: they are taken in turn. */
const struct sockaddr_in *servers_endpoint(const struct servers *servers, uint32_t connection);

/* Sums over the processes; 0 without any. Nanoseconds. */
uint64_t servers_cpu_ns(const struct servers *servers);
struct process_memory servers_memory(const struct servers *servers);
