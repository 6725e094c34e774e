/* mutate.h - the deliberate bugs of whole replicas: what a shell that is built so does between a replica and its
 * clients and peers. Each function does nothing in a run without such a mutant. */
#pragma once

#include "core/base/bytes.h"
#include "tests/sim/world.h"

/* Frames of a member to a client. True: `changed` is to be sent instead; free it. */
bool mutate_frames(struct world *w, const struct server *m, struct bytes frames, struct buffer *changed);

/* To whom they go. */
uint64_t mutate_client(struct world *w, const struct server *m, uint64_t link);

/* Whole packets to another member, likewise. */
bool mutate_packets(struct world *w, struct server *m, uint64_t link, struct bytes packets, struct buffer *changed);

/* Bytes from a learner, a frame from a client: true: the replica does not hear of it. */
bool mutate_arrived(struct world *w, struct server *m, uint64_t link, struct bytes bytes);
bool mutate_frame(struct world *w, struct server *m, uint64_t link, struct bytes frame);

/* A frame, before anybody has seen that it was sent: likewise. */
bool mutate_sync(struct world *w, struct server *m, uint64_t link, struct bytes frame);

/* Time has passed at the member. */
void mutate_tick(struct world *w, struct server *m);
