/* codec_test.c - the codec says of random messages of every type what protobuf-c says, in both directions; what is cut
 * short, has no room or finds no memory is refused. */
#include "bindings/c/codec.h"

#include "local.pb-c.h"
#include "tests/support/random.h"
#include "tests/support/test.h"

#include <stdlib.h>

enum { ROUNDS = 20000, TAKEN_MAX = 1024 * 1024, PACKED_MAX = 64 * 1024, ELEMENTS_MAX = 4 };

static const ProtobufCMessageDescriptor *const types[] = {&zooid__local__to_agent__descriptor,
                                                          &zooid__local__from_agent__descriptor};

/* -- memory that goes at once -------------------------------------------------------------------------------------- */

struct heap {
    max_align_t bytes[TAKEN_MAX / sizeof(max_align_t)];
    size_t used;
    unsigned left; /* so many pieces may be taken */
};

static struct heap made, got;

static void *take(void *context, size_t size)
{
    struct heap *h = context;
    size = (size + sizeof(max_align_t) - 1) & ~(sizeof(max_align_t) - 1);
    if (h->left == 0 || size > sizeof h->bytes - h->used)
        return NULL;
    h->left--;
    void *at = (uint8_t *)h->bytes + h->used;
    h->used += size;
    return at;
}

static void clear(struct heap *h)
{
    h->used = 0;
    h->left = UINT32_MAX;
}

/* With a room that is too small now and then. */
static void *read_all(const ProtobufCMessageDescriptor *type, const uint8_t *data, size_t len)
{
    static max_align_t room[64];
    static size_t size;
    size = (size + sizeof(max_align_t)) % sizeof room;
    struct codec_memory memory = {(uint8_t *)room, size, take, &got};
    clear(&got);
    void *message = codec_read(codec_type_of(type), data, len, &memory);
    assert_ptr_equal(memory.room + memory.left, (uint8_t *)room + size);
    return message;
}

/* -- random messages ----------------------------------------------------------------------------------------------- */

static void *random_message(struct random *r, const ProtobufCMessageDescriptor *type);

static uint64_t random_number(struct random *r)
{
    static const unsigned widths[] = {1, 7, 8, 14, 31, 32, 33, 63, 64};
    return random_next(r) >> (64 - widths[random_below(r, sizeof widths / sizeof widths[0])]);
}

static size_t random_bytes(struct random *r, uint8_t **data)
{
    size_t len = random_below(r, 8) == 0 ? random_below(r, 2000) : random_below(r, 20);
    *data = take(&made, len + 1);
    assert_non_null(*data);
    for (size_t i = 0; i < len; i++)
        (*data)[i] = (uint8_t)(1 + random_below(r, 255));
    (*data)[len] = '\0';
    return len;
}

static void fill_value(struct random *r, const ProtobufCFieldDescriptor *field, void *member)
{
    uint8_t *data;
    ProtobufCBinaryData bytes;
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_ENUM: *(uint32_t *)member = (uint32_t)random_number(r); break;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_UINT64: *(uint64_t *)member = random_number(r); break;
    case PROTOBUF_C_TYPE_BOOL: *(protobuf_c_boolean *)member = random_below(r, 2) == 0; break;
    case PROTOBUF_C_TYPE_STRING:
        (void)random_bytes(r, &data);
        *(char **)member = (char *)data;
        break;
    case PROTOBUF_C_TYPE_BYTES:
        bytes.len = random_bytes(r, &bytes.data);
        *(ProtobufCBinaryData *)member = bytes;
        break;
    case PROTOBUF_C_TYPE_MESSAGE: *(void **)member = random_message(r, field->descriptor); break;
    default: fail_msg("%s: a type that the codec does not know", field->name);
    }
}

static void fill_row(struct random *r, const ProtobufCFieldDescriptor *field, uint8_t *message)
{
    size_t count = random_below(r, ELEMENTS_MAX);
    void **array = take(&made, (count + 1) * sizeof(void *));
    assert_non_null(array);
    assert_true(field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_MESSAGE);
    for (size_t i = 0; i < count; i++)
        fill_value(r, field, &array[i]);
    *(size_t *)(void *)(message + field->quantifier_offset) = count;
    *(void ***)(void *)(message + field->offset) = array;
}

static void fill_field(struct random *r, const ProtobufCFieldDescriptor *field, uint8_t *message)
{
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        fill_row(r, field, message);
        return;
    }
    assert_int_equal(field->label, PROTOBUF_C_LABEL_OPTIONAL);
    if (random_below(r, 3) == 0)
        return;
    if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0) {
        if (random_below(r, 12) != 0)
            return;
        *(uint32_t *)(void *)(message + field->quantifier_offset) = field->id;
        memset(message + field->offset, 0, sizeof(void *));
    } else if (field->quantifier_offset != 0) {
        *(protobuf_c_boolean *)(void *)(message + field->quantifier_offset) = true;
    }
    fill_value(r, field, message + field->offset);
}

static void *random_message(struct random *r, const ProtobufCMessageDescriptor *type)
{
    void *message = take(&made, type->sizeof_message);
    assert_non_null(message);
    type->message_init(message);
    for (unsigned i = 0; i < type->n_fields; i++)
        fill_field(r, &type->fields[i], message);
    return message;
}

static size_t random_packed(struct random *r, const ProtobufCMessageDescriptor *type, uint8_t *packed)
{
    clear(&made);
    const ProtobufCMessage *message = random_message(r, type);
    assert_true(protobuf_c_message_get_packed_size(message) <= PACKED_MAX);
    return protobuf_c_message_pack(message, packed);
}

/* -- the tests ----------------------------------------------------------------------------------------------------- */

static void test_writes_as_protobuf(void **state)
{
    static uint8_t theirs[PACKED_MAX], ours[PACKED_MAX];
    struct random r = {random_seed()};
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        clear(&made);
        const ProtobufCMessage *message = random_message(&r, types[random_below(&r, 2)]);
        size_t size = protobuf_c_message_pack(message, theirs), written = 0;
        assert_true(codec_write(codec_type_of(message->descriptor), message, ours, size, &written));
        assert_int_equal(written, size);
        assert_memory_equal(ours, theirs, size);
        if (size > 0)
            assert_false(codec_write(codec_type_of(message->descriptor), message, ours,
                                     random_below(&r, (uint32_t)size), &written));
        memset(ours, 0xaa, size);
        assert_true(codec_write(codec_type_of(message->descriptor), message, ours, sizeof ours, &written));
        assert_int_equal(written, size);
        assert_memory_equal(ours, theirs, size);
    }
}

/* What is read is the same message when it becomes the same bytes. */
static void check_read(const ProtobufCMessageDescriptor *type, const uint8_t *data, size_t len)
{
    static uint8_t theirs_again[2 * PACKED_MAX], ours_again[2 * PACKED_MAX];
    ProtobufCMessage *theirs = protobuf_c_message_unpack(type, NULL, len, data);
    const ProtobufCMessage *ours = read_all(type, data, len);
    assert_true((theirs == NULL) == (ours == NULL));
    if (theirs == NULL)
        return;
    assert_ptr_equal(ours->descriptor, type);
    size_t size = protobuf_c_message_pack(theirs, theirs_again);
    assert_int_equal(protobuf_c_message_pack(ours, ours_again), size);
    assert_memory_equal(ours_again, theirs_again, size);
    protobuf_c_message_free_unpacked(theirs, NULL);
}

static void test_reads_as_protobuf(void **state)
{
    static uint8_t packed[2 * PACKED_MAX];
    struct random r = {random_seed()};
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        const ProtobufCMessageDescriptor *type = types[random_below(&r, 2)];
        size_t len = random_packed(&r, type, packed);
        check_read(type, packed, len);
        check_read(type, packed, len == 0 ? 0 : random_below(&r, (uint32_t)len)); /* cut short */
        len += random_packed(&r, type, packed + len);
        check_read(type, packed, len); /* every field may come twice */
    }
}

static void test_what_is_not_known_is_passed_over(void **state)
{
    static const uint8_t data[] = {0xa0, 0x3f, 0x96, 0x01,                     /* field 1012, a number */
                                   0xa1, 0x3f, 1,    2,    3,   4, 5, 6, 7, 8, /* eight bytes */
                                   0xa5, 0x3f, 1,    2,    3,   4,             /* four */
                                   0xa2, 0x3f, 2,    'h',  'i',                /* a text */
                                   0x08, 0x07};                                /* the id */
    (void)state;
    const Zooid__Local__ToAgent *m = read_all(types[0], data, sizeof data);
    assert_non_null(m);
    assert_true(m->has_id && m->id == 7);
    for (size_t len = 0; len < sizeof data; len++)
        if (read_all(types[0], data, len) != NULL)
            assert_true(len == 0 || len == 4 || len == 14 || len == 20 || len == 25);
}

static void test_refusals(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
    } cases[] = {
        {"\x0b\x0c", 2},                                          /* groups */
        {"\x0a\x01x", 3},                                         /* a text where the id is to be */
        {"\x0d\x01\x02\x03\x04", 5},                              /* four bytes there */
        {"\xa0\x01\x01", 3},                                      /* a number where a message is to be */
        {"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 11},     /* a number of more than 64 bits */
        {"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12}, /* one without an end */
        {"\x88\x80\x80\x80\x80\x00\x01", 7},                      /* a key of six bytes */
        {"\x00\x01", 2},                                          /* field 0 */
        {"\xf8\xff\xff\xff\xff\x0f\x01", 7},                      /* a field beyond all numbers */
        {"\xa2\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12}, /* a piece of nearly 2^64 bytes */
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_null(read_all(types[0], (const uint8_t *)cases[i].bytes, cases[i].len));
}

static void test_memory_that_ends(void **state)
{
    static uint8_t packed[PACKED_MAX];
    struct random r = {random_seed()};
    struct codec_memory memory = {NULL, 0, take, &got};
    (void)state;
    for (int i = 0; i < ROUNDS / 100; i++) {
        const ProtobufCMessageDescriptor *type = types[random_below(&r, 2)];
        size_t len = random_packed(&r, type, packed);
        clear(&got);
        assert_non_null(codec_read(codec_type_of(type), packed, len, &memory));
        unsigned pieces = UINT32_MAX - got.left;
        for (unsigned left = 0; left <= pieces; left++) {
            clear(&got);
            got.left = left;
            assert_true((codec_read(codec_type_of(type), packed, len, &memory) != NULL) == (left == pieces));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_writes_as_protobuf),
        cmocka_unit_test(test_reads_as_protobuf),
        cmocka_unit_test(test_what_is_not_known_is_passed_over),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_memory_that_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
