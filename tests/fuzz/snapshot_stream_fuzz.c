/* snapshot_stream_fuzz.c - any bytes as a snapshot between servers, in pieces of any size: refused, not finished, or a
 * tree that is sent as the same tree; however it is split, it ends at the same byte.
 *
 * The first byte says how large the pieces are. */
#include "core/base/check.h"
#include "core/store/snapshot.h"

enum { ELEMENT_MAX = 8192 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct tree_options options = {.hash_key = {1, 2}, .extended_types = true};

struct target {
    struct tree *tree;
    struct sessions *sessions;
    enum status status;
    bool done;
    size_t taken;
};

static struct target take(struct bytes stream, size_t piece)
{
    struct target t = {.tree = tree_new(&options), .sessions = sessions_new(2000)};
    CHECK(t.tree != NULL && t.sessions != NULL);
    struct snapshot_reader *r = snapshot_stream_reader_new(t.tree, t.sessions, 0, ELEMENT_MAX);
    CHECK(r != NULL);
    while (t.taken < stream.len && t.status == ST_OK && !t.done) {
        size_t used, len = stream.len - t.taken < piece ? stream.len - t.taken : piece;
        t.status = snapshot_stream_feed(r, bytes_make(stream.data + t.taken, len), &used, &t.done);
        CHECK(used <= len && (t.status != ST_OK || t.done || used == len));
        t.taken += used;
    }
    uint64_t offset;
    CHECK(t.status == ST_OK || snapshot_reader_problem(r, &offset) != NULL);
    CHECK(t.status == ST_OK || t.status == ST_CORRUPT);
    snapshot_reader_free(r);
    return t;
}

static void drop(struct target *t)
{
    tree_free(t->tree);
    sessions_free(t->sessions);
}

static void check_is_sent_again(const struct target *t)
{
    struct buffer stream = {0};
    bool done = false;
    struct snapshot_writer *w = snapshot_stream_writer_new(t->tree, t->sessions, INT64_MAX);
    CHECK(w != NULL && snapshot_encode_some(w, SIZE_MAX, &stream, &done) == ST_OK);
    CHECK(done && snapshot_stream_end(w, &stream) == ST_OK);
    snapshot_writer_free(w);
    struct target again = take(buffer_bytes(&stream), 4096);
    CHECK(again.done && again.taken == stream.len);
    CHECK(tree_digest(again.tree) == tree_digest(t->tree) && tree_count(again.tree) == tree_count(t->tree));
    CHECK(sessions_count(again.sessions) == sessions_count(t->sessions));
    drop(&again);
    buffer_free(&stream);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct bytes stream = bytes_make(data + 1, size - 1);
    struct target pieces = take(stream, (size_t)data[0] + 1), whole = take(stream, SIZE_MAX);
    CHECK(pieces.status == whole.status && pieces.done == whole.done);
    CHECK(!whole.done || pieces.taken == whole.taken);
    if (whole.done)
        check_is_sent_again(&whole);
    drop(&pieces);
    drop(&whole);
    return 0;
}
