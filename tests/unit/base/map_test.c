/* Both maps against an array that is searched, with keys that collide, and with growing that finds no memory. */
/* link: -Wl,--wrap=mem_alloc -Wl,--wrap=mem_calloc -Wl,--wrap=mem_realloc */
#include "core/base/map.h"

#include "core/base/check.h"
#include "tests/support/failing_memory.h"
#include "tests/support/random.h"
#include "tests/support/test.h"

#define KEYS  200
#define STEPS 50000

struct item {
    char key[16];
    bool is_there;
};

static struct bytes key_of(const void *item)
{
    return bytes_of(((const struct item *)item)->key);
}

/* Small and huge ones, and some that differ in few bits. */
static uint64_t number_of(size_t i)
{
    return i % 3 == 0 ? i : i % 3 == 1 ? UINT64_MAX - i : (uint64_t)i << 40;
}

static void numbers_agree(void **state)
{
    (void)state;
    struct random random = {random_seed()};
    static struct item items[KEYS];
    struct map64 m = {0};
    size_t count = 0;
    for (int step = 0; step < STEPS; step++) {
        size_t i = random_below(&random, KEYS);
        struct item *item = &items[i];
        assert_ptr_equal(map64_get(&m, number_of(i)), item->is_there ? item : NULL);
        if (random_below(&random, 2) == 0) {
            assert_ptr_equal(map64_remove(&m, number_of(i)), item->is_there ? item : NULL);
            count -= item->is_there;
            item->is_there = false;
        } else {
            memory_fail_after(random_below(&random, 4) == 0 ? 0 : -1);
            enum status st = map64_put(&m, number_of(i), item);
            memory_fail_after(-1);
            assert_true(st == ST_OK || st == ST_NO_MEMORY);
            count += st == ST_OK && !item->is_there;
            item->is_there = item->is_there || st == ST_OK;
        }
        assert_int_equal(m.count, count);
        size_t walked = 0;
        MAP64_FOR_EACH(at, &m)
        walked += ((struct item *)at->value)->is_there;
        assert_int_equal(walked, count);
    }
    map64_free(&m);
    assert_null(map64_get(&m, 1));
    assert_null(map64_remove(&m, 1));
}

static void replacing_keeps_one(void **state)
{
    (void)state;
    struct map64 m = {0};
    int a, b;
    assert_int_equal(map64_put(&m, 0, &a), ST_OK);
    assert_int_equal(map64_put(&m, 0, &b), ST_OK);
    assert_int_equal(m.count, 1);
    assert_ptr_equal(map64_get(&m, 0), &b);
    map64_free(&m);
}

static void items_agree(void **state)
{
    (void)state;
    const struct hash_key hash_key = {1, 2};
    struct random random = {random_seed()};
    static struct item items[KEYS];
    struct map m;
    map_init(&m, &hash_key, key_of);
    assert_null(map_get(&m, BYTES("x")));
    assert_null(map_remove(&m, BYTES("x")));
    size_t count = 0;
    for (size_t i = 0; i < KEYS; i++)
        snprintf(items[i].key, sizeof items[i].key, "%zu", i);
    for (int step = 0; step < STEPS; step++) {
        struct item *item = &items[random_below(&random, KEYS)];
        assert_ptr_equal(map_get(&m, key_of(item)), item->is_there ? item : NULL);
        if (item->is_there) {
            assert_ptr_equal(map_remove(&m, key_of(item)), item);
            item->is_there = false;
            count--;
        } else {
            memory_fail_after(random_below(&random, 4) == 0 ? 0 : -1);
            item->is_there = map_add(&m, item) == ST_OK;
            memory_fail_after(-1);
            count += item->is_there;
        }
        assert_int_equal(m.count, count);
    }
    size_t walked = 0;
    MAP_FOR_EACH(at, &m)
    walked += ((struct item *)at->item)->is_there;
    assert_int_equal(walked, count);
    map_free(&m);
    assert_null(map_get(&m, BYTES("x")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_agree),
        cmocka_unit_test(replacing_keeps_one),
        cmocka_unit_test(items_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
