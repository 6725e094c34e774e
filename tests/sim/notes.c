/* notes.c - the election port: at most one connection for a pair of members, and for each a queue of one, in which a
 * newer notification replaces the one that waits (quorum-protocol 1.2 and 1.3).
 *
 * A new connection first repeats what was last sent over the old one, when nothing newer waits: what comes first may be
 * stale. What was under way on a broken connection is lost, or comes late. */
#include "core/base/check.h"
#include "core/base/mem.h"
#include "tests/sim/ensemble.h"
#include "tests/sim/machine.h"
#include "tests/sim/net_internal.h"

#include <string.h>

struct note {
    struct note *next;
    int64_t at_us;
    size_t len;
    uint8_t bytes[];
};

/* From one member to another. */
struct way {
    struct note *waiting, *last_sent;
    struct note *first, *last; /* under way */
};

struct notes {
    struct way ways[SIM_MEMBERS_MAX][SIM_MEMBERS_MAX];
    bool up[SIM_MEMBERS_MAX][SIM_MEMBERS_MAX];      /* [smaller][larger] */
    bool dialing[SIM_MEMBERS_MAX][SIM_MEMBERS_MAX]; /* likewise */
};

struct notes *notes_new(void)
{
    struct notes *notes = mem_calloc(1, sizeof *notes);
    CHECK(notes != NULL);
    return notes;
}

static struct note *note_new(struct bytes bytes)
{
    struct note *note = mem_alloc(sizeof *note + bytes.len);
    CHECK(note != NULL);
    *note = (struct note){.len = bytes.len};
    memcpy(note->bytes, bytes.data, bytes.len);
    return note;
}

static void drop_under_way(struct way *way)
{
    while (way->first != NULL) {
        struct note *note = way->first;
        way->first = note->next;
        mem_free(note);
    }
    way->last = NULL;
}

static void way_forget(struct way *way)
{
    mem_free(way->waiting);
    mem_free(way->last_sent);
    way->waiting = way->last_sent = NULL;
}

void notes_free(struct notes *notes)
{
    for (size_t from = 0; from < SIM_MEMBERS_MAX; from++)
        for (size_t to = 0; to < SIM_MEMBERS_MAX; to++) {
            drop_under_way(&notes->ways[from][to]);
            way_forget(&notes->ways[from][to]);
        }
    mem_free(notes);
}

static struct way *way_of(struct world *w, unsigned from, unsigned to)
{
    return &w->net->notes->ways[from][to];
}

static bool *up_of(struct world *w, unsigned a, unsigned b)
{
    return a < b ? &w->net->notes->up[a][b] : &w->net->notes->up[b][a];
}

/* What waits is taken by the sender in a moment; until then it may still be replaced. */
static void send_soon(struct world *w, unsigned from, unsigned to)
{
    int64_t at_us = w->now_us + random_below(&w->random, world_chance(w, 16) ? 20000 : 100);
    world_at(w, at_us, (struct happening){.kind = HAPPENS_NOTE_SENT, .member = from, .what = to});
}

static void dial_soon(struct world *w, unsigned a, unsigned b, int64_t mean_us)
{
    bool *dialing = a < b ? &w->net->notes->dialing[a][b] : &w->net->notes->dialing[b][a];
    if (*dialing)
        return;
    *dialing = true;
    world_at(w, w->now_us + world_about(w, (uint32_t)mean_us),
             (struct happening){.kind = HAPPENS_NOTE_DIAL, .member = a, .what = b});
}

void net_notify(struct world *w, struct server *m, int64_t sid, struct bytes bytes)
{
    const struct server *to = world_member(w, sid);
    if (to == NULL)
        return;
    struct way *way = way_of(w, m->index, to->index);
    mem_free(way->waiting);
    way->waiting = note_new(bytes);
    if (to == m || *up_of(w, m->index, to->index))
        send_soon(w, m->index, to->index);
    else
        dial_soon(w, m->index, to->index, w->plan.latency_us);
}

static void put_under_way(struct world *w, struct way *way, unsigned from, unsigned to, struct note *note)
{
    note->next = NULL;
    note->at_us = w->now_us + net_latency_us(w);
    if (way->last != NULL && way->last->at_us > note->at_us)
        note->at_us = way->last->at_us;
    if (way->last == NULL)
        way->first = note;
    else
        way->last->next = note;
    way->last = note;
    world_at(w, note->at_us, (struct happening){.kind = HAPPENS_NOTE, .member = from, .what = to});
}

static void sent(struct world *w, unsigned from, unsigned to)
{
    struct way *way = way_of(w, from, to);
    if (way->waiting == NULL || (from != to && !*up_of(w, from, to)))
        return;
    struct note *note = way->waiting;
    way->waiting = NULL;
    mem_free(way->last_sent);
    way->last_sent = note_new(bytes_make(note->bytes, note->len));
    put_under_way(w, way, from, to, note);
}

static void arrived(struct world *w, const struct happening *h)
{
    struct server *from = &w->servers[h->member], *to = &w->servers[h->what];
    struct way *way = way_of(w, from->index, to->index);
    struct note *note = way->first;
    if (note == NULL)
        return;
    int64_t until_us = from == to ? 0 : net_cut_until(w, from->index, to->index);
    if (w->stopped_until_us[to->index] > until_us)
        until_us = w->stopped_until_us[to->index];
    if (until_us < note->at_us)
        until_us = note->at_us; /* this happening was meant for one that has been lost since */
    if (until_us > w->now_us) {
        world_at(w, until_us, *h);
        return;
    }
    way->first = note->next;
    if (way->first == NULL)
        way->last = NULL;
    if (to->up)
        w->machine->note(w, to, from->sid, bytes_make(note->bytes, note->len));
    mem_free(note);
}

static void connected(struct world *w, unsigned from, unsigned to)
{
    struct way *way = way_of(w, from, to);
    if (way->waiting == NULL && way->last_sent != NULL)
        way->waiting = note_new(bytes_make(way->last_sent->bytes, way->last_sent->len));
    send_soon(w, from, to);
}

static void dialed(struct world *w, unsigned a, unsigned b)
{
    bool *dialing = a < b ? &w->net->notes->dialing[a][b] : &w->net->notes->dialing[b][a];
    *dialing = false;
    const struct server *one = &w->servers[a], *other = &w->servers[b];
    if (*up_of(w, a, b) || (way_of(w, a, b)->waiting == NULL && way_of(w, b, a)->waiting == NULL))
        return;
    bool reaches = ensemble_reaches(w, a, b) || ensemble_reaches(w, b, a);
    if (!one->up || !other->up || !reaches || net_cut_until(w, a, b) > w->now_us ||
        net_cut_until(w, b, a) > w->now_us) {
        dial_soon(w, a, b, SIM_SECOND / 10);
        return;
    }
    *up_of(w, a, b) = true;
    connected(w, a, b);
    connected(w, b, a);
}

void note_happens(struct world *w, const struct happening *h)
{
    unsigned to = (unsigned)h->what;
    if (h->kind == HAPPENS_NOTE)
        arrived(w, h);
    else if (h->kind == HAPPENS_NOTE_SENT)
        sent(w, h->member, to);
    else
        dialed(w, h->member, to);
}

void net_break_notes(struct world *w, unsigned a, unsigned b)
{
    bool *up = up_of(w, a, b);
    if (a == b || !*up)
        return;
    *up = false;
    /* Half of the time what is under way is still read from the old connection, beside the new one. */
    if (world_chance(w, 2))
        drop_under_way(way_of(w, a, b));
    if (world_chance(w, 2))
        drop_under_way(way_of(w, b, a));
    if (way_of(w, a, b)->waiting != NULL || way_of(w, b, a)->waiting != NULL)
        dial_soon(w, a, b, w->plan.latency_us);
}

void net_forget_notes(struct world *w, struct server *m)
{
    drop_under_way(way_of(w, m->index, m->index));
    for (unsigned i = 0; i < w->count; i++) {
        way_forget(way_of(w, m->index, i));
        net_break_notes(w, m->index, i);
    }
}
