/* join_client.h - asks a member of an ensemble, over its client port, who the members are.
 *
 * Those that are given are asked one after another until one has an answer. Nothing waits for ever: each has the same
 * time, its name's look-up included. Loop thread only. */
#pragma once

#include "agent/join/join_answer.h"

#include <sys/socket.h>

struct join_client; /* opaque */
struct streams;
struct tls;

/* From the loop, once. `answer` NULL: `why` says for each that was asked why it had none, a line each. */
typedef void join_done_fn(void *context, const struct join_answer *answer, const char *why);

/* The seeds are copied. `streams` are those of the loop, and stay the caller's. `tls` (TLS_AS_CLIENT) is for those that
 * want it, and stays the caller's; NULL: there are none. `timeout_ms`: for each. ST_NO_MEMORY. */
enum status join_client_start(struct join_client **out, struct streams *streams, const struct tls *tls,
                              const struct join_seed *seeds, size_t count, int32_t timeout_ms, join_done_fn *done,
                              void *context);
