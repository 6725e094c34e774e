/* Sets of paths: their order, which lies below which, and what they cover, against the obvious way. */
#include "core/tree/path_set.h"

#include "core/base/mem.h"
#include "core/tree/path.h"
#include "tests/support/random.h"
#include "tests/support/test.h"

static void fill(struct path_set *set, const char *const *paths, size_t count)
{
    assert_int_equal(path_set_begin(set, count), ST_OK);
    for (size_t i = 0; i < count; i++)
        path_set_add(set, bytes_of(paths[i]));
    path_set_order(set);
}

static void the_order_is_that_of_the_tree(void **state)
{
    (void)state;
    static const char *const paths[] = {"/a0", "/a/b/c", "/a", "/a-b", "/a/b-", "/a/b", "/a", "/a/b/c/d"};
    static const struct {
        const char *path;
        int32_t above;
    } ordered[] = {{"/a", -1}, {"/a/b", 0}, {"/a/b/c", 1}, {"/a/b/c/d", 2}, {"/a/b-", 0}, {"/a-b", -1}, {"/a0", -1}};
    struct path_set set;
    fill(&set, paths, sizeof paths / sizeof paths[0]);
    assert_int_equal(set.count, sizeof ordered / sizeof ordered[0]);
    for (size_t i = 0; i < set.count; i++) {
        assert_true(bytes_equal(set.entries[i].path, bytes_of(ordered[i].path)));
        assert_int_equal(set.entries[i].above, ordered[i].above);
    }
    path_set_free(&set);
}

static void the_root_is_above_all(void **state)
{
    (void)state;
    static const char *const paths[] = {"/a", "/"};
    struct path_set set;
    fill(&set, paths, 2);
    assert_int_equal(set.entries[0].path.len, 0);
    assert_int_equal(set.entries[1].above, 0);
    assert_true(path_set_covers(&set, BYTES("/")) && path_set_covers(&set, BYTES("/x/y")));
    path_set_free(&set);
    fill(&set, paths, 1);
    assert_false(path_set_covers(&set, BYTES("/")));
    assert_true(path_set_covers(&set, BYTES("/a")) && path_set_covers(&set, BYTES("/a/b")));
    assert_false(path_set_covers(&set, BYTES("/ab")) || path_set_covers(&set, BYTES("/a-")));
    path_set_free(&set);
}

static void an_empty_one_covers_nothing(void **state)
{
    (void)state;
    struct path_set set;
    fill(&set, NULL, 0);
    assert_false(path_set_covers(&set, BYTES("/")) || path_set_covers(&set, BYTES("/a")));
    path_set_free(&set);
}

/* Up to four names deep, of few names that begin alike. */
static void random_path(struct random *r, char path[32])
{
    static const char *const names[] = {"a", "a-", "a.b", "ab", "b"};
    int at = 0;
    path[0] = '\0';
    for (uint32_t depth = random_below(r, 5); depth > 0; depth--)
        at += snprintf(path + at, 32 - (size_t)at, "/%s", names[random_below(r, 5)]);
}

static int32_t nearest_above(const struct path_set *set, size_t at)
{
    int32_t best = -1;
    for (size_t i = 0; i < set->count; i++)
        if (i != at && path_is_within(set->entries[at].path, set->entries[i].path) &&
            (best < 0 || set->entries[i].path.len > set->entries[best].path.len))
            best = (int32_t)i;
    return best;
}

static void covers_what_the_obvious_way_says(void **state)
{
    (void)state;
    struct random r = {random_seed()};
    for (int round = 0; round < 2000; round++) {
        char texts[8][32], path[32];
        struct path_set set;
        size_t count = random_below(&r, 8);
        assert_int_equal(path_set_begin(&set, count), ST_OK);
        for (size_t i = 0; i < count; i++) {
            random_path(&r, texts[i]);
            path_set_add(&set, bytes_of(texts[i]));
        }
        path_set_order(&set);
        for (size_t i = 0; i < set.count; i++)
            assert_int_equal(set.entries[i].above, nearest_above(&set, i));
        for (int i = 0; i < 20; i++) {
            bool expected = false;
            random_path(&r, path);
            for (size_t k = 0; k < count; k++)
                expected |= path_is_within(bytes_of(path), bytes_of(texts[k]));
            assert_int_equal(path_set_covers(&set, bytes_of(path)), expected);
        }
        path_set_free(&set);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_order_is_that_of_the_tree),
        cmocka_unit_test(the_root_is_above_all),
        cmocka_unit_test(an_empty_one_covers_nothing),
        cmocka_unit_test(covers_what_the_obvious_way_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
