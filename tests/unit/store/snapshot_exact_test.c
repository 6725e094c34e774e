/* An exact snapshot is the tree at its label, whatever changes while it is written. */
#include "core/base/mem.h"
#include "core/store/snapshot.h"
#include "tests/support/test.h"
#include "tests/support/txn_load.h"

enum { TXNS = 400, EARLY_MAX = 1 << 20 };

struct rig {
    struct txn_load load, still; /* the same txns; `still` stops at the label */
    struct snapshot_writer *writer;
    struct buffer file;
};

static void apply_txns(struct txn_load *load, int count)
{
    struct buffer entry = {0};
    for (int i = 0; i < count; i++) {
        entry.len = 0;
        txn_load_next(load, &entry);
    }
    buffer_free(&entry);
}

static void set_up(struct rig *rig, uint64_t seed, size_t early_max)
{
    *rig = (struct rig){.file = {0}};
    txn_load_init(&rig->load, seed);
    txn_load_init(&rig->still, seed);
    apply_txns(&rig->load, TXNS);
    apply_txns(&rig->still, TXNS);
    rig->writer = snapshot_exact_writer_new(rig->load.tree, rig->load.sessions, rig->load.zxid, early_max);
    assert_non_null(rig->writer);
}

static void tear_down(struct rig *rig)
{
    snapshot_writer_free(rig->writer);
    buffer_free(&rig->file);
    txn_load_free(&rig->load);
    txn_load_free(&rig->still);
}

/* Reads what was written, which has to be the tree that stood still. */
static void assert_is_still(struct rig *rig)
{
    struct tree *tree = tree_new(&txn_load_tree_options);
    struct sessions *sessions = sessions_new(2000);
    struct snapshot_info info;
    assert_true(tree != NULL && sessions != NULL);
    struct snapshot_reader *r = snapshot_reader_new(tree, sessions, 0);
    assert_non_null(r);
    assert_int_equal(snapshot_feed(r, buffer_bytes(&rig->file)), ST_OK);
    assert_int_equal(snapshot_finish(r, &info), ST_OK);
    snapshot_reader_free(r);
    assert_state_is(&rig->still, rig->still.zxid, tree, sessions);
    assert_tree_is_model(tree, &rig->still.model);
    assert_true(info.has_digest && info.digest_zxid == rig->still.zxid);
    assert_true(info.digest == tree_digest(tree) && info.digest == tree_digest(rig->still.tree));
    assert_int_equal(info.nodes, snapshot_nodes(rig->writer));
    tree_free(tree);
    sessions_free(sessions);
}

static void it_is_the_tree_at_its_label(void **state)
{
    (void)state;
    for (size_t slice = 1; slice < 60; slice += 6) {
        struct rig rig;
        bool done = false, kept = false;
        set_up(&rig, 3 + slice, EARLY_MAX);
        apply_txns(&rig.load, 50); /* before the first call, too */
        while (!done) {
            kept = kept || snapshot_early(rig.writer) > 0;
            assert_int_equal(snapshot_encode_some(rig.writer, slice, &rig.file, &done), ST_OK);
            assert_int_equal(snapshot_early(rig.writer), 0);
            apply_txns(&rig.load, 10);
        }
        assert_true(kept);
        assert_true(rig.load.zxid > rig.still.zxid);
        assert_int_equal(snapshot_encode_end(rig.writer, rig.still.zxid, &rig.file), ST_OK);
        assert_is_still(&rig);
        tear_down(&rig);
    }
}

/* Before the walk has come to any of them. */
static void all_of_it_may_go_at_once(void **state)
{
    (void)state;
    struct rig rig;
    bool done = false;
    set_up(&rig, 3, EARLY_MAX);
    const struct tree_node *root = tree_lookup(rig.load.tree, BYTES("")), *child;
    struct buffer path = {0};
    for (int64_t zxid = rig.load.zxid + 1; (child = tree_first_child(rig.load.tree, root)) != NULL; zxid++) {
        path.len = 0;
        assert_int_equal(tree_path(rig.load.tree, child, &path), ST_OK);
        assert_int_equal(tree_delete(rig.load.tree, buffer_bytes(&path), zxid), ST_OK);
    }
    buffer_free(&path);
    while (!done)
        assert_int_equal(snapshot_encode_some(rig.writer, 7, &rig.file, &done), ST_OK);
    assert_int_equal(snapshot_encode_end(rig.writer, rig.still.zxid, &rig.file), ST_OK);
    assert_is_still(&rig);
    tear_down(&rig);
}

/* It ends with an error, and refers to nothing any more. */
static void it_ends_with_its_tree(void **state)
{
    (void)state;
    for (int freed = 0; freed < 2; freed++) {
        struct rig rig;
        uint64_t dropped;
        bool done;
        set_up(&rig, 3, EARLY_MAX);
        assert_int_equal(snapshot_encode_some(rig.writer, 5, &rig.file, &done), ST_OK);
        if (freed == 1) {
            tree_free(rig.load.tree);
            rig.load.tree = NULL;
        } else {
            tree_load_begin(rig.load.tree);
            assert_int_equal(tree_loaded(rig.load.tree, &dropped), ST_OK);
        }
        assert_int_equal(snapshot_encode_some(rig.writer, 5, &rig.file, &done), ST_NOT_FOUND);
        tear_down(&rig);
    }
}

static void what_waits_is_bounded(void **state)
{
    (void)state;
    struct rig rig;
    bool done;
    set_up(&rig, 3, 2000);
    assert_int_equal(snapshot_encode_some(rig.writer, 1, &rig.file, &done), ST_OK);
    for (int i = 0; i < 300; i++) {
        apply_txns(&rig.load, 1);
        assert_true(snapshot_early(rig.writer) <= 2000);
    }
    assert_int_equal(snapshot_encode_some(rig.writer, 5, &rig.file, &done), ST_LIMIT);
    assert_int_equal(snapshot_early(rig.writer), 0);
    tear_down(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_the_tree_at_its_label),
        cmocka_unit_test(all_of_it_may_go_at_once),
        cmocka_unit_test(it_ends_with_its_tree),
        cmocka_unit_test(what_waits_is_bounded),
    };
    return cmocka_run_group_tests_name("snapshot_exact", tests, NULL, NULL);
}
