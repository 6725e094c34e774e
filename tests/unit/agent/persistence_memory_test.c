/* persistence_memory_test.c - memory runs out at any place while a data directory is opened or a checkpoint written: it
 * is said, nothing is leaked, and nothing on the disk is the worse for it. */
/* link: -Wl,--wrap=mem_alloc -Wl,--wrap=mem_calloc -Wl,--wrap=mem_realloc */
#include "tests/support/disk_rig.h"
#include "tests/support/failing_memory.h"
#include "tests/support/test.h"
#include "tests/support/tmp.h"

#include <stdlib.h>
#include <unistd.h>

enum { NODES = 25, MORE = 5 };

static void assert_checkpoint_is_in_use(struct disk_rig *rig, int64_t zxid)
{
    struct persistence_status status;
    char *damaged = tmp_join(rig->dir, "zooid/checkpoint.damaged"), *mark = tmp_join(rig->dir, "zooid/loading");
    persistence_status(rig->persistence, &status);
    assert_int_equal(status.checkpoint_zxid, zxid);
    assert_int_not_equal(access(damaged, F_OK), 0);
    assert_int_not_equal(access(mark, F_OK), 0);
    free(damaged);
    free(mark);
}

static void an_opening_succeeds_or_is_as_if_it_had_not_been_tried(void **state)
{
    struct disk_rig *rig = *state;
    rig->log.level = LOG_LEVEL_ERROR;
    disk_rig_open(rig);
    disk_rig_write(rig, 1, NODES);
    assert_true(disk_rig_checkpoint(rig));
    disk_rig_write(rig, NODES + 1, MORE);
    uint64_t digest = tree_digest(rig->recovered.tree);
    disk_rig_close(rig);
    bool failed = true;
    for (int count = 0; failed; count++) {
        memory_fail_after(count);
        enum status st = disk_rig_try_open(rig);
        failed = memory_has_failed();
        memory_fail_after(-1);
        if (st != ST_OK) {
            assert_true(failed);
            continue;
        }
        assert_int_equal(tree_digest(rig->recovered.tree), digest);
        assert_checkpoint_is_in_use(rig, NODES);
        disk_rig_close(rig);
    }
    disk_rig_open(rig);
    assert_int_equal(tree_digest(rig->recovered.tree), digest);
    assert_checkpoint_is_in_use(rig, NODES);
    disk_rig_close(rig);
}

static void a_checkpoint_is_stored_or_fails_and_is_asked_for_again(void **state)
{
    struct disk_rig *rig = *state;
    int next = 1;
    bool failed = true;
    rig->may_run_full = true;
    rig->log.level = LOG_LEVEL_ERROR;
    disk_rig_open(rig);
    for (int count = 0; failed; count++) {
        disk_rig_write(rig, next, MORE);
        next += MORE;
        memory_fail_once_after(count);
        bool stored = disk_rig_checkpoint(rig);
        failed = memory_has_failed();
        memory_fail_after(-1);
        assert_true(stored || failed);
        if (count % 10 == 0)
            disk_rig_reopen(rig);
    }
    assert_true(disk_rig_checkpoint(rig));
    disk_rig_reopen(rig);
    assert_checkpoint_is_in_use(rig, next - 1);
    disk_rig_close(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_opening_succeeds_or_is_as_if_it_had_not_been_tried, disk_rig_set_up,
                                        disk_rig_tear_down),
        cmocka_unit_test_setup_teardown(a_checkpoint_is_stored_or_fails_and_is_asked_for_again, disk_rig_set_up,
                                        disk_rig_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
