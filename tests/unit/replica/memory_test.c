/* Whichever allocation of whichever step fails: either the step says that the process must stop, or all is as it should
 * be. Nothing crashes, leaks, is told to a client that is not so, or is logged that cannot be replayed. */
/* link: -Wl,--wrap=mem_alloc -Wl,--wrap=mem_calloc -Wl,--wrap=mem_realloc */
/* limit: 600 */
#include "core/base/check.h"
#include "core/base/mem.h"
#include "tests/support/failing_memory.h"
#include "tests/support/replica_rig.h"
#include "tests/support/test.h"

#include <stdlib.h>

/* Something of everything: what waits, what is refused, what fires, what expires. */
static const char *const story[] = {
    "connect A timeout=6000",
    "connect B timeout=60000",
    "A auth digest u:p",
    "A create /a x acl=auth::rwcda,world:anyone:r",
    "A create2 /a/b y flags=3",
    "B addWatch /a 1",
    "B getChildren /a watch",
    "B exists /none watch",
    "A setData /a longer-than-before",
    "A setACL /a acl=digest:v:h:r,auth::rwcda",
    "A createContainer /c",
    "A create /c/1",
    "A delete /c/1",
    "hold",
    "A create /e flags=1",
    "A getData /a",
    "A sync /",
    "A auth digest v:q",
    "B sync /a",
    "A multi create /m acl=auth::r ; create2 /m2 ; setData /a z ; delete /a/b",
    "A multi create /none/x ; setData /a q",
    "A raw 0000006300000004000000020000",
    "B multiRead getData /a ; getChildren / ; getData /none",
    "release",
    "A setWatches2 since=2 data=/a,/none exist=/e,/none2 child=/a persistent=/p recursive=/r",
    "A checkWatches /a 3",
    "A removeWatches /p 4",
    "A getACL /a",
    "A getEphemerals null",
    "A whoAmI",
    "A sasl null",
    "A ping",
    "B create /zookeeper/quota/a",
    "B create /zookeeper/quota/a/zookeeper_limits count=9,bytes=9",
    "B create /zookeeper/quota/a/zookeeper_stats",
    "hold",
    "connect C session=A",
    "C create /e2 flags=1",
    "open D",
    "connect E old",
    "E create /late",
    "E exists /late",
    "disconnect B",
    "release",
    "tick 500",
    "disconnect C",
    "tick 12000",
    "E closeSession",
    "connect F session=E",
    "connect G timeout=60000",
    "G raw 0000006300000063",
    "tick 60000",
    "connect H id=7",
    "connect I",
    "I getChildren2 /",
};

struct failing {
    int step, fail_in; /* in which step, the how manieth allocation */
    int fail_after;
    bool once; /* the others succeed again */
    bool has_failed;
};

static void around(void *context, bool inside)
{
    struct failing *f = context;
    if (inside && f->step++ == f->fail_in)
        (f->once ? memory_fail_once_after : memory_fail_after)(f->fail_after);
    if (!inside) {
        f->has_failed |= memory_has_failed();
        memory_fail_after(-1);
    }
}

/* Plays the story; after a step that could not be done nobody looks at anything any more. */
static void play(struct failing *f)
{
    struct rig *rig = rig_new();
    rig_do(rig, "option extended_types on");
    rig_do(rig, "option container_check_ms 1000");
    rig_do(rig, "option outstanding 4");
    rig_do(rig, "option audit zooid");
    rig_around_steps(rig, around, f);
    for (size_t i = 0; i < ARRAY_LEN(story) && !rig_is_broken(rig); i++) {
        char name[2] = {story[i][0], '\0'};
        bool is_request = story[i][1] == ' ';
        if (!is_request || rig_is_connected(rig, name))
            rig_do(rig, story[i]);
    }
    if (!rig_is_broken(rig) && !rig_replays(rig))
        fail_msg("step %d, allocation %d", f->fail_in, f->fail_after);
    rig_free(rig);
}

static void fail_each(bool once)
{
    struct failing none = {.fail_in = -1};
    play(&none);
    assert_false(none.has_failed);
    size_t failures = 0;
    for (int step = 0; step < none.step; step++) {
        for (int after = 0;; after++) {
            struct failing f = {.fail_in = step, .fail_after = after, .once = once};
            play(&f);
            if (!f.has_failed)
                break;
            failures++;
        }
    }
    print_message("%d steps, %zu failures\n", none.step, failures);
    assert_true(failures > 100);
}

static void any_allocation_may_fail(void **state)
{
    (void)state;
    fail_each(true);
}

static void memory_may_run_out_anywhere(void **state)
{
    (void)state;
    fail_each(false);
}

/* Making one, and changing its options. */
static void new_replica_is_whole_or_none(void **state)
{
    (void)state;
    static const char *const schemes[] = {"digest", "x509", NULL};
    const struct replica_options options = {.tick_ms = 1000,
                                            .digest_algorithm = "SHA1",
                                            .super_digest = "super:x",
                                            .x509_super_user = "CN=x",
                                            .auth_schemes_required = schemes};
    const struct tree_options tree_options = {.extended_types = true};
    struct tree *tree = tree_new(&tree_options);
    struct sessions *sessions = sessions_new(1000);
    struct metrics *metrics = metrics_new(KEYED_MAX);
    struct replica *r = NULL;
    for (int after = 0; r == NULL; after++) {
        memory_fail_after(after);
        r = replica_new(&options, tree, sessions, 0, metrics, NULL);
        assert_true(r != NULL || memory_has_failed());
    }
    enum status st = ST_NO_MEMORY;
    for (int after = 0; st != ST_OK; after++) {
        memory_fail_after(after);
        st = replica_reconfigure(r, &options);
        assert_true(st == ST_OK || (st == ST_NO_MEMORY && memory_has_failed()));
    }
    memory_fail_after(-1);
    replica_free(r);
    metrics_free(metrics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_allocation_may_fail),
        cmocka_unit_test(memory_may_run_out_anywhere),
        cmocka_unit_test(new_replica_is_whole_or_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
