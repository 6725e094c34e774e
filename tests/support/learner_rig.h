/* learner_rig.h - one follower or observer, with a disk and a leader that are nothing but numbers.
 *
 * Runs the machine of core/zab by its door alone. What it does is written down, one word after another:
 *
 *   connect 2, hold, go, close, take 1:0         of links; a zxid is epoch:counter, both in hexadecimal
 *   > ACK 1:5                                    sent to the leader; > ACKEPOCH 1:5 -1 with the epoch
 *   log 1:5, accepted 2, current 2, truncate 1:5, keep 1:0, last-seen, config, committed 1:5
 *   pass PING, role broadcast, say, leave
 *
 * The disk does nothing until learner_rig_disk. Whatever the leader does, the rig checks after each step that nothing
 * was acknowledged, promised or announced that is not on the disk, and that txns are committed in order. */
#pragma once

#include "core/zab/zab.h"

enum { LEARNER_RIG_LOG_MAX = 4096 };

struct learner_rig_setup {
    bool observer, reconfig_enabled;
    int64_t zxid, accepted_epoch, current_epoch; /* what is loaded */
    size_t log_count;                            /* so many txns are in the log, the others in the snapshot before it */
    uint64_t pending_bytes_max;                  /* 0: much */
    void (*around_step)(bool begins);            /* NULL: nothing is done there */
    int64_t sid;                                 /* 0: 1, or 9 when observing */
    int64_t leader;                              /* 0: 2, or 3 for server 2 */
    int64_t config_version;                      /* of the configuration: servers 1 to 3 and observer 9 */
    const char *config;                          /* NULL: that one */
};

/* What a power cut leaves. The log is given by its zxids. */
struct learner_rig_disk {
    int64_t accepted_epoch, current_epoch;
    int64_t base, log[LEARNER_RIG_LOG_MAX];
    size_t count;
};

struct learner_rig {
    struct zab *z;
    struct zab_output out;
    int64_t now_ms, sid, leader;
    uint64_t link, last_link;
    bool is_held, is_streaming, has_left;
    bool refuse_truncate;
    struct learner_rig_disk disk;
    struct zab_effect asked[LEARNER_RIG_LOG_MAX]; /* of the disk, and not done */
    size_t asked_count;
    int64_t epoch;      /* the leader's last LEADERINFO */
    bool has_adopted;   /* NEWLEADER was acknowledged on this link */
    int64_t tree_zxid;  /* last committed */
    int64_t taken_zxid; /* of the last snapshot that came */
    struct buffer said; /* since it was last looked at */
    struct buffer sent; /* the packets, likewise */
    char why[256];      /* of the last leave */
    int64_t wake_ms;
    void (*around_step)(bool begins); /* NULL: nothing is done there */
    bool is_out_of_memory;            /* a step said so: nothing more is fed */
};

/* Up to the moment when a connection was asked for. */
void learner_rig_start(struct learner_rig *r, const struct learner_rig_setup *setup);
void learner_rig_stop(struct learner_rig *r);

/* What was written down since the last call; valid until the next event. */
const char *learner_rig_said(struct learner_rig *r);

void learner_rig_connected(struct learner_rig *r);
void learner_rig_closed(struct learner_rig *r);
void learner_rig_packet(struct learner_rig *r, const struct packet *packet);
void learner_rig_plain(struct learner_rig *r, int32_t type, int64_t zxid);
void learner_rig_data(struct learner_rig *r, int32_t type, int64_t zxid, struct bytes data);
void learner_rig_snapshot_taken(struct learner_rig *r);
void learner_rig_snapshot_part(struct learner_rig *r);
void learner_rig_pass_time(struct learner_rig *r, int64_t ms);

/* The oldest `count` things that were asked of the disk, or all that there are, happen; each is told. */
void learner_rig_disk(struct learner_rig *r, size_t count);

/* After a leave: drains the disk, loads it, and finds the same leader again. False: a change of the configuration has
 * put an end to that. */
bool learner_rig_return(struct learner_rig *r);
