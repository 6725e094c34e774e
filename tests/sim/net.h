/* net.h - the network: the election port's notifications, and connections to the ports for learners and for clients.
 *
 * A direction between two ends can be cut for a while; what is sent meanwhile arrives afterwards, as TCP would have
 * it, or goes down with its connection. Connections are FIFO in each direction, break at any point, and are refused or
 * time out. Between connections nothing is ordered. */
#pragma once

#include "tests/sim/world.h"

struct net; /* opaque */

struct net *net_new(void);
void net_free(struct net *net);

/* -- the election port --------------------------------------------------------------------------------------------- */

void net_notify(struct world *w, struct server *m, int64_t sid, struct bytes bytes);

/* Its election connections and what they hold are gone. */
void net_forget_notes(struct world *w, struct server *m);

/* -- connections ---------------------------------------------------------------------------------------------------- *
 *
 * Each end has a number of its own for a connection, its link, never 0 and never used twice. Ends are those of world.h:
 * members by index, clients behind them. */

enum net_port_kind { PORT_QUORUM, PORT_OBSERVERS, PORT_CLIENT, PORT_KINDS };

enum parcel_kind {
    PARCEL_BYTES,
    PARCEL_SNAPSHOT, /* where the machine tells the two apart */
    PARCEL_END,
};

/* What happens at the two ends of a port's connections. `end` is where it happens. */
struct net_port {
    bool (*listens)(const struct world *w, const struct server *m);
    void (*accepted)(struct world *w, unsigned end, uint64_t link);
    void (*connected)(struct world *w, unsigned end, uint64_t link); /* what net_dial asked for is there */
    void (*closed)(struct world *w, unsigned end, uint64_t link);    /* or could not be made; never again heard of */
    void (*arrived)(struct world *w, unsigned end, uint64_t link, enum parcel_kind kind, struct bytes bytes);
};

uint64_t net_dial(struct world *w, unsigned end, struct server *to, enum net_port_kind port);

/* Bytes, in a parcel that arrives as it is; nothing when the connection is broken. A snapshot that is not `ready` holds
 * up all behind it until net_settle. */
void net_send(struct world *w, unsigned end, uint64_t link, enum parcel_kind kind, struct bytes bytes, bool ready);

/* The snapshot that waits on the link is ready, with this content; NULL: with that which it has. */
void net_settle(struct world *w, uint64_t link, const struct bytes *content);

/* At once: nothing of it is heard any more. */
void net_close(struct world *w, unsigned end, uint64_t link);

/* Nothing arrives until it is let go again. */
void net_hold(struct world *w, unsigned end, uint64_t link, bool hold);

/* Does it? Of a link that is open. */
bool net_holds(const struct world *w, uint64_t link);

/* Has the end that link still open? */
bool net_has(const struct world *w, unsigned end, uint64_t link);
unsigned net_opposite(const struct world *w, uint64_t link); /* of a link that is open */

/* A connection to the member that has nobody at the other end: MUTANT_COUNTED_TWICE. */
uint64_t net_ghost(struct world *w, struct server *m);

/* The end's connections are gone, of one port or (PORT_KINDS) of all. `silent`: nobody at the other ends notices. */
void net_close_all(struct world *w, unsigned end, enum net_port_kind port, bool silent);

/* It is back: what was silently lost is noticed. */
void net_restarted(struct world *w, struct server *m);

/* -- all ------------------------------------------------------------------------------------------------------------
 */

/* Happenings. */
void net_happens(struct world *w, const struct happening *happening);

/* Faults. */
void net_cut(struct world *w, unsigned from, unsigned to, int64_t until_us); /* two ends */
bool net_break_link(struct world *w, enum net_port_kind port);               /* some one; false: there is none */
void net_break_notes(struct world *w, unsigned a, unsigned b);               /* the election connection of the two */
void net_slow(struct world *w, int64_t until_us);
int64_t net_last_us(const struct world *w); /* when everything gets through again */
