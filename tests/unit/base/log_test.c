/* The log sink: levels, long lines, no sink at all. */
#include "core/base/log.h"

#include "core/base/check.h"
#include "tests/support/test.h"

struct seen {
    int lines;
    enum log_level level;
    char area[32], text[2048];
};

static void write_line(void *context, enum log_level level, const char *area, const char *text)
{
    struct seen *seen = context;
    seen->lines++;
    seen->level = level;
    snprintf(seen->area, sizeof seen->area, "%s", area);
    snprintf(seen->text, sizeof seen->text, "%s", text);
}

static void lines_above_the_level_are_dropped(void **state)
{
    (void)state;
    struct seen seen = {0};
    struct log_sink sink = {LOG_LEVEL_WARN, write_line, &seen};
    LOG_INFO(&sink, "test", "not seen");
    LOG_DEBUG(&sink, "test", "not seen");
    assert_int_equal(seen.lines, 0);
    LOG_WARN(&sink, "test", "%d of %s", 3, "them");
    assert_int_equal(seen.lines, 1);
    assert_int_equal(seen.level, LOG_LEVEL_WARN);
    assert_string_equal(seen.area, "test");
    assert_string_equal(seen.text, "3 of them");
    LOG_ERROR(&sink, "test", "seen");
    assert_int_equal(seen.lines, 2);
    sink.level = LOG_LEVEL_TRACE;
    LOG_DEBUG(&sink, "test", "seen");
    assert_int_equal(seen.lines, 3);
    LOG_ERROR(NULL, "test", "nobody listens");
    assert_false(log_enabled(NULL, LOG_LEVEL_ERROR));
    assert_true(log_enabled(&sink, LOG_LEVEL_TRACE));
}

static void long_lines_are_cut(void **state)
{
    (void)state;
    struct seen seen = {0};
    const struct log_sink sink = {LOG_LEVEL_INFO, write_line, &seen};
    LOG_INFO(&sink, "test", "%01500d", 7);
    assert_int_equal(strlen(seen.text), 1023);
    LOG_INFO(&sink, "test", "%01023d", 7);
    assert_int_equal(strlen(seen.text), 1023);
    assert_int_equal(seen.text[1022], '7');
}

static void levels_have_names(void **state)
{
    (void)state;
    for (int i = 0; i < LOG_LEVEL_COUNT; i++) {
        enum log_level level = LOG_LEVEL_COUNT;
        assert_true(log_level_parse(log_level_name((enum log_level)i), &level));
        assert_int_equal(level, i);
    }
    enum log_level level = LOG_LEVEL_COUNT;
    assert_null(log_level_name(LOG_LEVEL_COUNT));
    assert_false(log_level_parse("loud", &level));
    assert_false(log_level_parse("", &level));
    assert_int_equal(level, LOG_LEVEL_COUNT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_above_the_level_are_dropped),
        cmocka_unit_test(long_lines_are_cut),
        cmocka_unit_test(levels_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
