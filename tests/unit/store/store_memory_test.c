/* Whichever allocation fails, in recovery, checkpoint, snapshot or log: an error, no leak, and nothing on the disk that
 * is wrong. */
/* link: -Wl,--wrap=mem_alloc -Wl,--wrap=mem_calloc -Wl,--wrap=mem_realloc */
#include "tests/support/failing_memory.h"
#include "tests/support/store_world.h"
#include "tests/support/test.h"

static void make_world(struct world *w)
{
    world_init(w, 11);
    assert_int_equal(world_start(w), ST_OK);
    assert_int_equal(world_run(w, 12), ST_OK);
    world_stop(w);
}

/* With the database or without, until no allocation is left to fail. */
static void recovery_fails_and_is_done_again(void **state)
{
    (void)state;
    for (int use = 0; use < 2; use++) {
        struct world w;
        make_world(&w);
        w.use_checkpoint = use != 0;
        bool failed = true;
        for (int n = 0; failed; n++) {
            struct recovery r;
            memory_fail_after(n);
            enum status st = world_recover(&w, &r);
            failed = memory_has_failed();
            memory_fail_after(-1);
            assert_int_equal(st, failed ? ST_NO_MEMORY : ST_OK);
            if (failed)
                assert_null(r.tree);
            else
                assert_state_is(&w.load, w.acknowledged, r.tree, r.sessions);
            recovery_free(&r);
        }
        world_free(&w);
    }
}

/* Encodes and writes a checkpoint; ends at the first error. */
static enum status take_checkpoint(struct world *w)
{
    struct checkpoint_encoder *e = NULL;
    struct checkpoint_writer *writer = NULL;
    struct buffer batch = {0};
    bool done = false;
    enum status st = checkpoint_encoder_new(&e, w->load.tree, w->load.sessions, w->load.zxid);
    if (st != ST_OK)
        return st;
    const struct checkpoint_options options = {w->load.zxid, false, 2000, 0};
    st = checkpoint_begin(&writer, checkpoint_memory_store(w->checkpoint), &options);
    while (st == ST_OK && !done) {
        batch.len = 0;
        st = checkpoint_encode_some(e, 5, &batch, &done);
        if (st == ST_OK)
            st = checkpoint_put_batch(writer, buffer_bytes(&batch));
    }
    if (st == ST_OK) {
        struct checkpoint_end end;
        checkpoint_encoder_end(e, &end);
        st = checkpoint_commit(writer, &end);
        writer = NULL;
    }
    checkpoint_abort(writer);
    checkpoint_encoder_free(e, st == ST_OK);
    buffer_free(&batch);
    return st;
}

static enum status take_snapshot(struct world *w)
{
    struct buffer out = {0};
    struct snapshot_file *f = NULL;
    enum status st = snapshot_encode(w->load.tree, w->load.sessions, w->load.zxid, &out);
    if (st == ST_OK)
        st = snapshot_file_create(&f, disk_sim_io(w->disk), WORLD_DIR, w->load.zxid);
    if (st == ST_OK)
        st = snapshot_file_append(f, buffer_bytes(&out));
    if (st == ST_OK)
        st = snapshot_file_commit(f);
    buffer_free(&out);
    return st;
}

/* With a change before its first call, which it has to keep. */
static enum status take_exact_snapshot(struct world *w)
{
    struct buffer out = {0};
    bool done = false;
    struct tree *tree = w->load.tree;
    struct snapshot_writer *writer = snapshot_exact_writer_new(tree, w->load.sessions, w->load.zxid, SIZE_MAX / 2);
    enum status st = writer == NULL ? ST_NO_MEMORY : ST_OK;
    while (st == ST_OK && !done) {
        /* Nothing is changed by it, and it needs no memory. */
        assert_int_equal(tree_set_data(tree, BYTES("/zookeeper/config"), BYTES(""), 0, 0, 0), ST_OK);
        st = snapshot_encode_some(writer, 3, &out, &done);
    }
    if (st == ST_OK)
        st = snapshot_encode_end(writer, w->load.zxid, &out);
    snapshot_writer_free(writer);
    buffer_free(&out);
    return st;
}

static enum status log_again(struct world *w)
{
    const struct txnlog_options options = {
        .io = disk_sim_io(w->disk), .dir = WORLD_DIR, .step_first = 4096, .step_max = 16384};
    struct txnlog *log = txnlog_new(&options);
    enum status st = log == NULL ? ST_NO_MEMORY : txnlog_prepare(log, w->load.zxid + 1);
    if (st == ST_OK)
        st = txnlog_roll(log);
    txnlog_free(log);
    return st;
}

static enum status mark_end_again(struct world *w)
{
    struct log_end *e = NULL;
    enum status st = log_end_open(&e, disk_sim_io(w->disk), WORLD_MARK_DIR, w->acknowledged);
    log_end_close(e);
    return st;
}

static void writers_fail_and_are_done_again(void **state)
{
    (void)state;
    static enum status (*const writers[])(struct world *) = {take_checkpoint, take_snapshot, take_exact_snapshot,
                                                             log_again, mark_end_again};
    for (size_t i = 0; i < sizeof writers / sizeof *writers; i++) {
        struct world w;
        make_world(&w);
        bool failed = true;
        for (int n = 0; failed; n++) {
            memory_fail_after(n);
            enum status st = writers[i](&w);
            failed = memory_has_failed();
            memory_fail_after(-1);
            assert_int_equal(st, failed ? ST_NO_MEMORY : ST_OK);
            struct recovery r;
            assert_int_equal(world_recover(&w, &r), ST_OK);
            assert_state_is(&w.load, w.acknowledged, r.tree, r.sessions);
            recovery_free(&r);
        }
        world_free(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recovery_fails_and_is_done_again),
        cmocka_unit_test(writers_fail_and_are_done_again),
    };
    return cmocka_run_group_tests_name("store_memory", tests, NULL, NULL);
}
