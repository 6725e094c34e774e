/* frame.h - length-prefixed messages out of a stream of bytes (client-protocol 1.1). Pure. */
#pragma once

#include "core/base/bytes.h"

enum frame_result {
    FRAME_WHOLE,      /* a message is there */
    FRAME_INCOMPLETE, /* more bytes are needed */
    FRAME_BAD         /* a length below 0 or above the limit: the connection must be closed */
};

/* Looks at the front of `input`. FRAME_WHOLE: `frame` is the message without its length and `used` what to take from
 * the input. FRAME_INCOMPLETE: `used` is how many bytes the whole message will have, 0 while that is not known. */
enum frame_result frame_next(struct bytes input, size_t max, struct bytes *frame, size_t *used);
