/* notification.c - forms of the election port that ten years of releases have left, told apart by their lengths. */
#include "core/zab/notification.h"

#include "core/base/check.h"

enum {
    LEN_WITHOUT_EPOCH = 28, /* before 3.4 */
    LEN_WITHOUT_CONFIG = 40,
    LEN_BEFORE_CONFIG = 44, /* version 2 */
    VERSION_WITH_CONFIG = 2,
    HELLO_BARE_LEN = 8,
    HELLO_HEAD_LEN = 20 /* form, sid, length of the addresses */
};

#define HELLO_ONE_ADDRESS       INT64_C(-65536)
#define HELLO_SEVERAL_ADDRESSES INT64_C(-65535)

/* -- frames -------------------------------------------------------------------------------------------------------- */

enum frame_result election_frame_next(struct bytes in, struct bytes *frame, size_t *used)
{
    enum frame_result result = frame_next(in, ELECTION_FRAME_MAX, frame, used);
    return result == FRAME_WHOLE && frame->len == 0 ? FRAME_BAD : result;
}

void election_frame_encode(struct writer *w, struct bytes notification)
{
    CHECK(notification.len > 0);
    if (notification.len > ELECTION_FRAME_MAX && w->status == ST_OK)
        w->status = ST_LIMIT;
    write_blob(w, notification);
}

/* -- notifications ------------------------------------------------------------------------------------------------- */

/* Reads what follows the round. */
static enum status read_newer_fields(struct reader *r, size_t frame_len, struct notification *n)
{
    n->vote.peer_epoch = read_i64(r);
    if (frame_len == LEN_WITHOUT_CONFIG)
        return r->status;
    n->version = read_i32(r);
    if (n->version >= VERSION_WITH_CONFIG) {
        n->config = read_blob(r);
        if (bytes_is_null(n->config))
            return ST_CORRUPT;
    }
    return r->status;
}

enum status notification_decode(struct bytes frame, struct notification *n)
{
    struct reader r = reader_of(frame);
    *n = (struct notification){.config = BYTES_NULL};
    const int32_t state = read_i32(&r);
    n->vote.leader = read_i64(&r);
    n->vote.zxid = read_i64(&r);
    n->round = read_i64(&r);
    if (frame.len == LEN_WITHOUT_EPOCH)
        n->vote.peer_epoch = n->vote.zxid >> 32;
    else if (read_newer_fields(&r, frame.len, n) != ST_OK)
        return ST_CORRUPT;
    if (state < SERVER_LOOKING || state > SERVER_OBSERVING)
        return ST_CORRUPT;
    n->state = (enum server_state)state;
    return ST_OK;
}

void notification_encode(struct writer *w, const struct notification *n)
{
    if (n->config.len > ELECTION_FRAME_MAX - LEN_BEFORE_CONFIG && w->status == ST_OK)
        w->status = ST_LIMIT;
    write_i32(w, (int32_t)n->state);
    write_i64(w, n->vote.leader);
    write_i64(w, n->vote.zxid);
    write_i64(w, n->round);
    write_i64(w, n->vote.peer_epoch);
    write_i32(w, VERSION_WITH_CONFIG);
    write_i32(w, (int32_t)n->config.len);
    write_raw(w, n->config);
}

/* -- the initial message ------------------------------------------------------------------------------------------- */

/* Decimal digits, 1 to 65535; 0: anything else. */
static uint16_t port_of(struct bytes text)
{
    uint32_t port = 0;
    if (text.len == 0)
        return 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return 0;
        port = port * 10 + (uint32_t)(text.data[i] - '0');
        if (port > UINT16_MAX)
            return 0;
    }
    return (uint16_t)port;
}

/* Length of what stands before `wanted`; the whole length if that does not occur. */
static size_t length_before(struct bytes text, uint8_t wanted)
{
    const uint8_t *at = text.len == 0 ? NULL : memchr(text.data, wanted, text.len);
    return at == NULL ? text.len : (size_t)(at - text.data);
}

/* "host:port" or "[address]:port". */
static bool parse_address(struct bytes text, struct hello_address *address)
{
    const bool bracketed = text.len > 0 && text.data[0] == '[';
    const struct bytes inner = bracketed ? bytes_from(text, 1) : text;
    const size_t host_len = length_before(inner, bracketed ? ']' : ':');
    const size_t colon = host_len + (bracketed ? 1 : 0);
    if (host_len == 0 || colon >= inner.len || inner.data[colon] != ':')
        return false;
    /* A zero byte would end the name early for whoever looks it up. */
    address->host = bytes_make(inner.data, host_len);
    address->port = port_of(bytes_from(inner, colon + 1));
    return address->port != 0 && length_before(address->host, '\0') == host_len;
}

bool hello_next_address(struct bytes *rest, struct hello_address *address)
{
    while (rest->len > 0 && rest->data[0] == '|')
        *rest = bytes_from(*rest, 1);
    const size_t len = length_before(*rest, '|');
    if (len == 0 || !parse_address(bytes_make(rest->data, len), address))
        return false;
    *rest = bytes_from(*rest, len);
    return true;
}

static bool addresses_are_sound(struct bytes addresses)
{
    struct hello_address address;
    while (hello_next_address(&addresses, &address))
        continue;
    return addresses.len == 0;
}

/* The forms that have a head: `r` stands behind its first field. */
static enum status read_addresses(struct reader *r, struct hello *hello, size_t *lacking)
{
    hello->sid = read_i64(r);
    const int32_t len = read_i32(r);
    if (len < 1)
        return ST_CORRUPT;
    if (len > HELLO_ADDRESSES_MAX)
        return ST_LIMIT;
    if ((size_t)len > reader_left(r)) {
        *lacking = (size_t)len - reader_left(r);
        return ST_TRUNCATED;
    }
    hello->addresses = bytes_make(r->at, (size_t)len);
    return addresses_are_sound(hello->addresses) ? ST_OK : ST_CORRUPT;
}

enum status hello_decode(struct bytes in, struct hello *hello, size_t *used)
{
    struct reader r = reader_of(in);
    *hello = (struct hello){.addresses = BYTES_NULL};
    *used = HELLO_BARE_LEN;
    if (in.len < HELLO_BARE_LEN)
        return ST_TRUNCATED;
    const int64_t form = read_i64(&r);
    if (form >= 0) {
        hello->sid = form;
        return ST_OK;
    }
    if (form != HELLO_ONE_ADDRESS && form != HELLO_SEVERAL_ADDRESSES)
        return ST_CORRUPT;
    *used = HELLO_HEAD_LEN;
    if (in.len < HELLO_HEAD_LEN)
        return ST_TRUNCATED;
    size_t lacking = 0;
    enum status st = read_addresses(&r, hello, &lacking);
    *used = st == ST_TRUNCATED ? in.len + lacking : HELLO_HEAD_LEN + hello->addresses.len;
    return st;
}

void hello_encode(struct writer *w, const struct hello *hello)
{
    CHECK(hello->addresses.len > 0);
    if (hello->addresses.len > HELLO_ADDRESSES_MAX && w->status == ST_OK)
        w->status = ST_LIMIT;
    write_i64(w, HELLO_ONE_ADDRESS);
    write_i64(w, hello->sid);
    write_blob(w, hello->addresses);
}
