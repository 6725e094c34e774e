/* state_size_test.c - what there is in a directory: all of it, nothing else, and no end that cannot be reached. */
#include "plugins/host/supervise/state_size.h"
#include "tests/support/test.h"
#include "tests/support/tmp.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NOBODY = 65534 };

static void make_file(const char *directory, const char *name, size_t len)
{
    char *path = tmp_join(directory, name), *content = calloc(1, len + 1);
    int file = open(path, O_CREAT | O_WRONLY, 0600);
    assert_true(file >= 0);
    assert_int_equal(write(file, content, len), len);
    assert_int_equal(close(file), 0);
    free(content);
    free(path);
}

static char *make_directory(const char *above, const char *name)
{
    char *path = tmp_join(above, name);
    assert_int_equal(mkdir(path, 0700), 0);
    return path;
}

static void link_to(const char *directory, const char *name, const char *target)
{
    char *path = tmp_join(directory, name);
    assert_int_equal(symlink(target, path), 0);
    free(path);
}

static struct state_size size_of(const char *directory, uint64_t files_max, bool good)
{
    struct state_size size = {0};
    char why[STATE_WHY_MAX] = "";
    assert_int_equal(state_size_add(&size, directory, files_max, why), good);
    assert_int_equal(why[0] == '\0', good);
    return size;
}

static void test_all_that_is_below_counts(void **state)
{
    char *directory = tmp_make(), *outside = tmp_make();
    (void)state;
    make_file(outside, "large", 1 << 20);
    make_file(directory, "a", 100000);
    char *below = make_directory(directory, "d"), *deeper = make_directory(below, "e");
    make_file(deeper, "b", 200000);
    link_to(deeper, "away", outside);
    link_to(deeper, "circle", directory);
    struct state_size size = size_of(directory, 1000, true);
    assert_int_equal(size.files, 6);
    assert_in_range(size.bytes, 300000, 400000);
    char why[STATE_WHY_MAX] = "";
    assert_true(state_size_add(&size, deeper, 1000, why)); /* it adds up */
    assert_int_equal(size.files, 9);
    free(deeper);
    free(below);
    tmp_remove(outside);
    tmp_remove(directory);
}

static void test_it_stops_when_there_are_too_many(void **state)
{
    char *directory = tmp_make(), name[16];
    (void)state;
    for (int i = 0; i < 50; i++) {
        (void)snprintf(name, sizeof name, "%d", i);
        make_file(directory, name, 1);
    }
    assert_int_equal(size_of(directory, 20, true).files, 21);
    assert_int_equal(size_of(directory, 50, true).files, 50);
    tmp_remove(directory);
}

static void test_one_that_is_missing_is_empty(void **state)
{
    char *directory = tmp_make(), *missing = tmp_join(directory, "missing");
    (void)state;
    assert_int_equal(size_of(missing, 20, true).files, 0);
    free(missing);
    tmp_remove(directory);
}

static void test_what_cannot_be_counted_is_told(void **state)
{
    char *directory = tmp_make(), *at = strdup(directory);
    (void)state;
    for (int i = 0; i < 70; i++) {
        char *deeper = make_directory(at, "d");
        free(at);
        at = deeper;
    }
    free(at);
    (void)size_of(directory, 1000, false);
    at = make_directory(directory, "secret");
    assert_int_equal(chmod(at, 0300), 0);
    bool is_root = geteuid() == 0; /* who may read everything */
    assert_int_equal(is_root ? seteuid(NOBODY) : 0, 0);
    (void)size_of(at, 1000, false);
    assert_int_equal(is_root ? seteuid(0) : 0, 0);
    assert_int_equal(chmod(at, 0700), 0);
    free(at);
    tmp_remove(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_that_is_below_counts),
        cmocka_unit_test(test_it_stops_when_there_are_too_many),
        cmocka_unit_test(test_one_that_is_missing_is_empty),
        cmocka_unit_test(test_what_cannot_be_counted_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
