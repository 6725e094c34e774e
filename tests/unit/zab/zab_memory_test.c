/* A member that runs out of memory in any allocation of any step of an election, or of leading and following behind it,
 * says so, says so ever after, and can be freed. */
/* link: -Wl,--wrap=mem_alloc -Wl,--wrap=mem_calloc -Wl,--wrap=mem_realloc */
#include "tests/support/failing_memory.h"
#include "tests/support/test.h"
#include "tests/support/zab_rig.h"

static const char *const looking[] = {
    "config A voters=1,2,3,4,5,6,7,8,9,10,11 observers=12",
    "config B voters=1,2,3,4,5,6,7,8,9,10,11 version=0x1_00",
    "config C voters=1,2,3,4,5,6,7,8,9,10,11,13 version=0x2_00",
    "new 1 A pending=B reconfig",
    "notified 2 LOOKING leader=2 zxid=0x1_05 epoch=1 round=1",
    "load 0x1_05 accepted=1 current=1",
    "notified 12 LOOKING leader=none zxid=none epoch=none round=1",
    "notified 3 LOOKING leader=3 zxid=0x1_05 epoch=1 round=1 config=B",
    "notified 3 LOOKING leader=3 zxid=0x1_05 epoch=1 round=1 config=C",
    "notified 11 LEADING leader=11 zxid=0x1_05 epoch=2 round=7",
    "notified 3 FOLLOWING leader=11 zxid=0x1_05 epoch=2 round=6",
    "notified 4 FOLLOWING leader=11 zxid=0x1_05 epoch=2 round=6",
    "notified 5 FOLLOWING leader=11 zxid=0x1_05 epoch=2 round=6",
    "notified 6 FOLLOWING leader=11 zxid=0x1_05 epoch=2 round=6",
    "notified 7 FOLLOWING leader=11 zxid=0x1_05 epoch=2 round=6",
    "notified 8 FOLLOWING leader=11 zxid=0x1_05 epoch=2 round=7",
    "notified 9 FOLLOWING leader=11 zxid=0x1_05 epoch=2 round=7",
    "notified 10 FOLLOWING leader=10 zxid=0x1_05 epoch=2 round=8",
    "tick 1000",
    "disk-full",
    "disk-room",
    "disk-failed",
    NULL,
};

static const char *const leading[] = {
    "config A voters=1,2,3 observers=4",
    "new 3 A can=failure-detection:500",
    "disk on",
    "load 0x1_05 accepted=1 current=1",
    "notified 1 LOOKING leader=3 zxid=0x1_05 epoch=1 round=1",
    "notified 2 LOOKING leader=3 zxid=0x1_05 epoch=1 round=1",
    "accepted L1",
    "accepted L2",
    "packet L1 FOLLOWERINFO 0x1_00 sid=1 can=failure-detection:600",
    "packet L2 OBSERVERINFO 0x1_00 sid=4",
    "packet L1 ACKEPOCH 0x1_05 epoch=1",
    "packet L2 ACKEPOCH 0x1_01 epoch=1",
    "packet L1 ACK 0x2_00",
    "snapshot-sent L2",
    "packet L2 ACK 0x2_00",
    "propose \"one\"",
    "propose \"two\"",
    "confirm #1",
    "packet L1 ACK 0x2_01",
    "packet L1 REQUEST session=1 cxid=1 type=1",
    "notified 2 LOOKING leader=2 zxid=0x1_05 epoch=1 round=1",
    "tick 3000",
    "closed L1",
    "tick 20000",
    "load 0x2_02",
    NULL,
};

static const char *const following[] = {
    "config A voters=1,2,3",
    "new 2 A can=failure-detection:500",
    "disk on",
    "load 0x1_05 accepted=1 current=1",
    "notified 1 LEADING leader=1 zxid=0x1_05 epoch=1 round=1",
    "notified 3 FOLLOWING leader=1 zxid=0x1_05 epoch=1 round=1",
    "connected L1",
    "packet L1 LEADERINFO 0x2_00 can=failure-detection:500",
    "packet L1 DIFF 0x1_05",
    "packet L1 NEWLEADER 0x2_00",
    "packet L1 CAPABILITIES on=failure-detection:500 1=nothing 3=failure-detection:500",
    "packet L1 UPTODATE",
    NULL,
};

static const char *const taking_observers[] = {
    "config A voters=1,2,3 observers=4,5",
    "new 2 A masters",
    "disk on",
    "load 0x1_05 accepted=1 current=1",
    "notified 1 LEADING leader=1 zxid=0x1_05 epoch=1 round=1",
    "notified 3 FOLLOWING leader=1 zxid=0x1_05 epoch=1 round=1",
    "connected L1",
    "packet L1 LEADERINFO 0x2_00",
    "packet L1 DIFF 0x1_05",
    "packet L1 NEWLEADER 0x2_00",
    "packet L1 UPTODATE",
    "accepted L2",
    "accepted L3",
    "packet L2 OBSERVERINFO 0x1_00 sid=4",
    "packet L3 OBSERVERINFO 0x1_00 sid=5",
    "packet L2 ACKEPOCH 0x1_05 epoch=1",
    "packet L3 ACKEPOCH 0x1_01 epoch=1",
    "packet L2 ACK 0x2_00",
    "packet L1 PROPOSAL 0x2_01 \"one\"",
    "packet L1 COMMIT 0x2_01",
    "packet L1 PROPOSAL 0x2_02 \"two\"",
    "packet L1 COMMITANDACTIVATE 0x2_02 leader=1",
    "packet L2 REQUEST session=1 cxid=1 type=1",
    "snapshot-sent L3",
    "tick 3000",
    "closed L2",
    NULL,
};

static const char *const observing[] = {
    "config A voters=1,2,3 observers=4",
    "new 4 A observer masters delay=200",
    "disk on",
    "load 0x1_05 accepted=1 current=1",
    "notified 1 LEADING leader=1 zxid=0x1_05 epoch=1 round=1",
    "notified 3 FOLLOWING leader=1 zxid=0x1_05 epoch=1 round=1",
    "closed L1",
    "closed L2",
    "connected L3",
    "packet L3 LEADERINFO 0x2_00",
    "closed L3",
    "load 0x1_05",
    "tick 1000",
    NULL,
};

static const char *const renewing[] = {
    "config A voters=1,2,3 observers=4,5",
    "new 3 A can=handover counter=9 margin=8",
    "disk on",
    "load 0x1_05 accepted=1 current=1",
    "notified 1 LOOKING leader=3 zxid=0x1_05 epoch=1 round=1",
    "notified 2 LOOKING leader=3 zxid=0x1_05 epoch=1 round=1",
    "accepted L1",
    "packet L1 FOLLOWERINFO 0x1_00 sid=1 can=handover",
    "packet L1 ACKEPOCH 0x1_05 epoch=1",
    "packet L1 ACK 0x2_00",
    "accepted L2",
    "packet L2 FOLLOWERINFO 0x1_00 sid=2 can=handover",
    "packet L2 ACKEPOCH 0x1_05 epoch=1",
    "packet L2 ACK 0x2_00",
    "accepted L3",
    "packet L3 OBSERVERINFO 0x1_00 sid=4 can=handover",
    "packet L3 ACKEPOCH 0x1_05 epoch=1",
    "packet L3 ACK 0x2_00",
    "propose \"one\"",
    "packet L1 ACK 0x2_01",
    "packet L1 NEXTEPOCH 0x3_00",
    "propose \"two\"",
    "propose \"three\"",
    "accepted L4",
    "packet L4 OBSERVERINFO 0x1_00 sid=5 can=handover",
    "packet L1 ACK 0x3_00",
    NULL,
};

static const char *const renewing_at_a_follower[] = {
    "config A voters=1,2,3 observers=4",
    "new 2 A can=handover masters",
    "disk on",
    "load 0x1_05 accepted=1 current=1",
    "notified 1 LEADING leader=1 zxid=0x1_05 epoch=1 round=1",
    "notified 3 FOLLOWING leader=1 zxid=0x1_05 epoch=1 round=1",
    "connected L1",
    "packet L1 LEADERINFO 0x2_00 can=handover",
    "packet L1 DIFF 0x1_05",
    "packet L1 NEWLEADER 0x2_00",
    "packet L1 CAPABILITIES on=handover",
    "packet L1 UPTODATE",
    "accepted L2",
    "packet L2 OBSERVERINFO 0x1_00 sid=4 can=handover",
    "packet L2 ACKEPOCH 0x1_05 epoch=1",
    "packet L2 ACK 0x2_00",
    "packet L1 NEXTEPOCH 0x3_00",
    "packet L1 PROPOSAL 0x2_01 \"one\"",
    "packet L1 NEWEPOCH 0x3_00",
    "packet L1 COMMIT 0x2_01",
    NULL,
};

static int allocation;

static void before_step(void)
{
    memory_fail_after(allocation);
}

static void after_step(void)
{
    memory_fail_after(-1);
}

static void run(struct zab_rig *rig, const char *command, struct buffer *out)
{
    char line[256];
    snprintf(line, sizeof line, "%s", command);
    zab_rig_command(rig, line, out);
}

/* The script up to `faulty`, whose allocation number `allocation` fails. True: there was such a one. */
static bool run_script(const char *const *script, int faulty)
{
    struct zab_rig *rig = zab_rig_new();
    struct buffer out = {0};
    for (int i = 0; i < faulty; i++)
        run(rig, script[i], &out);
    assert_int_equal(zab_rig_status(rig), ST_OK);
    zab_rig_around_step(rig, before_step, after_step);
    memory_fail_after(-1);
    run(rig, script[faulty], &out);
    zab_rig_around_step(rig, NULL, NULL);
    const bool failed = zab_rig_status(rig) != ST_OK;
    if (failed) {
        assert_int_equal(zab_rig_status(rig), ST_NO_MEMORY);
        run(rig, "tick 100000", &out);
        assert_int_equal(zab_rig_status(rig), ST_NO_MEMORY);
    }
    zab_rig_free(rig);
    buffer_free(&out);
    return failed;
}

/* Returns how many allocations have failed. */
static int exhaust(const char *const *script)
{
    int count = 0;
    for (int faulty = 0; script[faulty] != NULL; faulty++)
        for (allocation = 0; run_script(script, faulty); allocation++)
            count++;
    return count;
}

static void an_election_survives(void **state)
{
    (void)state;
    assert_true(exhaust(looking) > 20);
}

static void a_leader_survives(void **state)
{
    (void)state;
    assert_true(exhaust(leading) > 20);
}

static void a_new_epoch_survives(void **state)
{
    (void)state;
    assert_true(exhaust(renewing) > 20);
    assert_true(exhaust(renewing_at_a_follower) > 10);
}

static void a_follower_survives(void **state)
{
    (void)state;
    assert_true(exhaust(following) > 10);
}

static void a_follower_with_observers_survives(void **state)
{
    (void)state;
    assert_true(exhaust(taking_observers) > 30);
}

static void an_observer_survives(void **state)
{
    (void)state;
    assert_true(exhaust(observing) > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(an_election_survives),
                                       cmocka_unit_test(a_leader_survives),
                                       cmocka_unit_test(a_new_epoch_survives),
                                       cmocka_unit_test(a_follower_survives),
                                       cmocka_unit_test(a_follower_with_observers_survives),
                                       cmocka_unit_test(an_observer_survives)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
