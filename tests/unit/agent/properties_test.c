/* properties_test.c - the syntax of Java property files, case by case. */
#include "agent/settings/properties.h"

#include "core/base/check.h"
#include "core/base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* All properties of `text` as "line|key|value|error;". */
static const char *read_all(const char *text, size_t size)
{
    static char result[4096];
    char *memory = mem_alloc(properties_memory(size));
    char *copy = mem_alloc(size); /* of the exact size: reading past the end is seen by the sanitizers */
    assert_non_null(memory);
    assert_non_null(copy);
    if (size > 0)
        memcpy(copy, text, size);
    struct properties properties;
    struct property property;
    size_t at = 0;
    result[0] = '\0';
    properties_open(&properties, copy, size, memory);
    while (properties_next(&properties, &property)) {
        at += (size_t)snprintf(result + at, sizeof result - at, "%u|%s|%s|%s;", property.line, property.key,
                               property.value, property.error != NULL ? property.error : "");
        assert_true(at < sizeof result);
        assert_true(properties.to <= memory + properties_memory(size));
    }
    mem_free(copy);
    mem_free(memory);
    return result;
}

static const struct {
    const char *text;
    const char *read;
} cases[] = {
    {"", ""},
    {"\n\r\n\r", ""},
    {"# comment\n! comment\n", ""},
    {"# comment \\\nkey=1", "2|key|1|;"},
    {"key=value", "1|key|value|;"},
    {"key = value\n", "1|key|value|;"},
    {"key:value\n", "1|key|value|;"},
    {"key : value\n", "1|key|value|;"},
    {"key value\n", "1|key|value|;"},
    {"key\t\f value\n", "1|key|value|;"},
    {"  \t key=value\n", "1|key|value|;"},
    {"key", "1|key||;"},
    {"key=", "1|key||;"},
    {"key==value", "1|key|=value|;"},
    {"key=:value", "1|key|:value|;"},
    {"key = = value", "1|key|= value|;"},
    {"key=a b  c", "1|key|a b  c|;"},
    {"key=value  \t\n", "1|key|value|;"},
    {"key=# no comment", "1|key|# no comment|;"},
    {"a=1\nb=2\r\nc=3\rd=4", "1|a|1|;2|b|2|;3|c|3|;4|d|4|;"},
    {"a=1\n\n\n# x\nb=2", "1|a|1|;5|b|2|;"},
    {"key=one,\\\n    two,\\\n  three\nnext=1", "1|key|one,two,three|;4|next|1|;"},
    {"key=one\\\r\n two\\\r three", "1|key|onetwothree|;"},
    {"key=one\\\n# two\n", "1|key|one# two|;"},
    {"key=one\\\n\ntwo", "1|key|one|;3|two||;"},
    {"ke\\\n   y=1", "1|key|1|;"},
    {"key\\\n =\\\n  1", "1|key|1|;"},
    {"\\\nkey=1", "2|key|1|;"},
    {"\\\n#key=1\nb=2", "3|b|2|;"},
    {"\\", ""},
    {"\\\n\nkey=1", "3|key|1|;"},
    {"key=1\\", "1|key|1|;"},
    {"key=1\\\\", "1|key|1\\|;"},
    {"key=1\\\\\nb=2", "1|key|1\\|;2|b|2|;"},
    {"key=1\\\\\\\nb=2", "1|key|1\\b=2|;"},
    {"key=a\\tb\\nc\\rd\\fe", "1|key|a\tb\nc\rd\fe|;"},
    {"key=\\:\\=\\#\\!\\ \\z", "1|key|:=#! z|;"},
    {"k\\:e\\=y\\ s=1", "1|k:e=y s|1|;"},
    {"key=\\ a\\ ", "1|key|a|;"},
    {"\\=key=1", "1|=key|1|;"},
    {"key\\u003d1=\\u0041\\u00e4\\u20AC", "1|key=1|A\xc3\xa4\xe2\x82\xac|;"},
    {"key=\\ud83d\\ude00.", "1|key|\xf0\x9f\x98\x80.|;"},
    {"key=\xc3\xa4", "1|key|\xc3\xa4|;"},
    {"\xef\xbb\xbfkey=1", "1|key|1|;"},
    {"=value", "1||value|;"},
    {"=", ""},
    {"key=\\u00g1\nb=2", "1|key||\\u needs four hexadecimal digits;2|b|2|;"},
    {"key=\\u12", "1|key||\\u needs four hexadecimal digits;"},
    {"key=\\u\\\nnot a key\nb=2", "1|key||\\u needs four hexadecimal digits;3|b|2|;"},
    {"key=\\u0000", "1|key||a value cannot hold \\u0000;"},
    {"key=\\ud83d", "1|key||\\u names half of a surrogate pair;"},
    {"key=\\ude00\\ud83d", "1|key||\\u names half of a surrogate pair;"},
    {"key=\\ud83d\\u0041", "1|key||\\u names half of a surrogate pair;"},
    {"key=\\uzzzz\\\\\nb=2", "1|key||\\u needs four hexadecimal digits;2|b|2|;"},
};

static void test_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_string_equal(read_all(cases[i].text, strlen(cases[i].text)), cases[i].read);
}

static void test_nul_bytes_are_refused(void **state)
{
    (void)state;
    assert_string_equal(read_all("a=x\0y\nb=1", 9), "1|a|x|the line holds a NUL byte;2|b|1|;");
    assert_string_equal(read_all("a=x\\\0y\nb=1", 10), "1|a|x|the line holds a NUL byte;2|b|1|;");
    assert_string_equal(read_all("\0", 1), "1|||the line holds a NUL byte;");
}

/* Every text of up to six bytes from the ones that matter: nothing is read or written beyond its end. */
static void test_all_short_texts_stay_within_their_memory(void **state)
{
    static const char alphabet[] = {'a', '=', ' ', '\\', '\n', '\r', '#', 'u'};
    (void)state;
    for (size_t length = 0; length <= 6; length++) {
        size_t count = 1;
        for (size_t i = 0; i < length; i++)
            count *= sizeof alphabet;
        for (size_t n = 0; n < count; n++) {
            char text[6];
            size_t rest = n;
            for (size_t i = 0; i < length; i++, rest /= sizeof alphabet)
                text[i] = alphabet[rest % sizeof alphabet];
            read_all(text, length);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_nul_bytes_are_refused),
        cmocka_unit_test(test_all_short_texts_stay_within_their_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
