/* marks.h - what a run has been through: rare states are only tested when they come about, so they are counted. */
#pragma once

#include <stdint.h>

struct world;

#define SIM_MARKS(MARK)                                                              \
    MARK(DIFF, "DIFF sent")                                                          \
    MARK(TRUNC, "TRUNC sent")                                                        \
    MARK(SNAP, "SNAP sent")                                                          \
    MARK(LOG_READ, "log read for a learner")                                         \
    MARK(TRUNCATED, "log cut")                                                       \
    MARK(TRUNCATION_REFUSED, "cut refused")                                          \
    MARK(SNAPSHOT_TAKEN, "snapshot taken")                                           \
    MARK(SNAPSHOT_FUZZY, "with txns beyond its label")                               \
    MARK(SNAPSHOT_KEPT, "snapshot kept")                                             \
    MARK(SNAPSHOT_REFUSED, "snapshot without room")                                  \
    MARK(EPOCH_RAISED, "currentEpoch raised to that of the log")                     \
    MARK(WRITES_LOST, "crash with writes that were not done")                        \
    MARK(DISK_LOST, "disk lost with all data")                                       \
    MARK(ESTABLISHED, "leader established")                                          \
    MARK(ESTABLISHED_LATE, "in an epoch older than another's")                       \
    MARK(INHERITED, "with txns that no leader had committed")                        \
    MARK(ROLLED_OVER, "epoch out of zxids")                                          \
    MARK(RENEWED, "new epoch without an election")                                   \
    MARK(PROMISE_TOO_HIGH, "step down for a member that promised more")              \
    MARK(PROMISED_BEFORE, "ACKEPOCH of one that had promised before")                \
    MARK(OBSERVED_FOLLOWER, "observer at a follower")                                \
    MARK(RECONFIGURED, "members changed")                                            \
    MARK(BEYOND_HELP, "ended without a leader, for a disk was lost that was needed") \
    MARK(LOCAL_ANSWER, "local session closed, or refused an ephemeral")              \
    MARK(SESSION_UPGRADED, "local session made the ensemble's")                      \
    MARK(READ_ONLY, "read without a leader")                                         \
    MARK(READ_ONLY_COMPARED, "by what was committed")                                \
    MARK(SESSION_EXPIRED, "session expired")                                         \
    MARK(SESSION_MOVED, "session taken up again")                                    \
    MARK(SESSION_REFUSED, "told that its session has expired")                       \
    MARK(REFUSED_BY_PAST, "by a leader of the past")                                 \
    MARK(WATCH_FIRED, "watch event")                                                 \
    MARK(WATCH_MISSED, "event missed while away")

enum sim_mark {
#define MARK(name, text) MARK_##name,
    SIM_MARKS(MARK)
#undef MARK
        MARK_COUNT
};

extern const char *const mark_names[MARK_COUNT];

/* Counts it. */
void mark(struct world *w, enum sim_mark mark);
