/* copy_test.c - a copy of a subtree holds what was put into it and not removed: some cases by hand, then random runs
 * against a plain array. */
#include "bindings/c/recipes/copy.c"

#include "tests/support/random.h"
#include "tests/support/test.h"

static void put(struct copied *root, const char *path, const char *text)
{
    struct zooid_stat stat = {.version = (int32_t)strlen(text)};
    assert_true(copy_put(root, path, text, strlen(text), &stat));
}

static void test_relative_paths(void **state)
{
    (void)state;
    assert_string_equal(copy_relative("/a", "/a"), "");
    assert_string_equal(copy_relative("/a", "/a/b/c"), "b/c");
    assert_string_equal(copy_relative("/", "/"), "");
    assert_string_equal(copy_relative("/", "/a/b"), "a/b");
    assert_null(copy_relative("/a", "/ab"));
    assert_null(copy_relative("/a/b", "/a"));
    assert_null(copy_relative("/a", "a"));
    assert_null(copy_relative("/a", NULL));
}

static void test_nodes_come_and_go(void **state)
{
    struct copied *root = copy_new();
    (void)state;
    assert_non_null(root);
    assert_null(copy_find(root, ""));
    put(root, "b/deep", "below"); /* whose parent may not be read */
    assert_null(copy_find(root, "b"));
    assert_memory_equal(copy_find(root, "b/deep")->data, "below", 5);
    put(root, "", "root");
    put(root, "c", "see");
    put(root, "a", "");
    assert_int_equal(copy_find(root, "")->child_count, 3);
    assert_string_equal(copy_find(root, "")->children[0]->name, "a");
    assert_true(copy_put(root, "c", NULL, 0, NULL));
    assert_null(copy_find(root, "c")->data);
    assert_int_equal(copy_find(root, "c")->stat.version, 3);
    copy_touch(root, "c", &(struct zooid_stat){.version = 9});
    copy_touch(root, "none", &(struct zooid_stat){.version = 9});
    assert_int_equal(copy_find(root, "c")->stat.version, 9);
    copy_remove(root, "b");
    assert_non_null(copy_find(root, "b/deep"));
    copy_remove(root, "b/deep");
    copy_remove(root, "b/none");
    copy_remove(root, "b");
    copy_remove(root, "");
    assert_null(copy_find(root, ""));
    assert_non_null(copy_find(root, "a"));
    copy_free(root);
    copy_free(NULL);
}

enum { NODES = 64, STEPS = 20000 };

static void path_of(unsigned number, char path[16])
{
    (void)snprintf(path, 16, "%u/%u/%u", number & 3, number >> 2 & 3, number >> 4 & 3);
}

static void test_random_runs(void **state)
{
    struct random random = {random_seed()};
    struct copied *root = copy_new();
    int expected[NODES] = {0};
    char path[16], text[16];
    (void)state;
    assert_non_null(root);
    for (int i = 1; i <= STEPS; i++) {
        unsigned number = (unsigned)random_below(&random, NODES);
        path_of(number, path);
        const struct copied *node = copy_find(root, path);
        assert_int_equal(node == NULL ? 0 : atoi(node->data), expected[number]);
        if (random_below(&random, 2) == 0) {
            copy_remove(root, path);
            expected[number] = 0;
        } else {
            (void)snprintf(text, sizeof text, "%d", i);
            assert_true(copy_put(root, path, text, strlen(text) + 1, NULL));
            expected[number] = i;
        }
    }
    for (unsigned number = 0; number < NODES; number++) {
        path_of(number, path);
        copy_remove(root, path);
    }
    for (size_t i = 0; i < root->child_count; i++)
        assert_int_equal(root->children[i]->is_there, false);
    copy_free(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_relative_paths),
        cmocka_unit_test(test_nodes_come_and_go),
        cmocka_unit_test(test_random_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
