/* Checkpoints taken while the tree goes on changing: what is handed out makes a store that loads to the tree as it was
 * at the freeze; a store that an interrupted checkpoint left half new becomes the tree of today by replaying the log.
 */
#include "tests/support/tree_model.h"

#include "tests/support/test.h"

#include <stdlib.h>

#define STEPS       4000
#define HISTORY_MAX (STEPS * 3)
#define NUMBERS_MAX 8192
#define BATCH       7

/* What LMDB would hold under one number. */
struct record {
    bool is_there;
    uint32_t parent;
    uint8_t name[64];
    size_t name_len;
    uint8_t data[MODEL_DATA_MAX];
    size_t data_len;
    bool null_data;
    int acl;
    struct stat_persisted stat;
};

struct store {
    struct record records[NUMBERS_MAX];
};

struct checkpoints {
    struct random random;
    struct tree *tree;
    struct model now, at_freeze;
    struct op history[HISTORY_MAX];
    size_t history_len;
    int64_t zxid;
    bool frozen;
    uint32_t from;         /* for tree_next_frozen */
    struct store complete; /* the last complete checkpoint, perhaps with part of a later one written over it */
    size_t complete_at;    /* length of the history at the freeze of the last complete one */
    size_t freeze_at;
    uint32_t written; /* since the freeze */
};

static const struct tree_options options = {.hash_key = {21, 22}, .extended_types = true};

static int acl_index(struct acls acl)
{
    for (int i = 0; i < MODEL_ACLS; i++) {
        if (model_acl(i).count == acl.count && bytes_equal(model_acl(i).raw, acl.raw))
            return i;
    }
    fail_msg("an ACL that nobody set");
    return 0;
}

/* Takes over what the store is to hold for this number now. */
static void write_record(struct checkpoints *c, uint32_t number, const struct tree_node *n)
{
    assert_in_range(number, 1, NUMBERS_MAX - 1);
    c->written++;
    struct record *record = &c->complete.records[number];
    *record = (struct record){.is_there = n != NULL};
    if (n == NULL)
        return;
    assert_int_equal(n->number, number);
    struct bytes name = tree_name(n), data = tree_data(n);
    record->parent = n->parent;
    record->name_len = name.len;
    memcpy(record->name, name.data, name.len);
    record->null_data = bytes_is_null(data);
    record->data_len = data.len;
    if (data.len > 0)
        memcpy(record->data, data.data, data.len);
    record->acl = acl_index(acl_get(tree_acls(c->tree), n->acl));
    tree_stat_persisted(n, &record->stat);
}

static void before_change(void *context, uint32_t number, const struct tree_node *n)
{
    struct checkpoints *c = context;
    assert_true(c->frozen);
    write_record(c, number, n);
}

/* In random order: any order is allowed. */
static struct tree *load_store(struct checkpoints *c, uint64_t *dropped)
{
    static uint32_t order[NUMBERS_MAX];
    for (uint32_t i = 0; i < NUMBERS_MAX; i++) {
        uint32_t j = random_below(&c->random, i + 1);
        order[i] = order[j];
        order[j] = i;
    }
    struct tree *t = tree_new(&options);
    assert_non_null(t);
    tree_load_begin(t);
    for (uint32_t i = 0; i < NUMBERS_MAX; i++) {
        const struct record *r = &c->complete.records[order[i]];
        struct bytes data = r->null_data ? BYTES_NULL : bytes_make(r->data, r->data_len);
        if (r->is_there)
            assert_int_equal(tree_load_numbered(t, order[i], r->parent, bytes_make(r->name, r->name_len), data,
                                                model_acl(r->acl), &r->stat),
                             ST_OK);
    }
    assert_int_equal(tree_loaded(t, dropped), ST_OK);
    return t;
}

/* -- steps -------------------------------------------------------------------------------------------------------- */

static void change(struct checkpoints *c)
{
    /* Some txns are multis: no freeze falls between operations of one zxid. */
    uint32_t count = random_below(&c->random, 5) == 0 ? 3 : 1;
    c->zxid++;
    for (uint32_t i = 0; i < count; i++) {
        assert_true(c->history_len < HISTORY_MAX);
        struct op *op = &c->history[c->history_len++];
        op_random(op, &c->random, &c->now, c->zxid);
        assert_int_equal(op_apply_model(&c->now, op), ST_OK);
        assert_int_equal(op_apply_tree(c->tree, op), ST_OK);
    }
}

static void freeze(struct checkpoints *c)
{
    assert_int_equal(tree_freeze(c->tree, before_change, c), ST_OK);
    assert_int_equal(tree_changed_count(c->tree), 0);
    model_copy(&c->at_freeze, &c->now);
    c->freeze_at = c->history_len;
    c->frozen = true;
    c->from = 1;
    c->written = 0;
}

static void store_is_as_frozen(struct checkpoints *c)
{
    uint64_t dropped = 1;
    struct tree *loaded = load_store(c, &dropped);
    assert_int_equal(dropped, 0);
    assert_int_equal(tree_changed_count(loaded), 0);
    assert_tree_is_model(loaded, &c->at_freeze);
    tree_free(loaded);
}

static void thaw(struct checkpoints *c, bool stored)
{
    tree_thaw(c->tree, stored);
    c->frozen = false;
    if (stored)
        c->complete_at = c->freeze_at;
}

/* Some more records; when all were given, the checkpoint is complete. */
static void hand_out(struct checkpoints *c)
{
    for (uint32_t i = 0; i < BATCH; i++) {
        uint32_t number = tree_next_frozen(c->tree, c->from);
        if (number == 0) {
            store_is_as_frozen(c);
            thaw(c, true);
            return;
        }
        assert_true(number >= c->from);
        c->from = number + 1;
        write_record(c, number, tree_by_number(c->tree, number));
    }
}

/* The process dies: what it wrote stays. The next one loads the mixture and replays from the last complete one. */
static void restart(struct checkpoints *c)
{
    uint64_t dropped;
    tree_free(c->tree);
    c->frozen = false;
    c->tree = load_store(c, &dropped);
    for (size_t i = c->complete_at; i < c->history_len; i++)
        assert_int_not_equal(op_apply_tree(c->tree, &c->history[i]), ST_NO_MEMORY);
    assert_tree_is_model(c->tree, &c->now);
}

static void start(struct checkpoints *c)
{
    *c = (struct checkpoints){.random.state = random_seed()};
    c->tree = tree_new(&options);
    assert_non_null(c->tree);
    model_init(&c->now);
    /* The first one is whole, as a fresh server's. */
    freeze(c);
    while (c->frozen)
        hand_out(c);
}

static void end(struct checkpoints *c)
{
    tree_free(c->tree);
    model_free(&c->now);
    model_free(&c->at_freeze);
    free(c);
}

static void checkpoints_survive_everything(void **state)
{
    (void)state;
    struct checkpoints *c = malloc(sizeof *c);
    assert_non_null(c);
    start(c);
    int crashes = 0, failures = 0, complete = 0;
    /* In thousandths; some runs crash so often that hardly a checkpoint is completed. */
    uint32_t crash = 2 + random_below(&c->random, 40), failure = crash + 2 + random_below(&c->random, 10);
    uint32_t freeze_at = failure + 10 + random_below(&c->random, 60),
             hand_out_at = freeze_at + random_below(&c->random, 500);
    for (int i = 0; i < STEPS; i++) {
        uint32_t dice = random_below(&c->random, 1000);
        if (dice < crash) {
            restart(c);
            crashes++;
        } else if (dice < failure && c->frozen) {
            /* Writing failed: a part may stay in the store, the next checkpoint writes all of it again. */
            thaw(c, false);
            failures++;
        } else if (dice < freeze_at && !c->frozen) {
            freeze(c);
        } else if (dice < hand_out_at && c->frozen) {
            hand_out(c);
            complete += !c->frozen;
        } else {
            change(c);
        }
    }
    print_message("%d complete, %d failed, %d crashes\n", complete, failures, crashes);
    restart(c);
    end(c);
}

/* Only what changed is handed out, and each number once. */
static void only_changes_are_handed_out(void **state)
{
    (void)state;
    struct checkpoints *c = malloc(sizeof *c);
    assert_non_null(c);
    start(c);
    const struct op op = {.kind = OP_KIND_CREATE, .path = "/a", .version = -1, .zxid = 1};
    assert_int_equal(op_apply_tree(c->tree, &op), ST_OK);
    assert_int_equal(tree_changed_count(c->tree), 2); /* and its parent */
    freeze(c);
    assert_int_equal(tree_next_frozen(c->tree, 1), 1);
    uint32_t number = tree_next_frozen(c->tree, 1);
    assert_ptr_equal(tree_by_number(c->tree, number), tree_lookup(c->tree, BYTES("/a")));
    assert_int_equal(tree_next_frozen(c->tree, 1), 0);
    /* A change of what was given already needs no old version. */
    c->written = 0;
    const struct op set = {.kind = OP_KIND_SET_DATA, .path = "/a", .version = 1, .zxid = 2};
    assert_int_equal(op_apply_tree(c->tree, &set), ST_OK);
    assert_int_equal(c->written, 0);
    assert_int_equal(tree_changed_count(c->tree), 1);
    tree_thaw(c->tree, false);
    assert_int_equal(tree_changed_count(c->tree), 2);
    tree_thaw(c->tree, true); /* without a freeze: nothing */
    assert_int_equal(tree_changed_count(c->tree), 2);
    end(c);
}

static uint32_t create_at(struct checkpoints *c, const char *path)
{
    struct op op = {.kind = OP_KIND_CREATE, .version = -1, .zxid = ++c->zxid};
    snprintf(op.path, sizeof op.path, "%s", path);
    assert_int_equal(op_apply_tree(c->tree, &op), ST_OK);
    return tree_lookup(c->tree, bytes_of(path))->number;
}

static void delete_at(struct checkpoints *c, const char *path)
{
    assert_int_equal(tree_delete(c->tree, bytes_of(path), ++c->zxid), ST_OK);
}

static void take_all_frozen(struct checkpoints *c)
{
    for (c->from = 1; (c->from = tree_next_frozen(c->tree, c->from)) != 0; c->from++)
        continue;
}

static void assert_is_reused(struct checkpoints *c, uint32_t number)
{
    bool reused = false;
    for (int i = 0; i < 2000 && !reused; i++) {
        char path[16];
        snprintf(path, sizeof path, "/g%d", i);
        reused = create_at(c, path) == number;
    }
    assert_true(reused);
}

/* A number that was never handed out is free at once; any other only when a checkpoint has removed it. */
static void freed_numbers_are_held_back(void **state)
{
    (void)state;
    struct checkpoints *c = malloc(sizeof *c);
    assert_non_null(c);
    start(c);
    uint32_t number = create_at(c, "/a");
    delete_at(c, "/a");
    assert_int_equal(create_at(c, "/b"), number);
    freeze(c);
    take_all_frozen(c);
    delete_at(c, "/b"); /* after the freeze: this checkpoint holds it */
    assert_int_not_equal(create_at(c, "/c"), number);
    thaw(c, true);
    assert_int_not_equal(create_at(c, "/d"), number);
    freeze(c);
    take_all_frozen(c);
    assert_int_not_equal(create_at(c, "/e"), number);
    thaw(c, false); /* this one removed it, but was not completed */
    assert_int_not_equal(create_at(c, "/f"), number);
    freeze(c);
    take_all_frozen(c);
    thaw(c, true);
    assert_is_reused(c, number);
    end(c);
}

/* A node that was not handed out yet when the checkpoint was given up, while its child was. */
static void the_number_of_a_parent_is_held_back_with_its_child(void **state)
{
    (void)state;
    struct checkpoints *c = malloc(sizeof *c);
    assert_non_null(c);
    start(c);
    (void)create_at(c, "/low");
    uint32_t parent = create_at(c, "/parent");
    delete_at(c, "/low");
    uint32_t child = create_at(c, "/parent/child");
    assert_in_range(child, 1, parent - 1);
    freeze(c);
    for (uint32_t number = 0; number != child;) {
        number = tree_next_frozen(c->tree, 1);
        assert_in_range(number, 1, child);
    }
    thaw(c, false);
    delete_at(c, "/parent/child");
    delete_at(c, "/parent");
    assert_int_not_equal(create_at(c, "/a"), parent);
    freeze(c);
    assert_int_not_equal(create_at(c, "/b"), parent);
    take_all_frozen(c);
    thaw(c, true);
    assert_is_reused(c, parent);
    end(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checkpoints_survive_everything),
        cmocka_unit_test(only_changes_are_handed_out),
        cmocka_unit_test(freed_numbers_are_held_back),
        cmocka_unit_test(the_number_of_a_parent_is_held_back_with_its_child),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
