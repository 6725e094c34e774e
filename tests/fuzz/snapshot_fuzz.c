/* snapshot_fuzz.c - any bytes as a snapshot, fed in pieces of any size: refused, or a tree that writes a snapshot of
 * the same tree.
 *
 * The first byte says how large the pieces are; when it is odd a seal that is right is put behind the rest. */
#include "core/base/check.h"
#include "core/store/snapshot.h"
#include "core/store/snapshot_format.h"

#include <zlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct tree_options options = {.hash_key = {1, 2}, .extended_types = true};

struct target {
    struct tree *tree;
    struct sessions *sessions;
};

static struct target target_new(void)
{
    struct target t = {tree_new(&options), sessions_new(2000)};
    CHECK(t.tree != NULL && t.sessions != NULL);
    return t;
}

static void target_free(struct target *t)
{
    tree_free(t->tree);
    sessions_free(t->sessions);
}

static enum status read_pieces(struct target *t, struct bytes file, size_t piece, struct snapshot_info *info)
{
    struct snapshot_reader *r = snapshot_reader_new(t->tree, t->sessions, 0);
    CHECK(r != NULL);
    enum status st = ST_OK;
    for (size_t at = 0; at < file.len && st == ST_OK; at += piece)
        st = snapshot_feed(r, bytes_make(file.data + at, file.len - at < piece ? file.len - at : piece));
    if (st == ST_OK)
        st = snapshot_finish(r, info);
    uint64_t offset;
    CHECK(st == ST_OK || snapshot_reader_problem(r, &offset) != NULL);
    CHECK(st == ST_OK || st == ST_CORRUPT);
    snapshot_reader_free(r);
    return st;
}

static void check_writes_back(const struct target *t)
{
    struct buffer file = {0};
    struct snapshot_info info = {0};
    CHECK(snapshot_encode(t->tree, t->sessions, INT64_MAX, &file) == ST_OK);
    struct target again = target_new();
    CHECK(read_pieces(&again, buffer_bytes(&file), 4096, &info) == ST_OK);
    CHECK(tree_digest(again.tree) == tree_digest(t->tree) && tree_count(again.tree) == tree_count(t->tree));
    CHECK(sessions_count(again.sessions) == sessions_count(t->sessions));
    CHECK(info.digest == tree_digest(t->tree));
    target_free(&again);
    buffer_free(&file);
}

static void append_seal(struct buffer *file)
{
    struct writer w = writer_to(file);
    write_text(&w, SNAPSHOT_END);
    write_i64(&w, (int64_t)adler32(adler32(0, NULL, 0), file->data, (uInt)file->len));
    write_text(&w, SNAPSHOT_END);
    CHECK(w.status == ST_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct buffer file = {0};
    CHECK(buffer_append(&file, data + 1, size - 1) == ST_OK);
    if (data[0] & 1)
        append_seal(&file);
    struct target t = target_new();
    struct snapshot_info info;
    if (read_pieces(&t, buffer_bytes(&file), (size_t)data[0] * 16 + 1, &info) == ST_OK)
        check_writes_back(&t);
    target_free(&t);
    buffer_free(&file);
    return 0;
}
