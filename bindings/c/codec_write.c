/* codec_write.c - a message as bytes, from its end to its beginning: so the length of what stands within is known when
 * it is to be written. */
#include "bindings/c/codec_internal.h"

#include <endian.h>
#include <string.h>

struct output {
    uint8_t *begin, *at;
};

static size_t room_of(const struct output *out)
{
    return (size_t)(out->at - out->begin);
}

static size_t varint_len(uint64_t value)
{
    unsigned bits = 64 - (unsigned)__builtin_clzll(value | 1);
    return (bits + 6) / 7;
}

static uint8_t *put_any_varint_at(uint8_t *at, uint64_t value, size_t len)
{
    size_t i = 0;
    at -= len;
    for (; i + 1 < len; i++, value >>= 7)
        at[i] = (uint8_t)(value | 0x80);
    at[i] = (uint8_t)value;
    return at;
}

/* There is room for the longest one: all bytes are set at once, at the end of eight. */
static inline uint8_t *put_varint_at(uint8_t *at, uint64_t value)
{
    if (value < 0x80) {
        *--at = (uint8_t)value;
        return at;
    }
    size_t len = varint_len(value);
    if (len > sizeof value)
        return put_any_varint_at(at, value, len);
    uint64_t bytes = codec_spread(value) << 8 * (sizeof value - len);
    bytes |= (UINT64_C(0x0080808080808080) << 8 * (sizeof value - len)) & 0x0080808080808080;
    bytes = htole64(bytes);
    memcpy(at - sizeof bytes, &bytes, sizeof bytes);
    return at - len;
}

static inline uint8_t *put_key_at(uint8_t *at, const struct codec_field *field)
{
    if (field->key_len == 2)
        *--at = field->key[1];
    *--at = field->key[0];
    return at;
}

/* A number, or the length of what follows it, and the field's key before it. */
static inline bool put_number(struct output *out, const struct codec_field *field, uint64_t number)
{
    size_t room = room_of(out), len;
    if (room >= VARINT_MAX + KEY_MAX) {
        out->at = put_key_at(put_varint_at(out->at, number), field);
        return true;
    }
    len = varint_len(number);
    if (room < len + field->key_len)
        return false;
    out->at = put_key_at(put_any_varint_at(out->at, number, len), field);
    return true;
}

static bool put_piece(struct output *out, const struct codec_field *field, const void *data, size_t len)
{
    if (room_of(out) < len)
        return false;
    out->at -= len;
    if (len > 0)
        memcpy(out->at, data, len);
    return put_number(out, field, len);
}

static bool put_text(struct output *out, const struct codec_field *field, const char *text)
{
    return put_piece(out, field, text, text == NULL ? 0 : strlen(text));
}

static bool put_message(struct output *out, const struct codec_type *type, const void *message);

static bool put_within(struct output *out, const struct codec_field *field, const void *message)
{
    const uint8_t *end = out->at;
    if (message != NULL && !put_message(out, field->within, message))
        return false;
    return put_number(out, field, (uint64_t)(end - out->at));
}

/* Whether the field is there; of the one that a oneof has chosen, its mark says so. */
static inline bool is_absent(const struct codec_field *field, const void *message)
{
    if (field->kind == FIELD_TEXT || field->kind == FIELD_MESSAGE) {
        const void *pointer = *(const void *const *)codec_member_const(message, field->offset);
        return pointer == NULL || pointer == field->default_value;
    }
    return *(const uint32_t *)codec_member_const(message, field->mark_offset) == 0;
}

static bool put_row(struct output *out, const struct codec_field *field, const void *message)
{
    size_t count = *(const size_t *)codec_member_const(message, field->mark_offset);
    const void *const *array = *(const void *const *const *)codec_member_const(message, field->offset);
    for (size_t i = count; i > 0; i--)
        if (!(field->row_kind == FIELD_TEXT ? put_text(out, field, array[i - 1])
                                            : put_within(out, field, array[i - 1])))
            return false;
    return true;
}

static inline bool put_field(struct output *out, const struct codec_field *field, const void *message)
{
    const void *member = codec_member_const(message, field->offset);
    const ProtobufCBinaryData *bytes = member;
    if (field->kind == FIELD_ROW)
        return put_row(out, field, message);
    if (is_absent(field, message))
        return true;
    switch ((enum field_kind)field->kind) {
    case FIELD_INT32: return put_number(out, field, (uint64_t)(int64_t) * (const int32_t *)member);
    case FIELD_UINT32: return put_number(out, field, *(const uint32_t *)member);
    case FIELD_INT64: return put_number(out, field, *(const uint64_t *)member);
    case FIELD_BOOL: return put_number(out, field, *(const protobuf_c_boolean *)member != 0);
    case FIELD_TEXT: return put_text(out, field, *(const char *const *)member);
    case FIELD_BYTES: return put_piece(out, field, bytes->data, bytes->len);
    case FIELD_MESSAGE:
    case FIELD_ROW: break;
    }
    return put_within(out, field, *(const void *const *)member);
}

static bool put_message(struct output *out, const struct codec_type *type, const void *message)
{
    for (unsigned i = type->field_count; i > 0; i--) {
        const struct codec_field *field = &type->fields[i - 1];
        if (field->is_in_oneof) {
            i = field->oneof_first + 1U;
            field = codec_field_of(type, *(const uint32_t *)codec_member_const(message, field->mark_offset));
        }
        if (field != NULL && !put_field(out, field, message))
            return false;
    }
    return true;
}

bool codec_write(const struct codec_type *type, const void *message, uint8_t *room, size_t room_size, size_t *size)
{
    struct output out = {room, room + room_size};
    if (!put_message(&out, type, message))
        return false;
    *size = (size_t)(room + room_size - out.at);
    if (out.at != room)
        memmove(room, out.at, *size);
    return true;
}
