/* member_snapshot_test.c - a member that takes a snapshot. When its sync breaks off behind it, it reads its own disk
 * back [7.1 3642], and claims what that has: its log, and the epochs that it was started with. And a snapshot may hold
 * effects of txns that come behind it: a history that began with it would lack them. */
#include "core/jute/txn.h"
#include "core/replica/outbox.h"
#include "core/replica/replica.h"
#include "core/store/snapshot.h"
#include "core/zab/notification.h"
#include "core/zab/request.h"
#include "core/zab/zab.h"
#include "tests/support/test.h"

enum { EPOCH = 3, NEXT_EPOCH = 4, LINK = 7 };

#define LOGGED ((int64_t)EPOCH << 32 | 2)

struct rig {
    struct replica *r;
    struct outbox out;
    struct metrics *metrics;
    int64_t now_us;
};

static const struct log_sink silent = {.level = LOG_LEVEL_ERROR};
static const struct tree_options tree_options = {0};

static void step(struct rig *rig, struct replica_event event)
{
    event.now_us = rig->now_us += 1000;
    outbox_reset(&rig->out);
    assert_int_equal(replica_step(rig->r, &event, &rig->out), ST_OK);
}

static struct members *two_voters(void)
{
    struct members *m;
    struct members_error error;
    const struct bytes text = BYTES("server.1=127.0.0.1:2888:3888\nserver.2=127.0.0.2:2888:3888\nversion=0");
    assert_int_equal(members_parse(text, 0, &m, &error), ST_OK);
    return m;
}

static void start(struct rig *rig)
{
    const struct zab_options options = {.sid = 1,
                                        .tick_ms = 1000,
                                        .init_limit = 10,
                                        .sync_limit = 5,
                                        .connect_retry_ms = 100,
                                        .notification_ms_min = 200,
                                        .notification_ms_max = 200,
                                        .committed_count_max = 500,
                                        .committed_bytes_max = 1 << 20,
                                        .pending_bytes_max = 1 << 20,
                                        .snapshot_syncs_max = 1,
                                        .diff_syncs_max = 1,
                                        .zxid_counter_max = 0xfffffffe};
    const struct replica_options replica_options = {
        .server_id = 1, .tick_ms = 1000, .packet_bytes_max = 1 << 20, .digest_algorithm = "SHA1"};
    *rig = (struct rig){.metrics = metrics_new(KEYED_MAX)};
    outbox_init(&rig->out);
    rig->r = replica_new(&replica_options, tree_new(&tree_options), sessions_new(1000), LOGGED, rig->metrics, &silent);
    assert_non_null(rig->r);
    const struct replica_past past = {.accepted_epoch = EPOCH, .current_epoch = EPOCH, .zxid = LOGGED};
    assert_int_equal(replica_join(rig->r, &options, two_voters(), NULL, &past), ST_OK);
    step(rig, (struct replica_event){.kind = REPLICA_START});
}

static void stop(struct rig *rig)
{
    replica_free(rig->r);
    outbox_free(&rig->out);
    metrics_free(rig->metrics);
}

/* Server 2 leads in a later epoch. */
static void hear_of_leader(struct rig *rig)
{
    struct buffer frame = {0};
    struct writer w = writer_to(&frame);
    notification_encode(&w, &(struct notification){.state = SERVER_LEADING,
                                                   .vote = {2, LOGGED, EPOCH},
                                                   .round = 1,
                                                   .config = BYTES("server.1=127.0.0.1:2888:3888\nversion=0")});
    step(rig, (struct replica_event){.kind = REPLICA_NOTIFICATION, .sid = 2, .frame = buffer_bytes(&frame)});
    buffer_free(&frame);
    step(rig, (struct replica_event){.kind = REPLICA_LINK_CONNECTED, .link = LINK});
}

static void hear(struct rig *rig, const struct packet *packet, struct bytes behind)
{
    struct buffer bytes = {0};
    struct writer w = writer_to(&bytes);
    packet_encode(&w, packet);
    assert_int_equal(buffer_append(&bytes, behind.data, behind.len), ST_OK);
    step(rig, (struct replica_event){.kind = REPLICA_LINK_BYTES, .link = LINK, .frame = buffer_bytes(&bytes)});
    buffer_free(&bytes);
}

static void promise_epoch(struct rig *rig)
{
    struct buffer info = {0};
    struct writer w = writer_to(&info);
    leader_info_encode(&w, &(struct leader_info){.protocol_version = QUORUM_PROTOCOL_VERSION});
    hear(rig,
         &(struct packet){.type = PACKET_LEADERINFO, .zxid = (int64_t)NEXT_EPOCH << 32, .data = buffer_bytes(&info)},
         BYTES_NULL);
    buffer_free(&info);
    assert_int_equal(rig->out.jobs[0].kind, JOB_STORE_ACCEPTED);
    step(rig, (struct replica_event){.kind = REPLICA_STORED, .ticket = rig->out.jobs[0].ticket});
}

static void take_snapshot(struct rig *rig)
{
    struct tree *tree = tree_new(&tree_options);
    struct sessions *sessions = sessions_new(1000);
    struct snapshot_writer *writer = snapshot_stream_writer_new(tree, sessions, LOGGED);
    struct buffer image = {0};
    bool done = false;
    while (!done)
        assert_int_equal(snapshot_encode_some(writer, 1000, &image, &done), ST_OK);
    assert_int_equal(snapshot_stream_end(writer, &image), ST_OK);
    hear(rig, &(struct packet){.type = PACKET_SNAP, .zxid = LOGGED + 1}, buffer_bytes(&image));
    assert_int_equal(replica_last_zxid(rig->r), LOGGED + 1);
    snapshot_writer_free(writer);
    sessions_free(sessions);
    tree_free(tree);
    buffer_free(&image);
}

static void hear_plain(struct rig *rig, int32_t type, int64_t zxid)
{
    hear(rig, &(struct packet){.type = type, .zxid = zxid}, BYTES_NULL);
}

/* Every job is done, and all that was to be logged is. */
static void finish_disk(struct rig *rig)
{
    while (rig->out.job_count > 0 || rig->out.log_count > 0) {
        struct disk_job jobs[8];
        const size_t count = rig->out.job_count;
        const int64_t logged = rig->out.log_count > 0 ? rig->out.log_last_zxid : 0;
        assert_in_range(count, 0, ARRAY_LEN(jobs));
        memcpy(jobs, rig->out.jobs, count * sizeof jobs[0]);
        outbox_reset(&rig->out);
        for (size_t i = 0; i < count; i++)
            if (jobs[i].ticket != 0)
                step(rig, (struct replica_event){.kind = REPLICA_STORED, .ticket = jobs[i].ticket});
        if (logged != 0)
            step(rig, (struct replica_event){.kind = REPLICA_LOGGED, .zxid = logged});
    }
}

/* A txn that changes nothing any more, since the snapshot is from behind it. */
static void commit_late_txn(struct rig *rig, int64_t zxid)
{
    struct buffer entry = {0};
    static const uint8_t code[] = {0xff, 0xff, 0xff, 0xff};
    const struct txn txn = {.header = {.zxid = zxid, .type = TXN_ERROR}, .record = {code, sizeof code}};
    struct writer w = writer_to(&entry);
    txn_encode(&w, &txn);
    hear(rig, &(struct packet){.type = PACKET_PROPOSAL, .zxid = zxid, .data = buffer_bytes(&entry)}, BYTES_NULL);
    hear_plain(rig, PACKET_COMMIT, zxid);
    buffer_free(&entry);
}

static bool remembers(const struct rig *rig, int64_t zxid)
{
    struct change_place place;
    const struct change_cursor behind = {zxid, CHANGES_WHOLE_TXN};
    return changes_find(replica_changes(rig->r), behind, &place);
}

/* The vote that it tells server 2. */
static struct vote told(const struct rig *rig)
{
    struct notification n = {0};
    for (size_t i = 0; i < rig->out.peer_count; i++) {
        const struct peer_item *item = &rig->out.peers[i];
        if (item->kind == PEER_NOTIFY)
            assert_int_equal(notification_decode(bytes_make(rig->out.bytes.data + item->offset, item->len), &n), ST_OK);
    }
    return n.vote;
}

static void what_the_disk_has_is_claimed_again(void **state)
{
    (void)state;
    struct rig rig;
    start(&rig);
    hear_of_leader(&rig);
    promise_epoch(&rig);
    take_snapshot(&rig);
    step(&rig, (struct replica_event){.kind = REPLICA_LINK_CLOSED, .link = LINK});
    assert_int_equal(rig.out.jobs[rig.out.job_count - 1].kind, JOB_RELOAD);
    step(&rig,
         (struct replica_event){
             .kind = REPLICA_STORED, .tree = tree_new(&tree_options), .sessions = sessions_new(1000), .zxid = LOGGED});
    const struct vote vote = told(&rig);
    assert_int_equal(vote.leader, 1);
    assert_int_equal(vote.zxid, LOGGED);
    assert_int_equal(vote.peer_epoch, EPOCH);
    stop(&rig);
}

static void what_a_snapshot_may_hold_already_is_not_remembered_as_changes(void **state)
{
    (void)state;
    struct rig rig;
    start(&rig);
    struct changes *history = changes_new(&(struct hash_key){1, 2}, 1 << 20);
    assert_non_null(history);
    changes_begin(history, LOGGED);
    replica_remember(rig.r, history);
    hear_of_leader(&rig);
    promise_epoch(&rig);
    take_snapshot(&rig);
    commit_late_txn(&rig, LOGGED + 2);
    hear_plain(&rig, PACKET_NEWLEADER, (int64_t)NEXT_EPOCH << 32);
    finish_disk(&rig);
    assert_false(replica_serves_all(rig.r));
    hear_plain(&rig, PACKET_UPTODATE, 0);
    finish_disk(&rig);
    assert_true(replica_serves_all(rig.r));
    assert_int_equal(replica_last_zxid(rig.r), LOGGED + 2);
    assert_false(remembers(&rig, LOGGED + 1));
    assert_true(remembers(&rig, LOGGED + 2));
    stop(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_disk_has_is_claimed_again),
        cmocka_unit_test(what_a_snapshot_may_hold_already_is_not_remembered_as_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
