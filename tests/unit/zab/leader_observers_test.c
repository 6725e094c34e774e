/* A leader and more observers than it may bring up to date at once. */
#include "core/zab/packet.h"
#include "tests/support/leader_rig.h"
#include "tests/support/test.h"

#define Z(epoch, counter) ((int64_t)((uint64_t)(epoch) << 32 | (uint64_t)(counter)))

#define assert_said(rig, text) assert_string_equal(leader_rig_said(rig), text)

enum { TICK = 2000, INIT_LIMIT = 10 * TICK };

static uint64_t join(struct leader_rig *r, int32_t type, int64_t sid, int64_t zxid)
{
    const uint64_t link = leader_rig_accept(r);
    leader_rig_info(r, link, type, sid, 1, 0);
    leader_rig_disk(r, SIZE_MAX);
    leader_rig_ack_epoch(r, link, zxid, 1);
    leader_rig_disk(r, SIZE_MAX);
    return link;
}

static void adopt(struct leader_rig *r, uint64_t link)
{
    leader_rig_plain(r, link, PACKET_ACK, Z(r->epoch, 0));
}

/* Epoch 2 behind 1:5, with follower 2; one sync of each kind at a time. */
static void start(struct leader_rig *r)
{
    static const struct leader_rig_setup setup = {
        .zxid = Z(1, 5), .accepted_epoch = 1, .current_epoch = 1, .syncs_max = 1};
    leader_rig_start(r, &setup);
    adopt(r, join(r, PACKET_FOLLOWERINFO, 2, Z(1, 5)));
    assert_int_equal(zab_phase(r->z), ZAB_BROADCAST);
    leader_rig_said(r);
}

static void observers_wait_for_their_turn(void **state)
{
    (void)state;
    struct leader_rig r;
    start(&r);
    const uint64_t first = join(&r, PACKET_OBSERVERINFO, 11, Z(1, 5)); /* link 2 */
    join(&r, PACKET_OBSERVERINFO, 12, Z(1, 5));
    const uint64_t third = join(&r, PACKET_OBSERVERINFO, 13, Z(1, 5));
    assert_said(&r, "send L2 LEADERINFO 0x2_00\n"
                    "send L2 DIFF 0x1_05, NEWLEADER 0x2_00 config=0\nfeed L2\n"
                    "send L3 LEADERINFO 0x2_00\nsend L4 LEADERINFO 0x2_00\n");
    adopt(&r, first);
    assert_said(&r, "send L3 DIFF 0x1_05, NEWLEADER 0x2_00 config=0\nfeed L3\nsend L2 UPTODATE\n");
    leader_rig_closed(&r, 3); /* as good as done */
    assert_said(&r, "send L4 DIFF 0x1_05, NEWLEADER 0x2_00 config=0\nfeed L4\n");
    adopt(&r, third);
    assert_said(&r, "send L4 UPTODATE\n");
    leader_rig_stop(&r);
}

/* What was committed while it waited is in its sync. */
static void a_sync_is_chosen_when_its_turn_comes(void **state)
{
    (void)state;
    struct leader_rig r;
    start(&r);
    const uint64_t first = join(&r, PACKET_OBSERVERINFO, 11, Z(1, 5));
    join(&r, PACKET_OBSERVERINFO, 12, Z(1, 5));
    leader_rig_propose(&r, BYTES("a"));
    leader_rig_disk(&r, SIZE_MAX);
    leader_rig_plain(&r, 1, PACKET_ACK, Z(2, 1));
    leader_rig_said(&r);
    adopt(&r, first);
    assert_said(&r, "send L3 DIFF 0x2_01, PROPOSAL 0x2_01 \"a\", COMMIT 0x2_01, NEWLEADER 0x2_00 config=0\n"
                    "feed L3\nsend L2 UPTODATE\n");
    leader_rig_stop(&r);
}

static void trees_have_a_line_of_their_own(void **state)
{
    (void)state;
    struct leader_rig r;
    start(&r);
    const uint64_t first = join(&r, PACKET_OBSERVERINFO, 11, 0), second = join(&r, PACKET_OBSERVERINFO, 12, 0);
    adopt(&r, join(&r, PACKET_OBSERVERINFO, 13, Z(1, 5)));
    assert_said(&r, "send L2 LEADERINFO 0x2_00\nsend L2 SNAP 0x2_00\nsend-snapshot L2 0x2_00\nfeed L2\n"
                    "send L3 LEADERINFO 0x2_00\n"
                    "send L4 LEADERINFO 0x2_00\nsend L4 DIFF 0x1_05, NEWLEADER 0x2_00 config=0\nfeed L4\n"
                    "send L4 UPTODATE\n");
    leader_rig_snapshot_sent(&r, first);
    assert_said(&r, "send L2 NEWLEADER 0x2_00 config=0\n"); /* it is counted until it has taken it */
    adopt(&r, first);
    assert_said(&r, "send L3 SNAP 0x2_00\nsend-snapshot L3 0x2_00\nfeed L3\nsend L2 UPTODATE\n");
    leader_rig_closed(&r, second);
    leader_rig_stop(&r);
}

static void followers_wait_for_nobody(void **state)
{
    (void)state;
    struct leader_rig r;
    start(&r);
    join(&r, PACKET_OBSERVERINFO, 11, 0);
    join(&r, PACKET_FOLLOWERINFO, 1, 0);
    join(&r, PACKET_FOLLOWERINFO, 77, 0); /* though it has no vote */
    assert_said(&r, "send L2 LEADERINFO 0x2_00\nsend L2 SNAP 0x2_00\nsend-snapshot L2 0x2_00\nfeed L2\n"
                    "send L3 LEADERINFO 0x2_00\nsend L3 SNAP 0x2_00\nsend-snapshot L3 0x2_00\n"
                    "send L4 LEADERINFO 0x2_00\nsend L4 SNAP 0x2_00\nsend-snapshot L4 0x2_00\n");
    leader_rig_stop(&r);
}

static void nobody_waits_for_ever(void **state)
{
    (void)state;
    struct leader_rig r;
    start(&r);
    const uint64_t first = join(&r, PACKET_OBSERVERINFO, 11, 0);
    join(&r, PACKET_OBSERVERINFO, 12, 0);
    leader_rig_said(&r);
    for (int i = 0; i < 10; i++) { /* the tree is a large one; others are well */
        leader_rig_pass_time(&r, TICK);
        leader_rig_plain(&r, 1, PACKET_PING, Z(2, 0));
    }
    assert_non_null(strstr(leader_rig_said(&r), "says: learner 12 is sent away: it would have waited too long for its "
                                                "sync, and is to come later\nclose L3\n"));
    assert_true(r.links[first - 1].is_open);
    leader_rig_stop(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(observers_wait_for_their_turn),  cmocka_unit_test(a_sync_is_chosen_when_its_turn_comes),
        cmocka_unit_test(trees_have_a_line_of_their_own), cmocka_unit_test(followers_wait_for_nobody),
        cmocka_unit_test(nobody_waits_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
