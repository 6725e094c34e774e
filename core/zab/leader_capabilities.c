/* leader_capabilities.c - what all voters of the committed configuration can do (capability.h).
 *
 * Something is on while every voter has shown it, be it to this leader or to one before it whose word was passed on: a
 * voter that is down keeps what it had, until it comes back and shows something else. Those that have shown a record
 * are told what is on before they serve, and whenever it changes. */
#include "core/zab/leader_internal.h"

static const struct capabilities *of_voter(const struct zab *z, int64_t sid)
{
    static const struct capabilities none;
    const struct capabilities *can = sid == z->options.sid ? &z->options.can : roster_of(&z->roster, sid);
    return can == NULL ? &none : can;
}

/* Observers come and go, and only those that are there matter: they have clients. Some are at followers. */
static void mind_observers(const struct zab *z, struct capabilities *all)
{
    LIST_FOR_EACH(at, LEARNERS_OF(z->leader))
    {
        const struct peer *p = PEER(at);
        for (size_t i = 0; i < CAPABILITY_COUNT && p->stage != PEER_NEW; i++)
            if ((p->can.of[i] == 0 || p->observers_cannot[i]) && capability_needs_observers((enum capability)i))
                all->of[i] = 0;
    }
}

void leader_observers_capabilities(struct zab *z, struct peer *p, const struct packet *packet)
{
    struct roster nobody = {0};
    struct capabilities can;
    const enum status st = agreement_decode(packet->data, &can, &nobody);
    roster_free(&nobody);
    if (st == ST_CORRUPT) {
        peer_drop(z, p, "tells what its observers can, and it is damaged");
        return;
    }
    for (size_t i = 0; i < CAPABILITY_COUNT; i++)
        p->observers_cannot[i] = can.of[i] == 0;
    if (zab_ok(z, st))
        leader_agree(z);
}

static struct capabilities of_all(const struct zab *z)
{
    struct capabilities all = z->options.can;
    for (size_t i = 0; i < z->committed->count; i++) {
        const struct member *m = z->committed->items[i];
        if (m->role == MEMBER_PARTICIPANT)
            all = capabilities_common(&all, of_voter(z, m->sid));
    }
    mind_observers(z, &all);
    return all;
}

void leader_agree(struct zab *z)
{
    struct buffer data = {0};
    struct writer w = writer_to(&data);
    if (z->leader->stage != LEADER_SERVING || !z->options.shows_capabilities)
        return;
    const struct capabilities on = of_all(z);
    agreement_encode(&w, &on, &z->roster);
    if (zab_ok(z, w.status) && zab_set_agreement(z, &on, buffer_bytes(&data)))
        learners_tell_capabilities(z, &z->leader->learners);
    buffer_free(&data);
    leader_pulse(z);
}
