/* clock.c - see clock.h. */
#include "tests/sim/clock.h"

enum { DAY_US_LOG2 = 37 }; /* more than a day */

int64_t clock_own(const struct clock *c, int64_t true_us)
{
    return c->own_us + (true_us - c->true_us) * c->permille / 1000;
}

int64_t clock_true(const struct clock *c, int64_t own_us)
{
    if (own_us > clock_own(c, c->true_us) + ((int64_t)1 << DAY_US_LOG2))
        return INT64_MAX;
    int64_t at = c->true_us + (own_us - c->own_us) * 1000 / c->permille;
    while (clock_own(c, at) < own_us)
        at++;
    return at;
}

void clock_change(struct clock *c, int64_t true_us, int64_t permille, int64_t ahead_us)
{
    *c = (struct clock){true_us, clock_own(c, true_us) + ahead_us, permille};
}
