/* log_tap.c - lines that were taken, one after the other. */
#include "agent/base/log_tap.h"

enum { HEAD_BYTES = 3 };

bool log_taken_next(struct bytes *lines, enum log_level *level, struct bytes *text)
{
    if (lines->len < HEAD_BYTES)
        return false;
    size_t len = (size_t)lines->data[1] << 8 | lines->data[2];
    *level = (enum log_level)lines->data[0];
    *text = bytes_make(lines->data + HEAD_BYTES, len);
    *lines = bytes_from(*lines, HEAD_BYTES + len);
    return true;
}
