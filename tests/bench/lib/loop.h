/* loop.h - the load generator: some connections, a fixed number of requests outstanding on each.
 *
 * A closed loop: a new request is sent when a reply comes, so that the rate is what the server can do with that many
 * requests in flight. It has the closed loop's known weakness, coordinated omission: while the server stands still
 * nothing new is sent, and a stall shows as one slow round of outstanding requests and a lower rate rather than as the
 * latencies of all the requests an open stream of arrivals would have seen. Latencies are therefore for comparing two
 * servers under the same number in flight; the maximum and the rate tell of stalls.
 *
 * Lean by construction: one read for each readiness, one write for all the requests that the replies of that read made
 * room for, one clock reading for each of the two, no allocation after the start. One connection with one outstanding
 * request does without epoll: a blocking write, a blocking read. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "tests/bench/lib/histogram.h"
#include "tests/bench/lib/servers.h"

/* Where the requests come from. The functions are called by one thread. */
struct request_source {
    void *context;
    /* Writes the next request of this connection to `out` as a frame with this xid and returns its size, or 0 when
     * there are no more. */
    size_t (*next)(void *context, uint32_t connection, int32_t xid, uint8_t *out);
    size_t frame_max; /* most bytes that `next` writes */
    size_t reply_min; /* least bytes of a reply without error: a shorter one is no answer to what was asked */
};

struct loop_plan {
    const struct servers *servers; /* connections are spread over them; their processes' CPU time is taken */
    uint32_t connections;
    uint32_t outstanding; /* on each connection */
    bool without_session; /* the peer is an echo server: no handshake, no closeSession */
    uint64_t warmup_ns;   /* served before anything counts */
    uint64_t measure_ns;  /* 0: until the source has no more; no warm-up then */
};

struct loop_result {
    uint64_t ops; /* replies in the measured time */
    uint64_t errors;
    int32_t first_error; /* the error code of the first reply that had one */
    uint64_t elapsed_ns;
    uint64_t server_cpu_ns;
    uint64_t client_cpu_ns; /* of the thread that ran the loop */
    struct histogram latency;
};

/* Lets the measurement that runs end as if its time were up. For a signal's handler. */
void loop_end_early(void);

/* Opens the connections, runs the plan, closes them. `result` is overwritten. May be called from several threads with
 * different arguments. Dies when a connection is lost, a reply is out of order or nothing comes for a minute. */
void loop_run(const struct loop_plan *plan, const struct request_source *source, struct loop_result *result);

/* Prints `"ops":..,"ops_per_s":..,"errors":..`, latencies and CPU per operation, without braces. */
void loop_result_print(const struct loop_result *result);
