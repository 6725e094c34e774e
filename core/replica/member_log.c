/* member_log.c - what the log has of a learner's, read by the shell and handed to zab record by record.
 *
 * It is asked for when there is room on the link, as the pieces of a snapshot are, so that a long log is never in
 * memory as a whole. It is not asked for when a snapshot would be less to send (snapshotSizeFactor). */
#include "core/jute/txn.h"
#include "core/replica/member.h"
#include "core/store/txnlog.h"

#include <inttypes.h>

/* What a snapshot has of a znode besides its path and data, about. */
enum { NODE_BYTES = 80 };

/* 0: no limit. */
static uint64_t bytes_max(const struct replica *r)
{
    const double factor = r->options.snapshot_size_factor;
    const double tree = (double)(tree_data_size(r->tree) + tree_count(r->tree) * NODE_BYTES);
    return factor > 0 ? (uint64_t)(factor * tree) + 1 : 0;
}

enum status member_log_want(struct replica *r, struct member_link *link, int64_t after, int64_t until,
                            struct outbox *out)
{
    const bool is_first = link->log.place.file_zxid == 0;
    link->wants_log = true;
    link->log.after = after;
    link->log.until = until;
    link->log.bytes_max = is_first ? bytes_max(r) : 0; /* what has begun goes on */
    return member_link_want_room(link, out);
}

enum status member_link_room(struct replica *r, uint64_t id, struct outbox *out)
{
    struct member_link *link = member_link_find(r->member, id);
    if (link == NULL)
        return ST_OK;
    if (link->send != NULL)
        return snapshot_send_more(r, link, out);
    if (!link->wants_log)
        return ST_OK;
    link->wants_log = false;
    return outbox_peer(out, &(struct peer_item){.kind = PEER_READ_LOG, .link = id, .log = link->log}, BYTES_NULL);
}

/* The record is whole and has the right sum, but not everything that is logged somewhere is a txn. */
static enum status tell_record(struct replica *r, uint64_t id, struct bytes entry, struct outbox *out)
{
    struct txn txn;
    if (txn_decode(entry, &txn) != ST_OK)
        return ST_OK; /* zab misses it */
    struct zab_event event = {.kind = ZAB_LOG_RECORD, .link = id, .zxid = txn.header.zxid, .bytes = entry};
    return member_step(r, &event, out);
}

static enum status tell_records(struct replica *r, const struct replica_event *event, struct outbox *out)
{
    struct bytes rest = event->frame, entry;
    enum status st = ST_OK;
    while (st == ST_OK && txnlog_unframe(&rest, &entry) == ST_OK)
        st = tell_record(r, event->link, entry, out);
    return st;
}

enum status member_log_piece(struct replica *r, const struct replica_event *event, struct outbox *out)
{
    struct member_link *link = member_link_find(r->member, event->link);
    struct zab_event found = {.kind = ZAB_LOG_FOUND, .link = event->link, .zxid = event->zxid};
    struct zab_event end = {.kind = ZAB_LOG_READ, .link = event->link};
    if (link == NULL)
        return ST_OK;
    if (event->kind == REPLICA_LOG_REFUSED) {
        end.kind = ZAB_LOG_REFUSED;
        return member_step(r, &end, out);
    }
    if (link->log.place.file_zxid == 0)
        LOG_INFO(r->log, "ensemble", "link %" PRIu64 ": sending the log behind 0x%" PRIx64, link->id,
                 (uint64_t)event->zxid);
    link->log.place = event->place;
    enum status st = member_step(r, &found, out);
    if (st == ST_OK)
        st = tell_records(r, event, out);
    return st == ST_OK ? member_step(r, &end, out) : st;
}
