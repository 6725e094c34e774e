/* observer_master.c - see observer_master.h. The rules for links and syncs are those of a leader (learners.c); there is
 * no quorum to wait for. */
#include "core/zab/observer_master.h"

#include "core/base/mem.h"
#include "core/zab/learners.h"
#include "core/zab/request.h"

#include <inttypes.h>

struct observer_master {
    struct learners learners;
    int64_t renews_at;        /* observers hear of the new epoch when this txn is committed; 0: nothing is due */
    int64_t beat_ms;          /* next time for pings and for looking who is silent: every half tick */
    struct capabilities told; /* the leader knows that all observers here can do this; or that there are none */
    struct buffer scratch;
};

/* -- capabilities ----------------------------------------------------------------------------------------------------
 */

/* What takes every observer that is there is the leader's to know; it hears of these from here alone. */
static void tell_leader(struct zab *z, struct observer_master *om)
{
    const struct roster nobody = {0};
    struct capabilities all = z->options.can;
    struct buffer data = {0};
    struct writer w = writer_to(&data);
    LIST_FOR_EACH(at, &om->learners.all)
    {
        for (size_t i = 0; i < CAPABILITY_COUNT && PEER(at)->stage != PEER_NEW; i++)
            if (capability_needs_observers((enum capability)i) && PEER(at)->can.of[i] == 0)
                all.of[i] = 0;
    }
    if (!learner_follows_agent(z->learner) || capabilities_equal(&all, &om->told))
        return;
    om->told = all;
    agreement_encode(&w, &all, &nobody);
    if (zab_ok(z, w.status))
        zab_send(z, learner_link(z->learner),
                 &(struct packet){.type = PACKET_CAPABILITIES, .data = buffer_bytes(&data)});
    buffer_free(&data);
}

void observer_master_tell_capabilities(struct zab *z, struct observer_master *om)
{
    learners_tell_capabilities(z, &om->learners);
}

/* -- the handshake --------------------------------------------------------------------------------------------------
 */

/* NULL: it may come in. */
static const char *why_unwanted(const struct zab *z, const struct learner_info *info, int64_t accepted)
{
    if (info->protocol_version < QUORUM_PROTOCOL_VERSION)
        return "speaks a protocol of before 3.4";
    if (info->sid == z->options.sid)
        return "has the number of this server";
    if (info->config_version > z->committed->version)
        return "has a newer configuration than this server";
    if (accepted > z->current_epoch)
        return "has accepted a later epoch than this server's";
    return NULL;
}

static const struct observer_master *master_of(const struct peer *p)
{
    return (const struct observer_master *)(const void *)p->of; /* its first member */
}

static void on_observer_info(struct zab *z, struct peer *p, const struct packet *packet)
{
    struct learner_info info;
    if (learner_info_decode(packet->data, &info) != ST_OK) {
        peer_drop(z, p, "did not say who it is");
        return;
    }
    const char *why = why_unwanted(z, &info, ZXID_EPOCH(packet->zxid));
    if (why != NULL) {
        peer_drop(z, p, "%s (%" PRId64 ")", why, info.sid);
        return;
    }
    if (!peer_take_record(z, p, info.tail))
        return;
    learners_drop_older(z, p->of, info.sid);
    p->stage = PEER_KNOWN;
    p->sid = info.sid;
    p->observer = true;
    p->deadline_ms = INT64_MAX;
    if (master_of(p)->renews_at == 0)
        peer_send_leader_info(z, p, z->current_epoch);
}

/* What it promises is the leader's business, and nobody's at an observer. */
static void on_ack_epoch(struct zab *z, struct peer *p, const struct packet *packet)
{
    int32_t epoch;
    if (ack_epoch_decode(packet->data, &epoch) != ST_OK || epoch < -1) {
        peer_drop(z, p, "acknowledged no epoch");
        return;
    }
    p->stage = PEER_PROMISED;
    p->loaded_zxid = packet->zxid;
    p->deadline_ms = INT64_MAX;
    learners_sync(z, p);
}

static void on_ack(struct zab *z, struct peer *p, const struct packet *packet)
{
    if (!learners_sync_acked(p, packet->zxid, z->current_epoch))
        return;
    learners_end_sync(p);
    peer_serve(z, p);
    learners_sync_waiting(z, p->of);
}

static const struct peer_packet_row packet_rows[] = {
    [PACKET_OBSERVERINFO] = {PEER_NEW, on_observer_info}, [PACKET_ACKEPOCH] = {PEER_ASKED, on_ack_epoch},
    [PACKET_ACK] = {PEER_SYNCING | PEER_SERVING, on_ack}, [PACKET_PING] = {PEER_SERVING, peer_pass},
    [PACKET_REQUEST] = {PEER_SERVING, peer_pass},         [PACKET_REVALIDATE] = {PEER_SERVING, peer_pass},
};

/* -- events ---------------------------------------------------------------------------------------------------------
 */

static bool on_packet(struct zab *z, struct observer_master *om, const struct zab_event *event)
{
    struct peer *p = learners_get(&om->learners, event->link);
    if (p == NULL)
        return false;
    const bool is_new = p->stage == PEER_NEW;
    peer_packet(z, p, packet_rows, ARRAY_LEN(packet_rows), event->packet);
    if (is_new)
        tell_leader(z, om);
    return true;
}

static bool on_closed(struct zab *z, struct observer_master *om, const struct zab_event *event)
{
    struct peer *p = learners_get(&om->learners, event->link);
    if (p == NULL)
        return false;
    learners_remove(p);
    learners_sync_waiting(z, &om->learners);
    tell_leader(z, om);
    return true;
}

bool observer_master_takes(struct zab *z, struct observer_master *om, const struct zab_event *event)
{
    switch (event->kind) {
    case ZAB_LINK_ACCEPTED: learners_accept(z, &om->learners, event->link); return true;
    case ZAB_LINK_PACKET: return on_packet(z, om, event);
    case ZAB_LINK_CLOSED: return on_closed(z, om, event);
    case ZAB_SNAPSHOT_SENT: learners_snapshot_sent(z, &om->learners, event->link); return true;
    case ZAB_LOG_FOUND:
    case ZAB_LOG_RECORD:
    case ZAB_LOG_READ:
    case ZAB_LOG_REFUSED: learners_log_event(z, &om->learners, event); return true;
    default: return false;
    }
}

void observer_master_mind_the_time(struct zab *z, struct observer_master *om)
{
    if (z->now_ms >= om->beat_ms) {
        om->beat_ms = z->now_ms + (z->options.tick_ms + 1) / 2;
        learners_drop_overdue(z, &om->learners);
        tell_leader(z, om);
        learners_sync_waiting(z, &om->learners);
        learners_ping(z, &om->learners, z->committed_zxid);
    }
    zab_wake_at(z, om->beat_ms);
}

/* -- what is committed -----------------------------------------------------------------------------------------------
 */

static enum status write_inform(struct buffer *to, const struct entry *e, const struct packet *commit)
{
    struct buffer data = {0};
    struct writer w = writer_to(to), data_w = writer_to(&data);
    struct packet inform = {.type = PACKET_INFORM, .zxid = e->zxid, .data = entry_bytes(e)};
    int64_t designated_leader;
    if (commit->type == PACKET_COMMIT_AND_ACTIVATE &&
        designated_leader_decode(commit->data, &designated_leader) == ST_OK) {
        activated_entry_encode(&data_w, designated_leader, entry_bytes(e));
        inform.type = PACKET_INFORM_AND_ACTIVATE;
        inform.data = buffer_bytes(&data);
    }
    if (data_w.status == ST_OK)
        packet_encode(&w, &inform);
    buffer_free(&data);
    return data_w.status == ST_OK ? w.status : data_w.status;
}

void observer_master_inform(struct zab *z, struct observer_master *om, const struct entry *e,
                            const struct packet *commit)
{
    enum status st = om->learners.fed == 0 ? ST_OK : write_inform(&om->scratch, e, commit);
    if (zab_ok(z, st))
        learners_feed(z, &om->learners, buffer_bytes(&om->scratch), e->zxid);
    om->scratch.len = 0;
}

void observer_master_committed(struct zab *z, struct observer_master *om)
{
    if (om->renews_at != 0 && z->committed_zxid >= om->renews_at) {
        om->renews_at = 0;
        learners_renewed(z, &om->learners, z->current_epoch);
    }
    if (om->learners.ahead_zxid != 0 && z->committed_zxid >= om->learners.ahead_zxid)
        learners_sync_waiting(z, &om->learners);
}

void observer_master_renew(struct zab *z, struct observer_master *om, int64_t last_zxid)
{
    learners_drop_unserved(z, &om->learners);
    tell_leader(z, om);
    om->renews_at = last_zxid;
    observer_master_committed(z, om);
}

/* -- its life --------------------------------------------------------------------------------------------------------
 */

struct observer_master *observer_master_new(struct zab *z)
{
    struct observer_master *om = mem_calloc(1, sizeof *om);
    if (om == NULL) {
        zab_ok(z, ST_NO_MEMORY);
        return NULL;
    }
    learners_init(&om->learners);
    om->beat_ms = z->now_ms + (z->options.tick_ms + 1) / 2;
    om->told = z->options.can;
    zab_emit(z, ZAB_LISTEN_OBSERVERS);
    return om;
}

void observer_master_free(struct observer_master *om)
{
    if (om == NULL)
        return;
    learners_free(&om->learners);
    buffer_free(&om->scratch);
    mem_free(om);
}

const struct learners *observer_master_learners(const struct observer_master *om)
{
    return om == NULL ? NULL : &om->learners;
}
