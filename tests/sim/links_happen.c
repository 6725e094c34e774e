/* links_happen.c - what time brings to connections: dialing comes to an end, parcels arrive. See links_internal.h. */
#include "core/base/check.h"
#include "tests/sim/ensemble.h"
#include "tests/sim/links_internal.h"

/* Nobody can connect before: a direction is cut, or one of the two is stopped. */
static int64_t not_before(const struct world *w, const struct conn *c)
{
    unsigned from = c->sides[DIALING_SIDE].end, to = c->sides[MEMBER_SIDE].end;
    const int64_t times[] = {net_cut_until(w, from, to), net_cut_until(w, to, from), w->stopped_until_us[from],
                             w->stopped_until_us[to]};
    int64_t latest = 0;
    for (size_t i = 0; i < ARRAY_LEN(times); i++)
        latest = times[i] > latest ? times[i] : latest;
    return latest;
}

static void dialed(struct world *w, struct conn *c)
{
    struct side *dialing = &c->sides[DIALING_SIDE], *member = &c->sides[MEMBER_SIDE];
    c->dialed = !dialing->open;
    if (!dialing->open)
        return;
    uint64_t link = link_of(c, DIALING_SIDE);
    int64_t late_us = not_before(w, c);
    if (late_us > w->now_us && w->now_us < c->given_up_us) {
        late_us = late_us < c->given_up_us ? late_us : c->given_up_us;
        world_at(w, late_us, (struct happening){.kind = HAPPENS_DIALED, .what = link});
        return;
    }
    c->dialed = true;
    if (!port_of(w, c)->listens(w, &w->servers[member->end]) || late_us > w->now_us ||
        !ensemble_reaches(w, dialing->end, member->end)) {
        c->broken = true;
        side_close(c, DIALING_SIDE);
        port_of(w, c)->closed(w, dialing->end, link);
        return;
    }
    member->open = true;
    port_of(w, c)->accepted(w, member->end, link_of(c, MEMBER_SIDE));
    if (dialing->open)
        port_of(w, c)->connected(w, dialing->end, link);
}

static void hand_over(struct world *w, struct conn *c, int s, const struct parcel *p)
{
    unsigned end = c->sides[s].end;
    if (p->kind == PARCEL_END) {
        side_close(c, s);
        port_of(w, c)->closed(w, end, link_of(c, s));
    } else {
        port_of(w, c)->arrived(w, end, link_of(c, s), p->kind, buffer_bytes(&p->bytes));
    }
}

/* When the first parcel may be handed over; 0: not before something else has happened. */
static int64_t due_at(const struct world *w, const struct conn *c, int s)
{
    const struct side *side = &c->sides[s], *other = &c->sides[!s];
    int64_t at_us = side->first->at_us;
    const bool heard = side->first->kind == PARCEL_END && c->ends_through_hold;
    if ((side->held && !heard) || !side->first->ready)
        return 0;
    if (other->end != NOBODY && net_cut_until(w, other->end, side->end) > at_us)
        at_us = net_cut_until(w, other->end, side->end);
    return w->stopped_until_us[side->end] > at_us ? w->stopped_until_us[side->end] : at_us;
}

static struct parcel *take_first(struct side *side)
{
    struct parcel *p = side->first;
    side->first = p->next;
    if (side->first == NULL)
        side->last = NULL;
    return p;
}

static void parcel_happens(struct world *w, struct conn *c, int s)
{
    struct side *side = &c->sides[s];
    side->scheduled = false;
    if (!side->open || side->first == NULL)
        return;
    if (side->held && c->ends_through_hold && side->last->kind == PARCEL_END && side->last->at_us <= w->now_us)
        while (side->first != side->last)
            parcel_free(take_first(side));
    int64_t at_us = due_at(w, c, s);
    if (at_us == 0)
        return;
    if (at_us > w->now_us) {
        link_schedule(w, c, s, at_us);
        return;
    }
    struct parcel *p = take_first(side);
    hand_over(w, c, s, p);
    parcel_free(p);
    if (side->first != NULL)
        link_schedule(w, c, s, side->first->at_us);
}

/* Frees what neither side will hear of again. */
static void reap(struct world *w, struct conn *c)
{
    if (!c->dialed || c->sides[0].open || c->sides[1].open || c->sides[0].scheduled || c->sides[1].scheduled)
        return;
    w->net->conns[c->number] = NULL;
    conn_free(c);
}

void link_happens(struct world *w, const struct happening *h)
{
    struct conn *c = conn_of(w, h->what);
    if (c == NULL)
        return;
    if (h->kind == HAPPENS_DIALED)
        dialed(w, c);
    else
        parcel_happens(w, c, side_of(h->what));
    reap(w, c);
}
