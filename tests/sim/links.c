/* links.c - connections between ends: what these do with them. See links_internal.h. */
#include "core/base/array.h"
#include "core/base/check.h"
#include "core/base/mem.h"
#include "tests/sim/links_internal.h"
#include "tests/sim/mutants.h"

#include <inttypes.h>
#include <string.h>

/* -- finding ------------------------------------------------------------------------------------------------------- */

uint64_t link_of(const struct conn *c, int side)
{
    return c->number * 2 + (uint64_t)side + 2;
}

struct conn *conn_of(const struct world *w, uint64_t link)
{
    uint64_t number = (link - 2) / 2;
    return link >= 2 && number < w->net->conn_count ? w->net->conns[number] : NULL;
}

int side_of(uint64_t link)
{
    return (int)(link % 2);
}

bool net_has(const struct world *w, unsigned end, uint64_t link)
{
    const struct conn *c = conn_of(w, link);
    return c != NULL && c->sides[side_of(link)].end == end && c->sides[side_of(link)].open;
}

unsigned net_opposite(const struct world *w, uint64_t link)
{
    return conn_of(w, link)->sides[!side_of(link)].end;
}

/* The side of that link if the end has it open; else the run has failed. */
static struct side *own_side(struct world *w, unsigned end, uint64_t link, const char *what)
{
    if (net_has(w, end, link))
        return &conn_of(w, link)->sides[side_of(link)];
    world_fail(w, "end %u would %s link %" PRIu64 ", which it does not have", end, what, link);
    return NULL;
}

/* -- parcels ------------------------------------------------------------------------------------------------------- */

static struct parcel *parcel_new(enum parcel_kind kind, struct bytes bytes, bool ready)
{
    struct parcel *p = mem_calloc(1, sizeof *p);
    CHECK(p != NULL);
    p->kind = kind;
    p->ready = ready;
    CHECK(buffer_append(&p->bytes, bytes.data, bytes.len) == ST_OK);
    return p;
}

void parcel_free(struct parcel *p)
{
    buffer_free(&p->bytes);
    mem_free(p);
}

static void drop_parcels(struct side *side, size_t keep)
{
    struct parcel **at = &side->first;
    for (side->last = NULL; *at != NULL && keep > 0; keep--) {
        side->last = *at;
        at = &(*at)->next;
    }
    struct parcel *p = *at;
    *at = NULL;
    while (p != NULL) {
        struct parcel *next = p->next;
        parcel_free(p);
        p = next;
    }
}

void link_schedule(struct world *w, struct conn *c, int s, int64_t at_us)
{
    struct side *side = &c->sides[s];
    if (side->scheduled || side->first == NULL)
        return;
    side->scheduled = true;
    world_at(w, at_us, (struct happening){.kind = HAPPENS_PARCEL, .what = link_of(c, s)});
}

static void put(struct world *w, struct conn *c, int to, struct parcel *p)
{
    struct side *side = &c->sides[to];
    p->at_us = w->now_us + net_latency_us(w);
    if (side->last != NULL && side->last->at_us > p->at_us)
        p->at_us = side->last->at_us;
    if (side->last == NULL)
        side->first = p;
    else if (mutant_is(w, MUTANT_LINK_REORDERED) && p->kind == PARCEL_BYTES && world_chance(w, 64)) {
        p->next = side->first;
        side->first = p;
        return;
    } else
        side->last->next = p;
    side->last = p;
    link_schedule(w, c, to, p->at_us);
}

/* -- connections --------------------------------------------------------------------------------------------------- */

static struct conn *conn_new(struct world *w, unsigned end, const struct server *to, enum net_port_kind port)
{
    struct net *net = w->net;
    struct conn **conns = array_room(net->conns, net->conn_count, &net->conn_capacity, sizeof *conns, 64);
    struct conn *c = mem_calloc(1, sizeof *c);
    CHECK(conns != NULL && c != NULL);
    net->conns = conns;
    c->number = net->conn_count;
    c->port = port;
    c->sides[DIALING_SIDE].end = end;
    c->sides[MEMBER_SIDE].end = to->index;
    c->ends_through_hold = world_chance(w, 2);
    conns[net->conn_count++] = c;
    return c;
}

void conn_free(struct conn *c)
{
    drop_parcels(&c->sides[0], 0);
    drop_parcels(&c->sides[1], 0);
    mem_free(c);
}

void links_free(struct net *net)
{
    for (size_t i = 0; i < net->conn_count; i++)
        if (net->conns[i] != NULL)
            conn_free(net->conns[i]);
    mem_free(net->conns);
}

void side_close(struct conn *c, int s)
{
    c->sides[s].open = false;
    c->sides[s].held = false;
    drop_parcels(&c->sides[s], 0);
}

static size_t parcels(const struct side *side)
{
    size_t count = 0;
    for (const struct parcel *p = side->first; p != NULL; p = p->next)
        count++;
    return count;
}

/* The side hears the end behind some of what was on its way: all of it, or what a reset leaves. */
static void end_to(struct world *w, struct conn *c, int s)
{
    struct side *side = &c->sides[s];
    if (!side->open)
        return;
    size_t whole = 0;
    for (const struct parcel *p = side->first; p != NULL && p->ready; p = p->next)
        whole++;
    if (world_chance(w, 2))
        whole = random_below(&w->random, (uint32_t)whole + 1);
    if (whole < parcels(side))
        drop_parcels(side, whole);
    put(w, c, s, parcel_new(PARCEL_END, BYTES_NULL, true));
    link_schedule(w, c, s, side->first->at_us);
}

static void conn_break(struct world *w, struct conn *c)
{
    c->broken = true;
    end_to(w, c, 0);
    end_to(w, c, 1);
}

/* One side has gone. */
static void conn_half_close(struct world *w, struct conn *c, int s, bool silent)
{
    side_close(c, s);
    bool was_broken = c->broken;
    c->broken = true;
    c->silent = silent;
    if (!was_broken && !silent && c->dialed)
        end_to(w, c, !s);
}

/* -- what the ends do ---------------------------------------------------------------------------------------------- */

uint64_t net_dial(struct world *w, unsigned end, struct server *to, enum net_port_kind port)
{
    struct conn *c = conn_new(w, end, to, port);
    uint64_t link = link_of(c, DIALING_SIDE);
    c->sides[DIALING_SIDE].open = true;
    c->given_up_us = w->now_us + DIAL_SECONDS * (int64_t)SIM_SECOND;
    world_at(w, w->now_us + 2 * net_latency_us(w), (struct happening){.kind = HAPPENS_DIALED, .what = link});
    return link;
}

uint64_t net_ghost(struct world *w, struct server *m)
{
    struct conn *c = conn_new(w, NOBODY, m, PORT_QUORUM);
    c->sides[MEMBER_SIDE].open = true;
    return link_of(c, MEMBER_SIDE);
}

void net_send(struct world *w, unsigned end, uint64_t link, enum parcel_kind kind, struct bytes bytes, bool ready)
{
    struct conn *c = conn_of(w, link);
    if (own_side(w, end, link, "send on") != NULL && !c->broken && c->sides[!side_of(link)].open)
        put(w, c, !side_of(link), parcel_new(kind, bytes, ready));
}

void net_settle(struct world *w, uint64_t link, const struct bytes *content)
{
    struct conn *c = conn_of(w, link);
    int to = !side_of(link);
    for (struct parcel *p = c->sides[to].first; p != NULL; p = p->next) {
        if (p->ready)
            continue;
        p->ready = true;
        if (content != NULL) {
            p->bytes.len = 0;
            CHECK(buffer_append(&p->bytes, content->data, content->len) == ST_OK);
        }
        if (p == c->sides[to].first)
            link_schedule(w, c, to, p->at_us);
    }
}

void net_close(struct world *w, unsigned end, uint64_t link)
{
    if (own_side(w, end, link, "close") != NULL)
        conn_half_close(w, conn_of(w, link), side_of(link), false);
}

void net_hold(struct world *w, unsigned end, uint64_t link, bool hold)
{
    struct side *side = own_side(w, end, link, hold ? "hold" : "let go");
    if (side == NULL)
        return;
    if (side->held == hold)
        world_fail(w, "end %u holds or lets go link %" PRIu64 " twice", end, link);
    side->held = hold;
    if (side->first != NULL)
        link_schedule(w, conn_of(w, link), side_of(link), side->first->at_us);
}

bool net_holds(const struct world *w, uint64_t link)
{
    return conn_of(w, link)->sides[side_of(link)].held;
}

void net_close_all(struct world *w, unsigned end, enum net_port_kind port, bool silent)
{
    for (size_t i = 0; i < w->net->conn_count; i++) {
        struct conn *c = w->net->conns[i];
        for (int s = 0; c != NULL && (port == PORT_KINDS || c->port == port) && s < 2; s++)
            if (c->sides[s].end == end && c->sides[s].open)
                conn_half_close(w, c, s, silent);
    }
}

void net_restarted(struct world *w, struct server *m)
{
    for (size_t i = 0; i < w->net->conn_count; i++) {
        struct conn *c = w->net->conns[i];
        for (int s = 0; c != NULL && c->silent && s < 2; s++)
            if (c->sides[s].end == m->index)
                end_to(w, c, !s);
    }
}

bool net_break_link(struct world *w, enum net_port_kind port)
{
    struct net *net = w->net;
    size_t start = net->conn_count > 0 ? random_below(&w->random, (uint32_t)net->conn_count) : 0;
    for (size_t i = 0; i < net->conn_count; i++) {
        struct conn *c = net->conns[(start + i) % net->conn_count];
        if (c == NULL || c->port != port || c->broken || !c->sides[0].open || !c->sides[1].open)
            continue;
        world_trace(w, NULL, "the connection of end %u to %u breaks", c->sides[0].end, c->sides[1].end);
        conn_break(w, c);
        return true;
    }
    return false;
}
