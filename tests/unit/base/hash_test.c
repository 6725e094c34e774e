/* The keyed hash: every bit of key, seed and bytes matters, and names as they come are spread evenly. */
#include "core/base/hash.h"

#include "core/base/check.h"
#include "tests/support/test.h"

#define NAMES   100000
#define BUCKETS 1024

static const struct hash_key key = {0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL};

/* Computed by another implementation of SipHash-1-3; the seed is its first word, the length that of the bytes alone. */
static void values_of_the_algorithm(void **state)
{
    (void)state;
    static const struct {
        uint64_t seed;
        const char *text;
        uint64_t hash;
    } rows[] = {
        {0x0, "", 0x79291c7a4c691902},
        {0x1, "a", 0xbc231e6834961cbf},
        {0x7, "zookeeper", 0xf96b3de41bf88eb9},
        {0xffffffff, "0123456789abcdef", 0x00f651c1904d2509},
        {0x8000000000000000, "lock-0000000001", 0x62c1e27e798d5118},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(hash_bytes(&key, rows[i].seed, bytes_of(rows[i].text)), rows[i].hash);
}

static void every_bit_matters(void **state)
{
    (void)state;
    uint8_t text[23] = "some name of 22 bytes";
    uint64_t before = hash_bytes(&key, 7, bytes_make(text, 22));
    for (size_t bit = 0; bit < 22 * 8; bit++) {
        text[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_not_equal(hash_bytes(&key, 7, bytes_make(text, 22)), before);
        text[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (int bit = 0; bit < 64; bit++) {
        const struct hash_key key0 = {key.k0 ^ 1ULL << bit, key.k1}, key1 = {key.k0, key.k1 ^ 1ULL << bit};
        assert_int_not_equal(hash_bytes(&key0, 7, bytes_make(text, 22)), before);
        assert_int_not_equal(hash_bytes(&key1, 7, bytes_make(text, 22)), before);
        assert_int_not_equal(hash_bytes(&key, 7 ^ 1ULL << bit, bytes_make(text, 22)), before);
    }
}

/* Zeros at the end are part of the input. */
static void length_matters(void **state)
{
    (void)state;
    static const uint8_t zeros[32] = {0};
    uint64_t seen[33];
    for (size_t len = 0; len <= 32; len++) {
        seen[len] = hash_bytes(&key, 0, bytes_make(zeros, len));
        for (size_t i = 0; i < len; i++)
            assert_int_not_equal(seen[i], seen[len]);
    }
    assert_int_equal(hash_bytes(&key, 0, BYTES_NULL), seen[0]);
}

static void names_are_spread(void **state)
{
    (void)state;
    static uint32_t by_bytes[BUCKETS], by_number[BUCKETS];
    for (uint32_t i = 0; i < NAMES; i++) {
        char name[16];
        snprintf(name, sizeof name, "n%010u", i);
        by_bytes[hash_bytes(&key, 1, bytes_of(name)) % BUCKETS]++;
        by_number[hash_u64((uint64_t)i << 24) % BUCKETS]++;
    }
    /* About 98 each, ten standard deviations to either side. */
    for (size_t i = 0; i < BUCKETS; i++) {
        assert_in_range(by_bytes[i], 1, 200);
        assert_in_range(by_number[i], 1, 200);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_of_the_algorithm),
        cmocka_unit_test(every_bit_matters),
        cmocka_unit_test(length_matters),
        cmocka_unit_test(names_are_spread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
