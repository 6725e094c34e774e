/* frame_fuzz.c - any bytes as a stream of messages: the same messages come out whatever pieces the bytes come in. */
#include "core/base/check.h"
#include "core/jute/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LEN_LEN = 4 };

/* What may be said of one look, whatever it found. */
static void check_look(struct bytes input, size_t max, enum frame_result result, struct bytes frame, size_t used)
{
    if (result == FRAME_WHOLE) {
        CHECK(frame.len <= max && used == frame.len + LEN_LEN && used <= input.len);
        CHECK(frame.data == input.data + LEN_LEN && be32_get(input.data) == frame.len);
    } else if (result == FRAME_INCOMPLETE) {
        CHECK(used == 0 ? input.len < LEN_LEN : used > input.len && used <= max + LEN_LEN);
    } else {
        CHECK(input.len >= LEN_LEN);
    }
}

/* The whole input is there, or as much of it as is asked for, one byte after the other. */
static enum frame_result next_in_pieces(struct bytes input, size_t max, struct bytes *frame, size_t *used)
{
    enum frame_result result = FRAME_INCOMPLETE;
    for (size_t len = 0; len <= input.len && result == FRAME_INCOMPLETE;) {
        const struct bytes piece = bytes_make(input.data, len);
        result = frame_next(piece, max, frame, used);
        check_look(piece, max, result, *frame, *used);
        len = result == FRAME_INCOMPLETE && *used > len && *used <= input.len ? *used : len + 1;
    }
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    const size_t max = (size_t)data[0] << 8 | data[1];
    struct bytes input = bytes_make(data + 2, size - 2);
    for (;;) {
        struct bytes frame, again;
        size_t used, used_again;
        const enum frame_result result = frame_next(input, max, &frame, &used);
        check_look(input, max, result, frame, used);
        CHECK(next_in_pieces(input, max, &again, &used_again) == result);
        if (result != FRAME_WHOLE)
            return 0;
        CHECK(again.data == frame.data && again.len == frame.len && used_again == used);
        input = bytes_from(input, used);
    }
}
