/* ports.c - the quorum port of a member that is core/zab alone: one packet is one parcel, and a snapshot is the list of
 * the tree's txns. */
#include "core/base/check.h"
#include "tests/sim/checks/zab.h"
#include "tests/sim/mutants.h"
#include "tests/sim/zab/member.h"

#include <inttypes.h>
#include <string.h>

enum { DATA_MAX = 1 << 20 };

static struct server *server_at(struct world *w, unsigned end)
{
    return &w->servers[end];
}

static bool link_is_leaders(uint64_t link)
{
    return link % 2 == 1;
}

/* -- out ----------------------------------------------------------------------------------------------------------- */

/* Proposals and commits do not reach a learner between its sync and its acknowledgement of NEWLEADER. */
static bool mutant_loses(struct world *w, uint64_t link, const struct packet *packet)
{
    return mutant_is(w, MUTANT_FORWARDED_LATE) && link_is_leaders(link) && packet->type == PACKET_INFORM &&
           server_at(w, net_opposite(w, link))->phase != ZAB_BROADCAST;
}

void ports_send(struct world *w, struct server *m, uint64_t link, struct bytes packets)
{
    while (packets.len > 0 && !w->failed) {
        struct packet packet;
        size_t used = 0;
        if (!net_has(w, m->index, link) || packet_decode(packets, DATA_MAX, &packet, &used) != ST_OK) {
            world_fail(w, "member %" PRId64 " sends what is no packet, or on a link that it does not have", m->sid);
            return;
        }
        check_sent(w, m, link_is_leaders(link), &packet);
        if (!mutant_loses(w, link, &packet))
            net_send(w, m->index, link, PARCEL_BYTES, bytes_make(packets.data, used), true);
        packets = bytes_from(packets, used);
    }
}

void ports_feed(struct world *w, struct server *m, uint64_t link)
{
    if (net_has(w, m->index, link))
        CHECK(map64_put(&m->zab->fed, link, m) == ST_OK);
    else
        world_fail(w, "member %" PRId64 " would feed a link that it does not have", m->sid);
}

void ports_send_fed(struct world *w, struct server *m, struct bytes packets)
{
    MAP64_FOR_EACH(slot, &m->zab->fed)
    {
        if (net_has(w, m->index, slot->key))
            ports_send(w, m, slot->key, packets);
    }
}

/* Its ghost falls silent. */
void ports_close(struct world *w, struct server *m, uint64_t link)
{
    net_close(w, m->index, link);
    (void)map64_remove(&m->zab->fed, link);
    (void)map64_remove(&m->zab->ghosts, link);
}

void ports_forget(struct zab_body *body)
{
    map64_free(&body->taking);
    map64_free(&body->ghosts);
    map64_free(&body->fed);
    body->taking = body->ghosts = body->fed = (struct map64){0};
}

/* -- snapshots ----------------------------------------------------------------------------------------------------- */

static struct bytes tree_bytes(const struct history *tree)
{
    return bytes_make((const uint8_t *)tree->items, tree->count * sizeof *tree->items);
}

void ports_take_snapshot(struct world *w, struct server *m, uint64_t link, int64_t zxid)
{
    if (net_has(w, m->index, link))
        CHECK(map64_put(&m->zab->taking, link, (void *)(uintptr_t)(zxid + 1)) == ST_OK);
    else
        world_fail(w, "member %" PRId64 " would take a snapshot from a link that it does not have", m->sid);
}

void ports_send_snapshot(struct world *w, struct server *m, uint64_t link, int64_t zxid)
{
    if (!net_has(w, m->index, link)) {
        world_fail(w, "member %" PRId64 " would send a snapshot on a link that it does not have", m->sid);
        return;
    }
    if (m->tree.label > zxid)
        world_fail(w, "member %" PRId64 " calls its tree at 0x%" PRIx64 " 0x%" PRIx64, m->sid, (uint64_t)m->tree.label,
                   (uint64_t)zxid);
    struct history tree = m->tree;
    if (mutant_is(w, MUTANT_SNAPSHOT_OLD) && tree.count > 0)
        tree.count--;
    net_send(w, m->index, link, PARCEL_SNAPSHOT, tree_bytes(&tree), false);
    world_at(w, w->now_us + world_about(w, 4 * w->plan.load_us),
             (struct happening){.kind = HAPPENS_OWN, .member = m->index, .what = m->life, .zxid = (int64_t)link});
}

void ports_freeze(struct world *w, const struct happening *h)
{
    struct server *m = server_at(w, h->member);
    uint64_t link = (uint64_t)h->zxid;
    if (m->life != h->what || !net_has(w, m->index, link))
        return;
    if (w->stopped_until_us[m->index] > w->now_us) {
        world_at(w, w->stopped_until_us[m->index], *h);
        return;
    }
    if (net_opposite(w, link) >= w->count) /* a ghost's */
        return;
    struct server *learner = server_at(w, net_opposite(w, link));
    const struct bytes now = tree_bytes(&m->tree);
    bool grown = world_chance(w, 2) && !mutant_is(w, MUTANT_SNAPSHOT_OLD);
    net_settle(w, link, grown ? &now : NULL);
    bool taking = learner->zab != NULL && map64_get(&learner->zab->taking, link ^ 1) != NULL;
    if (taking && net_has(w, learner->index, link ^ 1) && w->stopped_until_us[learner->index] <= w->now_us)
        member_feed(w, learner, (struct zab_event){.kind = ZAB_SNAPSHOT_PART, .link = link ^ 1});
    if (m->life == h->what && net_has(w, m->index, link))
        member_feed(w, m, (struct zab_event){.kind = ZAB_SNAPSHOT_SENT, .link = link});
}

/* -- the log ------------------------------------------------------------------------------------------------------- */

void ports_ask_log(struct world *w, struct server *m, uint64_t link, int64_t after)
{
    if (!net_has(w, m->index, link) || after == OWN_FREEZE)
        world_fail(w, "member %" PRId64 " would read its log for a link that it does not have", m->sid);
    world_at(w, w->now_us + world_about(w, w->plan.disk_us),
             (struct happening){
                 .kind = HAPPENS_OWN, .member = m->index, .what = m->life, .event = after, .zxid = (int64_t)link});
}

static bool still_has(const struct world *w, const struct server *m, const struct happening *h)
{
    return m->life == h->what && net_has(w, m->index, (uint64_t)h->zxid);
}

static void tell_record(struct world *w, struct server *m, uint64_t link, struct txn_ref txn)
{
    const struct bytes entry = workload_entry(w, txn.id);
    if (!bytes_is_null(entry))
        member_feed(w, m, (struct zab_event){.kind = ZAB_LOG_RECORD, .link = link, .zxid = txn.zxid, .bytes = entry});
}

void ports_read_log(struct world *w, const struct happening *h)
{
    struct server *m = server_at(w, h->member);
    const uint64_t link = (uint64_t)h->zxid;
    struct disk_excerpt excerpt;
    if (!still_has(w, m, h))
        return;
    if (w->stopped_until_us[m->index] > w->now_us) {
        world_at(w, w->stopped_until_us[m->index], *h);
        return;
    }
    const bool found = disk_read_log(w, &m->disk, h->event, INT64_MAX, &excerpt);
    if (found)
        member_feed(w, m, (struct zab_event){.kind = ZAB_LOG_FOUND, .link = link, .zxid = excerpt.before});
    for (size_t i = 0; i < excerpt.txns.count && still_has(w, m, h); i++)
        tell_record(w, m, link, excerpt.txns.items[i]);
    if (still_has(w, m, h))
        member_feed(w, m, (struct zab_event){.kind = found ? ZAB_LOG_READ : ZAB_LOG_REFUSED, .link = link});
    history_free(&excerpt.txns);
}

static void take_snapshot(struct world *w, struct server *m, uint64_t link, struct bytes bytes)
{
    int64_t label = (int64_t)(uintptr_t)map64_remove(&m->zab->taking, link) - 1;
    struct txn_ref *items = (struct txn_ref *)(uintptr_t)bytes.data;
    const struct history tree = {
        .items = items, .count = bytes.len / sizeof *items, .capacity = bytes.len / sizeof *items, .label = label};
    if (label < 0)
        world_fail(w, "member %" PRId64 " is sent a snapshot that it did not expect", m->sid);
    mark(w, MARK_SNAPSHOT_TAKEN);
    if (history_last(&tree) > label)
        mark(w, MARK_SNAPSHOT_FUZZY);
    history_copy(&m->tree, &tree);
    m->zab->taken_zxid = label;
    member_feed(w, m, (struct zab_event){.kind = ZAB_SNAPSHOT_TAKEN, .link = link});
}

/* -- in ------------------------------------------------------------------------------------------------------------ */

static bool listens(const struct world *w, const struct server *m)
{
    (void)w;
    return m->up && m->listening;
}

static bool takes_observers(const struct world *w, const struct server *m)
{
    (void)w;
    return m->up && m->takes_observers;
}

/* The learner is counted under another voter's name, too. */
static void add_ghost(struct world *w, struct server *m, uint64_t link)
{
    if (server_at(w, net_opposite(w, link))->observer)
        return;
    uint64_t ghost = net_ghost(w, m);
    CHECK(map64_put(&m->zab->ghosts, link, (void *)(uintptr_t)ghost) == ST_OK);
    member_feed(w, m, (struct zab_event){.kind = ZAB_LINK_ACCEPTED, .link = ghost});
}

static void copy_to_ghost(struct world *w, struct server *m, uint64_t link, struct bytes bytes)
{
    uint64_t ghost = (uint64_t)(uintptr_t)map64_get(&m->zab->ghosts, link);
    struct buffer copy = {0};
    struct packet packet;
    size_t used = 0;
    if (ghost == 0 || !net_has(w, m->index, ghost))
        return;
    int64_t other = 1, learner = server_at(w, net_opposite(w, link))->sid;
    while (other == learner || other == m->sid)
        other++;
    CHECK(buffer_append(&copy, bytes.data, bytes.len) == ST_OK);
    if (be32_get(copy.data) == PACKET_FOLLOWERINFO)
        be64_put(copy.data + 16, (uint64_t)other);
    CHECK(packet_decode(buffer_bytes(&copy), DATA_MAX, &packet, &used) == ST_OK);
    member_feed(w, m, (struct zab_event){.kind = ZAB_LINK_PACKET, .link = ghost, .packet = &packet});
    buffer_free(&copy);
}

static void accepted(struct world *w, unsigned end, uint64_t link)
{
    struct server *m = server_at(w, end);
    member_feed(w, m, (struct zab_event){.kind = ZAB_LINK_ACCEPTED, .link = link});
    if (mutant_is(w, MUTANT_COUNTED_TWICE) && net_has(w, end, link))
        add_ghost(w, m, link);
}

static void connected(struct world *w, unsigned end, uint64_t link)
{
    member_feed(w, server_at(w, end), (struct zab_event){.kind = ZAB_LINK_CONNECTED, .link = link});
}

static void closed(struct world *w, unsigned end, uint64_t link)
{
    (void)map64_remove(&server_at(w, end)->zab->ghosts, link);
    member_feed(w, server_at(w, end), (struct zab_event){.kind = ZAB_LINK_CLOSED, .link = link});
}

static void arrived(struct world *w, unsigned end, uint64_t link, enum parcel_kind kind, struct bytes bytes)
{
    struct server *m = server_at(w, end);
    struct packet packet;
    size_t used = 0;
    if (kind == PARCEL_SNAPSHOT) {
        take_snapshot(w, m, link, bytes);
        return;
    }
    CHECK(packet_decode(bytes, DATA_MAX, &packet, &used) == ST_OK);
    if (map64_get(&m->zab->taking, link) != NULL) {
        world_fail(w, "member %" PRId64 " is sent a packet where a snapshot should be", m->sid);
        return;
    }
    if (packet.type == PACKET_LEADERINFO)
        m->told_epoch = (int64_t)((uint64_t)packet.zxid >> 32);
    copy_to_ghost(w, m, link, bytes);
    if (net_has(w, end, link))
        member_feed(w, m, (struct zab_event){.kind = ZAB_LINK_PACKET, .link = link, .packet = &packet});
}

static void observer_accepted(struct world *w, unsigned end, uint64_t link)
{
    mark(w, MARK_OBSERVED_FOLLOWER);
    accepted(w, end, link);
}

const struct net_port zab_ports[PORT_KINDS] = {
    [PORT_QUORUM] = {listens, accepted, connected, closed, arrived},
    [PORT_OBSERVERS] = {takes_observers, observer_accepted, connected, closed, arrived},
};
