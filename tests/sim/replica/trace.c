/* trace.c - see trace.h. */
#include "tests/sim/replica/trace.h"

#include "core/base/check.h"
#include "core/jute/txn.h"
#include "core/ops/op.h"
#include "core/zab/zab_text.h"
#include "tests/sim/replica/client.h"

#include <inttypes.h>

enum { DATA_MAX = 1 << 20, XID_EVENT = -1 };

static const char *const event_names[] = {
    [REPLICA_START] = "start",
    [REPLICA_TICK] = "tick",
    [REPLICA_CONNECTED] = "client",
    [REPLICA_FRAME] = "frame",
    [REPLICA_DISCONNECTED] = "client-gone",
    [REPLICA_LOGGED] = "logged",
    [REPLICA_LOG_FULL] = "log-full",
    [REPLICA_LOG_ROOM] = "log-room",
    [REPLICA_LOG_FAILED] = "log-failed",
    [REPLICA_STOP] = "stop",
    [REPLICA_NOTIFICATION] = "notified",
    [REPLICA_LINK_CONNECTED] = "connected",
    [REPLICA_LINK_ACCEPTED] = "accepted",
    [REPLICA_LINK_BYTES] = "bytes",
    [REPLICA_LINK_ROOM] = "room",
    [REPLICA_LOG_PIECE] = "log-piece",
    [REPLICA_LOG_REFUSED] = "log-refused",
    [REPLICA_LINK_CLOSED] = "closed",
    [REPLICA_STORED] = "stored",
    [REPLICA_STORE_REFUSED] = "store-refused",
};

static const char *const job_names[] = {
    [JOB_STORE_ACCEPTED] = "store-accepted",
    [JOB_STORE_CURRENT] = "store-current",
    [JOB_TRUNCATE] = "truncate",
    [JOB_RELOAD] = "reload",
    [JOB_SNAPSHOT_BEGIN] = "spool",
    [JOB_SNAPSHOT_DATA] = "spooled",
    [JOB_SNAPSHOT_KEEP] = "keep-snapshot",
    [JOB_SNAPSHOT_DROP] = "drop-snapshot",
    [JOB_STORE_CONFIG] = "store-config",
    [JOB_STORE_LAST_SEEN] = "store-last-seen",
};

static const char *const peer_names[] = {
    [PEER_NOTIFY] = "notify",       [PEER_LISTEN] = "listen",
    [PEER_UNLISTEN] = "unlisten",   [PEER_LISTEN_OBSERVERS] = "listen-observers",
    [PEER_CONNECT] = "connect",     [PEER_BYTES] = "send",
    [PEER_ROOM] = "want-room",      [PEER_CLOSE] = "close",
    [PEER_HOLD] = "hold",           [PEER_FEED] = "feed",
    [PEER_FED_BYTES] = "send-fed",  [PEER_GO] = "go",
    [PEER_CLOSE_ALL] = "close-all", [PEER_CONFIG] = "config",
    [PEER_READ_LOG] = "read-log",
};

/* Whole packets, one a line; what is none is told by its length. */
static void print_packets(struct world *w, const struct server *m, const char *what, uint64_t link, bool snapshot,
                          struct bytes bytes)
{
    struct packet packet;
    size_t used = 0;
    while (!snapshot && bytes.len > 0 && packet_decode(bytes, DATA_MAX, &packet, &used) == ST_OK) {
        struct buffer line = {0};
        CHECK(zab_print_packet(&packet, &line) == ST_OK);
        world_trace(w, m, "%s L%" PRIu64 " %.*s", what, link, BYTES_PRINT(buffer_bytes(&line)));
        buffer_free(&line);
        snapshot = packet.type == PACKET_SNAP;
        bytes = bytes_from(bytes, used);
    }
    if (bytes.len > 0)
        world_trace(w, m, "%s L%" PRIu64 " %zu bytes", what, link, bytes.len);
}

/* -- in ------------------------------------------------------------------------------------------------------------ */

static void print_frame(struct world *w, const struct server *m, const struct replica_event *event)
{
    struct reader reader = reader_of(event->frame);
    int32_t xid = read_i32(&reader), type = read_i32(&reader);
    const struct op *op = op_find(type);
    struct bytes path = op != NULL && op->decode != NULL ? read_text(&reader) : BYTES_NULL;
    if (type == TXN_MULTI || reader.status != ST_OK)
        path = BYTES_NULL;
    world_trace(w, m, "< frame C%" PRIu64 " xid=%" PRId32 " %s %.*s", event->client, xid, op != NULL ? op->name : "?",
                BYTES_PRINT(path));
}

void trace_replica_event(struct world *w, const struct server *m, const struct replica_event *event)
{
    const struct peer_link *link = w->trace == NULL || event->link == 0 ? NULL : port_link(m, event->link);
    if (w->trace == NULL)
        return;
    if (event->kind == REPLICA_FRAME) {
        print_frame(w, m, event);
    } else if (event->kind == REPLICA_LINK_BYTES) {
        print_packets(w, m, "< packet", event->link, link != NULL && link->taking, event->frame);
    } else {
        struct buffer line = {0};
        struct zab_event notification = {
            .kind = ZAB_NOTIFICATION, .sid = event->sid, .bytes = event->frame, .zxid = event->zxid};
        CHECK(buffer_printf(&line, "%s", event_names[event->kind]) == ST_OK);
        if (event->kind == REPLICA_NOTIFICATION) {
            line.len = 0;
            CHECK(zab_print_event(&notification, &line) == ST_OK);
        }
        if (event->client != 0)
            CHECK(buffer_printf(&line, " C%" PRIu64, event->client) == ST_OK);
        if (event->link != 0)
            CHECK(buffer_printf(&line, " L%" PRIu64, event->link) == ST_OK);
        if (event->ticket != 0)
            CHECK(buffer_printf(&line, " #%" PRIu64, event->ticket) == ST_OK);
        if (event->zxid != 0)
            CHECK(buffer_printf(&line, " 0x%" PRIx64, (uint64_t)event->zxid) == ST_OK);
        world_trace(w, m, "< %.*s", BYTES_PRINT(buffer_bytes(&line)));
        buffer_free(&line);
    }
}

/* -- out ----------------------------------------------------------------------------------------------------------- */

struct printing {
    struct world *w;
    const struct server *m;
};

static void print_record(void *context, int64_t zxid, struct bytes entry)
{
    const struct printing *p = context;
    struct txn txn;
    CHECK(txn_decode(entry, &txn) == ST_OK);
    const char *name = txn_type_name(txn.header.type);
    world_trace(p->w, p->m, "> log 0x%" PRIx64 " %s of 0x%" PRIx64 " cxid=%" PRId32, (uint64_t)zxid,
                name == NULL ? "?" : name, (uint64_t)txn.header.client_id, txn.header.cxid);
}

static void print_disk(struct world *w, const struct server *m, const struct outbox *out)
{
    size_t at = 0;
    struct printing printing = {w, m};
    for (size_t i = 0; i < out->job_count; i++) {
        const struct disk_job *job = &out->jobs[i];
        database_each_record(bytes_make(out->log.data + at, job->before.len), print_record, &printing);
        at += job->before.len;
        world_trace(w, m, "> %s #%" PRIu64 " 0x%" PRIx64, job_names[job->kind], job->ticket, (uint64_t)job->value);
    }
    database_each_record(bytes_make(out->log.data + at, out->log.len - at), print_record, &printing);
}

static void print_peer(struct world *w, const struct server *m, const struct peer_item *item, struct bytes bytes)
{
    const struct peer_link *link = item->link == 0 ? NULL : port_link(m, item->link);
    if (item->kind == PEER_BYTES || item->kind == PEER_FED_BYTES) {
        print_packets(w, m, item->kind == PEER_BYTES ? "> send" : "> feed", item->link, link != NULL && link->giving,
                      bytes);
        return;
    }
    struct buffer line = {0};
    struct zab_event notification = {.kind = ZAB_NOTIFICATION, .sid = item->sid, .bytes = bytes};
    if (item->kind == PEER_NOTIFY)
        CHECK(zab_print_event(&notification, &line) == ST_OK);
    world_trace(w, m, "> %s %" PRId64 " L%" PRIu64 " %.*s", peer_names[item->kind], item->sid, item->link,
                BYTES_PRINT(buffer_bytes(&line)));
    buffer_free(&line);
}

/* Frames: the answer to a connect request is told from a reply by nobody but its client. */
static void print_frames(struct world *w, const struct server *m, uint64_t client, struct bytes bytes)
{
    while (bytes.len >= 4) {
        size_t len = be32_get(bytes.data);
        struct reader reader = reader_of(bytes_make(bytes.data + 4, len));
        struct reply_header h = {0};
        struct watcher_event event;
        (void)reply_header_read(&reader, &h);
        if (h.xid == XID_EVENT && watcher_event_read(&reader, &event) == ST_OK)
            world_trace(w, m, "> event C%" PRIu64 " 0x%" PRIx64 " %d of %.*s", client, (uint64_t)h.zxid,
                        (int)event.type, BYTES_PRINT(event.path));
        else
            world_trace(w, m, "> reply C%" PRIu64 " xid=%" PRId32 " 0x%" PRIx64 " %" PRId32 ", %zu bytes", client,
                        h.xid, (uint64_t)h.zxid, h.err, len);
        bytes = bytes_from(bytes, 4 + len);
    }
}

static void print_item(struct world *w, const struct server *m, const struct outbox *out,
                       const struct outbox_item *item)
{
    static const char *const names[] = {[OUTBOX_CLOSE] = "close", [OUTBOX_PAUSE] = "pause", [OUTBOX_RESUME] = "resume"};
    if (item->kind == OUTBOX_BYTES)
        print_frames(w, m, item->client, bytes_make(out->bytes.data + item->offset, item->len));
    else
        world_trace(w, m, "> %s C%" PRIu64, names[item->kind], item->client);
}

void trace_outbox(struct world *w, const struct server *m, const struct outbox *out)
{
    if (w->trace == NULL)
        return;
    print_disk(w, m, out);
    for (size_t i = 0; i < out->peer_count; i++)
        print_peer(w, m, &out->peers[i], bytes_make(out->bytes.data + out->peers[i].offset, out->peers[i].len));
    for (size_t i = 0; i < out->count; i++)
        print_item(w, m, out, &out->items[i]);
}
