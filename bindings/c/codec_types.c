/* codec_types.c - tables of protobuf-c's descriptors, made when a type is first asked for. They lie in this file: there
 * is one protocol, and its types are few. */
#include "bindings/c/codec_internal.h"

#include <pthread.h>

enum { TYPES_MAX = 96, ALL_FIELDS_MAX = 512 };

static struct {
    pthread_mutex_t lock;
    struct codec_type types[TYPES_MAX];
    struct codec_field fields[ALL_FIELDS_MAX];
    unsigned type_count, field_count;
} all = {.lock = PTHREAD_MUTEX_INITIALIZER};

static const struct codec_type *type_of_locked(const ProtobufCMessageDescriptor *descriptor, unsigned level);

/* False: the codec does not know such fields. */
static bool set_kind(struct codec_field *field, ProtobufCType type)
{
    static const struct {
        bool is_known;
        uint8_t kind, wire;
    } rows[] = {
        [PROTOBUF_C_TYPE_INT32] = {true, FIELD_INT32, PROTOBUF_C_WIRE_TYPE_VARINT},
        [PROTOBUF_C_TYPE_ENUM] = {true, FIELD_INT32, PROTOBUF_C_WIRE_TYPE_VARINT},
        [PROTOBUF_C_TYPE_UINT32] = {true, FIELD_UINT32, PROTOBUF_C_WIRE_TYPE_VARINT},
        [PROTOBUF_C_TYPE_INT64] = {true, FIELD_INT64, PROTOBUF_C_WIRE_TYPE_VARINT},
        [PROTOBUF_C_TYPE_UINT64] = {true, FIELD_INT64, PROTOBUF_C_WIRE_TYPE_VARINT},
        [PROTOBUF_C_TYPE_BOOL] = {true, FIELD_BOOL, PROTOBUF_C_WIRE_TYPE_VARINT},
        [PROTOBUF_C_TYPE_STRING] = {true, FIELD_TEXT, PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED},
        [PROTOBUF_C_TYPE_BYTES] = {true, FIELD_BYTES, PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED},
        [PROTOBUF_C_TYPE_MESSAGE] = {true, FIELD_MESSAGE, PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED},
    };
    if ((size_t)type >= sizeof rows / sizeof rows[0] || !rows[type].is_known)
        return false;
    field->kind = rows[type].kind;
    field->wire = rows[type].wire;
    return true;
}

static void set_key(struct codec_field *field)
{
    unsigned key = (unsigned)field->number << WIRE_BITS | field->wire;
    field->key_len = key < 0x80 ? 1 : 2;
    field->key[0] = (uint8_t)(key < 0x80 ? key : (key & 0x7f) | 0x80);
    field->key[1] = (uint8_t)(key >> 7);
}

static bool is_pointer(const struct codec_field *field)
{
    return field->kind == FIELD_TEXT || field->kind == FIELD_MESSAGE;
}

/* False: as set_kind. */
static bool set_field(struct codec_field *field, const ProtobufCFieldDescriptor *from, unsigned level)
{
    bool is_repeated = from->label == PROTOBUF_C_LABEL_REPEATED;
    *field = (struct codec_field){.number = (uint8_t)from->id,
                                  .is_in_oneof = (from->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0,
                                  .offset = from->offset,
                                  .mark_offset = from->quantifier_offset,
                                  .default_value = from->default_value};
    if (from->id >= NUMBERS_MAX || !set_kind(field, from->type) || from->label == PROTOBUF_C_LABEL_REQUIRED ||
        (from->flags & PROTOBUF_C_FIELD_FLAG_PACKED) != 0 || (is_repeated && !is_pointer(field)))
        return false;
    field->has_mark = !is_repeated && from->quantifier_offset != 0;
    field->mark = field->is_in_oneof ? from->id : 1;
    if (field->wire == PROTOBUF_C_WIRE_TYPE_VARINT && !field->has_mark)
        return false;
    set_key(field);
    if (field->kind == FIELD_MESSAGE)
        field->within = type_of_locked(from->descriptor, level + 1);
    bool good = field->kind != FIELD_MESSAGE || field->within != NULL;
    field->row_kind = field->kind;
    field->kind = is_repeated ? FIELD_ROW : field->kind;
    return good;
}

/* False: fields of a oneof stand apart. */
static bool join_oneof(struct codec_field *fields, unsigned i)
{
    struct codec_field *field = &fields[i];
    unsigned first = i;
    if (!field->is_in_oneof)
        return true;
    while (first > 0 && fields[first - 1].is_in_oneof && fields[first - 1].mark_offset == field->mark_offset)
        first--;
    for (unsigned k = 0; k < first; k++)
        if (fields[k].is_in_oneof && fields[k].mark_offset == field->mark_offset)
            return false;
    field->oneof_first = (uint8_t)first;
    return true;
}

static bool fill_type(struct codec_type *type, struct codec_field *fields, unsigned level)
{
    const ProtobufCMessageDescriptor *descriptor = type->descriptor;
    type->has_only_numbers = true;
    for (unsigned i = 0; i < descriptor->n_fields; i++) {
        if (!set_field(&fields[i], &descriptor->fields[i], level) || !join_oneof(fields, i))
            return false;
        type->by_number[fields[i].number] = (uint8_t)(i + 1);
        bool is_number = fields[i].kind != FIELD_ROW && fields[i].wire == PROTOBUF_C_WIRE_TYPE_VARINT;
        type->has_only_numbers = type->has_only_numbers && is_number && !fields[i].is_in_oneof;
    }
    type->fields = fields;
    type->field_count = descriptor->n_fields;
    return true;
}

/* What is asked for in vain keeps its place, which is as good as none: nothing of the kind comes twice. */
static const struct codec_type *type_of_locked(const ProtobufCMessageDescriptor *descriptor, unsigned level)
{
    for (unsigned i = 0; i < all.type_count; i++)
        if (all.types[i].descriptor == descriptor)
            return all.types[i].fields == NULL ? NULL : &all.types[i];
    if (level > LEVELS_MAX || all.type_count == TYPES_MAX || descriptor->n_fields > FIELDS_MAX ||
        descriptor->n_fields > ALL_FIELDS_MAX - all.field_count)
        return NULL;
    struct codec_type *type = &all.types[all.type_count++];
    struct codec_field *fields = &all.fields[all.field_count];
    all.field_count += descriptor->n_fields;
    type->descriptor = descriptor;
    return fill_type(type, fields, level) ? type : NULL;
}

const struct codec_type *codec_type_of(const ProtobufCMessageDescriptor *descriptor)
{
    (void)pthread_mutex_lock(&all.lock);
    const struct codec_type *type = type_of_locked(descriptor, 0);
    (void)pthread_mutex_unlock(&all.lock);
    return type;
}
