/* The log is written as ZooKeeper's, grows by zeros that are synced first, says when the disk is full before it hurts,
 * and never goes on after a write or sync that failed. */
#include "core/store/txnlog.h"
#include "core/store/txnlog_scan.h"
#include "tests/support/disk_sim.h"
#include "tests/support/test.h"
#include "tests/support/txn_load.h"

#define DIR "/log"

enum { STEP_FIRST = 8192, STEP_MAX = 65536 };

struct rig {
    struct disk_sim *disk;
    struct txnlog *log;
    struct txn_load load;
    struct buffer records;
};

static struct txnlog *new_log(struct rig *rig, uint64_t step)
{
    const struct txnlog_options options = {
        .io = disk_sim_io(rig->disk), .dir = DIR, .step_first = step, .step_max = step < STEP_MAX ? STEP_MAX : step};
    struct txnlog *log = txnlog_new(&options);
    assert_non_null(log);
    return log;
}

static void set_up(struct rig *rig)
{
    *rig = (struct rig){.disk = disk_sim_new()};
    disk_sim_make_dir(rig->disk, DIR);
    rig->log = new_log(rig, STEP_FIRST);
    txn_load_init(&rig->load, 1);
}

static void tear_down(struct rig *rig)
{
    txnlog_free(rig->log);
    disk_sim_free(rig->disk);
    txn_load_free(&rig->load);
    buffer_free(&rig->records);
}

/* Makes `count` more txns and appends them as one batch. */
static enum status append(struct rig *rig, int count)
{
    int64_t first = rig->load.zxid + 1;
    rig->records.len = 0;
    for (int i = 0; i < count; i++)
        txn_load_next_record(&rig->load, &rig->records);
    return txnlog_append(rig->log, first, rig->load.zxid, buffer_bytes(&rig->records));
}

static enum status append_again(struct rig *rig, int count)
{
    return txnlog_append(rig->log, rig->load.zxid - count + 1, rig->load.zxid, buffer_bytes(&rig->records));
}

static struct txnlog_scan_result scan(struct rig *rig, int64_t after, struct findings *findings)
{
    const struct txnlog_scan options = {.io = disk_sim_io(rig->disk), .dir = DIR, .after = after};
    struct txnlog_scan_result result;
    assert_int_equal(txnlog_scan(&options, &result, findings), ST_OK);
    return result;
}

static void assert_sound(struct rig *rig, int64_t last)
{
    struct findings findings = {0};
    struct txnlog_scan_result result = scan(rig, 0, &findings);
    assert_int_equal(result.verdict, TXNLOG_SOUND);
    assert_int_equal(result.records, last);
    assert_int_equal(result.last_zxid, last);
    assert_int_equal(findings.count, 0);
    findings_free(&findings);
}

static void records_are_read_back(void **state)
{
    (void)state;
    struct rig rig;
    set_up(&rig);
    assert_int_equal(txnlog_prepare(rig.log, 1), ST_OK);
    assert_string_equal(txnlog_path(rig.log), DIR "/log.1");
    for (int i = 0; i < 50; i++) {
        assert_int_equal(append(&rig, 7), ST_OK);
        assert_int_equal(txnlog_sync(rig.log), ST_OK);
        assert_int_equal(txnlog_synced_zxid(rig.log), rig.load.zxid);
        if (i % 20 == 19)
            assert_int_equal(txnlog_roll(rig.log), ST_OK);
    }
    assert_sound(&rig, 350);
    struct bytes first = disk_sim_get(rig.disk, DIR "/log.1");
    assert_memory_equal(first.data, "ZKLG\0\0\0\2\377\377\377\377\377\377\377\377", 16); /* whole from 0 on */
    assert_int_equal(first.data[first.len - 1], 'B'); /* cut behind its last record */
    assert_false(bytes_is_null(disk_sim_get(rig.disk, DIR "/log.8d")));
    assert_false(bytes_is_null(disk_sim_get(rig.disk, DIR "/log.119")));
    struct findings findings = {0};
    struct txnlog_scan_result tail = scan(&rig, 300, &findings);
    assert_int_equal(tail.records, 50);
    assert_int_equal(tail.first_zxid, 301);
    assert_int_equal(tail.files, 1);
    findings_free(&findings);
    tear_down(&rig);
}

/* What was synced is there after any power cut; the rest may be. */
static void synced_records_survive_a_power_cut(void **state)
{
    (void)state;
    struct rig rig;
    set_up(&rig);
    struct random random = {random_seed()};
    assert_int_equal(append(&rig, 10), ST_OK);
    assert_int_equal(txnlog_sync(rig.log), ST_OK);
    assert_int_equal(append(&rig, 10), ST_OK);
    struct disk_sim *before = rig.disk;
    for (int i = 0; i < 200; i++) {
        rig.disk = disk_sim_copy(before);
        disk_sim_power_cut_random(rig.disk, &random);
        struct findings findings = {0};
        struct txnlog_scan_result result = scan(&rig, 0, &findings);
        assert_int_not_equal(result.verdict, TXNLOG_CORRUPT);
        assert_in_range(result.records, 10, 20);
        findings_free(&findings);
        disk_sim_free(rig.disk);
    }
    rig.disk = before;
    tear_down(&rig);
}

static void an_unexpected_first_record_renames_the_file(void **state)
{
    (void)state;
    struct rig rig;
    set_up(&rig);
    assert_int_equal(txnlog_prepare(rig.log, 0x500000001), ST_OK);
    assert_int_equal(append(&rig, 3), ST_OK);
    assert_string_equal(txnlog_path(rig.log), DIR "/log.1");
    assert_true(bytes_is_null(disk_sim_get(rig.disk, DIR "/log.500000001")));
    assert_int_equal(txnlog_sync(rig.log), ST_OK);
    assert_sound(&rig, 3);
    tear_down(&rig);
}

static void renaming_may_fail(void **state)
{
    (void)state;
    static const struct disk_fault faults[] = {
        {DISK_FAIL_ONCE, DISK_RENAME, 1, ST_NO_SPACE},
        {DISK_FAIL_ONCE, DISK_RENAME, 1, ST_IO_ERROR},
        {DISK_FAIL_ONCE, DISK_SYNC_DIR, 1, ST_IO_ERROR},
    };
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        struct rig rig;
        set_up(&rig);
        assert_int_equal(txnlog_prepare(rig.log, 0x500000001), ST_OK);
        disk_sim_fault(rig.disk, &faults[i]);
        assert_int_equal(append(&rig, 3), faults[i].status);
        assert_int_equal(txnlog_written_zxid(rig.log), 0);
        assert_int_equal(append_again(&rig, 3), i == 0 ? ST_OK : ST_IO_ERROR);
        assert_int_equal(txnlog_written_zxid(rig.log), i == 0 ? 3 : 0);
        tear_down(&rig);
    }
}

/* A sync of zeros that finds no room puts no record at risk, unless records wait for it. */
static void zeros_that_find_no_room_at_the_sync(void **state)
{
    (void)state;
    for (int waiting = 0; waiting < 2; waiting++) {
        struct rig rig;
        bool more;
        set_up(&rig);
        assert_int_equal(append(&rig, 60), ST_OK);
        if (waiting == 0)
            assert_int_equal(txnlog_sync(rig.log), ST_OK);
        disk_sim_fault(rig.disk, &(struct disk_fault){DISK_FAIL_ONCE, DISK_SYNC, 1, ST_NO_SPACE});
        enum status st = ST_OK;
        for (more = true; more && st == ST_OK;)
            st = txnlog_fill_ahead(rig.log, 4096, &more);
        assert_int_equal(st, waiting == 0 ? ST_NO_SPACE : ST_IO_ERROR);
        assert_int_equal(append(&rig, 5), waiting == 0 ? ST_OK : ST_IO_ERROR);
        if (waiting == 0) {
            assert_string_equal(txnlog_path(rig.log), DIR "/log.3d"); /* the file of before is left alone */
            assert_int_equal(txnlog_sync(rig.log), ST_OK);
            assert_sound(&rig, 65);
        }
        tear_down(&rig);
    }
}

static void a_file_without_records_is_used_again(void **state)
{
    (void)state;
    struct rig rig;
    set_up(&rig);
    disk_sim_put(rig.disk, DIR "/log.1", BYTES("ZKLG\0\0\0\2\0\0\0\0\0\0\0\0"));
    assert_int_equal(txnlog_prepare(rig.log, 1), ST_OK);
    assert_int_equal(append(&rig, 3), ST_OK);
    assert_int_equal(txnlog_sync(rig.log), ST_OK);
    assert_sound(&rig, 3);
    /* One with records never is. */
    txnlog_free(rig.log);
    rig.log = new_log(&rig, STEP_FIRST);
    assert_int_equal(txnlog_prepare(rig.log, 1), ST_IO_ERROR);
    assert_non_null(strstr(txnlog_failure(rig.log), "log.1"));
    assert_sound(&rig, 3);
    tear_down(&rig);
}

static void zeros_are_ahead_while_idle(void **state)
{
    (void)state;
    struct rig rig;
    set_up(&rig);
    bool more = true;
    assert_int_equal(txnlog_fill_ahead(rig.log, 4096, &more), ST_OK);
    assert_false(more);
    assert_int_equal(append(&rig, 60), ST_OK);
    assert_int_equal(txnlog_sync(rig.log), ST_OK);
    assert_true(txnlog_room(rig.log) < STEP_FIRST / 2 || txnlog_file_size(rig.log) > STEP_FIRST / 2);
    int calls = 0;
    for (more = true; more; calls++)
        assert_int_equal(txnlog_fill_ahead(rig.log, 4096, &more), ST_OK);
    assert_true(calls > 1);
    assert_true(txnlog_room(rig.log) >= STEP_FIRST);
    assert_sound(&rig, 60);
    tear_down(&rig);
}

static void a_batch_has_a_limit(void **state)
{
    (void)state;
    struct rig rig;
    set_up(&rig);
    txnlog_free(rig.log);
    rig.log = new_log(&rig, 4 * TXNLOG_BATCH_MAX);
    rig.load.data_max = 200000;
    enum status st = ST_OK;
    while (st == ST_OK)
        st = append(&rig, 5);
    assert_int_equal(st, ST_LIMIT);
    assert_true(txnlog_unsynced(rig.log) <= TXNLOG_BATCH_MAX);
    assert_int_equal(txnlog_sync(rig.log), ST_OK);
    assert_int_equal(append_again(&rig, 5), ST_OK);
    assert_int_equal(txnlog_sync(rig.log), ST_OK);
    assert_sound(&rig, rig.load.zxid);
    tear_down(&rig);
}

/* No room: nothing is lost, what fits goes on, and it resumes. */
static void a_full_disk_is_survived(void **state)
{
    (void)state;
    for (uint64_t capacity = 0; capacity < 3 * STEP_FIRST; capacity += 1000) {
        struct rig rig;
        set_up(&rig);
        disk_sim_capacity(rig.disk, capacity);
        enum status st = ST_OK;
        int64_t synced = 0;
        while (st == ST_OK) {
            st = append(&rig, 3);
            if (st == ST_OK) {
                assert_int_equal(txnlog_sync(rig.log), ST_OK);
                synced = rig.load.zxid;
            }
        }
        assert_int_equal(st, ST_NO_SPACE);
        assert_null(txnlog_failure(rig.log));
        assert_sound(&rig, synced);
        assert_int_equal(append_again(&rig, 3), ST_NO_SPACE);
        disk_sim_capacity(rig.disk, UINT64_MAX);
        assert_int_equal(append_again(&rig, 3), ST_OK);
        assert_int_equal(txnlog_sync(rig.log), ST_OK);
        assert_sound(&rig, rig.load.zxid);
        tear_down(&rig);
    }
}

static void filling_ahead_sees_the_full_disk_first(void **state)
{
    (void)state;
    struct rig rig;
    set_up(&rig);
    disk_sim_capacity(rig.disk, STEP_FIRST + 4096);
    bool more;
    enum status st = ST_OK;
    while (st == ST_OK) {
        assert_int_equal(append(&rig, 1), ST_OK);
        assert_int_equal(txnlog_sync(rig.log), ST_OK);
        st = txnlog_fill_ahead(rig.log, SIZE_MAX / 2, &more);
    }
    assert_int_equal(st, ST_NO_SPACE);
    assert_true(txnlog_room(rig.log) > 0);
    assert_sound(&rig, rig.load.zxid);
    tear_down(&rig);
}

/* After an error nothing is ever acknowledged again, though the disk may say that all is well (design 4.7). */
static void a_failed_log_stays_failed(void **state)
{
    (void)state;
    static const unsigned calls[] = {DISK_WRITE, DISK_SYNC, DISK_OPEN, DISK_SYNC_DIR};
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        for (uint64_t n = 1; n < 8; n++) {
            struct rig rig;
            set_up(&rig);
            disk_sim_fault(rig.disk, &(struct disk_fault){DISK_FAIL_ONCE, calls[i], n, ST_IO_ERROR});
            enum status st = ST_OK;
            for (int batch = 0; batch < 20 && st == ST_OK; batch++) {
                st = append(&rig, 4);
                if (st == ST_OK)
                    st = txnlog_sync(rig.log);
            }
            bool failed = disk_sim_has_failed(rig.disk);
            int64_t synced = txnlog_synced_zxid(rig.log);
            assert_int_equal(st, failed ? ST_IO_ERROR : ST_OK);
            if (failed) {
                bool more;
                assert_non_null(txnlog_failure(rig.log));
                assert_int_equal(append_again(&rig, 4), ST_IO_ERROR);
                assert_int_equal(txnlog_sync(rig.log), ST_IO_ERROR);
                assert_int_equal(txnlog_prepare(rig.log, 9), ST_IO_ERROR);
                assert_int_equal(txnlog_fill_ahead(rig.log, 4096, &more), ST_IO_ERROR);
                assert_int_equal(txnlog_roll(rig.log), ST_IO_ERROR);
                assert_int_equal(txnlog_synced_zxid(rig.log), synced);
            }
            tear_down(&rig);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_read_back),
        cmocka_unit_test(synced_records_survive_a_power_cut),
        cmocka_unit_test(an_unexpected_first_record_renames_the_file),
        cmocka_unit_test(renaming_may_fail),
        cmocka_unit_test(zeros_that_find_no_room_at_the_sync),
        cmocka_unit_test(a_file_without_records_is_used_again),
        cmocka_unit_test(zeros_are_ahead_while_idle),
        cmocka_unit_test(a_batch_has_a_limit),
        cmocka_unit_test(a_full_disk_is_survived),
        cmocka_unit_test(filling_ahead_sees_the_full_disk_first),
        cmocka_unit_test(a_failed_log_stays_failed),
    };
    return cmocka_run_group_tests_name("txnlog", tests, NULL, NULL);
}
