/* A checkpoint holds what the tree was when it was frozen, whatever changes meanwhile; what is interrupted is made good
 * by replay, and what is damaged is never believed. */
#include "core/base/mem.h"
#include "core/store/checkpoint.h"
#include "tests/support/checkpoint_memory.h"
#include "tests/support/test.h"
#include "tests/support/txn_load.h"

#include <stdlib.h>

enum { ENTRIES_MAX = 4000 };

struct rig {
    struct checkpoint_memory *memory;
    struct txn_load load;
    struct buffer log; /* every entry so far */
    size_t ends[ENTRIES_MAX];
    struct tree *tree; /* loaded into */
    struct sessions *sessions;
    struct checkpoint_meta meta;
    struct findings findings;
};

static void set_up(struct rig *rig)
{
    *rig = (struct rig){.memory = checkpoint_memory_new()};
    txn_load_init(&rig->load, random_seed());
}

static void forget_loaded(struct rig *rig)
{
    tree_free(rig->tree);
    sessions_free(rig->sessions);
    rig->tree = NULL;
    rig->sessions = NULL;
    findings_free(&rig->findings);
}

static void tear_down(struct rig *rig)
{
    forget_loaded(rig);
    buffer_free(&rig->log);
    txn_load_free(&rig->load);
    checkpoint_memory_free(rig->memory);
}

static void apply_txns(struct rig *rig, int count)
{
    for (int i = 0; i < count; i++) {
        assert_true(rig->load.zxid + 1 < ENTRIES_MAX);
        txn_load_next(&rig->load, &rig->log);
        rig->ends[rig->load.zxid] = rig->log.len;
    }
}

static void replay(struct rig *rig, int64_t from, int64_t to)
{
    for (int64_t z = from + 1; z <= to; z++) {
        struct txn txn;
        size_t start = rig->ends[z - 1];
        assert_int_equal(txn_decode(bytes_make(rig->log.data + start, rig->ends[z] - start), &txn), ST_OK);
        txn_load_apply(NULL, rig->tree, rig->sessions, &txn);
    }
}

struct plan {
    size_t slice; /* records a call of the encoder */
    int between;  /* txns after each */
    uint64_t transaction_max;
    bool full;
    size_t stop_after; /* batches; 0: to the end */
};

static enum status take(struct rig *rig, const struct plan *plan)
{
    struct checkpoint_encoder *e;
    struct checkpoint_writer *w;
    assert_int_equal(checkpoint_encoder_new(&e, rig->load.tree, rig->load.sessions, rig->load.zxid), ST_OK);
    struct checkpoint_end end;
    checkpoint_encoder_end(e, &end);
    const struct checkpoint_options options = {end.zxid, plan->full, plan->transaction_max, 42};
    assert_int_equal(checkpoint_begin(&w, checkpoint_memory_store(rig->memory), &options), ST_OK);
    bool done = false, stopped = false;
    for (size_t batches = 1; !done && !stopped; batches++) {
        struct buffer batch = {0};
        assert_int_equal(checkpoint_encode_some(e, plan->slice, &batch, &done), ST_OK);
        assert_int_equal(checkpoint_put_batch(w, buffer_bytes(&batch)), ST_OK);
        buffer_free(&batch);
        stopped = batches == plan->stop_after;
        if (!done)
            apply_txns(rig, plan->between);
    }
    enum status st = ST_OK;
    if (stopped && !done)
        checkpoint_abort(w);
    else
        st = checkpoint_commit(w, &end);
    checkpoint_encoder_free(e, done && st == ST_OK);
    return done ? st : ST_BUSY;
}

static enum status load(struct rig *rig)
{
    forget_loaded(rig);
    rig->tree = tree_new(&txn_load_tree_options);
    rig->sessions = sessions_new(2000);
    assert_true(rig->tree != NULL && rig->sessions != NULL);
    return checkpoint_load(checkpoint_memory_store(rig->memory), "checkpoint", rig->tree, rig->sessions, 0, &rig->meta,
                           FINDING_REPAIR, &rig->findings);
}

static void checkpoints_hold_the_frozen_tree(void **state)
{
    (void)state;
    static const struct plan plans[] = {
        {1000, 0, 0, false, 0}, {3, 0, 0, false, 0}, {2, 3, 0, false, 0}, {5, 10, 500, false, 0}};
    struct rig *rig = calloc(1, sizeof *rig);
    set_up(rig);
    assert_int_equal(load(rig), ST_NOT_FOUND);
    for (int i = 0; i < 16; i++) {
        int64_t zxid = rig->load.zxid;
        assert_int_equal(take(rig, &plans[i % 4]), ST_OK);
        assert_int_equal(load(rig), ST_OK);
        assert_true(rig->meta.complete);
        assert_int_equal(rig->meta.to, zxid);
        assert_int_equal(rig->meta.dbid, 42);
        assert_state_is(&rig->load, zxid, rig->tree, rig->sessions);
        replay(rig, zxid, rig->load.zxid);
        assert_tree_is_model(rig->tree, &rig->load.model);
        apply_txns(rig, 10 + i);
    }
    tear_down(rig);
    free(rig);
}

static void only_what_changed_is_written(void **state)
{
    (void)state;
    struct rig *rig = calloc(1, sizeof *rig);
    set_up(rig);
    apply_txns(rig, 500);
    assert_int_equal(take(rig, &(struct plan){1000, 0, 0, false, 0}), ST_OK);
    apply_txns(rig, 1);
    checkpoint_memory_fail(rig->memory, 0, ST_OK);
    assert_int_equal(take(rig, &(struct plan){1000, 0, 0, false, 0}), ST_OK);
    assert_true(checkpoint_memory_calls(rig->memory) < 30);
    tear_down(rig);
    free(rig);
}

/* Given up after each possible number of batches, once or twice in a row: replay from where it says makes it good. */
static void what_is_interrupted_is_made_good_by_replay(void **state)
{
    (void)state;
    for (size_t stop = 1; stop < 60; stop++) {
        struct rig *rig = calloc(1, sizeof *rig);
        set_up(rig);
        apply_txns(rig, 150);
        int64_t from = rig->load.zxid;
        assert_int_equal(take(rig, &(struct plan){20, 0, 0, false, 0}), ST_OK);
        for (int round = 0; round < 2; round++) {
            apply_txns(rig, 80);
            int64_t to = rig->load.zxid;
            enum status st = take(rig, &(struct plan){3, 2, 1, false, stop});
            assert_int_equal(load(rig), ST_OK);
            if (st == ST_OK) {
                assert_int_equal(rig->meta.to, to);
                from = to;
            }
            assert_int_equal(rig->meta.from, from);
            assert_int_equal(rig->meta.complete, st == ST_OK);
            replay(rig, rig->meta.from, rig->load.zxid);
            assert_state_is(&rig->load, rig->load.zxid, rig->tree, rig->sessions);
            assert_tree_is_model(rig->tree, &rig->load.model);
        }
        /* The next one that comes to its end is whole again, also when the tree was loaded from the interrupted one. */
        tree_free(rig->load.tree);
        rig->load.tree = rig->tree;
        rig->tree = NULL;
        apply_txns(rig, 20);
        assert_int_equal(take(rig, &(struct plan){7, 1, 100, false, 0}), ST_OK);
        assert_int_equal(load(rig), ST_OK);
        assert_true(rig->meta.complete);
        assert_state_is(&rig->load, rig->meta.to, rig->tree, rig->sessions);
        tear_down(rig);
        free(rig);
    }
}

/* A first or full one that did not come to its end is none. */
static void an_unfinished_full_checkpoint_is_none(void **state)
{
    (void)state;
    for (int full = 0; full < 2; full++) {
        struct rig *rig = calloc(1, sizeof *rig);
        set_up(rig);
        apply_txns(rig, 100);
        if (full != 0)
            assert_int_equal(take(rig, &(struct plan){20, 0, 0, false, 0}), ST_OK);
        apply_txns(rig, 100);
        assert_int_equal(take(rig, &(struct plan){1, 0, 1, full != 0, 5}), ST_BUSY);
        assert_int_equal(load(rig), ST_NOT_FOUND);
        tear_down(rig);
        free(rig);
    }
}

/* A full one drops what is stored, so that a tree from elsewhere may replace it. */
static void a_full_checkpoint_replaces_all(void **state)
{
    (void)state;
    struct rig *rig = calloc(1, sizeof *rig), *other = calloc(1, sizeof *other);
    set_up(rig);
    set_up(other);
    apply_txns(rig, 300);
    apply_txns(other, 30);
    assert_int_equal(take(rig, &(struct plan){20, 0, 0, false, 0}), ST_OK);
    checkpoint_memory_free(other->memory);
    other->memory = rig->memory;
    assert_int_equal(take(other, &(struct plan){4, 1, 200, true, 0}), ST_OK);
    rig->memory = checkpoint_memory_new();
    assert_int_equal(load(other), ST_OK);
    assert_state_is(&other->load, 30, other->tree, other->sessions);
    tear_down(rig);
    tear_down(other);
    free(rig);
    free(other);
}

static void nothing_damaged_is_believed(void **state)
{
    (void)state;
    struct rig *rig = calloc(1, sizeof *rig);
    set_up(rig);
    apply_txns(rig, 60);
    assert_int_equal(take(rig, &(struct plan){20, 0, 0, false, 0}), ST_OK);
    for (size_t i = 0; i < checkpoint_memory_count(rig->memory); i++) {
        struct checkpoint_memory_value *v = checkpoint_memory_at(rig->memory, i);
        for (size_t at = 0; at < v->len; at += 5) {
            v->data[at] ^= (uint8_t)(1u << (at % 8));
            assert_int_equal(load(rig), ST_CORRUPT);
            assert_int_equal(rig->findings.count, 1);
            v->data[at] ^= (uint8_t)(1u << (at % 8));
        }
    }
    assert_int_equal(load(rig), ST_OK);
    tear_down(rig);
    free(rig);
}

/* Each of them, those of the system's own nodes too, which a tree would make anew. */
static void no_value_may_be_missing(void **state)
{
    (void)state;
    size_t count = 1;
    for (size_t i = 0; i < count; i++) {
        struct rig *rig = calloc(1, sizeof *rig);
        set_up(rig);
        txn_load_free(&rig->load);
        txn_load_init(&rig->load, 1);
        apply_txns(rig, 60);
        assert_int_equal(take(rig, &(struct plan){20, 0, 0, false, 0}), ST_OK);
        count = checkpoint_memory_count(rig->memory);
        bool is_meta = checkpoint_memory_at(rig->memory, i)->space == CHECKPOINT_META;
        checkpoint_memory_remove(rig->memory, i);
        assert_int_equal(load(rig), is_meta ? ST_NOT_FOUND : ST_CORRUPT);
        tear_down(rig);
        free(rig);
    }
}

static void a_value_is_bound_to_its_key(void **state)
{
    (void)state;
    struct checkpoint_node node = {.parent = 1, .name = BYTES("n"), .data = BYTES_NULL, .acl = {0, {NULL, 0}}}, back;
    struct buffer value = {0};
    assert_int_equal(checkpoint_node_encode(&value, 7, &node), ST_OK);
    assert_int_equal(checkpoint_node_decode(7, buffer_bytes(&value), &back), ST_OK);
    assert_true(bytes_is_null(back.data) && bytes_equal(back.name, node.name) && back.parent == 1 &&
                back.acl.count == 0);
    assert_int_equal(checkpoint_node_decode(8, buffer_bytes(&value), &back), ST_CORRUPT);
    assert_int_equal(checkpoint_node_decode(7, bytes_make(value.data, value.len - 1), &back), ST_CORRUPT);
    assert_int_equal(checkpoint_node_decode(7, BYTES(""), &back), ST_CORRUPT);
    buffer_free(&value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checkpoints_hold_the_frozen_tree),
        cmocka_unit_test(only_what_changed_is_written),
        cmocka_unit_test(what_is_interrupted_is_made_good_by_replay),
        cmocka_unit_test(an_unfinished_full_checkpoint_is_none),
        cmocka_unit_test(a_full_checkpoint_replaces_all),
        cmocka_unit_test(nothing_damaged_is_believed),
        cmocka_unit_test(no_value_may_be_missing),
        cmocka_unit_test(a_value_is_bound_to_its_key),
    };
    return cmocka_run_group_tests_name("checkpoint", tests, NULL, NULL);
}
