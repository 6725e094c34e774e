/* The power goes, or a call fails, at every single place where the disk is touched: after the restart nothing that was
 * acknowledged is missing, nothing is there that was never issued, and the start is never refused. */
/* limit: 600 */
#include "tests/support/store_world.h"
#include "tests/support/test.h"

#include <stdlib.h>

enum { BATCHES_BEFORE = 10, BATCHES = 25, BATCHES_AFTER = 5 };

static bool is_long(void)
{
    return getenv("ZOOID_LONG") != NULL;
}

/* Something to recover, then the run in which the n-th call fails; false: it has fewer calls. */
static bool run_with_fault(struct world *w, uint64_t seed, const struct disk_fault *fault)
{
    world_init(w, seed);
    assert_int_equal(world_start(w), ST_OK);
    assert_int_equal(world_run(w, BATCHES_BEFORE), ST_OK);
    world_stop(w);
    disk_sim_fault(w->disk, fault);
    if (world_start(w) == ST_OK)
        world_run(w, BATCHES);
    bool failed = disk_sim_has_failed(w->disk);
    world_stop(w);
    return failed;
}

static void assert_starts(struct world *w)
{
    enum status st = world_start(w);
    if (st != ST_OK) {
        struct buffer text = {0};
        findings_print(&w->recovery.findings, &text);
        printf("refused with %s:\n%.*s\n", status_text(st), BYTES_PRINT(buffer_bytes(&text)));
        buffer_free(&text);
    }
    assert_int_equal(st, ST_OK);
}

static void assert_lives_on(struct world *w)
{
    assert_starts(w);
    assert_int_equal(world_run(w, BATCHES_AFTER), ST_OK);
    world_stop(w);
    disk_sim_power_cut_random(w->disk, &w->random);
    checkpoint_memory_power_cut(w->checkpoint);
    assert_starts(w);
    world_stop(w);
}

static bool keep_bits(void *context, size_t i)
{
    return i >= 64 || (*(const uint64_t *)context >> i & 1) != 0;
}

/* The same life again, up to the same call, and then another outcome of the cut. */
static void cut_and_start(uint64_t seed, const struct disk_fault *fault, uint64_t *bits, struct random *random)
{
    struct world w;
    run_with_fault(&w, seed, fault);
    if (bits != NULL)
        disk_sim_power_cut(w.disk, keep_bits, bits);
    else
        disk_sim_power_cut_random(w.disk, random);
    checkpoint_memory_power_cut(w.checkpoint);
    assert_lives_on(&w);
    world_free(&w);
}

static size_t choices_at(uint64_t seed, const struct disk_fault *fault, bool *reached)
{
    struct world w;
    *reached = run_with_fault(&w, seed, fault);
    size_t choices = disk_sim_choices(w.disk);
    world_free(&w);
    return choices;
}

static void a_power_cut_at_any_call_loses_nothing(void **state)
{
    (void)state;
    uint64_t seed = random_seed();
    struct random random = {seed};
    uint64_t calls = 0, outcomes = 0;
    for (uint64_t n = 1;; n++) {
        const struct disk_fault fault = {DISK_CUT, DISK_CHANGES, n, ST_IO_ERROR};
        bool reached;
        size_t choices = choices_at(seed, &fault, &reached);
        if (!reached)
            break;
        uint64_t all = choices <= 10 ? 1ULL << choices : 0;
        uint64_t few = is_long() ? (all != 0 ? all : 1000) : 3;
        for (uint64_t i = 0; i < few; i++, outcomes++) {
            uint64_t bits = is_long() ? i : random_next(&random);
            cut_and_start(seed, &fault, all != 0 ? &bits : NULL, &random);
        }
        calls++;
    }
    printf("%llu places, %llu outcomes\n", (unsigned long long)calls, (unsigned long long)outcomes);
    assert_true(calls > 100);
}

/* A call fails and the process goes on or gives up; then it is started again, on what programs see or after a power
 * cut. */
static void a_failing_call_loses_nothing(void **state)
{
    (void)state;
    static const struct {
        enum disk_fault_kind kind;
        unsigned calls;
        enum status status;
    } faults[] = {
        {DISK_FAIL_ONCE, DISK_ANY, ST_IO_ERROR},
        {DISK_FAIL_ALWAYS, DISK_ANY, ST_IO_ERROR},
        {DISK_SHORT_WRITE, DISK_WRITE, ST_IO_ERROR},
        {DISK_FAIL_ONCE, DISK_CHANGES | DISK_RESERVE, ST_NO_SPACE},
        {DISK_FAIL_ALWAYS, DISK_RESERVE | DISK_WRITE, ST_NO_SPACE},
    };
    uint64_t seed = random_seed();
    struct random random = {seed};
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        uint64_t step = is_long() ? 1 : 3;
        uint64_t n = 1 + random_below(&random, (uint32_t)step);
        for (bool failed = true; failed; n += step) {
            struct world w;
            const struct disk_fault fault = {faults[i].kind, faults[i].calls, n, faults[i].status};
            failed = run_with_fault(&w, seed, &fault);
            disk_sim_fault(w.disk, NULL);
            if (n % 2 == 0)
                disk_sim_power_cut_random(w.disk, &random);
            assert_lives_on(&w);
            world_free(&w);
        }
    }
}

static void a_failing_checkpoint_database_loses_nothing(void **state)
{
    (void)state;
    static const enum status statuses[] = {ST_NO_SPACE, ST_IO_ERROR};
    uint64_t seed = random_seed();
    uint64_t calls = 1;
    for (uint64_t n = 1; n <= calls; n += is_long() ? 1 : 7) {
        struct world w;
        world_init(&w, seed);
        assert_int_equal(world_start(&w), ST_OK);
        checkpoint_memory_fail(w.checkpoint, n, statuses[n % 2]);
        assert_int_equal(world_run(&w, BATCHES + BATCHES_BEFORE), ST_OK);
        if (n == 1) {
            checkpoint_memory_fail(w.checkpoint, 0, ST_OK);
            assert_int_equal(world_run(&w, BATCHES + BATCHES_BEFORE), ST_OK);
            calls = checkpoint_memory_calls(w.checkpoint);
        }
        world_stop(&w);
        checkpoint_memory_power_cut(w.checkpoint);
        assert_lives_on(&w);
        world_free(&w);
    }
    assert_true(calls > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_power_cut_at_any_call_loses_nothing),
        cmocka_unit_test(a_failing_call_loses_nothing),
        cmocka_unit_test(a_failing_checkpoint_database_loses_nothing),
    };
    return cmocka_run_group_tests_name("store_cut", tests, NULL, NULL);
}
