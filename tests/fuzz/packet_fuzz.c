/* packet_fuzz.c - any bytes as a stream of packets: the same come out whatever pieces the bytes come in, each is
 * written again as it was, and its data is read as every payload there is. The first two bytes are the limit. */
#include "core/base/check.h"
#include "core/zab/packet.h"
#include "core/zab/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* -- payloads ------------------------------------------------------------------------------------------------------ */

/* Each writes again what it could read, and says whether it could. */
typedef bool payload_fn(struct bytes data, struct writer *w);

static bool rewrite_learner_info(struct bytes data, struct writer *w)
{
    struct learner_info info;
    enum status st = learner_info_decode(data, &info);
    CHECK(st == (bytes_is_null(data) ? ST_NOT_FOUND : data.len < 8 ? ST_CORRUPT : ST_OK));
    if (st != ST_OK)
        return false;
    learner_info_encode(w, &info);
    return data.len >= 20;
}

static bool rewrite_leader_info(struct bytes data, struct writer *w)
{
    struct leader_info info;
    if (leader_info_decode(data, &info) != ST_OK)
        return false;
    leader_info_encode(w, &info);
    return true;
}

static bool rewrite_ack_epoch(struct bytes data, struct writer *w)
{
    int32_t epoch;
    if (ack_epoch_decode(data, &epoch) != ST_OK)
        return false;
    ack_epoch_encode(w, epoch);
    return true;
}

static bool rewrite_designated_leader(struct bytes data, struct writer *w)
{
    int64_t sid;
    if (designated_leader_decode(data, &sid) != ST_OK)
        return false;
    designated_leader_encode(w, sid);
    return true;
}

static bool rewrite_activated_entry(struct bytes data, struct writer *w)
{
    int64_t sid;
    struct bytes entry;
    if (activated_entry_decode(data, &sid, &entry) != ST_OK)
        return false;
    activated_entry_encode(w, sid, entry);
    return true;
}

static bool rewrite_revalidate(struct bytes data, struct writer *w)
{
    struct touch session;
    if (revalidate_decode(data, &session) != ST_OK)
        return false;
    touch_encode(w, &session);
    return true;
}

static bool rewrite_revalidated(struct bytes data, struct writer *w)
{
    int64_t session_id;
    bool valid;
    if (revalidated_decode(data, &session_id, &valid) != ST_OK)
        return false;
    revalidated_encode(w, session_id, valid);
    return data.data[8] <= 1;
}

static bool rewrite_touches(struct bytes data, struct writer *w)
{
    struct reader at;
    struct touch touch;
    if (touches_begin(data, &at) != ST_OK)
        return false;
    while (touches_next(&at, &touch))
        touch_encode(w, &touch);
    return true;
}

static bool rewrite_forwarded_request(struct bytes data, struct writer *w)
{
    struct forwarded_request request;
    if (forwarded_request_decode(data, &request) != ST_OK)
        return false;
    CHECK(!bytes_is_null(request.body));
    forwarded_request_encode(w, &request);
    return true;
}

static const struct payload_row {
    payload_fn *rewrite;
    bool is_whole; /* written again is all of it, not what begins it */
} payloads[] = {
    {rewrite_learner_info, true},       {rewrite_leader_info, true},     {rewrite_ack_epoch, false},
    {rewrite_designated_leader, false}, {rewrite_activated_entry, true}, {rewrite_revalidate, false},
    {rewrite_revalidated, false},       {rewrite_touches, true},         {rewrite_forwarded_request, true},
};

static void check_payloads(struct bytes data)
{
    struct buffer again = {0};
    for (size_t i = 0; i < ARRAY_LEN(payloads); i++) {
        struct writer w = writer_to(&again);
        again.len = 0;
        if (!payloads[i].rewrite(data, &w))
            continue;
        CHECK(w.status == ST_OK && bytes_starts_with(data, buffer_bytes(&again)));
        CHECK(!payloads[i].is_whole || again.len == data.len);
    }
    buffer_free(&again);
}

/* -- packets ------------------------------------------------------------------------------------------------------- */

static void check_ids(const struct ids *ids, size_t max)
{
    struct reader at = reader_of(ids->raw);
    struct bytes scheme, id;
    int32_t count = 0;
    while (ids_next(&at, &scheme, &id))
        count++;
    CHECK(count == ids->count && at.status == ST_OK && reader_left(&at) == 0 && ids->raw.len <= max);
}

static void check_packet(struct bytes whole, size_t max, const struct packet *packet)
{
    struct buffer again = {0};
    struct writer w = writer_to(&again);
    CHECK(packet->data.len <= max);
    packet_encode(&w, packet);
    CHECK(w.status == ST_OK && bytes_equal(buffer_bytes(&again), whole));
    buffer_free(&again);
    check_ids(&packet->authinfo, max);
    check_payloads(packet->data);
}

/* As much as is asked for, and one byte less, until it is known what comes of it. */
static enum status decode_in_pieces(struct bytes in, size_t max, size_t *used)
{
    struct packet packet;
    for (size_t len = 0;; len = *used) {
        enum status st = packet_decode(bytes_make(in.data, len), max, &packet, used);
        if (st != ST_TRUNCATED)
            return st;
        CHECK(*used > len);
        size_t again = 0;
        const size_t nearly = *used - 1 < in.len ? *used - 1 : in.len;
        CHECK(packet_decode(bytes_make(in.data, nearly), max, &packet, &again) == ST_TRUNCATED && again == *used);
        if (*used > in.len)
            return st;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    const size_t max = (size_t)data[0] << 8 | data[1];
    struct bytes in = bytes_make(data + 2, size - 2);
    check_payloads(in);
    check_payloads(BYTES_NULL);
    for (;;) {
        struct packet packet;
        size_t used, used_in_pieces;
        enum status st = packet_decode(in, max, &packet, &used);
        CHECK(st == ST_OK || st == ST_TRUNCATED || st == ST_CORRUPT || st == ST_LIMIT);
        CHECK(decode_in_pieces(in, max, &used_in_pieces) == st);
        if (st != ST_OK)
            return 0;
        CHECK(used == used_in_pieces && used <= in.len);
        check_packet(bytes_make(in.data, used), max, &packet);
        in = bytes_from(in, used);
    }
}
