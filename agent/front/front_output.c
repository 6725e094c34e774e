/* front_output.c - what the pump delivers: gathered for each connection during a turn, then written at once. */
#include "agent/front/front_parts.h"
#include "core/base/array.h"

enum { PARTS_PER_WRITE = 256, SEGMENTS_KEPT = 4096 };

static struct connection *find(struct front *f, uint64_t client)
{
    return map64_get(&f->by_client, client);
}

static void control(void *context, uint64_t client, enum outbox_kind kind)
{
    struct connection *c = find(context, client);
    if (c == NULL)
        return;
    if (kind == OUTBOX_CLOSE)
        c->close_asked = true;
    else
        c->paused = kind == OUTBOX_PAUSE;
    connection_settle(c);
}

static void touch(struct front *f, struct connection *c)
{
    if (list_is_empty(&c->touched))
        list_append(&f->touched, &c->touched);
}

static bool add_segment(struct front *f, struct connection *c, const uint8_t *data, size_t len)
{
    struct segment *segments = array_room(f->segments, f->segment_count, &f->segment_cap, sizeof *segments, 64);
    if (segments == NULL)
        return false;
    f->segments = segments;
    uint32_t at = f->segment_count++;
    f->segments[at] = (struct segment){data, len, NO_SEGMENT};
    if (c->segment_first == NO_SEGMENT)
        c->segment_first = at;
    else
        f->segments[c->segment_last].next = at;
    c->segment_last = at;
    return true;
}

/* What a tongue says is gathered with its connection, whoever said it, and joins the segments at the end. */
static void translate(const struct front_tongue *tongue, struct connection *c, const struct outbox_item *item,
                      const uint8_t *bytes)
{
    if (item->kind != OUTBOX_CLOSE)
        c->failed |= tongue->translate(tongue->context, c, bytes_make(bytes, item->len), &c->said) != ST_OK;
    else if (tongue->sent_away(tongue->context, c, &c->said))
        c->was_sent_away = true;
    else
        c->close_delivered = true;
}

static void deliver(void *context, const struct outbox_item *item, const uint8_t *bytes)
{
    struct front *f = context;
    struct connection *c = find(f, item->client);
    if (c == NULL && f->parts.tongue != NULL && item->kind == OUTBOX_CLOSE)
        f->parts.tongue->stray_sent_away(f->parts.tongue->context, item->client);
    if (c == NULL || c->phase != PHASE_FRAMES || c->close_delivered)
        return;
    touch(f, c);
    if (f->parts.tongue != NULL) {
        translate(f->parts.tongue, c, item, bytes);
        return;
    }
    if (item->kind == OUTBOX_CLOSE)
        c->close_delivered = true;
    else if (!add_segment(f, c, bytes, item->len))
        c->failed = true; /* a gap in the stream would be worse than its end */
}

/* The backlog is judged before the turn's bytes are added to it, so that one large reply alone never closes. */
static bool is_too_slow(struct front *f, struct connection *c)
{
    char remote[ADDRESS_TEXT_SIZE];
    uint32_t held_back = 0;
    size_t unsent = stream_unsent(&c->stream);
    if (unsent <= f->limits.unsent_max)
        return false;
    f->slow_closed++;
    c->ended_here = true;
    metrics_add(f->parts.metrics, COUNTER_connection_drop_count, 1);
    (void)address_print(&c->peer, remote);
    if (log_limit_pass(&f->log_slow, uv_now(f->parts.loop), FRONT_LOG_EVERY_MS, &held_back))
        LOG_WARN(f->parts.log, "front",
                 "%s does not read what it is sent: closed with %zu bytes unsent, more than zooid.maxEventBacklog (%u "
                 "more such since the last line)",
                 remote, unsent, held_back);
    return true;
}

static void send_segments(struct front *f, struct connection *c)
{
    struct iovec parts[PARTS_PER_WRITE];
    for (uint32_t at = c->segment_first; at != NO_SEGMENT && !c->failed;) {
        size_t count = 0;
        for (; at != NO_SEGMENT && count < PARTS_PER_WRITE; at = f->segments[at].next)
            parts[count++] = (struct iovec){(void *)(uintptr_t)f->segments[at].data, f->segments[at].len};
        if (stream_write(&c->stream, parts, count) != ST_OK)
            c->failed = true;
    }
}

static void take_said(struct front *f, struct connection *c)
{
    if (c->said.len > 0 && !add_segment(f, c, c->said.data, c->said.len))
        c->failed = true;
}

/* A tongue has the last word, if the peer comes to read it before the connection is given up. */
static void cut_off(struct front *f, struct connection *c)
{
    const struct front_tongue *tongue = f->parts.tongue;
    if (tongue == NULL) {
        c->failed = true;
        return;
    }
    c->said.len = 0;
    c->segment_first = NO_SEGMENT;
    tongue->too_slow(tongue->context, c);
}

static void flush_one(struct front *f, struct connection *c)
{
    bool has_more = c->said.len > 0 || c->segment_first != NO_SEGMENT;
    if (has_more && !c->close_delivered && is_too_slow(f, c))
        cut_off(f, c);
    take_said(f, c);
    send_segments(f, c);
    c->segment_first = NO_SEGMENT;
    c->said.len = 0;
    if (c->said.cap > FRONT_SAID_KEPT)
        buffer_free(&c->said);
    if (c->close_delivered && !c->failed)
        connection_enter(c, PHASE_DRAINING);
    if (c->failed || c->close_delivered || c->was_sent_away)
        connection_queue(c);
    connection_settle(c);
}

static void flush(void *context)
{
    struct front *f = context;
    LIST_FOR_EACH(at, &f->touched)
    {
        struct connection *c = LIST_ENTRY(at, struct connection, touched);
        list_remove(&c->touched);
        flush_one(f, c);
    }
    f->segment_count = 0;
    f->turn_frames = 0;
    if (f->parts.tongue != NULL && f->parts.tongue->is_ripe(f->parts.tongue->context))
        pump_wake(f->parts.pump);
    if (f->segment_cap > SEGMENTS_KEPT) {
        mem_free(f->segments);
        f->segments = NULL;
        f->segment_cap = 0;
    }
}

/* Those that came to the list meanwhile have their turn in the next one. */
static bool work(void *context)
{
    struct front *f = context;
    struct list now;
    if (f->parts.tongue != NULL) {
        f->parts.tongue->work(f->parts.tongue->context);
        flush(f); /* what was said without the replica */
    }
    f->handshakes_left = FRONT_HANDSHAKES_PER_TURN;
    list_init(&now);
    list_insert_after(f->ready.prev, &now);
    while (f->ready.next != &now) {
        struct connection *c = LIST_ENTRY(f->ready.next, struct connection, ready);
        list_remove(&c->ready);
        connection_advance(c);
    }
    list_remove(&now);
    return !list_is_empty(&f->ready);
}

static void abandon(void *context)
{
    struct front *f = context;
    LIST_FOR_EACH(at, &f->connections)
    connection_drop(LIST_ENTRY(at, struct connection, link));
}

void front_door(struct front *f, struct pump_door *door)
{
    *door = (struct pump_door){f, control, deliver, flush, work, abandon};
}
