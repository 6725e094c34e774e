/* Whichever allocation fails, a change of the tree is either done or not done at all. */
/* link: -Wl,--wrap=mem_alloc -Wl,--wrap=mem_calloc -Wl,--wrap=mem_realloc */
#include "tests/support/failing_memory.h"
#include "tests/support/tree_model.h"

#include "tests/support/test.h"

#define OPERATIONS    2500
#define COMPARE_EVERY 50

static const struct tree_options options = {.hash_key = {31, 32}, .extended_types = true};

/* Fails the first, the second ... allocation of the operation until none is left to fail. */
static enum status apply_until_done(struct tree *t, const struct op *op)
{
    for (int count = 0;; count++) {
        uint64_t digest = tree_digest(t), nodes = tree_count(t), size = tree_data_size(t);
        memory_fail_after(count);
        enum status st = op_apply_tree(t, op);
        bool has_failed = memory_has_failed();
        memory_fail_after(-1);
        if (st != ST_NO_MEMORY)
            return st;
        assert_true(has_failed);
        assert_int_equal(tree_digest(t), digest);
        assert_int_equal(tree_count(t), nodes);
        assert_int_equal(tree_data_size(t), size);
    }
}

static void operations_are_done_or_not(void **state)
{
    (void)state;
    struct random random = {random_seed()};
    struct model m;
    model_init(&m);
    struct tree *t = tree_new(&options);
    assert_non_null(t);
    for (int64_t zxid = 1; zxid <= OPERATIONS; zxid++) {
        struct op op;
        op_random(&op, &random, &m, zxid);
        if (op.kind == OP_KIND_SET_DATA && random_below(&random, 20) == 0)
            op.kind = OP_KIND_DELETE; /* with its children, as replay may bring it */
        assert_int_equal(apply_until_done(t, &op), op_apply_model(&m, &op));
        if (zxid % COMPARE_EVERY == 0)
            assert_tree_is_model(t, &m);
    }
    assert_tree_is_model(t, &m);
    tree_free(t);
    model_free(&m);
}

static void new_tree_is_whole_or_none(void **state)
{
    (void)state;
    struct tree *t = NULL;
    for (int count = 0; t == NULL; count++) {
        memory_fail_after(count);
        t = tree_new(&options);
        assert_true(t != NULL || memory_has_failed());
    }
    memory_fail_after(-1);
    assert_int_equal(tree_count(t), 5);
    tree_free(t);
}

static enum status load_some(struct tree *t)
{
    static const struct stat_persisted plain = {.czxid = 5}, ephemeral = {.czxid = 6, .ephemeral_owner = 0x1001};
    static const char *const paths[] = {"",
                                        "/zookeeper",
                                        "/zookeeper/quota",
                                        "/a",
                                        "/a/b",
                                        "/zookeeper/quota/a",
                                        "/zookeeper/quota/a/zookeeper_limits",
                                        "/zookeeper/quota/a/zookeeper_stats"};
    tree_load_begin(t);
    enum status st = ST_OK;
    for (size_t i = 0; i < ARRAY_LEN(paths) && st == ST_OK; i++)
        st = tree_load(t, bytes_of(paths[i]), BYTES("data"), model_acl(3), i == 4 ? &ephemeral : &plain);
    uint64_t dropped;
    return st == ST_OK ? tree_loaded(t, &dropped) : st;
}

static enum status load_some_numbered(struct tree *t)
{
    static const struct stat_persisted plain = {.czxid = 5}, ephemeral = {.czxid = 6, .ephemeral_owner = 0x1001};
    static const struct {
        uint32_t number, parent;
        const char *name;
    } nodes[] = {{1, 0, ""},
                 {9, 8, "b"},
                 {8, 1, "a"},
                 {2, 1, "zookeeper"},
                 {3, 2, "quota"},
                 {4, 3, "a"},
                 {5, 4, "zookeeper_limits"},
                 {3000, 4, "zookeeper_stats"}};
    tree_load_begin(t);
    enum status st = ST_OK;
    for (size_t i = 0; i < ARRAY_LEN(nodes) && st == ST_OK; i++)
        st = tree_load_numbered(t, nodes[i].number, nodes[i].parent, bytes_of(nodes[i].name), BYTES("data"),
                                model_acl(3), i == 1 ? &ephemeral : &plain);
    uint64_t dropped;
    return st == ST_OK ? tree_loaded(t, &dropped) : st;
}

/* A load that found no memory can be begun again. */
static void load_until_whole(enum status (*load)(struct tree *t))
{
    struct tree *t = tree_new(&options);
    assert_non_null(t);
    enum status st = ST_NO_MEMORY;
    for (int count = 0; st != ST_OK || memory_has_failed(); count++) {
        memory_fail_after(count);
        st = load(t);
        assert_true(st == ST_OK || (st == ST_NO_MEMORY && memory_has_failed()));
    }
    memory_fail_after(-1);
    assert_int_equal(tree_count(t), 10);
    assert_int_equal(tree_ephemeral_count(t), 1);
    struct bytes path;
    struct quota quota;
    assert_true(tree_quota_of(t, BYTES("/a/b/c"), &path, &quota));
    assert_int_equal(quota.used_count, 2);
    assert_int_equal(quota.used_bytes, 8);
    tree_free(t);
}

static void load_is_whole_or_begun_again(void **state)
{
    (void)state;
    load_until_whole(load_some);
    load_until_whole(load_some_numbered);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operations_are_done_or_not),
        cmocka_unit_test(new_tree_is_whole_or_none),
        cmocka_unit_test(load_is_whole_or_begun_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
