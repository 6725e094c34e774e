/* net.c - see net.h: what the ports have in common. */
#include "tests/sim/net_internal.h"

#include "core/base/check.h"
#include "core/base/mem.h"

struct net *net_new(void)
{
    struct net *net = mem_calloc(1, sizeof *net);
    CHECK(net != NULL);
    net->notes = notes_new();
    return net;
}

void net_free(struct net *net)
{
    links_free(net);
    notes_free(net->notes);
    mem_free(net);
}

int64_t net_latency_us(struct world *w)
{
    int64_t us = world_about(w, w->plan.latency_us);
    return w->net->slow_until_us > w->now_us ? us * 10 + random_below(&w->random, SIM_SECOND / 4) : us;
}

int64_t net_cut_until(const struct world *w, unsigned from, unsigned to)
{
    return w->net->cut_until_us[from][to];
}

void net_cut(struct world *w, unsigned from, unsigned to, int64_t until_us)
{
    int64_t *until = &w->net->cut_until_us[from][to];
    if (until_us > *until)
        *until = until_us;
}

void net_slow(struct world *w, int64_t until_us)
{
    w->net->slow_until_us = until_us;
}

int64_t net_last_us(const struct world *w)
{
    int64_t last_us = w->net->slow_until_us;
    for (unsigned from = 0; from < SIM_ENDS; from++)
        for (unsigned to = 0; to < SIM_ENDS; to++)
            if (w->net->cut_until_us[from][to] > last_us)
                last_us = w->net->cut_until_us[from][to];
    return last_us;
}

void net_happens(struct world *w, const struct happening *happening)
{
    switch (happening->kind) {
    case HAPPENS_NOTE:
    case HAPPENS_NOTE_SENT:
    case HAPPENS_NOTE_DIAL: note_happens(w, happening); break;
    default: link_happens(w, happening); break;
    }
}
