/* remembered.h - what a replica remembers of the tree's changes, for those who follow them from member to member. */
#pragma once

#include "tests/sim/world.h"

/* After a step: does a member that serves remember the changes of each txn back to where it says that it does, neither
 * more nor fewer? */
void check_remembered(struct world *w, struct server *m);
