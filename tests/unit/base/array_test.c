/* An array that grows keeps what it has, and refuses a size that cannot be. */
#include "core/base/array.h"

#include "core/base/mem.h"
#include "tests/support/test.h"

#include <stdint.h>

static void items_stay_while_it_grows(void **state)
{
    (void)state;
    uint32_t *items = NULL;
    size_t count = 0, capacity = 0;
    for (; count < 1000; count++) {
        items = array_room(items, count, &capacity, sizeof *items, 3);
        assert_non_null(items);
        assert_true(count < capacity);
        items[count] = (uint32_t)count;
    }
    for (size_t i = 0; i < count; i++)
        assert_int_equal(items[i], i);
    mem_free(items);
}

static void a_size_that_overflows_is_refused(void **state)
{
    (void)state;
    size_t capacity = SIZE_MAX / 4;
    int item;
    assert_null(array_room(&item, capacity, &capacity, 16, 1));
    assert_int_equal(capacity, SIZE_MAX / 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_stay_while_it_grows),
        cmocka_unit_test(a_size_that_overflows_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
