/* checkpoint_format.h - values of a checkpoint with their CRC, shared by the files of it. Internal to core/store. */
#pragma once

#include "core/jute/codec.h"
#include "core/store/checkpoint.h"

/* Opens a value at out->len: room for the CRC, then the format. */
struct checkpoint_value {
    struct buffer *out;
    size_t start;
};
struct checkpoint_value checkpoint_value_begin(struct writer *w);

/* Puts the CRC over space, key and everything behind it in its place. */
void checkpoint_value_end(const struct checkpoint_value *value, struct writer *w, enum checkpoint_space space,
                          uint32_t key);

/* A reader over what stands behind the format. ST_CORRUPT: the CRC does not match; ST_UNSUPPORTED: a newer format. */
enum status checkpoint_value_open(enum checkpoint_space space, uint32_t key, struct bytes value, struct reader *r);

/* Appends the meta record. */
void checkpoint_meta_encode(struct writer *w, const struct checkpoint_meta *meta);

enum {
    CHECKPOINT_META_KEY = 0,
    CHECKPOINT_SESSION_LEN = 12, /* id, time-out */
    CHECKPOINT_SESSIONS_PER_VALUE = 4096,
};
