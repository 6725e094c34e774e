/* The snapshots that Apache ZooKeeper 3.8.0 sent to a follower and to an observer are read to their last byte, and the
 * trees they give are sent in the same form, with the same nodes. */
#include "core/store/snapshot.h"
#include "tests/support/test.h"

#include <jansson.h>
#include <stdlib.h>

enum { ELEMENT_MAX = 1 << 20 };

static const struct tree_options tree_options = {.hash_key = {3, 4}, .extended_types = true};

struct target {
    struct tree *tree;
    struct sessions *sessions;
};

static struct target target_new(void)
{
    struct target t = {tree_new(&tree_options), sessions_new(2000)};
    assert_true(t.tree != NULL && t.sessions != NULL);
    return t;
}

static void target_free(struct target *t)
{
    tree_free(t->tree);
    sessions_free(t->sessions);
}

/* Appends the hex of the first message of the type. */
static void recorded(const char *file, const char *type, struct buffer *out)
{
    char path[512];
    const char *root = getenv("ZOOID_ROOT");
    snprintf(path, sizeof path, "%s/tests/golden/vectors/quorum/%s", root == NULL ? "." : root, file);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    char *line = NULL;
    size_t size = 0;
    while (out->len == 0 && getline(&line, &size, f) > 0) {
        json_t *json = json_loads(line, 0, NULL);
        const char *hex = json_string_value(json_object_get(json, "hex"));
        bool wanted = strcmp(json_string_value(json_object_get(json, "type")), type) == 0;
        for (unsigned byte; wanted && sscanf(hex, "%2x", &byte) == 1; hex += 2) {
            uint8_t b = (uint8_t)byte;
            assert_int_equal(buffer_append(out, &b, 1), ST_OK);
        }
        json_decref(json);
    }
    free(line);
    fclose(f);
    assert_true(out->len > 0);
}

static void take(struct target *t, struct bytes stream, size_t piece)
{
    struct snapshot_reader *r = snapshot_stream_reader_new(t->tree, t->sessions, 0, ELEMENT_MAX);
    bool done = false;
    size_t used;
    for (size_t at = 0; at < stream.len; at += used) {
        size_t len = stream.len - at < piece ? stream.len - at : piece;
        assert_false(done);
        assert_int_equal(snapshot_stream_feed(r, bytes_make(stream.data + at, len), &used, &done), ST_OK);
        assert_int_equal(used, len);
    }
    assert_true(done);
    snapshot_reader_free(r);
}

static void send_again(struct target *t, struct buffer *out)
{
    struct snapshot_writer *w = snapshot_stream_writer_new(t->tree, t->sessions, INT64_MAX);
    bool done;
    assert_int_equal(snapshot_encode_some(w, SIZE_MAX, out, &done), ST_OK);
    assert_int_equal(snapshot_stream_end(w, out), ST_OK);
    snapshot_writer_free(w);
}

static void check(const char *file, uint64_t digest)
{
    struct buffer stream = {0}, again = {0};
    recorded(file, "SNAPSHOT-STREAM", &stream);
    static const size_t pieces[] = {1, 7, 100000};
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        struct target first = target_new(), second = target_new();
        again.len = 0;
        take(&first, buffer_bytes(&stream), pieces[i]);
        send_again(&first, &again);
        take(&second, buffer_bytes(&again), pieces[i]);
        assert_int_equal(tree_digest(first.tree), tree_digest(second.tree));
        assert_int_equal(tree_count(first.tree), tree_count(second.tree));
        assert_int_equal(sessions_count(first.sessions), sessions_count(second.sessions));
        if (digest != 0)
            assert_int_equal(tree_digest(first.tree), digest);
        target_free(&first);
        target_free(&second);
    }
    buffer_free(&stream);
    buffer_free(&again);
}

static void a_follower_gets_the_tree_of_a_fresh_leader(void **state)
{
    (void)state;
    check("follower-handshake-snap.jsonl", 0);
}

static void an_observer_gets_the_tree_with_its_sessions(void **state)
{
    (void)state;
    check("observer-handshake-snap.jsonl", 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_follower_gets_the_tree_of_a_fresh_leader),
        cmocka_unit_test(an_observer_gets_the_tree_with_its_sessions),
    };
    return cmocka_run_group_tests_name("snapshot_stream", tests, NULL, NULL);
}
