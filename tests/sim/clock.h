/* clock.h - a member's own monotonic clock: it runs at its own pace and may jump ahead, never back. */
#pragma once

#include <stdint.h>

struct clock {
    int64_t true_us, own_us; /* a moment in both times */
    int64_t permille;        /* its pace: 1000 is the true one */
};

/* What the clock shows at that true time, microseconds. */
int64_t clock_own(const struct clock *c, int64_t true_us);

/* The first true time at which the clock shows at least `own_us`; INT64_MAX when that is too far away to matter. */
int64_t clock_true(const struct clock *c, int64_t own_us);

/* From now on it runs at another pace, and is `ahead_us` (not negative) further. */
void clock_change(struct clock *c, int64_t true_us, int64_t permille, int64_t ahead_us);
