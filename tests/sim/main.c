/* main.c - runs seeds of the simulation, or one seed with its trace, or the deliberate bugs.
 *
 *   sim --seeds N [--first SEED]     N runs in each world from a first seed, which is printed
 *   sim --seed SEED --world NAME     one run, with its trace
 *   sim --sample                     2000 seeds, always the same; or with ZOOID_LONG set 100000 fresh ones
 *   sim --mutant NAME --seeds N      with a deliberate bug
 *   sim --mutants                    all of them, each to be caught within its number of seeds
 *
 * --world zab (core/zab alone) or replica (whole replicas) takes one of the two; --voters N chooses ensembles of that
 * size. With --quiet the trace is left out; --seconds N ends after that time. Without a first seed the clock gives one
 * to --seeds, so that each run sees others; ZOOID_SEED is one, too. What --sample and --mutants say is about the code
 * alone: two runs of one commit give the same verdict. */
#include "core/base/check.h"
#include "tests/sim/faults.h"
#include "tests/sim/machine.h"
#include "tests/sim/mutants.h"
#include "tests/sim/run.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#endif

#define SAMPLE_FIRST UINT64_C(20261128000)

struct options {
    uint64_t seed, first;
    unsigned seeds, voters, seconds;
    bool one, quiet, all_mutants;
    bool same; /* seeds as in every run */
    const struct mutant *mutant;
    const struct machine *machine; /* NULL: each */
};

static const struct machine *const machines[] = {&zab_machine, &replica_machine};

struct totals {
    uint64_t runs, steps, committed, epochs;
    unsigned faults[32];
    uint64_t marks[MARK_COUNT];
};

static uint64_t running_seed;
static const char *running_world;

/* A machine that finds something impossible, or a sanitizer, stops the process: say in which run. */
static void say_seed(void)
{
    char line[96];
    int n = snprintf(line, sizeof line, "stopped within a run: make sim WORLD=%s SEED=%" PRIu64 "\n", running_world,
                     running_seed);
    if (n > 0 && write(STDERR_FILENO, line, (size_t)n) < 0)
        _exit(3);
}

static void on_abort(int signal_number)
{
    say_seed();
    (void)signal(signal_number, SIG_DFL);
    (void)raise(signal_number);
}

static bool run_one(const struct options *o, const struct machine *machine, uint64_t seed, FILE *trace,
                    struct totals *totals, bool loud)
{
    struct world w;
    const struct run run = {.seed = seed, .machine = machine, .voters = o->voters, .trace = trace, .mutant = o->mutant};
    running_seed = seed;
    running_world = machine->name;
    bool good = run_seed(&w, &run);
    totals->runs++;
    totals->steps += w.steps;
    totals->committed += w.committed.count;
    totals->epochs += w.established.count;
    for (unsigned i = 0; i < 32; i++)
        totals->faults[i] += w.fault_counts[i];
    for (unsigned i = 0; i < MARK_COUNT; i++)
        totals->marks[i] += w.marks[i];
    if (!good && loud)
        printf("seed %" PRIu64 " (%u voters, %u observers), at %.3f ms: %s\n    make sim WORLD=%s SEED=%" PRIu64
               "%s%s\n",
               seed, w.plan.voters, w.plan.observers, (double)w.now_us / SIM_MILLISECOND, w.failure, machine->name,
               seed, o->mutant != NULL ? " MUTANT=" : "", o->mutant != NULL ? o->mutant->name : "");
    run_free(&w);
    return good;
}

static void print_totals(const struct totals *t, unsigned failed)
{
    printf("%" PRIu64 " runs, %u failed: %" PRIu64 " steps, %" PRIu64 " txns committed, %" PRIu64 " epochs\n", t->runs,
           failed, t->steps, t->committed, t->epochs);
    for (unsigned i = 0; fault_name(i) != NULL; i++)
        printf("%s%u x %s", i > 0 ? ", " : "    ", t->faults[i], fault_name(i));
    for (unsigned i = 0; i < MARK_COUNT; i++)
        printf("%s%" PRIu64 " x %s", i > 0 ? ", " : "\n    ", t->marks[i], mark_names[i]);
    putchar('\n');
}

static unsigned run_in_each(const struct options *o, uint64_t seed, FILE *trace, struct totals *totals)
{
    unsigned failed = 0;
    for (size_t i = 0; i < ARRAY_LEN(machines); i++)
        if (o->machine == NULL || o->machine == machines[i])
            failed += !run_one(o, machines[i], seed, trace, totals, true);
    return failed;
}

static int run_seeds(const struct options *o)
{
    struct totals totals = {0};
    unsigned failed = 0;
    time_t end = time(NULL) + (o->seconds > 0 ? o->seconds : 1000000);
    printf("sim: %u seeds from %" PRIu64 ", %s\n", o->seeds, o->first, o->machine == NULL ? "each" : o->machine->name);
    fflush(stdout);
    for (unsigned i = 0; i < o->seeds && failed < 10 && time(NULL) < end; i++) {
        failed += run_in_each(o, o->first + i, NULL, &totals);
        fflush(stdout);
    }
    print_totals(&totals, failed);
    return failed > 0;
}

/* In a process of its own, which the machine's own checks may end. 0: caught. */
static int run_mutant(const struct options *given, const struct mutant *mutant)
{
    struct options o = *given;
    o.mutant = mutant;
    o.voters = mutant->voters;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        if (freopen("/dev/null", "w", stderr) == NULL)
            _exit(1);
        struct totals totals = {0};
        for (unsigned i = 0; i < mutant->seeds; i++)
            if (!run_one(&o, mutant->machine, o.first + i, NULL, &totals, false)) {
                printf("%-22s caught after %u seeds\n", mutant->name, i + 1);
                fflush(stdout);
                _exit(0);
            }
        _exit(1);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child)
        return 1;
    bool stopped = WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
    if (stopped)
        printf("%-22s caught by a check of the machine\n", mutant->name);
    else if (WIFSIGNALED(status))
        printf("%-22s ended by signal %d, which catches nothing\n", mutant->name, WTERMSIG(status));
    else if (WEXITSTATUS(status) != 0)
        printf("%-22s NOT caught within %u seeds\n", mutant->name, mutant->seeds);
    return stopped || status == 0 ? 0 : 1;
}

static int run_mutants(const struct options *o)
{
    unsigned missed = 0;
    printf("sim: deliberate bugs, seeds from %" PRIu64 "\n", o->first);
    for (unsigned i = 0; i < mutant_count; i++)
        missed += run_mutant(o, &mutants[i]) != 0;
    printf("%u passed, %u failed, 0 skipped\n", mutant_count - missed, missed);
    return missed > 0;
}

static bool take_number(const char *name, char **argument, uint64_t *number)
{
    if (strcmp(argument[0], name) != 0 || argument[1] == NULL)
        return false;
    *number = strtoull(argument[1], NULL, 0);
    return true;
}

static const struct machine *machine_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(machines); i++)
        if (strcmp(machines[i]->name, name) == 0)
            return machines[i];
    return NULL;
}

static bool take_option(struct options *o, char **argument, int *used)
{
    uint64_t number = 0;
    *used = 2;
    if (take_number("--seed", argument, &o->seed))
        o->one = true;
    else if (take_number("--seeds", argument, &number))
        o->seeds = (unsigned)number;
    else if (take_number("--voters", argument, &number))
        o->voters = (unsigned)number;
    else if (take_number("--seconds", argument, &number))
        o->seconds = (unsigned)number;
    else if (take_number("--first", argument, &o->first))
        return true;
    else if (strcmp(argument[0], "--world") == 0 && argument[1] != NULL)
        return (o->machine = machine_find(argument[1])) != NULL;
    else if (strcmp(argument[0], "--mutant") == 0 && argument[1] != NULL)
        return (o->mutant = mutant_find(argument[1])) != NULL;
    else {
        *used = 1;
        o->quiet = o->quiet || strcmp(argument[0], "--quiet") == 0;
        o->all_mutants = o->all_mutants || strcmp(argument[0], "--mutants") == 0;
        bool sample = strcmp(argument[0], "--sample") == 0;
        bool fresh = getenv("ZOOID_LONG") != NULL;
        if (sample)
            o->seeds = fresh ? 100000 : 2000;
        o->same = o->same || ((sample || o->all_mutants) && !fresh);
        return sample || strcmp(argument[0], "--quiet") == 0 || strcmp(argument[0], "--mutants") == 0;
    }
    return true;
}

static uint64_t first_seed(const struct options *o)
{
    const char *given = getenv("ZOOID_SEED");
    if (given != NULL)
        return strtoull(given, NULL, 0);
    return o->same ? SAMPLE_FIRST : (uint64_t)time(NULL) * 1000;
}

int main(int argc, char **argv)
{
    struct options o = {.seeds = 100};
    for (int i = 1, used = 0; i < argc; i += used)
        if (!take_option(&o, argv + i, &used)) {
            fprintf(stderr, "sim: %s is not known\n", argv[i]);
            return 2;
        }
    if (o.first == 0)
        o.first = first_seed(&o);
    (void)signal(SIGABRT, on_abort);
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_set_death_callback(say_seed);
#else
    (void)signal(SIGSEGV, on_abort);
    (void)signal(SIGBUS, on_abort);
#endif
    if (o.mutant != NULL && o.voters == 0)
        o.voters = o.mutant->voters;
    if (o.mutant != NULL)
        o.machine = o.mutant->machine;
    if (o.all_mutants)
        return run_mutants(&o);
    if (!o.one)
        return run_seeds(&o);
    struct totals totals = {0};
    unsigned failed = run_in_each(&o, o.seed, o.quiet ? NULL : stdout, &totals);
    print_totals(&totals, failed);
    return failed > 0;
}
