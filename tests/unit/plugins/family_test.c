/* family_test.c - a process and all below it: found, also when its parent has gone, and counted together. */
#include "plugins/host/supervise/family.h"
#include "plugins/host/supervise/orphans.h"
#include "tests/support/test.h"
#include "tests/support/wait.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WAIT_MS = 30000, LIFE_S = 120, EATEN_MB = 24, MOST = 100 };

/* Forks; the child does `act` and waits to be killed, though not for ever when the test has failed. */
static pid_t begin(void (*act)(void))
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid != 0)
        return pid;
    (void)alarm(LIFE_S);
    act();
    for (;;)
        (void)pause();
}

static void nothing(void) {}

static void have_child(void)
{
    (void)begin(nothing);
}

/* The child's parent ends; it leaves group and session. */
static void have_orphan(void)
{
    orphans_adopt();
    pid_t pid = fork();
    if (pid == 0) {
        (void)setsid();
        (void)begin(nothing);
        _exit(0);
    }
    (void)waitpid(pid, NULL, 0);
}

static void eat(void)
{
    volatile char *bite = mmap(NULL, EATEN_MB << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (size_t i = 0; (void *)bite != MAP_FAILED && i < (size_t)EATEN_MB << 20; i += 4096)
        bite[i] = 1;
}

/* What the parent has eaten is the child's, too, and in memory once. */
static void eat_and_have_child(void)
{
    eat();
    (void)begin(nothing);
}

/* The child uses the processor, ends, and is waited for. */
static void have_worked(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        for (volatile unsigned i = 0; clock() < CLOCKS_PER_SEC / 5; i++)
            ;
        _exit(0);
    }
    (void)waitpid(pid, NULL, 0);
}

struct look {
    struct family family;
    pid_t pid;
    size_t count;
    uint64_t resident_kb, cpu_ms;
};

static bool is_there(void *context)
{
    struct look *look = context;
    return family_list(&look->family, look->pid, MOST) && look->family.count == look->count &&
           family_resident_kb(&look->family) >= look->resident_kb && family_cpu_ms(&look->family) >= look->cpu_ms;
}

/* All of them are waited for: who has lost its parent is this process's. */
static void end(struct look *look)
{
    for (size_t i = 0; i < look->family.count; i++)
        (void)kill(look->family.pids[i], SIGKILL);
    while (waitpid(-1, NULL, 0) > 0)
        continue;
    family_free(&look->family);
}

static void test_children_of_children_belong_to_it(void **state)
{
    struct look look = {.pid = begin(have_child), .count = 2};
    (void)state;
    assert_true(wait_until(is_there, &look, WAIT_MS));
    assert_int_equal(look.family.pids[0], look.pid);
    assert_true(family_list(&look.family, look.pid, 1));
    assert_int_equal(look.family.count, 1);
    assert_true(family_list(&look.family, look.pid, MOST));
    end(&look);
}

static void test_orphans_belong_to_it(void **state)
{
    struct look look = {.pid = begin(have_orphan), .count = 2};
    (void)state;
    assert_true(wait_until(is_there, &look, WAIT_MS));
    end(&look);
}

static void test_memory_that_is_shared_counts_once(void **state)
{
    struct look look = {.pid = begin(eat_and_have_child), .count = 2, .resident_kb = (2 * EATEN_MB) << 10};
    (void)state;
    assert_true(wait_until(is_there, &look, WAIT_MS));
    uint64_t divided_kb = family_divided_kb(&look.family), eaten_kb = EATEN_MB << 10;
    assert_true(divided_kb >= eaten_kb);
    assert_true(divided_kb < family_resident_kb(&look.family) - eaten_kb / 2);
    end(&look);
}

static void test_those_that_have_ended_leave_what_they_used(void **state)
{
    struct look look = {.pid = begin(have_worked), .count = 1, .cpu_ms = 150};
    (void)state;
    assert_true(wait_until(is_there, &look, WAIT_MS));
    end(&look);
}

static void test_a_process_that_is_gone_takes_nothing(void **state)
{
    struct look look = {.pid = begin(nothing)};
    (void)state;
    assert_int_equal(kill(look.pid, SIGKILL), 0);
    assert_int_equal(waitpid(look.pid, NULL, 0), look.pid);
    assert_true(family_list(&look.family, look.pid, MOST));
    assert_int_equal(look.family.count, 1);
    assert_int_equal(family_resident_kb(&look.family) + family_divided_kb(&look.family) + family_cpu_ms(&look.family),
                     0);
    family_free(&look.family);
}

int main(void)
{
    orphans_adopt();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_children_of_children_belong_to_it),
        cmocka_unit_test(test_orphans_belong_to_it),
        cmocka_unit_test(test_memory_that_is_shared_counts_once),
        cmocka_unit_test(test_those_that_have_ended_leave_what_they_used),
        cmocka_unit_test(test_a_process_that_is_gone_takes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
