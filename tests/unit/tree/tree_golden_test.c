/* A recorded log, applied to the recorded snapshot, must give the digest that stands behind each record, and at the end
 * the nodes of the snapshot that the same server wrote then (quorum-protocol 4.3, 4.7, 6.2, 6.3). */
#include "core/base/check.h"
#include "core/jute/txn.h"
#include "core/tree/tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define SNAPSHOT_AT   16 /* behind magic, version and dbid */
#define LOG_AT        16
#define ACLS_MAX      16
#define LAST_ZXID     0x10000001f
#define LAST_DIGEST   25428133470
#define EMPTY_DIGEST  1371985504
#define RECORD_MARK   0x42
#define FILE_SIZE_MAX 65536

struct file {
    uint8_t bytes[FILE_SIZE_MAX];
    size_t len;
};

static struct bytes read_vector(const char *name, struct file *file)
{
    char path[512];
    const char *root = getenv("ZOOID_ROOT");
    snprintf(path, sizeof path, "%s/tests/golden/vectors/quorum/%s", root == NULL ? "." : root, name);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    file->len = fread(file->bytes, 1, sizeof file->bytes, f);
    fclose(f);
    return bytes_make(file->bytes, file->len);
}

/* -- snapshots ---------------------------------------------------------------------------------------------------- */

struct snapshot_acls {
    int64_t ids[ACLS_MAX];
    struct acls lists[ACLS_MAX];
    int32_t count;
};

static struct reader open_snapshot(struct bytes file, struct snapshot_acls *acls)
{
    struct reader r = reader_of(bytes_from(file, SNAPSHOT_AT));
    for (int32_t left = read_i32(&r); left > 0; left--) {
        read_i64(&r);
        read_i32(&r);
    }
    acls->count = read_i32(&r);
    assert_in_range(acls->count, 0, ACLS_MAX);
    for (int32_t i = 0; i < acls->count; i++) {
        acls->ids[i] = read_i64(&r);
        acls->lists[i] = read_acls(&r);
    }
    return r;
}

static struct acls open_to_all(const struct tree *t)
{
    return acl_get(tree_acls((struct tree *)t), ACL_OPEN);
}

static struct acls acl_of_id(const struct tree *t, const struct snapshot_acls *acls, int64_t id)
{
    for (int32_t i = 0; i < acls->count; i++) {
        if (acls->ids[i] == id)
            return acls->lists[i];
    }
    assert_int_equal(id, -1);
    return open_to_all(t);
}

struct snapshot_node {
    struct bytes path, data;
    struct acls acl;
    struct stat_persisted stat;
};

static bool next_node(struct reader *r, const struct tree *t, const struct snapshot_acls *acls,
                      struct snapshot_node *node)
{
    node->path = read_text(r);
    if (bytes_equal(node->path, BYTES("/")))
        return false;
    node->data = read_blob(r);
    node->acl = acl_of_id(t, acls, read_i64(r));
    assert_int_equal(stat_persisted_read(r, &node->stat), ST_OK);
    return true;
}

static struct tree *load_snapshot(const char *name)
{
    static struct file file;
    const struct tree_options options = {.hash_key = {1, 2}, .extended_types = true};
    struct tree *t = tree_new(&options);
    assert_non_null(t);
    struct snapshot_acls acls;
    struct reader r = open_snapshot(read_vector(name, &file), &acls);
    tree_load_begin(t);
    for (struct snapshot_node node; next_node(&r, t, &acls, &node);)
        assert_int_equal(tree_load(t, node.path, node.data, node.acl, &node.stat), ST_OK);
    uint64_t dropped = 1;
    assert_int_equal(tree_loaded(t, &dropped), ST_OK);
    assert_int_equal(dropped, 0);
    return t;
}

/* -- applying ----------------------------------------------------------------------------------------------------- */

static void apply_create(struct tree *t, const struct txn_header *header, const struct create_txn *txn, int64_t owner)
{
    const struct tree_create create = {txn->path,    txn->data,      txn->acl, owner, txn->parent_cversion,
                                       header->zxid, header->time_ms};
    assert_int_equal(tree_create(t, &create), ST_OK);
}

static void apply_plain_create(struct tree *t, const struct txn_header *header, struct reader *r)
{
    struct create_txn txn;
    create_txn_read(r, &txn);
    apply_create(t, header, &txn, txn.ephemeral ? header->client_id : 0);
}

static void apply_container(struct tree *t, const struct txn_header *header, struct reader *r)
{
    struct create_container_txn txn;
    create_container_txn_read(r, &txn);
    const struct create_txn plain = {txn.path, txn.data, txn.acl, false, txn.parent_cversion};
    apply_create(t, header, &plain, OWNER_CONTAINER);
}

static void apply_ttl(struct tree *t, const struct txn_header *header, struct reader *r)
{
    struct create_ttl_txn txn;
    create_ttl_txn_read(r, &txn);
    const struct create_txn plain = {txn.path, txn.data, txn.acl, false, txn.parent_cversion};
    apply_create(t, header, &plain, (int64_t)(OWNER_TTL_MASK | (uint64_t)txn.ttl_ms));
}

static void apply_delete(struct tree *t, const struct txn_header *header, struct reader *r)
{
    struct delete_txn txn;
    delete_txn_read(r, &txn);
    assert_int_equal(tree_delete(t, txn.path, header->zxid), ST_OK);
}

static void apply_set_data(struct tree *t, const struct txn_header *header, struct reader *r)
{
    struct set_data_txn txn;
    set_data_txn_read(r, &txn);
    assert_int_equal(tree_set_data(t, txn.path, txn.data, txn.version, header->zxid, header->time_ms), ST_OK);
}

static void apply_set_acl(struct tree *t, const struct txn_header *header, struct reader *r)
{
    (void)header;
    struct set_acl_txn txn;
    set_acl_txn_read(r, &txn);
    assert_int_equal(tree_set_acl(t, txn.path, txn.acl, txn.version), ST_OK);
}

static void apply_close_session(struct tree *t, const struct txn_header *header, struct reader *r)
{
    struct close_session_txn txn;
    close_session_txn_read(r, &txn);
    struct reader paths = reader_of(txn.paths.raw);
    for (int32_t i = 0; i < txn.paths.count; i++)
        assert_int_equal(tree_delete(t, read_text(&paths), header->zxid), ST_OK);
    size_t left;
    tree_ephemerals(t, header->client_id, &left);
    assert_int_equal(left, 0);
}

static void apply_nothing(struct tree *t, const struct txn_header *header, struct reader *r)
{
    (void)t;
    (void)header;
    r->at = r->end;
}

static void apply_multi(struct tree *t, const struct txn_header *header, struct reader *r);

static const struct {
    int32_t type;
    void (*apply)(struct tree *t, const struct txn_header *header, struct reader *r);
} rows[] = {
    {TXN_CREATE, apply_plain_create},
    {TXN_CREATE2, apply_plain_create},
    {TXN_CREATE_CONTAINER, apply_container},
    {TXN_CREATE_TTL, apply_ttl},
    {TXN_DELETE, apply_delete},
    {TXN_SET_DATA, apply_set_data},
    {TXN_SET_ACL, apply_set_acl},
    {TXN_CLOSE_SESSION, apply_close_session},
    {TXN_CREATE_SESSION, apply_nothing},
    {TXN_ERROR, apply_nothing},
    {TXN_CHECK, apply_nothing},
    {TXN_MULTI, apply_multi},
};

static void apply(struct tree *t, const struct txn_header *header, int32_t type, struct bytes record)
{
    struct reader r = reader_of(record);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].type != type)
            continue;
        rows[i].apply(t, header, &r);
        assert_int_equal(r.status, ST_OK);
        assert_int_equal(reader_left(&r), 0);
        return;
    }
    fail_msg("type %d", type);
}

static void apply_multi(struct tree *t, const struct txn_header *header, struct reader *r)
{
    struct sub_txn subs[16];
    int32_t count = read_i32(r);
    bool failed = false;
    assert_in_range(count, 0, ARRAY_LEN(subs));
    for (int32_t i = 0; i < count; i++) {
        sub_txn_read(r, &subs[i]);
        failed = failed || subs[i].type == TXN_ERROR;
    }
    for (int32_t i = 0; i < count && !failed; i++)
        apply(t, header, subs[i].type, subs[i].record);
}

/* -- tests -------------------------------------------------------------------------------------------------------- */

/* As the bytes of a file: the structs have holes. */
static void assert_stats_equal(const struct stat_persisted *a, const struct stat_persisted *b)
{
    struct buffer bytes_a = {0}, bytes_b = {0};
    struct writer writer_a = writer_to(&bytes_a), writer_b = writer_to(&bytes_b);
    stat_persisted_write(&writer_a, a);
    stat_persisted_write(&writer_b, b);
    assert_true(bytes_equal(buffer_bytes(&bytes_a), buffer_bytes(&bytes_b)));
    buffer_free(&bytes_a);
    buffer_free(&bytes_b);
}

static void compare_with_snapshot(struct tree *t, const char *name)
{
    static struct file file;
    struct snapshot_acls acls;
    struct reader r = open_snapshot(read_vector(name, &file), &acls);
    uint64_t count = 1;
    for (struct snapshot_node node; next_node(&r, t, &acls, &node); count++) {
        const struct tree_node *n = tree_lookup(t, node.path);
        assert_non_null(n);
        if (bytes_equal(node.path, BYTES("/zookeeper/config")))
            continue;
        struct stat_persisted stat;
        tree_stat_persisted(n, &stat);
        assert_stats_equal(&stat, &node.stat);
        assert_true(bytes_equal(tree_data(n), node.data));
        assert_true(bytes_equal(acl_get(tree_acls(t), n->acl).raw, node.acl.raw));
    }
    assert_int_equal(count, tree_count(t));
}

static void log_gives_recorded_digests(void **state)
{
    (void)state;
    static struct file file;
    struct tree *t = load_snapshot("snapshot.0");
    assert_int_equal(tree_digest(t), EMPTY_DIGEST);
    struct reader r = reader_of(bytes_from(read_vector("log.100000001", &file), LOG_AT));
    struct txn txn = {0};
    int records = 0;
    for (; reader_left(&r) > 0; records++) {
        read_i64(&r);
        assert_int_equal(txn_decode(read_blob(&r), &txn), ST_OK);
        assert_int_equal(*r.at++, RECORD_MARK);
        apply(t, &txn.header, txn.header.type, txn.record);
        if (txn.has_digest)
            assert_int_equal(tree_digest(t), (uint64_t)txn.digest.tree_digest);
    }
    assert_int_equal(records, 31);
    assert_int_equal(txn.header.zxid, LAST_ZXID);
    assert_int_equal(tree_digest(t), LAST_DIGEST);
    compare_with_snapshot(t, "snapshot.10000001f");
    tree_free(t);
}

static void snapshot_gives_its_digest(void **state)
{
    (void)state;
    struct tree *t = load_snapshot("snapshot.10000001f");
    assert_int_equal(tree_digest(t), LAST_DIGEST);
    compare_with_snapshot(t, "snapshot.10000001f");
    tree_free(t);
}

static void fresh_tree_is_that_of_a_fresh_server(void **state)
{
    (void)state;
    const struct tree_options options = {.hash_key = {3, 4}};
    struct tree *t = tree_new(&options);
    assert_non_null(t);
    assert_int_equal(tree_digest(t), EMPTY_DIGEST);
    assert_int_equal(tree_count(t), 5);
    assert_int_equal(tree_data_size(t), 44);
    tree_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(log_gives_recorded_digests),
        cmocka_unit_test(snapshot_gives_its_digest),
        cmocka_unit_test(fresh_tree_is_that_of_a_fresh_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
