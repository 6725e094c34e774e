/* A log is cut behind any of its txns, and the power goes or a call fails anywhere meanwhile: afterwards the log ends
 * at that txn or behind it, without a hole, and gives the tree of just that moment; a refusal changes nothing. */
/* limit: 600 */
/* link: -Wl,--wrap=mem_alloc -Wl,--wrap=mem_calloc -Wl,--wrap=mem_realloc */
#include "core/store/log_cut.h"
#include "tests/support/failing_memory.h"
#include "tests/support/store_world.h"
#include "tests/support/test.h"

#include <stdlib.h>

enum { BATCHES = 24 };

static bool is_long(void)
{
    return getenv("ZOOID_LONG") != NULL;
}

static void set_up(struct world *w, uint64_t seed, bool use_checkpoint)
{
    world_init(w, seed);
    w->use_checkpoint = use_checkpoint;
    assert_int_equal(world_start(w), ST_OK);
    assert_int_equal(world_run(w, BATCHES), ST_OK);
    world_stop(w);
}

struct mark {
    struct world *world;
    int64_t zxid;
};

static enum status lower_mark(void *context)
{
    const struct mark *mark = context;
    struct log_end *e = NULL;
    enum status st = log_end_open(&e, disk_sim_io(mark->world->disk), WORLD_MARK_DIR, mark->zxid);
    if (st == ST_OK)
        st = log_end_write_synced(e, mark->zxid);
    log_end_close(e);
    return st;
}

static enum status cut(struct world *w, int64_t zxid, struct recovery *r)
{
    struct mark mark = {w, zxid};
    struct recovery_options options = {
        .io = disk_sim_io(w->disk),
        .snap_dir = WORLD_DIR,
        .log_dir = WORLD_DIR,
        .checkpoint = w->use_checkpoint ? checkpoint_memory_store(w->checkpoint) : NULL,
        .checkpoint_name = "checkpoint",
        .mark_dir = WORLD_MARK_DIR,
        .tree = &txn_load_tree_options,
        .tick_ms = 2000,
        .apply = txn_load_apply,
        .until = zxid,
    };
    *r = (struct recovery){0};
    return log_cut(&options, lower_mark, &mark, r);
}

struct sum {
    uint64_t hash;
};

static void add_file(void *context, const char *path, struct bytes content)
{
    struct sum *sum = context;
    uint64_t h = 1469598103934665603U;
    for (const char *c = path; *c != '\0'; c++)
        h = (h ^ (uint8_t)*c) * 1099511628211U;
    for (size_t i = 0; i < content.len; i++)
        h = (h ^ content.data[i]) * 1099511628211U;
    sum->hash += h;
}

static uint64_t disk_hash(struct disk_sim *disk)
{
    struct sum sum = {0};
    disk_sim_each(disk, add_file, &sum);
    return sum.hash;
}

/* Between the cut and where the log ended before, and the tree of that moment. */
static void assert_between(struct world *w, int64_t from, int64_t to)
{
    struct recovery r;
    enum status st = world_recover(w, &r);
    struct buffer text = {0};
    if (st != ST_OK && findings_print(&r.findings, &text) == ST_OK)
        printf("refused with %s:\n%.*s\n", status_text(st), BYTES_PRINT(buffer_bytes(&text)));
    buffer_free(&text);
    assert_int_equal(st, ST_OK);
    assert_in_range(r.last_zxid, from, to);
    assert_state_is(&w->load, r.last_zxid, r.tree, r.sessions);
    recovery_free(&r);
}

static void assert_snapshots_end_at(struct world *w, int64_t zxid)
{
    struct store_files files = {0};
    assert_int_equal(store_files_list(disk_sim_io(w->disk), WORLD_DIR, STORE_SNAPSHOT, &files), ST_OK);
    for (size_t i = 0; i < files.count; i++) {
        int64_t reaches;
        assert_int_equal(snapshot_reaches(disk_sim_io(w->disk), files.items[i].path, &reaches), ST_OK);
        assert_true(files.items[i].zxid <= zxid && reaches <= zxid);
    }
    store_files_free(&files);
}

/* How many cuts were made: of a world whose last checkpoint is at its very end, one. */
static int cut_anywhere(uint64_t seed, bool use_checkpoint)
{
    struct world w;
    set_up(&w, seed, use_checkpoint);
    struct disk_sim *whole = w.disk;
    int64_t last = w.load.zxid;
    int done = 0, refused = 0;
    for (int64_t zxid = 1; zxid <= last + 2; zxid++) {
        struct recovery r;
        w.disk = disk_sim_copy(whole);
        enum status st = cut(&w, zxid, &r);
        if (st == ST_OK) {
            done++;
            assert_int_equal(r.last_zxid, zxid);
            assert_state_is(&w.load, zxid, r.tree, r.sessions);
            assert_between(&w, zxid, zxid);
            assert_snapshots_end_at(&w, zxid);
        } else {
            refused++;
            assert_int_equal(st, ST_NOT_FOUND);
            assert_int_equal(disk_hash(w.disk), disk_hash(whole));
        }
        recovery_free(&r);
        disk_sim_free(w.disk);
    }
    assert_true(refused >= 2 && done >= 1);
    w.disk = whole;
    world_free(&w);
    return done;
}

/* [7.1 1156 1549] */
static void any_txn_is_cut_behind_or_refused(void **state)
{
    (void)state;
    uint64_t seed = random_seed();
    int done = 0;
    for (uint64_t i = 0; i < (is_long() ? 20 : 3); i++) {
        done += cut_anywhere(seed + i, false);
        done += cut_anywhere(seed + i, true);
    }
    assert_true(done >= 20);
}

/* The first txn from the middle on behind which can be cut; 0: none. */
static int64_t choose(struct world *w)
{
    struct disk_sim *whole = w->disk;
    int64_t found = 0;
    for (int64_t zxid = w->load.zxid / 2; zxid < w->load.zxid && found == 0; zxid++) {
        struct recovery r;
        w->disk = disk_sim_copy(whole);
        if (cut(w, zxid, &r) == ST_OK)
            found = zxid;
        recovery_free(&r);
        disk_sim_free(w->disk);
    }
    w->disk = whole;
    return found;
}

static bool cut_with_fault(struct world *w, int64_t zxid, const struct disk_fault *fault)
{
    struct recovery r;
    disk_sim_fault(w->disk, fault);
    (void)cut(w, zxid, &r);
    recovery_free(&r);
    bool failed = disk_sim_has_failed(w->disk);
    return failed;
}

static void fail_everywhere(enum disk_fault_kind kind, unsigned calls, enum status status)
{
    uint64_t seed = random_seed(), outcomes = is_long() ? 40 : 5;
    struct random random = {seed};
    struct world w;
    set_up(&w, seed, seed % 2 == 0);
    struct disk_sim *whole = w.disk;
    int64_t last = w.load.zxid, zxid = choose(&w);
    assert_true(zxid > 0);
    bool failed = true;
    for (uint64_t n = 1; failed; n++) {
        for (uint64_t i = 0; i < outcomes && failed; i++) {
            const struct disk_fault fault = {kind, calls, n, status};
            w.disk = disk_sim_copy(whole);
            failed = cut_with_fault(&w, zxid, &fault);
            disk_sim_fault(w.disk, NULL);
            if (kind == DISK_CUT || i > 0)
                disk_sim_power_cut_random(w.disk, &random);
            assert_between(&w, zxid, failed ? last : zxid);
            disk_sim_free(w.disk);
        }
    }
    w.disk = whole;
    world_free(&w);
}

static void a_power_cut_at_any_call_leaves_no_hole(void **state)
{
    (void)state;
    for (int i = 0; i < (is_long() ? 20 : 3); i++)
        fail_everywhere(DISK_CUT, DISK_CHANGES, ST_IO_ERROR);
}

static void a_failing_call_leaves_no_hole(void **state)
{
    (void)state;
    fail_everywhere(DISK_FAIL_ONCE, DISK_ANY, ST_IO_ERROR);
    fail_everywhere(DISK_FAIL_ALWAYS, DISK_CHANGES, ST_IO_ERROR);
    fail_everywhere(DISK_FAIL_ONCE, DISK_CHANGES, ST_NO_SPACE);
}

/* As the log thread does when there is no room or no memory: the same once more. */
static void a_cut_that_could_not_be_finished_is_done_again(void **state)
{
    (void)state;
    struct world w;
    set_up(&w, random_seed(), true);
    struct disk_sim *whole = w.disk;
    int64_t zxid = choose(&w);
    bool failed = true;
    for (int n = 0; failed; n++) {
        const struct disk_fault fault = {DISK_FAIL_ONCE, DISK_WRITE | DISK_TRUNCATE | DISK_REMOVE, (uint64_t)n / 2 + 1,
                                         ST_NO_SPACE};
        struct recovery r;
        w.disk = disk_sim_copy(whole);
        if (n % 2 == 0)
            disk_sim_fault(w.disk, &fault);
        else
            memory_fail_once_after(n / 2);
        enum status st = cut(&w, zxid, &r);
        failed = n % 2 == 0 || memory_has_failed();
        memory_fail_after(-1);
        disk_sim_fault(w.disk, NULL);
        assert_true(st == ST_OK || st == ST_NO_MEMORY || st == ST_NO_SPACE);
        recovery_free(&r);
        assert_int_equal(cut(&w, zxid, &r), ST_OK);
        assert_state_is(&w.load, zxid, r.tree, r.sessions);
        recovery_free(&r);
        assert_between(&w, zxid, zxid);
        disk_sim_free(w.disk);
    }
    w.disk = whole;
    world_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_txn_is_cut_behind_or_refused),
        cmocka_unit_test(a_power_cut_at_any_call_leaves_no_hole),
        cmocka_unit_test(a_failing_call_leaves_no_hole),
        cmocka_unit_test(a_cut_that_could_not_be_finished_is_done_again),
    };
    return cmocka_run_group_tests_name("log_cut", tests, NULL, NULL);
}
