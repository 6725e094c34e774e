/* codec_fuzz.c - any bytes as a message of the local door: what the codec takes, protobuf-c takes as well, and as the
 * same message; and it is written as protobuf-c writes it. */
#include "bindings/c/codec.h"
#include "core/base/arena.h"
#include "core/base/check.h"

#include "local.pb-c.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void *take(void *arena, size_t size)
{
    return arena_alloc(arena, size);
}

/* What protobuf-c keeps of what it does not know, we do not. */
static void drop_unknown(ProtobufCMessage *m)
{
    for (unsigned i = 0; i < m->n_unknown_fields; i++)
        free(m->unknown_fields[i].data);
    free(m->unknown_fields);
    m->n_unknown_fields = 0;
    m->unknown_fields = NULL;
    for (unsigned i = 0; i < m->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &m->descriptor->fields[i];
        void *member = (uint8_t *)m + field->offset;
        const void *quantifier = (const uint8_t *)m + field->quantifier_offset;
        bool is_oneof = (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
        if (field->type != PROTOBUF_C_TYPE_MESSAGE || (is_oneof && *(const uint32_t *)quantifier != field->id))
            continue;
        bool is_row = field->label == PROTOBUF_C_LABEL_REPEATED;
        size_t count = is_row ? *(const size_t *)quantifier : 1;
        ProtobufCMessage **messages = is_row ? *(ProtobufCMessage ***)member : member;
        for (size_t k = 0; k < count; k++)
            if (messages[k] != NULL)
                drop_unknown(messages[k]);
    }
}

static uint8_t *write_theirs(const ProtobufCMessage *m, size_t size)
{
    uint8_t *room = malloc(size + 1);
    CHECK(room != NULL && protobuf_c_message_pack(m, room) == size);
    return room;
}

static uint8_t *write_ours(const ProtobufCMessage *m, size_t size)
{
    uint8_t *room = malloc(size + 1);
    size_t written;
    CHECK(room != NULL && codec_write(codec_type_of(m->descriptor), m, room, size, &written) && written == size);
    CHECK(size == 0 || !codec_write(codec_type_of(m->descriptor), m, room, size - 1, &written));
    CHECK(codec_write(codec_type_of(m->descriptor), m, room, size + 1, &written) && written == size);
    return room;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {.max = 16 * size + (size_t)64 * 1024};
    struct codec_memory memory = {NULL, 0, take, &arena};
    if (size == 0)
        return 0;
    const ProtobufCMessageDescriptor *type = data[0] % 2 == 0 ? &zooid__local__to_agent__descriptor
                                                              : &zooid__local__from_agent__descriptor;
    const ProtobufCMessage *ours = codec_read(codec_type_of(type), data + 1, size - 1, &memory);
    if (ours != NULL) {
        ProtobufCMessage *theirs = protobuf_c_message_unpack(type, NULL, size - 1, data + 1);
        CHECK(theirs != NULL);
        drop_unknown(theirs);
        size_t packed_size = protobuf_c_message_get_packed_size(theirs);
        uint8_t *a = write_theirs(theirs, packed_size), *b = write_ours(ours, packed_size);
        CHECK(memcmp(a, b, packed_size) == 0);
        free(a);
        free(b);
        protobuf_c_message_free_unpacked(theirs, NULL);
    }
    arena_free(&arena);
    return 0;
}
