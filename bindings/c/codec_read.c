/* codec_read.c - bytes as a message. */
#include "bindings/c/codec_internal.h"

#include <endian.h>
#include <string.h>

/* Bytes are read from `at`, none at `end` or behind it. Functions return where they have read to, or NULL: it is not
 * what it has to be, or there is no memory. */

/* Where fewer than eight bytes are left, or the number takes more. */
static const uint8_t *get_any_varint(const uint8_t *at, const uint8_t *end, uint64_t *value)
{
    uint64_t v = 0;
    for (unsigned shift = 0; at < end && shift < 64; shift += 7) {
        uint8_t byte = *at++;
        if (shift == 63 && byte > 1)
            return NULL;
        v |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *value = v;
            return at;
        }
    }
    return NULL;
}

/* All of its bytes at once. */
static const uint8_t *get_long_varint(const uint8_t *at, const uint8_t *end, uint64_t *value)
{
    uint64_t bytes;
    if (end - at < (ptrdiff_t)sizeof bytes)
        return get_any_varint(at, end, value);
    memcpy(&bytes, at, sizeof bytes);
    bytes = le64toh(bytes);
    uint64_t ends = ~bytes & 0x8080808080808080;
    if (ends == 0)
        return get_any_varint(at, end, value);
    *value = codec_squeeze(bytes & (ends ^ (ends - 1)));
    return at + (__builtin_ctzll(ends) + 1) / 8;
}

static inline const uint8_t *get_varint(const uint8_t *at, const uint8_t *end, uint64_t *value)
{
    if (at == end || *at >= 0x80)
        return get_long_varint(at, end, value);
    *value = *at;
    return at + 1;
}

/* A key or a length, which no writer makes longer than five bytes. */
static inline const uint8_t *get_short_varint(const uint8_t *at, const uint8_t *end, uint64_t *value)
{
    const uint8_t *begin = at;
    at = get_varint(at, end, value);
    return at != NULL && at - begin <= SHORT_VARINT_MAX ? at : NULL;
}

/* The length of a piece, all of which is there. */
static inline const uint8_t *get_length(const uint8_t *at, const uint8_t *end, size_t *len)
{
    uint64_t value;
    at = get_short_varint(at, end, &value);
    if (at == NULL || value > (uint64_t)(end - at))
        return NULL;
    *len = (size_t)value;
    return at;
}

static inline const uint8_t *get_key(const uint8_t *at, const uint8_t *end, uint32_t *number, unsigned *wire)
{
    uint64_t key;
    at = get_short_varint(at, end, &key);
    if (at == NULL || key > UINT32_MAX || key >> WIRE_BITS == 0)
        return NULL;
    *number = (uint32_t)(key >> WIRE_BITS);
    *wire = (unsigned)key & ((1U << WIRE_BITS) - 1);
    return at;
}

static const uint8_t *skip(const uint8_t *at, const uint8_t *end, unsigned wire)
{
    uint64_t number;
    size_t len = 0;
    switch (wire) {
    case PROTOBUF_C_WIRE_TYPE_VARINT: return get_varint(at, end, &number);
    case PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED: at = get_length(at, end, &len); break;
    case PROTOBUF_C_WIRE_TYPE_64BIT: len = sizeof(uint64_t); break;
    case PROTOBUF_C_WIRE_TYPE_32BIT: len = sizeof(uint32_t); break;
    default: return NULL;
    }
    return at == NULL || (size_t)(end - at) < len ? NULL : at + len;
}

/* -- values -------------------------------------------------------------------------------------------------------- */

static bool read_message(struct codec_memory *memory, const struct codec_type *type, const uint8_t *at,
                         const uint8_t *end, void *message);

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

static bool read_text(struct codec_memory *memory, const uint8_t *data, size_t len, char **member)
{
    char *text = take(memory, len + 1);
    if (text == NULL)
        return false;
    if (len > 0)
        memcpy(text, data, len);
    text[len] = '\0';
    *member = text;
    return true;
}

static bool read_bytes(struct codec_memory *memory, const uint8_t *data, size_t len, ProtobufCBinaryData *member)
{
    uint8_t *copy = len == 0 ? NULL : take(memory, len);
    if (len > 0 && copy == NULL)
        return false;
    if (len > 0)
        memcpy(copy, data, len);
    *member = (ProtobufCBinaryData){len, copy};
    return true;
}

/* `*member`: NULL, or the message that came before, to which this one is added. Types lie in each other only so deep.
 */
static bool read_within(struct codec_memory *memory, const struct codec_type *type, const uint8_t *data, size_t len,
                        void **member)
{
    if (*member == NULL)
        *member = new_message(memory, type);
    return *member != NULL && read_message(memory, type, data, data + len, *member);
}

/* -- repeated fields: pointers in an array, and what comes in a row is added at once --------------------------------
 */

/* How often the field comes in a row; `at` is behind the first one's key. */
static size_t count_row(const struct codec_field *field, const uint8_t *at, const uint8_t *end)
{
    uint32_t number = field->number;
    unsigned wire = field->wire;
    size_t count = 0;
    while (number == field->number && wire == field->wire && (at = skip(at, end, wire)) != NULL) {
        count++;
        if (at == end || (at = get_key(at, end, &number, &wire)) == NULL)
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

static const uint8_t *read_element(struct codec_memory *memory, const struct codec_field *field, const uint8_t *at,
                                   const uint8_t *end, void *element)
{
    size_t len;
    if ((at = get_length(at, end, &len)) == NULL)
        return NULL;
    bool good = field->row_kind == FIELD_TEXT ? read_text(memory, at, len, element)
                                              : read_within(memory, field->within, at, len, element);
    return good ? at + len : NULL;
}

static const uint8_t *read_row(struct codec_memory *memory, const struct codec_field *field, const uint8_t *at,
                               const uint8_t *end, void *message)
{
    size_t *count = codec_member(message, field->mark_offset), more = count_row(field, at, end);
    void ***array = codec_member(message, field->offset);
    uint32_t number;
    unsigned wire;
    if (more == 0 || !make_room(memory, array, *count, more))
        return NULL;
    for (size_t i = 0; i < more && at != NULL; i++) {
        at = i == 0 ? at : get_key(at, end, &number, &wire);
        at = at == NULL ? NULL : read_element(memory, field, at, end, *array + *count);
        *count += at == NULL ? 0 : 1;
    }
    return at;
}

/* -- messages ------------------------------------------------------------------------------------------------------ */

static inline void set_mark(const struct codec_field *field, void *message)
{
    *(uint32_t *)codec_member(message, field->mark_offset) = field->mark;
}

static inline void set_number(const struct codec_field *field, void *message, uint64_t number)
{
    void *member = codec_member(message, field->offset);
    set_mark(field, message);
    if (field->kind == FIELD_INT64)
        *(uint64_t *)member = number;
    else
        *(uint32_t *)member = field->kind == FIELD_BOOL ? number != 0 : (uint32_t)number;
}

/* What is no number. */
static const uint8_t *read_piece(struct codec_memory *memory, const struct codec_field *field, const uint8_t *at,
                                 const uint8_t *end, void *message)
{
    void *member = codec_member(message, field->offset);
    size_t len;
    bool good;
    if (field->kind == FIELD_ROW)
        return read_row(memory, field, at, end, message);
    if ((at = get_length(at, end, &len)) == NULL)
        return NULL;
    if (field->has_mark)
        set_mark(field, message);
    if (field->kind == FIELD_TEXT) {
        good = read_text(memory, at, len, member);
    } else if (field->kind == FIELD_BYTES) {
        good = read_bytes(memory, at, len, member);
    } else {
        if (field->is_in_oneof)
            *(void **)member = NULL; /* of several in a oneof the last one counts */
        good = read_within(memory, field->within, at, len, member);
    }
    return good ? at + len : NULL;
}

static inline const uint8_t *read_field(struct codec_memory *memory, const struct codec_field *field, const uint8_t *at,
                                        const uint8_t *end, void *message)
{
    uint64_t number;
    if (field->wire != PROTOBUF_C_WIRE_TYPE_VARINT)
        return read_piece(memory, field, at, end, message);
    if ((at = get_varint(at, end, &number)) != NULL)
        set_number(field, message, number);
    return at;
}

/* Behind the key of this very field; NULL: another key stands there. */
static inline const uint8_t *get_key_of(const struct codec_field *field, const uint8_t *at, const uint8_t *end)
{
    if (*at != field->key[0]) /* NOLINT(clang-analyzer-core.NullDereference): types have fields before `behind` */
        return NULL;
    if (field->key_len == 1)
        return at + 1;
    return end - at > 1 && at[1] == field->key[1] ? at + 2 : NULL;
}

/* Fields mostly come in the order of their numbers, and all of them: the next one is looked for first. */
static bool read_message(struct codec_memory *memory, const struct codec_type *type, const uint8_t *at,
                         const uint8_t *end, void *message)
{
    const struct codec_field *field = type->fields, *behind = field + type->field_count;
    while (at < end) {
        const uint8_t *value = field < behind ? get_key_of(field, at, end) : NULL;
        uint32_t number;
        unsigned wire;
        if (value == NULL) {
            if ((value = get_key(at, end, &number, &wire)) == NULL)
                return false;
            const struct codec_field *found = codec_field_of(type, number);
            if (found == NULL) {
                if ((at = skip(value, end, wire)) == NULL)
                    return false;
                continue;
            }
            if (wire != found->wire)
                return false;
            field = found;
        }
        if ((at = read_field(memory, field++, value, end, message)) == NULL)
            return false;
    }
    return true;
}

void *codec_read(const struct codec_type *type, const uint8_t *data, size_t len, struct codec_memory *memory)
{
    void *message = new_message(memory, type);
    return message != NULL && read_message(memory, type, data, data + len, message) ? message : NULL;
}
