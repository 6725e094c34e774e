/* plan.h - what a seed decides before anything happens. */
#pragma once

#include "tests/sim/world.h"

/* Does a sync promise all that anybody had been told of before it, or, until it does, what leaders of its own epoch and
 * of those before had committed? */
#define SIM_SYNC_IS_LINEARIZABLE true

/* Draws the run's plan and makes its configuration. `voters` 0: the seed decides. */
void plan_draw(struct world *w, unsigned voters);

/* What a member's core/zab is made of when it starts: as its disk has it, or as everybody begins. */
struct plan_member {
    struct zab_options options;
    struct members *committed, *last_seen; /* whoever makes it takes them over; last_seen NULL: none is pending */
};
struct plan_member plan_member(const struct world *w, const struct server *m);
