/* Slices, buffers and numbers: null is not empty, a buffer keeps its maximum, and fails as a whole. */
/* link: -Wl,--wrap=mem_alloc -Wl,--wrap=mem_calloc -Wl,--wrap=mem_realloc */
#include "core/base/bytes.h"

#include "core/base/check.h"
#include "core/base/mem.h"
#include "tests/support/failing_memory.h"
#include "tests/support/test.h"

static void null_is_not_empty(void **state)
{
    (void)state;
    assert_true(bytes_is_null(BYTES_NULL));
    assert_false(bytes_is_null(BYTES("")));
    assert_true(bytes_equal(BYTES_NULL, BYTES_NULL));
    assert_true(bytes_equal(BYTES(""), BYTES("")));
    assert_false(bytes_equal(BYTES_NULL, BYTES("")));
    assert_true(bytes_is_null(bytes_of(NULL)));
    assert_false(bytes_is_null(bytes_of("")));
}

static void comparing(void **state)
{
    (void)state;
    static const char *const ordered[] = {"", "a", "a\x01", "ab", "b", "\xff"};
    for (size_t i = 0; i < ARRAY_LEN(ordered); i++) {
        for (size_t j = 0; j < ARRAY_LEN(ordered); j++) {
            struct bytes a = bytes_of(ordered[i]), b = bytes_of(ordered[j]);
            int order = bytes_compare(a, b);
            assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
            assert_int_equal(bytes_equal(a, b), i == j);
        }
    }
}

static void prefixes(void **state)
{
    (void)state;
    assert_true(bytes_starts_with(BYTES("abc"), BYTES("ab")));
    assert_true(bytes_starts_with(BYTES("abc"), BYTES("")));
    assert_true(bytes_starts_with(BYTES(""), BYTES_NULL));
    assert_false(bytes_starts_with(BYTES("a"), BYTES("ab")));
    assert_true(bytes_equal(bytes_from(BYTES("abc"), 1), BYTES("bc")));
    assert_true(bytes_equal(bytes_from(BYTES("abc"), 3), BYTES("")));
}

static void copies(void **state)
{
    (void)state;
    static const struct {
        struct bytes from, copy;
    } rows[] = {
        {{(const uint8_t *)"ab\0c", 4}, {(const uint8_t *)"ab\0c", 4}},
        {{(const uint8_t *)"", 0}, {(const uint8_t *)"", 0}},
        {{NULL, 0}, {(const uint8_t *)"", 0}},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct bytes copy = bytes_copy(rows[i].from);
        assert_true(bytes_equal(copy, rows[i].copy));
        mem_free((void *)(uintptr_t)copy.data);
    }
    memory_fail_after(0);
    assert_true(bytes_is_null(bytes_copy(BYTES("x"))));
    memory_fail_after(-1);
}

static void buffer_keeps_its_maximum(void **state)
{
    (void)state;
    struct buffer b = {.max = 10};
    assert_int_equal(buffer_append(&b, "12345678", 8), ST_OK);
    assert_int_equal(buffer_append(&b, "901", 3), ST_LIMIT);
    assert_int_equal(buffer_reserve(&b, SIZE_MAX), ST_LIMIT);
    assert_int_equal(b.len, 8);
    assert_int_equal(buffer_append(&b, "90", 2), ST_OK);
    assert_int_equal(buffer_append(&b, "", 0), ST_OK);
    assert_true(bytes_equal(buffer_bytes(&b), BYTES("1234567890")));
    buffer_free(&b);
    assert_int_equal(b.max, 10);
    assert_int_equal(buffer_append(&b, "12345678901", 11), ST_LIMIT);
    buffer_free(&b);
}

static void buffer_grows_and_shrinks(void **state)
{
    (void)state;
    struct buffer b = {0};
    for (int i = 0; i < 1000; i++)
        assert_int_equal(buffer_printf(&b, "%03d,", i), ST_OK);
    assert_int_equal(b.len, 4000);
    assert_memory_equal(b.data + 4 * 777, "777,", 4);
    buffer_consume(&b, 0);
    buffer_consume(&b, 4 * 999);
    assert_true(bytes_equal(buffer_bytes(&b), BYTES("999,")));
    buffer_consume(&b, 4);
    assert_int_equal(b.len, 0);
    buffer_free(&b);
    buffer_free(&b);
}

static void buffer_is_whole_without_memory(void **state)
{
    (void)state;
    struct buffer b = {0};
    assert_int_equal(buffer_append(&b, "kept", 4), ST_OK);
    memory_fail_after(0);
    assert_int_equal(buffer_reserve(&b, 1000), ST_NO_MEMORY);
    assert_int_equal(buffer_printf(&b, "%0500d", 1), ST_NO_MEMORY);
    memory_fail_after(-1);
    assert_true(bytes_equal(buffer_bytes(&b), BYTES("kept")));
    buffer_free(&b);
}

static void numbers(void **state)
{
    (void)state;
    static const uint8_t expected[] = {0x01, 0x02, 0x03, 0x04, 0xfe, 0xfd, 0xfc, 0xfb};
    uint8_t out[8];
    be64_put(out, 0x01020304fefdfcfbULL);
    assert_memory_equal(out, expected, sizeof out);
    assert_int_equal(be64_get(expected), 0x01020304fefdfcfbULL);
    be32_put(out, 0xfefdfcfb);
    assert_memory_equal(out, expected + 4, 4);
    assert_int_equal(be32_get(expected + 4), 0xfefdfcfb);
}

static void strings_are_copied(void **state)
{
    (void)state;
    char *copy = mem_strdup("text");
    assert_string_equal(copy, "text");
    mem_free(copy);
    memory_fail_after(0);
    assert_null(mem_strdup("text"));
    memory_fail_after(-1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(null_is_not_empty),
        cmocka_unit_test(comparing),
        cmocka_unit_test(prefixes),
        cmocka_unit_test(copies),
        cmocka_unit_test(buffer_keeps_its_maximum),
        cmocka_unit_test(buffer_grows_and_shrinks),
        cmocka_unit_test(buffer_is_whole_without_memory),
        cmocka_unit_test(numbers),
        cmocka_unit_test(strings_are_copied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
