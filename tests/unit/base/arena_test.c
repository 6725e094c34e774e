/* The arena: what was given out stays as it was until the reset, bounds hold, and one block is kept. */
#include "core/base/arena.h"

#include "tests/support/test.h"

static void blocks_do_not_overlap(void **state)
{
    (void)state;
    struct arena a = {0};
    uint8_t *blocks[200];
    for (size_t i = 0; i < 200; i++) {
        blocks[i] = arena_alloc(&a, i * 7 + 1);
        assert_non_null(blocks[i]);
        assert_int_equal((uintptr_t)blocks[i] % _Alignof(max_align_t), 0);
        memset(blocks[i], (int)i, i * 7 + 1);
    }
    for (size_t i = 0; i < 200; i++)
        for (size_t at = 0; at < i * 7 + 1; at++)
            assert_int_equal(blocks[i][at], i);
    arena_free(&a);
}

static void large_ones_have_room_of_their_own(void **state)
{
    (void)state;
    struct arena a = {0};
    char *small = arena_text(&a, "small", 5);
    uint8_t *large = arena_alloc(&a, 1000000);
    assert_non_null(large);
    memset(large, 1, 1000000);
    assert_string_equal(small, "small");
    arena_reset(&a);
    assert_ptr_equal(arena_text(&a, "again", 5), small); /* the same block, from its beginning */
    arena_free(&a);
}

static void the_sum_is_bounded(void **state)
{
    (void)state;
    struct arena a = {.max = 1000};
    assert_non_null(arena_alloc(&a, 500));
    assert_null(arena_alloc(&a, 501));
    assert_non_null(arena_alloc(&a, 400));
    assert_null(arena_alloc(&a, SIZE_MAX));
    arena_reset(&a);
    assert_non_null(arena_alloc(&a, 900));
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_do_not_overlap),
        cmocka_unit_test(large_ones_have_room_of_their_own),
        cmocka_unit_test(the_sum_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
