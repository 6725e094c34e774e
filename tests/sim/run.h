/* run.h - one run of the simulation, from its seed to its verdict. */
#pragma once

#include "tests/sim/world.h"

struct run {
    uint64_t seed;
    const struct machine *machine;
    unsigned voters; /* 0: the seed decides between 3, 5 and 7 */
    FILE *trace;     /* NULL: none */
    const struct mutant *mutant;
};

/* Runs it: faults first, then a quiet time in which all must become equal. The world is as it was at the end; false: a
 * check failed, w->failure says which. Free with run_free. */
bool run_seed(struct world *w, const struct run *run);
void run_free(struct world *w);
