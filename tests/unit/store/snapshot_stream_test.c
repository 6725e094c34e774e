/* A snapshot between servers is taken from any split of its bytes up to its last one and not one further, so that the
 * packets behind it are found; nothing that is no such stream passes. */
#include "core/store/snapshot.h"
#include "core/store/snapshot_format.h"
#include "tests/support/test.h"
#include "tests/support/txn_load.h"

enum { TXNS = 300, ELEMENT_MAX = 1 << 20 };

struct rig {
    struct txn_load load;
    struct buffer stream;
    size_t len; /* of the stream, without the packets behind it */
    struct tree *tree;
    struct sessions *sessions;
};

static void fresh_target(struct rig *rig)
{
    tree_free(rig->tree);
    sessions_free(rig->sessions);
    rig->tree = tree_new(&txn_load_tree_options);
    rig->sessions = sessions_new(2000);
    assert_true(rig->tree != NULL && rig->sessions != NULL);
}

static void encode(struct rig *rig, size_t slice)
{
    bool done = false;
    struct snapshot_writer *w = snapshot_stream_writer_new(rig->load.tree, rig->load.sessions, rig->load.zxid);
    assert_non_null(w);
    while (!done)
        assert_int_equal(snapshot_encode_some(w, slice, &rig->stream, &done), ST_OK);
    assert_int_equal(snapshot_stream_end(w, &rig->stream), ST_OK);
    snapshot_writer_free(w);
    rig->len = rig->stream.len;
}

static void set_up(struct rig *rig)
{
    struct buffer entry = {0};
    *rig = (struct rig){.len = 0};
    txn_load_init(&rig->load, 5);
    rig->load.data_max = 3000;
    for (int i = 0; i < TXNS; i++) {
        entry.len = 0;
        txn_load_next(&rig->load, &entry);
    }
    buffer_free(&entry);
    encode(rig, 7);
    fresh_target(rig);
}

static void tear_down(struct rig *rig)
{
    tree_free(rig->tree);
    sessions_free(rig->sessions);
    buffer_free(&rig->stream);
    txn_load_free(&rig->load);
}

/* `taken`: up to the end of the stream. */
static enum status read_split(struct rig *rig, struct bytes in, size_t piece, size_t element_max, size_t *taken,
                              bool *done)
{
    struct snapshot_reader *r = snapshot_stream_reader_new(rig->tree, rig->sessions, 0, element_max);
    assert_non_null(r);
    enum status st = ST_OK;
    *taken = 0;
    *done = false;
    while (*taken < in.len && st == ST_OK && !*done) {
        size_t used, len = in.len - *taken < piece ? in.len - *taken : piece;
        st = snapshot_stream_feed(r, bytes_make(in.data + *taken, len), &used, done);
        assert_true(st != ST_OK || *done || used == len);
        *taken += used;
    }
    uint64_t offset;
    assert_true(st == ST_OK || strlen(snapshot_reader_problem(r, &offset)) > 0);
    snapshot_reader_free(r);
    return st;
}

static void any_split_ends_at_the_last_byte(void **state)
{
    (void)state;
    static const size_t pieces[] = {1, 2, 3, 61, 512, 4096, 65536, 100000000};
    struct rig rig;
    set_up(&rig);
    for (int i = 0; i < 5000; i++)
        assert_int_equal(buffer_append(&rig.stream, "packets", 7), ST_OK);
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        size_t taken;
        bool done;
        assert_int_equal(read_split(&rig, buffer_bytes(&rig.stream), pieces[i], ELEMENT_MAX, &taken, &done), ST_OK);
        assert_true(done);
        assert_int_equal(taken, rig.len);
        assert_state_is(&rig.load, rig.load.zxid, rig.tree, rig.sessions);
        fresh_target(&rig);
    }
    tear_down(&rig);
}

/* Nobody sends anything behind the signature before it was answered: it must be seen with its last byte. */
static void it_is_done_with_its_last_byte_and_not_before(void **state)
{
    (void)state;
    struct rig rig;
    set_up(&rig);
    for (size_t len = 0; len <= rig.len; len += len + 40 < rig.len ? 23 : 1) {
        size_t taken;
        bool done;
        assert_int_equal(read_split(&rig, bytes_make(rig.stream.data, len), 50, ELEMENT_MAX, &taken, &done), ST_OK);
        assert_int_equal(done, len == rig.len);
        assert_int_equal(taken, len);
        fresh_target(&rig);
    }
    tear_down(&rig);
}

static void expect_corrupt(struct rig *rig, struct bytes in, size_t element_max)
{
    size_t taken;
    bool done;
    assert_int_equal(read_split(rig, in, 1000, element_max, &taken, &done), ST_CORRUPT);
    assert_false(done);
    fresh_target(rig);
}

static void another_signature_is_refused(void **state)
{
    (void)state;
    struct rig rig;
    set_up(&rig);
    for (size_t at = rig.len - SNAPSHOT_SIGNATURE_LEN; at < rig.len; at++) {
        rig.stream.data[at] ^= 4;
        expect_corrupt(&rig, buffer_bytes(&rig.stream), ELEMENT_MAX);
        rig.stream.data[at] ^= 4;
    }
    tear_down(&rig);
}

/* A length that cannot be is not waited for. */
static void an_element_beyond_the_bound_is_refused(void **state)
{
    (void)state;
    struct rig rig;
    set_up(&rig);
    expect_corrupt(&rig, bytes_make(rig.stream.data, rig.len), 300);
    tear_down(&rig);
    static const uint8_t streams[][16] = {
        {0, 0, 0, 0, 0, 0, 0, 0, 0x7f, 255, 255, 255},            /* a path */
        {0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255},             /* null */
        {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x70, 0, 0, 0},      /* data */
        {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 254}, /* less than null */
        {255, 255, 255, 255},                                     /* sessions */
        {0, 0, 0, 0, 255, 255, 255, 255},                         /* ACLs */
    };
    for (size_t i = 0; i < sizeof streams / sizeof *streams; i++) {
        set_up(&rig);
        expect_corrupt(&rig, bytes_make(streams[i], sizeof streams[i]), ELEMENT_MAX);
        tear_down(&rig);
    }
}

/* [7.4 3249] As it is when the tree of a leader goes on while it is sent: the txns come behind it. */
static void replay_makes_good_what_changed_meanwhile(void **state)
{
    (void)state;
    struct rig rig;
    struct buffer log = {0};
    size_t ends[1000], entries = 0, taken;
    bool done = false;
    set_up(&rig);
    rig.stream.len = 0;
    struct snapshot_writer *w = snapshot_stream_writer_new(rig.load.tree, rig.load.sessions, rig.load.zxid);
    while (!done) {
        assert_int_equal(snapshot_encode_some(w, 5, &rig.stream, &done), ST_OK);
        for (int i = 0; i < 3 && entries < 1000; i++) {
            txn_load_next(&rig.load, &log);
            ends[entries++] = log.len;
        }
    }
    assert_int_equal(snapshot_stream_end(w, &rig.stream), ST_OK);
    snapshot_writer_free(w);
    assert_int_equal(read_split(&rig, buffer_bytes(&rig.stream), 999, ELEMENT_MAX, &taken, &done), ST_OK);
    assert_true(done);
    for (size_t i = 0; i < entries; i++) {
        size_t start = i == 0 ? 0 : ends[i - 1];
        struct txn txn;
        assert_int_equal(txn_decode(bytes_make(log.data + start, ends[i] - start), &txn), ST_OK);
        txn_load_apply(NULL, rig.tree, rig.sessions, &txn);
    }
    assert_state_is(&rig.load, rig.load.zxid, rig.tree, rig.sessions);
    buffer_free(&log);
    tear_down(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_split_ends_at_the_last_byte),
        cmocka_unit_test(it_is_done_with_its_last_byte_and_not_before),
        cmocka_unit_test(another_signature_is_refused),
        cmocka_unit_test(an_element_beyond_the_bound_is_refused),
        cmocka_unit_test(replay_makes_good_what_changed_meanwhile),
    };
    return cmocka_run_group_tests_name("snapshot_stream", tests, NULL, NULL);
}
