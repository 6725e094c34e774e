/* members.h - what must hold of configurations (quorum-protocol 5; ARCHITECTURE, "The life of a configuration").
 *
 * The one in force is that of the last reconfiguration that a quorum of the one before and one of its own have on their
 * disks. Who has its txn in the log knows it; and none is taken for committed that is not. */
#pragma once

#include "tests/sim/world.h"

/* Is the txn on the disks of a quorum, or was it before one was lost: in the configuration in force, and in `next`
 * (NULL: there is none)? */
bool members_hold(const struct world *w, struct txn_ref txn, const struct members *next);

/* This one is in force from now on. */
void members_change(struct world *w, const struct members *config);

/* The one that the leader begins with, and that was pending until then; NULL: none was. */
const struct members *members_newer(const struct world *w, const struct server *leader);

/* The member's disk has, or is about to have, the txn: if it is a reconfiguration its configuration must be there, too,
 * since it may be what decides who leads. */
void members_check_known(struct world *w, const struct server *m, const struct proposal *p);

/* The member's disk has just taken a snapshot for what counts, or a configuration for the committed one. */
void check_replaced(struct world *w, const struct server *m);
void check_config(struct world *w, const struct server *m);
