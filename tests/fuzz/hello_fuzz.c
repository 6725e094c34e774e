/* hello_fuzz.c - any bytes as the initial message of the election port: read the same in pieces, written again so that
 * it is read the same, and its addresses are those that stand in it. */
#include "core/base/check.h"
#include "core/zab/notification.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum status decode_in_pieces(struct bytes in, size_t *used)
{
    struct hello hello;
    for (size_t len = 0;; len = *used) {
        enum status st = hello_decode(bytes_make(in.data, len), &hello, used);
        if (st != ST_TRUNCATED)
            return st;
        CHECK(*used > len);
        if (*used > in.len)
            return st;
    }
}

static void check_addresses(struct bytes addresses)
{
    struct hello_address address;
    struct bytes rest = addresses;
    while (hello_next_address(&rest, &address)) {
        CHECK(address.host.len > 0 && address.port > 0);
        CHECK(address.host.data >= addresses.data && rest.data <= addresses.data + addresses.len);
        CHECK(address.host.data + address.host.len < rest.data);
        CHECK(memchr(address.host.data, '|', address.host.len) == NULL);
        CHECK(memchr(address.host.data, '\0', address.host.len) == NULL);
    }
    CHECK(rest.len == 0);
}

static void check_written_again(const struct hello *hello)
{
    struct buffer again = {0};
    struct writer w = writer_to(&again);
    struct hello got;
    size_t used;
    hello_encode(&w, hello);
    CHECK(w.status == ST_OK && hello_decode(buffer_bytes(&again), &got, &used) == ST_OK);
    CHECK(used == again.len && got.sid == hello->sid && bytes_equal(got.addresses, hello->addresses));
    buffer_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct bytes in = bytes_make(data, size);
    struct hello hello;
    size_t used, used_in_pieces;
    enum status st = hello_decode(in, &hello, &used);
    CHECK(st == ST_OK || st == ST_TRUNCATED || st == ST_CORRUPT || st == ST_LIMIT);
    CHECK(decode_in_pieces(in, &used_in_pieces) == st);
    if (st == ST_TRUNCATED)
        CHECK(used > in.len && used <= 20 + HELLO_ADDRESSES_MAX);
    if (st != ST_OK)
        return 0;
    CHECK(used == used_in_pieces && used <= in.len);
    if (bytes_is_null(hello.addresses)) {
        CHECK(used == 8 && hello.sid >= 0);
        return 0;
    }
    CHECK(used == 20 + hello.addresses.len);
    check_addresses(hello.addresses);
    check_written_again(&hello);
    return 0;
}
