/* audit_log_test.c - the audit log's file: what waits is bounded, what is told is written whole, or counted as lost. */
/* link: -Wl,--wrap=mem_alloc -Wl,--wrap=mem_calloc -Wl,--wrap=mem_realloc */
#include "agent/audit_log.h"
#include "core/base/check.h"
#include "tests/support/failing_memory.h"
#include "tests/support/test.h"
#include "tests/support/tmp.h"
#include "tests/support/wait.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BYTES_MAX = 4096, WAIT_MS = 20000, FILE_BYTES = 1000 };

struct fixture {
    char *directory, *file;
    uv_loop_t loop;
    struct metrics *metrics;
    struct audit_log *audit;
    struct buffer message;
    bool is_full;
    int presses;
};

static void on_pressed(void *context, bool is_full)
{
    struct fixture *f = context;
    assert_true(is_full != f->is_full);
    f->is_full = is_full;
    f->presses++;
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->directory = tmp_make();
    f->file = tmp_join(f->directory, "audit.log");
    f->metrics = metrics_new(KEYED_MAX);
    assert_non_null(f->metrics);
    assert_int_equal(uv_loop_init(&f->loop), 0);
    *state = f;
    return 0;
}

static void close_audit(struct fixture *f)
{
    audit_log_close(f->audit);
    f->audit = NULL;
    uv_run(&f->loop, UV_RUN_DEFAULT);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    memory_fail_after(-1);
    close_audit(f);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    metrics_free(f->metrics);
    buffer_free(&f->message);
    free(f->file);
    tmp_remove(f->directory);
    free(f);
    return 0;
}

static enum status open_audit(struct fixture *f, const char *file)
{
    const struct audit_log_parts parts = {.loop = &f->loop,
                                          .file = file,
                                          .bytes_max = BYTES_MAX,
                                          .metrics = f->metrics,
                                          .pressed = on_pressed,
                                          .context = f};
    return audit_log_open(&f->audit, &parts, &f->message);
}

/* "n=NUMBER result=...", as many as there should be. */
static void write_lines(struct fixture *f, int first, int count)
{
    struct buffer lines = {0};
    for (int i = first; i < first + count; i++)
        assert_int_equal(buffer_printf(&lines, "n=%d\tresult=%s\n", i, i % 2 == 0 ? "success" : "failure"), ST_OK);
    audit_log_write(f->audit, buffer_bytes(&lines));
    buffer_free(&lines);
}

/* How many lines stand in the file, one behind the other from `first` on, each with a time and its level. */
static int lines_written(struct fixture *f, int first)
{
    FILE *file = fopen(f->file, "r");
    char line[256], level[16];
    int count = 0, number, day, ms;
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        int parts = sscanf(line, "20%*d-%*d-%d %*d:%*d:%*d,%d %15s audit.Log4jAuditLogger: n=%d\tresult=", &day, &ms,
                           level, &number);
        assert_int_equal(parts, 4);
        assert_int_equal(number, first + count);
        assert_string_equal(level, number % 2 == 0 ? "INFO" : "ERROR");
        count++;
    }
    fclose(file);
    return count;
}

static void turn(struct fixture *f)
{
    uv_run(&f->loop, UV_RUN_NOWAIT);
}

static bool is_pressed(void *context)
{
    struct fixture *f = context;
    turn(f);
    return f->is_full;
}

static bool is_relieved(void *context)
{
    return !is_pressed(context);
}

static void what_waits_at_the_close_is_written(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(open_audit(f, f->file), ST_OK);
    for (int i = 0; i < 10; i++)
        write_lines(f, i * 10, 10);
    close_audit(f);
    assert_int_equal(lines_written(f, 0), 100);
    assert_int_equal(metrics_counter(f->metrics, COUNTER_audit_lines), 100);
    assert_int_equal(metrics_counter(f->metrics, COUNTER_audit_lines_lost), 0);
}

static void a_place_that_is_none_is_named(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(open_audit(f, f->directory), ST_IO_ERROR);
    assert_int_equal(buffer_append(&f->message, "", 1), ST_OK);
    assert_non_null(strstr((const char *)f->message.data, f->directory));
    assert_non_null(strstr((const char *)f->message.data, ": Is a directory"));
}

static void a_full_disk_presses_and_then_loses(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(symlink("/dev/full", f->file), 0);
    assert_int_equal(open_audit(f, f->file), ST_OK);
    int count = 0;
    for (; !is_pressed(f); count++)
        write_lines(f, count, 1);
    assert_int_equal(metrics_counter(f->metrics, COUNTER_audit_lines_lost), 0);
    while (metrics_counter(f->metrics, COUNTER_audit_lines_lost) == 0)
        write_lines(f, count++, 1);
    uint64_t kept = metrics_counter(f->metrics, COUNTER_audit_lines);
    assert_int_equal(kept, count - 1);
    assert_int_equal(unlink(f->file), 0);
    audit_log_reopen(f->audit);
    assert_true(wait_until(is_relieved, f, WAIT_MS));
    close_audit(f);
    assert_int_equal(lines_written(f, 0), kept);
    assert_int_equal(f->presses, 2);
}

/* How many lines stand in `name` beside the file. */
static int lines_in(const struct fixture *f, const char *name)
{
    char *path = tmp_join(f->directory, name);
    FILE *file = fopen(path, "r");
    int count = 0, c;
    assert_non_null(file);
    while ((c = fgetc(file)) != EOF)
        count += c == '\n';
    fclose(file);
    free(path);
    return count;
}

static void a_file_that_cannot_be_opened_anew_is_kept(void **state)
{
    struct fixture *f = *state;
    char *moved = tmp_join(f->directory, "moved");
    assert_int_equal(open_audit(f, f->file), ST_OK);
    assert_int_equal(rename(f->file, moved), 0);
    assert_int_equal(symlink("/nonexistent/audit.log", f->file), 0);
    audit_log_reopen(f->audit);
    write_lines(f, 0, 10);
    close_audit(f);
    assert_int_equal(lines_in(f, "moved"), 10);
    free(moved);
}

static bool has_bytes(void *context)
{
    struct stat st;
    const struct fixture *f = context;
    return stat(f->file, &st) == 0 && st.st_size == FILE_BYTES;
}

/* The file has room for half a line: when it is moved away, the next one has all of it. */
static void a_line_is_whole_in_the_next_file(void **state)
{
    enum { LINES = 20 };
    struct fixture *f = *state;
    struct rlimit before, small = {FILE_BYTES, FILE_BYTES};
    char *moved = tmp_join(f->directory, "moved");
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small.rlim_max = before.rlim_max;
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    assert_int_equal(open_audit(f, f->file), ST_OK);
    write_lines(f, 0, LINES);
    assert_true(wait_until(has_bytes, f, WAIT_MS));
    assert_int_equal(rename(f->file, moved), 0);
    audit_log_reopen(f->audit);
    close_audit(f);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    int whole = lines_in(f, "moved");
    assert_in_range(whole, 1, LINES - 1);
    assert_int_equal(lines_written(f, whole), LINES - whole);
    assert_int_equal(metrics_counter(f->metrics, COUNTER_audit_lines_lost), 0);
    free(moved);
}

static void without_memory_it_is_not_opened(void **state)
{
    struct fixture *f = *state;
    int after = 0;
    for (;; after++) {
        memory_fail_after(after);
        enum status st = open_audit(f, f->file);
        bool failed = memory_has_failed();
        memory_fail_after(-1);
        if (!failed) {
            assert_int_equal(st, ST_OK);
            break;
        }
        assert_int_equal(st, ST_NO_MEMORY);
        assert_null(f->audit);
    }
    assert_true(after >= 2);
}

static void without_memory_a_line_is_lost_whole(void **state)
{
    struct fixture *f = *state;
    struct buffer lines = {0};
    assert_int_equal(open_audit(f, f->file), ST_OK);
    assert_int_equal(buffer_printf(&lines, "n=0\tresult=success\n"), ST_OK);
    memory_fail_after(0);
    audit_log_write(f->audit, buffer_bytes(&lines));
    memory_fail_after(-1);
    assert_int_equal(metrics_counter(f->metrics, COUNTER_audit_lines_lost), 1);
    audit_log_write(f->audit, buffer_bytes(&lines));
    buffer_free(&lines);
    close_audit(f);
    assert_int_equal(lines_written(f, 0), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_waits_at_the_close_is_written),  TEST(a_place_that_is_none_is_named),
        TEST(a_full_disk_presses_and_then_loses),  TEST(a_file_that_cannot_be_opened_anew_is_kept),
        TEST(a_line_is_whole_in_the_next_file),    TEST(without_memory_it_is_not_opened),
        TEST(without_memory_a_line_is_lost_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
