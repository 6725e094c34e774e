/* channel_internal.h - what channel.c and channel_opening.c share. */
#pragma once

#include "agent/net/channel.h"
#include "agent/net/tls.h"

/* Goes on with a channel that is not open yet. From the loop. */
void channel_advance_opening(struct channel *c);

/* Whether nothing more is to be done for it than to end. */
bool channel_has_stopped(const struct channel *c);

/* Has it gone on with in the next turn, without news from the socket. */
void channel_make_ready(struct channel *c);
