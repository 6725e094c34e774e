/* The pool: blocks keep what is written into them, what is freed is given out again, and empty regions go back. */
/* link: -Wl,--wrap=mem_alloc -Wl,--wrap=mem_calloc -Wl,--wrap=mem_realloc */
#include "core/base/pool.h"

#include "core/base/check.h"
#include "tests/support/failing_memory.h"
#include "tests/support/random.h"
#include "tests/support/test.h"

enum { RUN_BYTES = 32 * 1024, SIZE_MAX_TESTED = POOL_BLOCK_MAX + 40, BLOCKS = 4000, STEPS = 100000 };

struct block {
    uint8_t *at;
    size_t size;
    uint8_t mark;
};

static void take(struct pool *p, struct block *b, size_t size, uint8_t mark)
{
    *b = (struct block){pool_alloc(p, size), size, mark};
    assert_non_null(b->at);
    assert_int_equal((uintptr_t)b->at % POOL_STEP, 0);
    memset(b->at, mark, size);
}

static void give(struct pool *p, struct block *b)
{
    for (size_t i = 0; i < b->size; i++)
        assert_int_equal(b->at[i], b->mark);
    pool_free(p, b->at, b->size);
    b->at = NULL;
}

static void every_size_has_its_blocks(void **state)
{
    (void)state;
    static struct block blocks[3][SIZE_MAX_TESTED + 1];
    struct pool p;
    pool_init(&p);
    for (size_t i = 0; i < ARRAY_LEN(blocks); i++)
        for (size_t size = 0; size <= SIZE_MAX_TESTED; size++)
            take(&p, &blocks[i][size], size, (uint8_t)(size + i));
    for (size_t i = 0; i < ARRAY_LEN(blocks); i++)
        for (size_t size = 0; size <= SIZE_MAX_TESTED; size++)
            give(&p, &blocks[i][size]);
    pool_free(&p, NULL, 0);
    pool_close(&p);
}

static void random_blocks_stay_whole(void **state)
{
    (void)state;
    static struct block blocks[BLOCKS];
    struct random random = {random_seed()};
    struct pool p;
    pool_init(&p);
    for (int i = 0; i < STEPS; i++) {
        struct block *b = &blocks[random_below(&random, BLOCKS)];
        if (b->at != NULL)
            give(&p, b);
        else
            take(&p, b, random_below(&random, SIZE_MAX_TESTED + 1), (uint8_t)i);
    }
    for (size_t i = 0; i < BLOCKS; i++)
        if (blocks[i].at != NULL)
            give(&p, &blocks[i]);
    pool_close(&p);
}

static void what_is_freed_is_given_out_again(void **state)
{
    (void)state;
    struct pool p;
    pool_init(&p);
    void *first = pool_alloc(&p, 100), *second = pool_alloc(&p, 100);
    pool_free(&p, first, 100);
    assert_ptr_equal(pool_alloc(&p, 97), first);
    assert_ptr_not_equal(pool_alloc(&p, 96), second);
    for (int i = 0; i < STEPS; i++)
        pool_free(&p, pool_alloc(&p, 50), 50);
    assert_int_equal(p.run_count, 4);
    pool_close(&p);
}

static void one_block_may_serve_for_another(void **state)
{
    (void)state;
    assert_true(pool_fits(97, 104));
    assert_false(pool_fits(96, 97));
    assert_false(pool_fits(0, 1));
    assert_true(pool_fits(POOL_BLOCK_MAX - 7, POOL_BLOCK_MAX));
    assert_false(pool_fits(POOL_BLOCK_MAX, POOL_BLOCK_MAX + 1));
    assert_true(pool_fits(5000, 5000));
    assert_false(pool_fits(5000, 5001)); /* how long it is knows the C library alone */
}

/* Grown to many regions, then freed in another order than taken. */
static void blocks_take_little_and_go(void **state)
{
    (void)state;
    enum { COUNT = 200000, SIZE = 108, STRIDE = 77773 };
    static void *blocks[COUNT];
    struct pool p;
    pool_init(&p);
    for (size_t i = 0; i < COUNT; i++)
        assert_non_null(blocks[i] = pool_alloc(&p, SIZE));
    double each = (double)p.run_count * RUN_BYTES / COUNT;
    assert_true(each >= 112 && each < 112 + 25); /* the last region is not full */
    for (size_t i = 0; i < COUNT; i++)
        pool_free(&p, blocks[i * STRIDE % COUNT], SIZE);
    assert_true(p.run_count > 0 && p.run_count <= 128); /* one that is spare */
    pool_close(&p);
    assert_int_equal(p.run_count, 0);
}

static void without_memory_there_is_none(void **state)
{
    (void)state;
    struct pool p;
    pool_init(&p);
    memory_fail_after(0);
    assert_null(pool_alloc(&p, 8));
    assert_null(pool_alloc(&p, POOL_BLOCK_MAX + 1));
    memory_fail_after(-1);
    assert_non_null(pool_alloc(&p, 8));
    memory_fail_after(0);
    assert_non_null(pool_alloc(&p, 8)); /* from the same run */
    memory_fail_after(-1);
    pool_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_size_has_its_blocks),        cmocka_unit_test(random_blocks_stay_whole),
        cmocka_unit_test(what_is_freed_is_given_out_again), cmocka_unit_test(one_block_may_serve_for_another),
        cmocka_unit_test(blocks_take_little_and_go),        cmocka_unit_test(without_memory_there_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
