/* held_links.h - links that stand unread because what they ask for cannot be handed on: the observers of a
 * follower, while much waits to leave on its link to the leader. Loop thread only. */
#pragma once

#include "agent/peers/peers.h"

/* Zero-initialise. */
struct held_links {
    uint64_t *items;
    size_t count, capacity;
};

/* Holds the link, as peers_hold. False: out of memory, it is read on. */
bool held_links_add(struct held_links *h, struct peers *p, uint64_t link);

/* Lets all of them go on. */
void held_links_release(struct held_links *h, struct peers *p);

/* Forgets them, whose links are gone. */
void held_links_forget(struct held_links *h);
