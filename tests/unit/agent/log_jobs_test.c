/* Jobs between records: done in their turn, repeated while there is no room, final when the disk fails, and freed
 * whatever becomes of them. */
#include "agent/disk/disk_posix.h"
#include "agent/disk/log_thread.h"
#include "tests/support/test.h"
#include "tests/support/tmp.h"
#include "tests/support/wait.h"

#include <stdatomic.h>
#include <stdlib.h>

enum { JOBS_MAX = 64 };

struct rig {
    char *dir;
    struct log_thread *thread;
    struct log_progress progress;
    int64_t next_zxid;
    int done[JOBS_MAX];            /* numbers, in the order in which they were told */
    int64_t done_behind[JOBS_MAX]; /* synced_zxid of each */
    size_t done_count;
    atomic_int freed, runs;
};

struct test_job {
    struct log_job base;
    struct rig *rig;
    int number;
    int failures; /* so often it fails, with `status` */
    enum status status;
    int64_t seen_zxid; /* what the disk had when it ran */
};

static enum status run(struct log_job *base, struct log_disk *disk)
{
    struct test_job *job = (struct test_job *)base;
    atomic_fetch_add(&job->rig->runs, 1);
    job->seen_zxid = disk->zxid;
    return job->failures-- > 0 ? job->status : ST_OK;
}

static void free_job(struct log_job *base)
{
    struct test_job *job = (struct test_job *)base;
    atomic_fetch_add(&job->rig->freed, 1);
    free(job);
}

static void hand_over(struct rig *rig, int number, int failures, enum status status)
{
    struct test_job *job = calloc(1, sizeof *job);
    assert_non_null(job);
    *job = (struct test_job){
        .base = {.name = "testing", .run = run, .free = free_job}, .rig = rig, .number = number, .failures = failures};
    job->status = status;
    log_thread_job(rig->thread, &job->base);
}

static void wake(void *context)
{
    (void)context;
}

static void set_up(struct rig *rig)
{
    *rig = (struct rig){.dir = tmp_make(), .next_zxid = 1};
    const struct txnlog_options options = {.io = disk_posix(), .dir = rig->dir, .step_first = 4096, .step_max = 4096};
    const struct log_thread_options thread = {
        .log = txnlog_new(&options), .next_zxid = 1, .retry_ms = 1, .wake = wake, .context = rig};
    assert_int_equal(log_thread_start(&rig->thread, &thread), ST_OK);
}

static void tear_down(struct rig *rig)
{
    log_thread_stop(rig->thread);
    tmp_remove(rig->dir);
}

static void append(struct rig *rig)
{
    uint8_t entry[32] = {0};
    struct buffer records = {0};
    be64_put(entry + 12, (uint64_t)rig->next_zxid);
    assert_int_equal(txnlog_frame(&records, bytes_make(entry, sizeof entry)), ST_OK);
    assert_int_equal(log_thread_append(rig->thread, &records, rig->next_zxid, rig->next_zxid, 1), ST_OK);
    rig->next_zxid++;
    buffer_free(&records);
}

static void collect(struct rig *rig)
{
    log_thread_collect(rig->thread, &rig->progress);
    for (const struct log_job *job = rig->progress.done; job != NULL; job = job->next) {
        assert_true(rig->done_count < JOBS_MAX);
        rig->done[rig->done_count] = ((const struct test_job *)job)->number;
        assert_int_equal(((const struct test_job *)job)->seen_zxid, job->synced_zxid);
        rig->done_behind[rig->done_count++] = job->synced_zxid;
    }
    log_jobs_free(rig->progress.done);
}

static bool is_idle(void *context)
{
    struct rig *rig = context;
    collect(rig);
    return rig->progress.synced_zxid == rig->next_zxid - 1 && rig->progress.queue_bytes == 0;
}

static void each_comes_behind_the_records_before_it(void **state)
{
    (void)state;
    struct rig rig;
    set_up(&rig);
    for (int i = 0; i < JOBS_MAX; i++) {
        for (int records = 0; records < i % 3; records++)
            append(&rig);
        hand_over(&rig, i, 0, ST_OK);
    }
    append(&rig);
    assert_true(wait_until(is_idle, &rig, 30000));
    assert_int_equal(rig.done_count, JOBS_MAX);
    int64_t behind = 0;
    for (int i = 0; i < JOBS_MAX; i++) {
        behind += i % 3;
        assert_int_equal(rig.done[i], i);
        assert_int_equal(rig.done_behind[i], behind);
    }
    assert_int_equal(rig.freed, JOBS_MAX);
    tear_down(&rig);
}

static void one_that_finds_no_room_waits_for_it_and_so_does_all_behind(void **state)
{
    (void)state;
    struct rig rig;
    set_up(&rig);
    append(&rig);
    hand_over(&rig, 1, 3, ST_NO_SPACE);
    hand_over(&rig, 2, 2, ST_NO_MEMORY);
    append(&rig);
    assert_true(wait_until(is_idle, &rig, 30000));
    assert_int_equal(rig.done_count, 2);
    assert_int_equal(rig.done[0], 1);
    assert_int_equal(rig.done_behind[1], 1);
    assert_int_equal(rig.runs, 7);
    tear_down(&rig);
}

static bool has_failed(void *context)
{
    struct rig *rig = context;
    collect(rig);
    return rig->progress.state == LOG_FAILED && atomic_load(&rig->freed) == 3;
}

static void one_that_fails_ends_the_log(void **state)
{
    (void)state;
    struct rig rig;
    set_up(&rig);
    hand_over(&rig, 1, 0, ST_OK);
    hand_over(&rig, 2, 1, ST_IO_ERROR);
    hand_over(&rig, 3, 0, ST_OK);
    assert_true(wait_until(has_failed, &rig, 30000));
    assert_int_equal(rig.done_count, 1);
    assert_non_null(strstr(rig.progress.failure, "testing"));
    tear_down(&rig);
}

static void a_stop_does_what_was_handed_over_and_frees_it(void **state)
{
    (void)state;
    struct rig rig;
    set_up(&rig);
    append(&rig);
    hand_over(&rig, 1, 0, ST_OK);
    hand_over(&rig, 2, 0, ST_OK);
    tear_down(&rig);
    assert_int_equal(rig.runs, 2);
    assert_int_equal(rig.freed, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_comes_behind_the_records_before_it),
        cmocka_unit_test(one_that_finds_no_room_waits_for_it_and_so_does_all_behind),
        cmocka_unit_test(one_that_fails_ends_the_log),
        cmocka_unit_test(a_stop_does_what_was_handed_over_and_frees_it),
    };
    return cmocka_run_group_tests_name("log_jobs", tests, NULL, NULL);
}
