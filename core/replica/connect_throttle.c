/* connect_throttle.c - the bucket, and the chance. */
#include "core/replica/connect_throttle.h"

static void fill(struct connect_throttle *t, const struct connect_throttle_options *o, int64_t now_ms)
{
    if (!t->is_begun) {
        *t = (struct connect_throttle){true, o->tokens_max, now_ms, now_ms, 0, t->seed};
        return;
    }
    const uint64_t periods = (uint64_t)(now_ms - t->filled_ms) / o->fill_ms;
    const uint64_t missing = o->tokens_max > t->tokens ? o->tokens_max - t->tokens : 0;
    t->filled_ms += (int64_t)(periods * o->fill_ms);
    /* How long nobody came has no bound, so that the product might run over. */
    const bool is_full = periods > missing || periods * o->fill_count >= missing;
    t->tokens = is_full ? o->tokens_max : t->tokens + (uint32_t)(periods * o->fill_count);
}

static void change_drop(struct connect_throttle *t, const struct connect_throttle_options *o, int64_t now_ms)
{
    const uint32_t missing = o->tokens_max - t->tokens;
    if (now_ms - t->changed_ms <= o->freeze_ms)
        return;
    if (t->tokens == 0)
        t->drop += o->drop_increase;
    else if ((double)missing <= (double)o->tokens_max * o->decrease_ratio)
        t->drop -= o->drop_decrease;
    t->drop = t->drop > 1 ? 1 : t->drop < 0 ? 0 : t->drop;
    t->changed_ms = now_ms;
}

/* At least 0, less than 1. The generator is splitmix64. */
static double chance(struct connect_throttle *t)
{
    uint64_t x = t->seed += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (double)((x ^ (x >> 31)) >> 11) / (double)(UINT64_C(1) << 53);
}

bool connect_throttle_admits(struct connect_throttle *t, const struct connect_throttle_options *o, uint32_t need,
                             int64_t now_ms)
{
    if (o->tokens_max == 0) {
        t->is_begun = false;
        t->drop = 0;
        return true;
    }
    fill(t, o, now_ms);
    if (o->freeze_ms >= 0)
        change_drop(t, o, now_ms);
    else
        t->drop = 0;
    if (chance(t) < t->drop || t->tokens < need)
        return false;
    t->tokens -= need;
    return true;
}
