/* front_frames.c - what was read: words answered, frames fed to the replica, the rest kept. */
#include "agent/front/front_parts.h"
#include "core/jute/codec.h"
#include "core/jute/frame.h"

#include <inttypes.h>

/* What one connection may use up of a turn. */
struct allowance {
    uint32_t frames;
    size_t outbox_bytes_max; /* of the outbox, whoever they are for */
};

static int find_word(const struct front *f, const uint8_t *first)
{
    const struct front_words *words = f->parts.words;
    return words == NULL ? -1 : words->find(words->context, (const char *)first);
}

static bool take_first(struct connection *c, struct bytes *in, struct allowance *allowance)
{
    (void)allowance;
    if (in->len < sizeof c->word)
        return false;
    if (find_word(c->front, in->data) < 0) {
        connection_enter(c, PHASE_FRAMES);
        return true;
    }
    memcpy(c->word, in->data, sizeof c->word);
    *in = bytes_from(*in, sizeof c->word);
    connection_enter(c, PHASE_WORD);
    return true;
}

static bool take_word(struct connection *c, struct bytes *in, struct allowance *allowance)
{
    (void)allowance;
    const struct front_words *words = c->front->parts.words;
    int wanted = find_word(c->front, (const uint8_t *)c->word);
    if (wanted > 0 && in->len < (size_t)wanted)
        return false;
    struct buffer text = {0};
    struct bytes argument = bytes_make(in->data, wanted > 0 ? (size_t)wanted : 0);
    enum status st = words->answer(words->context, c->word, argument, c->peer.local, &text);
    const struct iovec part = {text.data, text.len};
    if (st == ST_OK && text.len > 0)
        st = stream_write(&c->stream, &part, 1);
    buffer_free(&text);
    *in = bytes_from(*in, in->len); /* what follows a word is of no interest */
    if (st != ST_OK)
        c->failed = true;
    else
        connection_enter(c, PHASE_DRAINING);
    return false;
}

bool connection_introduce(struct connection *c, struct identities who, bool is_local)
{
    struct front *f = c->front;
    uint64_t client = pump_client_number(f->parts.pump, f->door);
    if (map64_put(&f->by_client, client, c) != ST_OK)
        return false;
    struct replica_event event = {.kind = REPLICA_CONNECTED,
                                  .client = client,
                                  .identities = who,
                                  .is_local = is_local,
                                  .is_of_host = c->peer.local};
    c->client = client;
    return pump_feed(f->parts.pump, &event);
}

void connection_say(struct connection *c)
{
    struct front *f = c->front;
    if (list_is_empty(&c->touched))
        list_append(&f->touched, &c->touched);
    pump_wake(f->parts.pump);
}

void connection_is_in_use(struct connection *c)
{
    c->asked_session = true;
    list_remove(&c->timed);
}

/* The replica hears of a connection with its first frame: one that never sends any costs it nothing. */
static bool introduce(struct connection *c)
{
    char host[ADDRESS_TEXT_SIZE];
    struct buffer subject = {0};
    struct identity who[2] = {{BYTES("ip"), bytes_make(host, address_host(&c->peer, host))}};
    size_t count = 1;
    if (c->stream.ssl != NULL && tls_peer_has_certificate(c->stream.ssl)) {
        if (tls_peer_subject(c->stream.ssl, &subject) != ST_OK) {
            buffer_free(&subject);
            return false;
        }
        struct bytes id = subject.len > 0 ? buffer_bytes(&subject) : BYTES("");
        who[count++] = (struct identity){BYTES("x509"), id};
    }
    bool good = connection_introduce(c, (struct identities){who, count}, false);
    buffer_free(&subject);
    return good;
}

static void feed(struct connection *c, struct bytes frame)
{
    const struct front_tongue *tongue = c->front->parts.tongue;
    if (tongue != NULL) {
        c->failed = !tongue->take(tongue->context, c, frame);
        c->ended_here |= c->failed;
        return;
    }
    if (!c->asked_session) {
        connection_is_in_use(c);
        if (!introduce(c)) {
            c->failed = true;
            return;
        }
    }
    struct replica_event event = {.kind = REPLICA_FRAME, .client = c->client, .frame = frame};
    if (!pump_feed(c->front->parts.pump, &event))
        c->failed = true;
}

/* Says who sent what: nobody else can tell the owner of that client. */
static void refuse_frame(struct connection *c, struct bytes in)
{
    struct front *f = c->front;
    char remote[ADDRESS_TEXT_SIZE];
    uint32_t held_back = 0;
    struct reader reader = reader_of(in);
    int32_t length = read_i32(&reader);
    c->failed = true;
    if (!log_limit_pass(&f->log_bad_frame, uv_now(f->parts.loop), FRONT_LOG_EVERY_MS, &held_back))
        return;
    (void)address_print(&c->peer, remote);
    LOG_WARN(f->parts.log, "front",
             "%s begins a message of %" PRId32 " bytes, and %s is %zu: closed (%u more such since the last line)",
             remote, length, f->limits.frame_setting, f->limits.frame_bytes_max, held_back);
}

static bool take_frame(struct connection *c, struct bytes *in, struct allowance *allowance)
{
    struct bytes frame;
    size_t used = 0;
    switch (frame_next(*in, c->front->limits.frame_bytes_max, &frame, &used)) {
    case FRAME_INCOMPLETE: return false;
    case FRAME_BAD: refuse_frame(c, *in); return false;
    case FRAME_WHOLE: break;
    }
    if (allowance->frames == 0 || pump_waiting_bytes(c->front->parts.pump) > allowance->outbox_bytes_max)
        return false;
    allowance->frames--;
    c->front->turn_frames++;
    feed(c, frame);
    *in = bytes_from(*in, used);
    return true;
}

typedef bool take_fn(struct connection *c, struct bytes *in, struct allowance *allowance);
static take_fn *const take[PHASE_COUNT] = {
    [PHASE_FIRST] = take_first,
    [PHASE_WORD] = take_word,
    [PHASE_FRAMES] = take_frame,
};

/* While others are at work, a client reads its answers when the agent is busy with theirs. One that is alone is
 * answered in parts: else it would be idle while the agent works, and the agent while it does. */
static uint32_t frames_allowed(struct connection *c)
{
    struct front *f = c->front;
    bool is_alone = c->client != 0 && f->last_taken == c->client;
    f->last_taken = c->client;
    return is_alone || f->turn_frames > FRONT_TURN_FRAMES_MAX ? FRONT_FRAMES_IN_PART : FRONT_FRAMES_PER_TURN;
}

static struct bytes take_all(struct connection *c, struct bytes in)
{
    struct allowance allowance = {frames_allowed(c),
                                  pump_waiting_bytes(c->front->parts.pump) + FRONT_REPLY_BYTES_PER_TURN};
    while (take[c->phase] != NULL && !c->paused && !c->held_by_tongue && !c->close_asked && !c->failed &&
           take[c->phase](c, &in, &allowance))
        continue;
    return in;
}

/* Keeps what was not taken. `in_place`: it lies in the shared buffer, else in the connection's own. */
static void keep(struct connection *c, struct bytes left, bool in_place)
{
    struct bytes frame;
    size_t used = 0;
    bool drop = c->failed || c->close_asked || left.len == 0 || !phase_takes_input(c->phase);
    if (drop) {
        buffer_free(&c->rest);
        c->held = false;
        return;
    }
    if (!in_place)
        buffer_consume(&c->rest, c->rest.len - left.len);
    else if (buffer_append(&c->rest, left.data, left.len) != ST_OK)
        c->failed = true;
    c->held = c->phase == PHASE_FRAMES && !c->failed &&
              frame_next(buffer_bytes(&c->rest), c->front->limits.frame_bytes_max, &frame, &used) != FRAME_INCOMPLETE;
}

/* False: there is nothing new. */
static bool read_more(struct connection *c, struct bytes *in, bool *in_place)
{
    struct front *f = c->front;
    size_t got = 0;
    if (!c->stream.readable)
        return false;
    enum stream_result result = stream_read(&c->stream, f->input, sizeof f->input, &got);
    if (result != STREAM_OK) {
        c->failed = result == STREAM_END;
        return false;
    }
    *in_place = c->rest.len == 0;
    if (!*in_place && buffer_append(&c->rest, f->input, got) != ST_OK) {
        c->failed = true;
        return false;
    }
    *in = *in_place ? bytes_make(f->input, got) : buffer_bytes(&c->rest);
    return true;
}

bool connection_take_input(struct connection *c)
{
    uint8_t before = c->phase;
    bool in_place = false;
    struct bytes in = buffer_bytes(&c->rest);
    if (c->paused || c->unsent_high || c->close_asked || c->held_by_tongue)
        return false;
    if (!c->held && !read_more(c, &in, &in_place))
        return false;
    keep(c, take_all(c, in), in_place);
    if (pump_waiting_bytes(c->front->parts.pump) > FRONT_OUTBOX_BYTES_MAX)
        pump_flush(c->front->parts.pump);
    return c->phase != before && !phase_takes_input(c->phase);
}
