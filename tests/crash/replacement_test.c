/* A snapshot from the leader, with the txns behind it, takes the place of a member's data, and the power goes or a call
 * fails anywhere meanwhile: the next start finds all of the old or all of the new, never a mixture. */
/* limit: 600 */
/* link: -Wl,--wrap=mem_alloc -Wl,--wrap=mem_calloc -Wl,--wrap=mem_realloc */
#include "core/base/mem.h"
#include "core/store/replacement.h"
#include "core/store/snapshot_spool.h"
#include "tests/support/failing_memory.h"
#include "tests/support/store_world.h"
#include "tests/support/test.h"

#include <stdlib.h>

#define CHECKPOINT_FILE WORLD_MARK_DIR "/checkpoint"

enum { BATCHES = 24, PIECE = 700 };

/* What the leader sends. */
struct leader {
    struct txn_load load;
    int64_t label;
    struct buffer stream, records;
};

struct rig {
    struct world w;
    struct leader leader;
    int64_t old_zxid;
};

static bool is_long(void)
{
    return getenv("ZOOID_LONG") != NULL;
}

static void leader_init(struct leader *l, uint64_t seed, int64_t label, int txns_meanwhile)
{
    bool done = false;
    *l = (struct leader){.label = label};
    txn_load_init(&l->load, seed);
    while (l->load.zxid < label) {
        txn_load_next_record(&l->load, &l->records);
        l->records.len = 0;
    }
    struct snapshot_writer *w = snapshot_stream_writer_new(l->load.tree, l->load.sessions, label);
    while (!done) {
        assert_int_equal(snapshot_encode_some(w, 4, &l->stream, &done), ST_OK);
        if (l->load.zxid < label + txns_meanwhile)
            txn_load_next_record(&l->load, &l->records);
    }
    assert_int_equal(snapshot_stream_end(w, &l->stream), ST_OK);
    snapshot_writer_free(w);
    while (l->load.zxid < label + txns_meanwhile)
        txn_load_next_record(&l->load, &l->records);
}

static void set_up(struct rig *rig, uint64_t seed, int variant)
{
    world_init(&rig->w, seed);
    assert_int_equal(world_start(&rig->w), ST_OK);
    assert_int_equal(world_run(&rig->w, BATCHES), ST_OK);
    world_stop(&rig->w);
    rig->old_zxid = rig->w.load.zxid;
    disk_sim_put(rig->w.disk, CHECKPOINT_FILE, BYTES("stands for the one in memory"));
    /* Behind and before the end of the old log; with and without txns behind it. */
    int64_t label = variant & 1 ? rig->old_zxid + 7 : rig->old_zxid / 2;
    leader_init(&rig->leader, ~seed, label, variant & 2 ? 30 : 0);
}

static void tear_down(struct rig *rig)
{
    txn_load_free(&rig->leader.load);
    buffer_free(&rig->leader.stream);
    buffer_free(&rig->leader.records);
    world_free(&rig->w);
}

static struct replacement_place place(struct rig *rig)
{
    return (struct replacement_place){disk_sim_io(rig->w.disk), WORLD_MARK_DIR, WORLD_DIR, WORLD_DIR, CHECKPOINT_FILE};
}

static enum status spool(struct rig *rig)
{
    struct snapshot_spool *s = NULL;
    const struct leader *l = &rig->leader;
    enum status st = snapshot_spool_begin(&s, disk_sim_io(rig->w.disk), WORLD_DIR, l->label);
    for (size_t at = 0; at < l->stream.len && st == ST_OK; at += PIECE) {
        size_t len = l->stream.len - at < PIECE ? l->stream.len - at : PIECE;
        st = snapshot_spool_append(s, bytes_make(l->stream.data + at, len));
    }
    uint64_t digest = tree_digest(l->load.tree);
    if (st == ST_OK)
        st = snapshot_spool_seal(s, l->load.zxid, l->load.zxid % 3 == 0 ? NULL : &digest);
    snapshot_spool_free(s, false);
    return st;
}

static enum status lower_mark(struct rig *rig)
{
    struct log_end *e = NULL;
    int64_t zxid = rig->old_zxid < rig->leader.load.zxid ? rig->old_zxid : rig->leader.load.zxid;
    enum status st = log_end_open(&e, disk_sim_io(rig->w.disk), WORLD_MARK_DIR, zxid);
    if (st == ST_OK)
        st = log_end_write_synced(e, zxid);
    log_end_close(e);
    return st;
}

static enum status replace(struct rig *rig)
{
    const struct replacement_place p = place(rig);
    const struct leader *l = &rig->leader;
    bool some = l->records.len > 0, found;
    struct findings findings = {0};
    enum status st = spool(rig);
    if (st == ST_OK)
        st = lower_mark(rig);
    const struct replacement r = {l->label, some ? l->label + 1 : 0, some ? l->load.zxid : 0,
                                  buffer_bytes(&l->records)};
    if (st == ST_OK)
        st = replacement_begin(&p, &r);
    if (st == ST_OK)
        st = replacement_finish(&p, &found, &findings);
    findings_free(&findings);
    return st;
}

/* A start. `is_new`: which of the two databases it found. */
static void start(struct rig *rig, bool *is_new)
{
    const struct replacement_place p = place(rig);
    struct findings findings = {0};
    struct recovery r;
    bool found;
    assert_int_equal(replacement_finish(&p, &found, &findings), ST_OK);
    assert_int_equal(findings.count, 0);
    rig->w.use_checkpoint = !bytes_is_null(disk_sim_get(rig->w.disk, CHECKPOINT_FILE));
    enum status st = world_recover(&rig->w, &r);
    struct buffer text = {0};
    if (st != ST_OK && findings_print(&r.findings, &text) == ST_OK)
        printf("refused with %s:\n%.*s\n", status_text(st), BYTES_PRINT(buffer_bytes(&text)));
    buffer_free(&text);
    assert_int_equal(st, ST_OK);
    const struct txn_load *leader = &rig->leader.load;
    *is_new = r.last_zxid <= leader->zxid && state_is(leader, r.last_zxid, r.tree, r.sessions);
    if (*is_new)
        assert_int_equal(r.last_zxid, rig->leader.load.zxid);
    else
        assert_int_equal(r.last_zxid, rig->old_zxid);
    if (!*is_new)
        assert_state_is(&rig->w.load, r.last_zxid, r.tree, r.sessions);
    recovery_free(&r);
}

static void all_of_the_new_is_there(void **state)
{
    (void)state;
    uint64_t seed = random_seed();
    for (int variant = 0; variant < 4; variant++) {
        struct rig rig;
        bool is_new;
        set_up(&rig, seed, variant);
        assert_int_equal(replace(&rig), ST_OK);
        for (int i = 0; i < 2; i++) {
            start(&rig, &is_new);
            assert_true(is_new);
            disk_sim_power_cut_random(rig.w.disk, &rig.w.random);
        }
        tear_down(&rig);
    }
}

static void fail_everywhere(int variant, enum disk_fault_kind kind, unsigned calls, enum status status)
{
    uint64_t seed = random_seed(), outcomes = is_long() ? 30 : 3, olds = 0, news = 0;
    struct random random = {seed};
    struct rig rig;
    set_up(&rig, seed, variant);
    struct disk_sim *whole = rig.w.disk;
    bool failed = true;
    for (uint64_t n = 1; failed; n++) {
        for (uint64_t i = 0; i < outcomes; i++) {
            const struct disk_fault fault = {kind, calls, n, status};
            bool is_new, again;
            rig.w.disk = disk_sim_copy(whole);
            disk_sim_fault(rig.w.disk, &fault);
            enum status st = replace(&rig);
            failed = disk_sim_has_failed(rig.w.disk);
            disk_sim_fault(rig.w.disk, NULL);
            if (kind == DISK_CUT || i > 0)
                disk_sim_power_cut_random(rig.w.disk, &random);
            start(&rig, &is_new);
            assert_true(is_new || st != ST_OK);
            news += is_new;
            olds += !is_new;
            disk_sim_power_cut_random(rig.w.disk, &random);
            start(&rig, &again);
            assert_int_equal(again, is_new);
            disk_sim_free(rig.w.disk);
        }
    }
    assert_true(olds > 5 && news > 5);
    rig.w.disk = whole;
    tear_down(&rig);
}

static void a_power_cut_at_any_call_leaves_old_or_new(void **state)
{
    (void)state;
    for (int variant = 0; variant < 4; variant++)
        fail_everywhere(variant, DISK_CUT, DISK_CHANGES, ST_IO_ERROR);
}

static void a_failing_call_leaves_old_or_new(void **state)
{
    (void)state;
    for (int variant = 0; variant < 4; variant++) {
        fail_everywhere(variant, DISK_FAIL_ONCE, DISK_ANY, ST_IO_ERROR);
        fail_everywhere(variant, DISK_FAIL_ALWAYS, DISK_CHANGES, ST_IO_ERROR);
        fail_everywhere(variant, DISK_FAIL_ONCE, DISK_CHANGES, ST_NO_SPACE);
    }
}

/* A start that is cut short while it carries the replacement out. */
static void a_start_that_is_interrupted_is_carried_on(void **state)
{
    (void)state;
    uint64_t seed = random_seed();
    struct random random = {seed};
    struct rig rig;
    set_up(&rig, seed, 2);
    const struct leader *l = &rig.leader;
    struct replacement_place p = place(&rig);
    const struct replacement r = {l->label, l->label + 1, l->load.zxid, buffer_bytes(&l->records)};
    assert_int_equal(spool(&rig), ST_OK);
    assert_int_equal(lower_mark(&rig), ST_OK);
    assert_int_equal(replacement_begin(&p, &r), ST_OK);
    struct disk_sim *whole = rig.w.disk;
    bool failed = true, found, is_new;
    for (uint64_t n = 1; failed; n++) {
        const struct disk_fault fault = {DISK_CUT, DISK_CHANGES, n, ST_IO_ERROR};
        struct findings findings = {0};
        rig.w.disk = disk_sim_copy(whole);
        p = place(&rig);
        disk_sim_fault(rig.w.disk, &fault);
        enum status st = replacement_finish(&p, &found, &findings);
        failed = disk_sim_has_failed(rig.w.disk);
        assert_int_equal(st == ST_OK, !failed);
        findings_free(&findings);
        disk_sim_fault(rig.w.disk, NULL);
        disk_sim_power_cut_random(rig.w.disk, &random);
        start(&rig, &is_new);
        assert_true(is_new);
        disk_sim_free(rig.w.disk);
    }
    rig.w.disk = whole;
    tear_down(&rig);
}

/* As the log thread does when there is no room or no memory: the same once more. */
static void one_that_could_not_be_finished_is_done_again(void **state)
{
    (void)state;
    struct rig rig;
    set_up(&rig, random_seed(), 2);
    struct disk_sim *whole = rig.w.disk;
    bool failed = true, is_new;
    for (int n = 0; failed; n++) {
        const struct disk_fault fault = {DISK_FAIL_ONCE, DISK_WRITE | DISK_OPEN, (uint64_t)n / 2 + 1, ST_NO_SPACE};
        rig.w.disk = disk_sim_copy(whole);
        if (n % 2 == 0)
            disk_sim_fault(rig.w.disk, &fault);
        else
            memory_fail_once_after(n / 2);
        enum status st = replace(&rig);
        failed = n % 2 == 0 || memory_has_failed();
        memory_fail_after(-1);
        disk_sim_fault(rig.w.disk, NULL);
        assert_true(st == ST_OK || st == ST_NO_MEMORY || st == ST_NO_SPACE);
        if (st != ST_OK)
            assert_int_equal(replace(&rig), ST_OK);
        start(&rig, &is_new);
        assert_true(is_new);
        disk_sim_free(rig.w.disk);
    }
    rig.w.disk = whole;
    tear_down(&rig);
}

static void expect_refused(struct rig *rig)
{
    struct findings findings = {0};
    const struct replacement_place p = place(rig);
    bool found;
    assert_int_equal(replacement_finish(&p, &found, &findings), ST_CORRUPT);
    assert_int_equal(findings_worst(&findings), FINDING_DAMAGE);
    findings_free(&findings);
}

static void what_cannot_be_carried_out_stops_the_start(void **state)
{
    (void)state;
    struct rig rig;
    set_up(&rig, 11, 2);
    const struct leader *l = &rig.leader;
    const struct replacement_place p = place(&rig);
    const struct replacement r = {l->label, l->label + 1, l->load.zxid, buffer_bytes(&l->records)};
    assert_int_equal(replacement_begin(&p, &r), ST_OK);
    expect_refused(&rig); /* there is no snapshot */
    const char *path = WORLD_MARK_DIR "/" REPLACEMENT_NAME;
    struct bytes written = bytes_copy(disk_sim_get(rig.w.disk, path));
    uint8_t *data = (uint8_t *)written.data;
    for (size_t at = 0; at < written.len; at += 37) {
        data[at] ^= 1;
        disk_sim_put(rig.w.disk, path, written);
        expect_refused(&rig);
        data[at] ^= 1;
    }
    for (size_t len = 0; len < written.len; len += 101) {
        disk_sim_put(rig.w.disk, path, bytes_make(written.data, len));
        expect_refused(&rig);
    }
    data[7] = 2;
    disk_sim_put(rig.w.disk, path, written);
    expect_refused(&rig);
    bool found;
    assert_int_equal(replacement_is_under_way(&p, &found), ST_OK);
    assert_true(found);
    mem_free(data);
    tear_down(&rig);
}

static void a_stream_without_its_end_is_not_kept(void **state)
{
    (void)state;
    struct rig rig;
    set_up(&rig, 12, 0);
    rig.leader.stream.data[rig.leader.stream.len - 1] ^= 1;
    assert_int_equal(spool(&rig), ST_CORRUPT);
    rig.leader.stream.len = 5;
    assert_int_equal(spool(&rig), ST_CORRUPT);
    bool is_new;
    start(&rig, &is_new);
    assert_false(is_new);
    char path[64];
    snprintf(path, sizeof path, WORLD_DIR "/incoming.%llx", (unsigned long long)rig.leader.label);
    assert_true(bytes_is_null(disk_sim_get(rig.w.disk, path)));
    tear_down(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_of_the_new_is_there),
        cmocka_unit_test(a_power_cut_at_any_call_leaves_old_or_new),
        cmocka_unit_test(a_failing_call_leaves_old_or_new),
        cmocka_unit_test(a_start_that_is_interrupted_is_carried_on),
        cmocka_unit_test(one_that_could_not_be_finished_is_done_again),
        cmocka_unit_test(what_cannot_be_carried_out_stops_the_start),
        cmocka_unit_test(a_stream_without_its_end_is_not_kept),
    };
    return cmocka_run_group_tests_name("replacement", tests, NULL, NULL);
}
