/* Whichever allocation of whichever step of a follower or of a leader fails: either the step says that the process must
 * stop, or all is as it should be, at every member. */
/* link: -Wl,--wrap=mem_alloc -Wl,--wrap=mem_calloc -Wl,--wrap=mem_realloc */
/* limit: 600 */
#include "core/base/check.h"
#include "core/base/mem.h"
#include "tests/support/ensemble_rig.h"
#include "tests/support/failing_memory.h"
#include "tests/support/test.h"

#include <stdlib.h>

/* Sessions that are local, that become the ensemble's, that move, that come too late, that end and that expire. */
static const char *const story[] = {
    "1 connect A timeout=6000",
    "3 connect B timeout=60000",
    "1 A auth digest u:p",
    "1 A create /a x acl=auth::rwcda,world:anyone:r",
    "3 B addWatch / 1",
    "1 A exists /e watch",
    "stall 1->3",
    "1 A create /e flags=1",
    "1 A getData /e",
    "1 A sync /",
    "go 1->3",
    "3 B create /f flags=3",
    "1 connect C",
    "1 C multi create /m ; create /n flags=1",
    "2 connect D session=A",
    "1 A setData /a late",
    "2 D setData /e y",
    "1 connect E session=D",
    "3 connect F session=B",
    "1 connect G session=F",
    "3 connect H session=G timeout=60000",
    "1 connect I session=H password=bad",
    "1 connect J id=77",
    "stall 3->1",
    "2 connect K",
    "2 K create /k flags=1",
    "1 connect L session=K",
    "go 3->1",
    "1 C closeSession",
    "1 connect M",
    "1 M create /p",
    "1 M closeSession",
    "1 connect R",
    "stall 1->3",
    "1 R create /r",
    "1 R multi create /s ; delete /r",
    "1 disconnect R",
    "go 1->3",
    "1 connect N timeout=3000",
    "tick 4500",
    "3 H getChildren /",
    "tick 4500",
    "1 connect O read-only",
    "cut 1",
    "tick 7500",
    "1 connect P read-only",
    "1 P getData /a watch",
    "1 P create /q",
    "heal 1",
    "tick 4500",
    "1 connect Q",
    "1 Q sync /",
};

struct failing {
    int64_t sid; /* whose steps */
    int step, fail_in, fail_after;
    bool has_failed;
};

static void around(void *context, bool inside)
{
    struct failing *f = context;
    if (inside && f->step++ == f->fail_in)
        memory_fail_once_after(f->fail_after);
    if (!inside) {
        f->has_failed |= memory_has_failed();
        memory_fail_after(-1);
    }
}

/* "1 A create": whoever is gone asks for nothing. */
static bool can_be_done(const struct ensemble_rig *e, const char *command)
{
    char name[2] = {command[2], '\0'};
    bool is_request = command[1] == ' ' && command[3] == ' ';
    return !is_request || ensemble_rig_is_connected(e, command[0] - '0', name);
}

static void play(struct failing *f)
{
    struct ensemble_rig *e = ensemble_rig_new();
    ensemble_rig_do(e, "option local_sessions on");
    ensemble_rig_do(e, "option upgrading on");
    ensemble_rig_do(e, "option read_only on");
    ensemble_rig_do(e, "option outstanding 4");
    ensemble_rig_do(e, "option audit zooid");
    ensemble_rig_do(e, "ensemble 3");
    ensemble_rig_around_steps(e, f->sid, around, f);
    for (size_t i = 0; i < ARRAY_LEN(story) && !ensemble_rig_is_broken(e, f->sid); i++)
        if (can_be_done(e, story[i]))
            ensemble_rig_do(e, story[i]);
    const char *complaint = ensemble_rig_is_broken(e, f->sid) ? NULL : ensemble_rig_complaint(e);
    if (complaint != NULL)
        fail_msg("member %d, step %d, allocation %d: %s", (int)f->sid, f->fail_in, f->fail_after, complaint);
    ensemble_rig_free(e);
}

static void fail_each(int64_t sid)
{
    struct failing none = {.sid = sid, .fail_in = -1};
    play(&none);
    assert_false(none.has_failed);
    size_t failures = 0;
    for (int step = 0; step < none.step; step++) {
        for (int after = 0;; after++) {
            struct failing f = {.sid = sid, .fail_in = step, .fail_after = after};
            play(&f);
            if (!f.has_failed)
                break;
            failures++;
        }
    }
    print_message("%d steps, %zu failures\n", none.step, failures);
    assert_true(failures > 100);
}

static void any_allocation_of_a_follower_may_fail(void **state)
{
    (void)state;
    fail_each(1);
}

static void any_allocation_of_a_leader_may_fail(void **state)
{
    (void)state;
    fail_each(3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_allocation_of_a_follower_may_fail),
        cmocka_unit_test(any_allocation_of_a_leader_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
