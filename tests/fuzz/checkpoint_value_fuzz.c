/* checkpoint_value_fuzz.c - any bytes as the values of a checkpoint: refused, or loaded as a tree that can be walked.
 *
 * The input is a row of (2 bytes key, 2 bytes length, value). With a key below 0x8000 the value's CRC and format are
 * put right, so that what lies behind them is reached. */
#include "core/base/check.h"
#include "core/store/checkpoint_format.h"
#include "tests/support/checkpoint_memory.h"

#include <stdlib.h>
#include <zlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct tree_options options = {.hash_key = {1, 2}, .extended_types = true};

static void put_crc_right(uint32_t key, uint8_t *value, size_t len)
{
    uint8_t head[5] = {CHECKPOINT_NODES};
    if (len < 8)
        return;
    be32_put(head + 1, key);
    be32_put(value + 4, CHECKPOINT_FORMAT);
    be32_put(value, (uint32_t)crc32(crc32(0, head, sizeof head), value + 4, (uInt)(len - 4)));
}

/* What is read can be written, and is then read the same. */
static void check_value(uint32_t key, struct bytes value)
{
    struct checkpoint_node node, again;
    struct buffer out = {0};
    if (checkpoint_node_decode(key, value, &node) != ST_OK)
        return;
    CHECK(checkpoint_node_encode(&out, key, &node) == ST_OK);
    CHECK(checkpoint_node_decode(key, buffer_bytes(&out), &again) == ST_OK);
    CHECK(bytes_equal(node.name, again.name) && bytes_equal(node.data, again.data) && node.parent == again.parent);
    CHECK(node.acl.count == again.acl.count && bytes_equal(node.acl.raw, again.acl.raw));
    buffer_free(&out);
}

static void put_values(const struct checkpoint_store *store, const uint8_t *data, size_t size)
{
    CHECK(store->begin(store->context) == ST_OK);
    while (size >= 4) {
        uint32_t key = (uint32_t)data[0] << 8 | data[1];
        size_t len = (size_t)data[2] << 8 | data[3];
        len = len > size - 4 ? size - 4 : len;
        uint8_t *value = malloc(len + 1);
        CHECK(value != NULL);
        memcpy(value, data + 4, len);
        if (key < 0x8000)
            put_crc_right(key, value, len);
        check_value(key, bytes_make(value, len));
        CHECK(store->put(store->context, CHECKPOINT_NODES, key, bytes_make(value, len)) == ST_OK);
        free(value);
        data += 4 + len;
        size -= 4 + len;
    }
    struct buffer meta = {0};
    struct writer w = writer_to(&meta);
    checkpoint_meta_encode(&w, &(struct checkpoint_meta){.from = 1, .to = 2});
    CHECK(store->put(store->context, CHECKPOINT_META, CHECKPOINT_META_KEY, buffer_bytes(&meta)) == ST_OK);
    CHECK(store->commit(store->context) == ST_OK);
    buffer_free(&meta);
}

static void walk(const struct tree *t)
{
    struct buffer path = {0};
    const struct tree_node *root = tree_lookup(t, BYTES(""));
    uint64_t nodes = 1;
    for (const struct tree_node *n = root; n != NULL; n = tree_next_preorder(t, root, n), nodes++) {
        path.len = 0;
        CHECK(tree_path(t, n, &path) == ST_OK);
        CHECK(tree_lookup(t, buffer_bytes(&path)) == n);
    }
    CHECK(nodes == tree_count(t));
    buffer_free(&path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct checkpoint_memory *memory = checkpoint_memory_new();
    const struct checkpoint_store *store = checkpoint_memory_store(memory);
    put_values(store, data, size);
    struct tree *tree = tree_new(&options);
    struct sessions *sessions = sessions_new(2000);
    struct checkpoint_meta meta;
    struct findings findings = {0};
    CHECK(tree != NULL && sessions != NULL);
    enum status st = checkpoint_load(store, "fuzz", tree, sessions, 0, &meta, FINDING_DAMAGE, &findings);
    CHECK(st == ST_OK || ((st == ST_CORRUPT || st == ST_UNSUPPORTED) && findings.count == 1));
    if (st == ST_OK)
        walk(tree);
    findings_free(&findings);
    sessions_free(sessions);
    tree_free(tree);
    checkpoint_memory_free(memory);
    return 0;
}
