/* Random operations on the tree and on an obvious one give the same results, nodes and digests: valid ones as a server
 * prepares them, and old or senseless ones as replay brings them. */
#include "tests/support/tree_model.h"

#include "tests/support/test.h"

#define OPERATIONS    6000
#define COMPARE_EVERY 97
#define HISTORY       400

struct run {
    struct tree *tree;
    struct model model;
    struct random random;
    struct op history[HISTORY];
};

static void run_start(struct run *run)
{
    const struct tree_options options = {.hash_key = {11, 12}, .extended_types = true};
    run->random.state = random_seed();
    run->tree = tree_new(&options);
    assert_non_null(run->tree);
    model_init(&run->model);
}

static void run_end(struct run *run)
{
    assert_tree_is_model(run->tree, &run->model);
    tree_free(run->tree);
    model_free(&run->model);
}

static void apply_to_both(struct run *run, const struct op *op)
{
    assert_int_equal(op_apply_tree(run->tree, op), op_apply_model(&run->model, op));
    assert_int_equal(tree_digest(run->tree), model_digest(&run->model));
}

static void valid_operations_agree(void **state)
{
    (void)state;
    static struct run run;
    run_start(&run);
    for (int64_t zxid = 1; zxid <= OPERATIONS; zxid++) {
        struct op op;
        op_random(&op, &run.random, &run.model, zxid);
        apply_to_both(&run, &op);
        if (zxid % COMPARE_EVERY == 0)
            assert_tree_is_model(run.tree, &run.model);
    }
    run_end(&run);
}

/* What replay may bring: an operation of the past once more, or one that never fitted. */
static void make_strange(struct run *run, struct op *op)
{
    static const char *const paths[] = {"/nowhere/a", "/zookeeper/a", "/a/b/c/d/e/f", "/a"};
    static const int32_t versions[] = {-1, 0, 1, 7, INT32_MAX};
    if (random_below(&run->random, 2) == 0) {
        *op = run->history[random_below(&run->random, HISTORY)];
        return;
    }
    snprintf(op->path, sizeof op->path, "%s", paths[random_below(&run->random, ARRAY_LEN(paths))]);
    op->kind = (enum op_kind)random_below(&run->random, 4);
    op->version = versions[random_below(&run->random, ARRAY_LEN(versions))];
}

static void strange_operations_agree(void **state)
{
    (void)state;
    static struct run run;
    run_start(&run);
    for (int64_t zxid = 1; zxid <= OPERATIONS; zxid++) {
        struct op op;
        op_random(&op, &run.random, &run.model, zxid);
        if (zxid > HISTORY && random_below(&run.random, 5) == 0)
            make_strange(&run, &op);
        run.history[zxid % HISTORY] = op;
        apply_to_both(&run, &op);
        if (zxid % COMPARE_EVERY == 0)
            assert_tree_is_model(run.tree, &run.model);
    }
    run_end(&run);
}

/* The root may be meant by "/" too, and deleting it or creating it is not possible. */
static void root_stays(void **state)
{
    (void)state;
    static struct run run;
    run_start(&run);
    struct op op = {.kind = OP_KIND_SET_DATA, .path = "/", .data = "x", .data_len = 1, .version = 1, .zxid = 1};
    assert_int_equal(op_apply_tree(run.tree, &op), ST_OK);
    op.path[0] = 0;
    assert_int_equal(op_apply_model(&run.model, &op), ST_OK);
    assert_int_equal(tree_delete(run.tree, BYTES("/"), 2), ST_NO_NODE);
    assert_int_equal(tree_delete(run.tree, BYTES(""), 2), ST_NO_NODE);
    const struct tree_create create = {.path = BYTES("/"), .acl = model_acl(0)};
    assert_int_equal(tree_create(run.tree, &create), ST_NODE_EXISTS);
    run_end(&run);
}

static void paths_that_name_nothing(void **state)
{
    (void)state;
    static struct run run;
    run_start(&run);
    static const char *const paths[] = {"abc", "/zookeeper/",       "//zookeeper", "/zookeeper//quota",
                                        "//",  "/zookeeper/quota/x"};
    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        assert_null(tree_lookup(run.tree, bytes_of(paths[i])));
    const struct tree_create create = {.path = BYTES("/a/"), .acl = model_acl(0)};
    assert_int_equal(tree_create(run.tree, &create), ST_NO_NODE);
    run_end(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(valid_operations_agree),
        cmocka_unit_test(strange_operations_agree),
        cmocka_unit_test(root_stays),
        cmocka_unit_test(paths_that_name_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
