/* links_internal.h - a connection: two sides, and what is on its way to each. links.c is what the ends do with it,
 * links_happen.c what time brings.
 *
 * Side 0 dialed, side 1 is the member's to which it leads; the number of a link tells connection and side. A side is
 * open until its end has closed it or was told that it is gone; a broken connection carries nothing new. */
#pragma once

#include "tests/sim/machine.h"
#include "tests/sim/net_internal.h"

enum { DIALING_SIDE = 0, MEMBER_SIDE = 1, DIAL_SECONDS = 5 };

#define NOBODY UINT32_MAX /* at the other end of a ghost */

struct parcel {
    struct parcel *next;
    enum parcel_kind kind;
    bool ready;
    int64_t at_us;
    struct buffer bytes;
};

struct side {
    unsigned end;
    bool open, held, scheduled;
    struct parcel *first, *last; /* that come to this side */
};

struct conn {
    uint64_t number;
    enum net_port_kind port;
    bool dialed;         /* the dialing side knows that it is there */
    int64_t given_up_us; /* when dialing ends */
    bool broken;
    bool ends_through_hold; /* this network notices an end even when nobody reads */
    bool silent;            /* one end has lost its power; the other will hear of it when that is back */
    struct side sides[2];
};

uint64_t link_of(const struct conn *c, int side);
struct conn *conn_of(const struct world *w, uint64_t link); /* NULL: there is none, or none any more */
int side_of(uint64_t link);

static inline const struct net_port *port_of(const struct world *w, const struct conn *c)
{
    return &w->machine->ports[c->port];
}

void parcel_free(struct parcel *p);

/* The first parcel of that side is looked at then. */
void link_schedule(struct world *w, struct conn *c, int s, int64_t at_us);
void side_close(struct conn *c, int s);
void conn_free(struct conn *c);
