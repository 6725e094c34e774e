/* Digest, HMAC and base64 against published values, and the one that ZooKeeper's digest scheme makes of "u:p". */
#include "core/base/crypto.h"

#include "core/base/check.h"
#include "tests/support/test.h"

static void assert_hex(const uint8_t *data, size_t len, const char *hex)
{
    assert_int_equal(strlen(hex), 2 * len);
    for (size_t i = 0; i < len; i++) {
        char byte[3];
        snprintf(byte, sizeof byte, "%02x", data[i]);
        assert_memory_equal(byte, hex + 2 * i, 2);
    }
}

static void digests(void **state)
{
    (void)state;
    uint8_t out[64];
    /* FIPS 180: "abc". */
    assert_int_equal(crypto_digest("SHA1", BYTES("abc"), out), 20);
    assert_hex(out, 20, "a9993e364706816aba3e25717850c26c9cd0d89d");
    static const char *const spellings[] = {"SHA-256", "SHA256", "sha256"};
    for (size_t i = 0; i < ARRAY_LEN(spellings); i++) {
        assert_int_equal(crypto_digest(spellings[i], BYTES("abc"), out), 32);
        assert_hex(out, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
    assert_int_equal(crypto_digest("SHA-512", BYTES(""), out), 64);
    assert_int_equal(crypto_digest("no such thing", BYTES("abc"), out), 0);
}

/* RFC 4231, test cases 1, 2 and 6: whatever key the one before had, also one that is longer than a block. */
static void hmacs(void **state)
{
    (void)state;
    struct crypto_mac *mac = crypto_mac_new();
    uint8_t key[20], longer[131], out[32];
    assert_non_null(mac);
    memset(key, 0x0b, sizeof key);
    memset(longer, 0xaa, sizeof longer);
    for (int times = 0; times < 2; times++) {
        assert_true(crypto_hmac(mac, bytes_make(key, sizeof key), BYTES("Hi There"), out));
        assert_hex(out, 32, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
        assert_true(crypto_hmac(mac, bytes_make(longer, sizeof longer),
                                BYTES("Test Using Larger Than Block-Size Key - Hash Key First"), out));
        assert_hex(out, 32, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
        assert_true(crypto_hmac(mac, BYTES("Jefe"), BYTES("what do ya want for nothing?"), out));
        assert_hex(out, 32, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }
    crypto_mac_free(mac);
    crypto_mac_free(NULL);
}

/* RFC 4648, section 10. */
static void base64(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foobar", "Zm9vYmFy"}, {"\xff\xfe\xfd", "//79"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buffer out = {0};
        assert_int_equal(buffer_append(&out, "u:", 2), ST_OK);
        assert_int_equal(crypto_base64(&out, bytes_of(rows[i][0])), ST_OK);
        assert_true(bytes_equal(bytes_from(buffer_bytes(&out), 2), bytes_of(rows[i][1])));
        buffer_free(&out);
    }
    struct buffer small = {.max = 3};
    assert_int_equal(crypto_base64(&small, BYTES("foo")), ST_LIMIT);
    buffer_free(&small);
}

static void id_of_the_digest_scheme(void **state)
{
    (void)state;
    uint8_t digest[64];
    struct buffer out = {0};
    size_t len = crypto_digest("SHA1", BYTES("u:p"), digest);
    assert_int_equal(crypto_base64(&out, bytes_make(digest, len)), ST_OK);
    assert_true(bytes_equal(buffer_bytes(&out), BYTES("Jq7wMyA/w2Vd5WIDAKdu4OIIFEQ=")));
    buffer_free(&out);
}

static void equality(void **state)
{
    (void)state;
    assert_true(crypto_equal(BYTES("abc"), BYTES("abc")));
    assert_false(crypto_equal(BYTES("abc"), BYTES("abd")));
    assert_false(crypto_equal(BYTES("abc"), BYTES("ab")));
    assert_true(crypto_equal(BYTES(""), BYTES("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digests),  cmocka_unit_test(hmacs),
        cmocka_unit_test(base64),   cmocka_unit_test(id_of_the_digest_scheme),
        cmocka_unit_test(equality),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
