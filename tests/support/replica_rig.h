/* replica_rig.h - a replica without disk, clock or sockets, driven by commands in words. For text cases, unit tests and
 * fuzzers.
 *
 * Commands:
 *   option NAME VALUE                   before anything else: extended_types, super, outstanding, ... (rig_options.c)
 *   connect A [timeout=N] [session=B] [id=N] [password=bad|none] [seen=ZXID] [old] [read-only]
 *           [as=SCHEME:ID]
 *   open A [as=SCHEME:ID]               a connection that has not said anything yet
 *   A OPERATION ARGUMENTS [xid=N]       one request; see rig_request.c's table
 *   A bent SEED OPERATION ARGUMENTS     the same, with bytes flipped, cut off or added
 *   A raw HEX                           a frame as it stands
 *   disconnect A | tick MS | late MS | hold | release | release ZXID | full | room | audit-full | audit-room | fail |
 *   stop | status | spoil PATH
 * Everything that leaves the replica is printed, a line each, in order of delivery, and is checked on the way: replies
 * come in the order of requests, once each, with bodies that can be read.
 * Every function aborts when memory runs out. */
#pragma once

#include "core/base/bytes.h"
#include "core/replica/replica.h"

struct rig; /* opaque */

enum { RIG_START_MS = 1000000 }; /* what its clock says at first */

struct rig *rig_new(void);
void rig_free(struct rig *rig);

/* Runs one command, which is taken apart; what came out is appended to `out`. */
void rig_command(struct rig *rig, char *command, struct buffer *out);

/* The same for a literal; what came out is forgotten. */
void rig_do(struct rig *rig, const char *command);

/* Appends a frame (without length) for "OPERATION ARGUMENTS". Aborts on a command it does not know. */
void rig_request(char *words, int32_t xid, struct buffer *frame);

/* One message of a client, without its length. */
void rig_frame(struct rig *rig, const char *client, struct bytes frame, struct buffer *out);

/* The replica; it is made now if it was not yet. */
struct replica *rig_replica(struct rig *rig);

/* Called before (true) and after (false) each step of the replica, to let allocations fail in between. */
void rig_around_steps(struct rig *rig, void (*around)(void *context, bool inside), void *context);

/* A step came to ST_NO_MEMORY, which is only allowed with rig_around_steps; no command does anything any more. */
bool rig_is_broken(const struct rig *rig);

/* Is the client's connection still there? */
bool rig_is_connected(const struct rig *rig, const char *client);

/* Releases the log, then applies all that was logged to a fresh tree. True: digest, node count and sessions are those
 * of the replica, each logged digest was right, and nothing is outstanding any more. */
bool rig_replays(struct rig *rig);
