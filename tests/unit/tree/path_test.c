/* Paths: every rule of client-protocol 4.1, case by case. */
#include "core/tree/path.h"

#include "core/base/check.h"
#include "tests/support/test.h"

static const struct {
    const char *path;
    bool valid;
} paths[] = {
    {"/", true},
    {"/a", true},
    {"/a/b", true},
    {"/...", true},
    {"/.a", true},
    {"/a.", true},
    {"/a b~!", true},
    {"/a/0000000005", true},
    {"/zookeeper", true},
    {"", false},
    {"a", false},
    {"a/b", false},
    {"/a/", false},
    {"//", false},
    {"//a", false},
    {"/a//b", false},
    {"/.", false},
    {"/..", false},
    {"/a/.", false},
    {"/a/../b", false},
    {"/a/./b", false},
    /* Characters at the edges of each refused range. */
    {"/\x01", false},
    {"/\x1f", false},
    {"/ ", true},
    {"/~", true},
    {"/\x7f", false},
    {"/\xc2\x80", false},     /* U+0080 */
    {"/\xc2\x9f", false},     /* U+009F */
    {"/\xc2\xa0", true},      /* U+00A0 */
    {"/\xdf\xbf", true},      /* U+07FF */
    {"/\xe0\xa0\x80", true},  /* U+0800 */
    {"/\xed\x9f\xbf", true},  /* U+D7FF */
    {"/\xed\xa0\x80", false}, /* U+D800, a surrogate */
    {"/\xee\x80\x80", false}, /* U+E000, private */
    {"/\xef\xa3\xbf", false}, /* U+F8FF */
    {"/\xef\xa4\x80", true},  /* U+F900 */
    {"/\xef\xbf\xaf", true},  /* U+FFEF */
    {"/\xef\xbf\xb0", false}, /* U+FFF0 */
    {"/\xef\xbf\xbf", false}, /* U+FFFF */
    {"/\xf0\x90\x80\x80", false},
    {"/\xf0\x9f\x98\x80", false}, /* an emoji */
    {"/\xf4\x8f\xbf\xbf", false},
    /* Not UTF-8. */
    {"/\x80", false},
    {"/\xbf", false},
    {"/\xc0\x80", false},
    {"/\xc1\xbf", false},
    {"/\xc3", false},
    {"/\xc3/", false},
    {"/\xc3/a", false},
    {"/\xc3\xa4\xc3", false},
    {"/\xe0\x9f\xbf", false},
    {"/\xe4\xb8", false},
    {"/\xf0\x8f\xbf\xbf", false},
    {"/\xf8\x88\x80\x80\x80", false},
    {"/\xff", false},
    {"/\xe4\xb8\xad/\xc3\xa4", true},
};

static void rules_of_paths(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        enum status st = path_validate(bytes_of(paths[i].path));
        if ((st == ST_OK) != paths[i].valid)
            fail_msg("row %zu: %s", i, paths[i].path);
        assert_true(st == ST_OK || st == ST_BAD_ARGUMENTS);
    }
    assert_int_equal(path_validate(BYTES_NULL), ST_BAD_ARGUMENTS);
    assert_int_equal(path_validate(BYTES("/a\0b")), ST_BAD_ARGUMENTS);
}

/* All characters of the plane, against the rule as it is written. */
static void every_character_of_the_plane(void **state)
{
    (void)state;
    for (uint32_t c = 0x800; c <= 0xffff; c++) {
        const uint8_t path[] = {'/', (uint8_t)(0xe0 | c >> 12), (uint8_t)(0x80 | (c >> 6 & 0x3f)),
                                (uint8_t)(0x80 | (c & 0x3f))};
        bool refused = (c >= 0xd800 && c <= 0xf8ff) || c >= 0xfff0;
        assert_int_equal(path_validate(bytes_make(path, sizeof path)), refused ? ST_BAD_ARGUMENTS : ST_OK);
    }
}

static void parent_and_name(void **state)
{
    (void)state;
    static const struct {
        const char *path, *parent, *name;
    } rows[] = {{"/a", "", "a"}, {"/a/b", "/a", "b"}, {"/", "", ""}, {"/a/", "/a", ""}, {"a/b", "a", "b"}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_true(bytes_equal(path_parent(bytes_of(rows[i].path)), bytes_of(rows[i].parent)));
        assert_true(bytes_equal(path_name(bytes_of(rows[i].path)), bytes_of(rows[i].name)));
    }
}

static void within(void **state)
{
    (void)state;
    static const struct {
        const char *path, *ancestor;
        bool is_within;
    } rows[] = {
        {"/a", "", true},     {"/a", "/", true},     {"", "", true},           {"/a", "/a", true}, {"/a/b", "/a", true},
        {"/ab", "/a", false}, {"/a", "/a/b", false}, {"/a/b/c", "/a/b", true}, {"", "/a", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(path_is_within(bytes_of(rows[i].path), bytes_of(rows[i].ancestor)), rows[i].is_within);
}

static void system_paths(void **state)
{
    (void)state;
    static const char *const are[] = {"", "/", "/zookeeper", "/zookeeper/quota", "/zookeeper/config"};
    static const char *const are_not[] = {"/a", "/zookeepe", "/zookeeper/", "/zookeeper/quota/a", "/zookeeper/configs"};
    for (size_t i = 0; i < ARRAY_LEN(are); i++)
        assert_true(path_is_system(bytes_of(are[i])));
    for (size_t i = 0; i < ARRAY_LEN(are_not); i++)
        assert_false(path_is_system(bytes_of(are_not[i])));
}

static void sequence_suffix(void **state)
{
    (void)state;
    static const struct {
        int32_t cversion;
        const char *path;
    } rows[] = {
        {0, "/a-0000000000"}, {5, "/a-0000000005"}, {INT32_MAX, "/a-2147483647"}, {INT32_MIN, "/a--2147483648"}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buffer path = {0};
        assert_int_equal(buffer_printf(&path, "/a-"), ST_OK);
        assert_int_equal(path_append_sequence(&path, rows[i].cversion), ST_OK);
        assert_true(bytes_equal(buffer_bytes(&path), bytes_of(rows[i].path)));
        buffer_free(&path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_of_paths),  cmocka_unit_test(every_character_of_the_plane),
        cmocka_unit_test(parent_and_name), cmocka_unit_test(within),
        cmocka_unit_test(system_paths),    cmocka_unit_test(sequence_suffix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
