/* log_thread_test.c - what the log thread says is durable is found in the log, whatever write or sync fails; and so it
 * is when whoever hands records over writes them in its place. */
#include "agent/disk/disk_posix.h"
#include "agent/disk/log_thread.h"
#include "core/store/txnlog_scan.h"
#include "tests/support/test.h"
#include "tests/support/tmp.h"
#include "tests/support/wait.h"

#include <stdatomic.h>
#include <stdlib.h>

enum { PATIENCE_MS = 30000, BATCHES = 12 };

/* -- a disk whose n-th call fails --------------------------------------------------------------------------------- */

struct faulty_disk {
    struct store_io io;
    atomic_int calls;
    atomic_int fail_first, fail_count; /* the calls that fail, from 1 on; fail_count -1: all behind the first */
    enum status fault;
    atomic_bool stands_still; /* every call waits until it does no longer */
};

static bool moves(void *context)
{
    return !((struct faulty_disk *)context)->stands_still;
}

static bool call_fails(void *context)
{
    struct faulty_disk *disk = context;
    (void)wait_until(moves, disk, PATIENCE_MS);
    int call = ++disk->calls, first = disk->fail_first, count = disk->fail_count;
    return first > 0 && call >= first && (count < 0 || call < first + count);
}

#define FAULTY(name, parameters, ...)                                               \
    static enum status faulty_##name parameters                                     \
    {                                                                               \
        struct faulty_disk *disk = context;                                         \
        return call_fails(context) ? disk->fault : disk_posix()->name(__VA_ARGS__); \
    }
FAULTY(open, (void *context, const char *path, enum io_open_mode mode, struct io_file **file), NULL, path, mode, file)
FAULTY(write_at, (void *context, struct io_file *file, uint64_t offset, const void *data, size_t len), NULL, file,
       offset, data, len)
FAULTY(reserve, (void *context, struct io_file *file, uint64_t offset, uint64_t len), NULL, file, offset, len)
FAULTY(truncate, (void *context, struct io_file *file, uint64_t size), NULL, file, size)
FAULTY(sync, (void *context, struct io_file *file), NULL, file)
FAULTY(sync_dir, (void *context, const char *path), NULL, path)

static void faulty_disk_init(struct faulty_disk *disk)
{
    *disk = (struct faulty_disk){.io = *disk_posix(), .fault = ST_IO_ERROR};
    disk->io.context = disk;
    disk->io.open = faulty_open;
    disk->io.write_at = faulty_write_at;
    disk->io.reserve = faulty_reserve;
    disk->io.truncate = faulty_truncate;
    disk->io.sync = faulty_sync;
    disk->io.sync_dir = faulty_sync_dir;
}

static bool writes_here; /* every test is run both ways */

/* -- a log under test --------------------------------------------------------------------------------------------- */

struct rig {
    char *dir;
    struct faulty_disk disk;
    struct log_thread *thread;
    struct faulty_disk *mark_disk; /* of the end mark; NULL: none is kept */
    atomic_int wakes;
    int64_t next_zxid;
    struct log_progress progress;
    int64_t wanted_zxid;
    enum log_state wanted_state;
    bool was_full, was_failed;
    uint32_t syncs, txns; /* told in all */
    uint32_t written_here;
    bool looks_when_woken;
    atomic_ullong queue_when_woken;
};

static void wake(void *context)
{
    struct rig *rig = context;
    struct log_progress progress;
    if (rig->looks_when_woken) {
        log_thread_collect(rig->thread, &progress);
        atomic_store(&rig->queue_when_woken, progress.queue_bytes);
    }
    rig->wakes++;
}

static void rig_open(struct rig *rig)
{
    *rig = (struct rig){.dir = tmp_make(), .next_zxid = 1};
    faulty_disk_init(&rig->disk);
}

static void rig_start(struct rig *rig)
{
    const struct txnlog_options log = {.io = &rig->disk.io, .dir = rig->dir, .step_first = 8192, .step_max = 32768};
    struct log_thread_options options = {
        .log = txnlog_new(&log), .next_zxid = rig->next_zxid, .retry_ms = 1, .wake = wake, .context = rig};
    assert_non_null(options.log);
    struct faulty_disk *disk = rig->mark_disk;
    if (disk != NULL && log_end_open(&options.mark, &disk->io, rig->dir, rig->next_zxid - 1) != ST_OK)
        options.mark = NULL; /* as the agent does */
    assert_int_equal(log_thread_start(&rig->thread, &options), ST_OK);
}

static void rig_close(struct rig *rig)
{
    log_thread_stop(rig->thread);
    tmp_remove(rig->dir);
}

static void make_record(struct buffer *out, int64_t zxid, size_t len)
{
    struct buffer entry = {0};
    uint8_t head[32] = {0};
    be64_put(head + 12, (uint64_t)zxid);
    be32_put(head + 28, (uint32_t)-10); /* createSession */
    assert_int_equal(buffer_append(&entry, head, sizeof head), ST_OK);
    while (entry.len < len)
        assert_int_equal(buffer_append(&entry, "\1\2\3\4", 4), ST_OK);
    assert_int_equal(txnlog_frame(out, buffer_bytes(&entry)), ST_OK);
    buffer_free(&entry);
}

static void append(struct rig *rig, uint32_t count, size_t len)
{
    struct buffer records = {0};
    int64_t first = rig->next_zxid;
    for (uint32_t i = 0; i < count; i++)
        make_record(&records, rig->next_zxid++, len);
    enum status (*hand_over)(struct log_thread * t, struct buffer * records, int64_t first_zxid, int64_t last_zxid,
                             uint32_t count) = writes_here ? log_thread_append_uncalled : log_thread_append;
    assert_int_equal(hand_over(rig->thread, &records, first, rig->next_zxid - 1, count), ST_OK);
    assert_int_equal(records.len, 0);
    buffer_free(&records);
    if (writes_here && log_thread_here_begin(rig->thread)) {
        log_thread_here_write(rig->thread);
        log_thread_here_end(rig->thread, rig->next_zxid % 2 == 0);
        rig->written_here++;
    }
}

static void collect(struct rig *rig)
{
    int64_t before = rig->progress.synced_zxid;
    bool failed = rig->was_failed;
    log_thread_collect(rig->thread, &rig->progress);
    assert_true(rig->progress.synced_zxid >= before);
    rig->syncs += rig->progress.sync_count;
    for (uint32_t i = 0; i < rig->progress.sync_count; i++)
        rig->txns += rig->progress.syncs[i].txns;
    rig->was_full = rig->was_full || rig->progress.state == LOG_FULL;
    rig->was_failed = rig->was_failed || rig->progress.state == LOG_FAILED;
    assert_true(!failed || (rig->progress.state == LOG_FAILED && rig->progress.synced_zxid == before));
}

static bool is_synced_or_failed(void *context)
{
    struct rig *rig = context;
    collect(rig);
    return rig->progress.synced_zxid >= rig->wanted_zxid || rig->progress.state == LOG_FAILED;
}

static void sync_all(struct rig *rig)
{
    rig->wanted_zxid = rig->next_zxid - 1;
    assert_true(wait_until(is_synced_or_failed, rig, PATIENCE_MS));
}

static bool is_in_state(void *context)
{
    struct rig *rig = context;
    collect(rig);
    return rig->progress.state == rig->wanted_state;
}

static void wait_for_state(struct rig *rig, enum log_state state)
{
    rig->wanted_state = state;
    assert_true(wait_until(is_in_state, rig, PATIENCE_MS));
}

/* -- what is in the log ------------------------------------------------------------------------------------------- */

static enum status note_record(void *context, const struct txnlog_record *record)
{
    int64_t *last = context;
    assert_int_equal(record->zxid, *last + 1);
    *last = record->zxid;
    return ST_OK;
}

static int64_t last_in_log(const struct rig *rig, enum txnlog_verdict *verdict)
{
    int64_t last = 0;
    struct findings findings = {0};
    struct txnlog_scan_result result;
    const struct txnlog_scan scan = {.io = disk_posix(), .dir = rig->dir, .fn = note_record, .context = &last};
    assert_int_equal(txnlog_scan(&scan, &result, &findings), ST_OK);
    *verdict = result.verdict;
    findings_free(&findings);
    return last;
}

static int64_t read_mark(const struct rig *rig, size_t *findings_count)
{
    int64_t zxid;
    struct findings findings = {0};
    assert_int_equal(log_end_read(disk_posix(), rig->dir, &zxid, &findings), ST_OK);
    *findings_count = findings.count;
    findings_free(&findings);
    return zxid;
}

static int64_t marked_zxid(const struct rig *rig)
{
    size_t findings;
    int64_t zxid = read_mark(rig, &findings);
    assert_int_equal(findings, 0);
    return zxid;
}

static void assert_log_holds(const struct rig *rig, int64_t zxid)
{
    enum txnlog_verdict verdict;
    assert_int_equal(last_in_log(rig, &verdict), zxid);
    assert_int_equal(verdict, TXNLOG_SOUND);
}

static size_t count_files(const struct rig *rig)
{
    struct store_files files = {0};
    assert_int_equal(store_files_list(disk_posix(), rig->dir, STORE_LOG, &files), ST_OK);
    size_t count = files.count;
    store_files_free(&files);
    return count;
}

/* -- tests -------------------------------------------------------------------------------------------------------- */

static void what_is_handed_over_becomes_durable(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    rig_start(&rig);
    collect(&rig);
    assert_int_equal(rig.progress.state, LOG_RUNNING);
    for (int i = 0; i < 50; i++) {
        append(&rig, 3, 100);
        if (i % 10 == 0)
            sync_all(&rig);
    }
    sync_all(&rig);
    assert_true(!writes_here || rig.written_here > 0);
    assert_int_equal(rig.progress.synced_zxid, 150);
    assert_int_equal(rig.progress.queue_bytes, 0);
    assert_true(rig.wakes > 0);
    assert_log_holds(&rig, 150);
    rig_close(&rig);
}

static void the_stop_waits_for_what_was_handed_over(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    rig_start(&rig);
    for (int i = 0; i < 20; i++)
        append(&rig, 10, 1000);
    log_thread_stop(rig.thread);
    rig.thread = NULL;
    assert_log_holds(&rig, 200);
    rig_close(&rig);
}

/* A torn tail is never longer than one batch, so no sync may cover more. */
static void more_than_a_batch_is_synced_in_pieces(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    rig_start(&rig);
    uint32_t count = 5 * (uint32_t)(TXNLOG_BATCH_MAX / 60000);
    append(&rig, count, 60000);
    append(&rig, 1, 2 * TXNLOG_BATCH_MAX);
    append(&rig, 1, 100);
    sync_all(&rig);
    assert_int_equal(rig.progress.synced_zxid, count + 2);
    assert_true(rig.syncs >= 6);
    assert_log_holds(&rig, count + 2);
    rig_close(&rig);
}

static void syncs_are_told_with_their_txns(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    rig_start(&rig);
    append(&rig, 7, 100);
    sync_all(&rig);
    append(&rig, 4, 100);
    sync_all(&rig);
    assert_int_equal(rig.txns, 11);
    assert_true(rig.syncs >= 2);
    collect(&rig);
    assert_int_equal(rig.progress.sync_count, 0);
    rig_close(&rig);
}

static void a_roll_begins_a_new_file(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    rig_start(&rig);
    append(&rig, 2, 100);
    sync_all(&rig);
    log_thread_roll(rig.thread);
    append(&rig, 2, 100);
    sync_all(&rig);
    log_thread_stop(rig.thread);
    rig.thread = NULL;
    assert_int_equal(count_files(&rig), 2);
    assert_log_holds(&rig, 4);
    rig_close(&rig);
}

static void a_file_over_its_size_is_ended(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    rig_start(&rig);
    log_thread_set_file_size_max(rig.thread, 5000);
    for (int i = 0; i < 6; i++) {
        append(&rig, 1, 6000);
        sync_all(&rig);
    }
    assert_true(count_files(&rig) >= 5);
    assert_log_holds(&rig, 6);
    rig_close(&rig);
}

/* Restarted without a write in between, it finds the empty file of the time before. */
static void it_goes_on_behind_what_is_there(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    for (int run = 0; run < 3; run++) {
        rig_start(&rig);
        log_thread_stop(rig.thread);
        rig_start(&rig);
        append(&rig, 4, 100);
        sync_all(&rig);
        log_thread_stop(rig.thread);
        rig.thread = NULL;
    }
    assert_log_holds(&rig, 12);
    rig_close(&rig);
}

static bool is_marked(void *context)
{
    const struct rig *rig = context;
    size_t half_written; /* read while it is written */
    return read_mark(rig, &half_written) == rig->next_zxid - 1;
}

static void the_mark_follows_the_log(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    rig.mark_disk = &rig.disk;
    rig_start(&rig);
    assert_int_equal(marked_zxid(&rig), 0);
    for (int i = 0; i < 5; i++) {
        append(&rig, 3, 100);
        sync_all(&rig);
        assert_true(wait_until(is_marked, &rig, PATIENCE_MS));
    }
    log_thread_stop(rig.thread);
    rig_start(&rig);
    log_thread_stop(rig.thread);
    rig.thread = NULL;
    assert_int_equal(marked_zxid(&rig), 15); /* it stays when nothing is written */
    rig_close(&rig);
}

static bool is_mark_failure_told(void *context)
{
    struct rig *rig = context;
    collect(rig);
    return rig->progress.mark_failure[0] != '\0';
}

static void a_mark_that_cannot_be_written_stops_nothing(void **state)
{
    (void)state;
    struct rig rig;
    struct faulty_disk mark_disk;
    rig_open(&rig);
    faulty_disk_init(&mark_disk);
    rig.mark_disk = &mark_disk;
    rig_start(&rig);
    append(&rig, 3, 100);
    sync_all(&rig);
    assert_true(wait_until(is_marked, &rig, PATIENCE_MS));
    assert_int_equal(rig.progress.mark_failure[0], '\0');
    mark_disk.fail_count = 1;
    mark_disk.fail_first = mark_disk.calls + 1;
    append(&rig, 2, 100);
    sync_all(&rig);
    assert_true(wait_until(is_mark_failure_told, &rig, PATIENCE_MS));
    append(&rig, 2, 100);
    sync_all(&rig);
    assert_int_equal(rig.progress.state, LOG_RUNNING);
    log_thread_stop(rig.thread);
    rig.thread = NULL;
    assert_int_equal(marked_zxid(&rig), 3);
    assert_log_holds(&rig, 7);
    rig_close(&rig);
}

/* One batch after the other, with a roll in the middle; ends early when the log fails. */
static void run_workload(struct rig *rig)
{
    rig_start(rig);
    for (int i = 0; i < BATCHES && !rig->was_failed; i++) {
        append(rig, 2, 1500);
        if (i == BATCHES / 2)
            log_thread_roll(rig->thread);
        sync_all(rig);
    }
}

static int count_calls(void)
{
    struct rig rig;
    rig_open(&rig);
    rig.mark_disk = &rig.disk;
    run_workload(&rig);
    int calls = rig.disk.calls;
    rig_close(&rig);
    return calls;
}

static void run_with_fault(int call, int count, enum status fault)
{
    struct rig rig;
    enum txnlog_verdict verdict;
    rig_open(&rig);
    rig.mark_disk = &rig.disk;
    rig.disk.fail_first = call;
    rig.disk.fail_count = count;
    rig.disk.fault = fault;
    run_workload(&rig);
    collect(&rig);
    bool failed = rig.was_failed;
    int64_t synced = rig.progress.synced_zxid;
    if (failed) {
        assert_true(rig.progress.failure[0] != '\0');
        append(&rig, 1, 100); /* is taken, and never acknowledged */
    } else {
        assert_int_equal(synced, BATCHES * 2);
    }
    log_thread_stop(rig.thread);
    rig.thread = NULL;
    int64_t last = last_in_log(&rig, &verdict);
    assert_true(last >= synced);
    assert_true(marked_zxid(&rig) <= last);
    assert_true(failed || verdict == TXNLOG_SOUND);
    rig_close(&rig);
}

static void every_call_that_fails_is_final_and_nothing_acknowledged_is_lost(void **state)
{
    (void)state;
    int calls = count_calls();
    assert_true(calls > 20);
    for (int call = 1; call <= calls; call++)
        run_with_fault(call, -1, ST_IO_ERROR);
}

static void every_call_that_finds_no_room_is_retried_or_final(void **state)
{
    (void)state;
    int calls = count_calls();
    for (int call = 1; call <= calls; call++)
        run_with_fault(call, 3, ST_NO_SPACE);
}

static void a_full_disk_is_told_and_nothing_is_lost_when_room_comes_back(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    rig_start(&rig);
    append(&rig, 1, 100);
    sync_all(&rig);
    /* The next calls are those of extending the file: 8 KiB are ready, more is asked for. */
    rig.disk.fault = ST_NO_SPACE;
    rig.disk.fail_count = -1;
    rig.disk.fail_first = 1;
    append(&rig, 1, 20000);
    append(&rig, 1, 100);
    wait_for_state(&rig, LOG_FULL);
    assert_int_equal(rig.progress.synced_zxid, 1);
    assert_true(rig.progress.failure[0] != '\0');
    append(&rig, 3, 5000);
    rig.disk.fail_first = 0;
    sync_all(&rig);
    assert_int_equal(rig.progress.synced_zxid, 6);
    wait_for_state(&rig, LOG_RUNNING);
    assert_log_holds(&rig, 6);
    rig_close(&rig);
}

static void a_stop_does_not_wait_for_a_full_disk(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    rig.disk.fault = ST_NO_SPACE;
    rig.disk.fail_count = -1;
    rig.disk.fail_first = 1;
    rig_start(&rig);
    append(&rig, 1, 100);
    wait_for_state(&rig, LOG_FULL);
    assert_int_equal(rig.progress.synced_zxid, 0);
    rig_close(&rig);
}

/* The thread has work of its own, or records came that are too many: it has all of them. */
static void what_the_thread_has_to_do_first_stays_with_it(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    rig_start(&rig);
    append(&rig, 1, LOG_HERE_MAX);
    assert_int_equal(rig.written_here, 0);
    sync_all(&rig);
    rig.disk.stands_still = true;
    log_thread_roll(rig.thread);
    append(&rig, 1, 100);
    assert_int_equal(rig.written_here, 0);
    rig.disk.stands_still = false;
    sync_all(&rig);
    assert_log_holds(&rig, 2);
    rig_close(&rig);
}

/* Asked for while the thread writes, the log stays the thread's, whose own is left alone: the sanitizer sees to it. */
static void the_log_is_asked_for_while_the_thread_writes(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    rig_start(&rig);
    log_thread_set_file_size_max(rig.thread, 16384);
    for (int round = 0; round < 100; round++) {
        bool here = writes_here;
        writes_here = false;
        append(&rig, 2, round % 25 == 0 ? TXNLOG_BATCH_MAX / 4 * 3 : 100); /* now and then in two pieces */
        writes_here = here;
        append(&rig, 1, 100);
    }
    sync_all(&rig);
    assert_log_holds(&rig, 300);
    rig_close(&rig);
}

static bool was_woken(void *context)
{
    struct rig *rig = context;
    return rig->wakes > 0;
}

/* Who is told that all is synced, and has nothing more for the log, does not keep a queue that is none any more. */
static void what_is_synced_waits_no_longer_when_it_is_told(void **state)
{
    (void)state;
    struct rig rig;
    bool here = writes_here;
    rig_open(&rig);
    rig_start(&rig);
    rig.looks_when_woken = true;
    atomic_store(&rig.queue_when_woken, 1);
    writes_here = false;
    append(&rig, 3, 100);
    writes_here = here;
    assert_true(wait_until(was_woken, &rig, PATIENCE_MS));
    assert_int_equal(atomic_load(&rig.queue_when_woken), 0);
    rig_close(&rig);
}

static int write_here(void **state)
{
    (void)state;
    writes_here = true;
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_handed_over_becomes_durable),
        cmocka_unit_test(the_stop_waits_for_what_was_handed_over),
        cmocka_unit_test(more_than_a_batch_is_synced_in_pieces),
        cmocka_unit_test(syncs_are_told_with_their_txns),
        cmocka_unit_test(a_roll_begins_a_new_file),
        cmocka_unit_test(a_file_over_its_size_is_ended),
        cmocka_unit_test(it_goes_on_behind_what_is_there),
        cmocka_unit_test(the_mark_follows_the_log),
        cmocka_unit_test(a_mark_that_cannot_be_written_stops_nothing),
        cmocka_unit_test(every_call_that_fails_is_final_and_nothing_acknowledged_is_lost),
        cmocka_unit_test(every_call_that_finds_no_room_is_retried_or_final),
        cmocka_unit_test(a_full_disk_is_told_and_nothing_is_lost_when_room_comes_back),
        cmocka_unit_test(a_stop_does_not_wait_for_a_full_disk),
        cmocka_unit_test(what_the_thread_has_to_do_first_stays_with_it),
        cmocka_unit_test(the_log_is_asked_for_while_the_thread_writes),
        cmocka_unit_test(what_is_synced_waits_no_longer_when_it_is_told),
    };
    int failed = cmocka_run_group_tests_name("written by the thread", tests, NULL, NULL);
    return failed + cmocka_run_group_tests_name("written in its place", tests, write_here, NULL);
}
