/* text_test.c - what anybody may print becomes text that can be kept: by hand, and random bytes against jansson, which
 * takes UTF-8 only. */
#include "plugins/health/text.h"

#include "tests/support/random.h"
#include "tests/support/test.h"

#include <jansson.h>
#include <stdlib.h>

#define WRONG "\xEF\xBF\xBD"

static void check(const char *bytes, size_t len, size_t max, const char *expected)
{
    char *text = text_clean(bytes, len, max);
    assert_non_null(text);
    assert_string_equal(text, expected);
    free(text);
}

static void test_what_is_kept(void **context)
{
    (void)context;
    check("", 0, 10, "");
    check("as it is", 8, 100, "as it is");
    check("two\nlines\t.", 11, 100, "two\nlines\t.");
    check("end \n\t \n", 8, 100, "end");
    check("\x1b[31mred\x7f", 9, 100, " [31mred");
    check("a\0b", 3, 100, "a b");
    check("gr\xC3\xBC\xC3\x9F", 6, 100, "gr\xC3\xBC\xC3\x9F");
    check("\xF0\x9F\x90\x9D", 4, 100, "\xF0\x9F\x90\x9D");
}

static void test_what_is_wrong(void **context)
{
    (void)context;
    check("\x80", 1, 100, WRONG);
    check("\xC3", 1, 100, WRONG);
    check("\xC3(", 2, 100, WRONG "(");
    check("\xC0\xAF", 2, 100, WRONG WRONG);                     /* too long for what it says */
    check("\xED\xA0\x80", 3, 100, WRONG WRONG WRONG);           /* half of a pair */
    check("\xF4\x90\x80\x80", 4, 100, WRONG WRONG WRONG WRONG); /* beyond the last one */
    check("\xFF\xFE", 2, 100, WRONG WRONG);
}

static void test_is_cut_between_characters(void **context)
{
    (void)context;
    check("abcdef", 6, 3, "abc");
    check("ab\xC3\xBC", 4, 3, "ab");
    check("ab\xC3\xBC", 4, 4, "ab\xC3\xBC");
    check("a\x80", 2, 3, "a");
    check("abc", 3, 0, "");
}

static void test_any_bytes(void **context)
{
    (void)context;
    struct random random = {random_seed()};
    for (int turn = 0; turn < 2000; turn++) {
        char bytes[64];
        size_t len = random_below(&random, sizeof bytes), max = random_below(&random, 80);
        for (size_t i = 0; i < len; i++)
            bytes[i] = (char)random_below(&random, 256);
        char *text = text_clean(bytes, len, max);
        assert_non_null(text);
        assert_true(strlen(text) <= max);
        json_t *json = json_string(text);
        assert_non_null(json);
        json_decref(json);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_kept),
        cmocka_unit_test(test_what_is_wrong),
        cmocka_unit_test(test_is_cut_between_characters),
        cmocka_unit_test(test_any_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
