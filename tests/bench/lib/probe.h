/* probe.h - somebody who asks all the time: how long does the server not answer?
 *
 * A thread of its own pings one session, a ping as soon as the last is answered and a short pause over, and notes the
 * gap between two answers. Runs with real-time priority where the system allows it, so that a gap is the server's and
 * not the prober's own wait for a CPU. */
#pragma once
#include <netinet/in.h>
#include <stdbool.h>

#include "tests/bench/lib/histogram.h"

struct probe;

/* Nanoseconds. */
struct probe_gaps {
    struct histogram all;
    struct histogram running; /* without the waits of the server's first thread for a CPU */
};

/* Dies when the session cannot be opened. Ended by probe_stop. */
struct probe *probe_start(const struct sockaddr_in *endpoint, int server_pid);

/* Copies the gaps since the start or the last call and begins anew. Safe while the thread runs. */
void probe_take(struct probe *probe, struct probe_gaps *gaps);

/* Whether the thread got real-time priority. */
bool probe_is_realtime(const struct probe *probe);

/* Ends the thread and its session, frees the probe. */
void probe_stop(struct probe *probe);
