/* disk_rig.c - see disk_rig.h. */
#include "tests/support/disk_rig.h"

#include "core/jute/txn.h"
#include "core/ops/apply.h"
#include "core/store/txnlog.h"
#include "tests/support/test.h"
#include "tests/support/tmp.h"

#include <stdlib.h>

static const struct hash_key hash_key = {3, 4};

static void on_logged(void *context, int64_t zxid)
{
    struct disk_rig *rig = context;
    assert_true(zxid > rig->logged);
    rig->logged = zxid;
}

static void on_full(void *context)
{
    const struct disk_rig *rig = context;
    if (!rig->may_run_full)
        fail_msg("the log ran full");
}

static void on_room(void *context)
{
    (void)context;
}

static void on_log_failed(void *context, const char *text)
{
    (void)context;
    fail_msg("the log failed: %s", text);
}

/* A tree that was made anew takes the place of the one before, as in the replica. */
static void on_stored(void *context, const struct persistence_stored *stored)
{
    struct disk_rig *rig = context;
    rig->stored = *stored;
    rig->stored_behind = rig->logged;
    rig->stored_count++;
    if (stored->tree == NULL)
        return;
    tree_free(rig->recovered.tree);
    sessions_free(rig->recovered.sessions);
    rig->recovered.tree = stored->tree;
    rig->recovered.sessions = stored->sessions;
    rig->logged = rig->applied = stored->last_zxid;
    rig->next_zxid = stored->last_zxid + 1;
    rig->unapplied.len = 0;
}

void disk_rig_done(void *context, bool ok)
{
    struct disk_rig *rig = context;
    rig->done = true;
    rig->done_ok = ok;
}

static void on_log_piece(void *context, uint64_t link, enum status status, const struct log_piece *piece)
{
    struct disk_rig *rig = context;
    struct bytes records = buffer_bytes(&piece->records), entry;
    assert_int_equal(link, 7);
    rig->piece_count++;
    rig->piece_status = status;
    rig->piece_before = piece->before;
    rig->piece_records = 0;
    while (txnlog_unframe(&records, &entry) == ST_OK)
        rig->piece_records++;
}

void disk_rig_read_log(struct disk_rig *rig, int64_t after)
{
    const uint32_t before = rig->piece_count;
    const struct log_wish wish = {.after = after, .until = rig->next_zxid - 1};
    assert_int_equal(persistence_read_log(rig->persistence, 7, &wish), ST_OK);
    while (rig->piece_count == before)
        (void)uv_run(&rig->loop, UV_RUN_ONCE);
}

static void write_line(void *context, enum log_level level, const char *area, const char *text)
{
    (void)context;
    print_message("%s %s: %s\n", log_level_name(level), area, text);
}

int disk_rig_set_up(void **state)
{
    struct disk_rig *rig = calloc(1, sizeof *rig);
    if (rig == NULL || settings_default(&rig->settings) != ST_OK)
        return 1;
    rig->root = tmp_make();
    rig->dir = tmp_join(rig->root, "data");
    free(rig->settings->data_dir);
    free(rig->settings->data_log_dir);
    rig->settings->data_dir = strdup(rig->dir);
    rig->settings->data_log_dir = strdup("");
    rig->metrics = metrics_new(KEYED_MAX);
    rig->log = (struct log_sink){.level = LOG_LEVEL_INFO, .write = write_line};
    *state = rig;
    return 0;
}

int disk_rig_tear_down(void **state)
{
    struct disk_rig *rig = *state;
    settings_free(rig->settings);
    metrics_free(rig->metrics);
    buffer_free(&rig->message);
    buffer_free(&rig->unapplied);
    tmp_remove(rig->root);
    free(rig->dir);
    free(rig);
    return 0;
}

enum status disk_rig_try_open(struct disk_rig *rig)
{
    const struct persistence_events events = {.context = rig,
                                              .logged = on_logged,
                                              .log_full = on_full,
                                              .log_room = on_room,
                                              .log_failed = on_log_failed,
                                              .stored = on_stored,
                                              .log_piece = on_log_piece};
    assert_int_equal(uv_loop_init(&rig->loop), 0);
    rig->message.len = 0;
    enum status st = persistence_open(&rig->persistence, rig->settings, &hash_key, &rig->loop, &events, rig->metrics,
                                      &rig->log, &rig->recovered, &rig->message);
    if (st == ST_OK) {
        rig->logged = rig->applied = rig->recovered.last_zxid;
        rig->next_zxid = rig->recovered.last_zxid + 1;
        return ST_OK;
    }
    (void)uv_run(&rig->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&rig->loop), 0);
    return st;
}

void disk_rig_open(struct disk_rig *rig)
{
    enum status st = disk_rig_try_open(rig);
    if (st != ST_OK)
        fail_msg("%s: %.*s", status_text(st), (int)rig->message.len, (const char *)rig->message.data);
}

void disk_rig_close(struct disk_rig *rig)
{
    persistence_close(rig->persistence);
    (void)uv_run(&rig->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&rig->loop), 0);
    tree_free(rig->recovered.tree);
    sessions_free(rig->recovered.sessions);
}

/* -- writing ------------------------------------------------------------------------------------------------------ */

/* `unapplied` holds framed records. */
static void apply_until(struct disk_rig *rig, int64_t zxid)
{
    size_t at = 0;
    while (at < rig->unapplied.len && rig->applied < zxid) {
        struct txn txn;
        uint32_t len = be32_get(rig->unapplied.data + at + 8);
        assert_int_equal(txn_decode(bytes_make(rig->unapplied.data + at + 12, len), &txn), ST_OK);
        assert_int_equal(txn_apply(NULL, rig->recovered.tree, rig->recovered.sessions, &txn), ST_OK);
        rig->applied = txn.header.zxid;
        at += len + TXNLOG_FRAME_LEN;
    }
    buffer_consume(&rig->unapplied, at);
}

/* As the replica does when it runs alone. */
static void apply_logged(struct disk_rig *rig)
{
    apply_until(rig, rig->logged);
}

void disk_rig_apply_early(struct disk_rig *rig)
{
    apply_until(rig, rig->next_zxid - 1);
}

void disk_rig_turn(struct disk_rig *rig)
{
    bool more = true;
    while (more) {
        apply_logged(rig);
        more = persistence_turn(rig->persistence, rig->recovered.tree, rig->recovered.sessions, rig->applied);
        (void)uv_run(&rig->loop, UV_RUN_NOWAIT);
    }
}

static void wait_logged(struct disk_rig *rig)
{
    while (rig->applied < rig->next_zxid - 1) {
        (void)uv_run(&rig->loop, UV_RUN_ONCE);
        disk_rig_turn(rig);
    }
}

static void write_txn(struct disk_rig *rig, const struct txn *txn)
{
    struct buffer entry = {0}, records = {0};
    struct writer w = writer_to(&entry);
    txn_encode(&w, txn);
    assert_int_equal(w.status, ST_OK);
    assert_int_equal(txnlog_frame(&records, buffer_bytes(&entry)), ST_OK);
    assert_int_equal(buffer_append(&rig->unapplied, records.data, records.len), ST_OK);
    assert_int_equal(persistence_append(rig->persistence, &records, txn->header.zxid, txn->header.zxid, 1), ST_OK);
    buffer_free(&records);
    buffer_free(&entry);
}

static void write_create(struct disk_rig *rig, int number)
{
    char path[32], data[128];
    memset(data, 'd', sizeof data);
    int len = snprintf(path, sizeof path, "/node-%d", number);
    struct buffer record = {0};
    struct writer w = writer_to(&record);
    const struct create_txn create = {.path = bytes_make(path, (size_t)len),
                                      .data = bytes_make(data, (size_t)(number % 128)),
                                      .acl = {.count = 1, .raw = BYTES("\0\0\0\37\0\0\0\5world\0\0\0\6anyone")},
                                      .parent_cversion = number};
    create_txn_write(&w, &create);
    assert_int_equal(w.status, ST_OK);
    const struct txn txn = {
        .header = {.client_id = 1, .cxid = number, .zxid = rig->next_zxid++, .time_ms = 1000, .type = TXN_CREATE},
        .record = buffer_bytes(&record)};
    write_txn(rig, &txn);
    buffer_free(&record);
}

void disk_rig_append(struct disk_rig *rig, int number)
{
    write_create(rig, number);
}

void disk_rig_wait_stored(struct disk_rig *rig, uint32_t count)
{
    while (rig->stored_count < count) {
        (void)uv_run(&rig->loop, UV_RUN_ONCE);
        disk_rig_turn(rig);
    }
}

void disk_rig_write(struct disk_rig *rig, int first, int count)
{
    for (int i = first; i < first + count; i++) {
        write_create(rig, i);
        if (i % 10 == 0)
            disk_rig_turn(rig);
    }
    wait_logged(rig);
}

bool disk_rig_checkpoint(struct disk_rig *rig)
{
    rig->done = false;
    persistence_checkpoint(rig->persistence, disk_rig_done, rig);
    disk_rig_turn(rig);
    while (!rig->done) {
        (void)uv_run(&rig->loop, UV_RUN_ONCE);
        disk_rig_turn(rig);
    }
    return rig->done_ok;
}

/* Closes, opens again and compares. */
void disk_rig_reopen(struct disk_rig *rig)
{
    uint64_t count = tree_count(rig->recovered.tree), digest = tree_digest(rig->recovered.tree);
    int64_t applied = rig->applied;
    disk_rig_close(rig);
    disk_rig_open(rig);
    assert_int_equal(rig->recovered.last_zxid, applied);
    assert_int_equal(tree_count(rig->recovered.tree), count);
    assert_int_equal(tree_digest(rig->recovered.tree), digest);
}
