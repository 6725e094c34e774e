/* Frames come out of a stream as they went in, however it is cut, and a bad length is seen at once
 * (client-protocol 1.1). */
#include "core/jute/frame.h"

#include "core/base/check.h"
#include "tests/support/test.h"

static void lengths(void **state)
{
    (void)state;
    static const struct {
        uint8_t bytes[8];
        size_t len, max;
        enum frame_result result;
        size_t used, frame_len;
    } rows[] = {
        {{0}, 0, 100, FRAME_INCOMPLETE, 0, 0},
        {{0, 0, 0}, 3, 100, FRAME_INCOMPLETE, 0, 0},
        {{0, 0, 0, 0}, 4, 100, FRAME_WHOLE, 4, 0},
        {{0, 0, 0, 2, 'a', 'b', 'c'}, 7, 100, FRAME_WHOLE, 6, 2},
        {{0, 0, 0, 5, 'a', 'b', 'c'}, 7, 100, FRAME_INCOMPLETE, 9, 0},
        {{0, 0, 0, 100}, 4, 100, FRAME_INCOMPLETE, 104, 0},
        {{0, 0, 0, 101}, 4, 100, FRAME_BAD, 0, 0},
        {{0xff, 0xff, 0xff, 0xff}, 4, 100, FRAME_BAD, 0, 0},
        {{0x80, 0, 0, 0}, 4, SIZE_MAX, FRAME_BAD, 0, 0},
        {{0x7f, 0xff, 0xff, 0xff}, 4, SIZE_MAX, FRAME_INCOMPLETE, (size_t)INT32_MAX + 4, 0},
        {{'r', 'u', 'o', 'k'}, 4, 0xfffff, FRAME_BAD, 0, 0},
        {{0, 0, 0, 1, 'a'}, 5, 0, FRAME_BAD, 0, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct bytes frame = BYTES_NULL;
        size_t used = 99;
        enum frame_result result = frame_next(bytes_make(rows[i].bytes, rows[i].len), rows[i].max, &frame, &used);
        if (result != rows[i].result || used != rows[i].used || frame.len != rows[i].frame_len)
            fail_msg("row %zu: %d, used %zu, %zu bytes", i, (int)result, used, frame.len);
    }
}

/* The same stream, fed in pieces of each size. */
static void any_split_gives_the_same_frames(void **state)
{
    (void)state;
    static const uint8_t stream[] = {0, 0, 0, 1, 'a', 0, 0, 0, 0, 0, 0, 0, 3, 'b', 'c', 'd', 0, 0, 0, 2, 'e', 'f'};
    for (size_t piece = 1; piece <= sizeof stream; piece++) {
        struct buffer input = {0}, output = {0};
        for (size_t at = 0; at < sizeof stream; at += piece) {
            size_t len = sizeof stream - at < piece ? sizeof stream - at : piece;
            assert_int_equal(buffer_append(&input, stream + at, len), ST_OK);
            struct bytes frame;
            size_t used;
            while (frame_next(buffer_bytes(&input), 10, &frame, &used) == FRAME_WHOLE) {
                assert_int_equal(buffer_printf(&output, "%.*s,", BYTES_PRINT(frame)), ST_OK);
                buffer_consume(&input, used);
            }
        }
        assert_int_equal(input.len, 0);
        assert_true(bytes_equal(buffer_bytes(&output), BYTES("a,,bcd,ef,")));
        buffer_free(&input);
        buffer_free(&output);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengths),
        cmocka_unit_test(any_split_gives_the_same_frames),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
