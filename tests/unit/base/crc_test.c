/* Our CRC is zlib's, for each length and wherever the input is cut. */
#include "core/base/crc.h"

#include "tests/support/random.h"
#include "tests/support/test.h"

#include <stdlib.h>
#include <zlib.h>

#define LEN_MAX 1200

static void crc_is_that_of_zlib(void **state)
{
    (void)state;
    struct random random = {random_seed()};
    for (size_t len = 0; len < LEN_MAX; len++) {
        uint8_t *input = malloc(len + 1);
        assert_non_null(input);
        for (size_t i = 0; i < len; i++)
            input[i] = (uint8_t)random_next(&random);
        uint32_t expected = (uint32_t)crc32_z(0, input, len);
        assert_int_equal(crc32_continue(0, bytes_make(input, len)), expected);
        size_t cut = random_below(&random, (uint32_t)len + 1);
        uint32_t crc = crc32_continue(0, bytes_make(input, cut));
        assert_int_equal(crc32_continue(crc, bytes_make(input + cut, len - cut)), expected);
        free(input);
    }
    assert_int_equal(crc32_continue(7, BYTES_NULL), 7);
    assert_int_equal(crc32_continue(0, BYTES("123456789")), 0xcbf43926);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crc_is_that_of_zlib),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
