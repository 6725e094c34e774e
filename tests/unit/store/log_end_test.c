/* The mark of the log's end: what it says is believed only of its own file and bit by bit as it was written, and no
 * failing call makes it say more than is so. */
#include "core/store/log_end.h"
#include "tests/support/disk_sim.h"
#include "tests/support/test.h"

#include <stdlib.h>

#define DIR  "/zooid"
#define PATH DIR "/" LOG_END_NAME

enum { FILE_ID = 0x1234567, ZXID = 0x500000007 };

static struct disk_sim *new_disk(void)
{
    struct disk_sim *d = disk_sim_new();
    disk_sim_make_dir(d, DIR);
    return d;
}

/* What a start reads, and the worst that it says of it; -1: nothing. */
static int64_t read_mark(struct disk_sim *d, int *kind)
{
    struct findings findings = {0};
    int64_t zxid = -1;
    assert_int_equal(log_end_read(disk_sim_io(d), DIR, &zxid, &findings), ST_OK);
    *kind = findings.count == 0 ? -1 : (int)findings.items[0].kind;
    assert_in_range(findings.count, 0, 1);
    findings_free(&findings);
    return zxid;
}

static void assert_mark(struct disk_sim *d, int64_t zxid, int kind)
{
    int found;
    assert_int_equal(read_mark(d, &found), zxid);
    assert_int_equal(found, kind);
}

static struct log_end *open_mark(struct disk_sim *d, int64_t zxid)
{
    struct log_end *e = NULL;
    assert_int_equal(log_end_open(&e, disk_sim_io(d), DIR, zxid), ST_OK);
    return e;
}

static bool keep_as_told(void *context, size_t i)
{
    (void)i;
    return *(const bool *)context;
}

/* All that was not synced is kept, or nothing of it. */
static void cut_power(struct disk_sim *d, bool keep)
{
    disk_sim_power_cut(d, keep_as_told, &keep);
}

/* -- format ------------------------------------------------------------------------------------------------------- */

static void the_format_is_as_told(void **state)
{
    (void)state;
    uint8_t mark[LOG_END_LEN];
    int64_t zxid;
    log_end_encode(mark, FILE_ID, ZXID);
    assert_memory_equal(mark, "ZLOG\0\0\0\1\0\0\0\0\1\x23\x45\x67\0\0\0\5\0\0\0\7", 24);
    assert_int_equal(log_end_judge(bytes_make(mark, sizeof mark), FILE_ID, &zxid), LOG_END_SOUND);
    assert_int_equal(zxid, ZXID);
    assert_int_equal(log_end_judge(bytes_make(mark, sizeof mark), FILE_ID + 1, &zxid), LOG_END_COPIED);
    assert_int_equal(zxid, 0);
    log_end_encode(mark, FILE_ID, -1);
    assert_int_equal(log_end_judge(bytes_make(mark, sizeof mark), FILE_ID, &zxid), LOG_END_DAMAGED);
}

static void any_other_bytes_are_no_mark(void **state)
{
    (void)state;
    uint8_t mark[LOG_END_LEN + 1] = {0};
    int64_t zxid;
    for (size_t len = 0; len <= LOG_END_LEN; len++)
        assert_int_equal(log_end_judge(bytes_make(mark, len), FILE_ID, &zxid), LOG_END_NONE);
    assert_int_equal(log_end_judge(bytes_make(mark, sizeof mark), FILE_ID, &zxid), LOG_END_DAMAGED);
    log_end_encode(mark, FILE_ID, ZXID);
    for (size_t len = 1; len <= sizeof mark; len++)
        if (len != LOG_END_LEN)
            assert_int_equal(log_end_judge(bytes_make(mark, len), FILE_ID, &zxid), LOG_END_DAMAGED);
    for (size_t bit = 0; bit < 8 * LOG_END_LEN; bit++) {
        mark[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(log_end_judge(bytes_make(mark, LOG_END_LEN), FILE_ID, &zxid), LOG_END_DAMAGED);
        assert_int_equal(zxid, 0);
        mark[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

/* -- file --------------------------------------------------------------------------------------------------------- */

static void it_is_made_moved_and_found_again(void **state)
{
    (void)state;
    struct disk_sim *d = new_disk();
    assert_mark(d, 0, -1);
    struct log_end *e = open_mark(d, 5);
    assert_mark(d, 5, -1);
    assert_int_equal(log_end_write(e, 9), ST_OK);
    log_end_close(e);
    assert_mark(d, 9, -1);
    log_end_close(open_mark(d, 11));
    assert_mark(d, 11, -1);
    assert_int_equal(log_end_remove(disk_sim_io(d), DIR), ST_OK);
    assert_int_equal(log_end_remove(disk_sim_io(d), DIR), ST_OK);
    assert_int_equal(disk_sim_choices(d), 0);
    assert_mark(d, 0, -1);
    disk_sim_free(d);
}

static void what_is_no_mark_is_said_and_written_anew(void **state)
{
    (void)state;
    static const char *const contents[] = {"x", "ZLOG\0\0\0\1", "a file that is longer than any mark would be"};
    for (size_t i = 0; i < sizeof contents / sizeof *contents; i++) {
        struct disk_sim *d = new_disk();
        disk_sim_put(d, PATH, bytes_of(contents[i]));
        assert_mark(d, 0, FINDING_REPAIR);
        log_end_close(open_mark(d, 7));
        assert_mark(d, 7, -1);
        disk_sim_free(d);
    }
}

static void a_copy_counts_for_nothing(void **state)
{
    (void)state;
    struct disk_sim *d = new_disk();
    log_end_close(open_mark(d, 5));
    struct bytes mark = bytes_copy(disk_sim_get(d, PATH));
    disk_sim_remove(d, PATH);
    disk_sim_put(d, PATH, mark);
    assert_mark(d, 0, FINDING_NOTE);
    log_end_close(open_mark(d, 3));
    assert_mark(d, 3, -1);
    free((void *)mark.data);
    disk_sim_free(d);
}

/* Made durable when it is made, then moved at the kernel's leisure; lowered durably, since the log is cut next. */
static void a_power_cut_leaves_an_earlier_mark(void **state)
{
    (void)state;
    for (int keep = 0; keep < 2; keep++) {
        struct disk_sim *d = new_disk();
        struct log_end *e = open_mark(d, 5);
        assert_int_equal(disk_sim_choices(d), 0);
        assert_int_equal(log_end_write(e, 9), ST_OK);
        log_end_close(e);
        cut_power(d, keep != 0);
        assert_mark(d, keep != 0 ? 9 : 5, -1);
        e = open_mark(d, 9);
        assert_int_equal(log_end_write_synced(e, 4), ST_OK);
        assert_int_equal(disk_sim_choices(d), 0);
        log_end_close(e);
        cut_power(d, keep != 0);
        assert_mark(d, 4, -1);
        disk_sim_free(d);
    }
}

/* One life with the n-th call failing: opened at 5, moved to 9, lowered to 4. `lowered`: it was, as far as it says. */
static bool live(struct disk_sim *d, const struct disk_fault *fault, bool *lowered)
{
    struct log_end *e = NULL;
    log_end_close(open_mark(d, 3));
    disk_sim_fault(d, fault);
    *lowered = false;
    if (log_end_open(&e, disk_sim_io(d), DIR, 5) == ST_OK) {
        if (log_end_write(e, 9) == ST_OK)
            *lowered = log_end_write_synced(e, 4) == ST_OK;
        log_end_close(e);
    }
    bool failed = disk_sim_has_failed(d);
    disk_sim_fault(d, NULL);
    return failed;
}

static void a_failing_call_never_raises_it(void **state)
{
    (void)state;
    static const enum disk_fault_kind kinds[] = {DISK_FAIL_ONCE, DISK_FAIL_ALWAYS, DISK_SHORT_WRITE, DISK_CUT};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        bool failed = true;
        for (uint64_t n = 1; failed; n++) {
            const struct disk_fault fault = {kinds[i], DISK_ANY, n, ST_IO_ERROR};
            struct disk_sim *d = new_disk();
            bool lowered;
            int kind;
            failed = live(d, &fault, &lowered);
            if (n % 2 == 0 || kinds[i] == DISK_CUT)
                cut_power(d, n % 4 == 0);
            int64_t found = read_mark(d, &kind);
            assert_true(found == 0 || found == 3 || found == 4 || found == 5 || found == 9);
            assert_true(found != 0 || kind == FINDING_REPAIR);
            assert_true(!lowered || found == 4);
            disk_sim_free(d);
        }
    }
}

/* A disk that cannot give the mark does not stop the start. */
static void one_that_cannot_be_read_is_said(void **state)
{
    (void)state;
    static const unsigned calls[] = {DISK_OPEN, DISK_SIZE, DISK_READ};
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        struct disk_sim *d = new_disk();
        log_end_close(open_mark(d, 5));
        const struct disk_fault fault = {DISK_FAIL_ONCE, calls[i], 1, ST_IO_ERROR};
        disk_sim_fault(d, &fault);
        assert_mark(d, 0, FINDING_REPAIR);
        assert_mark(d, 5, -1);
        disk_sim_free(d);
    }
}

static void what_is_missed_is_named(void **state)
{
    (void)state;
    struct findings findings = {0};
    assert_int_equal(log_end_missed(DIR, 0x10, 0x1f, &findings), ST_OK);
    assert_int_equal(findings.count, 1);
    assert_int_equal(findings.items[0].kind, FINDING_DAMAGE);
    assert_string_equal(findings.items[0].file, PATH);
    assert_non_null(strstr(findings.items[0].text, "up to zxid 0x1f, and what is found ends with 0x10"));
    findings_free(&findings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_format_is_as_told),
        cmocka_unit_test(any_other_bytes_are_no_mark),
        cmocka_unit_test(it_is_made_moved_and_found_again),
        cmocka_unit_test(what_is_no_mark_is_said_and_written_anew),
        cmocka_unit_test(a_copy_counts_for_nothing),
        cmocka_unit_test(a_power_cut_leaves_an_earlier_mark),
        cmocka_unit_test(a_failing_call_never_raises_it),
        cmocka_unit_test(one_that_cannot_be_read_is_said),
        cmocka_unit_test(what_is_missed_is_named),
    };
    return cmocka_run_group_tests_name("log_end", tests, NULL, NULL);
}
