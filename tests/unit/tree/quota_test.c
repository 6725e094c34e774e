/* Quotas: which subtree counts for which, what the stats node shows, and that it shows it silently (client-protocol 9).
 */
#include "tests/support/random.h"
#include "tests/support/tree_model.h"

#include "tests/support/test.h"

static struct tree *new_tree(void)
{
    const struct tree_options options = {.hash_key = {51, 52}};
    struct tree *t = tree_new(&options);
    assert_non_null(t);
    return t;
}

static void create(struct tree *t, const char *path, const char *data)
{
    const struct tree_create create = {bytes_of(path), bytes_of(data), model_acl(0), 0, -1, 7, 8};
    assert_int_equal(tree_create(t, &create), ST_OK);
}

static void set_data(struct tree *t, const char *path, const char *data)
{
    assert_int_equal(tree_set_data(t, bytes_of(path), bytes_of(data), 1, 9, 10), ST_OK);
}

static void remove_node(struct tree *t, const char *path)
{
    assert_int_equal(tree_delete(t, bytes_of(path), 11), ST_OK);
}

static void set_quota(struct tree *t, const char *path, const char *limits)
{
    char node[128];
    snprintf(node, sizeof node, "/zookeeper/quota%s", path);
    create(t, node, "");
    snprintf(node, sizeof node, "/zookeeper/quota%s/zookeeper_limits", path);
    create(t, node, limits);
    snprintf(node, sizeof node, "/zookeeper/quota%s/zookeeper_stats", path);
    create(t, node, "count=1,bytes=2");
}

static void assert_shows(struct tree *t, const char *path, const char *text)
{
    char node[128];
    snprintf(node, sizeof node, "/zookeeper/quota%s/zookeeper_stats", path);
    struct bytes data = tree_data(tree_lookup(t, bytes_of(node)));
    char shown[256];
    snprintf(shown, sizeof shown, "%.*s", BYTES_PRINT(data));
    assert_string_equal(shown, text);
}

static void usage_follows_changes(void **state)
{
    (void)state;
    struct tree *t = new_tree();
    create(t, "/a", "12345");
    create(t, "/a/b", NULL);
    create(t, "/ab", "not below /a");
    set_quota(t, "/a", "count=10,bytes=100");
    assert_shows(t, "/a", "count=2,bytes=5"); /* the initial text is overwritten */
    create(t, "/a/c", "123");
    assert_shows(t, "/a", "count=3,bytes=8");
    set_data(t, "/a/c", "1");
    assert_shows(t, "/a", "count=3,bytes=6");
    set_data(t, "/a/c", NULL);
    assert_shows(t, "/a", "count=3,bytes=5");
    remove_node(t, "/a/b");
    assert_shows(t, "/a", "count=2,bytes=5");
    set_data(t, "/ab", "x");
    assert_shows(t, "/a", "count=2,bytes=5");
    remove_node(t, "/a/c");
    remove_node(t, "/a");
    assert_shows(t, "/a", "count=0,bytes=0");
    tree_free(t);
}

/* The stats node's stat stays, and so does the digest; its size is counted. */
static void usage_is_shown_silently(void **state)
{
    (void)state;
    struct tree *t = new_tree();
    create(t, "/a", "");
    set_quota(t, "/a", "count=10,bytes=100");
    uint64_t size = tree_data_size(t);
    struct stat_persisted before, after;
    tree_stat_persisted(tree_lookup(t, BYTES("/zookeeper/quota/a/zookeeper_stats")), &before);
    set_data(t, "/a", "1234567890");
    tree_stat_persisted(tree_lookup(t, BYTES("/zookeeper/quota/a/zookeeper_stats")), &after);
    assert_true(stats_are_equal(&before, &after));
    assert_int_equal(tree_data_size(t), size + 10 + 1);
    tree_free(t);
}

static void deepest_quota_counts(void **state)
{
    (void)state;
    struct tree *t = new_tree();
    create(t, "/a", "");
    set_quota(t, "/a", "count=10,bytes=-1");
    create(t, "/a/b", "");
    set_quota(t, "/a/b", "count=5");
    create(t, "/a/b/c", "123");
    create(t, "/a/d", "1");
    assert_shows(t, "/a/b", "count=2,bytes=3");
    assert_shows(t, "/a", "count=3,bytes=1"); /* /a/b/c was not counted here */
    struct bytes path;
    struct quota quota;
    assert_true(tree_quota_of(t, BYTES("/a/b/c/x"), &path, &quota));
    assert_true(bytes_equal(path, BYTES("/a/b")));
    assert_true(tree_quota_of(t, BYTES("/a/bc"), &path, &quota));
    assert_true(bytes_equal(path, BYTES("/a")));
    assert_false(tree_quota_of(t, BYTES("/ab"), &path, &quota));
    assert_false(tree_quota_of(t, BYTES("/"), &path, &quota));
    assert_false(tree_quota_of(t, BYTES("a"), &path, &quota));
    remove_node(t, "/zookeeper/quota/a/b/zookeeper_limits");
    assert_true(tree_quota_of(t, BYTES("/a/b/c/x"), &path, &quota));
    assert_true(bytes_equal(path, BYTES("/a")));
    tree_free(t);
}

static void limits_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t count, bytes, count_hard, bytes_hard;
    } rows[] = {
        {"count=10,bytes=20", 10, 20, -1, -1},
        {"count=-1,bytes=20", -1, 20, -1, -1},
        {"count=10,bytes=20=;byteHardLimit=40;countHardLimit=30", 10, 20, 30, 40},
        {"countHardLimit=30;,;byteHardLimit=40,", -1, -1, 30, 40},
        {"", -1, -1, -1, -1},
        {"count=,bytes=x1", -1, -1, -1, -1},
        {"count,bytes", -1, -1, -1, -1},
        {"count=99999999999999999999", -1, -1, -1, -1},
        {"=5,other=7,count=3", 3, -1, -1, -1},
    };
    struct tree *t = new_tree();
    create(t, "/a", "");
    set_quota(t, "/a", "count=1,bytes=1");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct bytes path;
        struct quota quota;
        set_data(t, "/zookeeper/quota/a/zookeeper_limits", rows[i].text);
        assert_true(tree_quota_of(t, BYTES("/a"), &path, &quota));
        assert_int_equal(quota.count, rows[i].count);
        assert_int_equal(quota.bytes, rows[i].bytes);
        assert_int_equal(quota.count_hard, rows[i].count_hard);
        assert_int_equal(quota.bytes_hard, rows[i].bytes_hard);
        assert_int_equal(quota.used_count, 1);
    }
    tree_free(t);
}

/* Somebody set the stats node: its hard limits stay, its counts do not. */
static void hard_limits_in_the_text_stay(void **state)
{
    (void)state;
    struct tree *t = new_tree();
    create(t, "/a", "");
    set_quota(t, "/a", "");
    set_data(t, "/zookeeper/quota/a/zookeeper_stats", "count=77,bytes=88=;byteHardLimit=5;countHardLimit=6");
    create(t, "/a/b", "1");
    assert_shows(t, "/a", "count=2,bytes=1=;byteHardLimit=5;countHardLimit=6");
    set_data(t, "/zookeeper/quota/a/zookeeper_stats", "countHardLimit=6");
    create(t, "/a/c", "1");
    assert_shows(t, "/a", "count=3,bytes=2=;countHardLimit=6");
    tree_free(t);
}

static void count_quota(void *context, struct bytes path, const struct quota *quota)
{
    assert_true(bytes_equal(path, BYTES("/a")));
    assert_int_equal(quota->count, 3);
    ++*(int *)context;
}

/* Names alone do not make a quota: the place must be right too. */
static void only_real_limits_nodes_count(void **state)
{
    (void)state;
    struct tree *t = new_tree();
    create(t, "/zookeeper_limits", "count=1");
    create(t, "/zookeeper/zookeeper_limits", "count=1");
    create(t, "/zookeeper/quota/zookeeper_limits", "count=1"); /* for the root: not possible */
    create(t, "/zookeeper/quota/a", "");
    create(t, "/zookeeper/quota/a/my_zookeeper_limits", "count=1");
    int count = 0;
    tree_each_quota(t, count_quota, &count);
    assert_int_equal(count, 0);
    create(t, "/zookeeper/quota/a/zookeeper_limits", "count=3");
    tree_each_quota(t, count_quota, &count);
    assert_int_equal(count, 1);
    struct bytes path;
    struct quota quota;
    assert_true(tree_quota_of(t, BYTES("/a/b"), &path, &quota));
    assert_int_equal(quota.used_count, 0); /* there is no /a */
    tree_free(t);
}

/* Usage after a load is that of the whole subtree, with what lies in a deeper quota, as the original computes it. */
static void usage_is_computed_on_load(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"", ""},
        {"/zookeeper", ""},
        {"/zookeeper/quota", ""},
        {"/zookeeper/quota/a", ""},
        {"/zookeeper/quota/a/zookeeper_limits", "count=9"},
        {"/zookeeper/quota/a/zookeeper_stats", "stale"},
        {"/zookeeper/quota/a/b", ""},
        {"/zookeeper/quota/a/b/zookeeper_limits", "count=9"},
        {"/zookeeper/quota/a/b/zookeeper_stats", "stale"},
        {"/a", "1"},
        {"/a/b", "22"},
        {"/a/b/c", "333"},
    };
    struct tree *t = new_tree();
    const struct stat_persisted stat = {0};
    tree_load_begin(t);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(tree_load(t, bytes_of(rows[i][0]), bytes_of(rows[i][1]), model_acl(0), &stat), ST_OK);
    uint64_t dropped;
    assert_int_equal(tree_loaded(t, &dropped), ST_OK);
    assert_shows(t, "/a", "count=3,bytes=6");
    assert_shows(t, "/a/b", "count=2,bytes=5");
    tree_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(usage_follows_changes),        cmocka_unit_test(usage_is_shown_silently),
        cmocka_unit_test(deepest_quota_counts),         cmocka_unit_test(limits_are_read),
        cmocka_unit_test(hard_limits_in_the_text_stay), cmocka_unit_test(only_real_limits_nodes_count),
        cmocka_unit_test(usage_is_computed_on_load),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
