/* zab.c - see zab.h. */
#include "tests/sim/checks/zab.h"

#include "core/base/check.h"
#include "core/base/mem.h"
#include "core/members/quorum.h"
#include "core/zab/notification.h"
#include "tests/sim/checks/members.h"
#include "tests/sim/ensemble.h"
#include "tests/sim/machine.h"
#include "tests/sim/mutants.h"

#include <inttypes.h>

#define ZXID      "0x%" PRIx64
#define HEX(zxid) ((uint64_t)(zxid))

static int64_t epoch_of(int64_t zxid)
{
    return (int64_t)((uint64_t)zxid >> 32);
}

static uint32_t counter_of(int64_t zxid)
{
    return (uint32_t)((uint64_t)zxid & 0xffffffffu);
}

/* -- what clients asked for ---------------------------------------------------------------------------------------- */

void check_proposed(struct world *w, const struct server *m, struct txn_ref txn, struct members *config)
{
    const struct proposal *other = map64_get(&w->proposals, (uint64_t)txn.zxid);
    if (other != NULL) {
        world_fail(w, "zxid used twice: " ZXID ", by %" PRId64 " and by %" PRId64, HEX(txn.zxid), other->sid, m->sid);
        members_free(config);
        return;
    }
    struct proposal *p = mem_calloc(1, sizeof *p);
    CHECK(p != NULL);
    *p = (struct proposal){.txn = txn, .sid = m->sid, .config = config};
    CHECK(map64_put(&w->proposals, (uint64_t)txn.zxid, p) == ST_OK);
}

/* Integrity: the txn is what a client asked for, under the zxid that it was given. */
static struct proposal *proposal_of(struct world *w, const struct server *m, struct txn_ref txn, const char *what)
{
    struct proposal *p = map64_get(&w->proposals, (uint64_t)txn.zxid);
    if (p != NULL && p->txn.id == txn.id)
        return p;
    world_fail(w, "integrity: member %" PRId64 " %s " ZXID " as no client asked for it", m->sid, what, HEX(txn.zxid));
    return NULL;
}

/* -- what is committed ----------------------------------------------------------------------------------------------
 */

static bool follows(const struct history *h, int64_t zxid)
{
    int64_t last = history_last(h);
    if (epoch_of(zxid) == epoch_of(last))
        return zxid == last + 1;
    return epoch_of(zxid) > epoch_of(last) && counter_of(zxid) == 1;
}

/* The next committed txn of all. */
static void commit(struct world *w, const struct server *m, struct txn_ref txn)
{
    struct proposal *p = proposal_of(w, m, txn, "commits");
    if (p == NULL)
        return;
    if (!follows(&w->committed, txn.zxid))
        world_fail(w, "primary order: member %" PRId64 " commits " ZXID " behind " ZXID, m->sid, HEX(txn.zxid),
                   HEX(history_last(&w->committed)));
    if (!mutant_by_outcome(w) && !members_hold(w, txn, p->config))
        world_fail(w, "durable: member %" PRId64 " commits " ZXID ", which no quorum has on its disks", m->sid,
                   HEX(txn.zxid));
    p->committed = true;
    history_append(&w->committed, txn);
    if (p->config != NULL)
        members_change(w, p->config);
    if (w->machine->committed != NULL && !w->failed)
        w->machine->committed(w, m, txn);
}

/* Total order and agreement, for what a member has come to hold since it serves clients. */
static void agree(struct world *w, struct server *m)
{
    for (; m->agreed < m->tree.count && !w->failed; m->agreed++) {
        struct txn_ref txn = m->tree.items[m->agreed];
        if (m->agreed == w->committed.count && m->role == ZAB_LEADING)
            commit(w, m, txn);
        else if (m->agreed >= w->committed.count)
            world_fail(w, "agreement: member %" PRId64 " holds " ZXID ", which no leader has committed", m->sid,
                       HEX(txn.zxid));
        else if (w->committed.items[m->agreed].zxid != txn.zxid || w->committed.items[m->agreed].id != txn.id)
            world_fail(w, "total order: member %" PRId64 " holds " ZXID " where " ZXID " was committed", m->sid,
                       HEX(txn.zxid), HEX(w->committed.items[m->agreed].zxid));
    }
}

void check_committed(struct world *w, struct server *m, struct txn_ref txn)
{
    if (proposal_of(w, m, txn, "delivers") == NULL)
        return;
    if (mutant_is(w, MUTANT_COMMIT_SKIPPED) && world_chance(w, 64))
        return;
    if (!history_apply(&m->tree, txn))
        world_fail(w, "member %" PRId64 " delivers " ZXID " to a tree at " ZXID, m->sid, HEX(txn.zxid),
                   HEX(m->tree.label));
    else if (m->phase == ZAB_BROADCAST)
        agree(w, m);
}

/* -- roles ----------------------------------------------------------------------------------------------------------
 */

/* Everything that the leader holds, and the epoch, lie on the disks of a quorum. */
static bool quorum_is_synced(const struct world *w, const struct server *leader)
{
    struct quorum q = quorum_of(w->config, members_newer(w, leader));
    for (unsigned i = 0; i < w->count; i++) {
        const struct disk *d = &w->servers[i].disk;
        bool all = d->current_epoch >= leader->epoch;
        for (size_t k = 0; all && k < leader->tree.count; k++)
            all = disk_has(d, leader->tree.items[k]);
        all = all || w->servers[i].lost_disk;
        if (all)
            (void)quorum_add(&q, w->servers[i].sid);
    }
    return quorum_reached(&q);
}

static void established(struct world *w, struct server *m)
{
    struct server *other = map64_get(&w->established, (uint64_t)m->epoch);
    if (other != NULL)
        world_fail(w, "two leaders for epoch %" PRId64 ": %" PRId64 " and %" PRId64, m->epoch, other->sid, m->sid);
    else
        CHECK(map64_put(&w->established, (uint64_t)m->epoch, m) == ST_OK);
    /* Acknowledgements may be late: who is established when a later epoch already is has everything of the first
     * history of that one, and will commit nothing of its own. */
    const bool newest = m->epoch > w->newest_epoch;
    if (newest)
        w->newest_epoch = m->epoch;
    mark(w, newest ? MARK_ESTABLISHED : MARK_ESTABLISHED_LATE);
    if (newest && m->tree.count > w->committed.count)
        mark(w, MARK_INHERITED);
    size_t common = history_common(&w->committed, &m->tree);
    if (common < w->committed.count && (newest || common < m->tree.count))
        world_fail(w, "lost: member %" PRId64 " leads epoch %" PRId64 " without " ZXID ", which was committed", m->sid,
                   m->epoch, HEX(w->committed.items[common].zxid));
    else if (!mutant_by_outcome(w) && !quorum_is_synced(w, m))
        world_fail(w, "durable: member %" PRId64 " leads epoch %" PRId64 " before a quorum is synchronized", m->sid,
                   m->epoch);
}

/* The same leader goes on in a later epoch: that is nobody else's, and nothing is missing that was committed. */
static void renewed(struct world *w, struct server *m)
{
    struct server *other = map64_get(&w->established, (uint64_t)m->epoch);
    mark(w, MARK_RENEWED);
    if (other != NULL)
        world_fail(w, "two leaders for epoch %" PRId64 ": %" PRId64 " and %" PRId64, m->epoch, other->sid, m->sid);
    else
        CHECK(map64_put(&w->established, (uint64_t)m->epoch, m) == ST_OK);
    if (m->epoch < w->newest_epoch)
        return;
    w->newest_epoch = m->epoch;
    if (history_common(&w->committed, &m->tree) < w->committed.count)
        world_fail(w, "lost: member %" PRId64 " goes on in epoch %" PRId64 " without what was committed", m->sid,
                   m->epoch);
    else if (!mutant_by_outcome(w) && !quorum_is_synced(w, m))
        world_fail(w, "durable: member %" PRId64 " goes on in epoch %" PRId64 " before a quorum does", m->sid,
                   m->epoch);
}

/* Who leads with a configuration that was pending brings it into force, even when its txn never came to any log. */
void check_leads(struct world *w, struct server *m)
{
    if (map64_get(&w->established, (uint64_t)m->epoch) == m)
        return;
    established(w, m);
    while (!w->failed && w->committed.count < m->tree.count)
        commit(w, m, m->tree.items[w->committed.count]);
    if (members_newer(w, m) != NULL && m->epoch == w->newest_epoch)
        members_change(w, members_newer(w, m));
}

void check_role(struct world *w, struct server *m, enum zab_role role, enum zab_phase phase, int64_t epoch)
{
    bool enters = phase == ZAB_BROADCAST && m->phase != ZAB_BROADCAST;
    bool renews = phase == ZAB_BROADCAST && !enters && epoch != m->epoch;
    m->role = role;
    m->phase = phase;
    m->epoch = epoch;
    if (renews && role == ZAB_LEADING)
        renewed(w, m);
    if (!enters)
        return;
    if (m->epoch > m->disk.current_epoch && !mutant_by_outcome(w))
        world_fail(w, "durable: member %" PRId64 " serves in epoch %" PRId64 ", and its disk does not know", m->sid,
                   m->epoch);
    m->lost_disk = false;
    if (m->role == ZAB_LEADING)
        check_leads(w, m);
    m->agreed = 0;
    agree(w, m);
}

/* -- what is told to others -----------------------------------------------------------------------------------------
 */

static void check_ack(struct world *w, const struct server *m, int64_t zxid)
{
    if (counter_of(zxid) == 0) {
        if (m->disk.current_epoch < epoch_of(zxid))
            world_fail(w, "durable: member %" PRId64 " acknowledges epoch %" PRId64 " before it is on its disk", m->sid,
                       epoch_of(zxid));
        return;
    }
    const struct proposal *p = map64_get(&w->proposals, (uint64_t)zxid);
    bool behind_base = zxid <= m->disk.base.label;
    if (p == NULL || (!behind_base && !disk_has(&m->disk, p->txn)))
        world_fail(w, "durable: member %" PRId64 " acknowledges " ZXID ", which is not on its disk", m->sid, HEX(zxid));
}

static void check_ack_epoch(struct world *w, const struct server *m, const struct packet *packet)
{
    struct reader reader = reader_of(packet->data);
    int64_t current = read_i32(&reader);
    if (current == -1)
        mark(w, MARK_PROMISED_BEFORE);
    if (m->disk.accepted_epoch < m->told_epoch)
        world_fail(w, "durable: member %" PRId64 " accepts epoch %" PRId64 " before it is on its disk", m->sid,
                   m->told_epoch);
    if (current > m->disk.current_epoch)
        world_fail(w, "durable: member %" PRId64 " claims epoch %" PRId64 ", its disk says %" PRId64, m->sid, current,
                   m->disk.current_epoch);
    if (packet->zxid > disk_zxid(&m->disk))
        world_fail(w, "durable: member %" PRId64 " claims " ZXID ", its disk ends at " ZXID, m->sid, HEX(packet->zxid),
                   HEX(disk_zxid(&m->disk)));
}

static void mark_sync(struct world *w, const struct packet *packet)
{
    if (packet->type == PACKET_DIFF)
        mark(w, MARK_DIFF);
    else if (packet->type == PACKET_TRUNC)
        mark(w, MARK_TRUNC);
    else if (packet->type == PACKET_SNAP)
        mark(w, MARK_SNAP);
}

void check_sent(struct world *w, const struct server *m, bool leads, const struct packet *packet)
{
    mark_sync(w, packet);
    if (mutant_by_outcome(w))
        return;
    if (leads && packet->type == PACKET_LEADERINFO && m->disk.accepted_epoch < epoch_of(packet->zxid))
        world_fail(w, "durable: member %" PRId64 " announces epoch %" PRId64 " before it is on its disk", m->sid,
                   epoch_of(packet->zxid));
    if (!leads && packet->type == PACKET_ACK)
        check_ack(w, m, packet->zxid);
    if (!leads && packet->type == PACKET_ACKEPOCH)
        check_ack_epoch(w, m, packet);
    if (packet->type == PACKET_FOLLOWERINFO && epoch_of(packet->zxid) > m->disk.accepted_epoch)
        world_fail(w, "durable: member %" PRId64 " says that it accepted epoch %" PRId64, m->sid,
                   epoch_of(packet->zxid));
}

void check_notified(struct world *w, struct server *m, struct bytes bytes)
{
    struct notification n;
    if (notification_decode(bytes, &n) != ST_OK) {
        world_fail(w, "member %" PRId64 " sends what is no notification", m->sid);
        return;
    }
    /* Later it may take over what others, for whom its former life still counts, say about it. */
    const bool claims = m->claims;
    m->claims = false;
    if (n.state != SERVER_LOOKING || n.vote.leader != m->sid || !claims || mutant_by_outcome(w))
        return;
    if (n.vote.zxid > disk_zxid(&m->disk) || n.vote.peer_epoch > m->disk.current_epoch)
        world_fail(w, "durable: member %" PRId64 " votes for itself with epoch %" PRId64 " and " ZXID, m->sid,
                   n.vote.peer_epoch, HEX(n.vote.zxid));
}

/* -- disks ----------------------------------------------------------------------------------------------------------
 */

void check_cut(struct world *w, const struct server *m, const struct history *before)
{
    if (mutant_by_outcome(w))
        return;
    for (size_t i = 0; i < before->count; i++) {
        struct txn_ref txn = before->items[i];
        if (!disk_has(&m->disk, txn) && history_has(&w->committed, txn) && !members_hold(w, txn, NULL))
            world_fail(w, "lost: member %" PRId64 " takes " ZXID " off its disk, and committed it is no more", m->sid,
                       HEX(txn.zxid));
    }
}

void check_logged(struct world *w, const struct server *m, struct txn_ref txn)
{
    const struct disk *d = &m->disk;
    int64_t last = disk_zxid(d);
    if (d->replacing)
        last = d->next_log.count > 0 ? history_last(&d->next_log) : d->next_base.label;
    if (txn.zxid <= last)
        world_fail(w, "member %" PRId64 " logs " ZXID " behind " ZXID, m->sid, HEX(txn.zxid), HEX(last));
    const struct proposal *p = proposal_of(w, m, txn, "logs");
    if (p != NULL)
        members_check_known(w, m, p);
}

/* -- the end --------------------------------------------------------------------------------------------------------
 */

void check_end(struct world *w)
{
    for (unsigned i = 0; i < w->count; i++) {
        const struct server *m = &w->servers[i];
        if (!ensemble_has(w, m))
            continue;
        if (!members_same_content(zab_committed(w->machine->zab(m)), w->config))
            world_fail(w, "member %" PRId64 " has another configuration at the end", m->sid);
        if (m->tree.count != w->committed.count || history_common(&m->tree, &w->committed) != m->tree.count)
            world_fail(w, "member %" PRId64 " is not equal at the end", m->sid);
        int64_t last = zab_last_committed(w->machine->zab(m));
        if (m->tree.label != last && epoch_of(last) != m->epoch)
            world_fail(w, "member %" PRId64 " believes that it stands at " ZXID, m->sid, HEX(last));
    }
    if (w->machine->check_end != NULL && !w->failed)
        w->machine->check_end(w);
    MAP64_FOR_EACH(slot, &w->proposals)
    {
        const struct proposal *p = slot->value;
        if (p->committed && !history_has(&w->committed, p->txn))
            world_fail(w, "acknowledged and lost: " ZXID, HEX(p->txn.zxid));
    }
}
