/* random.c - where a seed comes from. */
#include "tests/support/random.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

uint64_t random_seed(void)
{
    uint64_t seed = 1;
    const char *given = getenv("ZOOID_SEED");
    if (given != NULL)
        seed = strtoull(given, NULL, 0);
    else if (getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed)
        seed = 1;
    printf("ZOOID_SEED=%" PRIu64 "\n", seed);
    fflush(stdout);
    return seed;
}
