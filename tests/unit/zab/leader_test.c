/* What a leader does with what its learners send, step by step; each bug that real implementations had there
 * (quorum-protocol 7) has a test with its number. */
#include "core/zab/packet.h"
#include "tests/support/leader_rig.h"
#include "tests/support/test.h"

#define Z(epoch, counter) ((int64_t)((uint64_t)(epoch) << 32 | (uint64_t)(counter)))

#define assert_said(rig, text) assert_string_equal(leader_rig_said(rig), text)

enum { TICK = 2000, INIT_LIMIT = 10 * TICK, SYNC_LIMIT = 5 * TICK };

#define ALONE "server.3=127.0.0.1:2888:3888:participant\nversion=0"
#define WEIGHTED                                                                           \
    "server.1=127.0.0.1:2888:3888:participant\nserver.2=127.0.0.1:2889:3889:participant\n" \
    "server.3=127.0.0.1:2890:3890:participant\ngroup.1=1:2:3\nweight.1=1\nweight.2=1\nweight.3=3\nversion=0"
#define FIVE                                                                               \
    "server.1=127.0.0.1:2888:3888:participant\nserver.2=127.0.0.1:2889:3889:participant\n" \
    "server.3=127.0.0.1:2890:3890:participant\nserver.4=127.0.0.1:2891:3891:participant\n" \
    "server.5=127.0.0.1:2892:3892:participant\nversion=0"

static const struct leader_rig_setup fresh = {.zxid = 0};
static const struct leader_rig_setup loaded = {.zxid = Z(1, 5), .accepted_epoch = 1, .current_epoch = 1};
static const struct leader_rig_setup alone = {.config = ALONE};

/* -- the way through the handshake -----------------------------------------------------------------------------------
 */

static uint64_t introduce(struct leader_rig *r, int32_t type, int64_t sid, int64_t accepted)
{
    const uint64_t link = leader_rig_accept(r);
    leader_rig_info(r, link, type, sid, accepted, 0);
    leader_rig_disk(r, SIZE_MAX);
    return link;
}

/* Up to NEWLEADER, or to where the leader waits for others. */
static uint64_t join(struct leader_rig *r, int32_t type, int64_t sid, int64_t zxid, int32_t epoch)
{
    const uint64_t link = introduce(r, type, sid, epoch == -1 ? 0 : epoch);
    leader_rig_ack_epoch(r, link, zxid, epoch);
    leader_rig_disk(r, SIZE_MAX);
    return link;
}

static void adopt(struct leader_rig *r, uint64_t link)
{
    leader_rig_plain(r, link, PACKET_ACK, Z(r->epoch, 0));
}

static uint64_t follow(struct leader_rig *r, int64_t sid, int64_t zxid, int32_t epoch)
{
    const uint64_t link = join(r, PACKET_FOLLOWERINFO, sid, zxid, epoch);
    leader_rig_snapshot_sent(r, link);
    adopt(r, link);
    leader_rig_said(r);
    return link;
}

/* Epoch 2 after 1:5, with follower 2, whose link it returns. */
static uint64_t start_serving(struct leader_rig *r)
{
    leader_rig_start(r, &loaded);
    const uint64_t link = follow(r, 2, Z(1, 5), 1);
    assert_int_equal(zab_phase(r->z), ZAB_BROADCAST);
    return link;
}

/* Proposed, on the leader's disk, and acknowledged by the follower. */
static void commit(struct leader_rig *r, uint64_t link, int count)
{
    for (int i = 0; i < count; i++) {
        const int64_t zxid = zab_next_zxid(r->z);
        leader_rig_propose(r, BYTES("txn"));
        leader_rig_disk(r, SIZE_MAX);
        leader_rig_plain(r, link, PACKET_ACK, zxid);
        assert_int_equal(zab_last_committed(r->z), zxid);
    }
    leader_rig_said(r);
}

static bool is_open(const struct leader_rig *r, uint64_t link)
{
    return r->links[link - 1].is_open;
}

/* -- establishing ----------------------------------------------------------------------------------------------------
 */

static void a_leader_is_established(void **state)
{
    (void)state;
    struct leader_rig r;
    leader_rig_start(&r, &fresh);
    const uint64_t link = leader_rig_accept(&r);
    leader_rig_info(&r, link, PACKET_FOLLOWERINFO, 1, 0, 0);
    assert_said(&r, "store-accepted #1 epoch=1\n");
    leader_rig_disk(&r, 1);
    assert_said(&r, "send L1 LEADERINFO 0x1_00\n");
    leader_rig_ack_epoch(&r, link, 0, 0);
    assert_said(&r, "store-current #2 epoch=1\n"
                    "role leading synchronization leader=3 epoch=0\n"
                    "send L1 DIFF 0x0_00, NEWLEADER 0x1_00 config=0\n");
    leader_rig_disk(&r, 1);
    assert_said(&r, "");
    adopt(&r, link);
    assert_said(&r, "role leading broadcast leader=3 epoch=1\n"
                    "send L1 UPTODATE\n");
    leader_rig_plain(&r, link, PACKET_ACK, Z(1, 0));
    assert_said(&r, "");
    assert_int_equal(zab_next_zxid(r.z), Z(1, 1));
    leader_rig_stop(&r);
}

static void a_leader_that_is_a_quorum_establishes_itself(void **state)
{
    static const struct leader_rig_setup weighted = {.config = WEIGHTED};
    const struct leader_rig_setup *const setups[] = {&alone, &weighted};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct leader_rig r;
        leader_rig_start(&r, setups[i]);
        leader_rig_disk(&r, 1);
        assert_said(&r, "store-current #2 epoch=1\nrole leading synchronization leader=3 epoch=0\n");
        leader_rig_disk(&r, 1);
        assert_said(&r, "role leading broadcast leader=3 epoch=1\n");
        leader_rig_propose(&r, BYTES("a"));
        assert_said(&r, "log 0x1_01 \"a\"\n");
        leader_rig_disk(&r, 1);
        assert_said(&r, "committed 0x1_01 \"a\"\n");
        leader_rig_pass_time(&r, 10 * SYNC_LIMIT);
        assert_said(&r, "");
        leader_rig_stop(&r);
    }
}

/* [7.3 335 1291] The epoch is announced when it is on the disk, not before. */
static void no_epoch_is_announced_before_it_is_durable_1291(void **state)
{
    (void)state;
    struct leader_rig r;
    leader_rig_start(&r, &loaded);
    const uint64_t first = leader_rig_accept(&r), second = leader_rig_accept(&r);
    leader_rig_info(&r, first, PACKET_FOLLOWERINFO, 1, 1, 0);
    leader_rig_info(&r, second, PACKET_FOLLOWERINFO, 2, 7, 0);
    assert_said(&r, "store-accepted #1 epoch=2\n");
    leader_rig_disk(&r, 1);
    assert_said(&r, "send L1 LEADERINFO 0x2_00\nsend L2 LEADERINFO 0x2_00\n");
    leader_rig_stop(&r);
}

static void the_leader_counts_itself_when_its_epoch_is_durable(void **state)
{
    (void)state;
    struct leader_rig r;
    leader_rig_start(&r, &loaded);
    const uint64_t one = introduce(&r, PACKET_FOLLOWERINFO, 1, 1), two = introduce(&r, PACKET_FOLLOWERINFO, 2, 1);
    leader_rig_ack_epoch(&r, one, Z(1, 5), 1);
    leader_rig_ack_epoch(&r, two, Z(1, 5), 1);
    adopt(&r, one);
    adopt(&r, two); /* a quorum by themselves, whose leader could not say so after a crash */
    assert_int_equal(zab_phase(r.z), ZAB_SYNCHRONIZATION);
    leader_rig_disk(&r, 1);
    assert_int_equal(zab_phase(r.z), ZAB_BROADCAST);
    leader_rig_stop(&r);
}

static void observers_raise_the_epoch_and_do_not_count(void **state)
{
    (void)state;
    struct leader_rig r;
    leader_rig_start(&r, &loaded);
    const uint64_t observer = introduce(&r, PACKET_OBSERVERINFO, 9, 6);
    assert_said(&r, "");
    introduce(&r, PACKET_FOLLOWERINFO, 1, 1);
    assert_said(&r, "store-accepted #1 epoch=7\nsend L1 LEADERINFO 0x7_00\nsend L2 LEADERINFO 0x7_00\n");
    leader_rig_ack_epoch(&r, observer, Z(1, 5), 1);
    assert_said(&r, "");
    leader_rig_stop(&r);
}

/* Which is what it believes until it has heard of the configuration; its disk counts all the same. */
static void a_voter_that_observes_counts(void **state)
{
    (void)state;
    struct leader_rig r;
    leader_rig_start(&r, &loaded);
    const uint64_t voter = introduce(&r, PACKET_OBSERVERINFO, 2, 3);
    assert_said(&r, "store-accepted #1 epoch=4\nsend L1 LEADERINFO 0x4_00\n");
    leader_rig_ack_epoch(&r, voter, Z(1, 5), 1);
    assert_said(&r, "store-current #2 epoch=4\nrole leading synchronization leader=3 epoch=1\n"
                    "send L1 DIFF 0x1_05, NEWLEADER 0x4_00 config=0\nfeed L1\n");
    leader_rig_stop(&r);
}

static void strangers_are_let_in_and_do_not_count(void **state)
{
    (void)state;
    struct leader_rig r;
    leader_rig_start(&r, &loaded);
    const uint64_t stranger = introduce(&r, PACKET_FOLLOWERINFO, 77, 1);
    assert_said(&r, "");
    const uint64_t link = introduce(&r, PACKET_FOLLOWERINFO, 1, 1);
    leader_rig_ack_epoch(&r, stranger, Z(1, 5), 1);
    assert_int_equal(zab_phase(r.z), ZAB_DISCOVERY);
    leader_rig_ack_epoch(&r, link, Z(1, 5), 1);
    leader_rig_disk(&r, SIZE_MAX);
    adopt(&r, stranger);
    assert_int_equal(zab_phase(r.z), ZAB_SYNCHRONIZATION);
    adopt(&r, link);
    leader_rig_said(&r);
    leader_rig_propose(&r, BYTES("a"));
    assert_said(&r, "send L1 PROPOSAL 0x2_01 \"a\"\nsend L2 PROPOSAL 0x2_01 \"a\"\nlog 0x2_01 \"a\"\n");
    leader_rig_disk(&r, 1);
    leader_rig_plain(&r, stranger, PACKET_ACK, Z(2, 1));
    assert_said(&r, "");
    leader_rig_plain(&r, link, PACKET_ACK, Z(2, 1));
    assert_said(&r, "send L1 COMMIT 0x2_01\nsend L2 COMMIT 0x2_01\ncommitted 0x2_01 \"a\"\n");
    leader_rig_stop(&r);
}

static void assert_refused(struct leader_rig *r, uint64_t link, const char *said)
{
    assert_false(is_open(r, link));
    assert_said(r, said);
}

static void unwanted_learners_are_sent_away(void **state)
{
    (void)state;
    struct leader_rig r;
    leader_rig_start(&r, &loaded);
    uint64_t link = leader_rig_accept(&r);
    leader_rig_info(&r, link, PACKET_FOLLOWERINFO, 2, 1, 8);
    assert_refused(&r, link,
                   "says: a learner is sent away: it has a newer configuration than its leader (2)\nclose L1\n");
    link = leader_rig_accept(&r);
    leader_rig_info(&r, link, PACKET_FOLLOWERINFO, 3, 1, 0);
    assert_refused(&r, link, "says: a learner is sent away: it has the number of its leader (3)\nclose L2\n");
    link = leader_rig_accept(&r);
    leader_rig_info(&r, link, PACKET_FOLLOWERINFO, 2, INT32_MAX, 0);
    assert_refused(&r, link, "says: a learner is sent away: it has accepted the last of all epochs (2)\nclose L3\n");
    link = leader_rig_accept(&r);
    leader_rig_plain(&r, link, PACKET_FOLLOWERINFO, 0);
    assert_refused(&r, link, "says: a learner is sent away: it did not say who it is\nclose L4\n");
    link = leader_rig_accept(&r);
    leader_rig_plain(&r, link, PACKET_ACK, 0);
    assert_refused(&r, link, "says: a learner is sent away: it sent ACK out of turn\nclose L5\n");
    leader_rig_stop(&r);
}

/* 12 bytes say nothing of a configuration; 8 are of a protocol that is not spoken. */
static void short_learner_infos_are_read(void **state)
{
    (void)state;
    struct leader_rig r;
    leader_rig_start(&r, &loaded);
    const struct bytes info = BYTES("\0\0\0\0\0\0\0\1\0\1\0\0");
    uint64_t link = leader_rig_accept(&r);
    leader_rig_packet(&r, link, &(struct packet){.type = PACKET_FOLLOWERINFO, .zxid = Z(1, 0), .data = info});
    assert_said(&r, "store-accepted #1 epoch=2\n");
    link = leader_rig_accept(&r);
    leader_rig_packet(&r, link, &(struct packet){.type = PACKET_FOLLOWERINFO, .data = bytes_make(info.data, 8)});
    assert_refused(&r, link, "says: a learner is sent away: it speaks a protocol of before 3.4 (1)\nclose L2\n");
    leader_rig_stop(&r);
}

static void a_server_that_comes_again_is_there_once(void **state)
{
    (void)state;
    struct leader_rig r;
    start_serving(&r);
    leader_rig_info(&r, leader_rig_accept(&r), PACKET_FOLLOWERINFO, 2, 2, 0);
    assert_said(&r, "says: learner 2 is sent away: it has come on another connection\nclose L1\n"
                    "send L2 LEADERINFO 0x2_00\n");
    assert_int_equal(zab_learner_count(r.z), 1);
    leader_rig_stop(&r);
}

static void who_is_more_recent_does_not_follow(void **state)
{
    static const struct {
        int64_t zxid;
        int32_t epoch;
        bool may_follow;
    } rows[] = {{Z(1, 5), 1, true}, {Z(1, 6), 1, false}, {Z(1, 1), 2, false},
                {Z(1, 9), 0, true}, {Z(1, 9), -1, true}, {-1, 1, true}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct leader_rig r;
        leader_rig_start(&r, &loaded);
        const uint64_t link = introduce(&r, PACKET_FOLLOWERINFO, 1, 1);
        leader_rig_ack_epoch(&r, link, rows[i].zxid, rows[i].epoch);
        assert_int_equal(is_open(&r, link), rows[i].may_follow);
        leader_rig_stop(&r);
    }
}

/* When the leader is established nobody can know more: what a late one has too much was never committed. */
static void a_late_learner_is_not_asked_what_it_knows(void **state)
{
    (void)state;
    struct leader_rig r;
    start_serving(&r);
    const uint64_t link = join(&r, PACKET_FOLLOWERINFO, 1, Z(1, 8), 1);
    assert_said(&r, "send L2 LEADERINFO 0x2_00\nsend L2 TRUNC 0x1_05, NEWLEADER 0x2_00 config=0\n");
    assert_true(is_open(&r, link));
    leader_rig_stop(&r);
}

static void promises_that_do_not_count(void **state)
{
    (void)state;
    struct leader_rig r;
    leader_rig_start(&r, &loaded);
    const uint64_t one = introduce(&r, PACKET_FOLLOWERINFO, 1, 1), two = introduce(&r, PACKET_FOLLOWERINFO, 2, 1);
    leader_rig_ack_epoch(&r, one, Z(1, 5), -1); /* had promised before */
    leader_rig_ack_epoch(&r, two, -1, 1);       /* its database is not whole */
    assert_int_equal(zab_phase(r.z), ZAB_DISCOVERY);
    leader_rig_stop(&r);
}

static void the_leader_gives_up_in_time(void **state)
{
    (void)state;
    struct leader_rig r;
    leader_rig_start(&r, &loaded);
    leader_rig_pass_time(&r, INIT_LIMIT - 1);
    assert_said(&r, "");
    leader_rig_pass_time(&r, 1);
    assert_said(&r, "leave: no quorum of followers has come in time\nrole looking loading epoch=1\n");
    leader_rig_return(&r);
    introduce(&r, PACKET_FOLLOWERINFO, 1, 1);
    leader_rig_said(&r);
    leader_rig_pass_time(&r, INIT_LIMIT);
    assert_said(&r, "leave: no quorum has acknowledged the epoch in time\nrole looking loading epoch=1\n");
    leader_rig_return(&r);
    const uint64_t link = introduce(&r, PACKET_FOLLOWERINFO, 1, 1);
    leader_rig_ack_epoch(&r, link, Z(1, 5), 1);
    leader_rig_closed(&r, link);
    leader_rig_said(&r);
    leader_rig_pass_time(&r, INIT_LIMIT);
    assert_said(&r, "leave: no quorum has synchronized in time\nrole looking loading epoch=1\n");
    leader_rig_stop(&r);
}

static void the_leader_gives_up_when_its_voters_look_again(void **state)
{
    (void)state;
    struct leader_rig r;
    leader_rig_start(&r, &loaded);
    leader_rig_looking(&r, 1);
    leader_rig_looking(&r, 2);
    assert_false(r.has_left); /* may be older than their decision */
    leader_rig_pass_time(&r, TICK);
    leader_rig_looking(&r, 2);
    leader_rig_looking(&r, 9);
    assert_false(r.has_left);
    leader_rig_looking(&r, 1);
    assert_true(r.has_left);
    leader_rig_stop(&r);
}

/* It has promised itself to a leader that never came to be; one that is no member may wait. */
static void a_member_that_promised_a_later_epoch_is_let_in(void **state)
{
    (void)state;
    struct leader_rig r;
    start_serving(&r);
    introduce(&r, PACKET_FOLLOWERINFO, 77, 6);
    introduce(&r, PACKET_FOLLOWERINFO, 1, 2);
    assert_said(&r, "send L2 LEADERINFO 0x2_00\nsend L3 LEADERINFO 0x2_00\n");
    introduce(&r, PACKET_FOLLOWERINFO, 1, 4);
    assert_said(&r, "says: server 1 has promised epoch 4\nleave: a member has promised a later epoch\n"
                    "role looking loading epoch=2\n");
    leader_rig_return(&r);
    introduce(&r, PACKET_FOLLOWERINFO, 2, 2);
    assert_non_null(strstr(leader_rig_said(&r), " LEADERINFO 0x5_00\n"));
    leader_rig_stop(&r);
}

static void the_first_configuration_gets_a_version(void **state)
{
    static const struct leader_rig_setup reconfigurable = {.reconfig_enabled = true};
    (void)state;
    struct leader_rig r;
    leader_rig_start(&r, &reconfigurable);
    const uint64_t link = introduce(&r, PACKET_FOLLOWERINFO, 1, 0);
    leader_rig_said(&r);
    leader_rig_ack_epoch(&r, link, 0, 0);
    assert_said(&r, "store-last-seen config=100000000\nstore-current #2 epoch=1\n"
                    "role leading synchronization leader=3 epoch=0\n"
                    "send L1 DIFF 0x0_00, NEWLEADER 0x1_00 config=100000000\n");
    leader_rig_disk(&r, 1);
    assert_int_equal(zab_committed(r.z)->version, 0);
    adopt(&r, link);
    assert_said(&r, "store-config config=100000000\nconfig\nstore-last-seen\n"
                    "role leading broadcast leader=3 epoch=1\nsend L1 UPTODATE\n");
    assert_int_equal(zab_committed(r.z)->version, Z(1, 0));
    leader_rig_stop(&r);
}

/* -- synchronizing ---------------------------------------------------------------------------------------------------
 */

/* Epoch 2 with 2:1 to 2:3 after a start at 1:5, then epoch 3 with 3:1 and 3:2: follower 2 has it all. */
static uint64_t start_with_history(struct leader_rig *r)
{
    uint64_t link = start_serving(r);
    commit(r, link, 3);
    leader_rig_closed(r, link);
    leader_rig_pass_time(r, 2 * SYNC_LIMIT);
    assert_true(r->has_left);
    leader_rig_return(r);
    link = follow(r, 2, Z(2, 3), 2);
    commit(r, link, 2);
    return link;
}

static void the_sync_is_chosen(void **state)
{
    static const struct {
        int64_t zxid;
        const char *sent;
    } rows[] = {
        {Z(3, 2), "send L3 DIFF 0x3_02, NEWLEADER"},
        {Z(3, 1), "send L3 DIFF 0x3_02, PROPOSAL 0x3_02 \"txn\", COMMIT 0x3_02, NEWLEADER"},
        {Z(3, 0),
         "send L3 DIFF 0x3_02, PROPOSAL 0x3_01 \"txn\", COMMIT 0x3_01, PROPOSAL 0x3_02 \"txn\", COMMIT 0x3_02, "
         "NEWLEADER"},
        {Z(2, 3),
         "send L3 DIFF 0x3_02, PROPOSAL 0x3_01 \"txn\", COMMIT 0x3_01, PROPOSAL 0x3_02 \"txn\", COMMIT 0x3_02, "
         "NEWLEADER"},
        {Z(2, 4), "send L3 SNAP 0x3_02\nsend-snapshot L3 0x3_02\n"}, /* not across an epoch */
        {Z(2, 1),
         "send L3 DIFF 0x3_02, PROPOSAL 0x2_02 \"txn\", COMMIT 0x2_02, PROPOSAL 0x2_03 \"txn\", COMMIT 0x2_03, "
         "PROPOSAL 0x3_01 \"txn\", COMMIT 0x3_01, PROPOSAL 0x3_02 \"txn\", COMMIT 0x3_02, NEWLEADER"},
        {Z(2, 0), "send L3 SNAP 0x3_02\nsend-snapshot L3 0x3_02\n"}, /* below what is kept */
        {Z(1, 5),                                                    /* where it begins */
         "send L3 DIFF 0x3_02, PROPOSAL 0x2_01 \"txn\", COMMIT 0x2_01, PROPOSAL 0x2_02 \"txn\", COMMIT 0x2_02, "
         "PROPOSAL 0x2_03 \"txn\", COMMIT 0x2_03, PROPOSAL 0x3_01 \"txn\", COMMIT 0x3_01, PROPOSAL 0x3_02 \"txn\", "
         "COMMIT 0x3_02, NEWLEADER"},
        {Z(1, 4), "send L3 SNAP 0x3_02\nsend-snapshot L3 0x3_02\n"},
        {Z(0, 0), "send L3 SNAP 0x3_02\nsend-snapshot L3 0x3_02\n"},
        {-1, "send L3 SNAP 0x3_02\nsend-snapshot L3 0x3_02\n"},
        {Z(3, 3), "send L3 TRUNC 0x3_02, NEWLEADER"},
        {Z(4, 1), "send L3 SNAP 0x3_02\nsend-snapshot L3 0x3_02\n"}, /* nor is 3:2 known to be there */
        {Z(4, 0), "send L3 SNAP 0x3_02\nsend-snapshot L3 0x3_02\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct leader_rig r;
        char text[512];
        start_with_history(&r);
        const uint64_t link = introduce(&r, PACKET_FOLLOWERINFO, 1, 1);
        leader_rig_said(&r);
        leader_rig_ack_epoch(&r, link, rows[i].zxid, -1);
        const bool ends = strstr(rows[i].sent, "NEWLEADER") != NULL; /* behind a snapshot it stands later */
        snprintf(text, sizeof text, "%s%s", rows[i].sent, ends ? " 0x3_00 config=0\n" : "");
        assert_said(&r, text);
        leader_rig_stop(&r);
    }
}

/* [7.3 1154] What one that was away has too much goes, and is never merged with what came after it. */
static void extra_txns_are_cut_1154(void **state)
{
    (void)state;
    struct leader_rig r;
    start_serving(&r);
    const uint64_t early = join(&r, PACKET_FOLLOWERINFO, 1, Z(1, 8), 1);
    assert_said(&r, "send L2 LEADERINFO 0x2_00\nsend L2 TRUNC 0x1_05, NEWLEADER 0x2_00 config=0\n");
    adopt(&r, early);
    commit(&r, early, 1);
    leader_rig_closed(&r, early);
    join(&r, PACKET_FOLLOWERINFO, 1, Z(1, 8), 1);
    assert_said(&r, "send L3 LEADERINFO 0x2_00\n"
                    "send L3 SNAP 0x2_01\nsend-snapshot L3 0x2_01\n");
    leader_rig_stop(&r);
}

/* [7.2 4352] What lies before what is kept is not there, whatever the numbers say. */
static void nothing_is_sent_from_before_what_is_kept_4352(void **state)
{
    const struct leader_rig_setup few = {
        .zxid = Z(1, 5), .accepted_epoch = 1, .current_epoch = 1, .committed_count_max = 2};
    (void)state;
    struct leader_rig r;
    leader_rig_start(&r, &few);
    uint64_t link = follow(&r, 2, Z(1, 5), 1);
    commit(&r, link, 2);
    link = join(&r, PACKET_FOLLOWERINFO, 1, Z(1, 5), 1); /* where the leader began: all since then is kept */
    assert_said(&r, "send L2 LEADERINFO 0x2_00\n"
                    "send L2 DIFF 0x2_02, PROPOSAL 0x2_01 \"txn\", COMMIT 0x2_01, PROPOSAL 0x2_02 \"txn\", "
                    "COMMIT 0x2_02, NEWLEADER 0x2_00 config=0\n");
    leader_rig_closed(&r, link);
    commit(&r, 1, 1);
    join(&r, PACKET_FOLLOWERINFO, 1, Z(1, 5), 1);
    assert_said(&r, "send L3 LEADERINFO 0x2_00\n"
                    "send L3 SNAP 0x2_03\nsend-snapshot L3 0x2_03\n");
    leader_rig_stop(&r);
}

/* Of what began with nothing an empty learner gets the tree, as from Apache: it may be empty because it had to be. */
static void an_empty_learner_gets_the_tree(void **state)
{
    (void)state;
    struct leader_rig r;
    leader_rig_start(&r, &fresh);
    follow(&r, 1, 0, 0);
    join(&r, PACKET_OBSERVERINFO, 9, 0, 0);
    assert_said(&r, "send L2 LEADERINFO 0x1_00\n"
                    "send L2 SNAP 0x1_00\nsend-snapshot L2 0x1_00\nfeed L2\n");
    leader_rig_stop(&r);
}

/* [7.6 register-early twice commits-in-sync] [7.1 1264] Registered with the choice of its sync, a learner misses
 * nothing and gets nothing twice. */
static void what_comes_during_a_sync_is_sent_1264(void **state)
{
    (void)state;
    struct leader_rig r;
    const uint64_t two = start_serving(&r);
    commit(&r, two, 1);
    leader_rig_propose(&r, BYTES("b"));
    leader_rig_said(&r);
    join(&r, PACKET_FOLLOWERINFO, 1, Z(1, 5), 1);
    join(&r, PACKET_OBSERVERINFO, 9, Z(2, 1), 2);
    assert_said(&r, "send L2 LEADERINFO 0x2_00\n"
                    "send L2 DIFF 0x2_01, PROPOSAL 0x2_01 \"txn\", COMMIT 0x2_01, PROPOSAL 0x2_02 \"b\", "
                    "NEWLEADER 0x2_00 config=0\n"
                    "send L3 LEADERINFO 0x2_00\n"
                    "send L3 DIFF 0x2_01, NEWLEADER 0x2_00 config=0\nfeed L3\n");
    leader_rig_propose(&r, BYTES("c"));
    assert_said(&r, "send L1 PROPOSAL 0x2_03 \"c\"\nsend L2 PROPOSAL 0x2_03 \"c\"\nlog 0x2_03 \"c\"\n");
    leader_rig_disk(&r, SIZE_MAX);
    leader_rig_plain(&r, two, PACKET_ACK, Z(2, 2));
    assert_said(&r, "send L1 COMMIT 0x2_02\nsend L2 COMMIT 0x2_02\nsend-fed INFORM 0x2_02 \"b\"\n"
                    "committed 0x2_02 \"b\"\n");
    leader_rig_stop(&r);
}

/* [7.1 3104] The tree comes before NEWLEADER, and with it what was committed while it was written, since the tree may
 * hold that already; and nothing is expected of the learner while it is on its way. */
static void newleader_stands_behind_the_tree_3104(void **state)
{
    (void)state;
    struct leader_rig r;
    const uint64_t two = start_serving(&r);
    const uint64_t link = join(&r, PACKET_FOLLOWERINFO, 1, 0, 0);
    assert_said(&r, "send L2 LEADERINFO 0x2_00\n"
                    "send L2 SNAP 0x2_00\nsend-snapshot L2 0x2_00\n");
    for (int i = 0; i < 40; i++) {
        leader_rig_pass_time(&r, TICK / 2);
        leader_rig_plain(&r, two, PACKET_PING, 0);
    }
    assert_null(strstr(leader_rig_said(&r), "send L2 PING"));
    leader_rig_propose(&r, BYTES("a"));
    leader_rig_disk(&r, SIZE_MAX);
    leader_rig_said(&r);
    leader_rig_plain(&r, two, PACKET_ACK, Z(2, 1));
    assert_said(&r, "send L1 COMMIT 0x2_01\nsend L2 COMMIT 0x2_01\ncommitted 0x2_01 \"a\"\n");
    leader_rig_snapshot_sent(&r, link);
    assert_said(&r, "send L2 NEWLEADER 0x2_00 config=0\n");
    leader_rig_pass_time(&r, TICK / 2);
    assert_said(&r, "send L1 PING 0x2_01\nsend L2 PING 0x2_01\n");
    leader_rig_stop(&r);
}

/* [7.1 4685] [7.6 acks-in-sync] The first ACK is that of NEWLEADER, and an ACK of a proposal that overtook it is
 * neither it nor lost. */
static void an_ack_may_overtake_that_of_newleader_4685(void **state)
{
    (void)state;
    struct leader_rig r;
    start_serving(&r);
    leader_rig_propose(&r, BYTES("a"));
    const uint64_t link = join(&r, PACKET_FOLLOWERINFO, 1, Z(1, 5), 1);
    leader_rig_said(&r);
    leader_rig_plain(&r, link, PACKET_ACK, Z(2, 1));
    assert_said(&r, "");
    adopt(&r, link);
    assert_said(&r, "send L2 UPTODATE\n"
                    "send L1 COMMIT 0x2_01\nsend L2 COMMIT 0x2_01\ncommitted 0x2_01 \"a\"\n");
    leader_rig_stop(&r);
}

/* [7.7 only-ack] */
static void nothing_but_an_ack_answers_newleader(void **state)
{
    (void)state;
    struct leader_rig r;
    start_serving(&r);
    const uint64_t link = join(&r, PACKET_FOLLOWERINFO, 1, Z(1, 5), 1);
    leader_rig_said(&r);
    leader_rig_plain(&r, link, PACKET_PING, Z(2, 0));
    assert_refused(&r, link, "says: learner 1 is sent away: it sent PING out of turn\nclose L2\n");
    leader_rig_stop(&r);
}

/* -- broadcasting ----------------------------------------------------------------------------------------------------
 */

static void txns_are_committed_in_order(void **state)
{
    static const struct leader_rig_setup five = {
        .config = FIVE, .zxid = Z(1, 5), .accepted_epoch = 1, .current_epoch = 1};
    (void)state;
    struct leader_rig r;
    leader_rig_start(&r, &five);
    introduce(&r, PACKET_FOLLOWERINFO, 1, 1);
    introduce(&r, PACKET_FOLLOWERINFO, 2, 1);
    leader_rig_ack_epoch(&r, 1, Z(1, 5), 1);
    leader_rig_ack_epoch(&r, 2, Z(1, 5), 1);
    leader_rig_disk(&r, SIZE_MAX);
    adopt(&r, 1);
    adopt(&r, 2);
    leader_rig_said(&r);
    leader_rig_propose(&r, BYTES("a"));
    leader_rig_propose(&r, BYTES("b"));
    leader_rig_said(&r);
    leader_rig_disk(&r, SIZE_MAX);
    leader_rig_plain(&r, 1, PACKET_ACK, Z(2, 1));
    leader_rig_plain(&r, 1, PACKET_ACK, Z(2, 2));
    assert_said(&r, "");
    leader_rig_plain(&r, 2, PACKET_ACK, Z(2, 1));
    assert_said(&r, "send L1 COMMIT 0x2_01\nsend L2 COMMIT 0x2_01\ncommitted 0x2_01 \"a\"\n");
    leader_rig_plain(&r, 2, PACKET_ACK, Z(2, 1));
    assert_said(&r, "");
    leader_rig_plain(&r, 2, PACKET_ACK, Z(2, 2));
    assert_said(&r, "send L1 COMMIT 0x2_02\nsend L2 COMMIT 0x2_02\ncommitted 0x2_02 \"b\"\n");
    leader_rig_stop(&r);
}

/* The leader's own log is one among the others. */
static void followers_may_be_enough(void **state)
{
    (void)state;
    struct leader_rig r;
    const uint64_t two = start_serving(&r), one = follow(&r, 1, Z(1, 5), 1);
    leader_rig_propose(&r, BYTES("a"));
    leader_rig_plain(&r, two, PACKET_ACK, Z(2, 1));
    leader_rig_said(&r);
    leader_rig_plain(&r, one, PACKET_ACK, Z(2, 1));
    assert_said(&r, "send L1 COMMIT 0x2_01\nsend L2 COMMIT 0x2_01\ncommitted 0x2_01 \"a\"\n");
    leader_rig_disk(&r, 1);
    assert_said(&r, "");
    leader_rig_stop(&r);
}

/* A follower that comes back is told to cut what was not committed: what it had acknowledged is not there any more. */
static void acks_of_a_broken_link_do_not_count(void **state)
{
    (void)state;
    struct leader_rig r;
    const uint64_t two = start_serving(&r);
    commit(&r, two, 1);
    leader_rig_propose(&r, BYTES("b"));
    leader_rig_plain(&r, two, PACKET_ACK, Z(2, 2));
    leader_rig_closed(&r, two);
    leader_rig_said(&r);
    leader_rig_disk(&r, 1);
    assert_said(&r, "");
    const uint64_t again = join(&r, PACKET_FOLLOWERINFO, 2, Z(2, 2), -1);
    assert_said(&r, "send L2 LEADERINFO 0x2_00\n"
                    "send L2 TRUNC 0x2_01, PROPOSAL 0x2_02 \"b\", NEWLEADER 0x2_00 config=0\n");
    adopt(&r, again);
    assert_said(&r, "send L2 UPTODATE\n");
    leader_rig_plain(&r, again, PACKET_ACK, Z(2, 2));
    assert_said(&r, "send L2 COMMIT 0x2_02\ncommitted 0x2_02 \"b\"\n");
    leader_rig_stop(&r);
}

/* The same with the first txn of an epoch: what was before it is there, for this leader has sent it. */
static void the_first_txn_of_an_epoch_may_be_cut(void **state)
{
    (void)state;
    struct leader_rig r;
    const uint64_t two = start_serving(&r);
    leader_rig_propose(&r, BYTES("a"));
    leader_rig_closed(&r, two);
    leader_rig_said(&r);
    join(&r, PACKET_FOLLOWERINFO, 2, Z(2, 1), -1);
    assert_said(&r, "send L2 LEADERINFO 0x2_00\n"
                    "send L2 TRUNC 0x1_05, PROPOSAL 0x2_01 \"a\", NEWLEADER 0x2_00 config=0\n");
    leader_rig_stop(&r);
}

/* Apache 3.8.0 acknowledges what came in a DIFF, after NEWLEADER, and the epoch twice; 3.5 has more that mean nothing.
 */
/* [7.7 late-acks] */
static void acks_that_mean_nothing(void **state)
{
    (void)state;
    struct leader_rig r;
    const uint64_t two = start_serving(&r);
    commit(&r, two, 2);
    const uint64_t one = follow(&r, 1, Z(1, 5), 1);
    leader_rig_plain(&r, one, PACKET_ACK, Z(2, 1));
    leader_rig_plain(&r, one, PACKET_ACK, Z(2, 0));
    leader_rig_plain(&r, one, PACKET_ACK, Z(2, 2));
    assert_said(&r, "");
    leader_rig_plain(&r, one, PACKET_ACK, Z(2, 77));
    assert_said(&r, "says: learner 1 sent ACK (3, 0x20000004d), which means nothing here\n");
    assert_true(is_open(&r, one));
    leader_rig_stop(&r);
}

static void acks_come_in_order(void **state)
{
    (void)state;
    struct leader_rig r;
    const uint64_t two = start_serving(&r);
    leader_rig_propose(&r, BYTES("a"));
    leader_rig_propose(&r, BYTES("b"));
    leader_rig_disk(&r, SIZE_MAX);
    leader_rig_said(&r);
    leader_rig_plain(&r, two, PACKET_ACK, Z(2, 2));
    assert_refused(&r, two,
                   "says: learner 2 is sent away: it acknowledged 0x200000002, which is not the next\nclose L1\n");
    leader_rig_stop(&r);
}

static void observers_are_informed_and_do_not_count(void **state)
{
    (void)state;
    struct leader_rig r;
    const uint64_t two = start_serving(&r);
    const uint64_t observer = join(&r, PACKET_OBSERVERINFO, 1, Z(1, 5), 1); /* though it has a vote */
    adopt(&r, observer);
    leader_rig_said(&r);
    leader_rig_propose(&r, BYTES("a"));
    assert_said(&r, "send L1 PROPOSAL 0x2_01 \"a\"\nlog 0x2_01 \"a\"\n");
    leader_rig_disk(&r, 1);
    leader_rig_plain(&r, observer, PACKET_ACK, Z(2, 1));
    assert_said(&r, "");
    leader_rig_plain(&r, two, PACKET_ACK, Z(2, 1));
    assert_said(&r, "send L1 COMMIT 0x2_01\nsend-fed INFORM 0x2_01 \"a\"\ncommitted 0x2_01 \"a\"\n");
    leader_rig_stop(&r);
}

/* [7.3 1277] A zxid never runs over into its epoch. */
static void a_new_epoch_comes_before_the_counter_ends_1277(void **state)
{
    const struct leader_rig_setup few = {.config = ALONE, .zxid_counter_max = 2};
    (void)state;
    struct leader_rig r;
    leader_rig_start(&r, &few);
    leader_rig_disk(&r, SIZE_MAX);
    leader_rig_propose(&r, BYTES("a"));
    leader_rig_propose(&r, BYTES("b"));
    leader_rig_said(&r);
    leader_rig_propose(&r, BYTES("c"));
    assert_said(&r, "leave: the epoch has no more zxids: a new one is needed\nrole looking loading epoch=1\n");
    leader_rig_return(&r);
    leader_rig_disk(&r, SIZE_MAX);
    assert_int_equal(zab_next_zxid(r.z), Z(2, 1));
    assert_int_equal(zab_last_committed(r.z), Z(2, 0));
    leader_rig_stop(&r);
}

static void what_is_of_sessions_is_passed_on(void **state)
{
    (void)state;
    struct leader_rig r;
    const uint64_t two = start_serving(&r);
    leader_rig_packet(&r, two, &(struct packet){.type = PACKET_PING, .zxid = Z(2, 0), .data = BYTES("")});
    leader_rig_plain(&r, two, PACKET_SYNC, 0);
    leader_rig_plain(&r, two, PACKET_REVALIDATE, -1);
    leader_rig_plain(&r, two, PACKET_REQUEST, -1);
    assert_said(&r, "pass L1 PING 0x2_00\npass L1 SYNC 0x0_00\npass L1 REVALIDATE\npass L1 REQUEST\n");
    leader_rig_plain(&r, two, 4711, 0);
    leader_rig_plain(&r, two, PACKET_UPTODATE, 0);
    assert_said(&r, "says: learner 2 sent a packet of unknown type (4711, 0x0), which means nothing here\n");
    assert_true(is_open(&r, two));
    leader_rig_stop(&r);
}

/* -- time ------------------------------------------------------------------------------------------------------------
 */

static void learners_are_pinged_every_half_tick(void **state)
{
    (void)state;
    struct leader_rig r;
    const uint64_t two = start_serving(&r);
    commit(&r, two, 1);
    leader_rig_pass_time(&r, TICK / 2);
    assert_said(&r, "send L1 PING 0x2_01\n");
    leader_rig_pass_time(&r, TICK);
    assert_said(&r, "send L1 PING 0x2_01\nsend L1 PING 0x2_01\n");
    leader_rig_stop(&r);
}

static void a_silent_learner_is_sent_away_and_a_leader_without_quorum_leaves(void **state)
{
    (void)state;
    struct leader_rig r;
    const uint64_t two = start_serving(&r), one = follow(&r, 1, Z(1, 5), 1);
    for (int i = 0; i < 10; i++) {
        leader_rig_pass_time(&r, TICK / 2);
        leader_rig_plain(&r, one, PACKET_PING, 0);
    }
    assert_false(is_open(&r, two));
    assert_true(is_open(&r, one));
    leader_rig_pass_time(&r, SYNC_LIMIT - TICK);
    assert_false(r.has_left);
    leader_rig_said(&r);
    leader_rig_pass_time(&r, 2 * TICK);
    assert_true(r.has_left);
    assert_non_null(strstr(leader_rig_said(&r), "leave: not enough followers are heard\n"));
    leader_rig_stop(&r);
}

/* One that answers pings and whose disk hangs. */
static void proposals_must_be_acknowledged_in_time(void **state)
{
    (void)state;
    struct leader_rig r;
    const uint64_t two = start_serving(&r), one = follow(&r, 1, Z(1, 5), 1);
    leader_rig_propose(&r, BYTES("a"));
    leader_rig_disk(&r, 1);
    leader_rig_plain(&r, one, PACKET_ACK, Z(2, 1));
    for (int i = 0; i < 12; i++) {
        leader_rig_pass_time(&r, TICK / 2);
        leader_rig_plain(&r, one, PACKET_PING, 0);
        leader_rig_plain(&r, two, PACKET_PING, 0);
    }
    assert_true(is_open(&r, one));
    assert_false(is_open(&r, two));
    assert_non_null(strstr(leader_rig_said(&r), "learner 2 is sent away: it has not acknowledged 0x200000001"));
    leader_rig_stop(&r);
}

static void a_learner_that_says_nothing_is_sent_away(void **state)
{
    (void)state;
    struct leader_rig r;
    leader_rig_start(&r, &alone);
    leader_rig_disk(&r, SIZE_MAX);
    const uint64_t mute = leader_rig_accept(&r), asked = introduce(&r, PACKET_OBSERVERINFO, 9, 0);
    const uint64_t syncing = join(&r, PACKET_OBSERVERINFO, 10, Z(1, 0), 0);
    leader_rig_pass_time(&r, INIT_LIMIT - 1);
    assert_true(is_open(&r, mute) && is_open(&r, asked) && is_open(&r, syncing));
    leader_rig_pass_time(&r, TICK);
    assert_false(is_open(&r, mute) || is_open(&r, asked) || is_open(&r, syncing));
    leader_rig_stop(&r);
}

static void learners_are_reported(void **state)
{
    (void)state;
    struct leader_rig r;
    const uint64_t two = start_serving(&r);
    struct zab_learner_report report;
    const void *at = NULL;
    leader_rig_propose(&r, BYTES("a"));
    leader_rig_propose(&r, BYTES("b"));
    leader_rig_disk(&r, 1);
    leader_rig_plain(&r, two, PACKET_ACK, Z(2, 1));
    assert_int_equal(zab_learner_count(r.z), 1);
    assert_true(zab_learner_next(r.z, &at, &report));
    assert_int_equal(report.sid, 2);
    assert_int_equal(report.link, two);
    assert_true(report.synced && !report.observer);
    assert_int_equal(report.last_zxid, Z(2, 2));
    assert_int_equal(report.outstanding, 1);
    assert_false(zab_learner_next(r.z, &at, &report));
    leader_rig_stop(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_leader_is_established),
        cmocka_unit_test(a_leader_that_is_a_quorum_establishes_itself),
        cmocka_unit_test(no_epoch_is_announced_before_it_is_durable_1291),
        cmocka_unit_test(the_leader_counts_itself_when_its_epoch_is_durable),
        cmocka_unit_test(observers_raise_the_epoch_and_do_not_count),
        cmocka_unit_test(a_voter_that_observes_counts),
        cmocka_unit_test(strangers_are_let_in_and_do_not_count),
        cmocka_unit_test(unwanted_learners_are_sent_away),
        cmocka_unit_test(short_learner_infos_are_read),
        cmocka_unit_test(a_server_that_comes_again_is_there_once),
        cmocka_unit_test(who_is_more_recent_does_not_follow),
        cmocka_unit_test(a_late_learner_is_not_asked_what_it_knows),
        cmocka_unit_test(promises_that_do_not_count),
        cmocka_unit_test(the_leader_gives_up_in_time),
        cmocka_unit_test(the_leader_gives_up_when_its_voters_look_again),
        cmocka_unit_test(a_member_that_promised_a_later_epoch_is_let_in),
        cmocka_unit_test(the_first_configuration_gets_a_version),
        cmocka_unit_test(the_sync_is_chosen),
        cmocka_unit_test(extra_txns_are_cut_1154),
        cmocka_unit_test(nothing_is_sent_from_before_what_is_kept_4352),
        cmocka_unit_test(an_empty_learner_gets_the_tree),
        cmocka_unit_test(what_comes_during_a_sync_is_sent_1264),
        cmocka_unit_test(newleader_stands_behind_the_tree_3104),
        cmocka_unit_test(an_ack_may_overtake_that_of_newleader_4685),
        cmocka_unit_test(nothing_but_an_ack_answers_newleader),
        cmocka_unit_test(txns_are_committed_in_order),
        cmocka_unit_test(followers_may_be_enough),
        cmocka_unit_test(acks_of_a_broken_link_do_not_count),
        cmocka_unit_test(the_first_txn_of_an_epoch_may_be_cut),
        cmocka_unit_test(acks_that_mean_nothing),
        cmocka_unit_test(acks_come_in_order),
        cmocka_unit_test(observers_are_informed_and_do_not_count),
        cmocka_unit_test(a_new_epoch_comes_before_the_counter_ends_1277),
        cmocka_unit_test(what_is_of_sessions_is_passed_on),
        cmocka_unit_test(learners_are_pinged_every_half_tick),
        cmocka_unit_test(a_silent_learner_is_sent_away_and_a_leader_without_quorum_leaves),
        cmocka_unit_test(proposals_must_be_acknowledged_in_time),
        cmocka_unit_test(a_learner_that_says_nothing_is_sent_away),
        cmocka_unit_test(learners_are_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
