/* codec_write.c - a message as bytes, from its end to its beginning: so the length of what stands within is known when
 * it is to be written. */
#include "bindings/c/codec_internal.h"

#include <endian.h>
#include <string.h>

enum { NUMBER_ROOM = KEY_MAX + VARINT_MAX };

/* What has been written begins at `at`, which is where the next piece ends; functions return where it begins, or NULL
 * when there is no room behind `begin`. */

static size_t varint_len(uint64_t value)
{
    unsigned bits = 64 - (unsigned)__builtin_clzll(value | 1);
    return (bits * 9 + 64) / 64;
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
static uint8_t *put_long_varint_at(uint8_t *at, uint64_t value)
{
    size_t len = varint_len(value), unused = 8 * (sizeof value - len);
    if (len > sizeof value)
        return put_any_varint_at(at, value, len);
    uint64_t bytes = codec_spread(value) << unused;
    bytes |= (UINT64_C(0x0080808080808080) << unused) & 0x0080808080808080;
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

static uint8_t *put_number_closely(uint8_t *begin, uint8_t *at, const struct codec_field *field, uint64_t number)
{
    size_t len = varint_len(number);
    if ((size_t)(at - begin) < len + field->key_len)
        return NULL;
    return put_key_at(put_any_varint_at(at, number, len), field);
}

static inline uint8_t *put_number_at(uint8_t *at, const struct codec_field *field, uint64_t number)
{
    if (number < 0x80)
        *--at = (uint8_t)number;
    else
        at = put_long_varint_at(at, number);
    return put_key_at(at, field);
}

/* A number, or the length of what follows it, and the field's key before it. */
static inline uint8_t *put_number(uint8_t *begin, uint8_t *at, const struct codec_field *field, uint64_t number)
{
    if (at - begin < NUMBER_ROOM)
        return put_number_closely(begin, at, field, number);
    return put_number_at(at, field, number);
}

static uint8_t *put_piece(uint8_t *begin, uint8_t *at, const struct codec_field *field, const void *data, size_t len)
{
    if ((size_t)(at - begin) < len)
        return NULL;
    at -= len;
    if (len > 0)
        memcpy(at, data, len);
    return put_number(begin, at, field, len);
}

static uint8_t *put_text(uint8_t *begin, uint8_t *at, const struct codec_field *field, const char *text)
{
    return put_piece(begin, at, field, text, text == NULL ? 0 : strlen(text));
}

static uint8_t *put_message(uint8_t *begin, uint8_t *at, const struct codec_type *type, const void *message);

static uint8_t *put_within(uint8_t *begin, uint8_t *at, const struct codec_field *field, const void *message)
{
    const uint8_t *end = at;
    at = message == NULL ? at : put_message(begin, at, field->within, message);
    return at == NULL ? NULL : put_number(begin, at, field, (uint64_t)(end - at));
}

static uint8_t *put_row(uint8_t *begin, uint8_t *at, const struct codec_field *field, const void *message)
{
    size_t count = *(const size_t *)codec_member_const(message, field->mark_offset);
    const void *const *array = *(const void *const *const *)codec_member_const(message, field->offset);
    for (size_t i = count; i > 0 && at != NULL; i--)
        at = field->row_kind == FIELD_TEXT ? put_text(begin, at, field, array[i - 1])
                                           : put_within(begin, at, field, array[i - 1]);
    return at;
}

static inline bool is_marked(const struct codec_field *field, const void *message)
{
    return *(const uint32_t *)codec_member_const(message, field->mark_offset) != 0;
}

static inline uint64_t number_of(const struct codec_field *field, const void *message)
{
    const void *member = codec_member_const(message, field->offset);
    if (field->kind == FIELD_INT64)
        return *(const uint64_t *)member;
    if (field->kind == FIELD_INT32)
        return (uint64_t)(int64_t) * (const int32_t *)member;
    return field->kind == FIELD_BOOL ? *(const protobuf_c_boolean *)member != 0 : *(const uint32_t *)member;
}

/* Of a type that has nothing else, where there is room for all of them. */
static uint8_t *put_all_numbers(uint8_t *at, const struct codec_type *type, const void *message)
{
    for (const struct codec_field *field = type->fields + type->field_count; field-- > type->fields;)
        if (is_marked(field, message))
            at = put_number_at(at, field, number_of(field, message));
    return at;
}

/* What takes more than a number does. Of the one that a oneof has chosen, its mark says that it is there. */
static uint8_t *put_other(uint8_t *begin, uint8_t *at, const struct codec_field *field, const void *message)
{
    const void *member = codec_member_const(message, field->offset);
    if (field->kind == FIELD_ROW)
        return put_row(begin, at, field, message);
    if (field->kind == FIELD_BYTES) {
        const ProtobufCBinaryData *bytes = member;
        return is_marked(field, message) ? put_piece(begin, at, field, bytes->data, bytes->len) : at;
    }
    const void *pointer = *(const void *const *)member;
    if (pointer == NULL || pointer == field->default_value)
        return at;
    return field->kind == FIELD_TEXT ? put_text(begin, at, field, pointer) : put_within(begin, at, field, pointer);
}

static uint8_t *put_message(uint8_t *begin, uint8_t *at, const struct codec_type *type, const void *message)
{
    const struct codec_field *next = type->fields + type->field_count;
    if (type->has_only_numbers && at - begin >= (ptrdiff_t)type->field_count * NUMBER_ROOM)
        return put_all_numbers(at, type, message);
    while (next > type->fields && at != NULL) {
        const struct codec_field *field = --next;
        if (field->is_in_oneof) {
            next = type->fields + field->oneof_first;
            field = codec_field_of(type, *(const uint32_t *)codec_member_const(message, field->mark_offset));
            if (field == NULL)
                continue;
        }
        if (field->wire != PROTOBUF_C_WIRE_TYPE_VARINT)
            at = put_other(begin, at, field, message);
        else if (is_marked(field, message))
            at = put_number(begin, at, field, number_of(field, message));
    }
    return at;
}

bool codec_write(const struct codec_type *type, const void *message, uint8_t *room, size_t room_size, size_t *size)
{
    const uint8_t *at = put_message(room, room + room_size, type, message);
    if (at == NULL)
        return false;
    *size = (size_t)(room + room_size - at);
    if (at != room)
        memmove(room, at, *size);
    return true;
}
