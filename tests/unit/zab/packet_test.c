/* A packet ends where its last length says; what can never become one is known as early as that can be. */
#include "core/zab/packet.h"

#include "core/base/check.h"
#include "tests/support/test.h"

#include <stdlib.h>

enum { DATA_MAX = 100 };

static struct buffer out;

static struct writer fresh(void)
{
    out.len = 0;
    return writer_to(&out);
}

static int tear_down(void **state)
{
    (void)state;
    buffer_free(&out);
    return 0;
}

static enum status decode(struct packet *packet, size_t *used)
{
    return packet_decode(buffer_bytes(&out), DATA_MAX, packet, used);
}

/* Type, zxid, then what the caller writes. */
static struct writer head(void)
{
    struct writer w = fresh();
    write_i32(&w, PACKET_ACK);
    write_i64(&w, -1);
    return w;
}

static void assert_cannot_become_one(enum status wanted)
{
    struct packet packet;
    size_t used;
    struct writer w = writer_to(&out);
    while (out.len < PACKET_LEN_MIN)
        write_boolean(&w, false);
    assert_int_equal(decode(&packet, &used), wanted);
}

static void the_smallest_has_nothing(void **state)
{
    (void)state;
    const struct packet ack = {.type = PACKET_ACK, .zxid = 0x100000007};
    struct packet packet;
    size_t used;
    struct writer w = fresh();
    packet_encode(&w, &ack);
    assert_int_equal(out.len, PACKET_LEN_MIN);
    assert_memory_equal(out.data, "\0\0\0\3\0\0\0\1\0\0\0\7\377\377\377\377\377\377\377\377", PACKET_LEN_MIN);
    assert_int_equal(decode(&packet, &used), ST_OK);
    assert_int_equal(packet.type, PACKET_ACK);
    assert_int_equal(packet.zxid, 0x100000007);
    assert_true(bytes_is_null(packet.data));
    assert_true(bytes_is_null(packet.authinfo.raw));
}

static void empty_is_not_null(void **state)
{
    (void)state;
    struct packet packet;
    size_t used;
    struct writer w = fresh();
    packet_encode(&w, &(struct packet){.type = PACKET_PING, .data = BYTES(""), .authinfo = {0, BYTES("")}});
    assert_memory_equal(out.data + 12, "\0\0\0\0\0\0\0\0", 8);
    assert_int_equal(decode(&packet, &used), ST_OK);
    assert_false(bytes_is_null(packet.data));
    assert_false(bytes_is_null(packet.authinfo.raw));
    assert_int_equal(packet.data.len + packet.authinfo.raw.len, 0);
    assert_int_equal(packet.authinfo.count, 0);
}

/* One behind the other, identities and null texts in them. */
static void packets_follow_each_other(void **state)
{
    (void)state;
    static const char raw[] = "\0\0\0\2ip\0\0\0\4::ff\0\0\0\6digest\377\377\377\377";
    const struct packet request = {PACKET_REQUEST, -1, BYTES("abc"), {2, bytes_make(raw, sizeof raw - 1)}};
    struct packet packet;
    struct bytes scheme, id;
    size_t used;
    struct writer w = fresh();
    packet_encode(&w, &request);
    const size_t len = out.len;
    packet_encode(&w, &(struct packet){.type = 99});
    assert_int_equal(decode(&packet, &used), ST_OK);
    assert_int_equal(used, len);
    assert_true(bytes_equal(packet.data, BYTES("abc")));
    struct reader at = reader_of(packet.authinfo.raw);
    assert_true(ids_next(&at, &scheme, &id));
    assert_true(bytes_equal(scheme, BYTES("ip")) && bytes_equal(id, BYTES("::ff")));
    assert_true(ids_next(&at, &scheme, &id));
    assert_true(bytes_equal(scheme, BYTES("digest")) && bytes_is_null(id));
    assert_false(ids_next(&at, &scheme, &id));
    assert_int_equal(packet_decode(bytes_from(buffer_bytes(&out), used), DATA_MAX, &packet, &used), ST_OK);
    assert_int_equal(packet.type, 99);
    assert_null(packet_type_name(packet.type));
}

/* Feeding no more than was asked for gets there; one byte less gets the same answer again. */
static void it_says_how_much_is_needed(void **state)
{
    (void)state;
    struct packet packet;
    struct writer w = fresh();
    packet_encode(&w, &(struct packet){PACKET_REQUEST, 5, BYTES("data"), {1, BYTES("\0\0\0\1x\0\0\0\2yz")}});
    size_t len = 0, used = 0, turns = 0;
    while (packet_decode(bytes_make(out.data, len), DATA_MAX, &packet, &used) == ST_TRUNCATED) {
        size_t again;
        assert_true(used > len && used <= out.len);
        assert_int_equal(packet_decode(bytes_make(out.data, used - 1), DATA_MAX, &packet, &again), ST_TRUNCATED);
        assert_int_equal(again, used);
        len = used;
        turns++;
    }
    assert_int_equal(used, out.len);
    assert_true(turns <= 6);
    assert_int_equal(packet_decode(BYTES_NULL, DATA_MAX, &packet, &used), ST_TRUNCATED);
    assert_int_equal(used, PACKET_LEN_MIN);
}

static void data_has_a_limit(void **state)
{
    (void)state;
    static const uint8_t data[DATA_MAX + 1];
    struct packet packet;
    size_t used;
    struct writer w = fresh();
    packet_encode(&w, &(struct packet){.type = PACKET_PROPOSAL, .data = bytes_make(data, DATA_MAX)});
    assert_int_equal(decode(&packet, &used), ST_OK);
    assert_int_equal(packet.data.len, DATA_MAX);
    w = head();
    write_i32(&w, DATA_MAX + 1);
    assert_cannot_become_one(ST_LIMIT);
    w = head();
    write_i32(&w, INT32_MAX);
    assert_cannot_become_one(ST_LIMIT);
    w = head();
    write_i32(&w, -2);
    assert_cannot_become_one(ST_CORRUPT);
    w = head();
    write_i32(&w, INT32_MIN);
    assert_cannot_become_one(ST_CORRUPT);
}

static void identities_have_limits(void **state)
{
    (void)state;
    static const struct {
        int32_t count, first_len;
        enum status status;
    } rows[] = {{-2, 0, ST_CORRUPT},
                {INT32_MIN, 0, ST_CORRUPT},
                {PACKET_IDS_MAX + 1, 0, ST_LIMIT},
                {INT32_MAX, 0, ST_LIMIT},
                {1, -2, ST_CORRUPT},
                {1, DATA_MAX + 1, ST_LIMIT},
                {1, DATA_MAX, ST_TRUNCATED},
                {PACKET_IDS_MAX, -1, ST_TRUNCATED}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct writer w = head();
        write_i32(&w, -1);
        write_i32(&w, rows[i].count);
        write_i32(&w, rows[i].first_len);
        assert_cannot_become_one(rows[i].status);
    }
}

/* Many short ones are as long as a long one. */
static void identities_are_bounded_together(void **state)
{
    (void)state;
    struct packet packet;
    size_t used;
    for (int32_t count = 1; count < 20; count++) {
        struct writer w = head();
        write_i32(&w, -1);
        write_i32(&w, count);
        for (int32_t i = 0; i < 2 * count; i++)
            write_text(&w, BYTES(""));
        assert_int_equal(decode(&packet, &used), count * 8 <= DATA_MAX ? ST_OK : ST_LIMIT);
    }
    /* Known before the second text is there. */
    static const uint8_t scheme[DATA_MAX / 2];
    struct writer w = head();
    write_i32(&w, -1);
    write_i32(&w, 1);
    write_text(&w, bytes_make(scheme, sizeof scheme));
    write_i32(&w, DATA_MAX / 2);
    assert_cannot_become_one(ST_LIMIT);
}

static void errors_stick_in_the_writer(void **state)
{
    (void)state;
    const struct packet packet = {PACKET_REQUEST, 5, BYTES("data"), {1, BYTES("\0\0\0\1x\0\0\0\2yz")}};
    struct buffer small = {.max = 30};
    struct writer w = writer_to(&small);
    packet_encode(&w, &packet);
    assert_int_equal(w.status, ST_LIMIT);
    buffer_free(&small);
}

static void whole_packets_are_counted(void **state)
{
    (void)state;
    struct writer w = fresh();
    assert_int_equal(packet_count(buffer_bytes(&out)), 0);
    packet_encode(&w, &(struct packet){.type = PACKET_COMMIT, .zxid = 1});
    packet_encode(&w, &(struct packet){.type = PACKET_INFORM, .zxid = 2, .data = BYTES("entry")});
    packet_encode(&w, &(struct packet){.type = PACKET_PING, .zxid = 2});
    assert_int_equal(packet_count(buffer_bytes(&out)), 3);
    static const uint8_t id[] = {0, 0, 0, 2, 'i', 'p', 0, 0, 0, 3, ':', ':', '1'};
    const struct packet with_id = {
        .type = PACKET_REQUEST, .data = BYTES("request"), .authinfo = {1, bytes_make(id, sizeof id)}};
    packet_encode(&w, &with_id);
    packet_encode(&w, &with_id);
    assert_int_equal(packet_count(buffer_bytes(&out)), 5);
    out.len--; /* the last one is not whole */
    assert_int_equal(packet_count(buffer_bytes(&out)), 4);
}

static void types_have_names(void **state)
{
    (void)state;
    for (int32_t type = PACKET_REQUEST; type <= PACKET_INFORM_AND_ACTIVATE; type++)
        assert_non_null(packet_type_name(type));
    static const int32_t unknown[] = {INT32_MIN, -1, 0, PACKET_INFORM_AND_ACTIVATE + 1, INT32_MAX};
    for (size_t i = 0; i < ARRAY_LEN(unknown); i++)
        assert_null(packet_type_name(unknown[i]));
    assert_string_equal(packet_type_name(PACKET_PROPOSAL), "PROPOSAL");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_smallest_has_nothing),
        cmocka_unit_test(empty_is_not_null),
        cmocka_unit_test(packets_follow_each_other),
        cmocka_unit_test(it_says_how_much_is_needed),
        cmocka_unit_test(data_has_a_limit),
        cmocka_unit_test(identities_have_limits),
        cmocka_unit_test(identities_are_bounded_together),
        cmocka_unit_test(errors_stick_in_the_writer),
        cmocka_unit_test(whole_packets_are_counted),
        cmocka_unit_test(types_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, tear_down);
}
