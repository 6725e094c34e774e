/* front_phases.c - the life of a connection: one table of phases, one function that goes on.
 *
 * A phase's step does what can be done now and says whether something has changed, so that the next step may follow. */
#include "agent/front/front_parts.h"

#define TO(phase) (1U << (phase))

enum { TLS_HANDSHAKE_RECORD = 0x16 };

static bool step_detect(struct connection *c);
static bool step_handshake(struct connection *c);
static bool step_draining(struct connection *c);
static bool step_lingering(struct connection *c);
static bool step_closed(struct connection *c);

static const struct phase_row {
    const char *name;
    bool (*step)(struct connection *c);
    unsigned may_enter;
    bool reads;       /* whatever comes is of interest */
    bool takes_input; /* unless held back */
} phases[] = {
    [PHASE_DETECT] = {"detect", step_detect,
                      TO(PHASE_HANDSHAKE) | TO(PHASE_FIRST) | TO(PHASE_DRAINING) | TO(PHASE_CLOSED), true, false},
    [PHASE_HANDSHAKE] = {"handshake", step_handshake, TO(PHASE_FIRST) | TO(PHASE_DRAINING) | TO(PHASE_CLOSED), true,
                         false},
    [PHASE_FIRST] = {"first", connection_take_input, TO(PHASE_WORD) | TO(PHASE_FRAMES) | TO(PHASE_CLOSED), false, true},
    [PHASE_WORD] = {"word", connection_take_input, TO(PHASE_DRAINING) | TO(PHASE_CLOSED), false, true},
    [PHASE_FRAMES] = {"frames", connection_take_input, TO(PHASE_DRAINING) | TO(PHASE_CLOSED), false, true},
    [PHASE_DRAINING] = {"draining", step_draining, TO(PHASE_LINGERING) | TO(PHASE_CLOSED), false, false},
    [PHASE_LINGERING] = {"lingering", step_lingering, TO(PHASE_CLOSED), true, false},
    [PHASE_CLOSED] = {"closed", step_closed, 0, false, false},
};
static_assert(ARRAY_LEN(phases) == PHASE_COUNT, "one row for each phase");

const char *phase_name(enum phase phase)
{
    return phases[phase].name;
}

bool phase_takes_input(enum phase phase)
{
    return phases[phase].takes_input;
}

void connection_enter(struct connection *c, enum phase phase)
{
    CHECK((phases[c->phase].may_enter & TO(phase)) != 0);
    if (c->phase == PHASE_HANDSHAKE)
        c->front->handshakes--;
    if (phase == PHASE_HANDSHAKE)
        c->front->handshakes++;
    if (phase == PHASE_DRAINING)
        connection_time(c, &c->front->closing, FRONT_LINGER_MS);
    c->phase = (uint8_t)phase;
}

static bool fail(struct connection *c)
{
    c->failed = true;
    return true;
}

/* Says it, and leaves the peer the time to read the alert that tells it why. */
static bool fail_handshake(struct connection *c, const char *reason)
{
    struct front *f = c->front;
    char remote[ADDRESS_TEXT_SIZE];
    uint32_t held_back = 0;
    metrics_add(f->parts.metrics, COUNTER_unsuccessful_handshake, 1);
    (void)address_print(&c->peer, remote);
    if (log_limit_pass(&f->log_handshake, uv_now(f->parts.loop), FRONT_LOG_EVERY_MS, &held_back))
        LOG_WARN(f->parts.log, "front", "TLS handshake with %s failed: %s (%u more since the last line)", remote,
                 reason, held_back);
    connection_enter(c, PHASE_DRAINING);
    return true;
}

static bool begin_handshake(struct connection *c)
{
    if (!front_room_for_handshake(c->front))
        return fail(c);
    struct ssl_st *ssl = tls_accept(c->way->tls);
    if (ssl == NULL || stream_secure(&c->stream, ssl) != ST_OK)
        return fail(c);
    connection_enter(c, PHASE_HANDSHAKE);
    return true;
}

/* Nothing is spent on TLS before the peer has said something that looks like it. */
static bool step_detect(struct connection *c)
{
    uint8_t first = 0;
    size_t got = 0;
    if (!c->stream.readable)
        return false;
    enum stream_result result = stream_peek(&c->stream, &first, 1, &got);
    if (result != STREAM_OK)
        return result == STREAM_END && fail(c);
    if (first == TLS_HANDSHAKE_RECORD)
        return begin_handshake(c);
    if (c->way->security == FRONT_TLS)
        return fail_handshake(c, "what came is no TLS");
    connection_enter(c, PHASE_FIRST);
    return true;
}

static bool step_handshake(struct connection *c)
{
    struct front *f = c->front;
    if (f->handshakes_left == 0) {
        connection_queue(c);
        return false;
    }
    f->handshakes_left--;
    switch (stream_handshake(&c->stream)) {
    case STREAM_OK: connection_enter(c, PHASE_FIRST); return true;
    case STREAM_WAIT: return false;
    case STREAM_END: return fail_handshake(c, tls_handshake_reason(c->stream.ssl));
    }
    return false;
}

static bool step_draining(struct connection *c)
{
    connection_end(c);
    buffer_free(&c->rest);
    c->held = false;
    if (c->stream.broken)
        return fail(c);
    if (stream_unsent(&c->stream) > 0)
        return false;
    stream_finish(&c->stream);
    connection_enter(c, PHASE_LINGERING);
    return true;
}

/* A socket that is closed with unread input resets the connection, and the peer may lose our last answer. */
static bool step_lingering(struct connection *c)
{
    return c->stream.readable && stream_discard(&c->stream, c->front->input, sizeof c->front->input) == STREAM_END &&
           fail(c);
}

static bool step_closed(struct connection *c)
{
    (void)c;
    return false;
}

static bool may_take(const struct connection *c)
{
    bool is_held = c->paused || c->unsent_high || c->close_asked || c->held_by_tongue;
    return phases[c->phase].takes_input && !is_held && !c->failed;
}

static void judge_unsent(struct connection *c)
{
    size_t unsent = stream_unsent(&c->stream);
    size_t pause = c->front->limits.unsent_pause;
    if (unsent > pause)
        c->unsent_high = true;
    else if (unsent <= pause / 2)
        c->unsent_high = false;
}

void connection_settle(struct connection *c)
{
    if (c->phase == PHASE_CLOSED)
        return;
    judge_unsent(c);
    bool takes = may_take(c);
    /* Before lingering, reading is not switched off for the moment that it takes to get there. */
    bool lingers = c->phase == PHASE_DRAINING && stream_unsent(&c->stream) == 0;
    stream_want(&c->stream, phases[c->phase].reads || lingers || (takes && !c->held));
    /* What no event of the socket will bring: input that lies here, or in OpenSSL, or behind an error. */
    bool has_more = c->held || c->stream.broken || (c->stream.ssl != NULL && c->stream.readable);
    if ((takes && has_more) || (c->stream.broken && phases[c->phase].reads))
        connection_queue(c);
}

void connection_advance(struct connection *c)
{
    if (c->stream.broken && phases[c->phase].takes_input && !may_take(c))
        c->failed = true;
    if (c->was_sent_away) {
        c->was_sent_away = c->close_asked = c->paused = false;
        connection_forget_client(c);
    }
    while (!c->failed && phases[c->phase].step(c))
        continue;
    if (c->failed)
        connection_drop(c);
    else
        connection_settle(c);
}
