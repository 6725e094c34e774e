/* snapshot_room.h - links on which a snapshot or the log goes out: which of them may send the next piece. One may when
 * little is unsent on it; and while clients write, all of them together keep to a rate, so that the CPUs, the network
 * and the disk at its other end are there for the writes. Loop thread only. */
#pragma once

#include "core/base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

enum { SNAPSHOT_ROOM_TURN = 64 }; /* links that go on in one turn of the loop */

#define PACE_RATE_MAX UINT64_C(1000000000000)

/* So many bytes a second, in small bursts. Times in microseconds of any one clock. */
struct pace {
    uint64_t rate;       /* at most PACE_RATE_MAX; 0: no limit */
    uint64_t rate_least; /* it is no slower than that: who catches up would never get there */
    int64_t allowance;   /* bytes; below 0 when more has gone out */
    int64_t at_us;       /* when it was counted */
    uint64_t written;    /* in all, some time ago: then */
    int64_t written_us;
};

/* So many bytes were written to the log so far, which each of so many have to be sent as well. */
void pace_heed(struct pace *p, uint64_t written, size_t links, int64_t now_us);

/* Microseconds until the next piece may go; 0: now. */
int64_t pace_wait_us(struct pace *p, int64_t now_us);
void pace_spend(struct pace *p, size_t bytes);

struct snapshot_room {
    uint64_t *links; /* as many as wait: leader.maxConcurrentSnapSyncs bounds observers, zooid.maxLinks all */
    size_t count, cap;
    struct pace pace;
    uint64_t written;   /* to the log, in all */
    int64_t written_us; /* when it was seen to be that */
    uv_timer_t timer;
    void (*turn)(void *context); /* has snapshot_room_take called again, in the loop's next turn */
    void (*closed)(void *context);
    void *context;
};

/* `rate`: bytes a second; 0: no limit. */
void snapshot_room_open(struct snapshot_room *room, uv_loop_t *loop, uint64_t rate, void (*turn)(void *context),
                        void *context);

/* ST_NO_MEMORY. A link stands there once for each time that it was added. */
enum status snapshot_room_want(struct snapshot_room *room, uint64_t link);
void snapshot_room_forget(struct snapshot_room *room, uint64_t link);
void snapshot_room_forget_all(struct snapshot_room *room);

/* Takes out those that may go on, for snapshot_room_spend; returns their number. `has_room`: whether little is unsent
 * on a link; the others wait for the next call, those that are one too many for this turn in front. `written`: bytes
 * to the log so far, which tell whether clients write, and how much. */
size_t snapshot_room_take(struct snapshot_room *room, uint64_t written, bool (*has_room)(void *context, uint64_t link),
                          uint64_t links[SNAPSHOT_ROOM_TURN]);

/* One of them has sent so much. */
void snapshot_room_spend(struct snapshot_room *room, size_t bytes);

/* Frees what it has, and calls `closed` from the loop. */
void snapshot_room_close(struct snapshot_room *room, void (*closed)(void *context));
