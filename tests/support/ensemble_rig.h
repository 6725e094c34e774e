/* ensemble_rig.h - whole replicas as members of one ensemble in one process, driven by commands in words; for text
 * cases of what clients may expect of a member.
 *
 * Commands:
 *   option NAME VALUE           of every member, before `ensemble`; zxids: how many an epoch has, of which the second
 *                               half is left for a new one without an election, if all are `keyed`
 *   keyed N N ...               these members will show that they can session-passwords and handover
 *   ensemble VOTERS [OBSERVERS] makes them, ids from 1, and waits until each serves; with `masters` behind it the
 *                               observers are at followers
 *   N COMMAND                   one of replica_rig.h's at member N: connect, a client's request, hold, release, status
 *   tick MS                     time passes at all of them
 *   stall A->B, go A->B         what A sends to B waits on its way, or arrives
 *   cut N, heal N               nobody reaches N nor is reached by it
 *   roles                       who does what
 *   links N                     who has an open link with it
 *   join N                      makes one that observes, which nobody knows yet, and waits until it serves
 * Everything is delivered at once and in order, everything is durable at once unless `N hold`. zxids are printed as
 * epoch:counter. Aborts when memory runs out. */
#pragma once

#include "core/base/bytes.h"

struct ensemble_rig; /* opaque */

struct ensemble_rig *ensemble_rig_new(void);
void ensemble_rig_free(struct ensemble_rig *e);

/* Runs one command, which is taken apart; what came out is appended to `out`. */
void ensemble_rig_command(struct ensemble_rig *e, char *command, struct buffer *out);

/* The same for a literal; what came out is forgotten. */
void ensemble_rig_do(struct ensemble_rig *e, const char *command);

/* Bytes arrive at `to` as if member `from` had sent them on a link between the two; nothing when there is none. */
void ensemble_rig_inject(struct ensemble_rig *e, int64_t from, int64_t to, struct bytes bytes, struct buffer *out);

/* Called before (true) and after (false) each step of the member, to let allocations fail in between. A step that came
 * to ST_NO_MEMORY is the member's last: it is broken, and nothing is delivered to it any more. */
void ensemble_rig_around_steps(struct ensemble_rig *e, int64_t sid, void (*around)(void *context, bool inside),
                               void *context);
bool ensemble_rig_is_broken(const struct ensemble_rig *e, int64_t sid);

/* Is the connection of the client at the member still there? */
bool ensemble_rig_is_connected(const struct ensemble_rig *e, int64_t sid, const char *client);

/* Does each member serve? */
bool ensemble_rig_serves(const struct ensemble_rig *e);

/* At the end of a case: all that waits is delivered. NULL: the members that serve have the same tree, which is what
 * their logs say, each ephemeral has its session, and nothing is outstanding; otherwise what is wrong. */
const char *ensemble_rig_complaint(struct ensemble_rig *e);
