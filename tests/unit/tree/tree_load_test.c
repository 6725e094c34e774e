/* Loading: a snapshot written in slices while the tree changes becomes the tree by replay; what an interrupted
 * checkpoint or a damaged one may hold is dropped or refused, never hung in wrongly. */
#include "tests/support/tree_model.h"

#include "tests/support/test.h"

#include <stdlib.h>

#define OPERATIONS    1500
#define NODES_A_SLICE 3

static const struct tree_options options = {.hash_key = {41, 42}, .extended_types = true};

static struct tree *new_tree(void)
{
    struct tree *t = tree_new(&options);
    assert_non_null(t);
    return t;
}

/* -- by path, while the tree changes ------------------------------------------------------------------------------ */

static void copy_node(struct tree *from, const struct tree_node *n, struct tree *to)
{
    struct buffer path = {0};
    struct stat_persisted stat;
    assert_int_equal(tree_path(from, n, &path), ST_OK);
    tree_stat_persisted(n, &stat);
    assert_int_equal(tree_load(to, buffer_bytes(&path), tree_data(n), acl_get(tree_acls(from), n->acl), &stat), ST_OK);
    buffer_free(&path);
}

/* False: the walk is at its end. */
static bool copy_slice(struct tree *from, struct tree_cursor *cursor, struct tree *to)
{
    for (int i = 0; i < NODES_A_SLICE; i++) {
        const struct tree_node *n = tree_cursor_next(from, cursor);
        if (n == NULL)
            return false;
        copy_node(from, n, to);
    }
    return true;
}

static void change_both(struct tree *t, struct model *m, struct random *r, struct op *op, int64_t zxid)
{
    op_random(op, r, m, zxid);
    assert_int_equal(op_apply_model(m, op), ST_OK);
    assert_int_equal(op_apply_tree(t, op), ST_OK);
}

static void fuzzy_snapshot_and_replay_give_the_tree(void **state)
{
    (void)state;
    static struct op history[OPERATIONS];
    struct random random = {random_seed()};
    struct model m;
    model_init(&m);
    struct tree *t = new_tree(), *loaded = new_tree();
    int64_t zxid = 0;
    for (; zxid < OPERATIONS / 2; zxid++)
        change_both(t, &m, &random, &history[zxid], zxid + 1);
    int64_t from = zxid;
    tree_load_begin(loaded);
    struct tree_cursor cursor;
    tree_cursor_start(t, &cursor);
    while (copy_slice(t, &cursor, loaded) && zxid < OPERATIONS) {
        change_both(t, &m, &random, &history[zxid], zxid + 1);
        zxid++;
    }
    tree_cursor_stop(&cursor);
    uint64_t dropped = 1;
    assert_int_equal(tree_loaded(loaded, &dropped), ST_OK);
    assert_int_equal(dropped, 0);
    assert_int_equal(tree_changed_count(loaded), tree_count(loaded) - 1);
    for (int64_t i = from; i < zxid; i++)
        assert_int_not_equal(op_apply_tree(loaded, &history[i]), ST_NO_MEMORY);
    assert_tree_is_model(loaded, &m);
    tree_free(loaded);
    tree_free(t);
    model_free(&m);
}

static void snapshots_of_nonsense_are_refused(void **state)
{
    (void)state;
    struct tree *t = new_tree();
    const struct stat_persisted stat = {0};
    tree_load_begin(t);
    assert_int_equal(tree_load(t, BYTES("/a"), BYTES(""), model_acl(0), &stat), ST_NO_NODE);
    assert_int_equal(tree_load(t, BYTES(""), BYTES(""), model_acl(0), &stat), ST_OK);
    assert_int_equal(tree_load(t, BYTES("/"), BYTES(""), model_acl(0), &stat), ST_NODE_EXISTS);
    assert_int_equal(tree_load(t, BYTES("a"), BYTES(""), model_acl(0), &stat), ST_CORRUPT);
    assert_int_equal(tree_load(t, BYTES("/a/"), BYTES(""), model_acl(0), &stat), ST_CORRUPT);
    assert_int_equal(tree_load(t, BYTES("/a/b"), BYTES(""), model_acl(0), &stat), ST_NO_NODE);
    assert_int_equal(tree_load(t, BYTES("/a"), BYTES(""), model_acl(0), &stat), ST_OK);
    assert_int_equal(tree_load(t, BYTES("/a"), BYTES(""), model_acl(0), &stat), ST_NODE_EXISTS);
    uint64_t dropped;
    assert_int_equal(tree_loaded(t, &dropped), ST_OK);
    assert_int_equal(tree_count(t), 6);
    /* The system's own were missing. */
    assert_non_null(tree_lookup(t, BYTES("/zookeeper/quota")));
    assert_int_equal(tree_lookup(t, BYTES("/zookeeper/config"))->aversion, -1);
    tree_free(t);
}

/* -- by number ---------------------------------------------------------------------------------------------------- */

static enum status load(struct tree *t, uint32_t number, uint32_t parent, const char *name, int64_t czxid)
{
    const struct stat_persisted stat = {.czxid = czxid, .mzxid = czxid};
    return tree_load_numbered(t, number, parent, bytes_of(name), BYTES("d"), model_acl(3), &stat);
}

static void places_that_cannot_be_are_refused(void **state)
{
    (void)state;
    struct tree *t = new_tree();
    tree_load_begin(t);
    assert_int_equal(load(t, 0, 1, "a", 1), ST_CORRUPT);
    assert_int_equal(load(t, 1, 2, "", 1), ST_CORRUPT);
    assert_int_equal(load(t, 1, 0, "a", 1), ST_CORRUPT);
    assert_int_equal(load(t, 2, 0, "a", 1), ST_CORRUPT);
    assert_int_equal(load(t, 2, 2, "a", 1), ST_CORRUPT);
    assert_int_equal(load(t, 2, 1, "", 1), ST_CORRUPT);
    assert_int_equal(load(t, 2, 1, "a/b", 1), ST_CORRUPT);
    assert_int_equal(load(t, 2, 1, "a", 1), ST_OK);
    assert_int_equal(load(t, 2, 1, "b", 1), ST_EXISTS);
    uint64_t dropped;
    assert_int_equal(tree_loaded(t, &dropped), ST_OK);
    assert_int_equal(dropped, 0);
    assert_int_equal(tree_count(t), 6);
    tree_free(t);
}

/* Numbers that the tree took out must be removed from the store too, and not be used before. */
static void orphans_cycles_and_older_twins_are_dropped(void **state)
{
    (void)state;
    struct tree *t = new_tree();
    tree_load_begin(t);
    assert_int_equal(load(t, 1, 0, "", 0), ST_OK);
    assert_int_equal(load(t, 2, 1, "kept", 5), ST_OK);
    assert_int_equal(load(t, 3, 99, "orphan", 5), ST_OK);
    assert_int_equal(load(t, 4, 3, "below-orphan", 5), ST_OK);
    assert_int_equal(load(t, 5, 6, "cycle", 5), ST_OK);
    assert_int_equal(load(t, 6, 5, "cycle", 5), ST_OK);
    assert_int_equal(load(t, 7, 1, "twin", 5), ST_OK);
    assert_int_equal(load(t, 5000, 1, "twin", 9), ST_OK); /* newer, in a chunk of its own */
    assert_int_equal(load(t, 8, 1, "twin", 7), ST_OK);
    assert_int_equal(load(t, 8, 1, "other", 7), ST_EXISTS); /* dropped, but not free */
    assert_int_equal(load(t, 9, 7, "below-older-twin", 6), ST_OK);
    assert_int_equal(load(t, 10, 5000, "below-newer-twin", 9), ST_OK);
    uint64_t dropped = 0;
    assert_int_equal(tree_loaded(t, &dropped), ST_OK);
    assert_int_equal(dropped, 7);
    assert_int_equal(tree_count(t), 5 + 3);
    assert_int_equal(tree_lookup(t, BYTES("/twin"))->number, 5000);
    assert_non_null(tree_lookup(t, BYTES("/twin/below-newer-twin")));
    assert_non_null(tree_lookup(t, BYTES("/kept")));
    /* Three nodes of the system too, and the parent that the orphan claims to have: nobody may take its number now. */
    assert_int_equal(tree_changed_count(t), 7 + 3 + 1);
    for (int64_t i = 0; i < 200; i++) {
        struct op op = {.kind = OP_KIND_CREATE, .version = -1, .zxid = 10 + i};
        snprintf(op.path, sizeof op.path, "/new%d", (int)i);
        assert_int_equal(op_apply_tree(t, &op), ST_OK);
        assert_int_not_equal(tree_lookup(t, bytes_of(op.path))->number, 99);
    }
    tree_free(t);
}

/* Beginning again leaves nothing behind, and a freeze and a cursor end. */
static void load_begins_from_nothing(void **state)
{
    (void)state;
    struct random random = {random_seed()};
    struct model m, fresh;
    model_init(&m);
    model_init(&fresh);
    struct tree *t = new_tree();
    for (int round = 0; round < 3; round++) {
        for (int64_t zxid = 1; zxid < 300; zxid++) {
            struct op op;
            change_both(t, &m, &random, &op, zxid);
        }
        assert_int_equal(tree_freeze(t, NULL, NULL), ST_OK);
        struct tree_cursor cursor;
        tree_cursor_start(t, &cursor);
        uint64_t dropped;
        tree_load_begin(t);
        assert_int_equal(tree_loaded(t, &dropped), ST_OK);
        tree_thaw(t, true);
        assert_null(tree_cursor_next(t, &cursor));
        assert_tree_is_model(t, &fresh);
        model_copy(&m, &fresh);
    }
    tree_free(t);
    model_free(&m);
    model_free(&fresh);
}

static void siblings_come_by_number(void **state)
{
    (void)state;
    struct tree *t = new_tree();
    tree_load_begin(t);
    assert_int_equal(load(t, 9, 1, "b", 2), ST_OK);
    assert_int_equal(load(t, 7, 1, "a", 3), ST_OK);
    assert_int_equal(load(t, 8, 1, "c", 1), ST_OK);
    uint64_t dropped;
    assert_int_equal(tree_loaded(t, &dropped), ST_OK);
    const struct tree_node *n = tree_first_child(t, tree_lookup(t, BYTES("")));
    static const char *const names[] = {"zookeeper", "a", "c", "b"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++, n = tree_next_sibling(t, n))
        assert_true(bytes_equal(tree_name(n), bytes_of(names[i])));
    assert_null(n);
    tree_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fuzzy_snapshot_and_replay_give_the_tree),
        cmocka_unit_test(snapshots_of_nonsense_are_refused),
        cmocka_unit_test(places_that_cannot_be_are_refused),
        cmocka_unit_test(orphans_cycles_and_older_twins_are_dropped),
        cmocka_unit_test(load_begins_from_nothing),
        cmocka_unit_test(siblings_come_by_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
