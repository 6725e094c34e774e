/* rig_print.c - what leaves the replica, a line each; that it is in order and can be read is checked on the way. */
#include "core/base/check.h"
#include "core/ops/op.h"
#include "core/replica/status_report.h"
#include "tests/support/rig_internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    XID_EVENT = -1,
    XID_PING = -2,
    STATE_CONNECTED = 3,
    TEXT_SHOWN_MAX = 200, /* of longer texts the length is shown */
};

void rig_printf(struct buffer *out, const char *format, ...)
{
    char line[4096];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    CHECK(len >= 0 && (size_t)len < sizeof line);
    CHECK(buffer_append(out, line, (size_t)len) == ST_OK);
}

void rig_put(struct buffer *out, struct bytes text)
{
    for (size_t i = 0; i < text.len; i++)
        rig_printf(out, text.data[i] < 0x20 || text.data[i] > 0x7e ? "\\x%02x" : "%c", text.data[i]);
}

void rig_print_text(struct buffer *out, struct bytes text)
{
    if (bytes_is_null(text)) {
        rig_printf(out, "null");
    } else if (text.len > TEXT_SHOWN_MAX) {
        rig_printf(out, "%zu bytes", text.len);
    } else {
        rig_printf(out, "\"");
        rig_put(out, text);
        rig_printf(out, "\"");
    }
}

void rig_print_zxid(struct buffer *out, int64_t zxid)
{
    if (zxid >> 32 <= 0)
        rig_printf(out, "%" PRId64, zxid);
    else
        rig_printf(out, "%" PRIx64 ":%" PRIx64, (uint64_t)zxid >> 32, (uint64_t)zxid & UINT32_MAX);
}

static void print_greeting(struct rig_client *c, struct reader *r, struct buffer *out)
{
    struct connect_response response;
    CHECK(connect_response_read(r, &response) == ST_OK && response.password.len == 16);
    CHECK(response.protocol_version == 0 && reader_left(r) <= 1);
    static const uint8_t no_password[16];
    c->greeted = true;
    if (response.session_id == 0) {
        CHECK(response.timeout_ms == 0 && memcmp(response.password.data, no_password, sizeof no_password) == 0);
        rig_printf(out, "%s refused\n", c->name);
        return;
    }
    CHECK(memcmp(response.password.data, no_password, sizeof no_password) != 0);
    c->session_id = response.session_id;
    memcpy(c->password, response.password.data, sizeof c->password);
    uint8_t apache[16];
    rig_apache_password(c->session_id, apache);
    const bool is_apache_s = memcmp(apache, c->password, sizeof apache) == 0;
    const bool has_mark = (c->session_id & INT64_C(1) << 55) != 0;
    const char *made = !has_mark ? "" : is_apache_s ? " marked, apache's password" : " keyed";
    const char *kind = reader_left(r) == 0 ? " old" : read_boolean(r) ? " read-only" : "";
    rig_printf(out, "%s session 0x%" PRIx64 " timeout=%d%s%s\n", c->name, (uint64_t)response.session_id,
               response.timeout_ms, kind, made);
}

static void print_event(const struct rig_client *c, const struct reply_header *header, struct reader *r,
                        struct buffer *out)
{
    static const char *const names[] = {"none", "created", "deleted", "changed", "children"};
    struct watcher_event event;
    CHECK(watcher_event_read(r, &event) == ST_OK && event.state == STATE_CONNECTED && reader_left(r) == 0);
    CHECK(event.type >= 1 && event.type <= 4 && header->err == 0);
    /* Whoever has been shown a change has been told of it before. */
    CHECK(header->zxid == -1 || header->zxid > c->seen_zxid);
    rig_printf(out, "%s event %s ", c->name, names[event.type]);
    rig_print_text(out, event.path);
    rig_printf(out, " zxid=");
    rig_print_zxid(out, header->zxid);
    rig_printf(out, "\n");
}

/* The oldest request that has no reply yet. */
static struct rig_asked take_asked(struct rig_client *c)
{
    CHECK(c->asked_first < c->asked_count);
    return c->asked[c->asked_first++];
}

static void print_reply(struct rig_client *c, const struct reply_header *header, struct reader *r, struct buffer *out)
{
    struct rig_asked asked = take_asked(c);
    bool is_pong = asked.op == OP_NUMBER_PING && header->err == 0;
    CHECK(header->xid == (is_pong ? XID_PING : asked.xid));
    CHECK(header->zxid <= 0 || header->zxid >= c->seen_zxid); /* clients remember it */
    c->seen_zxid = header->zxid > 0 ? header->zxid : c->seen_zxid;
    rig_printf(out, "%s xid=%d zxid=", c->name, header->xid);
    rig_print_zxid(out, header->zxid);
    if (header->err != 0) {
        rig_printf(out, " error %d", header->err);
    } else {
        rig_printf(out, " ok");
        rig_print_body(asked.op, r, out);
    }
    CHECK(r->status == ST_OK && reader_left(r) == 0);
    rig_printf(out, "\n");
}

/* The rig lets nobody ask with the xid of events. */
static void print_frame(struct rig_client *c, struct bytes frame, struct buffer *out)
{
    struct reader r = reader_of(frame);
    struct reply_header header;
    if (!c->greeted) {
        print_greeting(c, &r, out);
        return;
    }
    CHECK(reply_header_read(&r, &header) == ST_OK);
    if (header.xid == XID_EVENT)
        print_event(c, &header, &r, out);
    else
        print_reply(c, &header, &r, out);
}

static void print_frames(struct rig *rig, struct rig_client *c, const struct outbox_item *item, struct buffer *out)
{
    CHECK(item->len > 0 && item->offset + item->len <= rig->outbox.bytes.len);
    const uint8_t *at = rig->outbox.bytes.data + item->offset, *end = at + item->len;
    while (at < end) {
        CHECK(end - at >= 4);
        size_t len = be32_get(at);
        CHECK(len <= (size_t)(end - at) - 4);
        print_frame(c, bytes_make(at + 4, len), out);
        at += 4 + len;
    }
}

void rig_print_item(struct rig *rig, const struct outbox_item *item, struct buffer *out)
{
    static const char *const words[] = {
        [OUTBOX_CLOSE] = "closed", [OUTBOX_PAUSE] = "paused", [OUTBOX_RESUME] = "resumed"};
    struct rig_client *c = rig_client_numbered(rig, item->client);
    CHECK(!c->gone);
    if (item->kind == OUTBOX_BYTES) {
        print_frames(rig, c, item, out);
        return;
    }
    c->gone = item->kind == OUTBOX_CLOSE;
    CHECK(item->kind == OUTBOX_CLOSE || c->paused == (item->kind == OUTBOX_RESUME));
    c->paused = item->kind == OUTBOX_PAUSE;
    rig_printf(out, "%s %s\n", c->name, words[item->kind]);
}

void rig_print_audit(struct rig *rig, struct buffer *out)
{
    struct bytes left = buffer_bytes(&rig->outbox.audit);
    while (left.len > 0) {
        const uint8_t *end = memchr(left.data, '\n', left.len);
        CHECK(end != NULL);
        rig_printf(out, "audit");
        if (rig->ensemble != NULL)
            rig_printf(out, "@%d", (int)rig->sid);
        rig_printf(out, ": ");
        for (const uint8_t *at = left.data; at < end; at++)
            rig_put(out, *at == '\t' ? BYTES(" | ") : bytes_make(at, 1));
        rig_printf(out, "\n");
        left = bytes_from(left, (size_t)(end - left.data) + 1);
    }
}

void rig_print_status(struct rig *rig, struct buffer *out)
{
    struct replica_status s;
    replica_status(rig->replica, &s);
    rig_printf(out, "zxid=");
    rig_print_zxid(out, s.last_zxid);
    rig_printf(out, " nodes=%" PRIu64 " ephemerals=%" PRIu64 " sessions=%" PRIu64, s.znode_count, s.ephemerals_count,
               s.session_count);
    if (s.local_session_count > 0)
        rig_printf(out, " local=%" PRIu64, s.local_session_count);
    rig_printf(out, " clients=%" PRIu64, s.client_count);
    rig_printf(out, " outstanding=%" PRIu64 " in_flight=%" PRIu64 " watches=%" PRIu64 "%s%s%s\n", s.outstanding,
               s.in_flight, s.watches.total, s.log_full ? " full" : "", s.log_failed ? " failed" : "",
               s.stopping ? " stopping" : "");
}
