/* A leader that runs out of memory in any allocation of any step says so, and can be freed. */
/* link: -Wl,--wrap=mem_alloc -Wl,--wrap=mem_calloc -Wl,--wrap=mem_realloc */
#include "tests/support/failing_memory.h"
#include "tests/support/leader_rig.h"
#include "tests/support/test.h"

#define Z(epoch, counter) ((int64_t)((uint64_t)(epoch) << 32 | (uint64_t)(counter)))

#define FOUR_SERVERS                                                                       \
    "server.1=127.0.0.1:2888:3888:participant\nserver.2=127.0.0.1:2889:3889:participant\n" \
    "server.3=127.0.0.1:2890:3890:participant\nserver.9=127.0.0.1:2891:3891:observer\n"    \
    "server.8=127.0.0.1:2892:3892:observer\n"

enum { ENOUGH_FOR_A_RING = 20, TICK = 2000 };

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

static void join(struct leader_rig *r, int32_t type, int64_t sid, int64_t zxid)
{
    const uint64_t link = leader_rig_accept(r);
    leader_rig_info(r, link, type, sid, 1, 0);
    leader_rig_disk(r, SIZE_MAX);
    leader_rig_ack_epoch(r, link, zxid, 1);
    leader_rig_disk(r, SIZE_MAX);
    leader_rig_snapshot_sent(r, link);
    leader_rig_plain(r, link, PACKET_ACK, Z(r->epoch, 0));
}

static void lead(struct leader_rig *r)
{
    join(r, PACKET_FOLLOWERINFO, 1, Z(1, 5));
    for (int i = 0; i < ENOUGH_FOR_A_RING; i++)
        leader_rig_propose(r, BYTES("txn"));
    join(r, PACKET_FOLLOWERINFO, 2, Z(1, 8));
    join(r, PACKET_OBSERVERINFO, 9, 0);
    leader_rig_plain(r, 2, PACKET_ACK, Z(2, 1));
    leader_rig_disk(r, SIZE_MAX);
    leader_rig_plain(r, 2, PACKET_ACK, Z(2, 2));
    join(r, PACKET_FOLLOWERINFO, 1, Z(2, 1));
    leader_rig_reconfig(r, FOUR_SERVERS);
    leader_rig_disk(r, SIZE_MAX);
    for (int i = 2; i <= ENOUGH_FOR_A_RING + 1; i++)
        leader_rig_plain(r, 4, PACKET_ACK, Z(2, i));
    leader_rig_plain(r, 2, PACKET_REQUEST, -1);
    leader_rig_plain(r, 2, 99, -1);
    leader_rig_plain(r, 2, PACKET_ACK, Z(2, 7));
    leader_rig_pass_time(r, 20 * TICK);
    leader_rig_return(r);
}

/* True: the fault was reached. */
static bool run(void)
{
    struct leader_rig r;
    const struct leader_rig_setup setup = {
        .zxid = Z(1, 5), .accepted_epoch = 1, .current_epoch = 1, .reconfig_enabled = true, .around_step = around_step};
    fault.at = 0;
    memory_fail_after(-1);
    leader_rig_start(&r, &setup);
    lead(&r);
    const bool out_of_memory = r.is_out_of_memory;
    assert_true(out_of_memory || (r.is_leading && zab_committed(r.z)->version == Z(2, ENOUGH_FOR_A_RING + 1)));
    leader_rig_stop(&r);
    return out_of_memory;
}

static void a_leader_survives_any_lack_of_memory(void **state)
{
    int reached = 0;
    (void)state;
    fault.step = -1;
    assert_false(run());
    const int steps = fault.at;
    for (fault.step = 0; fault.step < steps; fault.step++)
        for (fault.allocation = 0; run(); fault.allocation++)
            reached++;
    assert_true(reached > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_leader_survives_any_lack_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
