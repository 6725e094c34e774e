/* guard.c - see guard.h. */
#include "plugins/discovery/guard.h"

#include <stdlib.h>
#include <string.h>

enum { MASS_MIN = 2 }; /* one that goes is no event, whatever part of the service it was */

const char *guard_reason_name(enum guard_reason reason)
{
    static const char *const names[] = {[GUARD_QUIET] = "quiet",
                                        [GUARD_MASS_EXPIRY] = "mass_expiry",
                                        [GUARD_EMPTY] = "empty",
                                        [GUARD_RESTORED] = "restored"};
    return names[reason];
}

void guard_departed(struct guard *g, struct instance *instance, uint64_t now_ms, bool vanished)
{
    guard_forget(g, instance->id);
    if (g->count == g->cap) {
        size_t cap = g->cap == 0 ? 4 : 2 * g->cap;
        struct departed *larger = realloc(g->items, cap * sizeof *larger);
        if (larger == NULL) {
            free(instance);
            return;
        }
        g->items = larger;
        g->cap = cap;
    }
    g->items[g->count++] = (struct departed){instance, now_ms, vanished};
}

static void drop_at(struct guard *g, size_t i)
{
    free(g->items[i].instance);
    g->count--;
    memmove(&g->items[i], &g->items[i + 1], (g->count - i) * sizeof *g->items);
}

static size_t find(const struct guard *g, const char *id)
{
    size_t i = 0;
    while (i < g->count && strcmp(g->items[i].instance->id, id) != 0)
        i++;
    return i;
}

void guard_forget(struct guard *g, const char *id)
{
    size_t i = find(g, id);
    if (i < g->count)
        drop_at(g, i);
}

void guard_returned(struct guard *g, const char *id)
{
    size_t i = find(g, id);
    if (i < g->count)
        g->items[i].vanished = false;
}

static bool is_over(const struct departed *d, const struct guard_settings *settings, uint64_t now_ms)
{
    return now_ms >= d->at_ms + settings->window_ms;
}

static bool is_suspect(const struct guard *g, uint64_t now_ms)
{
    return now_ms < g->suspect_until_ms;
}

static bool is_held(const struct guard *g, const struct guard_settings *settings, uint64_t now_ms)
{
    switch (settings->policy) {
    case GUARD_NEVER_EMPTY: return g->empty_since_ms != 0;
    case GUARD_EMPTY_AFTER: return g->empty_since_ms != 0 && now_ms < g->empty_since_ms + settings->empty_after_ms;
    case GUARD_OFF: break;
    }
    return false;
}

static void judge_mass(struct guard *g, const struct guard_settings *settings, size_t good, uint64_t now_ms)
{
    size_t vanished = 0, gone = 0;
    for (size_t i = 0; i < g->count; i++)
        if (!is_over(&g->items[i], settings, now_ms)) {
            gone++;
            vanished += g->items[i].vanished;
        }
    bool mass = settings->percent > 0 && vanished >= MASS_MIN && vanished * 100 > settings->percent * (good + gone);
    if (!mass || is_suspect(g, now_ms))
        return;
    g->suspect_since_ms = now_ms;
    g->suspect_until_ms = now_ms + settings->suspect_ms;
}

void guard_judge(struct guard *g, const struct guard_settings *settings, size_t good, uint64_t now_ms)
{
    if (good > 0)
        g->empty_since_ms = 0;
    else if (g->empty_since_ms == 0 && g->count > 0)
        g->empty_since_ms = now_ms > 0 ? now_ms : 1;
    judge_mass(g, settings, good, now_ms);
    if (is_held(g, settings, now_ms) || is_suspect(g, now_ms))
        return;
    for (size_t i = g->count; i-- > 0;)
        if (is_over(&g->items[i], settings, now_ms))
            drop_at(g, i);
}

enum guard_reason guard_reason(const struct guard *g, const struct guard_settings *settings, uint64_t now_ms)
{
    if (g->count > 0 && is_held(g, settings, now_ms))
        return GUARD_EMPTY;
    return g->count > 0 && is_suspect(g, now_ms) ? GUARD_MASS_EXPIRY : GUARD_QUIET;
}

uint64_t guard_next_ms(const struct guard *g, const struct guard_settings *settings)
{
    uint64_t next = 0;
    if (g->count == 0)
        return 0;
    if (g->empty_since_ms != 0 && settings->policy == GUARD_EMPTY_AFTER)
        next = g->empty_since_ms + settings->empty_after_ms;
    if (g->suspect_until_ms != 0 && (next == 0 || g->suspect_until_ms < next))
        next = g->suspect_until_ms;
    uint64_t first = g->items[0].at_ms + settings->window_ms;
    if (g->empty_since_ms == 0 && (next == 0 || first < next))
        next = first;
    return next;
}

void guard_free(struct guard *g)
{
    for (size_t i = 0; i < g->count; i++)
        free(g->items[i].instance);
    free(g->items);
    *g = (struct guard){.count = 0};
}
