/* store_world.c - a short life of an agent, with everything in it that writes. */
#include "tests/support/store_world.h"

#include "core/base/check.h"
#include "core/base/mem.h"
#include "core/store/retention.h"
#include "tests/support/test.h"

enum { STEP_FIRST = 4096, STEP_MAX = 16384, BATCH_TXNS_MAX = 6, NODES_A_SLICE = 5, TRANSACTION_BYTES_MAX = 1500 };

void world_init(struct world *w, uint64_t seed)
{
    *w = (struct world){
        .seed = seed, .random = {~seed}, .use_checkpoint = true, .use_mark = true, .checkpoint_zxid = -1};
    w->disk = disk_sim_new();
    disk_sim_make_dir(w->disk, "/data");
    disk_sim_make_dir(w->disk, WORLD_DIR);
    disk_sim_make_dir(w->disk, WORLD_MARK_DIR);
    w->checkpoint = checkpoint_memory_new();
    txn_load_init(&w->load, seed);
    w->load.data_max = 3000;
}

void world_stop(struct world *w)
{
    txnlog_free(w->log);
    log_end_close(w->mark);
    w->log = NULL;
    w->mark = NULL;
}

void world_free(struct world *w)
{
    world_stop(w);
    recovery_free(&w->recovery);
    buffer_free(&w->records);
    txn_load_free(&w->load);
    checkpoint_memory_free(w->checkpoint);
    disk_sim_free(w->disk);
}

/* -- starting ----------------------------------------------------------------------------------------------------- */

static struct recovery_options recovery_options(struct world *w)
{
    return (struct recovery_options){
        .io = disk_sim_io(w->disk),
        .snap_dir = WORLD_DIR,
        .log_dir = WORLD_DIR,
        .checkpoint = w->use_checkpoint ? checkpoint_memory_store(w->checkpoint) : NULL,
        .checkpoint_name = "checkpoint",
        .mark_dir = w->use_mark ? WORLD_MARK_DIR : NULL,
        .tree = &txn_load_tree_options,
        .tick_ms = 2000,
        .apply = txn_load_apply,
    };
}

enum status world_recover(struct world *w, struct recovery *r)
{
    const struct recovery_options options = recovery_options(w);
    *r = (struct recovery){0};
    return recovery_run(&options, r);
}

/* Makes the same txns again up to `zxid`: what came after was never acknowledged and is gone. */
static void rewind_load(struct world *w, int64_t zxid)
{
    if (w->load.zxid == zxid)
        return;
    txn_load_free(&w->load);
    txn_load_init(&w->load, w->seed);
    w->load.data_max = 3000;
    while (w->load.zxid < zxid) {
        w->records.len = 0;
        txn_load_next_record(&w->load, &w->records);
    }
}

static enum status open_log(struct world *w)
{
    const struct txnlog_options options = {
        .io = disk_sim_io(w->disk), .dir = WORLD_DIR, .step_first = STEP_FIRST, .step_max = STEP_MAX};
    w->log = txnlog_new(&options);
    if (w->log == NULL)
        return ST_NO_MEMORY;
    if (log_end_open(&w->mark, disk_sim_io(w->disk), WORLD_MARK_DIR, w->load.zxid) != ST_OK)
        w->mark = NULL; /* as the agent does: then there is none */
    return txnlog_prepare(w->log, w->load.zxid + 1);
}

enum status world_start(struct world *w)
{
    recovery_free(&w->recovery);
    enum status st = world_recover(w, &w->recovery);
    if (st == ST_OK)
        st = recovery_repair(disk_sim_io(w->disk), &w->recovery);
    if (st != ST_OK)
        return st;
    struct recovery *r = &w->recovery;
    assert_in_range(r->last_zxid, w->acknowledged, w->load.zxid);
    assert_state_is(&w->load, r->last_zxid, r->tree, r->sessions);
    assert_int_equal(r->sessions_added, 0);
    rewind_load(w, r->last_zxid);
    w->acknowledged = r->last_zxid;
    w->checkpoint_full = !r->base_exact;
    w->checkpoint_zxid = r->checkpoint_zxid;
    /* From here on the recovered tree is the one that is served. */
    tree_free(w->load.tree);
    sessions_free(w->load.sessions);
    w->load.tree = r->tree;
    w->load.sessions = r->sessions;
    r->tree = NULL;
    r->sessions = NULL;
    return open_log(w);
}

/* -- running ------------------------------------------------------------------------------------------------------ */

/* What fails here is no reason to stop the log. */
static void move_mark(struct world *w)
{
    if (w->mark != NULL && log_end_write(w->mark, txnlog_synced_zxid(w->log)) != ST_OK) {
        log_end_close(w->mark);
        w->mark = NULL;
    }
}

static enum status log_batch(struct world *w)
{
    int64_t first = w->load.zxid + 1;
    int count = 1 + (int)random_below(&w->random, BATCH_TXNS_MAX);
    w->records.len = 0;
    for (int i = 0; i < count; i++)
        txn_load_next_record(&w->load, &w->records);
    enum status st = txnlog_append(w->log, first, w->load.zxid, buffer_bytes(&w->records));
    if (st == ST_OK)
        st = txnlog_sync(w->log);
    if (st == ST_OK) {
        w->acknowledged = w->load.zxid;
        move_mark(w);
    }
    return st;
}

/* Slices of the encoder, a batch of txns after each, then the commit. What fails here is no reason to stop the log. */
static enum status encode_checkpoint(struct world *w, struct checkpoint_encoder *e, struct checkpoint_writer *writer,
                                     enum status *log_status)
{
    bool done = false;
    enum status st = ST_OK;
    while (!done && st == ST_OK && *log_status == ST_OK) {
        struct buffer batch = {0};
        st = checkpoint_encode_some(e, NODES_A_SLICE, &batch, &done);
        if (st == ST_OK)
            st = checkpoint_put_batch(writer, buffer_bytes(&batch));
        buffer_free(&batch);
        if (!done)
            *log_status = log_batch(w);
    }
    return st;
}

static enum status take_checkpoint(struct world *w)
{
    struct checkpoint_encoder *e = NULL;
    struct checkpoint_writer *writer = NULL;
    enum status log_status = ST_OK;
    int64_t zxid = w->load.zxid;
    enum status st = checkpoint_encoder_new(&e, w->load.tree, w->load.sessions, zxid);
    if (st != ST_OK)
        return ST_OK;
    const struct checkpoint_options options = {zxid, w->checkpoint_full, TRANSACTION_BYTES_MAX, 0};
    st = checkpoint_begin(&writer, checkpoint_memory_store(w->checkpoint), &options);
    if (st == ST_OK)
        st = encode_checkpoint(w, e, writer, &log_status);
    if (st == ST_OK && log_status == ST_OK) {
        struct checkpoint_end end;
        checkpoint_encoder_end(e, &end);
        st = checkpoint_commit(writer, &end);
        writer = NULL;
    }
    checkpoint_abort(writer);
    bool stored = st == ST_OK && log_status == ST_OK;
    checkpoint_encoder_free(e, stored);
    if (stored) {
        w->checkpoint_full = false;
        w->checkpoint_zxid = zxid;
    }
    return log_status;
}

static enum status take_snapshot(struct world *w)
{
    struct snapshot_file *file = NULL;
    struct snapshot_writer *writer = snapshot_writer_new(w->load.tree, w->load.sessions, w->load.zxid);
    enum status log_status = ST_OK;
    enum status st = writer == NULL ? ST_NO_MEMORY
                                    : snapshot_file_create(&file, disk_sim_io(w->disk), WORLD_DIR, w->load.zxid);
    struct buffer out = {0};
    bool done = false;
    while (!done && st == ST_OK && log_status == ST_OK) {
        out.len = 0;
        st = snapshot_encode_some(writer, NODES_A_SLICE, &out, &done);
        if (st == ST_OK && done)
            st = snapshot_encode_end(writer, w->load.zxid, &out);
        if (st == ST_OK)
            st = snapshot_file_append(file, buffer_bytes(&out));
        if (!done)
            log_status = log_batch(w);
    }
    if (st == ST_OK && log_status == ST_OK)
        snapshot_file_commit(file);
    else
        snapshot_file_abort(file);
    snapshot_writer_free(writer);
    buffer_free(&out);
    return log_status;
}

enum { FILES_MAX = 200 };

static size_t describe(struct world *w, const struct store_files *files, bool snapshots, struct retention_file *out)
{
    for (size_t i = 0; i < files->count; i++) {
        out[i] = (struct retention_file){.zxid = files->items[i].zxid, .age_ms = 1};
        out[i].size = disk_sim_get(w->disk, files->items[i].path).len;
        if (snapshots && snapshot_looks_whole(disk_sim_io(w->disk), files->items[i].path, &out[i].whole) != ST_OK)
            out[i].whole = false;
    }
    return files->count;
}

static void remove_marked(struct world *w, const struct store_files *files, const struct retention_file *decided)
{
    const struct store_io *io = disk_sim_io(w->disk);
    for (size_t i = 0; i < files->count; i++) {
        if (decided[i].remove)
            io->remove(io->context, files->items[i].path);
    }
}

static void purge(struct world *w)
{
    const struct retention_settings settings = {.log_bytes = 8000, .snapshot_count = 3};
    static struct retention_file log_files[FILES_MAX], snapshot_files[FILES_MAX];
    struct store_files logs = {0}, snapshots = {0};
    const struct store_io *io = disk_sim_io(w->disk);
    if (store_files_list(io, WORLD_DIR, STORE_LOG, &logs) == ST_OK &&
        store_files_list(io, WORLD_DIR, STORE_SNAPSHOT, &snapshots) == ST_OK) {
        assert_true(logs.count < FILES_MAX && snapshots.count < FILES_MAX);
        size_t log_count = describe(w, &logs, false, log_files);
        size_t snapshot_count = describe(w, &snapshots, true, snapshot_files);
        retention_decide(&settings, w->checkpoint_zxid, log_files, log_count, snapshot_files, snapshot_count);
        remove_marked(w, &logs, log_files);
        remove_marked(w, &snapshots, snapshot_files);
    }
    store_files_free(&logs);
    store_files_free(&snapshots);
}

enum status world_run(struct world *w, int batches)
{
    enum status st = ST_OK;
    for (int i = 0; i < batches && st == ST_OK; i++) {
        bool more = false;
        st = log_batch(w);
        if (st == ST_OK && i % 3 == 2)
            st = txnlog_fill_ahead(w->log, 4096, &more);
        if (st == ST_OK && i % 7 == 4)
            st = take_snapshot(w);
        if (st == ST_OK && i % 5 == 3 && w->use_checkpoint)
            st = take_checkpoint(w);
        if (st == ST_OK && i % 4 == 3)
            st = txnlog_roll(w->log);
        if (st == ST_OK && i % 6 == 5)
            purge(w);
    }
    return st;
}
