/* Whatever a server of 3.4 to 3.9 or a power cut leaves at the end of a log file is told from damage. */
#include "core/base/mem.h"
#include "core/store/txnlog.h"
#include "core/store/txnlog_scan.h"
#include "tests/support/disk_sim.h"
#include "tests/support/test.h"
#include "tests/support/txn_load.h"

#include <stdlib.h>

#define DIR    "/log"
#define HEADER "ZKLG\0\0\0\2\0\0\0\0\0\0\0\0"

struct rig {
    struct disk_sim *disk;
    struct txn_load load;
    struct buffer file;
    size_t last; /* where the last record of `file` begins */
    struct findings findings;
    struct txnlog_scan_result result;
};

static void set_up(struct rig *rig)
{
    *rig = (struct rig){.disk = disk_sim_new()};
    disk_sim_make_dir(rig->disk, DIR);
    txn_load_init(&rig->load, 5);
}

static void tear_down(struct rig *rig)
{
    findings_free(&rig->findings);
    buffer_free(&rig->file);
    txn_load_free(&rig->load);
    disk_sim_free(rig->disk);
}

/* Begins another file in rig->file with `records` further records. */
static void make_file(struct rig *rig, int records)
{
    rig->file.len = 0;
    buffer_append(&rig->file, HEADER, 16);
    for (int i = 0; i < records; i++) {
        rig->last = rig->file.len;
        txn_load_next_record(&rig->load, &rig->file);
    }
}

static void pad(struct rig *rig, size_t len)
{
    assert_int_equal(buffer_reserve(&rig->file, len), ST_OK);
    memset(rig->file.data + rig->file.len, 0, len);
    rig->file.len += len;
}

static void put(struct rig *rig, const char *path)
{
    disk_sim_put(rig->disk, path, buffer_bytes(&rig->file));
}

static void scan(struct rig *rig, int64_t after)
{
    const struct txnlog_scan options = {.io = disk_sim_io(rig->disk), .dir = DIR, .after = after};
    findings_free(&rig->findings);
    assert_int_equal(txnlog_scan(&options, &rig->result, &rig->findings), ST_OK);
}

static void assert_verdict(struct rig *rig, enum txnlog_verdict verdict, uint64_t records)
{
    scan(rig, 0);
    if (rig->result.verdict != verdict || rig->result.records != records) {
        struct buffer text = {0};
        findings_print(&rig->findings, &text);
        printf("%.*s", BYTES_PRINT(buffer_bytes(&text)));
        buffer_free(&text);
    }
    assert_int_equal(rig->result.verdict, verdict);
    assert_int_equal(rig->result.records, records);
}

static void sound_ends(void **state)
{
    (void)state;
    struct rig rig;
    set_up(&rig);
    assert_verdict(&rig, TXNLOG_SOUND, 0);
    make_file(&rig, 10);
    put(&rig, DIR "/log.1"); /* cut exactly behind a record */
    assert_verdict(&rig, TXNLOG_SOUND, 10);
    pad(&rig, 3);
    put(&rig, DIR "/log.1"); /* less than a record's head */
    assert_verdict(&rig, TXNLOG_SOUND, 10);
    pad(&rig, 70000);
    put(&rig, DIR "/log.1");
    assert_verdict(&rig, TXNLOG_SOUND, 10);
    disk_sim_put(rig.disk, DIR "/log.b", BYTES("")); /* begun, and nothing in it */
    assert_verdict(&rig, TXNLOG_SOUND, 10);
    disk_sim_put(rig.disk, DIR "/log.b", bytes_make(HEADER, 16));
    assert_verdict(&rig, TXNLOG_SOUND, 10);
    struct bytes zeros = bytes_make(mem_calloc(1, 5000), 5000); /* its header never came to the disk */
    disk_sim_put(rig.disk, DIR "/log.b", zeros);
    assert_verdict(&rig, TXNLOG_SOUND, 10);
    disk_sim_put(rig.disk, DIR "/log.c", zeros); /* the name says that record 11 was there */
    assert_verdict(&rig, TXNLOG_CORRUPT, 10);
    assert_true(rig.result.gap);
    mem_free((void *)zeros.data);
    tear_down(&rig);
}

static void a_half_written_header_is_cut(void **state)
{
    (void)state;
    struct rig rig;
    set_up(&rig);
    disk_sim_put(rig.disk, DIR "/log.1", BYTES("ZKLG\0\0"));
    scan(&rig, 0);
    assert_int_equal(rig.findings.count, 1);
    assert_true(rig.findings.items[0].cut);
    tear_down(&rig);
}

/* The last record cut at every byte, with zeros behind it and without. */
static void a_partial_last_record_is_torn(void **state)
{
    (void)state;
    for (int padding = 0; padding < 2; padding++) {
        struct rig rig;
        set_up(&rig);
        make_file(&rig, 10);
        size_t whole = rig.file.len;
        for (size_t len = rig.last + 1; len < whole; len++) {
            struct bytes kept = bytes_copy(bytes_make(rig.file.data, len));
            struct buffer file = {0};
            buffer_append(&file, kept.data, kept.len);
            if (padding != 0) {
                assert_int_equal(buffer_reserve(&file, 4096), ST_OK);
                memset(file.data + file.len, 0, 4096);
                file.len += 4096;
            }
            disk_sim_put(rig.disk, DIR "/log.1", buffer_bytes(&file));
            scan(&rig, 0);
            assert_int_equal(rig.result.records, 9);
            assert_int_not_equal(rig.result.verdict, TXNLOG_CORRUPT);
            if (rig.result.verdict == TXNLOG_TORN) {
                assert_int_equal(rig.findings.count, 1);
                assert_int_equal(rig.findings.items[0].offset, rig.last);
                assert_true(rig.findings.items[0].cut);
            }
            buffer_free(&file);
            mem_free((void *)kept.data);
        }
        tear_down(&rig);
    }
}

/* Apache leaves its torn tails where they are and begins another file when it is restarted. */
static void a_torn_tail_before_another_file_is_passed_over(void **state)
{
    (void)state;
    struct rig rig;
    set_up(&rig);
    make_file(&rig, 10);
    rig.file.len = rig.last + 20;
    pad(&rig, 4000);
    put(&rig, DIR "/log.1");
    rig.load.zxid = 9; /* the tenth was never acknowledged; another has its zxid */
    make_file(&rig, 5);
    put(&rig, DIR "/log.a");
    assert_verdict(&rig, TXNLOG_SOUND, 14);
    assert_int_equal(rig.findings.count, 1);
    assert_int_equal(rig.findings.items[0].kind, FINDING_NOTE);
    assert_false(rig.findings.items[0].cut);
    tear_down(&rig);
    /* Unless the next file shows that it was acknowledged. */
    set_up(&rig);
    make_file(&rig, 10);
    rig.file.len = rig.last + 20;
    put(&rig, DIR "/log.1");
    make_file(&rig, 5);
    put(&rig, DIR "/log.b");
    assert_verdict(&rig, TXNLOG_CORRUPT, 9);
    assert_true(rig.result.gap);
    tear_down(&rig);
}

/* A batch of which some sectors never came to the disk: whatever of it is there is cut off. */
static void missing_sectors_of_the_last_batch_are_torn(void **state)
{
    (void)state;
    struct rig rig;
    struct random random = {random_seed()};
    set_up(&rig);
    rig.load.data_max = 4000;
    make_file(&rig, 10);
    size_t batch = rig.file.len;
    for (int i = 0; i < 20; i++)
        txn_load_next_record(&rig.load, &rig.file);
    size_t end = rig.file.len;
    pad(&rig, 8192);
    for (int i = 0; i < 300; i++) {
        struct bytes torn = bytes_copy(buffer_bytes(&rig.file));
        uint8_t *data = (uint8_t *)torn.data;
        for (size_t s = batch / 512; s * 512 < end; s++) {
            size_t from = s * 512 < batch ? batch : s * 512;
            if (random_below(&random, 2) == 0)
                memset(data + from, 0, (s + 1) * 512 - from);
        }
        disk_sim_put(rig.disk, DIR "/log.1", torn);
        scan(&rig, 0);
        assert_int_not_equal(rig.result.verdict, TXNLOG_CORRUPT);
        assert_in_range(rig.result.records, 10, 30);
        mem_free(data);
    }
    tear_down(&rig);
}

/* More than a batch behind the hole: what is missing had been synced. */
static void a_hole_far_from_the_end_is_damage(void **state)
{
    (void)state;
    struct rig rig;
    set_up(&rig);
    rig.load.data_max = 30000;
    make_file(&rig, 50);
    size_t hole = rig.file.len / 512 * 512 + 512;
    while (rig.file.len < hole + TXNLOG_BATCH_MAX + 100000)
        txn_load_next_record(&rig.load, &rig.file);
    memset(rig.file.data + hole, 0, 512);
    put(&rig, DIR "/log.1");
    scan(&rig, 0);
    assert_int_equal(rig.result.verdict, TXNLOG_CORRUPT);
    assert_int_equal(rig.findings.count, 1);
    assert_in_range(rig.findings.items[0].offset, hole - 40000, hole);
    tear_down(&rig);
}

/* The checkpoint holds what is said to be torn: then it had been synced. */
static void a_torn_tail_below_the_floor_is_damage(void **state)
{
    (void)state;
    struct rig rig;
    set_up(&rig);
    make_file(&rig, 10);
    rig.file.len = rig.last + 20;
    put(&rig, DIR "/log.1");
    const struct txnlog_scan options = {.io = disk_sim_io(rig.disk), .dir = DIR, .floor = 10};
    assert_int_equal(txnlog_scan(&options, &rig.result, &rig.findings), ST_OK);
    assert_int_equal(rig.result.verdict, TXNLOG_CORRUPT);
    assert_int_equal(rig.findings.count, 1);
    assert_int_equal(rig.findings.items[0].kind, FINDING_DAMAGE);
    assert_string_equal(rig.findings.items[0].file, DIR "/log.1");
    tear_down(&rig);
}

static void a_flipped_bit_is_damage_wherever_it_is(void **state)
{
    (void)state;
    struct rig rig;
    set_up(&rig);
    make_file(&rig, 12);
    size_t end = rig.file.len;
    pad(&rig, 600);
    for (size_t at = 16; at < end; at++) {
        uint8_t old = rig.file.data[at];
        rig.file.data[at] = (uint8_t)(old ^ 1u << (at % 8));
        put(&rig, DIR "/log.1");
        scan(&rig, 0);
        assert_int_equal(rig.result.verdict, TXNLOG_CORRUPT);
        assert_int_equal(rig.findings.count, 1);
        assert_true(rig.findings.items[0].offset <= at);
        rig.file.data[at] = old;
    }
    tear_down(&rig);
}

static void zxids_rise_without_gaps(void **state)
{
    (void)state;
    struct rig rig;
    set_up(&rig);
    make_file(&rig, 4);
    rig.load.zxid = 5; /* 5 is missing */
    rig.load.states = realloc(rig.load.states, 100 * sizeof *rig.load.states);
    txn_load_next_record(&rig.load, &rig.file);
    put(&rig, DIR "/log.1");
    assert_verdict(&rig, TXNLOG_CORRUPT, 4);
    assert_true(rig.result.gap);
    scan(&rig, 5);
    assert_int_equal(rig.result.verdict, TXNLOG_SOUND);
    assert_int_equal(rig.result.records, 1);
    rig.load.zxid = 2; /* and back again */
    txn_load_next_record(&rig.load, &rig.file);
    put(&rig, DIR "/log.1");
    scan(&rig, 5);
    assert_int_equal(rig.result.verdict, TXNLOG_CORRUPT);
    tear_down(&rig);
    assert_true(zxid_follows(0x1000000ff, 0x200000001));
    assert_false(zxid_follows(0x1000000ff, 0x200000002));
    assert_false(zxid_follows(0x1000000ff, 0x100000101));
    assert_false(zxid_follows(0x1000000ff, 0x1000000ff));
    assert_true(zxid_follows(0xffffffff, 0x100000000));
}

static void foreign_files_are_refused(void **state)
{
    (void)state;
    struct rig rig;
    set_up(&rig);
    disk_sim_put(rig.disk, DIR "/log.1", BYTES("this is no log at all, whatever it may be"));
    assert_verdict(&rig, TXNLOG_CORRUPT, 0);
    disk_sim_put(rig.disk, DIR "/log.1", bytes_make("ZKLG\0\0\0\3\0\0\0\0\0\0\0\0", 16));
    assert_verdict(&rig, TXNLOG_CORRUPT, 0);
    disk_sim_remove(rig.disk, DIR "/log.1");
    disk_sim_put(rig.disk, DIR "/log.xyz", BYTES("no name of a log"));
    disk_sim_put(rig.disk, DIR "/log.1.bak", BYTES("nor this"));
    disk_sim_put(rig.disk, DIR "/log.", BYTES("nor this"));
    assert_verdict(&rig, TXNLOG_SOUND, 0);
    assert_int_equal(rig.result.files, 0);
    tear_down(&rig);
}

/* Each call in turn, over a file with a torn tail, so that the search for its cause is reached too. */
static void a_file_that_cannot_be_read_is_said_so(void **state)
{
    (void)state;
    struct rig rig;
    set_up(&rig);
    rig.load.data_max = 200000;
    make_file(&rig, 60);
    rig.file.len = rig.last + 30;
    pad(&rig, 600000);
    put(&rig, DIR "/log.1");
    const struct txnlog_scan options = {.io = disk_sim_io(rig.disk), .dir = DIR};
    for (uint64_t n = 1, failed = true; failed; n++) {
        disk_sim_fault(rig.disk,
                       &(struct disk_fault){DISK_FAIL_ONCE, DISK_ANY & ~(unsigned)DISK_CLOSE, n, ST_IO_ERROR});
        findings_free(&rig.findings);
        enum status st = txnlog_scan(&options, &rig.result, &rig.findings);
        failed = disk_sim_has_failed(rig.disk);
        assert_int_equal(st, failed ? ST_IO_ERROR : ST_OK);
        assert_int_equal(rig.findings.count, 1);
        assert_int_equal(rig.findings.items[0].kind, failed ? FINDING_DAMAGE : FINDING_REPAIR);
        assert_true(n < 1000);
    }
    tear_down(&rig);
}

/* An empty file, and an end that is torn or damaged, do not matter; damage before it is a scan's to tell. */
static void the_first_record_is_found_alone(void **state)
{
    (void)state;
    struct rig rig;
    int64_t zxid = -1;
    set_up(&rig);
    const struct store_io *io = disk_sim_io(rig.disk);
    assert_int_equal(txnlog_first(io, DIR, &zxid, &rig.findings), ST_OK);
    assert_int_equal(zxid, 0);
    make_file(&rig, 0);
    put(&rig, DIR "/log.1");
    make_file(&rig, 3);
    rig.file.data[rig.last + 20] ^= 1;
    put(&rig, DIR "/log.2");
    assert_int_equal(txnlog_first(io, DIR, &zxid, &rig.findings), ST_OK);
    assert_int_equal(zxid, 1);
    rig.file.data[20] ^= 1;
    put(&rig, DIR "/log.2");
    assert_int_equal(txnlog_first(io, DIR, &zxid, &rig.findings), ST_OK);
    assert_int_equal(zxid, 0);
    assert_int_equal(rig.findings.count, 0);
    disk_sim_fault(rig.disk, &(struct disk_fault){DISK_FAIL_ONCE, DISK_ANY & ~(unsigned)DISK_CLOSE, 1, ST_IO_ERROR});
    assert_int_equal(txnlog_first(io, DIR, &zxid, &rig.findings), ST_IO_ERROR);
    assert_int_equal(rig.findings.count, 1);
    tear_down(&rig);
}

static void an_entry_without_a_txn_is_damage(void **state)
{
    (void)state;
    struct rig rig;
    set_up(&rig);
    make_file(&rig, 3);
    uint8_t zero_zxid[40] = {0};
    assert_int_equal(txnlog_frame(&rig.file, bytes_make(zero_zxid, sizeof zero_zxid)), ST_OK);
    put(&rig, DIR "/log.1");
    assert_verdict(&rig, TXNLOG_CORRUPT, 3);
    tear_down(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sound_ends),
        cmocka_unit_test(a_half_written_header_is_cut),
        cmocka_unit_test(a_partial_last_record_is_torn),
        cmocka_unit_test(a_torn_tail_before_another_file_is_passed_over),
        cmocka_unit_test(missing_sectors_of_the_last_batch_are_torn),
        cmocka_unit_test(a_hole_far_from_the_end_is_damage),
        cmocka_unit_test(a_torn_tail_below_the_floor_is_damage),
        cmocka_unit_test(a_flipped_bit_is_damage_wherever_it_is),
        cmocka_unit_test(zxids_rise_without_gaps),
        cmocka_unit_test(foreign_files_are_refused),
        cmocka_unit_test(a_file_that_cannot_be_read_is_said_so),
        cmocka_unit_test(the_first_record_is_found_alone),
        cmocka_unit_test(an_entry_without_a_txn_is_damage),
    };
    return cmocka_run_group_tests_name("txnlog_scan", tests, NULL, NULL);
}
