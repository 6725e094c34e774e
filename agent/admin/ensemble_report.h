/* ensemble_report.h - this server's place in its ensemble as values, for words, commands and metrics.
 *
 * Taken from the ZAB machine at the moment of asking. Loop thread only. */
#pragma once

#include "agent/admin/overview.h"
#include "agent/base/report.h"
#include "core/members/members.h"
#include "core/zab/zab.h"

struct ensemble_report {
    bool is_ensemble;  /* false: the rest is zero, this server runs alone */
    bool is_read_only; /* looking for a leader, and serving readers meanwhile */
    const struct zab *zab;
    enum zab_role role;
    enum zab_phase phase;
    int64_t sid, epoch, last_committed;
    int64_t leader;                                  /* -1: not known */
    const struct members *members;                   /* the committed configuration */
    const struct member *own_member, *leader_member; /* NULL: not in it, not known */
    bool is_voter;                                   /* of that configuration */
    size_t learners;                                 /* of a leader, and so below */
    size_t followers, synced_followers;              /* that do not observe, whether they vote or not */
    size_t synced_non_voting_followers, synced_observers;
};

void ensemble_report(const struct overview *o, struct ensemble_report *report);

/* "standalone", "leader", "follower", "observer", "read-only" as srvr and mntr have it; "looking" when it is none of
 * them. */
const char *ensemble_report_mode(const struct ensemble_report *report);

/* "leading - broadcast", as zk_peer_state; an election has no second part. */
enum { ENSEMBLE_STATE_SIZE = 64 };
void ensemble_report_state(const struct ensemble_report *report, char text[ENSEMBLE_STATE_SIZE]);

/* Adds ZooKeeper's values of a member (client-protocol 11.3), and our own of its links; nothing when it runs alone. */
void ensemble_report_add_texts(const struct overview *o, struct report *r);
void ensemble_report_add_gauges(const struct overview *o, struct report *r);

/* What `conf` adds for a member: limits, ports, membership. Nothing when it runs alone. Errors are the buffer's. */
enum status ensemble_report_conf(const struct overview *o, struct buffer *text);
