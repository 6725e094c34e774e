/* persistence_test.c - a data directory opened, written, closed and opened again: what was acknowledged is there,
 * whatever became of checkpoint, snapshot and tail in between. */
#include "agent/disk/disk_posix.h"
#include "core/store/files.h"
#include "tests/support/disk_rig.h"
#include "tests/support/test.h"
#include "tests/support/tmp.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* -- files -------------------------------------------------------------------------------------------------------- */

static char *file(const struct disk_rig *rig, const char *name)
{
    return tmp_join(rig->dir, name);
}

static bool exists(const struct disk_rig *rig, const char *name)
{
    char *path = file(rig, name);
    bool there = access(path, F_OK) == 0;
    free(path);
    return there;
}

static void write_at(const struct disk_rig *rig, const char *name, off_t at, const void *data, size_t len)
{
    char *path = file(rig, name);
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, data, len, at), len);
    assert_int_equal(close(fd), 0);
    free(path);
}

static size_t count_files(const struct disk_rig *rig, enum store_file_kind kind)
{
    struct store_files files = {0};
    char *dir = file(rig, "version-2");
    assert_int_equal(store_files_list(disk_posix(), dir, kind, &files), ST_OK);
    size_t count = files.count;
    store_files_free(&files);
    free(dir);
    return count;
}

static void assert_says(const struct disk_rig *rig, const char *words)
{
    char text[4096];
    snprintf(text, sizeof text, "%.*s", (int)rig->message.len, (const char *)rig->message.data);
    if (strstr(text, words) == NULL)
        fail_msg("\"%s\" is not in: %s", words, text);
}

static int check(struct disk_rig *rig)
{
    rig->message.len = 0;
    int verdict = persistence_check(rig->dir, "", &rig->message);
    print_message("%.*s", (int)rig->message.len, (const char *)rig->message.data);
    return verdict;
}

/* -- opening ------------------------------------------------------------------------------------------------------ */

static void a_fresh_directory_is_made_and_locked(void **state)
{
    struct disk_rig *rig = *state, other = *rig;
    struct stat stat_of;
    char pid[32];
    disk_rig_open(rig);
    assert_int_equal(rig->recovered.last_zxid, 0);
    assert_int_equal(tree_count(rig->recovered.tree), 5);
    char *key = file(rig, "zooid/session_key");
    assert_int_equal(stat(key, &stat_of), 0);
    assert_int_equal(stat_of.st_mode & 0777, 0600);
    assert_int_equal(stat_of.st_size, 32);
    free(key);

    disk_rig_write(rig, 1, 1); /* its threads have come to rest: libuv closes descriptors behind a sanitizer's back */
    snprintf(pid, sizeof pid, "process %ld", (long)getpid());
    other.message = (struct buffer){0};
    assert_int_equal(disk_rig_try_open(&other), ST_BUSY);
    assert_says(&other, pid);
    buffer_free(&other.message);
    disk_rig_close(rig);
}

static void the_session_key_stays_the_same(void **state)
{
    struct disk_rig *rig = *state;
    uint8_t key[32];
    disk_rig_open(rig);
    memcpy(key, rig->recovered.password_key, sizeof key);
    disk_rig_reopen(rig);
    assert_memory_equal(key, rig->recovered.password_key, sizeof key);
    disk_rig_close(rig);
    write_at(rig, "zooid/session_key", 32, "x", 1);
    assert_int_equal(disk_rig_try_open(rig), ST_CORRUPT);
    assert_says(rig, "session_key: damaged");
}

static void a_newer_format_is_refused_by_name(void **state)
{
    struct disk_rig *rig = *state;
    disk_rig_open(rig);
    disk_rig_close(rig);
    write_at(rig, "zooid/format", 0, "zooid 9\n", 8);
    assert_int_equal(disk_rig_try_open(rig), ST_UNSUPPORTED);
    assert_says(rig, "zooid/format: written by a newer agent in format 9");
    assert_int_equal(check(rig), 2);
}

static void a_missing_directory_is_only_made_when_it_may(void **state)
{
    struct disk_rig *rig = *state;
    rig->settings->datadir_autocreate = false;
    assert_int_equal(disk_rig_try_open(rig), ST_IO_ERROR);
    assert_says(rig, "datadir.autocreate");
    assert_false(exists(rig, "."));
    assert_int_equal(check(rig), 3);
}

static void a_file_is_no_directory_to_check(void **state)
{
    struct disk_rig *rig = *state;
    FILE *f = fopen(rig->dir, "w");
    assert_non_null(f);
    fclose(f);
    assert_int_equal(check(rig), 3);
    assert_says(rig, ": Not a directory");
}

static void logs_in_the_place_of_snapshots_stop_the_start(void **state)
{
    struct disk_rig *rig = *state;
    disk_rig_open(rig);
    disk_rig_write(rig, 1, 3);
    disk_rig_close(rig);
    free(rig->settings->data_log_dir);
    rig->settings->data_log_dir = tmp_join(rig->root, "log");
    assert_int_equal(disk_rig_try_open(rig), ST_CORRUPT);
    assert_says(rig, "does not belong here");
}

static void logs_can_have_a_directory_of_their_own(void **state)
{
    struct disk_rig *rig = *state;
    free(rig->settings->data_log_dir);
    rig->settings->data_log_dir = tmp_join(rig->root, "log/below");
    disk_rig_open(rig);
    disk_rig_write(rig, 1, 30);
    assert_int_equal(count_files(rig, STORE_LOG), 0);
    disk_rig_reopen(rig);
    disk_rig_close(rig);
}

/* -- writing and coming back -------------------------------------------------------------------------------------- */

static void what_was_logged_is_there_after_a_restart(void **state)
{
    struct disk_rig *rig = *state;
    disk_rig_open(rig);
    disk_rig_write(rig, 1, 100);
    disk_rig_reopen(rig);
    disk_rig_write(rig, 101, 50);
    disk_rig_reopen(rig);
    assert_int_equal(rig->recovered.last_zxid, 150);
    disk_rig_close(rig);
    assert_int_equal(check(rig), 0);
}

static void a_checkpoint_is_what_the_next_start_begins_with(void **state)
{
    struct disk_rig *rig = *state;
    struct persistence_status status;
    disk_rig_open(rig);
    disk_rig_write(rig, 1, 500);
    assert_true(disk_rig_checkpoint(rig));
    persistence_status(rig->persistence, &status);
    assert_int_equal(status.checkpoint_zxid, 500);
    assert_int_equal(status.snapshot_zxid, 500); /* the first time there is one to fall back on */
    assert_int_equal(status.logged_zxid, 500);
    disk_rig_write(rig, 501, 20);
    disk_rig_reopen(rig);
    persistence_status(rig->persistence, &status);
    assert_int_equal(status.checkpoint_zxid, 500);
    assert_true(disk_rig_checkpoint(rig));
    persistence_status(rig->persistence, &status);
    assert_int_equal(status.checkpoint_zxid, 520);
    assert_int_equal(status.snapshot_zxid, 500);
    disk_rig_reopen(rig);
    disk_rig_close(rig);
    assert_int_equal(check(rig), 0);
}

static void checkpoints_are_written_while_the_tree_changes(void **state)
{
    struct disk_rig *rig = *state;
    struct persistence_status status;
    rig->settings->snap_count = 100;
    disk_rig_open(rig);
    disk_rig_write(rig, 1, 3000);
    for (persistence_status(rig->persistence, &status); status.checkpoint_zxid < 0;
         persistence_status(rig->persistence, &status)) {
        (void)uv_run(&rig->loop, UV_RUN_ONCE);
        disk_rig_turn(rig);
    }
    disk_rig_reopen(rig);
    disk_rig_write(rig, 3001, 1000);
    disk_rig_reopen(rig);
    disk_rig_close(rig);
}

static void a_second_question_while_one_is_open_is_refused(void **state)
{
    struct disk_rig *rig = *state, second = {0};
    disk_rig_open(rig);
    disk_rig_write(rig, 1, 10);
    persistence_checkpoint(rig->persistence, disk_rig_done, rig);
    persistence_checkpoint(rig->persistence, disk_rig_done, &second);
    assert_true(second.done && !second.done_ok);
    rig->done = false;
    while (!rig->done) {
        disk_rig_turn(rig);
        (void)uv_run(&rig->loop, UV_RUN_ONCE);
    }
    assert_true(rig->done_ok);
    disk_rig_close(rig);
}

/* As of a follower that is stopped: its leader goes on writing, and each turn finds another last zxid. */
static void what_was_asked_for_is_answered_though_writes_go_on(void **state)
{
    enum { LOGGED = 1000 };
    struct disk_rig *rig = *state;
    struct persistence_status status;
    disk_rig_open(rig);
    disk_rig_write(rig, 1, LOGGED);
    rig->done = false;
    persistence_checkpoint(rig->persistence, disk_rig_done, rig);
    for (int64_t zxid = 1; !rig->done && zxid < LOGGED; zxid++) {
        bool more = persistence_turn(rig->persistence, rig->recovered.tree, rig->recovered.sessions, zxid);
        (void)uv_run(&rig->loop, more ? UV_RUN_NOWAIT : UV_RUN_ONCE);
    }
    assert_true(rig->done && rig->done_ok);
    persistence_status(rig->persistence, &status);
    assert_true(status.checkpoint_zxid > 0 && status.snapshot_zxid > 0);
    disk_rig_close(rig);
}

/* Its first transactions are on the disk long before its end: a kill may leave them, but not what the log still has to
 * write. */
static void nothing_of_a_checkpoint_is_written_before_the_log_is_synced_that_far(void **state)
{
    struct disk_rig *rig = *state;
    disk_rig_open(rig);
    disk_rig_write(rig, 1, 100);
    disk_rig_append(rig, 101);
    disk_rig_apply_early(rig);
    rig->done = false;
    persistence_checkpoint(rig->persistence, disk_rig_done, rig);
    for (int turn = 0; turn < 10; turn++)
        assert_false(persistence_turn(rig->persistence, rig->recovered.tree, rig->recovered.sessions, rig->applied));
    while (!rig->done) {
        (void)uv_run(&rig->loop, UV_RUN_ONCE);
        disk_rig_turn(rig);
    }
    assert_true(rig->done_ok);
    disk_rig_reopen(rig);
    disk_rig_close(rig);
}

static void old_logs_go_once_a_checkpoint_and_snapshots_hold_them(void **state)
{
    struct disk_rig *rig = *state;
    rig->settings->snap_count = 50;
    rig->settings->log_retain_bytes = 0;
    rig->settings->log_retain_ms = 0;
    rig->settings->snapshot_interval_ms = 0; /* one after each checkpoint */
    disk_rig_open(rig);
    for (int i = 0; i < 20; i++) {
        disk_rig_write(rig, 1 + i * 60, 60);
        assert_true(disk_rig_checkpoint(rig));
    }
    for (int i = 0; i < 100 && count_files(rig, STORE_LOG) > 10; i++) {
        (void)uv_run(&rig->loop, UV_RUN_ONCE);
        disk_rig_turn(rig);
    }
    assert_true(count_files(rig, STORE_LOG) <= 10);
    assert_true(count_files(rig, STORE_SNAPSHOT) <= 4);
    disk_rig_reopen(rig);
    disk_rig_close(rig);
}

/* -- damage ------------------------------------------------------------------------------------------------------- */

static void a_start_that_did_not_survive_the_checkpoint_sets_it_aside(void **state)
{
    struct disk_rig *rig = *state;
    struct persistence_status status;
    disk_rig_open(rig);
    disk_rig_write(rig, 1, 300);
    assert_true(disk_rig_checkpoint(rig));
    disk_rig_write(rig, 301, 20);
    disk_rig_close(rig);
    write_at(rig, "zooid/loading", 0, "", 0);
    assert_int_equal(check(rig), 1);
    disk_rig_open(rig);
    assert_int_equal(rig->recovered.last_zxid, 320);
    assert_int_equal(tree_count(rig->recovered.tree), 325);
    assert_true(exists(rig, "zooid/checkpoint.damaged"));
    assert_false(exists(rig, "zooid/loading"));
    assert_true(disk_rig_checkpoint(rig));
    persistence_status(rig->persistence, &status);
    assert_int_equal(status.checkpoint_zxid, 320);
    disk_rig_reopen(rig);
    disk_rig_close(rig);
}

static void a_damaged_checkpoint_is_rebuilt_from_snapshot_and_log(void **state)
{
    struct disk_rig *rig = *state;
    char garbage[20000];
    memset(garbage, 0x5a, sizeof garbage);
    disk_rig_open(rig);
    disk_rig_write(rig, 1, 300);
    assert_true(disk_rig_checkpoint(rig));
    disk_rig_write(rig, 301, 20);
    disk_rig_close(rig);
    write_at(rig, "zooid/checkpoint", 0, garbage, sizeof garbage);
    assert_int_equal(check(rig), 1);
    disk_rig_open(rig);
    assert_int_equal(rig->recovered.last_zxid, 320);
    assert_int_equal(tree_count(rig->recovered.tree), 325);
    disk_rig_close(rig);
}

static void a_torn_tail_is_cut_and_damage_is_refused(void **state)
{
    struct disk_rig *rig = *state;
    char torn[700] = {0};
    disk_rig_open(rig);
    disk_rig_write(rig, 1, 20);
    int64_t bytes = 16;
    struct stat stat_of;
    disk_rig_close(rig);
    char *log = file(rig, "version-2/log.1");
    assert_int_equal(stat(log, &stat_of), 0);
    bytes = stat_of.st_size;
    /* What a power cut may leave of one more record: its head, then a sector of zeros. */
    memset(torn, 0, sizeof torn);
    torn[4] = 0x11;
    torn[10] = 0x04;
    write_at(rig, "version-2/log.1", bytes, torn, sizeof torn);
    assert_int_equal(check(rig), 1);
    disk_rig_open(rig);
    assert_int_equal(rig->recovered.last_zxid, 20);
    disk_rig_close(rig);
    assert_int_equal(check(rig), 0);

    write_at(rig, "version-2/log.1", bytes / 2, "damage", 6);
    assert_int_equal(check(rig), 2);
    assert_int_equal(disk_rig_try_open(rig), ST_CORRUPT);
    assert_says(rig, "version-2/log.1 at byte");
    free(log);
}

/* -- check and export --------------------------------------------------------------------------------------------- */

static void a_check_says_that_an_agent_runs_and_disturbs_it_not(void **state)
{
    struct disk_rig *rig = *state;
    char pid[64];
    disk_rig_open(rig);
    disk_rig_write(rig, 1, 20);
    assert_true(disk_rig_checkpoint(rig));
    snprintf(pid, sizeof pid, "process %ld runs on this directory", (long)getpid());
    assert_int_equal(check(rig), 0);
    assert_says(rig, pid);
    disk_rig_write(rig, 21, 20);
    disk_rig_reopen(rig);
    disk_rig_close(rig);
}

static void an_export_leaves_one_exact_snapshot(void **state)
{
    struct disk_rig *rig = *state;
    disk_rig_open(rig);
    disk_rig_write(rig, 1, 300);
    assert_true(disk_rig_checkpoint(rig));
    disk_rig_write(rig, 301, 55);
    rig->message.len = 0;
    assert_int_equal(persistence_export_snapshot(rig->settings, &rig->message), ST_BUSY);
    uint64_t digest = tree_digest(rig->recovered.tree);
    disk_rig_close(rig);

    rig->message.len = 0;
    assert_int_equal(persistence_export_snapshot(rig->settings, &rig->message), ST_OK);
    assert_says(rig, "snapshot.163: written, 360 znodes");
    assert_int_equal(count_files(rig, STORE_SNAPSHOT), 1);
    assert_true(exists(rig, "version-2/snapshot.163"));
    assert_int_equal(check(rig), 0);
    char *own = file(rig, "zooid/checkpoint");
    assert_int_equal(unlink(own), 0);
    free(own);
    disk_rig_open(rig);
    assert_int_equal(rig->recovered.last_zxid, 355);
    assert_int_equal(tree_digest(rig->recovered.tree), digest);
    disk_rig_close(rig);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, disk_rig_set_up, disk_rig_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_fresh_directory_is_made_and_locked),
        TEST(the_session_key_stays_the_same),
        TEST(a_newer_format_is_refused_by_name),
        TEST(a_missing_directory_is_only_made_when_it_may),
        TEST(a_file_is_no_directory_to_check),
        TEST(logs_in_the_place_of_snapshots_stop_the_start),
        TEST(logs_can_have_a_directory_of_their_own),
        TEST(what_was_logged_is_there_after_a_restart),
        TEST(a_checkpoint_is_what_the_next_start_begins_with),
        TEST(checkpoints_are_written_while_the_tree_changes),
        TEST(a_second_question_while_one_is_open_is_refused),
        TEST(what_was_asked_for_is_answered_though_writes_go_on),
        TEST(nothing_of_a_checkpoint_is_written_before_the_log_is_synced_that_far),
        TEST(old_logs_go_once_a_checkpoint_and_snapshots_hold_them),
        TEST(a_start_that_did_not_survive_the_checkpoint_sets_it_aside),
        TEST(a_damaged_checkpoint_is_rebuilt_from_snapshot_and_log),
        TEST(a_torn_tail_is_cut_and_damage_is_refused),
        TEST(a_check_says_that_an_agent_runs_and_disturbs_it_not),
        TEST(an_export_leaves_one_exact_snapshot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
