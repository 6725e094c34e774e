/* faults.h - what goes wrong while a run is not yet calm. */
#pragma once

#include "tests/sim/world.h"

/* HAPPENS_FAULT: one of the faults that this run has, and when the next one comes. */
void fault_happens(struct world *w);

/* The member ends, and is started again after a while. */
void fault_crash(struct world *w, struct server *m);

/* When the last of those that go on for a while will be over. */
int64_t faults_last_us(const struct world *w);

/* A disk was lost whose owner a configuration needs that was asked for only then, and that cannot be given up: nobody
 * leads any more, and rightly so. */
bool faults_were_too_many(const struct world *w);

/* Everything that is broken is mended, everybody who is down is started. */
void faults_mend(struct world *w);

/* By place in the table, for reports; NULL behind the last. */
const char *fault_name(unsigned index);
