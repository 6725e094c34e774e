/* ports.c - the ports of a replica: streams of bytes from and to other members, frames from and to clients. */
#include "core/base/check.h"
#include "core/base/mem.h"
#include "core/store/txnlog.h"
#include "tests/sim/checks/zab.h"
#include "tests/sim/replica/client.h"
#include "tests/sim/replica/member.h"
#include "tests/sim/replica/mutate.h"

#include <inttypes.h>

enum { DATA_MAX = 1 << 20 };

static struct server *server_at(struct world *w, unsigned end)
{
    return &w->servers[end];
}

/* -- links between members ----------------------------------------------------------------------------------------- */

struct peer_link *port_link(const struct server *m, uint64_t link)
{
    return map64_get(&m->replica->links, link);
}

static void open_link(struct server *m, uint64_t link)
{
    struct peer_link *at = mem_calloc(1, sizeof *at);
    CHECK(at != NULL && map64_put(&m->replica->links, link, at) == ST_OK);
}

static void free_link(struct peer_link *at)
{
    if (at == NULL)
        return;
    buffer_free(&at->unread);
    buffer_free(&at->tail);
    mem_free(at);
}

void port_forget(struct server *m, uint64_t link)
{
    free_link(map64_remove(&m->replica->links, link));
}

void port_forget_all(struct server *m)
{
    MAP64_FOR_EACH(slot, &m->replica->links)
    {
        free_link(slot->value);
    }
    map64_free(&m->replica->links);
    m->replica->links = (struct map64){0};
}

/* The stream ends in a signature, which stands nowhere else and may come in pieces. */
bool port_snapshot_ends(struct peer_link *at, struct bytes bytes, size_t *used)
{
    static const char signature[] = "\0\0\0\nBenWasHere";
    const size_t len = sizeof signature - 1, before = at->tail.len;
    CHECK(buffer_append(&at->tail, bytes.data, bytes.len) == ST_OK);
    const uint8_t *found = memmem(at->tail.data, at->tail.len, signature, len);
    if (found != NULL) {
        *used = (size_t)(found - at->tail.data) + len - before;
        at->tail.len = 0;
    } else if (at->tail.len >= len) {
        buffer_consume(&at->tail, at->tail.len - len + 1);
    }
    return found != NULL;
}

void port_offer(struct world *w, struct server *m, uint64_t link)
{
    struct peer_link *at = port_link(m, link);
    if (at == NULL || at->unread.len == 0)
        return;
    /* The step may close the link, and the buffer would go with it. */
    struct buffer bytes = at->unread;
    at->unread = (struct buffer){0};
    replica_feed(w, m, (struct replica_event){.kind = REPLICA_LINK_BYTES, .link = link, .frame = buffer_bytes(&bytes)});
    at = m->replica == NULL ? NULL : port_link(m, link);
    if (at == NULL) {
        buffer_free(&bytes);
        return;
    }
    buffer_consume(&bytes, m->replica->out.consumed);
    at->unread = bytes;
}

static void frame_entries(const struct world *w, const struct history *txns, struct buffer *records)
{
    for (size_t i = 0; i < txns->count; i++) {
        const struct bytes entry = database_entry(w, txns->items[i].id);
        if (!bytes_is_null(entry))
            CHECK(txnlog_frame(records, entry) == ST_OK);
    }
}

void port_read_log(struct world *w, struct server *m, uint64_t link)
{
    struct peer_link *at = port_link(m, link);
    struct disk_excerpt excerpt;
    struct buffer records = {0};
    if (at == NULL)
        return;
    const bool found = disk_read_log(w, &m->disk, at->log_after, INT64_MAX, &excerpt);
    frame_entries(w, &excerpt.txns, &records);
    replica_feed(w, m,
                 (struct replica_event){.kind = found ? REPLICA_LOG_PIECE : REPLICA_LOG_REFUSED,
                                        .link = link,
                                        .zxid = excerpt.before,
                                        .frame = buffer_bytes(&records),
                                        .place = {1, 0}});
    buffer_free(&records);
    history_free(&excerpt.txns);
}

/* -- out ----------------------------------------------------------------------------------------------------------- */

/* What the leader's tree holds goes with the snapshot. */
static void begin_giving(struct world *w, struct server *m, uint64_t link, struct peer_link *at, int64_t zxid)
{
    struct history *sent = map64_get(&w->replicas->snapshots, link / 2);
    at->giving = true;
    if (sent == NULL) {
        sent = mem_calloc(1, sizeof *sent);
        CHECK(sent != NULL && map64_put(&w->replicas->snapshots, link / 2, sent) == ST_OK);
    }
    history_copy(sent, &m->tree);
    while (sent->count > 0 && history_last(sent) > zxid)
        sent->count--;
    sent->label = zxid;
}

static void see_packets(struct world *w, struct server *m, uint64_t link, struct peer_link *at, struct bytes bytes)
{
    while (bytes.len > 0 && !w->failed) {
        struct packet packet;
        size_t used = 0;
        if (at->giving || packet_decode(bytes, DATA_MAX, &packet, &used) != ST_OK) {
            world_fail(w, "member %" PRId64 " sends what is no packet", m->sid);
            return;
        }
        check_sent(w, m, link % 2 == 1, &packet);
        if (packet.type == PACKET_SNAP)
            begin_giving(w, m, link, at, packet.zxid);
        bytes = bytes_from(bytes, used);
    }
}

/* A stream: it arrives in other pieces than those in which it was sent. */
static void send_bytes(struct world *w, struct server *m, uint64_t link, struct bytes bytes)
{
    if (bytes.len > 1 && world_chance(w, 8)) {
        size_t cut = 1 + random_below(&w->random, (uint32_t)bytes.len - 1);
        net_send(w, m->index, link, PARCEL_BYTES, bytes_make(bytes.data, cut), true);
        bytes = bytes_from(bytes, cut);
    }
    net_send(w, m->index, link, PARCEL_BYTES, bytes, true);
}

void port_send(struct world *w, struct server *m, uint64_t link, struct bytes bytes)
{
    struct peer_link *at = port_link(m, link);
    size_t used = 0;
    if (at == NULL || bytes.len == 0)
        return;
    struct buffer changed = {0};
    bool mutated = !at->giving && mutate_packets(w, m, link, bytes, &changed);
    if (at->giving)
        at->giving = !port_snapshot_ends(at, bytes, &used);
    else
        see_packets(w, m, link, at, bytes);
    bytes = mutated ? buffer_bytes(&changed) : bytes;
    if (bytes.len > 0)
        send_bytes(w, m, link, bytes);
    buffer_free(&changed);
}

/* -- the quorum port ------------------------------------------------------------------------------------------------
 */

static bool listens(const struct world *w, const struct server *m)
{
    (void)w;
    return m->up && m->listening && !m->loading;
}

static bool takes_observers(const struct world *w, const struct server *m)
{
    (void)w;
    return m->up && m->takes_observers && !m->loading;
}

static void accepted(struct world *w, unsigned end, uint64_t link)
{
    open_link(server_at(w, end), link);
    replica_feed(w, server_at(w, end), (struct replica_event){.kind = REPLICA_LINK_ACCEPTED, .link = link});
}

static void connected(struct world *w, unsigned end, uint64_t link)
{
    open_link(server_at(w, end), link);
    replica_feed(w, server_at(w, end), (struct replica_event){.kind = REPLICA_LINK_CONNECTED, .link = link});
}

static void closed(struct world *w, unsigned end, uint64_t link)
{
    port_forget(server_at(w, end), link);
    replica_feed(w, server_at(w, end), (struct replica_event){.kind = REPLICA_LINK_CLOSED, .link = link});
}

static void arrived(struct world *w, unsigned end, uint64_t link, enum parcel_kind kind, struct bytes bytes)
{
    struct server *m = server_at(w, end);
    struct peer_link *at = port_link(m, link);
    (void)kind;
    if (at == NULL || mutate_arrived(w, m, link, bytes))
        return;
    CHECK(buffer_append(&at->unread, bytes.data, bytes.len) == ST_OK);
    if (!at->held)
        port_offer(w, m, link);
}

/* -- the client port ------------------------------------------------------------------------------------------------ *
 *
 * Both ends are told here: clients are the ends behind the members. */

static bool listens_to_clients(const struct world *w, const struct server *m)
{
    (void)w;
    return m->up && !m->loading;
}

static void client_accepted(struct world *w, unsigned end, uint64_t link)
{
    const struct identity who = {BYTES("ip"), BYTES("127.0.0.1")};
    replica_feed(w, server_at(w, end),
                 (struct replica_event){.kind = REPLICA_CONNECTED, .client = link, .identities = {&who, 1}});
}

static void client_closed(struct world *w, unsigned end, uint64_t link)
{
    if (end >= SIM_MEMBERS_MAX)
        clients_lost(w, end, link);
    else
        replica_feed(w, server_at(w, end), (struct replica_event){.kind = REPLICA_DISCONNECTED, .client = link});
}

static void client_arrived(struct world *w, unsigned end, uint64_t link, enum parcel_kind kind, struct bytes bytes)
{
    (void)kind;
    if (end >= SIM_MEMBERS_MAX) {
        clients_take(w, end, link, bytes);
        return;
    }
    if (mutate_sync(w, server_at(w, end), link, bytes))
        return;
    observe_frame(w, server_at(w, end), link, bytes);
    if (mutate_frame(w, server_at(w, end), link, bytes))
        return;
    replica_feed(w, server_at(w, end), (struct replica_event){.kind = REPLICA_FRAME, .client = link, .frame = bytes});
}

static void observer_accepted(struct world *w, unsigned end, uint64_t link)
{
    mark(w, MARK_OBSERVED_FOLLOWER);
    accepted(w, end, link);
}

const struct net_port replica_ports[PORT_KINDS] = {
    [PORT_QUORUM] = {listens, accepted, connected, closed, arrived},
    [PORT_OBSERVERS] = {takes_observers, observer_accepted, connected, closed, arrived},
    [PORT_CLIENT] = {listens_to_clients, client_accepted, clients_connected, client_closed, client_arrived},
};
