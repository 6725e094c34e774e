/* frame.c - one comparison against the limit, before any arithmetic with the length. */
#include "core/jute/frame.h"

enum frame_result frame_next(struct bytes input, size_t max, struct bytes *frame, size_t *used)
{
    *used = 0;
    if (input.len < 4)
        return FRAME_INCOMPLETE;
    uint32_t len = be32_get(input.data);
    if (len > INT32_MAX || len > max)
        return FRAME_BAD;
    *used = (size_t)len + 4;
    if (input.len < *used)
        return FRAME_INCOMPLETE;
    *frame = bytes_make(input.data + 4, len);
    return FRAME_WHOLE;
}
