/* ensemble_report.c - reads the ZAB machine; what words and metrics of a member say. Names and texts as Apache's 3.8.0
 * has them. */
#include "agent/admin/ensemble_report.h"

#include "agent/peers/peers.h"
#include "core/members/quorum.h"
#include "core/zab/zab_text.h"

#include <inttypes.h>

enum { ELECTION_ALG = 3 };

static void count_learners(const struct zab *z, struct ensemble_report *report)
{
    report->learners = zab_learner_count(z);
    struct zab_learner_report learner;
    const void *at = NULL;
    while (zab_learner_next(z, &at, &learner)) {
        report->followers += !learner.observer;
        report->synced_followers += !learner.observer && learner.synced;
        report->synced_observers += learner.observer && learner.synced;
        report->synced_non_voting_followers += !learner.observer && learner.synced &&
                                               !members_is_voter(report->members, learner.sid);
    }
}

void ensemble_report(const struct overview *o, struct ensemble_report *report)
{
    const struct zab *z = o->replica == NULL ? NULL : replica_zab(o->replica);
    *report = (struct ensemble_report){.is_ensemble = z != NULL, .zab = z};
    if (z == NULL)
        return;
    report->is_read_only = replica_service(o->replica) == SERVICE_READ_ONLY;
    report->role = zab_role(z);
    report->phase = zab_phase(z);
    report->sid = o->settings->server_id;
    report->epoch = zab_epoch(z);
    report->last_committed = zab_last_committed(z);
    report->leader = zab_leader(z);
    report->members = zab_committed(z);
    report->own_member = members_find(report->members, report->sid);
    report->leader_member = report->leader < 0 ? NULL : members_find(report->members, report->leader);
    report->is_voter = members_is_voter(report->members, report->sid);
    if (report->role == ZAB_LEADING || report->role == ZAB_FOLLOWING)
        count_learners(z, report);
}

const char *ensemble_report_mode(const struct ensemble_report *report)
{
    static const char *const modes[] = {
        [ZAB_LOOKING] = "looking",
        [ZAB_FOLLOWING] = "follower",
        [ZAB_LEADING] = "leader",
        [ZAB_OBSERVING] = "observer",
    };
    if (report->is_read_only)
        return "read-only";
    return report->is_ensemble ? modes[report->role] : "standalone";
}

void ensemble_report_state(const struct ensemble_report *report, char text[ENSEMBLE_STATE_SIZE])
{
    if (report->phase == ZAB_ELECTION)
        snprintf(text, ENSEMBLE_STATE_SIZE, "%s", zab_role_name(report->role));
    else
        snprintf(text, ENSEMBLE_STATE_SIZE, "%s - %s", zab_role_name(report->role), zab_phase_name(report->phase));
}

/* What is on among agents, with its values. */
static void add_capabilities(const struct zab *z, struct report *r)
{
    struct buffer text = {0};
    enum status st = zab_print_capabilities(zab_capabilities(z), &text);
    if (st == ST_OK)
        st = buffer_append(&text, "", 1);
    if (st == ST_OK)
        report_text(r, "zooid_capabilities", (const char *)text.data + 1);
    else
        r->status = st;
    buffer_free(&text);
}

void ensemble_report_add_texts(const struct overview *o, struct report *r)
{
    struct ensemble_report report;
    char text[ENSEMBLE_STATE_SIZE];
    ensemble_report(o, &report);
    report_text(r, "server_state", ensemble_report_mode(&report));
    if (!report.is_ensemble)
        return;
    ensemble_report_state(&report, text);
    report_text(r, "peer_state", text);
    add_capabilities(report.zab, r);
    if (report.role != ZAB_OBSERVING)
        return;
    snprintf(text, sizeof text, "%" PRId64, zab_learner_master(report.zab));
    report_text(r, "observer_master_id", text);
}

#define GAUGE(name, field, help) report_gauge(r, name, (int64_t)(field), help)

static void add_leader(const struct overview *o, const struct ensemble_report *report, struct report *r)
{
    int64_t now_us = (int64_t)(uv_hrtime() / 1000);
    GAUGE("learners", report->learners, "Learners connected");
    GAUGE("followers", report->followers, "Followers connected");
    GAUGE("synced_followers", report->synced_followers, "Followers that are in step");
    GAUGE("synced_non_voting_followers", report->synced_non_voting_followers, "Those of them that have no vote");
    struct replica_status status;
    replica_status(o->replica, &status);
    GAUGE("last_proposal_size", status.proposal_bytes_last, "Bytes of the last transaction proposed");
    GAUGE("min_proposal_size", status.proposal_bytes_min, "Bytes of the smallest one");
    GAUGE("max_proposal_size", status.proposal_bytes_max, "Bytes of the largest one");
    GAUGE("pending_syncs", status.pending_syncs, "Learners' syncs that wait for a commit");
    if (o->serving_us > 0)
        GAUGE("leader_uptime", (now_us - o->serving_us) / 1000, "Time since it leads, milliseconds");
}

static void add_links(const struct peers *peers, struct report *r)
{
    struct peers_status status;
    peers_status(peers, &status);
    GAUGE("zooid_election_connections", status.connected, "Servers connected on the election port");
    GAUGE("zooid_election_strangers", status.strangers, "Servers known there that are in no configuration");
    GAUGE("zooid_server_newcomers", status.newcomers, "Connections that have not shown which server they are");
    GAUGE("zooid_quorum_links", status.links, "Connections on the quorum port");
    report_counter(r, "zooid_quorum_links_overrun", (int64_t)status.links_closed,
                   "Connections closed because too much waited to be sent");
}

void ensemble_report_add_gauges(const struct overview *o, struct report *r)
{
    struct ensemble_report report;
    ensemble_report(o, &report);
    if (!report.is_ensemble)
        return;
    GAUGE("quorum_size", report.members->voters, "Servers that vote");
    if (report.role == ZAB_LEADING)
        add_leader(o, &report, r);
    if (report.role == ZAB_LEADING || report.role == ZAB_FOLLOWING)
        GAUGE("synced_observers", report.synced_observers, "Observers of this server that are in step");
    GAUGE("zooid_server_id", report.sid, "Number of this server");
    GAUGE("zooid_leader_id", report.leader, "Number of the leader, -1 when it is not known");
    GAUGE("zooid_epoch", report.epoch, "Epoch that this server has agreed to");
    GAUGE("zooid_last_committed_zxid", report.last_committed, "Last transaction known to be committed");
    GAUGE("zooid_config_version", report.members->version, "Version of the committed configuration");
    if (o->peers != NULL)
        add_links(o->peers, r);
}

/* -- conf --------------------------------------------------------------------------------------------------------- */

/* All addresses of a server usually have the same ports; otherwise they stand side by side. */
static enum status write_ports(const struct member *member, const char *key, bool quorum, struct buffer *text)
{
    enum status st = buffer_printf(text, "%s=", key);
    for (size_t i = 0; member != NULL && i < member->address_count && st == ST_OK; i++) {
        const struct member_address *a = &member->addresses[i];
        st = buffer_printf(text, "%s%u", i == 0 ? "" : "|", (unsigned)(quorum ? a->quorum_port : a->election_port));
    }
    return st == ST_OK ? buffer_printf(text, "\n") : st;
}

/* While it looks for a leader its role does not say. */
static bool is_observer(const struct overview *o, const struct ensemble_report *report)
{
    return report->role == ZAB_OBSERVING || (report->is_read_only && o->settings->peer_type == PEER_TYPE_OBSERVER);
}

enum status ensemble_report_conf(const struct overview *o, struct buffer *text)
{
    struct ensemble_report report;
    ensemble_report(o, &report);
    if (!report.is_ensemble)
        return ST_OK;
    enum status st = buffer_printf(text, "initLimit=%" PRId32 "\nsyncLimit=%" PRId32 "\nelectionAlg=%d\n",
                                   o->settings->init_limit, o->settings->sync_limit, ELECTION_ALG);
    if (st == ST_OK)
        st = write_ports(report.own_member, "electionPort", false, text);
    if (st == ST_OK)
        st = write_ports(report.own_member, "quorumPort", true, text);
    if (st == ST_OK)
        st = buffer_printf(text, "peerType=%d\n", is_observer(o, &report) ? 1 : 0);
    if (st != ST_OK || report.is_read_only)
        return st;
    st = buffer_printf(text, "membership: \n");
    return st == ST_OK ? members_print(report.members, text) : st;
}
