/* persistence_member_test.c - what a member of an ensemble has done to its disk: in one order with its records, and so
 * that the next start finds what was told. */
#include "agent/disk/disk_posix.h"
#include "agent/disk/persistence_internal.h"
#include "core/store/epochs.h"
#include "core/store/files.h"
#include "core/store/replacement.h"
#include "core/store/snapshot_spool.h"
#include "tests/support/disk_rig.h"
#include "tests/support/test.h"
#include "tests/support/tmp.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#define EPOCH(epoch) ((int64_t)(epoch) << 32)

static char *version_2(const struct disk_rig *rig)
{
    return tmp_join(rig->dir, "version-2");
}

static struct epochs read_epochs(const struct disk_rig *rig)
{
    struct epochs epochs;
    struct findings findings = {0};
    char *dir = version_2(rig);
    assert_int_equal(epochs_read(disk_posix(), dir, &epochs, &findings), ST_OK);
    findings_free(&findings);
    free(dir);
    return epochs;
}

static size_t count_files(const struct disk_rig *rig, enum store_file_kind kind)
{
    struct store_files files = {0};
    char *dir = version_2(rig);
    assert_int_equal(store_files_list(disk_posix(), dir, kind, &files), ST_OK);
    size_t count = files.count;
    store_files_free(&files);
    free(dir);
    return count;
}

static void assert_nodes(const struct disk_rig *rig, int first, int last, bool there)
{
    for (int i = first; i <= last; i++) {
        char path[32];
        int len = snprintf(path, sizeof path, "/node-%d", i);
        assert_int_equal(tree_lookup(rig->recovered.tree, bytes_make(path, (size_t)len)) != NULL, there);
    }
}

/* -- one queue ---------------------------------------------------------------------------------------------------- */

static void a_job_is_done_behind_the_records_before_it_and_before_those_behind(void **state)
{
    struct disk_rig *rig = *state;
    disk_rig_open(rig);
    for (int round = 0; round < 20; round++) {
        int64_t before = rig->next_zxid - 1;
        for (int i = 0; i < 30; i++)
            disk_rig_append(rig, (int)rig->next_zxid);
        assert_int_equal(persistence_store_epoch(rig->persistence, ACCEPTED_EPOCH, round + 2, 100), ST_OK);
        assert_int_equal(persistence_store_epoch(rig->persistence, CURRENT_EPOCH, round + 1, 101), ST_OK);
        for (int i = 0; i < 30; i++)
            disk_rig_append(rig, (int)rig->next_zxid);
        disk_rig_wait_stored(rig, (uint32_t)round * 2 + 1);
        assert_true(rig->stored_count > (uint32_t)round * 2 + 1 || rig->stored.ticket == 100);
        disk_rig_wait_stored(rig, (uint32_t)round * 2 + 2);
        assert_int_equal(rig->stored.ticket, 101);
        assert_int_equal(rig->stored_behind, before + 30);
        assert_int_equal(read_epochs(rig).accepted, round + 2);
        assert_int_equal(read_epochs(rig).current, round + 1);
    }
    disk_rig_write(rig, (int)rig->next_zxid, 1);
    disk_rig_reopen(rig);
    disk_rig_close(rig);
}

/* -- taking back -------------------------------------------------------------------------------------------------- */

static void cut(struct disk_rig *rig, int64_t zxid)
{
    uint32_t before = rig->stored_count;
    assert_int_equal(persistence_truncate(rig->persistence, zxid, 7), ST_OK);
    disk_rig_wait_stored(rig, before + 1);
    assert_int_equal(rig->stored.ticket, 7);
}

static void what_was_never_committed_is_cut_and_stays_away(void **state)
{
    struct disk_rig *rig = *state;
    struct persistence_status status;
    disk_rig_open(rig);
    disk_rig_write(rig, 1, 100);
    assert_true(disk_rig_checkpoint(rig));
    persistence_hold_checkpoints(rig->persistence, true);
    disk_rig_write(rig, 101, 100);
    cut(rig, 150);
    assert_false(rig->stored.refused);
    assert_int_equal(rig->applied, 150);
    assert_nodes(rig, 1, 150, true);
    assert_nodes(rig, 151, 200, false);
    persistence_status(rig->persistence, &status);
    assert_int_equal(status.logged_zxid, 150);
    assert_int_equal(status.checkpoint_zxid, 100);
    rig->next_zxid = EPOCH(1) + 1;
    disk_rig_write(rig, 301, 50);
    persistence_hold_checkpoints(rig->persistence, false);
    assert_true(disk_rig_checkpoint(rig));
    disk_rig_write(rig, 351, 5);
    disk_rig_reopen(rig);
    assert_nodes(rig, 151, 200, false);
    assert_nodes(rig, 301, 355, true);
    /* Without the checkpoint as well. */
    disk_rig_close(rig);
    char *checkpoint = tmp_join(rig->dir, "zooid/checkpoint");
    assert_int_equal(unlink(checkpoint), 0);
    free(checkpoint);
    disk_rig_open(rig);
    assert_int_equal(rig->applied, EPOCH(1) + 55);
    assert_nodes(rig, 1, 150, true);
    assert_nodes(rig, 151, 200, false);
    disk_rig_close(rig);
}

static void a_cut_that_cannot_be_is_refused_and_changes_nothing(void **state)
{
    static const int64_t zxids[] = {-1, 0, 50, 99, 300, EPOCH(1)};
    struct disk_rig *rig = *state;
    disk_rig_open(rig);
    disk_rig_write(rig, 1, 100);
    assert_true(disk_rig_checkpoint(rig));
    disk_rig_write(rig, 101, 100);
    for (size_t i = 0; i < sizeof zxids / sizeof *zxids; i++) {
        cut(rig, zxids[i]);
        assert_true(rig->stored.refused && rig->stored.tree == NULL);
        disk_rig_write(rig, 201 + (int)i, 1);
    }
    disk_rig_reopen(rig);
    assert_nodes(rig, 1, 206, true);
    assert_true(disk_rig_checkpoint(rig));
    disk_rig_close(rig);
}

/* The encoder works on a tree that is about to be replaced. */
static void a_checkpoint_under_way_does_not_outlive_its_tree(void **state)
{
    struct disk_rig *rig = *state;
    rig->settings->checkpoint_slice_us = 1;
    disk_rig_open(rig);
    disk_rig_write(rig, 1, 2000);
    for (uint32_t turns = 0; turns < 40; turns += 3) {
        disk_rig_write(rig, 3000 + (int)turns * 10, 10);
        rig->done = false;
        persistence_checkpoint(rig->persistence, disk_rig_done, rig);
        for (uint32_t i = 0; i < turns; i++) {
            (void)persistence_turn(rig->persistence, rig->recovered.tree, rig->recovered.sessions, rig->applied);
            (void)uv_run(&rig->loop, UV_RUN_NOWAIT);
        }
        uint32_t before = rig->stored_count;
        assert_int_equal(persistence_reload(rig->persistence, 9), ST_OK);
        disk_rig_wait_stored(rig, before + 1);
        assert_int_equal(rig->stored.ticket, 9);
        assert_true(rig->done);
        assert_nodes(rig, 1, 2000, true);
    }
    assert_true(disk_rig_checkpoint(rig));
    disk_rig_reopen(rig);
    disk_rig_close(rig);
}

static void nothing_is_checkpointed_while_held(void **state)
{
    struct disk_rig *rig = *state;
    struct persistence_status status;
    rig->settings->snap_count = 10;
    disk_rig_open(rig);
    persistence_hold_checkpoints(rig->persistence, true);
    disk_rig_write(rig, 1, 500);
    assert_false(disk_rig_checkpoint(rig));
    persistence_status(rig->persistence, &status);
    assert_true(status.checkpoint_zxid < 0 && status.snapshot_zxid < 0 && !status.checkpoint_running);
    persistence_hold_checkpoints(rig->persistence, false);
    assert_true(disk_rig_checkpoint(rig));
    disk_rig_close(rig);
}

/* -- a snapshot from the leader ----------------------------------------------------------------------------------- */

/* What another member has at its end, as a stream. */
static void stream_of(struct disk_rig *rig, int64_t zxid, struct buffer *stream)
{
    bool done = false;
    struct snapshot_writer *w = snapshot_stream_writer_new(rig->recovered.tree, rig->recovered.sessions, zxid);
    assert_non_null(w);
    while (!done)
        assert_int_equal(snapshot_encode_some(w, 100, stream, &done), ST_OK);
    assert_int_equal(snapshot_stream_end(w, stream), ST_OK);
    snapshot_writer_free(w);
}

/* The rig becomes a leader's: its tree is what the stream gives. */
static void take_tree(struct disk_rig *rig, struct bytes stream, int64_t zxid)
{
    bool done;
    size_t used;
    struct snapshot_reader *r = snapshot_stream_reader_new(rig->recovered.tree, rig->recovered.sessions, 0, 1 << 20);
    assert_int_equal(snapshot_stream_feed(r, stream, &used, &done), ST_OK);
    assert_true(done && used == stream.len);
    snapshot_reader_free(r);
    rig->applied = rig->logged = zxid;
    rig->next_zxid = zxid + 1;
}

static void spool(struct disk_rig *rig, struct bytes stream, int64_t zxid)
{
    persistence_hold_checkpoints(rig->persistence, true);
    assert_int_equal(persistence_spool_begin(rig->persistence, zxid), ST_OK);
    for (size_t at = 0; at < stream.len; at += 1000) {
        size_t len = stream.len - at < 1000 ? stream.len - at : 1000;
        assert_int_equal(persistence_spool(rig->persistence, bytes_make(stream.data + at, len)), ST_OK);
        assert_true(persistence_spool_has_room(rig->persistence));
    }
}

/* Makes a stream of nodes 1001 to 1200 at `zxid`, from a rig of its own. */
static void leader_stream(int64_t zxid, struct buffer *stream)
{
    void *state = NULL;
    assert_int_equal(disk_rig_set_up(&state), 0);
    struct disk_rig *rig = state;
    disk_rig_open(rig);
    rig->next_zxid = zxid - 199;
    disk_rig_write(rig, 1001, 200);
    assert_int_equal(rig->applied, zxid);
    stream_of(rig, zxid, stream);
    disk_rig_close(rig);
    assert_int_equal(disk_rig_tear_down(&state), 0);
}

/* Learners that stand there are sent that many txns, and none that stand before it. */
static void assert_log_is_whole_from(struct disk_rig *rig, int64_t zxid, int txns)
{
    disk_rig_read_log(rig, zxid - 1);
    assert_int_equal(rig->piece_status, ST_NOT_FOUND);
    disk_rig_read_log(rig, zxid);
    assert_int_equal(rig->piece_status, ST_OK);
    assert_int_equal(rig->piece_before, zxid);
    assert_int_equal(rig->piece_records, txns);
}

static void take_snapshot(struct disk_rig *rig, int64_t zxid, int txns)
{
    struct buffer stream = {0};
    struct persistence_status status;
    leader_stream(zxid, &stream);
    disk_rig_open(rig);
    disk_rig_write(rig, 1, 300);
    assert_true(disk_rig_checkpoint(rig));
    disk_rig_write(rig, 301, 100);
    spool(rig, buffer_bytes(&stream), zxid);
    take_tree(rig, buffer_bytes(&stream), zxid);
    assert_int_equal(persistence_keep_snapshot(rig->persistence, zxid + txns, NULL, 5), ST_OK);
    rig->logged = 0;
    for (int i = 0; i < txns; i++)
        disk_rig_append(rig, 1201 + i);
    assert_int_equal(persistence_store_epoch(rig->persistence, CURRENT_EPOCH, 1, 6), ST_OK);
    disk_rig_wait_stored(rig, 2);
    assert_int_equal(rig->stored.ticket, 6);
    rig->logged = rig->applied = zxid + txns;
    persistence_status(rig->persistence, &status);
    assert_int_equal(status.logged_zxid, zxid + txns);
    assert_int_equal(status.snapshot_zxid, zxid);
    assert_int_equal(status.checkpoint_zxid, -1);
    assert_int_equal(count_files(rig, STORE_SNAPSHOT), 1);
    disk_rig_write(rig, 2001, 20);
    assert_log_is_whole_from(rig, zxid, txns + 20);
    disk_rig_reopen(rig);
    assert_log_is_whole_from(rig, zxid, txns + 20);
    assert_nodes(rig, 1, 400, false);
    assert_nodes(rig, 1001, 1200 + txns, true);
    assert_nodes(rig, 2001, 2020, true);
    assert_true(disk_rig_checkpoint(rig));
    disk_rig_reopen(rig);
    disk_rig_close(rig);
    buffer_free(&stream);
}

static void a_snapshot_from_the_leader_replaces_all(void **state)
{
    take_snapshot(*state, EPOCH(1) + 500, 0);
}

static void the_txns_behind_a_snapshot_come_with_it(void **state)
{
    take_snapshot(*state, EPOCH(1) + 500, 40);
}

/* A log that goes further than the snapshot is not replayed over it. */
static void a_snapshot_from_before_the_end_of_the_log_replaces_all(void **state)
{
    take_snapshot(*state, 250, 10);
}

/* Also while it is written on, cut back, and read again by the next process; one may be under way when all ends. */
static void the_log_is_read_for_learners(void **state)
{
    struct disk_rig *rig = *state;
    disk_rig_open(rig);
    disk_rig_write(rig, 1, 100);
    disk_rig_read_log(rig, 40);
    assert_int_equal(rig->piece_records, 60);
    assert_true(disk_rig_checkpoint(rig));
    disk_rig_reopen(rig);
    disk_rig_write(rig, 101, 50);
    assert_int_equal(persistence_truncate(rig->persistence, 120, 3), ST_OK);
    disk_rig_wait_stored(rig, 1);
    rig->next_zxid = 121;
    disk_rig_read_log(rig, 90);
    assert_int_equal(rig->piece_before, 90);
    assert_int_equal(rig->piece_records, 30);
    assert_int_equal(persistence_read_log(rig->persistence, 7, &(struct log_wish){.after = 1, .until = 9}), ST_OK);
    disk_rig_close(rig);
    assert_int_equal(rig->piece_count, 2);
}

/* The removal of old files, which may come at any time, also takes what was left of unfinished snapshots, but not the
 * one that comes in. */
static void a_snapshot_that_comes_in_is_not_taken_for_a_left_over(void **state)
{
    struct disk_rig *rig = *state;
    const int64_t zxid = EPOCH(1) + 500;
    struct buffer stream = {0};
    leader_stream(zxid, &stream);
    disk_rig_open(rig);
    disk_rig_write(rig, 1, 100);
    spool(rig, bytes_make(stream.data, 1000), zxid);
    assert_int_equal(persistence_store_epoch(rig->persistence, ACCEPTED_EPOCH, 1, 4), ST_OK);
    disk_rig_wait_stored(rig, 1); /* the file is there */
    checkpoints_make_room(rig->persistence->checkpoints);
    checkpoints_wait(rig->persistence->checkpoints);
    assert_int_equal(persistence_spool(rig->persistence, bytes_from(buffer_bytes(&stream), 1000)), ST_OK);
    take_tree(rig, buffer_bytes(&stream), zxid);
    assert_int_equal(persistence_keep_snapshot(rig->persistence, zxid, NULL, 5), ST_OK);
    disk_rig_wait_stored(rig, 2);
    assert_int_equal(rig->stored.ticket, 5);
    assert_false(rig->stored.refused);
    rig->logged = rig->applied = zxid;
    rig->next_zxid = zxid + 1;
    disk_rig_reopen(rig);
    disk_rig_close(rig);
    buffer_free(&stream);
}

static void a_snapshot_that_is_dropped_has_never_been(void **state)
{
    struct disk_rig *rig = *state;
    struct buffer stream = {0};
    leader_stream(EPOCH(1) + 500, &stream);
    disk_rig_open(rig);
    disk_rig_write(rig, 1, 100);
    spool(rig, bytes_make(stream.data, stream.len / 2), EPOCH(1) + 500);
    assert_int_equal(persistence_spool_drop(rig->persistence), ST_OK);
    spool(rig, buffer_bytes(&stream), EPOCH(1) + 500); /* and again */
    assert_int_equal(persistence_spool_drop(rig->persistence), ST_OK);
    assert_int_equal(persistence_reload(rig->persistence, 3), ST_OK);
    disk_rig_wait_stored(rig, 1);
    assert_int_equal(rig->applied, 100);
    assert_nodes(rig, 1, 100, true);
    spool(rig, bytes_make(stream.data, stream.len / 2), EPOCH(1) + 500); /* and the end of the process */
    disk_rig_reopen(rig);
    assert_nodes(rig, 1, 100, true);
    assert_int_equal(count_files(rig, STORE_SNAPSHOT), 0);
    disk_rig_close(rig);
    buffer_free(&stream);
}

static void limit_files(rlim_t bytes)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* It would wait for the very room that it takes. */
static void a_snapshot_that_there_is_no_room_for_is_given_up(void **state)
{
    struct disk_rig *rig = *state;
    struct buffer stream = {0};
    const int64_t zxid = EPOCH(1) + 500;
    leader_stream(zxid, &stream);
    rig->may_run_full = true;
    disk_rig_open(rig);
    disk_rig_write(rig, 1, 20);
    (void)signal(SIGXFSZ, SIG_IGN);
    limit_files(stream.len / 2);
    spool(rig, buffer_bytes(&stream), zxid);
    assert_int_equal(persistence_keep_snapshot(rig->persistence, zxid, NULL, 5), ST_OK);
    disk_rig_wait_stored(rig, 1);
    assert_true(rig->stored.refused && rig->stored.ticket == 5);
    assert_int_equal(persistence_store_epoch(rig->persistence, CURRENT_EPOCH, 1, 6), ST_OK);
    disk_rig_wait_stored(rig, 2);
    assert_true(rig->stored.refused && rig->stored.ticket == 6);
    limit_files(RLIM_INFINITY);
    assert_int_equal(persistence_reload(rig->persistence, 7), ST_OK);
    disk_rig_wait_stored(rig, 3);
    assert_false(rig->stored.refused);
    assert_nodes(rig, 1, 20, true);
    assert_false(read_epochs(rig).has_current);
    disk_rig_write(rig, 21, 20);
    persistence_hold_checkpoints(rig->persistence, false);
    assert_true(disk_rig_checkpoint(rig));
    disk_rig_reopen(rig);
    assert_nodes(rig, 1, 40, true);
    disk_rig_close(rig);
    buffer_free(&stream);
}

static enum status run(struct member_job *job)
{
    struct log_disk disk = {.zxid = 77};
    enum status st = job->base.run(&job->base, &disk);
    assert_int_equal(disk.zxid, 77);
    return st;
}

/* There was no room for it, so it is not there when it is to be kept: then the epoch that it would have brought must
 * not be stored either. */
static void an_epoch_is_not_stored_without_its_snapshot(void **state)
{
    (void)state;
    struct member_disk disk = {.spool = NULL};
    struct member_job *keep = member_job_new(&disk, JOB_KEEP), *epoch = member_job_new(&disk, JOB_STORE_EPOCH);
    assert_true(keep != NULL && epoch != NULL);
    epoch->epoch_kind = EPOCH_CURRENT;
    assert_int_equal(run(keep), ST_OK);
    assert_true(keep->refused);
    assert_int_equal(run(epoch), ST_OK);
    assert_true(epoch->refused);
    log_jobs_free(&keep->base);
    log_jobs_free(&epoch->base);
}

/* The power went when everything was ready for it. */
static void a_replacement_that_was_cut_short_is_finished_by_the_next_start(void **state)
{
    struct disk_rig *rig = *state;
    struct buffer stream = {0};
    const int64_t zxid = EPOCH(1) + 500;
    leader_stream(zxid, &stream);
    disk_rig_open(rig);
    disk_rig_write(rig, 1, 100);
    disk_rig_close(rig);
    char *dir = version_2(rig), *own = tmp_join(rig->dir, "zooid");
    struct snapshot_spool *s;
    assert_int_equal(snapshot_spool_begin(&s, disk_posix(), dir, zxid), ST_OK);
    assert_int_equal(snapshot_spool_append(s, buffer_bytes(&stream)), ST_OK);
    assert_int_equal(snapshot_spool_seal(s, zxid, NULL), ST_OK);
    snapshot_spool_free(s, false);
    const struct replacement_place place = {.io = disk_posix(), .own_dir = own, .snap_dir = dir, .log_dir = dir};
    const struct replacement replacement = {.zxid = zxid, .records = BYTES("")};
    assert_int_equal(replacement_begin(&place, &replacement), ST_OK);
    rig->message.len = 0;
    assert_int_equal(persistence_check(rig->dir, "", &rig->message), 1);
    disk_rig_open(rig);
    assert_int_equal(rig->applied, zxid);
    assert_nodes(rig, 1, 100, false);
    assert_nodes(rig, 1001, 1200, true);
    disk_rig_close(rig);
    rig->message.len = 0;
    assert_int_equal(persistence_check(rig->dir, "", &rig->message), 0);
    free(dir);
    free(own);
    buffer_free(&stream);
}

/* -- joining ------------------------------------------------------------------------------------------------------ */

static void put_epoch(const struct disk_rig *rig, enum epoch_kind kind, int64_t epoch)
{
    char *dir = version_2(rig);
    assert_int_equal(epochs_write(disk_posix(), dir, kind, epoch), ST_OK);
    free(dir);
}

static void remove_epochs(const struct disk_rig *rig)
{
    static const char *const names[] = {"version-2/acceptedEpoch", "version-2/currentEpoch"};
    for (size_t i = 0; i < 2; i++) {
        char *path = tmp_join(rig->dir, names[i]);
        (void)unlink(path);
        free(path);
    }
}

static void epochs_of_a_start_follow_the_log(void **state)
{
    struct disk_rig *rig = *state;
    static const struct row {
        int64_t accepted, current; /* -1: no file */
        enum status status;
        bool stale;
        int64_t accepted_after, current_after;
    } rows[] = {
        {-1, -1, ST_OK, false, 3, 3}, {3, 3, ST_OK, false, 3, 3},      {5, 3, ST_OK, false, 5, 3},
        {5, 4, ST_OK, false, 5, 4},   {3, 2, ST_OK, false, 3, 3},      {7, 1, ST_OK, false, 7, 3},
        {2, 2, ST_OK, true, 2, 2},    {2, 3, ST_CORRUPT, false, 0, 0},
    };
    disk_rig_open(rig);
    rig->settings->snapshot_trust_empty = true;
    rig->next_zxid = EPOCH(3) + 1;
    disk_rig_write(rig, 1, 10);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *row = &rows[i];
        struct member_history h = {0};
        remove_epochs(rig);
        if (row->accepted >= 0)
            put_epoch(rig, EPOCH_ACCEPTED, row->accepted);
        if (row->current >= 0)
            put_epoch(rig, EPOCH_CURRENT, row->current);
        disk_rig_reopen(rig);
        rig->message.len = 0;
        assert_int_equal(persistence_join(rig->persistence, true, &h, &rig->message), row->status);
        assert_int_equal(rig->message.len > 0, row->status != ST_OK);
        if (row->status != ST_OK)
            continue;
        assert_int_equal(h.stale, row->stale);
        assert_int_equal(h.zxid, row->stale ? -1 : EPOCH(3) + 10);
        assert_int_equal(h.accepted_epoch, row->accepted_after);
        assert_int_equal(h.current_epoch, row->current_after);
        assert_int_equal(read_epochs(rig).accepted, row->accepted_after);
        assert_int_equal(read_epochs(rig).current, row->current_after);
    }
    disk_rig_close(rig);
}

static void an_empty_member_needs_leave_to_be_one(void **state)
{
    struct disk_rig *rig = *state;
    struct member_history h;
    disk_rig_open(rig);
    assert_int_equal(persistence_join(rig->persistence, false, &h, &rig->message), ST_OK);
    assert_int_equal(h.zxid, -1);
    assert_int_equal(persistence_join(rig->persistence, true, &h, &rig->message), ST_OK);
    assert_int_equal(h.zxid, 0);
    char *marker = tmp_join(rig->dir, "initialize");
    int fd = open(marker, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0 && close(fd) == 0);
    assert_int_equal(persistence_join(rig->persistence, false, &h, &rig->message), ST_OK);
    assert_int_equal(h.zxid, 0);
    assert_int_equal(access(marker, F_OK), -1); /* it counts once */
    assert_int_equal(persistence_join(rig->persistence, false, &h, &rig->message), ST_OK);
    assert_int_equal(h.zxid, -1);
    free(marker);
    disk_rig_write(rig, 1, 1);
    disk_rig_reopen(rig);
    assert_int_equal(persistence_join(rig->persistence, false, &h, &rig->message), ST_OK);
    assert_int_equal(h.zxid, 1);
    disk_rig_close(rig);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, disk_rig_set_up, disk_rig_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_job_is_done_behind_the_records_before_it_and_before_those_behind),
        TEST(what_was_never_committed_is_cut_and_stays_away),
        TEST(a_cut_that_cannot_be_is_refused_and_changes_nothing),
        TEST(a_checkpoint_under_way_does_not_outlive_its_tree),
        TEST(nothing_is_checkpointed_while_held),
        TEST(a_snapshot_from_the_leader_replaces_all),
        TEST(the_txns_behind_a_snapshot_come_with_it),
        TEST(a_snapshot_from_before_the_end_of_the_log_replaces_all),
        TEST(the_log_is_read_for_learners),
        TEST(a_snapshot_that_comes_in_is_not_taken_for_a_left_over),
        TEST(a_snapshot_that_is_dropped_has_never_been),
        TEST(a_snapshot_that_there_is_no_room_for_is_given_up),
        TEST(an_epoch_is_not_stored_without_its_snapshot),
        TEST(a_replacement_that_was_cut_short_is_finished_by_the_next_start),
        TEST(epochs_of_a_start_follow_the_log),
        TEST(an_empty_member_needs_leave_to_be_one),
    };
    return cmocka_run_group_tests_name("persistence_member", tests, NULL, NULL);
}
