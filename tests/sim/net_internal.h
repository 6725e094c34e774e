/* net_internal.h - what the ports of the simulated network share: which direction is cut, and how long things take. */
#pragma once

#include "tests/sim/net.h"

struct notes; /* notes.c */

struct net {
    int64_t cut_until_us[SIM_ENDS][SIM_ENDS]; /* [from][to] */
    int64_t slow_until_us;
    struct conn **conns; /* links.c: by number; NULL: done with */
    size_t conn_count, conn_capacity;
    struct notes *notes;
};

/* How long a message takes now. */
int64_t net_latency_us(struct world *w);

/* Until when nothing gets through; not beyond now: it does get through. */
int64_t net_cut_until(const struct world *w, unsigned from, unsigned to);

/* links.c */
void links_free(struct net *net);
void link_happens(struct world *w, const struct happening *h);

/* notes.c */
struct notes *notes_new(void);
void notes_free(struct notes *notes);
void note_happens(struct world *w, const struct happening *h);
