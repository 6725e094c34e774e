/* A learner that runs out of memory in any allocation of any step says so, and can be freed. */
/* link: -Wl,--wrap=mem_alloc -Wl,--wrap=mem_calloc -Wl,--wrap=mem_realloc */
#include "core/zab/zab_internal.h"
#include "tests/support/failing_memory.h"
#include "tests/support/learner_rig.h"
#include "tests/support/test.h"

#define Z(epoch, counter) (EPOCH_ZXID(epoch) | (counter))

#define TWO_SERVERS                                                                        \
    "server.1=127.0.0.1:2888:3888:participant\nserver.2=127.0.0.1:2889:3889:participant\n" \
    "version=100000003"

enum { ENOUGH_FOR_A_RING = 20 };

/* Which allocation fails: the `allocation`th of the `step`th step. */
static struct {
    int step, allocation;
    int at; /* the step that runs */
} fault;

static void around_step(bool begins)
{
    if (!begins)
        memory_fail_after(-1);
    else if (fault.at++ == fault.step)
        memory_fail_after(fault.allocation);
}

static void sync_with(struct learner_rig *r, int64_t epoch, int32_t how, int64_t zxid)
{
    learner_rig_connected(r);
    learner_rig_data(r, PACKET_LEADERINFO, EPOCH_ZXID(epoch), BYTES("\0\1\0\0"));
    learner_rig_disk(r, SIZE_MAX);
    learner_rig_plain(r, how, zxid);
    if (how == PACKET_SNAP)
        learner_rig_snapshot_taken(r);
}

static void follow(struct learner_rig *r)
{
    sync_with(r, 2, PACKET_SNAP, Z(2, 0));
    for (int i = 1; i <= ENOUGH_FOR_A_RING; i++)
        learner_rig_data(r, PACKET_PROPOSAL, Z(2, i), BYTES("txn"));
    learner_rig_plain(r, PACKET_COMMIT, Z(2, 1));
    learner_rig_data(r, PACKET_NEWLEADER, Z(2, 0), BYTES(TWO_SERVERS));
    learner_rig_disk(r, SIZE_MAX);
    learner_rig_plain(r, PACKET_UPTODATE, -1);
    learner_rig_disk(r, SIZE_MAX);
    learner_rig_plain(r, PACKET_COMMIT, Z(2, 2));
    learner_rig_data(r, PACKET_REVALIDATE, -1, BYTES("123456789"));
    learner_rig_plain(r, 99, -1);
    learner_rig_plain(r, PACKET_COMMIT, Z(2, 9));
}

/* True: the fault was reached. */
static bool run(void)
{
    struct learner_rig r;
    const struct learner_rig_setup setup = {
        .zxid = Z(1, 5), .accepted_epoch = 1, .current_epoch = 1, .reconfig_enabled = true, .around_step = around_step};
    fault.at = 0;
    memory_fail_after(-1);
    learner_rig_start(&r, &setup);
    follow(&r);
    const bool out_of_memory = r.is_out_of_memory;
    assert_int_equal(r.z->status, out_of_memory ? ST_NO_MEMORY : ST_OK);
    assert_true(out_of_memory || r.has_left);
    learner_rig_stop(&r);
    return out_of_memory;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    int reached = 0;
    fault.step = -1;
    assert_false(run());
    const int steps = fault.at;
    for (fault.step = 0; fault.step < steps; fault.step++)
        for (fault.allocation = 0; run(); fault.allocation++)
            reached++;
    printf("%d steps, %d allocations\n", steps, reached);
    assert_true(reached > ENOUGH_FOR_A_RING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_allocation_may_fail)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
