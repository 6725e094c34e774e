/* What recovery takes as a start, what it puts right, and what it refuses: by the states that crashes, operators and
 * other releases leave. */
#include "core/base/mem.h"
#include "core/store/recovery.h"
#include "tests/support/store_world.h"
#include "tests/support/test.h"

#include <stdlib.h>
#include <zlib.h>

#define HEADER "ZKLG\0\0\0\2\0\0\0\0\0\0\0\0"

struct rig {
    struct world world;
    struct recovery_options options;
    struct recovery r;
    struct buffer log;
};

static void set_up(struct rig *rig)
{
    *rig = (struct rig){0};
    world_init(&rig->world, 21);
    rig->options = (struct recovery_options){.io = disk_sim_io(rig->world.disk),
                                             .snap_dir = WORLD_DIR,
                                             .log_dir = WORLD_DIR,
                                             .checkpoint = checkpoint_memory_store(rig->world.checkpoint),
                                             .checkpoint_name = "checkpoint",
                                             .tree = &txn_load_tree_options,
                                             .tick_ms = 2000,
                                             .apply = txn_load_apply};
}

static void tear_down(struct rig *rig)
{
    recovery_free(&rig->r);
    buffer_free(&rig->log);
    world_free(&rig->world);
}

static void put(struct rig *rig, const char *name, struct bytes content)
{
    char path[128];
    snprintf(path, sizeof path, WORLD_DIR "/%s", name);
    disk_sim_put(rig->world.disk, path, content);
}

static void drop(struct rig *rig, const char *name)
{
    char path[128];
    snprintf(path, sizeof path, WORLD_DIR "/%s", name);
    disk_sim_remove(rig->world.disk, path);
}

/* A log file with the next `count` txns, named after the first. */
static void log_txns(struct rig *rig, int count)
{
    char name[32];
    snprintf(name, sizeof name, "log.%llx", (unsigned long long)rig->world.load.zxid + 1);
    rig->log.len = 0;
    buffer_append(&rig->log, HEADER, 16);
    for (int i = 0; i < count; i++)
        txn_load_next_record(&rig->world.load, &rig->log);
    put(rig, name, buffer_bytes(&rig->log));
}

static void put_snapshot(struct rig *rig, size_t cut_off)
{
    char name[32];
    struct buffer file = {0};
    struct txn_load *l = &rig->world.load;
    snprintf(name, sizeof name, "snapshot.%llx", (unsigned long long)l->zxid);
    assert_int_equal(snapshot_encode(l->tree, l->sessions, l->zxid, &file), ST_OK);
    put(rig, name, bytes_make(file.data, file.len - cut_off));
    buffer_free(&file);
}

static void put_checkpoint(struct rig *rig, size_t batches_max)
{
    struct checkpoint_encoder *e;
    struct checkpoint_writer *w;
    struct txn_load *l = &rig->world.load;
    assert_int_equal(checkpoint_encoder_new(&e, l->tree, l->sessions, l->zxid), ST_OK);
    const struct checkpoint_options options = {l->zxid, false, 1, 0};
    assert_int_equal(checkpoint_begin(&w, rig->options.checkpoint, &options), ST_OK);
    bool done = false;
    for (size_t i = 0; i < batches_max && !done; i++) {
        struct buffer batch = {0};
        assert_int_equal(checkpoint_encode_some(e, 3, &batch, &done), ST_OK);
        assert_int_equal(checkpoint_put_batch(w, buffer_bytes(&batch)), ST_OK);
        buffer_free(&batch);
    }
    struct checkpoint_end end;
    checkpoint_encoder_end(e, &end);
    if (done)
        assert_int_equal(checkpoint_commit(w, &end), ST_OK);
    else
        checkpoint_abort(w);
    checkpoint_encoder_free(e, done);
}

static enum status recover(struct rig *rig)
{
    recovery_free(&rig->r);
    rig->r = (struct recovery){0};
    return recovery_run(&rig->options, &rig->r);
}

static void print(const struct rig *rig)
{
    struct buffer text = {0};
    findings_print(&rig->r.findings, &text);
    printf("%.*s", BYTES_PRINT(buffer_bytes(&text)));
    buffer_free(&text);
}

static void assert_recovers(struct rig *rig, enum recovery_base base, int64_t base_zxid)
{
    enum status st = recover(rig);
    if (st != ST_OK)
        print(rig);
    assert_int_equal(st, ST_OK);
    assert_int_equal(rig->r.last_zxid, rig->world.load.zxid);
    assert_state_is(&rig->world.load, rig->r.last_zxid, rig->r.tree, rig->r.sessions);
    assert_int_equal(rig->r.base, base);
    assert_int_equal(rig->r.base_zxid, base_zxid);
}

static void assert_refuses(struct rig *rig)
{
    assert_int_equal(recover(rig), ST_CORRUPT);
    assert_null(rig->r.tree);
    assert_null(rig->r.sessions);
    assert_int_equal(findings_worst(&rig->r.findings), FINDING_DAMAGE);
}

/* -- bases -------------------------------------------------------------------------------------------------------- */

static void an_empty_directory_is_a_fresh_tree(void **state)
{
    (void)state;
    struct rig rig;
    set_up(&rig);
    assert_recovers(&rig, RECOVERY_NOTHING, 0);
    assert_int_equal(rig.r.findings.count, 0);
    assert_int_equal(rig.r.checkpoint_zxid, -1);
    assert_int_equal(rig.r.snapshot_zxid, -1);
    rig.options.snap_dir = rig.options.log_dir = "/not/there";
    assert_recovers(&rig, RECOVERY_NOTHING, 0);
    tear_down(&rig);
}

static void the_newest_base_is_taken(void **state)
{
    (void)state;
    struct rig rig;
    set_up(&rig);
    log_txns(&rig, 20);
    put_checkpoint(&rig, SIZE_MAX);
    log_txns(&rig, 20);
    assert_recovers(&rig, RECOVERY_CHECKPOINT, 20);
    assert_true(rig.r.base_exact);
    assert_int_equal(rig.r.txns, 20);
    put_snapshot(&rig, 0);
    log_txns(&rig, 20);
    assert_recovers(&rig, RECOVERY_SNAPSHOT, 40);
    assert_false(rig.r.base_exact);
    assert_int_equal(rig.r.checkpoint_zxid, 20);
    assert_int_equal(rig.r.snapshot_zxid, 40);
    put_checkpoint(&rig, SIZE_MAX);
    assert_recovers(&rig, RECOVERY_CHECKPOINT, 60);
    assert_int_equal(rig.r.txns, 0);
    tear_down(&rig);
}

static void an_interrupted_checkpoint_is_replayed_to_its_end(void **state)
{
    (void)state;
    struct rig rig;
    set_up(&rig);
    log_txns(&rig, 30);
    put_checkpoint(&rig, SIZE_MAX);
    log_txns(&rig, 60);
    put_checkpoint(&rig, 4);
    assert_recovers(&rig, RECOVERY_CHECKPOINT, 30);
    assert_int_equal(rig.r.checkpoint_zxid, 30);
    /* The log must reach to where the interrupted one was to come. */
    drop(&rig, "log.1f");
    assert_refuses(&rig);
    tear_down(&rig);
}

static void a_damaged_snapshot_needs_a_log_that_reaches_it(void **state)
{
    (void)state;
    struct rig rig;
    set_up(&rig);
    rig.options.checkpoint = NULL;
    log_txns(&rig, 20);
    put_snapshot(&rig, 0);
    log_txns(&rig, 20);
    put_snapshot(&rig, 0);
    struct bytes content = disk_sim_get(rig.world.disk, WORLD_DIR "/snapshot.28");
    ((uint8_t *)content.data)[content.len / 2] ^= 4;
    assert_recovers(&rig, RECOVERY_SNAPSHOT, 20);
    assert_int_equal(findings_worst(&rig.r.findings), FINDING_REPAIR);
    drop(&rig, "log.15"); /* 21 to 40: they were applied once */
    assert_refuses(&rig);
    tear_down(&rig);
}

/* -- logs --------------------------------------------------------------------------------------------------------- */

/* [7.3 2325 3056 3781] */
static void the_log_alone_must_be_whole(void **state)
{
    (void)state;
    struct rig rig;
    set_up(&rig);
    log_txns(&rig, 20);
    log_txns(&rig, 20);
    assert_recovers(&rig, RECOVERY_NOTHING, 0);
    drop(&rig, "log.1");
    assert_refuses(&rig);
    /* Trust does not help where records do not fit an empty tree. */
    rig.options.trust_empty = true;
    assert_refuses(&rig);
    put(&rig, "log.29", bytes_make(HEADER, 16));
    drop(&rig, "log.15");
    rig.options.trust_empty = false;
    assert_refuses(&rig); /* the name says that 40 were there */
    tear_down(&rig);
}

static void assert_out_of_reach(struct rig *rig, int64_t until)
{
    rig->options.until = until;
    assert_int_equal(recover(rig), ST_CORRUPT);
    assert_null(rig->r.tree);
    assert_int_equal(rig->r.findings.count, 1);
    assert_int_equal(findings_worst(&rig->r.findings), FINDING_NOTE);
    rig->options.until = 0;
}

/* As behind an export, or at a member that was killed while it led: it takes a snapshot from its leader then. */
static void a_base_beyond_what_is_to_stay_is_no_damage(void **state)
{
    (void)state;
    struct rig rig;
    set_up(&rig);
    log_txns(&rig, 20);
    put_snapshot(&rig, 0);
    drop(&rig, "log.1");
    log_txns(&rig, 20);
    assert_out_of_reach(&rig, 10); /* records are missing behind an empty tree */
    put_checkpoint(&rig, SIZE_MAX);
    assert_out_of_reach(&rig, 30);
    assert_recovers(&rig, RECOVERY_CHECKPOINT, 40);
    tear_down(&rig);
}

static void a_log_that_ends_before_the_checkpoint_is_missing(void **state)
{
    (void)state;
    struct rig rig;
    set_up(&rig);
    log_txns(&rig, 20);
    log_txns(&rig, 20);
    put_checkpoint(&rig, SIZE_MAX);
    drop(&rig, "log.15");
    assert_refuses(&rig);
    drop(&rig, "log.1");
    assert_refuses(&rig);
    put(&rig, "log.29", bytes_make(HEADER, 16)); /* begun behind it: what is older was purged */
    assert_recovers(&rig, RECOVERY_CHECKPOINT, 40);
    tear_down(&rig);
}

static void a_torn_tail_is_cut_and_the_log_goes_on(void **state)
{
    (void)state;
    struct rig rig;
    set_up(&rig);
    log_txns(&rig, 10);
    size_t whole = rig.log.len;
    buffer_append(&rig.log, rig.log.data + 16, 30); /* a part of a record */
    put(&rig, "log.1", buffer_bytes(&rig.log));
    assert_recovers(&rig, RECOVERY_NOTHING, 0);
    assert_int_equal(findings_worst(&rig.r.findings), FINDING_REPAIR);
    assert_int_equal(recovery_repair(rig.options.io, &rig.r), ST_OK);
    assert_int_equal(disk_sim_get(rig.world.disk, WORLD_DIR "/log.1").len, whole);
    log_txns(&rig, 5);
    assert_recovers(&rig, RECOVERY_NOTHING, 0);
    assert_int_equal(findings_worst(&rig.r.findings), FINDING_NOTE);
    tear_down(&rig);
}

static void mark_end(struct rig *rig, int64_t zxid)
{
    struct log_end *e = NULL;
    rig->options.mark_dir = WORLD_MARK_DIR;
    assert_int_equal(log_end_open(&e, rig->options.io, WORLD_MARK_DIR, zxid), ST_OK);
    log_end_close(e);
}

/* It is what a leader leaves that was stopped before it had logged anything in its epoch. */
static void a_checkpoint_at_the_beginning_of_an_epoch_is_no_record_s(void **state)
{
    (void)state;
    struct rig rig;
    set_up(&rig);
    log_txns(&rig, 10);
    const int64_t last = rig.world.load.zxid;
    rig.world.load.zxid = INT64_C(0x200000000);
    put_checkpoint(&rig, SIZE_MAX);
    rig.world.load.zxid = last;
    mark_end(&rig, last);
    assert_int_equal(recover(&rig), ST_OK);
    assert_int_equal(rig.r.base, RECOVERY_CHECKPOINT);
    assert_int_equal(rig.r.last_zxid, INT64_C(0x200000000));
    tear_down(&rig);
}

/* Whatever it is that falls short: the log alone, behind a snapshot, behind a checkpoint. */
static void what_ends_before_the_mark_is_refused(void **state)
{
    (void)state;
    for (int base = 0; base < 3; base++) {
        struct rig rig;
        set_up(&rig);
        log_txns(&rig, 10);
        if (base == 1)
            put_snapshot(&rig, 0);
        else if (base == 2)
            put_checkpoint(&rig, SIZE_MAX);
        log_txns(&rig, 10);
        mark_end(&rig, 20);
        assert_int_equal(recover(&rig), ST_OK);
        assert_int_equal(rig.r.last_zxid, 20);
        drop(&rig, "log.b");
        assert_refuses(&rig);
        assert_int_equal(rig.r.findings.count, 1);
        assert_string_equal(rig.r.findings.items[0].file, WORLD_MARK_DIR "/" LOG_END_NAME);
        mark_end(&rig, 10);
        assert_int_equal(recover(&rig), ST_OK);
        assert_int_equal(rig.r.last_zxid, 10);
        tear_down(&rig);
    }
}

/* As after a member took its tree from another: nothing is missing, though the log is. */
static void a_base_beyond_the_mark_needs_no_log(void **state)
{
    (void)state;
    struct rig rig;
    set_up(&rig);
    rig.options.checkpoint = NULL;
    log_txns(&rig, 10);
    put_snapshot(&rig, 0);
    mark_end(&rig, 10);
    drop(&rig, "log.1");
    assert_recovers(&rig, RECOVERY_SNAPSHOT, 10);
    tear_down(&rig);
}

static void a_torn_tail_below_the_mark_is_damage(void **state)
{
    (void)state;
    struct rig rig;
    set_up(&rig);
    rig.options.checkpoint = NULL;
    log_txns(&rig, 10);
    size_t whole = rig.log.len;
    txn_load_next_record(&rig.world.load, &rig.log);
    put(&rig, "log.1", bytes_make(rig.log.data, whole + 20));
    mark_end(&rig, 10);
    assert_int_equal(recover(&rig), ST_OK);
    assert_int_equal(rig.r.last_zxid, 10);
    assert_int_equal(findings_worst(&rig.r.findings), FINDING_REPAIR);
    mark_end(&rig, 11);
    assert_refuses(&rig);
    assert_int_equal(rig.r.findings.count, 2);
    assert_string_equal(rig.r.findings.items[0].file, WORLD_DIR "/log.1");
    assert_int_equal(rig.r.findings.items[0].offset, whole);
    assert_string_equal(rig.r.findings.items[1].file, WORLD_MARK_DIR "/" LOG_END_NAME);
    tear_down(&rig);
}

static void a_txn_of_no_known_kind_is_refused(void **state)
{
    (void)state;
    struct rig rig;
    set_up(&rig);
    log_txns(&rig, 5);
    struct buffer entry = {0};
    struct writer w = writer_to(&entry);
    txn_header_write(&w, &(struct txn_header){1, 1, 6, 1, 4711});
    assert_int_equal(txnlog_frame(&rig.log, buffer_bytes(&entry)), ST_OK);
    put(&rig, "log.1", buffer_bytes(&rig.log));
    assert_refuses(&rig);
    buffer_free(&entry);
    tear_down(&rig);
}

static void swapped_directories_are_refused(void **state)
{
    (void)state;
    struct rig rig;
    set_up(&rig);
    disk_sim_make_dir(rig.world.disk, "/other");
    log_txns(&rig, 5);
    rig.options.log_dir = "/other"; /* a log in dataDir */
    assert_refuses(&rig);
    rig.options.log_dir = WORLD_DIR;
    rig.options.snap_dir = "/other";
    assert_recovers(&rig, RECOVERY_NOTHING, 0);
    put_snapshot(&rig, 0);
    assert_refuses(&rig);
    tear_down(&rig);
}

/* -- digests ------------------------------------------------------------------------------------------------------ */

/* A snapshot that is whole, but of another tree than the log has: one node was changed behind everybody's back. */
static void put_false_snapshot(struct rig *rig)
{
    struct txn_load *l = &rig->world.load;
    struct txn_state right = l->states[l->zxid];
    assert_int_equal(tree_set_data(l->tree, BYTES("/zookeeper"), BYTES("false"), 0, 0, 0), ST_OK);
    put_snapshot(rig, 0);
    assert_int_equal(tree_set_data(l->tree, BYTES("/zookeeper"), BYTES(""), 0, 0, 0), ST_OK);
    assert_int_equal(tree_digest(l->tree), right.digest);
}

static void a_base_that_leads_to_another_digest_is_not_used(void **state)
{
    (void)state;
    struct rig rig;
    set_up(&rig);
    rig.options.checkpoint = NULL;
    log_txns(&rig, 20);
    put_snapshot(&rig, 0);
    log_txns(&rig, 20);
    put_false_snapshot(&rig);
    log_txns(&rig, 20);
    assert_recovers(&rig, RECOVERY_SNAPSHOT, 20);
    assert_int_equal(findings_worst(&rig.r.findings), FINDING_REPAIR);
    assert_int_equal(rig.r.findings.count, 1);
    drop(&rig, "snapshot.14");
    drop(&rig, "log.1");
    assert_refuses(&rig);
    rig.options.ignore_digests = true; /* as the operator wishes */
    assert_int_equal(recover(&rig), ST_OK);
    assert_int_equal(rig.r.base_zxid, 40);
    tear_down(&rig);
}

/* Before 3.6 snapshots had no digest: the first one that is right in the log ends the doubt. */
static void a_snapshot_without_digest_is_proved_by_the_log(void **state)
{
    (void)state;
    struct rig rig;
    set_up(&rig);
    rig.options.checkpoint = NULL;
    log_txns(&rig, 20);
    put_snapshot(&rig, 33);
    drop(&rig, "log.1");
    log_txns(&rig, 20);
    assert_recovers(&rig, RECOVERY_SNAPSHOT, 20);
    drop(&rig, "snapshot.14");
    tear_down(&rig);

    set_up(&rig);
    rig.options.checkpoint = NULL;
    log_txns(&rig, 20);
    struct txn_load *l = &rig.world.load;
    assert_int_equal(tree_set_data(l->tree, BYTES("/zookeeper"), BYTES("false"), 0, 0, 0), ST_OK);
    put_snapshot(&rig, 33);
    assert_int_equal(tree_set_data(l->tree, BYTES("/zookeeper"), BYTES(""), 0, 0, 0), ST_OK);
    drop(&rig, "log.1");
    log_txns(&rig, 20);
    assert_refuses(&rig);
    tear_down(&rig);
}

/* Its label is older than what it holds, and the log ends before that: nobody knows what it is. */
static void a_fuzzy_snapshot_beyond_the_log_is_not_used(void **state)
{
    (void)state;
    struct rig rig;
    set_up(&rig);
    rig.options.checkpoint = NULL;
    log_txns(&rig, 20);
    struct snapshot_writer *w = snapshot_writer_new(rig.world.load.tree, rig.world.load.sessions, 20);
    struct buffer file = {0};
    bool done;
    assert_int_equal(snapshot_encode_some(w, 3, &file, &done), ST_OK);
    log_txns(&rig, 10);
    assert_int_equal(snapshot_encode_some(w, SIZE_MAX, &file, &done), ST_OK);
    assert_int_equal(snapshot_encode_end(w, 30, &file), ST_OK);
    snapshot_writer_free(w);
    put(&rig, "snapshot.14", buffer_bytes(&file));
    assert_recovers(&rig, RECOVERY_SNAPSHOT, 20);
    drop(&rig, "log.15");
    drop(&rig, "log.1");
    assert_refuses(&rig);
    buffer_free(&file);
    tear_down(&rig);
}

/* A log of txns without digests, as before 3.6, that open sessions from `zxid` on. */
static void log_sessions(struct rig *rig, int64_t zxid, int count)
{
    char name[32];
    snprintf(name, sizeof name, "log.%llx", (unsigned long long)zxid);
    rig->log.len = 0;
    buffer_append(&rig->log, HEADER, 16);
    for (int i = 0; i < count; i++) {
        struct buffer entry = {0};
        struct writer w = writer_to(&entry);
        txn_header_write(&w, &(struct txn_header){0x900 + i, 0, zxid + i, 1, TXN_CREATE_SESSION});
        create_session_txn_write(&w, &(struct create_session_txn){4000});
        assert_int_equal(txnlog_frame(&rig->log, buffer_bytes(&entry)), ST_OK);
        buffer_free(&entry);
    }
    put(rig, name, buffer_bytes(&rig->log));
}

static void a_later_epoch_alone_is_trusted_only_when_told(void **state)
{
    (void)state;
    struct rig rig;
    set_up(&rig);
    log_sessions(&rig, 0x500000001, 3);
    assert_refuses(&rig);
    assert_out_of_reach(&rig, 0x500000002);
    rig.options.trust_empty = true;
    assert_int_equal(recover(&rig), ST_OK);
    assert_int_equal(rig.r.last_zxid, 0x500000003);
    assert_int_equal(sessions_count(rig.r.sessions), 3);
    assert_int_equal(findings_worst(&rig.r.findings), FINDING_NOTE);
    /* An ensemble's first epoch is the beginning. */
    rig.options.trust_empty = false;
    drop(&rig, "log.500000001");
    log_sessions(&rig, 0x100000001, 3);
    assert_int_equal(recover(&rig), ST_OK);
    tear_down(&rig);
}

static void without_any_digest_there_is_nothing_to_compare(void **state)
{
    (void)state;
    struct rig rig;
    set_up(&rig);
    rig.options.checkpoint = NULL;
    log_txns(&rig, 20);
    put_snapshot(&rig, 33);
    drop(&rig, "log.1");
    log_sessions(&rig, 21, 5);
    assert_int_equal(recover(&rig), ST_OK);
    assert_int_equal(rig.r.last_zxid, 25);
    assert_int_equal(rig.r.base_zxid, 20);
    tear_down(&rig);
}

/* Sealed and whole, but its own digest is another than its tree's. */
static void a_snapshot_that_contradicts_itself_is_not_used(void **state)
{
    (void)state;
    struct rig rig;
    struct buffer file = {0};
    set_up(&rig);
    rig.options.checkpoint = NULL;
    log_txns(&rig, 20);
    assert_int_equal(snapshot_encode(rig.world.load.tree, rig.world.load.sessions, 20, &file), ST_OK);
    file.data[file.len - 13 - 1] ^= 1;
    be64_put(file.data + file.len - 13, adler32_z(adler32_z(0, NULL, 0), file.data, file.len - 13));
    put(&rig, "snapshot.14", buffer_bytes(&file));
    assert_recovers(&rig, RECOVERY_NOTHING, 0);
    assert_int_equal(findings_worst(&rig.r.findings), FINDING_REPAIR);
    drop(&rig, "log.1");
    assert_refuses(&rig);
    buffer_free(&file);
    tear_down(&rig);
}

/* Written by a later version: not damaged, and not to be passed over either. */
static void a_checkpoint_of_a_newer_format_is_refused_by_name(void **state)
{
    (void)state;
    struct rig rig;
    set_up(&rig);
    log_txns(&rig, 20);
    put_checkpoint(&rig, SIZE_MAX);
    struct checkpoint_memory *m = rig.world.checkpoint;
    struct checkpoint_memory_value *meta = checkpoint_memory_at(m, checkpoint_memory_count(m) - 1);
    assert_int_equal(meta->space, CHECKPOINT_META);
    be32_put(meta->data + 4, CHECKPOINT_FORMAT + 1);
    const uint8_t head[5] = {CHECKPOINT_META};
    be32_put(meta->data, (uint32_t)crc32_z(crc32_z(0, head, sizeof head), meta->data + 4, meta->len - 4));
    assert_refuses(&rig);
    assert_non_null(strstr(rig.r.findings.items[0].text, "newer format"));
    meta->data[6] ^= 1; /* damaged is another thing: the log is whole */
    assert_recovers(&rig, RECOVERY_NOTHING, 0);
    assert_int_equal(findings_worst(&rig.r.findings), FINDING_REPAIR);
    tear_down(&rig);
}

static void ephemerals_of_unknown_sessions_get_one_that_expires(void **state)
{
    (void)state;
    struct rig rig;
    set_up(&rig);
    rig.options.checkpoint = NULL;
    struct txn_load *l = &rig.world.load;
    const struct tree_create create = {BYTES("/left"), BYTES(""), {0, {NULL, 0}}, 0x77, -1, 0, 0};
    assert_int_equal(tree_create(l->tree, &create), ST_OK);
    put_snapshot(&rig, 0);
    assert_int_equal(recover(&rig), ST_OK);
    assert_int_equal(rig.r.sessions_added, 1);
    assert_non_null(sessions_get(rig.r.sessions, 0x77));
    assert_int_equal(findings_worst(&rig.r.findings), FINDING_REPAIR);
    tear_down(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_directory_is_a_fresh_tree),
        cmocka_unit_test(the_newest_base_is_taken),
        cmocka_unit_test(an_interrupted_checkpoint_is_replayed_to_its_end),
        cmocka_unit_test(a_damaged_snapshot_needs_a_log_that_reaches_it),
        cmocka_unit_test(the_log_alone_must_be_whole),
        cmocka_unit_test(a_base_beyond_what_is_to_stay_is_no_damage),
        cmocka_unit_test(a_log_that_ends_before_the_checkpoint_is_missing),
        cmocka_unit_test(a_checkpoint_at_the_beginning_of_an_epoch_is_no_record_s),
        cmocka_unit_test(a_torn_tail_is_cut_and_the_log_goes_on),
        cmocka_unit_test(what_ends_before_the_mark_is_refused),
        cmocka_unit_test(a_base_beyond_the_mark_needs_no_log),
        cmocka_unit_test(a_torn_tail_below_the_mark_is_damage),
        cmocka_unit_test(a_txn_of_no_known_kind_is_refused),
        cmocka_unit_test(swapped_directories_are_refused),
        cmocka_unit_test(a_base_that_leads_to_another_digest_is_not_used),
        cmocka_unit_test(a_snapshot_without_digest_is_proved_by_the_log),
        cmocka_unit_test(a_fuzzy_snapshot_beyond_the_log_is_not_used),
        cmocka_unit_test(a_later_epoch_alone_is_trusted_only_when_told),
        cmocka_unit_test(without_any_digest_there_is_nothing_to_compare),
        cmocka_unit_test(a_snapshot_that_contradicts_itself_is_not_used),
        cmocka_unit_test(a_checkpoint_of_a_newer_format_is_refused_by_name),
        cmocka_unit_test(ephemerals_of_unknown_sessions_get_one_that_expires),
    };
    return cmocka_run_group_tests_name("recovery", tests, NULL, NULL);
}
