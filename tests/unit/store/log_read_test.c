/* The log is read for a learner from any txn on, in pieces and over the ends of files; but not where it is not there,
 * not known to be whole, damaged, or more than is wanted (2846). */
#include "core/jute/codec.h"
#include "core/store/log_read.h"
#include "core/store/txnlog.h"
#include "tests/support/disk_sim.h"
#include "tests/support/test.h"

#include <stdlib.h>

#define DIR "/log"

enum { STEP = 8192, ENTRY = 32, PAYLOAD = 72, RECORD = ENTRY + PAYLOAD + TXNLOG_FRAME_LEN };

#define EPOCH(e, n) (((int64_t)(e) << 32) + (n))

struct rig {
    struct disk_sim *disk;
    struct txnlog *log;
    int64_t whole_from;
};

static void begin_log(struct rig *rig, int64_t whole_from)
{
    const struct txnlog_options options = {
        .io = disk_sim_io(rig->disk), .dir = DIR, .step_first = STEP, .step_max = STEP, .whole_from = whole_from};
    txnlog_free(rig->log);
    rig->log = txnlog_new(&options);
    assert_non_null(rig->log);
    rig->whole_from = whole_from;
}

static void write_txn(struct rig *rig, int64_t zxid)
{
    struct buffer entry = {0}, record = {0};
    struct writer w = writer_to(&entry);
    const uint8_t payload[PAYLOAD] = {1};
    write_i64(&w, 7);
    write_i32(&w, 1);
    write_i64(&w, zxid);
    write_i64(&w, 0);
    write_i32(&w, 5);
    write_raw(&w, bytes_make(payload, sizeof payload));
    assert_int_equal(entry.len, ENTRY + PAYLOAD);
    assert_int_equal(txnlog_frame(&record, buffer_bytes(&entry)), ST_OK);
    assert_int_equal(txnlog_append(rig->log, zxid, zxid, buffer_bytes(&record)), ST_OK);
    assert_int_equal(txnlog_sync(rig->log), ST_OK);
    buffer_free(&entry);
    buffer_free(&record);
}

static void write_txns(struct rig *rig, int64_t first, int64_t last)
{
    for (int64_t zxid = first; zxid <= last; zxid++)
        write_txn(rig, zxid);
}

static void roll(struct rig *rig)
{
    assert_int_equal(txnlog_roll(rig->log), ST_OK);
}

/* Three files: 1_01 to 1_05; 1_06 to 1_09 and 2_01 to 2_03; 2_04 to 2_06, which is written on. */
static int set_up(void **state)
{
    struct rig *rig = calloc(1, sizeof *rig);
    assert_non_null(rig);
    rig->disk = disk_sim_new();
    disk_sim_make_dir(rig->disk, DIR);
    begin_log(rig, 0);
    write_txns(rig, EPOCH(1, 1), EPOCH(1, 5));
    roll(rig);
    write_txns(rig, EPOCH(1, 6), EPOCH(1, 9));
    write_txns(rig, EPOCH(2, 1), EPOCH(2, 3));
    roll(rig);
    write_txns(rig, EPOCH(2, 4), EPOCH(2, 6));
    *state = rig;
    return 0;
}

static int tear_down(void **state)
{
    struct rig *rig = *state;
    txnlog_free(rig->log);
    disk_sim_free(rig->disk);
    free(rig);
    return 0;
}

static enum status read_piece(const struct rig *rig, const struct log_wish *wish, size_t max, struct log_piece *piece)
{
    const struct log_reading reading = {
        .io = disk_sim_io(rig->disk), .dir = DIR, .whole_from = rig->whole_from, .piece_max = max, .wish = *wish};
    *piece = (struct log_piece){0};
    return log_read(&reading, piece);
}

/* The zxids of framed records, as text. */
static void say_records(struct bytes records, char *text, size_t size)
{
    struct bytes entry;
    size_t at = strlen(text);
    while (txnlog_unframe(&records, &entry) == ST_OK) {
        const int64_t zxid = (int64_t)be64_get(entry.data + 12);
        at += (size_t)snprintf(text + at, size - at, " %d_%d", (int)(zxid >> 32), (int)(zxid & 0xff));
    }
}

/* All that is behind `after`, in pieces of at most `max` bytes; the txn before it is told first. */
static void expect_read(const struct rig *rig, int64_t after, int64_t until, size_t max, const char *expected)
{
    char text[300] = "";
    struct log_wish wish = {.after = after, .until = until};
    struct log_piece piece;
    bool more = true;
    while (more) {
        assert_int_equal(read_piece(rig, &wish, max, &piece), ST_OK);
        if (wish.place.file_zxid == 0)
            snprintf(text, sizeof text, "%d_%d:", (int)(piece.before >> 32), (int)(piece.before & 0xff));
        say_records(buffer_bytes(&piece.records), text, sizeof text);
        more = piece.records.len > 0;
        if (more)
            wish.after = (int64_t)be64_get(piece.records.data + piece.records.len - RECORD + 24);
        wish.place = piece.place;
        buffer_free(&piece.records);
    }
    assert_string_equal(text, expected);
}

static void expect_refused(const struct rig *rig, int64_t after, enum status why)
{
    struct log_piece piece;
    assert_int_equal(read_piece(rig, &(struct log_wish){.after = after, .until = EPOCH(2, 6)}, 1000, &piece), why);
    buffer_free(&piece.records);
}

#define ALL_BEHIND_1_4 "1_4: 1_5 1_6 1_7 1_8 1_9 2_1 2_2 2_3 2_4 2_5 2_6"

/* -- a file that ends while it is read -------------------------------------------------------------------------------
 */

static struct rig *rolled_by_reading; /* NULL: no longer */

static enum status read_at_the_end(void *context, struct io_file *file, uint64_t offset, void *data, size_t len,
                                   size_t *got)
{
    struct rig *rig = rolled_by_reading;
    rolled_by_reading = NULL;
    if (rig != NULL)
        roll(rig);
    return disk_sim_io(context)->read_at(context, file, offset, data, len, got);
}

/* Its zeros are gone when the reader comes to them. */
static void zeros_that_go_meanwhile_are_no_error(void **state)
{
    struct rig *rig = *state;
    struct store_io io = *disk_sim_io(rig->disk);
    struct log_piece piece = {0};
    struct log_reading reading = {.io = &io,
                                  .dir = DIR,
                                  .piece_max = 1000,
                                  .wish = {.after = EPOCH(2, 4), .until = EPOCH(2, 6), .bytes_max = 1000}};
    char text[100] = "";
    io.read_at = read_at_the_end;
    rolled_by_reading = rig;
    assert_int_equal(log_read(&reading, &piece), ST_OK);
    assert_null(rolled_by_reading);
    say_records(buffer_bytes(&piece.records), text, sizeof text);
    assert_string_equal(text, " 2_5 2_6");
    buffer_free(&piece.records);
}

static void what_is_behind_a_txn_is_read(void **state)
{
    const struct rig *rig = *state;
    expect_read(rig, EPOCH(1, 4), EPOCH(2, 6), 1 << 20, ALL_BEHIND_1_4);
    expect_read(rig, EPOCH(1, 4), EPOCH(2, 6), 1, ALL_BEHIND_1_4);
    expect_read(rig, EPOCH(1, 4), EPOCH(2, 6), 3 * RECORD, ALL_BEHIND_1_4);
    expect_read(rig, EPOCH(1, 5), EPOCH(1, 7), 1, "1_5: 1_6 1_7");
    expect_read(rig, EPOCH(1, 9), EPOCH(2, 1), 1, "1_9: 2_1");
    expect_read(rig, EPOCH(2, 3), EPOCH(2, 6), 1, "2_3: 2_4 2_5 2_6");
    expect_read(rig, EPOCH(2, 6), EPOCH(2, 9), 1, "2_6:");
}

/* The learner has it from a leader that nobody followed: it is to be cut back to what is told first. */
static void a_txn_that_is_not_there_is_told_by_the_one_before(void **state)
{
    const struct rig *rig = *state;
    expect_read(rig, EPOCH(1, 11), EPOCH(2, 2), 1, "1_9: 2_1 2_2");
    expect_read(rig, EPOCH(2, 0), EPOCH(2, 2), 1, "1_9: 2_1 2_2");
}

static void what_files_are_gone_is_not_read(void **state)
{
    const struct rig *rig = *state;
    expect_refused(rig, EPOCH(0, 9), ST_NOT_FOUND);
    disk_sim_remove(rig->disk, DIR "/log.100000001");
    expect_refused(rig, EPOCH(1, 4), ST_NOT_FOUND);
    expect_read(rig, EPOCH(1, 5), EPOCH(1, 7), 1, "1_5: 1_6 1_7");
    disk_sim_remove(rig->disk, DIR "/log.100000006");
    /* Nothing says that it is the last of its epoch. */
    expect_refused(rig, EPOCH(1, 9), ST_NOT_FOUND);
    expect_read(rig, EPOCH(2, 3), EPOCH(2, 5), 1, "2_3: 2_4 2_5");
    disk_sim_remove(rig->disk, DIR "/log.200000004");
    expect_refused(rig, EPOCH(2, 4), ST_NOT_FOUND);
}

static void what_goes_while_it_is_read_is_missed(void **state)
{
    const struct rig *rig = *state;
    struct log_wish wish = {.after = EPOCH(1, 2), .until = EPOCH(2, 6)};
    struct log_piece piece;
    assert_int_equal(read_piece(rig, &wish, 1, &piece), ST_OK);
    wish.after = EPOCH(1, 3);
    wish.place = piece.place;
    buffer_free(&piece.records);
    disk_sim_remove(rig->disk, DIR "/log.100000001");
    assert_int_equal(read_piece(rig, &wish, 1, &piece), ST_NOT_FOUND);
    buffer_free(&piece.records);
}

static void a_hole_is_not_read_over(void **state)
{
    struct rig *rig = *state;
    rig->whole_from = EPOCH(1, 7);
    expect_refused(rig, EPOCH(1, 6), ST_NOT_FOUND);
    expect_read(rig, EPOCH(1, 7), EPOCH(1, 8), 1, "1_7: 1_8");
    /* A snapshot at 1_0c came behind 1_09: what is behind that is there. */
    rig->whole_from = EPOCH(1, 12);
    expect_refused(rig, EPOCH(1, 11), ST_NOT_FOUND);
    expect_read(rig, EPOCH(1, 12), EPOCH(2, 1), 1, "1_12: 2_1");
    expect_read(rig, EPOCH(1, 14), EPOCH(2, 1), 1, "1_12: 2_1");
}

static void damage_is_not_read_over(void **state)
{
    struct rig *rig = *state;
    struct bytes content = disk_sim_get(rig->disk, DIR "/log.100000006");
    struct buffer changed = {0};
    assert_int_equal(buffer_append(&changed, content.data, content.len), ST_OK);
    changed.data[TXNLOG_HEADER_LEN + 2 * RECORD + 40] ^= 1;
    disk_sim_put(rig->disk, DIR "/log.100000006", buffer_bytes(&changed));
    buffer_free(&changed);
    expect_refused(rig, EPOCH(1, 4), ST_CORRUPT);
    expect_read(rig, EPOCH(1, 4), EPOCH(1, 7), 1, "1_4: 1_5 1_6 1_7");
}

/* Zeros that are written ahead do not count. */
static void more_than_is_wanted_is_not_read(void **state)
{
    const struct rig *rig = *state;
    struct log_wish wish = {.after = EPOCH(1, 4), .until = EPOCH(2, 6), .bytes_max = 11 * RECORD};
    struct log_piece piece;
    assert_int_equal(read_piece(rig, &wish, 1, &piece), ST_OK);
    buffer_free(&piece.records);
    wish.bytes_max--;
    assert_int_equal(read_piece(rig, &wish, 1, &piece), ST_LIMIT);
    buffer_free(&piece.records);
    wish.until = EPOCH(2, 3);
    assert_int_equal(read_piece(rig, &wish, 1, &piece), ST_OK);
    buffer_free(&piece.records);
}

static int64_t whole_from(const struct rig *rig, int64_t last_zxid)
{
    int64_t zxid = -1;
    assert_int_equal(log_whole_from(disk_sim_io(rig->disk), DIR, last_zxid, false, &zxid), ST_OK);
    return zxid;
}

/* It is known that the log ends there: the records are not read. */
static int64_t whole_from_known(const struct rig *rig, int64_t last_zxid)
{
    int64_t zxid = -1;
    assert_int_equal(log_whole_from(disk_sim_io(rig->disk), DIR, last_zxid, true, &zxid), ST_OK);
    return zxid;
}

static void the_header_says_from_where_it_is_whole(void **state)
{
    struct rig *rig = *state;
    assert_int_equal(whole_from(rig, EPOCH(2, 6)), 0);
    roll(rig);
    begin_log(rig, EPOCH(2, 8)); /* a snapshot from the leader */
    assert_int_equal(txnlog_prepare(rig->log, EPOCH(2, 9)), ST_OK);
    assert_int_equal(whole_from(rig, EPOCH(2, 6)), 0); /* there is no record behind it yet */
    assert_int_equal(whole_from_known(rig, EPOCH(2, 6)), 0);
    write_txn(rig, EPOCH(2, 9));
    assert_int_equal(whole_from(rig, EPOCH(2, 9)), EPOCH(2, 8));
    assert_int_equal(whole_from_known(rig, EPOCH(2, 9)), EPOCH(2, 8));
}

/* A snapshot that is newer than the log stands for txns that are not in it. */
static void a_tree_ahead_of_the_log_begins_anew(void **state)
{
    const struct rig *rig = *state;
    assert_int_equal(whole_from(rig, EPOCH(2, 7)), EPOCH(2, 7));
    assert_int_equal(whole_from(rig, EPOCH(3, 0)), EPOCH(3, 0));
}

static void another_programs_log_begins_anew(void **state)
{
    struct rig *rig = *state;
    struct bytes content = disk_sim_get(rig->disk, DIR "/log.200000004");
    struct buffer changed = {0};
    assert_int_equal(buffer_append(&changed, content.data, content.len), ST_OK);
    memset(changed.data + 8, 0, 8);
    disk_sim_put(rig->disk, DIR "/log.200000004", buffer_bytes(&changed));
    assert_int_equal(whole_from(rig, EPOCH(2, 6)), EPOCH(2, 6));
    assert_int_equal(whole_from_known(rig, EPOCH(2, 6)), EPOCH(2, 6));
    be64_put(changed.data + 8, (uint64_t)log_whole_encode(EPOCH(9, 1))); /* nonsense */
    disk_sim_put(rig->disk, DIR "/log.200000004", buffer_bytes(&changed));
    assert_int_equal(whole_from(rig, EPOCH(2, 6)), EPOCH(2, 6));
    buffer_free(&changed);
}

static void an_empty_directory_is_whole(void **state)
{
    struct rig *rig = *state;
    disk_sim_remove(rig->disk, DIR "/log.100000001");
    disk_sim_remove(rig->disk, DIR "/log.100000006");
    disk_sim_remove(rig->disk, DIR "/log.200000004");
    assert_int_equal(whole_from(rig, 0), 0);
    assert_int_equal(whole_from(rig, EPOCH(2, 6)), EPOCH(2, 6));
    expect_refused(rig, EPOCH(2, 5), ST_NOT_FOUND);
}

/* Each call of the disk fails in turn. */
static void a_disk_that_fails_is_told(void **state)
{
    struct rig *rig = *state;
    const struct log_wish wish = {.after = EPOCH(1, 4), .until = EPOCH(2, 6), .bytes_max = 1 << 20};
    const unsigned calls = DISK_OPEN | DISK_READ | DISK_SIZE | DISK_LIST;
    enum status st = ST_IO_ERROR, found = ST_IO_ERROR;
    struct log_piece piece;
    int64_t zxid;
    for (uint64_t n = 1; st != ST_OK || found != ST_OK; n++) {
        const struct disk_fault fault = {DISK_FAIL_ONCE, calls, n, ST_IO_ERROR};
        disk_sim_fault(rig->disk, &fault);
        st = read_piece(rig, &wish, 1 << 20, &piece);
        assert_true(st == ST_OK || st == ST_IO_ERROR);
        assert_int_equal(st == ST_OK, !disk_sim_has_failed(rig->disk));
        buffer_free(&piece.records);
        disk_sim_fault(rig->disk, &fault);
        found = log_whole_from(disk_sim_io(rig->disk), DIR, EPOCH(2, 6), false, &zxid);
        assert_true(found == ST_OK || found == ST_IO_ERROR);
        disk_sim_fault(rig->disk, NULL);
        assert_true(n < 100);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_behind_a_txn_is_read),
        TEST(zeros_that_go_meanwhile_are_no_error),
        TEST(a_txn_that_is_not_there_is_told_by_the_one_before),
        TEST(what_files_are_gone_is_not_read),
        TEST(what_goes_while_it_is_read_is_missed),
        TEST(a_hole_is_not_read_over),
        TEST(damage_is_not_read_over),
        TEST(more_than_is_wanted_is_not_read),
        TEST(the_header_says_from_where_it_is_whole),
        TEST(a_tree_ahead_of_the_log_begins_anew),
        TEST(another_programs_log_begins_anew),
        TEST(an_empty_directory_is_whole),
        TEST(a_disk_that_fails_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
