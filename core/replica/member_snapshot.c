/* member_snapshot.c - whole trees between members: one that comes in is loaded beside the one that is there, one that
 * goes out is written while the tree goes on changing (quorum-protocol 2.7, 4.6).
 *
 * What comes in goes to the disk as well, as it came; it is the database once zab has it kept. Until it is whole
 * nothing has changed, so a sync that breaks off costs nothing (ZOOKEEPER-3642). */
#include "core/base/mem.h"
#include "core/replica/member.h"

#include <inttypes.h>

/* Written in one step, but for a larger node: a write that comes meanwhile waits for some 100 us. */
enum { SEND_BYTES_MAX = 32 * 1024 };

struct snapshot_take {
    struct tree *tree;
    struct sessions *sessions;
    struct snapshot_reader *reader;
    int64_t zxid;
};

struct snapshot_send {
    struct snapshot_writer *writer; /* NULL: not begun */
    struct buffer behind;           /* packets that come after it */
};

/* -- in ----------------------------------------------------------------------------------------------------------- */

void snapshot_take_free(struct snapshot_take *take)
{
    if (take == NULL)
        return;
    snapshot_reader_free(take->reader);
    tree_free(take->tree);
    sessions_free(take->sessions);
    mem_free(take);
}

enum status snapshot_take_begin(struct replica *r, struct member_link *link, int64_t zxid, struct outbox *out)
{
    struct snapshot_take *take = mem_calloc(1, sizeof *take);
    if (take == NULL)
        return ST_NO_MEMORY;
    take->zxid = zxid;
    take->tree = tree_new_like(r->tree);
    take->sessions = sessions_new(r->options.tick_ms);
    if (take->tree != NULL && take->sessions != NULL)
        take->reader = snapshot_stream_reader_new(take->tree, take->sessions, now_ms(r), r->options.packet_bytes_max);
    if (take->reader == NULL) {
        snapshot_take_free(take);
        return ST_NO_MEMORY;
    }
    link->take = take;
    member_resync_begins(r);
    LOG_INFO(r->log, "ensemble", "taking a snapshot at zxid 0x%" PRIx64 " from the leader", (uint64_t)zxid);
    return outbox_job(out, &(struct disk_job){.kind = JOB_SNAPSHOT_BEGIN, .value = zxid}, BYTES_NULL);
}

static enum status take_over(struct replica *r, struct member_link *link)
{
    struct snapshot_take *take = link->take;
    enum status st = member_replace_tree(r, take->tree, take->sessions, take->zxid, false);
    if (st != ST_OK)
        return st;
    LOG_INFO(r->log, "ensemble", "the snapshot is whole: %" PRIu64 " znodes", tree_count(r->tree));
    take->tree = NULL;
    take->sessions = NULL;
    snapshot_take_free(take);
    link->take = NULL;
    r->member->tree_is_borrowed = true;
    return ST_OK;
}

enum status snapshot_take_bytes(struct replica *r, struct member_link *link, struct bytes bytes, size_t *used,
                                bool *done, struct outbox *out)
{
    uint64_t offset = 0;
    struct snapshot_take *take = link->take;
    enum status st = snapshot_stream_feed(take->reader, bytes, used, done);
    if (st == ST_CORRUPT)
        LOG_ERROR(r->log, "ensemble", "the leader's snapshot: %s", snapshot_reader_problem(take->reader, &offset));
    if (st == ST_OK && *used > 0)
        st = outbox_job(out, &(struct disk_job){.kind = JOB_SNAPSHOT_DATA}, bytes_make(bytes.data, *used));
    return st == ST_OK && *done ? take_over(r, link) : st;
}

enum status snapshot_take_drop(struct member_link *link, struct outbox *out)
{
    if (link->take == NULL)
        return ST_OK;
    snapshot_take_free(link->take);
    link->take = NULL;
    return outbox_job(out, &(struct disk_job){.kind = JOB_SNAPSHOT_DROP}, BYTES_NULL);
}

/* -- out ---------------------------------------------------------------------------------------------------------- */

void snapshot_send_free(struct snapshot_send *send)
{
    if (send == NULL)
        return;
    snapshot_writer_free(send->writer);
    buffer_free(&send->behind);
    mem_free(send);
}

enum status snapshot_send_begin(struct replica *r, struct member_link *link, int64_t zxid, struct outbox *out)
{
    struct snapshot_send *send = mem_calloc(1, sizeof *send);
    if (send == NULL)
        return ST_NO_MEMORY;
    link->send = send;
    list_append(&r->member->sending, &link->in_sending);
    LOG_INFO(r->log, "ensemble", "link %" PRIu64 ": sending a snapshot at zxid 0x%" PRIx64, link->id, (uint64_t)zxid);
    return member_link_want_room(link, out);
}

enum status snapshot_send_behind(struct replica *r, struct member_link *link, struct bytes bytes, struct outbox *out)
{
    const uint64_t most = r->options.link_bytes_max;
    if (most > 0 && link->send->behind.len > most)
        return member_link_break(r, link->id, "more waits behind its snapshot than zooid.maxLinkQueue", out);
    return buffer_append(&link->send->behind, bytes.data, bytes.len);
}

/* Written on: whole nodes until a piece is full. `done`: all of it has been written. */
static enum status write_piece(struct replica *r, struct member_link *link, struct buffer *piece, bool *done)
{
    struct snapshot_send *send = link->send;
    enum status st = ST_OK;
    if (send->writer == NULL) {
        send->writer = snapshot_stream_writer_new(r->tree, r->sessions, r->last_zxid);
        st = send->writer == NULL ? ST_NO_MEMORY : ST_OK;
    }
    while (st == ST_OK && !*done && piece->len < SEND_BYTES_MAX)
        st = snapshot_encode_some(send->writer, 1, piece, done);
    return st == ST_OK && *done ? snapshot_stream_end(send->writer, piece) : st;
}

static enum status send_bytes(struct member_link *link, struct bytes bytes, struct outbox *out)
{
    return outbox_peer(out, &(struct peer_item){.kind = PEER_BYTES, .link = link->id}, bytes);
}

static enum status finish(struct replica *r, struct member_link *link, struct outbox *out)
{
    struct snapshot_send *send = link->send;
    enum status st = send_bytes(link, buffer_bytes(&send->behind), out);
    link->send = NULL;
    list_remove(&link->in_sending);
    snapshot_send_free(send);
    if (st == ST_OK && link->fed)
        st = member_link_feed(r, link->id, out);
    LOG_INFO(r->log, "ensemble", "link %" PRIu64 ": the snapshot is written", link->id);
    struct zab_event event = {.kind = ZAB_SNAPSHOT_SENT, .link = link->id};
    return st == ST_OK ? member_step(r, &event, out) : st;
}

enum status snapshot_send_more(struct replica *r, struct member_link *link, struct outbox *out)
{
    struct buffer piece = {0};
    bool done = false;
    enum status st = write_piece(r, link, &piece, &done);
    if (st == ST_OK)
        st = send_bytes(link, buffer_bytes(&piece), out);
    buffer_free(&piece);
    if (st != ST_OK)
        return st;
    return done ? finish(r, link, out) : member_link_want_room(link, out);
}
