/* log_output_test.c - what a line of the log looks like: as text, as JSON, in the journal; and where it goes. */
#include "agent/log_output.h"
#include "tests/support/test.h"
#include "tests/support/tmp.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct fixture {
    char *directory, *file;
    struct log_output *log;
    int standard_error; /* the program's own, while a test has it lead to the file */
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->directory = tmp_make();
    f->file = tmp_join(f->directory, "log");
    f->standard_error = -1;
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    log_output_close(f->log);
    if (f->standard_error >= 0) {
        assert_int_equal(dup2(f->standard_error, STDERR_FILENO), STDERR_FILENO);
        close(f->standard_error);
    }
    unsetenv("JOURNAL_STREAM");
    free(f->file);
    tmp_remove(f->directory);
    free(f);
    return 0;
}

static void open_log(struct fixture *f, const char *file, enum log_format format)
{
    assert_int_equal(log_output_open(&f->log, file, format, LOG_LEVEL_INFO), ST_OK);
}

/* What has been written so far. */
static const char *written(const struct fixture *f)
{
    static char text[32768];
    FILE *file = fopen(f->file, "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    return text;
}

static void text_has_time_level_and_area(void **state)
{
    struct fixture *f = *state;
    unsigned year, month, day, hour, minute, milliseconds;
    char rest[64];
    open_log(f, f->file, LOG_FORMAT_TEXT);
    LOG_DEBUG(log_output_sink(f->log), "test", "not seen");
    LOG_WARN(log_output_sink(f->log), "test", "a name\nof its own\x7f");
    assert_int_equal(sscanf(written(f), "%4u-%2u-%2uT%2u:%2u:%*2u.%3uZ %63[^\n]", &year, &month, &day, &hour, &minute,
                            &milliseconds, rest),
                     7);
    assert_string_equal(rest, "warn  test: a name?of its own?");
}

static void json_is_an_object_for_each_line(void **state)
{
    struct fixture *f = *state;
    open_log(f, f->file, LOG_FORMAT_JSON);
    LOG_ERROR(log_output_sink(f->log), "test", "a \"name\"\nof its own");
    json_t *line = json_loads(written(f), 0, NULL);
    assert_non_null(line);
    assert_string_equal(json_string_value(json_object_get(line, "level")), "error");
    assert_string_equal(json_string_value(json_object_get(line, "area")), "test");
    assert_string_equal(json_string_value(json_object_get(line, "text")), "a \"name\"\nof its own");
    json_decref(line);
    assert_null(strchr(strchr(written(f), '\n') + 1, '\n'));
}

static void a_file_that_was_moved_is_made_anew(void **state)
{
    struct fixture *f = *state;
    open_log(f, f->file, LOG_FORMAT_TEXT);
    LOG_INFO(log_output_sink(f->log), "test", "before");
    char *moved = tmp_join(f->directory, "log.1");
    assert_int_equal(rename(f->file, moved), 0);
    free(moved);
    assert_int_equal(log_output_reopen(f->log), ST_OK);
    LOG_INFO(log_output_sink(f->log), "test", "after");
    assert_null(strstr(written(f), "before"));
    assert_non_null(strstr(written(f), "info  test: after\n"));
}

/* Standard error leads to the file, and $JOURNAL_STREAM says that file's name, or `inode_off` beside it. */
static void stand_in_for_the_journal(struct fixture *f, unsigned inode_off)
{
    char stream[64];
    struct stat status;
    int fd = open(f->file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    f->standard_error = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    assert_true(fd >= 0 && f->standard_error >= 0 && fstat(fd, &status) == 0);
    assert_int_equal(dup2(fd, STDERR_FILENO), STDERR_FILENO);
    close(fd);
    (void)snprintf(stream, sizeof stream, "%ju:%ju", (uintmax_t)status.st_dev, (uintmax_t)status.st_ino + inode_off);
    assert_int_equal(setenv("JOURNAL_STREAM", stream, 1), 0);
    open_log(f, "", LOG_FORMAT_TEXT);
}

static void the_journal_gets_priorities(void **state)
{
    struct fixture *f = *state;
    stand_in_for_the_journal(f, 0);
    log_output_set_level(f->log, LOG_LEVEL_TRACE);
    LOG_ERROR(log_output_sink(f->log), "test", "one");
    LOG_WARN(log_output_sink(f->log), "test", "two");
    LOG_INFO(log_output_sink(f->log), "test", "three\n<0>four");
    LOG_DEBUG(log_output_sink(f->log), "test", "five");
    assert_string_equal(written(f), "<3>test: one\n<4>test: two\n<6>test: three?<0>four\n<7>test: five\n");
}

static void what_is_redirected_is_no_journal(void **state)
{
    struct fixture *f = *state;
    stand_in_for_the_journal(f, 1);
    LOG_INFO(log_output_sink(f->log), "test", "one");
    assert_non_null(strstr(written(f), "Z info  test: one\n"));
}

static void what_is_no_stream_is_no_journal(void **state)
{
    struct fixture *f = *state;
    static const char *const streams[] = {"", ":", "1", "x:y", "1:", "-1:-1", "1:1:1"};
    for (size_t i = 0; i < sizeof streams / sizeof streams[0]; i++) {
        assert_int_equal(setenv("JOURNAL_STREAM", streams[i], 1), 0);
        open_log(f, "", LOG_FORMAT_TEXT);
        log_output_close(f->log);
        f->log = NULL;
    }
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(text_has_time_level_and_area),       TEST(json_is_an_object_for_each_line),
        TEST(a_file_that_was_moved_is_made_anew), TEST(the_journal_gets_priorities),
        TEST(what_is_redirected_is_no_journal),   TEST(what_is_no_stream_is_no_journal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
