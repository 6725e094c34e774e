/* connect_throttle.c - the bucket, and the chance. */
#include "core/replica/connect_throttle.h"

#include "core/base/splitmix.h"

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

/* At least 0, less than 1. */
static double chance(struct connect_throttle *t)
{
    return (double)(splitmix_next(&t->seed) >> 11) / (double)(UINT64_C(1) << 53);
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
