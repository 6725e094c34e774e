/* codec_read.c - bytes as a message. */
#include "bindings/c/codec_internal.h"

#include <endian.h>
#include <string.h>

struct input {
    const uint8_t *at, *end;
};

/* Where fewer than eight bytes are left, or the number takes more. */
static bool get_any_varint(struct input *in, uint64_t *value)
{
    uint64_t v = 0;
    const uint8_t *at = in->at;
    for (unsigned shift = 0; at < in->end && shift < 64; shift += 7) {
        uint8_t byte = *at++;
        if (shift == 63 && byte > 1)
            return false;
        v |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *value = v;
            in->at = at;
            return true;
        }
    }
    return false;
}

/* All of its bytes at once. */
static bool get_long_varint(struct input *in, uint64_t *value)
{
    uint64_t bytes;
    if (in->end - in->at < (ptrdiff_t)sizeof bytes)
        return get_any_varint(in, value);
    memcpy(&bytes, in->at, sizeof bytes);
    bytes = le64toh(bytes);
    uint64_t ends = ~bytes & 0x8080808080808080;
    if (ends == 0)
        return get_any_varint(in, value);
    in->at += (__builtin_ctzll(ends) + 1) / 8;
    *value = codec_squeeze(bytes & (ends ^ (ends - 1)));
    return true;
}

static inline bool get_varint(struct input *in, uint64_t *value)
{
    if (in->at < in->end && *in->at < 0x80) {
        *value = *in->at++;
        return true;
    }
    return get_long_varint(in, value);
}

/* A key or a length, which no writer makes longer than five bytes. */
static inline bool get_short_varint(struct input *in, uint64_t *value)
{
    const uint8_t *begin = in->at;
    return get_varint(in, value) && in->at - begin <= SHORT_VARINT_MAX;
}

static inline bool get_piece(struct input *in, struct input *piece)
{
    uint64_t len;
    if (!get_short_varint(in, &len) || len > (uint64_t)(in->end - in->at))
        return false;
    *piece = (struct input){in->at, in->at + len};
    in->at = piece->end;
    return true;
}

static inline bool get_key(struct input *in, uint32_t *number, unsigned *wire)
{
    uint64_t key;
    if (!get_short_varint(in, &key) || key > UINT32_MAX || key >> WIRE_BITS == 0)
        return false;
    *number = (uint32_t)(key >> WIRE_BITS);
    *wire = (unsigned)key & ((1U << WIRE_BITS) - 1);
    return true;
}

static bool skip(struct input *in, unsigned wire)
{
    uint64_t number;
    struct input piece;
    ptrdiff_t fixed = wire == PROTOBUF_C_WIRE_TYPE_64BIT ? 8 : 4;
    switch (wire) {
    case PROTOBUF_C_WIRE_TYPE_VARINT: return get_varint(in, &number);
    case PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED: return get_piece(in, &piece);
    case PROTOBUF_C_WIRE_TYPE_64BIT:
    case PROTOBUF_C_WIRE_TYPE_32BIT:
        if (in->end - in->at < fixed)
            return false;
        in->at += fixed;
        return true;
    default: return false;
    }
}

/* -- values -------------------------------------------------------------------------------------------------------- */

static bool read_message(struct codec_memory *memory, const struct codec_type *type, struct input in, void *message);

static inline void *take(struct codec_memory *memory, size_t size)
{
    const size_t mask = sizeof(max_align_t) - 1;
    if (size > memory->left)
        return memory->take(memory->context, size);
    uint8_t *taken = memory->room;
    size = (size + mask) & ~mask;
    size = size < memory->left ? size : memory->left;
    memory->room += size;
    memory->left -= size;
    return taken;
}

static void *new_message(struct codec_memory *memory, const struct codec_type *type)
{
    void *message = take(memory, type->descriptor->sizeof_message);
    if (message != NULL)
        type->descriptor->message_init(message);
    return message;
}

static bool read_text(struct codec_memory *memory, struct input piece, char **member)
{
    size_t len = (size_t)(piece.end - piece.at);
    char *text = take(memory, len + 1);
    if (text == NULL)
        return false;
    if (len > 0)
        memcpy(text, piece.at, len);
    text[len] = '\0';
    *member = text;
    return true;
}

static bool read_bytes(struct codec_memory *memory, struct input piece, ProtobufCBinaryData *member)
{
    size_t len = (size_t)(piece.end - piece.at);
    uint8_t *copy = len == 0 ? NULL : take(memory, len);
    if (len > 0 && copy == NULL)
        return false;
    if (len > 0)
        memcpy(copy, piece.at, len);
    *member = (ProtobufCBinaryData){len, copy};
    return true;
}

/* `*member`: NULL, or the message that came before, to which this one is added. Types lie in each other only so deep.
 */
static bool read_within(struct codec_memory *memory, const struct codec_type *type, struct input piece, void **member)
{
    if (*member == NULL)
        *member = new_message(memory, type);
    return *member != NULL && read_message(memory, type, piece, *member);
}

/* -- repeated fields: pointers in an array, and what comes in a row is added at once --------------------------------
 */

/* How often the field comes in a row; `in` is behind the first one's key. */
static size_t count_row(const struct codec_field *field, struct input in)
{
    uint32_t number = field->number;
    unsigned wire = field->wire;
    size_t count = 0;
    while (number == field->number && wire == field->wire && skip(&in, wire)) {
        count++;
        if (in.at == in.end || !get_key(&in, &number, &wire))
            break;
    }
    return count;
}

static bool make_room(struct codec_memory *memory, void ***array, size_t has, size_t more)
{
    void **longer = take(memory, (has + more) * sizeof(void *));
    if (longer == NULL)
        return false;
    if (has > 0)
        memcpy(longer, *array, has * sizeof(void *));
    memset(longer + has, 0, more * sizeof(void *));
    *array = longer;
    return true;
}

static bool read_element(struct codec_memory *memory, const struct codec_field *field, struct input *in, void *element)
{
    struct input piece;
    if (!get_piece(in, &piece))
        return false;
    return field->row_kind == FIELD_TEXT ? read_text(memory, piece, element)
                                         : read_within(memory, field->within, piece, element);
}

static bool read_row(struct codec_memory *memory, const struct codec_field *field, struct input *in, void *message)
{
    size_t *count = codec_member(message, field->mark_offset), more = count_row(field, *in);
    void ***array = codec_member(message, field->offset);
    uint32_t number;
    unsigned wire;
    if (more == 0 || !make_room(memory, array, *count, more))
        return false;
    for (size_t i = 0; i < more; i++) {
        if ((i > 0 && !get_key(in, &number, &wire)) || !read_element(memory, field, in, *array + *count))
            return false;
        ++*count;
    }
    return true;
}

/* -- messages ------------------------------------------------------------------------------------------------------ */

static inline bool read_field(struct codec_memory *memory, const struct codec_field *field, struct input *in,
                              void *message)
{
    void *member = codec_member(message, field->offset);
    struct input piece = {0};
    uint64_t number = 0;
    if (field->kind == FIELD_ROW)
        return read_row(memory, field, in, message);
    if (field->has_mark)
        *(uint32_t *)codec_member(message, field->mark_offset) = field->mark;
    if (field->wire == PROTOBUF_C_WIRE_TYPE_VARINT ? !get_varint(in, &number) : !get_piece(in, &piece))
        return false;
    switch ((enum field_kind)field->kind) {
    case FIELD_INT32:
    case FIELD_UINT32: *(uint32_t *)member = (uint32_t)number; return true;
    case FIELD_INT64: *(uint64_t *)member = number; return true;
    case FIELD_BOOL: *(protobuf_c_boolean *)member = number != 0; return true;
    case FIELD_TEXT: return read_text(memory, piece, member);
    case FIELD_BYTES: return read_bytes(memory, piece, member);
    case FIELD_MESSAGE: break;
    case FIELD_ROW: return false;
    }
    if (field->is_in_oneof)
        *(void **)member = NULL; /* of several in a oneof the last one counts */
    return read_within(memory, field->within, piece, member);
}

static bool read_message(struct codec_memory *memory, const struct codec_type *type, struct input in, void *message)
{
    unsigned wire;
    uint32_t number;
    while (in.at < in.end) {
        if (!get_key(&in, &number, &wire))
            return false;
        const struct codec_field *field = codec_field_of(type, number);
        bool good = field == NULL         ? skip(&in, wire)
                    : wire == field->wire ? read_field(memory, field, &in, message)
                                          : false;
        if (!good)
            return false;
    }
    return true;
}

void *codec_read(const struct codec_type *type, const uint8_t *data, size_t len, struct codec_memory *memory)
{
    void *message = new_message(memory, type);
    const struct input in = {data, data + len};
    return message != NULL && read_message(memory, type, in, message) ? message : NULL;
}
