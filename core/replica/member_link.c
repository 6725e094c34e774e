/* member_link.c - bytes that come in on the links become packets, or a snapshot (quorum-protocol 2.1, 2.7). */
#include "core/base/mem.h"
#include "core/jute/txn.h"
#include "core/replica/member.h"
#include "core/zab/request.h"

#include <inttypes.h>

struct member_link *member_link_find(const struct membership *m, uint64_t id)
{
    return map64_get(&m->links_by_id, id);
}

enum status member_link_open(struct replica *r, uint64_t id)
{
    struct member_link *link = mem_calloc(1, sizeof *link);
    if (link == NULL || map64_put(&r->member->links_by_id, id, link) != ST_OK) {
        mem_free(link);
        return ST_NO_MEMORY;
    }
    link->id = id;
    link->established_ms = r->wall_ms;
    list_init(&link->in_sending);
    list_append(&r->member->links, &link->link);
    return ST_OK;
}

static void free_link(struct membership *m, struct member_link *link)
{
    snapshot_take_free(link->take);
    snapshot_send_free(link->send);
    list_remove(&link->in_sending);
    list_remove(&link->link);
    map64_remove(&m->links_by_id, link->id);
    mem_free(link);
}

void member_links_free(struct membership *m)
{
    LIST_FOR_EACH(at, &m->links)
    free_link(m, LIST_ENTRY(at, struct member_link, link));
    map64_free(&m->links_by_id);
}

enum status member_link_drop(struct replica *r, struct member_link *link, struct outbox *out)
{
    enum status st = snapshot_take_drop(link, out);
    free_link(r->member, link);
    return st;
}

enum status member_links_drop(struct replica *r, struct outbox *out)
{
    enum status st = ST_OK;
    LIST_FOR_EACH(at, &r->member->links)
    if (st == ST_OK)
        st = member_link_drop(r, LIST_ENTRY(at, struct member_link, link), out);
    return st;
}

/* -- sending ------------------------------------------------------------------------------------------------------- */

static void count(struct link_volume *volume, struct bytes packets)
{
    volume->packets += packet_count(packets);
    volume->bytes += packets.len;
}

enum status member_link_send(struct replica *r, uint64_t id, struct bytes bytes, struct outbox *out)
{
    struct member_link *link = member_link_find(r->member, id);
    if (link == NULL)
        return ST_OK;
    count(&link->given, bytes);
    if (link->send != NULL)
        return snapshot_send_behind(r, link, bytes, out);
    return outbox_peer(out, &(struct peer_item){.kind = PEER_BYTES, .link = id}, bytes);
}

enum status member_link_want_room(const struct member_link *link, struct outbox *out)
{
    return outbox_peer(out, &(struct peer_item){.kind = PEER_ROOM, .link = link->id}, BYTES_NULL);
}

enum status member_link_feed(struct replica *r, uint64_t id, struct outbox *out)
{
    struct member_link *link = member_link_find(r->member, id);
    if (link == NULL)
        return ST_OK;
    if (!link->fed)
        link->fed_before = r->member->fed;
    link->fed = true;
    return link->send == NULL ? outbox_peer(out, &(struct peer_item){.kind = PEER_FEED, .link = id}, BYTES_NULL)
                              : ST_OK;
}

/* Those that are in the feed already have it from the shell; whoever takes a snapshot has it behind that. */
enum status member_feed_send(struct replica *r, struct bytes bytes, struct outbox *out)
{
    enum status st = outbox_peer(out, &(struct peer_item){.kind = PEER_FED_BYTES}, bytes);
    count(&r->member->fed, bytes);
    LIST_FOR_EACH(at, &r->member->sending)
    {
        struct member_link *link = LIST_ENTRY(at, struct member_link, in_sending);
        if (st == ST_OK && link->fed)
            st = snapshot_send_behind(r, link, bytes, out);
    }
    return st;
}

enum status member_send_packet(struct replica *r, uint64_t link, const struct packet *packet, struct outbox *out)
{
    struct buffer bytes = {0};
    struct writer w = writer_to(&bytes);
    packet_encode(&w, packet);
    enum status st = w.status == ST_OK ? member_link_send(r, link, buffer_bytes(&bytes), out) : w.status;
    buffer_free(&bytes);
    return st;
}

/* -- taking -------------------------------------------------------------------------------------------------------- */

enum status member_link_break(struct replica *r, uint64_t id, const char *why, struct outbox *out)
{
    struct member_link *link = member_link_find(r->member, id);
    LOG_WARN(r->log, "ensemble", "link %" PRIu64 ": %s; closed", id, why);
    enum status st = outbox_peer(out, &(struct peer_item){.kind = PEER_CLOSE, .link = id}, BYTES_NULL);
    if (st == ST_OK && link != NULL)
        st = member_link_drop(r, link, out);
    struct zab_event event = {.kind = ZAB_LINK_CLOSED, .link = id};
    return st == ST_OK ? member_step(r, &event, out) : st;
}

/* What is logged can always be read back (design 4.11), so an entry is looked at whole before anything is done with
 * it. */
static bool has_sound_entry(const struct packet *packet)
{
    struct bytes entry = packet->data;
    int64_t designated;
    struct txn txn;
    if (packet->type != PACKET_PROPOSAL && packet->type != PACKET_INFORM && packet->type != PACKET_INFORM_AND_ACTIVATE)
        return true;
    if (packet->type == PACKET_INFORM_AND_ACTIVATE &&
        activated_entry_decode(packet->data, &designated, &entry) != ST_OK)
        return false;
    return !bytes_is_null(entry) && txn_decode(entry, &txn) == ST_OK && txn.header.zxid == packet->zxid;
}

static enum status take_packet(struct replica *r, uint64_t id, const struct packet *packet, struct outbox *out)
{
    struct membership *m = r->member;
    if (!has_sound_entry(packet))
        return member_link_break(r, id, "an entry that is none", out);
    struct zab_event event = {.kind = ZAB_LINK_PACKET, .link = id, .packet = packet};
    m->packet = packet;
    member_count_packet(r, id, packet);
    enum status st = member_step(r, &event, out);
    m->packet = NULL;
    return st;
}

static enum status take_snapshot_bytes(struct replica *r, struct member_link *link, struct bytes bytes, size_t *used,
                                       struct outbox *out)
{
    uint64_t id = link->id;
    bool done = false;
    enum status st = snapshot_take_bytes(r, link, bytes, used, &done, out);
    if (st == ST_CORRUPT)
        return member_link_break(r, id, "its snapshot is none", out);
    struct zab_event event = {.kind = done ? ZAB_SNAPSHOT_TAKEN : ZAB_SNAPSHOT_PART, .link = id};
    return st == ST_OK ? member_step(r, &event, out) : st;
}

/* One packet, or what there is of a snapshot. `used` 0: more bytes are needed. */
static enum status take_next(struct replica *r, struct member_link *link, struct bytes bytes, size_t *used,
                             struct outbox *out)
{
    *used = 0;
    if (link->take != NULL)
        return take_snapshot_bytes(r, link, bytes, used, out);
    struct packet packet;
    size_t len = 0;
    enum status st = packet_decode(bytes, r->options.packet_bytes_max, &packet, &len);
    if (st == ST_TRUNCATED)
        return ST_OK;
    if (st != ST_OK)
        return member_link_break(r, link->id, "bytes that are no packet", out);
    *used = len;
    return take_packet(r, link->id, &packet, out);
}

enum status member_link_bytes(struct replica *r, const struct replica_event *event, struct outbox *out)
{
    enum status st = ST_OK;
    size_t at = 0, used = 1;
    while (st == ST_OK && used > 0 && at < event->frame.len) {
        struct member_link *link = member_link_find(r->member, event->link);
        if (link == NULL || link->held)
            break;
        st = take_next(r, link, bytes_from(event->frame, at), &used, out);
        at += used;
    }
    out->consumed = at;
    return st;
}
