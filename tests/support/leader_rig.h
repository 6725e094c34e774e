/* leader_rig.h - one leader, with a disk and learners that are nothing but numbers.
 *
 * Runs the machine of core/zab by its door alone. What it does is written down as zab_text.h has it, one line for each
 * effect; the texts of configurations are left out. The disk does nothing until leader_rig_disk.
 *
 * Whatever the learners send, the rig checks after each step, by a count of its own: no epoch was announced before it
 * was on the disk, nobody was told that the leader serves before a quorum had acknowledged NEWLEADER, nothing was
 * committed without a quorum that has it on its disks or out of order, and each learner has got its proposals without a
 * gap and no commit without the proposal. */
#pragma once

#include "core/members/quorum.h"
#include "core/zab/zab.h"

enum { LEADER_RIG_LINKS = 64, LEADER_RIG_TXNS = 4096 };

struct leader_rig_setup {
    int64_t sid;                                 /* 0: 3 */
    int64_t zxid, accepted_epoch, current_epoch; /* what is loaded */
    bool reconfig_enabled;
    int64_t zxid_counter_max; /* 0: much */
    uint32_t committed_count_max;
    uint32_t syncs_max;               /* of observers at one time; 0: as many as by default */
    const char *config;               /* NULL: servers 1 to 3 and observer 9 */
    void (*around_step)(bool begins); /* may make it run out of memory; NULL: it must not */
};

struct leader_rig_link {
    bool is_open, is_follower, is_fed, has_adopted; /* NEWLEADER was acknowledged */
    int64_t sid;
    int64_t queued_zxid;                /* last PROPOSAL or INFORM, or where the sync began */
    bool is_synced;                     /* NEWLEADER was sent */
    uint8_t acked[LEADER_RIG_TXNS / 8]; /* by counter of the leader's epoch */
};

struct leader_rig {
    struct zab *z;
    struct zab_output out;
    struct members *config; /* the same, for the rig's own counts */
    struct members *committed, *former, *pending;
    int64_t proposed_zxid, joint_until; /* up to there both of the former and the committed one count */
    int64_t sid;
    int64_t now_ms, wake_ms;
    int64_t round;                                  /* of its last notification */
    struct leader_rig_link links[LEADER_RIG_LINKS]; /* link N is that at N - 1 */
    uint64_t link_count;

    struct zab_effect asked[LEADER_RIG_TXNS]; /* of the disk, and not done */
    size_t asked_count;
    int64_t accepted_epoch, current_epoch, log_zxid; /* on the disk */

    int64_t epoch;                     /* of its last LEADERINFO */
    int64_t adopted[LEADER_RIG_LINKS]; /* who has acknowledged NEWLEADER in this epoch */
    size_t adopted_count;
    bool is_served; /* NEWLEADER had its quorum */
    int64_t committed_zxid;
    bool is_leading, has_left;
    bool is_out_of_memory; /* then nothing happens any more */
    void (*around_step)(bool begins);
    struct buffer said; /* since it was last looked at */
    struct buffer sent[LEADER_RIG_LINKS];
};

/* Up to the moment when it has been elected; what it did for that is not written down. */
void leader_rig_start(struct leader_rig *r, const struct leader_rig_setup *setup);
void leader_rig_stop(struct leader_rig *r);

/* After it has left: drains the disk, loads it and elects it again; unless it is not to vote any more, or was told to
 * follow another: then it is of no more use, and false is returned. */
bool leader_rig_return(struct leader_rig *r);

/* What was written down since the last call; valid until the next event. */
const char *leader_rig_said(struct leader_rig *r);

uint64_t leader_rig_accept(struct leader_rig *r);
void leader_rig_closed(struct leader_rig *r, uint64_t link);
void leader_rig_packet(struct leader_rig *r, uint64_t link, const struct packet *packet);
void leader_rig_plain(struct leader_rig *r, uint64_t link, int32_t type, int64_t zxid);
void leader_rig_info(struct leader_rig *r, uint64_t link, int32_t type, int64_t sid, int64_t accepted_epoch,
                     int64_t config_version);
void leader_rig_ack_epoch(struct leader_rig *r, uint64_t link, int64_t zxid, int32_t epoch);
void leader_rig_snapshot_sent(struct leader_rig *r, uint64_t link);
void leader_rig_looking(struct leader_rig *r, int64_t sid);

/* The next txn, whatever its number. */
void leader_rig_propose(struct leader_rig *r, struct bytes entry);

/* A txn that changes the configuration to these lines, unless one is pending. */
void leader_rig_reconfig(struct leader_rig *r, const char *lines);

/* In steps as they are asked for. */
void leader_rig_pass_time(struct leader_rig *r, int64_t ms);

/* The oldest `count` things that were asked of the disk, or all that there are, happen; each is told. */
void leader_rig_disk(struct leader_rig *r, size_t count);
