/* An entry is taken apart where its type says, the oldest forms included, and nothing that is not whole passes. */
#include "core/base/mem.h"
#include "core/jute/txn.h"
#include "tests/support/test.h"

#include <stdlib.h>

static const struct acls open_acl = {1, {(const uint8_t *)"\0\0\0\037\0\0\0\005world\0\0\0\006anyone", 23}};

static void encode(struct buffer *out, int32_t type, struct bytes record, bool has_digest)
{
    const struct txn txn = {{0x10, 3, 0x100000007, 99, type}, record, has_digest, {2, 77}};
    struct writer w = writer_to(out);
    out->len = 0;
    txn_encode(&w, &txn);
    assert_int_equal(w.status, ST_OK);
}

static void assert_decodes(int32_t type, struct bytes record, bool has_digest)
{
    struct buffer entry = {0};
    struct txn txn;
    encode(&entry, type, record, has_digest);
    assert_int_equal(txn_decode(buffer_bytes(&entry), &txn), ST_OK);
    assert_int_equal(txn.header.type, type);
    assert_int_equal(txn.header.zxid, 0x100000007);
    assert_int_equal(txn.record.len, record.len);
    assert_memory_equal(txn.record.data, record.len == 0 ? txn.record.data : record.data, record.len);
    assert_int_equal(txn.has_digest, has_digest);
    if (has_digest)
        assert_int_equal(txn.digest.tree_digest, 77);
    if (type == TXN_CLOSE_SESSION)
        goto done; /* what cannot be read counts as no body there */
    assert_int_equal(txn_decode(bytes_make(entry.data, entry.len - 1), &txn), ST_CORRUPT);
    buffer_append(&entry, "x", 1);
    assert_int_equal(txn_decode(buffer_bytes(&entry), &txn), ST_CORRUPT);
done:
    buffer_free(&entry);
}

static void each_type_ends_where_its_record_does(void **state)
{
    (void)state;
    static const int32_t creates[] = {TXN_CREATE, TXN_CREATE2};
    for (int digest = 0; digest < 2; digest++) {
        struct buffer b = {0};
        struct writer w = writer_to(&b);
        create_txn_write(&w, &(struct create_txn){BYTES("/a"), BYTES("data"), open_acl, true, 5});
        for (size_t i = 0; i < 2; i++)
            assert_decodes(creates[i], buffer_bytes(&b), digest);
        b.len = 0;
        create_container_txn_write(&w, &(struct create_container_txn){BYTES("/c"), BYTES_NULL, open_acl, 5});
        assert_decodes(TXN_CREATE_CONTAINER, buffer_bytes(&b), digest);
        b.len = 0;
        create_ttl_txn_write(&w, &(struct create_ttl_txn){BYTES("/t"), BYTES(""), open_acl, 5, 1000});
        assert_decodes(TXN_CREATE_TTL, buffer_bytes(&b), digest);
        b.len = 0;
        set_data_txn_write(&w, &(struct set_data_txn){BYTES("/a"), BYTES("x"), 2});
        assert_decodes(TXN_SET_DATA, buffer_bytes(&b), digest);
        assert_decodes(TXN_RECONFIG, buffer_bytes(&b), digest);
        b.len = 0;
        delete_txn_write(&w, &(struct delete_txn){BYTES("/a")});
        assert_decodes(TXN_DELETE, buffer_bytes(&b), digest);
        assert_decodes(TXN_DELETE_CONTAINER, buffer_bytes(&b), digest);
        b.len = 0;
        write_i32(&w, 2);
        struct buffer part = {0};
        struct writer to = writer_to(&part);
        delete_txn_write(&to, &(struct delete_txn){BYTES("/b")});
        sub_txn_write(&w, &(struct sub_txn){TXN_DELETE, buffer_bytes(&part)});
        part.len = 0;
        error_txn_write(&to, &(struct error_txn){-101});
        sub_txn_write(&w, &(struct sub_txn){TXN_ERROR, buffer_bytes(&part)});
        assert_decodes(TXN_MULTI, buffer_bytes(&b), digest);
        buffer_free(&part);
        buffer_free(&b);
    }
}

static void close_session_has_a_body_or_none(void **state)
{
    (void)state;
    struct buffer b = {0}, entry = {0};
    struct writer w = writer_to(&b);
    struct txn txn;
    write_i32(&w, 1);
    write_text(&w, BYTES("/eph"));
    assert_decodes(TXN_CLOSE_SESSION, buffer_bytes(&b), true);
    encode(&entry, TXN_CLOSE_SESSION, BYTES(""), false);
    assert_int_equal(txn_decode(buffer_bytes(&entry), &txn), ST_OK);
    assert_int_equal(txn.record.len, 0);
    assert_false(txn.has_digest);
    encode(&entry, TXN_CLOSE_SESSION, BYTES(""), true);
    assert_int_equal(txn_decode(buffer_bytes(&entry), &txn), ST_OK);
    assert_int_equal(txn.record.len, 0);
    assert_true(txn.has_digest);
    /* What cannot be read counts as no body. */
    encode(&entry, TXN_CLOSE_SESSION, BYTES("\0\0\0\011garbage"), false);
    assert_int_equal(txn_decode(buffer_bytes(&entry), &txn), ST_OK);
    assert_int_equal(txn.record.len, 0);
    buffer_free(&b);
    buffer_free(&entry);
}

static void oldest_create_has_no_parent_version(void **state)
{
    (void)state;
    struct buffer b = {0}, entry = {0};
    struct writer w = writer_to(&b);
    create_txn_v0_write(&w, &(struct create_txn_v0){BYTES("/old"), BYTES("data"), open_acl, false});
    encode(&entry, TXN_CREATE, buffer_bytes(&b), false);
    struct txn txn;
    assert_int_equal(txn_decode(buffer_bytes(&entry), &txn), ST_OK);
    struct create_txn create;
    assert_int_equal(txn_read_create(txn.record, &create), ST_OK);
    assert_int_equal(create.parent_cversion, -1);
    assert_true(bytes_equal(create.path, BYTES("/old")));
    buffer_free(&b);
    buffer_free(&entry);
}

static void bad_entries_are_refused(void **state)
{
    (void)state;
    struct buffer b = {0}, entry = {0};
    struct writer w = writer_to(&b);
    struct txn txn;
    encode(&entry, 4711, BYTES(""), false);
    assert_int_equal(txn_decode(buffer_bytes(&entry), &txn), ST_CORRUPT);
    assert_int_equal(txn_decode(BYTES("short"), &txn), ST_CORRUPT);
    /* A multi within a multi. */
    write_i32(&w, 1);
    sub_txn_write(&w, &(struct sub_txn){TXN_MULTI, BYTES("\0\0\0\0")});
    encode(&entry, TXN_MULTI, buffer_bytes(&b), false);
    assert_int_equal(txn_decode(buffer_bytes(&entry), &txn), ST_CORRUPT);
    encode(&entry, TXN_MULTI, BYTES("\377\377\377\377"), false);
    assert_int_equal(txn_decode(buffer_bytes(&entry), &txn), ST_CORRUPT);
    encode(&entry, TXN_MULTI, BYTES("\177\377\377\377"), false);
    assert_int_equal(txn_decode(buffer_bytes(&entry), &txn), ST_CORRUPT);
    buffer_free(&b);
    buffer_free(&entry);
}

static void types_have_names(void **state)
{
    (void)state;
    assert_string_equal(txn_type_name(TXN_CREATE_TTL), "createTTL");
    assert_null(txn_type_name(3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_type_ends_where_its_record_does),
        cmocka_unit_test(close_session_has_a_body_or_none),
        cmocka_unit_test(oldest_create_has_no_parent_version),
        cmocka_unit_test(bad_entries_are_refused),
        cmocka_unit_test(types_have_names),
    };
    return cmocka_run_group_tests_name("txn", tests, NULL, NULL);
}
