/* notification_fuzz.c - any bytes as frames of the election port, and as one notification: what is read has its
 * length's form, and is written again so that it is read the same. */
#include "core/base/check.h"
#include "core/zab/notification.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_same(const struct notification *a, const struct notification *b)
{
    CHECK(a->state == b->state && a->round == b->round);
    CHECK(a->vote.leader == b->vote.leader && a->vote.zxid == b->vote.zxid && a->vote.peer_epoch == b->vote.peer_epoch);
    /* It is always written with a configuration. */
    CHECK(b->version == 2 && !bytes_is_null(b->config));
    CHECK(bytes_equal(a->config, b->config) || (bytes_is_null(a->config) && b->config.len == 0));
}

static void check_notification(struct bytes frame)
{
    struct notification n, n_again;
    struct buffer again = {0}, framed = {0};
    struct writer w = writer_to(&again), framed_writer = writer_to(&framed);
    if (notification_decode(frame, &n) != ST_OK)
        return;
    CHECK(frame.len == 28 || frame.len >= 40);
    CHECK(bytes_is_null(n.config) == (n.version < 2));
    CHECK((frame.len != 28 && frame.len != 40) || n.version == 0);
    notification_encode(&w, &n);
    CHECK(w.status == ST_OK && notification_decode(buffer_bytes(&again), &n_again) == ST_OK);
    check_same(&n, &n_again);
    if (n.version == 2)
        CHECK(bytes_starts_with(frame, buffer_bytes(&again)));
    struct bytes content;
    size_t used;
    election_frame_encode(&framed_writer, buffer_bytes(&again));
    CHECK(election_frame_next(buffer_bytes(&framed), &content, &used) == FRAME_WHOLE && used == framed.len);
    CHECK(bytes_equal(content, buffer_bytes(&again)));
    buffer_free(&again);
    buffer_free(&framed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes in = bytes_make(data, size), frame;
    size_t used;
    check_notification(in);
    while (election_frame_next(in, &frame, &used) == FRAME_WHOLE) {
        CHECK(frame.len >= 1 && frame.len <= ELECTION_FRAME_MAX && used == frame.len + 4 && used <= in.len);
        check_notification(frame);
        in = bytes_from(in, used);
    }
    return 0;
}
