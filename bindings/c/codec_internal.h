/* codec_internal.h - the tables that the codec works by, made of protobuf-c's descriptors (codec_types.c). */
#pragma once

#include "bindings/c/codec.h"

enum {
    WIRE_BITS = 3,        /* of a key; above them is the number of the field */
    NUMBERS_MAX = 128,    /* fields have numbers below */
    FIELDS_MAX = 255,     /* of a type */
    SHORT_VARINT_MAX = 5, /* bytes, of a key or a length */
    VARINT_MAX = 10,      /* bytes, of a number */
    KEY_MAX = 2,          /* bytes, of such numbers */
    LEVELS_MAX = 16,      /* of messages within each other */
};

enum field_kind {
    FIELD_INT32,
    FIELD_UINT32,
    FIELD_INT64,
    FIELD_BOOL,
    FIELD_TEXT,
    FIELD_BYTES,
    FIELD_MESSAGE,
    FIELD_ROW, /* repeated texts or messages */
};

struct codec_field {
    uint8_t kind, wire, number;
    uint8_t row_kind; /* of a row's elements */
    uint8_t key[KEY_MAX], key_len;
    bool has_mark;
    uint8_t oneof_first; /* the first field of the same oneof; all of them follow each other */
    bool is_in_oneof;
    uint32_t offset;
    uint32_t mark_offset;            /* where stands that it is there: `mark`; or, of a repeated one, how often */
    uint32_t mark;                   /* true; in a oneof, the field's number */
    const struct codec_type *within; /* of a message */
    const void *default_value;
};

struct codec_type {
    const ProtobufCMessageDescriptor *descriptor;
    const struct codec_field *fields; /* by number */
    unsigned field_count;
    bool has_only_numbers;          /* none of them in a oneof */
    uint8_t by_number[NUMBERS_MAX]; /* its place, counted from 1; 0: there is none */
};

/* NULL: not known. */
static inline const struct codec_field *codec_field_of(const struct codec_type *type, uint32_t number)
{
    unsigned place = number < NUMBERS_MAX ? type->by_number[number] : 0;
    return place == 0 ? NULL : &type->fields[place - 1];
}

/* Seven bits of each byte, those of the first one lowest, and back. */
static inline uint64_t codec_squeeze(uint64_t bytes)
{
    bytes = (bytes & 0x007f007f007f007f) | (bytes & 0x7f007f007f007f00) >> 1;
    bytes = (bytes & 0x00003fff00003fff) | (bytes & 0x3fff00003fff0000) >> 2;
    return (bytes & 0x000000000fffffff) | (bytes & 0x0fffffff00000000) >> 4;
}

static inline uint64_t codec_spread(uint64_t number)
{
    number = (number & 0x000000000fffffff) | (number << 4 & 0x0fffffff00000000);
    number = (number & 0x00003fff00003fff) | (number << 2 & 0x3fff00003fff0000);
    return (number & 0x007f007f007f007f) | (number << 1 & 0x7f007f007f007f00);
}

static inline void *codec_member(void *message, uint32_t offset)
{
    return (uint8_t *)message + offset;
}

static inline const void *codec_member_const(const void *message, uint32_t offset)
{
    return (const uint8_t *)message + offset;
}
