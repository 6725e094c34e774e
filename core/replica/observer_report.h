/* observer_report.h - the observers that this member feeds, for the admin server's `observers`.
 *
 * Snapshots of numbers; nothing here formats. Call from the loop thread only. */
#pragma once

#include "core/replica/replica.h"

struct replica_observer {
    int64_t sid;
    uint64_t link;
    int64_t established_ms;                             /* wall clock: when its link came in */
    uint64_t packets_received, requests, packets_given; /* since then, or the last reset; given: to its link */
    uint64_t packet_bytes;                              /* of those that it was given, on average; 0: none was */
    int64_t last_zxid;                                  /* of what it was sent */
};

/* The next one of a leader, or of a follower that takes observers; `*at` is NULL before the first. False: there are no
 * more. Nothing may be stepped meanwhile. */
bool replica_observer_next(const struct replica *r, const void **at, struct replica_observer *observer);

/* How many of those it was given wait, when so many bytes do: as many as have the average size. */
uint64_t replica_observer_queued(const struct replica_observer *observer, size_t unsent);

/* What `orst` resets: the packets and requests of each of them. */
void replica_reset_observer_stats(struct replica *r);
