/* channel.c - reading in portions, writing in batches, and one place where a channel ends. */
#include "agent/net/channel_internal.h"

#include "core/base/check.h"
#include "core/base/mem.h"

enum { READS_PER_TURN = 4, OUT_KEPT = 4096, SHARED_KEPT = 256 * 1024, HANDLE_COUNT = 3 };
enum { HANDSHAKES_PER_TURN = 8 }; /* a private-key operation takes a millisecond */

static void on_idle(uv_idle_t *idle);
static void on_prepare(uv_prepare_t *prepare);

/* -- all of them --------------------------------------------------------------------------------------------------- */

void channels_init(struct channels *cs, struct streams *streams, const struct tls *tls, uint32_t handshake_ms)
{
    uv_loop_t *loop = streams->loop;
    cs->loop = loop;
    cs->streams = streams;
    cs->tls = tls;
    cs->handshake_ms = handshake_ms;
    list_init(&cs->dirty);
    list_init(&cs->ready);
    list_init(&cs->fed);
    list_init(&cs->handshakes);
    cs->handles = HANDLE_COUNT;
    /* These cannot fail: they only fill in the struct. */
    CHECK(uv_prepare_init(loop, &cs->flush) == 0 && uv_idle_init(loop, &cs->work) == 0 &&
          uv_timer_init(loop, &cs->timer) == 0);
    cs->flush.data = cs->work.data = cs->timer.data = cs;
}

static void maybe_closed(struct channels *cs)
{
    if (cs->closing && cs->open == 0 && cs->handles == 0)
        cs->closed(cs->context);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct channels *cs = handle->data;
    cs->handles--;
    maybe_closed(cs);
}

void channels_close(struct channels *cs, void (*closed)(void *context), void *context)
{
    cs->closing = true;
    cs->closed = closed;
    cs->context = context;
    buffer_free(&cs->shared);
    uv_close((uv_handle_t *)&cs->flush, on_handle_closed);
    uv_close((uv_handle_t *)&cs->work, on_handle_closed);
    uv_close((uv_handle_t *)&cs->timer, on_handle_closed);
}

/* -- the end ------------------------------------------------------------------------------------------------------- */

bool channel_has_stopped(const struct channel *c)
{
    return c->failure != NULL || channel_is_closed(c);
}

void channel_make_ready(struct channel *c)
{
    if (!list_is_empty(&c->ready) || channel_is_closed(c) || c->all->closing)
        return;
    list_append(&c->all->ready, &c->ready);
    uv_idle_start(&c->all->work, on_idle);
}

void channel_fail(struct channel *c, const char *why)
{
    if (channel_has_stopped(c))
        return;
    c->failure = why;
    channel_make_ready(c);
}

static void on_closed(struct stream *s)
{
    struct channel *c = CONTAINER_OF(s, struct channel, stream);
    struct channels *cs = c->all;
    buffer_free(&c->in);
    buffer_free(&c->out);
    c->kind->freed(c);
    cs->open--;
    maybe_closed(cs);
}

void channel_close(struct channel *c)
{
    list_remove(&c->dirty);
    list_remove(&c->ready);
    list_remove(&c->fed);
    list_remove(&c->handshake);
    stream_close(&c->stream);
}

/* -- reading ------------------------------------------------------------------------------------------------------- */

static bool takes(const struct channel *c)
{
    return channel_is_open(c) && !c->held && !channel_has_stopped(c);
}

/* Returns how much was taken. */
static size_t offer(struct channel *c, struct bytes bytes)
{
    size_t at = 0;
    while (at < bytes.len && takes(c)) {
        size_t taken = c->kind->take(c, bytes_from(bytes, at));
        CHECK(taken <= bytes.len - at);
        if (taken == 0)
            break;
        at += taken;
    }
    return at;
}

static void keep(struct channel *c, struct bytes rest)
{
    if (rest.len > 0 && !channel_has_stopped(c) && buffer_append(&c->in, rest.data, rest.len) != ST_OK)
        channel_fail(c, "no memory for what it sends");
}

static void offer_kept(struct channel *c)
{
    c->offer = false;
    buffer_consume(&c->in, offer(c, buffer_bytes(&c->in)));
    if (c->in.len == 0 && !channel_is_closed(c))
        buffer_free(&c->in);
    else if (takes(c) && c->in.len >= c->limits->input_max)
        channel_fail(c, "it sends something longer than is allowed");
}

static void take_in(struct channel *c, struct bytes input)
{
    if (c->in.len == 0) {
        keep(c, bytes_from(input, offer(c, input)));
    } else {
        keep(c, input);
        offer_kept(c);
    }
}

static void read_some(struct channel *c)
{
    struct channels *cs = c->all;
    for (int i = 0; i < READS_PER_TURN && takes(c) && c->stream.readable; i++) {
        size_t got = 0;
        switch (stream_read(&c->stream, cs->input, sizeof cs->input, &got)) {
        case STREAM_OK: take_in(c, bytes_make(cs->input, got)); break;
        case STREAM_WAIT: return;
        case STREAM_END: channel_fail(c, c->stream.ssl != NULL ? tls_reason() : "it has closed the connection"); return;
        }
    }
    if (takes(c) && c->stream.readable)
        channel_make_ready(c); /* what a layer holds, the kernel does not tell of again */
}

/* -- going on ------------------------------------------------------------------------------------------------------ */

/* To be called from the loop after anything has changed. */
static void advance(struct channel *c)
{
    if (!channel_is_open(c))
        channel_advance_opening(c);
    if (c->heavy && !channel_has_stopped(c) && channel_unsent(c) <= c->limits->unsent_mark) {
        c->heavy = false;
        if (c->kind->lighter != NULL)
            c->kind->lighter(c);
    }
    if (c->offer && takes(c))
        offer_kept(c);
    read_some(c);
    if (c->failure != NULL && !channel_is_closed(c))
        c->kind->ended(c, c->failure);
}

static void on_ready(struct stream *s)
{
    struct channel *c = CONTAINER_OF(s, struct channel, stream);
    if (s->broken && !s->readable)
        channel_fail(c, "what it is sent cannot be written");
    if (c->phase == CHANNEL_SHAKES_HANDS) {
        channel_make_ready(c); /* where handshakes are counted */
        return;
    }
    if (c->kind->fill != NULL && channel_unsent(c) == 0)
        channel_touch(c);
    advance(c);
}

/* Those that come to the list meanwhile have their turn in the next one. */
static void on_idle(uv_idle_t *idle)
{
    struct channels *cs = idle->data;
    struct list now;
    cs->handshakes_left = HANDSHAKES_PER_TURN;
    list_init(&now);
    list_insert_after(cs->ready.prev, &now);
    while (cs->ready.next != &now) {
        struct channel *c = LIST_ENTRY(cs->ready.next, struct channel, ready);
        list_remove(&c->ready);
        advance(c);
    }
    list_remove(&now);
    if (list_is_empty(&cs->ready) && !cs->closing)
        uv_idle_stop(&cs->work);
}

void channel_hold(struct channel *c)
{
    c->held = true;
    if (!channel_is_closed(c))
        stream_want(&c->stream, false);
}

void channel_go(struct channel *c)
{
    if (!c->held || channel_is_closed(c))
        return;
    c->held = false;
    c->offer = c->in.len > 0;
    stream_want(&c->stream, true);
    channel_make_ready(c);
}

/* -- sending ------------------------------------------------------------------------------------------------------- */

static bool is_fed(const struct channel *c)
{
    return !list_is_empty(&c->fed);
}

/* What is shared and it has not been sent yet. */
static struct bytes shared_rest(const struct channel *c)
{
    return is_fed(c) ? bytes_from(buffer_bytes(&c->all->shared), c->shared_from) : BYTES_NULL;
}

size_t channel_unsent(const struct channel *c)
{
    return c->out.len + stream_unsent(&c->stream) + shared_rest(c).len;
}

void channel_touch(struct channel *c)
{
    if (!list_is_empty(&c->dirty) || !channel_is_open(c) || channel_has_stopped(c) || c->all->closing)
        return;
    list_append(&c->all->dirty, &c->dirty);
    uv_prepare_start(&c->all->flush, on_prepare);
}

/* The queue is judged before something is added to it, so that one long message alone never ends the connection. */
static bool has_room(struct channel *c, size_t waiting)
{
    if (waiting <= c->limits->unsent_max)
        return true;
    c->overflowed = true;
    channel_fail(c, "it does not read what it is sent");
    return false;
}

static bool append_out(struct channel *c, struct bytes bytes)
{
    if (buffer_append(&c->out, bytes.data, bytes.len) == ST_OK)
        return true;
    channel_fail(c, "no memory for what it is sent");
    return false;
}

/* What was shared before it belongs before it, and is its own from now on. */
void channel_send(struct channel *c, struct bytes bytes)
{
    if (channel_has_stopped(c) || bytes.len == 0)
        return;
    CHECK(channel_is_open(c));
    const struct bytes shared = shared_rest(c);
    if (!has_room(c, channel_unsent(c)) || !append_out(c, shared))
        return;
    c->shared_from += shared.len;
    if (!append_out(c, bytes))
        return;
    if (channel_unsent(c) > c->limits->unsent_mark)
        c->heavy = true;
    channel_touch(c);
}

static void write_out(struct channel *c)
{
    const struct bytes shared = shared_rest(c);
    const struct iovec parts[] = {{c->out.data, c->out.len}, {(void *)(uintptr_t)shared.data, shared.len}};
    const bool has_own = c->out.len > 0;
    if (!has_own && shared.len == 0)
        return;
    if (stream_write(&c->stream, has_own ? parts : parts + 1, has_own && shared.len > 0 ? 2 : 1) != ST_OK)
        channel_fail(c, "what it is sent cannot be written");
    c->shared_from += shared.len;
    c->out.len = 0;
    if (c->out.cap > OUT_KEPT)
        buffer_free(&c->out);
}

/* -- sending to all that are fed ----------------------------------------------------------------------------------- */

void channel_feed(struct channel *c)
{
    if (is_fed(c) || channel_is_closed(c))
        return;
    c->shared_from = c->all->shared.len;
    list_append(&c->all->fed, &c->fed);
}

void channels_share(struct channels *cs, struct bytes bytes)
{
    if (list_is_empty(&cs->fed) || bytes.len == 0 || cs->closing)
        return;
    uv_prepare_start(&cs->flush, on_prepare);
    if (buffer_append(&cs->shared, bytes.data, bytes.len) == ST_OK)
        return;
    LIST_FOR_EACH(at, &cs->fed)
    channel_fail(LIST_ENTRY(at, struct channel, fed), "no memory for what it is sent");
}

static void flush_shared(struct channels *cs)
{
    if (cs->shared.len == 0)
        return;
    LIST_FOR_EACH(at, &cs->fed)
    {
        struct channel *c = LIST_ENTRY(at, struct channel, fed);
        if (!channel_has_stopped(c) && has_room(c, stream_unsent(&c->stream)))
            write_out(c);
        c->heavy = c->heavy || stream_unsent(&c->stream) > c->limits->unsent_mark;
        c->shared_from = 0;
    }
    cs->shared.len = 0;
    if (cs->shared.cap > SHARED_KEPT)
        buffer_free(&cs->shared);
}

static void flush_one(struct channel *c)
{
    write_out(c);
    if (c->kind->fill != NULL && !channel_has_stopped(c) && channel_unsent(c) == 0) {
        c->kind->fill(c);
        if (!channel_has_stopped(c))
            write_out(c);
    }
    list_remove(&c->dirty);
    if (c->heavy && channel_unsent(c) <= c->limits->unsent_mark)
        channel_make_ready(c);
}

void channels_flush(struct channels *cs)
{
    while (!list_is_empty(&cs->dirty)) {
        struct channel *c = LIST_ENTRY(cs->dirty.next, struct channel, dirty);
        list_remove(&c->dirty);
        flush_one(c);
    }
    flush_shared(cs);
}

static void on_prepare(uv_prepare_t *prepare)
{
    struct channels *cs = prepare->data;
    channels_flush(cs);
    if (!cs->closing)
        uv_prepare_stop(prepare);
}

/* -- the beginning ------------------------------------------------------------------------------------------------- */

static const struct stream_events channel_events = {on_ready, on_closed};

enum status channel_open(struct channel *c, struct channels *cs, int fd, unsigned how, const struct channel_kind *kind,
                         const struct channel_limits *limits)
{
    CHECK((how & CHANNEL_TLS) == 0 || cs->tls != NULL);
    *c = (struct channel){.all = cs, .kind = kind, .limits = limits, .how = how};
    list_init(&c->dirty);
    list_init(&c->ready);
    list_init(&c->fed);
    list_init(&c->handshake);
    enum status st = stream_open(&c->stream, cs->streams, fd, &channel_events);
    if (st != ST_OK)
        return st;
    cs->open++;
    stream_want(&c->stream, true);
    if ((how & CHANNEL_CAME_IN) == 0)
        channel_make_ready(c);
    return ST_OK;
}
