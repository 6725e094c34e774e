/* observer_master.h - a follower that takes observers, so that they need not burden the leader (quorum-protocol 2.11).
 *
 * It offers the epoch that it follows in, brings observers to where it is itself, tells them of each commit, pings
 * them, and passes what they ask for to the layer above, which asks the leader. It begins when the follower serves and
 * ends with the role; a learner's events go through it. What it lends to learner*.c only. */
#pragma once

#include "core/zab/zab_internal.h"

struct observer_master; /* opaque */

/* Opens the port. NULL: out of memory, which sticks. */
struct observer_master *observer_master_new(struct zab *z);
void observer_master_free(struct observer_master *om); /* NULL is allowed */

/* True: the event was about an observer's link. */
bool observer_master_takes(struct zab *z, struct observer_master *om, const struct zab_event *event);

/* Whatever is due by now; wishes for the next time. */
void observer_master_mind_the_time(struct zab *z, struct observer_master *om);

/* Before `e` is committed here, which the leader's packet says: COMMIT, or COMMITANDACTIVATE, which the observers are
 * told as INFORMANDACTIVATE. */
void observer_master_inform(struct zab *z, struct observer_master *om, const struct entry *e,
                            const struct packet *commit);

/* After it: who knows more than this server did may now be brought up to date. */
void observer_master_committed(struct zab *z, struct observer_master *om);

/* This follower has gone on into a new epoch; of the one before the leader proposed nothing beyond `last_zxid`. */
void observer_master_renew(struct zab *z, struct observer_master *om, int64_t last_zxid);

/* What the leader says of capabilities is the observers' business as well. */
void observer_master_tell_capabilities(struct zab *z, struct observer_master *om);

const struct learners *observer_master_learners(const struct observer_master *om); /* NULL: there are none */
