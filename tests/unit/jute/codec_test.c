/* Jute's primitives: the bytes they are, what is not whole, and that the first error stays (client-protocol 1.2). */
/* link: -Wl,--wrap=mem_alloc -Wl,--wrap=mem_calloc -Wl,--wrap=mem_realloc */
#include "core/jute/codec.h"

#include "core/base/check.h"
#include "tests/support/failing_memory.h"
#include "tests/support/test.h"

#define HEX_MAX 128

/* Memory of the exact size, so that a sanitizer sees what is read behind it. */
static struct bytes from_hex(const char *hex, uint8_t memory[HEX_MAX])
{
    size_t len = strlen(hex) / 2;
    assert_true(len <= HEX_MAX);
    uint8_t *at = memory + HEX_MAX - len;
    for (size_t i = 0; i < len; i++) {
        unsigned int byte;
        assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
        at[i] = (uint8_t)byte;
    }
    return bytes_make(at, len);
}

static void numbers_are_big_endian(void **state)
{
    (void)state;
    uint8_t memory[HEX_MAX];
    struct reader r = reader_of(from_hex("fffffffe"
                                         "0000000100000002"
                                         "00"
                                         "01"
                                         "ff",
                                         memory));
    assert_int_equal(read_i32(&r), -2);
    assert_int_equal(read_i64(&r), 0x100000002);
    assert_false(read_boolean(&r));
    assert_true(read_boolean(&r));
    assert_true(read_boolean(&r));
    assert_int_equal(reader_left(&r), 0);
    assert_int_equal(r.status, ST_OK);
}

static void blobs(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        bool whole, is_null;
        size_t len;
    } rows[] = {
        {"ffffffff", true, true, 0},    {"00000000", true, false, 0},
        {"0000000161", true, false, 1}, {"00000002ff00", true, false, 2},
        {"0000000261", false, true, 0}, {"fffffffe", false, true, 0},
        {"80000000", false, true, 0},   {"7fffffff61", false, true, 0},
        {"000000", false, true, 0},     {"", false, true, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint8_t memory[HEX_MAX];
        struct reader r = reader_of(from_hex(rows[i].hex, memory));
        struct bytes b = read_blob(&r);
        assert_int_equal(r.status, rows[i].whole ? ST_OK : ST_TRUNCATED);
        assert_int_equal(bytes_is_null(b), rows[i].is_null);
        assert_int_equal(b.len, rows[i].len);
    }
}

static void first_error_stays(void **state)
{
    (void)state;
    uint8_t memory[HEX_MAX];
    struct reader r = reader_of(from_hex("000102", memory));
    assert_int_equal(read_i32(&r), 0);
    assert_int_equal(r.status, ST_TRUNCATED);
    assert_false(read_boolean(&r)); /* a byte would be there */
    assert_int_equal(read_i64(&r), 0);
    assert_true(bytes_is_null(read_text(&r)));
    assert_int_equal(read_texts(&r).count, 0);
    assert_int_equal(r.status, ST_TRUNCATED);
}

static void vectors(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        bool whole;
        int32_t count;
        size_t raw_len;
    } rows[] = {
        {"ffffffff", true, -1, 0},
        {"00000000", true, 0, 0},
        {"fffffff0", true, 0, 0}, /* as the original reads it */
        {"00000002"
         "0000000161"
         "ffffffff",
         true, 2, 9},
        {"00000002"
         "0000000161",
         false, 2, 5},
        {"7fffffff"
         "00000000",
         false, INT32_MAX, 4},
        {"0000", false, 0, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint8_t memory[HEX_MAX];
        struct reader r = reader_of(from_hex(rows[i].hex, memory));
        struct texts v = read_texts(&r);
        assert_int_equal(r.status, rows[i].whole ? ST_OK : ST_TRUNCATED);
        assert_int_equal(v.count, rows[i].count);
        assert_int_equal(v.raw.len, rows[i].raw_len);
    }
}

/* Cut anywhere, a vector is refused. */
static void acls_are_whole_or_refused(void **state)
{
    (void)state;
    uint8_t memory[HEX_MAX];
    struct bytes whole = from_hex("00000002"
                                  "0000001f"
                                  "00000005776f726c64"
                                  "00000006616e796f6e65"
                                  "00000001"
                                  "00000002"
                                  "6970"
                                  "ffffffff",
                                  memory);
    for (size_t len = 0; len <= whole.len; len++) {
        struct reader r = reader_of(bytes_make(whole.data, len));
        struct acls v = read_acls(&r);
        assert_int_equal(r.status, len == whole.len ? ST_OK : ST_TRUNCATED);
        assert_true(len < whole.len || (v.count == 2 && v.raw.len == whole.len - 4));
    }
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    struct buffer out = {0};
    struct writer w = writer_to(&out);
    write_i32(&w, INT32_MIN);
    write_i64(&w, INT64_MAX);
    write_boolean(&w, true);
    write_blob(&w, BYTES_NULL);
    write_blob(&w, BYTES(""));
    write_text(&w, BYTES("text"));
    write_texts(&w, (struct texts){1, BYTES("\0\0\0\001x")});
    write_acls(&w, (struct acls){-1, BYTES_NULL});
    write_raw(&w, BYTES("raw"));
    write_i32_at(&w, 0, 77);
    assert_int_equal(w.status, ST_OK);
    struct reader r = reader_of(buffer_bytes(&out));
    assert_int_equal(read_i32(&r), 77);
    assert_int_equal(read_i64(&r), INT64_MAX);
    assert_true(read_boolean(&r));
    assert_true(bytes_is_null(read_blob(&r)));
    assert_true(bytes_equal(read_blob(&r), BYTES("")));
    assert_true(bytes_equal(read_text(&r), BYTES("text")));
    assert_int_equal(read_texts(&r).count, 1);
    assert_int_equal(read_acls(&r).count, -1);
    assert_int_equal(reader_left(&r), 3);
    assert_int_equal(r.status, ST_OK);
    buffer_free(&out);
}

static void writer_keeps_its_first_error(void **state)
{
    (void)state;
    struct buffer out = {.max = 6};
    struct writer w = writer_to(&out);
    write_i32(&w, 1);
    write_i32(&w, 2);
    assert_int_equal(w.status, ST_LIMIT);
    write_boolean(&w, true); /* would fit */
    write_i32_at(&w, 0, 9);
    assert_int_equal(out.len, 4);
    assert_int_equal(be32_get(out.data), 1);
    buffer_free(&out);
}

static void writer_notices_failing_memory(void **state)
{
    (void)state;
    struct buffer out = {0};
    struct writer w = writer_to(&out);
    memory_fail_after(0);
    write_i64(&w, 1);
    memory_fail_after(-1);
    write_i32(&w, 1);
    assert_int_equal(w.status, ST_NO_MEMORY);
    assert_int_equal(out.len, 0);
    buffer_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_big_endian),
        cmocka_unit_test(blobs),
        cmocka_unit_test(first_error_stays),
        cmocka_unit_test(vectors),
        cmocka_unit_test(acls_are_whole_or_refused),
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(writer_keeps_its_first_error),
        cmocka_unit_test(writer_notices_failing_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
