/* channel_opening.c - from a socket to an open channel: is it TLS, and the handshake. */
#include "agent/net/channel_internal.h"
#include "core/base/check.h"

enum { TLS_HANDSHAKE_RECORD = 0x16 }; /* what a client of TLS begins with; no server begins so without it */

/* -- the time for handshakes --------------------------------------------------------------------------------------- */

static void on_timer(uv_timer_t *timer);

static struct channel *oldest(const struct channels *cs)
{
    return list_is_empty(&cs->handshakes) ? NULL : LIST_ENTRY(cs->handshakes.next, struct channel, handshake);
}

/* The timer may go off too early, when the one it was for is done; then it is set again. */
static void arm(struct channels *cs)
{
    const struct channel *first = oldest(cs);
    uint64_t now = uv_now(cs->loop);
    if (first != NULL && !cs->closing)
        uv_timer_start(&cs->timer, on_timer, first->handshake_due_ms > now ? first->handshake_due_ms - now : 0, 0);
}

static void on_timer(uv_timer_t *timer)
{
    struct channels *cs = timer->data;
    struct channel *first;
    while ((first = oldest(cs)) != NULL && first->handshake_due_ms <= uv_now(cs->loop)) {
        list_remove(&first->handshake);
        channel_fail(first, first->refusal != NULL ? first->refusal : "its TLS handshake takes too long");
    }
    arm(cs);
}

/* -- from phase to phase ------------------------------------------------------------------------------------------- */

static void open_up(struct channel *c)
{
    c->phase = CHANNEL_IS_OPEN;
    list_remove(&c->handshake);
    c->kind->opened(c);
    if (c->kind->fill != NULL)
        channel_touch(c);
}

static void begin_handshake(struct channel *c)
{
    struct channels *cs = c->all;
    struct ssl_st *ssl = (c->how & CHANNEL_CAME_IN) != 0 ? tls_accept(cs->tls) : tls_dial(cs->tls);
    if (ssl == NULL || stream_secure(&c->stream, ssl) != ST_OK) {
        channel_fail(c, "no memory for TLS");
        return;
    }
    c->phase = CHANNEL_SHAKES_HANDS;
    c->handshake_due_ms = uv_now(cs->loop) + cs->handshake_ms;
    list_append(&cs->handshakes, &c->handshake);
    if (oldest(cs) == c)
        arm(cs);
    channel_make_ready(c);
}

/* Of one that came in: nothing is spent on TLS before the peer has said something that looks like it. */
static void look_at_first_byte(struct channel *c)
{
    uint8_t first = 0;
    size_t got = 0;
    if (!c->stream.readable)
        return;
    switch (stream_peek(&c->stream, &first, 1, &got)) {
    case STREAM_WAIT: c->stream.readable = false; return;
    case STREAM_END: channel_fail(c, "it has closed the connection"); return;
    case STREAM_OK: break;
    }
    bool is_tls = first == TLS_HANDSHAKE_RECORD;
    if (is_tls && (c->how & CHANNEL_TLS) != 0)
        begin_handshake(c);
    else if (is_tls)
        channel_fail(c, "it speaks TLS, which is not set up here");
    else if ((c->how & CHANNEL_PLAIN) == 0)
        channel_fail(c, "it does not speak TLS");
    else
        open_up(c);
}

/* Our alert tells the peer why. It would be lost if the socket were closed with unread input: the peer ends it first,
 * or the time for the handshake does. */
static void refuse(struct channel *c, const char *why)
{
    c->phase = CHANNEL_LINGERS;
    c->refusal = why;
    c->stream.readable = true; /* it may have ended already */
    stream_finish(&c->stream);
}

static void linger(struct channel *c)
{
    struct channels *cs = c->all;
    if (c->stream.readable && stream_discard(&c->stream, cs->input, sizeof cs->input) == STREAM_END)
        channel_fail(c, c->refusal);
}

static void shake_hands(struct channel *c)
{
    if (c->all->handshakes_left == 0) {
        channel_make_ready(c);
        return;
    }
    c->all->handshakes_left--;
    switch (stream_handshake(&c->stream)) {
    case STREAM_OK: open_up(c); break;
    case STREAM_WAIT: break;
    case STREAM_END: refuse(c, tls_handshake_reason(c->stream.ssl)); break;
    }
    if (c->phase == CHANNEL_LINGERS)
        linger(c);
}

void channel_advance_opening(struct channel *c)
{
    if (channel_has_stopped(c))
        return;
    if (c->phase == CHANNEL_SHAKES_HANDS)
        shake_hands(c);
    else if (c->phase == CHANNEL_LINGERS)
        linger(c);
    else if ((c->how & CHANNEL_CAME_IN) != 0)
        look_at_first_byte(c);
    else if ((c->how & CHANNEL_TLS) != 0)
        begin_handshake(c);
    else
        open_up(c);
}
