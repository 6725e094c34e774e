/* zab.h - what must hold after every step of a simulated ensemble ([7.6 properties], appendix D).
 *
 *   integrity        only what a client asked for is committed, as it asked for it, and in the place it was given
 *   total order,     what members deliver while they serve clients are beginnings of one sequence
 *   agreement
 *   local primary    within an epoch counters follow each other from 1
 *   global primary   an epoch's txns come only behind all of those before; who leads has all that was ever committed
 *   one leader       at most one for an epoch
 *   members          all this under the configuration in force, and a reconfiguration under the next one, too; who has
 *                    its txn in the log knows it, and none is taken for committed that is not
 *   durable          what is committed lies on the disks of a quorum, always; what a member tells is on its own
 *
 * Each function is told a fact, and ends the run when it must not be. */
#pragma once

#include "tests/sim/world.h"

/* A client's txn was given to the machine. `config`: what it makes of the members, taken over; NULL: nothing. */
void check_proposed(struct world *w, const struct server *m, struct txn_ref txn, struct members *config);

/* The machine delivered an entry; applies it to the member's tree. */
void check_committed(struct world *w, struct server *m, struct txn_ref txn);

/* The machine told its role. */
void check_role(struct world *w, struct server *m, enum zab_role role, enum zab_phase phase, int64_t epoch);

/* The member leads a quorum in m->epoch, and takes what it holds for committed; perhaps only to name another leader. */
void check_leads(struct world *w, struct server *m);

/* The machine sends a packet as the leader or as a learner. */
void check_sent(struct world *w, const struct server *m, bool leads, const struct packet *packet);

/* The machine sends a notification. */
void check_notified(struct world *w, struct server *m, struct bytes bytes);

/* The member's disk has just been cut back or replaced; `before` is what it held. */
void check_cut(struct world *w, const struct server *m, const struct history *before);

/* An entry is to be appended to the log. */
void check_logged(struct world *w, const struct server *m, struct txn_ref txn);

/* Faults are over and everybody has had time: are all equal, and is everything there? */
void check_end(struct world *w);
