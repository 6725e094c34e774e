/* Every record: what is written is read again, cut anywhere it is refused, bytes of any kind are read without harm, and
 * what is printed stays one line. Some, byte for byte, as the protocol has them. */
#include "core/jute/records.h"

#include "core/base/check.h"
#include "tests/support/random.h"
#include "tests/support/test.h"

#include <stdlib.h>

#define RANDOM_INPUTS 3000
#define INPUT_MAX     96

/* -- random values of each type ----------------------------------------------------------------------------------- */

static const struct bytes samples[] = {
    {NULL, 0},
    {(const uint8_t *)"", 0},
    {(const uint8_t *)"/a/b", 4},
    {(const uint8_t *)"\0\n\"\\\xff", 5},
};
static const uint8_t two_texts[] = {0, 0, 0, 1, 'x', 255, 255, 255, 255};
static const uint8_t one_acl[] = {0, 0, 0, 31, 0, 0, 0, 1, 'w', 0, 0, 0, 0};

static void make_i32(struct random *r, int32_t *v)
{
    *v = (int32_t)random_next(r);
}

static void make_i64(struct random *r, int64_t *v)
{
    *v = (int64_t)random_next(r);
}

static void make_boolean(struct random *r, bool *v)
{
    *v = random_below(r, 2) == 0;
}

static void make_blob(struct random *r, struct bytes *v)
{
    *v = samples[random_below(r, ARRAY_LEN(samples))];
}

static void make_text(struct random *r, struct bytes *v)
{
    make_blob(r, v);
}

static void make_texts(struct random *r, struct texts *v)
{
    *v = random_below(r, 2) == 0 ? (struct texts){-1, BYTES("")} : (struct texts){2, {two_texts, sizeof two_texts}};
}

static void make_acls(struct random *r, struct acls *v)
{
    *v = random_below(r, 2) == 0 ? (struct acls){0, BYTES("")} : (struct acls){1, {one_acl, sizeof one_acl}};
}

/* -- one test of each record, made from the list ------------------------------------------------------------------ */

static void assert_one_line(struct buffer *text, const char *name)
{
    assert_true(bytes_starts_with(buffer_bytes(text), bytes_of(name)));
    for (size_t i = 0; i < text->len; i++)
        assert_in_range(text->data[i], 0x20, 0x7e);
    buffer_free(text);
}

#define FIELD(type, field) make_##type(r, &record->field);
#define RECORD(name, fields)                                                    \
    static void make_##name(struct random *r, struct name *record)              \
    {                                                                           \
        fields                                                                  \
    }                                                                           \
    static void name##_goes_there_and_back(struct random *r)                    \
    {                                                                           \
        struct name record, again;                                              \
        make_##name(r, &record);                                                \
        struct buffer out = {0}, out_again = {0}, text = {0};                   \
        struct writer w = writer_to(&out), w_again = writer_to(&out_again);     \
        name##_write(&w, &record);                                              \
        struct reader whole = reader_of(buffer_bytes(&out));                    \
        assert_int_equal(name##_read(&whole, &again), ST_OK);                   \
        assert_int_equal(reader_left(&whole), 0);                               \
        name##_write(&w_again, &again);                                         \
        assert_true(bytes_equal(buffer_bytes(&out), buffer_bytes(&out_again))); \
        for (size_t len = 0; len < out.len; len++) {                            \
            struct reader cut = reader_of(bytes_make(out.data, len));           \
            assert_int_equal(name##_read(&cut, &again), ST_TRUNCATED);          \
        }                                                                       \
        assert_int_equal(name##_print(&text, &record), ST_OK);                  \
        assert_one_line(&text, #name);                                          \
        buffer_free(&out);                                                      \
        buffer_free(&out_again);                                                \
    }                                                                           \
    static void name##_reads_anything(struct bytes input)                       \
    {                                                                           \
        struct name record;                                                     \
        struct reader r = reader_of(input);                                     \
        struct buffer text = {0};                                               \
        if (name##_read(&r, &record) == ST_OK) {                                \
            assert_int_equal(name##_print(&text, &record), ST_OK);              \
            assert_one_line(&text, #name);                                      \
        }                                                                       \
    }
#include "core/jute/records.def"
#undef RECORD
#undef FIELD

static const struct {
    const char *name;
    void (*goes_there_and_back)(struct random *r);
    void (*reads_anything)(struct bytes input);
} rows[] = {
#define RECORD(name, fields) {#name, name##_goes_there_and_back, name##_reads_anything},
#include "core/jute/records.def"
#undef RECORD
};

static void records_go_there_and_back(void **state)
{
    (void)state;
    struct random r = {random_seed()};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (int round = 0; round < 20; round++)
            rows[i].goes_there_and_back(&r);
    }
}

/* Mostly small numbers, so that lengths now and then fit. */
static void records_read_anything(void **state)
{
    (void)state;
    struct random r = {random_seed()};
    for (int round = 0; round < RANDOM_INPUTS; round++) {
        size_t len = random_below(&r, INPUT_MAX);
        uint8_t *input = malloc(len + 1);
        assert_non_null(input);
        for (size_t i = 0; i < len; i++)
            input[i] = random_below(&r, 4) == 0 ? (uint8_t)random_next(&r) : (uint8_t)random_below(&r, 3);
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
            rows[i].reads_anything(bytes_make(input, len));
        free(input);
    }
}

/* -- bytes of the protocol ---------------------------------------------------------------------------------------- */

static void reply_header_bytes(void **state)
{
    (void)state;
    static const uint8_t expected[] = {0xff, 0xff, 0xff, 0xfe, 0, 0, 0, 1, 0, 0, 0, 2, 0xff, 0xff, 0xff, 0x9b};
    const struct reply_header header = {.xid = -2, .zxid = 0x100000002, .err = -101};
    struct buffer out = {0};
    struct writer w = writer_to(&out);
    reply_header_write(&w, &header);
    assert_int_equal(out.len, sizeof expected);
    assert_memory_equal(out.data, expected, sizeof expected);
    buffer_free(&out);
}

static void stat_has_its_length(void **state)
{
    (void)state;
    struct buffer out = {0};
    struct writer w = writer_to(&out);
    node_stat_write(&w, &(struct node_stat){0});
    assert_int_equal(out.len, 68);
    stat_persisted_write(&w, &(struct stat_persisted){0});
    assert_int_equal(out.len, 68 + 60);
    txn_header_write(&w, &(struct txn_header){0});
    assert_int_equal(out.len, 68 + 60 + 32);
    buffer_free(&out);
}

static void printed_form(void **state)
{
    (void)state;
    struct buffer out = {0};
    const struct set_data_request request = {BYTES("/a\n\""), BYTES_NULL, -1};
    assert_int_equal(set_data_request_print(&out, &request), ST_OK);
    assert_true(bytes_equal(buffer_bytes(&out), BYTES("set_data_request path=\"/a\\x0a\\x22\" data=null version=-1")));
    buffer_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_go_there_and_back),
        cmocka_unit_test(records_read_anything),
        cmocka_unit_test(reply_header_bytes),
        cmocka_unit_test(stat_has_its_length),
        cmocka_unit_test(printed_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
